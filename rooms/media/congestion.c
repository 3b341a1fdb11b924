#include "rooms/media/congestion.h"

#include "base/clock.h"
#include "rooms/media/allocator.h"
#include "rooms/media/congestion_mates.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void congestion_fired(struct wheel_node *node, uint64_t now_us);
static bool congestion_limits(const struct congestion *cg, uint64_t now_us);

// ---- life

// What is chosen for it at most, whatever the link carries; 0: anything.
static uint32_t congestion_ceiling(const struct endpoint *ep) {
    uint32_t setting = ep->fw->config.limits.receive_bitrate_bps;
    return ep->max_bps && (ep->max_bps < setting || setting == 0) ? ep->max_bps : setting;
}

static bool congestion_create(struct endpoint *ep, uint64_t now_us) {
    struct congestion *cg = calloc(1, sizeof *cg);
    if (!cg)
        return false;
    uint32_t max_bps = congestion_ceiling(ep);
    struct bandwidth_config config = {.start_bps = CONGESTION_START_BPS,
                                      .min_bps = BANDWIDTH_MIN_BPS,
                                      .max_bps = max_bps ? max_bps : BANDWIDTH_MAX_BPS};
    cg->bandwidth = bandwidth_create(&config, now_us);
    if (!cg->bandwidth) {
        free(cg);
        return false;
    }
    cg->endpoint = ep;
    cg->spread = (uint8_t)ep->sender_ssrc; // which was drawn
    cg->probation_index = 1 + (ep->sender_ssrc >> 8) % 32767;
    cg->tick_us = cg->share_us = now_us;
    wheel_node_init(&cg->timer, congestion_fired);
    ep->congestion = cg;
    return true;
}

bool congestion_open(struct endpoint *ep, uint64_t now_us) {
    return (ep->congestion || congestion_create(ep, now_us)) &&
           allocator_reserve(ep->fw->allocator, ep->consumer_count + 1);
}

void congestion_close(struct endpoint *ep) {
    struct congestion *cg = ep->congestion;
    if (!cg)
        return;
    wheel_cancel(ep->fw->wheel, &cg->timer);
    pacer_forget(&cg->pacer, NULL);
    bandwidth_destroy(cg->bandwidth);
    free(cg);
    ep->congestion = NULL;
}

static void congestion_arm(struct congestion *cg, uint64_t due_us) {
    if (due_us < cg->timer.due_us)
        wheel_arm(cg->endpoint->fw->wheel, &cg->timer, due_us);
}

static void congestion_look(struct congestion *cg) {
    cg->plain = !cg->named && cg->ticking;
}

void congestion_wake(struct congestion *cg, uint64_t now_us) {
    cg->ticking = true;
    congestion_look(cg);
    if (cg->begun_us == 0 && cg->numbered)
        cg->begun_us = now_us;
    cg->tick_us = now_us;
    congestion_arm(cg, now_us + WHEEL_TICK_US);
}

void congestion_changed(struct endpoint *ep, uint64_t now_us) {
    struct congestion *cg = ep->congestion;
    if (!cg)
        return;
    cg->share_us = now_us;
    cg->works = cg->numbered || cg->heard || congestion_limits(cg, now_us) || cg->limits;
    congestion_wake(cg, now_us);
}

void congestion_gone(struct endpoint *ep) {
    if (ep->congestion)
        ep->congestion->share_us = 0; // at its next tick
}

void congestion_forget(struct consumer *c) {
    struct congestion *cg = c->endpoint->congestion;
    if (cg && cg->pacer.count > 0)
        pacer_forget(&cg->pacer, c);
}

static void congestion_release(struct block *b, uint64_t now_us) {
    struct pacer_note note = *pacer_note_of(b);
    consumer_release(note.owner, b, &note, now_us);
}

void congestion_begin_run(struct consumer *c, uint64_t now_us) {
    struct congestion *cg = c->endpoint->congestion;
    if (!cg || cg->pacer.count == 0)
        return;
    uint64_t backlog_us =
        cg->pacer.bytes * UINT64_C(8) * US_PER_SECOND / (cg->pacer.rate_bps ? cg->pacer.rate_bps : 1);
    if (cg->stands || backlog_us > CONGESTION_BACKLOG_US)
        congestion_forget(c);
    for (struct block *b; (b = pacer_take_of(&cg->pacer, c));)
        congestion_release(b, now_us);
}

