#include "rtp/stream_stats.h"

#include "base/clock.h"
#include "base/seq.h"

#include <string.h>

// ---- rate

#define BUCKET_US (RATE_WINDOW_US / RATE_BUCKETS)

static void rate_meter_turn(struct rate_meter *m, uint64_t bucket) {
    if (bucket <= m->newest)
        return;
    if (bucket - m->newest >= RATE_BUCKETS)
        memset(m->bytes, 0, sizeof m->bytes);
    else
        for (uint64_t b = m->newest + 1; b <= bucket; b++)
            m->bytes[b % RATE_BUCKETS] = 0;
    m->newest = bucket;
}

void rate_meter_add(struct rate_meter *m, uint32_t bytes, uint64_t now_us) {
    rate_meter_turn(m, now_us / BUCKET_US);
    m->bytes[m->newest % RATE_BUCKETS] += bytes;
}

uint32_t rate_meter_bps(const struct rate_meter *meter, uint64_t now_us) {
    struct rate_meter m = *meter;
    rate_meter_turn(&m, now_us / BUCKET_US);
    uint64_t sum = 0;
    for (unsigned i = 0; i < RATE_BUCKETS; i++)
        sum += m.bytes[i];
    uint64_t bps = sum * 8 * US_PER_SECOND / RATE_WINDOW_US;
    return bps > UINT32_MAX ? UINT32_MAX : (uint32_t)bps;
}

// ---- receiving

// RFC 3550, appendix A.1.
#define MAX_DROPOUT 3000
#define MAX_MISORDER 1500
#define NO_BAD_SEQ UINT32_MAX

void receive_stats_init(struct receive_stats *s, uint32_t clock_rate) {
    *s = (struct receive_stats){.clock_rate = clock_rate, .bad_seq = NO_BAD_SEQ};
}

static void receive_stats_restart(struct receive_stats *s, uint16_t seq) {
    s->lost_before = receive_stats_lost(s); // of what ends here
    s->restarts += s->started;
    s->started = true;
    s->base_seq = s->highest_seq = UINT64_C(0x10000) + seq;
    s->received = 0;
    s->expected_prior = s->received_prior = 0;
    s->bad_seq = NO_BAD_SEQ;
    s->transit_known = false;
}

// RFC 3550, appendix A.8, in sixteenths.
static void receive_stats_jitter_add(struct receive_stats *s, uint32_t timestamp, uint64_t now_us) {
    uint32_t transit = (uint32_t)clock_ticks(now_us, s->clock_rate) - timestamp;
    if (s->transit_known) {
        int32_t d = seq32_diff(transit, s->transit_last);
        uint32_t magnitude = d < 0 ? 0 - (uint32_t)d : (uint32_t)d;
        if (magnitude < s->clock_rate * 10) // a source that jumps is not jitter
            s->jitter_q4 += magnitude - ((s->jitter_q4 + 8) >> 4);
    }
    s->transit_last = transit;
    s->transit_known = true;
}

bool receive_stats_add(struct receive_stats *s, uint16_t seq, uint32_t timestamp, uint32_t bytes,
                       uint64_t now_us) {
    if (!s->started)
        receive_stats_restart(s, seq);
    int16_t ahead = seq16_diff(seq, (uint16_t)s->highest_seq);
    if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
        if (s->bad_seq != seq) {
            s->bad_seq = (uint16_t)(seq + 1);
            s->discarded++;
            return false;
        }
        receive_stats_restart(s, seq); // two in sequence: the source began anew
        ahead = 0;
    }
    s->bad_seq = NO_BAD_SEQ;
    if (ahead > 0)
        s->highest_seq += (uint64_t)ahead;
    s->received++;
    s->packets++;
    s->bytes += bytes;
    s->last_packet_us = now_us;
    rate_meter_add(&s->rate, bytes, now_us);
    if (ahead >= 0)
        receive_stats_jitter_add(s, timestamp, now_us);
    return true;
}

void receive_stats_begin_anew(struct receive_stats *s, uint16_t seq) {
    receive_stats_restart(s, seq);
    s->received = 1;
}

void receive_stats_sender_report(struct receive_stats *s, uint64_t ntp, uint64_t now_us) {
    s->last_sr_ntp_mid = (uint32_t)(ntp >> 16);
    s->last_sr_us = now_us;
}

static uint64_t receive_stats_expected(const struct receive_stats *s) {
    return s->started ? s->highest_seq - s->base_seq + 1 : 0;
}

uint64_t receive_stats_lost(const struct receive_stats *s) {
    uint64_t expected = receive_stats_expected(s);
    return s->lost_before + (expected > s->received ? expected - s->received : 0);
}

uint32_t receive_stats_jitter(const struct receive_stats *s) {
    return s->jitter_q4 >> 4;
}

// RFC 3550, appendix A.3.
void receive_stats_report(struct receive_stats *s, uint32_t ssrc, uint64_t now_us, struct rtcp_report *out) {
    uint64_t expected = receive_stats_expected(s);
    uint64_t expected_interval = expected - s->expected_prior;
    uint64_t received_interval = s->received - s->received_prior;
    s->expected_prior = expected;
    s->received_prior = s->received;
    uint64_t lost = expected_interval > received_interval ? expected_interval - received_interval : 0;
    uint64_t fraction = expected_interval ? lost * 256 / expected_interval : 0;
    uint64_t cumulative = receive_stats_lost(s);
    uint64_t delay = s->last_sr_us ? ((now_us - s->last_sr_us) << 16) / US_PER_SECOND : 0;
    *out = (struct rtcp_report){
        .ssrc = ssrc,
        .fraction_lost = (uint8_t)(fraction > 255 ? 255 : fraction),
        .cumulative_lost = cumulative > 0x7fffff ? 0x7fffff : (int32_t)cumulative,
        .highest_seq = (uint32_t)(s->highest_seq - UINT64_C(0x10000)),
        .jitter = receive_stats_jitter(s),
        .last_sr = s->last_sr_us ? s->last_sr_ntp_mid : 0,
        .delay_since_sr = delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay,
    };
}

// ---- sending

void send_stats_add(struct send_stats *s, uint32_t bytes, uint64_t now_us) {
    s->packets++;
    s->bytes += bytes;
    s->last_packet_us = now_us;
    rate_meter_add(&s->rate, bytes, now_us);
}

void send_stats_report(struct send_stats *s, const struct rtcp_report *report, uint64_t now_ntp) {
    s->fraction_lost = report->fraction_lost;
    s->lost = report->cumulative_lost > 0 ? (uint64_t)report->cumulative_lost : 0;
    s->jitter = report->jitter;
    uint32_t rtt_us = rtcp_round_trip_us(report, now_ntp);
    if (rtt_us)
        s->rtt_us = rtt_us;
}

// What was lost for good weighs whole, what was repaired a quarter; the fourth power makes small losses
// visible.
uint8_t stream_score(uint32_t expected, uint32_t lost, uint32_t repaired) {
    if (expected == 0)
        return 10;
    float bad = ((float)(lost > repaired ? lost - repaired : 0) + (float)repaired * 0.25f) / (float)expected;
    float good = bad >= 1 ? 0 : 1 - bad;
    float score = good * good * good * good * 10 + 0.5f;
    return (uint8_t)(score > 10 ? 10 : score);
}
