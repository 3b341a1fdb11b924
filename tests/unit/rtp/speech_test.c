// When a voice speaks, how it is weighed against others, and how active it has been.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/speech.h"

static uint64_t now_us;

static void hear(struct speech *s, int8_t level, unsigned packets, unsigned packet_ms) {
    for (unsigned i = 0; i < packets; i++) {
        now_us += packet_ms * US_PER_MS;
        speech_hear(s, level, now_us);
    }
}

static struct speech quiet_room(void) {
    struct speech s;
    speech_init(&s);
    now_us = 1000 * US_PER_SECOND;
    hear(&s, -65, 50, 20);
    return s;
}

static void speech_is_found_with_its_second_packet(void **state) {
    (void)state;
    struct speech s = quiet_room();
    assert_false(s.speaks);
    hear(&s, -30, 1, 20);
    uint64_t onset_us = now_us;
    assert_false(s.speaks); // a click
    hear(&s, -30, 1, 20);
    assert_true(s.speaks);
    assert_int_equal(s.onset_us, onset_us);
    hear(&s, -65, 5, 20); // between two words
    assert_true(!s.speaks && speech_lasts(&s, now_us));
    hear(&s, -30, 2, 20);
    assert_int_equal(s.onset_us, onset_us);
    hear(&s, -65, 8, 20);
    assert_false(speech_lasts(&s, now_us));
    hear(&s, -30, 1, 60); // a long packet is enough
    assert_true(s.speaks);
}

static void noise_is_nobodys_voice(void **state) {
    (void)state;
    static const int8_t levels[] = {-120, -80, -60, -50, -46};
    for (unsigned i = 0; i < sizeof levels; i++) {
        struct speech s;
        speech_init(&s);
        now_us = US_PER_SECOND;
        for (unsigned n = 0; n < 100; n++) {
            hear(&s, (int8_t)(levels[i] + (int)(n * 7 % 5) - 2), 1, 20);
            assert_false(s.speaks);
        }
    }
    // a fan that is switched on is speech for a while only; a voice above it is
    struct speech s = quiet_room();
    hear(&s, -48, 500, 20);
    assert_false(s.speaks);
    hear(&s, -30, 2, 20);
    assert_true(s.speaks);
    hear(&s, -30, 6000, 20); // two minutes of one loud tone
    assert_true(s.speaks);
}

static void a_voice_without_levels_counts_as_quiet_speech(void **state) {
    (void)state;
    struct speech unknown, loud = quiet_room(), never = loud;
    speech_init(&unknown);
    hear(&unknown, SPEECH_LEVEL_UNKNOWN, 10, 20);
    assert_true(unknown.speaks);
    speech_hear(&loud, -30, now_us - 20 * US_PER_MS);
    speech_hear(&loud, -30, now_us);
    assert_true(speech_beats(&loud, &unknown, now_us));
    assert_false(speech_beats(&unknown, &loud, now_us));
    assert_true(speech_beats(&unknown, &never, now_us));
    assert_false(speech_beats(&unknown, &loud, now_us + SPEECH_UNKNOWN_WAITS_US));
    assert_true(speech_beats(&unknown, &loud, now_us + SPEECH_UNKNOWN_WAITS_US + 1));
}

static void who_beats_whom(void **state) {
    (void)state;
    struct speech first = quiet_room(), second = first;
    for (unsigned i = 0; i < 10; i++) {
        now_us += SPEECH_FRAME_US;
        speech_hear(&first, -30, now_us);
        speech_hear(&second, -28, now_us);
        assert_false(speech_beats(&second, &first, now_us) && i > 1); // about as loud
    }
    for (unsigned i = 0; i < 5; i++) {
        now_us += SPEECH_FRAME_US;
        speech_hear(&first, -30, now_us);
        speech_hear(&second, -15, now_us);
    }
    assert_true(speech_beats(&second, &first, now_us));
    assert_false(speech_beats(&first, &second, now_us));
    now_us += SPEECH_HANGOVER_US + 1;
    speech_hear(&first, -30, now_us - SPEECH_FRAME_US);
    speech_hear(&first, -30, now_us);
    assert_true(speech_beats(&first, &second, now_us)); // who has fallen silent, however loud before
}

static void activity_is_over_three_intervals(void **state) {
    (void)state;
    struct speech s = quiet_room();
    struct speech_activity a = speech_activity(&s, now_us);
    assert_true(a.immediate == 0 && a.medium == 0 && a.long_term == 0);
    hear(&s, -30, 3, 20);
    a = speech_activity(&s, now_us);
    assert_true(a.immediate > 7 && a.medium == 3 && a.long_term == 0);
    hear(&s, -30, 22, 20);
    a = speech_activity(&s, now_us);
    assert_true(a.medium == 5 && a.long_term == 5);
    hear(&s, -30, 100, 20);
    assert_int_equal(speech_activity(&s, now_us).long_term, SPEECH_LONG_MAX);
    hear(&s, -30, 20, 60); // long packets have no gaps
    a = speech_activity(&s, now_us);
    assert_true(a.medium == 5 && a.long_term == SPEECH_LONG_MAX);
    hear(&s, -65, 5, 20);
    a = speech_activity(&s, now_us);
    assert_true(a.immediate == 0 && a.medium == 0 && a.long_term == 9);
    a = speech_activity(&s, now_us + 500 * US_PER_MS); // no packets: DTX
    assert_true(a.immediate == 0 && a.medium == 0 && a.long_term == 4);
    a = speech_activity(&s, now_us + 5 * US_PER_SECOND);
    assert_int_equal(a.long_term, 0);
    struct speech none;
    speech_init(&none);
    assert_int_equal(speech_activity(&none, now_us).long_term, 0);
}

static void clocks_that_go_back_or_stand_are_harmless(void **state) {
    (void)state;
    struct speech s = quiet_room();
    for (unsigned i = 0; i < 1000; i++)
        speech_hear(&s, (int8_t)(i % 128 ? -(int)(i % 128) : 1), now_us - i * 7777);
    struct speech_activity a = speech_activity(&s, 0);
    assert_true(a.immediate <= SPEECH_IMMEDIATE_MAX && a.long_term <= SPEECH_LONG_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speech_is_found_with_its_second_packet),
        cmocka_unit_test(noise_is_nobodys_voice),
        cmocka_unit_test(a_voice_without_levels_counts_as_quiet_speech),
        cmocka_unit_test(who_beats_whom),
        cmocka_unit_test(activity_is_over_three_intervals),
        cmocka_unit_test(clocks_that_go_back_or_stand_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
