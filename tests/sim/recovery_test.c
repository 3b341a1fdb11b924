// Rooms on links that fall and rise, are shared, or are steady and noisy: every limit for every seed, since
// what goes well with one may be luck (seeds.h). With CALL_SEEDS or CALL_SEED all cases, else those alone
// that ./test has time for.
#include "tests/sim/call.h"
#include "tests/sim/seeds.h"

#include "base/clock.h"

#define S US_PER_SECOND
#define K 1000u
#define M 1000000u
#define LOOK_US 50000

static void noise_of(struct link_config *link, uint32_t jitter_us, uint32_t aggregate_us) {
    link->jitter_us = jitter_us;
    link->aggregate_us = aggregate_us;
}

// ---- 5 Mbit/s, 500 kbit/s, 5 Mbit/s; two publishers, another viewer on a link of its own

struct fall {
    const char *name;
    uint32_t jitter_us, aggregate_us;
    uint64_t narrow_us;  // how long it is
    uint32_t stall_us;   // call_config; each 3 s
    int8_t wish_spatial; // the same: in tiles beside each other
    enum call_feedback feedback;
    uint64_t only; // seed of ./test; 0: the usual ones
    bool many;     // with CALL_SEEDS alone
};

struct fall_figures {
    struct range back_s, queue_ms, freeze_ms, first_freeze_ms, changes, used, keys, others;
};

// How long it takes; `within_us` and a little when it takes longer.
static uint64_t best_after(struct call *call, unsigned viewer, uint64_t within_us) {
    uint64_t begun_us = call->now_us;
    while (!call_has_best(call, viewer) && call->now_us < begun_us + within_us)
        call_run(call, LOOK_US);
    return call->now_us - begun_us;
}

// Times at which a publisher was asked for key frames: a browser makes those of all its layers together.
static unsigned keys_most(const struct call *call) {
    unsigned most = 0;
    for (unsigned i = 0; i < call->config.publishers; i++) {
        unsigned keys = 0;
        for (unsigned k = 0; k < CALL_LAYERS; k++)
            keys += call->publishers[i].layers[k].keys;
        most = keys > most ? keys : most;
    }
    return most;
}

static void check_sound(struct call *call, unsigned viewer, unsigned lost_max, uint32_t gap_max_us,
                        uint64_t seed) {
    for (unsigned i = 0; i < call->config.publishers; i++) {
        struct call_track *t = call_track(call, viewer, i, false);
        check(t->audio_lost <= lost_max && t->audio_gap_us <= gap_max_us,
              "seed %llu, viewer %u: %u packets of sound lost, %llu ms without", (unsigned long long)seed,
              viewer, t->audio_lost, (unsigned long long)t->audio_gap_us / 1000);
    }
}

// The other viewer, whose link carries everything all the time.
static void check_other(struct call *call, const struct fall *fall, uint64_t seed, struct fall_figures *f) {
    unsigned changes = call_changes(call, 1);
    struct transport_stats stats = call_stats(call, 1);
    range_add(&f->others, changes);
    check(changes == 0 && call_freeze_us(call, 1) < 200000 + 2 * (uint64_t)fall->stall_us,
          "seed %llu: the other viewer notices: %u changes, a freeze of %llu ms, %u k of %u k",
          (unsigned long long)seed, changes, (unsigned long long)call_freeze_us(call, 1) / 1000,
          stats.estimate_bps / K, stats.wanted_bps / K);
}

