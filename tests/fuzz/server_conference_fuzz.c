// The hub and two forwarders together, with command queues that fill and event queues that are full at times:
// at the end, when all has been taken, both sides know the same transports, producers, relays and consumers.
//
// The input is pairs of bytes: what is done, and to what.
#include "base/clock.h"
#include "base/log.h"
#include "rooms/media/forwarder.h"
#include "server/signal/signalling.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS 4
#define WORKERS 2
#define QUEUE_MAX 4 // commands that a worker's queue holds
#define ENDPOINTS_MAX 256
#define IDS 32
#define STEPS_MAX 400
#define TURNS_MAX 10000

struct worker {
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    struct media_cmd queue[QUEUE_MAX];
    unsigned queued;
    bool deaf; // its events find no room
    struct {
        uint32_t transport;
        struct endpoint *endpoint;
    } endpoints[ENDPOINTS_MAX];
    unsigned endpoint_count;
};

struct ids {
    char text[IDS][64];
    unsigned count;
};

static struct world {
    struct hub *hub;
    struct signalling *signalling;
    uint64_t now_us;
    struct worker workers[WORKERS];
    bool open[CLIENTS + 1];
    struct ids transports[CLIENTS + 1], consumers[CLIENTS + 1], producers,
        tokens; // the first two are one's own
    unsigned next_ssrc;
} w;

// ---- a worker

static void on_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)ctx, (void)peer, (void)kind;
    block_release(b);
}

static bool on_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    (void)index;
    on_again(ctx, peer, b, kind);
    return true;
}

static void on_rtcp(void *ctx, void *peer, struct span datagram) {
    (void)ctx, (void)peer, (void)datagram;
}

static void on_relay_rtp(void *ctx, uint8_t worker, struct producer_id id, uint8_t stream, struct block *b) {
    (void)ctx, (void)worker, (void)id, (void)stream, (void)b;
}

static void on_note(void *ctx, uint8_t worker, const struct relay_note *note) {
    (void)ctx, (void)note;
    assert(worker < WORKERS);
}

static bool on_event(void *ctx, const struct media_event *event) {
    struct worker *worker = ctx;
    if (worker->deaf)
        return false;
    hub_media_event(w.hub, (unsigned)(worker - w.workers), event, w.now_us);
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

static struct endpoint **endpoint_of(struct worker *worker, uint32_t transport) {
    for (unsigned i = 0; i < worker->endpoint_count; i++)
        if (worker->endpoints[i].transport == transport)
            return &worker->endpoints[i].endpoint;
    return NULL;
}

// As a worker does with a transport's commands; the rest is the forwarder's.
static void obey(struct worker *worker, const struct media_cmd *cmd) {
    struct endpoint **known = endpoint_of(worker, cmd->transport.v);
    if (cmd->type == MEDIA_OPEN_TRANSPORT) {
        assert(!known && worker->endpoint_count < ENDPOINTS_MAX);
        struct endpoint *endpoint = forwarder_open_endpoint(worker->fw, cmd->transport, worker);
        assert(endpoint);
        worker->endpoints[worker->endpoint_count].transport = cmd->transport.v;
        worker->endpoints[worker->endpoint_count++].endpoint = endpoint;
    } else if (cmd->type == MEDIA_CLOSE_TRANSPORT) {
        assert(known);
        forwarder_close_endpoint(worker->fw, *known);
        size_t i = (size_t)((char *)known - (char *)worker->endpoints) / sizeof worker->endpoints[0];
        worker->endpoints[i] = worker->endpoints[--worker->endpoint_count];
    } else if (cmd->type == MEDIA_CONNECT_TRANSPORT) {
        assert(known);
        forwarder_endpoint_connected(worker->fw, *known, w.now_us);
    } else if (cmd->type != MEDIA_RESTART_ICE && cmd->type != MEDIA_GET_STATS) {
        forwarder_command(worker->fw, cmd, w.now_us);
    }
}

static void turn(struct worker *worker, unsigned commands) {
    for (; commands > 0 && worker->queued > 0; commands--) {
        struct media_cmd cmd = worker->queue[0];
        memmove(&worker->queue[0], &worker->queue[1], --worker->queued * sizeof cmd);
        obey(worker, &cmd);
    }
    forwarder_flush(worker->fw);
    wheel_advance(&worker->wheel, w.now_us);
    if (!worker->deaf)
        forwarder_retell(worker->fw);
}

static void worker_open(struct worker *worker, unsigned index) {
    *worker = (struct worker){0};
    wheel_init(&worker->wheel, w.now_us);
    worker->pool = pool_create(64);
    struct forwarder_config config = {.worker = (uint8_t)index, .random_seed = index + 1};
    struct forwarder_output out = {.ctx = worker,
                                   .send_rtp = on_rtp,
                                   .send_again = on_again,
                                   .send_rtcp = on_rtcp,
                                   .relay_rtp = on_relay_rtp,
                                   .relay_note = on_note,
                                   .event = on_event,
                                   .forget_ssrc = on_forget};
    worker->fw = worker->pool ? forwarder_create(&config, &out, worker->pool, &worker->wheel) : NULL;
    assert(worker->fw);
}

static void worker_close(struct worker *worker) {
    worker->deaf = true; // the hub is gone
    forwarder_destroy(worker->fw);
    assert(pool_taken(worker->pool) == 0 && worker->wheel.armed == 0);
    pool_destroy(worker->pool);
}

// ---- the hub

static void note_id(struct ids *ids, const json_t *data, const char *key) {
    const char *text = json_string_value(json_object_get(data, key));
    if (text)
        snprintf(ids->text[ids->count++ % IDS], sizeof ids->text[0], "%s", text);
}

static void on_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    (void)ctx, (void)haste;
    assert(client <= CLIENTS && w.open[client]);
    json_t *message = json_loadb(text, len, 0, NULL);
    const char *type = json_string_value(json_object_get(message, "type"));
    const json_t *data = json_object_get(message, "data");
    assert(type && json_is_object(data));
    if (strcmp(type, "webRtcTransportCreated") == 0)
        note_id(&w.transports[client], data, "id");
    else if (strcmp(type, "produced") == 0)
        note_id(&w.producers, data, "producerId");
    else if (strcmp(type, "consumed") == 0)
        note_id(&w.consumers[client], data, "id");
    else if (strcmp(type, "joined") == 0)
        note_id(&w.tokens, data, "resumeToken");
    json_decref(message);
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx, (void)client, (void)code, (void)reason;
}

