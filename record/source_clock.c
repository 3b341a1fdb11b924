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
