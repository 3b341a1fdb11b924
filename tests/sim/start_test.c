// The first seconds of a viewer: how soon a link that carries everything is known to, though it loses some of
// it, and what a narrow one bears meanwhile. Every limit for every seed (seeds.h).
#include "rooms/media/congestion.h"
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u
#define SETTLED_US (3 * S) // after which the viewer comes
#define LOOK_US 50000
#define LOOKED_US (10 * S) // how long it is looked at

struct begin {
    uint64_t rate_bps;
    uint32_t rtt_us;
    unsigned loss_permille, burst, publishers;
    uint32_t jitter_us;
    bool reorders;
    enum call_feedback feedback;
};

struct begin_figures {
    struct range best_s, without_s, waits_ms, paced_s, padding;
    unsigned slow;
};

struct began {
    uint64_t best_us, without_us, waits_us, paced_us; // without: of the time after the first best, not so
};

// Until the viewer has had everything, and how much of the rest without; how long something waited.
static struct began look(struct call *call, unsigned viewer) {
    struct began out = {0};
    uint64_t begun_us = call->now_us, empty_us = begun_us;
    const struct congestion *cg = call->viewers[viewer].endpoint->congestion;
    while (call->now_us < begun_us + LOOKED_US) {
        call_run(call, US_PER_MS);
        bool best = call_has_best(call, viewer);
        if (best && out.best_us == 0)
            out.best_us = call->now_us - begun_us;
        out.without_us += out.best_us && !best ? US_PER_MS : 0;
        if (cg->pacer.count == 0)
            empty_us = call->now_us;
        uint64_t waits_us = call->now_us - empty_us;
        out.waits_us = waits_us > out.waits_us ? waits_us : out.waits_us;
        out.paced_us += cg->pacer.rate_bps ? US_PER_MS : 0;
    }
    out.best_us = out.best_us ? out.best_us : LOOKED_US;
    return out;
}

static struct call *begin_call(const struct begin *b, uint64_t seed, uint64_t rate_bps, uint32_t queue_us) {
    struct call_config config = call_room(b->publishers, 1, 50 * M);
    config.seed = seed;
    config.link_of_viewer[0] = 1;
    config.link_of_viewer[1] = 0;
    config.feedback[1] = b->feedback;
    config.links[0] = (struct link_config){.rate_bps = rate_bps,
                                           .queue_us = queue_us,
                                           .delay_us = b->rtt_us / 2,
                                           .jitter_us = b->jitter_us,
                                           .reorders = b->reorders,
                                           .loss_permille = b->loss_permille,
                                           .loss_burst = b->burst};
    struct call *call = call_create(&config);
    call_run(call, SETTLED_US + seed * 7919 % 50000);
    call->config.back = config.links[0];
    call->config.back.rate_bps = 0;
    call->config.viewers = 2;
    viewer_open(call, 1);
    call_measure(call);
    return call;
}

static void begin_once(const struct begin *b, uint64_t seed, struct begin_figures *f) {
    struct call *call = begin_call(b, seed, b->rate_bps, 200000);
    struct began began = look(call, 1);
    range_add(&f->best_s, (double)began.best_us / 1e6);
    range_add(&f->without_s, (double)began.without_us / 1e6);
    range_add(&f->waits_ms, (double)began.waits_us / 1e3);
    range_add(&f->paced_s, (double)began.paced_us / 1e6);
    uint64_t best_us = b->loss_permille < 50 ? 3 * S / 2 : 3 * S, waits_us = 150000;
    if (b->loss_permille < 100) // of a tenth, that is for the table
        check(began.best_us <= best_us && began.waits_us <= waits_us,
              "seed %llu: all of it after %.2f s, something waits for %llu ms", (unsigned long long)seed,
              (double)began.best_us / 1e6, (unsigned long long)began.waits_us / 1000);
    if (b->loss_permille < 50)
        check(began.without_us == 0, "seed %llu: it does not stay", (unsigned long long)seed);
    f->slow += began.best_us > 2 * S || began.without_us > 0;
    call_destroy(call);
}

static void tell(const struct begin_figures *f) {
    range_tell(&f->best_s, "all of it after s");
    range_tell(&f->without_s, "then without it for s");
    range_tell(&f->waits_ms, "something waits for ms");
    range_tell(&f->paced_s, "paced for s");
}

