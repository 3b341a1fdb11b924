// Downloads beside: what each gets of a link, for short queues and deep ones, near and far, of Reno and of
// CUBIC, for the estimate of rtp/cc alone and for whole rooms, over many seeds (seeds.h); and short queues
// without a download, which the same rules are for.
#include "tests/sim/call.h"
#include "tests/sim/flow.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u
#define LINK_BPS (3 * M)

static struct flow flow;
static struct rival rivals[CALL_RIVALS_MAX];
static struct link bottleneck;

struct beside {
    uint32_t queue_ms, rtt_ms;
    unsigned downloads;
    bool cubic, paced, named;
    double fair; // of the link, that each side must have
};

static void beside_name(const struct beside *row, char *name, size_t size) {
    snprintf(name, size, "queue of %u ms, %u ms away, %u of %s, %s, %s", row->queue_ms, row->rtt_ms,
             row->downloads, row->cubic ? "CUBIC" : "Reno", row->paced ? "paced" : "in bursts",
             row->named ? "RFC 8888" : "twcc");
}

static void rivals_begin(const struct beside *row, struct link *link, uint64_t begin_us) {
    for (unsigned i = 0; i < row->downloads; i++)
        rivals[i] = (struct rival){.link = link,
                                   .cubic = row->cubic,
                                   .begin_us = begin_us + i * 700 * US_PER_MS,
                                   .return_us = row->rtt_ms * 500};
}

static uint64_t rivals_bytes(const struct beside *row) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < row->downloads; i++)
        sum += rivals[i].arrived_bytes;
    return sum;
}

struct beside_figures {
    struct range ours, theirs, lost, estimate, changes;
};

static void flow_once(const struct beside *row, uint64_t seed, struct beside_figures *f) {
    struct flow_config config = {.kind = FLOW_GREEDY,
                                 .feedback = row->named ? FLOW_CCFB : FLOW_TWCC,
                                 .bandwidth = {600 * K, 30 * K, 100 * M},
                                 .return_us = row->rtt_ms * 500,
                                 .paced = row->paced,
                                 .demand_bps = 20 * M};
    struct flow_world world = {.link = &bottleneck};
    struct flow_figures figures;
    bottleneck =
        link_of(&(struct link_config){.queue_us = row->queue_ms * 1000, .delay_us = row->rtt_ms * 500}, seed);
    bottleneck.config.rate_bps = LINK_BPS;
    flow_init(&flow, &config, &bottleneck, bottleneck.random);
    world.flows[world.flow_count++] = &flow;
    rivals_begin(row, &bottleneck, 10 * S);
    for (unsigned i = 0; i < row->downloads; i++)
        world.rivals[world.rival_count++] = &rivals[i];
    flow_world_run(&world, 20 * S);
    uint64_t sent = flow.sent_bytes, arrived = flow.arrived_bytes;
    flow_world_measure(&world, 60 * S, &figures);
    double lost = 1 - (double)(flow.arrived_bytes - arrived) / (double)(flow.sent_bytes - sent);
    flow_done(&flow);
    double ours = figures.arrived_bps[0] / LINK_BPS, theirs = figures.rivals_bps / LINK_BPS;
    range_add(&f->ours, ours);
    range_add(&f->theirs, theirs);
    range_add(&f->lost, lost * 100);
    check(ours >= row->fair && (row->downloads == 0 || theirs >= 0.2), "seed %llu: %.2f and %.2f of it",
          (unsigned long long)seed, ours, theirs);
    check(row->downloads > 0 || lost < 0.03, "seed %llu: %.1f %% lost", (unsigned long long)seed, lost * 100);
}

