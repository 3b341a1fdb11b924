#include "rooms/media/allocator.h"

#include "rooms/media_msg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NOTHING (-1)

struct allocator {
    struct allocator_entry *entries;
    uint16_t *order; // best first
    unsigned count, cap;
    uint64_t try_bps;
};

struct allocator *allocator_create(void) {
    return calloc(1, sizeof(struct allocator));
}

void allocator_destroy(struct allocator *a) {
    if (!a)
        return;
    free(a->entries);
    free(a->order);
    free(a);
}

bool allocator_reserve(struct allocator *a, unsigned count) {
    if (count <= a->cap)
        return true;
    if (count > UINT16_MAX)
        return false;
    unsigned cap = a->cap ? a->cap : 16;
    while (cap < count)
        cap *= 2;
    struct allocator_entry *entries = realloc(a->entries, cap * sizeof *entries);
    a->entries = entries ? entries : a->entries;
    uint16_t *order = entries ? realloc(a->order, cap * sizeof *order) : NULL;
    if (!order)
        return false;
    a->order = order;
    a->cap = cap;
    return true;
}

void allocator_begin(struct allocator *a) {
    a->count = 0;
}

struct allocator_entry *allocator_add(struct allocator *a) {
    if (a->count == a->cap)
        return NULL;
    struct allocator_entry *e = &a->entries[a->count++];
    memset(e, 0, sizeof *e);
    return e;
}

unsigned allocator_count(const struct allocator *a) {
    return a->count;
}

const struct allocator_entry *allocator_at(const struct allocator *a, unsigned i) {
    assert(i < a->count);
    return &a->entries[i];
}

static uint64_t percent(uint64_t value, unsigned percent) {
    return value * percent / 100;
}

// ---- steps

static int highest_alive(const struct allocator_entry *e, int spatial) {
    for (int t = ALLOCATOR_TEMPORAL_MAX - 1; t >= 0; t--)
        if (e->layer_bps[spatial][t] > 0)
            return t;
    return NOTHING;
}

static void step_add(struct allocator_entry *e, int spatial, int temporal) {
    uint32_t bps = e->layer_bps[spatial][temporal];
    if (bps == 0)
        return;
    // What costs as much and shows less is never worth it.
    while (e->step_count > 0 && e->steps[e->step_count - 1].bps >= bps)
        e->step_count--;
    e->steps[e->step_count++] =
        (struct allocator_step){.bps = bps, .spatial = (int8_t)spatial, .temporal = (int8_t)temporal};
}

// Of a camera a larger picture is worth half of the frames, not more; of a screen, all but the fewest.
static void steps_of_spatial(struct allocator_entry *e, int spatial, int top, bool first) {
    int from = first || e->screen || top < 1 ? 0 : top - 1;
    int wish = e->temporal_wish, last = wish == LAYER_NONE || wish > top ? top : wish;
    if (from > last)
        from = last; // fewer frames are what its receiver wants
    for (int t = from; t <= last; t++)
        step_add(e, spatial, t);
}

static void steps_make(struct allocator_entry *e) {
    int wish = e->spatial_wish;
    for (int s = 0; s < ALLOCATOR_SPATIAL_MAX; s++) {
        int top = highest_alive(e, s);
        if (top == NOTHING || (wish != LAYER_NONE && s > wish && e->step_count > 0))
            continue;
        steps_of_spatial(e, s, top, e->step_count == 0);
    }
}

static uint64_t step_bps(const struct allocator_entry *e, int step) {
    return step < 0 ? 0 : e->steps[step].bps;
}

// The highest step that its own ceiling lets it have.
static int step_most(const struct allocator_entry *e) {
    int most = e->step_count - 1;
    bool has = e->memory.known && !e->memory.has.off;
    for (; most >= 0 && e->max_bps; most--) {
        bool keeps = has && most == e->now;
        if (e->steps[most].bps <= (keeps ? percent(e->max_bps, ALLOCATOR_KEEP_PERCENT) : e->max_bps))
            break;
    }
    return most;
}

// Where what it has stands among the steps that there are now.
static int step_of(const struct allocator_entry *e, const struct allotment *has) {
    int at = NOTHING;
    for (int i = 0; i < e->step_count && !has->off; i++) {
        const struct allocator_step *s = &e->steps[i];
        bool within =
            has->spatial == LAYER_NONE || s->spatial < has->spatial ||
            (s->spatial == has->spatial && (has->temporal == LAYER_NONE || s->temporal <= has->temporal));
        at = i == 0 || within ? i : at;
    }
    return at;
}

