// A connection as a WebSocket client: messages in, the outbox out, pings, the closing handshake.
#include "server/web/connection.h"

#include "base/clock.h"
#include "base/log_pace.h"
#include "base/slots.h"
#include "server/web/tcp_progress.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WRITES_PER_TURN 4 // of one client, before others have their turn
#define CLOSE_TRY_AGAIN 1013

// When the next ping is due after this much silence. Jittered, so that neither the pings of all clients nor
// ours and those of a client that pings as regularly meet again and again.
static uint64_t ping_interval_us(const struct connection *connection) {
    const struct ws_server *server = connection->server;
    uint64_t x = (connection->id + server->pings) * UINT64_C(0x9e3779b97f4a7c15) ^ connection->heard_us;
    x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    uint64_t base_us = server->config.ping_seconds * US_PER_SECOND;
    return base_us + (x >> 33) % (base_us / 4 + 1);
}

static uint64_t silent_since(const struct connection *connection) {
    return patience_since(&connection->server->patience, connection->heard_us);
}

static void arm_for_silence(struct connection *connection, uint64_t now_us) {
    uint64_t heard_us = silent_since(connection);
    uint64_t hangup_us = heard_us + connection->server->config.hangup_seconds * US_PER_SECOND;
    uint64_t since_us = connection->ping_due ? now_us : heard_us;
    uint64_t ping_us = since_us + ping_interval_us(connection);
    connection_arm(connection, ping_us < hangup_us ? ping_us : hangup_us);
}

// A ping has left, behind whatever was sent before it.
static void note_asked(struct connection *connection) {
    struct tcp_progress progress;
    if (connection->asked_end == 0 && tcp_progress_read(connection->socket, &progress)) {
        connection->asked_end = progress.end;
        connection->acked = progress.acked;
    }
}

// It cannot have heard our question yet, but takes what lies before it: it is there, behind a slow link. What
// it confirms of the question itself says nothing, since that may be a proxy.
static void note_progress(struct connection *connection, uint64_t now_us) {
    struct tcp_progress progress;
    bool asked = connection->ping_due || connection->asked_end != 0;
    if (!asked || !tcp_progress_read(connection->socket, &progress))
        return;
    bool reached =
        !connection->ping_due && !connection_holds(connection) && progress.acked >= connection->asked_end;
    if (!reached && progress.acked > connection->acked && now_us - progress.ack_age_us > connection->heard_us)
        connection->heard_us = now_us - progress.ack_age_us;
    connection->acked = progress.acked;
}

// ---- who speaks with it

void client_tell_opened(const struct connection *connection, struct span query) {
    const struct ws_handlers *handlers = &connection->server->handlers;
    if (connection->talk)
        connection->talk->opened(connection->talk->ctx, connection->id, query);
    else
        handlers->opened(handlers->ctx, connection->id);
}

static void tell_message(const struct connection *connection, const struct ws_message *message) {
    const struct ws_handlers *handlers = &connection->server->handlers;
    if (connection->talk)
        connection->talk->message(connection->talk->ctx, connection->id, message->text, message->len);
    else
        handlers->message(handlers->ctx, connection->id, message->text, message->len);
}

static void tell_bad_frame(const struct connection *connection, enum ws_bad_frame what) {
    const struct ws_handlers *handlers = &connection->server->handlers;
    if (connection->talk)
        connection->talk->bad_frame(connection->talk->ctx, connection->id, what);
    else
        handlers->bad_frame(handlers->ctx, connection->id, what);
}

void client_tell_closed(const struct connection *connection, uint32_t id) {
    const struct ws_handlers *handlers = &connection->server->handlers;
    uint64_t heard_us = connection->given_up ? silent_since(connection) : clock_now_us();
    if (connection->talk)
        connection->talk->closed(connection->talk->ctx, id);
    else
        handlers->closed(handlers->ctx, id, heard_us);
}

void ws_server_hand_over(struct ws_server *server, uint32_t client, const struct ws_talk *talk) {
    struct connection *connection = slots_get(server->clients, client);
    if (connection)
        connection->talk = talk;
}

// ---- its beginning and its end

bool client_open(struct connection *connection, struct span query, uint64_t now_us) {
    struct ws_server *server = connection->server;
    connection->id = slots_add(server->clients, connection);
    if (!connection->id)
        return false;
    connection->state = CONNECTION_WS;
    connection->heard_us = now_us;
    outbox_init(&connection->outbox, WS_HEADER_MAX, server->config.backlog_max_bytes);
    connection->outbox.total = &server->backlog_bytes;
    ws_reader_init(&connection->reader, server->config.message_bytes_max);
    arm_for_silence(connection, now_us);
    client_tell_opened(connection, query);
    return true;
}

