// proxy_wait: looks at the beginning of a connection from a trusted proxy, before anything else reads it, for
// a PROXY header (server/web/forwarded.h), and takes that off. It must come first, in front of TLS as well.
//
// Control thread.
#ifndef SERVER_PROXY_WAIT_H
#define SERVER_PROXY_WAIT_H

#include "server/web/forwarded.h"

struct uv_loop_s;
struct proxy_wait;

// `done` is called from the loop once, with PROXY_NONE, PROXY_FOUND, PROXY_LOCAL or PROXY_BROKEN (also at the
// end of the stream); the wait is over then, and the socket the caller's again. NULL: no memory, nothing has
// changed.
struct proxy_wait *proxy_wait_start(struct uv_loop_s *loop, int socket,
                                    void (*done)(void *ctx, enum proxy_outcome outcome,
                                                 const struct net_address *client),
                                    void *ctx);
// Ends it without a call. The socket may be closed at once. NULL is fine.
void proxy_wait_stop(struct proxy_wait *wait);

#endif
