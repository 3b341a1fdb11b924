// The workers as the control thread sees them: started, busy port, commands, counters, heartbeat, stopped.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "server/media/media.h"
#include "transport/ice_agent.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// media_start makes threads with pthread_create: this test also runs under the thread sanitizer.

#define DEADLINE_US (60 * US_PER_SECOND)

static struct media *start(unsigned workers, uint16_t port, char error[256]) {
    struct media_config config = {.workers = workers, .port = port};
    error[0] = 0;
    return media_start(&config, error, 256);
}

static void starts_and_stops(void **state) {
    (void)state;
    char error[256];
    for (unsigned workers = 1; workers <= 4; workers++) {
        struct media *media = start(workers, 0, error);
        assert_non_null(media);
        assert_true(media_port(media) > 0);
        assert_int_equal(strlen(media_fingerprint_sha256(media)), 32 * 3 - 1);
        media_stop(media);
    }
    media_stop(NULL);
}

static void a_port_is_given_back(void **state) {
    (void)state;
    char error[256];
    struct media *media = start(2, 0, error);
    assert_non_null(media);
    uint16_t port = media_port(media);
    media_stop(media);
    media = start(2, port, error);
    assert_non_null(media);
    assert_int_equal(media_port(media), port);
    media_stop(media);
}

// Somebody else has the port, and perhaps would share it (SO_REUSEPORT), as another server would.
static void a_busy_port_is_named(void **state) {
    (void)state;
    for (int shares = 0; shares <= 1; shares++) {
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t len = sizeof at;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares), 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        char number[8];
        snprintf(number, sizeof number, "%u", ntohs(at.sin_port));
        for (unsigned workers = 1; workers <= 2; workers++) {
            char error[256];
            assert_null(start(workers, ntohs(at.sin_port), error));
            if (!strstr(error, number))
                print_error("\"%s\" should name port %s\n", error, number);
            assert_non_null(strstr(error, number));
            assert_null(strchr(error, '\n'));
        }
        close(fd);
    }
}

struct heard {
    unsigned answers;
    uint32_t next_token;
};

static void on_event(void *ctx, unsigned worker, const struct media_event *event) {
    (void)ctx, (void)worker;
    fail_msg("nothing was asked that brings an event, got one of type %d", event->type);
}

static void on_stats(void *ctx, unsigned worker, const struct media_stats *stats) {
    struct heard *heard = ctx;
    assert_int_equal(worker, 0);
    assert_int_equal(stats->token, heard->next_token); // in the order of the questions
    assert_false(stats->found);
    heard->next_token++;
    heard->answers++;
}