// ---- order

static unsigned tile_of(const struct allocator_entry *e) {
    int wish = e->spatial_wish;
    return wish == LAYER_NONE || wish >= ALLOCATOR_SPATIAL_MAX ? ALLOCATOR_SPATIAL_MAX - 1 : (unsigned)wish;
}

// A tile larger than the largest picture that there is counts as that.
static uint32_t rank_of(const struct allocator_entry *e) {
    unsigned tile = tile_of(e);
    unsigned top = e->step_count ? (unsigned)e->steps[e->step_count - 1].spatial : 0;
    return (uint32_t)e->priority << 8 | (uint32_t)e->screen << 4 | (tile < top ? tile : top);
}

static void order_make(struct allocator *a) {
    static const unsigned gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1}; // Ciura's, for Shell's sort
    for (unsigned i = 0; i < a->count; i++)
        a->order[i] = (uint16_t)i;
    for (unsigned g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (unsigned i = gaps[g]; i < a->count; i++) {
            uint16_t moved = a->order[i];
            unsigned at = i;
            for (; at >= gaps[g]; at -= gaps[g]) {
                uint16_t other = a->order[at - gaps[g]];
                uint32_t rank = a->entries[moved].rank, other_rank = a->entries[other].rank;
                if (other_rank > rank || (other_rank == rank && other < moved))
                    break;
                a->order[at] = other;
            }
            a->order[at] = moved;
        }
}

static struct allocator_entry *ordered(const struct allocator *a, unsigned i) {
    return &a->entries[a->order[i]];
}

// Where the equals of the one at `from` end.
static unsigned group_end(const struct allocator *a, unsigned from) {
    unsigned end = from + 1;
    while (end < a->count && ordered(a, end)->rank == ordered(a, from)->rank)
        end++;
    return end;
}

// ---- filling

// One step up for those of a group that are just below it: first who has it already, so that among equals
// nobody's place depends on who sends a little less just now.
static void fill_step(struct allocator *a, unsigned from, unsigned end, int step, uint64_t *left_bps) {
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = from; i < end; i++) {
            struct allocator_entry *e = ordered(a, i);
            bool first = e->now >= step;
            if (first != (pass == 0) || e->goal != step - 1 || step > step_most(e))
                continue;
            uint64_t more = step_bps(e, step) - step_bps(e, step - 1);
            if (more > *left_bps)
                continue;
            *left_bps -= more;
            e->goal = (int8_t)step;
        }
}

// It has had it until just now; what is short may be over in a moment, and a picture that goes is missed.
static bool entry_lingers(struct allocator_entry *e, uint64_t now_us) {
    struct allocator_memory *m = &e->memory;
    if (e->now < 0 || !m->known)
        return false;
    if (m->short_us == 0)
        m->short_us = now_us;
    return now_us - m->short_us < ALLOCATOR_OFF_US;
}

// The lowest layers of a group. The cheap ones first: one dear picture must not cost many others theirs.
static void fill_lowest(struct allocator *a, unsigned from, unsigned end, bool surely, uint64_t *left_bps,
                        uint64_t now_us) {
    uint64_t each = *left_bps / (end - from);
    for (int pass = 0; pass < 2; pass++)
        for (unsigned i = from; i < end; i++) {
            struct allocator_entry *e = ordered(a, i);
            uint64_t bps = step_bps(e, 0);
            if (step_most(e) < 0 || e->goal != NOTHING || (bps <= each) != (pass == 0))
                continue;
            if (bps <= *left_bps)
                e->memory.short_us = 0;
            else if (!surely && !entry_lingers(e, now_us))
                continue;
            *left_bps -= bps < *left_bps ? bps : *left_bps;
            e->goal = 0;
        }
}

static void fill(struct allocator *a, uint64_t bps, bool surely, uint64_t now_us) {
    for (unsigned i = 0; i < a->count; i++)
        a->entries[i].goal = NOTHING;
    for (unsigned from = 0, end; from < a->count; from = end) {
        end = group_end(a, from);
        fill_lowest(a, from, end, surely, &bps, now_us);
    }
    for (unsigned from = 0, end; from < a->count; from = end) {
        end = group_end(a, from);
        for (int step = 1; step < ALLOCATOR_STEPS_MAX; step++)
            fill_step(a, from, end, step, &bps);
    }
}

