// What is seen against what is claimed: a number that no packet was given did not come, whoever says so; and
// a queue that no round trip shows is nobody's. A source that sends all it may, and a receiver that answers
// every 50 ms about all of the last 50.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/cc/bandwidth.h"

#define MS UINT64_C(1000)
#define START (64000 * MS)
#define WAY_US (20 * MS)
#define BACK_US (10 * MS)
#define STEP_US (5 * MS)
#define FEEDBACK_US (50 * MS)
#define FULL_US (100 * MS)

static const struct bandwidth_config config = {.start_bps = 600000, .min_bps = 50000, .max_bps = 3000000};

struct told { // feedback on its way
    size_t len;
    uint64_t at_us;
    uint8_t bytes[600];
};

struct way {
    struct bandwidth *b;
    uint64_t now_us, debt;
    uint16_t number, first; // the next, and the first that has not been told
    bool skipped[0x10000];
    uint64_t sent_us[0x10000];
    struct told told[8]; // [n % 8]
    unsigned told_first, told_count;
    uint64_t waits_us, claims_us; // each packet, on its way; besides, as is said
    bool all;                     // what was left out is said to have come
    bool swaps, again;            // feedback comes two by two in the wrong order; tells of the last 20 again
};

static bool way_begin(struct way *w) {
    *w =
        (struct way){.b = bandwidth_create(&config, START), .now_us = START, .number = 65500, .first = 65500};
    if (w->b)
        bandwidth_demand(w->b, 20000000, START);
    return w->b != NULL;
}

static void way_tell(struct way *w) {
    struct told *told = &w->told[(w->told_first + w->told_count) % 8];
    struct writer out = writer_of(told->bytes, sizeof told->bytes);
    uint16_t count = 0, back = w->again ? 20 : 0;
    w->first = (uint16_t)(w->first - back);
    while ((uint16_t)(w->first + count) != w->number && count < 200 &&
           w->sent_us[(uint16_t)(w->first + count)] + WAY_US + w->waits_us <= w->now_us)
        count++;
    if (count == back || w->told_count == 8) {
        w->first = (uint16_t)(w->first + back);
        return;
    }
    uint64_t from_us = w->now_us / 64000 * 64000 - 10 * 64000;
    write_u16(&out, w->first);
    write_u16(&out, count);
    write_u24(&out, (uint32_t)(from_us / 64000) & 0xffffff);
    write_u8(&out, 0);
    for (uint16_t i = 0; i < count; i++) // runs of one
        write_u16(&out, i < back || (w->skipped[(uint16_t)(w->first + i)] && !w->all) ? 1 : 0x4001);
    for (uint16_t i = back; i < count; i++) {
        uint16_t n = (uint16_t)(w->first + i);
        if (w->skipped[n] && !w->all)
            continue;
        uint64_t came_us = w->sent_us[n] + WAY_US + w->waits_us + w->claims_us;
        write_u16(&out, (uint16_t)((came_us - from_us) / 250));
        from_us += (came_us - from_us) / 250 * 250;
    }
    assert_false(out.failed);
    told->len = out.len;
    told->at_us = w->now_us + BACK_US;
    w->told_count++;
    w->first = (uint16_t)(w->first + count);
}

static void way_send(struct way *w) {
    for (w->debt += bandwidth_state(w->b).target_bps * STEP_US / 8000000; w->debt >= 1000; w->debt -= 1000) {
        w->skipped[w->number] = false;
        w->sent_us[w->number] = w->now_us;
        bandwidth_sent(w->b, w->number++, 1000, false, w->now_us);
    }
}

static void way_skip(struct way *w) {
    w->skipped[w->number] = true;
    w->sent_us[w->number] = w->now_us;
    bandwidth_sent_nothing(w->b, w->number++, w->now_us);
}

static void way_run(struct way *w, uint64_t us) {
    for (uint64_t end_us = w->now_us + us; w->now_us < end_us; w->now_us += STEP_US) {
        if (w->now_us % (25 * MS) == 0)
            bandwidth_tick(w->b, w->now_us);
        if (w->now_us % (500 * MS) == 0)
            way_skip(w);
        way_send(w);
        if (w->now_us % FEEDBACK_US == 0)
            way_tell(w);
        unsigned many = w->swaps ? 2 : 1;
        while (w->told_count >= many && w->told[w->told_first].at_us <= w->now_us) {
            for (unsigned i = many; i-- > 0;) {
                struct told *told = &w->told[(w->told_first + i) % 8];
                assert_true(bandwidth_twcc(w->b, span_of(told->bytes, told->len), w->now_us));
            }
            w->told_first = (w->told_first + many) % 8;
            w->told_count -= many;
        }
    }
}

