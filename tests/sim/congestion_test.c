// How the estimate of rtp/cc behaves on links: the test cases of RFC 8867, section 5, as far as they apply to
// a server that sends, and what docs/congestion.md promises. Real feedback, virtual clock; each case has its
// seed.
#include "tests/sim/flow.h"

#define SECOND UINT64_C(1000000)
#define RFC_DELAY_US 50000 // RFC 8867, 5: one way
#define RFC_JITTER_US 30000
#define RFC_QUEUE_US 300000

static struct flow flows[FLOWS_MAX];
static struct rival rivals[RIVALS_MAX];
static struct link bottleneck;
static struct flow_world world;

static const struct link_config rfc_link = {
    .queue_us = RFC_QUEUE_US, .delay_us = RFC_DELAY_US, .jitter_us = RFC_JITTER_US, .reorders = true};
static const struct flow_config greedy = {.kind = FLOW_GREEDY,
                                          .bandwidth = {600000, 30000, 100000000},
                                          .return_us = RFC_DELAY_US,
                                          .demand_bps = 20000000};

static void world_begin(const struct link_config *link, uint64_t rate_bps, uint64_t seed) {
    bottleneck = link_of(link, seed);
    bottleneck.config.rate_bps = rate_bps;
    world = (struct flow_world){.link = &bottleneck};
}

static struct flow *world_flow(const struct flow_config *config) {
    struct flow *f = &flows[world.flow_count];
    flow_init(f, config, &bottleneck, bottleneck.random + world.flow_count);
    world.flows[world.flow_count++] = f;
    return f;
}

static struct rival *world_rival(uint64_t begin_us) {
    struct rival *r = &rivals[world.rival_count];
    *r = (struct rival){.link = &bottleneck, .begin_us = begin_us, .return_us = bottleneck.config.delay_us};
    world.rivals[world.rival_count++] = r;
    return r;
}

static void world_end(void) {
    for (unsigned i = 0; i < world.flow_count; i++)
        flow_done(world.flows[i]);
}

static struct flow_figures world_after(uint64_t skipped_us, uint64_t measured_us) {
    struct flow_figures figures;
    flow_world_run(&world, skipped_us);
    flow_world_measure(&world, measured_us, &figures);
    return figures;
}

static void assert_share(double value, double whole, double least, double most) {
    if (value < whole * least || value > whole * most)
        fail_msg("%.0f of %.0f is %.2f, not %.2f to %.2f", value, whole, value / whole, least, most);
}

// ---- RFC 8867

// 5.1: one flow; the capacity changes by steps. It is used, and the queue does not stand.
static void variable_capacity_with_a_single_flow(void **state) {
    (void)state;
    static const struct {
        uint64_t seconds, bps;
    } steps[] = {{40, 1000000}, {20, 2500000}, {20, 600000}, {20, 1000000}};
    world_begin(&rfc_link, steps[0].bps, 51);
    world_flow(&greedy);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        bottleneck.config.rate_bps = steps[i].bps;
        struct flow_figures figures = world_after(8 * SECOND, (steps[i].seconds - 8) * SECOND);
        assert_share(figures.target_bps[0], (double)steps[i].bps, 0.8, 1.15);
        assert_share(figures.arrived_bps[0], (double)steps[i].bps, 0.8, 1.0);
        assert_true(figures.queue_us < 200000);
    }
    world_end();
}

// 5.2: two flows, the capacity changes; both follow, neither starves.
static void variable_capacity_with_multiple_flows(void **state) {
    (void)state;
    static const uint64_t steps_bps[] = {4000000, 2000000, 3500000, 1000000, 2000000};
    world_begin(&rfc_link, steps_bps[0], 52);
    world_flow(&greedy);
    world_flow(&greedy);
    for (unsigned i = 0; i < sizeof steps_bps / sizeof steps_bps[0]; i++) {
        bottleneck.config.rate_bps = steps_bps[i];
        struct flow_figures figures = world_after(8 * SECOND, 17 * SECOND);
        assert_share(figures.target_bps[0] + figures.target_bps[1], (double)steps_bps[i], 0.8, 1.15);
        assert_share(figures.arrived_bps[0], (double)steps_bps[i], 0.25, 0.75);
    }
    world_end();
}

