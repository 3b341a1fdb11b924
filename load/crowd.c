#include "load/crowd.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "load/ice_checks.h"
#include "load/ice_full.h"
#include "load/net.h"
#include "load/participant.h"
#include "load/screen.h"
#include "transport/dtls.h"
#include "transport/srtp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define TURN_MS 1
#define LOOK_US 50000      // between two looks at everybody
#define SETTLE_US 1500000  // from the last join to the measurement
#define DRAIN_US 500000    // from the last packet to the last count
#define DELAYED_MAX 262144 // datagrams in the client's own slow network
#define FILES_SPARE 64

enum phase_name { PHASE_JOINING, PHASE_SETTLING, PHASE_MEASURING, PHASE_DRAINING, PHASE_OVER };

struct seat {
    struct participant *participant; // NULL: nobody yet, or gone
    uint32_t room;
    bool publishes;
};

struct crowd {
    struct load load;
    uv_loop_t loop;
    uv_timer_t turn;
    struct results *results;
    struct screen screen;
    struct seat *seats;
    uint32_t seat_count, seated; // seats that were taken once
    uint64_t names;              // given out so far
    enum phase_name phase;
    uint64_t begin_us, phase_us, next_join_us, next_look_us, next_churn_us, next_sample_us;
    uint32_t churn_seat;
    struct phase last; // the previous sample
    bool failed;
    char *error;
};

// ---- seats

static void seat_take(struct crowd *c, struct seat *seat, uint64_t now_us) {
    const struct load_options *o = c->load.options;
    char room[OPTION_TEXT_MAX + 16], name[64];
    snprintf(room, sizeof room, "%s-%u", o->room, seat->room + 1);
    snprintf(name, sizeof name, "p%llu-%d", (unsigned long long)++c->names, getpid());
    seat->participant = participant_open(&c->load, room, name, seat->publishes, now_us);
    if (!seat->participant)
        c->load.tally.failed++;
}

static bool seats_make(struct crowd *c) {
    const struct load_options *o = c->load.options;
    uint32_t publishers = o->publishers == OPTION_ALL ? o->participants : o->publishers;
    c->seat_count = o->rooms * o->participants;
    c->seats = calloc(c->seat_count, sizeof *c->seats);
    // Room by room, publishers first; rooms fill one after another.
    for (uint32_t i = 0; c->seats && i < c->seat_count; i++) {
        c->seats[i].room = i / o->participants;
        c->seats[i].publishes = i % o->participants < publishers;
    }
    return c->seats != NULL;
}

// ---- sums

static void take_phase(struct crowd *c, struct phase *out, uint64_t now_us) {
    out->at_us = now_us;
    out->sums = c->load.tally;
    for (uint32_t i = 0; i < c->seat_count; i++)
        if (c->seats[i].participant)
            participant_sum(c->seats[i].participant, now_us, &out->sums);
    usage_read(0, &out->generator);
    if (c->results->server_known && !usage_read(c->load.options->server_pid, &out->server)) {
        c->results->server_known = false;
        fprintf(stderr, "rotunda-load: the process %u is gone\n", c->load.options->server_pid);
    }
    out->kernel_dropped = net_get_counters(c->load.net)->kernel_dropped;
}

static double per_second(uint64_t from, uint64_t to, double seconds) {
    return to > from ? (double)(to - from) / seconds : 0;
}

static double cpu_of(const struct usage *from, const struct usage *to, double seconds) {
    return (double)(to->user_us + to->system_us - from->user_us - from->system_us) / 1e4 / seconds;
}

