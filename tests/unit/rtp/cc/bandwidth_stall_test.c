// Receivers whose machine stops for a while, and then has everything at once: no estimate falls for it, and
// what fell all the same is soon what comes.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/cc/bandwidth_internal.h"
#include "rtp/twcc.h"

#define START (5000 * US_PER_MS)
#define BYTES 500 // each 10 ms: 400 kbit/s
#define DEMAND 450000
#define WAITING_MAX 512

static const struct bandwidth_config config = {.start_bps = 600000, .max_bps = 20000000};

struct receiver {
    struct bandwidth *b;
    struct twcc_recorder *recorder;
    uint64_t now_us;
    uint16_t number;
    struct {
        uint16_t number;
        uint64_t at_us;
    } waiting[WAITING_MAX]; // not read yet
    unsigned count;
};

static bool begin(struct receiver *r) {
    *r = (struct receiver){.now_us = START, .number = 65400};
    r->b = bandwidth_create(&config, START);
    r->recorder = twcc_recorder_create();
    return r->b && r->recorder;
}

static void end(struct receiver *r) {
    bandwidth_destroy(r->b);
    twcc_recorder_destroy(r->recorder);
}

static void read_all(struct receiver *r) {
    unsigned kept = 0;
    for (unsigned i = 0; i < r->count; i++)
        if (r->waiting[i].at_us <= r->now_us)
            twcc_recorder_add(r->recorder, r->waiting[i].number, r->now_us);
        else
            r->waiting[kept++] = r->waiting[i];
    r->count = kept;
    while (r->now_us >= twcc_recorder_next_us(r->recorder)) {
        uint8_t out[1500];
        struct writer w = writer_of(out, sizeof out);
        if (!twcc_recorder_write(r->recorder, &w, 7, 1, r->now_us))
            break;
        assert_true(bandwidth_twcc(r->b, span_of(out + 12, w.len - 12), r->now_us));
    }
}

// What it does meanwhile: it reads and tells; it stops; or nothing comes any more.
enum does { READS, STOPS, LOSES };

static void run(struct receiver *r, unsigned ms, enum does does) {
    for (unsigned i = 0; i < ms; i++, r->now_us += US_PER_MS) {
        if (i % 10 == 0) {
            bandwidth_sent(r->b, r->number, BYTES, false, r->now_us);
            if (does != LOSES && r->count < WAITING_MAX) {
                r->waiting[r->count].number = r->number;
                r->waiting[r->count++].at_us = r->now_us + 20 * US_PER_MS;
            }
            r->number++;
        }
        if (i % 25 == 0) {
            bandwidth_demand(r->b, DEMAND, r->now_us);
            bandwidth_tick(r->b, r->now_us);
        }
        if (does != STOPS)
            read_all(r);
    }
}

static uint32_t target(const struct receiver *r) {
    return bandwidth_state(r->b).target_bps;
}

// Of any length, and with any time between.
static void machines_that_stop_again_and_again(void **state) {
    (void)state;
    for (unsigned stop_ms = 100; stop_ms <= 900; stop_ms += 100)
        for (unsigned then_ms = 50; then_ms <= 800; then_ms += 150) {
            struct receiver r;
            if (begin(&r)) {
                run(&r, 3000, READS);
                uint32_t before = target(&r);
                for (unsigned i = 0; i < 12; i++) {
                    run(&r, stop_ms, STOPS);
                    run(&r, then_ms, READS);
                    struct bandwidth_state now = bandwidth_state(r.b);
                    if (now.target_bps < before || now.congested || now.reason == BANDWIDTH_DELAY)
                        fail_msg("%u ms, then %u: %u bps", stop_ms, then_ms, now.target_bps);
                }
            }
            end(&r);
        }
}

// For longer than that nothing is heard, and less is sent; but when all of it has come after all, no link was
// cut, and the estimate is what it was.
static void what_comes_after_all_was_not_cut_off(void **state) {
    (void)state;
    for (unsigned cut = 0; cut < 2; cut++) {
        struct receiver r;
        if (begin(&r)) {
            run(&r, 3000, READS);
            uint32_t before = target(&r);
            run(&r, 2500, cut ? LOSES : STOPS);
            assert_int_equal(bandwidth_state(r.b).reason, BANDWIDTH_SILENT);
            assert_true(target(&r) < before * 7 / 10);
            run(&r, 150, READS);
            assert_int_equal(target(&r) >= before, !cut);
            assert_int_not_equal(bandwidth_state(r.b).reason, BANDWIDTH_SILENT);
        }
        end(&r);
    }
}

// Had it fallen, for whatever there was: where machines stop it is what comes without a queue.
static void no_less_than_what_comes(void **state) {
    (void)state;
    for (unsigned stops = 0; stops < 2; stops++) {
        struct receiver r;
        if (begin(&r)) {
            run(&r, 3000, READS);
            run(&r, 400, stops ? STOPS : READS);
            run(&r, 300, READS);
            rate_control_set(&r.b->rate, 60000, r.now_us);
            r.b->rate.capacity_kbps = 60;
            run(&r, 800, READS);
            if (stops)
                assert_in_range(target(&r), 380000, 480000);
            else
                assert_true(target(&r) < 200000); // or somebody else has that part of the link
        }
        end(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_that_stop_again_and_again),
        cmocka_unit_test(what_comes_after_all_was_not_cut_off),
        cmocka_unit_test(no_less_than_what_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