// 5.3: the way back of feedback is bad: lost, late. The estimate stays what it was.
static void congested_feedback_link(void **state) {
    (void)state;
    struct flow_config config = greedy;
    config.feedback_loss_permille = 200;
    config.return_us = 150000;
    world_begin(&rfc_link, 2000000, 53);
    world_flow(&config);
    struct flow_figures figures = world_after(20 * SECOND, 40 * SECOND);
    assert_share(figures.target_bps[0], 2000000, 0.8, 1.15);
    assert_share(figures.arrived_bps[0], 2000000, 0.8, 1.0);
    world_end();
}

// 5.4: flows of the same kind come one after the other and come to even shares.
static void competing_media_flows(void **state) {
    (void)state;
    world_begin(&rfc_link, 3500000, 54);
    for (unsigned i = 0; i < 3; i++) {
        struct flow_config config = greedy;
        config.begin_us = i * 20 * SECOND;
        world_flow(&config);
    }
    struct flow_figures figures = world_after(60 * SECOND, 60 * SECOND);
    double sum = figures.arrived_bps[0] + figures.arrived_bps[1] + figures.arrived_bps[2];
    assert_share(sum, 3500000, 0.85, 1.0);
    for (unsigned i = 0; i < 3; i++)
        assert_share(figures.arrived_bps[i], sum / 3, 0.6, 1.4);
    world_end();
}

// 5.5: flows whose round trips differ by 280 ms.
static void round_trip_fairness(void **state) {
    (void)state;
    static const uint32_t ways_us[] = {10000, 25000, 50000, 100000, 150000};
    struct link_config link = rfc_link;
    link.delay_us = 0;
    world_begin(&link, 4000000, 55);
    for (unsigned i = 0; i < 5; i++) {
        struct flow_config config = greedy;
        config.return_us = 0;
        config.access_us = ways_us[i];
        config.begin_us = i * 10 * SECOND;
        world_flow(&config);
    }
    struct flow_figures figures = world_after(90 * SECOND, 90 * SECOND);
    double sum = 0;
    for (unsigned i = 0; i < 5; i++)
        sum += figures.arrived_bps[i];
    assert_share(sum, 4000000, 0.85, 1.0);
    for (unsigned i = 0; i < 5; i++)
        assert_share(figures.arrived_bps[i], sum / 5, 0.4, 1.8);
    world_end();
}

// 5.6: against a long TCP flow neither starves, whatever the queue.
static void media_flow_with_a_long_tcp_flow(void **state) {
    (void)state;
    static const struct {
        uint64_t rate_bps;
        uint32_t queue_us;
    } cases[] = {{2000000, 300000}, {3000000, 200000}, {3000000, 100000}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct link_config link = {.queue_us = cases[i].queue_us, .delay_us = 25000};
        world_begin(&link, cases[i].rate_bps, 56);
        world_flow(&greedy);
        world_rival(10 * SECOND);
        struct flow_figures figures = world_after(20 * SECOND, 60 * SECOND);
        assert_share(figures.arrived_bps[0], (double)cases[i].rate_bps, 0.2, 0.8);
        assert_share(figures.rivals_bps, (double)cases[i].rate_bps, 0.2, 0.8);
        world_end();
    }
}

// 5.7: among short TCP flows that come and go.
static void media_flow_with_short_tcp_flows(void **state) {
    (void)state;
    world_begin(&(struct link_config){.queue_us = RFC_QUEUE_US, .delay_us = RFC_DELAY_US}, 2000000, 57);
    world_flow(&greedy);
    for (unsigned i = 0; i < 4; i++) {
        struct rival *r = world_rival((5 + 3 * i) * SECOND);
        r->file_bytes = 100000 + 100000 * i;
        r->pause_us = (10 + 2 * i) * SECOND;
    }
    struct flow_figures figures = world_after(20 * SECOND, 100 * SECOND);
    assert_share(figures.arrived_bps[0], 2000000, 0.2, 0.9);
    assert_true(figures.rivals_bps > 300000);
    world_end();
}

// 5.8: one of three pauses for 20 seconds; the others take its share, and it comes back.
static void media_pause_and_resume(void **state) {
    (void)state;
    world_begin(&rfc_link, 3500000, 58);
    for (unsigned i = 0; i < 3; i++)
        world_flow(&greedy);
    flow_world_run(&world, 40 * SECOND);
    flows[0].idle_until_us = world.now_us + 20 * SECOND;
    struct flow_figures figures = world_after(8 * SECOND, 12 * SECOND);
    assert_share(figures.arrived_bps[1] + figures.arrived_bps[2], 3500000, 0.85, 1.0);
    figures = world_after(15 * SECOND, 45 * SECOND);
    assert_share(figures.arrived_bps[0], 3500000, 0.2, 0.5);
    assert_share(figures.arrived_bps[0] + figures.arrived_bps[1] + figures.arrived_bps[2], 3500000, 0.85,
                 1.0);
    world_end();
}

