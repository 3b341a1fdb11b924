// Viewers who share a link while it changes, viewers who do not share one, and those who lie about theirs:
// as recovery_test.c does, every limit for every seed (seeds.h).
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define LOOK_US 50000
#define SETTLED_US (20 * S)

static double mbit_of(struct call *call, unsigned viewer, uint64_t us) {
    return (double)call_media_bytes(call, viewer) * 8 / (double)us;
}

// ---- a link that two share, and that changes

struct turn {
    const char *name;
    unsigned publishers;
    uint64_t then_bps, cross_bps; // after 20 s; 0: as before
    bool leaves;                  // the second viewer
    uint64_t only;                // seed of ./test; 0: with CALL_SEEDS alone
};

struct turn_figures {
    struct range ratio, used, queue_ms, freeze_ms, first_freeze_ms, best_s;
};

static void turn_make(struct call *call, const struct turn *turn) {
    if (turn->then_bps)
        call->links[0].config.rate_bps = turn->then_bps;
    call->cross_bps = turn->cross_bps;
    call->viewers[1].unreachable = turn->leaves;
    if (turn->leaves)
        forwarder_endpoint_reachable(call->fw, call->viewers[1].endpoint, false, call->now_us);
}

static void turn_wider(struct call *call, const struct turn *turn, uint64_t seed, struct turn_figures *f) {
    uint64_t begun_us = call->now_us;
    unsigned viewers = turn->leaves ? 1 : 2, best = 0;
    while (best < viewers && call->now_us < begun_us + 60 * S) {
        call_run(call, LOOK_US);
        best = 0;
        for (unsigned i = 0; i < viewers; i++)
            best += call_has_best(call, i) ? 1u : 0u;
    }
    double seconds = (double)(call->now_us - begun_us) / 1e6;
    range_add(&f->best_s, seconds);
    check(seconds <= (turn->leaves ? 45 : 12), "seed %llu: everything after %.1f s", (unsigned long long)seed,
          seconds);
}

static void turn_narrower(struct call *call, const struct turn *turn, uint64_t seed, struct turn_figures *f) {
    uint64_t left_bps = (turn->then_bps ? turn->then_bps : 1500 * K) - turn->cross_bps;
    call_measure(call);
    call_run(call, 3 * S);
    for (unsigned i = 0; i < 2; i++)
        range_add(&f->first_freeze_ms, (double)call_freeze_us(call, i) / 1000);
    call_run(call, 3 * S);
    call_measure(call);
    call_run(call, 40 * S);
    double rates[2] = {mbit_of(call, 0, 40 * S), mbit_of(call, 1, 40 * S)};
    double ratio = rates[0] > rates[1] ? rates[0] / rates[1] : rates[1] / rates[0];
    range_add(&f->ratio, ratio);
    range_add(&f->used, (rates[0] + rates[1]) * 1e6 / (double)left_bps);
    range_add(&f->queue_ms, (double)call_queue_ms(call, 0));
    check(ratio <= 1.35, "seed %llu: shares of %.2f to 1", (unsigned long long)seed, ratio);
    check(call_queue_ms(call, 0) < 50, "seed %llu: a queue of %llu ms in the mean", (unsigned long long)seed,
          (unsigned long long)call_queue_ms(call, 0));
    for (unsigned i = 0; i < 2; i++) {
        range_add(&f->freeze_ms, (double)call_freeze_us(call, i) / 1000);
        check(call_freeze_us(call, i) < S, "seed %llu: a freeze of %llu ms of viewer %u",
              (unsigned long long)seed, (unsigned long long)call_freeze_us(call, i) / 1000, i);
    }
}

static void turn_once(const struct turn *turn, uint64_t seed, struct turn_figures *f) {
    struct call_config config = call_room(turn->publishers, 2, 1500 * K);
    config.seed = seed;
    config.wish_spatial = turn->leaves ? 1 : 0;
    struct call *call = call_create(&config);
    call_run(call, SETTLED_US);
    turn_make(call, turn);
    if (turn->leaves || turn->then_bps > 1500 * K)
        turn_wider(call, turn, seed, f);
    else
        turn_narrower(call, turn, seed, f);
    call_tell(call, turn->name);
    call_destroy(call);
}

