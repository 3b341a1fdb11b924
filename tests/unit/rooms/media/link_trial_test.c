// How a link is tried before more is given over it.
#include "rooms/media/link_trial.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define START (100 * US_PER_SECOND)
#define RATE 1000000 // 125 bytes a millisecond

struct run {
    enum link_trial_verdict verdict;
    uint64_t us, bytes;
};

// A link that carries what is sent, until `at_us`, from where on the state is `then`.
static struct run run_trial(struct link_trial *trial, uint64_t media_bps, uint64_t at_us,
                            struct bandwidth_state then) {
    struct bandwidth_state now = {.acked_bps = RATE};
    struct run r = {.verdict = TRIAL_RUNS};
    uint64_t sent = 5000;
    link_trial_begin(trial, RATE, &now, sent, START);
    for (; r.verdict == TRIAL_RUNS && r.us < 5 * US_PER_SECOND; r.us += US_PER_MS) {
        sent += media_bps / 8000;
        uint32_t bytes = link_trial_bytes(trial, sent, START + r.us);
        assert_true(bytes <= TRIAL_STEP_BYTES);
        sent += bytes;
        r.bytes += bytes;
        r.verdict = link_trial_judge(trial, r.us >= at_us ? &then : &now, START + r.us);
    }
    return r;
}

static void fills_up_what_media_leaves(void **state) {
    (void)state;
    struct link_trial trial = {0};
    struct run r = run_trial(&trial, 600000, UINT64_MAX, (struct bandwidth_state){0});
    assert_int_equal(r.verdict, TRIAL_CARRIED);
    assert_in_range(r.us, TRIAL_US, TRIAL_US + 2 * US_PER_MS);
    assert_in_range(r.bytes, 38000, 41000); // 400 kbit/s for 0.8 s
    assert_int_equal(link_trial_shown_bps(&trial, START + r.us), RATE);
    assert_int_equal(link_trial_shown_bps(&trial, START + r.us + TRIAL_SHOWN_US), 0);
    assert_int_equal(link_trial_bytes(&trial, 1000000, START + r.us), 0);
}

static void ends_with_the_first_sign(void **state) {
    (void)state;
    static const struct {
        struct bandwidth_state then;
        enum link_trial_verdict verdict;
        uint64_t us_max;
    } rows[] = {
        {{.acked_bps = RATE, .queue_us = TRIAL_STANDS_US}, TRIAL_REFUTED, 302000},
        {{.acked_bps = RATE, .queue_us = TRIAL_STANDS_US, .noise_us = 30000},
         TRIAL_CARRIED,
         TRIAL_US + 482000},
        {{.acked_bps = RATE, .loss = 0.05f}, TRIAL_REFUTED, 302000},
        {{.acked_bps = RATE, .loss = 0.03f}, TRIAL_CARRIED, TRIAL_US + 2000},
        {{.acked_bps = RATE * 92 / 100}, TRIAL_REFUTED, TRIAL_TOLD_US + 2000},         // it does not all come
        {{.acked_bps = RATE, .queue_us = 16000}, TRIAL_REFUTED, TRIAL_TOLD_US + 2000}, // it grows slowly
        {{.acked_bps = RATE, .queue_us = 16000, .noise_us = 2000}, TRIAL_CARRIED, TRIAL_US + 34000},
        {{.acked_bps = RATE, .noise_us = UINT32_MAX}, TRIAL_CARRIED, TRIAL_US + TRIAL_LONGER_MAX_US + 2000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct link_trial trial = {0};
        struct run r = run_trial(&trial, 0, 300000, rows[i].then);
        if (r.verdict != rows[i].verdict || r.us > rows[i].us_max)
            fail_msg("row %zu: verdict %d after %llu us", i, r.verdict, (unsigned long long)r.us);
        assert_int_equal(link_trial_shown_bps(&trial, START + r.us), r.verdict == TRIAL_CARRIED ? RATE : 0);
    }
}

// What looks like a queue, a machine that had stopped has made: it says nothing. When it goes on doing so,
// the trial has an end, and no result.
static void a_machine_that_stops_refutes_nothing(void **state) {
    (void)state;
    struct bandwidth_state stopped = {.acked_bps = RATE / 2,
                                      .queue_us = 300000,
                                      .loss = 0.05f,
                                      .stalled = true},
                           now = {.acked_bps = RATE};
    struct link_trial trial = {0};
    link_trial_begin(&trial, RATE, &now, 5000, START);
    for (uint64_t us = 0; us < TRIAL_US; us += 10 * US_PER_MS)
        assert_int_equal(link_trial_judge(&trial, &stopped, START + us), TRIAL_RUNS);
    assert_int_equal(link_trial_judge(&trial, &now, START + TRIAL_US), TRIAL_CARRIED);
    struct run r = run_trial(&trial, 0, 300000, stopped);
    assert_int_equal(r.verdict, TRIAL_NONE);
    assert_in_range(r.us, TRIAL_TOLD_US, TRIAL_TOLD_US + 2 * US_PER_MS);
    assert_int_equal(trial.rate_bps, 0);
}

// More than the step itself: a share of all, and on narrow links at least what a large frame is.
static void leaves_room_for_frames(void **state) {
    (void)state;
    static const struct {
        uint32_t needed_bps, noise_us, room_bps;
    } rows[] = {
        {275000, 0, TRIAL_ROOM_BPS + 5156},     // 15 ms of 800
        {275000, 25000, TRIAL_ROOM_BPS + 9166}, // 40 ms of 1200
        {1300000, 0, TRIAL_ROOM_BPS + 24375},   // where both are the same
        {3000000, 0, 60000 + 56250},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bandwidth_state now = {.noise_us = rows[i].noise_us};
        assert_int_equal(link_trial_room_bps(&now, rows[i].needed_bps), rows[i].room_bps);
    }
}

static void is_nothing_before_and_after(void **state) {
    (void)state;
    struct link_trial trial = {0};
    struct bandwidth_state now = {.acked_bps = RATE};
    assert_int_equal(link_trial_judge(&trial, &now, START), TRIAL_NONE);
    assert_int_equal(link_trial_bytes(&trial, 0, START), 0);
    link_trial_begin(&trial, RATE, &now, 0, START);
    link_trial_end(&trial);
    assert_int_equal(link_trial_judge(&trial, &now, START + TRIAL_US), TRIAL_NONE);
    assert_int_equal(link_trial_bytes(&trial, 0, START + TRIAL_US), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_up_what_media_leaves),           cmocka_unit_test(ends_with_the_first_sign),
        cmocka_unit_test(a_machine_that_stops_refutes_nothing), cmocka_unit_test(leaves_room_for_frames),
        cmocka_unit_test(is_nothing_before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
