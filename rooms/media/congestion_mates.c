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
    if (state->queue_us < CONGESTION_QUEUE_US)
        common->filled_us = 0;
    else if (common->filled_us == 0)
        common->filled_us = now_us;
}

void congestion_mates_tell(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    bool lately = cg->limited_us != 0 && now_us < cg->limited_us + CONGESTION_PACED_US;
    // A long queue is told by whoever waits in it, else who fills the link would find nobody.
    if (!cg->proven && !lately && !cg->common.shares && state->queue_us < CONGESTION_QUEUE_US)
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

static uint64_t higher(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

// Somebody wants a step, and has had clearly less for so long that he could have tried. Who has more than an
// even share leaves it to him; who has not leaves no more than the very step that he has himself, and to one
// whose trial has failed, so that claims cost nobody more than a step.
static bool is_left_behind(const struct congestion *mate, const struct congestion *self, uint64_t now_us) {
    struct link_claim claim = claim_of(mate);
    uint64_t behind_us = mate->common.behind_us;
    bool long_enough = behind_us != 0 && now_us >= behind_us + CONGESTION_BEHIND_US;
    bool over = self->granted_bps * 100 > self->common.even_bps * CONGESTION_EVEN_PERCENT;
    bool alike = self->granted_bps * 100 <= claim.next_bps * MATES_ALIKE_PERCENT;
    return long_enough && (over || (alike && mate->common.missed)) &&
           link_claim_is_behind(&claim, self->granted_bps, higher(self->common.even_bps, self->granted_bps));
}

// Who has most leaves a step to who has been left behind.
static bool group_must_yield(const struct group *g, uint64_t now_us) {
    const struct congestion *self = g->members[0];
    bool yields = false;
    for (unsigned i = 1; i < g->count; i++)
        if (g->members[i]->granted_bps > self->granted_bps)
            return false;
    for (unsigned i = 1; i < g->count; i++) {
        struct congestion *mate = g->members[i];
        if (!is_left_behind(mate, self, now_us))
            continue;
        mate->common.missed = false;
        mate->common.behind_us = now_us;
        yields = true;
    }
    return yields;
}

// Somebody has clearly more than it, or still has more: what each needs at a time varies.
static bool group_is_ahead(const struct group *g) {
    const struct congestion *self = g->members[0];
    unsigned percent = self->common.behind_us ? MATES_ALIKE_PERCENT : MATES_EVEN_PERCENT;
    for (unsigned i = 1; i < g->count; i++)
        if (self->granted_bps * percent < g->members[i]->granted_bps * 100)
            return true;
    return false;
}

// All of them know of it: else what it is told of is what it could have alone.
static bool group_is_mutual(const struct group *g, uint64_t now_us) {
    for (unsigned i = 1; i < g->count; i++) {
        struct group theirs = group_of(g->members[i], now_us);
        if (!group_has(&theirs, g->members[0]))
            return false;
    }
    return true;
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
    common->even_bps = share.even_bps;
    bool ahead = group_is_ahead(&g);
    if (!ahead)
        common->missed = false;
    common->behind_us = !ahead ? 0 : common->behind_us ? common->behind_us : now_us;
    if (group_must_yield(&g, now_us)) // the least that is a step for whom leaves it
        share.most_bps = cg->granted_bps * 100 / (ALLOCATOR_KEEP_PERCENT + 1);
    common->most_bps = share.most_bps;
    common->part_bps = link->estimate_bps;
    if (share.usable_bps < link->estimate_bps && group_is_mutual(&g, now_us))
        common->part_bps = (uint32_t)share.usable_bps;
    link->most_bps = without(share.most_bps, link->audio_bps) + 1; // 0 would be no bound
    link->due_bps = without(share.free_bps, link->audio_bps);
}

struct mates_trial congestion_mates_trial(struct congestion *cg, uint64_t next_bps, uint64_t now_us) {
    struct mates_trial trial = {.whole_bps = next_bps};
    struct group g = group_of(cg, now_us);
    for (unsigned i = 1; i < g.count; i++) {
        struct link_claim claim = claim_of(g.members[i]);
        trial.whole_bps += claim.has_bps;
        if (link_claim_is_behind(&claim, next_bps, higher(cg->common.even_bps, next_bps)))
            trial.behind_bps += claim.next_bps - claim.has_bps;
    }
    trial.whole_bps += trial.behind_bps;
    return trial;
}

void congestion_mates_carried(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    struct group g = group_of(cg, now_us);
    uint64_t behind_bps = cg->common.behind_bps;
    cg->common.behind_bps = 0;
    cg->common.missed = false;
    if (behind_bps == 0)
        return;
    cg->trial.shown_bps -= behind_bps < cg->trial.shown_bps ? (uint32_t)behind_bps : cg->trial.shown_bps;
    for (unsigned i = 1; i < g.count; i++) {
        struct congestion *mate = g.members[i];
        struct link_claim claim = claim_of(mate);
        if (!link_claim_is_behind(&claim, cg->trial.shown_bps,
                                  higher(cg->common.even_bps, cg->trial.shown_bps)))
            continue;
        uint64_t shown_bps = claim.next_bps + link_trial_room_bps(state, claim.next_bps);
        mate->trial = (struct link_trial){.shown_bps = (uint32_t)shown_bps, .shown_us = now_us};
        mate->share_us = now_us;
    }
}

void congestion_mates_refuted(struct congestion *cg) {
    cg->common.behind_bps = 0;
    cg->common.missed |= cg->common.shares;
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
