// Links that become narrow and hold seconds of what was sent before: what stands there is our own, drains,
// and does not come back. Every limit for every seed (seeds.h).
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u

struct deep {
    uint64_t rate_bps;
    uint32_t queue_us, drains_us;
    enum call_feedback feedback;
    uint64_t only; // seed of ./test: one that took its own queue for somebody else's once; 0: with CALL_SEEDS
    bool shown;    // both pictures fit
};

struct deep_figures {
    struct range queue_ms, freeze_ms, lost, estimate;
};

static void deep_once(const struct deep *deep, uint64_t seed, struct deep_figures *f) {
    struct call_config config = call_room(2, 1, 5 * M);
    config.seed = seed;
    config.links[0].queue_us = deep->queue_us;
    config.feedback[0] = deep->feedback;
    struct call *call = call_create(&config);
    call_run(call, 10 * S);
    call->links[0].config.rate_bps = deep->rate_bps;
    call_run(call, deep->drains_us);
    call_measure(call);
    call_run(call, 20 * S);
    call_tell(call, "narrow");
    uint64_t lost = 0;
    for (unsigned p = 0; p < config.publishers; p++)
        lost += call_track(call, 0, p, false)->audio_lost;
    double estimate = (double)call_stats(call, 0).estimate_bps / (double)deep->rate_bps;
    range_add(&f->queue_ms, (double)call->queue_max_us[0] / 1000);
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    range_add(&f->lost, (double)lost);
    range_add(&f->estimate, estimate);
    check(call->queue_max_us[0] < 250000, "seed %llu: a queue of %llu ms", (unsigned long long)seed,
          (unsigned long long)call->queue_max_us[0] / 1000);
    check(lost == 0, "seed %llu: %llu packets of sound lost", (unsigned long long)seed,
          (unsigned long long)lost);
    check(!deep->shown || call_freeze_us(call, 0) < S, "seed %llu: a freeze of %llu ms",
          (unsigned long long)seed, (unsigned long long)call_freeze_us(call, 0) / 1000);
    check(estimate > 0.7 && estimate < 1.3, "seed %llu: %.2f of the link estimated", (unsigned long long)seed,
          estimate);
    call_destroy(call);
}

static void queues_of_seconds(void **state) {
    (void)state;
    static const struct deep rows[] = {
        {.rate_bps = M, .queue_us = 2 * S, .drains_us = 6 * S, .shown = true},
        {.rate_bps = 500 * K, .queue_us = S, .drains_us = 6 * S, .shown = true},
        {.rate_bps = 500 * K, .queue_us = 2 * S, .drains_us = 8 * S, .only = 1, .shown = true},
        {.rate_bps = 500 * K, .queue_us = 2 * S, .drains_us = 8 * S, .feedback = CALL_CCFB, .shown = true},
        {.rate_bps = 500 * K, .queue_us = 4 * S, .drains_us = 10 * S, .shown = true},
        {.rate_bps = 300 * K, .queue_us = 2 * S, .drains_us = 10 * S},
        {.rate_bps = 200 * K, .queue_us = S / 2, .drains_us = 10 * S},
        {.rate_bps = 200 * K, .queue_us = 2 * S, .drains_us = 12 * S, .only = 1},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct deep *row = &rows[i];
        struct deep_figures f = {0};
        char name[64];
        snprintf(name, sizeof name, "%llu kbit/s, a queue of %u ms%s", (unsigned long long)row->rate_bps / K,
                 row->queue_us / 1000, row->feedback == CALL_CCFB ? ", RFC 8888" : "");
        if (!row_wanted(name) || (row->only == 0 && !seeds_many()))
            continue;
        print_message("%s\n", name);
        for (uint64_t seed = seeds_begin(row->only); seed <= seeds_end(row->only); seed++)
            deep_once(row, seed, &f);
        range_tell(&f.queue_ms, "longest queue once it has drained, ms");
        range_tell(&f.freeze_ms, "longest freeze, ms");
        range_tell(&f.lost, "packets of sound lost");
        range_tell(&f.estimate, "estimate, of the link");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(queues_of_seconds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
