// A browser that publishes: frames in time, key frames and retransmissions as it is asked.
#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"
#include "rtp/nack_tracker.h"
#include "rtp/rtcp_write.h"
#include "tests/sim/sim.h"

#include <stdio.h>

#define RTT_MEASURED_LONGER_US 2000 // than it is, by timers
#define REPEAT_SLACK_US 5000        // rtp_sender.cc
#define EXT_MID_ID 4
#define EXT_RID_ID 10
#define EXT_REPAIRED_ID 11
#define EXT_TWCC_ID 3

void sim_content_write(uint8_t out[SIM_CONTENT_BYTES], const struct sim_content *c) {
    store_be16(out, c->publisher);
    out[2] = c->layer;
    out[3] = c->index;
    out[4] = c->count;
    out[5] = c->key;
    store_be32(out + 6, c->frame);
    store_be64(out + 10, c->capture_us);
    store_be16(out + 18, 0);
}

struct sim_content sim_content_read(const uint8_t in[SIM_CONTENT_BYTES]) {
    return (struct sim_content){.publisher = load_be16(in),
                                .layer = in[2],
                                .index = in[3],
                                .count = in[4],
                                .key = in[5],
                                .frame = load_be32(in + 6),
                                .capture_us = load_be64(in + 10)};
}

unsigned sim_temporal(uint32_t frame) {
    static const unsigned layers[4] = {0, 2, 1, 2};
    return layers[frame % 4];
}

uint32_t sim_needs(uint32_t frame) {
    uint32_t back = sim_temporal(frame) == 0 ? 4 : sim_temporal(frame) == 1 ? 2 : 1;
    return frame >= back ? frame - back : 0;
}

// Each publisher's wall clock is another one, far from ours.
uint64_t sim_publisher_ntp(const struct sim_publisher *p, uint64_t at_us) {
    return ntp_from_wall_us(UINT64_C(1600000000000000) + (uint64_t)p->audio.ssrc * 977 + at_us);
}

static uint16_t index_of(const struct sim_publisher *p) {
    return (uint16_t)(p->peer.owner - p->peer.sim->participants);
}

static uint32_t timestamp_of(const struct sim_stream *s, uint64_t at_us, uint32_t rate) {
    return s->timestamp_base + (uint32_t)(at_us * rate / US_PER_SECOND);
}

static void stream_init(struct sim_stream *s, struct sim *sim, uint32_t ssrc) {
    *s = (struct sim_stream){.ssrc = ssrc, .rtx_ssrc = ssrc + 1, .timestamp_base = sim_random(sim)};
    s->seq = (uint16_t)(65536 - sim_random(sim) % 200); // most of them wrap soon
    s->rtx_seq = (uint16_t)sim_random(sim);
}

void sim_publisher_init(struct sim_publisher *p, struct sim *sim, unsigned index) {
    stream_init(&p->audio, sim, 1000 * (index + 1));
    for (unsigned i = 0; i < SIM_LAYERS_MAX; i++)
        stream_init(&p->video[i], sim, 1000 * (index + 1) + 10 + 10 * i);
    p->next_video_us = sim->now_us + sim_random(sim) % 50000;
    p->next_audio_us = sim->now_us + sim_random(sim) % 20000;
    p->next_report_us = sim->now_us + 200000 + sim_random(sim) % 500000;
}

static void put_ext(struct writer *w, uint8_t id, const void *value, size_t len) {
    write_u8(w, (uint8_t)((size_t)id << 4 | (len - 1)));
    write_span(w, span_of(value, len));
}

struct packet_head {
    uint8_t pt;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    const char *rid, *repaired_rid;
};

static struct writer begin_packet(struct sim_publisher *p, uint8_t *out, const struct packet_head *h,
                                  const char *mid) {
    struct writer w = writer_of(out, SIM_PACKET_MAX);
    uint8_t number[2];
    store_be16(number, p->transport_seq++);
    write_u8(&w, 0x90);
    write_u8(&w, h->pt);
    write_u16(&w, h->seq);
    write_u32(&w, h->timestamp);
    write_u32(&w, h->ssrc);
    write_u16(&w, 0xbede);
    write_u16(&w, 0);
    put_ext(&w, EXT_TWCC_ID, number, 2);
    put_ext(&w, EXT_MID_ID, mid, 1);
    if (h->rid)
        put_ext(&w, EXT_RID_ID, h->rid, 2);
    if (h->repaired_rid)
        put_ext(&w, EXT_REPAIRED_ID, h->repaired_rid, 2);
    while (w.len % 4)
        write_u8(&w, 0);
    store_be16(out + 14, (uint16_t)((w.len - 16) / 4));
    return w;
}

static void send_up(struct sim_publisher *p, const struct writer *w) {
    assert_false(w->failed);
    struct sim *sim = p->peer.sim;
    sim_send(sim, &sim->config.up, SIM_UP_RTP, &p->peer, span_of(w->ptr, w->len));
}

static const char *const rids[SIM_LAYERS_MAX] = {"r0", "r1"};