static unsigned flow_row(const struct beside *row, bool every) {
    char name[96];
    struct beside_figures f = {0};
    beside_name(row, name, sizeof name);
    if ((!every && !seeds_many()) || !row_wanted(name))
        return 0;
    print_message("%s\n", name);
    // ./test has one of each
    for (uint64_t seed = seeds_begin(1); seed <= seeds_end(1); seed++)
        flow_once(row, seed, &f);
    range_tell(&f.ours, "ours");
    if (row->downloads > 0)
        range_tell(&f.theirs, "theirs");
    range_tell(&f.lost, "lost of ours, percent");
    return seed_misses;
}

// Issue: neither starves, at least a fifth each; whatever the queue and the distance.
static void one_download(void **state) {
    (void)state;
    static const uint32_t queues_ms[] = {50, 100, 200, 400, 500, 1000}, rtts_ms[] = {20, 50, 100};
    unsigned missed = 0;
    for (size_t q = 0; q < sizeof queues_ms / sizeof queues_ms[0]; q++)
        for (size_t r = 0; r < sizeof rtts_ms / sizeof rtts_ms[0]; r++)
            for (unsigned kind = 0; kind < 8; kind++)
                missed += flow_row(&(struct beside){.queue_ms = queues_ms[q],
                                                    .rtt_ms = rtts_ms[r],
                                                    .downloads = 1,
                                                    .cubic = kind & 1,
                                                    .paced = kind & 2,
                                                    .named = kind & 4,
                                                    .fair = 0.2},
                                   rtts_ms[r] == 50 && kind < 4 && q % 2 == 0);
    assert_int_equal(missed, 0);
}

// Of several: two fifths of an even share at least.
static void several_downloads(void **state) {
    (void)state;
    static const uint32_t queues_ms[] = {50, 100, 200, 400};
    unsigned missed = 0;
    for (size_t q = 0; q < sizeof queues_ms / sizeof queues_ms[0]; q++)
        for (unsigned downloads = 2; downloads <= 4; downloads += 2)
            for (unsigned kind = 0; kind < 4; kind++)
                missed += flow_row(&(struct beside){.queue_ms = queues_ms[q],
                                                    .rtt_ms = 50,
                                                    .downloads = downloads,
                                                    .cubic = kind & 1,
                                                    .paced = kind & 2,
                                                    .fair = 0.4 / (downloads + 1)},
                                   queues_ms[q] == 100 && kind < 2);
    assert_int_equal(missed, 0);
}

// Nobody beside, and hardly a queue: it is used, and what does not fit is not sent all the time.
static void a_short_queue_alone(void **state) {
    (void)state;
    unsigned missed = 0;
    for (uint32_t queue_ms = 20; queue_ms <= 50; queue_ms += 10)
        for (unsigned named = 0; named < 2; named++)
            missed += flow_row(
                &(struct beside){
                    .queue_ms = queue_ms, .rtt_ms = 50, .paced = true, .named = named, .fair = 0.85},
                !named);
    assert_int_equal(missed, 0);
}

// ---- rooms: a source that goes up and down by steps, and allocates

static double room_estimate(struct call *call, uint64_t us) {
    double sum = 0;
    unsigned count = 0;
    for (uint64_t end_us = call->now_us + us; call->now_us < end_us; count++) {
        call_run(call, S / 2);
        sum += call_stats(call, 0).estimate_bps;
    }
    return sum / count;
}

// A trial that others have refused waits up to 20 s.
static void room_check_back(struct call *call, unsigned publishers, uint64_t seed, struct range *back_s) {
    uint64_t begun_us = call->now_us;
    for (bool back = false; !back && call->now_us < begun_us + 40 * S;) {
        call_run(call, 50 * US_PER_MS);
        back = true;
        for (unsigned i = 0; i < publishers; i++)
            back &= call_track(call, 0, i, true)->spatial == 2;
    }
    range_add(back_s, (double)(call->now_us - begun_us) / 1e6);
    check(call->now_us < begun_us + 25 * S, "seed %llu: the best layer is back after %.1f s",
          (unsigned long long)seed, (double)(call->now_us - begun_us) / 1e6);
}