// ---- from what everybody has to what everybody should have

static uint64_t sum_now(const struct allocator *a) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < a->count; i++)
        sum += step_bps(&a->entries[i], a->entries[i].now);
    return sum;
}

static void entry_take(struct allocator_entry *e, uint32_t have_bps, uint64_t now_us) {
    struct allocator_memory *m = &e->memory;
    uint64_t since_us = now_us - m->raised_us;
    // Later, with less than half of what there was, it is the link that has changed.
    bool failed = m->raised_us != 0 && (since_us < ALLOCATOR_FAILED_AT_ONCE_US ||
                                        (since_us < ALLOCATOR_FAILED_US && have_bps > m->raised_bps / 2));
    uint32_t wait_us = m->wait_us > ALLOCATOR_RAISE_US ? m->wait_us : ALLOCATOR_RAISE_US;
    if (failed)
        wait_us = m->wait_us >= ALLOCATOR_RAISE_FAILED_US ? 2 * m->wait_us : ALLOCATOR_RAISE_FAILED_US;
    m->wait_us = wait_us < ALLOCATOR_RAISE_MAX_US ? wait_us : ALLOCATOR_RAISE_MAX_US;
    if (failed) {
        m->failed = true;
        m->failed_step_bps = m->raised_step_bps; // as measured before the key frame of the change
        m->basis_bps = m->raised_bps;
    } else if (m->wait_us <= ALLOCATOR_RAISE_US) { // else it is still what failed
        m->basis_bps = have_bps;
    }
    m->room_us = m->raised_us = 0; // it fails once
    e->now = e->goal;
}

static void take(struct allocator *a, uint32_t have_bps, uint64_t now_us) {
    for (unsigned i = 0; i < a->count; i++)
        if (a->entries[i].goal < a->entries[i].now)
            entry_take(&a->entries[i], have_bps, now_us);
        else
            a->entries[i].memory.room_us = 0;
}

// How far it may rise now: to where there has been room for long enough, and sooner to what is clearly less
// than what failed. `with_bps` would be in use with its next step, where others share the link; else 0.
static int entry_rise(struct allocator_entry *e, const struct allocator_link *link, uint64_t with_bps,
                      uint64_t have_bps, uint64_t now_us) {
    struct allocator_memory *m = &e->memory;
    if (e->goal <= e->now) {
        m->room_us = 0;
        return e->now;
    }
    if (m->room_us == 0)
        m->room_us = now_us;
    if (m->wait_us > 0 && have_bps > percent(m->basis_bps, ALLOCATOR_FORGIVE_PERCENT))
        m->wait_us = 0;
    if (with_bps && link->tries && with_bps <= link->shown_bps)
        return e->goal; // one of the others has just shown it
    bool due = with_bps && with_bps <= link->due_bps;
    uint32_t due_us = m->failed ? ALLOCATOR_RAISE_US : ALLOCATOR_RAISE_DUE_US;
    if (due && m->wait_us > due_us)
        m->wait_us = due_us;
    bool first = m->wait_us == 0 || (link->tries && m->wait_us <= ALLOCATOR_RAISE_US);
    uint32_t wait_us = first ? ALLOCATOR_RAISE_FIRST_US : m->wait_us;
    bool wishes = m->tile != e->spatial_wish || m->frames != e->temporal_wish;
    bool asked = m->known && wishes && wait_us <= ALLOCATOR_RAISE_US;
    if (asked || now_us - m->room_us >= wait_us)
        return e->goal;
    int lower = e->goal;
    while (lower > e->now && step_bps(e, lower) > percent(m->failed_step_bps, ALLOCATOR_LOWER_PERCENT))
        lower--;
    return wait_us > ALLOCATOR_RAISE_US && now_us - m->room_us >= ALLOCATOR_RAISE_US ? lower : e->now;
}

// Those who are to get less so that others, who come before them or have less, get more: the last ones first.
static void give_way(struct allocator *a, uint64_t most_bps) {
    uint64_t sum = sum_now(a);
    for (unsigned i = a->count; i-- > 0 && sum > most_bps;) {
        struct allocator_entry *e = ordered(a, i);
        if (e->goal >= e->now)
            continue;
        sum -= step_bps(e, e->now) - step_bps(e, e->goal);
        e->now = e->goal;
        e->memory.room_us = 0;
    }
}