void congestion_path_changed(struct congestion *cg, uint64_t now_us) {
    bandwidth_path_changed(cg->bandwidth, now_us);
    cg->proven = false;
    link_trial_end(&cg->trial);
    congestion_mates_forget(cg);
    cg->refuted_us = 0;
    cg->limited_us = cg->over_us = 0;
    cg->begun_us = now_us;
    pacer_set(&cg->pacer, 0);
    cg->share_us = now_us;
    congestion_wake(cg, now_us);
}

void congestion_set_max(struct congestion *cg, uint64_t now_us) {
    uint32_t most = congestion_ceiling(cg->endpoint);
    bandwidth_set_max(cg->bandwidth, most ? most : BANDWIDTH_MAX_BPS);
    cg->share_us = now_us;
    congestion_wake(cg, now_us);
}

// ---- what is sent

void congestion_sent_any(struct consumer *c, uint32_t ssrc, uint16_t seq, uint16_t number, uint16_t bytes,
                         bool probe, uint64_t now_us) {
    struct congestion *cg = c->endpoint->congestion;
    if (cg->named)
        bandwidth_sent_rtp(cg->bandwidth, ssrc, seq, bytes, probe, now_us);
    else if (c->acknowledges)
        bandwidth_sent(cg->bandwidth, number, bytes, probe, now_us);
    else
        bandwidth_sent_unnumbered(cg->bandwidth, bytes, now_us);
    if (cg->pacer.rate_bps)
        pacer_spend(&cg->pacer, bytes, now_us);
    if (!cg->ticking)
        congestion_wake(cg, now_us);
}

// ---- what is heard

struct bandwidth_state congestion_state(const struct congestion *cg) {
    return bandwidth_state(cg->bandwidth);
}

static bool congestion_is_full(const struct bandwidth_state *state) {
    return state->congested || state->reason == BANDWIDTH_DELAY || state->reason == BANDWIDTH_LOSS;
}

// The shares cannot wait when there is much less than they were made of, or when a queue stands.
static void congestion_heard(struct congestion *cg, uint64_t now_us) {
    cg->heard = cg->works = true;
    if (bandwidth_is_calm(cg->bandwidth))
        return; // nothing has changed
    struct bandwidth_state state = bandwidth_state(cg->bandwidth);
    if (!state.stalled) // those on one machine stop together, and share no link for it
        congestion_mates_tell(cg, &state, now_us);
    if (state.target_bps < cg->shared_bps - cg->shared_bps / 10 ||
        (state.congested && cg->limited_us != now_us))
        cg->share_us = cg->tick_us = now_us;
    if (cg->ticking)
        congestion_arm(cg, cg->tick_us);
}

bool congestion_twcc(struct congestion *cg, struct span fci, uint64_t now_us) {
    if (!bandwidth_twcc(cg->bandwidth, fci, now_us))
        return false;
    cg->told = true;
    cg->named = false;
    congestion_look(cg);
    congestion_heard(cg, now_us);
    return true;
}

bool congestion_ccfb(struct congestion *cg, struct span body, uint64_t now_us) {
    if (!bandwidth_ccfb(cg->bandwidth, body, now_us))
        return false;
    cg->named = !cg->told; // who speaks both is believed by its numbers
    congestion_look(cg);
    congestion_heard(cg, now_us);
    return true;
}

void congestion_remb(struct congestion *cg, uint64_t bps, uint64_t now_us) {
    bandwidth_remb(cg->bandwidth, bps, now_us);
    congestion_heard(cg, now_us);
}

// ---- shares

uint32_t congestion_estimate_bps(const struct congestion *cg, const struct bandwidth_state *state) {
    return cg->common.shares ? cg->common.part_bps : state->target_bps;
}

// Whether the estimate limits anything: there is somebody who tells what arrives, or soon will.
bool congestion_counts(const struct congestion *cg, uint64_t now_us) {
    return cg->heard || (cg->numbered && (cg->begun_us == 0 || now_us < cg->begun_us + CONGESTION_DEAF_US));
}

uint32_t congestion_bounded(const struct congestion *cg, uint64_t bps) {
    uint32_t ceiling = congestion_ceiling(cg->endpoint), most = ceiling ? ceiling : UINT32_MAX;
    return bps < most ? (uint32_t)bps : most;
}

static uint32_t congestion_most(const struct congestion *cg, const struct bandwidth_state *state,
                                uint64_t now_us) {
    return congestion_bounded(cg, congestion_counts(cg, now_us) ? state->target_bps : UINT32_MAX);
}

static bool consumer_takes_part(const struct consumer *c) {
    return c->params.kind == MEDIA_VIDEO && consumer_would_show(c);
}

