// What a receiver says of single packets, in its two forms, on its way into the estimators.
#include "rtp/cc/bandwidth_internal.h"
#include "rtp/cc/ccfb_read.h"
#include "rtp/cc/twcc_read.h"

#include "base/seq.h"

#include <assert.h>

#define REFERENCE_BITS 24
#define CCFB_OFFSET_SECOND 1024
#define LIE_US 10000000 // not believed for so long, and twice as long for each that follows, up to
#define LIES_DOUBLE 6   // so many times

static bool packet_too_old(const struct sent_packet *packet, uint64_t now_us) {
    return now_us - sent_packet_us(packet, now_us) > SENT_AGE_MAX_US;
}

static void packet_lost(struct bandwidth *b, struct sent_packet *packet, struct feedback_sum *sum,
                        uint64_t now_us) {
    if (packet->fate != SENT_FLYING && packet->fate != SENT_UNTOLD)
        return;
    if (packet->fate == SENT_UNTOLD)
        prober_told(&b->prober, packet->cluster, packet->bytes);
    packet->fate = SENT_MISSING;
    sum->lost++;
    full_queue_lost(&b->full);
    prober_lost(&b->prober, packet->cluster);
    loss_limit_add(&b->loss, packet->bytes, sent_packet_us(packet, now_us), true);
}

// It came; when, is known or not.
static void packet_came(struct bandwidth *b, struct sent_packet *packet, const int64_t *arrival_us,
                        struct feedback_sum *sum, uint64_t now_us) {
    uint64_t sent_us = sent_packet_us(packet, now_us);
    if (packet->fate == SENT_ACKED)
        return;
    if (packet->fate == SENT_MISSING) {
        loss_limit_revoke(&b->loss, sent_us);
        fair_rate_revoke(&b->fair);
        prober_revoke_loss(&b->prober, packet->cluster);
    } else {
        loss_limit_add(&b->loss, packet->bytes, sent_us, false);
    }
    uint32_t bytes = packet->fate == SENT_UNTOLD ? 0 : packet->bytes; // those have been counted
    if (packet->fate == SENT_UNTOLD)
        prober_told(&b->prober, packet->cluster, packet->bytes);
    packet->fate = SENT_ACKED;
    if (!arrival_us)
        return;
    if (sum->fresh++ == 0 || *arrival_us >= sum->arrival_us) {
        sum->arrival_us = *arrival_us;
        sum->sent_us = sent_us;
    }
    sum->last_sent_us = sent_us > sum->last_sent_us ? sent_us : sum->last_sent_us;
    delay_trend_add(&b->trend, sent_us, *arrival_us, now_us);
    acked_rate_skip(&b->acked, delay_trend_paused_us(&b->trend));
    acked_rate_add(&b->acked, bytes, sent_us, *arrival_us);
    int32_t base_us = b->full.gap ? delay_trend_base_us(&b->trend) : 0;
    sum->full += full_queue_came(&b->full, delay_trend_delay_us(&b->trend), base_us);
    if (delay_trend_paused_us(&b->trend) > 0)
        prober_paused(&b->prober, packet->cluster);
    prober_acked(&b->prober, packet->cluster, packet->bytes, sent_us, *arrival_us);
}

// The same while it is calm: only added up.
static void sum_add(struct feedback_sum *sum, uint64_t first_sent_us, uint64_t last_sent_us,
                    int64_t arrival_us, bool first) {
    if (first || arrival_us >= sum->arrival_us) {
        sum->arrival_us = arrival_us;
        sum->sent_us = last_sent_us;
    }
    sum->first_sent_us = first || first_sent_us < sum->first_sent_us ? first_sent_us : sum->first_sent_us;
    sum->last_sent_us = last_sent_us > sum->last_sent_us ? last_sent_us : sum->last_sent_us;
}

// From the first of those that came in a row to the last.
static void calm_note_pause(struct bandwidth *b, uint64_t first_sent_us, int64_t first_arrival_us,
                            uint64_t last_sent_us, int64_t last_arrival_us) {
    delay_trend_note_pause(&b->trend, first_sent_us, first_arrival_us, last_sent_us, last_arrival_us);
    acked_rate_skip(&b->acked, delay_trend_paused_us(&b->trend));
}

static void sum_fastest(struct feedback_sum *sum, uint64_t sent_us, int64_t arrival_us, bool first) {
    int64_t delay = (int64_t)((uint64_t)arrival_us - sent_us); // their clock may say anything
    if (first || delay < (int64_t)((uint64_t)sum->fastest_arrival_us - sum->fastest_sent_us)) {
        sum->fastest_arrival_us = arrival_us;
        sum->fastest_sent_us = sent_us;
    }
}

