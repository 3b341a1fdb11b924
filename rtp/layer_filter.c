#include "rtp/layer_filter.h"

#include <assert.h>

#define WINDOW 64 // frames whose fate is remembered
#define RANK_SPATIAL 64
#define LAYERS_MOST 7

void layer_filter_start(struct layer_filter *f) {
    int8_t spatial = f->want_spatial, temporal = f->want_temporal;
    *f = (struct layer_filter){.on = true,
                               .joins = true,
                               .want_spatial = spatial,
                               .want_temporal = temporal,
                               .spatial = LAYER_TOP_ALL,
                               .temporal = LAYERS_MOST,
                               .target = LAYER_TARGET_ALL,
                               .synced = LAYER_SYNC_ALL};
}

void layer_filter_begin(struct layer_filter *f) {
    bool on = f->on;
    layer_filter_start(f);
    f->on = on;
    f->joins = false;
}

static uint8_t temporal_wanted(const struct layer_filter *f) {
    return f->want_temporal < 0 || f->want_temporal > LAYERS_MOST ? LAYERS_MOST : (uint8_t)f->want_temporal;
}

// Upwards a new switching point is waited for: what comes late of before this is still left out.
void layer_filter_want(struct layer_filter *f, int8_t spatial, int8_t temporal) {
    uint8_t before = temporal_wanted(f);
    f->want_spatial = spatial;
    f->want_temporal = temporal;
    f->active = 0;
    if (temporal_wanted(f) > before)
        f->synced &= (uint8_t)((2u << f->temporal) - 1);
}

// ---- by decode targets

static bool refs_were_sent(const struct layer_filter *f, const struct layer_facts *facts) {
    return ((facts->refs << 1) & f->dropped) == 0;
}

// For certain: what the network lost does not count. Whoever begins with a frame needs all of it.
static bool refs_were_seen(const struct layer_filter *f, const struct layer_facts *facts) {
    return ((facts->refs << 1) & ~(f->decided & ~f->dropped)) == 0;
}

// The frame before in the target's chain was sent, as far as it is remembered.
static bool chain_is_whole(const struct layer_filter *f, const struct dd_reader *reader,
                           struct span descriptor, unsigned target) {
    uint8_t diff;
    if (reader->structure.chain_count == 0)
        return true;
    if (!dd_chain_diff(reader, descriptor, reader->structure.target_chain[target], &diff))
        return false;
    return diff >= WINDOW || (f->dropped >> diff & 1) == 0;
}

struct target_choice {
    const struct layer_filter *f;
    const struct layer_facts *facts;
    const struct dd_reader *reader;
    struct span descriptor;
    bool new_unit;
};

static bool target_can_be_sent(const struct target_choice *choice, unsigned target) {
    const struct layer_filter *f = choice->f;
    if (!(choice->reader->active >> target & 1))
        return false;
    bool within =
        f->target == LAYER_TARGET_ALL || (choice->reader->structure.within[f->target] >> target & 1);
    if (within && choice->new_unit)
        return true;
    if (f->unit_ended && choice->reader->structure.target_spatial[target] > f->spatial)
        return false;
    return layer_dti_of(choice->facts, target) == DTI_SWITCH && refs_were_seen(f, choice->facts) &&
           chain_is_whole(f, choice->reader, choice->descriptor, target);
}

// What there is of a target above what is wanted; what is not being sent at all is worst.
static unsigned target_excess(const struct layer_filter *f, const struct dd_reader *reader, unsigned target) {
    int spatial = reader->structure.target_spatial[target],
        temporal = reader->structure.target_temporal[target];
    unsigned excess = 0;
    if (!(reader->active >> target & 1))
        return UINT16_MAX;
    if (f->want_spatial >= 0 && spatial > f->want_spatial)
        excess += (unsigned)(spatial - f->want_spatial) * RANK_SPATIAL;
    if (f->want_temporal >= 0 && temporal > f->want_temporal)
        excess += (unsigned)(temporal - f->want_temporal);
    return excess;
}

