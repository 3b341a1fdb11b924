// A hub and the forwarders of two workers, with queues of a few commands and events between them that are
// full more often than not, people who come, go, reconnect and ask for anything, and some media. At the end
// the queues drain, and both sides must agree: what the hub believes to be there is in the forwarders, in the
// state in which the hub has it, and nothing else is. Then everybody is gone, and nothing is left anywhere.
// Input: steps of three bytes: what, and two arguments.
#include "tests/unit/server/signal/media_texts.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "rooms/media/media_objects.h"
#include "server/hub/command_post.h"
#include "server/hub/hub_internal.h"
#include "server/signal/signalling.h"

#include <assert.h>
#include <stdio.h>

#define CLIENTS 5 // 1..4
#define WORKERS 2
#define QUEUE 6 // commands, events, packets that cross
#define IDS 16  // of a kind, the newest
#define PEERS_MAX 64
#define STEPS_MAX 300
#define TEXT_MAX 4096
#define DRAIN_TURNS 400

// Of a client that receives what the producers here send.
#define CAPABILITIES                                                                                         \
    "{'codecs':[{'mimeType':'audio/opus','kind':'audio','clockRate':48000,'channels':2,"                     \
    "'preferredPayloadType':100},{'mimeType':'video/VP8','kind':'video','clockRate':90000,"                  \
    "'preferredPayloadType':101,'rtcpFeedback':[{'type':'nack'},{'type':'nack','parameter':'pli'}]},"        \
    "{'mimeType':'video/rtx','kind':'video','clockRate':90000,'preferredPayloadType':102,"                   \
    "'parameters':{'apt':101}}],'headerExtensions':[]}"

enum id_kind { ID_TRANSPORT, ID_PRODUCER, ID_CONSUMER, ID_TOKEN, ID_KINDS };

struct id_ring {
    char text[IDS][64];
    unsigned count;
};

struct crossing { // between the workers
    bool note;
    struct link_id from;
    struct relay_note says;
    struct producer_id producer;
    uint8_t stream;
    struct block packet;
};

struct peer { // what a worker holds of a transport beside the forwarder
    struct transport_id id;
    struct endpoint *endpoint;
    bool connected, told;
};

struct half {
    struct world *world;
    uint8_t index;
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    struct media_cmd commands[QUEUE];
    struct media_event events[QUEUE];
    struct crossing crossings[QUEUE];
    unsigned command_count, event_count, crossing_count;
    struct peer peers[PEERS_MAX];
    unsigned peer_count;
};

struct world {
    uint64_t now_us;
    struct hub *hub;
    struct signalling *signalling;
    struct half halves[WORKERS];
    struct id_ring ids[ID_KINDS];
    bool open[CLIENTS], ended[CLIENTS];
};

// What the text says under this key; nothing when it does not say it. (Whether it is JSON, another fuzzer
// asks.)
static void note_id(struct world *w, enum id_kind kind, struct span text, const char *key) {
    struct id_ring *ring = &w->ids[kind];
    const char *at = memmem(text.ptr, text.len, key, strlen(key));
    const char *end = (const char *)text.ptr + text.len;
    const char *value = at ? at + strlen(key) : end, *quote = memchr(value, '"', (size_t)(end - value));
    if (quote && (size_t)(quote - value) < sizeof ring->text[0]) {
        memcpy(ring->text[ring->count % IDS], value, (size_t)(quote - value));
        ring->text[ring->count++ % IDS][quote - value] = '\0';
    }
}

static bool is_of_type(struct span text, const char *type) {
    char key[64];
    int len = snprintf(key, sizeof key, "\"type\":\"%s\"", type);
    return memmem(text.ptr, text.len < 80 ? text.len : 80, key, (size_t)len) != NULL;
}

