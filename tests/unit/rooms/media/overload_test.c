// When video is left out, and when it comes back, against a worker that is played on a virtual clock.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/media/overload.h"

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)

// A worker: work arrives as time passes, waits in a queue as long as the kernel's and is done in turns.
// Shares are of what the worker can do.
struct plant {
    uint64_t now_us;
    double audio, video; // that arrive
    double queue_us;     // work that waits
    double lost_us, audio_lost_us, lost_before_us, done_us;
    double queue_max_us, turn_max_us;
    double key_burst_us; // work that comes at once for each level that falls
    double patient_us;   // of each turn, more or less, on what may wait
    unsigned changes, falls, highest;
    struct overload o;
};

static struct plant plant_of(double audio, double video) {
    struct plant p = {.now_us = 1000 * SECOND,
                      .audio = audio,
                      .video = video,
                      .queue_max_us = 500 * MS,
                      .turn_max_us = 5 * MS};
    overload_init(&p.o, p.now_us);
    return p;
}

static double plant_load(const struct plant *p) {
    double shed = p->o.level / 16.0; // one stream each: from level 16 on there is no video
    return p->audio + p->video * (shed < 1 ? 1 - shed : 0);
}

static void plant_arrive(struct plant *p, uint64_t us) {
    p->now_us += us;
    p->queue_us += plant_load(p) * (double)us;
    if (p->queue_us > p->queue_max_us) {
        p->lost_us += p->queue_us - p->queue_max_us;
        p->audio_lost_us += (p->queue_us - p->queue_max_us) * p->audio / plant_load(p);
        p->queue_us = p->queue_max_us;
    }
}

static void plant_turn(struct plant *p) {
    double work = p->queue_us < p->turn_max_us ? p->queue_us : p->turn_max_us;
    uint64_t began_us = p->now_us;
    unsigned before = p->o.level;
    p->queue_us -= work;
    p->done_us += work;
    plant_arrive(p, (uint64_t)(work + p->patient_us));
    struct overload_turn turn = {.began_us = began_us,
                                 .ended_us = p->now_us,
                                 .patient_us = (uint64_t)p->patient_us,
                                 .packets = work > 0,
                                 .lost = p->lost_us > p->lost_before_us};
    p->lost_before_us = p->lost_us;
    if (!overload_turn(&p->o, &turn))
        return;
    p->changes++;
    p->falls += p->o.level < before;
    if (p->o.level < before)
        p->queue_us += p->key_burst_us;
    if (p->o.level > p->highest)
        p->highest = p->o.level;
}

static void plant_run(struct plant *p, uint64_t us) {
    for (uint64_t end_us = p->now_us + us; p->now_us < end_us;) {
        plant_turn(p);
        plant_arrive(p, p->queue_us < 500 ? 500 : 2); // it waits for some work to gather
    }
}

static void what_fits_is_not_touched(void **state) {
    (void)state;
    static const double loads[] = {0, 0.1, 0.5, 0.8, 0.93};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        struct plant p = plant_of(0.05, loads[i] - 0.05 > 0 ? loads[i] - 0.05 : 0);
        plant_run(&p, 30 * SECOND);
        print_message("load %.2f: level 0 expected, %u seen\n", loads[i], p.o.level);
        assert_int_equal(p.changes, 0);
    }
}

static void a_machine_that_stands_still_for_a_moment_is_no_load(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double load;
        uint64_t still_us;
    } rows[] = {
        {"60 ms at a third of the load", 0.3, 60 * MS},
        {"60 ms at two thirds", 0.66, 60 * MS},
        {"300 ms at a third", 0.3, 300 * MS},
        {"3 s with nothing to do", 0, 3 * SECOND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plant p = plant_of(rows[i].load, 0);
        plant_run(&p, 2 * SECOND);
        uint64_t began_us = p.now_us;
        plant_arrive(&p, rows[i].still_us);
        overload_turn(
            &p.o, &(struct overload_turn){
                      .began_us = began_us, .ended_us = p.now_us, .packets = true, .lost = p.lost_us > 0});
        plant_run(&p, 5 * SECOND);
        print_message("%s: level 0 expected, %u changes seen\n", rows[i].what, p.changes);
        assert_int_equal(p.changes, 0);
    }
}

static void a_full_worker_sheds_within_300_ms(void **state) {
    (void)state;
    static const double turns_us[] = {200, 5000, 30000, 120000}; // however long its turns are
    for (size_t i = 0; i < sizeof turns_us / sizeof *turns_us; i++) {
        struct plant p = plant_of(0.1, 0.3);
        p.turn_max_us = turns_us[i];
        plant_run(&p, 2 * SECOND);
        p.video = 3;
        uint64_t began_us = p.now_us;
        while (p.o.level == 0 && p.now_us < began_us + 2 * SECOND)
            plant_run(&p, MS);
        print_message("turns of %.0f us: shed after %u ms\n", turns_us[i],
                      (unsigned)((p.now_us - began_us) / MS));
        assert_in_range(p.now_us - began_us, 100 * MS, i < 3 ? 310 * MS : 600 * MS);
    }
}

