// Whole rooms: every receiver gets what was published, in order and in step, whatever the links do.
#include "tests/sim/sim.h"

#include <stdio.h>

#define SECOND UINT64_C(1000000)

static const struct sim_link clean = {.delay_us = 20000};
static const struct sim_link bad = {
    .delay_us = 20000, .jitter_us = 15000, .loss_permille = 30, .duplicate_permille = 20};

static uint64_t run(const struct sim_config *config, uint64_t us) {
    struct sim *sim = sim_create(config);
    sim_run(sim, us);
    sim_check(sim);
    uint64_t hash = sim->hash;
    sim_destroy(sim);
    return hash;
}

static struct sim_config room_of(unsigned participants, unsigned workers) {
    return (struct sim_config){.seed = 1,
                               .workers = workers,
                               .participants = participants,
                               .up = clean,
                               .down = clean,
                               .fps = 25,
                               .packets_per_frame = 4,
                               .audio_ms = 20,
                               .layers = 1,
                               .rtx_to_receivers = true};
}

static void four_people_on_clean_links(void **state) {
    (void)state;
    struct sim_config config = room_of(4, 1);
    run(&config, 6 * SECOND);
}

static void losses_and_reordering_are_repaired(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_config config = room_of(4, 1);
        config.seed = seed;
        config.up = config.down = bad;
        config.rtx_to_receivers = seed % 2;
        run(&config, 8 * SECOND);
    }
}

static void two_workers_with_losses(void **state) {
    (void)state;
    struct sim_config config = room_of(6, 2);
    config.up = config.down = bad;
    run(&config, 6 * SECOND);
}

static void the_same_seed_gives_the_same_room(void **state) {
    (void)state;
    struct sim_config config = room_of(3, 2);
    config.up = config.down = bad;
    uint64_t first = run(&config, 3 * SECOND), again = run(&config, 3 * SECOND);
    assert_true(first == again);
    config.seed = 2;
    assert_true(run(&config, 3 * SECOND) != first);
}

static void sixty_people_on_four_workers(void **state) {
    (void)state;
    struct sim_config config = room_of(60, 4);
    config.fps = 10;
    config.packets_per_frame = 2;
    config.audio_ms = 60;
    struct sim *sim = sim_create(&config);
    sim_run(sim, 3 * SECOND);
    sim_check(sim);
    // A packet crosses to each other worker once, whatever the number of its receivers there.
    uint64_t in = 0;
    for (unsigned w = 0; w < 4; w++)
        in += forwarder_counters(sim->workers[w].fw)->rtp_in;
    assert_true(sim->relayed <= 3 * in && sim->relayed + 500 >= 3 * in);
    sim_destroy(sim);
}

// Everyone sees the upper layer soon; when it stops, the lower one goes on; when it is back, it is shown
// again.
static void simulcast_switches_are_seamless(void **state) {
    (void)state;
    struct sim_config config = room_of(3, 2);
    config.layers = 2;
    struct sim *sim = sim_create(&config);
    sim_run(sim, 3 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        for (unsigned k = 0; k < 4; k++)
            if (sim->participants[i].receiver.tracks[k].video)
                assert_int_equal(sim->participants[i].receiver.tracks[k].layer, 1);
    for (unsigned i = 0; i < 3; i++)
        sim->participants[i].publisher.video[1].silent = true;
    sim_run(sim, 4 * SECOND);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sim->participants[i].receiver.tracks[1].layer, 0);
        sim->participants[i].publisher.video[1].silent = false;
    }
    sim_run(sim, 4 * SECOND);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 4; k++) {
            struct sim_track *t = &sim->participants[i].receiver.tracks[k];
            if (!t->video)
                continue;
            assert_int_equal(t->layer, 1);
            assert_in_range(t->switches, 2, 3);
            for (uint64_t s = t->first; s <= t->highest; s++)
                assert_true(t->numbers[s - t->base].got);
        }
    }
    sim_destroy(sim);
}

// However often it changes how much is left out: those who get video get whole frames without a gap in their
// numbers, everybody hears everything, and in the end all is there again.
static void video_that_is_left_out_leaves_no_gap(void **state) {
    (void)state;
    for (unsigned layers = 1; layers <= 2; layers++) {
        struct sim_config config = room_of(6, 2);
        config.layers = layers;
        config.sheds = true;
        struct sim *sim = sim_create(&config);
        sim_run(sim, 2 * SECOND);
        static const unsigned levels[] = {3, 9, 17, 32, 20, 8, 8, 14, 1, 32, 0};
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
            for (unsigned w = 0; w < 2; w++)
                forwarder_shed(sim->workers[w].fw, levels[i], sim->now_us);
            sim_run(sim, 1300000); // who comes back sooner begins with the key frame that it had
        }
        sim_run(sim, 3 * SECOND);
        sim_check(sim);
        for (unsigned i = 0; i < 6; i++)
            for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++) {
                const struct sim_track *t = &sim->participants[i].receiver.tracks[k];
                if (t->video)
                    assert_int_equal(t->layer, layers - 1);
            }
        sim_destroy(sim);
    }
}

