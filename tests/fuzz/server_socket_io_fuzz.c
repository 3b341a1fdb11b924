// socket.io: steps of requests, WebSockets and the clock. Each step is one byte (what is done, and by whom)
// and a text up to 0xfe; a "$" in a query stands for the sid that was made last. What is said goes to whom is
// there alone, each request that waits is answered once, and at the end nothing is kept.
#include "server/dialects/socket_io.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 5
#define LATES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool there[CLIENTS], closing[CLIENTS], waits[LATES];
static unsigned late_next, admitted;
static char sid[ENGINE_SID_BYTES + 1];
static struct socket_io *sio;
static uint64_t now_us;

static void note_sid(const char *text, size_t len) {
    static const char begin[] = "0{\"sid\":\"";
    if (len > sizeof begin + ENGINE_SID_BYTES && memcmp(text, begin, sizeof begin - 1) == 0)
        memcpy(sid, text + sizeof begin - 1, ENGINE_SID_BYTES);
}

static void on_send(void *ctx, uint32_t client, const char *text, size_t len) {
    (void)ctx;
    assert(client < CLIENTS && there[client] && !closing[client] && len > 0);
    assert(!memchr(text, '\x1e', len));
    note_sid(text, len);
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx;
    assert(client < CLIENTS && there[client] && !closing[client]);
    assert(code >= 1000 && code <= 1011 && strlen(reason) <= DIALECT_REASON_MAX);
    closing[client] = true;
}

static bool on_admit(void *ctx, const struct net_address *address) {
    (void)ctx, (void)address;
    admitted++;
    return true;
}

static void on_dismiss(void *ctx, const struct net_address *address) {
    (void)ctx, (void)address;
    assert(admitted > 0);
    admitted--;
}

static void on_answer(void *ctx, uint32_t late, const char *text, size_t len) {
    (void)ctx, (void)text;
    assert(late < LATES && waits[late] && len > 0);
    waits[late] = false;
}

static struct span with_sid(const char *text, size_t len, char out[256]) {
    size_t n = 0;
    for (size_t i = 0; i < len && n + sizeof sid < 256; i++) {
        if (text[i] == '$') {
            memcpy(out + n, sid, strlen(sid));
            n += strlen(sid);
        } else {
            out[n++] = text[i];
        }
    }
    return span_of(out, n);
}

static void request(bool posts, const char *text, size_t len) {
    static const struct net_address here = {{1}};
    char query[256];
    const char *body = memchr(text, '\n', len);
    size_t query_len = body ? (size_t)(body - text) : len;
    struct engine_request asked = {.posts = posts, .query = with_sid(text, query_len, query)};
    struct engine_answer answer;
    asked.body = body ? span_of(body + 1, len - query_len - 1) : span_of(NULL, 0);
    asked.address = len % 3 ? &here : NULL;
    late_next = late_next % (LATES - 1) + 1;
    asked.late = waits[late_next] ? 0 : late_next;
    engine_handle(socket_io_engine(sio), &asked, &answer, now_us);
    assert(answer.later || (answer.status >= 200 && answer.status < 600 && answer.content_type));
    if (answer.later)
        waits[asked.late] = true;
    else if (answer.body)
        note_sid(answer.body, answer.len);
    free(answer.body);
}

static void ws_gone(uint32_t client) {
    if (there[client]) {
        there[client] = false;
        engine_ws_closed(socket_io_engine(sio), client);
    }
}

static void step(uint8_t what, const char *text, size_t len) {
    uint32_t client = 1 + what % (CLIENTS - 1);
    char query[256];
    switch (what / (CLIENTS - 1) % 8) {
    case 0:
        ws_gone(client);
        there[client] = true;
        closing[client] = false;
        engine_ws_opened(socket_io_engine(sio), client, with_sid(text, len, query), now_us);
        break;
    case 1:
        ws_gone(client);
        break;
    case 2:
        if (there[client] && !closing[client])
            engine_ws_bad_frame(socket_io_engine(sio), client, len % 2);
        break;
    case 3:
        now_us += len * len * US_PER_SECOND / 8;
        socket_io_advance(sio, now_us);
        break;
    case 4:
        request(false, text, len);
        break;
    case 5:
        request(true, text, len);
        break;
    case 6:
        if (waits[client]) {
            waits[client] = false;
            engine_late_closed(socket_io_engine(sio), client);
        }
        break;
    default:
        if (there[client])
            engine_ws_message(socket_io_engine(sio), client, text, len, now_us);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct dialect_limits limits = {
        .clients_max = 4, .messages_per_second_max = 10, .relay_rate_max = 10000};
    const struct engine_outside outside = {{NULL, on_send, on_close}, on_admit, on_dismiss, on_answer};
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    now_us = 1000 * US_PER_SECOND;
    memset(there, 0, sizeof there);
    memset(waits, 0, sizeof waits);
    late_next = admitted = 0;
    memset(sid, 'x', ENGINE_SID_BYTES);
    sio = socket_io_create(&limits, &outside, now_us);
    if (!sio)
        return 0;
    for (const uint8_t *at = data, *end = data + size; at < end;) {
        const uint8_t *stop = memchr(at + 1, 0xfe, (size_t)(end - at - 1));
        stop = stop ? stop : end;
        step(*at, (const char *)at + 1, (size_t)(stop - at - 1));
        at = stop + 1;
    }
    for (uint32_t client = 1; client < CLIENTS; client++)
        ws_gone(client);
    for (unsigned i = 0; i < 4; i++) { // nobody gives a sign of life any more
        now_us += 60 * US_PER_SECOND;
        socket_io_advance(sio, now_us);
    }
    struct dialect_counts counts = {0};
    socket_io_read_counts(sio, &counts);
    assert(counts.socket_io_clients == 0 && counts.socket_io_polls == 0 && admitted == 0);
    for (unsigned i = 0; i < LATES; i++)
        assert(!waits[i]);
    socket_io_destroy(sio);
    return 0;
}