static void on_wakeup(void *ctx) {
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

// Commands faster than the worker takes them: refused at last, none lost, none out of order.
static void a_full_queue_refuses(void **state) {
    (void)state;
    char error[256];
    _Atomic unsigned wakeups = 0;
    struct media *media = start(1, 0, error);
    assert_non_null(media);
    media_set_wakeup(media, on_wakeup, &wakeups);
    struct heard heard = {.next_token = 1};
    struct media_listener listener = {.ctx = &heard, .on_event = on_event, .on_stats = on_stats};
    struct media_cmd cmd = {.type = MEDIA_GET_STATS, .transport = {7}, .stats = {.token = 1}};
    unsigned refused = 0;
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while ((refused == 0 || cmd.stats.token < 3000) && clock_now_us() < end_us) {
        if (media_post(media, 0, &cmd)) {
            cmd.stats.token++;
        } else {
            refused++;
            media_drain(media, &listener);
        }
        if (cmd.stats.token - heard.next_token > 3000)
            media_drain(media, &listener);
    }
    assert_true(refused > 0);
    while (heard.answers < cmd.stats.token - 1 && clock_now_us() < end_us)
        media_drain(media, &listener);
    assert_int_equal(heard.answers, cmd.stats.token - 1);
    assert_true(wakeups > 0);
    media_stop(media);
}

static void counters_are_published(void **state) {
    (void)state;
    char error[256];
    struct media *media = start(1, 0, error);
    assert_non_null(media);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(media_port(media)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(sendto(fd, "\xff nothing", 9, 0, (struct sockaddr *)&to, sizeof to), 9);
    struct media_counters c = {0};
    for (uint64_t end_us = clock_now_us() + DEADLINE_US; c.packets_in < 10 && clock_now_us() < end_us;) {
        poll(NULL, 0, 5);
        media_read_counters(media, 0, &c);
    }
    assert_int_equal(c.packets_in, 10);
    assert_int_equal(c.bytes_in, 90);
    assert_int_equal(c.drops[MEDIA_DROP_UNKNOWN_KIND], 10);
    assert_int_equal(c.packets_out, 0);
    close(fd);
    media_stop(media);
}

static void a_stuck_worker_is_seen(void **state) {
    (void)state;
    char error[256];
    struct media *media = start(2, 0, error);
    assert_non_null(media);
    uint64_t now_us = clock_now_us();
    assert_false(media_stuck(media, now_us));
    assert_false(media_stuck(media, now_us - US_PER_SECOND)); // a clock read before the worker's
    // As if nothing had turned for ten seconds; and a while later, that it has turned since.
    assert_true(media_stuck(media, now_us + 10 * US_PER_SECOND));
    uint64_t end_us = now_us + DEADLINE_US;
    while (media_stuck(media, now_us + 5 * US_PER_SECOND + 500 * US_PER_MS) && clock_now_us() < end_us)
        poll(NULL, 0, 5);
    assert_false(media_stuck(media, now_us + 5 * US_PER_SECOND + 500 * US_PER_MS));
    media_stop(media);
}

// Data channels and complete ICE agents have a thread each, which is looked after as the workers' are.
static void each_thread_is_looked_after(void **state) {
    (void)state;
    char error[256];
    const struct ice_pool_config pool = {0};
    for (unsigned with = 0; with < 4; with++) {
        bool data = with & 1, ice = with & 2;
        struct media_config config = {.workers = 2, .data_channels = data, .ice = ice ? &pool : NULL};
        struct media *media = media_start(&config, error, sizeof error);
        assert_non_null(media);
        unsigned found[3] = {0};
        assert_int_equal(media_threads(media), 2 + data + ice);
        uint64_t now_us = clock_now_us(), later_us = now_us + 5 * US_PER_SECOND + 200 * US_PER_MS;
        for (unsigned i = 0; i < media_threads(media); i++) {
            found[media_thread_kind(media, i)]++;
            assert_false(media_thread_stuck(media, i, now_us));
            // Nothing happens: each turns by itself every two seconds.
            for (uint64_t end_us = now_us + DEADLINE_US;
                 with == 3 && media_thread_stuck(media, i, later_us) && clock_now_us() < end_us;)
                poll(NULL, 0, 5);
            assert_true(with < 3 || !media_thread_stuck(media, i, later_us));
            assert_true(media_thread_stuck(media, i, now_us + DEADLINE_US + 10 * US_PER_SECOND));
        }
        assert_int_equal(found[MEDIA_THREAD_WORKER], 2);
        assert_int_equal(found[MEDIA_THREAD_DATA], data);
        assert_int_equal(found[MEDIA_THREAD_ICE], ice);
        media_stop(media);
    }
}

static void every_reason_has_a_name(void **state) {
    (void)state;
    for (int i = 0; i < MEDIA_DROP_COUNT; i++) {
        const char *name = media_drop_name((enum media_drop)i);
        assert_non_null(name);
        for (const char *c = name; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(name, media_drop_name((enum media_drop)k));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_and_stops),
        cmocka_unit_test(a_port_is_given_back),
        cmocka_unit_test(a_busy_port_is_named),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(counters_are_published),
        cmocka_unit_test(a_stuck_worker_is_seen),
        cmocka_unit_test(each_thread_is_looked_after),
        cmocka_unit_test(every_reason_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
