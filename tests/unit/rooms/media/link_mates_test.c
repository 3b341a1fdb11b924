// Who shares a link, as queues show it, and what is whose of it.
#include "rooms/media/link_mates.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)
#define START (100 * SECOND)
#define TELL_US (50 * MS)
#define K UINT64_C(1000)

static const struct transport_id self = {7}, other = {8};

static unsigned known(const struct link_mates *m, uint64_t now_us) {
    unsigned at = 0, count = 0;
    while (link_mates_next(m, &at, now_us).v != 0)
        count++;
    return count;
}

// Milliseconds of queue over a second that comes again and again: up, down, and none.
static uint32_t hill_us(uint64_t at_us, uint64_t shift_us, uint32_t top_us) {
    uint64_t us = (at_us + shift_us) % SECOND, up_us = 400 * MS;
    return us < up_us       ? (uint32_t)(us * top_us / up_us)
           : us < 2 * up_us ? (uint32_t)((2 * up_us - us) * top_us / up_us)
                            : 0;
}

// Whether each is the other one's mate after `us`.
static bool pair_after(uint32_t a_top_us, uint32_t b_top_us, uint64_t shift_us, uint64_t us) {
    struct link_board board = {0};
    struct link_mates a = {0}, b = {0};
    uint64_t now_us = START;
    for (; now_us < START + us; now_us += TELL_US) {
        link_mates_tell(&a, &board, self, hill_us(now_us, 0, a_top_us), now_us);
        link_mates_tell(&b, &board, other, hill_us(now_us + TELL_US / 2, shift_us, b_top_us),
                        now_us + TELL_US / 2);
    }
    assert_int_equal(known(&a, now_us), known(&b, now_us));
    return known(&a, now_us) == 1;
}