// It was tried and did not come through: later again.
static void entry_refute(struct allocator_entry *e, uint8_t spread, uint64_t have_bps) {
    struct allocator_memory *m = &e->memory;
    bool again = m->wait_us >= ALLOCATOR_RAISE_REFUTED_US &&
                 m->tried_step_bps >= percent(m->failed_step_bps, ALLOCATOR_LOWER_PERCENT);
    uint32_t wait_us = again ? 2 * m->wait_us : ALLOCATOR_RAISE_REFUTED_US;
    wait_us = wait_us < ALLOCATOR_RAISE_MAX_US ? wait_us : ALLOCATOR_RAISE_MAX_US;
    m->wait_us = wait_us + wait_us / 512 * spread;
    m->failed_step_bps = m->tried_step_bps;
    m->basis_bps = (uint32_t)have_bps;
    m->room_us = 0;
}

// What failed did so on another link.
static void forgive(struct allocator *a, uint64_t have_bps) {
    for (unsigned i = 0; i < a->count; i++) {
        struct allocator_memory *m = &a->entries[i].memory;
        m->wait_us = m->failed_step_bps = 0;
        m->basis_bps = (uint32_t)have_bps;
    }
}

// Whatever the estimate has become meanwhile: where a queue stands, nobody is asked for more.
static void refute(struct allocator *a, const struct allocator_link *link, uint64_t have_bps) {
    for (unsigned i = 0; i < a->count; i++) {
        struct allocator_entry *e = &a->entries[i];
        if (link->refuted && e->memory.tried_step_bps > 0)
            entry_refute(e, link->spread, have_bps);
        if (link->refuted)
            e->memory.tried_step_bps = 0;
    }
}

// What may be in use after more is given.
static uint64_t most_of(const struct allocator_link *link, uint64_t have_bps) {
    uint64_t most_bps = percent(have_bps, ALLOCATOR_RAISE_PERCENT);
    return link->most_bps > 0 && link->most_bps < most_bps ? link->most_bps : most_bps;
}

// Whose turn it is where one step is given at a time: by their order, of equals who has least.
static const struct allocator_entry *single_of(struct allocator *a, const struct allocator_link *link,
                                               uint64_t have_bps, uint64_t now_us) {
    const struct allocator_entry *single = NULL;
    uint64_t sum = sum_now(a);
    for (unsigned i = 0; i < a->count; i++) {
        struct allocator_entry *e = ordered(a, i);
        uint64_t next_bps = sum + (e->now < step_most(e) ? step_bps(e, e->now + 1) - step_bps(e, e->now) : 0);
        if (entry_rise(e, link, next_bps, have_bps, now_us) <= e->now)
            continue;
        if (!single || (single->rank == e->rank && e->now < single->now))
            single = e;
    }
    return single;
}

static void give(struct allocator *a, const struct allocator_link *link, uint64_t have_bps, uint64_t now_us) {
    uint64_t most_bps = most_of(link, have_bps), sum = sum_now(a);
    bool given = false, singly = link->most_bps > 0;
    const struct allocator_entry *single = singly ? single_of(a, link, have_bps, now_us) : NULL;
    for (unsigned i = 0; i < a->count; i++) {
        struct allocator_entry *e = &a->entries[i];
        int step = singly ? (e == single ? e->now + 1 : e->now) : entry_rise(e, link, 0, have_bps, now_us);
        if (step <= e->now)
            continue;
        sum += step_bps(e, step) - step_bps(e, e->now);
        uint64_t use_bps = sum < most_bps ? sum : most_bps; // others give way
        if (link->tries && use_bps > link->shown_bps) {
            e->memory.tried_step_bps = (uint32_t)step_bps(e, step);
            a->try_bps = use_bps;
            continue;
        }
        e->now = (int8_t)step;
        e->memory.raised_step_bps = (uint32_t)step_bps(e, step);
        e->memory.tried_step_bps = 0;
        e->memory.room_us = 0;
        e->memory.raised_us = now_us;
        e->memory.failed = false;
        e->memory.raised_bps = (uint32_t)have_bps;
        if (e->memory.wait_us <= ALLOCATOR_RAISE_US || have_bps > e->memory.basis_bps)
            e->memory.basis_bps = (uint32_t)have_bps; // else something dearer has failed
        given = true;
    }
    if (given)
        give_way(a, most_bps);
}

