// announce: the addresses that clients are told to send media to, when the operator names none.
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#define ANNOUNCE_TEXT_MAX 46 // an IP literal with its end (INET6_ADDRSTRLEN)

// How far an address reaches.
enum address_scope {
    ADDRESS_UNUSABLE, // not an IP literal, or: any, multicast, link-local
    ADDRESS_LOOPBACK, // this machine alone
    ADDRESS_PRIVATE,  // RFC 1918, RFC 4193, and the shared space of RFC 6598
    ADDRESS_PUBLIC,
};

enum address_scope address_scope_of(const char *text);

// Writes up to `cap` addresses of this machine, IPv4 first: those of its running interfaces that other
// machines can reach. Loopback joins them when HTTP listens on loopback, for the browser that is on this
// machine, or when there is nothing else. Returns how many; at least 1.
size_t announce_find(const char *listen_host, char (*out)[ANNOUNCE_TEXT_MAX], size_t cap);

#endif
