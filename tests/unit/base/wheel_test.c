#include "base/wheel.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define START UINT64_C(5000000)

struct timer {
    struct wheel_node node;
    uint64_t fired_us;
    int count;
    struct wheel *wheel;
    struct timer *victim; // cancelled when this one fires
    uint64_t again_us;    // armed again for so long after the firing
    struct timer *to_arm; // armed for to_arm_us when this one fires
    uint64_t to_arm_us;
};

static void fire(struct wheel_node *node, uint64_t now_us) {
    struct timer *t = (struct timer *)(void *)node;
    assert_true(node->due_us == TIME_NEVER); // not armed any more
    t->fired_us = now_us;
    t->count++;
    if (t->victim)
        wheel_cancel(t->wheel, &t->victim->node);
    if (t->again_us)
        wheel_arm(t->wheel, node, now_us + t->again_us);
    if (t->to_arm)
        wheel_arm(t->wheel, &t->to_arm->node, t->to_arm_us);
}

static void timer_init(struct timer *t, struct wheel *wheel) {
    *t = (struct timer){.wheel = wheel};
    wheel_node_init(&t->node, fire);
}

// Not before its time, and at most one tick after it, when the wheel is advanced often.
static void timers_fire_in_time(void **state) {
    (void)state;
    static const uint64_t delays[] = {0, 1, 999, 1000, 1001, 123456, 1023000, 1024000, 1025000, 5000000};
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        struct wheel wheel;
        struct timer t;
        wheel_init(&wheel, START);
        timer_init(&t, &wheel);
        uint64_t due = START + delays[i];
        wheel_arm(&wheel, &t.node, due);
        for (uint64_t now = START; now < due + 3000; now += 250)
            wheel_advance(&wheel, now);
        assert_int_equal(t.count, 1);
        assert_true(t.fired_us >= due && t.fired_us <= due + WHEEL_TICK_US + 250);
        assert_int_equal(wheel.armed, 0);
    }
}

static void a_long_jump_fires_all_that_is_due_once(void **state) {
    (void)state;
    static const uint64_t jumps[] = {500000, 1023000, 1024000, 1025000, 100000000};
    for (size_t j = 0; j < sizeof jumps / sizeof *jumps; j++) {
        struct wheel wheel;
        struct timer t[200];
        wheel_init(&wheel, START);
        for (unsigned i = 0; i < 200; i++) {
            timer_init(&t[i], &wheel);
            wheel_arm(&wheel, &t[i].node, START + i * UINT64_C(33333));
        }
        wheel_advance(&wheel, START + jumps[j]);
        unsigned due = 0;
        for (unsigned i = 0; i < 200; i++) {
            due += i * UINT64_C(33333) <= jumps[j] - WHEEL_TICK_US;
            assert_int_equal(t[i].count, i * UINT64_C(33333) <= jumps[j] - jumps[j] % WHEEL_TICK_US);
        }
        assert_true(wheel.armed <= 200 - due);
        wheel_advance(&wheel, START + 200000000);
        for (unsigned i = 0; i < 200; i++)
            assert_int_equal(t[i].count, 1);
        assert_int_equal(wheel.armed, 0);
    }
}

static void arming_again_moves_a_timer(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer t;
    wheel_init(&wheel, START);
    timer_init(&t, &wheel);
    wheel_arm(&wheel, &t.node, START + 10000);
    wheel_arm(&wheel, &t.node, START + 50000);
    assert_int_equal(wheel.armed, 1);
    wheel_advance(&wheel, START + 20000);
    assert_int_equal(t.count, 0);
    wheel_arm(&wheel, &t.node, START + 21000);
    wheel_advance(&wheel, START + 30000);
    assert_int_equal(t.count, 1);
    wheel_advance(&wheel, START + 60000);
    assert_int_equal(t.count, 1);
    wheel_arm(&wheel, &t.node, START + 70000);
    wheel_arm(&wheel, &t.node, TIME_NEVER); // disarms
    assert_int_equal(wheel.armed, 0);
    wheel_cancel(&wheel, &t.node); // nothing to cancel
    wheel_advance(&wheel, START + 80000);
    assert_int_equal(t.count, 1);
}

