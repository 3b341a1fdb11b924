// More was refuted on a link: what probes show of it afterwards, as long as it is that link, and when it is
// another.
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
#define DELAY_US 10000
#define PACKET_BYTES 600
#define ARRIVALS_MAX 256
#define DEMAND_BPS 3000000

struct path {
    struct bandwidth *b;
    struct twcc_recorder *recorder;
    uint64_t now_us, free_us, link_bps, media_us; // the next packet of media
    uint32_t media_bps, padding_bytes;
    uint16_t number;
    struct {
        uint64_t at_us;
        uint16_t number;
    } arrivals[ARRIVALS_MAX]; // ring
    unsigned first, count;
};

// False: memory ended.
static bool path_begin(struct path *p, uint64_t link_bps, uint32_t media_bps) {
    static const struct bandwidth_config config = {.start_bps = 600000, .max_bps = 20000000};
    *p = (struct path){.b = bandwidth_create(&config, START),
                       .recorder = twcc_recorder_create(),
                       .now_us = START,
                       .media_us = START,
                       .link_bps = link_bps,
                       .media_bps = media_bps};
    if (p->b && p->recorder)
        return true;
    bandwidth_destroy(p->b);
    twcc_recorder_destroy(p->recorder);
    return false;
}

static void path_end(struct path *p) {
    bandwidth_destroy(p->b);
    twcc_recorder_destroy(p->recorder);
}

static void path_send(struct path *p, uint16_t bytes, bool probe) {
    bandwidth_sent(p->b, p->number, bytes, probe, p->now_us);
    p->free_us = (p->free_us > p->now_us ? p->free_us : p->now_us) + bytes * UINT64_C(8000000) / p->link_bps;
    assert_true(p->count < ARRIVALS_MAX);
    unsigned at = (p->first + p->count++) % ARRIVALS_MAX;
    p->arrivals[at].at_us = p->free_us + DELAY_US;
    p->arrivals[at].number = p->number++;
    p->padding_bytes += probe ? bytes : 0;
}

static void path_tell(struct path *p) {
    for (; p->count && p->arrivals[p->first].at_us <= p->now_us; p->count--) {
        twcc_recorder_add(p->recorder, p->arrivals[p->first].number, p->arrivals[p->first].at_us);
        p->first = (p->first + 1) % ARRIVALS_MAX;
    }
    uint8_t bytes[1500];
    struct writer w = writer_of(bytes, sizeof bytes);
    if (p->now_us < twcc_recorder_next_us(p->recorder) ||
        !twcc_recorder_write(p->recorder, &w, 1, 2, p->now_us))
        return;
    size_t padding = bytes[0] & 0x20 ? bytes[w.len - 1] : 0;
    assert_true(bandwidth_twcc(p->b, span_of(bytes + 12, w.len - 12 - padding), p->now_us));
}

static void path_run(struct path *p, unsigned ms) {
    for (unsigned i = 0; i < ms; i++, p->now_us += US_PER_MS) {
        if (p->now_us >= bandwidth_next_us(p->b))
            bandwidth_tick(p->b, p->now_us);
        for (; p->now_us >= p->media_us; p->media_us += PACKET_BYTES * UINT64_C(8000000) / p->media_bps)
            path_send(p, PACKET_BYTES, false);
        struct bandwidth_probe probe = bandwidth_probe(p->b, p->now_us);
        for (uint32_t sent = 0; sent < probe.bytes; sent += probe.packet_bytes)
            path_send(p, probe.packet_bytes, true);
        path_tell(p);
    }
}

static uint32_t target_of(const struct path *p) {
    return bandwidth_state(p->b).target_bps;
}

// What its owner does after a trial that failed.
static void path_refute(struct path *p, uint32_t sought_bps) {
    bandwidth_refute(p->b, p->media_bps, p->now_us);
    bandwidth_seek(p->b, sought_bps);
}

