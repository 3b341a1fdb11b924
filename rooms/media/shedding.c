// What is left out of video while the worker has too much to do, and of whom.
//
// Consumers stand in an order: by priority, and among those of one priority spread so that each receiver and
// each producer has its share in every part of it. A level takes everybody before a certain place; where that
// is follows from how many there are of each priority when the level changes.
#include "rooms/media/media_objects.h"
#include "rooms/media/overload.h"

#include <assert.h>

#define PRIORITIES 256
#define ORDERS UINT32_C(65536) // places among those of one priority
#define SHARES (OVERLOAD_LEVEL_MAX / 2)
#define EVERYBODY UINT32_MAX

// The fractional parts of multiples of the golden ratio: those of any run of neighbours lie evenly apart, and
// a receiver opens its consumers in a row.
#define GOLDEN_RATIO UINT32_C(0x9e3779b9)

void consumer_shed_init(struct consumer *c) {
    c->shed_order = (uint16_t)((c->fw->consumers_opened++ * GOLDEN_RATIO) >> 16);
}

static bool consumer_may_shed(const struct consumer *c) {
    return c->params.kind == MEDIA_VIDEO;
}

static bool consumer_stands_before(const struct consumer *c, uint32_t place) {
    return c->priority * ORDERS + c->shed_order < place;
}

enum shed_state consumer_shed_wanted(const struct consumer *c) {
    const struct forwarder *fw = c->fw;
    if (!consumer_may_shed(c))
        return SHED_NOTHING;
    if (consumer_stands_before(c, fw->suspended_below))
        return SHED_ALL;
    if (consumer_stands_before(c, fw->lowered_below))
        return c->producer->params.stream_count > 1 ? SHED_TO_LOWEST : SHED_ALL;
    return SHED_NOTHING;
}

void consumer_shed_set(struct consumer *c, enum shed_state state) {
    struct forwarder_counters *counters = &c->fw->counters;
    counters->shed_consumers += state != SHED_NOTHING;
    counters->shed_consumers -= c->shed != SHED_NOTHING;
    c->shed = (uint8_t)state;
}

int8_t consumer_ceiling(const struct consumer *c) {
    return c->shed == SHED_TO_LOWEST ? 0 : c->ceiling;
}

// The place before which `share` of SHARES stand.
static uint32_t shed_place(const uint32_t count[PRIORITIES], uint32_t all, unsigned share) {
    if (share == 0)
        return 0;
    if (share == SHARES)
        return EVERYBODY;
    uint64_t before = ((uint64_t)all * share + SHARES / 2) / SHARES;
    unsigned priority = 0;
    for (; priority < PRIORITIES && before >= count[priority]; priority++)
        before -= count[priority];
    if (priority == PRIORITIES)
        return EVERYBODY;
    return priority * ORDERS + (uint32_t)(before * ORDERS / count[priority]);
}

void forwarder_shed(struct forwarder *fw, unsigned level, uint64_t now_us) {
    assert(level <= OVERLOAD_LEVEL_MAX);
    forwarder_flush(fw);
    uint32_t count[PRIORITIES] = {0}, all = 0, cursor = 0;
    for (const struct consumer *c; (c = slots_next(fw->consumers, &cursor));)
        if (consumer_may_shed(c) && !c->paused && endpoint_sends(c->endpoint)) {
            count[c->priority]++;
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
