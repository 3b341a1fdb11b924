// A viewer of a call: what it gets, shows, and says of it.
#include "tests/sim/call.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/seq.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_ext.h"

#include <stdio.h>
#include <stdlib.h>

#define RETURN_DELAY_US 10000
#define NACK_AGAIN_US 80000
#define BLOCKED_US 400000
#define JUMP_US 150000

static void open_track(struct call_viewer *v, unsigned publisher, bool video) {
    struct call *call = v->call;
    struct call_track *t = &v->tracks[v->track_count++];
    uint32_t id = 100 + v->index * 20 + publisher * 2 + video;
    bool numbers =
        call->config.feedback[v->index] != CALL_REMB && call->config.feedback[v->index] != CALL_CLAIMS_REMB;
    *t = (struct call_track){.video = video,
                             .publisher = publisher,
                             .consumer = id,
                             .ssrc = 100000 + 2 * id,
                             .rtx_ssrc = video && !call->config.no_rtx ? 100001 + 2 * id : 0,
                             .spatial = LAYER_NONE,
                             .temporal = LAYER_NONE};
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = {100 + v->index},
                            .producer = {1 + 2 * publisher + video},
                            .consumer = {id}};
    cmd.open_consumer.params =
        (struct consumer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                 .payload_type = video ? 101 : 100,
                                 .rtx_payload_type = t->rtx_ssrc ? 102 : PAYLOAD_TYPE_NONE,
                                 .clock_rate = video ? 90000 : 48000,
                                 .ssrc = t->ssrc,
                                 .rtx_ssrc = t->rtx_ssrc,
                                 .mid = "5",
                                 .nack = video,
                                 .pli = true};
    if (numbers)
        cmd.open_consumer.params.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    call_command(call, &cmd);
}

void viewer_wish(const struct call_viewer *v) {
    struct media_cmd wish = {.type = MEDIA_SET_LAYERS};
    wish.layers.spatial = v->call->config.wish_spatial;
    wish.layers.temporal = LAYER_NONE;
    for (unsigned i = 0; i < v->track_count && v->call->config.wish_spatial != 0; i++) {
        wish.consumer.v = v->tracks[i].consumer;
        if (v->tracks[i].video)
            call_command(v->call, &wish);
    }
}

void viewer_see(struct call_viewer *v, unsigned publisher) {
    open_track(v, publisher, false);
    open_track(v, publisher, true);
}

void viewer_open(struct call *call, unsigned index) {
    struct call_viewer *v = &call->viewers[index];
    *v = (struct call_viewer){
        .call = call, .index = index, .link = &call->links[call->config.link_of_viewer[index]]};
    struct link_config back = call->config.back;
    back.delay_us = back.delay_us ? back.delay_us : RETURN_DELAY_US;
    back.stall_us = call->config.stall_us;
    back.stall_every_us = call->config.stall_every_us;
    v->back = link_of(&back, call->config.seed + 90 + index);
    struct link_config reads = {.stall_us = index == 0 ? call->config.reader_stall_us : 0,
                                .stall_every_us = call->config.reader_stall_every_us};
    v->reads = link_of(&reads, call->config.seed + 300);
    v->recorder = twcc_recorder_create();
    v->named = ccfb_recorder_create();
    v->endpoint = forwarder_open_endpoint(call->fw, (struct transport_id){100 + index}, v);
    assert_non_null(v->endpoint);
    forwarder_endpoint_connected(call->fw, v->endpoint, call->now_us);
    for (unsigned i = 0; i < call->config.publishers; i++)
        viewer_see(v, i);
    viewer_wish(v);
}

// ---- in

static void note_audio(struct call_track *t, uint64_t seq, uint64_t now_us) {
    if (t->started && seq > t->highest + 1)
        t->audio_lost += (uint32_t)(seq - t->highest - 1);
    if (t->shown_us && now_us - t->shown_us > t->audio_gap_us)
        t->audio_gap_us = now_us - t->shown_us;
    t->shown_us = now_us;
    t->audio_packets++;
}

static bool number_is(const struct call_track *t, uint64_t seq) {
    return t->numbers[seq % CALL_NUMBERS].seq == seq && t->numbers[seq % CALL_NUMBERS].got;
}

// Where the frame that begins here ends, one behind; 0: not all of it is there.
static uint64_t frame_end(const struct call_track *t, uint64_t seq) {
    if (!number_is(t, seq) || !t->numbers[seq % CALL_NUMBERS].start)
        return 0;
    for (; seq <= t->highest && number_is(t, seq); seq++)
        if (t->numbers[seq % CALL_NUMBERS].marker)
            return seq + 1;
    return 0;
}

