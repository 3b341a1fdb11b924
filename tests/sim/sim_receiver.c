// A browser that receives: asks for what is missing, and holds what it gets against what was published.
#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"
#include "rtp/rtp_packet.h"
#include "tests/sim/sim.h"

#define NACK_TRIES 12
#define ASK_GAP_MAX 1000 // a wider gap is given up, as browsers do
#define SIM_OVERTAKEN_MAX 64
#define NACK_FIRST_US 10000
#define NACK_AGAIN_US 70000
#define NACK_AGAIN_SOON_US 60000
#define LIBWEBRTC_TRIES 10
#define LIBWEBRTC_TICK_US 20000
#define LIBWEBRTC_AGAIN_US 100000
#define LIBWEBRTC_SHOW_US 20000 // of a playout-delay, for decoding and drawing
#define SETTLE_US 1500000       // younger losses may still be under repair at the end

static void ask(struct sim_receiver *r, struct sim_track *t, bool first);

static struct sim_track *track_of(struct sim_receiver *r, uint32_t ssrc, bool *rtx) {
    for (unsigned i = 0; i < r->track_count; i++) {
        struct sim_track *t = &r->tracks[i];
        *rtx = ssrc == t->rtx_ssrc && t->rtx_ssrc != 0;
        if (*rtx || ssrc == t->ssrc)
            return t;
    }
    fail_msg("a packet of the unknown stream %u", ssrc);
    return NULL;
}

static uint32_t checksum(struct span s) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ s.ptr[i]) * 16777619u;
    return h;
}

// Its number: new, or the same content again. `ahead`: nothing is missing that it is the first to show.
static bool note_number(struct sim_track *t, uint16_t seq16, uint32_t check, bool ahead, uint64_t now_us) {
    uint64_t seq = t->started ? seq16_unwrap(t->highest, seq16) : UINT64_C(0x10000) + seq16;
    if (!t->started) {
        t->first = t->highest = seq;
        t->base = seq - SIM_OVERTAKEN_MAX;
    }
    if (!t->started)
        t->started_us = now_us;
    t->started = true;
    assert_true(seq >= t->base && seq - t->base < t->from->peer.sim->config.numbers);
    for (; seq < t->first; t->first--) // the first to come overtook it
        t->missing++;
    bool hopeless = seq > t->highest + ASK_GAP_MAX;
    for (uint64_t s = t->highest + 1; s < seq && !ahead; s++) {
        if (t->numbers[s - t->base].got)
            continue;
        t->numbers[s - t->base].got = hopeless;
        t->lost += hopeless;
        t->missing += !hopeless;
        t->numbers[s - t->base].asked_us = now_us;
    }
    if (seq < t->highest && !t->numbers[seq - t->base].got)
        t->missing--;
    if (seq > t->highest && !ahead)
        t->highest = seq;
    if (t->numbers[seq - t->base].got) {
        if (t->numbers[seq - t->base].check != check)
            fail_msg("stream %u: number %u came with two contents", t->ssrc, seq16);
        return false;
    }
    t->numbers[seq - t->base].got = true;
    t->numbers[seq - t->base].check = check;
    return true;
}

// All packets of a frame have one timestamp, and time goes as the capture did.
static void note_frame(struct sim_track *t, const struct sim_content *c, uint32_t timestamp,
                       uint64_t now_us) {
    assert_true(c->frame < SIM_FRAMES);
    if (t->packets++ == 0) {
        t->first_frame = t->last_frame = c->frame;
        t->layer = c->layer;
        if (t->video && !c->key)
            fail_msg("stream %u does not begin with a key frame", t->ssrc);
    }
    if (c->layer != t->layer) {
        t->switches++;
        t->layer = c->layer;
    }
    if (t->frames[c->frame].count == 0) {
        t->frames[c->frame].count = c->count;
        t->frames[c->frame].timestamp = timestamp;
        t->frames[c->frame].key = c->key;
    }
    // A switch may show one frame in two layers; only its own packets count then.
    if (t->frames[c->frame].timestamp == timestamp)
        t->frames[c->frame].got++;
    t->frames[c->frame].capture_us = c->capture_us;
    bool passed_over = t->from->peer.sim->config.plays_after_us && c->frame < t->play_next;
    if (t->frames[c->frame].got == c->count && t->frames[c->frame].took_us == 0 && !passed_over)
        t->frames[c->frame].took_us = (uint32_t)(now_us - c->capture_us);
    // The very first packet may be lost without a trace: then the decoder starts with a later key frame.
    if (!t->decodes && t->frames[c->frame].key && t->frames[c->frame].got == c->count) {
        t->decodes = true;
        t->first_frame = c->frame;
    }
    if (c->frame > t->last_frame)
        t->last_frame = c->frame;
    if (c->frame > 0 && t->frames[c->frame - 1].count &&
        seq32_diff(timestamp, t->frames[c->frame - 1].timestamp) <= 0)
        fail_msg("stream %u: frame %u has timestamp %u after %u", t->ssrc, c->frame, timestamp,
                 t->frames[c->frame - 1].timestamp);
}

