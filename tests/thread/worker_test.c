// Workers whose neighbours do not keep up: a control thread that does not drain events, and another worker
// that does not drain its queues.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/media/worker.h"
#include "tests/kit/media_peer.h"
#include "tests/unit/transport/stun_build.h"
#include "transport/ice.h"
#include "transport/srtp.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEADLINE_US (60 * US_PER_SECOND)
#define PEERS 8
#define WORKERS 2
#define EVENTS_MORE_THAN_FIT 6000

struct pair {
    struct dtls_context *dtls;
    struct mesh *mesh;
    struct worker *worker[WORKERS];
    pthread_t thread[WORKERS];
    bool running[WORKERS];
    _Atomic unsigned wakeups;
};

static void wake_worker(void *ctx, unsigned worker) {
    struct pair *p = ctx;
    worker_wake(p->worker[worker]);
}

static void events_ready(void *ctx) {
    struct pair *p = ctx;
    p->wakeups++;
}

static void *run(void *worker) {
    worker_run(worker);
    return NULL;
}

static void start(struct pair *p, unsigned worker) {
    assert_int_equal(pthread_create(&p->thread[worker], NULL, run, p->worker[worker]), 0);
    p->running[worker] = true;
}

static void open_pair(struct pair *p) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    *p = (struct pair){.dtls = dtls_context_create(), .mesh = mesh_create(WORKERS, wake_worker, p)};
    assert_int_equal(srtp_library_start(), ERR_OK);
    struct worker_config config = {
        .workers = WORKERS, .dtls = p->dtls, .mesh = p->mesh, .events_ready = events_ready, .events_ctx = p};
    char error[256];
    for (config.index = 0; config.index < WORKERS; config.index++) {
        p->worker[config.index] = worker_create(&config, error, sizeof error);
        assert_non_null(p->worker[config.index]);
        config.port = worker_port(p->worker[config.index]);
    }
}

static void close_pair(struct pair *p) {
    for (unsigned i = 0; i < WORKERS; i++)
        worker_stop(p->worker[i]);
    for (unsigned i = 0; i < WORKERS; i++)
        if (p->running[i])
            pthread_join(p->thread[i], NULL);
    for (unsigned i = 0; i < WORKERS; i++)
        worker_destroy(p->worker[i]);
    mesh_destroy(p->mesh);
    dtls_context_destroy(p->dtls);
    srtp_library_stop();
}

static void open_transport(struct pair *p, unsigned worker, uint32_t id, struct ice_credentials *ice) {
    ice_credentials_make(worker, ice);
    struct media_cmd cmd = {.type = MEDIA_OPEN_TRANSPORT, .transport = {id}, .ice = *ice};
    assert_true(worker_post(p->worker[worker], &cmd));
}

static int open_socket(const struct pair *p) {
    struct addr server;
    struct sockaddr_storage to;
    assert_int_equal(addr_parse("127.0.0.1", worker_port(p->worker[0]), &server), ERR_OK);
    socklen_t len = addr_to_sockaddr(&server, &to);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

static void send_check(int fd, const struct ice_credentials *ice) {
    struct stun_build check;
    char username[64];
    snprintf(username, sizeof username, "%s:visitor", ice->ufrag);
    stun_begin(&check, STUN_REQUEST_TYPE);
    stun_attr(&check, ATTR_USERNAME, username, strlen(username));
    stun_attr_u32(&check, ATTR_PRIORITY, 1);
    stun_attr_u64(&check, ATTR_ICE_CONTROLLING, 2);
    stun_attr(&check, ATTR_USE_CANDIDATE, NULL, 0);
    stun_integrity(&check, span_of(ice->pwd, ICE_PWD_BYTES));
    stun_fingerprint(&check);
    assert_int_equal(send(fd, check.bytes, check.len, 0), check.len);
}

static bool answered(int fd, int wait_ms) {
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    uint8_t answer[512];
    return poll(&pfd, 1, wait_ms) == 1 && recv(fd, answer, sizeof answer, 0) > 0;
}

// A check that is answered, whoever the kernel gives it to; again until it is.
static void check_until_answered(int fd, const struct ice_credentials *ice) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    bool heard = false;
    while (!heard && clock_now_us() < end_us) {
        send_check(fd, ice);
        heard = answered(fd, 50);
    }
    assert_true(heard);
}

