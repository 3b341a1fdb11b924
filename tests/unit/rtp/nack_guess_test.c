// What may have been sent behind the newest packet and be missing.
#include "base/clock.h"
#include "rtp/nack_tracker.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define MS 1000u
#define RTT (100 * MS)

static struct nack_tracker *new_tracker(void) {
    struct nack_tracker *t = nack_tracker_create(NACK_HELPS_VIDEO_US);
    assert_non_null(t);
    return t;
}

// A stream that has lost something of late; `newest` is its newest packet.
static struct nack_tracker *lossy_tracker(uint16_t newest, uint64_t now_us) {
    struct nack_tracker *t = new_tracker();
    bool key = false;
    uint16_t seqs[4];
    nack_tracker_add(t, (uint16_t)(newest - 2), 0, now_us - 50 * MS, &key);
    assert_false(nack_tracker_expect(t, 1, false, now_us)); // nothing is known to be lost
    nack_tracker_add(t, newest, 0, now_us - 50 * MS, &key);
    assert_int_equal(nack_tracker_due(t, now_us - 30 * MS, RTT, seqs, 4, &key), 1);
    assert_int_equal(nack_tracker_add(t, (uint16_t)(newest - 1), NACK_IS_REPEAT, now_us, &key),
                     NACK_REPAIRED);
    return t;
}

static void an_end_that_is_missing_is_asked_for(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    for (unsigned newer = 0; newer < 2; newer++) {
        struct nack_tracker *t = lossy_tracker(65535, now_us);
        bool key = false;
        uint16_t seqs[4];
        assert_true(nack_tracker_expect(t, 1, false, now_us));
        assert_false(nack_tracker_expect(t, 1, false, now_us)); // one at a time
        assert_int_equal(nack_tracker_due(t, now_us, RTT, seqs, 4, &key), 1);
        assert_int_equal(seqs[0], 0);
        if (newer)
            assert_int_equal(nack_tracker_add(t, 1, 0, now_us + 20 * MS, &key), NACK_NEW);
        assert_int_equal(nack_tracker_pending(t), 1);
        assert_int_equal(nack_tracker_add(t, 0, NACK_IS_REPEAT, now_us + 50 * MS, &key), NACK_REPAIRED);
        assert_int_equal(nack_tracker_add(t, (uint16_t)(1 + newer), 0, now_us + 60 * MS, &key), NACK_NEW);
        assert_int_equal(nack_tracker_pending(t), 0);
        assert_false(key);
        nack_tracker_destroy(t);
    }
}

// It was about to be sent: nothing is learnt of it, but not to guess.
static void wrong_guesses_come_to_an_end(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    struct nack_tracker *t = lossy_tracker(9, now_us);
    bool key = false;
    uint16_t seqs[4];
    uint32_t reorder_us = nack_tracker_reorder_us(t);
    for (unsigned i = 0; i < NACK_GUESSES_WRONG; i++) {
        assert_true(nack_tracker_expect(t, 1, false, now_us));
        assert_int_equal(nack_tracker_due(t, now_us, RTT, seqs, 4, &key), 1);
        assert_int_equal(nack_tracker_add(t, (uint16_t)(10 + i), 0, now_us + 30 * MS, &key), NACK_NEW);
        assert_int_equal(nack_tracker_reorder_us(t), reorder_us);
    }
    assert_false(nack_tracker_expect(t, 1, false, now_us));
    nack_tracker_destroy(t);
    t = lossy_tracker(9, now_us);
    assert_false(
        nack_tracker_expect(t, 1, false, now_us + NACK_LOSSY_US)); // it is long since it lost something
    nack_tracker_destroy(t);
}

static void what_is_guessed_and_was_not_sent_can_still_come(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    struct nack_tracker *t = lossy_tracker(65535, now_us);
    bool key = false;
    uint16_t seqs[4];
    unsigned asked = 0;
    assert_true(nack_tracker_expect(t, 1, false, now_us));
    for (unsigned ms = 0; ms < 2000; ms++)
        asked += nack_tracker_due(t, now_us + ms * MS, RTT, seqs, 4, &key);
    assert_int_equal(asked, NACK_TRIES_LEAST);
    assert_false(key); // nobody misses anything
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_int_equal(nack_tracker_add(t, 0, NACK_OF_KEY_FRAME, now_us + 2000 * MS, &key), NACK_NEW);
    assert_int_equal(nack_tracker_add(t, 1, 0, now_us + 2000 * MS, &key), NACK_NEW);
    assert_int_equal(nack_tracker_pending(t), 0);
    // One that has been overtaken was sent: it is given up as others are.
    assert_true(nack_tracker_expect(t, 1, false, now_us + 2010 * MS));
    nack_tracker_add(t, 3, 0, now_us + 2010 * MS, &key);
    for (unsigned ms = 2010; ms < 5000; ms++)
        (void)nack_tracker_due(t, now_us + ms * MS, RTT, seqs, 4, &key);
    assert_true(key);
    nack_tracker_destroy(t);
}

