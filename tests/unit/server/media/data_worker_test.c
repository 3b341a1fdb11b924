// The data worker on its thread. Two of its transports are each other's peers: what leaves for one media
// worker comes back from the other, as browsers and media workers would have it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/media/data_worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define PEERS 2

// Until when what is awaited has to be there. With a failing allocation it may never come: that is not worth
// a minute.
static uint64_t deadline_us(void) {
    return clock_now_us() + (getenv("FAIL_ALLOC") ? 2 : 60) * US_PER_SECOND;
}

static struct data_worker *data;
static pthread_t thread;
static _Atomic unsigned wakeups;
static enum data_state states[PEERS];
static unsigned opened;

static void wake_worker(void *ctx, unsigned worker) {
    (void)ctx;
    assert_in_range(worker, 0, PEERS - 1);
    atomic_fetch_add(&wakeups, 1);
}

static void events_ready(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&wakeups, 1);
}

static void *run(void *ctx) {
    data_worker_run(ctx);
    return NULL;
}

static int setup(void **state) {
    (void)state;
    const struct data_worker_config config = {
        .workers = PEERS, .rate = 1000000, .wake_worker = wake_worker, .events_ready = events_ready};
    memset(states, 0, sizeof states);
    opened = 0;
    data = data_worker_create(&config);
    assert_non_null(data);
    assert_int_equal(pthread_create(&thread, NULL, run, data), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    data_worker_stop(data);
    pthread_join(thread, NULL);
    data_worker_destroy(data);
    return 0;
}

static void post(struct data_cmd cmd) {
    uint64_t end_us = deadline_us();
    while (!data_worker_post(data, &cmd))
        assert_true(clock_now_us() < end_us);
}

static void open_transport(uint32_t id) {
    post((struct data_cmd){
        .type = DATA_OPEN_TRANSPORT,
        .transport = {id},
        .open_transport = {.worker = id - 1, .streams_out = 16, .streams_in = 16, .owner = id}});
}

static bool push(uint32_t id, const void *bytes, size_t len, bool connected) {
    struct data_packet *packet = data_worker_reserve(data, id - 1);
    if (!packet)
        return false;
    packet->transport.v = id;
    packet->connected = connected;
    packet->len = (uint16_t)len;
    if (len > 0)
        memcpy(packet->bytes, bytes, len);
    data_worker_push(data, id - 1);
    data_worker_flush(data, id - 1);
    return true;
}

static void take_events(void) {
    for (const struct data_event *event; (event = data_worker_peek_event(data));
         data_worker_pop_event(data)) {
        if (event->type == DATA_TRANSPORT_STATE && event->transport.v <= PEERS)
            states[event->transport.v - 1] = event->state;
        opened += event->type == DATA_CHANNEL_OPENED;
        assert_true(event->type != DATA_PRODUCER_CLOSED && event->type != DATA_CONSUMER_CLOSED);
    }
}

// What each sends comes to the other.
static void carry(void) {
    for (unsigned from = 0; from < PEERS; from++)
        for (const struct data_packet *packet; (packet = data_worker_peek(data, from));) {
            assert_int_equal(packet->transport.v, from + 1);
            assert_in_range(packet->len, 12, 1200);
            (void)push(PEERS - from, packet->bytes, packet->len, false); // a full ring loses it
            data_worker_pop(data, from);
        }
    take_events();
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void carry_until(const enum data_state *wanted) {
    uint64_t end_us = deadline_us();
    while (memcmp(states, wanted, sizeof states) != 0) {
        carry();
        assert_true(clock_now_us() < end_us);
    }
}

static const enum data_state both_connected[PEERS] = {DATA_STATE_CONNECTED, DATA_STATE_CONNECTED};

static void connect_both(void) {
    open_transport(1);
    open_transport(2);
    while (!push(1, NULL, 0, true))
        carry();
    carry_until(both_connected); // the other one hears of it by the first packet
}

static void counters_until(uint64_t (*of)(const struct data_worker_counters *), uint64_t least) {
    struct data_worker_counters c;
    uint64_t end_us = deadline_us();
    do {
        carry();
        data_worker_read_counters(data, &c);
        assert_true(clock_now_us() < end_us);
    } while (of(&c) < least);
}

static uint64_t refused(const struct data_worker_counters *c) {
    return c->packets_refused;
}

static uint64_t producers(const struct data_worker_counters *c) {
    return c->producers;
}

static void two_connect_through_the_rings(void **state) {
    (void)state;
    connect_both();
    struct data_worker_counters c;
    data_worker_read_counters(data, &c);
    assert_int_equal(c.associations, 2);
    assert_true(c.packets_in > 0 && c.packets_out > 0);
    assert_true(atomic_load(&wakeups) > 0);
}

// A flood of what is no SCTP, and of SCTP for nobody: counted, and the two who are there go on.
static void a_flood_is_dropped_and_counted(void **state) {
    (void)state;
    static const uint8_t garbage[1200] = {0x13, 0x88, 0x13, 0x88};
    connect_both();
    unsigned pushed = 0;
    for (unsigned i = 0; i < 20000; i++) {
        pushed += push(1, garbage, sizeof garbage, false);
        (void)push(2, garbage, 20, false);
    }
    assert_true(pushed > 0);
    counters_until(refused, pushed);
    post((struct data_cmd){
        .type = DATA_OPEN_PRODUCER, .transport = {1}, .producer = {7}, .open = {.stream = {.id = 1}}});
    counters_until(producers, 1);
    assert_int_equal(states[0], DATA_STATE_CONNECTED);
}

// Whoever goes says so: the other one's association ends, and what is on it, without an event for each.
static void one_closes_and_the_other_hears(void **state) {
    (void)state;
    connect_both();
    post((struct data_cmd){
        .type = DATA_OPEN_PRODUCER, .transport = {2}, .producer = {7}, .open = {.stream = {.id = 1}}});
    post((struct data_cmd){.type = DATA_OPEN_CONSUMER,
                           .transport = {2},
                           .consumer = {8},
                           .open = {.stream = {.id = 2}, .group = 5}});
    post((struct data_cmd){
        .type = DATA_ANSWER_CHANNEL, .transport = {2}, .answer = {.stream = 1, .accepted = true}});
    counters_until(producers, 1);
    post((struct data_cmd){.type = DATA_CLOSE_TRANSPORT, .transport = {1}});
    carry_until((enum data_state[PEERS]){DATA_STATE_CONNECTED, DATA_STATE_CLOSED});
    struct data_worker_counters c;
    uint64_t end_us = deadline_us();
    do {
        carry();
        data_worker_read_counters(data, &c);
        assert_true(clock_now_us() < end_us);
    } while (c.producers + c.consumers > 0);
}

// Commands beyond the queue, for transports that are not there, and the same one twice.
// A transport is connected the moment after its opening was commanded, again and again: none is missed, which
// would cost the peer a second of waiting.
static void a_packet_right_behind_its_command_finds_it_done(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        post((struct data_cmd){.type = DATA_OPEN_TRANSPORT,
                               .transport = {1},
                               .open_transport = {.streams_out = 16, .streams_in = 16, .owner = 1}});
        assert_true(push(1, NULL, 0, true));
        uint64_t end_us = deadline_us();
        while (!data_worker_peek(data, 0)) { // its first words to the peer
            take_events();
            assert_true(clock_now_us() < end_us);
        }
        post((struct data_cmd){.type = DATA_CLOSE_TRANSPORT, .transport = {1}});
        while (data_worker_peek(data, 0))
            data_worker_pop(data, 0);
    }
}

static void commands_without_sense(void **state) {
    (void)state;
    for (unsigned i = 0; i < 3000; i++)
        post((struct data_cmd){
            .type = (enum data_cmd_type)(i % (DATA_ANSWER_CHANNEL + 1)),
            .transport = {1 + i % 3 * 1000},
            .producer = {i % 5},
            .consumer = {i % 7},
            .open_transport = {.worker = i % PEERS, .streams_out = 1, .streams_in = 1, .owner = 1}});
    carry();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(two_connect_through_the_rings),  TEST(a_flood_is_dropped_and_counted),
        TEST(one_closes_and_the_other_hears), TEST(a_packet_right_behind_its_command_finds_it_done),
        TEST(commands_without_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