static struct media_counters counters(struct pair *p, unsigned worker) {
    struct media_counters c;
    worker_read_counters(p->worker[worker], &c);
    return c;
}

// ---- events

// The queue of events is full of statistics when the transports connect; their states must come all the same,
// late but complete.
static void states_outlive_a_full_event_queue(void **state) {
    (void)state;
    struct pair p;
    struct ice_credentials ice[PEERS];
    int fds[PEERS];
    open_pair(&p);
    start(&p, 0);
    start(&p, 1);
    for (unsigned i = 0; i < PEERS; i++)
        open_transport(&p, 0, i + 1, &ice[i]);
    struct media_cmd stats = {.type = MEDIA_GET_STATS, .transport = {1}};
    for (unsigned i = 0; i < EVENTS_MORE_THAN_FIT; i++)
        while (!worker_post(p.worker[0], &stats))
            usleep(200);
    for (unsigned i = 0; i < PEERS; i++) {
        fds[i] = open_socket(&p);
        check_until_answered(fds[i], &ice[i]); // the worker goes on, whatever the control thread does
    }
    uint64_t heartbeat_us = worker_heartbeat_us(p.worker[0]);
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (worker_heartbeat_us(p.worker[0]) < heartbeat_us + US_PER_SECOND && clock_now_us() < end_us)
        usleep(1000);
    assert_true(worker_heartbeat_us(p.worker[0]) >= heartbeat_us + US_PER_SECOND);
    bool connected[PEERS] = {0};
    unsigned found = 0;
    while (found < PEERS && clock_now_us() < end_us) {
        const struct media_event *event = worker_peek_event(p.worker[0]);
        if (!event) {
            usleep(1000);
            continue;
        }
        if (event->type == MEDIA_TRANSPORT_STATE && event->state.ice == ICE_CONNECTED) {
            assert_in_range(event->transport.v, 1, PEERS);
            assert_false(connected[event->transport.v - 1]); // once
            connected[event->transport.v - 1] = true;
            found++;
        }
        worker_pop_event(p.worker[0]);
    }
    assert_int_equal(found, PEERS);
    assert_true(p.wakeups > 0);
    for (unsigned i = 0; i < PEERS; i++)
        close(fds[i]);
    close_pair(&p);
}

// ---- queues between workers

// Worker 1 stands still. Worker 0 hands over what is for it until the queue is full, counts the rest, and
// goes on serving its own. Then worker 1 runs and takes what waited.
static void a_worker_that_stands_still(void **state) {
    (void)state;
    struct pair p;
    struct ice_credentials own, others;
    open_pair(&p);
    start(&p, 0);
    open_transport(&p, 0, 1, &own);
    open_transport(&p, 1, 2, &others);
    // An address whose datagrams the kernel gives to worker 0.
    int fd = -1;
    for (unsigned i = 0; fd < 0 && i < 1000; i++) {
        int candidate = open_socket(&p);
        for (unsigned k = 0; fd < 0 && k < 3; k++) {
            send_check(candidate, &own);
            if (answered(candidate, 20))
                fd = candidate;
        }
        if (fd < 0)
            close(candidate);
    }
    assert_true(fd >= 0);
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    unsigned sent = 0;
    do {
        for (unsigned i = 0; i < 16; i++, sent++)
            send_check(fd, &others); // from a validated address: may use the whole queue
        check_until_answered(fd, &own);
    } while (counters(&p, 0).drops[MEDIA_DROP_HANDOVER_FULL] == 0 && clock_now_us() < end_us);
    struct media_counters c = counters(&p, 0);
    assert_true(c.drops[MEDIA_DROP_HANDOVER_FULL] > 0);
    assert_int_equal(c.handed_over, 1023); // one place has the word that the tuple is ours
    print_message("%u handed over, %u sent\n", (unsigned)c.handed_over, sent);
    check_until_answered(fd, &own);
    start(&p, 1);
    check_until_answered(fd, &others);
    uint64_t taken = 0; // answered, or more than a transport may ask in a second
    while (taken < 1023 && clock_now_us() < end_us) {
        usleep(1000);
        c = counters(&p, 1);
        taken = c.packets_out + c.drops[MEDIA_DROP_STUN_RATE] + c.drops[MEDIA_DROP_STUN_COPIED];
    }
    assert_true(taken >= 1023);
    close(fd);
    close_pair(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_outlive_a_full_event_queue),
        cmocka_unit_test(a_worker_that_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