static void show(struct call_track *t, uint64_t seq, uint64_t end, uint64_t now_us) {
    if (t->shown_us && now_us - t->shown_us > t->freeze_us)
        t->freeze_us = now_us - t->shown_us;
    if (getenv("CALL_VERBOSE") && t->shown_us && now_us - t->shown_us > 250000)
        print_message("%7.2f s publisher %u: %llu ms without a frame\n",
                      (double)(now_us - CALL_START_US) / 1e6, t->publisher,
                      (unsigned long long)(now_us - t->shown_us) / 1000);
    t->frames++;
    t->key_frames += t->numbers[seq % CALL_NUMBERS].key;
    t->shown_us = now_us;
    t->blocked_us = 0;
    t->next = end;
}

// What carries nothing, between two frames.
static void skip_empties(struct call_track *t) {
    while (number_is(t, t->next) && t->numbers[t->next % CALL_NUMBERS].empty)
        t->next++;
}

// Frames in their order; a key frame that is there may be jumped to when what comes before it is late.
static void show_frames(struct call_track *t, uint64_t now_us) {
    skip_empties(t);
    for (uint64_t end; (end = frame_end(t, t->next)) != 0; skip_empties(t))
        show(t, t->next, end, now_us);
    if (t->next > t->highest)
        return;
    if (t->blocked_us == 0)
        t->blocked_us = now_us;
    if (now_us < t->blocked_us + JUMP_US)
        return;
    for (uint64_t seq = t->next + 1; seq <= t->highest; seq++) {
        uint64_t end = number_is(t, seq) && t->numbers[seq % CALL_NUMBERS].key ? frame_end(t, seq) : 0;
        if (!end)
            continue;
        show(t, seq, end, now_us);
        show_frames(t, now_us);
        return;
    }
}

static void note_video(struct call_viewer *v, struct call_track *t, uint64_t seq,
                       const struct rtp_packet *packet, struct span payload) {
    bool empty = payload.len == 0, start = !empty && (payload.ptr[0] & 0x10),
         key = start && !(payload.ptr[6] & 1);
    if (seq < t->next || number_is(t, seq))
        return;
    if (!t->started && !key && v->link->dropped == 0 && v->link->config.loss_permille == 0)
        fail_msg("stream %u begins without a key frame", t->ssrc);
    for (uint64_t s = t->highest + 1; t->started && s < seq && s < t->highest + CALL_NUMBERS; s++) {
        t->numbers[s % CALL_NUMBERS].seq = s;
        t->numbers[s % CALL_NUMBERS].got = false;
        t->numbers[s % CALL_NUMBERS].tries = 0;
        t->numbers[s % CALL_NUMBERS].asked_us = v->call->now_us;
    }
    t->numbers[seq % CALL_NUMBERS].seq = seq;
    t->numbers[seq % CALL_NUMBERS].got = true;
    t->numbers[seq % CALL_NUMBERS].empty = empty;
    t->numbers[seq % CALL_NUMBERS].start = start;
    t->numbers[seq % CALL_NUMBERS].key = key;
    t->numbers[seq % CALL_NUMBERS].marker = packet->marker;
    if (!t->started)
        t->next = seq;
}

static void note_transport(struct call_viewer *v, const struct rtp_packet *packet) {
    uint16_t number;
    if (liar_is_named(v))
        liar_notes_named(v, packet);
    if (liar_number(packet, &number))
        liar_notes(v, number);
}

struct call_track *viewer_track(struct call_viewer *v, uint32_t ssrc, bool *rtx) {
    for (unsigned i = 0; i < v->track_count; i++) {
        *rtx = v->tracks[i].rtx_ssrc && v->tracks[i].rtx_ssrc == ssrc;
        if (*rtx || v->tracks[i].ssrc == ssrc)
            return &v->tracks[i];
    }
    return NULL;
}

void viewer_rtp(struct call_viewer *v, struct span bytes) {
    struct rtp_packet packet;
    bool rtx;
    assert_int_equal(rtp_parse(bytes, &packet), ERR_OK);
    v->came_bytes += bytes.len + 44;
    note_transport(v, &packet);
    struct call_track *t = viewer_track(v, packet.ssrc, &rtx);
    if (packet.payload.len == 0 && (!t || rtx)) {
        v->padding_packets++;
        assert_true(t || packet.ssrc == 1234);
        return;
    }
    assert_non_null(t);
    struct span payload = packet.payload;
    uint16_t seq16 = packet.seq;
    if (rtx)
        assert_int_equal(rtp_unwrap_rtx(&packet, &seq16, &payload), ERR_OK);
    uint64_t seq = t->started ? seq16_unwrap(t->highest, seq16) : UINT64_C(0x10000) + seq16;
    if (rtx && (!t->started || seq > t->highest))
        return; // of what it has not had yet
    t->media += !rtx;
    t->media_bytes += rtx ? 0 : bytes.len + 44;
    if (t->video)
        note_video(v, t, seq, &packet, payload);
    else
        note_audio(t, seq, v->call->now_us);
    if (!t->started || seq > t->highest)
        t->highest = seq;
    t->started = true;
    if (t->video)
        show_frames(t, v->call->now_us);
}