static void send_frame(struct sim_publisher *p, unsigned layer, uint64_t at_us) {
    struct sim *sim = p->peer.sim;
    struct sim_stream *s = &p->video[layer];
    bool key = s->key_wanted || s->packets == 0, simulcast = sim->config.layers > 1;
    unsigned count = sim->config.packets_per_frame * (key ? 2 : 1);
    s->key_wanted = false;
    p->key_frames += key;
    for (unsigned i = 0; i < count; i++) {
        uint8_t out[SIM_PACKET_MAX], payload[2 + SIM_CONTENT_BYTES];
        struct sim_content content = {.publisher = index_of(p),
                                      .layer = (uint8_t)layer,
                                      .index = (uint8_t)i,
                                      .count = (uint8_t)count,
                                      .key = key,
                                      .frame = p->frame,
                                      .capture_us = at_us};
        payload[0] = i == 0 ? 0x10 : 0x00; // start of the partition
        payload[1] = key ? 0x00 : 0x01;
        sim_content_write(payload + 2, &content);
        struct packet_head h = {.pt = (uint8_t)(96 | (i + 1 == count ? 0x80 : 0)),
                                .seq = s->seq++,
                                .timestamp = timestamp_of(s, at_us, 90000),
                                .ssrc = s->ssrc,
                                .rid = simulcast ? rids[layer] : NULL};
        struct writer w = begin_packet(p, out, &h, "1");
        write_span(&w, span_of(payload, sizeof payload));
        send_up(p, &w);
        s->packets++;
        unsigned slot = h.seq % SIM_STORE;
        s->store[slot].seq = h.seq;
        s->store[slot].repeated_us = 0;
        s->store[slot].len = sizeof payload;
        memcpy(s->store[slot].bytes, payload, sizeof payload);
        store_be32(s->store[slot].bytes + sizeof payload, h.timestamp);
        s->store[slot].bytes[sizeof payload + 4] = h.pt & 0x80;
    }
}

static void send_audio(struct sim_publisher *p, uint64_t at_us) {
    uint8_t out[SIM_PACKET_MAX], payload[2 + SIM_CONTENT_BYTES] = {0x78, 1};
    struct sim_content content = {
        .publisher = index_of(p), .count = 1, .frame = p->audio_frame++, .capture_us = at_us};
    sim_content_write(payload + 2, &content);
    struct packet_head h = {.pt = 111,
                            .seq = p->audio.seq++,
                            .timestamp = timestamp_of(&p->audio, at_us, 48000),
                            .ssrc = p->audio.ssrc};
    struct writer w = begin_packet(p, out, &h, "0");
    write_span(&w, span_of(payload, sizeof payload));
    send_up(p, &w);
    p->audio.packets++;
}

