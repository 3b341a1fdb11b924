// What each consumer of a transport gets of its estimate: tables of shares, and time passing.
#include "tests/unit/rooms/media/allocator_scene.h"

// ---- after everything has settled

static const struct settled {
    const char *name;
    uint32_t estimate_bps, audio_bps;
    unsigned count;
    struct one ones[4];
    const char *expected;
} settled[] = {
    {"room for all", 10000 * K, 40 * K, 2, {CAM(1), CAM(1)}, "2.2 2.2"},
    {"one at 5M", 5000 * K, 40 * K, 1, {CAM(1)}, "2.2"},
    {"one at 3M", 3000 * K, 40 * K, 1, {CAM(1)}, "2.2"},
    {"one at 990k: the large picture with half of its frames does not fit",
     990 * K,
     40 * K,
     1,
     {CAM(1)},
     "1.2"},
    {"one at 1M: it does", 1000 * K, 40 * K, 1, {CAM(1)}, "2.1"},
    {"one at 500k", 500 * K, 40 * K, 1, {CAM(1)}, "1.2"},
    {"one at 300k: half of the frames of the middle one", 300 * K, 40 * K, 1, {CAM(1)}, "1.1"},
    {"one at 200k", 200 * K, 40 * K, 1, {CAM(1)}, "0.2"},
    {"one at 100k: some frames of the lowest", 100 * K, 40 * K, 1, {CAM(1)}, "0.0"},
    {"nothing fits, sound goes on", 60 * K, 40 * K, 1, {CAM(1)}, "-"},
    {"sound alone is more than there is", 30 * K, 40 * K, 1, {CAM(1)}, "-"},
    {"four in 1.2M: all move, evenly",
     1200 * K,
     160 * K,
     4,
     {CAM(1), CAM(1), CAM(1), CAM(1)},
     "1.1 1.1 1.1 1.1"},
    {"four in 400k: all move", 400 * K, 0, 4, {CAM(1), CAM(1), CAM(1), CAM(1)}, "0.2 0.1 0.1 0.1"},
    {"four in 200k: three move", 200 * K, 0, 4, {CAM(1), CAM(1), CAM(1), CAM(1)}, "0.1 0.0 0.0 -"},
    {"priority comes first, but not before the lowest of all",
     1200 * K,
     0,
     4,
     {CAM(1), CAM(9), CAM(1), CAM(1)},
     "0.1 2.1 0.1 0.0"},
    {"and before the lowest where that does not fit", 110 * K, 0, 2, {CAM(1), CAM(9)}, "- 0.1"},
    {"a screen before a camera", 700 * K, 0, 2, {CAM(1), {"simulcast", 1, true, ALL, ALL, 0}}, "0.0 2.0"},
    {"priority before a screen", 700 * K, 0, 2, {CAM(2), {"simulcast", 1, true, ALL, ALL, 0}}, "1.2 1.1"},
    {"the larger tile first", 500 * K, 0, 2, {{"simulcast", 1, false, 0, ALL, 0}, CAM(1)}, "0.1 1.2"},
    {"a wish is a ceiling",
     9000 * K,
     0,
     2,
     {{"simulcast", 1, false, 1, ALL, 0}, {"simulcast", 1, false, 2, 0, 0}},
     "1.2 2.0"},
    {"one without layers fits", 1700 * K, 40 * K, 1, {{"single", 1, false, ALL, ALL, 0}}, "0.0"},
    {"one without layers does not", 1400 * K, 40 * K, 1, {{"single", 1, false, ALL, ALL, 0}}, "-"},
    {"a dear picture does not cost three others theirs",
     1000 * K,
     0,
     4,
     {{"single", 1, false, ALL, ALL, 0}, CAM(1), CAM(1), CAM(1)},
     "- 1.2 1.2 1.1"},
    {"temporal layers alone", 1000 * K, 0, 1, {{"temporal", 1, false, ALL, ALL, 0}}, "0.1"},
    {"a ceiling of one consumer",
     9000 * K,
     0,
     2,
     {{"simulcast", 1, false, ALL, ALL, 400 * K}, CAM(1)},
     "1.2 2.2"},
    {"below its lowest layer", 9000 * K, 0, 1, {{"simulcast", 1, false, ALL, ALL, 50 * K}}, "-"},
    {"of what does not live the lowest is allowed",
     9000 * K,
     0,
     1,
     {{"dead", 1, false, ALL, ALL, 0}},
     "0.-1"},
};

static void settles_on_what_fits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof settled / sizeof settled[0]; i++) {
        const struct settled *t = &settled[i];
        struct scene s = scene(t->ones, t->count, t->estimate_bps, t->audio_bps);
        run(&s, 60 * SECOND);
        expect_of(t->name, &s, t->expected);
        s.changes = 0;
        run(&s, 60 * SECOND);
        if (s.changes > 0)
            fail_msg("%s: %u changes though nothing changed", t->name, s.changes);
        allocator_destroy(s.a);
    }
}

