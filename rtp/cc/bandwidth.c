#include "rtp/cc/bandwidth_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define SENT_WINDOW_US 500000
#define APPLICATION_SHARE 0.75f // of the target: less is a sender that has no more
#define STEPS_SHARE 0.9f        // less is a sender that goes up by steps, and is below the next
#define QUEUE_CONGESTED_US 100000
#define QUEUE_NOISE 5.0f
#define GREEDY_PROBE_US 5000000 // without a sign of a queue: who sends what he may grows by himself
#define SILENT_US 1000000       // nothing heard of what flies
#define SILENT_STEP_US 500000
#define SILENT_SHARE 0.8f
#define BLIND_LOSS_MAX 0.02f
#define IDLE_SHARE 0.5f // of the rate, but not below the start
#define IDLE_US 5000000 // sends nothing: what was learned is old
#define DROP_PROBE_US 2000000
#define REFUTED_PROBE_US 3000000
#define QUIET_JITTER_MS 3.0f // where a probe that found the link full is hardly wrong
#define RENEWED_US 8000000   // for which another link is looked into
#define CLIMBS_US 600000     // after a cluster there that showed more: another one follows
#define PEEK_SHARE 2         // of what the link has been seen to carry
#define REFUTED_SHARE 0.95f  // of what comes over a link that is full

struct bandwidth *bandwidth_create(const struct bandwidth_config *config, uint64_t now_us) {
    struct bandwidth *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->config = *config;
    if (b->config.min_bps < BANDWIDTH_MIN_BPS)
        b->config.min_bps = BANDWIDTH_MIN_BPS;
    rate_control_init(&b->rate, config->start_bps);
    bandwidth_set_max(b, config->max_bps);
    delay_trend_reset(&b->trend);
    loss_limit_reset(&b->loss);
    prober_init(&b->prober, now_us);
    b->remb_bps = UINT64_MAX;
    b->tick_us = now_us;
    return b;
}

void bandwidth_destroy(struct bandwidth *b) {
    if (b)
        sent_ring_free(&b->front.ring);
    free(b);
}

size_t bandwidth_memory(const struct bandwidth *b) {
    return sizeof *b + sent_ring_memory(&b->front.ring);
}

// ---- what was sent

static struct sent_packet bandwidth_note(struct bandwidth *b, uint16_t bytes, bool probe, uint64_t now_us) {
    // What leaves before there is a ring is not known again.
    if (now_us - b->front.sent_us > BANDWIDTH_PAUSE_US || !b->front.ring.packets)
        b->waiting_us = now_us;
    b->front.sent_bytes += bytes;
    b->front.padding_bytes += probe ? bytes : 0;
    b->front.sent_us = now_us;
    struct sent_packet packet = {.sent_us = (uint32_t)now_us, .bytes = bytes, .fate = SENT_FLYING};
    if (b->prober.cluster.sending)
        packet.cluster = prober_sent(&b->prober, bytes, now_us);
    b->front.probing = b->prober.cluster.sending;
    return packet;
}

void bandwidth_sent_any(struct bandwidth *b, uint16_t transport_seq, uint16_t bytes, bool probe,
                        uint64_t now_us) {
    struct sent_packet packet = bandwidth_note(b, bytes, probe, now_us);
    sent_ring_add(&b->front.ring, transport_seq, &packet);
}

void bandwidth_sent_rtp(struct bandwidth *b, uint32_t ssrc, uint16_t seq, uint16_t bytes, bool probe,
                        uint64_t now_us) {
    struct sent_packet packet = bandwidth_note(b, bytes, probe, now_us);
    sent_ring_add_named(&b->front.ring, ssrc, seq, &packet);
}

void bandwidth_sent_nothing(struct bandwidth *b, uint16_t transport_seq, uint64_t now_us) {
    struct sent_packet nothing = {.sent_us = (uint32_t)now_us, .fate = SENT_NOTHING};
    sent_ring_add(&b->front.ring, transport_seq, &nothing);
}

void bandwidth_sent_unnumbered(struct bandwidth *b, uint16_t bytes, uint64_t now_us) {
    bandwidth_note(b, bytes, false, now_us);
}

// ---- what comes of it

uint32_t bandwidth_floor(const struct bandwidth *b) {
    return b->config.min_bps < b->config.max_bps ? b->config.min_bps : b->config.max_bps;
}