static unsigned target_rank(const struct dd_structure *s, unsigned target) {
    return s->target_spatial[target] * (unsigned)RANK_SPATIAL + s->target_temporal[target];
}

static bool target_is_better(const struct layer_filter *f, const struct dd_reader *reader, unsigned a,
                             unsigned b) {
    unsigned excess_a = target_excess(f, reader, a), excess_b = target_excess(f, reader, b);
    if (excess_a != excess_b)
        return excess_a < excess_b;
    return target_rank(&reader->structure, a) > target_rank(&reader->structure, b);
}

static void target_set(struct layer_filter *f, const struct dd_structure *s, unsigned target) {
    f->target = (uint8_t)target;
    f->spatial = s->target_spatial[target];
    f->temporal = s->target_temporal[target];
}

static void target_update_goal(struct layer_filter *f, const struct dd_reader *reader) {
    if (f->active == reader->active)
        return;
    f->active = reader->active;
    f->goal = (uint8_t)dd_best_target(&reader->structure, reader->active, f->want_spatial, f->want_temporal);
}

static bool target_leads_there(const struct layer_filter *f, const struct dd_structure *s, unsigned target) {
    uint8_t spatial = s->target_spatial[target];
    return spatial == s->target_spatial[f->goal] || spatial == f->spatial;
}

// The best that can be sent from this frame on, without layers between those that are sent and those that are
// wanted.
static void target_move(struct layer_filter *f, const struct target_choice *choice) {
    const struct dd_structure *s = &choice->reader->structure;
    unsigned best = f->target;
    for (unsigned t = 0; t < s->target_count; t++)
        if (t != best && target_leads_there(f, s, t) &&
            (best == LAYER_TARGET_ALL || target_is_better(f, choice->reader, t, best)) &&
            target_can_be_sent(choice, t))
            best = t;
    if (best != f->target)
        target_set(f, s, best);
}

// A coded sequence begins: whatever is wanted can be had.
static void target_begin(struct layer_filter *f, const struct layer_facts *facts,
                         const struct dd_reader *reader) {
    bool all = f->structure == 0 && f->target == LAYER_TARGET_ALL && f->on && !(facts->flags & LAYER_KEY);
    f->engine = LAYER_ENGINE_TARGETS;
    f->structure = facts->structure;
    f->number = (uint16_t)(facts->number - 1);
    f->decided = all ? UINT64_MAX : 0;
    f->dropped = f->needed = 0;
    f->broken = false;
    f->active = 0;
    target_update_goal(f, reader);
    if (!all)
        target_set(f, &reader->structure, f->goal);
}

static bool target_decide(struct layer_filter *f, const struct layer_facts *facts) {
    enum layer_dti dti = f->target == LAYER_TARGET_ALL ? DTI_REQUIRED : layer_dti_of(facts, f->target);
    bool decodable = refs_were_sent(f, facts), sends = dti != DTI_NOT_PRESENT && decodable;
    f->broken |= !decodable && dti != DTI_NOT_PRESENT && dti != DTI_DISCARDABLE;
    f->decided |= 1;
    f->dropped |= sends ? 0 : 1;
    f->needed |= sends ? facts->refs << 1 : 0;
    return sends;
}

static struct layer_verdict targets_take(struct layer_filter *f, const struct layer_facts *facts,
                                         bool new_unit, const struct dd_reader *reader,
                                         struct span descriptor) {
    if (facts->structure != f->structure)
        target_begin(f, facts, reader);
    int16_t ahead = (int16_t)(uint16_t)(facts->number - f->number);
    if (ahead < 0) // newer by its packet, older by its frame: a lying sender's
        return layer_filter_take_late(f, facts, f->timestamp, layer_filter_tops(f));
    if (ahead > 0) {
        f->decided = ahead < WINDOW ? f->decided << ahead : 0;
        f->dropped = ahead < WINDOW ? f->dropped << ahead : 0;
        f->needed = ahead < WINDOW ? f->needed << ahead : 0;
        f->number = facts->number;
        target_update_goal(f, reader);
        struct target_choice choice = {f, facts, reader, descriptor, new_unit};
        if (f->target != f->goal && !f->joins)
            target_move(f, &choice);
        (void)target_decide(f, facts);
    }
    bool sends = !(f->dropped & 1);
    return (struct layer_verdict){
        .sends = sends,
        .marker = sends && layer_tops_end(layer_filter_tops(f), facts),
        .new_frame = ahead > 0,
    };
}

