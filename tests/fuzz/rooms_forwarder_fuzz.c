// A forwarder with every kind of producer and consumer, given decrypted RTP and RTCP from a hostile peer.
//
// Input: steps of {kind and peer: 1 byte, length: 1 byte, bytes}; the clock moves by the kind's upper bits.
#include "base/bytes.h"
#include "base/clock.h"
#include "base/nonce_oracle.h"
#include "rooms/media/congestion.h"
#include "rooms/media/forwarder.h"
#include "rooms/media/overload.h"
#include "rooms/media/relay_wire.h"
#include "rtp/rtcp_write.h"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PEERS 4 // two that publish, two that receive
#define STEPS_MAX 400
#define STREAM_IDS 512 // of all that is sent: consumers' ids, and those with 128 more
#define GAP_MAX 0x7fffu

struct world {
    uint64_t now_us;
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    struct endpoint *peers[PEERS];
    struct nonce_oracle *oracle;
    uint64_t highest[STREAM_IDS]; // index that each stream's receiver has had; 0: none
};

static void on_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    (void)ctx;
    (void)kind;
    (void)peer;
    assert(b->refs == 1 && b->len >= 12 && block_data(b)[0] >> 6 == 2);
    block_release(b);
}

// A receiver that gets everything can infer the upper bits of what comes next (RFC 3711, section 3.3.1).
static void note_index(struct world *w, uint32_t ssrc, uint64_t index) {
    assert(ssrc < STREAM_IDS);
    uint64_t *highest = &w->highest[ssrc];
    assert(*highest ? index <= *highest + GAP_MAX && index + GAP_MAX >= *highest : index <= UINT16_MAX);
    if (index > *highest)
        *highest = index;
}

// Whatever comes in: no index of an SSRC ever encrypts twice to the same peer.
static bool on_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct world *w = ctx;
    struct span packet = span_of(block_data(b), b->len);
    uint32_t ssrc = load_be32(packet.ptr + 8);
    (void)kind;
    assert(b->refs >= 1 && b->len >= 12 && packet.ptr[0] >> 6 == 2);
    assert(load_be16(packet.ptr + 2) == (uint16_t)index);
    enum nonce_use use = nonce_oracle_note(w->oracle, (uintptr_t)peer, ssrc, index, 0);
    assert(use == NONCE_FRESH);
    (void)use;
    if (ssrc != PROBATION_SSRC) // which all peers have, and consumers have no number of
        note_index(w, ssrc, index);
    block_release(b);
    return true;
}

static void on_rtcp(void *ctx, void *peer, struct span datagram) {
    (void)ctx;
    (void)peer;
    assert(datagram.len >= 8 && datagram.len <= RTCP_DATAGRAM_MAX && datagram.len % 4 == 0);
}

// Comes back as if over a link: producer 20 + n is the relayed copy of producer n.
static void on_relay_rtp(void *ctx, struct link_id to, struct producer_id id, uint8_t stream,
                         struct block *b) {
    struct world *w = ctx;
    uint8_t wire[RELAY_WIRE_MAX];
    struct relay_address address;
    struct block *copy = pool_take(w->pool);
    (void)to;
    if (!copy)
        return;
    size_t len = relay_wire_write(&(struct relay_address){id, stream}, b, wire, sizeof wire);
    assert(len > 0);
    enum err err = relay_wire_read(span_of(wire, len), w->now_us, &address, copy);
    assert(err == ERR_OK && address.producer.v == id.v && address.stream == stream);
    (void)err;
    forwarder_relayed_rtp(w->fw, (struct link_id){0}, (struct producer_id){id.v + 20}, stream, copy,
                          w->now_us);
}

static void on_note(void *ctx, struct link_id to, const struct relay_note *note) {
    struct world *w = ctx;
    struct relay_note back = *note;
    (void)to;
    back.producer.v = note->type == RELAY_SENDER_REPORT ? note->producer.v + 20 : note->producer.v - 20;
    forwarder_relay_note(w->fw, (struct link_id){0}, &back, w->now_us);
}

