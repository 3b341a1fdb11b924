#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtp/cc/prober.h"

#define MS UINT64_C(1000)
#define START (5000 * MS)

static const struct probe_wish wish = {.target_bps = 600000, .want_bps = 20000000, .start_bps = 600000};

// Sends what is wanted each millisecond, and has all of it come at this rate at most.
static uint64_t run(struct prober *p, uint64_t now_us, uint64_t link_bps, struct probe_result *result,
                    bool *judged) {
    uint64_t free_us = 0;
    *judged = false;
    for (unsigned i = 0; i < 1000 && p->cluster.sending; i++, now_us += MS) {
        for (uint32_t bytes = prober_wanted_bytes(p, now_us); bytes > 0;) {
            uint16_t packet = bytes < p->cluster.packet_bytes ? (uint16_t)bytes : p->cluster.packet_bytes;
            uint8_t id = prober_sent(p, packet, now_us);
            free_us = (free_us > now_us ? free_us : now_us) + packet * UINT64_C(8000000) / link_bps;
            prober_acked(p, id, packet, now_us, (int64_t)free_us - 123456);
            bytes -= packet;
        }
    }
    *judged = prober_judge(p, now_us, result);
    return now_us;
}

static void starts_at_three_and_six_times(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    bool judged;
    prober_init(&p, START);
    prober_plan(&p, &wish, START);
    assert_int_equal(p.cluster.rate_bps, 1800000);
    uint64_t now_us = run(&p, START, 100000000, &result, &judged);
    assert_true(judged && !result.saturated);
    assert_true(result.bps > 1500000 && result.bps <= 1800000);
    prober_plan(&p, &wish, now_us);
    assert_int_equal(p.cluster.rate_bps, 3600000);
    now_us = run(&p, now_us, 100000000, &result, &judged);
    assert_true(judged && result.bps > 3000000);
    prober_plan(&p, &wish, now_us); // on, as long as it goes well
    assert_int_equal(p.cluster.rate_bps, result.bps * 2);
}

static void a_full_link_ends_the_start(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    bool judged;
    prober_init(&p, START);
    prober_plan(&p, &wish, START);
    uint64_t now_us = run(&p, START, 1000000, &result, &judged);
    assert_true(judged && result.saturated);
    assert_true(result.bps > 850000 && result.bps < 1050000);
    prober_plan(&p, &wish, now_us);
    assert_int_equal(p.cluster.id, 0);
    prober_plan(&p, &wish, now_us + 1000 * MS); // soon once more
    assert_int_equal(p.cluster.rate_bps, 1200000);
}

static void only_what_somebody_wants(void **state) {
    (void)state;
    struct prober p;
    struct probe_wish little = wish;
    prober_init(&p, START);
    little.want_bps = 620000;
    prober_plan(&p, &little, START);
    assert_int_equal(p.cluster.id, 0);
    little.want_bps = 0;
    prober_plan(&p, &little, START);
    assert_int_equal(p.cluster.id, 0);
    little.want_bps = 1000000;
    prober_plan(&p, &little, START);
    assert_int_equal(p.cluster.rate_bps, 1000000);
    prober_init(&p, START);
    little.held = true;
    prober_plan(&p, &little, START);
    assert_int_equal(p.cluster.id, 0);
}

static void every_few_seconds(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    bool judged;
    prober_init(&p, START);
    prober_postpone(&p, START + 500 * MS);
    prober_plan(&p, &wish, START + 499 * MS);
    assert_int_equal(p.cluster.id, 0);
    prober_plan(&p, &wish, START + 500 * MS);
    assert_int_equal(p.cluster.rate_bps, 1200000);
    uint64_t now_us = run(&p, START + 500 * MS, 700000, &result, &judged);
    assert_true(judged && result.saturated);
    prober_plan(&p, &wish, now_us + 3000 * MS);
    assert_int_equal(p.cluster.id, 0);
    prober_hasten(&p, now_us + 1000 * MS);
    prober_plan(&p, &wish, now_us + 1000 * MS);
    assert_int_not_equal(p.cluster.id, 0);
}

