// How the rate follows from what comes back.
#include "rtp/cc/bandwidth_internal.h"

#include "base/clock.h"

#include <math.h>

#define ACKED_SHORT_US 150000
#define STRETCH_MIN 1.1f // of arrival against sending: the link does not take what is sent
#define OVER_GAP_US 500000
#define STRETCH_MUCH 1.5f
#define COMES_SHARE 0.6f     // of what is sent: clearly less comes
#define QUEUE_WAIT_US 200000 // after a decrease, for what it does to the queue
// A queue that is too long for who sends so much; less for who sends more, so that shares become even.
#define QUEUE_SHARED_US 30000.0f
#define QUEUE_SHARED_BPS 750000.0f
#define QUEUE_SHARED_MIN_US 20000.0f
#define QUEUE_SHARED_MAX_US 50000.0f
#define PROBE_DRAIN_US 150000
#define QUEUE_PROBE_MAX_US 150000 // more is not left to go by itself
#define PROBE_GAIN_MIN 1.35f      // what a full link must have shown above the target, if the target is sent
#define SEEN_BUCKET_US 2500000
#define SEEN_MARGIN 1.05f
#define SEEN_ANOTHER 1.5f     // times what the link was seen to carry: it is another one
#define SEEN_PERHAPS 1.15f    // times that, and it may be one
#define SEEN_JITTER_MS 3.0f   // from which on one cluster may be wrong
#define PROBE_HASTE_GAIN 1.2f // so much gained, and there may be more soon
#define PROBE_HASTE_US 1000000
#define PROBE_RENEWED_US 200000 // on another link
#define DROP_PROBE_US 2000000
#define RTT_GAIN 8
#define TRIP_BUCKET_US 15000000 // as long is remembered as of delays
#define CALM_MARGIN 1.04f       // of the target above what is wanted; probes go on to WANT_REACHED of more
#define CALM_AFTER_US 2000000   // without a sign of anything else
#define CALM_QUEUE_US 10000     // and what may be noise
#define CALM_TAIL_US 60000
#define REPORT_LOSS_HIGH 0.1f
#define REPORT_LOSS_LOW 0.02f
#define REPORT_GROWTH_A_SECOND 0.08f
#define REPORT_GAP_MAX_US 2000000

static void bandwidth_note_rtt(struct bandwidth *b, uint64_t rtt_us) {
    uint32_t rtt = rtt_us < SENT_AGE_MAX_US ? (uint32_t)rtt_us : SENT_AGE_MAX_US;
    rtt = rtt ? rtt : 1;
    b->rtt_us = b->rtt_us == 0 ? rtt : b->rtt_us - b->rtt_us / RTT_GAIN + rtt / RTT_GAIN;
}

// The newest of them by when it was sent, which is known; by when it came would be what is said.
static void bandwidth_note_trip(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    bandwidth_note_rtt(b, now_us - sum->sent_us);
    uint64_t trip_us = now_us - sum->last_sent_us;
    b->trip_us = trip_us < SENT_AGE_MAX_US ? (uint32_t)trip_us : SENT_AGE_MAX_US;
    min_window_add(&b->trips, TRIP_BUCKET_US, (int32_t)b->trip_us, now_us);
}

// It is another link than the one on which more was refuted.
static void bandwidth_renew(struct bandwidth *b, uint64_t now_us) {
    b->renewals++;
    if (b->refuted_bps > 0)
        b->renewed_us = now_us;
    b->refuted_bps = 0;
    b->filled = (struct min_window){0};
    b->over_us = 0;
}

// Where there is jitter, a cluster that shows more than has been seen is sent again, twice as long: the first
// one that shows a lot is not believed, nor is one that shows a little. True: it is.
static bool bandwidth_doubts_probe(struct bandwidth *b, float times_seen, uint64_t now_us) {
    bool quiet = b->doubts == 0 && delay_trend_jitter_ms(&b->trend) < SEEN_JITTER_MS;
    bool clear = b->doubts > 0 && times_seen > SEEN_ANOTHER;
    if (quiet || clear || times_seen <= SEEN_PERHAPS || b->doubts == PROBER_REPEATS_MAX) {
        b->doubts = 0;
        return false;
    }
    prober_repeat(&b->prober, ++b->doubts, now_us);
    return true;
}