static void on_send(void *ctx, uint32_t client, const char *bytes, size_t len, enum signal_haste haste) {
    (void)haste;
    struct world *w = ctx;
    struct span text = span_of(bytes, len);
    assert(client < CLIENTS && w->open[client]);
    if (is_of_type(text, "webRtcTransportCreated"))
        note_id(w, ID_TRANSPORT, text, "\"id\":\"");
    else if (is_of_type(text, "produced"))
        note_id(w, ID_PRODUCER, text, "\"producerId\":\"");
    else if (is_of_type(text, "consumed"))
        note_id(w, ID_CONSUMER, text, "\"id\":\"");
    else if (is_of_type(text, "joined"))
        note_id(w, ID_TOKEN, text, "\"resumeToken\":\"");
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    struct world *w = ctx;
    (void)code, (void)reason;
    w->ended[client] = true;
}

static bool on_post(void *ctx, unsigned worker, const struct media_cmd *cmd) {
    struct world *w = ctx;
    assert(worker < WORKERS);
    struct half *half = &w->halves[worker];
    if (half->command_count == QUEUE)
        return false;
    half->commands[half->command_count++] = *cmd;
    return true;
}

static uint64_t on_wall(void *ctx) {
    return UINT64_C(1767225600000000) + ((struct world *)ctx)->now_us;
}

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

static struct crossing *crossing_to(struct half *from, uint8_t worker) {
    assert(worker < WORKERS && worker != from->index);
    struct half *to = &from->world->halves[worker];
    return to->crossing_count < QUEUE ? &to->crossings[to->crossing_count++] : NULL;
}

static void on_relay_rtp(void *ctx, struct link_id link, struct producer_id id, uint8_t stream,
                         struct block *b) {
    struct crossing *c = crossing_to(ctx, (uint8_t)link.v);
    if (c)
        *c = (struct crossing){.from = link_of_worker(((struct half *)ctx)->index),
                               .producer = id,
                               .stream = stream,
                               .packet = *b};
}

static void on_relay_note(void *ctx, struct link_id link, const struct relay_note *note) {
    struct crossing *c = crossing_to(ctx, (uint8_t)link.v);
    if (c)
        *c = (struct crossing){
            .note = true, .from = link_of_worker(((struct half *)ctx)->index), .says = *note};
}

static bool on_event(void *ctx, const struct media_event *event) {
    struct half *half = ctx;
    if (half->event_count == QUEUE)
        return false;
    half->events[half->event_count++] = *event;
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx, (void)peer, (void)ssrc, (void)sent;
}

static struct peer *peer_of(struct half *half, struct transport_id id) {
    for (unsigned i = 0; i < half->peer_count; i++)
        if (half->peers[i].id.v == id.v)
            return &half->peers[i];
    return NULL;
}

static void peer_tell(struct half *half, struct peer *peer) {
    struct media_event event = {.type = MEDIA_TRANSPORT_STATE,
                                .transport = peer->id,
                                .state = {.ice = ICE_CONNECTED, .dtls = DTLS_CONNECTED}};
    peer->told = peer->told || (peer->connected && on_event(half, &event));
}

static void half_command(struct half *half, const struct media_cmd *cmd) {
    uint64_t now_us = half->world->now_us;
    struct peer *peer = peer_of(half, cmd->transport);
    if (cmd->type == MEDIA_OPEN_TRANSPORT) {
        assert(!peer && half->peer_count < PEERS_MAX);
        peer = &half->peers[half->peer_count++];
        *peer = (struct peer){.id = cmd->transport};
        peer->endpoint = forwarder_open_endpoint(half->fw, cmd->transport, half);
        assert(peer->endpoint);
    } else if (cmd->type == MEDIA_CONNECT_TRANSPORT) {
        assert(peer);
        peer->connected = true;
        forwarder_endpoint_connected(half->fw, peer->endpoint, now_us);
        peer_tell(half, peer);
    } else if (cmd->type == MEDIA_CLOSE_TRANSPORT) {
        assert(peer);
        forwarder_close_endpoint(half->fw, peer->endpoint);
        *peer = half->peers[--half->peer_count];
    } else if (cmd->type == MEDIA_GET_STATS) {
        struct media_stats stats = {.token = cmd->stats.token};
        forwarder_stats(half->fw, cmd, now_us, &stats);
        hub_media_stats(half->world->hub, half->index, &stats, now_us);
    } else {
        forwarder_command(half->fw, cmd, now_us);
    }
}

