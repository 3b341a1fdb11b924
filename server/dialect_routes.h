// dialect_routes: the signalling dialects that others made (server/dialects/) as rows and WebSocket paths of
// the HTTP server: those that the settings name, and nothing else.
#ifndef SERVER_DIALECT_ROUTES_H
#define SERVER_DIALECT_ROUTES_H

#include "server/config/config.h"
#include "server/dialects/named.h"
#include "server/dialects/peerjs.h"
#include "server/dialects/socket_io.h"
#include "server/web/http_route.h"
#include "server/web/ws_server.h"

#define DIALECT_ROUTES_MAX 6
#define DIALECT_TALKS_MAX 3
#define DIALECT_PATH_MAX (CONFIG_ROUTE_MAX + CONFIG_WORD_MAX + 8)

// The dialects that run, and what the HTTP server is given of them. Kept by the caller; control thread.
struct dialect_host {
    struct address_limits *addresses; // set by the caller
    struct peerjs *peerjs;            // NULL where no setting names it, as the others
    struct named *named;
    struct socket_io *socket_io;
    bool named_at_ws;               // it shares /ws with our own protocol
    struct dialect_limits limits;   // of all of them
    const struct networks *trusted; // proxies that do not say for whom they speak
    struct ws_server *ws;           // set by the caller; NULL: not there any more
    void (*gone)(void *ctx);        // a WebSocket client has gone
    void *gone_ctx;
    char paths[DIALECT_ROUTES_MAX][DIALECT_PATH_MAX];
    unsigned path_count;
    struct http_route routes[DIALECT_ROUTES_MAX];
    size_t route_count;
    const char *places[DIALECT_TALKS_MAX]; // of each, as its setting says
    struct ws_talk talks[DIALECT_TALKS_MAX];
    size_t talk_count;
};

// Makes those that the settings name. False: no memory. The rows' functions get `ctx` of the HTTP server, of
// which dialect_host_of makes the host.
bool dialect_host_start(struct dialect_host *host, const struct config *config);
void dialect_host_stop(struct dialect_host *host); // tells nobody
void dialect_host_set_limits(struct dialect_host *host, const struct config *config);
void dialect_host_late_closed(struct dialect_host *host, uint32_t late); // as ws_handlers.late_closed
// For whoever owns the host: which one belongs to the HTTP server's ctx.
struct dialect_host *dialect_host_of(void *ctx);

// Whether a message of a client of /ws shows that it speaks the dialect with from and to.
bool dialect_host_wants(const struct dialect_host *host, const char *text, size_t len);
// The dialect speaks with the client from now on, whose message this is; nobody else does any more.
void dialect_host_take(struct dialect_host *host, uint32_t client, const char *text, size_t len);

// What is served and where, for people: "PeerJS at /a, from/to at /b"; "": nothing.
void dialect_host_describe(const struct dialect_host *host, char *out, size_t cap);

uint64_t dialect_host_next_us(const struct dialect_host *host); // TIME_NEVER for none
void dialect_host_advance(struct dialect_host *host, uint64_t now_us);
void dialect_host_read_counts(const struct dialect_host *host, struct dialect_counts *out);

#endif
