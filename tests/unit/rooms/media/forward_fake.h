// A forwarder with fake peers: packets are written by hand, and what comes out is kept to look at.
#ifndef TESTS_ROOMS_FORWARD_FAKE_H
#define TESTS_ROOMS_FORWARD_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/nonce_oracle.h"
#include "rooms/media/forwarder.h"
#include "rtp/rtcp_read.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "rtp/rtp_forward.h"

#include <stdio.h>
#include <stdlib.h>

#define FAKE_KEPT 10000
#define FAKE_STREAMS 8192    // power of two
#define FAKE_GAP_MAX 0x7fffu // more, and a receiver takes what follows for older than what it has
#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)

struct fake_rtp {
    void *peer;
    enum media_kind kind;
    uint64_t at_us;
    struct rtp_packet head; // its spans are not to be used
    uint16_t original_seq;  // first two bytes of the payload
    uint16_t transport_seq;
    uint8_t payload[8];
    uint8_t bytes[320]; // the header and some of what follows
    char mid[17];
};

struct fake_rtcp {
    void *peer;
    uint64_t at_us;
    size_t len;
    uint8_t bytes[RTCP_DATAGRAM_MAX];
};

// What a receiver of a stream has had, where it gets everything that goes out.
struct fake_stream {
    void *peer; // NULL: nothing yet
    uint32_t ssrc;
    uint64_t highest;
};

struct fake_relay {
    bool note;
    uint8_t stream;
    struct link_id to;
    struct producer_id producer;
    struct relay_note said;
    uint16_t seq;
};

struct fake {
    uint64_t now_us;
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    bool events_refused, sealing_fails;
    const void *cut_off; // the peer to which nothing may be sent now
    struct nonce_oracle *oracle;
    struct fake_stream streams[FAKE_STREAMS]; // [SSRC & mask], the last one of those that share a place
    unsigned rtp_count, rtcp_count, event_count, forgotten_count, forgotten_sent_count, relay_count;
    struct fake_rtp rtp[FAKE_KEPT];
    struct fake_rtcp rtcp[FAKE_KEPT];
    struct media_event events[FAKE_KEPT];
    struct fake_relay relays[FAKE_KEPT];
    uint32_t forgotten[FAKE_KEPT]; // for decryption
    struct {
        void *peer;
        uint32_t ssrc;
    } forgotten_sent[FAKE_KEPT]; // for encryption
};

static inline void fake_keep_rtp(struct fake *f, void *peer, struct block *b, enum media_kind kind) {
    assert_true(f->rtp_count < FAKE_KEPT);
    struct fake_rtp *r = &f->rtp[f->rtp_count++];
    *r = (struct fake_rtp){.peer = peer, .kind = kind, .at_us = f->now_us};
    assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &r->head), ERR_OK);
    struct ext_map map;
    struct ext_ids ids = {0};
    for (unsigned e = 1; e < EXT_COUNT; e++)
        ids.ids[e] = EXT_ROUTER_ID(e);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    struct rtp_ext_values values;
    rtp_ext_read(&r->head, &map, &values);
    rtp_ext_transport_seq(&values, &r->transport_seq);
    if (values.of[EXT_MID].ptr)
        memcpy(r->mid, values.of[EXT_MID].ptr, values.of[EXT_MID].len);
    if (r->head.payload.len >= 2)
        r->original_seq = load_be16(r->head.payload.ptr);
    memcpy(r->payload, r->head.payload.ptr, r->head.payload.len < 8 ? r->head.payload.len : 8);
    memcpy(r->bytes, block_data(b), b->len < sizeof r->bytes ? b->len : sizeof r->bytes);
    block_release(b);
}

// A receiver infers the upper bits of an index from the ones before, and of the first one that they are zero
// (RFC 3711, section 3.3.1).
static inline void fake_note_index(struct fake *f, void *peer, uint32_t ssrc, uint64_t index) {
    struct fake_stream *s = &f->streams[ssrc & (FAKE_STREAMS - 1)];
    if (s->peer != peer || s->ssrc != ssrc) {
        assert_true(index <= UINT16_MAX || s->peer != NULL);
        *s = (struct fake_stream){.peer = peer, .ssrc = ssrc, .highest = index};
    }
    if (index > s->highest + FAKE_GAP_MAX || index + FAKE_GAP_MAX < s->highest)
        fail_msg("index %llu of SSRC %u is out of a receiver's reach, who has had %llu",
                 (unsigned long long)index, ssrc, (unsigned long long)s->highest);
    if (index > s->highest)
        s->highest = index;
}

