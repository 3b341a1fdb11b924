// What losses leave of video: frames that are whole in time, and what their repair costs.
#include "base/clock.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

#define SECONDS 60
#define SEEDS 2
#define SLOW_SEEDS 4    // of pictures of which there are few
#define FIRST_SECONDS 5 // until losses have been told
#define FPS 25
#define IN_TIME_US 200000
#define PLAYS_AFTER_US 20000 // as libwebrtc does where nothing is late

// 50 ms from the one end of the lossy leg to the other and back; the other leg is near.
static const struct sim_link far = {.delay_us = 25000}, near = {.delay_us = 2000};

static struct sim_config room_of_two(uint64_t seed) {
    return (struct sim_config){.seed = seed,
                               .workers = 1,
                               .participants = 2,
                               .up = near,
                               .down = near,
                               .fps = FPS,
                               .packets_per_frame = 4,
                               .audio_ms = 40,
                               .layers = 1,
                               .rtx_to_receivers = true,
                               .asks_at_once = true,
                               .numbers = 16384};
}

struct frames {
    unsigned all, in_time, whole;
};

// Those of the picture that were captured from second `from` to second `to`.
static struct frames frames_of(const struct sim_track *t, unsigned from, unsigned to) {
    struct frames f = {0};
    unsigned fps = t->from->peer.sim->config.fps;
    for (unsigned i = from * fps; i < to * fps; i++) {
        f.all++;
        f.whole += t->frames[i].took_us != 0;
        f.in_time += t->frames[i].took_us != 0 && t->frames[i].took_us <= IN_TIME_US;
    }
    return f;
}

static struct frames all_frames(const struct sim *sim, unsigned from, unsigned to) {
    struct frames sum = {0};
    for (unsigned i = 0; i < sim->config.participants; i++) {
        for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++) {
            const struct sim_track *t = &sim->participants[i].receiver.tracks[k];
            struct frames f = t->video ? frames_of(t, from, to) : (struct frames){0};
            sum.all += f.all;
            sum.whole += f.whole;
            sum.in_time += f.in_time;
        }
    }
    return sum;
}

// What is asked for, of each way, with losses that come singly and two in a row on average. REPAIR_SEEDS=n:
// seeds 1 to n, and each of the pictures; without it SEEDS of the first alone.
static const struct row {
    unsigned loss_permille, burst, in_time_permille;
} rows[] = {
    {20, 1, 999}, {50, 1, 995}, {100, 1, 980}, {20, 2, 999}, {50, 2, 995}, {100, 2, 980},
};

static const struct picture {
    unsigned fps, packets; // of a frame
    bool only_told;        // a lost end of a frame is seen when the next one comes: that is too late
    bool not_told;         // receivers wait no longer than by themselves
} pictures[] = {{20, 5, false, false}, {30, 3, false, false}, {60, 2, false, false}, {20, 1, true, false},
                {10, 2, true, false},  {20, 5, true, true},   {30, 3, true, true},   {5, 2, true, false},
                {15, 2, true, false},  {5, 20, true, false},  {1, 40, true, false}};

static unsigned seeds(void) {
    return getenv("REPAIR_SEEDS") ? (unsigned)atoi(getenv("REPAIR_SEEDS")) : 0;
}

struct outcome {
    struct frames frames;
    uint64_t packets, asked, repeated, empties, never_sent;
};

static unsigned empties_of(const struct sim *sim) {
    unsigned sum = 0;
    for (unsigned i = 0; i < sim->config.participants; i++)
        for (unsigned k = 0; k < sim->participants[i].receiver.track_count; k++)
            sum += sim->participants[i].receiver.tracks[k].empties;
    return sum;
}

static void run_row(const struct row *row, const struct picture *picture, bool up, uint64_t seed,
                    struct outcome *sum) {
    struct sim_config config = room_of_two(seed);
    struct sim_link *lossy = up ? &config.up : &config.down, *back = up ? &config.down : &config.up;
    *lossy = *back = far;
    config.tells_times = seed % 2;
    config.as_libwebrtc = true;
    config.plays_after_us = PLAYS_AFTER_US;
    config.not_told = picture->not_told;
    config.fps = picture->fps;
    config.packets_per_frame = picture->packets;
    struct sim *sim = sim_create(&config);
    sim_run(sim, US_PER_SECOND); // each stream begins with a whole key frame
    lossy = up ? &sim->config.up : &sim->config.down;
    lossy->loss_permille = row->loss_permille;
    lossy->burst = row->burst;
    sim_run(sim, (SECONDS - 1) * US_PER_SECOND);
    struct frames f = all_frames(sim, FIRST_SECONDS, SECONDS - 1);
    const struct forwarder_counters *c = forwarder_counters(sim->workers[0].fw);
    sum->frames.all += f.all;
    sum->frames.in_time += f.in_time;
    sum->frames.whole += f.whole;
    sum->packets += c->rtp_in;
    sum->asked += c->nacked_packets_out;
    sum->repeated += c->retransmitted;
    sum->empties += empties_of(sim);
    for (unsigned i = 0; i < sim->config.participants; i++)
        sum->never_sent += sim->participants[i].publisher.video[0].never_sent;
    sim_destroy(sim);
}