// As many as are known to be missing are asked for at once; what comes of them tells of those before it.
static void ends_that_are_known_to_be_missing_are_asked_for_at_once(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    struct nack_tracker *t = new_tracker();
    bool key = false;
    uint16_t seqs[8];
    assert_false(nack_tracker_expect(t, 2, true, now_us)); // nothing has come yet
    nack_tracker_add(t, 65534, 0, now_us - 100 * MS, &key);
    assert_false(nack_tracker_expect(t, NACK_GUESSES_MAX + 1, true, now_us));
    assert_true(nack_tracker_expect(t, 3, true, now_us));
    assert_false(nack_tracker_expect(t, 2, true, now_us)); // they are among them
    assert_true(nack_tracker_expect(t, 4, true, now_us));
    assert_int_equal(nack_tracker_due(t, now_us, RTT, seqs, 8, &key), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seqs[i], (uint16_t)(65535 + i));
    // The second comes: the first was sent, of the others nothing is known.
    assert_int_equal(nack_tracker_add(t, 0, NACK_IS_REPEAT, now_us + 50 * MS, &key), NACK_REPAIRED);
    assert_int_equal(nack_tracker_pending(t), 3);
    for (unsigned ms = 50; ms < 1500; ms++)
        (void)nack_tracker_due(t, now_us + ms * MS, RTT, seqs, 8, &key);
    assert_true(key); // for the first; the others were never sent
    assert_int_equal(nack_tracker_pending(t), 0);
    assert_int_equal(nack_tracker_add(t, 1, 0, now_us + 1500 * MS, &key), NACK_NEW);
    assert_int_equal(nack_tracker_add(t, 2, 0, now_us + 1500 * MS, &key), NACK_NEW);
    assert_int_equal(nack_tracker_pending(t), 0);
    nack_tracker_destroy(t);
}

// One that comes by itself was about to be sent, and those behind it are yet to be.
static void what_follows_a_wrong_guess_is_not_missing(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    struct nack_tracker *t = new_tracker();
    bool key = false;
    uint16_t seqs[8];
    nack_tracker_add(t, 10, 0, now_us - 100 * MS, &key);
    for (unsigned i = 0; i < NACK_GUESSES_WRONG; i++) {
        assert_true(nack_tracker_expect(t, 3, true, now_us));
        assert_int_equal(nack_tracker_due(t, now_us, RTT, seqs, 8, &key), 3);
        assert_int_equal(nack_tracker_add(t, (uint16_t)(11 + 2 * i), 0, now_us + 10 * MS, &key), NACK_NEW);
        assert_int_equal(nack_tracker_pending(t), 0);
        assert_int_equal(nack_tracker_add(t, (uint16_t)(12 + 2 * i), 0, now_us + 10 * MS, &key), NACK_NEW);
    }
    assert_false(nack_tracker_expect(t, 3, true, now_us));
    assert_false(key);
    nack_tracker_destroy(t);
}

static void nobody_answers_what_was_never_sent_for_long(void **state) {
    (void)state;
    uint64_t now_us = 1000 * MS;
    struct nack_tracker *t = new_tracker();
    bool key = false;
    uint16_t seqs[8];
    unsigned asked = 0;
    nack_tracker_add(t, 10, 0, now_us - 100 * MS, &key);
    for (unsigned ms = 0; ms < 20000; ms++) {
        (void)nack_tracker_expect(t, 2, true, now_us + ms * MS);
        asked += nack_tracker_due(t, now_us + ms * MS, RTT, seqs, 8, &key);
    }
    assert_int_equal(asked, NACK_GUESSES_WRONG * NACK_TRIES_LEAST * 2);
    assert_false(key);
    nack_tracker_destroy(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_that_is_missing_is_asked_for),
        cmocka_unit_test(wrong_guesses_come_to_an_end),
        cmocka_unit_test(what_is_guessed_and_was_not_sent_can_still_come),
        cmocka_unit_test(ends_that_are_known_to_be_missing_are_asked_for_at_once),
        cmocka_unit_test(what_follows_a_wrong_guess_is_not_missing),
        cmocka_unit_test(nobody_answers_what_was_never_sent_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
