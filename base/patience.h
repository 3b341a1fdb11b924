// patience: after a while in which the process did not run (it was stopped, swapped out, or on a machine that
// was paused), the clock says that everybody has been silent for that long, and what they sent meanwhile has
// not been read. Deadlines then wait for a moment, so that those who are there can be heard first.
//
// Plain data, zeroed at first; time as an argument.
#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

#include "base/clock.h"

#include <stdbool.h>

// Timers of a loop that runs are never that late, however busy it is.
#define PATIENCE_ASLEEP_US (3 * US_PER_SECOND)

struct patience {
    uint64_t awake_us; // since when it runs again; 0: it was never away
    uint64_t until_us; // deadlines wait until then
};

// A timer fires that was set for `due_us`, which was not over then. True: the process was away, and from now
// on it is patient for so long.
static inline bool patience_wake(struct patience *patience, uint64_t due_us, uint64_t now_us,
                                 uint64_t patience_us) {
    if (now_us < due_us || now_us - due_us < PATIENCE_ASLEEP_US)
        return false;
    *patience = (struct patience){.awake_us = now_us, .until_us = now_us + patience_us};
    return true;
}

// When a deadline may pass.
static inline uint64_t patience_extend(const struct patience *patience, uint64_t due_us) {
    return due_us < patience->until_us ? patience->until_us : due_us;
}

// Since when somebody who was heard at `heard_us` may be called silent.
static inline uint64_t patience_since(const struct patience *patience, uint64_t heard_us) {
    return heard_us < patience->awake_us ? patience->awake_us : heard_us;
}

#endif
