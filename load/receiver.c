#include "load/receiver.h"

#include "base/clock.h"
#include "base/seq.h"
#include "load/mark.h"
#include "load/payload.h"
#include "rtp/codec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RTX_SANE 2048     // numbers that a retransmission may be behind the newest
#define REPLAY_US 1500000 // a track begins with what the server remembers: that is no delay

// ---- tracks

static struct track *track_of_ssrc(const struct receiver *r, uint32_t ssrc, bool *rtx) {
    uint32_t value = hmap_get(r->by_ssrc, &ssrc);
    if (value == HMAP_NONE)
        return NULL;
    *rtx = value & 1;
    assert(value / 2 < r->track_count);
    return r->tracks[value / 2];
}

static bool ssrc_is_gone(const struct receiver *r, uint32_t ssrc, uint64_t now_us) {
    for (unsigned i = 0; i < RECEIVER_GONE; i++)
        if (r->gone[i].ssrc == ssrc && now_us < r->gone[i].until_us)
            return true;
    return false;
}

static void ssrc_goes(struct receiver *r, uint32_t ssrc, uint64_t now_us) {
    if (ssrc == 0)
        return;
    hmap_remove(r->by_ssrc, &ssrc);
    unsigned i = r->gone_next++ % RECEIVER_GONE;
    r->gone[i].ssrc = ssrc;
    r->gone[i].until_us = now_us + RECEIVER_GONE_US;
}

// Loss is told by the numbers: what is missing and not being asked for any more is lost.
static void track_sum(const struct track *t, uint64_t now_us, struct tally *sum) {
    const struct receive_stats *s = &t->stats;
    uint64_t lost = receive_stats_lost(s), pending = t->nack ? nack_tracker_pending(t->nack) : 0;
    uint64_t missing = lost > t->repaired ? lost - t->repaired : 0;
    sum->expected += s->received + lost;
    sum->received += s->received;
    sum->repaired += t->repaired;
    sum->unrepaired += missing > pending ? missing - pending : 0;
    if (!t->frames)
        return;
    sum->video_expected += s->received + lost;
    sum->video_received += s->received;
    sum->video_unrepaired += missing > pending ? missing - pending : 0;
    sum->frames += t->frames->frames;
    sum->key_frames_got += t->frames->key_frames;
    sum->freezes += t->frames->freezes + (frame_buffer_stalled_us(t->frames, now_us) > 0);
    sum->frozen_us += t->frames->frozen_us + frame_buffer_stalled_us(t->frames, now_us);
    sum->watched_us += t->first_us && now_us > t->first_us ? now_us - t->first_us : 0;
    sum->faults[FAULT_TIMESTAMP] += t->frames->bad_timestamps;
}

static void track_close(struct track *t, uint64_t now_us) {
    struct receiver *r = t->receiver;
    track_sum(t, now_us, &r->load->tally);
    ssrc_goes(r, t->params.ssrc, now_us);
    ssrc_goes(r, t->params.rtx_ssrc, now_us);
    wheel_cancel(&r->load->wheel, &t->nack_timer);
    r->tracks[t->index] = NULL;
    nack_tracker_destroy(t->nack);
    free(t->frames);
    free(t);
}

void receiver_sum(const struct receiver *r, uint64_t now_us, struct tally *sum) {
    for (unsigned i = 0; i < r->track_count; i++)
        if (r->tracks[i])
            track_sum(r->tracks[i], now_us, sum);
}

void receiver_measure(struct receiver *r, uint64_t now_us) {
    for (unsigned i = 0; i < r->track_count; i++) {
        struct track *t = r->tracks[i];
        if (!t || !t->frames)
            continue;
        t->frames->freezes = t->frames->frozen_us = 0;
        t->first_us = t->first_us ? now_us : 0;
        t->frames->shown_us = t->frames->shown_us ? now_us : 0; // a stall counts from here, too
    }
}

static bool tracks_make_room(struct receiver *r, unsigned *index) {
    for (*index = 0; *index < r->track_count; ++*index)
        if (!r->tracks[*index])
            return true;
    if (r->track_count == RECEIVER_TRACKS_MAX)
        return false;
    if (r->track_count == r->track_cap) {
        unsigned cap = r->track_cap ? r->track_cap * 2 : 8;
        struct track **grown = realloc(r->tracks, cap * sizeof(struct track *));
        if (!grown)
            return false;
        r->tracks = grown;
        r->track_cap = cap;
    }
    r->tracks[r->track_count++] = NULL;
    return true;
}

