#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/nack_tracker.h"

#define MS 1000u
#define RTT (100 * MS)

static void arrivals_by_table(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t seq;
        enum nack_arrival expected;
        unsigned pending;
    } rows[] = {
        {"the first", 65533, NACK_NEW, 0},
        {"the next", 65534, NACK_NEW, 0},
        {"a gap over the wrap: 65535, 0 and 1", 2, NACK_NEW, 3},
        {"the same again", 2, NACK_DUPLICATE_OR_OLD, 3},
        {"late, in the gap", 0, NACK_NEW, 2},
        {"and again", 0, NACK_DUPLICATE_OR_OLD, 2},
        {"from before the first", 65500, NACK_DUPLICATE_OR_OLD, 2},
        {"late, before the wrap", 65535, NACK_NEW, 1},
        {"the next", 3, NACK_NEW, 1},
    };
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum nack_arrival got = nack_tracker_add(t, rows[i].seq, false, 1000, &key);
        if (got != rows[i].expected || nack_tracker_pending(t) != rows[i].pending || key)
            fail_msg("%s: expected %d and %u pending, got %d and %u", rows[i].what, rows[i].expected,
                     rows[i].pending, got, nack_tracker_pending(t));
    }
    nack_tracker_destroy(t);
}

static void asked_after_reordering_then_each_round_trip(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 65535, false, 0, &key);
    nack_tracker_add(t, 3, false, 50 * MS, &key);
    assert_int_equal(nack_tracker_next_us(t, RTT), 50 * MS + NACK_REORDER_US);
    assert_int_equal(nack_tracker_due(t, 50 * MS + NACK_REORDER_US - 1, RTT, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 60 * MS, RTT, seqs, 2, &key), 2);
    assert_int_equal(seqs[0], 0);
    assert_int_equal(seqs[1], 1);
    assert_int_equal(nack_tracker_due(t, 60 * MS, RTT, seqs, 8, &key), 1);
    assert_int_equal(seqs[0], 2);
    assert_int_equal(nack_tracker_add(t, 1, false, 70 * MS, &key), NACK_REPAIRED);
    assert_int_equal(nack_tracker_next_us(t, RTT), 160 * MS);
    assert_int_equal(nack_tracker_due(t, 159 * MS, RTT, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 160 * MS, RTT, seqs, 8, &key), 2);
    // A round trip shorter than NACK_RETRY_MIN_US does not make a storm.
    assert_int_equal(nack_tracker_due(t, 179 * MS, 1, seqs, 8, &key), 0);
    assert_int_equal(nack_tracker_due(t, 180 * MS, 1, seqs, 8, &key), 2);
    assert_false(key);
    nack_tracker_destroy(t);
}

static void given_up_after_all_tries(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(UINT32_MAX);
    bool key = false;
    uint16_t seq;
    nack_tracker_add(t, 1, false, 0, &key);
    nack_tracker_add(t, 3, false, 0, &key);
    for (unsigned i = 0; i < NACK_TRIES; i++)
        assert_int_equal(nack_tracker_due(t, nack_tracker_next_us(t, RTT), RTT, &seq, 1, &key), 1);
    assert_false(key);
    assert_int_equal(nack_tracker_due(t, nack_tracker_next_us(t, RTT), RTT, &seq, 1, &key), 0);
    assert_true(key);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_true(nack_tracker_next_us(t, RTT) == TIME_NEVER);
    nack_tracker_destroy(t);
}

static void too_many_missing(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t gap_before_key, gap_after;
        unsigned pending;
        bool key_wanted;
    } rows[] = {
        {"as many as may be", 0, NACK_PENDING_MAX, NACK_PENDING_MAX, false},
        {"one more", 0, NACK_PENDING_MAX + 1, 0, true},
        {"what was before the key frame gives way", 300, 400, 400, false},
        {"even that is not enough", 300, 600, 0, true},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
        bool key = false;
        uint16_t seq = 65000;
        nack_tracker_add(t, seq, false, 0, &key);
        seq = (uint16_t)(seq + rows[i].gap_before_key + 1);
        nack_tracker_add(t, seq, true, 0, &key);
        seq = (uint16_t)(seq + rows[i].gap_after + 1);
        nack_tracker_add(t, seq, false, 0, &key);
        if (nack_tracker_pending(t) != rows[i].pending || key != rows[i].key_wanted)
            fail_msg("%s: expected %u pending, got %u", rows[i].what, rows[i].pending,
                     nack_tracker_pending(t));
        assert_int_equal(nack_tracker_add(t, (uint16_t)(seq + 1), false, 0, &key), NACK_NEW);
        nack_tracker_destroy(t);
    }
}