static bool judge(const struct row *row, const struct picture *picture, bool up, unsigned seed_count) {
    struct outcome o = {0};
    for (uint64_t seed = 1; seed <= seed_count; seed++)
        run_row(row, picture, up, seed, &o);
    bool holds = o.frames.in_time * 1000 >= o.frames.all * row->in_time_permille;
    print_message(
        "%s, %u %% lost, bursts of %u, %u frames a second of %u packets%s: %.2f %% of %u whole within "
        "200 ms%s, %.2f %% at all; %llu packets, %llu asked of publishers and %llu before they were sent, "
        "%llu repeated to receivers and %llu empty\n",
        up ? "up" : "down", row->loss_permille / 10, row->burst, picture->fps, picture->packets,
        picture->not_told ? ", not told" : "", 100.0 * o.frames.in_time / o.frames.all, o.frames.all,
        holds ? "" : " (MISSED)", 100.0 * o.frames.whole / o.frames.all, (unsigned long long)o.packets,
        (unsigned long long)o.asked, (unsigned long long)o.never_sent, (unsigned long long)o.repeated,
        (unsigned long long)o.empties);
    return holds;
}

static void frames_are_whole_in_time(bool up) {
    unsigned misses = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t k = 0; k < (seeds() ? sizeof pictures / sizeof *pictures : 1); k++)
            misses += !judge(&rows[i], &pictures[k], up, seeds() ? seeds() : SEEDS) && !pictures[k].only_told;
    assert_int_equal(misses, 0);
}

// Where nothing follows for long: less than asked for in some, since what a publisher repeats is lost again.
static void slow_pictures_are_whole_in_time(void **state) {
    (void)state;
    static const struct {
        bool up;
        struct row row;
        struct picture picture;
    } slow[] = {
        {true, {20, 2, 996}, {10, 2, false, false}},   {true, {50, 2, 990}, {10, 2, false, false}},
        {true, {100, 2, 980}, {10, 2, false, false}},  {true, {100, 2, 970}, {5, 2, false, false}},
        {true, {100, 1, 980}, {20, 1, false, false}},  {true, {100, 2, 950}, {5, 20, false, false}},
        {false, {100, 1, 980}, {5, 20, false, false}}, {false, {100, 2, 980}, {5, 20, false, false}},
        {false, {50, 2, 995}, {1, 40, false, false}},  {false, {100, 1, 980}, {1, 40, false, false}},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++)
        missed += !judge(&slow[i].row, &slow[i].picture, slow[i].up, SLOW_SEEDS);
    assert_int_equal(missed, 0);
}

static void losses_on_the_way_up(void **state) {
    (void)state;
    frames_are_whole_in_time(true);
}

static void losses_on_the_way_down(void **state) {
    (void)state;
    frames_are_whole_in_time(false);
}

// Nearly a third is lost, of repeats too: what is asked for stays below what was sent.
static void a_third_lost_makes_no_storm(void **state) {
    (void)state;
    for (unsigned tells = 0; tells < 2; tells++) {
        struct sim_config config = room_of_two(7);
        config.up = config.down = far;
        config.up.loss_permille = 300;
        config.tells_times = tells;
        struct sim *sim = sim_create(&config);
        sim_run(sim, 20 * US_PER_SECOND);
        const struct forwarder_counters *c = forwarder_counters(sim->workers[0].fw);
        uint64_t sent = 2 * 20 * FPS * 4;
        unsigned key_frames =
            sim->participants[0].publisher.key_frames + sim->participants[1].publisher.key_frames;
        struct frames f = all_frames(sim, 3, 19);
        print_message(
            "30 %% lost, round trip %s: %llu of %llu packets asked for, %u key frames, %.1f %% whole\n",
            tells ? "told" : "seen", (unsigned long long)c->nacked_packets_out, (unsigned long long)sent,
            key_frames, 100.0 * f.whole / f.all);
        assert_true(c->nacked_packets_out < sent * 7 / 10);
        assert_true(key_frames <= 2 * 20);
        assert_true(f.whole * 100 > f.all * 98);
        sim_destroy(sim);
    }
}

// Two seconds without a packet: what was sent meanwhile is not asked for, a key frame is, and the picture is
// back.
static void a_cut_of_two_seconds_makes_no_storm(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim_config config = room_of_two(seed);
        config.up = config.down = far;
        config.tells_times = seed % 2;
        config.packets_per_frame = 10;
        struct sim *sim = sim_create(&config);
        sim_run(sim, 5 * US_PER_SECOND);
        const struct forwarder_counters *c = forwarder_counters(sim->workers[0].fw);
        uint64_t asked = c->nacked_packets_out;
        unsigned key_frames = sim->participants[0].publisher.key_frames;
        sim->config.up.loss_permille = 1000;
        sim_run(sim, 2 * US_PER_SECOND);
        sim->config.up.loss_permille = 0;
        sim_run(sim, 3 * US_PER_SECOND);
        // What was lost is over; the rest of a frame that it cut in two may be asked for.
        assert_in_range(c->nacked_packets_out - asked, 0, 2 * 10);
        // One for the gap; the receiver, which goes on asking for what it misses, wants more.
        assert_in_range(sim->participants[0].publisher.key_frames - key_frames, 1, 3);
        struct frames after = all_frames(sim, 8, 9);
        assert_int_equal(after.in_time, after.all);
        for (unsigned i = 0; i < 2; i++) {
            const struct sim_track *t = &sim->participants[i].receiver.tracks[1];
            bool back = false;
            for (unsigned f = 7 * FPS; f < 7 * FPS + FPS / 2; f++) // within half a second
                back |= t->frames[f].key && t->frames[f].took_us != 0;
            assert_true(back);
        }
        sim_destroy(sim);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_on_the_way_up),
        cmocka_unit_test(losses_on_the_way_down),
        cmocka_unit_test(slow_pictures_are_whole_in_time),
        cmocka_unit_test(a_third_lost_makes_no_storm),
        cmocka_unit_test(a_cut_of_two_seconds_makes_no_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