static bool track_make_parts(struct track *t) {
    feedback_track_init(t);
    receive_stats_init(&t->stats, t->params.clock_rate);
    if (t->params.kind == MEDIA_AUDIO)
        return true;
    t->nack = nack_tracker_create(NACK_HELPS_VIDEO_US);
    t->frames = malloc(sizeof *t->frames);
    if (t->frames)
        frame_buffer_init(t->frames);
    return t->nack && t->frames;
}

enum err receiver_add(struct receiver *r, const struct consumed *params, uint64_t now_us) {
    unsigned index;
    bool rtx;
    if (params->ssrc == params->rtx_ssrc || track_of_ssrc(r, params->ssrc, &rtx) ||
        (params->rtx_ssrc && track_of_ssrc(r, params->rtx_ssrc, &rtx)))
        return ERR_EXISTS; // of both names, so that none is taken from another track when this one closes
    struct track *t = calloc(1, sizeof *t);
    if (!t || !tracks_make_room(r, &index)) {
        free(t);
        return ERR_NO_MEMORY;
    }
    t->receiver = r;
    t->params = *params;
    t->index = index;
    t->opened_us = t->expected_us = now_us;
    t->producer_paused = params->producer_paused;
    t->paused_us = now_us;
    r->tracks[index] = t;
    if (!track_make_parts(t) || hmap_put(r->by_ssrc, &params->ssrc, index * 2) != ERR_OK ||
        (params->rtx_ssrc && hmap_put(r->by_ssrc, &params->rtx_ssrc, index * 2 + 1) != ERR_OK)) {
        track_close(t, now_us);
        return ERR_NO_MEMORY;
    }
    ext_map_add(&r->ext, &params->ext);
    if (params->transport_cc && !r->twcc)
        r->twcc = twcc_recorder_create();
    return ERR_OK;
}

void receiver_remove(struct receiver *r, const char *consumer_id, uint64_t now_us) {
    for (unsigned i = 0; i < r->track_count; i++)
        if (r->tracks[i] && strcmp(r->tracks[i]->params.id, consumer_id) == 0)
            track_close(r->tracks[i], now_us);
}

static void track_pause_changed(struct track *t, bool was_paused, uint64_t now_us) {
    bool paused = t->paused || t->producer_paused;
    if (paused == was_paused)
        return;
    t->paused_us = t->expected_us = now_us;
    if (t->frames)
        frame_buffer_pause(t->frames);
}

void receiver_pause_consumer(struct receiver *r, const char *consumer_id, bool paused, uint64_t now_us) {
    for (unsigned i = 0; i < r->track_count; i++) {
        struct track *t = r->tracks[i];
        if (!t || strcmp(t->params.id, consumer_id) != 0)
            continue;
        bool was_paused = t->paused || t->producer_paused;
        t->paused = paused;
        track_pause_changed(t, was_paused, now_us);
    }
}

void receiver_pause_producer(struct receiver *r, const char *producer_id, bool paused, uint64_t now_us) {
    for (unsigned i = 0; i < r->track_count; i++) {
        struct track *t = r->tracks[i];
        if (!t || strcmp(t->params.producer_id, producer_id) != 0)
            continue;
        bool was_paused = t->paused || t->producer_paused;
        t->producer_paused = paused;
        track_pause_changed(t, was_paused, now_us);
    }
}

// ---- packets

static void count_fault(struct receiver *r, enum fault fault) {
    r->load->tally.faults[fault]++;
}

// The first packets since the beginning of the join.
static void note_first(struct track *t, uint64_t now_us) {
    struct receiver *r = t->receiver;
    if (!t->first_us)
        t->first_us = now_us;
    if (r->first_rtp_counts) {
        r->first_rtp_counts = false;
        histogram_add(&r->load->tally.join[JOIN_FIRST_RTP], now_us - r->origin_us);
    }
}