// What is missing before a key frame is given up when the list would be too long; what is missing behind it
// stays.
static void a_key_frame_bounds_what_is_missing(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool key;
        uint16_t second_gap;
        unsigned pending;
        bool wanted;
        uint16_t first;
    } rows[] = {
        {"the list is just full", true, NACK_PENDING_MAX - 300, NACK_PENDING_MAX, false, 1},
        {"one more: what was before the key frame goes", true, NACK_PENDING_MAX - 299, NACK_PENDING_MAX - 299,
         false, 302},
        {"no key frame: all of it goes", false, NACK_PENDING_MAX - 299, 0, true, 0},
        {"a gap that is too large by itself", true, NACK_PENDING_MAX + 1, 0, true, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
        assert_non_null(t);
        bool wanted = false;
        uint16_t seqs[NACK_PENDING_MAX];
        nack_tracker_add(t, 0, false, 0, &wanted);
        nack_tracker_add(t, 301, rows[i].key, 0, &wanted); // 1..300 are missing
        assert_int_equal(nack_tracker_pending(t), 300);
        nack_tracker_add(t, (uint16_t)(302 + rows[i].second_gap), false, 0, &wanted);
        if (nack_tracker_pending(t) != rows[i].pending || wanted != rows[i].wanted)
            fail_msg("%s: %u pending, key frame wanted: %d", rows[i].what, nack_tracker_pending(t), wanted);
        unsigned n = nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, NACK_PENDING_MAX, &wanted);
        assert_int_equal(n, rows[i].pending < NACK_SAVED_MAX ? rows[i].pending : NACK_SAVED_MAX);
        assert_true(n == 0 || seqs[0] == rows[i].first);
        uint16_t last = (uint16_t)(301 + rows[i].second_gap);
        if (n > 0)
            assert_int_equal(nack_tracker_add(t, last, 0, NACK_REORDER_US, &wanted), NACK_NEW);
        nack_tracker_destroy(t);
    }
}

static void repairs_in_the_middle_leave_the_others(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    assert_non_null(t);
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 10, false, 0, &key);
    nack_tracker_add(t, 16, false, 0, &key);
    assert_int_equal(nack_tracker_add(t, 13, false, 0, &key), NACK_NEW);
    assert_int_equal(nack_tracker_add(t, 14, false, 0, &key), NACK_NEW);
    assert_int_equal(nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, 1, &key), 1); // 11 alone, to begin with
    assert_int_equal(seqs[0], 11);
    assert_int_equal(nack_tracker_next_us(t, RTT), NACK_REORDER_US); // 12 is due, though it is not the first
    assert_int_equal(nack_tracker_due(t, NACK_REORDER_US, RTT, seqs, 8, &key), 2);
    assert_int_equal(seqs[0], 12);
    assert_int_equal(seqs[1], 15);
    nack_tracker_destroy(t);
}

static void what_is_too_old_is_forgotten(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    assert_non_null(t);
    bool key = false;
    nack_tracker_add(t, 0, false, 0, &key);
    nack_tracker_add(t, 3, false, 0, &key);
    for (unsigned seq = 4; seq <= NACK_AGE_MAX + 1; seq++)
        nack_tracker_add(t, (uint16_t)seq, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 2);
    nack_tracker_add(t, NACK_AGE_MAX + 2, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 1);
    nack_tracker_add(t, NACK_AGE_MAX + 3, false, 0, &key);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_false(key);
    nack_tracker_destroy(t);
}

static void reset_forgets(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    nack_tracker_add(t, 10, true, 0, &key);
    nack_tracker_add(t, 20, false, 0, &key);
    nack_tracker_reset(t);
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_int_equal(nack_tracker_add(t, 5, false, 0, &key), NACK_NEW);
    nack_tracker_destroy(t);
    nack_tracker_destroy(NULL);
}

static void a_list_that_nobody_asks_from_is_given_up(void **state) {
    (void)state;
    const uint64_t hour_us = UINT64_C(3600000000);
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 10, true, hour_us, &key);
    nack_tracker_add(t, 12, false, hour_us, &key); // 11 is missing
    nack_tracker_add(t, 14, false, hour_us + hour_us / 2, &key);
    assert_false(key);
    assert_int_equal(nack_tracker_pending(t), 2);
    assert_int_equal(nack_tracker_due(t, hour_us + hour_us / 2 + 2000, 0, seqs, 8, &key), 1);
    assert_int_equal(seqs[0], 11); // 13 may still be on its way
    nack_tracker_add(t, 16, false, 2 * hour_us, &key);
    assert_true(key);
    assert_int_equal(nack_tracker_pending(t), 1); // 15, as new as it is
    assert_int_equal(nack_tracker_next_us(t, 0), 2 * hour_us + NACK_REORDER_MIN_US);
    nack_tracker_destroy(t);
}

