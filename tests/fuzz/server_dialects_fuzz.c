// PeerJS and the dialect with `from` and `to`: steps of four clients and of the clock. The first byte chooses
// the dialect; then each step is one byte (what is done, and by whom) and a text up to 0xfe. What is said
// goes to clients that are there alone, and at the end nothing is kept.
#include "server/dialects/named.h"
#include "server/dialects/peerjs.h"

#include "base/clock.h"
#include "base/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool there[CLIENTS], closing[CLIENTS];
static struct peerjs *peerjs; // one of the two
static struct named *named;
static uint64_t now_us;

static void on_send(void *ctx, uint32_t client, const char *text, size_t len) {
    (void)ctx;
    assert(client < CLIENTS && there[client] && !closing[client]);
    assert(len > 1 && text[0] == '{' && text[len - 1] == '}');
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx;
    assert(client < CLIENTS && there[client] && !closing[client]);
    assert(code >= 1000 && code <= 1011 && strlen(reason) <= DIALECT_REASON_MAX);
    closing[client] = true;
}

static void client_opened(uint32_t client, const char *text, size_t len) {
    const struct net_address address = {{(uint8_t)(client / 2)}};
    there[client] = true;
    closing[client] = false;
    if (peerjs)
        peerjs_opened(peerjs, client, span_of(text, len), now_us);
    else
        named_opened(named, client, client ? &address : NULL, now_us);
}

static void client_said(uint32_t client, const char *text, size_t len) {
    if (peerjs)
        peerjs_message(peerjs, client, text, len, now_us);
    else
        named_message(named, client, text, len, now_us);
}

static void client_gone(uint32_t client) {
    there[client] = false;
    if (peerjs)
        peerjs_closed(peerjs, client);
    else
        named_closed(named, client);
}

static void step(uint8_t what, const char *text, size_t len) {
    uint32_t client = what % CLIENTS;
    switch (what / CLIENTS % 8) {
    case 0:
        if (there[client])
            client_gone(client);
        client_opened(client, text, len);
        break;
    case 1:
        if (there[client])
            client_gone(client);
        break;
    case 2:
        if (there[client] && !closing[client])
            (peerjs ? peerjs_bad_frame(peerjs, client, len % 2) : named_bad_frame(named, client, len % 2));
        break;
    case 3:
        now_us += len * len * US_PER_SECOND / 4;
        if (peerjs)
            peerjs_advance(peerjs, now_us);
        else
            named_advance(named, now_us);
        assert((peerjs ? peerjs_next_us(peerjs) : named_next_us(named)) > now_us);
        break;
    default:
        if (there[client])
            client_said(client, text, len);
        break;
    }
}

static void begin(uint8_t how) {
    static struct dialect_limits limits = {
        .clients_max = 3, .messages_per_second_max = 5, .relay_rate_max = 10000};
    const struct dialect_io io = {NULL, on_send, on_close};
    struct peerjs_config config = {.limits = &limits, .key = "k", .lists_peers = true};
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    now_us = 1000 * US_PER_SECOND;
    memset(there, 0, sizeof there);
    peerjs = how % 2 ? peerjs_create(&config, &io, now_us) : NULL;
    named = how % 2 ? NULL : named_create(&limits, &io, now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    begin(data[0]);
    for (const uint8_t *at = data + 1, *end = data + size; at < end;) {
        const uint8_t *stop = memchr(at + 1, 0xfe, (size_t)(end - at - 1));
        stop = stop ? stop : end;
        step(*at, (const char *)at + 1, (size_t)(stop - at - 1));
        at = stop + 1;
    }
    if (peerjs)
        free(peerjs_list(peerjs));
    for (uint32_t client = 0; client < CLIENTS; client++)
        if (there[client])
            client_gone(client);
    struct dialect_counts counts = {0};
    now_us += 1000 * US_PER_SECOND;
    if (peerjs) {
        peerjs_advance(peerjs, now_us);
        peerjs_read_counts(peerjs, &counts);
    } else {
        named_advance(named, now_us);
        named_read_counts(named, &counts);
    }
    assert(counts.kept == 0 && counts.kept_bytes == 0);
    assert(counts.peerjs_clients == 0 && counts.named_clients == 0);
    peerjs_destroy(peerjs);
    named_destroy(named);
    return 0;
}