// Returns how many key frames a publisher was asked for.
static unsigned fall_narrow(struct call *call, const struct fall *fall, uint64_t seed,
                            struct fall_figures *f) {
    call_measure(call);
    call->links[0].config.rate_bps = 500 * K;
    call_run(call, 3 * S);
    call_tell(call, "500k, first 3 s");
    unsigned keys = keys_most(call);
    range_add(&f->first_freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    check(call_freeze_us(call, 0) < S, "seed %llu: a freeze of %llu ms at first", (unsigned long long)seed,
          (unsigned long long)call_freeze_us(call, 0) / 1000);
    check_other(call, fall, seed, f);
    call_measure(call);
    call_run(call, fall->narrow_us - 3 * S);
    call_tell(call, "500k, then");
    range_add(&f->queue_ms, (double)call->queue_max_us[0] / 1000);
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    range_add(&f->changes, call_changes(call, 0));
    range_add(&f->used, (double)call_delivered_bps(call, 0, fall->narrow_us - 3 * S) / (500 * K));
    check(call->queue_max_us[0] < 150000, "seed %llu: a queue of %llu ms", (unsigned long long)seed,
          (unsigned long long)call->queue_max_us[0] / 1000);
    check(call_freeze_us(call, 0) < S, "seed %llu: a freeze of %llu ms", (unsigned long long)seed,
          (unsigned long long)call_freeze_us(call, 0) / 1000);
    check_sound(call, 0, 0, 200000 + fall->jitter_us + 2 * fall->stall_us, seed);
    check_other(call, fall, seed, f);
    return keys + keys_most(call);
}

static void fall_back(struct call *call, const struct fall *fall, uint64_t seed, struct fall_figures *f) {
    call_run(call, 2 * S); // what is told is also sent
    call_measure(call);
    call_run(call, 10 * S);
    call_tell(call, "5M, then");
    check(call_has_best(call, 0) && call_changes(call, 0) == 0 && call_freeze_us(call, 0) < S / 2,
          "seed %llu: it does not stay: %u changes, a freeze of %llu ms", (unsigned long long)seed,
          call_changes(call, 0), (unsigned long long)call_freeze_us(call, 0) / 1000);
    check_sound(call, 0, 0, 200000 + fall->jitter_us + 2 * fall->stall_us, seed);
    check_other(call, fall, seed, f);
}

static void fall_once(const struct fall *fall, uint64_t seed, struct fall_figures *f) {
    struct call_config config = call_room(2, 2, 5 * M);
    config.seed = seed;
    config.link_of_viewer[1] = 1;
    config.feedback[0] = config.feedback[1] = fall->feedback;
    config.wish_spatial = fall->wish_spatial;
    config.stall_us = fall->stall_us;
    config.stall_every_us = 3 * S;
    noise_of(&config.links[0], fall->jitter_us, fall->aggregate_us);
    struct call *call = call_create(&config);
    call_run(call, 15 * S);
    for (unsigned i = 0; i < 2; i++)
        check(call_has_best(call, i), "seed %llu: viewer %u does not have all of it",
              (unsigned long long)seed, i);
    unsigned keys = fall_narrow(call, fall, seed, f);
    call_measure(call);
    call->links[0].config.rate_bps = 5 * M;
    uint64_t back_us = best_after(call, 0, 40 * S);
    call_tell(call, "5M again");
    range_add(&f->back_s, (double)back_us / 1e6);
    range_add(&f->keys, keys + keys_most(call));
    check(back_us <= 8 * S, "seed %llu: all of it is back after %.2f s", (unsigned long long)seed,
          (double)back_us / 1e6);
    for (unsigned i = 0; i < 2; i++)
        check(call->publishers[i].layers[2].keys <= 2, "seed %llu: %u key frames of publisher %u",
              (unsigned long long)seed, call->publishers[i].layers[2].keys, i);
    check_other(call, fall, seed, f);
    fall_back(call, fall, seed, f);
    call_destroy(call);
}

static void links_that_fall_and_rise(void **state) {
    (void)state;
    static const struct fall falls[] = {
        {.name = "no jitter", .narrow_us = 30 * S},
        {.name = "30 ms of jitter", .jitter_us = 30000, .narrow_us = 30 * S, .only = 1},
        {.name = "Wi-Fi", .jitter_us = 5000, .aggregate_us = 20000, .narrow_us = 30 * S, .many = true},
        {.name = "narrow for a minute", .narrow_us = 60 * S, .only = 1},
        {.name = "in tiles", .wish_spatial = 1, .narrow_us = 30 * S, .many = true},
        {.name = "busy machines", .stall_us = 150000, .narrow_us = 30 * S, .many = true},
        {.name = "tiles, busy", .stall_us = 150000, .wish_spatial = 1, .narrow_us = 30 * S, .many = true},
        {.name = "RFC 8888", .narrow_us = 30 * S, .feedback = CALL_CCFB, .only = 1},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof falls / sizeof falls[0]; i++) {
        struct fall_figures f = {0};
        if (!row_wanted(falls[i].name) || (falls[i].many && !seeds_many()))
            continue;
        print_message("5 Mbit/s, 500 kbit/s, 5 Mbit/s, %s\n", falls[i].name);
        for (uint64_t seed = seeds_begin(falls[i].only); seed <= seeds_end(falls[i].only); seed++)
            fall_once(&falls[i], seed, &f);
        range_tell(&f.back_s, "all of it is back after s");
        range_tell(&f.queue_ms, "longest queue after 3 s, ms");
        range_tell(&f.first_freeze_ms, "longest freeze of the first 3 s, ms");
        range_tell(&f.freeze_ms, "longest freeze then, ms");
        range_tell(&f.changes, "changes then");
        range_tell(&f.used, "used of 500 kbit/s");
        range_tell(&f.keys, "key frames asked of a publisher since it became narrow");
        range_tell(&f.others, "changes of the other viewer");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// ---- several viewers behind one link

#define SHARED_BPS (1500 * K)

struct shared {
    const char *name;
    unsigned publishers, viewers;
    uint64_t late_us;  // the last viewer's link is another one until then
    uint64_t joins_us; // the last viewer comes then;
    bool publishes;    // and is the last publisher, too: before, pictures are large, and then in tiles
    unsigned vary_percent;
    uint32_t jitter_us, stall_us;
    int8_t wish_spatial;
    int8_t spatial, temporal; // the best layers of everybody that fit an even share of the link
    bool every;               // in ./test; else with CALL_SEEDS alone
    uint64_t only, also;      // seeds of ./test; 0: the usual ones, none
};

struct shared_figures {
    struct range ratio, used, media, estimates, estimates_ratio, fits, changes, changes_10s, queue_ms;
};

// What is looked at twice a second, in the mean.
struct shared_looks {
    double estimate_bps[CALL_VIEWERS_MAX];
    double fits; // share of the time in which somebody has the best layers that fit, of all
};

static bool has_layers(struct call *call, unsigned viewer, int8_t spatial, int8_t temporal) {
    for (unsigned i = 0; i < call->config.publishers; i++) {
        const struct call_track *t = call_track(call, viewer, i, true);
        if (t->spatial < spatial || (t->spatial == spatial && t->temporal < temporal))
            return false;
    }
    return true;
}

static struct shared_looks run_and_look(struct call *call, const struct shared *shared, uint64_t us) {
    struct shared_looks looks = {0};
    double count = (double)us / (S / 2.0);
    for (uint64_t end_us = call->now_us + us; call->now_us < end_us;) {
        call_run(call, S / 2);
        for (unsigned i = 0; i < shared->viewers; i++) {
            looks.estimate_bps[i] += call_stats(call, i).estimate_bps / count;
            looks.fits += has_layers(call, i, shared->spatial, shared->temporal) / (count * shared->viewers);
        }
    }
    return looks;
}

// "Estimates add up to 85 % of the link, shares within 20 %": what it is told, not only what it is sent.
static void check_estimates(const struct shared *shared, const struct shared_looks *looks, uint64_t seed,
                            struct shared_figures *f) {
    double sum = 0, most = 0, least = 1e12;
    for (unsigned i = 0; i < shared->viewers; i++) {
        double bps = looks->estimate_bps[i];
        sum += bps / (double)SHARED_BPS;
        most = bps > most ? bps : most;
        least = bps < least ? bps : least;
    }
    range_add(&f->estimates, sum);
    range_add(&f->estimates_ratio, most / least);
    range_add(&f->fits, looks->fits);
    check(sum >= 0.85, "seed %llu: estimates add up to %.2f", (unsigned long long)seed, sum);
    check(most <= 1.2 * least, "seed %llu: estimates of %.2f to 1", (unsigned long long)seed, most / least);
    check(looks->fits >= 0.9, "seed %llu: the best layers that fit for %.2f of the time",
          (unsigned long long)seed, looks->fits);
}

static void shared_once(const struct shared *shared, uint64_t seed, struct shared_figures *f) {
    struct call_config config = call_room(shared->publishers, shared->viewers, SHARED_BPS);
    config.seed = seed;
    config.wish_spatial = shared->wish_spatial;
    config.stall_us = shared->stall_us;
    config.stall_every_us = 3 * S;
    config.vary_percent = shared->vary_percent;
    config.viewers -= shared->joins_us ? 1 : 0;
    config.publishers -= shared->publishes ? 1 : 0;
    noise_of(&config.links[0], shared->jitter_us, 0);
    struct call *call = call_create(&config);
    if (shared->late_us) { // it was elsewhere before
        call->viewers[shared->viewers - 1].link = &call->links[1];
        call_run(call, shared->late_us);
        call->viewers[shared->viewers - 1].link = &call->links[0];
    }
    if (shared->joins_us) {
        call_run(call, shared->joins_us);
        call_join(call, shared->publishes);
        if (shared->publishes)
            call_wish(call, 1);
    }
    call_run(call,
             20 * S); // until they have found each other, and each has tried each step, not more than once
    call_measure(call);
    struct shared_looks looks = run_and_look(call, shared, 40 * S);
    call_tell(call, shared->name);
    uint64_t most = 0, least = UINT64_MAX, media = 0, all = 0;
    for (unsigned i = 0; i < shared->viewers; i++) {
        uint64_t bytes = call_media_bytes(call, i);
        most = bytes > most ? bytes : most;
        least = bytes < least ? bytes : least;
        media += bytes;
        all += call->viewers[i].bytes;
        range_add(&f->changes, call_changes(call, i));
        check(call_changes(call, i) <= 4 * shared->publishers, "seed %llu: %u changes of viewer %u in 40 s",
              (unsigned long long)seed, call_changes(call, i), i);
        range_add(&f->changes_10s, call_changes_10s(call, i));
        check(call_changes_10s(call, i) <= 1, "seed %llu: %u changes of viewer %u in 10 s",
              (unsigned long long)seed, call_changes_10s(call, i), i);
        check(call_freeze_us(call, i) < S / 2 + shared->stall_us,
              "seed %llu: a freeze of %llu ms of viewer %u", (unsigned long long)seed,
              (unsigned long long)call_freeze_us(call, i) / 1000, i);
        check_sound(call, i, 2, 250000 + 2 * shared->stall_us, seed);
    }
    range_add(&f->ratio, (double)most / (double)least);
    range_add(&f->used, (double)all * 8 / 40 / (double)SHARED_BPS);
    range_add(&f->media, (double)media * 8 / 40 / (double)SHARED_BPS);
    range_add(&f->queue_ms, (double)call_queue_ms(call, 0));
    check(most * 100 <= least * 120, "seed %llu: shares of %.2f to 1", (unsigned long long)seed,
          (double)most / (double)least);
    check_estimates(shared, &looks, seed, f);
    check(call_queue_ms(call, 0) < 50, "seed %llu: a queue of %llu ms in the mean", (unsigned long long)seed,
          (unsigned long long)call_queue_ms(call, 0));
    call_destroy(call);
}

static void shared_tell(const struct shared_figures *f) {
    range_tell(&f->ratio, "largest share to smallest");
    range_tell(&f->used, "sent, of the link");
    range_tell(&f->media, "media, of the link");
    range_tell(&f->estimates, "estimates, of the link");
    range_tell(&f->estimates_ratio, "largest estimate to smallest");
    range_tell(&f->fits, "the best layers that fit, of the time");
    range_tell(&f->changes, "changes in 40 s, each viewer");
    range_tell(&f->changes_10s, "changes in 10 s, each viewer, at most");
    range_tell(&f->queue_ms, "queue in the mean, ms");
}

static const struct shared shared_rows[] = {
    {.name = "two viewers of one publisher",
     .publishers = 1,
     .viewers = 2,
     .spatial = 1,
     .temporal = 2,
     .every = true},
    {.name = "two viewers of two publishers",
     .publishers = 2,
     .viewers = 2,
     .spatial = 1,
     .temporal = 1,
     .every = true,
     .only = 11},
    {.name = "one comes late",
     .publishers = 1,
     .viewers = 2,
     .spatial = 1,
     .temporal = 2,
     .late_us = 20 * S,
     .every = true,
     .only = 1},
    {.name = "three viewers",
     .publishers = 1,
     .viewers = 3,
     .spatial = 1,
     .temporal = 2,
     .every = true,
     .only = 5},
    {.name = "two of two in tiles",
     .publishers = 2,
     .viewers = 2,
     .spatial = 1,
     .temporal = 1,
     .wish_spatial = 1},
    {.name = "two of two in tiles, busy",
     .publishers = 2,
     .viewers = 2,
     .spatial = 1,
     .temporal = 1,
     .stall_us = 150000,
     .wish_spatial = 1},
    {.name = "with 30 ms of jitter",
     .publishers = 1,
     .viewers = 2,
     .spatial = 1,
     .temporal = 2,
     .jitter_us = 30000},
    {.name = "one joins late",
     .publishers = 1,
     .viewers = 2,
     .joins_us = 15 * S,
     .spatial = 1,
     .temporal = 2},
    {.name = "one joins two of two late",
     .publishers = 2,
     .viewers = 2,
     .joins_us = 15 * S,
     .spatial = 1,
     .temporal = 1,
     .every = true,
     .only = 26,
     .also = 22}, // one is two steps ahead
    {.name = "one joins two of two late, in tiles",
     .publishers = 2,
     .viewers = 2,
     .joins_us = 15 * S,
     .publishes = true,
     .spatial = 1,
     .temporal = 1,
     .every = true,
     .only = 9,
     .also = 3}, // one fills the link after a quiet time
    {.name = "one joins two of two late, in tiles that vary",
     .publishers = 2,
     .viewers = 2,
     .joins_us = 15 * S,
     .publishes = true,
     .vary_percent = 5,
     .spatial = 1,
     .temporal = 1,
     .every = true,
     .only = 31},
};

static void links_that_are_shared(void **state) {
    (void)state;
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof shared_rows / sizeof shared_rows[0]; i++) {
        struct shared_figures f = {0};
        if ((!shared_rows[i].every && !seeds_many()) || !row_wanted(shared_rows[i].name))
            continue;
        print_message("1.5 Mbit/s, %s\n", shared_rows[i].name);
        for (uint64_t seed = seeds_begin(shared_rows[i].only); seed <= seeds_end(shared_rows[i].only); seed++)
            shared_once(&shared_rows[i], seed, &f);
        if (shared_rows[i].also && !seeds_many())
            shared_once(&shared_rows[i], shared_rows[i].also, &f);
        shared_tell(&f);
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// ---- steady ones

struct noise {
    const char *name;
    uint32_t jitter_us, aggregate_us;
    uint64_t only; // seed of ./test, at the lowest rate
};

struct steady_figures {
    struct range changes, freeze_ms, layer, used;
};

static void steady_once(uint64_t rate_bps, const struct noise *noise, uint64_t seed,
                        struct steady_figures *f) {
    struct call_config config = call_room(1, 1, rate_bps);
    config.seed = seed;
    noise_of(&config.links[0], noise->jitter_us, noise->aggregate_us);
    struct call *call = call_create(&config);
    struct call_track *t = call_track(call, 0, 0, true);
    call_run(call, 20 * S);
    call_measure(call);
    call_run(call, 30 * S);
    call_tell(call, "steady");
    range_add(&f->changes, t->changes);
    range_add(&f->freeze_ms, (double)t->freeze_us / 1000);
    range_add(&f->layer, t->spatial + t->temporal / 10.0);
    range_add(&f->used, (double)call_delivered_bps(call, 0, 30 * S) / (double)rate_bps);
    check(t->changes <= 1, "seed %llu: %u changes", (unsigned long long)seed, t->changes);
    check(t->freeze_us < S / 2, "seed %llu: a freeze of %llu ms", (unsigned long long)seed,
          (unsigned long long)t->freeze_us / 1000);
    check_sound(call, 0, 2, 300000, seed);
    call_destroy(call);
}

// Most of those of ./test are in call_test.c.
static void links_that_are_steady(void **state) {
    (void)state;
    static const uint64_t rates_bps[] = {300 * K, 1 * M, 3 * M, 10 * M};
    static const struct noise noises[] = {
        {"no jitter", 0, 0, 2}, {"30 ms", 30000, 0, 18}, {"100 ms", 100000, 0, 2}, {"Wi-Fi", 5000, 20000, 5}};
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof rates_bps / sizeof rates_bps[0]; i++)
        for (size_t k = 0; k < sizeof noises / sizeof noises[0]; k++) {
            struct steady_figures f = {0};
            char name[64];
            snprintf(name, sizeof name, "%llu kbit/s, %s", (unsigned long long)rates_bps[i] / K,
                     noises[k].name);
            uint64_t only = i == 0 ? noises[k].only : 0;
            if (!row_wanted(name) || (!seeds_many() && only == 0))
                continue;
            print_message("%s\n", name);
            for (uint64_t seed = seeds_begin(only); seed <= seeds_end(only); seed++)
                steady_once(rates_bps[i], &noises[k], seed, &f);
            range_tell(&f.layer, "layer");
            range_tell(&f.changes, "changes in 30 s");
            range_tell(&f.freeze_ms, "longest freeze, ms");
            range_tell(&f.used, "used");
            missed += seed_misses;
        }
    assert_int_equal(missed, 0);
}

// ---- a wide one, to a machine that stops reading now and then

struct stalling {
    const char *name;
    bool mute, everybody; // call_config; all machines
    enum call_feedback feedback;
};

struct stalling_figures {
    struct range changes, freeze_ms, estimate, estimate_least;
};

static void reader_once(const struct stalling *reader, uint64_t seed, struct stalling_figures *f) {
    struct call_config config = call_room(2, 1, 50 * M);
    config.seed = seed;
    config.reader_stall_us = 600000;
    config.reader_stall_every_us = 3 * S;
    config.reader_mute = reader->mute;
    config.stall_us = reader->everybody ? 600000 : 0;
    config.stall_every_us = 3 * S;
    config.feedback[0] = reader->feedback;
    struct call *call = call_create(&config);
    call_run(call, 15 * S);
    call_measure(call);
    double least = 1e9;
    for (unsigned i = 0; i < 120; i++) {
        call_run(call, S / 2);
        struct transport_stats stats = call_stats(call, 0);
        double share = (double)stats.estimate_bps / stats.wanted_bps;
        least = share < least ? share : least;
        range_add(&f->estimate, share);
    }
    call_tell(call, reader->name);
    range_add(&f->estimate_least, least);
    range_add(&f->changes, call_changes(call, 0));
    range_add(&f->freeze_ms, (double)call_freeze_us(call, 0) / 1000);
    // Where everybody stops for 200 to 600 ms, publishers too, it may come to two seconds, not more.
    check(call_freeze_us(call, 0) < (reader->everybody ? 2 * S : 900000), "seed %llu: a freeze of %llu ms",
          (unsigned long long)seed, (unsigned long long)call_freeze_us(call, 0) / 1000);
    check(least > (reader->everybody ? 0.1 : 1), "seed %llu: an estimate of %.2f of what is wanted",
          (unsigned long long)seed, least);
    check(reader->everybody || (call_changes(call, 0) == 0 && call_has_best(call, 0)),
          "seed %llu: %u changes, the best layers: %u", (unsigned long long)seed, call_changes(call, 0),
          call_has_best(call, 0));
    call_destroy(call);
}

static void readers_that_stall(void **state) {
    (void)state;
    static const struct stalling readers[] = {
        {.name = "readers that stall"},
        {.name = "readers that stall, and say nothing", .mute = true},
        {.name = "readers that stall, RFC 8888", .feedback = CALL_CCFB},
        {.name = "everybody stalls", .everybody = true},
        {.name = "everybody stalls, and readers say nothing", .mute = true, .everybody = true},
        {.name = "everybody stalls, RFC 8888", .feedback = CALL_CCFB, .everybody = true},
        {.name = "readers that stall, and say nothing, RFC 8888", .mute = true, .feedback = CALL_CCFB},
    };
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        struct stalling_figures f = {0};
        if (!row_wanted(readers[i].name))
            continue;
        print_message("%s\n", readers[i].name);
        for (uint64_t seed = seeds_begin(0); seed <= seeds_end(0); seed++)
            reader_once(&readers[i], seed, &f);
        range_tell(&f.changes, "changes in 60 s");
        range_tell(&f.freeze_ms, "longest freeze, ms");
        range_tell(&f.estimate, "estimate, of what is wanted");
        range_tell(&f.estimate_least, "the least of it");
        missed += seed_misses;
    }
    assert_int_equal(missed, 0);
}

// An argument: the tests whose names match it.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_that_fall_and_rise),
        cmocka_unit_test(links_that_are_shared),
        cmocka_unit_test(links_that_are_steady),
        cmocka_unit_test(readers_that_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