// ---- what it plays

// What a frame needs has been played, or with `later` is whole at least.
static bool is_ready(const struct sim_track *t, uint32_t frame, bool later) {
    uint32_t needs = sim_needs(frame);
    if (t->frames[frame].took_us == 0)
        return false;
    if (t->frames[frame].key || needs < t->key_last)
        needs = t->key_last;
    return t->frames[frame].key || t->frames[needs].played || (later && t->frames[needs].continuous);
}

static void play(struct sim_track *t, uint64_t now_us) {
    const struct sim_config *config = &t->from->peer.sim->config;
    uint64_t told_us = t->playout_min_us > LIBWEBRTC_SHOW_US ? t->playout_min_us - LIBWEBRTC_SHOW_US : 0;
    uint64_t wait_us = told_us > config->plays_after_us ? told_us : config->plays_after_us;
    for (uint32_t f = t->play_next; f <= t->last_frame; f++)
        if (is_ready(t, f, true)) {
            t->frames[f].continuous = true;
            t->asks_from = t->frames[f].end > t->asks_from ? t->frames[f].end : t->asks_from;
        }
    for (uint32_t f = t->play_next; f <= t->last_frame; f++) {
        uint64_t due_us = t->frames[f].capture_us + config->up.delay_us + config->down.delay_us + wait_us;
        if (!is_ready(t, f, false))
            continue;
        if (now_us < due_us)
            return;
        t->frames[f].played = true;
        t->play_next = f + 1;
        if (t->frames[f].key)
            t->key_last = f;
    }
}

// The value of a playout-delay, for the frame that it comes with and those that follow.
static void note_playout_delay(struct sim_track *t, const struct rtp_packet *packet) {
    struct ext_map map;
    struct ext_ids ids = {0};
    struct rtp_ext_values values;
    ids.ids[EXT_PLAYOUT_DELAY] = EXT_ROUTER_ID(EXT_PLAYOUT_DELAY);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(packet, &map, &values);
    struct span value = values.of[EXT_PLAYOUT_DELAY];
    if (value.ptr && value.len == 3)
        t->playout_min_us = (load_be24(value.ptr) >> 12) * 10000;
}

// By the last sender report the packet was captured when its publisher says.
static void check_sync(struct sim_track *t, const struct sim_content *c, uint32_t timestamp) {
    if (t->sr_us == 0)
        return;
    int64_t ticks = seq32_diff(timestamp, t->sr_timestamp);
    int64_t told_us = ticks * 1000000 / (int64_t)t->clock_rate;
    uint64_t is = sim_publisher_ntp(t->from, c->capture_us);
    int64_t is_us = (int64_t)(((int64_t)(is - t->sr_ntp) >> 16) * 1000000 >> 16);
    if (told_us - is_us > 2000 || is_us - told_us > 2000)
        fail_msg("stream %u: captured %lld us from the report, told %lld us", t->ssrc, (long long)is_us,
                 (long long)told_us);
    t->sync_checks++;
}

// What SRTP does: infers the index from the one before and the number, with which the packet is authentic or
// not (RFC 3711, section 3.3.1).
static bool authenticates(struct sim_track *t, bool rtx, uint16_t seq, struct span trailer) {
    uint64_t index, *highest = &t->srtp_index[rtx];
    assert_int_equal(trailer.len, sizeof index);
    memcpy(&index, trailer.ptr, sizeof index);
    if (index != (*highest ? seq16_unwrap(*highest, seq) : seq)) {
        t->rejected++;
        return false;
    }
    if (index > *highest)
        *highest = index;
    return true;
}

