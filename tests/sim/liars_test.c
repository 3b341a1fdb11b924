// Viewers that lie about what arrives, alone on their link and beside an honest one (sim_liar.c): no more is
// sent to them for long than twice what gets through, and they take nothing of the other. Every limit for
// every seed (seeds.h).
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define LINK_BPS (1500 * K)
#define BEGINS_US (10 * S)
#define FEW_US (5 * S)
#define SPARE_BITS (200 * K) // a second: sound, and the least that is sent of pictures

struct lie {
    const char *name;
    enum call_feedback how;
    bool every; // in ./test, too
};

static const struct lie lies[] = {
    {"nothing", CALL_TWCC, true},
    {"waves of a queue", CALL_CLAIMS_WAVES, false},
    {"always a queue", CALL_CLAIMS_QUEUE, true},
    {"a queue that grows", CALL_CLAIMS_GROWTH, true},
    {"a queue, and all is said as late", CALL_DELAYS, false},
    {"no queue", CALL_HIDES, false},
    {"a clock that is slow", CALL_SLOW_CLOCK, true},
    {"a clock that is fast", CALL_FAST_CLOCK, false},
    {"times that go back", CALL_BACKWARDS, false},
    {"a quarter is lost", CALL_LOSES, false},
    {"all has come", CALL_ALL_CAME, false},
    {"all has come, and no queue", CALL_FLAWLESS, true},
    {"all has come, when nothing does", CALL_BLIND, true},
    {"it has come before it could", CALL_EARLY, false},
    {"the same again and again", CALL_REPLAYS, false},
    {"numbers never sent", CALL_NEVER_SENT, false},
    {"the truth every five seconds", CALL_RARE, false},
    {"a queue, by RFC 8888", CALL_NAMED_QUEUE, true},
    {"all has come, by RFC 8888", CALL_NAMED_ALL_CAME, false},
    {"all has come, and no queue, by RFC 8888", CALL_NAMED_FLAWLESS, false},
    {"REMB of 100 Mbit/s", CALL_CLAIMS_REMB, false},
    {"nothing at all is said", CALL_DEAF, false},
};

static double mbit_of(struct call *call, unsigned viewer, uint64_t us) {
    return (double)call_media_bytes(call, viewer) * 8 / (double)us;
}

// ---- alone

static void alone_once(const struct lie *lie, uint64_t seed, struct range *sent, struct range *came) {
    struct call_config config = call_room(2, 1, LINK_BPS);
    config.seed = seed;
    config.feedback[0] = lie->how;
    config.remb_bps = 100000 * K;
    struct call *call = call_create(&config);
    struct call_viewer *v = &call->viewers[0];
    call_run(call, BEGINS_US);
    if (lie->how == CALL_BLIND)
        call->links[0].config.loss_permille = 1000;
    call_run(call, FEW_US);
    for (unsigned i = 0; i < 10; i++) {
        uint64_t sent_bytes = v->bytes, came_bytes = v->came_bytes;
        call_run(call, FEW_US);
        double sent_mbit = (double)(v->bytes - sent_bytes) * 8 / FEW_US;
        double came_mbit = (double)(v->came_bytes - came_bytes) * 8 / FEW_US;
        range_add(sent, sent_mbit);
        range_add(came, came_mbit);
        check(sent_mbit <= 2 * came_mbit + SPARE_BITS / 1e6,
              "seed %llu: %.2f Mbit/s sent after %u s, and %.2f came", (unsigned long long)seed, sent_mbit,
              15 + 5 * i, came_mbit);
    }
    call_tell(call, lie->name);
    call_destroy(call);
}

static void no_more_is_sent_than_gets_through(void **state) {
    (void)state;
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct range sent = {0}, came = {0};
        if ((!lies[i].every && !seeds_many()) || !row_wanted(lies[i].name))
            continue;
        print_message("alone: %s\n", lies[i].name);
        for (uint64_t seed = seeds_begin(1); seed <= seeds_end(1); seed++)
            alone_once(&lies[i], seed, &sent, &came);
        range_tell(&sent, "Mbit/s sent, in 5 s");
        range_tell(&came, "that come");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// ---- beside an honest one

struct beside {
    struct range honest, other, freeze_ms, changes;
};

static void beside_once(const struct lie *lie, uint64_t seed, struct beside *f) {
    struct call_config config = call_room(2, 2, LINK_BPS);
    config.seed = seed;
    config.feedback[1] = lie->how;
    config.remb_bps = 100000 * K;
    struct call *call = call_create(&config);
    call_run(call, 2 * BEGINS_US);
    call_measure(call);
    call_run(call, 60 * S);
    call_tell(call, lie->name);
    double honest = mbit_of(call, 0, 60 * S), other = mbit_of(call, 1, 60 * S);
    range_add(&f->honest, honest);
    range_add(&f->other, other);
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    range_add(&f->changes, call_changes(call, 0));
    check(honest >= 0.55, "seed %llu: %.2f Mbit/s for who is honest", (unsigned long long)seed, honest);
    check(other <= 0.80, "seed %llu: %.2f Mbit/s for who lies", (unsigned long long)seed, other);
    check(call_freeze_us(call, 0) < S, "seed %llu: a freeze of %llu ms", (unsigned long long)seed,
          (unsigned long long)call_freeze_us(call, 0) / 1000);
    call_destroy(call);
}

static void who_is_honest_keeps_his_share(void **state) {
    (void)state;
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct beside f = {0};
        if ((!lies[i].every && !seeds_many()) || !row_wanted(lies[i].name) || lies[i].how == CALL_BLIND)
            continue;
        print_message("beside an honest one: %s\n", lies[i].name);
        for (uint64_t seed = seeds_begin(1); seed <= seeds_end(1); seed++)
            beside_once(&lies[i], seed, &f);
        range_tell(&f.honest, "Mbit/s of who is honest");
        range_tell(&f.other, "of the other one");
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
        cmocka_unit_test(no_more_is_sent_than_gets_through),
        cmocka_unit_test(who_is_honest_keeps_his_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
