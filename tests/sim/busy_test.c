// Calls on machines that are starved: everybody stops again and again, for longer than a queue lasts, while
// the links carry much more than is wanted. Whatever stops for moments, no picture may be taken away for it,
// nor may an estimate stay below what comes. Every limit for every seed (seeds.h).
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u
#define LOOK_US 100000

struct busy {
    const char *name;
    bool small; // three people, each with one picture of 150 kbit/s; else two with simulcast
    bool alone; // the viewer's machine stops; else all of them do, each for itself
    uint32_t stall_us, every_us;
    enum call_feedback feedback;
    uint32_t restart_us; // the viewer's ICE restarts so often; 0: never
    uint64_t only;       // seed of ./test: one that took pictures away once
};

struct busy_figures {
    struct range freeze_ms, off_s, below_s, least, changes, plis;
};

// Seconds 5 to 65.
static void busy_once(const struct busy *busy, uint64_t seed, struct busy_figures *f) {
    struct call_config config = call_room(busy->small ? 3 : 2, 1, 50 * M);
    config.seed = seed;
    config.single_bps = busy->small ? 150 * K : 0;
    config.stall_us = busy->alone ? 0 : busy->stall_us;
    config.reader_stall_us = busy->stall_us;
    config.stall_every_us = config.reader_stall_every_us = busy->every_us;
    config.reader_mute = true;
    config.feedback[0] = busy->feedback;
    struct call *call = call_create(&config);
    call_run(call, 5 * S);
    call_measure(call);
    double least = 1e9, below_s = 0, off_s = 0;
    for (unsigned i = 0; i < 60 * S / LOOK_US; i++) {
        call_run(call, LOOK_US);
        struct transport_stats stats = call_stats(call, 0);
        double share = stats.wanted_bps ? (double)stats.estimate_bps / stats.wanted_bps : 1;
        least = share < least ? share : least;
        below_s += share < 1 ? LOOK_US / 1e6 : 0;
        for (unsigned p = 0; p < config.publishers; p++)
            off_s += call_track(call, 0, p, true)->spatial == LAYER_NONE ? LOOK_US / 1e6 : 0;
        if (busy->restart_us && i % (busy->restart_us / LOOK_US) == 0)
            forwarder_endpoint_path_changed(call->fw, call->viewers[0].endpoint, call->now_us);
    }
    call_tell(call, busy->name);
    unsigned plis = 0;
    for (unsigned p = 0; p < config.publishers; p++)
        plis += call_track(call, 0, p, true)->plis;
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    range_add(&f->off_s, off_s);
    range_add(&f->below_s, below_s);
    range_add(&f->least, least);
    range_add(&f->changes, call_changes(call, 0));
    range_add(&f->plis, plis);
    // Stops add up, of the publisher, on both ways, of the server and of the viewer.
    check(call_freeze_us(call, 0) < S / 2 + 4 * (uint64_t)busy->stall_us, "seed %llu: a freeze of %llu ms",
          (unsigned long long)seed, (unsigned long long)call_freeze_us(call, 0) / 1000);
    check(off_s == 0, "seed %llu: no picture for %.1f s", (unsigned long long)seed, off_s);
    call_destroy(call);
}

static void machines_that_stop(void **state) {
    (void)state;
    static const struct busy rows[] = {
        {.name = "small pictures, all stop for up to 300 ms",
         .only = 4,
         .small = true,
         .stall_us = 300000,
         .every_us = 300000},
        {.name = "small pictures, 400 ms", .only = 5, .small = true, .stall_us = 400000, .every_us = S / 2},
        {.name = "small pictures, 700 ms", .only = 32, .small = true, .stall_us = 700000, .every_us = S},
        {.name = "small pictures, 1.5 s", .only = 2, .small = true, .stall_us = 1500000, .every_us = 1500000},
        {.name = "small pictures, 400 ms, RFC 8888",
         .only = 5,
         .small = true,
         .stall_us = 400000,
         .every_us = S / 2,
         .feedback = CALL_CCFB},
        {.name = "small pictures, 700 ms, ICE restarts",
         .only = 36,
         .small = true,
         .stall_us = 700000,
         .every_us = S,
         .restart_us = 7 * S},
        {.name = "small pictures, the viewer alone for 2 s",
         .only = 1,
         .small = true,
         .alone = true,
         .stall_us = 2 * S,
         .every_us = 3 * S},
        {.name = "simulcast, 400 ms", .only = 11, .stall_us = 400000, .every_us = S / 2},
        {.name = "simulcast, 400 ms, RFC 8888",
         .only = 20,
         .stall_us = 400000,
         .every_us = S / 2,
         .feedback = CALL_CCFB},
        {.name = "simulcast, 700 ms, ICE restarts",
         .only = 7,
         .stall_us = 700000,
         .every_us = S,
         .restart_us = 7 * S},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct busy_figures f = {0};
        if (!row_wanted(rows[i].name))
            continue;
        print_message("%s\n", rows[i].name);
        for (uint64_t seed = seeds_begin(rows[i].only); seed <= seeds_end(rows[i].only); seed++)
            busy_once(&rows[i], seed, &f);
        range_tell(&f.freeze_ms, "longest freeze, ms");
        range_tell(&f.off_s, "without a picture, s of 60, all of them");
        range_tell(&f.below_s, "estimate below what is wanted, s of 60");
        range_tell(&f.least, "least estimate, of what is wanted");
        range_tell(&f.changes, "changes in 60 s");
        range_tell(&f.plis, "key frames asked for");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(machines_that_stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