void sim_receiver_rtp(struct sim_receiver *r, struct span bytes) {
    struct rtp_packet packet;
    bool rtx;
    assert_true(bytes.len > SIM_INDEX_BYTES);
    struct span trailer = span_of(bytes.ptr + bytes.len - SIM_INDEX_BYTES, SIM_INDEX_BYTES);
    bytes.len -= SIM_INDEX_BYTES;
    assert_int_equal(rtp_parse(bytes, &packet), ERR_OK);
    struct sim_track *t = track_of(r, packet.ssrc, &rtx);
    if (!authenticates(t, rtx, packet.seq, trailer))
        return;
    uint16_t seq = packet.seq;
    struct span payload = packet.payload;
    if (rtx)
        assert_int_equal(rtp_unwrap_rtx(&packet, &seq, &payload), ERR_OK);
    t->media += !rtx;
    t->repeats += rtx;
    bool as_libwebrtc = r->peer.sim->config.as_libwebrtc;
    if (payload.len == 0) { // padding alone
        (void)note_number(t, seq, 0, rtx && as_libwebrtc && t->started, r->peer.sim->now_us);
        t->empties += !rtx;
        if (as_libwebrtc && t->video && t->missing > 0 && !rtx)
            ask(r, t, true);
        return;
    }
    assert_int_equal(payload.len, 2 + SIM_CONTENT_BYTES);
    struct sim_content c = sim_content_read(payload.ptr + 2);
    assert_ptr_equal(&r->peer.sim->participants[c.publisher].publisher, t->from);
    if (!note_number(t, seq, checksum(payload), rtx && as_libwebrtc && t->started, r->peer.sim->now_us))
        return;
    note_frame(t, &c, packet.timestamp, r->peer.sim->now_us);
    uint64_t number = seq16_unwrap(t->highest, seq);
    if (c.index + 1 == c.count)
        t->frames[c.frame].end = number;
    note_playout_delay(t, &packet);
    check_sync(t, &c, packet.timestamp);
    if (as_libwebrtc && t->video && t->missing > 0 && !rtx)
        ask(r, t, true);
}

void sim_receiver_rtcp(struct sim_receiver *r, struct span datagram) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        if (packet.kind != RTCP_SENDER_REPORT)
            continue;
        bool rtx;
        struct sim_track *t = track_of(r, packet.sender_ssrc, &rtx);
        assert_false(rtx);
        t->reports++;
        t->sr_ntp = packet.ntp;
        t->sr_timestamp = packet.rtp_timestamp;
        t->sr_us = r->peer.sim->now_us;
        t->last_sr_mid = (uint32_t)(packet.ntp >> 16);
    }
    assert_false(walk.malformed);
}

// ---- what it asks for

static void send_rtcp(struct sim_receiver *r, const struct writer *w) {
    assert_false(w->failed);
    struct sim *sim = r->peer.sim;
    sim_send(sim, &sim->config.up, SIM_UP_RTCP, &r->peer, span_of(w->ptr, w->len));
}