// ---- by layer numbers

static uint8_t spatial_wanted(const struct layer_filter *f) {
    uint8_t want = f->want_spatial < 0 ? LAYER_TOP_ALL : (uint8_t)f->want_spatial;
    return f->layers > 0 && want >= f->layers ? f->layers - 1 : want;
}

static uint8_t synced_top(uint8_t synced, uint8_t most) {
    uint8_t top = most;
    while (top > 0 && !(synced >> top & 1))
        top--;
    return top;
}

// Whether a picture of this temporal layer goes out, and what follows for those after it.
static bool temporal_takes(struct layer_filter *f, const struct layer_facts *facts) {
    unsigned t = facts->temporal < LAYERS_MOST ? facts->temporal : LAYERS_MOST;
    unsigned own = 1u << t, lower = (own - 1) & ~1u;
    bool fresh = facts->sync >> t & 1;
    bool base_only = fresh && (facts->flags & LAYER_BASE_ONLY);
    unsigned needs = base_only ? 0 : fresh ? lower : lower | own;
    bool passes = t == 0 || (t <= temporal_wanted(f) && (f->synced & needs) == needs);
    f->synced = (uint8_t)(passes ? f->synced | facts->sync : f->synced & (own - 1));
    f->temporal = synced_top(f->synced, temporal_wanted(f));
    return passes;
}

// The unit before was a key picture, of which fewer layers have come than it told.
static void numbers_note_key_unit(struct layer_filter *f) {
    if (!f->unit_key || f->layers <= f->unit_top + 1)
        return;
    f->layers = f->unit_top + 1;
    f->spatial = spatial_wanted(f);
}

static void numbers_begin_unit(struct layer_filter *f, const struct layer_facts *facts) {
    f->unit = (uint8_t)((f->unit + 1u) % LAYER_UNITS_KEPT);
    f->units[f->unit] = (struct layer_unit){.timestamp = f->timestamp};
    numbers_note_key_unit(f);
    if (facts->layers > 0)
        f->layers = facts->layers;
    f->unit_key = (facts->flags & LAYER_KEY) || (facts->spatial == 0 && (facts->flags & LAYER_ALONE));
    f->unit_top = facts->spatial;
    if (f->unit_key) {
        f->synced = LAYER_SYNC_ALL;
        f->broken = f->aside_dropped = false;
        f->spatial = spatial_wanted(f);
    } else if (f->spatial > spatial_wanted(f) && !f->aside_dropped && !f->joins) {
        f->spatial = spatial_wanted(f);
    }
    f->unit_passes = temporal_takes(f, facts) || f->joins;
}

static bool numbers_passes(struct layer_filter *f, const struct layer_facts *facts) {
    uint8_t s = facts->spatial;
    if (s == f->spatial + 1 && s <= spatial_wanted(f) && (facts->flags & LAYER_ALONE) && f->unit_passes &&
        !f->unit_ended)
        f->spatial = s; // it needs nothing but the layers below it
    if (!f->unit_passes || s > f->spatial)
        return false;
    bool aside = s < f->spatial && (facts->flags & LAYER_ASIDE) && f->layers > 0;
    f->aside_dropped |= aside;
    return !aside;
}

static void numbers_note(struct layer_filter *f, const struct layer_facts *facts, bool sends) {
    struct layer_unit *unit = &f->units[f->unit];
    uint8_t bit = (uint8_t)(1u << (facts->spatial & 7));
    unit->decided |= bit;
    unit->sent |= sends ? bit : 0;
}

// There are no descriptors any more. While that was not known everything was sent.
static void numbers_take_over(struct layer_filter *f) {
    f->engine = LAYER_ENGINE_NUMBERS;
    f->structure = 0;
    f->target = LAYER_TARGET_ALL;
    f->spatial = LAYER_TOP_ALL;
    f->temporal = LAYERS_MOST;
    f->synced = LAYER_SYNC_ALL;
    f->layers = 0;
    f->broken = false;
}