static void half_crossing(struct half *half, const struct crossing *c) {
    struct block *b = c->note ? NULL : pool_take(half->pool);
    if (c->note)
        forwarder_relay_note(half->fw, c->from, &c->says, half->world->now_us);
    if (!b)
        return;
    b->start = c->packet.start;
    b->len = c->packet.len;
    memcpy(b->meta, c->packet.meta, sizeof b->meta);
    memcpy(b->bytes, c->packet.bytes, sizeof b->bytes);
    forwarder_relayed_rtp(half->fw, c->from, c->producer, c->stream, b, half->world->now_us);
}

// One turn, of at most so many commands.
static void half_turn(struct half *half, unsigned commands) {
    unsigned n = commands < half->command_count ? commands : half->command_count;
    for (unsigned i = 0; i < n; i++)
        half_command(half, &half->commands[i]);
    half->command_count -= n;
    memmove(half->commands, half->commands + n, half->command_count * sizeof half->commands[0]);
    unsigned crossings = half->crossing_count;
    for (unsigned i = 0; i < crossings; i++)
        half_crossing(half, &half->crossings[i]);
    half->crossing_count -= crossings;
    memmove(half->crossings, half->crossings + crossings, half->crossing_count * sizeof half->crossings[0]);
    for (unsigned i = 0; i < half->peer_count; i++)
        peer_tell(half, &half->peers[i]);
    forwarder_retell(half->fw);
    forwarder_flush(half->fw);
    wheel_advance(&half->wheel, half->world->now_us);
}

static void hub_turn(struct world *w) {
    for (unsigned i = 0; i < WORKERS; i++) {
        struct half *half = &w->halves[i];
        for (unsigned k = 0; k < half->event_count; k++)
            hub_media_event(w->hub, i, &half->events[k], w->now_us);
        half->event_count = 0;
    }
    if (w->now_us >= hub_next_us(w->hub))
        hub_advance(w->hub, w->now_us);
    signalling_advance(w->signalling, w->now_us);
    for (uint32_t client = 1; client < CLIENTS; client++)
        if (w->open[client] && w->ended[client]) {
            signalling_client_closed(w->signalling, client, w->now_us);
            w->open[client] = w->ended[client] = false;
        }
}

static void say(struct world *w, uint32_t client, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct world *w, uint32_t client, const char *format, ...) {
    static char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof text);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (w->open[client] && !w->ended[client])
        signalling_client_message(w->signalling, client, text, (size_t)len, w->now_us);
}

static const char *id_at(const struct world *w, enum id_kind kind, unsigned pick) {
    return w->ids[kind].text[pick % IDS];
}

static void come(struct world *w, uint32_t client, uint8_t how, uint8_t pick) {
    const char *token = how & 4 ? id_at(w, ID_TOKEN, pick) : "";
    if (!w->open[client]) {
        w->open[client] = true;
        signalling_client_opened(w->signalling, client, w->now_us);
    }
    say(w, client,
        "{'type':'join-room','data':{'roomId':'r%u','username':'u%u',%s%s%s'rtpCapabilities':" CAPABILITIES
        "}}",
        how & 1, pick % 4 == 0 ? client : pick % 4, *token ? "'resumeToken':'" : "", token,
        *token ? "'," : "");
}

static void go(struct world *w, uint32_t client, uint8_t how) {
    if (how & 1) {
        say(w, client, "{'type':'leave-room','data':{}}");
    } else if (w->open[client]) {
        signalling_client_closed(w->signalling, client, w->now_us);
        w->open[client] = w->ended[client] = false;
    }
}

