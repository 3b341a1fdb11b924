#include "rooms/media/overload.h"

#include <assert.h>

#define SPARE_FULL 50   // thousandths of a window: less is full
#define SPARE_ROOMY 200 // more, and somebody may come back
#define SPARE_HALF 500  // and it may be two levels at a time
#define SPARE_MORE 200  // more than at the last attempt: something has changed
#define FULL_WINDOWS 2  // in a row, before anything is shed
#define STEP_MAX 8

void overload_init(struct overload *o, uint64_t now_us) {
    *o = (struct overload){.window_us = now_us, .changed_us = now_us, .wait_us = OVERLOAD_WAIT_MIN_US};
}

static void overload_set(struct overload *o, unsigned level, uint64_t now_us) {
    assert(level <= OVERLOAD_LEVEL_MAX && level != o->level);
    o->level = level;
    o->changed_us = now_us;
}

// So many full windows in a row are too much.
static unsigned overload_patience(const struct overload *o) {
    unsigned windows = FULL_WINDOWS + 2 * o->starved_windows;
    if (o->lost)
        return FULL_WINDOWS;
    return windows < OVERLOAD_STARVED_WINDOWS ? windows : OVERLOAD_STARVED_WINDOWS;
}

// It was full at this level.
static void overload_note_full(struct overload *o, uint64_t now_us) {
    bool again = o->trying && o->level < o->full_below; // what was tried ended as before
    if (again)
        o->wait_us = 2 * o->wait_us < OVERLOAD_WAIT_MAX_US ? 2 * o->wait_us : OVERLOAD_WAIT_MAX_US;
    o->try_us = now_us + o->wait_us;
    if (o->trying || o->full_windows == overload_patience(o)) // later ones may be full of what has gathered
        o->full_below = o->level + 1;
}

static unsigned overload_step(const struct overload *o) {
    if (o->lost && o->level == 0)
        return STEP_MAX;
    unsigned step = o->lost ? 4 : 2;
    for (unsigned i = overload_patience(o); i < o->full_windows && step < STEP_MAX; i++)
        step *= 2;
    return step;
}

static void overload_rise(struct overload *o, uint64_t now_us) {
    bool failed = o->trying && o->lost;
    if (now_us < o->drained_us && !failed)
        return;
    if (++o->full_windows < overload_patience(o) && !failed)
        return;
    unsigned level = o->level + overload_step(o);
    overload_note_full(o, now_us);
    if (o->trying) { // back to where it was not full
        o->trying = false;
        o->full_windows = o->starved_windows = 0;
        o->drained_us = now_us + OVERLOAD_DRAIN_US;
        level = o->fell_from;
    }
    level = level < OVERLOAD_LEVEL_MAX ? level : OVERLOAD_LEVEL_MAX;
    if (level != o->level)
        overload_set(o, level, now_us);
}

static void overload_fall(struct overload *o, uint64_t now_us) {
    uint64_t since_us = o->roomy_us > o->changed_us ? o->roomy_us : o->changed_us;
    if (o->level == 0 || now_us - since_us < OVERLOAD_STEP_DOWN_US)
        return;
    bool was_full = o->level <= o->full_below;
    bool changed = o->spare >= o->spare_at_try + SPARE_MORE;
    if (was_full && now_us < o->try_us && !changed)
        return;
    if (was_full)
        o->spare_at_try = o->spare;
    unsigned step = 1;
    if (o->level >= o->full_below + 2 && o->spare >= SPARE_HALF) // far from where it was full
        step = o->level >= o->full_below + 4 && o->level > OVERLOAD_LEVEL_VIDEO / 2 ? 4 : 2;
    o->trying = true;
    o->fell_from = o->level;
    o->drained_us = now_us + OVERLOAD_GREET_US;
    overload_set(o, o->level - step, now_us);
}

static void overload_window(struct overload *o, uint64_t now_us) {
    uint64_t length_us = now_us - o->window_us;
    uint64_t busy_us = o->lost ? o->busy_us : o->busy_us - o->patient_us;
    assert(busy_us <= length_us);
    o->spare = (unsigned)((length_us - busy_us) * 1000 / length_us);
    if (o->trying && now_us - o->changed_us >= OVERLOAD_TRY_US) { // it holds
        o->trying = false;
        if (o->level < o->full_below)
            o->wait_us = OVERLOAD_WAIT_MIN_US;
        o->full_below = o->level < o->full_below ? o->level : o->full_below;
    }
    // Who loses packets and yet has time to spare does not get the core when it wants it.
    if (o->packets && o->spare < (o->lost ? SPARE_HALF : SPARE_FULL)) {
        o->roomy_us = 0;
        overload_rise(o, now_us);
        return;
    }
    o->full_windows = o->starved_windows = 0;
    if (o->spare < SPARE_ROOMY || o->lost) {
        o->roomy_us = 0;
        return;
    }
    if (o->roomy_us == 0)
        o->roomy_us = o->window_us;
    overload_fall(o, now_us);
}

static uint64_t overload_window_us(const struct overload *o) {
    bool quick = o->trying || o->full_windows >= FULL_WINDOWS;
    return quick ? OVERLOAD_QUICK_WINDOW_US : OVERLOAD_WINDOW_US;
}

bool overload_may_judge(const struct overload *o, uint64_t ended_us) {
    return ended_us >= o->window_us + overload_window_us(o);
}

// Others had the processor while it had something to do.
static bool overload_is_starved(const struct overload *o, const struct overload_turn *turn) {
    bool known = turn->cpu_us > 0 && o->cpu_us > 0 && turn->cpu_us >= o->cpu_us;
    return known && (turn->cpu_us - o->cpu_us) * 2 < turn->ended_us - o->ended_us;
}

bool overload_turn(struct overload *o, const struct overload_turn *turn) {
    assert(turn->began_us <= turn->ended_us);
    uint64_t most_us = 2 * o->turn_us > OVERLOAD_TURN_US ? 2 * o->turn_us : OVERLOAD_TURN_US;
    uint64_t turn_us = turn->ended_us - turn->began_us;
    if (turn->packets)
        o->turn_us = turn_us;
    if (turn_us > most_us) { // what is too much of it is taken out of the window
        o->window_us += turn_us - most_us;
        turn_us = most_us;
    }
    o->busy_us += turn_us;
    o->patient_us += turn->patient_us < turn_us ? turn->patient_us : turn_us;
    o->packets |= turn->packets;
    o->lost |= turn->lost;
    if (turn->ended_us < o->window_us + overload_window_us(o))
        return false;
    unsigned before = o->level;
    o->starved_windows += overload_is_starved(o, turn);
    overload_window(o, turn->ended_us);
    o->window_us = o->ended_us = turn->ended_us;
    o->cpu_us = turn->cpu_us;
    o->busy_us = o->patient_us = 0;
    o->packets = o->lost = false;
    return o->level != before;
}