static void who_waits_as_long_shares_the_link(void **state) {
    (void)state;
    static const struct {
        uint32_t a_ms, b_ms, shift_ms, ms;
        bool shares;
    } rows[] = {
        {60, 60, 0, 3000, true},     {60, 52, 0, 3000, true},    {60, 60, 20, 3000, true},
        {60, 60, 0, 400, false},     {60, 20, 0, 60000, false},  {60, 0, 0, 60000, false},
        {60, 60, 500, 60000, false}, {120, 50, 0, 60000, false}, {15, 15, 0, 60000, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (pair_after(rows[i].a_ms * 1000, rows[i].b_ms * 1000, rows[i].shift_ms * MS, rows[i].ms * MS) !=
            rows[i].shares)
            fail_msg("row %zu", i);
}

// Whatever somebody claims who does not know the queue of the other one; what chance makes alike does not
// stay.
static void claims_of_queues_make_no_mates(void **state) {
    (void)state;
    for (uint32_t claim_ms = 0; claim_ms <= 4000; claim_ms = claim_ms * 3 / 2 + 10)
        for (uint64_t wave_us = 0; wave_us < 4 * SECOND; wave_us += 350 * MS) {
            struct link_board board = {0};
            struct link_mates honest = {0}, liar = {0};
            unsigned taken_in = 0, told = 0;
            for (uint64_t now_us = START; now_us < START + 60 * SECOND; now_us += TELL_US, told++) {
                bool claims = wave_us == 0 || now_us % (2 * wave_us) < wave_us;
                link_mates_tell(&liar, &board, other, claims ? claim_ms * 1000 : 0, now_us);
                link_mates_tell(&honest, &board, self, hill_us(now_us, 0, 90000), now_us);
                taken_in += known(&honest, now_us);
            }
            if (taken_in * 20 > told)
                fail_msg("%u ms, waves of %llu ms: %u of %u", claim_ms, (unsigned long long)(wave_us / MS),
                         taken_in, told);
        }
}

static void mates_are_lost_when_queues_differ_and_forgotten_in_time(void **state) {
    (void)state;
    struct link_board board = {0};
    struct link_mates a = {0}, b = {0};
    uint64_t now_us = START;
    for (; now_us < START + 5 * SECOND; now_us += TELL_US) {
        link_mates_tell(&b, &board, other, hill_us(now_us, 0, 60000), now_us);
        link_mates_tell(&a, &board, self, hill_us(now_us, 0, 60000), now_us);
    }
    assert_int_equal(known(&a, now_us), 1);
    assert_int_equal(known(&a, now_us + MATES_KNOWN_US - SECOND), 1);
    assert_int_equal(known(&a, now_us + MATES_KNOWN_US), 0);
    for (uint64_t end_us = now_us + 3 * SECOND; now_us < end_us; now_us += TELL_US) {
        link_mates_tell(&b, &board, other, 0, now_us);
        link_mates_tell(&a, &board, self, 60000, now_us);
    }
    assert_int_equal(known(&a, now_us), 0);
}

// Short ones differ for a moment, because of frames and of pauses in what is told, and by little for long,
// since each takes something else for the empty queue where that is seldom: mates stay mates.
static void short_queues_that_differ_part_nobody(void **state) {
    (void)state;
    static const struct {
        uint32_t longer_ms, shorter_ms;
        uint64_t us;
        bool mates;
    } rows[] = {
        {44, 7, SECOND, true},        {44, 7, 10 * SECOND, false}, {30, 16, 60 * SECOND, true},
        {30, 10, 60 * SECOND, false}, {88, 7, SECOND, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct link_board board = {0};
        struct link_mates a = {0}, b = {0};
        uint64_t now_us = START;
        for (; now_us < START + 5 * SECOND; now_us += TELL_US) {
            link_mates_tell(&a, &board, self, hill_us(now_us, 0, 60000), now_us);
            link_mates_tell(&b, &board, other, hill_us(now_us, 0, 60000), now_us);
        }
        assert_int_equal(known(&a, now_us), 1);
        for (uint64_t end_us = now_us + rows[i].us; now_us < end_us; now_us += TELL_US) {
            link_mates_tell(&a, &board, self, rows[i].longer_ms * 1000, now_us);
            link_mates_tell(&b, &board, other, rows[i].shorter_ms * 1000, now_us);
        }
        if (known(&a, now_us) != rows[i].mates)
            fail_msg("%u and %u ms: expected %d", rows[i].longer_ms, rows[i].shorter_ms, rows[i].mates);
    }
}

// More than there are places on the board, and more alike than are known at a time.
static void many_are_alike(void **state) {
    (void)state;
    struct link_board board = {0};
    struct link_mates mates[MATES_BOARD + 6] = {0};
    for (uint64_t now_us = START; now_us < START + 5 * SECOND; now_us += TELL_US)
        for (unsigned i = 0; i < MATES_BOARD + 6; i++)
            link_mates_tell(&mates[i], &board, (struct transport_id){100 + i}, hill_us(now_us, 0, 60000),
                            now_us);
    for (unsigned i = 0; i < MATES_BOARD + 6; i++) {
        assert_in_range(known(&mates[i], START + 5 * SECOND), 1, MATES_MAX);
        unsigned at = 0;
        for (struct transport_id id; (id = link_mates_next(&mates[i], &at, START + 5 * SECOND)).v != 0;)
            assert_int_not_equal(id.v, 100 + i); // nobody is his own
    }
}

static void what_is_whose(void **state) {
    (void)state;
    static const struct {
        uint64_t carried_kbps;
        unsigned count;
        struct link_claim claims[4]; // in kbit/s
        uint64_t even_kbps, most_kbps, free_kbps;
    } rows[] = {
        {1500, 1, {{700, 800, 3000}}, 1500, 1500, 1500},
        // Who has more leaves the next step to who has less, up to an even share,
        {1500, 2, {{955, 1600, 3000}, {277, 405, 3000}}, 750, 1095, 750},
        {1500, 2, {{955, 1600, 3000}, {405, 955, 3000}}, 750, 750, 750},
        // and who has less may have what is free of his.
        {1500, 2, {{405, 955, 3000}, {955, 1600, 3000}}, 750, 750, 545},
        {1500, 3, {{277, 405, 3000}, {445, 955, 3000}, {445, 955, 3000}}, 500, 500, 500},
        // Who wants less than that leaves it.
        {1500, 2, {{700, 1200, 3000}, {200, 0, 200}}, 1300, 1300, 1300},
        {1500, 3, {{300, 700, 3000}, {200, 0, 200}, {600, 900, 3000}}, 650, 650, 650},
        {3000, 2, {{500, 0, 500}, {500, 0, 500}}, 1500, 2500, 1500},
        {0, 2, {{500, 600, 700}, {500, 0, 500}}, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct link_claim claims[4];
        for (unsigned k = 0; k < rows[i].count; k++)
            claims[k] = (struct link_claim){rows[i].claims[k].has_bps * K, rows[i].claims[k].next_bps * K,
                                            rows[i].claims[k].demand_bps * K};
        struct link_share s = link_share_of(rows[i].carried_kbps * K, claims, rows[i].count);
        if (s.even_bps / K != rows[i].even_kbps || s.most_bps / K != rows[i].most_kbps ||
            s.free_bps / K != rows[i].free_kbps)
            fail_msg("row %zu: %llu, %llu, %llu", i, (unsigned long long)(s.even_bps / K),
                     (unsigned long long)(s.most_bps / K), (unsigned long long)(s.free_bps / K));
    }
}

// Who would have clearly less is behind, when he wants a step that costs about as much or is within an even
// part.
static void who_is_left_behind(void **state) {
    (void)state;
    static const struct {
        struct link_claim claim; // in kbit/s
        uint64_t kbps, within_kbps;
        bool behind;
    } rows[] = {
        {{586, 747, 3000}, 747, 750, true},   {{586, 747, 3000}, 700, 750, false},
        {{586, 747, 3000}, 747, 680, true},   {{586, 747, 3000}, 747, 679, false},
        {{586, 586, 3000}, 747, 750, false},  {{586, 0, 586}, 747, 750, false},
        {{622, 747, 3000}, 747, 750, true},   {{623, 747, 3000}, 747, 750, false},
        {{586, 1200, 3000}, 747, 750, false}, {{0, 100, 3000}, 1, 750, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct link_claim claim = {rows[i].claim.has_bps * K, rows[i].claim.next_bps * K,
                                   rows[i].claim.demand_bps * K};
        if (link_claim_is_behind(&claim, rows[i].kbps * K, rows[i].within_kbps * K) != rows[i].behind)
            fail_msg("row %zu", i);
    }
}

// What others cannot use for a step is told of as well.
static void what_is_usable(void **state) {
    (void)state;
    struct link_claim claims[2] = {{452 * K, 955 * K, 3000 * K}, {452 * K, 955 * K, 3000 * K}};
    struct link_share s = link_share_of(1500 * K, claims, 2);
    assert_int_equal(s.most_bps, 750 * K);
    assert_int_equal(s.usable_bps, 1048 * K);
    claims[1].next_bps = 760 * K; // nearly within an even part: it is his
    assert_int_equal(link_share_of(1500 * K, claims, 2).usable_bps, 750 * K);
    claims[1].next_bps = 600 * K;
    assert_int_equal(link_share_of(1500 * K, claims, 2).usable_bps, 900 * K);
}

// Whatever the others claim, an even share is nobody's but one's own.
static void an_even_share_is_everybodys(void **state) {
    (void)state;
    uint64_t random = 1;
    for (unsigned round = 0; round < 20000; round++) {
        struct link_claim claims[MATES_MAX + 1];
        unsigned count = 1 + round % (MATES_MAX + 1);
        for (unsigned i = 0; i < count; i++) {
            uint64_t *values[] = {&claims[i].has_bps, &claims[i].next_bps, &claims[i].demand_bps};
            for (unsigned k = 0; k < 3; k++) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                *values[k] = (random >> 33) % (1 << (round % 30));
            }
        }
        uint64_t carried_bps = (random >> 20) % 10000000;
        struct link_share s = link_share_of(carried_bps, claims, count);
        assert_true(s.even_bps >= carried_bps / count);
        assert_true(s.most_bps >= s.even_bps && s.free_bps <= s.even_bps);
        assert_true(s.most_bps <= carried_bps);
        assert_true(s.usable_bps >= s.most_bps && s.usable_bps <= carried_bps);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_as_long_shares_the_link),
        cmocka_unit_test(claims_of_queues_make_no_mates),
        cmocka_unit_test(mates_are_lost_when_queues_differ_and_forgotten_in_time),
        cmocka_unit_test(short_queues_that_differ_part_nobody),
        cmocka_unit_test(many_are_alike),
        cmocka_unit_test(what_is_whose),
        cmocka_unit_test(who_is_left_behind),
        cmocka_unit_test(what_is_usable),
        cmocka_unit_test(an_even_share_is_everybodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
