// whip_routes: WHIP and WHEP as rows of the HTTP server: its requests to server/whip/whip.h and back.
#ifndef SERVER_WHIP_ROUTES_H
#define SERVER_WHIP_ROUTES_H

#include "server/web/http_route.h"
#include "server/whip/whip.h"

struct address_limits;
struct gate;
struct ws_server;

// What the rest of the server does for `whip`. Kept by the caller, who sets its members as they come to be.
struct whip_host {
    struct address_limits *limits;
    const struct networks *trusted; // proxies that do not say for whom they speak
    struct gate *gate;
    bool needs_tokens;
    struct ws_server *ws; // NULL: not there any more
};
struct whip *whip_host_start(struct whip_host *host, struct hub *hub); // NULL: no memory
// The seconds that an address must wait before it may take this step; 0: it may now.
unsigned whip_host_admit(const struct whip_host *host, const struct net_address *address, enum hub_step step);
// A join of it, or a token, was refused.
void whip_host_failed(const struct whip_host *host, const struct net_address *address);

// Fills `answer` from what `whip` says; views: the path is below /whep/.
void whip_routes_answer(struct whip *whip, bool views, const struct http_request *request,
                        struct http_answer *answer, uint64_t now_us);

// The rows of one of the two, for a table of routes.
#define WHIP_ROUTE_ROWS(path, answer)                                                                        \
    {HTTP_POST, path, HTTP_PUBLIC | HTTP_LATE, WHIP_BODY_MAX, "", answer},                                   \
        {HTTP_PATCH, path, HTTP_PUBLIC, WHIP_BODY_MAX, "", answer},                                          \
        {HTTP_DELETE, path, HTTP_PUBLIC, 0, "", answer}, {HTTP_OPTIONS, path, HTTP_PUBLIC, 0, "", answer},   \
        {HTTP_GET, path, HTTP_PUBLIC, 0, "", answer}, {                                                      \
        HTTP_OTHER, path, HTTP_PUBLIC, 0, "", answer                                                         \
    }

#endif
