// Rooms over the real hub, the real media workers and real sockets: who sends and who receives over threads.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/kit/conference.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_US (60 * US_PER_SECOND) // a hang, not a speed limit

static void turn_until_ready(struct conference *c) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    while (!conference_ready(c) && clock_now_us() < end_us)
        conference_turn(c, 5);
    assert_true(conference_ready(c));
    assert_int_equal(conference_errors(c), 0);
}

// Everybody must get `expected` packets in all.
static void turn_until_received(struct conference *c, unsigned participants, const uint64_t *expected) {
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    for (unsigned i = 0; i < participants; i++) {
        while (conference_received(c, i) < expected[i] && clock_now_us() < end_us)
            conference_turn(c, 5);
        if (conference_received(c, i) != expected[i])
            print_error("participant %u of %u\n", i, participants);
        assert_int_equal(conference_received(c, i), expected[i]);
    }
}

static void hold_conference_at(const char *address, unsigned workers, unsigned participants,
                               unsigned per_worker) {
    struct conference_config config = {.workers = workers,
                                       .participants = participants,
                                       .audio_publishers = participants,
                                       .video_publishers = 2,
                                       .participants_per_worker = per_worker,
                                       .address = address};
    struct conference *c = conference_open(&config);
    assert_non_null(c);
    turn_until_ready(c);
    uint64_t expected[64] = {0};
    for (unsigned round = 0; round < 10; round++) {
        conference_send_audio(c, 80);
        conference_send_video(c, 1000, true, true, true);
        for (unsigned i = 0; i < participants; i++)
            expected[i] += participants - 1 + 2 - (i < 2);
        turn_until_received(c, participants, expected);
    }
    assert_int_equal(conference_unexpected(c), 0);
    conference_close(c);
}

static void hold_conference(unsigned workers, unsigned participants, unsigned per_worker) {
    hold_conference_at(NULL, workers, participants, per_worker);
}

static void two_people_on_one_worker(void **state) {
    (void)state;
    hold_conference(1, 2, 0);
}

static void six_people_on_two_workers(void **state) {
    (void)state;
    hold_conference(2, 6, 3);
}

static void sixty_people_on_four_workers(void **state) {
    (void)state;
    hold_conference(4, 60, 15);
}

static bool has_ipv6(void) {
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static void four_people_over_ipv6(void **state) {
    (void)state;
    if (!has_ipv6()) {
        print_message("this machine has no IPv6\n");
        skip();
    }
    hold_conference_at("::1", 2, 4, 2);
}

// A server that is known under one of several addresses answers from that one.
static void four_people_at_another_address(void **state) {
    (void)state;
    hold_conference_at("127.0.0.2", 2, 4, 2);
}

// A client whose address changes goes on where it was: its next check validates the new tuple.
static void an_address_changes_in_mid_call(void **state) {
    (void)state;
    struct conference_config config = {
        .workers = 2, .participants = 2, .audio_publishers = 2, .participants_per_worker = 1};
    struct conference *c = conference_open(&config);
    assert_non_null(c);
    turn_until_ready(c);
    for (unsigned move = 0; move < 5; move++) {
        uint64_t before[2] = {conference_received(c, 0), conference_received(c, 1)};
        assert_true(conference_move(c, 0));
        uint64_t end_us = clock_now_us() + DEADLINE_US;
        while ((conference_received(c, 0) < before[0] + 3 || conference_received(c, 1) < before[1] + 3) &&
               clock_now_us() < end_us) {
            conference_send_audio(c, 80);
            conference_turn(c, 5);
        }
        assert_true(conference_received(c, 0) >= before[0] + 3);
        assert_true(conference_received(c, 1) >= before[1] + 3);
    }
    assert_int_equal(conference_unexpected(c), 0);
    conference_close(c);
}

static uint64_t handed_over(struct conference *c, unsigned workers) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < workers; i++) {
        struct media_counters one;
        media_read_counters(conference_media(c), i, &one);
        sum += one.handed_over;
    }
    return sum;
}

// At first many come in at a worker that does not own their peer; then the kernel learns where they belong.
static void datagrams_come_in_where_their_peers_are(void **state) {
    (void)state;
    struct conference_config config = {
        .workers = 4, .participants = 12, .audio_publishers = 12, .participants_per_worker = 3};
    struct conference *c = conference_open(&config);
    assert_non_null(c);
    turn_until_ready(c);
    uint64_t end_us = clock_now_us() + DEADLINE_US, before = 0, published_us = 0;
    bool steady = false; // a while in which everybody sent and nothing was handed over
    while (!steady && clock_now_us() < end_us) {
        conference_send_audio(c, 80);
        conference_turn(c, 5);
        if (clock_now_us() < published_us + 3 * US_PER_SECOND) // longer than counters take to be published
            continue;
        uint64_t now = handed_over(c, config.workers);
        steady = published_us != 0 && now == before;
        before = now;
        published_us = clock_now_us();
    }
    assert_true(steady);
    assert_true(before > 0);
    assert_int_equal(conference_unexpected(c), 0);
    conference_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_people_on_one_worker),
        cmocka_unit_test(six_people_on_two_workers),
        cmocka_unit_test(sixty_people_on_four_workers),
        cmocka_unit_test(four_people_over_ipv6),
        cmocka_unit_test(four_people_at_another_address),
        cmocka_unit_test(an_address_changes_in_mid_call),
        cmocka_unit_test(datagrams_come_in_where_their_peers_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