// ---- by what was seen of the path

static void the_wait_follows_what_was_overtaken(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint64_t now_us = 1000 * MS;
    nack_tracker_add(t, 1, 0, now_us, &key);
    assert_int_equal(nack_tracker_reorder_us(t), NACK_REORDER_US);
    nack_tracker_add(t, 3, 0, now_us, &key);
    nack_tracker_add(t, 2, 0, now_us + 40 * MS, &key); // by itself
    assert_int_equal(nack_tracker_reorder_us(t), 50 * MS);
    nack_tracker_add(t, 5, 0, now_us + 40 * MS, &key);
    assert_int_equal(nack_tracker_next_us(t, RTT), now_us + 90 * MS);
    // One that came an eternity late does not make all others wait as long.
    nack_tracker_add(t, 4, 0, now_us + 900 * MS, &key);
    assert_int_equal(nack_tracker_reorder_us(t), NACK_REORDER_MAX_US);
    // What was seen counts for some seconds.
    nack_tracker_add(t, 6, 0, now_us + 2000 * MS, &key);
    assert_in_range(nack_tracker_reorder_us(t), 80 * MS, NACK_REORDER_MAX_US);
    for (unsigned i = 0; i < 60; i++)
        nack_tracker_add(t, (uint16_t)(7 + i), 0, now_us + (3000 + 1000 * i) * MS, &key);
    assert_int_equal(nack_tracker_reorder_us(t), NACK_REORDER_MIN_US);
    nack_tracker_destroy(t);
}

// A repeat is no packet that was overtaken; one that came by itself after all was asked for too soon.
static void repeats_do_not_lengthen_the_wait(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 1, 0, 0, &key);
    nack_tracker_add(t, 4, 0, 0, &key);
    assert_int_equal(nack_tracker_due(t, 10 * MS, RTT, seqs, 8, &key), 2);
    assert_int_equal(nack_tracker_add(t, 2, NACK_IS_REPEAT, 90 * MS, &key), NACK_REPAIRED);
    assert_int_equal(nack_tracker_reorder_us(t), NACK_REORDER_US);
    assert_int_equal(nack_tracker_answer(t).us, 80 * MS);
    assert_int_equal(nack_tracker_answer(t).tries, 1);
    assert_int_equal(nack_tracker_add(t, 3, 0, 30 * MS, &key), NACK_REPAIRED);
    assert_int_equal(nack_tracker_reorder_us(t),
                     37500); // 10 ms before it was asked for, 20 behind, a quarter
    assert_int_equal(nack_tracker_answer(t).us, 80 * MS);
    nack_tracker_destroy(t);
}

static void an_answer_after_a_second_try_counts_from_the_first(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seq;
    nack_tracker_add(t, 1, 0, 0, &key);
    nack_tracker_add(t, 3, 0, 0, &key);
    nack_tracker_due(t, 10 * MS, 30 * MS, &seq, 1, &key);
    nack_tracker_due(t, 40 * MS, 30 * MS, &seq, 1, &key);
    nack_tracker_add(t, 2, NACK_IS_REPEAT, 60 * MS, &key);
    assert_int_equal(nack_tracker_answer(t).us, 50 * MS);
    assert_int_equal(nack_tracker_answer(t).tries, 2);
    nack_tracker_destroy(t);
}

static void later_tries_wait_longer_and_what_is_too_late_is_given_up(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t helps_us, retry_us;
        unsigned tries;
        uint64_t asked_ms[NACK_TRIES], key_ms;
    } rows[] = {
        {"video, 60 ms", NACK_HELPS_VIDEO_US, 60 * MS, 9, {10, 70, 130, 190, 250, 310, 370, 490, 730}, 1010},
        {"sound, 60 ms", NACK_HELPS_SOUND_US, 60 * MS, 7, {10, 70, 130, 190, 250, 310, 370}, 430},
        {"video, 900 ms", NACK_HELPS_VIDEO_US, 900 * MS, 3, {10, 910, 1810}, 2710},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create(rows[i].helps_us);
        bool key = false;
        uint16_t seq;
        unsigned tries = 0;
        uint64_t key_ms = 0;
        nack_tracker_add(t, 1, 0, 0, &key);
        nack_tracker_add(t, 3, 0, 0, &key);
        for (uint64_t ms = 0; ms < 5000; ms++) {
            bool asked = nack_tracker_due(t, ms * MS, rows[i].retry_us, &seq, 1, &key) > 0;
            key_ms = key && !key_ms ? ms : key_ms;
            if (!asked)
                continue;
            if (tries == rows[i].tries || rows[i].asked_ms[tries] != ms)
                fail_msg("%s: try %u after %u ms", rows[i].what, tries + 1, (unsigned)ms);
            tries++;
        }
        if (tries != rows[i].tries || key_ms != rows[i].key_ms || nack_tracker_pending(t) != 0)
            fail_msg("%s: %u tries, key frame wanted after %u ms", rows[i].what, tries, (unsigned)key_ms);
        nack_tracker_destroy(t);
    }
}