static void packet_came_calm(struct bandwidth *b, struct sent_packet *packet, int64_t arrival_us,
                             struct feedback_sum *sum, uint64_t now_us) {
    uint64_t sent_us = sent_packet_us(packet, now_us);
    if (packet->fate == SENT_ACKED)
        return;
    if (packet->fate == SENT_MISSING)
        loss_limit_revoke(&b->loss, sent_us);
    if (packet->fate == SENT_UNTOLD)
        sum->untold_bytes += packet->bytes;
    else
        sum->bytes += packet->bytes;
    packet->fate = SENT_ACKED;
    calm_note_pause(b, sent_us, arrival_us, sent_us, arrival_us);
    bool first = sum->fresh++ == 0;
    sum_add(sum, sent_us, sent_us, arrival_us, first);
    sum_fastest(sum, sent_us, arrival_us, first);
}

// What a run tells of packets that had not been heard of, in a row, which is nearly all there is while it is
// calm. Stops before the first one that is something else.
static void run_came_calm(struct bandwidth *b, struct twcc_walk *walk, int64_t origin_us,
                          struct feedback_sum *sum, uint64_t now_us) {
    const struct sent_ring *ring = &b->front.ring;
    unsigned count = walk->run_left < walk->left ? walk->run_left : walk->left, mask = ring->size - 1u, i;
    struct sent_packet *first = sent_ring_find(ring, walk->seq), *fastest = first, *last = first;
    if (!first || (uint16_t)(ring->newest - walk->seq) + 1u < count || packet_too_old(first, now_us))
        return;
    assert(walk->deltas.left >= count);
    int64_t ticks = walk->arrival_ticks, fastest_ticks = ticks, lowest_us = INT64_MAX;
    for (i = 0; i < count; i++) {
        struct sent_packet *packet = &ring->packets[(walk->seq + i) & mask];
        if (packet->fate != SENT_FLYING)
            break;
        ticks += walk->deltas.ptr[i];
        int64_t delay_us = ticks * TWCC_TICK_US - (uint32_t)(packet->sent_us - first->sent_us);
        if (delay_us < lowest_us) {
            lowest_us = delay_us;
            fastest = packet;
            fastest_ticks = ticks;
        }
        sum->bytes += packet->bytes;
        packet->fate = SENT_ACKED;
        last = packet;
    }
    if (i == 0)
        return;
    uint64_t first_sent_us = sent_packet_us(first, now_us), last_sent_us = sent_packet_us(last, now_us);
    int64_t first_ticks = walk->arrival_ticks + walk->deltas.ptr[0];
    calm_note_pause(b, first_sent_us, origin_us + first_ticks * TWCC_TICK_US, last_sent_us,
                    origin_us + ticks * TWCC_TICK_US);
    sum_add(sum, first_sent_us, last_sent_us, origin_us + ticks * TWCC_TICK_US, sum->fresh == 0);
    sum_fastest(sum, sent_packet_us(fastest, now_us), origin_us + fastest_ticks * TWCC_TICK_US,
                sum->fresh == 0);
    sum->fresh += i;
    twcc_walk_skip(walk, i, ticks);
}

// Told that a number has come that no packet was given.
static void bandwidth_note_lie(struct bandwidth *b, uint64_t now_us) {
    if (b->lied_us == now_us)
        return; // another one of the same feedback
    b->lied_us = now_us;
    if (b->lies < LIES_DOUBLE)
        b->lies++;
}

static bool bandwidth_disbelieves(const struct bandwidth *b, uint64_t now_us) {
    return b->lies > 0 && now_us - b->lied_us < (uint64_t)LIE_US << (b->lies - 1);
}

static void bandwidth_feedback_done(struct bandwidth *b, const struct feedback_sum *sum, uint64_t now_us) {
    if (b->calm)
        bandwidth_feedback_calm(b, sum, now_us);
    else
        bandwidth_feedback_end(b, sum, now_us);
}

// ---- transport-wide feedback

// A feedback packet was lost on its way, and what it told with it: what it was about has come or not, but not
// so much less than the rest that the rate should show it.
static void twcc_skip_untold(struct bandwidth *b, uint16_t seq) {
    if (!b->twcc_started) // the first ones may have been lost as well
        b->twcc_next = sent_ring_oldest(&b->front.ring, seq);
    uint16_t gap = (uint16_t)(seq - b->twcc_next);
    if (!seq16_newer(seq, b->twcc_next) || gap >= b->front.ring.size)
        return;
    for (uint16_t i = 0; i < gap; i++) {
        struct sent_packet *packet = sent_ring_find(&b->front.ring, (uint16_t)(b->twcc_next + i));
        if (packet && packet->fate == SENT_FLYING) {
            packet->fate = SENT_UNTOLD;
            acked_rate_untold(&b->acked, packet->bytes);
            prober_untold(&b->prober, packet->cluster, packet->bytes);
        }
    }
}

static int64_t twcc_origin_us(struct bandwidth *b, uint32_t reference) {
    if (!b->twcc_started)
        b->twcc_reference = reference;
    uint32_t ahead = (reference - (uint32_t)b->twcc_reference) & ((1u << REFERENCE_BITS) - 1);
    b->twcc_reference += ahead;
    if (ahead >= 1u << (REFERENCE_BITS - 1))
        b->twcc_reference -= 1 << REFERENCE_BITS;
    // The walk's ticks begin with the reference of 24 bits.
    return (b->twcc_reference - (int64_t)reference) * 64000;
}

