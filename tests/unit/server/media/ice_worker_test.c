// The thread of ICE agents. Two of its transports, of two media workers, are each other's peers over
// loopback; the test is both media workers and the control thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/media/ice_worker_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIDES 2

struct side { // one transport, of the media worker of that number
    struct ice_credentials credentials;
    struct ice_candidate candidates[ICE_LOCALS_MAX];
    unsigned count, gathered, failed, paths, lost, packets;
    struct ice_agent_path path;
    uint8_t last[16];
};

static struct ice_worker *ice;
static pthread_t thread;
static bool runs;
static struct side sides[SIDES];
static _Atomic unsigned woken[SIDES], readied;

// With a failing allocation what is awaited may never come: that is not worth a minute.
static uint64_t deadline_us(void) {
    return clock_now_us() + (getenv("FAIL_ALLOC") ? 1 : 30) * US_PER_SECOND;
}

static void wake_worker(void *ctx, unsigned worker) {
    (void)ctx;
    assert_in_range(worker, 0, SIDES - 1);
    atomic_fetch_add(&woken[worker], 1);
}
static void events_ready(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&readied, 1);
}

static void *run(void *ctx) {
    ice_worker_run(ctx);
    return NULL;
}

static void create(const char *host) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    struct ice_worker_config config = {
        .workers = SIDES, .wake_worker = wake_worker, .events_ready = events_ready, .pool.host_count = 1};
    assert_int_equal(addr_parse(host, 0, &config.pool.hosts[0]), ERR_OK);
    memset(sides, 0, sizeof sides);
    ice = ice_worker_create(&config);
    assert_non_null(ice);
}

static void start(void) {
    runs = pthread_create(&thread, NULL, run, ice) == 0;
    assert_true(runs);
}

static int setup(void **state) {
    (void)state;
    create("127.0.0.1");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (runs) {
        ice_worker_stop(ice);
        pthread_join(thread, NULL);
        runs = false;
    }
    ice_worker_destroy(ice);
    return 0;
}

// ---- the others' parts

static struct ice_note *note(unsigned side, enum ice_note_type type) {
    struct ice_note *out = ice_worker_reserve(ice, side);
    assert_non_null(out);
    out->type = type;
    out->transport.v = side + 1;
    return out;
}

static void push(unsigned side) {
    ice_worker_push(ice, side);
    ice_worker_flush(ice, side);
}

static void open_side(unsigned side, bool controlling) {
    ice_credentials_make(side, &sides[side].credentials);
    struct ice_note *opening = note(side, ICE_NOTE_OPEN);
    opening->ours.credentials = sides[side].credentials;
    opening->ours.controlling = controlling;
    push(side);
}

static void tell_side(unsigned to) {
    const struct side *of = &sides[SIDES - 1 - to];
    struct ice_note *remote = note(to, ICE_NOTE_REMOTE);
    memset(&remote->remote, 0, sizeof remote->remote);
    memcpy(remote->remote.ufrag, of->credentials.ufrag, sizeof of->credentials.ufrag);
    memcpy(remote->remote.pwd, of->credentials.pwd, sizeof of->credentials.pwd);
    push(to);
    note(to, ICE_NOTE_CANDIDATE)->candidate = of->candidates[0];
    push(to);
}

static void close_side(unsigned side) {
    note(side, ICE_NOTE_CLOSE);
    push(side);
}

static bool sends(unsigned side, const char *text) {
    struct ice_note *packet = ice_worker_reserve_packet(ice, side, false);
    if (!packet)
        return false;
    packet->type = ICE_NOTE_PACKET;
    packet->transport.v = side + 1;
    packet->packet.len = (uint16_t)strlen(text);
    memcpy(packet->packet.bytes, text, strlen(text));
    push(side);
    return true;
}

static void take_event(const struct ice_event *event) {
    if (event->transport.v == 0 || event->transport.v > SIDES) // what filled the ring
        return;
    struct side *side = &sides[event->transport.v - 1];
    switch (event->type) {
    case ICE_EVENT_CANDIDATE:
        assert_int_equal(side->gathered, 0);
        side->candidates[side->count++] = event->candidate;
        break;
    case ICE_EVENT_GATHERED:
        side->gathered++;
        break;
    case ICE_EVENT_FAILED:
        side->failed++;
        break;
    }
}

