// Who speaks: scripts of levels, four a second, and what is decided.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "rooms/speaker.h"

#define VOICES 3
#define PACKETS 12 // between two ticks

// Each script has a line for each voice: a character every 250 ms, as packets with levels. 'S' speech (-30
// dBov), 'L' loud (-15), 'n' noise (-60), 'c' a cough (60 ms of -10 in noise), '.' nothing. The last line
// says who is to be active after each tick: '0'..'2', '-' for nobody, '*' for either.
struct script {
    const char *what;
    const char *lines[VOICES + 1];
};

static int8_t level_of(char c, unsigned packet) {
    return c == 'L' ? -15 : c == 'S' ? -30 : c == 'c' && packet < 3 ? -10 : -60;
}

// A quarter of a second of one voice, as a worker hears it and tells.
static void play(struct speaker *speaker, struct speaker_voice *voice, struct speech *speech, char c,
                 uint64_t end_us) {
    if (c == '.')
        return;
    for (unsigned i = 0; i < PACKETS; i++)
        speech_hear(speech, level_of(c, i), end_us - (PACKETS - i) * SPEECH_FRAME_US);
    speaker_hear(speaker, voice, level_of(c, 0), speech_activity(speech, end_us), end_us);
}

static const struct script scripts[] = {
    {"the first voice is heard at once", {"SSSS", "....", "....", "0000"}},
    {"noise is nobody", {"nnnnnn", "nnnnnn", "......", "------"}},
    {"a cough is nobody", {"nnncnncnnn", "..........", "..........", "----------"}},
    {"an equal voice does not take over", {"SSSSSSSSSSSS", ".SSSSSSSSSSS", "............", "000000000000"}},
    {"a louder voice does not either, while the other one goes on",
     {"SSSSSSSSSSSS", "....LLLLLLLL", "............", "000000000000"}},
    {"a cough does not take over", {"SSSSSSSSSS", "nnnncnnnnn", "..........", "0000000000"}},
    {"a cough in a pause does not either", {"SSSSnnSSSS", "nnnncnnnnn", "..........", "0000000000"}},
    {"who falls silent yields to a voice", {"SSSSnnnnnnnn", "....SSSSSSSS", "............", "0000****1111"}},
    {"the one who speaks longer takes over",
     {"SSSSSnnnnnnn", "....SSSSSSSS", "......SSSSSS", "00000***1111"}},
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
        struct speech speeches[VOICES];
        speaker_init(&speaker);
        for (int v = 0; v < VOICES; v++) {
            speaker_voice_init(&voices[v]);
            speech_init(&speeches[v]);
        }
        uint64_t now_us = US_PER_SECOND;
        const struct speaker_voice *before = NULL;
        for (size_t n = 0; script->lines[0][n]; n++, now_us += SPEAKER_TICK_US) {
            for (int v = 0; v < VOICES; v++)
                play(&speaker, &voices[v], &speeches[v], script->lines[v][n], now_us);
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

static const struct speech_activity speaking = {10, 5, 5}, less = {10, 5, 4}, silent = {0};

static void forgetting_the_active_one_is_told(void **state) {
    (void)state;
    struct speaker speaker;
    struct speaker_voice a, b;
    speaker_init(&speaker);
    speaker_voice_init(&a);
    speaker_voice_init(&b);
    speaker_hear(&speaker, &a, -20, speaking, 1000000);
    speaker_hear(&speaker, &b, -30, less, 1000000);
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
        speaker_hear(&speaker, &a, i % 2 ? 100000 : -100000, (struct speech_activity){255, 255, 255},
                     1000000);
    assert_int_equal(a.level_dbov, 0);
    assert_int_equal(a.activity.immediate, SPEECH_IMMEDIATE_MAX);
    assert_true(speaker_tick(&speaker, 1000000));
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
            speaker_hear(&speaker, &voices[i], -20 - abs(i - 100) / 2 + round % 2, silent, now_us);
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
        speaker_hear(&speaker, &voices[i], i == 100 ? -10 : -20 - abs(i - 100) / 2, silent, now_us);
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

// The tables are the method's formula: what takes over from what follows from it.
static double score(unsigned v, unsigned n, double lambda) {
    double s = lgamma(n + 1) - lgamma(v + 1) - lgamma(n - v + 1) + n * log(0.5) - log(lambda) + lambda * v;
    return log(s > 1e-10 ? s : 1e-10);
}

static bool formula_says(struct speech_activity a, struct speech_activity b) {
    return score(a.immediate, 13, 0.78) - score(b.immediate, 13, 0.78) > 3 &&
           score(a.medium, 5, 24) - score(b.medium, 5, 24) > 2 &&
           score(a.long_term, 10, 47) - score(b.long_term, 10, 47) > 0;
}

static void decisions_are_those_of_the_formula(void **state) {
    (void)state;
    unsigned taken = 0;
    for (unsigned n = 0; n < 14 * 14 * 36 * 121; n += 7) {
        struct speech_activity a = {(uint8_t)(n % 14), (uint8_t)(n / 196 % 6), (uint8_t)(n / 7056 % 11)};
        struct speech_activity b = {(uint8_t)(n / 14 % 14), (uint8_t)(n / 1176 % 6), (uint8_t)(n / 77616)};
        struct speaker speaker;
        struct speaker_voice first, second;
        speaker_init(&speaker);
        speaker_voice_init(&first);
        speaker_voice_init(&second);
        speaker_hear(&speaker, &first, -20, speaking, 1000000);
        speaker_tick(&speaker, 1000000);
        speaker_hear(&speaker, &first, -20, b, 1000000 + SPEAKER_HOLD_US);
        speaker_hear(&speaker, &second, -20, a, 1000000 + SPEAKER_HOLD_US);
        bool over = speaker_tick(&speaker, 1000000 + SPEAKER_HOLD_US);
        assert_int_equal(over, formula_says(a, b));
        assert_ptr_equal(speaker.active, over ? &second : &first);
        taken += over;
    }
    assert_true(taken > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_those_of_the_formula),
        cmocka_unit_test(scripts_play),
        cmocka_unit_test(forgetting_the_active_one_is_told),
        cmocka_unit_test(wild_levels_are_clamped),
        cmocka_unit_test(reports_are_of_the_loudest_and_of_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