static bool on_post(void *ctx, unsigned index, const struct media_cmd *cmd) {
    (void)ctx;
    assert(index < WORKERS);
    struct worker *worker = &w.workers[index];
    if (worker->queued == QUEUE_MAX)
        return false;
    worker->queue[worker->queued++] = *cmd;
    return true;
}

__attribute__((format(printf, 2, 3))) static void say(uint32_t client, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    if (w.open[client])
        signalling_client_message(w.signalling, client, text, (size_t)len, w.now_us);
}

static const char *id_at(const struct ids *ids, unsigned n) {
    unsigned known = ids->count < IDS ? ids->count : IDS;
    return known ? ids->text[n % known] : "none";
}

#define CODEC(kind, name, pt, rate, more)                                                                    \
    "{'kind':'" kind "','mimeType':'" kind "/" name "','preferredPayloadType':" pt ",'payloadType':" pt      \
    ",'clockRate':" rate more ",'rtcpFeedback':[{'type':'nack','parameter':'pli'},{'type':'nack'}]}"
#define OPUS CODEC("audio", "opus", "100", "48000", ",'channels':2")
#define VP8 CODEC("video", "VP8", "101", "90000", "")

static void produce(uint32_t client, unsigned n) {
    bool video = n & 1;
    unsigned ssrc = w.next_ssrc += 2;
    char encodings[160];
    if (video && (n & 2))
        snprintf(encodings, sizeof encodings, "{'rid':'a'},{'rid':'b'},{'rid':'c'}");
    else
        snprintf(encodings, sizeof encodings, "{'ssrc':%u}", ssrc);
    say(client,
        "{'type':'produce','data':{'transportId':'%s','kind':'%s','paused':%s,'rtpParameters':{'mid':'%u','"
        "codecs':"
        "[%s],'encodings':[%s]}}}",
        id_at(&w.transports[client], n >> 2), video ? "video" : "audio", n & 128 ? "true" : "false",
        ssrc % 1000, video ? VP8 : OPUS, encodings);
}

static void connection(uint32_t client, unsigned n) {
    if (!w.open[client]) {
        w.open[client] = true;
        signalling_client_opened(w.signalling, client, w.now_us);
    } else if (n & 16) {
        signalling_client_closed(w.signalling, client, w.now_us);
        w.open[client] = false;
    }
    if (n & 32)
        say(client, "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s'}}",
            id_at(&w.tokens, n >> 6));
    else
        say(client,
            "{'type':'join-room','data':{'roomId':'r','username':'u%u','rtpCapabilities':{'codecs':[" OPUS
            "," VP8 "]}}}",
            client);
}

