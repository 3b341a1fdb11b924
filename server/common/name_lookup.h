// name_lookup: the addresses of a host name, in bounded time.
//
// Blocks. For the start of the process, before anything is served; never on a loop.
#ifndef SERVER_NAME_LOOKUP_H
#define SERVER_NAME_LOOKUP_H

#include "base/addr.h"

// Writes the addresses of `host`, a name or an IP literal, with `port`: at most one for each family, IPv4
// first. Of several of a family the one that is in `out` already is taken, if it is still among them (name
// servers give them in turn); family 0 in both: the first. Returns how many; 0 when it does not resolve
// within wait_ms: `why` then says why in some words.
unsigned name_lookup(const char *host, uint16_t port, unsigned wait_ms, struct addr out[2], char *why,
                     size_t why_cap);

#endif
