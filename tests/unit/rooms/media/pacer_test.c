// Video that waits on a full link: how much leaves when, in which order, and that it is bounded.
#include "rooms/media/pacer.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define PACKET_BYTES 1200
#define START_US UINT64_C(1000000000)

static int owner_a, owner_b;

struct scene {
    struct pool *pool;
    struct pacer p;
    uint64_t now_us, put, taken;
};

static struct scene scene(uint32_t rate_bps) {
    struct scene s = {.pool = pool_create(4096), .now_us = START_US};
    assert_non_null(s.pool);
    if (rate_bps)
        pacer_set(&s.p, rate_bps);
    return s;
}

static void scene_end(struct scene *s) {
    pacer_forget(&s->p, NULL);
    assert_int_equal(pool_taken(s->pool), 0);
    pool_destroy(s->pool);
}

static void put_of(struct scene *s, void *owner, uint16_t bytes) {
    struct block *b = pool_take(s->pool);
    assert_non_null(b);
    b->len = bytes;
    pacer_put(&s->p, b, &(struct pacer_note){.owner = owner, .seq = (uint16_t)s->put++, .kind = PACER_MEDIA});
}

static void put(struct scene *s, void *owner) {
    put_of(s, owner, PACKET_BYTES);
}

// What a packet of video does: true when it went at once.
static bool offer(struct scene *s) {
    if (pacer_passes(&s->p, s->now_us)) {
        pacer_spend(&s->p, PACKET_BYTES, s->now_us);
        return true;
    }
    put(s, &owner_a);
    return false;
}

static unsigned take_all(struct scene *s) {
    unsigned n = 0;
    for (struct block *b; (b = pacer_take(&s->p, s->now_us)); n++) {
        assert_int_equal(pacer_note_of(b)->seq, (uint16_t)s->taken++);
        assert_null(b->next);
        pacer_spend(&s->p, b->len, s->now_us);
        block_release(b);
    }
    return n;
}

static unsigned run(struct scene *s, uint64_t us) {
    unsigned n = 0;
    for (uint64_t end_us = s->now_us + us; s->now_us < end_us;) {
        uint64_t next_us = pacer_next_us(&s->p, s->now_us);
        if (next_us > end_us)
            next_us = end_us;
        s->now_us = next_us;
        n += take_all(s);
    }
    return n;
}

static void is_off_to_begin_with(void **state) {
    (void)state;
    struct pacer p = {0};
    assert_false(pacer_paces(&p));
    assert_int_equal(pacer_next_us(&p, START_US), TIME_NEVER);
    assert_null(pacer_take(&p, START_US));
}

static void lets_a_small_burst_pass(void **state) {
    (void)state;
    static const struct {
        uint32_t rate_bps;
        unsigned at_once; // of 100 packets of 9600 bits
    } cases[] = {{100000, 1}, {480000, 1}, {2400000, 5}, {10000000, 21}, {30000000, 63}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s = scene(cases[i].rate_bps);
        unsigned passed = 0;
        for (unsigned n = 0; n < 100; n++)
            passed += offer(&s);
        assert_int_equal(passed, cases[i].at_once);
        scene_end(&s);
    }
}

static void lets_go_at_the_rate_and_in_order(void **state) {
    (void)state;
    struct scene s = scene(2000000); // 208 packets a second
    for (unsigned n = 0; n < 40; n++)
        offer(&s);
    assert_int_equal(s.p.count, 35); // 40 ms of the rate went first
    assert_in_range(run(&s, 50000), 9, 12);
    assert_false(pacer_passes(&s.p, s.now_us)); // nobody overtakes
    assert_in_range(run(&s, 140000), 22, 27);
    assert_int_equal(s.p.count, 0);
    scene_end(&s);
}

static void leaves_in_groups(void **state) {
    (void)state;
    struct scene s = scene(8000000); // 833 packets a second
    unsigned times = 0;
    for (unsigned n = 0; n < 100; n++)
        offer(&s);
    unsigned waited = s.p.count;
    while (s.p.count > 0) {
        s.now_us = pacer_next_us(&s.p, s.now_us);
        times += take_all(&s) > 0;
    }
    assert_true(times * 3 <= waited); // four or five each
    scene_end(&s);
}

static void counts_what_goes_past_it(void **state) {
    (void)state;
    struct scene s = scene(1000000);
    for (unsigned n = 0; n < 10; n++)
        pacer_spend(&s.p, PACKET_BYTES, s.now_us);
    assert_false(offer(&s));
    assert_int_equal(run(&s, 20000), 0);
    assert_int_equal(run(&s, 60000), 1);
    scene_end(&s);
}