static struct layer_verdict numbers_take(struct layer_filter *f, const struct layer_facts *facts,
                                         bool new_unit) {
    if (f->engine == LAYER_ENGINE_TARGETS)
        numbers_take_over(f);
    f->engine = LAYER_ENGINE_NUMBERS;
    if (new_unit)
        numbers_begin_unit(f, facts);
    if (facts->spatial > f->unit_top)
        f->unit_top = facts->spatial;
    if (f->layers > 0 && facts->spatial >= f->layers)
        f->layers = facts->spatial + 1;
    bool new_frame = new_unit || facts->spatial != f->frame_spatial;
    f->frame_spatial = facts->spatial;
    bool sends = numbers_passes(f, facts);
    numbers_note(f, facts, sends);
    return (struct layer_verdict){
        .sends = sends,
        .marker = sends && layer_tops_end(layer_filter_tops(f), facts),
        .new_frame = new_frame,
    };
}

// ---- both

// A unit has begun: what the one before it lacked.
static void note_lack(struct layer_filter *f) {
    if (f->unit_sent)
        f->lacking = 0;
    else if (f->unit_lower && f->lacking < LAYER_LACKING_MAX)
        f->lacking++;
    f->broken |= f->lacking == LAYER_LACKING_MAX;
    f->unit_lower = f->unit_sent = false;
}

static void note_sent(struct layer_filter *f, const struct layer_facts *facts, bool sends) {
    f->unit_sent |= sends;
    f->unit_lower |= !sends && facts->spatial < f->spatial && facts->temporal <= f->temporal;
}

static struct layer_tops tops_wanted(const struct layer_filter *f) {
    return (struct layer_tops){
        .spatial = f->want_spatial < 0 ? LAYER_TOP_ALL : (uint8_t)f->want_spatial,
        .temporal = f->want_temporal < 0 ? LAYER_TOP_ALL : (uint8_t)f->want_temporal,
    };
}

// Of a frame whose structure is not the present one.
static struct layer_verdict others_take(struct layer_filter *f, const struct layer_facts *facts,
                                        uint32_t timestamp, bool new_unit) {
    f->begun = true;
    f->timestamp = timestamp;
    if (facts->structure == 0) // of one that was never there: nothing can be left out
        return (struct layer_verdict){.sends = true, .new_frame = new_unit};
    // Of one that is not there any more, as what had to wait for a full link may be: by its layers' numbers.
    bool known = f->engine == LAYER_ENGINE_TARGETS && facts->structure == f->structure;
    struct layer_verdict verdict =
        layer_filter_take_late(f, facts, timestamp, known ? layer_filter_tops(f) : tops_wanted(f));
    verdict.new_frame = new_unit;
    return verdict;
}

struct layer_verdict layer_filter_take(struct layer_filter *f, const struct layer_facts *facts,
                                       uint32_t timestamp, const struct dd_reader *reader,
                                       struct span descriptor) {
    bool new_unit = !f->begun || timestamp != f->timestamp;
    bool described = reader && reader->structure.generation != 0;
    if (described && facts->structure != reader->structure.generation)
        return others_take(f, facts, timestamp, new_unit);
    f->joins &= !new_unit || !f->begun;
    f->begun = true;
    f->timestamp = timestamp;
    f->unit_ended &= !new_unit;
    if (new_unit)
        note_lack(f);
    struct layer_verdict verdict =
        described ? targets_take(f, facts, new_unit, reader, descriptor) : numbers_take(f, facts, new_unit);
    f->unit_ended |= verdict.marker;
    note_sent(f, facts, verdict.sends);
    return verdict;
}

bool layer_tops_have(struct layer_tops tops, const struct layer_facts *facts) {
    if (facts->temporal > tops.temporal || facts->spatial > tops.spatial)
        return false;
    return tops.spatial == LAYER_TOP_ALL || facts->spatial == tops.spatial || !(facts->flags & LAYER_ASIDE);
}

