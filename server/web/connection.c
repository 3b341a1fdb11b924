// What happens to a connection, handed to the side that it speaks: HTTP or WebSocket.
#include "server/web/connection.h"

#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_ws(const struct connection *connection) {
    return connection->state == CONNECTION_WS || connection->state == CONNECTION_WS_CLOSED;
}

bool connection_received(struct connection *connection, uint8_t *bytes, size_t len, uint64_t now_us) {
    if (is_ws(connection))
        return client_received(connection, bytes, len, now_us);
    return http_received(connection, bytes, len, now_us);
}

bool connection_writeable(struct connection *connection, uint64_t now_us) {
    if (connection->server->stopping)
        return true;
    return is_ws(connection) ? client_writeable(connection, now_us) : http_writeable(connection, now_us);
}

bool connection_timer(struct connection *connection, uint64_t now_us) {
    return is_ws(connection) ? client_timer(connection, now_us) : http_timer(connection, now_us);
}

// At once, without a turn of the loop in between: in a large room that is most of what is written.
bool connection_notice(struct connection *connection, uint64_t now_us) {
    if (connection_holds(connection)) {
        connection_want_write(connection);
        return true;
    }
    return connection_writeable(connection, now_us);
}

static void arriving_count(struct connection *connection) {
    struct ws_server *server = connection->server;
    size_t bytes = connection->inbox_cap + connection->reader.message_cap;
    server->arriving_bytes = server->arriving_bytes - connection->arriving + bytes;
    if (bytes && !connection->arriving)
        list_push_back(&server->arrivals, &connection->arrival);
    else if (!bytes && connection->arriving)
        list_remove(&connection->arrival);
    connection->arriving = bytes;
}

void connection_note_arriving(struct connection *connection, uint64_t now_us) {
    struct ws_server *server = connection->server;
    arriving_count(connection);
    while (server->arriving_bytes > server->config.arriving_bytes_max) {
        struct connection *oldest = LIST_ENTRY(server->arrivals.next, struct connection, arrival);
        ws_reader_close(&oldest->reader);
        (is_ws(oldest) ? client_give_up_arriving : http_give_up_arriving)(oldest, now_us);
        arriving_count(oldest);
        assert(oldest->arriving == 0);
    }
}

static void limits_release(struct connection *connection, uint64_t now_us) {
    struct address_limits *limits = connection->server->config.limits;
    if (connection->counted && connection->joined)
        address_limits_left(limits, &connection->client, now_us);
    if (connection->counted)
        address_limits_disconnect(limits, &connection->client, now_us);
    connection->counted = connection->joined = false;
}

void connection_forget_client(struct connection *connection) {
    struct ws_server *server = connection->server;
    uint32_t id = connection->id;
    if (!id)
        return;
    slots_remove(server->clients, id);
    connection->id = 0;
    client_tell_closed(connection, id);
}

void connection_release(struct connection *connection, uint64_t now_us) {
    struct ws_server *server = connection->server;
    connection_forget_client(connection);
    stream_forget(connection);
    late_forget(connection);
    limits_release(connection, now_us);
    wheel_cancel(&server->wheel, &connection->timer);
    wheel_cancel(&server->wheel, &connection->notice);
    outbox_clear(&connection->outbox);
    ws_reader_close(&connection->reader);
    if (connection->file >= 0)
        close(connection->file);
    connection->file = -1;
    free(connection->inbox);
    free(connection->out);
    connection->inbox = connection->out = NULL;
    connection->inbox_len = connection->inbox_cap = 0;
    arriving_count(connection);
}