static void wide_links(void **state) {
    (void)state;
    static const uint64_t rates[] = {10 * M, 100 * M};
    static const uint32_t rtts[] = {10000, 50000, 200000};
    static const struct {
        unsigned permille, burst;
        bool few;
    } losses[] = {{0, 1, true},   {10, 1, false}, {20, 1, true},   {20, 3, false},
                  {50, 1, false}, {50, 3, true},  {100, 1, false}, {100, 3, false}};
    unsigned missed = 0, slow = 0, runs = 0;
    for (size_t i = 0; i < 2 * 3 * 8 * 2; i++) {
        size_t r = i % 2, t = i / 2 % 3, l = i / 6 % 8;
        struct begin b = {.rate_bps = rates[r],
                          .rtt_us = rtts[t],
                          .loss_permille = losses[l].permille,
                          .burst = losses[l].burst,
                          .publishers = i / 48 ? 4 : 1,
                          .feedback = getenv("CALL_CCFB") ? CALL_CCFB : CALL_TWCC};
        struct begin_figures f = {0};
        char name[120];
        snprintf(name, sizeof name, "%u publishers, %llu Mbit/s, %u ms away, %u %% lost in bursts of %u",
                 b.publishers, (unsigned long long)b.rate_bps / M, b.rtt_us / 1000, b.loss_permille / 10,
                 b.burst);
        if (!row_wanted(name) || (!seeds_many() && (!losses[l].few || t != 1)))
            continue;
        print_message("%s\n", name);
        for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
            begin_once(&b, seed, &f);
        tell(&f);
        slow += f.slow;
        runs += f.best_s.count;
        missed += seed_misses;
    }
    print_message("%u of %u are slow\n", slow, runs);
    assert_int_equal(missed, 0);
}

// ---- what a narrow one bears

static void narrow_once(const struct begin *b, uint32_t queue_us, uint64_t seed, struct range *figures) {
    struct call *call = begin_call(b, seed, b->rate_bps, queue_us);
    uint64_t most_bps = 0;
    for (unsigned i = 0; i < 3 * S / LOOK_US; i++) {
        call_run(call, LOOK_US);
        uint64_t bps = call_stats(call, 1).estimate_bps;
        most_bps = bps > most_bps && i > S / LOOK_US ? bps : most_bps;
    }
    uint64_t first_queue_us = call->queue_max_us[0];
    range_add(&figures[0], (double)first_queue_us / 1000);
    range_add(&figures[1], (double)call->links[0].dropped);
    range_add(&figures[2], (double)most_bps / (double)b->rate_bps);
    check(first_queue_us < 35000 + (queue_us < 250000 ? queue_us : 250000), "seed %llu: a queue of %llu ms",
          (unsigned long long)seed, (unsigned long long)first_queue_us / 1000);
    uint64_t dropped = call->links[0].dropped;
    call_measure(call);
    call_run(call, 7 * S);
    range_add(&figures[3], (double)call->queue_max_us[0] / 1000);
    range_add(&figures[4], (double)(call->links[0].dropped - dropped));
    range_add(&figures[5], call_changes(call, 1));
    range_add(&figures[6], (double)call_freeze_us(call, 1) / 1000);
    check(call->queue_max_us[0] < 130000 && call_freeze_us(call, 1) < S / 2,
          "seed %llu: then a queue of %llu ms, a freeze of %llu ms", (unsigned long long)seed,
          (unsigned long long)call->queue_max_us[0] / 1000,
          (unsigned long long)call_freeze_us(call, 1) / 1000);
    call_destroy(call);
}

static void narrow_links(void **state) {
    (void)state;
    static const char *const words[] = {"longest queue of the first 3 s, ms",
                                        "dropped",
                                        "highest estimate from second 1 to 3, of the link",
                                        "longest queue then, ms",
                                        "dropped",
                                        "changes",
                                        "longest freeze, ms"};
    static const uint64_t rates[] = {300 * K, 1 * M};
    static const uint32_t queues[] = {50000, 100000, 200000, 500000};
    unsigned missed = 0;
    for (size_t i = 0; i < 2 * 4 * 2; i++) {
        struct begin b = {.rate_bps = rates[i % 2],
                          .rtt_us = 50000,
                          .publishers = 1,
                          .loss_permille = i / 8 ? 20 : 0,
                          .feedback = getenv("CALL_CCFB") ? CALL_CCFB : CALL_TWCC};
        uint32_t queue_us = queues[i / 2 % 4];
        struct range figures[7] = {0};
        char name[120];
        snprintf(name, sizeof name, "%llu kbit/s, queue of %u ms, %u %% lost",
                 (unsigned long long)b.rate_bps / K, queue_us / 1000, b.loss_permille / 10);
        if (!row_wanted(name) || (!seeds_many() && i % 3 != 0))
            continue;
        print_message("%s\n", name);
        for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
            narrow_once(&b, queue_us, seed, figures);
        for (size_t k = 0; k < 7; k++)
            range_tell(&figures[k], words[k]);
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(wide_links), cmocka_unit_test(narrow_links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
