// The RTCP that a receiver sends.
#include "load/receiver.h"

#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "transport/srtp.h"

#define REPORT_US 1000000
#define NACK_BATCH 64
#define NACK_RTT_US 20000 // beside the client's own delay

static void feedback_send(struct receiver *r, uint8_t *buffer, const struct writer *w, uint64_t now_us) {
    if (!w->failed && w->len > 0 && wire_ready(r->wire))
        wire_send_rtcp(r->wire, buffer, w->len, now_us);
}

void feedback_ask_key_frame(struct track *t, uint64_t now_us) {
    struct receiver *r = t->receiver;
    uint8_t buffer[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
    struct writer w = writer_of(buffer, RTCP_DATAGRAM_MAX);
    if (!t->params.pli || now_us < t->asked_us + RECEIVER_KEY_US / 2)
        return;
    t->asked_us = now_us;
    r->load->tally.key_frames_asked++;
    rtcp_write_pli(&w, r->ssrc, t->params.ssrc);
    feedback_send(r, buffer, &w, now_us);
}

// ---- NACK

static uint32_t nack_rtt_us(const struct track *t) {
    return NACK_RTT_US + 2 * t->receiver->load->options->impair.delay_us;
}

static void nack_fired(struct wheel_node *node, uint64_t now_us) {
    struct track *t = LIST_ENTRY(node, struct track, nack_timer);
    struct receiver *r = t->receiver;
    uint16_t seqs[NACK_BATCH];
    bool key_wanted = false;
    unsigned n = nack_tracker_due(t->nack, now_us, nack_rtt_us(t), seqs, NACK_BATCH, &key_wanted);
    if (n > 0 && t->params.nack) {
        uint8_t buffer[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
        struct writer w = writer_of(buffer, RTCP_DATAGRAM_MAX);
        r->load->tally.nacked_out += rtcp_write_nack(&w, r->ssrc, t->params.ssrc, seqs, n);
        r->load->tally.nacks_out++;
        feedback_send(r, buffer, &w, now_us);
    }
    if (key_wanted)
        feedback_ask_key_frame(t, now_us);
    feedback_await_nack(t);
}

void feedback_await_nack(struct track *t) {
    struct wheel *wheel = &t->receiver->load->wheel;
    if (nack_tracker_pending(t->nack) == 0)
        wheel_arm(wheel, &t->nack_timer, TIME_NEVER);
    else if (t->nack_timer.due_us == TIME_NEVER)
        wheel_arm(wheel, &t->nack_timer, nack_tracker_next_us(t->nack, nack_rtt_us(t)));
}

void feedback_track_init(struct track *t) {
    wheel_node_init(&t->nack_timer, nack_fired);
}

// ---- reports

// A picture that should be there and is not.
static void look_for_picture(struct track *t, uint64_t now_us) {
    if (!t->frames || t->paused || t->producer_paused || t->receiver->load->silent)
        return;
    uint64_t since_us = t->frames->shown_us ? t->frames->shown_us : t->expected_us;
    if (now_us > since_us + RECEIVER_KEY_US)
        feedback_ask_key_frame(t, now_us);
}

static void note_jitter(struct track *t) {
    if (t->receiver->load->measuring)
        histogram_add(&t->receiver->load->tally.jitter,
                      (uint64_t)receive_stats_jitter(&t->stats) * US_PER_SECOND / t->params.clock_rate);
}

static void send_reports(struct receiver *r, const struct rtcp_report *reports, unsigned count,
                         uint64_t now_us) {
    uint8_t buffer[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
    struct writer w = writer_of(buffer, RTCP_DATAGRAM_MAX);
    rtcp_write_rr(&w, r->ssrc, reports, count);
    rtcp_write_sdes_cname(&w, r->ssrc, "load"); // RFC 3550, 6.1: in every compound packet
    r->load->tally.reports_out++;
    feedback_send(r, buffer, &w, now_us);
}

static void report_fired(struct wheel_node *node, uint64_t now_us) {
    struct receiver *r = LIST_ENTRY(node, struct receiver, report_timer);
    struct rtcp_report reports[RTCP_REPORTS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < r->track_count; i++) {
        struct track *t = r->tracks[i];
        if (!t)
            continue;
        look_for_picture(t, now_us);
        if (!t->stats.started)
            continue;
        note_jitter(t);
        receive_stats_report(&t->stats, t->params.ssrc, now_us, &reports[count++]);
        if (count == RTCP_REPORTS_MAX) {
            send_reports(r, reports, count, now_us);
            count = 0;
        }
    }
    if (count > 0)
        send_reports(r, reports, count, now_us);
    wheel_arm(&r->load->wheel, &r->report_timer, now_us + REPORT_US / 2 + load_random(r->load) % REPORT_US);
}

// ---- transport-wide feedback

static void twcc_fired(struct wheel_node *node, uint64_t now_us) {
    struct receiver *r = LIST_ENTRY(node, struct receiver, twcc_timer);
    for (;;) {
        uint8_t buffer[RTCP_DATAGRAM_MAX + SRTCP_TRAILER_MAX];
        struct writer w = writer_of(buffer, RTCP_DATAGRAM_MAX);
        if (!twcc_recorder_write(r->twcc, &w, r->ssrc, r->twcc_media_ssrc, now_us))
            break;
        r->load->tally.twcc_out++;
        feedback_send(r, buffer, &w, now_us);
    }
}

void feedback_count_transport_seq(struct receiver *r, uint16_t seq, uint32_t ssrc, uint64_t now_us) {
    twcc_recorder_add(r->twcc, seq, now_us);
    r->twcc_media_ssrc = ssrc;
    uint64_t due_us = twcc_recorder_next_us(r->twcc);
    if (due_us < r->twcc_timer.due_us)
        wheel_arm(&r->load->wheel, &r->twcc_timer, due_us);
}

void feedback_init(struct receiver *r) {
    wheel_node_init(&r->report_timer, report_fired);
    wheel_node_init(&r->twcc_timer, twcc_fired);
}

void receiver_start(struct receiver *r, uint64_t now_us) {
    wheel_arm(&r->load->wheel, &r->report_timer, now_us + load_random(r->load) % REPORT_US);
}
