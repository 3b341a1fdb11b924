// Who makes room at the door for media over TCP. The workers have ended, so whoever was given to one stays a
// stranger.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "server/tcp_door.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define STRANGERS 2
#define HOLD_US 200000

struct bench {
    uv_loop_t loop;
    struct media *media;
    struct tcp_door *door;
    uint16_t port;
    int clients[8];
    unsigned count;
};

static int bench_begin_held(void **state, uint64_t hold_us) {
    static struct bench bench;
    char error[256] = "";
    bench = (struct bench){0};
    struct media_config config = {.workers = 1, .tcp = true};
    *state = &bench;
    uv_loop_init(&bench.loop);
    bench.media = media_start(&config, error, sizeof error);
    if (!bench.media)
        return 0; // memory was short: each test looks
    media_halt(bench.media);
    bench.port = media_port(bench.media);
    struct tcp_door_config door = {.loop = &bench.loop,
                                   .media = bench.media,
                                   .port = bench.port,
                                   .connections_max = STRANGERS + 2,
                                   .hold_us = hold_us,
                                   .strangers_max = STRANGERS};
    bench.door = tcp_door_open(&door, error, sizeof error);
    return 0;
}

static int bench_begin(void **state) {
    return bench_begin_held(state, 0);
}

static int bench_begin_slow(void **state) {
    return bench_begin_held(state, HOLD_US);
}

static int bench_end(void **state) {
    struct bench *b = *state;
    for (unsigned i = 0; i < b->count; i++)
        close(b->clients[i]);
    tcp_door_shut(b->door);
    while (uv_run(&b->loop, UV_RUN_DEFAULT))
        continue;
    media_stop(b->media);
    tcp_door_destroy(b->door);
    return uv_loop_close(&b->loop);
}

static struct tcp_door_counts counts(const struct bench *b) {
    struct tcp_door_counts counts;
    tcp_door_read(b->door, &counts);
    return counts;
}

// Is let in; with the first packet of a peer of worker 0, or silent.
static void come(struct bench *b, bool speaks) {
    static const char name[] = "00aaaaaaaaaaaaaa:peer";
    uint8_t frame[2 + 20 + 28] = {0, 48, 0, 1, 0, 28, 0x21, 0x12, 0xa4, 0x42};
    store_be16(frame + 22, 6); // USERNAME
    store_be16(frame + 24, sizeof name - 1);
    memcpy(frame + 26, name, sizeof name - 1);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(b->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    uint64_t before = counts(b).accepted + counts(b).refused_address + counts(b).refused_full;
    uint64_t refused = counts(b).refused_full;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    b->clients[b->count++] = fd;
    for (char none; counts(b).accepted + counts(b).refused_address + counts(b).refused_full == before;) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        if (recv(fd, &none, 1, MSG_DONTWAIT) == 0 && counts(b).refused_full == refused)
            fail_msg("closed without a reason");
    }
    if (!speaks)
        return;
    assert_int_equal(send(fd, frame, sizeof frame, MSG_NOSIGNAL), sizeof frame);
    uv_run(&b->loop, UV_RUN_ONCE);
    for (unsigned turn = 0; turn < 3; turn++)
        uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void who_says_nothing_makes_room(void **state) {
    struct bench *b = *state;
    if (!b->door)
        return;
    for (unsigned i = 0; i < 2 * STRANGERS; i++)
        come(b, false);
    assert_int_equal(counts(b).accepted, 2 * STRANGERS);
    assert_int_equal(counts(b).refused_full, STRANGERS);
    assert_int_equal(counts(b).strangers, STRANGERS);
}

// A guest may send checks of its own that are never good, from many addresses: that closes the door to
// nobody.
static void who_has_spoken_and_is_not_proven_makes_room(void **state) {
    struct bench *b = *state;
    if (!b->door)
        return;
    for (unsigned i = 0; i < STRANGERS + 2; i++)
        come(b, true);
    assert_int_equal(counts(b).accepted, STRANGERS + 2);
    assert_int_equal(counts(b).refused_full, 2);
    assert_int_equal(counts(b).refused_other, 0);
    assert_int_equal(counts(b).strangers, STRANGERS);
    come(b, true); // connections_max stands, though
    assert_int_equal(counts(b).accepted, STRANGERS + 2);
    assert_int_equal(counts(b).refused_full, 3);
}

// Who has spoken waits for a while before a worker has it, and is not closed for others meanwhile.
static void who_has_spoken_is_held(void **state) {
    struct bench *b = *state;
    if (!b->door)
        return;
    uint64_t start_us = clock_now_us();
    for (unsigned i = 0; i < STRANGERS; i++)
        come(b, true);
    come(b, true);
    if (clock_now_us() - start_us < HOLD_US) { // else this machine is busy
        assert_int_equal(counts(b).accepted, STRANGERS);
        assert_int_equal(counts(b).refused_full, 1);
    }
    uint64_t refused = counts(b).refused_full, accepted = counts(b).accepted;
    uv_timer_t turn;
    uv_timer_init(&b->loop, &turn);
    uv_timer_start(&turn, (uv_timer_cb)(void *)uv_timer_stop, 2 * HOLD_US / 1000, 0);
    while (uv_is_active((uv_handle_t *)&turn))
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&turn, NULL);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    come(b, true); // now the first of them, which a worker has, makes room
    assert_int_equal(counts(b).accepted, accepted + 1);
    assert_int_equal(counts(b).refused_full, refused + 1);
    assert_int_equal(counts(b).refused_other + counts(b).refused_late, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_says_nothing_makes_room, bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(who_has_spoken_and_is_not_proven_makes_room, bench_begin, bench_end),
        cmocka_unit_test_setup_teardown(who_has_spoken_is_held, bench_begin_slow, bench_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
