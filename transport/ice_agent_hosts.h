// ice_agent_hosts: the addresses that libnice takes this machine to have: those of the pool whose turn it is.
//
// libnice asks the kernel for all addresses of the machine whenever it computes a priority; the place of an
// address among them is its preference, and an assertion ends the process where that is 64 or more: on a
// machine with a few dozen containers, each of whose interfaces has one. Nor is that order the one in which
// addresses are announced. So there is a function of ours that bears the name of libnice's
// (nice_interfaces_get_local_ips), which the dynamic linker takes in its place, in all of the process.
//
// Of the calling thread.
#ifndef TRANSPORT_ICE_AGENT_HOSTS_H
#define TRANSPORT_ICE_AGENT_HOSTS_H

#include "base/addr.h"

#define ICE_HOSTS_LISTED_MAX 63 // what libnice has places for

// From now on these, the preferred ones first; `hosts` lives until the next call. 0: none.
void ice_agent_hosts_enter(const struct addr *hosts, unsigned count);

#endif