// Each {peer, SSRC, index} once: what AES-GCM depends on.
static inline bool fake_send_rtp(void *ctx, void *peer, struct block *b, enum media_kind kind,
                                 uint64_t index) {
    struct fake *f = ctx;
    struct span packet = span_of(block_data(b), b->len);
    assert_int_equal(load_be16(packet.ptr + 2), (uint16_t)index);
    assert_ptr_not_equal(peer, f->cut_off);
    enum nonce_use use = nonce_oracle_note(f->oracle, (uintptr_t)peer, load_be32(packet.ptr + 8), index,
                                           nonce_oracle_digest(packet));
    if (use != NONCE_FRESH)
        fail_msg("index %llu of SSRC %u protects a second packet", (unsigned long long)index,
                 load_be32(packet.ptr + 8));
    fake_note_index(f, peer, load_be32(packet.ptr + 8), index);
    fake_keep_rtp(f, peer, b, kind);
    return !f->sealing_fails;
}

static inline void fake_send_again(void *ctx, void *peer, struct block *b, enum media_kind kind) {
    fake_keep_rtp(ctx, peer, b, kind);
}

static inline void fake_send_rtcp(void *ctx, void *peer, struct span datagram) {
    struct fake *f = ctx;
    assert_true(f->rtcp_count < FAKE_KEPT && datagram.len <= RTCP_DATAGRAM_MAX);
    struct fake_rtcp *r = &f->rtcp[f->rtcp_count++];
    *r = (struct fake_rtcp){.peer = peer, .at_us = f->now_us, .len = datagram.len};
    memcpy(r->bytes, datagram.ptr, datagram.len);
}

static inline void fake_relay_rtp(void *ctx, struct link_id to, struct producer_id id, uint8_t stream,
                                  struct block *b) {
    struct fake *f = ctx;
    assert_true(f->relay_count < FAKE_KEPT);
    f->relays[f->relay_count++] =
        (struct fake_relay){.to = to, .stream = stream, .producer = id, .seq = forward_meta_of(b)->seq};
}

static inline void fake_relay_note(void *ctx, struct link_id to, const struct relay_note *note) {
    struct fake *f = ctx;
    assert_true(f->relay_count < FAKE_KEPT);
    f->relays[f->relay_count++] = (struct fake_relay){
        .note = true, .to = to, .stream = note->stream, .producer = note->producer, .said = *note};
}

static inline bool fake_event(void *ctx, const struct media_event *event) {
    struct fake *f = ctx;
    if (f->events_refused)
        return false;
    assert_true(f->event_count < FAKE_KEPT);
    f->events[f->event_count++] = *event;
    return true;
}

static inline void fake_forget_ssrc(void *ctx, void *peer, uint32_t ssrc, bool sent) {
    struct fake *f = ctx;
    assert_true(f->forgotten_count < FAKE_KEPT && f->forgotten_sent_count < FAKE_KEPT);
    if (sent) {
        f->forgotten_sent[f->forgotten_sent_count].peer = peer;
        f->forgotten_sent[f->forgotten_sent_count++].ssrc = ssrc;
        return;
    }
    f->forgotten[f->forgotten_count++] = ssrc;
}

static inline struct fake *fake_create_limited(struct media_limits limits) {
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->now_us = 1000 * SECOND;
    wheel_init(&f->wheel, f->now_us);
    f->pool = pool_create(16384);
    f->oracle = nonce_oracle_create();
    assert_non_null(f->oracle);
    struct forwarder_config config = {.link = {1}, .random_seed = 7, .limits = limits};
    struct forwarder_output out = {.ctx = f,
                                   .send_rtp = fake_send_rtp,
                                   .send_again = fake_send_again,
                                   .send_rtcp = fake_send_rtcp,
                                   .relay_rtp = fake_relay_rtp,
                                   .relay_note = fake_relay_note,
                                   .event = fake_event,
                                   .forget_ssrc = fake_forget_ssrc};
    f->fw = forwarder_create(&config, &out, f->pool, &f->wheel);
    assert_non_null(f->fw);
    return f;
}

