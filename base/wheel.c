#include "base/wheel.h"

#include "base/clock.h"

#include <assert.h>

void wheel_init(struct wheel *wheel, uint64_t now_us) {
    wheel->tick = now_us / WHEEL_TICK_US;
    wheel->armed = 0;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
}

void wheel_node_init(struct wheel_node *node, void (*fire)(struct wheel_node *, uint64_t now_us)) {
    list_init(&node->link);
    node->due_us = TIME_NEVER;
    node->fire = fire;
}

void wheel_cancel(struct wheel *wheel, struct wheel_node *node) {
    if (node->due_us == TIME_NEVER)
        return;
    assert(wheel->armed > 0);
    list_remove(&node->link);
    node->due_us = TIME_NEVER;
    wheel->armed--;
}

void wheel_arm(struct wheel *wheel, struct wheel_node *node, uint64_t due_us) {
    assert(node->fire);
    wheel_cancel(wheel, node);
    if (due_us == TIME_NEVER)
        return;
    uint64_t tick = (due_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;
    if (tick < wheel->tick)
        tick = wheel->tick;
    node->due_us = due_us;
    list_push_back(&wheel->slots[tick % WHEEL_SLOTS], &node->link);
    wheel->armed++;
}

// Fires the nodes of one slot that are due; those of later turns of the wheel stay.
static void wheel_fire_slot(struct wheel *wheel, struct list *slot, uint64_t now_us) {
    // What stands in the slot now is moved out first: callbacks may arm into the slot, or cancel any of
    // these.
    struct list batch;
    list_init(&batch);
    LIST_EACH(link, slot) {
        struct wheel_node *node = LIST_ENTRY(link, struct wheel_node, link);
        if (node->due_us <= now_us) {
            list_remove(link);
            list_push_back(&batch, link);
        }
    }
    while (!list_empty(&batch)) {
        struct wheel_node *node = LIST_ENTRY(batch.next, struct wheel_node, link);
        wheel_cancel(wheel, node);
        node->fire(node, now_us);
    }
}

void wheel_advance(struct wheel *wheel, uint64_t now_us) {
    uint64_t last = now_us / WHEEL_TICK_US;
    if (last < wheel->tick)
        return;
    uint64_t first = wheel->tick;
    if (last - first >= WHEEL_SLOTS)
        first = last - WHEEL_SLOTS + 1; // a whole turn visits every slot once
    wheel->tick = last + 1;
    for (uint64_t tick = first; tick <= last && wheel->armed > 0; tick++)
        wheel_fire_slot(wheel, &wheel->slots[tick % WHEEL_SLOTS], now_us);
}

uint64_t wheel_next_us(const struct wheel *wheel, uint64_t now_us, uint64_t horizon_us) {
    if (wheel->armed == 0)
        return TIME_NEVER;
    if (horizon_us > WHEEL_SLOTS * WHEEL_TICK_US)
        horizon_us = WHEEL_SLOTS * WHEEL_TICK_US;
    // From what has not been handled yet, however long ago the last advance was, up to the horizon.
    uint64_t last = (now_us + horizon_us) / WHEEL_TICK_US;
    uint64_t end = wheel->tick + WHEEL_SLOTS; // a whole turn sees every slot
    if (end > last + 1)
        end = last + 1;
    for (uint64_t tick = wheel->tick; tick < end; tick++)
        if (!list_empty(&wheel->slots[tick % WHEEL_SLOTS]))
            return tick * WHEEL_TICK_US > now_us ? tick * WHEEL_TICK_US : now_us;
    return now_us + horizon_us;
}