// ---- time

static void goes_down_at_once_and_up_with_patience(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 5000 * K, 40 * K);
    run(&s, 2 * ALLOCATOR_FAILED_US);
    expect(&s, "2.2");
    s.link.estimate_bps = 1000 * K;
    share(&s);
    expect(&s, "2.1");
    s.link.estimate_bps = 1400 * K; // the same link, somewhat wider
    run(&s, ALLOCATOR_HOLD_US);
    s.link.estimate_bps = 440 * K;
    share(&s);
    expect(&s, "1.2");
    s.link.estimate_bps = 5000 * K; // another link
    run(&s, ALLOCATOR_RAISE_FIRST_US);
    expect(&s, "1.2");
    run(&s, 2 * STEP_US);
    expect(&s, "2.2");
    allocator_destroy(s.a);
}

static void waits_on_the_same_link(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 40 * K);
    run(&s, 2 * ALLOCATOR_FAILED_US);
    s.link.estimate_bps = 1140 * K;
    share(&s);
    expect(&s, "2.1");
    s.link.estimate_bps = 1660 * K;
    run(&s, ALLOCATOR_RAISE_US);
    expect(&s, "2.1");
    run(&s, 2 * STEP_US);
    expect(&s, "2.2");
    allocator_destroy(s.a);
}

static void bears_a_little_too_much_for_a_while(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 0);
    run(&s, SECOND);
    s.link.estimate_bps = 1450 * K; // within what may be kept
    run(&s, 30 * SECOND);
    expect(&s, "2.2");
    s.link.estimate_bps = 1300 * K;
    run(&s, ALLOCATOR_HOLD_US);
    expect(&s, "2.2");
    s.link.estimate_bps = 1450 * K;
    share(&s);
    s.link.estimate_bps = 1300 * K; // begins anew
    run(&s, ALLOCATOR_HOLD_US);
    expect(&s, "2.2");
    run(&s, STEP_US);
    expect(&s, "2.1");
    allocator_destroy(s.a);
}

static void bears_nothing_while_a_queue_stands(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 0);
    run(&s, SECOND);
    s.link.estimate_bps = 1450 * K;
    s.link.congested = true;
    share(&s);
    expect(&s, "2.2"); // which fits: it may be gone in a moment
    run(&s, ALLOCATOR_CONGESTED_US + STEP_US);
    expect(&s, "2.1");
    s.link.estimate_bps = 3000 * K; // and nobody gets more meanwhile
    run(&s, 30 * SECOND);
    expect(&s, "2.1");
    allocator_destroy(s.a);
}

static void gives_a_wish_at_once(void **state) {
    (void)state;
    for (unsigned frames = 0; frames < 2; frames++) {
        struct scene s = scene((struct one[]){CAM(1)}, 1, 5000 * K, 0);
        int8_t *wish = frames ? &s.ones[0].temporal_wish : &s.ones[0].spatial_wish;
        *wish = 0;
        run(&s, 4 * SECOND);
        expect(&s, frames ? "2.0" : "0.2");
        *wish = 2;
        share(&s);
        expect(&s, "2.2");
        allocator_destroy(s.a);
    }
}

static void takes_from_the_last_for_the_first(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1), CAM(1)}, 1, 800 * K, 0);
    run(&s, 2 * SECOND);
    expect(&s, "1.2");
    s.ones[1] = s.ones[0];
    s.count = 2; // an equal comes: both get the same
    run(&s, 10 * SECOND);
    expect(&s, "1.2 1.2");
    s.ones[1].priority = 5;
    s.link.estimate_bps = 600 * K;
    run(&s, 10 * SECOND);
    expect(&s, "1.1 1.2");
    allocator_destroy(s.a);
}

// Equals whose rates waver do not take from each other.
static void does_not_swap_equals(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1), CAM(1)}, 2, 600 * K, 0);
    run(&s, 10 * SECOND);
    s.changes = 0;
    for (unsigned i = 0; i < 60 * SECOND / STEP_US; i++) {
        s.link.estimate_bps = 600 * K + (i * 7919 % 40) * K - 20 * K;
        run(&s, STEP_US);
    }
    assert_int_equal(s.changes, 0);
    allocator_destroy(s.a);
}

static void takes_nobodys_lowest_before_the_link_is_known(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){{"single", 1, false, ALL, ALL, 0}, CAM(1)}, 2, 300 * K, 0);
    s.link.proven = false;
    run(&s, 10 * SECOND);
    assert_false(s.results[0].off || s.results[1].off);
    s.link.proven = true;
    run(&s, 10 * SECOND);
    assert_true(s.results[0].off);
    assert_false(s.results[1].off);
    allocator_destroy(s.a);
}

