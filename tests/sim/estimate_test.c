// The estimate of rtp/cc alone, without a room, over many seeds (seeds.h): what docs/congestion.md promises
// of steady links, links that fall and rise and links that are shared, with both kinds of feedback.
// congestion_test.c has the same and more with one seed each, rival_test.c downloads beside.
#include "tests/sim/flow.h"
#include "tests/sim/seeds.h"

#define SECOND UINT64_C(1000000)
#define K 1000u
#define M 1000000u

static struct flow flows[FLOWS_MAX];
static struct link bottleneck;
static struct flow_world world;

static const struct {
    const char *name;
    enum flow_feedback feedback;
    bool every; // in ./test; else with CALL_SEEDS alone
} feedbacks[] = {{"transport-wide", FLOW_TWCC, false}, {"RFC 8888", FLOW_CCFB, true}};
#define FEEDBACKS (sizeof feedbacks / sizeof feedbacks[0])

static void world_begin(const struct link_config *link, uint64_t rate_bps, uint64_t seed) {
    bottleneck = link_of(link, seed);
    bottleneck.config.rate_bps = rate_bps;
    world = (struct flow_world){.link = &bottleneck};
}

static void world_flow(const struct flow_config *config) {
    struct flow *f = &flows[world.flow_count];
    flow_init(f, config, &bottleneck, bottleneck.random + world.flow_count);
    world.flows[world.flow_count++] = f;
}

static void world_end(void) {
    for (unsigned i = 0; i < world.flow_count; i++)
        flow_done(world.flows[i]);
}

static struct flow_config greedy(enum flow_feedback feedback) {
    return (struct flow_config){.kind = FLOW_GREEDY,
                                .feedback = feedback,
                                .bandwidth = {600 * K, 30 * K, 100 * M},
                                .return_us = 25000,
                                .demand_bps = 20 * M};
}

// Layers as a publisher has them, of which only the lower two fit.
static struct flow_config layered(enum flow_feedback feedback, uint32_t rate_bps) {
    struct flow_config config = greedy(feedback);
    config.kind = FLOW_LAYERS;
    config.demand_bps = (uint64_t)rate_bps * 13 / 10;
    config.layer_count = 3;
    config.layers_bps[0] = rate_bps / 10 < 80000 ? 80000 : rate_bps / 10;
    config.layers_bps[1] = rate_bps <= 300000 ? 150000 : rate_bps / 3;
    config.layers_bps[2] = rate_bps / 10 * 13;
    return config;
}

static void check_within(double value, double whole, double least, double most, uint64_t seed,
                         const char *what) {
    check(value >= whole * least && value <= whole * most, "seed %llu: %s %.2f, not %.2f to %.2f",
          (unsigned long long)seed, what, value / whole, least, most);
}

// ---- steady

struct steady_figures {
    struct range target, used, changes, layered_target;
};

static void steady_once(const struct link_config *link, uint32_t rate_bps, enum flow_feedback feedback,
                        uint64_t seed, struct steady_figures *f) {
    struct flow_figures figures;
    for (unsigned layers = 0; layers < 2; layers++) {
        struct flow_config config = layers ? layered(feedback, rate_bps) : greedy(feedback);
        world_begin(link, rate_bps, seed);
        world_flow(&config);
        flow_world_run(&world, 20 * SECOND);
        flow_world_measure(&world, 30 * SECOND, &figures);
        world_end();
        range_add(layers ? &f->layered_target : &f->target, figures.target_bps[0] / rate_bps);
        check_within(figures.target_bps[0], rate_bps, 0.85, 1.15, seed,
                     layers ? "estimate of layers" : "estimate");
        if (layers) {
            range_add(&f->changes, figures.layer_changes[0]);
            check(figures.layer_changes[0] <= 1, "seed %llu: %u changes", (unsigned long long)seed,
                  figures.layer_changes[0]);
        } else {
            range_add(&f->used, figures.arrived_bps[0] / rate_bps);
            check_within(figures.arrived_bps[0], rate_bps, 0.85, 1.0, seed, "used");
        }
    }
}

static void links_that_are_steady(void **state) {
    (void)state;
    static const uint32_t rates_bps[] = {300 * K, 1 * M, 3 * M, 10 * M};
    static const struct {
        const char *name;
        struct link_config link;
        bool every;
    } rows[] = {
        {"no jitter", {.delay_us = 25000}, false},
        {"30 ms", {.delay_us = 25000, .jitter_us = 30000, .reorders = true}, true},
        {"100 ms", {.delay_us = 25000, .jitter_us = 100000, .reorders = true}, false},
        {"100 ms in order", {.delay_us = 25000, .jitter_us = 100000}, false},
        {"Wi-Fi", {.delay_us = 25000, .aggregate_us = 20000}, false},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof rates_bps / sizeof rates_bps[0]; i++)
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            for (size_t n = 0; n < FEEDBACKS; n++) {
                struct steady_figures f = {0};
                char name[96];
                snprintf(name, sizeof name, "%u kbit/s, %s, %s", rates_bps[i] / K, rows[k].name,
                         feedbacks[n].name);
                if ((!seeds_many() && !(rows[k].every && feedbacks[n].every && rates_bps[i] < 10 * M)) ||
                    !row_wanted(name))
                    continue;
                print_message("%s\n", name);
                for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
                    steady_once(&rows[k].link, rates_bps[i], feedbacks[n].feedback, seed, &f);
                range_tell(&f.target, "estimate of the link");
                range_tell(&f.used, "used by a source that can be dropped finely");
                range_tell(&f.layered_target, "estimate, layers");
                range_tell(&f.changes, "changes, layers");
                missed += seed_misses;
            }
    assert_int_equal(missed, 0);
}