static void jitter_needs_longer_clusters(void **state) {
    (void)state;
    struct prober p;
    struct probe_wish jittery = wish;
    prober_init(&p, START);
    prober_postpone(&p, START);
    jittery.application = true;
    jittery.jitter_ms = 12;
    prober_plan(&p, &jittery, START);
    assert_int_equal(p.cluster.rate_bps, 900000);
    assert_int_equal(p.cluster.want_bytes, 900000 / 8 * 152 / 1000);
    jittery.application = false; // who goes up by steps is below the next one, where packets come in batches
    for (unsigned steps = 0; steps < 2; steps++) {
        jittery.steps = steps;
        prober_init(&p, START);
        prober_postpone(&p, START);
        prober_plan(&p, &jittery, START);
        assert_int_equal(p.cluster.rate_bps, steps ? 900000 : 1200000);
        assert_true((p.cluster.want_bytes > 10000) == (steps == 1));
    }
}

// As much as is due, for whatever is sent; the sizes make enough packets of it.
static void what_is_wanted_follows_the_time(void **state) {
    (void)state;
    struct prober p;
    prober_init(&p, START);
    prober_plan(&p, &wish, START); // 1.8 Mbit/s, 4500 bytes
    assert_int_equal(p.cluster.packet_bytes, 750);
    assert_int_equal(prober_sent(&p, 1000, START), 0); // before it was asked for
    assert_int_equal(prober_wanted_bytes(&p, START), 750);
    uint8_t id = prober_sent(&p, 750, START);
    assert_int_not_equal(id, 0);
    assert_int_equal(prober_wanted_bytes(&p, START + 2 * MS), 0);
    assert_int_equal(prober_wanted_bytes(&p, START + 10 * MS), 1500);
    assert_int_equal(prober_sent(&p, 1200, START + 10 * MS), id); // media
    assert_int_equal(prober_wanted_bytes(&p, START + 10 * MS), 300);
    assert_int_equal(prober_wanted_bytes(&p, START + 900 * MS), 4500 - 1950);
    for (unsigned i = 0; i < 3; i++)
        prober_sent(&p, 900, START + 20 * MS);
    assert_false(p.cluster.sending);
    assert_int_equal(prober_sent(&p, 900, START + 21 * MS), 0);
}

static void what_was_not_acknowledged_shows_nothing(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    prober_init(&p, START);
    prober_plan(&p, &wish, START);
    prober_wanted_bytes(&p, START);
    uint8_t id = 0;
    for (unsigned i = 0; i < 6; i++)
        id = prober_sent(&p, 750, START + i * MS);
    for (unsigned i = 0; i < 3; i++)
        prober_acked(&p, id, 750, START + i * MS, (int64_t)(i * MS));
    prober_acked(&p, (uint8_t)(id + 1), 750, START, 0); // of another one
    assert_false(prober_judge(&p, START + 100 * MS, &result));
    assert_true(prober_judge(&p, START + 5000 * MS, &result));
    assert_int_equal(result.bps, 0);
    assert_false(prober_judge(&p, START + 5000 * MS, &result));
}

// All at once, or before it was sent, or in any order: never more than the rate that was asked for.
static void whatever_the_arrivals_say(void **state) {
    (void)state;
    static const int64_t steps[] = {0, 1, -1, 1000, -1000, INT64_MAX / 8, INT64_MIN / 8};
    for (unsigned n = 0; n < sizeof steps / sizeof steps[0]; n++) {
        struct prober p;
        struct probe_result result = {0};
        prober_init(&p, START);
        prober_plan(&p, &wish, START);
        prober_wanted_bytes(&p, START);
        for (unsigned i = 0; i < 6; i++) {
            uint8_t id = prober_sent(&p, 750, START); // a burst
            prober_acked(&p, id, 750, START, (int64_t)((uint64_t)steps[n] * i));
        }
        prober_judge(&p, START + 5000 * MS, &result);
        assert_true(result.bps <= 1800000);
    }
}

// Sent at once and come quickly: it shows what was asked for, not more.
static void no_more_than_was_asked(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result = {0};
    prober_init(&p, START);
    prober_plan(&p, &wish, START);
    prober_wanted_bytes(&p, START);
    for (unsigned i = 0; i < 6; i++) {
        uint8_t id = prober_sent(&p, 750, START + i * MS / 2);
        prober_acked(&p, id, 750, START + i * MS / 2, (int64_t)(i * MS / 2));
    }
    assert_true(prober_judge(&p, START + 100 * MS, &result));
    assert_int_equal(result.bps, 1800000);
}

