// forwarded: who a client is when proxies that the operator trusts stand in between: the PROXY protocol
// (versions 1 and 2, as HAProxy's proxy-protocol.txt has it) and the X-Forwarded-For field.
//
// Whatever is said counts only when a trusted peer says it; whether it is one is the caller's to know. Pure.
// Any thread.
#ifndef SERVER_FORWARDED_H
#define SERVER_FORWARDED_H

#include "base/span.h"
#include "server/common/net_address.h"

#define PROXY_HEADER_MAX 536 // bytes; of version 2 with some of its additions (16 + 520)

enum proxy_outcome {
    PROXY_MORE,   // what is there may be the beginning of one
    PROXY_NONE,   // the connection begins without one
    PROXY_FOUND,  // `used` bytes; `client` is set
    PROXY_LOCAL,  // `used` bytes, and the proxy speaks for itself (a health check)
    PROXY_BROKEN, // begins like one, and is none
};

// Looks for a PROXY header at the beginning of a connection.
enum proxy_outcome proxy_header_read(const uint8_t *bytes, size_t len, size_t *used,
                                     struct net_address *client);

// The client, of a request that came from `peer`: the rightmost address of the X-Forwarded-For fields (in
// their order) that is no trusted proxy's. `peer` when it is not trusted itself; the last trusted one when
// nothing else is there, or when what follows is no address.
struct net_address forwarded_client(const struct net_address *peer, const struct networks *trusted,
                                    const struct span *fields, size_t count);

#endif