static void entry_fill(struct allocator_entry *e, const struct consumer *c, uint64_t now_us) {
    struct producer *p = c->producer;
    memcpy(e->layer_bps, producer_prices(p, now_us)->bps, sizeof e->layer_bps);
    e->spatial_wish = consumer_wish(c);
    e->temporal_wish = c->ceiling_temporal;
    e->priority = c->priority;
    e->screen = p->params.screen;
    e->max_bps = c->max_bps;
    e->memory = c->share;
}

// On a link that has been seen to be full more is given when it has been seen to come through; but beside a
// download, where no trial finds room: the estimate is a fair share.
static void congestion_note_shown(struct congestion *cg, struct allocator_link *link,
                                  const struct bandwidth_state *state, uint64_t now_us) {
    uint32_t shown_bps = link_trial_shown_bps(&cg->trial, now_us);
    link->tries = cg->proven && cg->heard && !state->competes && padding_can(cg);
    link->shown_bps = shown_bps > link->audio_bps ? shown_bps - link->audio_bps : 0;
}

// There would be room for more by the estimate: see whether it comes through.
static void congestion_try(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    const struct allocator *a = cg->endpoint->fw->allocator;
    uint64_t try_bps = allocator_try_bps(a), has_bps = allocator_granted_bps(a);
    uint64_t more_bps = try_bps > has_bps ? try_bps - has_bps : 0, whole_bps = cg->granted_bps + more_bps;
    unsigned percent = more_bps > has_bps ? CONGESTION_TRIAL_DOUBLE_PERCENT : CONGESTION_TRIAL_MORE_PERCENT;
    struct mates_trial mates = {0};
    if (try_bps && cg->common.shares)
        mates = congestion_mates_trial(cg, whole_bps, now_us);
    uint64_t room_bps = link_trial_room_bps(state, cg->common.shares ? mates.whole_bps : whole_bps),
             others_bps = cg->common.shares ? 0 : more_bps * percent / 100; // who is known has it already
    if (mates.behind_bps)
        room_bps += mates.whole_bps * CONGESTION_TRIAL_MATES_PERMILLE / 1000;
    uint64_t rate = whole_bps + mates.behind_bps + (others_bps > room_bps ? others_bps : room_bps);
    uint32_t ceiling_bps = congestion_ceiling(cg->endpoint);
    if (ceiling_bps && rate > ceiling_bps)
        rate = ceiling_bps;
    if (try_bps == 0 || !link_trial_is_empty(state) || cg->trial.rate_bps != 0 || state->probing ||
        state->climbs || congestion_mates_try(cg, now_us))
        return;
    cg->common.behind_bps = mates.behind_bps;
    link_trial_begin(&cg->trial, rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX, state,
                     bandwidth_sent_bytes(cg->bandwidth), now_us);
    uint64_t until_us = now_us + TRIAL_TOLD_US + TRIAL_LONGER_MAX_US;
    bandwidth_hold_probes(cg->bandwidth, until_us);
    congestion_mates_hold(cg, until_us, now_us);
}

static void congestion_judge_trial(struct congestion *cg, const struct bandwidth_state *state,
                                   uint64_t now_us) {
    enum link_trial_verdict verdict = link_trial_judge(&cg->trial, state, now_us);
    if (verdict != TRIAL_CARRIED && verdict != TRIAL_REFUTED)
        return;
    cg->refuted = verdict == TRIAL_REFUTED;
    congestion_mates_hold(cg, now_us, now_us);
    if (!cg->refuted) {
        bandwidth_release_probes(cg->bandwidth, now_us);
        congestion_mates_carried(cg, state, now_us);
    } else {
        congestion_mates_refuted(cg);
        cg->refuted_us = now_us;
        uint64_t needed = cg->granted_bps + cg->granted_bps / 20;
        bandwidth_refute(cg->bandwidth, needed < UINT32_MAX ? (uint32_t)needed : UINT32_MAX, now_us);
    }
    cg->share_us = now_us;
}

// What is wanted to be known of the link: no further than the next step, after a step has been refuted,
// unless it turns out to be another link.
static uint64_t congestion_sought(const struct congestion *cg, uint32_t audio_bps, uint64_t now_us) {
    uint64_t next = allocator_next_bps(cg->endpoint->fw->allocator);
    bool lately = cg->refuted_us != 0 && now_us < cg->refuted_us + CONGESTION_REFUTED_US;
    if (!lately || next == 0)
        return cg->demand_bps;
    next += next * CONGESTION_NEXT_PERCENT / 100 + audio_bps;
    return next < cg->demand_bps ? next : cg->demand_bps;
}

