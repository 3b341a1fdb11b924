// A publisher of a call: three VP8 streams of three temporal layers each, and opus. With a limited uplink it
// adapts as a browser does: an estimate of its own, made of the feedback that it gets; the lower streams
// first.
#include "tests/sim/call.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/rtcp_read.h"

#define KEY_FRAME_TIMES 4 // of a usual frame
#define UP_DELAY_US 10000
#define AUDIO_BPS 55000 // on the wire

static const char *const rids[CALL_LAYERS] = {"r0", "r1", "r2"};
static const struct {
    uint8_t temporal, tenths; // of a mean frame
} pattern[4] = {{0, 16}, {2, 8}, {1, 8}, {2, 8}};

static unsigned layer_count(const struct call *call) {
    return call->config.single_bps ? 1 : CALL_LAYERS;
}

void publisher_open(struct call *call, unsigned index) {
    struct call_publisher *p = &call->publishers[index];
    *p = (struct call_publisher){.call = call,
                                 .index = index,
                                 .up = link_of(&call->config.up[index], call->config.seed + 50 + index),
                                 .next_frame_us = call->now_us + index * 7000,
                                 .next_audio_us = call->now_us + index * 3000,
                                 .vary_permille = 1000};
    p->endpoint = forwarder_open_endpoint(call->fw, (struct transport_id){1 + index}, p);
    assert_non_null(p->endpoint);
    forwarder_endpoint_connected(call->fw, p->endpoint, call->now_us);
    for (unsigned i = 0; i < layer_count(call); i++) {
        p->layers[i].key_wanted = true;
        p->active_bps[i] = call->config.single_bps ? call->config.single_bps : call_layer_bps[i];
    }
    if (call->config.up[index].rate_bps)
        p->bandwidth = bandwidth_create(
            &(struct bandwidth_config){.start_bps = 1000000, .min_bps = 30000, .max_bps = 10000000},
            call->now_us);
    for (unsigned video = 0; video < 2; video++) {
        struct media_cmd cmd = {
            .type = MEDIA_OPEN_PRODUCER, .transport = {1 + index}, .producer = {1 + 2 * index + video}};
        struct producer_params *params = &cmd.open_producer.params;
        *params = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                           .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                           .payload_type = video ? 96 : 111,
                                           .rtx_payload_type = video ? 97 : PAYLOAD_TYPE_NONE,
                                           .clock_rate = video ? 90000 : 48000,
                                           .stream_count = video ? (uint8_t)layer_count(call) : 1,
                                           .mid = {video ? '1' : '0'},
                                           .nack = video,
                                           .pli = video,
                                           .transport_cc = true,
                                           .spatial_layers = 1,
                                           .temporal_layers = video ? 3 : 1};
        params->ext.ids[EXT_MID] = 4;
        params->ext.ids[EXT_RID] = 10;
        params->ext.ids[EXT_TRANSPORT_CC] = 3;
        params->ext.ids[EXT_REPAIRED_RID] = 11;
        for (unsigned i = 0; video && i < layer_count(call) && layer_count(call) > 1; i++)
            params->streams[i] = (struct stream_params){.rid = {'r', (char)('0' + i)}};
        if (!video)
            params->streams[0].ssrc = 1000 + index;
        else if (layer_count(call) == 1)
            params->streams[0].ssrc = 2000 + 10 * index;
        call_command(call, &cmd);
    }
}

// ---- out

static void send_up(struct call_publisher *p, uint8_t *packet, size_t len) {
    struct call *call = p->call;
    store_be16(packet + 17, p->transport_seq); // the first extension
    if (p->bandwidth)
        bandwidth_sent(p->bandwidth, p->transport_seq, (uint16_t)(len + 44), false, call->now_us);
    p->transport_seq++;
    struct link_arrival arrival = link_send(&p->up, (unsigned)len + 44, call->now_us);
    if (arrival.arrives)
        call_push(call, arrival.at_us + UP_DELAY_US, CALL_UP_RTP, p, span_of(packet, len));
}

static struct writer begin(uint8_t *out, size_t cap, uint8_t pt, bool marker, uint16_t seq,
                           uint32_t timestamp, uint32_t ssrc, const char *rid, bool repaired) {
    struct writer w = writer_of(out, cap);
    write_u8(&w, 0x90);
    write_u8(&w, (uint8_t)(marker << 7 | pt));
    write_u16(&w, seq);
    write_u32(&w, timestamp);
    write_u32(&w, ssrc);
    write_u16(&w, 0xbede);
    write_u16(&w, rid ? 2 : 1);
    write_u8(&w, 0x31);
    write_u16(&w, 0); // transport-wide number
    if (rid) {
        write_u8(&w, 0x40);
        write_u8(&w, '1');
        write_u8(&w, repaired ? 0xb1 : 0xa1);
        write_u8(&w, (uint8_t)rid[0]);
        write_u8(&w, (uint8_t)rid[1]);
    } else {
        write_u8(&w, 0);
    }
    return w;
}

