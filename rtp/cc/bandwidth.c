#include "rtp/cc/bandwidth_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define ACKED_WINDOW_US 500000
#define ACKED_SHORT_US 150000
#define SENT_WINDOW_US 500000
#define APPLICATION_SHARE 0.75f // of the target: less is a sender that has no more
#define DEMAND_MARGIN 1.15f     // what is probed above the demand, so that it fits with room to spare
#define QUEUE_CONGESTED_US 100000
#define QUEUE_NOISE 3.0f
#define QUEUE_STANDS_US 50000
#define QUEUE_PROBE_MAX_US 150000 // more is not left to go by itself
#define QUEUE_WAIT_US 200000
#define PROBE_DRAIN_US 150000
#define STRETCH_MIN 1.1f
#define QUEUE_SHARED_US 30000.0f // of who sends so much:
#define QUEUE_SHARED_BPS 750000.0f
#define QUEUE_SHARED_MIN_US 10000.0f
#define QUEUE_SHARED_MAX_US 50000.0f
#define QUEUE_RIVAL_US 40000
#define RIVAL_STANDS_US 2000000
#define RIVAL_CLEAR_US 1000000
#define RIVAL_SHARE 0.8f
#define GREEDY_PROBE_US 5000000 // without a sign of a queue: who sends what he may grows by himself
#define SILENT_US 1000000       // nothing heard of what flies
#define SILENT_STEP_US 500000
#define SILENT_SHARE 0.8f
#define IDLE_US 5000000 // sends nothing: what was learned is old
#define DROP_PROBE_US 2000000
#define PROBE_GAIN_MIN 1.35f // what a full link must have shown above the target, if the target is sent
#define RTT_GAIN 8

struct bandwidth *bandwidth_create(const struct bandwidth_config *config, uint64_t now_us) {
    struct bandwidth *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->config = *config;
    bandwidth_set_max(b, config->max_bps);
    struct bandwidth_config *c = &b->config;
    c->min_bps = c->min_bps < BANDWIDTH_MIN_BPS ? BANDWIDTH_MIN_BPS : c->min_bps;
    c->min_bps = c->min_bps > c->max_bps ? c->max_bps : c->min_bps;
    c->start_bps = c->start_bps < c->min_bps ? c->min_bps : c->start_bps;
    rate_control_init(&b->rate, c->start_bps);
    delay_trend_reset(&b->trend);
    loss_limit_reset(&b->loss);
    prober_init(&b->prober, now_us);
    b->remb_bps = UINT64_MAX;
    b->tick_us = now_us;
    return b;
}

void bandwidth_destroy(struct bandwidth *b) {
    if (b)
        sent_ring_free(&b->ring);
    free(b);
}

size_t bandwidth_memory(const struct bandwidth *b) {
    return sizeof *b + sent_ring_memory(&b->ring);
}

// ---- what was sent

static struct sent_packet bandwidth_note(struct bandwidth *b, uint16_t bytes, bool probe, uint64_t now_us) {
    (void)probe;
    b->sent_bytes += bytes;
    b->sent_us = now_us;
    return (struct sent_packet){.sent_us = (uint32_t)now_us,
                                .bytes = bytes,
                                .fate = SENT_FLYING,
                                .cluster =
                                    b->prober.cluster.sending ? prober_sent(&b->prober, bytes, now_us) : 0};
}

void bandwidth_sent(struct bandwidth *b, uint16_t transport_seq, uint16_t bytes, bool probe,
                    uint64_t now_us) {
    struct sent_packet packet = bandwidth_note(b, bytes, probe, now_us);
    sent_ring_add(&b->ring, transport_seq, &packet);
    if (b->waiting_us == 0)
        b->waiting_us = now_us;
}

void bandwidth_sent_rtp(struct bandwidth *b, uint32_t ssrc, uint16_t seq, uint16_t bytes, bool probe,
                        uint64_t now_us) {
    struct sent_packet packet = bandwidth_note(b, bytes, probe, now_us);
    sent_ring_add_named(&b->ring, ssrc, seq, &packet);
    if (b->waiting_us == 0)
        b->waiting_us = now_us;
}

void bandwidth_sent_unnumbered(struct bandwidth *b, uint16_t bytes, uint64_t now_us) {
    b->sent_bytes += bytes;
    b->sent_us = now_us;
}

// ---- what comes of it

static uint32_t bandwidth_floor(const struct bandwidth *b) {
    return b->config.min_bps < b->config.max_bps ? b->config.min_bps : b->config.max_bps;
}

