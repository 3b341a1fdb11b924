#include "rooms/media/feedback.h"

#include "base/clock.h"
#include "rooms/media/lost_ends.h"
#include "rtp/rtcp_write.h"

#include <assert.h>
#include <stdlib.h>

static void endpoint_send(struct endpoint *ep, const struct writer *w) {
    if (w->failed || w->len == 0 || !endpoint_sends(ep))
        return;
    ep->fw->counters.rtcp_out++;
    ep->fw->out.send_rtcp(ep->fw->out.ctx, ep->peer, span_of(w->ptr, w->len));
}

// ---- reports

// A sender report and its description; false when there is nothing to report about.
static bool write_sender_report(struct writer *w, struct consumer *c, uint64_t now_us) {
    struct rtcp_sender_info info = {.packet_count = (uint32_t)c->stats.packets,
                                    .octet_count = (uint32_t)c->payload_bytes};
    if (c->stats.packets == 0 || now_us > c->stats.last_packet_us + REPORT_SILENCE_US ||
        !consumer_sender_clock(c, now_us, &info.ntp, &info.rtp_timestamp))
        return false;
    rtcp_write_sr(w, c->params.ssrc, &info, NULL, 0);
    rtcp_write_sdes_cname(w, c->params.ssrc, c->params.cname);
    if (w->failed)
        return false;
    c->sr_ntp = info.ntp;
    c->sr_us = now_us;
    return true;
}