// Numbers that came while the sender was cut off are not asked for: a key frame is.
static void what_was_missed_in_a_cut_is_not_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned ms;
        uint16_t gap;
        bool cut;
    } rows[] = {
        {"two seconds", 2000, 300, true},
        {"just a cut", 500, NACK_CUT_GAP + 1, true},
        {"too short", 499, NACK_CUT_GAP + 1, false},
        {"a slow stream", 2000, NACK_CUT_GAP, false},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
        bool key = false;
        nack_tracker_add(t, 65530, 0, 0, &key);
        nack_tracker_add(t, 65532, 0, 0, &key);
        nack_tracker_add(t, (uint16_t)(65533 + rows[i].gap), 0, rows[i].ms * MS, &key);
        if (key != rows[i].cut || nack_tracker_pending(t) != (rows[i].cut ? 0 : 1u + rows[i].gap))
            fail_msg("%s: %u pending, key frame wanted: %d", rows[i].what, nack_tracker_pending(t), key);
        nack_tracker_destroy(t);
    }
}

static void nothing_is_asked_for_again_that_a_whole_key_frame_has_passed(void **state) {
    (void)state;
    for (unsigned whole = 0; whole < 2; whole++) {
        struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
        bool key = false;
        uint16_t seqs[8];
        nack_tracker_add(t, 1, 0, 0, &key);
        nack_tracker_add(t, 3, NACK_OF_KEY_FRAME, 0, &key);
        nack_tracker_add(t, whole ? 4 : 5, 0, 0, &key);
        unsigned missing = whole ? 1 : 2;
        assert_int_equal(nack_tracker_due(t, 10 * MS, RTT, seqs, 8, &key), missing); // once in any case
        assert_int_equal(nack_tracker_due(t, 110 * MS, RTT, seqs, 8, &key), whole ? 0 : 2);
        assert_int_equal(nack_tracker_pending(t), whole ? 0 : 2);
        assert_false(key);
        nack_tracker_destroy(t);
    }
}

// However many are missing, and however often: so many a second.
static void askings_are_bounded(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seq = 0, seqs[NACK_PENDING_MAX];
    unsigned asked = 0;
    for (unsigned ms = 0; ms < 3000; ms++) {
        for (unsigned i = 0; i < 4; i++)
            nack_tracker_add(t, seq = (uint16_t)(seq + 3), 0, ms * MS, &key);
        asked += nack_tracker_due(t, ms * MS, 20 * MS, seqs, NACK_PENDING_MAX, &key);
    }
    assert_in_range(asked, 1000, NACK_BURST + 3 * NACK_PER_SECOND);
    assert_true(nack_tracker_pending(t) <= NACK_PENDING_MAX);
    nack_tracker_destroy(t);
}

// ---- how much is asked for

// Asks as its user does; returns how many numbers that were.
static unsigned ask(struct nack_tracker *t, uint64_t now_us, uint16_t *seqs, bool *key) {
    if (nack_tracker_next_us(t, RTT) > now_us)
        return 0;
    return nack_tracker_due(t, now_us, RTT, seqs, NACK_PENDING_MAX, key);
}

