// An answer that goes on: what is written to it goes out as it comes, until either side ends it. Whoever
// reads slowly is cut off (server/web/outbox.h); silence is broken now and then, so that proxies keep it
// open.
#include "base/log.h"
#include "server/web/connection.h"

#include <stdlib.h>

#define STREAM_BACKLOG_BYTES (32 * 1024)
#define STREAM_ALIVE_US (15 * US_PER_SECOND)

void stream_prepare(struct connection *connection, uint32_t stream) {
    connection->stream = stream;
    connection->last = true; // its length is told by its end
    outbox_init(&connection->outbox, 0, STREAM_BACKLOG_BYTES);
    connection->outbox.total = &connection->server->backlog_bytes;
    list_push_back(&connection->server->streams, &connection->stream_link);
}

bool stream_begin(struct connection *connection, uint64_t now_us) {
    connection->state = CONNECTION_STREAM;
    connection_read_on(connection, true);
    connection_arm(connection, now_us + STREAM_ALIVE_US);
    return stream_writeable(connection, now_us);
}

bool stream_writeable(struct connection *connection, uint64_t now_us) {
    if (connection_holds(connection)) { // it does not read what it was given
        connection_want_write(connection);
        return true;
    }
    struct outbox_message *message = outbox_pop(&connection->outbox);
    if (message) {
        connection_arm(connection, now_us + STREAM_ALIVE_US);
        bool fine = connection_write(connection, message->bytes, message->len);
        free(message);
        if (!fine)
            return false;
    }
    if (!outbox_empty(&connection->outbox))
        connection_want_write(connection);
    return !connection->stream_ending || !outbox_empty(&connection->outbox);
}

// A comment (HTML, "Parsing an event stream"), which nobody reads.
bool stream_timer(struct connection *connection, uint64_t now_us) {
    static const char comment[] = ":\n\n";
    if (connection_holds(connection) || !outbox_empty(&connection->outbox))
        return false; // it has not read for long
    connection_arm(connection, now_us + STREAM_ALIVE_US);
    return connection_write(connection, (const uint8_t *)comment, sizeof comment - 1);
}

void stream_forget(struct connection *connection) {
    struct ws_server *server = connection->server;
    uint32_t stream = connection->stream;
    if (!stream)
        return;
    connection->stream = 0;
    list_remove(&connection->stream_link);
    if (server->handlers.stream_closed)
        server->handlers.stream_closed(server->handlers.ctx, stream);
}

static struct connection *find(struct ws_server *server, uint32_t stream) {
    LIST_EACH(node, &server->streams) {
        struct connection *connection = LIST_ENTRY(node, struct connection, stream_link);
        if (connection->stream == stream)
            return connection;
    }
    return NULL;
}

bool ws_server_stream_write(struct ws_server *server, uint32_t stream, const char *text, size_t len) {
    struct connection *connection = find(server, stream);
    if (!connection || connection->stream_ending || server->stopping ||
        outbox_push(&connection->outbox, text, len, false, clock_now_us()) != ERR_OK)
        return false;
    connection_want_write(connection);
    return true;
}

void ws_server_stream_end(struct ws_server *server, uint32_t stream) {
    struct connection *connection = find(server, stream);
    if (!connection)
        return;
    connection->stream = 0; // nobody is told of it any more
    list_remove(&connection->stream_link);
    connection->stream_ending = true;
    connection_want_write(connection);
}