static void note_delay(struct track *t, const struct mark *mark, bool rtx, uint64_t now_us) {
    struct load *load = t->receiver->load;
    if (!load->measuring || now_us < t->expected_us + REPLAY_US || now_us < mark->send_us)
        return;
    uint64_t delay_us = now_us - mark->send_us;
    if (rtx) {
        histogram_add(&load->tally.delay_repaired, delay_us);
        return;
    }
    histogram_add(&load->tally.delay, delay_us);
    histogram_add(&load->tally.delay_second, delay_us);
}

// The media packet inside a retransmission, under the media stream's name. False: padding, or a fault.
static bool unwrap(struct track *t, struct rtp_packet *packet) {
    uint16_t seq;
    struct span payload;
    if (packet->payload_type != t->params.rtx_payload_type) {
        count_fault(t->receiver, FAULT_PAYLOAD_TYPE);
        return false;
    }
    if (packet->payload.len == 0)
        return false; // probing
    bool whole = t->stats.started && rtp_unwrap_rtx(packet, &seq, &payload) == ERR_OK;
    int behind = whole ? seq16_diff((uint16_t)t->stats.highest_seq, seq) : 0;
    if (!whole || behind < -RTX_SANE || behind > RTX_SANE) {
        count_fault(t->receiver, FAULT_RTX);
        return false;
    }
    packet->seq = seq;
    packet->payload = payload;
    packet->payload_type = t->params.payload_type;
    packet->ssrc = t->params.ssrc;
    return true;
}

// Is this number new? Counts it.
static bool note_number(struct track *t, const struct rtp_packet *packet, bool key, bool rtx, uint32_t bytes,
                        uint64_t now_us) {
    struct tally *tally = &t->receiver->load->tally;
    bool key_wanted = false;
    if (!rtx && !receive_stats_add(&t->stats, packet->seq, packet->timestamp, bytes, now_us)) {
        count_fault(t->receiver, FAULT_SEQUENCE);
        return false;
    }
    if (!t->nack)
        return true;
    bool repeat = rtx || t->params.rtx_payload_type == PAYLOAD_TYPE_NONE;
    unsigned flags = (key ? NACK_OF_KEY_FRAME : 0) | (repeat ? NACK_IS_REPEAT : 0);
    enum nack_arrival arrival = nack_tracker_add(t->nack, packet->seq, flags, now_us, &key_wanted);
    if (key_wanted)
        feedback_ask_key_frame(t, now_us);
    if (arrival == NACK_DUPLICATE_OR_OLD) {
        tally->duplicates++;
        if (!rtx)
            t->stats.received--; // counted as received above, but it is no other packet
        return false;
    }
    t->repaired += rtx;
    feedback_await_nack(t);
    return true;
}

// The payload is what a publisher sent, and agrees with the header.
static bool check_payload(struct track *t, const struct rtp_packet *packet, struct codec_frame *frame,
                          struct mark *mark) {
    struct span none = {0};
    bool video = t->params.kind == MEDIA_VIDEO;
    if (!codec_inspect(t->params.codec, packet->payload, none, frame)) {
        count_fault(t->receiver, FAULT_MALFORMED);
        return false;
    }
    if (!video && packet->payload.len == PAYLOAD_DTX_BYTES) {
        *mark = (struct mark){.send_us = TIME_NEVER};
        return true;
    }
    if (!mark_read(packet->payload, mark) || (video && packet->marker != (mark->index + 1 == mark->count)) ||
        (frame->key_frame && mark->index > 1)) {
        count_fault(t->receiver, FAULT_MARK);
        return false;
    }
    return true;
}

static bool check_head(struct track *t, const struct rtp_packet *packet, const struct rtp_ext_values *values,
                       uint64_t now_us) {
    struct receiver *r = t->receiver;
    struct span mid = values->of[EXT_MID];
    if (packet->payload_type != t->params.payload_type)
        count_fault(r, FAULT_PAYLOAD_TYPE);
    else if (mid.ptr && !span_equal(mid, span_of_text(t->params.mid)))
        count_fault(r, FAULT_MID);
    else if ((t->paused || t->producer_paused) &&
             now_us > t->paused_us + RECEIVER_PAUSE_US + 2 * r->load->options->impair.delay_us)
        count_fault(r, FAULT_PAUSED);
    else
        return true;
    return false;
}