static void take_report(unsigned worker, const struct ice_report *report) {
    if (report->transport.v == 0) // what filled the ring
        return;
    assert_int_equal(report->transport.v, worker + 1);
    struct side *side = &sides[worker];
    switch (report->type) {
    case ICE_REPORT_PACKET:
        side->packets++;
        memset(side->last, 0, sizeof side->last);
        memcpy(side->last, report->packet.bytes, report->packet.len < 15 ? report->packet.len : 15);
        break;
    case ICE_REPORT_PATH:
        side->paths++;
        side->path = report->path;
        break;
    case ICE_REPORT_LOST:
        side->lost++;
        break;
    }
}

static void take_all(void) {
    for (const struct ice_event *event; (event = ice_worker_peek_event(ice)); ice_worker_pop_event(ice))
        take_event(event);
    for (unsigned w = 0; w < SIDES; w++)
        for (const struct ice_report *report; (report = ice_worker_peek(ice, w)); ice_worker_pop(ice, w))
            take_report(w, report);
}

static void take_until(const unsigned *what, unsigned least) {
    uint64_t end_us = deadline_us();
    for (take_all(); *what < least; take_all()) {
        assert_true(clock_now_us() < end_us);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

// Who is told is called after what it is told can be read.
static void await_call(const _Atomic unsigned *times) {
    uint64_t end_us = deadline_us();
    while (atomic_load(times) == 0) {
        assert_true(clock_now_us() < end_us);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static struct ice_worker_counters count(void) {
    struct ice_worker_counters out;
    ice_worker_read_counters(ice, &out);
    return out;
}

static void count_until(size_t offset, uint64_t wanted) {
    uint64_t end_us = deadline_us();
    for (;;) {
        struct ice_worker_counters now = count();
        if (*(const uint64_t *)(const void *)((const char *)&now + offset) == wanted)
            return;
        assert_true(clock_now_us() < end_us);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
#define COUNT_UNTIL(member, wanted) count_until(offsetof(struct ice_worker_counters, member), wanted)

static void connect_both(void) {
    open_side(0, true);
    open_side(1, false);
    take_until(&sides[0].gathered, 1);
    take_until(&sides[1].gathered, 1);
    tell_side(0);
    tell_side(1);
    take_until(&sides[0].paths, 1);
    take_until(&sides[1].paths, 1);
}

// ---- tests

static void two_transports_meet(void **state) {
    (void)state;
    start();
    connect_both();
    assert_int_equal(sides[0].count, 1);
    assert_true(addr_equal(&sides[0].path.tuple.remote, &sides[1].candidates[0].address));
    assert_true(addr_equal(&sides[1].path.tuple.remote, &sides[0].candidates[0].address));
    assert_int_equal(sides[0].path.tuple.protocol, TUPLE_AGENT);
    await_call(&woken[0]);
    await_call(&woken[1]);
    await_call(&readied);
    assert_true(sends(0, "\x80 to 1"));
    take_until(&sides[1].packets, 1);
    assert_string_equal((const char *)sides[1].last, "\x80 to 1");
    assert_true(sends(1, "\x80 to 0"));
    take_until(&sides[0].packets, 1);
    assert_string_equal((const char *)sides[0].last, "\x80 to 0");
    COUNT_UNTIL(packets_in, 2);
    COUNT_UNTIL(candidates, 2);
    struct ice_worker_counters c = count();
    assert_int_equal(c.agents, 2);
    assert_int_equal(c.opened, 2);
    assert_int_equal(c.packets_out, 2);
    assert_int_equal(c.packets_lost + c.refused + c.lost + c.relayed + c.candidates_refused, 0);
    assert_true(c.paths >= 2);
    close_side(0);
    close_side(1);
    COUNT_UNTIL(agents, 0);
}

static void a_restart_wants_new_credentials(void **state) {
    (void)state;
    start();
    connect_both();
    unsigned paths = sides[0].paths;
    for (unsigned side = 0; side < SIDES; side++) {
        ice_credentials_make(side, &sides[side].credentials);
        note(side, ICE_NOTE_RESTART)->ours.credentials = sides[side].credentials;
        push(side);
    }
    tell_side(0);
    tell_side(1);
    take_until(&sides[0].paths, paths + 1);
    assert_int_equal(sides[0].lost + sides[1].lost, 0);
}

static void who_has_no_path_sends_nothing(void **state) {
    (void)state;
    start();
    open_side(0, true);
    take_until(&sides[0].gathered, 1);
    assert_true(sends(0, "\x80"));
    COUNT_UNTIL(packets_lost, 1);
    assert_true(sends(1, "\x80")); // of a transport that was never opened
    close_side(1);
    for (unsigned i = 0; i <= ICE_AGENT_REMOTES_MAX; i++) {
        struct ice_candidate c = sides[0].candidates[0];
        c.address.port = (uint16_t)(20000 + i);
        note(0, ICE_NOTE_CANDIDATE)->candidate = c;
        push(0);
    }
    COUNT_UNTIL(candidates_refused, 1);
    assert_int_equal(count().candidates, ICE_AGENT_REMOTES_MAX);
    assert_int_equal(count().packets_lost, 1);
}

static void no_address_is_told(void **state) {
    (void)state;
    ice_worker_destroy(ice);
    create("203.0.113.77"); // not of this machine
    start();
    open_side(0, true);
    take_until(&sides[0].failed, 1);
    assert_int_equal(sides[0].count + sides[0].gathered, 0);
    COUNT_UNTIL(refused, 1);
    assert_true(sends(0, "\x80"));
    close_side(0);
    COUNT_UNTIL(agents, 0);
    // Other addresses are for agents from then on.
    struct addr host;
    assert_int_equal(addr_parse("127.0.0.2", 0, &host), ERR_OK);
    ice_worker_set_hosts(ice, &host, 1);
    open_side(1, true);
    take_until(&sides[1].gathered, 1);
    assert_int_equal(sides[1].count, 1);
    assert_int_equal(sides[1].candidates[0].address.ip[3], 2);
}

// What the control thread does not take now it hears later.
static void full_events_lose_nothing(void **state) {
    (void)state;
    unsigned filled = 0;
    for (struct ice_event *event; (event = ring_reserve(ice->events)); ring_push(ice->events), filled++)
        *event = (struct ice_event){.type = ICE_EVENT_GATHERED};
    start();
    open_side(0, true);
    open_side(1, false);
    COUNT_UNTIL(agents, 2);
    assert_int_equal(ring_waiting(ice->events), filled);
    ice_worker_pop_event(ice); // room for one at a time
    uint64_t end_us = deadline_us();
    while (ring_waiting(ice->events) < filled)
        assert_true(clock_now_us() < end_us);
    take_until(&sides[0].gathered, 1);
    take_until(&sides[1].gathered, 1);
    assert_int_equal(sides[0].count, 1);
    assert_int_equal(sides[1].count, 1);
}

// The same of a media worker: packets are lost, where the peer is is not.
static void full_reports_lose_packets_alone(void **state) {
    (void)state;
    for (unsigned w = 0; w < SIDES; w++)
        for (struct ice_report *r; (r = ring_reserve(ice->links[w].out)); ring_push(ice->links[w].out))
            *r = (struct ice_report){.type = ICE_REPORT_LOST};
    start();
    open_side(0, true);
    open_side(1, false);
    uint64_t end_us = deadline_us();
    while (sides[0].gathered + sides[1].gathered < 2) {
        assert_true(clock_now_us() < end_us);
        for (const struct ice_event *e; (e = ice_worker_peek_event(ice)); ice_worker_pop_event(ice))
            take_event(e);
    }
    tell_side(0);
    tell_side(1);
    for (struct ice_worker_counters now = count(); now.paths < 2; now = count())
        assert_true(clock_now_us() < end_us);
    assert_true(sends(0, "\x80 lost"));
    COUNT_UNTIL(packets_lost, 1);
    take_until(&sides[0].paths, 1);
    take_until(&sides[1].paths, 1);
    assert_int_equal(sides[1].packets, 0);
    assert_true(sends(0, "\x80 here"));
    take_until(&sides[1].packets, 1);
}

// An opening for which nothing can be kept is told all the same, and waits until it can be.
static void what_cannot_be_opened_is_told(void **state) {
    (void)state;
    unsigned filled = 0;
    for (struct ice_event *event; (event = ring_reserve(ice->events)); ring_push(ice->events), filled++)
        *event = (struct ice_event){.type = ICE_EVENT_GATHERED};
    open_side(0, true);
    open_side(0, true); // an id twice stands for what cannot be kept
    close_side(0);
    start();
    COUNT_UNTIL(agents, 1); // the end is behind what waits
    assert_int_equal(count().refused, 0);
    take_until(&sides[0].failed, 1);
    COUNT_UNTIL(agents, 0);
    assert_int_equal(count().refused, 1);
}

static void the_end_closes_all(void **state) {
    (void)state;
    start();
    connect_both(); // teardown stops it with both open
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_transports_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_wants_new_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_no_path_sends_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(no_address_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(full_events_lose_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(full_reports_lose_packets_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_closes_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
