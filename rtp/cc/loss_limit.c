#include "rtp/cc/loss_limit.h"

#include "base/clock.h"

#include <math.h>

#define OBSERVATION_US 250000
#define OBSERVATION_PACKETS 20
#define WEIGHT 0.9f        // of an observation against the one after it
#define LOSS_IGNORED 0.02f // so little is nobody's rate
#define LOSS_CERTAIN                                                                                         \
    10.0f // how much better in natural logarithms of likelihood a limit must explain it; losses come in
          // bursts
#define INHERENT_COST 20.0f   // radio that loses much is rarer than radio that loses little
#define GROWTH_A_SECOND 0.05f // of the limit while it lasts
#define RELEASE_A_SECOND 0.3f // once nothing speaks for it any more
#define ACKED_SHARE 0.95f

static const float inherent_shares[] = {0,     0.005f, 0.01f, 0.02f, 0.03f, 0.045f,
                                        0.06f, 0.08f,  0.1f,  0.13f, 0.16f, 0.2f};
#define INHERENT_SHARES (sizeof inherent_shares / sizeof inherent_shares[0])

void loss_limit_reset(struct loss_limit *l) {
    *l = (struct loss_limit){.limit_bps = LOSS_NO_LIMIT};
}

void loss_limit_add_all(struct loss_limit *l, unsigned packets, uint32_t bytes, uint64_t first_sent_us,
                        uint64_t last_sent_us) {
    struct loss_count *c = &l->open;
    if (c->packets == 0 || first_sent_us < c->first_sent_us)
        c->first_sent_us = first_sent_us;
    if (c->packets == 0 || last_sent_us > c->last_sent_us)
        c->last_sent_us = last_sent_us;
    c->packets += packets;
    c->bytes += bytes;
}

void loss_limit_add(struct loss_limit *l, uint32_t bytes, uint64_t sent_us, bool lost) {
    loss_limit_add_all(l, 1, bytes, sent_us, sent_us);
    l->open.lost += lost;
}

void loss_limit_revoke(struct loss_limit *l, uint64_t sent_us) {
    bool early = l->open.packets == 0 || sent_us < l->open.first_sent_us;
    struct loss_count *c = early ? &l->waiting : &l->open;
    if (c->lost > 0)
        c->lost--;
}

static unsigned loss_kept(const struct loss_limit *l) {
    return l->count < LOSS_OBSERVATIONS ? l->count : LOSS_OBSERVATIONS;
}

static float loss_average(const struct loss_limit *l) {
    float packets = 0, lost = 0, weight = 1;
    for (unsigned back = 1; back <= loss_kept(l); back++, weight *= WEIGHT) {
        const struct loss_observation *o = &l->seen[(l->count - back) % LOSS_OBSERVATIONS];
        packets += weight * o->packets;
        lost += weight * o->lost;
    }
    return packets > 0 ? lost / packets : 0;
}

// How well the observations agree with a link of this limit that loses this share of the rest.
static float loss_likelihood(const struct loss_limit *l, float limit_bps, float inherent) {
    float sum = -INHERENT_COST * inherent, weight = 1;
    for (unsigned back = 1; back <= loss_kept(l); back++, weight *= WEIGHT) {
        const struct loss_observation *o = &l->seen[(l->count - back) % LOSS_OBSERVATIONS];
        float share = inherent;
        if (o->rate_bps > limit_bps)
            share += (1 - inherent) * (o->rate_bps - limit_bps) / o->rate_bps;
        share = fminf(fmaxf(share, 0.001f), 0.999f);
        sum += weight * (o->lost * logf(share) + (o->packets - o->lost) * logf(1 - share));
    }
    return sum;
}

static float loss_best(const struct loss_limit *l, float limit_bps, float *inherent) {
    float best = -INFINITY;
    for (unsigned i = 0; i < INHERENT_SHARES; i++) {
        float likelihood = loss_likelihood(l, limit_bps, inherent_shares[i]);
        if (likelihood <= best)
            break; // it has one top
        best = likelihood;
        *inherent = inherent_shares[i];
    }
    return best;
}

static void loss_fit(struct loss_limit *l, float acked_bps, float target_bps) {
    float none_inherent = 0, inherent = 0, best_inherent = 0, best_bps = 0;
    float none = loss_best(l, INFINITY, &none_inherent), best = -INFINITY;
    const float candidates[] = {acked_bps,           acked_bps * 0.9f, acked_bps * 1.1f,
                                (float)l->limit_bps, target_bps,       target_bps * 0.9f};
    for (unsigned i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        float likelihood = candidates[i] > 0 ? loss_best(l, candidates[i], &inherent) : -INFINITY;
        if (likelihood > best) {
            best = likelihood;
            best_bps = candidates[i];
            best_inherent = inherent;
        }
    }
    bool limited = best > none + LOSS_CERTAIN;
    l->certain = limited;
    l->inherent = limited ? best_inherent : none_inherent;
    if (limited && best_bps < (float)l->limit_bps)
        l->limit_bps = (uint32_t)fmaxf(best_bps, acked_bps * ACKED_SHARE);
}

static void loss_grow(struct loss_limit *l, uint32_t target_bps, uint64_t now_us) {
    if (l->limit_bps == LOSS_NO_LIMIT)
        return;
    uint64_t us = now_us - l->limited_us;
    float seconds = (float)(us < US_PER_SECOND ? us : US_PER_SECOND) / (float)US_PER_SECOND;
    float limit = (float)l->limit_bps * (1 + (l->certain ? GROWTH_A_SECOND : RELEASE_A_SECOND) * seconds);
    l->limit_bps = limit < (float)target_bps * 1.2f ? (uint32_t)limit : LOSS_NO_LIMIT;
}

// The one that waited counts now; false: there was none.
static bool loss_close(struct loss_limit *l) {
    struct loss_count c = l->waiting;
    l->waiting = l->open;
    l->open = (struct loss_count){0};
    uint64_t span_us = c.last_sent_us - c.first_sent_us;
    if (c.packets == 0 || span_us == 0)
        return false;
    l->seen[l->count++ % LOSS_OBSERVATIONS] =
        (struct loss_observation){.packets = (float)c.packets,
                                  .lost = (float)c.lost,
                                  .rate_bps = (float)c.bytes * 8 * (float)US_PER_SECOND / (float)span_us};
    return true;
}

void loss_limit_update(struct loss_limit *l, uint32_t acked_bps, uint32_t target_bps, uint64_t now_us) {
    uint64_t span_us = l->open.last_sent_us - l->open.first_sent_us;
    if (l->open.packets < OBSERVATION_PACKETS || span_us < OBSERVATION_US || !loss_close(l))
        return;
    l->loss = loss_average(l);
    uint32_t before_bps = l->limit_bps;
    if (l->loss >= LOSS_IGNORED && acked_bps > 0)
        loss_fit(l, (float)acked_bps, (float)target_bps);
    else
        l->inherent = 0;
    if (l->loss < LOSS_IGNORED)
        l->certain = false;
    if (l->limit_bps == before_bps && l->loss < l->inherent + LOSS_IGNORED)
        loss_grow(l, target_bps, now_us);
    l->limited_us = now_us;
}
