// A sender that follows what is told to it, over a link with a queue, on a virtual clock.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/receive_estimate.h"

#include <math.h>
#include <string.h>

#define MS UINT64_C(1000)
#define SECOND (1000 * MS)
#define PACKET 1200
#define QUEUE_MAX 4096
#define AWAY_US (25 * MS) // one way
#define FRAME_US (33 * MS)

enum { BY_SEND_TIME, BY_RTP_TIME };

struct link {
    uint32_t bps;
    uint64_t queue_us;  // longest stay; what would wait longer is lost
    uint32_t jitter_us; // at most
    unsigned lost_of_thousand;
};

struct scene {
    struct receive_estimate estimate;
    struct link link;
    int clock;
    uint64_t app_bps; // what the source makes of what it may send, at most
    uint64_t now_us, free_us, told_us, next_frame_us, last_came_us;
    uint64_t told_bps, most_told_bps, target_bps;
    double budget; // bytes that the pacer may send
    struct {
        uint64_t sent_us, came_us;
        uint32_t clock;
        uint16_t bytes;
    } queue[QUEUE_MAX];
    unsigned first, count;
    uint32_t rtp_time;
    unsigned frame_left; // bytes of the frame that is being sent
    uint64_t received_bytes, longest_us;
    unsigned in_report, lost_in_report, tells;
    uint64_t report_us;
    uint32_t random;
};

static uint32_t chance(struct scene *s) {
    s->random = s->random * 1664525u + 1013904223u;
    return s->random >> 8;
}

static struct scene *scene(struct link link, int clock) {
    static struct scene s;
    memset(&s, 0, sizeof s);
    s.link = link;
    s.clock = clock;
    s.app_bps = 50000000;
    s.target_bps = 300000;
    s.now_us = 1000 * SECOND;
    s.random = 7;
    s.rtp_time = UINT32_MAX - 100000; // wraps
    receive_estimate_init(&s.estimate);
    return &s;
}

static void send_packet(struct scene *s, uint16_t bytes) {
    uint64_t start = s->now_us > s->free_us ? s->now_us : s->free_us;
    s->in_report++;
    if (start - s->now_us > s->link.queue_us || chance(s) % 1000 < s->link.lost_of_thousand ||
        s->count == QUEUE_MAX) {
        s->lost_in_report++;
        return;
    }
    s->free_us = start + bytes * UINT64_C(8) * SECOND / s->link.bps;
    uint64_t came = s->free_us + AWAY_US + (s->link.jitter_us ? chance(s) % s->link.jitter_us : 0);
    if (came < s->last_came_us)
        came = s->last_came_us; // jitter does not reorder
    s->last_came_us = came;
    if (s->free_us - s->now_us > s->longest_us)
        s->longest_us = s->free_us - s->now_us;
    unsigned at = (s->first + s->count++) % QUEUE_MAX;
    uint32_t ast = (uint32_t)(((s->now_us << 18) / SECOND) & 0xffffff) << 8;
    s->queue[at].sent_us = s->now_us;
    s->queue[at].came_us = came;
    s->queue[at].clock = s->clock == BY_SEND_TIME ? ast : s->rtp_time;
    s->queue[at].bytes = bytes;
}

// A frame each 33 ms, paced at twice and a half the target.
static void source(struct scene *s) {
    uint64_t bps = s->target_bps < s->app_bps ? s->target_bps : s->app_bps;
    if (s->now_us >= s->next_frame_us) {
        s->next_frame_us = s->now_us + FRAME_US;
        s->rtp_time += FRAME_US * 9 / 100;
        s->frame_left += (unsigned)(bps * FRAME_US / (8 * SECOND));
    }
    s->budget = fmin(s->budget + (double)bps * 2.5 / 8000, 2 * PACKET); // a millisecond's
    while (s->frame_left > 0 && s->budget >= PACKET) {
        uint16_t bytes = (uint16_t)(s->frame_left < PACKET ? s->frame_left : PACKET);
        send_packet(s, bytes);
        s->frame_left -= bytes;
        s->budget -= bytes;
    }
}