static void produce(struct world *w, uint32_t client, uint8_t how, uint8_t pick) {
    const char *transport = id_at(w, ID_TRANSPORT, pick), *paused = how & 4 ? "true" : "false";
    unsigned ssrc = 10u + (how >> 3) * 4u;
    char mid[8];
    snprintf(mid, sizeof mid, "%u", (unsigned)(how >> 3));
    if ((how & 3) == 0)
        say(w, client,
            "{'type':'produce','data':{'transportId':'%s','kind':'audio','paused':%s,'rtpParameters'"
            ":" AUDIO_PARAMETERS "}}",
            transport, paused, mid, ssrc, mid);
    else if ((how & 3) == 1)
        say(w, client,
            "{'type':'produce','data':{'transportId':'%s','kind':'video','paused':%s,'rtpParameters'"
            ":" SIMULCAST_PARAMETERS "}}",
            transport, paused, mid);
    else
        say(w, client,
            "{'type':'produce','data':{'transportId':'%s','kind':'video','paused':%s,'rtpParameters'"
            ":" VIDEO_PARAMETERS "}}",
            transport, paused, mid, ssrc, ssrc + 1);
}

static void ask_transport(struct world *w, uint32_t client, uint8_t how, uint8_t pick) {
    const char *id = id_at(w, ID_TRANSPORT, pick);
    if (how % 4 == 0)
        say(w, client, "{'type':'create-transport','data':{'direction':'%s'}}", how & 4 ? "send" : "recv");
    else if (how % 4 == 1)
        say(w, client,
            "{'type':'connect-transport','data':{'transportId':'%s','dtlsParameters':{'role':'client',"
            "'fingerprints':[" FINGERPRINT "]}}}",
            id);
    else if (how % 4 == 2)
        say(w, client, "{'type':'close-transport','data':{'transportId':'%s'}}", id);
    else
        say(w, client, "{'type':'get-stats','data':{'transportId':'%s'}}", id);
}

static void ask_producer(struct world *w, uint32_t client, uint8_t how, uint8_t pick) {
    static const char *const types[] = {"pause-producer", "resume-producer", "close-producer", "get-stats"};
    say(w, client, "{'type':'%s','data':{'producerId':'%s'}}", types[how % 4], id_at(w, ID_PRODUCER, pick));
}

static void ask_consumer(struct world *w, uint32_t client, uint8_t how, uint8_t pick) {
    static const char *const types[] = {"pause-consumer", "resume-consumer",   "close-consumer",
                                        "get-stats",      "request-key-frame", "set-preferred-layers",
                                        "set-priority"};
    say(w, client, "{'type':'%s','data':{'consumerId':'%s','spatialLayer':%u,'priority':%u}}", types[how % 7],
        id_at(w, ID_CONSUMER, pick), how >> 6, 1u + how % 200);
}

// A packet of the stream that a client's `produce` named, or of the one that its MID and RID name.
static void media(struct world *w, uint8_t how, uint8_t pick) {
    struct half *half = &w->halves[how & 1];
    struct block *b = half->peer_count ? pool_take(half->pool) : NULL;
    if (!b)
        return;
    struct peer *peer = &half->peers[pick % half->peer_count];
    struct writer out = writer_of(block_data(b), 256);
    bool video = how & 2;
    unsigned name = how >> 3 & 7;
    write_u8(&out, 0x90);
    write_u8(&out, (uint8_t)(video ? 0x80 | 96 : 111));
    write_u16(&out, (uint16_t)(w->now_us / 1000 + pick));
    write_u32(&out, (uint32_t)(w->now_us / 11));
    write_u32(&out, how & 4 ? 5000u + (how >> 6) : 10u + name * 4u);
    write_u32(&out, UINT32_C(0xbede0002));
    write_u8(&out, 0x40); // MID
    write_u8(&out, (uint8_t)('0' + name));
    write_u8(&out, how & 4 ? 0xa1 : 0); // RID
    write_u8(&out, how & 4 ? 'r' : 0);
    write_u8(&out, how & 4 ? (uint8_t)('0' + (how >> 6) % 3) : 0);
    write_zeros(&out, 3);
    write_u8(&out, 0x10); // the first packet of a VP8 key frame; as good as any for sound
    write_zeros(&out, 20);
    b->len = (uint16_t)out.len;
    if (peer->connected)
        forwarder_rtp(half->fw, peer->endpoint, b, w->now_us);
    else
        block_release(b);
}