// ---- what is promised beyond

// Layers as a publisher has them, of which only the lower two fit.
static struct flow_config layers_for(uint32_t rate_bps) {
    struct flow_config config = greedy;
    config.kind = FLOW_LAYERS;
    config.return_us = 25000;
    config.demand_bps = (uint64_t)rate_bps * 13 / 10;
    config.layer_count = 3;
    config.layers_bps[0] = rate_bps / 10 < 80000 ? 80000 : rate_bps / 10;
    config.layers_bps[1] = rate_bps <= 300000 ? 150000 : rate_bps / 3;
    config.layers_bps[2] = rate_bps / 10 * 13;
    return config;
}

static void steady_link(const struct link_config *link, uint32_t rate_bps, bool layers) {
    struct flow_config config = layers ? layers_for(rate_bps) : greedy;
    world_begin(link, rate_bps, 20 + rate_bps % 7);
    world_flow(&config);
    struct flow_figures figures = world_after(20 * SECOND, 30 * SECOND);
    assert_share(figures.target_bps[0], rate_bps, 0.85, 1.15);
    if (!layers)
        assert_share(figures.arrived_bps[0], rate_bps, 0.83, 1.0);
    else
        assert_true(figures.layer_changes[0] <= 1);
    world_end();
}

static void steady_links(void **state) {
    (void)state;
    static const uint32_t rates_bps[] = {300000, 1000000, 3000000, 10000000};
    static const struct link_config links[] = {
        {.delay_us = 25000},
        {.delay_us = 25000, .jitter_us = 30000, .reorders = true},
        {.delay_us = 25000, .jitter_us = 100000, .reorders = true},
        {.delay_us = 25000, .aggregate_us = 20000}, // Wi-Fi
    };
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 4; j++)
            for (unsigned layers = 0; layers < 2; layers++)
                steady_link(&links[j], rates_bps[i], layers);
}

static void drop_and_recovery(const struct flow_config *config, uint64_t seed) {
    world_begin(&(struct link_config){.queue_us = 200000, .delay_us = 10000}, 5000000, seed);
    struct flow *f = world_flow(config);
    flow_world_run(&world, 20 * SECOND);
    assert_share(flow_target(f), 5000000, 0.8, 1.15);
    bottleneck.config.rate_bps = 500000;
    flow_world_run(&world, 3 * SECOND);
    assert_true(flow_target(f) <= 500000);
    struct flow_figures figures = world_after(0, 27 * SECOND);
    assert_share(figures.target_bps[0], 500000, 0.8, 1.1);
    assert_true(figures.queue_us < 150000);
    bottleneck.config.rate_bps = 5000000;
    flow_world_run(&world, 8 * SECOND);
    assert_share(flow_target(f), 5000000, 0.8, 1.2);
    world_end();
}

static void link_that_drops_to_a_tenth_and_comes_back(void **state) {
    (void)state;
    struct flow_config free = greedy, layers = layers_for(4000000);
    free.return_us = layers.return_us = 10000;
    layers.layers_bps[0] = 150000;
    layers.layers_bps[1] = 400000;
    layers.layers_bps[2] = 2500000;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        drop_and_recovery(&free, seed);
        drop_and_recovery(&layers, seed);
    }
}

static void two_who_share_a_link(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct flow_config late = greedy;
        late.begin_us = 5 * SECOND;
        world_begin(&(struct link_config){.queue_us = 200000, .delay_us = 25000}, 1500000, seed);
        world_flow(&greedy);
        world_flow(&late);
        struct flow_figures figures = world_after(30 * SECOND, 60 * SECOND);
        double sum = figures.target_bps[0] + figures.target_bps[1];
        assert_share(sum, 1500000, 0.85, 1.1);
        assert_share(figures.target_bps[0], sum / 2, 0.8, 1.2);
        world_end();
    }
}

static void random_loss(void **state) {
    (void)state;
    static const unsigned permille[] = {20, 50, 100};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned burst = 1; burst <= 4; burst += 3) {
            struct link_config link = {.delay_us = 25000, .loss_permille = permille[i], .loss_burst = burst};
            struct flow_config layers = layers_for(3000000);
            for (unsigned kind = 0; kind < 2; kind++) {
                world_begin(&link, 3000000, 7);
                world_flow(kind ? &layers : &greedy);
                struct flow_figures figures = world_after(20 * SECOND, 30 * SECOND);
                assert_share(figures.target_bps[0], 3000000, 0.75, 1.15);
                world_end();
            }
        }
}