static void send_frame(struct call_publisher *p, unsigned layer, bool key) {
    struct call *call = p->call;
    unsigned at = p->frame % 4;
    uint8_t temporal = key ? 0 : pattern[at].temporal;
    uint64_t mean = p->active_bps[layer] / 8 / CALL_FPS;
    uint64_t size = key ? mean * KEY_FRAME_TIMES : mean * pattern[at].tenths / 10;
    size = size * (85 + call_random(call) % 31) / 100 * p->vary_permille / 1000;
    unsigned count = (unsigned)((size + CALL_PAYLOAD_MAX - 1) / CALL_PAYLOAD_MAX);
    uint32_t timestamp = (uint32_t)((call->now_us - CALL_START_US) * 9 / 100) + layer * 1000;
    bool simulcast = layer_count(call) > 1;
    uint32_t ssrc = 2000 + 10 * p->index + layer;
    p->layers[layer].picture = (uint16_t)((p->layers[layer].picture + 1) & 0x7fff);
    p->layers[layer].tl0 = (uint8_t)(p->layers[layer].tl0 + (temporal == 0));
    p->layers[layer].keys += key;
    for (unsigned i = 0; i < count; i++) {
        uint8_t out[1300];
        uint16_t seq = p->layers[layer].seq++;
        struct writer w = begin(out, sizeof out, 96, i + 1 == count, seq, timestamp, ssrc,
                                simulcast ? rids[layer] : NULL, false);
        size_t payload_at = w.len;
        write_u8(&w, i == 0 ? 0x90 : 0x80); // S, of partition 0
        write_u8(&w, 0xe0);
        write_u16(&w, (uint16_t)(0x8000 | p->layers[layer].picture));
        write_u8(&w, p->layers[layer].tl0);
        write_u8(&w, (uint8_t)(temporal << 6 | (temporal > 0) << 5)); // each step up is a switching point
        write_u8(&w, key ? 0 : 1);
        write_zeros(&w, size / count);
        uint16_t len = (uint16_t)(w.len - payload_at);
        p->store[layer][seq % 512].len = len;
        memcpy(p->store[layer][seq % 512].bytes, out + payload_at, len);
        send_up(p, out, w.len);
    }
}

static void send_audio(struct call_publisher *p) {
    uint8_t out[300];
    uint32_t timestamp = (uint32_t)((p->call->now_us - CALL_START_US) / 1000 * 48);
    struct writer w =
        begin(out, sizeof out, 111, false, p->audio_seq++, timestamp, 1000 + p->index, NULL, false);
    write_zeros(&w, CALL_AUDIO_BYTES);
    send_up(p, out, w.len);
}

// The lower streams first, each at its rate; the highest that runs takes what is left of its.
static void adapt(struct call_publisher *p) {
    uint32_t target = bandwidth_state(p->bandwidth).target_bps;
    uint32_t left = target > AUDIO_BPS ? (target - AUDIO_BPS) / 100 * 94 : 0;
    for (unsigned i = 0; i < CALL_LAYERS; i++) {
        uint32_t least = i == 0 ? 0 : call_layer_bps[i] / 100 * 60; // a browser starts a layer with this much
        uint32_t was = p->active_bps[i];
        p->active_bps[i] = left < least ? 0 : left < call_layer_bps[i] ? left : call_layer_bps[i];
        if (i == 0 && p->active_bps[0] < 40000)
            p->active_bps[0] = 40000;
        p->layers[i].key_wanted |= was == 0 && p->active_bps[i] > 0;
        left -= p->active_bps[i] < left ? p->active_bps[i] : left;
    }
    bandwidth_demand(p->bandwidth, 2100000, p->call->now_us);
}

// What is in the picture: now more, now less of it moves.
static void vary(struct call_publisher *p) {
    struct call *call = p->call;
    unsigned most = 10 * call->config.vary_percent;
    if (most == 0 || call->now_us < p->vary_us)
        return;
    p->vary_us = call->now_us + US_PER_SECOND + call_random(call) % (4 * US_PER_SECOND);
    p->vary_permille = 1000 - most + call_random(call) % (2 * most + 1);
}

void publisher_tick(struct call_publisher *p) {
    struct call *call = p->call;
    vary(p);
    if (p->bandwidth && call->now_us >= p->tick_us) {
        bandwidth_tick(p->bandwidth, call->now_us);
        p->tick_us = bandwidth_next_us(p->bandwidth);
        adapt(p);
    }
    if (call->now_us >= p->next_audio_us) {
        p->next_audio_us += 20000;
        send_audio(p);
    }
    if (call->now_us < p->next_frame_us)
        return;
    p->next_frame_us += US_PER_SECOND / CALL_FPS;
    for (unsigned i = 0; i < layer_count(call); i++) {
        bool key = p->layers[i].key_wanted && p->active_bps[i] > 0;
        if (p->active_bps[i] > 0)
            send_frame(p, i, key);
        p->layers[i].key_wanted &= !key;
    }
    p->frame++;
}

// ---- what comes back

static void repeat(struct call_publisher *p, unsigned layer, uint16_t seq) {
    uint8_t out[1400];
    static uint16_t rtx_seq;
    if (p->store[layer][seq % 512].len == 0)
        return;
    struct writer w = begin(out, sizeof out, 97, false, rtx_seq++, 0, 5000 + 10 * p->index + layer,
                            layer_count(p->call) > 1 ? rids[layer] : NULL, true);
    write_u16(&w, seq);
    write_span(&w, span_of(p->store[layer][seq % 512].bytes, p->store[layer][seq % 512].len));
    (void)w; // a browser's repeats; losses on the uplink are not what these simulations are about
}

void publisher_rtcp(struct call_publisher *p, struct span datagram) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        unsigned layer = packet.media_ssrc - 2000 - 10 * p->index;
        if (packet.kind == RTCP_PLI && layer < CALL_LAYERS)
            p->layers[layer].key_wanted = true;
        if (packet.kind == RTCP_TRANSPORT_CC && p->bandwidth)
            assert_true(bandwidth_twcc(p->bandwidth, packet.body, p->call->now_us));
        struct reader r = reader_of(packet.body);
        for (struct rtcp_nack_item item; packet.kind == RTCP_NACK && rtcp_nack_next(&r, &item);)
            if (layer < CALL_LAYERS)
                repeat(p, layer, item.seq);
    }
    assert_false(walk.malformed);
}
