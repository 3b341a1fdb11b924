// What is left out of video while the worker has too much to do, and of whom.
//
// Consumers stand in an order: by priority; among those of one priority by what they cost, dearest first; and
// among those of about one cost spread so that each receiver and each producer has its share in every part of
// it. A level takes everybody before a certain place; where that is follows from how many there are of each
// kind when the level changes.
//
// What counts is the receiver's demand (what all its consumers would get if nothing were shed, sound
// included) or the producer's rate, whichever is dearer, against the one in the middle of all: ordinary
// differences do not count, and who takes many times what others take goes first.
#include "rooms/media/media_objects.h"
#include "rooms/media/overload.h"

#include <assert.h>

#define PRIORITIES 256
#define COST_CLASSES 4 // below 4 to 8 times the middle, then each four times dearer
#define COST_BUCKETS 64
#define GROUPS (PRIORITIES * COST_CLASSES)
#define ORDERS UINT32_C(65536) // places among those of one group
#define SHARES (OVERLOAD_LEVEL_MAX / 2)
#define EVERYBODY UINT32_MAX

// The fractional parts of multiples of the golden ratio: those of any run of neighbours lie evenly apart, and
// a receiver opens its consumers in a row.
#define GOLDEN_RATIO UINT32_C(0x9e3779b9)

// ---- cost

static unsigned cost_bucket(uint64_t cost) {
    return cost ? 63u - (unsigned)__builtin_clzll(cost) : 0;
}

// 0..COST_CLASSES - 1 against the bucket in the middle; 0: that is not known yet.
static unsigned cost_class(uint64_t cost, unsigned middle) {
    unsigned bucket = cost_bucket(cost), above = bucket > middle ? bucket - middle : 0, class = above / 2;
    if (middle == 0 || above < 3)
        return 0;
    return class < COST_CLASSES ? class : COST_CLASSES - 1;
}

static void consumer_rate_cost(struct consumer *c) {
    const struct forwarder *fw = c->fw;
    unsigned by_endpoint = cost_class(c->endpoint->demand, fw->endpoint_cost);
    unsigned by_producer = cost_class(c->producer->cost.a_second, fw->producer_cost);
    c->cost_class = (uint8_t)(by_endpoint > by_producer ? by_endpoint : by_producer);
}

static unsigned middle_of(const uint32_t count[COST_BUCKETS]) {
    uint32_t all = 0, below = 0;
    for (unsigned i = 0; i < COST_BUCKETS; i++)
        all += count[i];
    for (unsigned i = 0; i < COST_BUCKETS; i++)
        if ((below += count[i]) * 2 >= all && below > 0)
            return i;
    return COST_BUCKETS - 1; // nobody costs anything
}

static void forwarder_rate_costs(struct forwarder *fw) {
    uint32_t endpoints[COST_BUCKETS] = {0}, producers[COST_BUCKETS] = {0}, cursor = 0;
    for (struct endpoint *ep; (ep = slots_next(fw->endpoints, &cursor));) {
        ep->demand = 0;
        LIST_EACH(node, &ep->consumers) {
            const struct consumer *c = LIST_ENTRY(node, struct consumer, link);
            ep->demand += c->paused || !ep->connected ? 0 : c->producer->cost.a_second;
        }
        endpoints[cost_bucket(ep->demand)] += ep->demand > 0;
    }
    cursor = 0;
    for (const struct producer *p; (p = slots_next(fw->producers, &cursor));)
        producers[cost_bucket(p->cost.a_second)] += !producer_is_audio(p) && p->cost.a_second > 0;
    fw->endpoint_cost = middle_of(endpoints);
    fw->producer_cost = middle_of(producers);
    cursor = 0;
    for (struct consumer *c; (c = slots_next(fw->consumers, &cursor));)
        consumer_rate_cost(c);
}

// ---- order

void consumer_shed_init(struct consumer *c) {
    consumer_rate_cost(c);
    c->shed_order = (uint16_t)((c->fw->consumers_opened++ * GOLDEN_RATIO) >> 16);
}

static bool consumer_may_shed(const struct consumer *c) {
    return c->params.kind == MEDIA_VIDEO;
}

static unsigned consumer_group(const struct consumer *c) {
    return c->priority * COST_CLASSES + (COST_CLASSES - 1u - c->cost_class);
}

static bool consumer_stands_before(const struct consumer *c, uint32_t place) {
    return consumer_group(c) * ORDERS + c->shed_order < place;
}

enum shed_state consumer_shed_wanted(const struct consumer *c) {
    const struct forwarder *fw = c->fw;
    if (!consumer_may_shed(c))
        return SHED_NOTHING;
    if (consumer_stands_before(c, fw->suspended_below))
        return SHED_ALL;
    if (consumer_stands_before(c, fw->lowered_below))
        return c->producer->params.stream_count > 1 || c->producer->params.spatial_layers > 1 ? SHED_TO_LOWEST
                                                                                              : SHED_ALL;
    return SHED_NOTHING;
}

void consumer_shed_set(struct consumer *c, enum shed_state state) {
    struct forwarder_counters *counters = &c->fw->counters;
    counters->shed_consumers += state != SHED_NOTHING;
    counters->shed_consumers -= c->shed != SHED_NOTHING;
    c->shed = (uint8_t)state;
}

int8_t consumer_wish(const struct consumer *c) {
    return c->shed == SHED_TO_LOWEST ? 0 : c->ceiling;
}

bool consumer_would_show(const struct consumer *c) {
    return c->active || (c->allot_off && !c->paused && c->shed != SHED_ALL && endpoint_sends(c->endpoint));
}

int8_t consumer_ceiling(const struct consumer *c) {
    int8_t wish = consumer_wish(c);
    bool allotted = c->allot_spatial != LAYER_NONE && (wish == LAYER_NONE || c->allot_spatial < wish);
    return allotted ? c->allot_spatial : wish;
}

// The place before which `share` of SHARES stand.
static uint32_t shed_place(const uint32_t count[GROUPS], uint32_t all, unsigned share) {
    if (share == 0)
        return 0;
    if (share == SHARES)
        return EVERYBODY;
    uint64_t before = ((uint64_t)all * share + SHARES / 2) / SHARES;
    unsigned group = 0;
    for (; group < GROUPS && before >= count[group]; group++)
        before -= count[group];
    if (group == GROUPS)
        return EVERYBODY;
    return group * ORDERS + (uint32_t)(before * ORDERS / count[group]);
}

void forwarder_shed(struct forwarder *fw, unsigned level, uint64_t now_us) {
    assert(level <= OVERLOAD_LEVEL_MAX);
    forwarder_flush(fw);
    uint32_t count[GROUPS] = {0}, all = 0, cursor = 0;
    forwarder_rate_costs(fw);
    for (const struct consumer *c; (c = slots_next(fw->consumers, &cursor));)
        if (consumer_may_shed(c) && !c->paused && endpoint_sends(c->endpoint)) {
            count[consumer_group(c)]++;
            all++;
        }
    fw->lowered_below = shed_place(count, all, level < SHARES ? level : SHARES);
    fw->suspended_below = shed_place(count, all, level > SHARES ? level - SHARES : 0);
    fw->counters.shed_level = level;
    cursor = 0;
    for (struct consumer *c; (c = slots_next(fw->consumers, &cursor));)
        if (consumer_may_shed(c))
            consumer_update_active(c, now_us);
}
