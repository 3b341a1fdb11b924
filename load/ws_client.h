// ws_client: WebSocket connections to the server, on a libuv loop: the only file that includes libwebsockets
// is ws_client.c. Text frames of any length; one thread.
#ifndef LOAD_WS_CLIENT_H
#define LOAD_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define WS_MESSAGE_MAX (4 * 1024 * 1024) // of the server; a longer one closes the connection

#define WS_OUTBOX_MAX (1024 * 1024)

struct uv_loop_s;
struct ws_client;
struct ws_connection;

struct ws_events {
    void (*opened)(void *ctx);
    void (*message)(void *ctx, const char *text, size_t len);
    // The connection could not be made (`why` says so) or has ended; it must not be used any more.
    void (*closed)(void *ctx, const char *why);
};

// NULL: `error` says why (a URL that cannot be read, nobody
// listens there, no memory). Tries the connection once, for 5 s at most, before anything else.
struct ws_client *ws_client_create(struct uv_loop_s *loop, const char *url, bool insecure, char *error,
                                   size_t error_cap);
// Closes what is open and runs the loop until everything of it is gone. NULL is fine.
void ws_client_destroy(struct ws_client *client);

// NULL: no memory, or refused at once. `closed` may be called before it returns NULL.
struct ws_connection *ws_connect(struct ws_client *client, const struct ws_events *events, void *ctx);
// A connection for which more than WS_OUTBOX_MAX bytes wait is cut off; `closed` tells so, later.
void ws_send(struct ws_connection *connection, const char *text, size_t len);
// Ends with a close frame once what is queued was sent; `closed` is not called.
void ws_close(struct ws_connection *connection);

#endif