// Without limits: tests send as much as they like.
static inline struct fake *fake_create(void) {
    return fake_create_limited((struct media_limits){0});
}

// Everything is closed and every packet block has come back.
static inline void fake_destroy(struct fake *f) {
    forwarder_destroy(f->fw);
    assert_int_equal(pool_taken(f->pool), 0);
    assert_int_equal(f->wheel.armed, 0);
    pool_destroy(f->pool);
    nonce_oracle_destroy(f->oracle);
    free(f);
}

static inline void fake_run(struct fake *f, uint64_t us) {
    for (uint64_t end = f->now_us + us; f->now_us < end;) {
        f->now_us += end - f->now_us < MS ? end - f->now_us : MS;
        wheel_advance(&f->wheel, f->now_us);
    }
}

// Forgets what came out so far.
static inline void fake_clear(struct fake *f) {
    f->rtp_count = f->rtcp_count = f->event_count = f->relay_count = 0;
    f->forgotten_count = f->forgotten_sent_count = 0;
}

static inline struct endpoint *fake_endpoint(struct fake *f, uint32_t id, const char *peer) {
    struct endpoint *ep = forwarder_open_endpoint(f->fw, (struct transport_id){id}, (void *)(uintptr_t)peer);
    assert_non_null(ep);
    return ep;
}

static inline struct endpoint *fake_connected(struct fake *f, uint32_t id, const char *peer) {
    struct endpoint *ep = fake_endpoint(f, id, peer);
    forwarder_endpoint_connected(f->fw, ep, f->now_us);
    return ep;
}

// ---- commands

#define VP8_PT 96
#define RTX_PT 97
#define OPUS_PT 111
#define EXT_ID_MID 4
#define EXT_ID_RID 10
#define EXT_ID_REPAIRED_RID 11
#define EXT_ID_TWCC 3
#define EXT_ID_LEVEL 1
#define EXT_ID_SEND_TIME 2
#define EXT_ID_CAPTURED 12

static inline struct producer_params fake_video(uint32_t ssrc, uint32_t rtx_ssrc) {
    struct producer_params p = {.kind = MEDIA_VIDEO,
                                .codec = CODEC_VP8,
                                .payload_type = VP8_PT,
                                .rtx_payload_type = RTX_PT,
                                .clock_rate = 90000,
                                .stream_count = 1,
                                .nack = true,
                                .pli = true,
                                .transport_cc = true,
                                .spatial_layers = 1,
                                .temporal_layers = 1};
    p.streams[0] = (struct stream_params){.ssrc = ssrc, .rtx_ssrc = rtx_ssrc};
    p.ext.ids[EXT_MID] = EXT_ID_MID;
    p.ext.ids[EXT_RID] = EXT_ID_RID;
    p.ext.ids[EXT_REPAIRED_RID] = EXT_ID_REPAIRED_RID;
    p.ext.ids[EXT_TRANSPORT_CC] = EXT_ID_TWCC;
    return p;
}

static inline struct producer_params fake_audio(uint32_t ssrc) {
    struct producer_params p = {.kind = MEDIA_AUDIO,
                                .codec = CODEC_OPUS,
                                .payload_type = OPUS_PT,
                                .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                .clock_rate = 48000,
                                .stream_count = 1,
                                .transport_cc = true,
                                .dtx = true,
                                .spatial_layers = 1,
                                .temporal_layers = 1};
    p.streams[0] = (struct stream_params){.ssrc = ssrc};
    p.ext.ids[EXT_MID] = EXT_ID_MID;
    p.ext.ids[EXT_AUDIO_LEVEL] = EXT_ID_LEVEL;
    p.ext.ids[EXT_TRANSPORT_CC] = EXT_ID_TWCC;
    return p;
}

static inline struct producer_params fake_simulcast(const char *mid) {
    struct producer_params p = fake_video(0, 0);
    p.stream_count = 3;
    for (int i = 0; i < 3; i++)
        p.streams[i] = (struct stream_params){.rid = {'r', (char)('0' + i)}};
    snprintf(p.mid, sizeof p.mid, "%s", mid);
    return p;
}

static inline void fake_open_producer(struct fake *f, uint32_t transport, uint32_t id,
                                      struct producer_params params) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = {transport}, .producer = {id}};
    cmd.open_producer.params = params;
    forwarder_command(f->fw, &cmd, f->now_us);
}