static void links_that_are_shared_and_change(void **state) {
    (void)state;
    static const struct turn turns[] = {
        {.name = "700 kbit/s", .publishers = 2, .then_bps = 700 * K, .only = 2},
        {.name = "1250 kbit/s", .publishers = 2, .then_bps = 1250 * K},
        {.name = "600 kbit/s of others", .publishers = 2, .cross_bps = 600 * K, .only = 2},
        {.name = "12 Mbit/s", .publishers = 2, .then_bps = 12000 * K, .only = 1},
        {.name = "one leaves", .publishers = 2, .leaves = true, .only = 1},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        struct turn_figures f = {0};
        if ((turns[i].only == 0 && !seeds_many()) || !row_wanted(turns[i].name))
            continue;
        print_message("two behind 1.5 Mbit/s, then %s\n", turns[i].name);
        for (uint64_t seed = seeds_begin(turns[i].only); seed <= seeds_end(turns[i].only); seed++)
            turn_once(&turns[i], seed, &f);
        range_tell(&f.best_s, "everything after s");
        range_tell(&f.first_freeze_ms, "longest freeze of the first 3 s, ms");
        range_tell(&f.freeze_ms, "longest freeze then, ms");
        range_tell(&f.ratio, "larger share to smaller");
        range_tell(&f.used, "media, of what is left of the link");
        range_tell(&f.queue_ms, "queue in the mean, ms");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// ---- the honest one and the other

struct pair {
    const char *name;
    uint64_t rate_bps, other_bps; // of the second one's link; 0: the same link
    enum call_feedback other;
    uint32_t jitter_us;
    double least; // Mbit/s of media that the honest first one has
    uint64_t only;
    uint32_t ceiling_bps; // of the second one; 0: none
};

struct pair_figures {
    struct range media, others, changes, freeze_ms;
};

static void pair_once(const struct pair *pair, uint64_t seed, struct pair_figures *f) {
    struct call_config config = call_room(2, 2, pair->rate_bps);
    config.seed = seed;
    config.feedback[1] = pair->other;
    config.links[0].jitter_us = pair->jitter_us;
    if (pair->other_bps) {
        config.links[1] = config.links[0];
        config.links[1].rate_bps = pair->other_bps;
        config.link_of_viewer[1] = 1;
    }
    struct call *call = call_create(&config);
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE, .transport = {101}};
    cmd.max_bitrate.bps = pair->ceiling_bps;
    if (pair->ceiling_bps)
        call_command(call, &cmd);
    call_run(call, SETTLED_US);
    call_measure(call);
    call_run(call, 60 * S);
    call_tell(call, pair->name);
    double media = mbit_of(call, 0, 60 * S);
    range_add(&f->media, media);
    range_add(&f->others, mbit_of(call, 1, 60 * S));
    range_add(&f->changes, call_changes(call, 0));
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    check(media >= pair->least, "seed %llu: %.2f Mbit/s for who is honest", (unsigned long long)seed, media);
    check(call_freeze_us(call, 0) < S, "seed %llu: a freeze of %llu ms", (unsigned long long)seed,
          (unsigned long long)call_freeze_us(call, 0) / 1000);
    call_destroy(call);
}

static void nobody_takes_of_others_by_what_he_says(void **state) {
    (void)state;
    static const struct pair pairs[] = {
        {"own links, as wide", 750 * K, 750 * K, CALL_TWCC, 0, 0.55, 0, 0},
        {"own links, wider", 1500 * K, 500 * K, CALL_TWCC, 0, 0.86, 0, 0},
        {"own links, jitter", 1000 * K, 1000 * K, CALL_TWCC, 30000, 0.69, 0, 0},
        {"own link, who claims waves", 1500 * K, 1500 * K, CALL_CLAIMS_WAVES, 0, 0.86, 1, 0},
        {"own link, who claims a queue", 1500 * K, 1500 * K, CALL_CLAIMS_QUEUE, 0, 0.86, 0, 0},
        {"own link, who copies", 750 * K, 3000 * K, CALL_COPIES, 0, 0.54, 1, 0},
        {"own link, who loses", 1500 * K, 1500 * K, CALL_LOSES, 0, 0.86, 0, 0},
        {"one link, who has a ceiling", 1500 * K, 0, CALL_TWCC, 0, 0.80, 2, 450 * K},
        {"one link, who claims waves", 1500 * K, 0, CALL_CLAIMS_WAVES, 0, 0.56, 1, 0},
        {"one link, who claims a queue", 1500 * K, 0, CALL_CLAIMS_QUEUE, 0, 0.56, 0, 0},
        {"one link, who loses", 1500 * K, 0, CALL_LOSES, 0, 0.56, 1, 0},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct pair_figures f = {0};
        if ((pairs[i].only == 0 && !seeds_many()) || !row_wanted(pairs[i].name))
            continue;
        print_message("%s\n", pairs[i].name);
        for (uint64_t seed = seeds_begin(pairs[i].only); seed <= seeds_end(pairs[i].only); seed++)
            pair_once(&pairs[i], seed, &f);
        range_tell(&f.media, "Mbit/s of who is honest");
        range_tell(&f.others, "of the other one");
        range_tell(&f.changes, "changes in 60 s");
        range_tell(&f.freeze_ms, "longest freeze, ms");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_that_are_shared_and_change),
        cmocka_unit_test(nobody_takes_of_others_by_what_he_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
