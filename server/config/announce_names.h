// announce_names: what the host names in `announce` stand for.
#ifndef SERVER_ANNOUNCE_NAMES_H
#define SERVER_ANNOUNCE_NAMES_H

#include "base/addr.h"
#include "server/config/config.h"

#define ANNOUNCE_LOOKUP_MS_MAX 5000 // for one name

// Of each entry of config->announce that is a name: its addresses that clients can send to, IPv4 first.
struct announce_names {
    struct announce_name {
        unsigned count; // 0: no name, or it does not resolve
        struct addr address[2];
    } of[HUB_ANNOUNCE_MAX];
};

// How a name is looked up: name_lookup (server/common/name_lookup.h), or a test's own.
typedef unsigned announce_lookup(const char *host, uint16_t port, unsigned wait_ms, struct addr out[2],
                                 char *why, size_t why_cap);

bool announce_is_name(const char *entry); // of config->announce: neither an address nor auto
bool announce_has_names(const struct config *config);

// Looks every name up, one after the other; blocks for up to ANNOUNCE_LOOKUP_MS_MAX each. False when some of
// them gave nothing: `error` has a sentence about the first, the others are in `out`. known: what they stood
// for before, which stays for as long as it is among what a name server says (NULL: nothing).
bool announce_look_up(struct announce_names *out, const struct config *config,
                      const struct announce_names *known, announce_lookup *lookup, char *error,
                      size_t error_cap);

#endif