// However much too much: it settles where nearly all of what fits is sent, less than a thousandth of the
// sound is lost after the first second, and it is not tried again and again.
static void it_settles(void **state) {
    (void)state;
    static const struct {
        const char *what;
        double audio, video, key_burst_us;
        unsigned lowest, highest; // levels: what just fits, and what leaves a fifth
    } rows[] = {
        {"a little too much", 0.1, 1.0, 0, 2, 4},
        {"twice too much", 0.2, 2.0, 0, 10, 12},
        {"five times", 0.1, 5.0, 0, 14, 14},
        {"fifty times", 0.1, 50.0, 0, 16, 16},
        {"most is audio", 0.7, 0.5, 0, 8, 12},
        {"key frames of those who come back", 0.2, 2.0, 60000, 10, 13},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct plant p = plant_of(rows[i].audio, rows[i].video);
        p.key_burst_us = rows[i].key_burst_us;
        plant_run(&p, SECOND);
        double lost_us = p.audio_lost_us;
        plant_run(&p, 59 * SECOND);
        unsigned falls = p.falls, changes = p.changes;
        p.done_us = 0;
        plant_run(&p, 240 * SECOND);
        print_message("%s: level %u to %u expected, %u seen, up to %u; work of sound lost in the first "
                      "second %.2f ms, then %.2f; "
                      "in the last four minutes %u changes, %.0f %% busy\n",
                      rows[i].what, rows[i].lowest, rows[i].highest, p.o.level, p.highest, lost_us / 1000,
                      (p.audio_lost_us - lost_us) / 1000, p.changes - changes, p.done_us / 2.4e6);
        assert_in_range(p.o.level, rows[i].lowest, rows[i].highest);
        assert_true(p.audio_lost_us - lost_us < 0.001 * rows[i].audio * 299 * SECOND);
        assert_true(p.falls - falls <= 12); // a try each 30 s, and what it takes to come back from one
    }
}

static void all_video_is_back_when_the_load_is_gone(void **state) {
    (void)state;
    static const double videos[] = {1.2, 3, 40};
    for (size_t i = 0; i < sizeof videos / sizeof *videos; i++) {
        struct plant p = plant_of(0.1, videos[i]);
        plant_run(&p, 90 * SECOND);
        assert_true(p.o.level > 0);
        p.video = 0.4;
        uint64_t began_us = p.now_us;
        while (p.o.level > 0 && p.now_us < began_us + 120 * SECOND)
            plant_run(&p, 10 * MS);
        print_message("from %.1f times the load: all back after %.1f s\n", videos[i],
                      (double)(p.now_us - began_us) / 1e6);
        assert_true(p.now_us - began_us <= 45 * SECOND);
        unsigned changes = p.changes;
        plant_run(&p, 60 * SECOND);
        assert_int_equal(p.changes, changes);
    }
}

// Work that may wait fills what packets leave. It is a reason to shed only when it takes what they need.
static void what_may_wait_is_no_load_until_packets_are_lost(void **state) {
    (void)state;
    for (unsigned much = 0; much < 2; much++) {
        struct plant p = plant_of(0.1, 0.2);
        p.turn_max_us = 3 * MS;
        plant_run(&p, 2 * SECOND);
        p.patient_us = 2000;
        p.video = much ? 0.8 : 0.2; // in turns of 3 ms beside 2 ms of something else there is room for 0.6
        plant_run(&p, 2 * SECOND);
        print_message("load %.1f: %s expected, level %u seen\n", p.audio + p.video, much ? "some" : "none",
                      p.o.level);
        assert_int_equal(p.o.level > 0, much);
    }
}

// Packets are lost already: much at once.
static void who_loses_packets_sheds_much_at_once(void **state) {
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct plant p = plant_of(0.1, 0.3);
        p.queue_max_us = lost ? 50 * MS : SECOND;
        plant_run(&p, 2 * SECOND);
        p.video = 2;
        while (p.o.level == 0)
            plant_run(&p, MS);
        print_message("lost %u: level %u expected, %u seen\n", lost, lost ? 8 : 2, p.o.level);
        assert_int_equal(p.o.level, lost ? 8 : 2);
    }
}

// Turns of 2 ms with 1 ms between them, as where another program takes the core.
static void time_between_turns_is_not_to_spare_while_packets_are_lost(void **state) {
    (void)state;
    for (unsigned lost = 0; lost < 2; lost++) {
        struct overload o;
        overload_init(&o, SECOND);
        for (uint64_t now_us = SECOND; now_us < 2 * SECOND; now_us += 3 * MS)
            overload_turn(
                &o, &(struct overload_turn){
                        .began_us = now_us, .ended_us = now_us + 2 * MS, .packets = true, .lost = lost});
        print_message("lost %u: %s expected, level %u seen\n", lost, lost ? "all" : "none", o.level);
        assert_int_equal(o.level, lost ? OVERLOAD_LEVEL_MAX : 0);
    }
}

static void the_level_has_an_end(void **state) {
    (void)state;
    struct plant p = plant_of(2, 1); // audio alone is too much
    plant_run(&p, 5 * SECOND);
    assert_int_equal(p.o.level, OVERLOAD_LEVEL_MAX);
    p.audio = p.video = 0.3;
    plant_run(&p, 60 * SECOND);
    assert_int_equal(p.o.level, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_not_touched),
        cmocka_unit_test(a_machine_that_stands_still_for_a_moment_is_no_load),
        cmocka_unit_test(a_full_worker_sheds_within_300_ms),
        cmocka_unit_test(it_settles),
        cmocka_unit_test(all_video_is_back_when_the_load_is_gone),
        cmocka_unit_test(what_may_wait_is_no_load_until_packets_are_lost),
        cmocka_unit_test(who_loses_packets_sheds_much_at_once),
        cmocka_unit_test(time_between_turns_is_not_to_spare_while_packets_are_lost),
        cmocka_unit_test(the_level_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