// Every n-th packet of 100 a second comes, the others never do, nor do their repeats.
static void what_is_asked_for_is_bounded_by_what_comes(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned one_of;
        unsigned seconds;
    } rows[] = {{"half is lost", 2, 30},
                {"two of three", 3, 30},
                {"nine of ten", 10, 30},
                {"for a long time", 4, 300}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
        unsigned asked = 0, came = 0;
        bool key = false, wanted = false;
        uint16_t seqs[NACK_PENDING_MAX];
        for (uint64_t ms = 0; ms < rows[i].seconds * 1000u; ms++) {
            if (ms % (10 * rows[i].one_of) == 0) {
                nack_tracker_add(t, (uint16_t)(ms / 10), 0, ms * MS, &key);
                came++;
            }
            unsigned n = ask(t, ms * MS, seqs, &wanted);
            asked += n;
        }
        if (asked > NACK_SAVED_MAX + came / NACK_SHARE || !wanted)
            fail_msg("%s: asked for %u where %u came, a key frame too: %d", rows[i].what, asked, came,
                     wanted);
        assert_in_range(nack_tracker_pending(t), 0, NACK_PENDING_MAX - 1); // and it does not heap up
        nack_tracker_destroy(t);
    }
}

// What a link loses at random up to a fifth is asked for as often as it takes.
static void a_fifth_is_repaired(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t seqs[NACK_PENDING_MAX];
    struct {
        uint64_t at_us;
        uint16_t seq;
    } repeats[64];
    unsigned count = 0;
    uint32_t dice = 1;
    for (uint64_t ms = 0; ms < 60000; ms++) {
        if (ms % 10 == 0 && (dice = dice * 1664525 + 1013904223) >> 24 >= 256 / 5)
            nack_tracker_add(t, (uint16_t)(ms / 10), 0, ms * MS, &key);
        unsigned n = ask(t, ms * MS, seqs, &key), kept = 0;
        for (unsigned k = 0; k < n; k++)
            if ((dice = dice * 1664525 + 1013904223) >> 24 >= 256 / 5 && count < 64) {
                repeats[count].at_us = (ms + 50) * MS;
                repeats[count++].seq = seqs[k];
            }
        for (unsigned k = 0; k < count; k++)
            if (repeats[k].at_us <= ms * MS)
                nack_tracker_add(t, repeats[k].seq, NACK_IS_REPEAT, ms * MS, &key);
            else
                repeats[kept++] = repeats[k];
        count = kept;
    }
    assert_false(key);
    nack_tracker_destroy(t);
}

// A link that carries 75 packets a second and queues 15, a sender that repeats whatever it is asked for: two
// seconds of too much are over soon after, and all of it comes again.
static void a_narrow_link_is_not_filled_with_repeats(void **state) {
    (void)state;
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    bool key = false;
    uint16_t queue[15], next = 0;
    unsigned queued = 0, dropped = 0, late_dropped = 0;
    for (uint64_t ms = 0; ms < 20000; ms++) {
        bool too_much = ms >= 2000 && ms < 4000;
        unsigned offered = 0;
        uint16_t now[NACK_PENDING_MAX + 1];
        if (ms % (too_much ? 5 : 16) == 0)
            now[offered++] = next++;
        offered += ask(t, ms * MS, now + offered, &key);
        for (unsigned i = 0; i < offered; i++)
            if (queued < 15)
                queue[queued++] = now[i];
            else
                dropped++, late_dropped += ms >= 8000;
        if (ms % 13 == 0 && queued > 0) {
            nack_tracker_add(t, queue[0], 0, ms * MS, &key);
            for (unsigned i = 1; i < queued; i++)
                queue[i - 1] = queue[i];
            queued--;
        }
    }
    assert_true(dropped > 100);
    assert_int_equal(late_dropped, 0);
    nack_tracker_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrivals_by_table),
        cmocka_unit_test(asked_after_reordering_then_each_round_trip),
        cmocka_unit_test(given_up_after_all_tries),
        cmocka_unit_test(too_many_missing),
        cmocka_unit_test(a_key_frame_bounds_what_is_missing),
        cmocka_unit_test(repairs_in_the_middle_leave_the_others),
        cmocka_unit_test(what_is_too_old_is_forgotten),
        cmocka_unit_test(reset_forgets),
        cmocka_unit_test(a_list_that_nobody_asks_from_is_given_up),
        cmocka_unit_test(the_wait_follows_what_was_overtaken),
        cmocka_unit_test(repeats_do_not_lengthen_the_wait),
        cmocka_unit_test(an_answer_after_a_second_try_counts_from_the_first),
        cmocka_unit_test(later_tries_wait_longer_and_what_is_too_late_is_given_up),
        cmocka_unit_test(what_was_missed_in_a_cut_is_not_asked_for),
        cmocka_unit_test(nothing_is_asked_for_again_that_a_whole_key_frame_has_passed),
        cmocka_unit_test(askings_are_bounded),
        cmocka_unit_test(what_is_asked_for_is_bounded_by_what_comes),
        cmocka_unit_test(a_fifth_is_repaired),
        cmocka_unit_test(a_narrow_link_is_not_filled_with_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