// ---- 5 Mbit/s, 500 kbit/s, 5 Mbit/s, queue of 200 ms

static void fall_once(enum flow_feedback feedback, uint64_t seed, struct range *back_s) {
    struct flow_config config = greedy(feedback);
    struct flow_figures figures;
    world_begin(&(struct link_config){.queue_us = 200000, .delay_us = 10000}, 5 * M, seed);
    config.return_us = 10000;
    world_flow(&config);
    flow_world_run(&world, 20 * SECOND);
    bottleneck.config.rate_bps = 500 * K;
    flow_world_run(&world, 3 * SECOND);
    flow_world_measure(&world, 27 * SECOND, &figures);
    check_within(figures.target_bps[0], 500 * K, 0.8, 1.1, seed, "estimate while narrow");
    check(figures.queue_us < 150000, "seed %llu: a queue of %u ms stands", (unsigned long long)seed,
          figures.queue_us / 1000);
    bottleneck.config.rate_bps = 5 * M;
    uint64_t begun_us = world.now_us;
    while (flow_target(&flows[0]) < 4 * M && world.now_us < begun_us + 40 * SECOND)
        flow_world_run(&world, 50000);
    double s = (double)(world.now_us - begun_us) / 1e6;
    range_add(back_s, s);
    check(s <= 8, "seed %llu: back after %.1f s", (unsigned long long)seed, s);
    world_end();
}

static void a_link_that_falls_and_rises(void **state) {
    (void)state;
    unsigned missed = 0;
    for (size_t n = 0; n < FEEDBACKS; n++) {
        struct range back_s = {0};
        if ((!seeds_many() && !feedbacks[n].every) || !row_wanted(feedbacks[n].name))
            continue;
        print_message("5 Mbit/s, 500 kbit/s, 5 Mbit/s, %s\n", feedbacks[n].name);
        for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
            fall_once(feedbacks[n].feedback, seed, &back_s);
        range_tell(&back_s, "above 4 Mbit/s after s");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// ---- shared

static void shared_once(unsigned count, enum flow_feedback feedback, uint64_t seed, struct range *sum,
                        struct range *ratio) {
    struct flow_figures figures;
    world_begin(&(struct link_config){.queue_us = 200000, .delay_us = 25000}, 1500 * K, seed);
    for (unsigned i = 0; i < count; i++) {
        struct flow_config config = greedy(feedback);
        config.begin_us = i * 5 * SECOND;
        world_flow(&config);
    }
    flow_world_run(&world, 30 * SECOND);
    flow_world_measure(&world, 60 * SECOND, &figures);
    world_end();
    double all = 0, most = 0, least = 1e12;
    for (unsigned i = 0; i < count; i++) {
        all += figures.target_bps[i];
        most = figures.arrived_bps[i] > most ? figures.arrived_bps[i] : most;
        least = figures.arrived_bps[i] < least ? figures.arrived_bps[i] : least;
    }
    range_add(sum, all / (1500 * K));
    range_add(ratio, most / least);
    check_within(all, 1500 * K, 0.85, 1.1, seed, "estimates together");
    check(most <= least * 1.2, "seed %llu: shares of %.2f to 1", (unsigned long long)seed, most / least);
}

static void links_that_are_shared(void **state) {
    (void)state;
    unsigned missed = 0;
    for (unsigned count = 2; seeds_many() && count <= 3; count++)
        for (size_t n = 0; n < FEEDBACKS; n++) {
            struct range sum = {0}, ratio = {0};
            char name[96];
            snprintf(name, sizeof name, "%u share 1.5 Mbit/s, %s", count, feedbacks[n].name);
            if (!row_wanted(name))
                continue;
            print_message("%s\n", name);
            for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
                shared_once(count, feedbacks[n].feedback, seed, &sum, &ratio);
            range_tell(&sum, "estimates, of the link");
            range_tell(&ratio, "largest share to smallest");
            missed += seed_misses;
        }
    assert_int_equal(missed, 0);
}

// An argument: the tests whose names match it.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_that_are_steady),
        cmocka_unit_test(a_link_that_falls_and_rises),
        cmocka_unit_test(links_that_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