static inline struct consumer_params fake_receive_video(uint32_t ssrc, uint32_t rtx_ssrc) {
    struct consumer_params p = {.kind = MEDIA_VIDEO,
                                .payload_type = 101,
                                .rtx_payload_type = rtx_ssrc ? 102 : PAYLOAD_TYPE_NONE,
                                .clock_rate = 90000,
                                .ssrc = ssrc,
                                .rtx_ssrc = rtx_ssrc,
                                .mid = "7",
                                .cname = "participant",
                                .nack = true,
                                .pli = true,
                                .fir = true};
    return p;
}

static inline struct consumer_params fake_receive_audio(uint32_t ssrc) {
    return (struct consumer_params){.kind = MEDIA_AUDIO,
                                    .payload_type = 100,
                                    .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                    .clock_rate = 48000,
                                    .ssrc = ssrc,
                                    .mid = "8",
                                    .cname = "participant"};
}

static inline void fake_open_consumer(struct fake *f, uint32_t transport, uint32_t producer, uint32_t id,
                                      struct consumer_params params) {
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_CONSUMER, .transport = {transport}, .producer = {producer}, .consumer = {id}};
    cmd.open_consumer.params = params;
    forwarder_command(f->fw, &cmd, f->now_us);
}

static inline void fake_pause(struct fake *f, enum media_cmd_type type, uint32_t id, bool paused) {
    struct media_cmd cmd = {.type = type};
    if (type == MEDIA_PAUSE_PRODUCER)
        cmd.producer.v = id;
    else
        cmd.consumer.v = id;
    cmd.pause.paused = paused;
    forwarder_command(f->fw, &cmd, f->now_us);
}

static inline void fake_close(struct fake *f, enum media_cmd_type type, uint32_t id) {
    struct media_cmd cmd = {.type = type};
    if (type == MEDIA_CLOSE_PRODUCER)
        cmd.producer.v = id;
    else
        cmd.consumer.v = id;
    forwarder_command(f->fw, &cmd, f->now_us);
}

// ---- packets of a publisher

struct fake_packet {
    uint8_t pt;
    uint16_t seq;
    uint32_t timestamp, ssrc;
    bool marker, key, empty;
    const char *mid, *rid, *repaired_rid;
    int transport_seq; // 0: none
    int level;         // -dBov, 0: none
    uint64_t sent_us;  // abs-send-time, 0: none
    uint64_t captured; // abs-capture-time, 0: none
    unsigned longer;   // bytes of payload more than usual
    int osn;           // RTX: the original number plus one, 0: not RTX
    uint16_t picture;  // VP8's PictureID, with a TL0PICIDX of its low bits; 0: none
};

static inline void fake_ext(struct writer *w, uint8_t id, const void *value, size_t len) {
    write_u8(w, (uint8_t)((size_t)id << 4 | (len - 1)));
    write_span(w, span_of(value, len));
}

static inline size_t fake_build(uint8_t *out, size_t cap, const struct fake_packet *p) {
    struct writer w = writer_of(out, cap);
    write_u8(&w, (uint8_t)(0x90 | (p->empty ? 0x20 : 0)));
    write_u8(&w, (uint8_t)(p->marker << 7 | p->pt));
    write_u16(&w, p->seq);
    write_u32(&w, p->timestamp);
    write_u32(&w, p->ssrc);
    write_u16(&w, 0xbede);
    size_t at = w.len;
    write_u16(&w, 0);
    if (p->mid)
        fake_ext(&w, EXT_ID_MID, p->mid, strlen(p->mid));
    if (p->rid)
        fake_ext(&w, EXT_ID_RID, p->rid, strlen(p->rid));
    if (p->repaired_rid)
        fake_ext(&w, EXT_ID_REPAIRED_RID, p->repaired_rid, strlen(p->repaired_rid));
    uint8_t seq[2] = {(uint8_t)(p->transport_seq >> 8), (uint8_t)p->transport_seq};
    if (p->transport_seq)
        fake_ext(&w, EXT_ID_TWCC, seq, 2);
    uint8_t level = (uint8_t)p->level;
    if (p->level)
        fake_ext(&w, EXT_ID_LEVEL, &level, 1);
    uint8_t sent[3];
    store_be24(sent, rtp_abs_send_time(p->sent_us));
    if (p->sent_us)
        fake_ext(&w, EXT_ID_SEND_TIME, sent, 3);
    uint8_t captured[8];
    store_be64(captured, p->captured);
    if (p->captured)
        fake_ext(&w, EXT_ID_CAPTURED, captured, 8);
    while (w.len % 4)
        write_u8(&w, 0);
    store_be16(out + at, (uint16_t)((w.len - at - 2) / 4));
    if (p->osn)
        write_u16(&w, (uint16_t)(p->osn - 1));
    if (p->empty) { // padding alone
        write_zeros(&w, 7);
        write_u8(&w, 8);
        return w.len;
    }
    // VP8: start of partition 0, then the frame tag whose lowest bit is 0 for a key frame.
    write_u8(&w, p->picture ? 0x90 : 0x10);
    if (p->picture) { // RFC 7741, section 4.2: extended, with both numbers
        write_u8(&w, 0xc0);
        write_u16(&w, 0x8000 | p->picture);
        write_u8(&w, (uint8_t)p->picture);
    }
    write_u8(&w, p->key ? 0x00 : 0x01);
    write_u16(&w, p->seq); // to tell packets apart
    write_zeros(&w, 28 + p->longer);
    assert_false(w.failed);
    return w.len;
}