uint32_t bandwidth_target(const struct bandwidth *b, enum bandwidth_reason *reason) {
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

bool bandwidth_application(const struct bandwidth *b) {
    enum bandwidth_reason reason;
    return (float)b->media_bps < (float)bandwidth_target(b, &reason) * APPLICATION_SHARE;
}

uint32_t bandwidth_queue_limit(const struct bandwidth *b, uint32_t us) {
    return us + (uint32_t)(delay_trend_noise_ms(&b->trend) * 1000 * QUEUE_NOISE);
}

uint32_t bandwidth_trip_us(const struct bandwidth *b) {
    int64_t least_us = min_window_lowest(&b->trips, MIN_WINDOW_BUCKETS);
    return b->trip_us > least_us ? (uint32_t)(b->trip_us - least_us) : 0;
}

static bool bandwidth_congested(const struct bandwidth *b) {
    if (b->competes || delay_trend_stalled(&b->trend))
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
        bandwidth_application(b))
        reason = BANDWIDTH_APPLICATION;
    return (struct bandwidth_state){
        .target_bps = target,
        .acked_bps = acked_rate_bps(&b->acked, ACKED_WINDOW_US),
        .sent_bps = b->sent_bps,
        .rtt_us = b->rtt_us,
        .queue_us = delay_trend_queue_us(&b->trend),
        .trip_us = bandwidth_trip_us(b),
        .loss = b->feedback_us ? b->loss.loss : b->report_loss,
        .ecn_ce = b->ecn_ce,
        .reason = reason,
        .congested = bandwidth_congested(b),
        .competes = b->competes,
        .stands = delay_trend_queue_us(&b->trend) >= bandwidth_queue_limit(b, QUEUE_STANDS_US),
        .stalled = delay_trend_stalled(&b->trend),
        .noise_us = bandwidth_queue_limit(b, 0),
        .filled = b->prober.saturated,
        .seen_bps = (uint32_t)bandwidth_seen_bps(b),
        .probing = b->prober.cluster.sending || (b->prober.cluster.id != 0 && b->front.ring.packets),
        .renewals = b->renewals,
        .climbs =
            b->gained_us != 0 && b->tick_us < b->gained_us + CLIMBS_US && bandwidth_is_renewed(b, b->tick_us),
    };
}

const char *bandwidth_reason_name(enum bandwidth_reason reason) {
    static const char *const names[] = {"start",       "delay", "loss",    "probe",
                                        "application", "remb",  "ceiling", "silent"};
    _Static_assert(sizeof names / sizeof names[0] == BANDWIDTH_REASONS, "one for each");
    return names[reason];
}

// ---- what is wanted

void bandwidth_demand(struct bandwidth *b, uint64_t demand_bps, uint64_t now_us) {
    (void)now_us;
    b->demand_bps = demand_bps;
}

void bandwidth_seek(struct bandwidth *b, uint64_t sought_bps) {
    b->sought_bps = sought_bps;
}

bool bandwidth_is_sought(const struct bandwidth *b) {
    return b->refuted_bps > 0 || (b->sought_bps > 0 && delay_trend_jitter_ms(&b->trend) < QUIET_JITTER_MS);
}

bool bandwidth_is_bounded(const struct bandwidth *b) {
    return b->refuted_bps > 0 && b->sought_bps < b->demand_bps;
}

bool bandwidth_is_renewed(const struct bandwidth *b, uint64_t now_us) {
    return b->renewed_us != 0 && now_us < b->renewed_us + RENEWED_US;
}

float bandwidth_seen_bps(const struct bandwidth *b) {
    int32_t least = min_window_lowest(&b->filled, MIN_WINDOW_BUCKETS);
    float filled = least < 0 ? -(float)least * 1000 : 0;
    return filled > (float)b->refuted_bps ? filled : (float)b->refuted_bps;
}

void bandwidth_set_max(struct bandwidth *b, uint32_t max_bps) {
    b->config.max_bps = max_bps < BANDWIDTH_MAX_BPS ? max_bps : BANDWIDTH_MAX_BPS;
    if (b->prober.cluster.rate_bps > b->config.max_bps)
        prober_postpone(&b->prober, b->tick_us); // what is under way would go above it
    bandwidth_bound_rate(b);
}