static void sample_make(struct crowd *c, const struct phase *now, struct sample *out) {
    const struct phase *last = &c->last;
    double seconds = (double)(now->at_us - last->at_us) / 1e6;
    const struct histogram *delay = &now->sums.delay_second;
    uint64_t expected = now->sums.expected - last->sums.expected,
             received = now->sums.received - last->sums.received;
    *out = (struct sample){
        .at_s = (double)(now->at_us - c->begin_us) / 1e6,
        .participants = now->sums.present,
        .rtp_in = per_second(last->sums.rtp_in, now->sums.rtp_in, seconds),
        .rtp_out = per_second(last->sums.rtp_out, now->sums.rtp_out, seconds),
        .in_kbps = per_second(last->sums.rtp_bytes_in, now->sums.rtp_bytes_in, seconds) * 8 / 1000,
        .delay_p50_ms = (double)histogram_percentile(delay, 50) / 1000,
        .delay_p99_ms = (double)histogram_percentile(delay, 99) / 1000,
        .loss_percent = expected > received && expected < UINT32_MAX
                            ? (double)(expected - received) * 100 / (double)expected
                            : 0,
        .freezes =
            now->sums.freezes > last->sums.freezes ? (double)(now->sums.freezes - last->sums.freezes) : 0,
        .server_cpu_percent = -1,
        .server_memory_mb = -1,
        .generator_cpu_percent = cpu_of(&last->generator, &now->generator, seconds),
    };
    if (c->results->server_known) {
        out->server_cpu_percent = cpu_of(&last->server, &now->server, seconds);
        out->server_memory_mb = (double)now->server.resident_bytes / 1048576;
    }
}

static double progress(const struct crowd *c, uint64_t now_us) {
    const struct load_options *o = c->load.options;
    double join_s = c->seat_count / o->join_rate + (double)SETTLE_US / 1e6, all_s = join_s + o->duration_s;
    if (c->phase < PHASE_MEASURING)
        return join_s * (c->seat_count ? (double)c->seated / c->seat_count : 1) / all_s;
    if (c->phase > PHASE_MEASURING)
        return 1;
    return (join_s + (double)(now_us - c->phase_us) / 1e6) / all_s;
}

static void sample_due(struct crowd *c, uint64_t now_us) {
    static const char *const names[] = {"joining", "joining", "measuring", "ending", "ending"};
    struct phase *now = malloc(sizeof *now);
    struct sample sample;
    if (!now)
        return;
    *now = (struct phase){.server = c->last.server};
    take_phase(c, now, now_us);
    sample_make(c, now, &sample);
    if (!results_add_sample(c->results, &sample))
        c->phase = PHASE_OVER;
    screen_update(&c->screen, &(struct screen_state){.phase = names[c->phase],
                                                     .done = progress(c, now_us),
                                                     .participants = now->sums.present,
                                                     .wanted = c->seat_count,
                                                     .sample = &sample,
                                                     .sums = &now->sums});
    c->last = *now;
    free(now);
    histogram_clear(&c->load.tally.delay_second);
}

// ---- phases

static void run_fails(struct crowd *c, const char *why) {
    c->failed = true;
    c->phase = PHASE_OVER;
    snprintf(c->error, CROWD_ERROR_MAX, "%s: %s", c->load.options->url, why);
}

// Those that failed are closed. A refused join, or a first one that cannot connect, ends the run: something
// is not as it was meant to be.
static void look_at_seats(struct crowd *c, uint64_t now_us) {
    for (uint32_t i = 0; i < c->seat_count; i++) {
        struct participant *p = c->seats[i].participant;
        if (!p)
            continue;
        participant_advance(p, now_us);
        if (participant_state(p) != PARTICIPANT_FAILED)
            continue;
        bool nobody = c->load.tally.joined == 0;
        if (!c->failed && (nobody || participant_refused(p)))
            run_fails(c, participant_why(p));
        else if (c->load.tally.failed + c->load.tally.dropped <= 3)
            fprintf(stderr, "rotunda-load: a participant failed: %s\n", participant_why(p));
        participant_close(p, now_us);
        c->seats[i].participant = NULL;
    }
}

static bool all_settled(const struct crowd *c) {
    for (uint32_t i = 0; i < c->seat_count; i++)
        if (c->seats[i].participant && participant_state(c->seats[i].participant) != PARTICIPANT_READY)
            return false;
    return c->seated == c->seat_count;
}

static void phase_enter(struct crowd *c, enum phase_name phase, uint64_t now_us) {
    c->phase = phase;
    c->phase_us = now_us;
}