// Numbers that are left out are no loss, and cost who tells the truth nothing.
static void what_was_left_out_is_not_lost(void **state) {
    (void)state;
    struct way w;
    if (!way_begin(&w))
        return;
    way_run(&w, 20 * US_PER_SECOND);
    struct bandwidth_state s = bandwidth_state(w.b);
    if (s.acked_bps > 0)
        assert_true(s.target_bps == config.max_bps && s.loss == 0);
    bandwidth_destroy(w.b);
}

// Who says that all has come gets the least there is, for longer each time, and is believed again.
static void who_tells_of_what_never_left_is_not_believed(void **state) {
    (void)state;
    struct way w;
    if (!way_begin(&w))
        return;
    way_run(&w, 20 * US_PER_SECOND);
    w.all = true;
    way_run(&w, 5 * US_PER_SECOND);
    uint32_t soon_bps = bandwidth_state(w.b).target_bps;
    way_run(&w, 6 * US_PER_SECOND);
    if (bandwidth_state(w.b).acked_bps == 0)
        return bandwidth_destroy(w.b); // no memory for what was sent
    assert_true(soon_bps < config.max_bps / 2);
    uint64_t most_bps = 0;
    for (unsigned i = 0; i < 100; i++) {
        way_run(&w, 500 * MS);
        uint32_t bps = bandwidth_state(w.b).target_bps;
        most_bps = bps > most_bps ? bps : most_bps;
    }
    assert_true(most_bps < config.start_bps);
    w.all = false;
    way_run(&w, 120 * US_PER_SECOND);
    assert_true(bandwidth_state(w.b).target_bps > config.max_bps / 2);
    bandwidth_destroy(w.b);
}

// A queue that somebody else fills, and one that is only told of, whatever is sent.
static void a_queue_that_no_round_trip_shows_is_no_download(void **state) {
    (void)state;
    for (unsigned claimed = 0; claimed < 2; claimed++) {
        struct way w;
        if (!way_begin(&w))
            return;
        way_run(&w, 10 * US_PER_SECOND);
        *(claimed ? &w.claims_us : &w.waits_us) = FULL_US;
        way_run(&w, 15 * US_PER_SECOND);
        struct bandwidth_state s = bandwidth_state(w.b);
        if (s.acked_bps > 0) {
            assert_in_range(s.queue_us, FULL_US * 9 / 10, FULL_US * 11 / 10);
            assert_int_equal(s.competes, !claimed);
            assert_true(claimed ? s.target_bps < config.start_bps : s.target_bps > config.start_bps);
        }
        bandwidth_destroy(w.b);
    }
}

// Feedback in the wrong order, and feedback that says of what it has told before that it has not come, as the
// draft wants it of windows that overlap (3.1.1).
static void what_is_told_twice_or_late_is_no_loss(void **state) {
    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        struct way w;
        if (!way_begin(&w))
            return;
        w.again = again;
        w.swaps = !again;
        way_run(&w, 20 * US_PER_SECOND);
        struct bandwidth_state s = bandwidth_state(w.b);
        if (s.acked_bps > 0)
            assert_true(s.target_bps == config.max_bps && s.loss < 0.01f && !s.competes);
        bandwidth_destroy(w.b);
    }
}

// What is still on its way when the address changes says nothing of the new one, which may be much longer.
static void word_of_the_old_address(void **state) {
    (void)state;
    struct way w;
    if (!way_begin(&w))
        return;
    way_run(&w, 10 * US_PER_SECOND);
    w.waits_us = 3 * FULL_US;
    way_run(&w, 2 * STEP_US); // some of it has left already
    bandwidth_path_changed(w.b, w.now_us);
    uint32_t begins_bps = bandwidth_state(w.b).target_bps;
    way_run(&w, 100 * MS);
    assert_int_equal(bandwidth_state(w.b).target_bps, begins_bps);
    assert_int_equal(bandwidth_state(w.b).rtt_us, 0);
    way_run(&w, 5 * US_PER_SECOND);
    struct bandwidth_state s = bandwidth_state(w.b);
    if (s.acked_bps > 0)
        assert_true(s.target_bps >= begins_bps && s.queue_us < 5000 && s.trip_us < 60000 && !s.competes);
    bandwidth_destroy(w.b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_left_out_is_not_lost),
        cmocka_unit_test(who_tells_of_what_never_left_is_not_believed),
        cmocka_unit_test(a_queue_that_no_round_trip_shows_is_no_download),
        cmocka_unit_test(what_is_told_twice_or_late_is_no_loss),
        cmocka_unit_test(word_of_the_old_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