// What was seen of a link counts no more.
static void bandwidth_forget(struct bandwidth *b, uint64_t now_us) {
    sent_ring_forget(&b->front.ring);
    b->acked = (struct acked_rate){0};
    b->stands_s = b->stays_s = b->stands_us = b->came_bps = 0;
    b->full = (struct full_queue){0};
    b->filled = (struct min_window){0};
    b->refuted_bps = 0;
    b->renewed_us = b->gained_us = 0;
    b->doubts = 0;
    b->competes = b->calm = false;
    b->reason = BANDWIDTH_START;
    prober_restart(&b->prober, now_us);
    bandwidth_bound_rate(b);
}

void bandwidth_path_changed(struct bandwidth *b, uint64_t now_us) {
    float rate = b->rate.rate_bps, start = (float)b->config.start_bps;
    rate_control_init(&b->rate, (uint32_t)(rate < start ? rate : start));
    delay_trend_reset(&b->trend);
    loss_limit_reset(&b->loss);
    b->remb_bps = UINT64_MAX;
    b->rtt_us = b->queue_us = 0;
    b->trips = (struct min_window){0};
    b->feedback_us = b->started_us = b->over_us = 0;
    b->waiting_us = now_us; // of what went to the other address nothing is expected
    bandwidth_forget(b, now_us);
}

// ---- time

static uint32_t bytes_to_bps(uint64_t bytes, uint64_t us) {
    uint64_t bps = us ? bytes * 8 * US_PER_SECOND / us : 0;
    return bps < UINT32_MAX ? (uint32_t)bps : UINT32_MAX;
}

static void bandwidth_mark_sent(struct bandwidth *b, uint64_t now_us) {
    unsigned newest = b->mark_count++ % SENT_MARKS;
    b->marks[newest] = (struct sent_mark){now_us, b->front.sent_bytes, b->front.padding_bytes};
    unsigned kept = b->mark_count < SENT_MARKS ? b->mark_count : SENT_MARKS;
    const struct sent_mark *oldest = &b->marks[newest];
    for (unsigned back = 1; back < kept && now_us - oldest->at_us < SENT_WINDOW_US; back++)
        oldest = &b->marks[(newest + SENT_MARKS - back) % SENT_MARKS];
    uint64_t us = now_us - oldest->at_us, bytes = b->front.sent_bytes - oldest->bytes;
    b->sent_bps = bytes_to_bps(bytes, us);
    b->media_bps = bytes_to_bps(bytes - (b->front.padding_bytes - oldest->padding), us);
}

static void bandwidth_note_silence(struct bandwidth *b, uint64_t now_us) {
    bool flies = b->front.ring.started && b->front.sent_us > b->waiting_us && b->front.sent_us > b->silent_us;
    uint64_t wait = SILENT_US + 2 * (uint64_t)b->rtt_us;
    if (!flies || now_us - b->waiting_us < wait || now_us - b->silent_us < SILENT_STEP_US)
        return;
    b->silent_us = now_us;
    if (b->reason != BANDWIDTH_SILENT)
        b->heard_bps = b->rate.rate_bps;
    b->rate.rate_bps *= SILENT_SHARE;
    b->reason = BANDWIDTH_SILENT;
    prober_postpone(&b->prober, now_us + DROP_PROBE_US);
    bandwidth_bound_rate(b);
}

// Nothing was sent for long: what was learned may hold no more.
static void bandwidth_note_idle(struct bandwidth *b, uint64_t now_us) {
    bool idle = b->front.sent_us != 0 && now_us - b->front.sent_us > IDLE_US;
    if (idle && !b->idle) {
        float start = (float)b->config.start_bps, rate = b->rate.rate_bps * IDLE_SHARE;
        rate = rate > start ? rate : start;
        if (rate < b->rate.rate_bps)
            rate_control_set(&b->rate, rate, now_us);
        bandwidth_forget(b, now_us);
    }
    b->idle = idle;
}