void feedback_send_sender_report(struct consumer *c, uint64_t now_us) {
    uint8_t buffer[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(buffer, sizeof buffer);
    if (write_sender_report(&w, c, now_us))
        endpoint_send(c->endpoint, &w);
}

// Sender reports of all consumers, as many a datagram as fit.
static void send_sender_reports(struct endpoint *ep, uint64_t now_us) {
    uint8_t buffer[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(buffer, sizeof buffer);
    LIST_EACH(node, &ep->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        if (!c->active)
            continue;
        struct writer before = w;
        write_sender_report(&w, c, now_us);
        if (!w.failed)
            continue;
        endpoint_send(ep, &before);
        w = writer_of(buffer, sizeof buffer);
        write_sender_report(&w, c, now_us);
    }
    endpoint_send(ep, &w);
}

// What the times of others that came since the last report are answered with (RFC 3611, 4.5).
static unsigned take_answers(struct endpoint *ep, struct rtcp_dlrr_item answers[TIMES_TOLD_MAX],
                             uint64_t now_us) {
    unsigned count = ep->told_count;
    for (unsigned i = 0; i < count; i++) {
        uint64_t units = ((now_us - ep->told[i].at_us) << 16) / US_PER_SECOND;
        answers[i] =
            (struct rtcp_dlrr_item){.ssrc = ep->told[i].ssrc,
                                    .last_rr = ep->told[i].mid,
                                    .delay_since_rr = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX};
    }
    ep->told_count = 0;
    return count;
}

// Our time for whom we are sent media by, and answers to the times that we were told.
static void write_times(struct endpoint *ep, struct writer *w, bool ask, uint64_t now_us) {
    struct rtcp_dlrr_item answers[TIMES_TOLD_MAX];
    unsigned count = take_answers(ep, answers, now_us);
    uint64_t ntp = ask ? round_trip_ask(&ep->round_trip, now_us) : 0;
    if (ntp || count)
        rtcp_write_xr(w, ep->sender_ssrc, ntp, answers, count);
}

// `times`: with those of this endpoint.
static void send_reports_about(struct endpoint *ep, const struct rtcp_report *reports, unsigned count,
                               bool times, uint64_t now_us) {
    uint8_t buffer[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_rr(&w, ep->sender_ssrc, reports, count);
    rtcp_write_sdes_cname(&w, ep->sender_ssrc, "rotunda"); // RFC 3550, 6.1: in every compound packet
    if (times)
        write_times(ep, &w, count > 0, now_us);
    endpoint_send(ep, &w);
}

static void send_receiver_reports(struct endpoint *ep, uint64_t now_us) {
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    unsigned count = 0;
    uint8_t lost = 0; // of the stream that lost most
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        for (unsigned i = 0; i < p->params.stream_count; i++) {
            struct producer_stream *s = &p->streams[i];
            if (!s->stats.started || s->ssrc == 0)
                continue;
            receive_stats_report(&s->stats, s->ssrc, now_us, &reports[count++]);
            lost = reports[count - 1].fraction_lost > lost ? reports[count - 1].fraction_lost : lost;
            if (count == RTCP_REPORTS_MAX) {
                send_reports_about(ep, reports, count, false, now_us);
                count = 0;
            }
        }
    }
    if (count > 0 || ep->told_count > 0)
        send_reports_about(ep, reports, count, true, now_us);
    if (ep->estimate)
        receive_estimate_loss(ep->estimate, lost, now_us);
}

void feedback_schedule_reports(struct endpoint *ep, uint64_t now_us) {
    uint64_t interval_us = REPORT_INTERVAL_US / 2 + forwarder_random(ep->fw) % REPORT_INTERVAL_US;
    uint64_t due_us = now_us + interval_us;
    wheel_arm(ep->fw->wheel, &ep->report_timer, due_us - due_us % REPORT_GRID_US);
}

static void reports_fired(struct wheel_node *node, uint64_t now_us) {
    struct endpoint *ep = LIST_ENTRY(node, struct endpoint, report_timer);
    uint64_t bytes = ep->stats.rtp_in + ep->stats.rtx_in + ep->stats.rtp_out + ep->stats.rtx_out;
    if (bytes == ep->stats.reported) // RFC 3550, 6.4: reports are about what came since the last ones
        return;
    ep->stats.reported = bytes;
    send_receiver_reports(ep, now_us);
    send_sender_reports(ep, now_us);
    feedback_schedule_reports(ep, now_us);
}

// ---- what arrived, in two forms

#define ARRIVALS_OVERHEAD_BYTES 42 // IPv4, UDP, SRTCP's index and tag

static size_t send_twcc(struct endpoint *ep, uint64_t now_us) {
    for (size_t bytes = 0;;) {
        uint8_t buffer[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(buffer, sizeof buffer);
        if (!twcc_recorder_write(ep->twcc, &w, ep->sender_ssrc, ep->twcc_media_ssrc, now_us))
            return bytes;
        endpoint_send(ep, &w);
        bytes += w.len + ARRIVALS_OVERHEAD_BYTES;
    }
}

static size_t send_ccfb(struct endpoint *ep, uint64_t now_us) {
    for (size_t bytes = 0;;) {
        uint8_t buffer[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(buffer, sizeof buffer);
        if (!ccfb_recorder_write(ep->ccfb, &w, ep->sender_ssrc, ntp_from_wall_us(now_us), now_us))
            return bytes;
        endpoint_send(ep, &w);
        bytes += w.len + ARRIVALS_OVERHEAD_BYTES;
    }
}

static void arrivals_fired(struct wheel_node *node, uint64_t now_us) {
    struct endpoint *ep = LIST_ENTRY(node, struct endpoint, arrivals_timer);
    uint64_t bps = rate_meter_bps(&ep->stats.rtp_in_rate, now_us) +
                   (uint64_t)rate_meter_bps(&ep->stats.rtx_in_rate, now_us);
    size_t bytes = ep->twcc ? send_twcc(ep, now_us) : 0;
    if (bytes > 0)
        twcc_recorder_pace(ep->twcc, bytes, bps);
    if (ep->ccfb && (bytes = send_ccfb(ep, now_us)) > 0)
        ccfb_recorder_pace(ep->ccfb, bytes, bps);
}

static void await_feedback(struct endpoint *ep, uint64_t due_us) {
    if (due_us < ep->arrivals_timer.due_us)
        wheel_arm(ep->fw->wheel, &ep->arrivals_timer, due_us);
}

void feedback_note_transport_seq(struct endpoint *ep, uint16_t seq, uint32_t ssrc, uint64_t now_us) {
    twcc_recorder_add(ep->twcc, seq, now_us);
    ep->twcc_media_ssrc = ssrc;
    await_feedback(ep, twcc_recorder_next_us(ep->twcc));
    number_gap_add(&ep->gap, seq, now_us);
    if (ep->gap.missing > 0)
        lost_ends_watch(ep, now_us);
}

void feedback_note_named(struct endpoint *ep, uint32_t ssrc, uint16_t seq, uint64_t now_us) {
    ccfb_recorder_add(ep->ccfb, ssrc, seq, now_us);
    await_feedback(ep, ccfb_recorder_next_us(ep->ccfb));
}

float feedback_loss(const struct endpoint *ep) {
    float numbered = ep->twcc ? twcc_recorder_loss(ep->twcc) : 0;
    float named = ep->ccfb ? ccfb_recorder_loss(ep->ccfb) : 0;
    return numbered > named ? numbered : named;
}

// ---- REMB

bool feedback_begin_estimate(struct endpoint *ep) {
    if (ep->estimate)
        return true;
    ep->estimate = malloc(sizeof *ep->estimate);
    if (ep->estimate)
        receive_estimate_init(ep->estimate);
    return ep->estimate != NULL;
}

// What all its producers send is estimated together, so all of it is named.
static unsigned endpoint_media_ssrcs(const struct endpoint *ep, uint32_t ssrcs[ENDPOINT_SSRCS_MAX]) {
    unsigned count = 0;
    for (unsigned i = 0; ep->ssrcs && i < ENDPOINT_SSRC_SLOTS; i++)
        if (ep->ssrcs[i].ssrc != 0 && !ep->ssrcs[i].rtx)
            ssrcs[count++] = ep->ssrcs[i].ssrc;
    return count;
}

static void tell_remb(struct endpoint *ep, uint64_t bps) {
    uint32_t ssrcs[ENDPOINT_SSRCS_MAX];
    unsigned count = endpoint_media_ssrcs(ep, ssrcs);
    if (count == 0)
        return;
    uint8_t buffer[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_remb(&w, ep->sender_ssrc, bps, ssrcs, count);
    endpoint_send(ep, &w);
}

// What its publisher may send over it altogether; 0: anything.
static uint32_t endpoint_ceiling(const struct endpoint *ep) {
    uint32_t setting = ep->fw->config.limits.publish_bitrate_bps;
    return ep->max_bps && (ep->max_bps < setting || setting == 0) ? ep->max_bps : setting;
}

// Browsers that have transport-wide feedback heed it as well. A rate of 0 lifts what was told before.
static void ceiling_fired(struct wheel_node *node, uint64_t now_us) {
    struct endpoint *ep = LIST_ENTRY(node, struct endpoint, ceiling_timer);
    uint32_t ceiling = endpoint_ceiling(ep);
    if (list_empty(&ep->producers) || (ceiling == 0 && ep->ceiling_lifts == 0))
        return;
    if (ceiling != 0 || !ep->estimate)
        tell_remb(ep, ceiling);
    ep->ceiling_lifts = (uint8_t)(ceiling ? CEILING_LIFTS : ep->ceiling_lifts - 1);
    wheel_arm(ep->fw->wheel, node, now_us + CEILING_INTERVAL_US);
}

void feedback_ceiling_changed(struct endpoint *ep, uint64_t now_us) {
    if (!list_empty(&ep->producers) && (endpoint_ceiling(ep) || ep->ceiling_lifts))
        wheel_arm(ep->fw->wheel, &ep->ceiling_timer, now_us + WHEEL_TICK_US);
}

static void estimate_fired(struct wheel_node *node, uint64_t now_us) {
    struct endpoint *ep = LIST_ENTRY(node, struct endpoint, estimate_timer);
    uint64_t bps = receive_estimate_tell(ep->estimate, now_us), ceiling = endpoint_ceiling(ep);
    if (bps != 0)
        tell_remb(ep, ceiling && ceiling < bps ? ceiling : bps);
}

// When a packet was sent, on the clock of its abs-send-time or, without that, of the RTP timestamps of one of
// the streams. 0: that is not known.
static uint32_t sent_clock(struct endpoint *ep, const struct producer_stream *s,
                           const struct rtp_packet *packet, const struct rtp_ext_values *values,
                           uint32_t *clock) {
    uint32_t offset = 0;
    if (rtp_ext_abs_send_time(values, clock)) {
        *clock <<= 8;
        ep->estimate_ssrc = 0;
        return ABS_SEND_TIME_HZ;
    }
    if (packet->ssrc != s->ssrc) // the timestamps of repeats are those of what is repeated
        return 0;
    const struct ssrc_entry *followed = endpoint_find_ssrc(ep, ep->estimate_ssrc);
    if (!followed || followed->stream->stats.last_packet_us + ESTIMATE_SILENCE_US < s->stats.last_packet_us)
        ep->estimate_ssrc = producer_is_audio(s->producer) ? 0 : packet->ssrc;
    if (packet->ssrc != ep->estimate_ssrc)
        return 0;
    (void)rtp_ext_toffset(values, &offset);
    *clock = packet->timestamp + offset;
    return s->producer->params.clock_rate;
}

void feedback_note_arrival(struct endpoint *ep, const struct producer_stream *s,
                           const struct rtp_packet *packet, const struct rtp_ext_values *values,
                           uint32_t bytes, uint64_t now_us) {
    uint32_t clock = 0, clock_hz = sent_clock(ep, s, packet, values, &clock);
    receive_estimate_add(ep->estimate, bytes, clock, clock_hz, now_us);
    uint64_t due_us = receive_estimate_next_us(ep->estimate);
    if (due_us < ep->estimate_timer.due_us)
        wheel_arm(ep->fw->wheel, &ep->estimate_timer, due_us);
}

void feedback_endpoint_init(struct endpoint *ep) {
    wheel_node_init(&ep->estimate_timer, estimate_fired);
    wheel_node_init(&ep->arrivals_timer, arrivals_fired);
    wheel_node_init(&ep->ceiling_timer, ceiling_fired);
    wheel_node_init(&ep->report_timer, reports_fired);
}

// ---- NACK and key frames

static uint32_t nack_retry_us(const struct producer_stream *s, uint64_t now_us) {
    return round_trip_retry_us(&s->producer->endpoint->round_trip, now_us);
}

// When the end of a frame is missing, if it does not come.
static uint64_t tail_due_us(const struct producer_stream *s, uint64_t now_us) {
    bool guesses = s->unfinished && nack_tracker_is_lossy(s->nack, now_us);
    return guesses ? s->unfinished_us + NACK_TAIL_US : TIME_NEVER;
}

void feedback_schedule_nack(struct producer_stream *s, bool more, uint64_t now_us) {
    uint64_t due_us = tail_due_us(s, now_us);
    if (nack_tracker_pending(s->nack) > 0) {
        uint64_t first_us = more ? now_us + nack_tracker_reorder_us(s->nack) : TIME_NEVER;
        if (s->nack_timer.due_us == TIME_NEVER)
            first_us = nack_tracker_next_us(s->nack, nack_retry_us(s, now_us));
        due_us = first_us < due_us ? first_us : due_us;
    }
    if (due_us < s->nack_timer.due_us)
        wheel_arm(s->producer->fw->wheel, &s->nack_timer, due_us);
}

void feedback_nack_fired(struct wheel_node *node, uint64_t now_us) {
    struct producer_stream *s = LIST_ENTRY(node, struct producer_stream, nack_timer);
    struct producer *p = s->producer;
    uint16_t seqs[NACK_BATCH_MAX];
    bool key_frame_wanted = false;
    if (tail_due_us(s, now_us) <= now_us) {
        (void)nack_tracker_expect(s->nack, 1, false, now_us);
        s->unfinished = false;
    }
    unsigned n =
        nack_tracker_due(s->nack, now_us, nack_retry_us(s, now_us), seqs, NACK_BATCH_MAX, &key_frame_wanted);
    if (n > 0 && s->ssrc) {
        uint8_t buffer[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(buffer, sizeof buffer);
        unsigned written = rtcp_write_nack(&w, p->endpoint->sender_ssrc, s->ssrc, seqs, n);
        endpoint_send(p->endpoint, &w);
        s->nack_count++;
        s->nack_packet_count += written;
        p->fw->counters.nack_out++;
        p->fw->counters.nacked_packets_out += written;
    }
    if (key_frame_wanted)
        producer_miss_key_frame(s, now_us);
    feedback_schedule_nack(s, false, now_us);
}

void feedback_send_key_frame_request(struct producer_stream *s) {
    struct producer *p = s->producer;
    struct endpoint *ep = p->endpoint;
    uint8_t buffer[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(buffer, sizeof buffer);
    assert(ep && s->ssrc != 0);
    if (p->params.pli) {
        rtcp_write_pli(&w, ep->sender_ssrc, s->ssrc);
        s->pli_count++;
    } else if (p->params.fir) {
        rtcp_write_fir(&w, ep->sender_ssrc, s->ssrc, s->fir_seq++);
        s->fir_count++;
    } else {
        return; // the publisher cannot be asked; its own interval has to do
    }
    p->fw->counters.pli_out++;
    endpoint_send(ep, &w);
}
