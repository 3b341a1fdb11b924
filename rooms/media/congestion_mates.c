#include "rooms/media/congestion_mates.h"

#include "base/clock.h"

void congestion_mates_forget(struct congestion *cg) {
    cg->common = (struct congestion_common){0};
}

// ---- who they are

struct group {
    struct congestion *members[MATES_MAX + 1]; // itself first
    unsigned count;
};

// A mate that is there, and hears of its link.
static struct congestion *mate_of(const struct congestion *cg, struct transport_id id, uint64_t now_us) {
    const struct endpoint *other = forwarder_endpoint(cg->endpoint->fw, id);
    struct congestion *mate = other ? other->congestion : NULL;
    return mate && mate->heard && now_us <= mate->common.told_us + CONGESTION_MATE_US ? mate : NULL;
}

static bool group_has(const struct group *g, const struct congestion *cg) {
    for (unsigned i = 0; i < g->count; i++)
        if (g->members[i] == cg)
            return true;
    return false;
}

// Its mates and theirs: what two of three have found out is so for the third.
static struct group group_of(struct congestion *cg, uint64_t now_us) {
    struct group g = {.members = {cg}, .count = 1};
    for (unsigned i = 0; i < g.count; i++) {
        unsigned at = 0;
        for (struct transport_id id;
             (id = link_mates_next(&g.members[i]->common.mates, &at, now_us)).v != 0;) {
            struct congestion *mate = mate_of(cg, id, now_us);
            if (mate && !group_has(&g, mate) && g.count < MATES_MAX + 1)
                g.members[g.count++] = mate;
        }
    }
    return g;
}

// ---- what they know of the link

// It has just become narrower, and what was sent meanwhile is still to go.
static bool is_strained(const struct congestion_common *common, uint64_t now_us) {
    return common->narrow_us != 0 && now_us < common->narrow_us + CONGESTION_STRAINED_US;
}

static void note_queue(struct congestion_common *common, const struct bandwidth_state *state,
                       uint64_t now_us) {
    common->queue_us = state->queue_us;
    if (link_trial_is_empty(state) && state->queue_us < CONGESTION_QUEUE_US)
        common->filled_us = 0;
    else if (common->filled_us == 0)
        common->filled_us = now_us;
}

void congestion_mates_tell(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    bool lately = cg->limited_us != 0 && now_us < cg->limited_us + CONGESTION_PACED_US;
    if (!cg->proven && !lately && !cg->common.shares)
        return;
    note_queue(&cg->common, state, now_us);
    link_mates_tell(&cg->common.mates, &cg->endpoint->fw->board, cg->endpoint->id, state->queue_us, now_us);
}

// What has been seen to arrive over it, at all of them together, or of a cluster that filled it.
static uint64_t group_carried_bps(const struct group *g, uint64_t now_us) {
    struct congestion_common *common = &g->members[0]->common;
    uint64_t acked_kbps = 0, seen_bps = 0;
    for (unsigned i = 0; i < g->count; i++) {
        const struct congestion_common *other = &g->members[i]->common;
        acked_kbps += other->acked_bps / 1000;
        seen_bps = other->seen_bps > seen_bps ? other->seen_bps : seen_bps;
    }
    int32_t kbps = acked_kbps < INT32_MAX ? (int32_t)acked_kbps : INT32_MAX;
    int64_t before_kbps = -(int64_t)min_window_lowest(&common->carried, MIN_WINDOW_BUCKETS);
    uint32_t wait_us =
        common->queue_us >= CONGESTION_LONG_US ? CONGESTION_FILLED_LONG_US : CONGESTION_FILLED_US;
    bool fills = common->filled_us != 0 && now_us >= common->filled_us + wait_us;
    if (fills && kbps * INT64_C(100) < before_kbps * CONGESTION_NARROW_PERCENT) {
        common->carried = (struct min_window){0};
        common->narrow_us = now_us;
    }
    min_window_add(&common->carried, CONGESTION_CARRIED_US / MIN_WINDOW_BUCKETS, -kbps, now_us);
    uint64_t bps = (uint64_t)-(int64_t)min_window_lowest(&common->carried, MIN_WINDOW_BUCKETS) * 1000;
    bool narrow = common->narrow_us != 0 && now_us < common->narrow_us + CONGESTION_SEEN_US;
    return seen_bps > bps && !narrow ? seen_bps : bps;
}