// ---- out

void viewer_send_back(struct call_viewer *v, const struct writer *w) {
    assert_false(w->failed);
    if (w->len == 0 || v->unreachable)
        return;
    struct link_arrival arrival = link_send(&v->back, (unsigned)w->len + 44, v->call->now_us);
    if (arrival.arrives)
        call_push(v->call, arrival.at_us + liar_waits_us(v), CALL_UP_RTCP, v, span_of(w->ptr, w->len));
}

static void ask(struct call_viewer *v, struct call_track *t) {
    uint64_t now_us = v->call->now_us;
    uint16_t seqs[100];
    unsigned n = 0;
    uint8_t out[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(out, sizeof out);
    for (uint64_t s = t->next; t->started && s < t->highest && n < 100; s++) {
        if (number_is(t, s) || t->numbers[s % CALL_NUMBERS].tries >= 10 ||
            now_us < t->numbers[s % CALL_NUMBERS].asked_us +
                         (t->numbers[s % CALL_NUMBERS].tries ? NACK_AGAIN_US : 0))
            continue;
        t->numbers[s % CALL_NUMBERS].tries++;
        t->numbers[s % CALL_NUMBERS].asked_us = now_us;
        seqs[n++] = (uint16_t)s;
    }
    if (n > 0)
        rtcp_write_nack(&w, 77, t->ssrc, seqs, n);
    bool blocked = t->blocked_us && now_us > t->blocked_us + BLOCKED_US;
    if (blocked && now_us > t->pli_us + 700000) {
        t->pli_us = now_us;
        t->plis++;
        rtcp_write_pli(&w, 77, t->ssrc);
    }
    viewer_send_back(v, &w);
}

static void report(struct call_viewer *v) {
    uint8_t out[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(out, sizeof out);
    struct rtcp_report reports[2 * CALL_PUBLISHERS_MAX];
    for (unsigned i = 0; i < v->track_count; i++) {
        struct call_track *t = &v->tracks[i];
        uint64_t expected = t->highest - t->highest_told, came = t->media - t->media_told;
        uint64_t lost = t->highest_told && expected > came ? (expected - came) * 256 / expected : 0;
        if (v->call->config.feedback[v->index] == CALL_CLAIMS_REMB)
            lost = 0;
        reports[i] =
            (struct rtcp_report){.ssrc = t->ssrc, .fraction_lost = (uint8_t)(lost < 255 ? lost : 255)};
        t->highest_told = t->highest;
        t->media_told = t->media;
    }
    rtcp_write_rr(&w, 77, reports, v->track_count);
    viewer_send_back(v, &w);
}

static void remb(struct call_viewer *v) {
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    write_u32(&w, 0x8fce0004);
    write_u32(&w, 77);
    write_u32(&w, 0);
    write_u32(&w, 0x52454d42);
    write_u32(&w, (uint32_t)(8u << 18 | (v->call->config.remb_bps >> 8)));
    viewer_send_back(v, &w);
}

static void tell_arrivals(struct call_viewer *v) {
    enum call_feedback how = v->call->config.feedback[v->index];
    uint64_t now_us = v->call->now_us;
    if (how == CALL_DEAF || (how != CALL_REMB && how != CALL_CLAIMS_REMB && how != CALL_LIAR))
        liar_tells(v);
    else if (now_us >= v->next_remb_us) {
        v->next_remb_us = now_us + (how == CALL_LIAR ? 20000 : US_PER_SECOND);
        how == CALL_LIAR ? liar_invents(v) : remb(v);
    }
}

void viewer_tick(struct call_viewer *v) {
    uint64_t now_us = v->call->now_us;
    if (link_after_stall(&v->reads, now_us) > now_us && v->call->config.reader_mute)
        return;
    tell_arrivals(v);
    if (now_us >= v->next_nack_us) {
        v->next_nack_us = now_us + 20000;
        for (unsigned i = 0; i < v->track_count; i++)
            if (v->tracks[i].video && v->tracks[i].next <= v->tracks[i].highest) {
                show_frames(&v->tracks[i], now_us);
                ask(v, &v->tracks[i]);
            }
    }
    if (now_us >= v->next_report_us) {
        v->next_report_us = now_us + US_PER_SECOND;
        report(v);
    }
}