static void sink(struct scene *s) {
    while (s->count > 0 && s->queue[s->first].came_us <= s->now_us) {
        unsigned at = s->first;
        s->first = (s->first + 1) % QUEUE_MAX;
        s->count--;
        s->received_bytes += s->queue[at].bytes;
        receive_estimate_add(&s->estimate, s->queue[at].bytes, s->queue[at].clock,
                             s->clock == BY_SEND_TIME ? ABS_SEND_TIME_HZ : 90000, s->queue[at].came_us);
    }
    if (s->now_us >= s->report_us + SECOND) {
        unsigned fraction = s->in_report ? s->lost_in_report * 256 / s->in_report : 0;
        receive_estimate_loss(&s->estimate, (uint8_t)(fraction > 255 ? 255 : fraction), s->now_us);
        s->in_report = s->lost_in_report = 0;
        s->report_us = s->now_us;
    }
    if (s->now_us >= receive_estimate_next_us(&s->estimate)) {
        uint64_t bps = receive_estimate_tell(&s->estimate, s->now_us);
        s->tells += bps != 0;
        if (bps) {
            s->told_bps = bps;
            s->told_us = s->now_us + AWAY_US;
        }
        if (bps > s->most_told_bps)
            s->most_told_bps = bps;
    }
    if (s->told_us && s->now_us >= s->told_us) {
        s->target_bps = s->told_bps;
        s->told_us = 0;
    }
}

static void run(struct scene *s, uint64_t us) {
    s->received_bytes = 0;
    s->longest_us = 0;
    s->tells = 0;
    for (uint64_t end = s->now_us + us; s->now_us < end; s->now_us += MS) {
        source(s);
        sink(s);
    }
}

static uint64_t came_bps(const struct scene *s, uint64_t us) {
    return s->received_bytes * 8 * SECOND / us;
}

static void it_finds_what_fits(void **state) {
    (void)state;
    static const struct {
        struct link link;
        int clock;
        unsigned least_percent;
    } rows[] = {
        {{300000, 500 * MS, 0, 0}, BY_SEND_TIME, 65},    {{1000000, 300 * MS, 0, 0}, BY_SEND_TIME, 70},
        {{3000000, 300 * MS, 0, 0}, BY_SEND_TIME, 70},   {{10000000, 300 * MS, 0, 0}, BY_SEND_TIME, 70},
        {{1000000, 300 * MS, 0, 0}, BY_RTP_TIME, 65},    {{3000000, 300 * MS, 0, 0}, BY_RTP_TIME, 65},
        {{1000000, 300 * MS, 20000, 0}, BY_SEND_TIME, 55}, {{3000000, 300 * MS, 20000, 20}, BY_SEND_TIME, 55},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = scene(rows[i].link, rows[i].clock);
        run(s, 20 * SECOND);
        run(s, 60 * SECOND);
        print_message("%u bit/s by %d: %u %%, longest queue %u ms\n", rows[i].link.bps, rows[i].clock,
                      (unsigned)(came_bps(s, 60 * SECOND) * 100 / rows[i].link.bps),
                      (unsigned)(s->longest_us / MS));
        assert_in_range(came_bps(s, 60 * SECOND) * 100 / rows[i].link.bps, rows[i].least_percent, 100);
        assert_true(s->longest_us < 280 * MS); // and does not stand in the queue
    }
}

static void it_is_quick_at_first(void **state) {
    (void)state;
    struct scene *s = scene((struct link){5000000, 300 * MS, 0, 0}, BY_SEND_TIME);
    run(s, 5 * SECOND);
    print_message("told after 5 s: %llu\n", (unsigned long long)s->told_bps);
    assert_true(s->told_bps > 1500000);
}

static void it_follows_a_link_that_changes(void **state) {
    (void)state;
    struct scene *s = scene((struct link){2500000, 1000 * MS, 0, 0}, BY_SEND_TIME);
    run(s, 30 * SECOND);
    s->link.bps = 500000;
    run(s, 5 * SECOND);
    run(s, 10 * SECOND);
    print_message("500 kbit/s: %llu, queue %u ms\n", (unsigned long long)came_bps(s, 10 * SECOND),
                  (unsigned)(s->longest_us / MS));
    assert_in_range(came_bps(s, 10 * SECOND), 320000, 500000);
    assert_true(s->longest_us < 300 * MS);
    s->link.bps = 2500000;
    run(s, 20 * SECOND);
    run(s, 5 * SECOND);
    print_message("2.5 Mbit/s again: %llu\n", (unsigned long long)came_bps(s, 5 * SECOND));
    assert_true(came_bps(s, 5 * SECOND) > 1500000);
}