// least: of the link, that is sent. With one publisher the steps are 0.2, 0.45, 1.1 and 1.75 Mbit/s.
static void room_once(const struct beside *row, unsigned publishers, uint64_t seed, struct beside_figures *f,
                      struct range *back_s) {
    struct call_config config = call_room(publishers, 1, LINK_BPS);
    config.seed = seed;
    config.links[0].queue_us = row->queue_ms * 1000;
    config.links[0].delay_us = row->rtt_ms * 500;
    config.feedback[0] = row->named ? CALL_CCFB : CALL_TWCC;
    struct call *call = call_create(&config);
    rivals_begin(row, &call->links[0], 15 * S);
    for (unsigned i = 0; i < row->downloads; i++)
        call->rivals[call->rival_count++] = &rivals[i];
    call_run(call, 35 * S);
    call_measure(call);
    uint64_t before = rivals_bytes(row);
    double estimate = room_estimate(call, 40 * S) / LINK_BPS;
    double theirs = (double)(rivals_bytes(row) - before) * 8 / 40 / LINK_BPS;
    double ours = (double)call_delivered_bps(call, 0, 40 * S) / LINK_BPS;
    call_tell(call, "beside a download");
    for (unsigned i = 0; i < publishers; i++)
        range_add(&f->changes, call_track(call, 0, i, true)->changes);
    for (unsigned i = 0; i < row->downloads; i++)
        rivals[i].end_us = 1;
    if (publishers == 1)
        room_check_back(call, publishers, seed, back_s);
    call_destroy(call);
    range_add(&f->ours, ours);
    range_add(&f->theirs, theirs);
    range_add(&f->estimate, estimate);
    check(ours >= row->fair && estimate >= 0.2 && theirs >= 0.2, "seed %llu: %.2f sent of %.2f, and %.2f",
          (unsigned long long)seed, ours, estimate, theirs);
}

static unsigned room_row(const struct beside *row, unsigned publishers, bool every) {
    char name[120];
    int len = snprintf(name, sizeof name, "room of %u, ", publishers);
    struct beside_figures f = {0};
    struct range back_s = {0};
    beside_name(row, name + len, sizeof name - (size_t)len);
    if ((!every && !seeds_many()) || !row_wanted(name))
        return 0;
    print_message("%s\n", name);
    for (uint64_t seed = seeds_begin(1); seed <= seeds_end(1); seed++)
        room_once(row, publishers, seed, &f, &back_s);
    range_tell(&f.ours, "ours");
    range_tell(&f.estimate, "estimate");
    range_tell(&f.theirs, "theirs");
    range_tell(&f.changes, "changes in 40 s");
    if (publishers == 1)
        range_tell(&back_s, "the best layer after the download, s");
    return seed_misses;
}

static void rooms_beside_a_download(void **state) {
    (void)state;
    static const uint32_t queues_ms[] = {50, 100, 200, 400}, rtts_ms[] = {20, 50, 100};
    unsigned missed = 0;
    for (unsigned publishers = 1; publishers <= 2; publishers++)
        for (size_t q = 0; q < sizeof queues_ms / sizeof queues_ms[0]; q++)
            for (size_t r = 0; r < sizeof rtts_ms / sizeof rtts_ms[0]; r++)
                for (unsigned kind = 0; kind < 4; kind++)
                    missed += room_row(&(struct beside){.queue_ms = queues_ms[q],
                                                        .rtt_ms = rtts_ms[r],
                                                        .downloads = 1,
                                                        .cubic = kind & 1,
                                                        .paced = true,
                                                        .named = kind & 2,
                                                        .fair = publishers == 1 ? 0.14 : 0.2},
                                       publishers, publishers == 1 && rtts_ms[r] == 50 && kind == 1);
    assert_int_equal(missed, 0);
}

// An argument: the tests whose names match it.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_download),
        cmocka_unit_test(several_downloads),
        cmocka_unit_test(a_short_queue_alone),
        cmocka_unit_test(rooms_beside_a_download),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
