// wheel: a timing wheel with a second, coarser one behind it for what is due more than a second ahead.
// Arming, moving and cancelling a timer cost O(1); idle timers cost nothing until they are due, but for one
// move a minute. Resolution is WHEEL_TICK_US: a timer fires at the first advance at or after its deadline, at
// most one tick late.
//
// Nodes are embedded in their owners and must be cancelled before the owner is freed. One thread.
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"

#include <stdint.h>

#define WHEEL_TICK_US UINT64_C(1000)
#define WHEEL_SLOTS 1024 // power of two; ticks of a turn
#define WHEEL_TURNS 64   // that lie ahead; what is due later waits in the last of them

#define WHEEL_HORIZON_MAX_US ((WHEEL_TURNS - 1) * WHEEL_SLOTS * WHEEL_TICK_US)

struct wheel_node {
    struct list link;
    uint64_t due_us; // TIME_NEVER when not armed
    void (*fire)(struct wheel_node *node, uint64_t now_us);
};

struct wheel {
    uint64_t tick; // every tick before this one has been handled
    uint32_t armed;
    uint64_t occupied[WHEEL_SLOTS / 64]; // a bit for each slot: clear when it is surely empty
    struct list slots[WHEEL_SLOTS];
    struct list turns[WHEEL_TURNS]; // of later turns, in no order
};

void wheel_init(struct wheel *wheel, uint64_t now_us);
void wheel_node_init(struct wheel_node *node, void (*fire)(struct wheel_node *, uint64_t now_us));

// Arms the node for due_us, wherever it stood before; TIME_NEVER disarms it.
void wheel_arm(struct wheel *wheel, struct wheel_node *node, uint64_t due_us);
void wheel_cancel(struct wheel *wheel, struct wheel_node *node);

// Fires what is due at now_us. A callback may arm and cancel any node, itself included; what it arms for the
// past fires at the next advance.
void wheel_advance(struct wheel *wheel, uint64_t now_us);

// A moment at which to call wheel_advance next: not after the first deadline, TIME_NEVER when nothing is
// armed, else at most `horizon_us` (and WHEEL_HORIZON_MAX_US) ahead.
uint64_t wheel_next_us(const struct wheel *wheel, uint64_t now_us, uint64_t horizon_us);

#endif
