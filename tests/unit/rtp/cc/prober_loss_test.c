// Clusters of which something is lost, or that carry a frame: what they say of a link that is wide, and of
// one that is not.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "rtp/cc/prober.h"

#define MS UINT64_C(1000)
#define START (5000 * MS)
#define PACKETS 12
#define BYTES 500
#define RATE_BPS 1800000 // of the first cluster

static const struct probe_wish wish = {.target_bps = 600000, .want_bps = 20000000, .start_bps = 600000};

// A cluster of PACKETS, each of them when `sent_us` says, over a link of link_bps; of `lost` nothing comes.
static bool judge(struct prober *p, const uint64_t *sent_us, unsigned lost, uint64_t link_bps,
                  struct probe_result *result) {
    uint64_t free_us = 0;
    uint8_t ids[PACKETS];
    int64_t arrival_us[PACKETS];
    prober_plan(p, &wish, START);
    assert_int_equal(p->cluster.rate_bps, RATE_BPS);
    p->cluster.want_bytes = PACKETS * BYTES;
    prober_wanted_bytes(p, START);
    for (unsigned i = 0; i < PACKETS; i++) {
        ids[i] = prober_sent(p, BYTES, START + sent_us[i]);
        free_us = (free_us > sent_us[i] ? free_us : sent_us[i]) + BYTES * UINT64_C(8000000) / link_bps;
        arrival_us[i] = (int64_t)free_us + 777;
    }
    assert_false(p->cluster.sending);
    for (unsigned i = 0; i < PACKETS; i++)
        if (lost >> i & 1)
            prober_lost(p, ids[i]);
        else
            prober_acked(p, ids[i], BYTES, START + sent_us[i], arrival_us[i]);
    return prober_judge(p, START + 200 * MS, result);
}

static void even(uint64_t sent_us[PACKETS]) {
    for (unsigned i = 0; i < PACKETS; i++)
        sent_us[i] = i * BYTES * UINT64_C(8000000) / RATE_BPS;
}

// A machine stops while it is on its way: it says nothing, and another one goes out.
static void a_machine_that_stops(void **state) {
    (void)state;
    for (unsigned within = 0; within < 3; within++) { // before it is told of, at its first packet, later
        struct prober p;
        struct probe_result result;
        prober_init(&p, START);
        prober_plan(&p, &wish, START);
        p.cluster.want_bytes = PACKETS * BYTES;
        prober_wanted_bytes(&p, START);
        uint8_t id = 0;
        for (unsigned i = 0; i < PACKETS; i++)
            id = prober_sent(&p, BYTES, START + i * 2 * MS);
        if (within == 0)
            prober_paused(&p, 0);
        for (unsigned i = 0; i < PACKETS; i++) {
            if (within > 0 && i == (within - 1) * 5)
                prober_paused(&p, id);
            int64_t late_us = within > 1 && i >= 5 ? 200000 : 0;
            prober_acked(&p, id, BYTES, START + i * 2 * MS, (int64_t)(i * 2 * MS) + late_us);
        }
        assert_true(prober_judge(&p, START + 300 * MS, &result));
        assert_false(result.saturated);
        assert_int_equal(result.lost, within > 0);
        assert_int_equal(result.bps > 0, within == 0);
        prober_plan(&p, &wish, START + 301 * MS);
        assert_int_equal(p.cluster.rate_bps, within > 0 ? RATE_BPS : 2 * RATE_BPS);
    }
}

static unsigned bits(unsigned mask) {
    unsigned n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
}

// Whichever are lost, as long as half comes: the link is not full, and shows about what came of it.
static void a_wide_link_that_loses(void **state) {
    (void)state;
    uint64_t sent_us[PACKETS];
    even(sent_us);
    for (unsigned lost = 0; lost < 1u << PACKETS; lost++) {
        struct prober p;
        struct probe_result result;
        prober_init(&p, START);
        if (bits(lost) > PACKETS / 2)
            continue;
        assert_true(judge(&p, sent_us, lost, 100000000, &result));
        double least = RATE_BPS * 0.93 * (PACKETS - bits(lost) - 1) / (PACKETS - 1);
        if (result.saturated || result.hurried || result.bps < least || result.bps > RATE_BPS)
            fail_msg("lost %03x: %u bps, saturated %d, hurried %d", lost, result.bps, result.saturated,
                     result.hurried);
    }
}

// On a link of a third of the rate it is seen whatever is lost, up to what cannot be judged; and never much
// more is believed than there is.
static void a_narrow_link_that_loses(void **state) {
    (void)state;
    uint64_t sent_us[PACKETS];
    even(sent_us);
    for (unsigned lost = 0; lost < 1u << PACKETS; lost++) {
        struct prober p;
        struct probe_result result;
        prober_init(&p, START);
        if (bits(lost) > PACKETS - 3)
            continue;
        assert_true(judge(&p, sent_us, lost, RATE_BPS / 3, &result));
        if (bits(lost) <= PACKETS / 3 && !result.saturated)
            fail_msg("lost %03x: %u bps, not saturated", lost, result.bps);
        assert_true(result.bps < RATE_BPS / 3 * 11 / 10);
    }
}