static bool on_event(void *ctx, const struct media_event *event) {
    (void)ctx;
    assert(event->type != MEDIA_PRODUCER_SCORE || event->score <= 10);
    return true;
}

static void on_forget(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    (void)ctx;
    (void)peer;
    (void)ssrc;
    (void)sent;
}

static void open_producer(struct world *w, uint32_t transport, uint32_t id, enum media_codec codec,
                          unsigned streams, uint32_t ssrc, const char *mid) {
    bool video = codec != CODEC_OPUS;
    struct media_cmd cmd = {.type = transport ? MEDIA_OPEN_PRODUCER : MEDIA_OPEN_RELAYED_PRODUCER,
                            .transport = {transport},
                            .producer = {id}};
    struct producer_params *p = &cmd.open_producer.params;
    *p = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                  .codec = codec,
                                  .payload_type = (uint8_t)(96 + 2 * codec),
                                  .rtx_payload_type = video ? (uint8_t)(97 + 2 * codec) : PAYLOAD_TYPE_NONE,
                                  .clock_rate = video ? 90000 : 48000,
                                  .stream_count = (uint8_t)streams,
                                  .nack = video,
                                  .pli = codec != CODEC_H264,
                                  .fir = codec == CODEC_H264,
                                  .transport_cc = true,
                                  .remb = true,
                                  .spatial_layers = 1,
                                  .temporal_layers = 1};
    snprintf(p->mid, sizeof p->mid, "%s", mid);
    for (unsigned e = 1; e < EXT_COUNT; e++)
        p->ext.ids[e] = EXT_ROUTER_ID(e);
    for (unsigned i = 0; i < streams; i++) {
        if (ssrc)
            p->streams[i] =
                (struct stream_params){.ssrc = ssrc + 2 * i, .rtx_ssrc = video ? ssrc + 2 * i + 1 : 0};
        if (streams > 1)
            snprintf(p->streams[i].rid, sizeof p->streams[i].rid, "%u", i);
    }
    forwarder_command(w->fw, &cmd, w->now_us);
}

static void open_consumer(struct world *w, uint32_t transport, uint32_t producer, uint32_t id, bool video) {
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_CONSUMER, .transport = {transport}, .producer = {producer}, .consumer = {id}};
    cmd.open_consumer.params = (struct consumer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .payload_type = 100,
                                                        .rtx_payload_type = id % 2 ? 101 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = video ? 90000 : 48000,
                                                        .ssrc = id,
                                                        .rtx_ssrc = video && id % 2 ? id + 128 : 0,
                                                        .mid = "3",
                                                        .cname = "name",
                                                        .nack = video,
                                                        .pli = true};
    cmd.open_consumer.params.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    cmd.open_consumer.params.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR);
    forwarder_command(w->fw, &cmd, w->now_us);
}

static void world_open(struct world *w) {
    w->now_us = 1000 * US_PER_SECOND;
    memset(w->highest, 0, sizeof w->highest);
    wheel_init(&w->wheel, w->now_us);
    w->pool = pool_create(2048);
    w->oracle = nonce_oracle_create();
    struct forwarder_config config = {.random_seed = 1};
    media_limits_fill(&config.limits);
    struct forwarder_output out = {.ctx = w,
                                   .send_rtp = on_rtp,
                                   .send_again = on_again,
                                   .send_rtcp = on_rtcp,
                                   .relay_rtp = on_relay_rtp,
                                   .relay_note = on_note,
                                   .event = on_event,
                                   .forget_ssrc = on_forget};
    w->fw = w->pool ? forwarder_create(&config, &out, w->pool, &w->wheel) : NULL;
    assert(w->fw);
    for (uint32_t i = 0; i < PEERS; i++) {
        w->peers[i] = forwarder_open_endpoint(w->fw, (struct transport_id){i + 1}, &w->peers[i]);
        assert(w->peers[i]);
        forwarder_endpoint_connected(w->fw, w->peers[i], w->now_us);
    }
    open_producer(w, 1, 1, CODEC_VP8, 3, 0, "0");  // simulcast, to be learnt
    open_producer(w, 1, 2, CODEC_OPUS, 1, 16, ""); // SSRC known
    open_producer(w, 1, 3, CODEC_H264, 1, 32, "1");
    open_producer(w, 2, 4, CODEC_VP9, 2, 48, "");
    open_producer(w, 2, 5, CODEC_AV1, 1, 0, "0");
    open_producer(w, 0, 21, CODEC_VP8, 3, 0, "0"); // 1, relayed
    for (uint32_t id = 1; id <= 5; id++) {
        open_consumer(w, 3, id, 2 * id, id != 2);
        open_consumer(w, 4, id, 2 * id + 1, id != 2);
    }
    open_consumer(w, 4, 21, 99, true);
    struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = {1}};
    relay.relay.link.v = 3;
    forwarder_command(w->fw, &relay, w->now_us);
}