// 1: it was sent, 0: it was not, -1: nothing was decided.
static int decided_before(const struct layer_filter *f, const struct layer_facts *facts, uint32_t timestamp) {
    if (f->engine == LAYER_ENGINE_TARGETS) {
        uint16_t back = (uint16_t)(f->number - facts->number);
        if (facts->structure == 0 || facts->structure != f->structure || back >= WINDOW)
            return -1;
        if (f->decided >> back & 1)
            return !(f->dropped >> back & 1);
        return f->needed >> back & 1 ? 1 : -1;
    }
    for (unsigned i = 0; i < LAYER_UNITS_KEPT; i++)
        if (f->units[i].timestamp == timestamp && (f->units[i].decided >> facts->spatial & 1))
            return f->units[i].sent >> facts->spatial & 1;
    return -1;
}

struct layer_verdict layer_filter_take_late(struct layer_filter *f, const struct layer_facts *facts,
                                            uint32_t timestamp, struct layer_tops tops) {
    int decided = decided_before(f, facts, timestamp);
    struct layer_facts seen = *facts;
    if (f->engine == LAYER_ENGINE_NUMBERS && f->layers == 0) // nothing is left out for that then
        seen.flags &= (uint8_t)~LAYER_ASIDE;
    bool sends = decided >= 0 ? decided : layer_tops_have(tops, &seen);
    return (struct layer_verdict){.sends = sends, .marker = sends && layer_tops_end(tops, facts)};
}

bool layer_filter_is_idle(const struct layer_filter *f, const struct dd_reader *reader) {
    if (f->want_spatial >= 0 || f->want_temporal >= 0)
        return false;
    if (f->engine == LAYER_ENGINE_TARGETS && reader)
        return f->target == LAYER_TARGET_ALL || (reader->structure.whole >> f->target & 1);
    return f->synced == LAYER_SYNC_ALL && f->layers <= 1;
}

bool layer_filter_needs_key(const struct layer_filter *f, const struct dd_reader *reader,
                            uint8_t spatial_layers) {
    if (f->broken)
        return true;
    if (f->engine == LAYER_ENGINE_TARGETS) {
        if (!reader || reader->structure.generation != f->structure || f->target == LAYER_TARGET_ALL)
            return false;
        const struct dd_structure *s = &reader->structure;
        unsigned goal = dd_best_target(s, reader->active, f->want_spatial, f->want_temporal);
        return s->target_spatial[goal] != f->spatial && !(s->within[f->target] >> goal & 1);
    }
    uint8_t wanted = spatial_wanted(f);
    if (wanted == LAYER_TOP_ALL || f->spatial == LAYER_TOP_ALL)
        return false;
    if (spatial_layers > 0 && wanted >= spatial_layers)
        wanted = spatial_layers - 1;
    return f->spatial < wanted || (f->spatial > wanted && f->aside_dropped);
}

bool layer_filter_lacks_temporal(const struct layer_filter *f, const struct dd_reader *reader,
                                 uint8_t temporal_layers) {
    if (f->engine != LAYER_ENGINE_TARGETS)
        return temporal_layers > 0 && f->temporal < temporal_layers - 1 && f->temporal < temporal_wanted(f);
    if (!reader || reader->structure.generation != f->structure || f->target == LAYER_TARGET_ALL)
        return false;
    unsigned goal = dd_best_target(&reader->structure, reader->active, f->want_spatial, f->want_temporal);
    return reader->structure.target_temporal[goal] > f->temporal;
}

struct layer_tops layer_filter_tops(const struct layer_filter *f) {
    bool all = !f->on || (f->engine == LAYER_ENGINE_TARGETS && f->target == LAYER_TARGET_ALL);
    if (all)
        return (struct layer_tops){LAYER_TOP_ALL, LAYER_TOP_ALL};
    return (struct layer_tops){.spatial = f->spatial, .temporal = f->temporal};
}

bool layer_tops_end(struct layer_tops tops, const struct layer_facts *facts) {
    return (facts->flags & LAYER_ENDS) && facts->spatial == tops.spatial;
}
