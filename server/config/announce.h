// announce: the addresses that clients are told to send media to.
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H

#include "server/common/stun_client.h"
#include "server/config/announce_names.h"
#include "server/config/config.h"

#define ANNOUNCE_TEXT_MAX IP_TEXT_MAX

// How far an address reaches.
enum address_scope {
    ADDRESS_UNUSABLE, // not an IP literal, or: any, multicast, link-local
    ADDRESS_LOOPBACK, // this machine alone
    ADDRESS_PRIVATE,  // RFC 1918, RFC 4193, and the shared space of RFC 6598
    ADDRESS_PUBLIC,
};

enum address_scope address_scope_of(const char *text);

// Writes up to `cap` addresses of this machine, IPv4 first: those of its running interfaces that other
// machines can reach, without IPv6 addresses that will not last. Loopback joins them when HTTP listens on
// loopback, for the browser that is on this machine, or when there is nothing else. Returns how many; at
// least 1.
size_t announce_find(const char *listen_host, char (*out)[ANNOUNCE_TEXT_MAX], size_t cap);

enum announce_origin {
    ANNOUNCE_NAMED, // by the operator
    ANNOUNCE_FOUND, // at an interface
    ANNOUNCE_SEEN,  // by a STUN server
};

struct announce {
    unsigned count; // at least 1
    struct announced {
        char text[ANNOUNCE_TEXT_MAX]; // an IP literal
        enum announce_origin origin;
    } list[HUB_ANNOUNCE_MAX];    // each address once; clients prefer earlier ones
    struct stun_seen seen;       // what the STUN server answered, if one was asked
    struct announce_names names; // what the names among the settings stood for
};

// What the settings say, in their order; `auto` becomes what announce_find finds, then what a STUN server has
// seen (NULL: none was asked), and a name what it stands for. What does not fit is left out. Where nothing is
// left it is as with `auto`.
void announce_make(struct announce *out, const struct config *config, const struct stun_seen *seen,
                   const struct announce_names *names);

// Looks names up, asks the STUN server of the settings, if there is one, and makes the list. Blocks as
// announce_look_up and stun_ask do. False and a sentence in `error` when a name or the server gave no address
// that clients can send to.
bool announce_resolve(struct announce *out, const struct config *config, char *error, size_t error_cap);

// Logs what the STUN server sees, and warns when a router in between changes the port.
void announce_log(const struct announce *announce, const struct config *config);

#endif