// A frame of some packets goes out at once, anywhere in the cluster.
static void a_frame_in_the_cluster(void **state) {
    (void)state;
    for (unsigned at = 0; at < PACKETS; at++)
        for (unsigned frame = 2; frame <= PACKETS - 2; frame++)
            for (unsigned lost = 0; lost <= PACKETS; lost++) { // of one packet at most
                uint64_t sent_us[PACKETS];
                struct prober p;
                struct probe_result result;
                even(sent_us);
                for (unsigned i = at; i < PACKETS; i++) // what is behind it waits, as less is due
                    sent_us[i] = i < at + frame ? sent_us[at] : sent_us[i];
                prober_init(&p, START);
                assert_true(judge(&p, sent_us, 1u << lost & 0xfff, 100000000, &result));
                if (result.saturated)
                    fail_msg("%u packets at %u, lost %u: %u bps and saturated", frame, at, lost, result.bps);
                prober_init(&p, START);
                assert_true(judge(&p, sent_us, 0, RATE_BPS / 3, &result));
                if (result.bps > RATE_BPS / 3 * 11 / 10)
                    fail_msg("%u packets at %u: %u bps of a link of %u", frame, at, result.bps, RATE_BPS / 3);
            }
}

// Nearly nothing came: the same again at once, but not for ever.
static void a_cluster_that_is_lost_follows_again(void **state) {
    (void)state;
    uint64_t sent_us[PACKETS];
    struct prober p;
    struct probe_result result;
    even(sent_us);
    prober_init(&p, START);
    for (unsigned i = 0; i <= PROBER_RETRIES_MAX; i++) {
        assert_true(judge(&p, sent_us, 0xff8, 100000000, &result)); // at the same rate
        assert_true(result.lost && result.bps == 0 && !result.saturated);
    }
    prober_plan(&p, &wish, START); // the second step of the start
    assert_int_equal(p.cluster.rate_bps, 2 * RATE_BPS);
}

#define EACH_US (BYTES * UINT64_C(8000000) / RATE_BPS)

// The first cluster, one packet after the other. Its id.
static uint8_t send_evenly(struct prober *p) {
    prober_init(p, START);
    prober_plan(p, &wish, START);
    p->cluster.want_bytes = PACKETS * BYTES;
    prober_wanted_bytes(p, START);
    uint8_t id = 0;
    for (unsigned i = 0; i < PACKETS; i++)
        id = prober_sent(p, BYTES, START + i * EACH_US);
    return id;
}

// It is known when the last has been told of, whatever was lost; or that feedback was.
static void nothing_is_waited_for_in_vain(void **state) {
    (void)state;
    for (unsigned untold = 0; untold < 2; untold++) {
        struct prober p;
        struct probe_result result;
        uint8_t id = send_evenly(&p);
        for (unsigned i = 0; i < PACKETS; i++) {
            assert_false(prober_judge(&p, START + 100 * MS, &result));
            if (i < 3 || i >= 8)
                prober_acked(&p, id, BYTES, START + i * EACH_US, (int64_t)(i * EACH_US));
            else if (untold)
                prober_untold(&p, id, BYTES);
            else
                prober_lost(&p, id);
        }
        assert_true(prober_judge(&p, START + 100 * MS, &result));
        // What nothing is known of may have come.
        uint32_t bps = untold ? RATE_BPS : RATE_BPS * 6 / 11;
        assert_in_range(result.bps, bps * 97 / 100, bps * 103 / 100);
        assert_false(result.saturated);
    }
}

// Told as lost, or not at all, and then as come: each counts once.
static void what_is_told_late_counts_once(void **state) {
    (void)state;
    struct prober p;
    struct probe_result result;
    uint8_t id = send_evenly(&p);
    for (unsigned i = 0; i < 4; i++) {
        prober_lost(&p, id);
        prober_revoke_loss(&p, id);
        prober_revoke_loss(&p, id);
        prober_untold(&p, id, BYTES);
        prober_told(&p, id, BYTES);
        prober_told(&p, id, BYTES);
        prober_acked(&p, id, BYTES, START + i * EACH_US, (int64_t)(i * EACH_US));
    }
    prober_lost(&p, (uint8_t)(id + 1)); // of another one
    prober_untold(&p, 0, BYTES);
    assert_false(prober_judge(&p, START + 100 * MS, &result));
    assert_int_equal(p.cluster.lost_packets + p.cluster.untold_packets + p.cluster.untold_bytes, 0);
}

// Feedback that never comes is waited for, and then the cluster is sent again.
static void feedback_that_never_comes(void **state) {
    (void)state;
    struct prober p;
    prober_init(&p, START);
    prober_plan(&p, &wish, START);
    prober_wanted_bytes(&p, START);
    for (unsigned i = 0; p.cluster.sending; i++)
        prober_sent(&p, 1200, START + i * MS);
    prober_plan(&p, &wish, START + 500 * MS);
    assert_false(p.cluster.sending);
    prober_plan(&p, &wish, START + 1100 * MS);
    assert_true(p.cluster.sending);
    assert_int_equal(p.cluster.rate_bps, RATE_BPS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_that_stops),
        cmocka_unit_test(a_wide_link_that_loses),
        cmocka_unit_test(a_narrow_link_that_loses),
        cmocka_unit_test(a_frame_in_the_cluster),
        cmocka_unit_test(a_cluster_that_is_lost_follows_again),
        cmocka_unit_test(nothing_is_waited_for_in_vain),
        cmocka_unit_test(what_is_told_late_counts_once),
        cmocka_unit_test(feedback_that_never_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