static uint32_t bandwidth_target(const struct bandwidth *b, enum bandwidth_reason *reason) {
    float bps = b->rate.rate_bps;
    *reason = b->reason;
    if ((float)b->loss.limit_bps < bps) {
        bps = (float)b->loss.limit_bps;
        *reason = BANDWIDTH_LOSS;
    }
    if ((float)b->remb_bps < bps) {
        bps = (float)b->remb_bps;
        *reason = BANDWIDTH_REMB;
    }
    if (bps >= (float)b->config.max_bps) {
        *reason = BANDWIDTH_CEILING;
        return b->config.max_bps;
    }
    uint32_t floor = bandwidth_floor(b);
    return bps > (float)floor ? (uint32_t)bps : floor;
}

static bool bandwidth_application(const struct bandwidth *b, uint32_t target_bps) {
    return (float)b->sent_bps < (float)target_bps * APPLICATION_SHARE;
}

static uint32_t bandwidth_queue_limit(const struct bandwidth *b, uint32_t us) {
    return us + (uint32_t)(delay_trend_noise_ms(&b->trend) * 1000 * QUEUE_NOISE);
}

static bool bandwidth_congested(const struct bandwidth *b) {
    if (b->competes)
        return false; // it is not our queue
    uint32_t queue_us = delay_trend_queue_us(&b->trend);
    return queue_us >= bandwidth_queue_limit(b, QUEUE_CONGESTED_US) ||
           (queue_us >= bandwidth_queue_limit(b, QUEUE_STANDS_US) &&
            delay_trend_signal(&b->trend) == DELAY_OVERUSE);
}

struct bandwidth_state bandwidth_state(const struct bandwidth *b) {
    enum bandwidth_reason reason;
    uint32_t target = bandwidth_target(b, &reason);
    if ((reason == BANDWIDTH_DELAY || reason == BANDWIDTH_PROBE) && !b->prober.saturated &&
        bandwidth_application(b, target))
        reason = BANDWIDTH_APPLICATION;
    return (struct bandwidth_state){
        .target_bps = target,
        .acked_bps = acked_rate_bps(&b->acked, ACKED_WINDOW_US),
        .sent_bps = b->sent_bps,
        .rtt_us = b->rtt_us,
        .queue_us = delay_trend_queue_us(&b->trend),
        .loss = b->numbered ? b->loss.loss : b->report_loss,
        .ecn_ce = b->ecn_ce,
        .reason = reason,
        .congested = bandwidth_congested(b),
    };
}

const char *bandwidth_reason_name(enum bandwidth_reason reason) {
    static const char *const names[] = {"start",       "delay", "loss",    "probe",
                                        "application", "remb",  "ceiling", "silent"};
    _Static_assert(sizeof names / sizeof names[0] == BANDWIDTH_REASONS, "one for each");
    return names[reason];
}

// ---- feedback

static void bandwidth_note_rtt(struct bandwidth *b, uint64_t rtt_us) {
    uint32_t rtt = rtt_us < SENT_AGE_MAX_US ? (uint32_t)rtt_us : SENT_AGE_MAX_US;
    rtt = rtt ? rtt : 1;
    b->rtt_us = b->rtt_us == 0 ? rtt : b->rtt_us - b->rtt_us / RTT_GAIN + rtt / RTT_GAIN;
}

static void bandwidth_take_probe(struct bandwidth *b, uint64_t now_us) {
    struct probe_result result;
    if (!prober_judge(&b->prober, now_us, &result) || result.bps == 0)
        return;
    enum bandwidth_reason reason;
    uint32_t target = bandwidth_target(b, &reason);
    bool sends_target = !bandwidth_application(b, target);
    float gain = result.saturated && sends_target ? PROBE_GAIN_MIN : 1;
    if ((float)result.bps > (float)target * gain) {
        rate_control_set(&b->rate, (float)result.bps, now_us);
        b->reason = BANDWIDTH_PROBE;
    }
}

static void bandwidth_bound_rate(struct bandwidth *b) {
    rate_control_bound(&b->rate, (float)bandwidth_floor(b), (float)b->config.max_bps);
}

// A cluster is under way, or what it left in the queue.
static bool bandwidth_probes(const struct bandwidth *b, uint64_t now_us) {
    uint64_t sent_us = b->prober.sent_us;
    return b->prober.cluster.sending || (sent_us && now_us - sent_us < PROBE_DRAIN_US + b->rtt_us);
}

// What queue is too much: less for who sends much, so that those who share a link come to even shares.
static uint32_t bandwidth_queue_wanted(const struct bandwidth *b) {
    float us = QUEUE_SHARED_US * sqrtf(QUEUE_SHARED_BPS / b->rate.rate_bps);
    us = fminf(fmaxf(us, QUEUE_SHARED_MIN_US), QUEUE_SHARED_MAX_US);
    return bandwidth_queue_limit(b, (uint32_t)us);
}