static void agree_on_producer(const struct world *w, const struct room_producer *producer, uint32_t *there) {
    unsigned home = producer_owner(producer)->worker;
    uint32_t relays = 0;
    const struct producer *at_home = forwarder_producer(w->halves[home].fw, producer->id);
    for (unsigned i = 0; i < WORKERS; i++) {
        bool expected = i == home || relay_set_find(&producer->relays, link_of_worker(i)) != NULL;
        const struct producer *p = forwarder_producer(w->halves[i].fw, producer->id);
        assert((p != NULL) == expected);
        if (!p)
            continue;
        there[i]++;
        assert(p->paused == producer->paused && p->params.kind == producer->kind);
        assert((i == home) == (p->endpoint != NULL));
        assert(!p->endpoint || p->endpoint->id.v == producer->transport->id.v);
        assert(p->params.stream_count == producer->params.stream_count);
        assert(i == home || link_set_has(&at_home->relays, link_of_worker(i)));
        relays += i != home;
    }
    assert(at_home->relays.count == relays);
}

static void agree_on_consumer(const struct world *w, const struct room_consumer *consumer) {
    const struct consumer *c =
        forwarder_consumer(w->halves[consumer_owner(consumer)->worker].fw, consumer->id);
    assert(c && c->paused == consumer->paused);
    assert(c->producer->id.v == consumer->producer->id.v);
    assert(c->endpoint->id.v == consumer->transport->id.v);
    assert(!c->active || c->endpoint->connected);
}

struct tally {
    uint32_t endpoints[WORKERS], producers[WORKERS], consumers[WORKERS];
};

static void agree_on_participant(struct world *w, const struct participant *person, struct tally *tally) {
    unsigned worker = person->worker;
    LIST_EACH(node, &person->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        const struct endpoint *ep = forwarder_endpoint(w->halves[worker].fw, transport->id);
        assert(ep && ep->connected == transport->connected);
        assert(!transport->connected || transport->dtls == DTLS_CONNECTED);
        tally->endpoints[worker]++;
        LIST_EACH(producer, &transport->producers) {
            agree_on_producer(w, LIST_ENTRY(producer, struct room_producer, link), tally->producers);
        }
        LIST_EACH(consumer, &transport->consumers) {
            agree_on_consumer(w, LIST_ENTRY(consumer, struct room_consumer, link));
            tally->consumers[worker]++;
        }
    }
}