static void probes_show_no_more_than_is_sought(void **state) {
    (void)state;
    struct path p;
    if (!path_begin(&p, 1500000, 700000)) // of which others use a part, so that more was refuted
        return;
    bandwidth_demand(p.b, DEMAND_BPS, p.now_us);
    path_run(&p, 10000);
    path_refute(&p, 800000);
    uint32_t padding = p.padding_bytes;
    for (unsigned i = 0; i < 30; i++) {
        path_run(&p, 1000);
        assert_true(target_of(&p) <= 800000 * 115 / 100);
    }
    assert_int_equal(bandwidth_state(p.b).renewals, 0);
    assert_in_range(p.padding_bytes - padding, 20000, 160000); // it is looked at, for little
    path_end(&p);
}

static void another_link_is_found_at_once(void **state) {
    (void)state;
    for (unsigned after_ms = 0; after_ms <= 12000; after_ms += 1000) {
        struct path p;
        if (!path_begin(&p, 500000, 400000))
            return;
        bandwidth_demand(p.b, DEMAND_BPS, p.now_us);
        path_run(&p, 10000);
        path_refute(&p, 450000);
        path_run(&p, after_ms);
        assert_int_equal(bandwidth_state(p.b).renewals, 0);
        p.link_bps = 5000000;
        path_run(&p, 4500);
        if (bandwidth_state(p.b).renewals != 1 || target_of(&p) < DEMAND_BPS * 95 / 100)
            fail_msg("%u ms after the refusal: %u renewals, %u bits a second", after_ms,
                     bandwidth_state(p.b).renewals, target_of(&p));
        path_end(&p);
    }
}

// And how fast it is soon after; meanwhile its owner is told not to try it himself.
static void another_link_is_climbed(void **state) {
    (void)state;
    struct path p;
    if (!path_begin(&p, 500000, 400000))
        return;
    bandwidth_demand(p.b, 5 * DEMAND_BPS, p.now_us);
    path_run(&p, 10000);
    path_refute(&p, 450000);
    assert_false(bandwidth_state(p.b).climbs);
    p.link_bps = 20000000;
    for (unsigned i = 0; i < 100 && bandwidth_state(p.b).renewals == 0; i++)
        path_run(&p, 50);
    assert_true(bandwidth_state(p.b).climbs);
    path_run(&p, 1200);
    assert_true(target_of(&p) > 4 * DEMAND_BPS);
    path_run(&p, 3000);
    assert_false(bandwidth_state(p.b).climbs);
    path_end(&p);
}

static void a_link_that_is_a_little_wider_is_the_same(void **state) {
    (void)state;
    struct path p;
    if (!path_begin(&p, 600000, 450000))
        return;
    bandwidth_demand(p.b, DEMAND_BPS, p.now_us);
    path_run(&p, 10000);
    path_refute(&p, 500000);
    p.link_bps = 720000;
    path_run(&p, 15000);
    assert_int_equal(bandwidth_state(p.b).renewals, 0);
    assert_true(target_of(&p) <= 720000);
    path_end(&p);
}

static void another_path_forgets_the_refusal(void **state) {
    (void)state;
    struct path p;
    if (!path_begin(&p, 500000, 400000))
        return;
    bandwidth_demand(p.b, DEMAND_BPS, p.now_us);
    path_run(&p, 10000);
    path_refute(&p, 450000);
    bandwidth_path_changed(p.b, p.now_us);
    p.link_bps = 5000000;
    path_run(&p, 3000);
    assert_true(target_of(&p) > DEMAND_BPS * 9 / 10);
    path_end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probes_show_no_more_than_is_sought),
        cmocka_unit_test(another_link_is_found_at_once),
        cmocka_unit_test(another_link_is_climbed),
        cmocka_unit_test(a_link_that_is_a_little_wider_is_the_same),
        cmocka_unit_test(another_path_forgets_the_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