static void entry_begin(struct allocator_entry *e) {
    steps_make(e);
    e->rank = rank_of(e);
    static const struct allotment first = {.spatial = 0, .temporal = LAYER_NONE};
    e->now = (int8_t)step_of(e, e->memory.known ? &e->memory.has : &first);
    int most = step_most(e);
    if (e->now > most)
        e->now = (int8_t)most;
}

static void entry_end(struct allocator_entry *e) {
    struct allocator_memory *m = &e->memory;
    if (e->step_count == 0) // nothing is known of it now: it keeps what it has, and begins with the lowest
        e->result = m->known ? m->has : (struct allotment){.spatial = 0, .temporal = LAYER_NONE};
    else if (e->now < 0)
        e->result = (struct allotment){.spatial = LAYER_NONE, .temporal = LAYER_NONE, .off = true};
    else
        e->result =
            (struct allotment){.spatial = e->steps[e->now].spatial, .temporal = e->steps[e->now].temporal};
    m->has = e->result;
    m->known |= e->step_count > 0;
    m->tile = e->spatial_wish;
    m->frames = e->temporal_wish;
}

// Too much is borne for a while when it is little.
static bool bears(const struct allocator_link *link, uint64_t sum, uint64_t have_bps, uint64_t now_us) {
    if (*link->over_us == 0)
        *link->over_us = now_us;
    uint64_t for_us = now_us - *link->over_us;
    if (link->congested) // by others, if there is as much as this
        return sum <= percent(have_bps, ALLOCATOR_KEEP_PERCENT) && for_us < ALLOCATOR_CONGESTED_US;
    return sum <= percent(have_bps, ALLOCATOR_DEEP_PERCENT) && for_us < ALLOCATOR_HOLD_US;
}

// What is beyond its part of a link that others share goes, and has not failed.
static void leave_to_others(struct allocator *a, const struct allocator_link *link, bool surely,
                            uint64_t now_us) {
    if (link->most_bps == 0 || sum_now(a) <= percent(link->most_bps, ALLOCATOR_KEEP_PERCENT))
        return;
    fill(a, link->most_bps, surely, now_us);
    give_way(a, link->most_bps);
}

void allocator_share(struct allocator *a, const struct allocator_link *link, uint64_t now_us) {
    uint32_t have_bps = link->estimate_bps > link->audio_bps ? link->estimate_bps - link->audio_bps : 0;
    bool surely = !link->proven && !link->congested;
    a->try_bps = 0;
    for (unsigned i = 0; i < a->count; i++)
        entry_begin(&a->entries[i]);
    order_make(a);
    refute(a, link, have_bps);
    if (link->renewed)
        forgive(a, have_bps);
    uint64_t sum = sum_now(a), drain_bps = percent(have_bps, ALLOCATOR_DRAIN_PERCENT);
    if (sum <= (link->congested ? drain_bps : percent(have_bps, ALLOCATOR_KEEP_PERCENT))) {
        *link->over_us = 0;
        leave_to_others(a, link, surely, now_us);
        fill(a, most_of(link, have_bps), surely, now_us);
        if (!link->congested)
            give(a, link, have_bps, now_us);
    } else if (!bears(link, sum, have_bps, now_us)) {
        fill(a, link->congested ? drain_bps : have_bps, surely, now_us);
        take(a, have_bps, now_us);
    }
    for (unsigned i = 0; i < a->count; i++)
        entry_end(&a->entries[i]);
}

uint64_t allocator_granted_bps(const struct allocator *a) {
    return sum_now(a);
}

uint64_t allocator_try_bps(const struct allocator *a) {
    return a->try_bps;
}

uint64_t allocator_next_bps(const struct allocator *a) {
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < a->count; i++) {
        const struct allocator_entry *e = &a->entries[i];
        uint64_t more = e->now < step_most(e) ? step_bps(e, e->now + 1) - step_bps(e, e->now) : UINT64_MAX;
        least = more < least ? more : least;
    }
    return least == UINT64_MAX ? 0 : sum_now(a) + least;
}

uint64_t allocator_demand_bps(const struct allocator *a) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < a->count; i++)
        sum += step_bps(&a->entries[i], step_most(&a->entries[i]));
    return sum;
}
