// address_watch: hears from the kernel (netlink, RFC 3549) when this machine's addresses, its default routes
// or its interfaces change.
//
// Changes come in bursts: an interface that comes up says a dozen things. So `changed` is called once it has
// been quiet for ADDRESS_QUIET_MS, or ADDRESS_LATEST_MS after the first word. What has changed is not told:
// look again. Control thread; on the control loop, which it never keeps alive.
#ifndef SERVER_ADDRESS_WATCH_H
#define SERVER_ADDRESS_WATCH_H

#include "base/span.h"

#include <stdbool.h>

#define ADDRESS_QUIET_MS 300
#define ADDRESS_LATEST_MS 2000

struct uv_loop_s;
struct address_watch;

// NULL: the kernel refused, errno says why.
struct address_watch *address_watch_start(struct uv_loop_s *loop, void (*changed)(void *ctx), void *ctx);
// Ends on the loop: run it until it has no handles (ws_server_stop does). NULL is fine.
void address_watch_stop(struct address_watch *watch);

// Whether a datagram of the kernel's says that: a new or deleted address or default route, or an interface
// that came, went, or is another (up, down, without a carrier). Pure.
bool address_news(struct span datagram);

#endif