static void send_report(struct sim_publisher *p, struct sim_stream *s, uint32_t rate) {
    struct sim *sim = p->peer.sim;
    uint8_t out[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(out, sizeof out);
    struct rtcp_sender_info info = {.ntp = sim_publisher_ntp(p, sim->now_us),
                                    .rtp_timestamp = timestamp_of(s, sim->now_us, rate),
                                    .packet_count = s->packets};
    rtcp_write_sr(&w, s->ssrc, &info, NULL, 0);
    rtcp_write_sdes_cname(&w, s->ssrc, "browser");
    if (p->asked_us) {
        struct rtcp_dlrr_item item = {.ssrc = p->asked_by,
                                      .last_rr = p->asked_mid,
                                      .delay_since_rr =
                                          (uint32_t)(((sim->now_us - p->asked_us) << 16) / US_PER_SECOND)};
        rtcp_write_xr(&w, s->ssrc, 0, &item, 1);
        p->asked_us = 0;
    }
    sim_send(sim, &sim->config.up, SIM_UP_RTCP, &p->peer, span_of(w.ptr, w.len));
}

void sim_publisher_tick(struct sim_publisher *p) {
    struct sim *sim = p->peer.sim;
    if (sim->now_us >= p->next_audio_us) {
        send_audio(p, p->next_audio_us);
        p->next_audio_us += sim->config.audio_ms * US_PER_MS;
    }
    if (sim->now_us >= p->next_video_us) {
        for (unsigned i = 0; i < sim->config.layers; i++)
            if (!p->video[i].silent)
                send_frame(p, i, p->next_video_us);
        p->frame++;
        p->next_video_us += US_PER_SECOND / sim->config.fps;
    }
    if (sim->now_us >= p->next_report_us) {
        send_report(p, &p->audio, 48000);
        for (unsigned i = 0; i < sim->config.layers; i++)
            if (!p->video[i].silent)
                send_report(p, &p->video[i], 90000);
        p->next_report_us += US_PER_SECOND;
    }
}

// ---- what the forwarder says

static struct sim_stream *stream_of(struct sim_publisher *p, uint32_t ssrc) {
    for (unsigned i = 0; i < p->peer.sim->config.layers; i++)
        if (p->video[i].ssrc == ssrc)
            return &p->video[i];
    return NULL;
}

static void send_again(struct sim_publisher *p, struct sim_stream *s, uint16_t seq) {
    uint8_t out[SIM_PACKET_MAX];
    unsigned slot = seq % SIM_STORE;
    int16_t ahead = seq16_diff(seq, s->seq);
    if (ahead >= 0 && ahead < NACK_GUESSES_MAX) { // a guess that is wrong, which browsers ignore
        s->never_sent++;
        return;
    }
    if (s->store[slot].seq != seq || s->store[slot].len == 0)
        fail_msg("asked for %u of %u, which was never sent", seq, s->ssrc);
    const struct sim_config *config = &p->peer.sim->config;
    uint64_t rtt_us = config->up.delay_us + config->down.delay_us + RTT_MEASURED_LONGER_US;
    if (config->as_libwebrtc && s->store[slot].repeated_us &&
        p->peer.sim->now_us < s->store[slot].repeated_us + rtt_us + REPEAT_SLACK_US)
        return;
    s->store[slot].repeated_us = p->peer.sim->now_us;
    size_t len = s->store[slot].len;
    bool simulcast = p->peer.sim->config.layers > 1;
    struct packet_head h = {.pt = (uint8_t)(97 | s->store[slot].bytes[len + 4]),
                            .seq = s->rtx_seq++,
                            .timestamp = load_be32(s->store[slot].bytes + len),
                            .ssrc = s->rtx_ssrc,
                            .repaired_rid = simulcast ? rids[s - p->video] : NULL};
    struct writer w = begin_packet(p, out, &h, "1");
    write_u16(&w, seq);
    write_span(&w, span_of(s->store[slot].bytes, len));
    send_up(p, &w);
}

static void read_nack(struct sim_publisher *p, const struct rtcp_packet *packet) {
    struct sim_stream *s = stream_of(p, packet->media_ssrc);
    assert_non_null(s);
    struct reader r = reader_of(packet->body);
    for (struct rtcp_nack_item item; rtcp_nack_next(&r, &item);) {
        send_again(p, s, item.seq);
        for (unsigned i = 0; i < 16; i++)
            if (item.bitmask >> i & 1)
                send_again(p, s, (uint16_t)(item.seq + i + 1));
    }
}

// Marks what a transport-wide feedback packet tells as received; an independent reading of section 3.1.
static void read_transport_cc(struct sim_publisher *p, struct span body) {
    struct reader r = reader_of(body);
    uint16_t base = read_u16(&r), count = read_u16(&r);
    read_u32(&r);
    uint8_t symbols[65536];
    unsigned n = 0;
    size_t deltas = 0;
    while (n < count && !r.failed) {
        uint16_t chunk = read_u16(&r);
        bool run = !(chunk & 0x8000), two_bits = chunk & 0x4000;
        unsigned symbols_here = run ? chunk & 0x1fff : two_bits ? 7 : 14;
        for (unsigned i = 0; i < symbols_here && n < count; i++)
            symbols[n++] = (uint8_t)(run        ? chunk >> 13 & 3
                                     : two_bits ? chunk >> (12 - 2 * i) & 3
                                                : chunk >> (13 - i) & 1);
    }
    for (unsigned i = 0; i < n; i++) {
        uint16_t seq = (uint16_t)(base + i);
        assert_in_range(symbols[i], 0, 2);
        deltas += symbols[i];
        if (symbols[i] && !p->arrived[seq])
            fail_msg("feedback tells of packet %u, which never arrived", seq);
        p->told[seq] |= symbols[i] != 0;
    }
    assert_true(!r.failed && r.left >= deltas && r.left < deltas + 4);
}

static void read_time(struct sim_publisher *p, const struct rtcp_packet *packet) {
    struct reader r = reader_of(packet->body);
    for (struct rtcp_xr_block block; rtcp_xr_next(&r, &block);) {
        if (block.is_dlrr || !p->peer.sim->config.tells_times)
            continue;
        p->asked_by = packet->sender_ssrc;
        p->asked_mid = (uint32_t)(block.ntp >> 16);
        p->asked_us = p->peer.sim->now_us;
    }
}

void sim_publisher_rtcp(struct sim_publisher *p, struct span datagram) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        struct sim_stream *s = stream_of(p, packet.media_ssrc);
        if (packet.kind == RTCP_NACK)
            read_nack(p, &packet);
        else if (packet.kind == RTCP_PLI && s)
            s->key_wanted = true;
        else if (packet.kind == RTCP_TRANSPORT_CC)
            read_transport_cc(p, packet.body);
        else if (packet.kind == RTCP_XR)
            read_time(p, &packet);
    }
    assert_false(walk.malformed);
}

void sim_publisher_finish(struct sim_publisher *p) {
    // Feedback itself may be lost; what the forwarder sent of it is complete up to the last 100 ms.
    if (p->peer.sim->config.down.loss_permille > 0)
        return;
    unsigned arrived = 0, told = 0;
    for (unsigned i = 0; i < SIM_TWCC_KEPT; i++) {
        arrived += p->arrived[i];
        told += p->told[i];
    }
    if (told + 60 < arrived)
        fail_msg("feedback told of %u packets of %u", told, arrived);
}