// `first`: only for what was not asked for yet.
static void ask(struct sim_receiver *r, struct sim_track *t, bool first) {
    uint16_t seqs[200];
    unsigned n = 0;
    uint64_t now_us = r->peer.sim->now_us;
    const struct sim_config *config = &r->peer.sim->config;
    bool at_once = config->asks_at_once || config->as_libwebrtc;
    unsigned tries = config->as_libwebrtc ? LIBWEBRTC_TRIES : NACK_TRIES;
    uint64_t first_us = at_once ? 0 : NACK_FIRST_US, again_us = at_once ? NACK_AGAIN_SOON_US : NACK_AGAIN_US;
    if (config->as_libwebrtc)
        again_us = LIBWEBRTC_AGAIN_US;
    bool hopeless = t->started && !t->decodes && now_us > t->started_us + 300000;
    for (uint64_t s = t->first > t->asks_from ? t->first : t->asks_from; s < t->highest && n < 200; s++) {
        unsigned i = (unsigned)(s - t->base);
        if (t->numbers[i].got || (first && t->numbers[i].tries) ||
            now_us < t->numbers[i].asked_us + (t->numbers[i].tries ? again_us : first_us))
            continue;
        hopeless |= t->numbers[i].tries >= tries;
        if (t->numbers[i].tries >= tries)
            continue;
        t->numbers[i].tries++;
        t->numbers[i].asked_us = now_us;
        seqs[n++] = (uint16_t)s;
    }
    uint8_t out[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(out, sizeof out);
    if (n > 0)
        assert_int_equal(rtcp_write_nack(&w, 77, t->ssrc, seqs, n), n);
    if (hopeless && now_us > t->pli_us + 500000) {
        rtcp_write_pli(&w, 77, t->ssrc);
        t->pli_us = now_us;
    }
    if (w.len > 0)
        send_rtcp(r, &w);
}

// Of 256, since the last report (RFC 3550, appendix A.3).
static uint8_t fraction_lost(struct sim_track *t) {
    uint64_t expected = t->highest - t->highest_told, came = t->media - t->media_told;
    bool known = t->highest_told != 0 && expected > came;
    t->highest_told = t->highest;
    t->media_told = t->media;
    uint64_t fraction = known ? (expected - came) * 256 / expected : 0;
    return (uint8_t)(fraction < 255 ? fraction : 255);
}

static void report(struct sim_receiver *r) {
    for (unsigned i = 0; i < r->track_count; i += 20) {
        uint8_t out[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(out, sizeof out);
        struct rtcp_report reports[20];
        unsigned n = 0;
        for (unsigned k = i; k < r->track_count && k < i + 20; k++) {
            struct sim_track *t = &r->tracks[k];
            uint64_t delay_us = t->sr_us ? r->peer.sim->now_us - t->sr_us : 0;
            reports[n++] = (struct rtcp_report){.ssrc = t->ssrc,
                                                .fraction_lost = fraction_lost(t),
                                                .highest_seq = (uint32_t)t->highest,
                                                .last_sr = t->last_sr_mid,
                                                .delay_since_sr = (uint32_t)((delay_us << 16) / 1000000)};
        }
        rtcp_write_rr(&w, 77, reports, n);
        send_rtcp(r, &w);
    }
}

void sim_receiver_tick(struct sim_receiver *r) {
    uint64_t now_us = r->peer.sim->now_us;
    for (unsigned i = 0; r->peer.sim->config.plays_after_us && i < r->track_count; i++)
        if (r->tracks[i].video && r->tracks[i].started)
            play(&r->tracks[i], now_us);
    if (now_us >= r->next_nack_us) {
        const struct sim_config *config = &r->peer.sim->config;
        r->next_nack_us = now_us + (config->as_libwebrtc   ? LIBWEBRTC_TICK_US
                                    : config->asks_at_once ? 1000
                                                           : 10000);
        for (unsigned i = 0; i < r->track_count; i++)
            if (r->tracks[i].video && (r->tracks[i].missing > 0 || !r->tracks[i].decodes))
                ask(r, &r->tracks[i], false);
    }
    if (now_us >= r->next_report_us) {
        r->next_report_us = now_us + US_PER_SECOND;
        report(r);
    }
}

// ---- at the end

static void finish_video(struct sim_track *t, uint64_t now_us) {
    for (uint64_t s = t->first; s < t->highest; s++)
        if (!t->numbers[s - t->base].got && t->numbers[s - t->base].asked_us + SETTLE_US < now_us)
            fail_msg("stream %u: number %u is missing for good", t->ssrc, (unsigned)(uint16_t)s);
    if (!t->decodes || t->first_frame > 3 * t->from->peer.sim->config.fps)
        fail_msg("stream %u: its first whole key frame is %u", t->ssrc, t->first_frame);
    unsigned settle = t->from->peer.sim->config.fps * 2;
    for (uint32_t f = t->first_frame; f + settle < t->last_frame; f++)
        if (t->frames[f].got < t->frames[f].count ||
            (t->frames[f].count == 0 && !t->from->peer.sim->config.sheds))
            fail_msg("stream %u: frame %u of %u..%u has %u packets of %u", t->ssrc, f, t->first_frame,
                     t->last_frame, t->frames[f].got, t->frames[f].count);
}

void sim_receiver_finish(struct sim_receiver *r) {
    for (unsigned i = 0; i < r->track_count; i++) {
        struct sim_track *t = &r->tracks[i];
        if (t->packets == 0)
            fail_msg("stream %u: nothing came", t->ssrc);
        if (t->reports == 0 || t->sync_checks == 0)
            fail_msg("stream %u: no sender report in time", t->ssrc);
        if (t->video)
            finish_video(t, r->peer.sim->now_us);
    }
}