static void blind_for_receivers_without_numbers(void **state) {
    (void)state;
    struct prober p;
    struct probe_wish blind = wish;
    blind.blind = true;
    prober_init(&p, START);
    prober_plan(&p, &blind, START);
    assert_int_equal(p.cluster.rate_bps, 660000);
    assert_int_equal(p.cluster.want_bytes, 660000 / 8 * 2);
}

static void identities_go_round(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    prober_init(&p, START);
    for (unsigned i = 0; i < 600; i++) {
        prober_restart(&p, START + i * 10000 * MS);
        prober_plan(&p, &wish, START + i * 10000 * MS);
        assert_int_equal(p.cluster.id, i % 255 + 1);
        assert_true(prober_judge(&p, START + i * 10000 * MS + 9000 * MS, &result));
    }
}

// Six times the start still fits the number; beyond that it is as much as there is.
static void a_start_at_hundreds_of_megabits(void **state) {
    (void)state;
    static const struct {
        uint32_t start_bps, rate_bps;
    } rows[] = {{UINT32_MAX / 6, UINT32_MAX / 6 * 3}, {UINT32_MAX / 6 + 1, UINT32_MAX}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct probe_wish fast = {
            .target_bps = rows[i].start_bps, .want_bps = UINT32_MAX, .start_bps = rows[i].start_bps};
        struct prober p;
        prober_init(&p, START);
        prober_plan(&p, &fast, START);
        assert_int_equal(p.cluster.rate_bps, rows[i].rate_bps);
    }
}

// All of it at once, as when it waited for something else: it says nothing, and a longer one follows soon,
// but not for ever.
static void what_comes_at_once_is_looked_at_again(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    struct probe_wish now = wish;
    prober_init(&p, START);
    p.start_steps = 0;
    uint64_t now_us = START;
    uint32_t bytes = 0;
    for (unsigned i = 0; i < 4; i++) {
        prober_plan(&p, &now, now_us);
        assert_true(p.cluster.sending);
        assert_true(p.cluster.want_bytes > bytes || i > 1); // as much as the link's queue bears
        bytes = p.cluster.want_bytes;
        for (; p.cluster.sending; now_us += MS)
            for (uint32_t left = prober_wanted_bytes(&p, now_us); left > 0 && p.cluster.sending;) {
                uint16_t packet = left < p.cluster.packet_bytes ? (uint16_t)left : p.cluster.packet_bytes;
                prober_acked(&p, prober_sent(&p, packet, now_us), packet, now_us, 1000000);
                left -= packet;
            }
        assert_true(prober_judge(&p, now_us, &result));
        assert_true(result.bps == 0 && result.hurried && !result.saturated);
        now_us += 100 * MS;
    }
    prober_plan(&p, &now, now_us);
    assert_int_equal(p.cluster.id, 0);
}

// To see whether the link has become another: at least so fast, and sooner again.
static void a_peek_is_faster_and_sooner(void **state) {
    (void)state;
    struct prober p;
    struct probe_wish peek = wish;
    prober_init(&p, START);
    p.start_steps = 0;
    peek.peek_bps = 1500000;
    prober_plan(&p, &peek, START);
    assert_int_equal(p.cluster.rate_bps, 1500000);
    assert_int_equal(p.next_us, START + 3000 * MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_at_three_and_six_times),
        cmocka_unit_test(a_start_at_hundreds_of_megabits),
        cmocka_unit_test(a_full_link_ends_the_start),
        cmocka_unit_test(only_what_somebody_wants),
        cmocka_unit_test(every_few_seconds),
        cmocka_unit_test(jitter_needs_longer_clusters),
        cmocka_unit_test(what_is_wanted_follows_the_time),
        cmocka_unit_test(what_was_not_acknowledged_shows_nothing),
        cmocka_unit_test(whatever_the_arrivals_say),
        cmocka_unit_test(no_more_than_was_asked),
        cmocka_unit_test(blind_for_receivers_without_numbers),
        cmocka_unit_test(identities_go_round),
        cmocka_unit_test(what_comes_at_once_is_looked_at_again),
        cmocka_unit_test(a_peek_is_faster_and_sooner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
