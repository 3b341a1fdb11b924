// The first moments of a transport: what leaves before anything is known of it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/cc/bandwidth.h"
#include "rtp/twcc.h"

#define START (5000 * US_PER_MS)

static const struct bandwidth_config config = {.start_bps = 600000, .max_bps = 20000000};

// A packet each 10 ms.
static void send(struct bandwidth *b, uint16_t *number, uint64_t *now_us, unsigned ms, bool ticks) {
    for (unsigned i = 0; i < ms; i += 10, *now_us += 10 * US_PER_MS) {
        if (ticks && i % 20 == 0)
            bandwidth_tick(b, *now_us);
        bandwidth_sent(b, (*number)++, 1000, false, *now_us);
    }
}

// It has no place where it could be found again: nobody is silent about it.
static void what_leaves_before_the_first_tick(void **state) {
    (void)state;
    struct bandwidth *b = bandwidth_create(&config, START);
    uint64_t now_us = START;
    uint16_t number = 65500;
    if (!b)
        return;
    send(b, &number, &now_us, 1200, false);
    send(b, &number, &now_us, 900, true);
    assert_int_equal(bandwidth_state(b).reason, BANDWIDTH_START);
    send(b, &number, &now_us, 200, true); // but about what came then
    enum bandwidth_reason reason = bandwidth_state(b).reason;
    bool noted = bandwidth_memory(b) > 4096; // or there was no memory
    bandwidth_destroy(b);
    assert_true(!noted || reason == BANDWIDTH_SILENT);
}

// The feedback about the first cluster is lost: the next one tells that it is, and the cluster goes out
// again.
static void the_first_feedback_is_lost(void **state) {
    (void)state;
    struct bandwidth *b = bandwidth_create(&config, START);
    struct twcc_recorder *recorder = twcc_recorder_create();
    uint64_t now_us = START;
    uint16_t number = 65530;
    unsigned clusters = 0;
    for (unsigned ms = 0; b && recorder && ms < 300; ms++, now_us += US_PER_MS) {
        if (ms % 20 == 0) {
            bandwidth_demand(b, 10000000, now_us);
            bandwidth_tick(b, now_us);
            bandwidth_sent(b, number, 500, false, now_us);
            if (ms >= 100)
                twcc_recorder_add(recorder, number, now_us);
            number++;
        }
        for (struct bandwidth_probe probe = bandwidth_probe(b, now_us); probe.bytes > 0;
             probe = bandwidth_probe(b, now_us), clusters |= 1u << (ms / 100))
            bandwidth_sent(b, number++, probe.packet_bytes, true, now_us);
        uint8_t bytes[1500];
        struct writer w = writer_of(bytes, sizeof bytes);
        if (ms == 150 && twcc_recorder_write(recorder, &w, 1, 2, now_us)) {
            size_t padding = bytes[0] & 0x20 ? bytes[w.len - 1] : 0;
            assert_true(bandwidth_twcc(b, span_of(bytes + 12, w.len - 12 - padding), now_us));
        }
    }
    bool noted = b && recorder && bandwidth_memory(b) > 4096;
    bandwidth_destroy(b);
    twcc_recorder_destroy(recorder);
    assert_true(!noted || clusters == 3); // at the start, and soon again
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_before_the_first_tick),
        cmocka_unit_test(the_first_feedback_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
