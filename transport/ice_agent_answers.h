// ice_agent_answers: what libnice is told of answers to its checks: the address that it has asked from.
//
// An answer says under which address its peer has seen the check (RFC 8445, section 7.2.5.2), and libnice
// makes another pair of each address that it does not know. A peer that says another one each time, or
// another after a check that it left unanswered, brings these pairs and those that they came from into states
// that assertions of libnice exclude, and the process ends. Nothing is sent from such a pair that would not
// leave by the same socket, so there is no use in them: answers that come to a socket of ours say that
// socket's address, and those over a TURN server the place that it gave. So there are none.
//
// For that the functions of GLib and libnice that take a datagram and read an answer have namesakes here,
// which the dynamic linker finds first, in all of the process; of sockets that are not watched they do what
// theirs do.
#ifndef TRANSPORT_ICE_AGENT_ANSWERS_H
#define TRANSPORT_ICE_AGENT_ANSWERS_H

#include "base/addr.h"

#define ICE_AGENT_RELAYS_MAX 16

struct ice_agent_relays { // of an agent
    unsigned count;
    struct addr places[ICE_AGENT_RELAYS_MAX]; // at TURN servers
    unsigned learnt;                          // which of them an answer said first, by where it came in
    struct {
        int fd;
        struct addr server, place;
    } list[ICE_AGENT_RELAYS_MAX];
};

struct _GSocket;
// `relays` lives until the next call for that socket; NULL: it is not watched any more.
void ice_agent_answers_watch(struct _GSocket *socket, struct ice_agent_relays *relays);

#endif