static void world_close(struct world *w) {
    for (size_t i = 0; i < sizeof w->peers / sizeof w->peers[0]; i++) {
        struct path_quality quality = forwarder_endpoint_quality(w->peers[i]);
        assert(quality.packets_lost <= quality.packets);
    }
    forwarder_destroy(w->fw);
    assert(pool_taken(w->pool) == 0 && w->wheel.armed == 0);
    pool_destroy(w->pool);
    nonce_oracle_destroy(w->oracle);
}

// A run of good packets of the publisher's sound or picture, `stride` numbers apart: a fuzzer's own few
// hundred packets never wrap.
static void step_run(struct world *w, struct reader *r) {
    bool video = read_u8(r) & 1;
    unsigned count = read_u8(r) * 8u;
    uint16_t seq = read_u16(r), stride = read_u16(r);
    uint8_t packet[20] = {0x80, (uint8_t)(96 + 2 * (video ? CODEC_H264 : CODEC_OPUS))};
    packet[12] = video ? 0x65 : 0; // an IDR slice
    store_be32(packet + 8, video ? 32 : 16);
    for (unsigned i = 0; i < count; i++, seq = (uint16_t)(seq + stride)) {
        struct block *b = pool_take(w->pool);
        if (!b)
            break;
        store_be16(packet + 2, seq);
        store_be32(packet + 4, i);
        memcpy(block_data(b), packet, sizeof packet);
        b->len = sizeof packet;
        forwarder_rtp(w->fw, w->peers[0], b, w->now_us);
        if (i % 64 == 63)
            forwarder_flush(w->fw);
    }
}

// A receiver reports on a stream: what it has had, or a lie.
static void step_report(struct world *w, unsigned peer, struct reader *r) {
    uint8_t what = read_u8(r);
    uint32_t ssrc = what % 32;
    uint16_t lie = read_u16(r);
    uint8_t bytes[64];
    struct writer out = writer_of(bytes, sizeof bytes);
    uint32_t seq = what & 128 ? lie : (uint32_t)w->highest[ssrc];
    rtcp_write_rr(&out, 1, &(struct rtcp_report){.ssrc = ssrc, .highest_seq = seq}, 1);
    forwarder_rtcp(w->fw, w->peers[peer], span_of(out.ptr, out.len), w->now_us);
}

// The link of a receiver is found to be full, or not to be any more: video waits for its turn, or leaves.
static void step_pace(struct world *w, unsigned peer, struct reader *r) {
    struct congestion *cg = w->peers[peer]->congestion;
    uint32_t rate_bps = read_u8(r) * 4000u;
    if (!cg)
        return;
    cg->limited_us = rate_bps ? w->now_us : 0;
    cg->works |= rate_bps != 0;
    cg->stands = read_u8(r) & 1;
    pacer_set(&cg->pacer, rate_bps);
}

