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

// The addresses of this machine: those of its running interfaces that other machines can reach, without IPv6
// addresses that will not last. That of the default route comes first, those of networks that the machine has
// with its own containers and virtual machines last, IPv4 before IPv6 in each. Loopback joins them, in front,
// when HTTP listens on loopback, for the browser that is on this machine; and when there is nothing else.
#define ANNOUNCE_FOUND_MAX 256
struct announce_found {
    char text[ANNOUNCE_TEXT_MAX];
    bool inner; // of such a network of the machine's own
};
// Writes up to `cap`; returns how many, at least 1.
size_t announce_find(const char *listen_host, struct announce_found *out, size_t cap);

enum announce_origin {
    ANNOUNCE_NAMED, // by the operator
    ANNOUNCE_FOUND, // at an interface
    ANNOUNCE_SEEN,  // by a STUN server
};

#define ANNOUNCE_LEFT_OUT_TOLD 8

struct announce {
    unsigned count; // at least 1
    struct announced {
        char text[ANNOUNCE_TEXT_MAX]; // an IP literal
        enum announce_origin origin;
        bool inner;           // as in announce_found
    } list[HUB_ANNOUNCE_MAX]; // each address once; clients prefer earlier ones
    unsigned left_out;        // for which there was no room; the first of them:
    char left_out_first[ANNOUNCE_LEFT_OUT_TOLD][ANNOUNCE_TEXT_MAX];
    struct stun_seen seen;       // what the STUN server answered, if one was asked
    struct announce_names names; // what the names among the settings stood for
};

// What the settings say, in their order; `auto` becomes what announce_find finds, then what a STUN server has
// seen (NULL: none was asked), and a name what it stands for. What does not fit is left out, and counted.
// Where nothing is left it is as with `auto`.
void announce_make(struct announce *out, const struct config *config, const struct stun_seen *seen,
                   const struct announce_names *names);

// Looks names up, asks the STUN server of the settings, if there is one, and makes the list. Blocks as
// announce_look_up and stun_ask do. False and a sentence in `error` when a name or the server gave no address
// that clients can send to.
bool announce_resolve(struct announce *out, const struct config *config, char *error, size_t error_cap);

// Whether both announce the same, in the same order; but_inner: apart from the machine's own networks.
bool announce_equal(const struct announce *a, const struct announce *b, bool but_inner);
// Whether `auto` is among what is announced, so that it may change.
bool announce_is_automatic(const struct config *config);

// Warns of what was left out. Logs what the STUN server sees, and warns when a router in between changes the
// port.
void announce_log(const struct announce *announce, const struct config *config);

#endif