// Whichever of two in one slot fires first takes the other with it.
static void a_callback_may_cancel_any_timer(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer a, b, later;
    wheel_init(&wheel, START);
    timer_init(&a, &wheel);
    timer_init(&b, &wheel);
    timer_init(&later, &wheel);
    a.victim = &b;
    b.victim = &a;
    wheel_arm(&wheel, &a.node, START + 5000);
    wheel_arm(&wheel, &b.node, START + 5000);
    wheel_arm(&wheel, &later.node, START + 6000);
    wheel_advance(&wheel, START + 10000);
    assert_int_equal(a.count + b.count, 1);
    assert_int_equal(later.count, 1);
    assert_int_equal(wheel.armed, 0);
    a.victim = &a; // itself
    b.victim = &later;
    wheel_arm(&wheel, &a.node, START + 11000);
    wheel_arm(&wheel, &b.node, START + 12000);
    wheel_arm(&wheel, &later.node, START + 13000);
    wheel_advance(&wheel, START + 20000);
    assert_int_equal(later.count, 1);
    assert_int_equal(wheel.armed, 0);
}

static void a_callback_may_arm_any_timer(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer periodic, past, other;
    wheel_init(&wheel, START);
    timer_init(&periodic, &wheel);
    timer_init(&past, &wheel);
    timer_init(&other, &wheel);
    periodic.again_us = 10000;
    wheel_arm(&wheel, &periodic.node, START + 10000);
    for (uint64_t now = START; now <= START + 100000; now += 1000)
        wheel_advance(&wheel, now);
    assert_int_equal(periodic.count, 10);
    wheel_cancel(&wheel, &periodic.node);
    // What is armed for the past fires at the next advance, not in this one.
    past.to_arm = &other;
    past.to_arm_us = START;
    wheel_arm(&wheel, &past.node, START + 101000);
    wheel_advance(&wheel, START + 102000);
    assert_int_equal(past.count, 1);
    assert_int_equal(other.count, 0);
    wheel_advance(&wheel, START + 103000);
    assert_int_equal(other.count, 1);
}

static void the_next_moment_is_not_after_the_first_deadline(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer t;
    wheel_init(&wheel, START);
    timer_init(&t, &wheel);
    assert_true(wheel_next_us(&wheel, START, 100000) == TIME_NEVER);
    wheel_arm(&wheel, &t.node, START + 30000);
    wheel_advance(&wheel, START);
    assert_int_equal(wheel_next_us(&wheel, START, 100000), START + 30000);
    assert_int_equal(wheel_next_us(&wheel, START, 10000), START + 10000);         // beyond the horizon
    assert_int_equal(wheel_next_us(&wheel, START + 40000, 10000), START + 40000); // overdue
    wheel_arm(&wheel, &t.node, START);
    assert_true(wheel_next_us(&wheel, START + 500, 10000) <= START + WHEEL_TICK_US);
    assert_true(wheel_next_us(&wheel, START, TIME_NEVER) <= START + WHEEL_TICK_US);
}

// A wheel that nobody advanced for ten seconds.
static void the_next_moment_is_right_on_a_wheel_that_stood_still(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer t;
    wheel_init(&wheel, START);
    timer_init(&t, &wheel);
    for (uint64_t delay = 0; delay < 2000000; delay += 37000) {
        uint64_t now = START + 10000000, due = now + delay;
        wheel_arm(&wheel, &t.node, due);
        uint64_t next = wheel_next_us(&wheel, now, 100000);
        assert_true(next >= now && next <= due + WHEEL_TICK_US && next <= now + 100000);
    }
    wheel_cancel(&wheel, &t.node);
}