// Everything that one side has is found on the other, and there are as many.
static void agree(struct world *w) {
    struct tally tally = {0};
    LIST_EACH(room_node, &w->hub->directory.rooms) {
        const struct room *room = LIST_ENTRY(room_node, struct room, link);
        LIST_EACH(node, &room->participants) {
            agree_on_participant(w, LIST_ENTRY(node, struct participant, link), &tally);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct forwarder_counters *c = forwarder_counters(w->halves[i].fw);
        assert(c->endpoints == tally.endpoints[i] && c->endpoints == w->halves[i].peer_count);
        assert(c->producers == tally.producers[i]);
        assert(c->consumers == tally.consumers[i]);
    }
}

static void drain(struct world *w) {
    for (unsigned turn = 0; turn < DRAIN_TURNS; turn++) {
        struct hub_counts counts;
        for (unsigned i = 0; i < WORKERS; i++)
            half_turn(&w->halves[i], QUEUE);
        w->now_us += COMMAND_POST_RETRY_US;
        hub_turn(w);
        hub_read_counts(w->hub, &counts);
        bool empty = counts.commands_waiting == 0 && turn > 4;
        for (unsigned i = 0; i < WORKERS; i++)
            empty = empty && w->halves[i].command_count == 0;
        if (empty)
            return;
    }
    assert(false);
}

static void half_open(struct world *w, unsigned i) {
    struct half *half = &w->halves[i];
    static const struct forwarder_output output = {.send_rtp = on_rtp,
                                                   .send_again = on_again,
                                                   .send_rtcp = on_rtcp,
                                                   .relay_rtp = on_relay_rtp,
                                                   .relay_note = on_relay_note,
                                                   .event = on_event,
                                                   .forget_ssrc = on_forget};
    struct forwarder_output out = output;
    struct forwarder_config config = {.link = link_of_worker(i), .random_seed = i + 1};
    half->world = w;
    half->index = (uint8_t)i;
    out.ctx = half;
    wheel_init(&half->wheel, w->now_us);
    half->pool = pool_create(1024);
    half->fw = half->pool ? forwarder_create(&config, &out, half->pool, &half->wheel) : NULL;
    assert(half->fw);
}

static void world_open(struct world *w) {
    *w = (struct world){.now_us = 1000 * US_PER_SECOND};
    struct hub_config config = {.workers = WORKERS, .announce_count = 1, .announce = {"192.0.2.1"}};
    struct hub_io io = {.ctx = w, .post = on_post, .wall_us = on_wall};
    struct signal_io signal_io = {.ctx = w, .send = on_send, .close = on_close};
    hub_limits_default(&config.limits);
    config.limits.participants_per_worker = 1;
    config.limits.commands_waiting_max = 4;
    config.limits.resume_window_us = 5 * US_PER_SECOND;
    config.limits.consumers_per_participant_max = 12;
    w->hub = hub_create(&config, &io, w->now_us);
    w->signalling = signalling_create(w->hub, &signal_io, w->now_us);
    for (unsigned i = 0; i < WORKERS; i++)
        half_open(w, i);
}

static void world_close(struct world *w) {
    struct hub_counts counts;
    for (uint32_t client = 1; client < CLIENTS; client++)
        go(w, client, 0);
    w->now_us += 60 * US_PER_SECOND; // beyond the resume window
    hub_turn(w);
    drain(w);
    agree(w);
    hub_read_counts(w->hub, &counts);
    assert(counts.participants == 0 && counts.transports == 0 && counts.relays == 0);
    signalling_destroy(w->signalling);
    hub_destroy(w->hub);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert(w->halves[i].peer_count == 0);
        forwarder_destroy(w->halves[i].fw);
        assert(pool_taken(w->halves[i].pool) == 0 && w->halves[i].wheel.armed == 0);
        pool_destroy(w->halves[i].pool);
    }
}

static void step(struct world *w, uint8_t what, uint8_t how, uint8_t pick) {
    uint32_t client = 1 + (what >> 4) % (CLIENTS - 1);
    switch (what % 16) {
    case 0:
        come(w, client, how, pick);
        break;
    case 1:
        go(w, client, how);
        break;
    case 2:
    case 3:
        ask_transport(w, client, how, pick);
        break;
    case 4:
    case 5:
        produce(w, client, how, pick);
        break;
    case 6:
    case 7:
        say(w, client, "{'type':'consume','data':{'producerId':'%s','paused':%s}}",
            id_at(w, ID_PRODUCER, pick), how & 1 ? "true" : "false");
        break;
    case 8:
        ask_producer(w, client, how, pick);
        break;
    case 9:
        ask_consumer(w, client, how, pick);
        break;
    case 10:
    case 11:
        half_turn(&w->halves[how & 1], pick % (QUEUE + 1));
        break;
    case 12:
        hub_turn(w);
        break;
    case 13:
        media(w, how, pick);
        break;
    case 14:
        w->now_us += (uint64_t)how * how * 100 + pick;
        break;
    case 15:
        forwarder_shed(w->halves[how & 1].fw, pick % 33, w->now_us);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    world_open(&w);
    struct reader r = reader_of(span_of(data, size));
    for (unsigned i = 0; i < STEPS_MAX && r.left >= 3; i++) {
        uint8_t what = read_u8(&r), how = read_u8(&r);
        step(&w, what, how, read_u8(&r));
    }
    drain(&w);
    agree(&w);
    world_close(&w);
    return 0;
}