// Whether each picture has had a whole key frame after frame before[][].
static void expect_key_frames(struct sim *sim, uint32_t before[4][8]) {
    for (unsigned i = 0; i < sim->config.participants; i++)
        for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++) {
            struct sim_track *t = &sim->participants[i].receiver.tracks[k];
            bool key = false;
            for (uint32_t f = before[i][k] + 1; t->video && f <= t->last_frame; f++)
                key |= t->frames[f].key && t->frames[f].got == t->frames[f].count;
            if (t->video && !key)
                fail_msg("stream %u: no whole key frame within two seconds, %u packets rejected", t->ssrc,
                         t->rejected);
        }
}

static void note_last_frames(const struct sim *sim, uint32_t before[4][8]) {
    for (unsigned i = 0; i < sim->config.participants; i++)
        for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++)
            before[i][k] = sim->participants[i].receiver.tracks[k].last_frame;
}

// Five minutes without an address, in which publishers go on: every picture is back within two seconds, and
// numbers go on where they stopped.
static void video_is_back_two_seconds_after_an_outage(void **state) {
    (void)state;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct sim_config config = room_of(4, workers);
        config.fps = 5;
        config.audio_ms = 200;
        config.sheds = true; // frames are missing, those of the outage
        struct sim *sim = sim_create(&config);
        sim_run(sim, 3 * SECOND);
        sim_cut(sim, true);
        sim_run(sim, 300 * SECOND);
        uint32_t before[4][8];
        note_last_frames(sim, before);
        sim_cut(sim, false);
        sim_run(sim, 2 * SECOND);
        expect_key_frames(sim, before);
        sim_run(sim, 3 * SECOND);
        sim_check(sim);
        sim_destroy(sim);
    }
}

// What is sent to receivers is lost for more than half of the number space, while all that they send arrives:
// nothing tells but that their reports show no more. They take what follows for what it is.
static void video_is_back_after_an_outage_of_the_downlinks_alone(void **state) {
    (void)state;
    struct sim_config config = room_of(2, 2);
    config.fps = 10;
    config.packets_per_frame = 40;
    config.audio_ms = 100;
    config.sheds = true; // frames are missing, those of the outage
    config.numbers = 60000;
    struct sim *sim = sim_create(&config);
    sim_run(sim, 3 * SECOND);
    sim_cut_downlinks(sim, true);
    sim_run(sim, 110 * SECOND); // 44,000 packets
    uint32_t before[4][8];
    note_last_frames(sim, before);
    sim_cut_downlinks(sim, false);
    sim_run(sim, 2 * SECOND);
    expect_key_frames(sim, before);
    sim_run(sim, 4 * SECOND);
    sim_check(sim);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++)
            assert_int_equal(sim->participants[i].receiver.tracks[k].rejected, 0);
    sim_destroy(sim);
}

// Somebody's link takes a third of what is sent: it is not flooded with repeats, nobody else pays for it with
// key frames, and they lose nothing.
static void a_starved_viewer_costs_others_nothing(void **state) {
    (void)state;
    static const struct sim_link narrow = {.delay_us = 40000, .jitter_us = 5000, .loss_permille = 667};
    for (unsigned starved = 0; starved < 2; starved++) {
        struct sim_config config = room_of(4, 1);
        config.packets_per_frame = 6;
        config.starved = starved ? &narrow : NULL;
        struct sim *sim = sim_create(&config);
        sim_run(sim, 20 * SECOND);
        const struct forwarder_counters *counters = forwarder_counters(sim->workers[0].fw);
        uint64_t first = (counters->rtp_out - counters->retransmitted) / 4; // of one receiver
        unsigned key_frames = 0;
        for (unsigned i = 1; i < 4; i++) {
            sim_receiver_finish(&sim->participants[i].receiver);
            key_frames += sim->participants[i].publisher.key_frames;
        }
        print_message(
            "%s: %llu packets asked for, %llu repeats of %llu packets; %u key frames of 3 publishers\n",
            starved ? "one is starved" : "nobody is starved", (unsigned long long)counters->nacked_packets_in,
            (unsigned long long)counters->retransmitted, (unsigned long long)first, key_frames);
        assert_true(counters->retransmitted <= first / 10); // none from the third report on
        assert_true(key_frames <= (starved ? 18 : 6));
        sim_destroy(sim);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_people_on_clean_links),
        cmocka_unit_test(losses_and_reordering_are_repaired),
        cmocka_unit_test(two_workers_with_losses),
        cmocka_unit_test(the_same_seed_gives_the_same_room),
        cmocka_unit_test(simulcast_switches_are_seamless),
        cmocka_unit_test(video_that_is_left_out_leaves_no_gap),
        cmocka_unit_test(video_is_back_two_seconds_after_an_outage),
        cmocka_unit_test(video_is_back_after_an_outage_of_the_downlinks_alone),
        cmocka_unit_test(a_starved_viewer_costs_others_nothing),
        cmocka_unit_test(sixty_people_on_four_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