// Nothing but a rate: what is above it is dropped, and no queue tells. Loss alone must bound it.
static void policer(void **state) {
    (void)state;
    world_begin(&(struct link_config){.queue_us = 50000, .delay_us = 25000}, 2000000, 9);
    world_flow(&greedy);
    struct flow_figures figures = world_after(20 * SECOND, 30 * SECOND);
    assert_share(figures.target_bps[0], 2000000, 0.5, 1.25);
    world_end();
}

static void rfc8888_feedback(void **state) {
    (void)state;
    struct flow_config config = greedy;
    config.feedback = FLOW_CCFB;
    world_begin(&(struct link_config){.delay_us = 25000, .mark_us = 30000}, 3000000, 10);
    struct flow *f = world_flow(&config);
    struct flow_figures figures = world_after(10 * SECOND, 20 * SECOND);
    assert_share(figures.target_bps[0], 3000000, 0.85, 1.15);
    assert_true(bandwidth_state(f->bandwidth).ecn_ce > 10);
    world_end();
}

// What is learned is no more than what somebody would take, and padding ends with it.
static void demand_bounds_probes(void **state) {
    (void)state;
    struct flow_config config = {.kind = FLOW_FIXED,
                                 .bandwidth = {600000, 30000, 100000000},
                                 .layers_bps = {400000},
                                 .layer_count = 1,
                                 .return_us = 25000,
                                 .demand_bps = 2000000};
    world_begin(&(struct link_config){.delay_us = 25000}, 10000000, 11);
    world_flow(&config);
    struct flow_figures figures = world_after(10 * SECOND, 20 * SECOND);
    assert_share(figures.target_bps[0], 2000000, 1.0, 1.2);
    assert_true(figures.padding_bps[0] < 1);
    world_end();
}

// The link is cut for five seconds, and comes back.
static void cut(void **state) {
    (void)state;
    world_begin(&(struct link_config){.delay_us = 25000}, 3000000, 12);
    struct flow *f = world_flow(&greedy);
    flow_world_run(&world, 20 * SECOND);
    bottleneck.config.loss_permille = 1000;
    bottleneck.config.loss_burst = 1;
    flow_world_run(&world, 5 * SECOND);
    assert_int_equal(bandwidth_state(f->bandwidth).reason, BANDWIDTH_SILENT);
    assert_true(flow_target(f) < 1000000);
    bottleneck.config.loss_permille = 0;
    flow_world_run(&world, 5 * SECOND);
    assert_share(flow_target(f), 3000000, 0.8, 1.2);
    world_end();
}

static void other_address(void **state) {
    (void)state;
    world_begin(&(struct link_config){.delay_us = 25000}, 8000000, 13);
    struct flow *f = world_flow(&greedy);
    flow_world_run(&world, 20 * SECOND);
    bandwidth_path_changed(f->bandwidth, world.now_us);
    assert_true(flow_target(f) <= 600000);
    bottleneck.config.rate_bps = 2000000;
    bottleneck.config.delay_us = 100000;
    struct flow_figures figures = world_after(4 * SECOND, 20 * SECOND);
    assert_share(figures.target_bps[0], 2000000, 0.8, 1.15);
    assert_true(figures.queue_us < 150000);
    world_end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variable_capacity_with_a_single_flow),
        cmocka_unit_test(variable_capacity_with_multiple_flows),
        cmocka_unit_test(congested_feedback_link),
        cmocka_unit_test(competing_media_flows),
        cmocka_unit_test(round_trip_fairness),
        cmocka_unit_test(media_flow_with_a_long_tcp_flow),
        cmocka_unit_test(media_flow_with_short_tcp_flows),
        cmocka_unit_test(media_pause_and_resume),
        cmocka_unit_test(steady_links),
        cmocka_unit_test(link_that_drops_to_a_tenth_and_comes_back),
        cmocka_unit_test(two_who_share_a_link),
        cmocka_unit_test(random_loss),
        cmocka_unit_test(policer),
        cmocka_unit_test(rfc8888_feedback),
        cmocka_unit_test(demand_bounds_probes),
        cmocka_unit_test(cut),
        cmocka_unit_test(other_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