static void step_command(struct world *w, struct span bytes) {
    static const enum media_cmd_type types[] = {
        MEDIA_PAUSE_PRODUCER, MEDIA_CLOSE_PRODUCER,    MEDIA_PAUSE_CONSUMER, MEDIA_CLOSE_CONSUMER,
        MEDIA_SET_LAYERS,     MEDIA_REQUEST_KEY_FRAME, MEDIA_SET_PRIORITY,   MEDIA_SET_MAX_BITRATE};
    struct reader r = reader_of(bytes);
    uint8_t type = read_u8(&r);
    if (type >= 224) { // nor these: addresses are lost and found
        forwarder_endpoint_reachable(w->fw, w->peers[type % PEERS], type & 16, w->now_us);
        if (type & 8)
            forwarder_endpoint_path_changed(w->fw, w->peers[type % PEERS], w->now_us);
        return;
    }
    if (type >= 208) {
        step_run(w, &r);
        return;
    }
    if (type >= 200) {
        step_report(w, type % PEERS, &r);
        return;
    }
    if (type >= 192) {
        step_pace(w, type % PEERS, &r);
        return;
    }
    if (type >= 128) { // not a command, but what the worker's own load may bring about at any time
        forwarder_shed(w->fw, type % (OVERLOAD_LEVEL_MAX + 1), w->now_us);
        return;
    }
    struct media_cmd cmd = {.type = types[type % (sizeof types / sizeof types[0])]};
    uint32_t id = read_u8(&r) % 32;
    if (cmd.type == MEDIA_PAUSE_PRODUCER || cmd.type == MEDIA_CLOSE_PRODUCER)
        cmd.producer.v = id;
    else
        cmd.consumer.v = id;
    if (cmd.type == MEDIA_SET_LAYERS)
        cmd.layers.spatial = (int8_t)(read_u8(&r) % 5 - 1);
    else if (cmd.type == MEDIA_SET_PRIORITY)
        cmd.priority.priority = read_u8(&r);
    else if (cmd.type == MEDIA_SET_MAX_BITRATE)
        cmd.max_bitrate.bps = read_u8(&r) * 20000u;
    else
        cmd.pause.paused = read_u8(&r) & 1;
    forwarder_command(w->fw, &cmd, w->now_us);
}

static void step(struct world *w, uint8_t kind, struct span bytes) {
    struct endpoint *peer = w->peers[kind % PEERS];
    switch (kind >> 2 & 3) {
    case 0:
    case 1: {
        struct block *b = pool_take(w->pool);
        if (!b)
            return;
        memcpy(block_data(b), bytes.ptr, bytes.len);
        b->len = (uint16_t)bytes.len;
        forwarder_rtp(w->fw, peer, b, w->now_us);
        break;
    }
    case 2:
        forwarder_rtcp(w->fw, peer, bytes, w->now_us);
        break;
    case 3:
        step_command(w, bytes);
        break;
    }
    static const uint32_t pauses_us[16] = {0,     0,     0,      0,      100,    1000,    5000,    11000,
                                           20000, 50000, 120000, 300000, 600000, 1100000, 2000000, 6000000};
    if (pauses_us[kind >> 4]) // several steps may be of one turn
        forwarder_flush(w->fw);
    w->now_us += pauses_us[kind >> 4];
    wheel_advance(&w->wheel, w->now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world w;
    world_open(&w);
    struct reader r = reader_of(span_of(data, size));
    for (unsigned i = 0; i < STEPS_MAX && r.left >= 2; i++) {
        uint8_t kind = read_u8(&r);
        size_t len = read_u8(&r);
        step(&w, kind, read_span(&r, len < r.left ? len : r.left));
    }
    for (uint32_t id = 1; id < 22; id++) {
        struct media_stats stats = {0};
        struct media_cmd cmd = {.type = MEDIA_GET_STATS, .producer = {id}};
        forwarder_stats(w.fw, &cmd, w.now_us, &stats);
        assert(stats.stream_count <= STREAMS_MAX);
    }
    world_close(&w);
    return 0;
}
