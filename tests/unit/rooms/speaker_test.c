// Who speaks: scripts of levels, four a second, and what is decided.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "rooms/speaker.h"

#define VOICES 3

// Each script has a line for each voice: a character every 250 ms. 'S' speech (-30 dBov), 'L' loud (-15),
// 'n' noise (-60), '.' nothing. The last line says who is to be active after each tick: '0'..'2', '-' for
// nobody, '*' for either.
struct script {
    const char *what;
    const char *lines[VOICES + 1];
};

static int level_of(char c) {
    return c == 'L' ? -15 : c == 'S' ? -30 : -60;
}

static const struct script scripts[] = {
    {"the first voice is heard at once", {"SSSS", "....", "....", "0000"}},
    {"noise is nobody", {"nnnnnn", "nnnnnn", "......", "------"}},
    {"an equal voice does not take over", {"SSSSSSSSSSSS", ".SSSSSSSSSSS", "............", "000000000000"}},
    {"a cough does not take over", {"SSSSSSSSSS", "....L.....", "..........", "0000000000"}},
    {"a louder voice takes over after a while",
     {"SSSSSSSSSSSSSSSS", "....LLLLLLLLLLLL", "................", "000000000**11111"}},
    {"who falls silent yields to a voice", {"SSSSnnnnnnnn", "....SSSSSSSS", "............", "0000***11111"}},
    {"silence comes after a pause",
     {"SSSSnnnnnnnnnnnnnn", "..................", "..................", "000000000000**----"}},
    {"one who vanishes is silent as well",
     {"SSSS..............", "..................", "..................", "000000000000**----"}},
    {"a pause for breath changes nothing",
     {"SSSSnnnnSSSSnnnnSSSS", "....................", "....................", "00000000000000000000"}},
    {"two who alternate quickly do not flap",
     {"SnSnSnSnSnSnSnSnSn", "nSnSnSnSnSnSnSnSnS", "..................", "000000000000000000"}},
};

static void scripts_play(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        const struct script *script = &scripts[i];
        struct speaker speaker;
        struct speaker_voice voices[VOICES];
        speaker_init(&speaker);
        for (int v = 0; v < VOICES; v++)
            speaker_voice_init(&voices[v]);
        uint64_t now_us = US_PER_SECOND;
        const struct speaker_voice *before = NULL;
        for (size_t n = 0; script->lines[0][n]; n++, now_us += SPEAKER_TICK_US) {
            for (int v = 0; v < VOICES; v++)
                if (script->lines[v][n] != '.')
                    speaker_hear(&speaker, &voices[v], level_of(script->lines[v][n]), now_us);
            bool changed = speaker_tick(&speaker, now_us);
            assert_int_equal(changed, speaker.active != before);
            before = speaker.active;
            char got = speaker.active ? (char)('0' + (speaker.active - voices)) : '-';
            char wanted = script->lines[VOICES][n];
            if (wanted != '*' && wanted != got)
                fail_msg("%s: at %zu expected %c, got %c", script->what, n, wanted, got);
        }
        for (int v = 0; v < VOICES; v++)
            speaker_forget(&speaker, &voices[v]);
        assert_true(list_empty(&speaker.voices));
    }
}

static void forgetting_the_active_one_is_told(void **state) {
    (void)state;
    struct speaker speaker;
    struct speaker_voice a, b;
    speaker_init(&speaker);
    speaker_voice_init(&a);
    speaker_voice_init(&b);
    speaker_hear(&speaker, &a, -20, 1000000);
    speaker_hear(&speaker, &b, -30, 1000000);
    assert_true(speaker_tick(&speaker, 1000000));
    assert_ptr_equal(speaker.active, &a);
    assert_false(speaker_forget(&speaker, &b));
    assert_true(speaker_forget(&speaker, &a));
    assert_null(speaker.active);
    assert_false(speaker_tick(&speaker, 1250000));
}

static void wild_levels_are_clamped(void **state) {
    (void)state;
    struct speaker speaker;
    struct speaker_voice a;
    speaker_init(&speaker);
    speaker_voice_init(&a);
    for (int i = 0; i < 100; i++)
        speaker_hear(&speaker, &a, i % 2 ? 100000 : -100000, 1000000);
    assert_in_range(-a.smooth, 0, 127 * 256);
    assert_int_equal(a.level_dbov, 0);
}

static void reports_are_of_the_loudest_and_of_changes(void **state) {
    (void)state;
    enum { PEOPLE = 150 };
    static struct speaker_voice voices[PEOPLE];
    struct speaker speaker;
    struct speaker_voice *loudest[SPEAKER_LOUDEST_MAX];
    unsigned count;
    speaker_init(&speaker);
    assert_false(speaker_report(&speaker, 0, loudest, &count)); // nobody, as before
    uint64_t now_us = US_PER_SECOND;
    for (int i = 0; i < PEOPLE; i++)
        speaker_voice_init(&voices[i]);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < PEOPLE; i++) // 100 is the loudest; all a little louder and quieter
            speaker_hear(&speaker, &voices[i], -20 - abs(i - 100) / 2 + round % 2, now_us);
        bool told = speaker_report(&speaker, now_us, loudest, &count);
        assert_int_equal(told, round == 0);
        assert_int_equal(count, SPEAKER_LOUDEST_MAX);
        for (unsigned i = 1; i < count; i++)
            assert_true(loudest[i - 1]->told_dbov >= loudest[i]->told_dbov);
        now_us += 500 * US_PER_MS;
    }
    assert_in_range(loudest[0] - voices, 99, 101);
    // one of them changes by enough
    for (int i = 0; i < PEOPLE; i++)
        speaker_hear(&speaker, &voices[i], i == 100 ? -10 : -20 - abs(i - 100) / 2, now_us);
    assert_true(speaker_report(&speaker, now_us, loudest, &count));
    assert_ptr_equal(loudest[0], &voices[100]);
    assert_int_equal(loudest[0]->told_dbov, -10);
    // and silence is told once
    assert_true(speaker_report(&speaker, now_us + 1, loudest, &count));
    assert_int_equal(count, 0);
    assert_false(speaker_report(&speaker, now_us + 1, loudest, &count));
    for (int i = 0; i < PEOPLE; i++)
        speaker_forget(&speaker, &voices[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_play),
        cmocka_unit_test(forgetting_the_active_one_is_told),
        cmocka_unit_test(wild_levels_are_clamped),
        cmocka_unit_test(reports_are_of_the_loudest_and_of_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