static void comes_back_by_itself(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 40 * K);
    run(&s, SECOND);
    s.link.estimate_bps = 60 * K;
    share(&s);
    expect(&s, "0.0"); // for a moment
    run(&s, ALLOCATOR_OFF_US + ALLOCATOR_HOLD_US);
    expect(&s, "-");
    assert_int_equal(s.demand, 1500 * K); // which is what probing aims for
    s.link.estimate_bps = 200 * K;
    run(&s, ALLOCATOR_RAISE_US + 2 * STEP_US);
    expect(&s, "0.2");
    allocator_destroy(s.a);
}

// Whatever comes in: the sum fits, or everybody has the least.
static void never_gives_more_than_there_is(void **state) {
    (void)state;
    static const char *const sources[] = {"simulcast", "single", "temporal", "dead"};
    srand(7);
    for (unsigned round = 0; round < 400; round++) {
        struct scene s = scene((struct one[]){CAM(1)}, 1, 1000 * K, 0);
        s.count = 1 + (unsigned)rand() % CONSUMERS_MAX;
        for (unsigned i = 0; i < s.count; i++)
            s.ones[i] = (struct one){sources[rand() % 4],
                                     (uint8_t)(1 + rand() % 3),
                                     rand() % 2,
                                     (int8_t)(rand() % 5 - 1),
                                     (int8_t)(rand() % 4 - 1),
                                     rand() % 3 ? 0 : (uint32_t)rand() % 2000000};
        for (unsigned i = 0; i < 30; i++, s.now_us += STEP_US) {
            s.link.estimate_bps = (uint32_t)rand() % 4000000;
            s.link.audio_bps = (uint32_t)rand() % 200000;
            s.link.congested = rand() % 4 == 0;
            share(&s);
            s.now_us += ALLOCATOR_HOLD_US;
            share(&s);
            s.now_us += ALLOCATOR_OFF_US;
            share(&s);
            uint64_t sum = s.link.audio_bps;
            for (unsigned k = 0; k < s.count; k++) {
                const struct allocator_entry *e = allocator_at(s.a, k);
                sum += e->now < 0 ? 0 : e->steps[e->now].bps;
                assert_true(e->now < e->step_count && e->step_count <= ALLOCATOR_STEPS_MAX);
                assert_int_equal(e->result.off, e->step_count > 0 && e->now < 0);
            }
            uint64_t most = (uint64_t)s.link.estimate_bps * ALLOCATOR_KEEP_PERCENT / 100;
            if (sum > most && sum > s.link.audio_bps)
                fail_msg("round %u, %u: %llu of %u, sound %u", round, i, (unsigned long long)sum,
                         s.link.estimate_bps, s.link.audio_bps);
        }
        allocator_destroy(s.a);
    }
}

static void needs_room(void **state) {
    (void)state;
    struct allocator *a = allocator_create();
    assert_non_null(a);
    allocator_begin(a);
    assert_null(allocator_add(a));
    assert_true(allocator_reserve(a, 2000));
    for (unsigned i = 0; i < 2000; i++) {
        struct allocator_entry *e = allocator_add(a);
        assert_non_null(e);
        e->priority = (uint8_t)(i * 31 % 255 + 1);
        e->layer_bps[0][0] = 10 * K;
        e->spatial_wish = e->temporal_wish = LAYER_NONE;
    }
    uint64_t over_us = 0;
    allocator_share(
        a, &(struct allocator_link){.estimate_bps = 1000 * K, .proven = true, .over_us = &over_us}, SECOND);
    unsigned fit = 0;
    for (unsigned i = 0; i < 2000; i++) { // of 255 priorities with seven or eight each
        const struct allocator_entry *e = allocator_at(a, i);
        fit += !e->result.off;
        if (e->priority != 243)
            assert_int_equal(e->result.off, e->priority < 243);
    }
    assert_int_equal(fit, 100);
    assert_false(allocator_reserve(a, 100000));
    allocator_destroy(a);
    allocator_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settles_on_what_fits),
        cmocka_unit_test(goes_down_at_once_and_up_with_patience),
        cmocka_unit_test(waits_on_the_same_link),
        cmocka_unit_test(bears_a_little_too_much_for_a_while),
        cmocka_unit_test(bears_nothing_while_a_queue_stands),
        cmocka_unit_test(gives_a_wish_at_once),
        cmocka_unit_test(takes_from_the_last_for_the_first),
        cmocka_unit_test(does_not_swap_equals),
        cmocka_unit_test(takes_nobodys_lowest_before_the_link_is_known),
        cmocka_unit_test(comes_back_by_itself),
        cmocka_unit_test(never_gives_more_than_there_is),
        cmocka_unit_test(needs_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
