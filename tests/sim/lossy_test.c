// Links that lose a share of whatever is sent, in bursts or not, over many seeds (seeds.h): how much of what
// a viewer wants it is given where there is room for all, and whether it comes back after the link was
// narrow.
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include <stdio.h>

#define S UINT64_C(1000000)
#define M UINT64_C(1000000)

struct lossy_figures {
    struct range best, estimate, least, back_s, changes, freeze_ms;
};

static struct call *lossy_call(unsigned publishers, uint64_t rate_bps, unsigned permille, unsigned burst,
                               uint64_t seed) {
    struct call_config config = call_room(publishers, 1, rate_bps);
    config.seed = seed;
    config.links[0].loss_permille = permille;
    config.links[0].loss_burst = burst;
    return call_create(&config);
}

// Looks each half second for so long.
static void lossy_watch(struct call *call, unsigned seconds, struct lossy_figures *f) {
    double least = 1e9, best = 0;
    call_measure(call);
    for (unsigned i = 0; i < 2 * seconds; i++) {
        call_run(call, S / 2);
        struct transport_stats stats = call_stats(call, 0);
        double share = stats.wanted_bps ? (double)stats.estimate_bps / stats.wanted_bps : 0;
        least = share < least ? share : least;
        range_add(&f->estimate, share);
        best += call_has_best(call, 0);
    }
    range_add(&f->best, best / (2 * seconds));
    range_add(&f->least, least);
    range_add(&f->changes, call_changes(call, 0));
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
}

static void lossy_tell(const struct lossy_figures *f, const char *name) {
    print_message("%s\n", name);
    range_tell(&f->best, "of the time with the best layers");
    range_tell(&f->estimate, "estimate, of what is wanted");
    range_tell(&f->least, "the least of it");
    if (f->back_s.count)
        range_tell(&f->back_s, "the best layers again after s");
    range_tell(&f->changes, "changes in 60 s");
    range_tell(&f->freeze_ms, "longest freeze, ms");
}

static const struct loss {
    unsigned permille, burst;
} losses[] = {{20, 1}, {20, 3}, {50, 1}, {50, 3}, {100, 1}, {100, 2}, {100, 3}};
#define LOSSES (sizeof losses / sizeof losses[0])

static void links_of_plenty(void **state) {
    (void)state;
    for (unsigned publishers = 1; publishers <= 2; publishers++)
        for (size_t i = 0; i < LOSSES; i++) {
            struct lossy_figures f = {0};
            char name[96];
            snprintf(name, sizeof name, "plenty, %u publishers, %u %%, bursts of %u", publishers,
                     losses[i].permille / 10, losses[i].burst);
            if (!row_wanted(name) || (!seeds_many() && (publishers > 1 || losses[i].permille < 100)))
                continue;
            for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++) {
                struct call *call = lossy_call(publishers, 20 * M, losses[i].permille, losses[i].burst, seed);
                call_run(call, 15 * S);
                lossy_watch(call, 60, &f);
                call_destroy(call);
            }
            lossy_tell(&f, name);
            assert_true(f.best.least > 0.95);
        }
}

// Back to so much that it is another link, or to what everything just fits, which a trial has to show.
static void links_that_were_narrow(void **state) {
    (void)state;
    static const uint64_t after_bps[] = {20 * M, 3 * M};
    for (size_t i = 0; i < 2 * LOSSES; i++) {
        struct lossy_figures f = {0};
        char name[96];
        uint64_t wide_bps = after_bps[i / LOSSES];
        const struct loss *loss = &losses[i % LOSSES];
        snprintf(name, sizeof name, "%llu kbit/s, narrow before, %u %%, bursts of %u",
                 (unsigned long long)wide_bps / 1000, loss->permille / 10, loss->burst);
        if (!row_wanted(name) || !seeds_many())
            continue;
        for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++) {
            struct call *call = lossy_call(1, wide_bps, loss->permille, loss->burst, seed);
            call_run(call, 15 * S);
            call->links[0].config.rate_bps = 1 * M;
            call_run(call, 20 * S);
            call->links[0].config.rate_bps = wide_bps;
            unsigned steps = 0;
            while (!call_has_best(call, 0) && ++steps < 600)
                call_run(call, S / 10);
            range_add(&f.back_s, steps / 10.0);
            lossy_watch(call, 60, &f);
            call_destroy(call);
        }
        lossy_tell(&f, name);
    }
}

// What the best layer needs and what repeats cost just fits, or does not.
static void links_that_just_suffice(void **state) {
    (void)state;
    static const uint64_t rates_bps[] = {1700000, 1900000, 2200000, 2600000};
    static const struct loss shares[] = {{0, 1}, {50, 1}, {100, 1}, {100, 3}};
    for (size_t i = 0; i < sizeof rates_bps / sizeof rates_bps[0]; i++)
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
            struct lossy_figures f = {0};
            char name[96];
            snprintf(name, sizeof name, "just enough, %llu kbit/s, %u %%, bursts of %u",
                     (unsigned long long)rates_bps[i] / 1000, shares[k].permille / 10, shares[k].burst);
            if (!row_wanted(name) || !seeds_many())
                continue;
            for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++) {
                struct call *call = lossy_call(1, rates_bps[i], shares[k].permille, shares[k].burst, seed);
                call_run(call, 15 * S);
                lossy_watch(call, 60, &f);
                call_destroy(call);
            }
            lossy_tell(&f, name);
        }
}

// An argument: the tests whose names match it.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_plenty),
        cmocka_unit_test(links_that_were_narrow),
        cmocka_unit_test(links_that_just_suffice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