// One of several packets of a turn.
static inline enum forward_drop fake_rtp_pending(struct fake *f, struct endpoint *ep, struct fake_packet p) {
    struct block *b = pool_take(f->pool);
    assert_non_null(b);
    b->len = (uint16_t)fake_build(block_data(b), BLOCK_DATAGRAM_MAX, &p);
    return forwarder_rtp(f->fw, ep, b, f->now_us);
}

// The only packet of its turn.
static inline enum forward_drop fake_rtp(struct fake *f, struct endpoint *ep, struct fake_packet p) {
    enum forward_drop drop = fake_rtp_pending(f, ep, p);
    forwarder_flush(f->fw);
    return drop;
}

static inline void fake_rtcp(struct fake *f, struct endpoint *ep, const struct writer *w) {
    assert_false(w->failed);
    assert_true(forwarder_rtcp(f->fw, ep, span_of(w->ptr, w->len), f->now_us));
}

// A receiver says that it has had all that went out under this SSRC.
static inline void fake_report(struct fake *f, struct endpoint *ep, uint32_t ssrc) {
    const struct fake_stream *s = &f->streams[ssrc & (FAKE_STREAMS - 1)];
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_rr(&w, 1, &(struct rtcp_report){.ssrc = ssrc, .highest_seq = (uint32_t)s->highest}, 1);
    fake_rtcp(f, ep, &w);
}

// ---- what came out

// How many RTCP packets of a kind went to a peer; the last one is left in *last.
// So much of it has been lost, of 256, it says.
static inline void fake_report_loss(struct fake *f, struct endpoint *ep, uint32_t ssrc, uint8_t fraction) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_report report = {.ssrc = ssrc, .fraction_lost = fraction};
    rtcp_write_rr(&w, 9, &report, 1);
    fake_rtcp(f, ep, &w);
}

static inline unsigned fake_count_rtcp(const struct fake *f, const char *peer, enum rtcp_kind kind,
                                       struct rtcp_packet *last) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(f->rtcp[i].bytes, f->rtcp[i].len));
        struct rtcp_packet packet;
        while (rtcp_walk_next(&walk, &packet)) {
            if (f->rtcp[i].peer != peer || packet.kind != kind)
                continue;
            n++;
            if (last)
                *last = packet;
        }
        assert_false(walk.malformed);
    }
    return n;
}

static inline unsigned fake_count_rtp(const struct fake *f, const char *peer, uint32_t ssrc) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtp_count; i++)
        n += f->rtp[i].peer == peer && f->rtp[i].head.ssrc == ssrc;
    return n;
}

// How often encryption towards a peer was told to forget an SSRC.
static inline unsigned fake_count_forgotten_sent(const struct fake *f, const char *peer, uint32_t ssrc) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->forgotten_sent_count; i++)
        n += f->forgotten_sent[i].peer == peer && f->forgotten_sent[i].ssrc == ssrc;
    return n;
}

static inline unsigned fake_count_events(const struct fake *f, enum media_event_type type,
                                         struct media_event *last) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->event_count; i++) {
        if (f->events[i].type != type)
            continue;
        n++;
        if (last)
            *last = f->events[i];
    }
    return n;
}

#endif