static void drains_in_time(void **state) {
    (void)state;
    struct scene s = scene(100000);
    for (unsigned n = 0; n < 200; n++)
        offer(&s);
    uint64_t begun_us = s.now_us;
    while (s.p.count > 0) {
        s.now_us = pacer_next_us(&s.p, s.now_us);
        take_all(&s);
        assert_true(s.now_us < begun_us + 3 * US_PER_SECOND);
    }
    scene_end(&s);
}

static void is_bounded(void **state) {
    (void)state;
    struct scene s = scene(50000);
    for (unsigned n = 0; n < 2 * PACER_BLOCKS_MAX; n++) {
        if (!offer(&s))
            take_all(&s);
        assert_true(s.p.count <= PACER_BLOCKS_MAX);
    }
    assert_int_equal(s.p.count, PACER_BLOCKS_MAX);
    scene_end(&s);
}

// Layers that are not wanted are many packets: what is waits for its turn all the same, and they have a bound
// as well.
static void what_will_not_leave_makes_nothing_leave_early(void **state) {
    (void)state;
    struct scene s = scene(50000);
    while (offer(&s))
        s.taken = s.put;
    for (unsigned n = 0; n < 100; n++) {
        put(&s, &owner_a);
        for (unsigned k = 0; k < 8; k++)
            put_of(&s, &owner_a, 0);
        assert_false(pacer_is_over(&s.p));
    }
    assert_null(pacer_take(&s.p, s.now_us));
    while (!pacer_is_over(&s.p))
        put_of(&s, &owner_a, 0);
    assert_int_equal(s.p.count, PACER_PLACES_MAX + 1);
    struct block *b = pacer_take(&s.p, s.now_us);
    assert_non_null(b);
    block_release(b);
    assert_null(pacer_take(&s.p, s.now_us));
    pacer_forget(&s.p, &owner_a);
    assert_int_equal(s.p.empty, 0);
    scene_end(&s);
}

static void lets_all_go_when_it_is_over(void **state) {
    (void)state;
    struct scene s = scene(100000);
    for (unsigned n = 0; n < 20; n++)
        offer(&s);
    pacer_set(&s.p, 0);
    assert_true(pacer_paces(&s.p));
    assert_int_equal(pacer_next_us(&s.p, s.now_us), s.now_us);
    assert_int_equal(take_all(&s), 19);
    assert_false(pacer_paces(&s.p));
    scene_end(&s);
}

static void forgets_an_owner(void **state) {
    (void)state;
    struct scene s = scene(100000);
    for (unsigned n = 0; n < 30; n++)
        put(&s, n % 3 ? (void *)&owner_a : (void *)&owner_b);
    pacer_forget(&s.p, &owner_b);
    assert_int_equal(s.p.count, 20);
    assert_int_equal(s.p.bytes, 20 * PACKET_BYTES);
    assert_int_equal(pool_taken(s.pool), 20);
    pacer_set(&s.p, 0);
    uint64_t before = 0;
    for (struct block *b; (b = pacer_take(&s.p, s.now_us));) {
        assert_ptr_equal(pacer_note_of(b)->owner, &owner_a);
        assert_true(pacer_note_of(b)->seq > before);
        before = pacer_note_of(b)->seq;
        block_release(b);
    }
    scene_end(&s);
}

static void lets_repeats_go_first(void **state) {
    (void)state;
    struct scene s = scene(1000000);
    for (unsigned n = 0; n < 12; n++) {
        struct block *b = pool_take(s.pool);
        b->len = 100;
        enum pacer_kind kind = n % 3 == 2 ? PACER_REPEAT : PACER_MEDIA;
        pacer_put(&s.p, b, &(struct pacer_note){.owner = &owner_a, .seq = (uint16_t)n, .kind = kind});
    }
    static const unsigned order[12] = {2, 5, 8, 11, 0, 1, 3, 4, 6, 7, 9, 10};
    for (unsigned n = 0; n < 12; n++) {
        struct block *b = pacer_take(&s.p, s.now_us);
        assert_non_null(b);
        assert_int_equal(pacer_note_of(b)->seq, order[n]);
        block_release(b);
    }
    assert_null(pacer_take(&s.p, s.now_us));
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_off_to_begin_with),
        cmocka_unit_test(lets_a_small_burst_pass),
        cmocka_unit_test(lets_go_at_the_rate_and_in_order),
        cmocka_unit_test(leaves_in_groups),
        cmocka_unit_test(counts_what_goes_past_it),
        cmocka_unit_test(drains_in_time),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(what_will_not_leave_makes_nothing_leave_early),
        cmocka_unit_test(lets_all_go_when_it_is_over),
        cmocka_unit_test(forgets_an_owner),
        cmocka_unit_test(lets_repeats_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