// A queue that is too long and grows, or stands and does not fall; or a mark.
static enum delay_signal bandwidth_signal(struct bandwidth *b, const struct feedback_sum *sum,
                                          uint64_t now_us) {
    enum delay_signal signal = delay_trend_signal(&b->trend);
    uint32_t queue_us = delay_trend_queue_us(&b->trend), before_us = b->queue_us;
    b->queue_us = queue_us;
    if (sum->ecn_ce)
        return DELAY_OVERUSE;
    bool waited = now_us - b->rate.decreased_us > QUEUE_WAIT_US + b->rtt_us;
    bool stands = signal == DELAY_NORMAL && waited && queue_us >= before_us;
    if (stands || signal == DELAY_OVERUSE)
        return queue_us >= bandwidth_queue_wanted(b) ? DELAY_OVERUSE : DELAY_NORMAL;
    return signal;
}

// A queue that we do not make: it stands although much less is sent than came through when it began. To give
// way to it further would only starve us, so that losses are what counts until it is gone.
static void bandwidth_judge_rivals(struct bandwidth *b, const struct rate_input *in, uint64_t now_us) {
    if (in->queue_us < bandwidth_queue_limit(b, QUEUE_RIVAL_US)) {
        b->clear_us = b->clear_us ? b->clear_us : now_us;
        if (now_us - b->clear_us >= RIVAL_CLEAR_US)
            b->competes = false;
        b->stands_us = 0;
        return;
    }
    b->clear_us = 0;
    float acked_bps = (float)in->acked_bps;
    if (b->stands_us == 0 || in->restricts || b->stands_acked_bps <= 0) { // it grows because of us
        b->stands_us = now_us;
        b->stands_acked_bps = acked_bps;
    }
    if (!b->competes && now_us - b->stands_us >= RIVAL_STANDS_US &&
        (float)b->sent_bps < b->stands_acked_bps * RIVAL_SHARE) {
        b->competes = true;
        rate_control_set(&b->rate, b->stands_acked_bps * RIVAL_SHARE, now_us);
    }
}

static void bandwidth_control(struct bandwidth *b, const struct rate_input *in,
                              const struct feedback_sum *sum, uint64_t now_us) {
    if (in->signal == DELAY_OVERUSE)
        b->over_us = now_us;
    bandwidth_judge_rivals(b, in, now_us);
    if (b->competes) {
        rate_control_compete(&b->rate, in, sum->lost > 0, now_us);
        b->reason = BANDWIDTH_LOSS;
    } else if (rate_control_update(&b->rate, in, now_us)) {
        b->reason = BANDWIDTH_DELAY;
        prober_postpone(&b->prober, now_us + DROP_PROBE_US);
    }
}

void bandwidth_feedback_end(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    b->ecn_ce += sum->ecn_ce;
    if (sum->fresh == 0)
        return;
    b->feedback_us = b->waiting_us = now_us;
    bandwidth_note_rtt(b, now_us - sum->sent_us);
    acked_rate_feedback_end(&b->acked);
    enum bandwidth_reason reason;
    uint32_t target = bandwidth_target(b, &reason);
    uint32_t queue_us = delay_trend_queue_us(&b->trend);
    struct rate_input in = {
        .signal = bandwidth_signal(b, sum, now_us),
        .acked_bps = acked_rate_bps(&b->acked, ACKED_WINDOW_US),
        .acked_short_bps = acked_rate_bps(&b->acked, ACKED_SHORT_US),
        .rtt_us = b->rtt_us,
        .queue_us = queue_us,
        .queue_stands = queue_us >= bandwidth_queue_limit(b, QUEUE_STANDS_US),
        .restricts = acked_rate_stretch(&b->acked, ACKED_SHORT_US) > STRETCH_MIN,
        .probes = bandwidth_probes(b, now_us) && queue_us < QUEUE_PROBE_MAX_US,
        .application = bandwidth_application(b, target),
    };
    bandwidth_control(b, &in, sum, now_us);
    loss_limit_update(&b->loss, in.acked_bps, (uint32_t)b->rate.rate_bps, now_us);
    bandwidth_take_probe(b, now_us);
    bandwidth_bound_rate(b);
}

void bandwidth_remb(struct bandwidth *b, uint64_t bps, uint64_t now_us) {
    (void)now_us;
    b->remb_bps = bps;
}

void bandwidth_report(struct bandwidth *b, uint8_t fraction_lost, uint32_t rtt_us, uint64_t now_us) {
    b->report_loss = (float)fraction_lost / 256;
    b->report_us = now_us;
    if (rtt_us > 0 && b->feedback_us == 0)
        bandwidth_note_rtt(b, rtt_us);
}

// ---- what is wanted

void bandwidth_demand(struct bandwidth *b, uint64_t demand_bps, uint64_t now_us) {
    (void)now_us;
    b->demand_bps = demand_bps;
}

