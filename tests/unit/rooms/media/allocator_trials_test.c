// What is tried of a link that has been full, alone and beside others who share it, and what follows when it
// fails.
#include "tests/unit/rooms/media/allocator_scene.h"

// On a link that has been full more is given as far as has been shown; what was refuted is seldom tried.
static void gives_what_was_tried(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 0);
    s.link.tries = true;
    run(&s, SECOND);
    expect(&s, "0.2");
    uint64_t wanted = allocator_try_bps(s.a);
    assert_in_range(wanted, 1000 * K, 2000 * K);
    s.link.shown_bps = wanted - 1;
    run(&s, SECOND);
    expect(&s, "0.2");
    s.link.refuted = true;
    share(&s);
    s.link.refuted = false;
    assert_int_equal(allocator_try_bps(s.a), 0);
    run(&s, ALLOCATOR_RAISE_REFUTED_US - 2 * STEP_US);
    assert_int_equal(allocator_try_bps(s.a), 0);
    run(&s, 3 * SECOND); // since then it has been given what costs clearly less
    assert_int_equal(allocator_try_bps(s.a), wanted);
    s.link.shown_bps = wanted;
    share(&s);
    expect(&s, "2.2");
    allocator_destroy(s.a);
}

// Of several steps that there would be room for, one is tried at a time: by who has least.
static void tries_one_step_on_a_shared_link(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1), CAM(1)}, 2, 520 * K, 0);
    run(&s, 5 * SECOND);
    expect(&s, "1.1 1.1");
    s.link.tries = true;
    s.link.estimate_bps = 800 * K;
    s.link.most_bps = 2000 * K;
    run(&s, 3 * SECOND);
    assert_int_equal(allocator_try_bps(s.a), 560 * K); // 700 without mates
    s.link.shown_bps = 560 * K;
    run(&s, SECOND);
    expect(&s, "1.2 1.1");
    s.link.shown_bps = 0;
    run(&s, 3 * SECOND);
    assert_int_equal(allocator_try_bps(s.a), 700 * K);
    s.link.shown_bps = 700 * K;
    run(&s, SECOND);
    expect(&s, "1.2 1.2");
    allocator_destroy(s.a);
}

// Beyond its part it all goes at once, though there seems to be room; it has not failed, and comes back.
static void leaves_to_others_what_is_theirs(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1), CAM(9)}, 2, 800 * K, 0);
    run(&s, 5 * SECOND);
    expect(&s, "1.2 1.2");
    s.link.most_bps = 680 * K;
    share(&s);
    expect(&s, "1.2 1.2");
    s.link.most_bps = 660 * K;
    share(&s);
    expect(&s, "1.1 1.2");
    run(&s, 60 * SECOND);
    expect(&s, "1.1 1.2");
    s.link.most_bps = 1;
    share(&s);
    expect(&s, "0.0 0.0"); // nobody's lowest goes at once
    s.link.most_bps = 0;
    run(&s, ALLOCATOR_RAISE_US + SECOND);
    expect(&s, "1.2 1.2");
    allocator_destroy(s.a);
}

// What others leave is tried again soon, sooner what had to go again; what one of them has shown, at once.
static void tries_again_soon_what_is_its_due(void **state) {
    (void)state;
    for (unsigned due = 0; due < 3; due++) {
        struct scene s = scene((struct one[]){CAM(1)}, 1, 1000 * K, 0);
        s.memories[0] = (struct allocator_memory){.has = {.spatial = 1, .temporal = 1},
                                                  .known = true,
                                                  .failed = due == 2,
                                                  .tile = ALL,
                                                  .frames = ALL,
                                                  .failed_step_bps = 350 * K,
                                                  .basis_bps = 1000 * K,
                                                  .wait_us = ALLOCATOR_RAISE_MAX_US};
        s.link.tries = true;
        s.link.most_bps = 1000 * K;
        s.link.due_bps = due ? 350 * K : 349 * K;
        run(&s, due == 2 ? 1 : ALLOCATOR_RAISE_DUE_US - SECOND);
        assert_int_equal(allocator_try_bps(s.a), 0);
        run(&s, 2 * SECOND);
        assert_int_equal(allocator_try_bps(s.a), due ? 350 * K : 0);
        s.link.shown_bps = s.link.most_bps = 350 * K;
        share(&s);
        expect(&s, "1.2");
        allocator_destroy(s.a);
    }
}

// What failed while a queue stands because of the trial is remembered, though nothing was filled then.
static void remembers_what_was_refuted_while_a_queue_stands(void **state) {
    (void)state;
    for (unsigned congested = 0; congested < 2; congested++) {
        struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 0);
        s.link.tries = true;
        run(&s, SECOND);
        uint64_t wanted = allocator_try_bps(s.a);
        assert_true(wanted > 0);
        s.link.shown_bps = wanted - 1;
        run(&s, SECOND);
        s.link.refuted = true;
        s.link.congested = congested;
        share(&s);
        s.link.refuted = s.link.congested = false;
        run(&s, ALLOCATOR_RAISE_REFUTED_US - 2 * STEP_US);
        if (allocator_try_bps(s.a) != 0)
            fail_msg("%s: tried again at once", congested ? "with a queue" : "without");
        allocator_destroy(s.a);
    }
}

// What was refuted or failed did so on another link.
static void what_failed_on_another_link_is_forgiven(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 1200 * K, 0);
    s.link.tries = true;
    run(&s, SECOND);
    assert_true(allocator_try_bps(s.a) > 0);
    for (unsigned renewed = 0; renewed < 2; renewed++) {
        s.link.refuted = true;
        share(&s);
        s.link.refuted = false;
        run(&s, SECOND);
        assert_int_equal(allocator_try_bps(s.a), 0);
        s.link.estimate_bps = 1700 * K; // which would not be enough by itself
        s.link.renewed = renewed;
        share(&s);
        s.link.renewed = false;
        run(&s, ALLOCATOR_RAISE_FIRST_US + STEP_US);
        assert_true((allocator_try_bps(s.a) > 0) == renewed);
        s.link.estimate_bps = 1200 * K;
        run(&s, 70 * SECOND);
    }
    allocator_destroy(s.a);
}

// An estimate that falls whenever more is sent: the tries become fewer and fewer.
static void tries_ever_more_seldom_what_fails(void **state) {
    (void)state;
    struct scene s = scene((struct one[]){CAM(1)}, 1, 3000 * K, 0);
    unsigned rises[2] = {0};
    for (unsigned half = 0; half < 2; half++)
        for (unsigned i = 0; i < 120 * SECOND / STEP_US; i++, s.now_us += STEP_US) {
            struct allotment before = s.results[0];
            share(&s);
            rises[half] += s.results[0].spatial == 2 && before.spatial < 2;
            s.link.estimate_bps = s.results[0].spatial == 2 ? 800 * K : 3000 * K;
        }
    assert_in_range(rises[0], 3, 8);
    assert_in_range(rises[1], 1, 4);
    allocator_destroy(s.a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_tried),
        cmocka_unit_test(tries_one_step_on_a_shared_link),
        cmocka_unit_test(leaves_to_others_what_is_theirs),
        cmocka_unit_test(tries_again_soon_what_is_its_due),
        cmocka_unit_test(remembers_what_was_refuted_while_a_queue_stands),
        cmocka_unit_test(what_failed_on_another_link_is_forgiven),
        cmocka_unit_test(tries_ever_more_seldom_what_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