static void congestion_share(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    struct endpoint *ep = cg->endpoint;
    struct allocator *a = ep->fw->allocator;
    struct allocator_link link = {.estimate_bps = congestion_most(cg, state, now_us),
                                  .audio_bps = rate_meter_bps(&cg->audio_rate, now_us),
                                  .congested = state->congested && congestion_counts(cg, now_us),
                                  .proven = cg->proven || cg->endpoint->max_bps,
                                  .spread = cg->spread,
                                  .refuted = cg->refuted,
                                  .renewed = cg->renewed,
                                  .over_us = &cg->over_us};
    congestion_note_shown(cg, &link, state, now_us);
    congestion_mates_share(cg, &link, state, now_us);
    allocator_begin(a);
    LIST_EACH(node, &ep->consumers) {
        const struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        struct allocator_entry *e = consumer_takes_part(c) ? allocator_add(a) : NULL;
        if (e)
            entry_fill(e, c, now_us);
    }
    allocator_share(a, &link, now_us);
    cg->refuted = cg->renewed = false;
    cg->shared_bps = state->target_bps;
    cg->demand_bps = allocator_demand_bps(a) + link.audio_bps;
    cg->granted_bps = allocator_granted_bps(a) + link.audio_bps;
    cg->next_bps = allocator_next_bps(a) + link.audio_bps;
    bandwidth_demand(cg->bandwidth, cg->demand_bps, now_us);
    bandwidth_seek(cg->bandwidth, congestion_sought(cg, link.audio_bps, now_us));
    congestion_try(cg, state, now_us);
}

static bool congestion_limits(const struct congestion *cg, uint64_t now_us) {
    if (congestion_counts(cg, now_us) || cg->endpoint->max_bps)
        return true;
    LIST_EACH(node, &cg->endpoint->consumers) {
        if (LIST_ENTRY(node, struct consumer, link)->max_bps)
            return true;
    }
    return false;
}

// Nobody knows what the link carries: everybody gets what they want.
static void congestion_free(struct congestion *cg, uint64_t now_us) {
    LIST_EACH(node, &cg->endpoint->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        c->share = (struct allocator_memory){0};
        if (c->params.kind == MEDIA_VIDEO)
            consumer_allot(c, LAYER_NONE, LAYER_NONE, false, now_us);
    }
    cg->granted_bps = cg->demand_bps = cg->next_bps = 0;
    congestion_mates_forget(cg);
    bandwidth_demand(cg->bandwidth, 0, now_us);
}

// All the layers of a stream are no limit, so that nobody has to look which ones a packet is of.
static void consumer_give(struct consumer *c, struct allotment given, uint64_t now_us) {
    const struct producer_prices *prices = producer_prices(c->producer, now_us);
    if (given.temporal >= prices->temporal - 1)
        given.temporal = LAYER_NONE;
    if (c->producer->params.stream_count == 1 && given.spatial >= prices->spatial - 1)
        given.spatial = LAYER_NONE;
    consumer_allot(c, given.spatial, given.temporal, given.off, now_us);
}

// Behind the shares, since a change makes packets leave.
static void congestion_allot(struct congestion *cg, uint64_t now_us) {
    const struct allocator *a = cg->endpoint->fw->allocator;
    unsigned i = 0, count = allocator_count(a);
    LIST_EACH(node, &cg->endpoint->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        if (!consumer_takes_part(c) || i == count)
            continue;
        const struct allocator_entry *e = allocator_at(a, i++);
        c->share = e->memory;
        consumer_give(c, e->result, now_us);
    }
}

// ---- time

// What was refuted was so on another link.
static void congestion_renew(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    if (state->renewals == cg->renewals)
        return;
    cg->renewals = state->renewals;
    cg->renewed = true;
    congestion_mates_forget(cg);
    cg->refuted_us = 0;
    cg->share_us = now_us;
}

// A probe has come through with all that anybody wants: whatever was full before is not now.
static bool congestion_is_free(const struct congestion *cg, const struct bandwidth_state *state) {
    bool shown = state->reason == BANDWIDTH_PROBE || state->reason == BANDWIDTH_APPLICATION;
    unsigned permille = shown && !state->filled ? CONGESTION_FREE_PERMILLE : CONGESTION_FREE_FILLED_PERMILLE;
    return cg->demand_bps > 0 && !cg->common.wanted && !state->stands && !congestion_is_full(state) &&
           state->target_bps > cg->demand_bps + cg->demand_bps * permille / 1000;
}