static void join_due(struct crowd *c, uint64_t now_us) {
    while (c->seated < c->seat_count && now_us >= c->next_join_us) {
        seat_take(c, &c->seats[c->seated++], now_us);
        c->next_join_us += (uint64_t)(1e6 / c->load.options->join_rate);
    }
}

static void measure_begin(struct crowd *c, uint64_t now_us) {
    struct tally *t = &c->load.tally;
    phase_enter(c, PHASE_MEASURING, now_us);
    c->load.measuring = true;
    c->next_churn_us = now_us;
    t->freezes = t->frozen_us = t->watched_us = 0;
    histogram_clear(&t->late);
    for (uint32_t i = 0; i < c->seat_count; i++)
        if (c->seats[i].participant)
            participant_measure(c->seats[i].participant, now_us);
    take_phase(c, &c->results->measured_from, now_us);
    c->results->participants = t->present;
}

// One leaves and another takes the seat, in turn. The first seats of a room publish and go as well.
static void churn_due(struct crowd *c, uint64_t now_us) {
    double rate = c->load.options->churn;
    while (rate > 0 && now_us >= c->next_churn_us) {
        struct seat *seat = &c->seats[c->churn_seat++ % c->seat_count];
        if (!seat->participant || participant_state(seat->participant) == PARTICIPANT_READY) {
            participant_close(seat->participant, now_us);
            seat_take(c, seat, now_us);
        }
        c->next_churn_us += (uint64_t)(1e6 / rate);
    }
}

static void measure_end(struct crowd *c, uint64_t now_us) {
    take_phase(c, &c->results->measured_to, now_us);
    c->load.measuring = false;
    c->load.silent = true;
    for (uint32_t i = 0; i < c->seat_count; i++)
        if (c->seats[i].participant)
            participant_stop_media(c->seats[i].participant);
    phase_enter(c, PHASE_DRAINING, now_us);
}

// What pictures did is counted to the end of the measurement; numbers to the end of repair.
static void drain_end(struct crowd *c, uint64_t now_us) {
    struct results *r = c->results;
    take_phase(c, &r->end, now_us);
    r->end.sums.freezes = r->measured_to.sums.freezes;
    r->end.sums.frozen_us = r->measured_to.sums.frozen_us;
    r->end.sums.watched_us = r->measured_to.sums.watched_us;
    phase_enter(c, PHASE_OVER, now_us);
}

static void phase_step(struct crowd *c, uint64_t now_us) {
    const struct load_options *o = c->load.options;
    uint64_t drain_us = DRAIN_US + 4 * (uint64_t)o->impair.delay_us +
                        (o->impair.bandwidth_bps ? IMPAIR_QUEUE_US : 0) + (o->impair.loss > 0 ? DRAIN_US : 0);
    switch (c->phase) {
    case PHASE_JOINING:
        join_due(c, now_us);
        if (all_settled(c))
            phase_enter(c, PHASE_SETTLING, now_us);
        break;
    case PHASE_SETTLING:
        if (now_us >= c->phase_us + SETTLE_US)
            measure_begin(c, now_us);
        break;
    case PHASE_MEASURING:
        churn_due(c, now_us);
        if (now_us >= c->phase_us + o->duration_s * US_PER_SECOND)
            measure_end(c, now_us);
        break;
    case PHASE_DRAINING:
        if (now_us >= c->phase_us + drain_us)
            drain_end(c, now_us);
        break;
    case PHASE_OVER:
        break;
    }
}

static void on_turn(uv_timer_t *timer) {
    struct crowd *c = timer->data;
    uint64_t now_us = clock_now_us();
    wheel_advance(&c->load.wheel, now_us);
    if (now_us >= c->next_look_us) {
        look_at_seats(c, now_us);
        c->next_look_us = now_us + LOOK_US;
    }
    if (c->phase != PHASE_OVER)
        phase_step(c, now_us);
    if (now_us >= c->next_sample_us) {
        sample_due(c, now_us);
        c->next_sample_us += US_PER_SECOND;
    }
    if (c->phase == PHASE_OVER)
        uv_stop(&c->loop);
}

// ---- life