static void media(uint32_t client, unsigned n) {
    static const char *const of_producer[] = {"pause-producer", "resume-producer", "close-producer"};
    static const char *const of_consumer[] = {"pause-consumer", "resume-consumer", "close-consumer",
                                              "request-key-frame"};
    if (n < 96)
        say(client, "{'type':'%s','data':{'producerId':'%s'}}", of_producer[n % 3],
            id_at(&w.producers, n / 3));
    else
        say(client, "{'type':'%s','data':{'consumerId':'%s'}}", of_consumer[n % 4],
            id_at(&w.consumers[client], n / 4));
}

static void transport(uint32_t client, unsigned n) {
    const char *id = id_at(&w.transports[client], n >> 3);
    if (n % 8 < 4)
        say(client, "{'type':'create-transport','data':{'direction':'%s'}}", n & 1 ? "send" : "recv");
    else if (n % 8 < 6)
        say(client,
            "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'fingerprints':[{'"
            "algorithm':"
            "'sha-256','value':'00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:"
            "99:AA:BB:"
            "CC:DD:EE:FF'}]}}}",
            id);
    else if (n % 8 == 6)
        say(client, "{'type':'close-transport','data':{'transportId':'%s'}}", id);
    else
        say(client, "{'type':'leave-room'}");
}

static void pass(uint64_t us) {
    w.now_us += us;
    hub_advance(w.hub, w.now_us);
    signalling_advance(w.signalling, w.now_us);
}

static void step(unsigned what, unsigned n) {
    uint32_t client = what / 8 % CLIENTS + 1;
    struct worker *worker = &w.workers[what / 8 % WORKERS];
    switch (what % 8) {
    case 0:
        connection(client, n);
        break;
    case 1:
        transport(client, n);
        break;
    case 2:
        produce(client, n);
        break;
    case 3:
        say(client, "{'type':'consume','data':{'producerId':'%s','paused':%s}}", id_at(&w.producers, n >> 1),
            n & 1 ? "true" : "false");
        break;
    case 4:
        media(client, n);
        break;
    case 5:
        turn(worker, n % (QUEUE_MAX + 1));
        break;
    case 6:
        worker->deaf = n & 1;
        if (n & 2)
            forwarder_shed(worker->fw, n / 4 % 33, w.now_us);
        break;
    case 7:
        pass((uint64_t)n * n * US_PER_MS / 8);
        break;
    }
}

// ---- the end

static void settle(void) {
    for (unsigned i = 0; i < TURNS_MAX; i++) {
        struct hub_counts counts;
        pass(10 * US_PER_MS);
        for (unsigned n = 0; n < WORKERS; n++) {
            w.workers[n].deaf = false;
            turn(&w.workers[n], QUEUE_MAX);
        }
        hub_read_counts(w.hub, &counts);
        if (counts.commands_waiting == 0 && w.workers[0].queued + w.workers[1].queued == 0)
            return;
    }
    abort(); // commands wait for ever
}

static void check(void) {
    struct hub_counts hub;
    uint32_t endpoints = 0, producers = 0, consumers = 0;
    hub_read_counts(w.hub, &hub);
    for (unsigned n = 0; n < WORKERS; n++) {
        const struct forwarder_counters *fw = forwarder_counters(w.workers[n].fw);
        endpoints += fw->endpoints;
        producers += fw->producers;
        consumers += fw->consumers;
    }
    assert(endpoints == hub.transports);
    assert(producers == hub.producers + hub.relays);
    assert(consumers == hub.consumers);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    memset(&w, 0, sizeof w);
    w.now_us = US_PER_SECOND;
    struct hub_config config = {.workers = WORKERS, .announce_count = 1, .announce = {"192.0.2.1"}};
    hub_limits_default(&config.limits);
    config.limits.participants_per_worker = 1;
    config.limits.commands_waiting_max = 24;
    config.limits.messages_per_second_max = 10000;
    struct hub_io io = {.post = on_post};
    struct signal_io signal_io = {.send = on_send, .close = on_close};
    w.hub = hub_create(&config, &io, w.now_us);
    w.signalling = signalling_create(w.hub, &signal_io, w.now_us);
    assert(w.hub && w.signalling);
    for (unsigned n = 0; n < WORKERS; n++)
        worker_open(&w.workers[n], n);
    for (uint32_t client = 1; client <= CLIENTS; client++)
        connection(client, 0);
    for (size_t i = 0; i + 1 < size && i / 2 < STEPS_MAX; i += 2)
        step(bytes[i], bytes[i + 1]);
    settle();
    check();
    signalling_destroy(w.signalling);
    hub_destroy(w.hub);
    for (unsigned n = 0; n < WORKERS; n++)
        worker_close(&w.workers[n]);
    return 0;
}