static void log_end(const struct connection *connection, enum log_level level, const char *event,
                    const char *why) {
    if (connection->joined)
        LOG_GUEST(level, event, LOG_NUMBER("client", connection->id), LOG_TEXT("reason", why));
    else
        LOG_STRANGER(level, event, LOG_NUMBER("client", connection->id), LOG_TEXT("reason", why));
}

// Nothing leaves any more, and the handlers hear of the end. The loop closes the socket.
static bool client_give_up(struct connection *connection, const char *why) {
    connection->given_up = true;
    log_end(connection, LOG_LEVEL_INFO, "client lost", why);
    return false;
}

void client_cut(struct connection *connection, const char *why) {
    log_end(connection, LOG_LEVEL_WARN, "client cut off", why);
    connection->deaf = true;
    connection->closing = true;
    connection->given_up = true;
    outbox_clear(&connection->outbox);
    // The loop sees the end of the stream and closes from there, never from inside the caller.
    shutdown(connection->socket, SHUT_RDWR);
}

void client_close(struct connection *connection, uint16_t code, const char *reason, uint64_t now_us) {
    connection->closing = true;
    connection->close_code = code;
    snprintf(connection->close_reason, sizeof connection->close_reason, "%s", reason ? reason : "");
    connection_arm(connection, now_us + CLOSE_US);
    connection_want_write(connection);
}

// ---- in

static void refuse_frame(struct connection *connection, enum ws_bad_frame what) {
    connection->deaf = true; // what follows cannot be read
    ws_reader_close(&connection->reader);
    tell_bad_frame(connection, what);
}

// The client begins to close, answers our close, or breaks the protocol and is told with which code.
static void end_with(struct connection *connection, uint16_t code, uint64_t now_us) {
    connection->deaf = true;
    outbox_clear(&connection->outbox);
    client_close(connection, code, "", now_us);
}

static void take_ping(struct connection *connection, const struct ws_message *message) {
    memcpy(connection->pong, message->text, message->len);
    connection->pong_len = message->len;
    connection->pong_due = true; // the last one alone is answered (RFC 6455, section 5.5.3)
    connection_want_write(connection);
}

static void take_event(struct connection *connection, enum ws_event event, const struct ws_message *message,
                       uint64_t now_us) {
    bool heard = !connection->closing;
    switch (event) {
    case WS_EVENT_TEXT:
        if (heard)
            tell_message(connection, message);
        return;
    case WS_EVENT_PING:
        if (heard)
            take_ping(connection, message);
        return;
    case WS_EVENT_CLOSE:
        connection->heard_close = true;
        if (heard)
            end_with(connection, message->code, now_us);
        return;
    case WS_EVENT_BROKEN:
        if (heard)
            end_with(connection, message->code, now_us);
        connection->deaf = true;
        return;
    case WS_EVENT_BINARY:
    case WS_EVENT_TOO_BIG:
        if (heard)
            refuse_frame(connection, event == WS_EVENT_BINARY ? WS_FRAME_BINARY : WS_FRAME_TOO_BIG);
        connection->deaf = true;
        return;
    case WS_EVENT_NO_MEMORY:
        client_cut(connection, "out of memory");
        return;
    case WS_EVENT_PONG:
    case WS_EVENT_NONE:
        return;
    }
}

bool client_received(struct connection *connection, uint8_t *bytes, size_t len, uint64_t now_us) {
    connection->heard_us = now_us;
    connection->asked_end = 0;
    while (len && !connection->deaf && !connection->heard_close) {
        struct ws_message message;
        size_t used;
        enum ws_event event = ws_read(&connection->reader, bytes, len, &used, &message);
        if (event == WS_EVENT_NONE)
            break;
        take_event(connection, event, &message, now_us);
        bytes += used;
        len -= used;
        // Nothing is kept for a client that may be quiet from now on.
        if (!connection->reader.in_message || connection->deaf) {
            ws_reader_close(&connection->reader);
            connection_note_arriving(connection, now_us);
        }
    }
    connection_note_arriving(connection, now_us);
    return !(connection->state == CONNECTION_WS_CLOSED && connection->heard_close);
}

void client_give_up_arriving(struct connection *connection, uint64_t now_us) {
    connection->deaf = true;
    if (!connection->closing)
        client_close(connection, CLOSE_TRY_AGAIN,
                     "the server is short of memory, and your message was slow to arrive", now_us);
}