static bool parts_open(struct crowd *c) {
    const struct load_options *o = c->load.options;
    struct load *load = &c->load;
    char why[256] = "out of memory";
    load->pool = pool_create(DELAYED_MAX);
    load->net = net_create(&c->loop, o->sockets);
    load->checks = ice_checks_create();
    load->dtls = dtls_context_create();
    if (o->ice == ICE_MODE_FULL)
        load->full = ice_full_hub_create(&c->loop);
    if (o->keys[0] && !keys_load(&load->keys, o->keys, why, sizeof why)) {
        snprintf(c->error, CROWD_ERROR_MAX, "%s", why);
        return false;
    }
    bool ok = load->pool && load->net && load->checks && load->dtls &&
              (load->full || o->ice != ICE_MODE_FULL) && seats_make(c);
    if (ok)
        load->ws = ws_client_create(&c->loop, o->url, o->insecure, why, sizeof why);
    if (!load->ws)
        snprintf(c->error, CROWD_ERROR_MAX, "%s", why);
    return load->ws != NULL;
}

static void parts_close(struct crowd *c) {
    struct load *load = &c->load;
    uint64_t now_us = clock_now_us();
    for (uint32_t i = 0; c->seats && i < c->seat_count; i++)
        participant_close(c->seats[i].participant, now_us);
    uv_close((uv_handle_t *)&c->turn, NULL);
    net_stop(load->net);
    ice_full_hub_stop(load->full);
    ws_client_destroy(load->ws); // runs the loop to its end
    uv_run(&c->loop, UV_RUN_DEFAULT);
    ice_full_hub_destroy(load->full);
    net_destroy(load->net);
    ice_checks_destroy(load->checks);
    dtls_context_destroy(load->dtls);
    pool_destroy(load->pool);
    keys_free(&load->keys);
    free(c->seats);
    int left = uv_loop_close(&c->loop);
    assert(left == 0);
    (void)left;
}

// Files: a WebSocket each, and a socket for each transport where they are not shared.
static void files_check(const struct load_options *o) {
    uint64_t people = o->rooms * (uint64_t)o->participants, wanted = people * 5 + FILES_SPARE;
    uint64_t granted = usage_raise_files(wanted);
    if (granted < wanted)
        fprintf(stderr,
                "rotunda-load: up to %llu open files are needed and %llu allowed; raise it with `ulimit -n "
                "%llu`\n",
                (unsigned long long)wanted, (unsigned long long)granted, (unsigned long long)wanted);
}

static void crowd_start(struct crowd *c) {
    uint64_t now_us = clock_now_us();
    wheel_init(&c->load.wheel, now_us);
    c->load.random = entropy_u64() | 1;
    c->begin_us = c->phase_us = c->next_join_us = c->next_look_us = now_us;
    c->next_sample_us = now_us + US_PER_SECOND;
    c->results->begin_us = now_us;
    take_phase(c, &c->last, now_us);
    c->results->server_before_bytes = c->last.server.resident_bytes;
    uv_timer_start(&c->turn, on_turn, TURN_MS, TURN_MS);
}

bool crowd_run(const struct load_options *options, struct results *results, char error[CROWD_ERROR_MAX]) {
    struct crowd *c = calloc(1, sizeof *c);
    if (!c || srtp_library_start() != ERR_OK) {
        snprintf(error, CROWD_ERROR_MAX, "%s", c ? "libsrtp2 did not start" : "out of memory");
        free(c);
        return false;
    }
    struct srtp_session *held = srtp_library_hold();
    c->load.options = options;
    c->results = results;
    c->error = error;
    results->options = options;
    results->server_known = options->server_pid != 0;
    files_check(options);
    screen_init(&c->screen, stderr);
    uv_loop_init(&c->loop);
    uv_timer_init(&c->loop, &c->turn);
    c->turn.data = c;
    wheel_init(&c->load.wheel, clock_now_us());
    c->failed = !parts_open(c);
    if (!c->failed) {
        crowd_start(c);
        uv_run(&c->loop, UV_RUN_DEFAULT);
    }
    parts_close(c);
    screen_end(&c->screen);
    srtp_session_destroy(held);
    srtp_library_stop();
    bool ok = !c->failed;
    free(c);
    return ok;
}