// What of a result counts; 0: nothing. Of a link that has refused more, no more than is sought.
static float bandwidth_count_probe(struct bandwidth *b, const struct probe_result *result, uint64_t now_us) {
    float bps = (float)result->bps, sought = (float)b->sought_bps * BANDWIDTH_DEMAND_MARGIN;
    float seen = bandwidth_seen_bps(b);
    bool bounded = bandwidth_is_bounded(b), looks = bandwidth_is_sought(b) && seen > 0;
    if (looks && bandwidth_doubts_probe(b, bps / seen, now_us))
        return 0;
    bool another = looks && bps > seen * SEEN_ANOTHER;
    if (another)
        bandwidth_renew(b, now_us);
    if (result->saturated)
        min_window_add(&b->filled, SEEN_BUCKET_US, -(int32_t)(result->bps / 1000), now_us);
    if (result->peeks && !another)
        return 0;
    return bounded && !another && bps > sought ? sought : bps;
}

static void bandwidth_take_probe(struct bandwidth *b, uint64_t now_us) {
    struct probe_result result;
    if (!prober_judge(&b->prober, now_us, &result) || result.bps == 0)
        return;
    result.bps = (uint32_t)bandwidth_count_probe(b, &result, now_us);
    if (result.bps == 0)
        return;
    enum bandwidth_reason reason;
    float target = (float)bandwidth_target(b, &reason), bps = (float)result.bps;
    bool application = bandwidth_application(b);
    if (bps > target * (result.saturated && !application ? PROBE_GAIN_MIN : 1)) {
        if (bps > target * PROBE_HASTE_GAIN) {
            b->gained_us = now_us;
            prober_hasten(&b->prober,
                          now_us + (bandwidth_is_renewed(b, now_us) ? PROBE_RENEWED_US : PROBE_HASTE_US));
        }
        rate_control_set(&b->rate, bps, now_us);
        b->reason = BANDWIDTH_PROBE;
    } else if (result.saturated && application && bps < b->rate.rate_bps) {
        // The link was full below what was believed, and nothing that is sent would show it.
        rate_control_set(&b->rate, (b->rate.rate_bps + bps) / 2, now_us);
        b->reason = BANDWIDTH_PROBE;
    }
}

void bandwidth_bound_rate(struct bandwidth *b) {
    rate_control_bound(&b->rate, (float)bandwidth_floor(b), (float)b->config.max_bps);
}

// A cluster is under way, or what it left in the queue.
static bool bandwidth_probes(const struct bandwidth *b, uint64_t now_us) {
    uint64_t sent_us = b->prober.sent_us;
    if (now_us < b->held_until_us + PROBE_DRAIN_US + b->rtt_us)
        return true;
    return b->prober.cluster.sending || (sent_us && now_us - sent_us < PROBE_DRAIN_US + b->rtt_us);
}

// What queue is too much: less for who sends much, so that those who share a link come to even shares.
static uint32_t bandwidth_queue_wanted(const struct bandwidth *b) {
    float us = QUEUE_SHARED_US * sqrtf(QUEUE_SHARED_BPS / b->rate.rate_bps);
    us = fminf(fmaxf(us, QUEUE_SHARED_MIN_US), QUEUE_SHARED_MAX_US);
    return bandwidth_queue_limit(b, (uint32_t)us);
}

// A queue that is too long and grows, or stands and does not fall.
static enum delay_signal bandwidth_signal(struct bandwidth *b, bool throttles, uint64_t now_us) {
    enum delay_signal signal = delay_trend_signal(&b->trend);
    uint32_t queue_us = delay_trend_queue_us(&b->trend), before_us = b->queue_us;
    b->queue_us = queue_us;
    bool waited = throttles || now_us - b->rate.decreased_us > QUEUE_WAIT_US + b->rtt_us;
    bool stands = signal == DELAY_NORMAL && waited && queue_us >= before_us;
    if ((stands || signal == DELAY_OVERUSE) && delay_trend_stalled(&b->trend))
        return DELAY_NORMAL;
    if (stands || signal == DELAY_OVERUSE)
        return queue_us >= bandwidth_queue_wanted(b) ? DELAY_OVERUSE : DELAY_NORMAL;
    return signal;
}

static void bandwidth_control(struct bandwidth *b, const struct rate_input *in,
                              const struct feedback_sum *sum, uint64_t now_us) {
    bandwidth_judge_rivals(b, in, sum, now_us);
    if (b->competes) {
        fair_rate_feedback(&b->fair, sum->fresh, sum->lost, b->rtt_us, now_us);
        rate_control_share(&b->rate, in, fair_rate_bps(&b->fair, b->rtt_us), now_us);
        b->reason = BANDWIDTH_LOSS;
    } else if (rate_control_update(&b->rate, in, now_us)) {
        b->reason = BANDWIDTH_DELAY;
        prober_postpone(&b->prober, now_us + DROP_PROBE_US);
    }
}