static void congestion_pace(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    if (congestion_is_full(state) && cg->heard) {
        cg->limited_us = now_us;
        cg->proven = true;
    }
    bool free = congestion_is_free(cg, state);
    if (cg->proven && free)
        cg->limited_us = now_us; // what is given now begins with key frames of everybody at once
    cg->proven &= !free;
    cg->proven |= (state->filled && !free) || state->reason == BANDWIDTH_REMB ||
                  state->reason == BANDWIDTH_SILENT || cg->common.wanted;
    if (state->congested)
        link_trial_forget(&cg->trial);
    bool lately = cg->limited_us != 0 && now_us < cg->limited_us + CONGESTION_PACED_US;
    bool narrow = cg->proven && cg->heard && state->target_bps < cg->demand_bps;
    bool paced = lately || narrow;
    unsigned percent = state->congested ? CONGESTION_DRAIN_PERCENT : CONGESTION_PACE_PERCENT;
    // What a trial has shown is free, of what a probe has shown others may have a part.
    uint32_t shown_bps = link_trial_shown_bps(&cg->trial, now_us);
    uint32_t estimate_bps = congestion_estimate_bps(cg, state);
    if (state->target_bps < estimate_bps && !link_trial_is_empty(state))
        estimate_bps = state->target_bps; // until the queue has gone
    uint32_t free_bps = shown_bps > 0 && shown_bps < estimate_bps ? shown_bps : estimate_bps;
    if (cg->common.most_bps > 0 && cg->common.most_bps < free_bps)
        free_bps = (uint32_t)cg->common.most_bps;
    uint64_t rate = (uint64_t)free_bps * percent / 100;
    cg->stands = state->congested && cg->heard;

    uint32_t rate_bps = paced ? (rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX) : 0;
    if (rate_bps != cg->pacer.rate_bps)
        pacer_set(&cg->pacer, rate_bps);
    congestion_look(cg);
}

void link_histogram_add(struct link_histogram *h, uint64_t bps) {
    static const uint32_t bounds[] = LINK_BUCKET_KBPS;
    _Static_assert(sizeof bounds / sizeof bounds[0] + 1 == LINK_BUCKETS, "and one without a bound");
    unsigned i = 0;
    while (i < LINK_BUCKETS - 1 && bps > UINT64_C(1000) * bounds[i])
        i++;
    h->buckets[i]++;
    h->sum_bps += bps;
}

_Static_assert(LINK_START + (int)BANDWIDTH_SILENT == LINK_SILENT &&
                   LINK_START + (int)BANDWIDTH_APPLICATION == LINK_APPLICATION &&
                   LINK_START + (int)BANDWIDTH_REASONS == LINK_REASONS,
               "the reasons of both stand in one order");
enum link_reason congestion_link_reason(enum bandwidth_reason reason) {
    return (enum link_reason)(LINK_START + (int)reason);
}

// Of a link of which something is known.
static void congestion_observe(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us) {
    struct link_counters *links = &cg->endpoint->fw->counters.links;
    if (now_us < cg->observe_us || !cg->heard)
        return;
    cg->observe_us = now_us + LINK_OBSERVE_US;
    link_histogram_add(&links->estimate, congestion_estimate_bps(cg, state));
    link_histogram_add(&links->target, cg->granted_bps);
    link_histogram_add(&links->sent, state->sent_bps);
    links->reasons[congestion_link_reason(state->reason)]++;
}