bool bandwidth_twcc(struct bandwidth *b, struct span fci, uint64_t now_us) {
    struct twcc_walk walk;
    if (!twcc_walk_of(fci, &walk))
        return false;
    struct feedback_sum sum = {0};
    struct twcc_status status;
    uint16_t end = (uint16_t)(walk.seq + walk.left);
    if (bandwidth_disbelieves(b, now_us) ||
        (!sent_ring_find(&b->front.ring, walk.seq) && !sent_ring_find(&b->front.ring, (uint16_t)(end - 1))))
        return true; // about nothing that is known
    twcc_skip_untold(b, walk.seq);
    int64_t origin_us = twcc_origin_us(b, walk.reference);
    if (!b->twcc_started || seq16_newer(end, b->twcc_next))
        b->twcc_next = end;
    b->twcc_started = true;
    for (;;) {
        if (b->calm && twcc_walk_in_run(&walk))
            run_came_calm(b, &walk, origin_us, &sum, now_us);
        if (!twcc_walk_next(&walk, &status))
            break;
        struct sent_packet *packet = sent_ring_find(&b->front.ring, status.seq);
        if (!packet || packet_too_old(packet, now_us))
            continue;
        int64_t arrival_us = origin_us + status.arrival_ticks * TWCC_TICK_US;
        if (!status.received)
            packet_lost(b, packet, &sum, now_us);
        else if (packet->fate == SENT_NOTHING)
            bandwidth_note_lie(b, now_us);
        else if (b->calm)
            packet_came_calm(b, packet, arrival_us, &sum, now_us);
        else
            packet_came(b, packet, &arrival_us, &sum, now_us);
    }
    bandwidth_feedback_done(b, &sum, now_us);
    return true;
}

// ---- RFC 8888

// A report tells stream after stream; a cluster and a trend are judged by packets as they were sent.
struct ccfb_told {
    struct sent_packet *packet;
    int64_t arrival_us;
    uint16_t back; // how many have been sent since
    bool lost, timed, marked;
};
#define CCFB_TOLD_MAX 256 // that are put in order at once

static void told_sort(struct ccfb_told *told, unsigned count) {
    static const unsigned gaps[] = {132, 57, 23, 10, 4, 1}; // Ciura's, for Shell's sort: qsort may allocate
    for (unsigned g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (unsigned i = gaps[g]; i < count; i++) {
            struct ccfb_told moved = told[i];
            unsigned at = i;
            for (; at >= gaps[g] && told[at - gaps[g]].back < moved.back; at -= gaps[g])
                told[at] = told[at - gaps[g]];
            told[at] = moved;
        }
}

static void told_came(struct bandwidth *b, struct ccfb_told *told, unsigned count, struct feedback_sum *sum,
                      uint64_t now_us) {
    told_sort(told, count);
    for (unsigned i = 0; i < count; i++) {
        sum->ecn_ce += told[i].marked && told[i].packet->fate != SENT_ACKED;
        if (told[i].lost)
            packet_lost(b, told[i].packet, sum, now_us);
        else if (told[i].timed && b->calm)
            packet_came_calm(b, told[i].packet, told[i].arrival_us, sum, now_us);
        else
            packet_came(b, told[i].packet, told[i].timed ? &told[i].arrival_us : NULL, sum, now_us);
    }
}

bool bandwidth_ccfb(struct bandwidth *b, struct span body, uint64_t now_us) {
    struct ccfb_walk walk;
    if (!ccfb_walk_of(body, &walk))
        return false;
    struct feedback_sum sum = {0};
    struct ccfb_status status;
    struct ccfb_told told[CCFB_TOLD_MAX];
    unsigned count = 0;
    if (b->ccfb_timestamp == 0)
        b->ccfb_timestamp = UINT64_C(0x100000000) + walk.report_timestamp;
    uint64_t report = seq32_unwrap(b->ccfb_timestamp, walk.report_timestamp);
    if (report > b->ccfb_timestamp)
        b->ccfb_timestamp = report;
    while (ccfb_walk_next(&walk, &status)) {
        struct sent_packet *packet = sent_ring_find_named(&b->front.ring, status.ssrc, status.seq);
        if (!packet || packet_too_old(packet, now_us))
            continue;
        int64_t arrival_us = (int64_t)(report * 15625 / 1024) - // of 1/65536 s
                             (int64_t)status.offset * 1000000 / CCFB_OFFSET_SECOND;
        if (count == CCFB_TOLD_MAX) {
            told_came(b, told, count, &sum, now_us);
            count = 0;
        }
        told[count++] = (struct ccfb_told){.packet = packet,
                                           .arrival_us = arrival_us,
                                           .back = sent_ring_back(&b->front.ring, packet),
                                           .lost = !status.received,
                                           .timed = status.offset < CCFB_OFFSET_UNKNOWN,
                                           .marked = status.ecn == CCFB_CE};
    }
    told_came(b, told, count, &sum, now_us);
    bandwidth_feedback_done(b, &sum, now_us);
    return true;
}