// ---- while nothing is to be found out

static bool bandwidth_has_enough(const struct bandwidth *b) {
    enum bandwidth_reason reason;
    float target = (float)bandwidth_target(b, &reason);
    return b->demand_bps > 0 && target >= (float)b->demand_bps * CALM_MARGIN && reason != BANDWIDTH_LOSS &&
           reason != BANDWIDTH_SILENT;
}

static bool bandwidth_is_flat(const struct bandwidth *b) {
    return delay_trend_signal(&b->trend) == DELAY_NORMAL &&
           delay_trend_queue_us(&b->trend) < bandwidth_queue_limit(b, CALM_QUEUE_US);
}

// Something that is looked into more closely; a tail of packets that took much longer may be the begin of a
// queue.
static bool bandwidth_is_noteworthy(const struct bandwidth *b, const struct feedback_sum *sum) {
    int64_t tail_us = b->calm ? (int64_t)((uint64_t)sum->arrival_us - sum->sent_us) -
                                    (int64_t)((uint64_t)sum->fastest_arrival_us - sum->fastest_sent_us)
                              : 0;
    return sum->lost > 0 || sum->ecn_ce > 0 || tail_us > CALM_TAIL_US || !bandwidth_is_flat(b);
}

void bandwidth_judge_calm(struct bandwidth *b, uint64_t now_us) {
    b->calm = b->started_us != 0 && now_us - b->started_us >= CALM_AFTER_US &&
              now_us - b->alert_us >= CALM_AFTER_US && b->prober.cluster.id == 0 && !b->competes &&
              !b->idle && bandwidth_is_flat(b) && bandwidth_has_enough(b);
}

// What is sent comes, and no queue has been there for as long as that was measured.
static uint32_t bandwidth_carried_bps(const struct bandwidth *b, const struct rate_input *in) {
    bool empty = in->signal == DELAY_NORMAL && in->queue_us < bandwidth_queue_limit(b, CALM_QUEUE_US);
    if (!delay_trend_stalls(&b->trend) || !empty || in->calm_us < ACKED_WINDOW_US || in->restricts)
        return 0;
    uint32_t bps = in->acked_bps < in->media_bps ? in->acked_bps : in->media_bps;
    return in->seen_bps > 0 && in->seen_bps < bps ? in->seen_bps : bps;
}

static void bandwidth_steer(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    uint32_t queue_us = delay_trend_queue_us(&b->trend);
    float stretch = acked_rate_stretch(&b->acked, ACKED_SHORT_US);
    uint32_t shortly_bps = acked_rate_bps(&b->acked, ACKED_SHORT_US);
    bool throttles =
        stretch > STRETCH_MUCH || (shortly_bps > 0 && (float)shortly_bps < (float)b->media_bps * COMES_SHARE);
    struct rate_input in = {
        .signal = bandwidth_signal(b, throttles, now_us),
        .throttles = throttles,
        .acked_bps = acked_rate_bps(&b->acked, ACKED_WINDOW_US),
        .acked_short_bps = shortly_bps,
        .rtt_us = b->rtt_us,
        .queue_us = queue_us,
        .queue_stands = queue_us >= bandwidth_queue_limit(b, QUEUE_STANDS_US),
        .restricts = stretch > STRETCH_MIN,
        .media_bps = b->media_bps,
        .seen_bps = bandwidth_is_bounded(b) ? (uint32_t)(bandwidth_seen_bps(b) * SEEN_MARGIN) : 0,
        .calm_us = now_us - (b->over_us ? b->over_us : b->started_us),
        .probes = bandwidth_probes(b, now_us) && queue_us < QUEUE_PROBE_MAX_US,
        .application = bandwidth_application(b),
    };
    if (bandwidth_is_noteworthy(b, sum))
        b->alert_us = now_us;
    if (in.signal == DELAY_OVERUSE && (b->over_us == 0 || now_us - b->over_us > OVER_GAP_US)) {
        b->over_begun_us = now_us;
        b->over_application = in.application;
    }
    if (in.signal == DELAY_OVERUSE)
        b->over_us = now_us;
    in.carried_bps = bandwidth_carried_bps(b, &in);
    in.over_us = now_us - b->over_begun_us;
    in.began_application = b->over_application;
    bandwidth_control(b, &in, sum, now_us);
    loss_limit_update(&b->loss, in.acked_bps, (uint32_t)b->rate.rate_bps, now_us);
    bandwidth_take_probe(b, now_us);
    bandwidth_bound_rate(b);
}