// ---- what follows

// No more than its own ceiling lets it have.
static struct link_claim claim_of(const struct congestion *cg) {
    uint64_t demand_bps = congestion_bounded(cg, cg->demand_bps);
    uint64_t next_bps = cg->next_bps <= demand_bps ? cg->next_bps : 0;
    return (struct link_claim){.has_bps = cg->granted_bps, .next_bps = next_bps, .demand_bps = demand_bps};
}

static struct link_share group_share(const struct group *g, uint32_t target_bps, uint64_t now_us) {
    struct congestion_common *common = &g->members[0]->common;
    struct link_claim claims[MATES_MAX + 1];
    for (unsigned i = 0; i < g->count; i++) {
        claims[i] = claim_of(g->members[i]);
        common->wanted |= i > 0 && claims[i].has_bps < claims[i].next_bps;
    }
    uint64_t carried_bps = group_carried_bps(g, now_us);
    return link_share_of(carried_bps > target_bps ? carried_bps : target_bps, claims, g->count);
}

// Whether the estimate is what it is for no other reason than that others use the link as well.
static bool may_lift(const struct bandwidth_state *state) {
    return state->reason == BANDWIDTH_DELAY || state->reason == BANDWIDTH_PROBE ||
           state->reason == BANDWIDTH_APPLICATION;
}

static uint64_t without(uint64_t bps, uint32_t audio_bps) {
    return bps > audio_bps ? bps - audio_bps : 0;
}

void congestion_mates_share(struct congestion *cg, struct allocator_link *link,
                            const struct bandwidth_state *state, uint64_t now_us) {
    struct congestion_common *common = &cg->common;
    common->acked_bps = state->acked_bps;
    common->seen_bps = state->seen_bps;
    common->told_us = now_us;
    common->wanted = false;
    common->most_bps = 0;
    struct group g = group_of(cg, now_us);
    common->shares = g.count > 1;
    if (!common->shares)
        return;
    struct link_share share = group_share(&g, state->target_bps, now_us);
    uint64_t lift_bps = share.free_bps < state->seen_bps ? share.free_bps : state->seen_bps;
    if (is_strained(common, now_us))
        lift_bps = lift_bps * CONGESTION_DRAIN_PERCENT / 100;
    if (may_lift(state) && link->estimate_bps < lift_bps)
        link->estimate_bps = congestion_bounded(cg, lift_bps);
    common->most_bps = share.most_bps;
    link->most_bps = without(share.most_bps, link->audio_bps) + 1; // 0 would be no bound
    link->due_bps = without(share.free_bps, link->audio_bps);
}

bool congestion_mates_try(struct congestion *cg, uint64_t now_us) {
    struct group g = group_of(cg, now_us);
    bool others = false;
    for (unsigned i = 1; i < g.count; i++)
        others |= g.members[i]->trial.rate_bps != 0;
    if (!others || cg->common.turn_us == 0)
        cg->common.turn_us = now_us;
    others = others && now_us < cg->common.turn_us + CONGESTION_TURN_US;
    if (!others)
        cg->common.turn_us = 0;
    return others;
}

// By those alone who have it for a mate themselves.
void congestion_mates_hold(struct congestion *cg, uint64_t until_us, uint64_t now_us) {
    struct group g = group_of(cg, now_us);
    for (unsigned i = 1; i < g.count; i++) {
        struct group theirs = group_of(g.members[i], now_us);
        if (group_has(&theirs, cg))
            bandwidth_hold_probes(g.members[i]->bandwidth, until_us);
    }
}