// Sleeping as it says, every timer fires within its tick, in few steps.
static void following_the_next_moment_serves_all(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer t[50];
    uint64_t due[50], now = START;
    wheel_init(&wheel, now);
    for (unsigned i = 0; i < 50; i++) {
        timer_init(&t[i], &wheel);
        due[i] = START + (i * UINT64_C(7919123)) % 3000000;
        wheel_arm(&wheel, &t[i].node, due[i]);
    }
    unsigned steps = 0;
    while (wheel.armed > 0 && steps++ < 1000) {
        wheel_advance(&wheel, now);
        uint64_t next = wheel_next_us(&wheel, now, 200000);
        if (next != TIME_NEVER)
            now = next > now ? next : now + 1;
    }
    assert_true(steps < 300);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(t[i].count, 1);
        assert_true(t[i].fired_us >= due[i] && t[i].fired_us < due[i] + WHEEL_TICK_US);
    }
}

static void what_is_far_ahead_wakes_nobody(void **state) {
    (void)state;
    struct wheel wheel;
    struct timer t[100];
    uint64_t now = START;
    wheel_init(&wheel, now);
    for (unsigned i = 0; i < 100; i++) {
        timer_init(&t[i], &wheel);
        wheel_arm(&wheel, &t[i].node, START + 30000000 + i * UINT64_C(50123));
    }
    unsigned steps = 0;
    for (; now < START + 29000000; steps++) {
        wheel_advance(&wheel, now);
        uint64_t next = wheel_next_us(&wheel, now, 60000000);
        assert_true(next > now || steps == 0);
        now = next > now ? next : now + 1;
    }
    if (steps > 3)
        fail_msg("expected a step to the turn of the first timer, and one before, took %u in 29 s", steps);
    wheel_advance(&wheel, START + 40000000);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(t[i].count, 1);
}

// Timers of up to 200 s, moved and cancelled, with steps and jumps of every length: each fires once, in time.
static void any_mixture_fires_in_time(void **state) {
    (void)state;
    uint64_t random = 7, now = START, before = START;
    struct wheel wheel;
    struct timer t[64];
    uint64_t due[64];
    wheel_init(&wheel, now);
    for (unsigned i = 0; i < 64; i++) {
        timer_init(&t[i], &wheel);
        due[i] = TIME_NEVER;
    }
    for (unsigned step = 0; step < 200000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        unsigned i = random >> 33 & 63, what = random >> 40 & 15;
        uint64_t amount = (random >> 44 & 0xfffff) * (what & 1 ? 191 : 1);
        if (what < 6) {
            due[i] = what < 5 ? now + amount : TIME_NEVER;
            t[i].count = 0;
            wheel_arm(&wheel, &t[i].node, due[i]);
            continue;
        }
        before = now;
        now += what == 15 ? amount : amount % 5000;
        wheel_advance(&wheel, now);
        for (unsigned k = 0; k < 64; k++) {
            bool fired = t[k].count > 0, must = due[k] + WHEEL_TICK_US <= now, may = due[k] <= now;
            if (due[k] == TIME_NEVER)
                assert_int_equal(t[k].count, 0);
            else if (t[k].count > 1 || (must && !fired) || (fired && !may))
                fail_msg("step %u, from %llu to %llu: timer due at %llu fired %d times", step,
                         (unsigned long long)before, (unsigned long long)now, (unsigned long long)due[k],
                         t[k].count);
            if (fired) {
                due[k] = TIME_NEVER;
                t[k].count = 0;
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_time),
        cmocka_unit_test(a_long_jump_fires_all_that_is_due_once),
        cmocka_unit_test(arming_again_moves_a_timer),
        cmocka_unit_test(a_callback_may_cancel_any_timer),
        cmocka_unit_test(a_callback_may_arm_any_timer),
        cmocka_unit_test(the_next_moment_is_not_after_the_first_deadline),
        cmocka_unit_test(the_next_moment_is_right_on_a_wheel_that_stood_still),
        cmocka_unit_test(following_the_next_moment_serves_all),
        cmocka_unit_test(what_is_far_ahead_wakes_nobody),
        cmocka_unit_test(any_mixture_fires_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