// Nobody can tell what is left out from what was lost, so nobody can say of what he has not seen that it
// came. Not drawn as other numbers are, which nothing here is to change.
static uint64_t congestion_draw(const struct congestion *cg) {
    uint64_t z = cg->endpoint->fw->config.random_seed + cg->endpoint->sender_ssrc +
                 (cg->skips + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void congestion_skip(struct congestion *cg, uint64_t now_us) {
    if (!cg->told || now_us < cg->skip_us || now_us > bandwidth_sent_us(cg->bandwidth) + CONGESTION_SKIP_US)
        return;
    uint64_t drawn = congestion_draw(cg);
    for (unsigned i = 0; i <= drawn % CONGESTION_SKIP_NUMBERS; i++)
        bandwidth_sent_nothing(cg->bandwidth, cg->endpoint->transport_seq++, now_us);
    cg->skip_us = now_us + CONGESTION_SKIP_US + (drawn >> 8) % CONGESTION_SKIP_SPREAD_US;
    cg->skips++;
}

static void congestion_tick(struct congestion *cg, uint64_t now_us) {
    bandwidth_tick(cg->bandwidth, now_us);
    congestion_skip(cg, now_us);
    cg->tick_us = bandwidth_next_us(cg->bandwidth);
    bool calm = bandwidth_is_calm(cg->bandwidth);
    if (calm && now_us < cg->share_us && now_us < cg->observe_us)
        return;
    struct bandwidth_state state = bandwidth_state(cg->bandwidth);
    congestion_judge_trial(cg, &state, now_us);
    congestion_renew(cg, &state, now_us);
    congestion_pace(cg, &state, now_us);
    congestion_observe(cg, &state, now_us);
    bool rises = state.target_bps > cg->shared_bps + cg->shared_bps / 20;
    if (rises && cg->share_us > now_us + CONGESTION_SHARE_SOON_US)
        cg->share_us = now_us + CONGESTION_SHARE_SOON_US;
    if (now_us < cg->share_us)
        return;
    cg->share_us = now_us + (calm ? CONGESTION_SHARE_CALM_US : CONGESTION_SHARE_US);
    bool limits = congestion_limits(cg, now_us);
    if (limits) {
        congestion_share(cg, &state, now_us);
        congestion_allot(cg, now_us);
    } else if (cg->limits) {
        congestion_free(cg, now_us);
    }
    cg->limits = limits;
}

static void congestion_let_go(struct congestion *cg, uint64_t now_us) {
    for (struct block *b; (b = pacer_take(&cg->pacer, now_us));)
        congestion_release(b, now_us);
}

// True: a probe or a trial is under way.
static bool congestion_probe(struct congestion *cg, uint64_t now_us) {
    struct bandwidth_probe probe = bandwidth_probe(cg->bandwidth, now_us);
    uint32_t sent = 0;
    if (cg->trial.rate_bps != 0)
        probe = (struct bandwidth_probe){
            .rate_bps = cg->trial.rate_bps,
            .bytes = link_trial_bytes(&cg->trial, bandwidth_sent_bytes(cg->bandwidth), now_us),
            .packet_bytes = CONGESTION_TRIAL_PACKET_BYTES};
    for (struct block *b; sent < probe.bytes && (b = pacer_take_early(&cg->pacer, now_us));) {
        sent += b->len + CONGESTION_WIRE_BYTES;
        congestion_release(b, now_us);
    }
    if (sent < probe.bytes && endpoint_sends(cg->endpoint))
        cg->padding_bytes += padding_send(cg, probe.bytes - sent, probe.packet_bytes, now_us);
    return probe.rate_bps != 0;
}

static bool congestion_rests(struct congestion *cg, uint64_t now_us) {
    cg->works = congestion_counts(cg, now_us) || cg->limits; // whoever never tells costs nothing
    if (!cg->works && cg->pacer.count == 0)
        return true;
    bool wants =
        congestion_counts(cg, now_us) && cg->demand_bps > cg->shared_bps && endpoint_sends(cg->endpoint);
    return now_us > bandwidth_sent_us(cg->bandwidth) + CONGESTION_IDLE_US && !wants && cg->pacer.count == 0;
}

static void congestion_fired(struct wheel_node *node, uint64_t now_us) {
    struct congestion *cg = LIST_ENTRY(node, struct congestion, timer);
    forwarder_flush(cg->endpoint->fw);
    if (now_us >= cg->tick_us)
        congestion_tick(cg, now_us);
    congestion_let_go(cg, now_us);
    bool probes = congestion_probe(cg, now_us);
    if (congestion_rests(cg, now_us)) {
        cg->ticking = cg->plain = false;
        return;
    }
    uint64_t paced_us = pacer_next_us(&cg->pacer, now_us),
             due_us = cg->tick_us < paced_us ? cg->tick_us : paced_us;
    congestion_arm(cg, probes || due_us <= now_us ? now_us + WHEEL_TICK_US : due_us);
}

void congestion_hold(struct block *b, const struct pacer_note *note, uint64_t now_us) {
    struct congestion *cg = ((struct consumer *)note->owner)->endpoint->congestion;
    pacer_put(&cg->pacer, b, note);
    while (pacer_is_over(&cg->pacer)) // so much at once: not before the next tick would be too late
        congestion_release(pacer_take(&cg->pacer, now_us), now_us);
    congestion_arm(cg, pacer_next_us(&cg->pacer, now_us));
    cg->ticking = true;
}