// ---- out

static size_t put_frame(uint8_t *out, enum ws_opcode opcode, const void *payload, size_t len) {
    size_t n = ws_frame_header(out, opcode, len);
    if (len)
        memcpy(out + n, payload, len);
    return n + len;
}

// Control frames go in front of what is queued.
static size_t gather_control(struct connection *connection, uint8_t *out) {
    size_t n = 0;
    if (connection->pong_due)
        n += put_frame(out, WS_OPCODE_PONG, connection->pong, connection->pong_len);
    if (connection->ping_due) {
        char number[24];
        int len =
            snprintf(number, sizeof number, "rotunda %llu", (unsigned long long)++connection->server->pings);
        n += put_frame(out + n, WS_OPCODE_PING, number, (size_t)len);
    }
    connection->pong_due = connection->ping_due = false;
    return n;
}

// As many frames as one write carries.
static size_t gather(struct connection *connection, uint8_t *out) {
    size_t n = gather_control(connection, out);
    for (struct outbox_message *message; (message = outbox_first(&connection->outbox));) {
        if (message->len + WS_HEADER_MAX > GATHER_BYTES - n)
            break;
        n += put_frame(out + n, WS_OPCODE_TEXT, message->bytes + WS_HEADER_MAX, message->len);
        free(outbox_pop(&connection->outbox));
    }
    return n;
}

// One that is longer than a gathered write goes from where it lies.
static bool write_long(struct connection *connection, struct outbox_message *message) {
    uint8_t header[WS_HEADER_MAX];
    size_t n = ws_frame_header(header, WS_OPCODE_TEXT, message->len);
    uint8_t *frame = message->bytes + WS_HEADER_MAX - n;
    memcpy(frame, header, n);
    bool fine = connection_write(connection, frame, n + message->len);
    free(message);
    return fine;
}

static bool say_close(struct connection *connection) {
    uint8_t payload[2 + REASON_MAX], frame[WS_HEADER_MAX + sizeof payload];
    size_t len = strlen(connection->close_reason), payload_len = 2 + len;
    payload[0] = (uint8_t)(connection->close_code >> 8);
    payload[1] = (uint8_t)connection->close_code;
    memcpy(payload + 2, connection->close_reason, len);
    if (!ws_close_code_valid(connection->close_code)) // 1005: the client gave none, and gets none
        payload_len = 0;
    connection->state = CONNECTION_WS_CLOSED;
    return connection_write(connection, frame, put_frame(frame, WS_OPCODE_CLOSE, payload, payload_len));
}

// The close frame is with the kernel. False: both sides have said it, and the socket can go. Where the
// client's answer could not be read, it is given a moment to see the end of the stream; the client is gone
// all the same.
static bool client_finish(struct connection *connection, uint64_t now_us) {
    if (connection->heard_close || !connection->deaf)
        return !connection->heard_close;
    if (!connection->server->ssl_ctx)
        shutdown(connection->socket, SHUT_WR);
    connection_arm(connection, now_us + LINGER_US);
    connection->state = CONNECTION_LINGER;
    connection_forget_client(connection);
    return true;
}

bool client_writeable(struct connection *connection, uint64_t now_us) {
    for (int i = 0; i < WRITES_PER_TURN && !connection_holds(connection); i++) {
        if (connection->state == CONNECTION_WS_CLOSED)
            return client_finish(connection, now_us);
        bool asks = connection->ping_due;
        size_t n = gather(connection, connection->server->gather);
        if (n && !connection_write(connection, connection->server->gather, n))
            return false;
        if (asks)
            note_asked(connection);
        if (n)
            continue;
        struct outbox_message *message = outbox_pop(&connection->outbox);
        if (message ? !write_long(connection, message) : connection->closing && !say_close(connection))
            return false;
        if (!message && !connection->closing)
            return true;
    }
    if (!outbox_empty(&connection->outbox) || connection->closing)
        connection_want_write(connection);
    return true;
}

bool client_timer(struct connection *connection, uint64_t now_us) {
    if (connection->closing) { // it had its time
        connection->given_up = true;
        return false;
    }
    note_progress(connection, now_us);
    uint64_t silent_us = now_us - silent_since(connection);
    if (silent_us >= connection->server->config.hangup_seconds * US_PER_SECOND)
        return client_give_up(connection, "no sign of life");
    if (silent_us >= connection->server->config.ping_seconds * US_PER_SECOND) {
        connection->ping_due = true;
        connection_want_write(connection);
    }
    arm_for_silence(connection, now_us);
    return true;
}