void bandwidth_set_max(struct bandwidth *b, uint32_t max_bps) {
    max_bps = max_bps < BANDWIDTH_MIN_BPS ? BANDWIDTH_MIN_BPS : max_bps;
    b->config.max_bps = max_bps < BANDWIDTH_MAX_BPS ? max_bps : BANDWIDTH_MAX_BPS;
}

void bandwidth_path_changed(struct bandwidth *b, uint64_t now_us) {
    float rate = b->rate.rate_bps, start = (float)b->config.start_bps;
    rate_control_init(&b->rate, (uint32_t)(rate < start ? rate : start));
    delay_trend_reset(&b->trend);
    loss_limit_reset(&b->loss);
    sent_ring_forget(&b->ring);
    b->acked = (struct acked_rate){0};
    b->remb_bps = UINT64_MAX;
    b->rtt_us = 0;
    b->feedback_us = b->waiting_us = 0;
    b->reason = BANDWIDTH_START;
    prober_restart(&b->prober, now_us);
    bandwidth_bound_rate(b);
}

// ---- time

static void bandwidth_mark_sent(struct bandwidth *b, uint64_t now_us) {
    unsigned newest = b->mark_count++ % SENT_MARKS;
    b->marks[newest].at_us = now_us;
    b->marks[newest].bytes = b->sent_bytes;
    unsigned kept = b->mark_count < SENT_MARKS ? b->mark_count : SENT_MARKS, oldest = newest;
    for (unsigned back = 1; back < kept && now_us - b->marks[oldest].at_us < SENT_WINDOW_US; back++)
        oldest = (newest + SENT_MARKS - back) % SENT_MARKS;
    uint64_t us = now_us - b->marks[oldest].at_us;
    uint64_t bytes = b->sent_bytes - b->marks[oldest].bytes;
    uint64_t bps = us ? bytes * 8 * US_PER_SECOND / us : 0;
    b->sent_bps = bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

static void bandwidth_note_silence(struct bandwidth *b, uint64_t now_us) {
    bool flies = b->waiting_us != 0 && b->sent_us > b->waiting_us;
    uint64_t wait = SILENT_US + 2 * (uint64_t)b->rtt_us;
    if (!flies || now_us - b->waiting_us < wait || now_us - b->silent_us < SILENT_STEP_US)
        return;
    b->silent_us = now_us;
    b->rate.rate_bps *= SILENT_SHARE;
    b->reason = BANDWIDTH_SILENT;
    prober_postpone(&b->prober, now_us + DROP_PROBE_US);
    bandwidth_bound_rate(b);
}

static void bandwidth_plan_probe(struct bandwidth *b, uint64_t now_us) {
    enum bandwidth_reason reason;
    struct probe_wish wish = {.target_bps = bandwidth_target(b, &reason), .start_bps = b->config.start_bps};
    float want = (float)b->demand_bps * DEMAND_MARGIN, max = (float)b->config.max_bps;
    wish.want_bps = (uint32_t)(want < max ? want : max);
    wish.jitter_ms = delay_trend_jitter_ms(&b->trend);
    wish.application = bandwidth_application(b, wish.target_bps);
    bool grows = !wish.application && b->over_us && now_us - b->over_us < GREEDY_PROBE_US;
    wish.held = grows || b->competes || !b->ring.packets || reason == BANDWIDTH_REMB ||
                reason == BANDWIDTH_LOSS || reason == BANDWIDTH_SILENT ||
                delay_trend_signal(&b->trend) != DELAY_NORMAL ||
                delay_trend_queue_us(&b->trend) >= bandwidth_queue_limit(b, QUEUE_STANDS_US);
    prober_plan(&b->prober, &wish, now_us);
}

void bandwidth_tick(struct bandwidth *b, uint64_t now_us) {
    assert(now_us >= b->tick_us);
    if (sent_ring_short(&b->ring))
        sent_ring_reserve(&b->ring);
    b->tick_us = now_us;
    bandwidth_mark_sent(b, now_us);
    bandwidth_note_silence(b, now_us);
    bandwidth_plan_probe(b, now_us);
}

uint64_t bandwidth_next_us(const struct bandwidth *b) {
    bool idle = b->sent_us + US_PER_SECOND < b->tick_us;
    return b->tick_us + (idle ? US_PER_SECOND : BANDWIDTH_TICK_US);
}

struct bandwidth_probe bandwidth_probe(struct bandwidth *b, uint64_t now_us) {
    uint32_t bytes = prober_wanted_bytes(&b->prober, now_us);
    if (!b->prober.cluster.sending || bandwidth_congested(b))
        return (struct bandwidth_probe){0};
    const struct probe_cluster *c = &b->prober.cluster;
    return (struct bandwidth_probe){.rate_bps = c->rate_bps, .bytes = bytes, .packet_bytes = c->packet_bytes};
}
