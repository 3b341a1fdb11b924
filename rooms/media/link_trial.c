#include "rooms/media/link_trial.h"

#include "base/clock.h"

bool link_trial_is_empty(const struct bandwidth_state *state) {
    return state->queue_us <= TRIAL_QUEUE_US + state->noise_us;
}

static uint64_t trial_longer_us(const struct bandwidth_state *state) {
    uint64_t longer_us = (uint64_t)state->noise_us * TRIAL_NOISE;
    return longer_us < TRIAL_LONGER_MAX_US ? longer_us : TRIAL_LONGER_MAX_US;
}

uint64_t link_trial_room_bps(const struct bandwidth_state *state, uint64_t needed_bps) {
    uint64_t told_us = TRIAL_QUEUE_US + (uint64_t)state->noise_us;
    uint64_t told_bps = needed_bps * told_us / (TRIAL_US + trial_longer_us(state));
    uint64_t frames_bps = needed_bps * TRIAL_ROOM_PERMILLE / 1000;
    return told_bps + (frames_bps > TRIAL_ROOM_BPS ? frames_bps : TRIAL_ROOM_BPS);
}

void link_trial_begin(struct link_trial *t, uint32_t rate_bps, const struct bandwidth_state *state,
                      uint64_t sent_bytes, uint64_t now_us) {
    *t = (struct link_trial){.rate_bps = rate_bps,
                             .begun_us = now_us,
                             .asked_us = now_us,
                             .begun_bytes = sent_bytes,
                             .loss = state->loss};
}

void link_trial_end(struct link_trial *t) {
    *t = (struct link_trial){0};
}

void link_trial_forget(struct link_trial *t) {
    t->shown_bps = 0;
}

uint32_t link_trial_bytes(struct link_trial *t, uint64_t sent_bytes, uint64_t now_us) {
    if (t->rate_bps == 0)
        return 0;
    uint64_t due = (uint64_t)t->rate_bps * (now_us - t->asked_us) / 8 / US_PER_SECOND;
    uint64_t sent = sent_bytes - t->begun_bytes;
    if (due <= sent)
        return 0; // a frame is ahead of its time
    uint64_t missing = due - sent;
    if (missing <= TRIAL_STEP_BYTES)
        return (uint32_t)missing;
    t->asked_us = now_us; // from here on anew
    t->begun_bytes = sent_bytes + TRIAL_STEP_BYTES;
    return TRIAL_STEP_BYTES;
}

enum link_trial_verdict link_trial_judge(struct link_trial *t, const struct bandwidth_state *state,
                                         uint64_t now_us) {
    if (t->rate_bps == 0)
        return TRIAL_NONE;
    uint64_t longer_us = trial_longer_us(state);
    bool over = now_us >= t->begun_us + TRIAL_TOLD_US + longer_us;
    if (state->stalled) { // it says nothing, and may be tried again
        *t = over ? (struct link_trial){0} : *t;
        return over ? TRIAL_NONE : TRIAL_RUNS;
    }
    if (state->queue_us >= TRIAL_STANDS_US + state->noise_us * TRIAL_STANDS_NOISE_PERCENT / 100 ||
        state->loss > t->loss + TRIAL_LOSS) {
        *t = (struct link_trial){0};
        return TRIAL_REFUTED;
    }
    if (now_us < t->begun_us + TRIAL_US + longer_us)
        return TRIAL_RUNS;
    if (link_trial_is_empty(state) &&
        (uint64_t)state->acked_bps * 100 >= (uint64_t)t->rate_bps * TRIAL_SHOWN_PERCENT) {
        *t = (struct link_trial){.shown_bps = t->rate_bps, .shown_us = now_us};
        return TRIAL_CARRIED;
    }
    if (!over)
        return TRIAL_RUNS;
    *t = (struct link_trial){0};
    return TRIAL_REFUTED;
}

uint32_t link_trial_shown_bps(const struct link_trial *t, uint64_t now_us) {
    return t->shown_bps && now_us < t->shown_us + TRIAL_SHOWN_US ? t->shown_bps : 0;
}