static void bandwidth_plan_probe(struct bandwidth *b, uint64_t now_us) {
    enum bandwidth_reason reason;
    struct probe_wish wish = {.target_bps = bandwidth_target(b, &reason), .start_bps = b->config.start_bps};
    float want = (float)b->demand_bps * BANDWIDTH_DEMAND_MARGIN, max = (float)b->config.max_bps;
    bool remb = b->remb_bps != UINT64_MAX;
    wish.want_bps = (uint32_t)(want < max ? want : max);
    if (bandwidth_is_sought(b))
        wish.peek_bps = (uint32_t)fminf(bandwidth_seen_bps(b) * PEEK_SHARE, max);
    wish.strict = bandwidth_seen_bps(b) > 0 || b->over_us != 0;
    wish.jitter_ms = delay_trend_jitter_ms(&b->trend);
    wish.application = bandwidth_application(b);
    wish.renewed = bandwidth_is_renewed(b, now_us);
    wish.blind = remb && !b->front.ring.started;
    bool grows = !wish.application && b->over_us && now_us - b->over_us < GREEDY_PROBE_US;
    wish.steps = !grows && (float)b->media_bps < (float)wish.target_bps * STEPS_SHARE &&
                 delay_trend_batch_ms(&b->trend) >= QUIET_JITTER_MS;
    wish.peeks = grows && !bandwidth_is_bounded(b);
    bool full = delay_trend_signal(&b->trend) != DELAY_NORMAL ||
                delay_trend_queue_us(&b->trend) >= bandwidth_queue_limit(b, QUEUE_STANDS_US);
    wish.held = wish.blind
                    ? b->report_loss > BLIND_LOSS_MAX
                    : !b->front.ring.packets || reason == BANDWIDTH_REMB || reason == BANDWIDTH_SILENT ||
                          b->idle || (grows && wish.peek_bps == 0) || full || b->competes || b->loss.certain;
    prober_plan(&b->prober, &wish, now_us);
}

void bandwidth_tick(struct bandwidth *b, uint64_t now_us) {
    assert(now_us >= b->tick_us);
    if (sent_ring_short(&b->front.ring))
        sent_ring_reserve(&b->front.ring);
    b->tick_us = now_us;
    bandwidth_mark_sent(b, now_us);
    bandwidth_note_silence(b, now_us);
    bandwidth_note_idle(b, now_us);
    bandwidth_judge_calm(b, now_us);
    if (!b->calm)
        bandwidth_plan_probe(b, now_us);
    b->front.probing = b->prober.cluster.sending;
}

uint64_t bandwidth_next_us(const struct bandwidth *b) {
    bool idle = b->front.sent_us != 0 && b->front.sent_us + US_PER_SECOND < b->tick_us;
    return b->tick_us + (idle || b->calm ? BANDWIDTH_CALM_TICK_US : BANDWIDTH_TICK_US);
}

bool bandwidth_is_calm(const struct bandwidth *b) {
    return b->calm;
}

void bandwidth_hold_probes(struct bandwidth *b, uint64_t until_us) {
    prober_postpone(&b->prober, until_us);
    b->front.probing = false;
    b->held_until_us = until_us;
    b->calm = false;
}

void bandwidth_release_probes(struct bandwidth *b, uint64_t now_us) {
    b->held_until_us = now_us;
    prober_hasten(&b->prober, now_us);
}

void bandwidth_refute(struct bandwidth *b, uint32_t needed_bps, uint64_t now_us) {
    float came = (float)acked_rate_bps(&b->acked, ACKED_WINDOW_US) * REFUTED_SHARE;
    float bps = came > (float)needed_bps ? came : (float)needed_bps;
    b->held_until_us = now_us;
    b->refuted_bps = (uint32_t)bps;
    prober_postpone(&b->prober, now_us + REFUTED_PROBE_US);
    b->prober.saturated = true;
    if (came > 0 && bps < b->rate.rate_bps) {
        rate_control_set(&b->rate, bps, now_us);
        b->reason = BANDWIDTH_PROBE;
        bandwidth_bound_rate(b);
    }
}

struct bandwidth_probe bandwidth_probe(struct bandwidth *b, uint64_t now_us) {
    uint32_t bytes = prober_wanted_bytes(&b->prober, now_us);
    if (!b->prober.cluster.sending || bandwidth_congested(b))
        return (struct bandwidth_probe){0};
    const struct probe_cluster *c = &b->prober.cluster;
    return (struct bandwidth_probe){.rate_bps = c->rate_bps, .bytes = bytes, .packet_bytes = c->packet_bytes};
}
