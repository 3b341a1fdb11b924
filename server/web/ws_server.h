// ws_server: HTTP and WebSocket, or HTTPS and secure WebSocket, on one TCP port, and HTTP for operators on
// another.
//
// WebSocket at /ws, and at the paths of ws_talk: one text frame is one message. Fragments are put together up
// to message_bytes_max; text that is not UTF-8 closes the connection with 1007. What goes out waits in a
// bounded outbox, and one write carries as many messages as it takes; a client that does not keep up is cut
// off (server/web/outbox.h). A client that does not answer pings is closed. A page of another origin than the
// server's own and those that the operator names gets 403 in place of a WebSocket or of a route's answer
// (server/web/cross_origin.h).
//
// HTTP/1.1 (server/web/http_head.h says what is taken): the routes answer first, then GET and HEAD of the
// files of web_root. Whatever comes gets an answer in words; nothing is closed without one, but for what is
// no HTTP in TLS.
//
// libwebsockets carries the connections (sockets, TLS, the loop); heads and frames are read here, and every
// deadline stands in one wheel: docs/adr/0009-http-and-websocket-on-raw-connections.md says why.
// server/web/ws_server.c is the only user of libwebsockets.
//
// Control thread only. Handlers are called from the loop, never from inside a ws_server_* function.
#ifndef SERVER_WS_SERVER_H
#define SERVER_WS_SERVER_H

#include "server/web/http_refusal.h"
#include "server/web/http_route.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_limits;
struct origins;
struct tls_identity;
struct uv_loop_s;
struct ws_server;

struct ws_server_config {
    const char *host;       // IP literal
    uint16_t port;          // 0: the system chooses
    const char *admin_host; // likewise, for operators, always plain HTTP; "" or NULL: no such port
    uint16_t admin_port;
    const char *web_root;
    uint32_t connections_max;
    size_t backlog_max_bytes; // of one client's outbox
    size_t message_bytes_max; // of one incoming message
    // Of all requests and messages that have come in part; those that began first make room for others. 0:
    // the preset (32 MiB).
    size_t arriving_bytes_max;
    uint16_t ping_seconds;         // silence before a ping, and up to a quarter more
    uint16_t hangup_seconds;       // silence before the connection is given up; more than ping_seconds
    struct networks trusted;       // proxies whose word counts for where a client is (server/web/forwarded.h)
    struct address_limits *limits; // that connections are counted in; NULL: no limits. Outlives the server
    const char *frame_ancestors;   // who may show pages in a frame (server/web/page_headers.h); lives as long
    const struct origins
        *origins; // whose pages may use the server beside its own; lives as long; NULL: nobody's
    // Whom else the public port serves where it has TLS: connections whose first byte is `theirs` are given
    // to `take` with nothing read of them. NULL functions: nobody.
    struct ws_first {
        void *ctx;
        bool (*theirs)(uint8_t first);
        void (*take)(void *ctx, int socket, const struct net_address *client);
    } first;
    // NULL: plain HTTP. Only needed while it starts.
    const struct tls_identity *identity;
};

enum ws_bad_frame { WS_FRAME_BINARY, WS_FRAME_TOO_BIG };

// Who speaks with the WebSocket clients of another path than /ws; as the members of ws_handlers. A path that
// a request ends with a slash is the same.
struct ws_talk {
    const char *path; // the whole decoded path; lives as long as the server
    void *ctx;
    void (*opened)(void *ctx, uint32_t client, struct span query); // what follows the "?", as it came
    void (*message)(void *ctx, uint32_t client, const char *text, size_t len);
    void (*bad_frame)(void *ctx, uint32_t client, enum ws_bad_frame what);
    void (*closed)(void *ctx, uint32_t client);
};

struct ws_handlers {
    void *ctx;
    void (*opened)(void *ctx, uint32_t client);
    void (*message)(void *ctx, uint32_t client, const char *text, size_t len);
    // Nothing more is taken from this client; the handler says so to it and closes it.
    void (*bad_frame)(void *ctx, uint32_t client, enum ws_bad_frame what);
    // heard_us: its last sign of life, now or before; what it has not answered or not read is none.
    void (*closed)(void *ctx, uint32_t client, uint64_t heard_us);
    // Nobody reads an answer any more that goes on (http_answer.stream). NULL: none does.
    void (*stream_closed)(void *ctx, uint32_t stream);
    // Nobody waits any more for an answer that was to come later (http_answer.later). NULL: none does.
    void (*late_closed)(void *ctx, uint32_t late);
    const struct ws_talk *talks; // live as long as the server
    size_t talk_count;
    const struct http_route *routes; // likewise
    size_t route_count;
    const struct http_form_row *forms; // likewise: where refusals are no pages
    size_t form_count;
};

// Listens and attaches to the loop. On failure NULL and a sentence in `error`.
struct ws_server *ws_server_start(const struct ws_server_config *config, const struct ws_handlers *handlers,
                                  struct uv_loop_s *loop, char *error, size_t error_cap);
uint16_t ws_server_port(const struct ws_server *server);       // the bound port
uint16_t ws_server_admin_port(const struct ws_server *server); // 0 for none
uint32_t ws_server_client_count(const struct ws_server *server);
uint32_t ws_server_connection_count(const struct ws_server *server); // HTTP and WebSocket

// Unknown clients are ignored, as are messages for one that is being closed.
void ws_server_send(struct ws_server *server, uint32_t client, const char *text, size_t len);
// The same, of a message that may wait a moment (50 ms) for others, or for one that may not; the order stays.
void ws_server_send_soon(struct ws_server *server, uint32_t client, const char *text, size_t len);
// What a client is owed on joining: it does not count against its backlog (server/web/outbox.h).
void ws_server_send_owed(struct ws_server *server, uint32_t client, const char *text, size_t len);
// More of an answer that goes on. False: it is not there, or its reader is too slow.
bool ws_server_stream_write(struct ws_server *server, uint32_t stream, const char *text, size_t len);
void ws_server_stream_end(struct ws_server *server, uint32_t stream); // after what was written
// The answer that was to come later, of text. False: nobody waits for it any more, or no memory.
bool ws_server_answer_late(struct ws_server *server, uint32_t late, unsigned status, const char *content_type,
                           const char *text, size_t len);
// From now on the client speaks with another; it is told to nobody. NULL: with the handlers of /ws.
void ws_server_hand_over(struct ws_server *server, uint32_t client, const struct ws_talk *talk);
// Bytes that wait in the outboxes of all clients.
size_t ws_server_backlog_bytes(const struct ws_server *server);
// Closes after what is queued has been sent, or after some seconds if the client does not take it.
void ws_server_close(struct ws_server *server, uint32_t client, uint16_t code, const char *reason);

// Where the client is. False: there is no such client.
bool ws_server_client_address(const struct ws_server *server, uint32_t client, struct net_address *out);
// The client has joined a room, or left it: the address limits count it accordingly.
void ws_server_client_joined(struct ws_server *server, uint32_t client, bool joined);

// Another certificate for connections that begin from now on; those that are there are not touched. Only
// where the start had one. False: it is refused, and the one before stays.
bool ws_server_set_identity(struct ws_server *server, const struct tls_identity *identity);

// No more connections; every client is closed as by ws_server_close.
void ws_server_close_all(struct ws_server *server, uint16_t code, const char *reason);
// Closes everything at once (`closed` is called for clients that are still there), turns the loop until all
// is released, and frees. Other handles of the loop must not keep it alive. Not from inside a handler. NULL
// is fine.
void ws_server_stop(struct ws_server *server);

const char *ws_server_library_version(void);

#endif
