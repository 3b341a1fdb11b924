#include "base/log_pace.h"

#include "base/clock.h"

#include <assert.h>

static _Atomic uint64_t all_left_out;

// Each line is due a line's time after the one before, and may come as much earlier as `at_once` of them
// take.
bool log_pace_take(struct log_pace *pace, struct log_pace_limit limit, uint64_t now_us, uint64_t *left_out) {
    assert(limit.at_once > 0 && limit.per_minute > 0);
    uint64_t line_us = 60 * US_PER_SECOND / limit.per_minute;
    uint64_t due_us = atomic_load(&pace->due_us), next_us;
    do {
        next_us = (due_us > now_us ? due_us : now_us) + line_us;
        if (next_us - now_us > limit.at_once * line_us) {
            atomic_fetch_add(&pace->left_out, 1);
            atomic_fetch_add(&all_left_out, 1);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&pace->due_us, &due_us, next_us));
    *left_out = atomic_exchange(&pace->left_out, 0);
    return true;
}

bool log_pace_take_now(struct log_pace *pace, struct log_pace_limit limit, uint64_t *left_out) {
    return log_pace_take(pace, limit, clock_now_us(), left_out);
}

uint64_t log_left_out(void) {
    return atomic_load(&all_left_out);
}