static void who_sends_little_keeps_what_it_may(void **state) {
    (void)state;
    struct scene *s = scene((struct link){5000000, 300 * MS, 5000, 0}, BY_SEND_TIME);
    s->app_bps = 400000;
    run(s, 30 * SECOND);
    assert_in_range(s->told_bps, 400000, 700000); // half of what comes more, which a source needs to grow
    run(s, 10 * SECOND);
    assert_in_range(s->tells, 9, 42);
    s->app_bps = 50000000;
    run(s, 20 * SECOND);
    assert_true(s->told_bps > 1400000);
}

static void loss_lowers_it(void **state) {
    (void)state;
    struct scene *s = scene((struct link){5000000, 300 * MS, 0, 0}, BY_SEND_TIME);
    run(s, 10 * SECOND);
    uint64_t before = s->told_bps;
    s->link.lost_of_thousand = 300;
    run(s, 10 * SECOND);
    uint64_t lowest = s->told_bps;
    assert_in_range(lowest, before / 20, before / 2);
    s->link.lost_of_thousand = 50; // repaired, not congestion
    run(s, 20 * SECOND);
    assert_true(s->told_bps > 2 * lowest);
}

static void nothing_is_told_of_nothing(void **state) {
    (void)state;
    struct receive_estimate e;
    receive_estimate_init(&e);
    assert_true(receive_estimate_next_us(&e) == TIME_NEVER);
    assert_int_equal(receive_estimate_tell(&e, SECOND), 0);
    receive_estimate_loss(&e, 255, SECOND);
    receive_estimate_add(&e, 1000, 5, 90000, SECOND);
    assert_true(receive_estimate_next_us(&e) == TIME_NEVER); // it is too early to say
    receive_estimate_add(&e, 1000, 6, 90000, SECOND + RECEIVE_ESTIMATE_FIRST_US);
    assert_true(receive_estimate_next_us(&e) <= SECOND + RECEIVE_ESTIMATE_FIRST_US);
    assert_int_not_equal(receive_estimate_tell(&e, SECOND + RECEIVE_ESTIMATE_FIRST_US), 0);
    assert_true(receive_estimate_next_us(&e) == TIME_NEVER); // until something comes
}

// Clocks that jump, stand still, run backwards or lie: it stays within its bounds and within what comes.
static void clocks_that_lie_gain_nothing(void **state) {
    (void)state;
    for (unsigned how = 0; how < 6; how++) {
        struct receive_estimate e;
        uint32_t random = how, clock = 0;
        uint64_t most = 0;
        receive_estimate_init(&e);
        for (uint64_t ms = 1; ms <= 60000; ms++) { // 1 Mbit/s
            random = random * 1664525u + 1013904223u;
            clock = how == 0   ? random
                    : how == 1 ? 0
                    : how == 2 ? clock - 90
                    : how == 3 ? clock + 0x7fffffff
                    : how == 4 ? clock + 90 + 8 * (random >> 29)
                               : (uint32_t)ms * 45;
            receive_estimate_add(&e, 125, clock, how == 4 && ms % 2 ? 48000 : 90000, ms * MS);
            if (ms * MS < receive_estimate_next_us(&e))
                continue;
            uint64_t bps = receive_estimate_tell(&e, ms * MS);
            most = bps > most ? bps : most;
            assert_true(bps == 0 || bps >= RECEIVE_ESTIMATE_MIN_BPS);
        }
        assert_in_range(most, RECEIVE_ESTIMATE_MIN_BPS, 1600000);
    }
}

// A pause, then the same again: what was found before it holds.
static void a_pause_takes_nothing_away(void **state) {
    (void)state;
    struct scene *s = scene((struct link){3000000, 300 * MS, 0, 0}, BY_SEND_TIME);
    run(s, 30 * SECOND);
    uint64_t before = s->told_bps;
    s->app_bps = 1;
    run(s, 20 * SECOND);
    s->app_bps = 50000000;
    run(s, 3 * SECOND);
    assert_true(s->told_bps > before / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_what_fits),
        cmocka_unit_test(it_is_quick_at_first),
        cmocka_unit_test(it_follows_a_link_that_changes),
        cmocka_unit_test(who_sends_little_keeps_what_it_may),
        cmocka_unit_test(loss_lowers_it),
        cmocka_unit_test(nothing_is_told_of_nothing),
        cmocka_unit_test(clocks_that_lie_gain_nothing),
        cmocka_unit_test(a_pause_takes_nothing_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
