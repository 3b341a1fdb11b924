#include "base/wheel.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

void wheel_init(struct wheel *wheel, uint64_t now_us) {
    wheel->tick = now_us / WHEEL_TICK_US;
    wheel->armed = 0;
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    for (unsigned i = 0; i < WHEEL_TURNS; i++)
        list_init(&wheel->turns[i]);
    memset(wheel->occupied, 0, sizeof wheel->occupied);
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

// `tick` may lie in the past of wheel->tick while an advance is under way.
static void wheel_place(struct wheel *wheel, struct wheel_node *node, uint64_t tick) {
    if (tick >= wheel->tick + WHEEL_SLOTS) {
        uint64_t turn = tick / WHEEL_SLOTS, last = wheel->tick / WHEEL_SLOTS + WHEEL_TURNS - 1;
        list_push_back(&wheel->turns[(turn < last ? turn : last) % WHEEL_TURNS], &node->link);
        return;
    }
    unsigned slot = tick % WHEEL_SLOTS;
    list_push_back(&wheel->slots[slot], &node->link);
    wheel->occupied[slot / 64] |= UINT64_C(1) << slot % 64;
}

static uint64_t wheel_tick_of(uint64_t due_us) {
    return (due_us + WHEEL_TICK_US - 1) / WHEEL_TICK_US;
}

void wheel_arm(struct wheel *wheel, struct wheel_node *node, uint64_t due_us) {
    assert(node->fire);
    wheel_cancel(wheel, node);
    if (due_us == TIME_NEVER)
        return;
    uint64_t tick = wheel_tick_of(due_us);
    node->due_us = due_us;
    wheel_place(wheel, node, tick < wheel->tick ? wheel->tick : tick);
    wheel->armed++;
}

// The turns that have begun since `before`: what they hold goes to its slots, or further ahead.
static void wheel_begin_turns(struct wheel *wheel, uint64_t before) {
    uint64_t turn = before / WHEEL_SLOTS, now = wheel->tick / WHEEL_SLOTS;
    if (now - turn > WHEEL_TURNS)
        turn = now - WHEEL_TURNS;
    while (turn++ < now) {
        struct list batch;
        list_init(&batch);
        LIST_EACH(link, &wheel->turns[turn % WHEEL_TURNS]) {
            list_remove(link);
            list_push_back(&batch, link);
        }
        LIST_EACH(moved, &batch) {
            list_remove(moved);
            struct wheel_node *node = LIST_ENTRY(moved, struct wheel_node, link);
            wheel_place(wheel, node, wheel_tick_of(node->due_us));
        }
    }
}

// Fires the nodes of one slot that are due; what stays is of the next turn.
static void wheel_fire_slot(struct wheel *wheel, unsigned index, uint64_t now_us) {
    struct list *slot = &wheel->slots[index];
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
    if (list_empty(slot))
        wheel->occupied[index / 64] &= ~(UINT64_C(1) << index % 64);
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
    uint64_t before = wheel->tick;
    wheel->tick = last + 1;
    wheel_begin_turns(wheel, before);
    for (uint64_t tick = first; tick <= last && wheel->armed > 0; tick++)
        if (wheel->occupied[tick % WHEEL_SLOTS / 64] >> tick % 64 & 1)
            wheel_fire_slot(wheel, tick % WHEEL_SLOTS, now_us);
}

// The first tick before `end` whose slot holds something; `end` when none does.
static uint64_t wheel_next_slot(const struct wheel *wheel, uint64_t end) {
    for (uint64_t tick = wheel->tick; tick < end;) {
        uint64_t word = wheel->occupied[tick % WHEEL_SLOTS / 64] >> tick % 64;
        if (word == 0) {
            tick += 64 - tick % 64;
            continue;
        }
        tick += (unsigned)__builtin_ctzll(word);
        if (tick < end && !list_empty(&wheel->slots[tick % WHEEL_SLOTS]))
            return tick;
        tick++;
    }
    return end;
}

// The tick that begins the first later turn before `end` that holds something; `end` when none does.
static uint64_t wheel_next_turn(const struct wheel *wheel, uint64_t end) {
    uint64_t now = wheel->tick / WHEEL_SLOTS;
    for (uint64_t turn = now + 1; turn < now + WHEEL_TURNS && turn * WHEEL_SLOTS < end; turn++)
        if (!list_empty(&wheel->turns[turn % WHEEL_TURNS]))
            return turn * WHEEL_SLOTS;
    return end;
}

uint64_t wheel_next_us(const struct wheel *wheel, uint64_t now_us, uint64_t horizon_us) {
    if (wheel->armed == 0)
        return TIME_NEVER;
    if (horizon_us > WHEEL_HORIZON_MAX_US)
        horizon_us = WHEEL_HORIZON_MAX_US;
    // From what has not been handled yet, however long ago the last advance was.
    uint64_t end = wheel_next_turn(wheel, (now_us + horizon_us) / WHEEL_TICK_US + 1);
    uint64_t slots_end = wheel->tick + WHEEL_SLOTS, last = end < slots_end ? end : slots_end;
    uint64_t tick = wheel_next_slot(wheel, last);
    uint64_t next_us = (tick < last ? tick : end) * WHEEL_TICK_US, horizon = now_us + horizon_us;
    return next_us <= now_us ? now_us : next_us < horizon ? next_us : horizon;
}
