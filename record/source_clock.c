#include "record/source_clock.h"

static void begin(struct source_clock *clock, int64_t offset_us, int64_t now_us) {
    *clock = (struct source_clock){.known = true,
                                   .offset_us = offset_us,
                                   .window_least_us = offset_us,
                                   .window_ends_us = now_us + SOURCE_CLOCK_WINDOW_US};
}

void source_clock_note(struct source_clock *clock, int64_t theirs_us, int64_t now_us) {
    int64_t offset_us = now_us - theirs_us;
    int64_t away_us =
        offset_us > clock->offset_us ? offset_us - clock->offset_us : clock->offset_us - offset_us;
    if (!clock->known || away_us > SOURCE_CLOCK_NEW_US) {
        begin(clock, offset_us, now_us);
        return;
    }
    if (offset_us < clock->window_least_us)
        clock->window_least_us = offset_us;
    if (now_us < clock->window_ends_us)
        return;
    int64_t step_us = clock->window_least_us - clock->offset_us;
    if (step_us > SOURCE_CLOCK_STEP_US)
        step_us = SOURCE_CLOCK_STEP_US;
    if (step_us < -SOURCE_CLOCK_STEP_US)
        step_us = -SOURCE_CLOCK_STEP_US;
    clock->offset_us += step_us;
    clock->window_least_us = offset_us;
    clock->window_ends_us = now_us + SOURCE_CLOCK_WINDOW_US;
}

int64_t source_clock_ours_us(const struct source_clock *clock, int64_t theirs_us) {
    return theirs_us + clock->offset_us;
}

void report_clock_note(struct report_clock *clock, int64_t stream_us, int64_t theirs_us) {
    int64_t offset_us = theirs_us - stream_us, more_us = offset_us - clock->offset_us;
    if (!clock->known || more_us >= REPORT_JUMP_US || more_us <= -REPORT_JUMP_US) {
        *clock = (struct report_clock){.known = true,
                                       .offset_us = offset_us,
                                       .window_least_us = INT64_MAX,
                                       .window_ends_us = theirs_us + REPORT_WINDOW_US};
        return;
    }
    if (more_us < 0)
        clock->offset_us += more_us > -REPORT_STEP_US ? more_us : -REPORT_STEP_US;
    if (offset_us < clock->window_least_us)
        clock->window_least_us = offset_us;
    if (theirs_us < clock->window_ends_us)
        return;
    if (clock->window_least_us > clock->offset_us)
        clock->offset_us = clock->window_least_us;
    clock->window_least_us = INT64_MAX;
    clock->window_ends_us = theirs_us + REPORT_WINDOW_US;
}