static void track_picture(struct track *t, const struct rtp_packet *packet, const struct codec_frame *frame,
                          uint64_t now_us) {
    struct receiver *r = t->receiver;
    uint64_t before = t->frames->frames;
    if (t->paused || t->producer_paused) // its last packets, or the first after an end that is not yet told
        frame_buffer_pause(t->frames);
    frame_buffer_add(t->frames, packet->seq, packet->timestamp, packet->marker, frame->key_frame, now_us);
    if (before == 0 && t->frames->frames > 0 && r->first_key_counts) {
        r->first_key_counts = false;
        histogram_add(&r->load->tally.join[JOIN_FIRST_KEY_FRAME], now_us - r->origin_us);
    }
}

// Nothing was sent under its number, so that what was lost before it is missed.
static void track_empty(struct track *t, const struct rtp_packet *packet, bool rtx, uint32_t bytes,
                        uint64_t now_us) {
    if (note_number(t, packet, false, rtx, bytes, now_us) && t->frames)
        frame_buffer_add_empty(t->frames, packet->seq, now_us);
}

static void track_packet(struct track *t, struct rtp_packet *packet, bool rtx,
                         const struct rtp_ext_values *values, uint32_t bytes, uint64_t now_us) {
    struct tally *tally = &t->receiver->load->tally;
    struct codec_frame frame;
    struct mark mark;
    if (rtx && !unwrap(t, packet))
        return;
    if (!check_head(t, packet, values, now_us))
        return;
    if (packet->payload.len == 0) {
        track_empty(t, packet, rtx, bytes, now_us);
        return;
    }
    if (!check_payload(t, packet, &frame, &mark))
        return;
    if (!note_number(t, packet, frame.key_frame, rtx, bytes, now_us))
        return;
    note_first(t, now_us);
    if (t->frames) {
        tally->video_in++;
        track_picture(t, packet, &frame, now_us);
    } else {
        tally->audio_in++;
    }
    note_delay(t, &mark, rtx, now_us);
}

void receiver_rtp(struct receiver *r, struct span bytes, uint64_t now_us) {
    struct rtp_packet packet;
    struct rtp_ext_values values;
    uint16_t transport_seq;
    bool rtx;
    if (rtp_parse(bytes, &packet) != ERR_OK) {
        count_fault(r, FAULT_MALFORMED);
        return;
    }
    r->load->tally.rtp_in++;
    r->load->tally.rtp_bytes_in += bytes.len;
    rtp_ext_read(&packet, &r->ext, &values);
    if (r->twcc && rtp_ext_transport_seq(&values, &transport_seq))
        feedback_count_transport_seq(r, transport_seq, packet.ssrc, now_us);
    struct track *t = track_of_ssrc(r, packet.ssrc, &rtx);
    if (t)
        track_packet(t, &packet, rtx, &values, (uint32_t)bytes.len, now_us);
    else if (!ssrc_is_gone(r, packet.ssrc, now_us))
        count_fault(r, FAULT_SSRC);
}

void receiver_rtcp(struct receiver *r, struct span datagram, uint64_t now_us) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    bool rtx;
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        if (packet.kind != RTCP_SENDER_REPORT)
            continue;
        struct track *t = track_of_ssrc(r, packet.sender_ssrc, &rtx);
        r->load->tally.reports_in++;
        if (t && !rtx)
            receive_stats_sender_report(&t->stats, packet.ntp, now_us);
    }
    if (walk.malformed)
        count_fault(r, FAULT_MALFORMED);
}

// ---- life

struct receiver *receiver_create(struct load *load, uint64_t origin_us) {
    struct receiver *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->load = load;
    r->origin_us = origin_us;
    r->ssrc = (uint32_t)(1 + load_random(load) % (UINT32_MAX - 1));
    ext_map_clear(&r->ext);
    feedback_init(r);
    r->by_ssrc = hmap_create(sizeof(uint32_t), 2 * RECEIVER_TRACKS_MAX);
    if (r->by_ssrc)
        return r;
    free(r);
    return NULL;
}

void receiver_destroy(struct receiver *r, uint64_t now_us) {
    if (!r)
        return;
    for (unsigned i = 0; i < r->track_count; i++)
        if (r->tracks[i])
            track_close(r->tracks[i], now_us);
    wheel_cancel(&r->load->wheel, &r->report_timer);
    wheel_cancel(&r->load->wheel, &r->twcc_timer);
    twcc_recorder_destroy(r->twcc);
    hmap_destroy(r->by_ssrc);
    free(r->tracks);
    free(r);
}