// Everything that was told stands for one packet, the fastest of it; and no rate follows from it unless it
// shows something.
void bandwidth_feedback_calm(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    b->ecn_ce += sum->ecn_ce;
    if (sum->fresh == 0 && sum->lost == 0)
        return;
    if (sum->fresh > 0) {
        b->feedback_us = b->waiting_us = now_us;
        bandwidth_note_trip(b, sum, now_us);
        loss_limit_add_all(&b->loss, sum->fresh, sum->bytes + sum->untold_bytes, sum->first_sent_us,
                           sum->last_sent_us);
        delay_trend_note(&b->trend, sum->fastest_sent_us, sum->fastest_arrival_us, now_us);
        acked_rate_add(&b->acked, sum->bytes, sum->last_sent_us, sum->arrival_us);
        acked_rate_feedback_end(&b->acked);
    }
    if (bandwidth_is_noteworthy(b, sum)) {
        b->calm = false;
        bandwidth_steer(b, sum, now_us);
        return;
    }
    b->judged_us = b->rate.changed_us = now_us;
    b->queue_us = delay_trend_queue_us(&b->trend);
    loss_limit_update(&b->loss, 0, (uint32_t)b->rate.rate_bps, now_us);
}

// It is back: as fast as at the start, from where it is. Or from where it was, when what was sent meanwhile
// has come after all: a machine had stopped, and no link was cut. Who has lied is not believed that.
static void bandwidth_end_silence(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    b->reason = BANDWIDTH_START;
    if (b->lies > 0)
        return;
    prober_restart(&b->prober, now_us);
    if (delay_trend_stalled(&b->trend) && sum->lost == 0 && b->heard_bps > b->rate.rate_bps)
        rate_control_set(&b->rate, b->heard_bps, now_us);
}

void bandwidth_feedback_end(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    b->ecn_ce += sum->ecn_ce;
    if (sum->fresh == 0)
        return;
    if (b->reason == BANDWIDTH_SILENT)
        bandwidth_end_silence(b, sum, now_us);
    b->feedback_us = b->waiting_us = now_us;
    b->started_us = b->started_us ? b->started_us : now_us;
    bandwidth_note_trip(b, sum, now_us);
    acked_rate_feedback_end(&b->acked);
    bandwidth_steer(b, sum, now_us);
}

// ---- receivers without numbers of our own: what they say, and what reports say is lost

void bandwidth_remb(struct bandwidth *b, uint64_t bps, uint64_t now_us) {
    b->remb_bps = bps < BANDWIDTH_MAX_BPS ? bps : BANDWIDTH_MAX_BPS;
    if (b->feedback_us != 0)
        return; // it is one bound of several
    if (b->report_loss <= REPORT_LOSS_HIGH || (float)b->remb_bps < b->rate.rate_bps)
        rate_control_set(&b->rate, (float)b->remb_bps, now_us);
    b->reason = BANDWIDTH_REMB;
    bandwidth_bound_rate(b);
}

void bandwidth_report(struct bandwidth *b, uint8_t fraction_lost, uint32_t rtt_us, uint64_t now_us) {
    uint64_t us = b->report_us ? now_us - b->report_us : 0;
    us = us < REPORT_GAP_MAX_US ? us : REPORT_GAP_MAX_US;
    b->report_loss = (float)fraction_lost / 256;
    b->report_us = now_us;
    if (b->feedback_us != 0)
        return; // feedback knows better
    if (rtt_us > 0)
        bandwidth_note_rtt(b, rtt_us);
    float rate = b->rate.rate_bps,
          grown = rate * (1 + REPORT_GROWTH_A_SECOND * (float)us / (float)US_PER_SECOND);
    if (b->report_loss > REPORT_LOSS_HIGH) {
        rate_control_set(&b->rate, rate * (1 - b->report_loss / 2), now_us);
        b->reason = BANDWIDTH_LOSS;
    } else if (b->report_loss < REPORT_LOSS_LOW && !bandwidth_application(b)) {
        rate_control_set(&b->rate, grown, now_us);
    }
    bandwidth_bound_rate(b);
}
