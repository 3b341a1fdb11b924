// What publishers at all rates hear of what arrives: all of it, once, soon, and what that costs.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rtp/cc/twcc_read.h"
#include "rtp/rtcp_write.h"
#include "rtp/twcc.h"

#define OVERHEAD_BYTES 42 // IPv4, UDP, SRTCP
#define SECONDS 30u
#define PAUSE_AT_MS 10000
#define PAUSE_MS 60000
#define NUMBERS 65536
#define FLYING_MAX 2048

struct uplink {
    const char *what;
    uint32_t rate_bps;
    uint16_t packet_bytes, frame_us; // 0: packets come evenly
    unsigned loss_permille;
    uint32_t jitter_us; // later ones overtake
    bool pauses;        // sends nothing for a minute after a third of it, and then what has waited
    double share_max;   // of the rate that feedback takes
};

struct sender {
    const struct uplink *up;
    struct twcc_recorder *recorder;
    uint64_t random, now_us, due_bits;
    uint16_t number;
    struct {
        uint64_t at_us;
        uint16_t number;
    } flying[FLYING_MAX];
    unsigned flying_count;
    uint64_t came_us[NUMBERS]; // 0: not, or told already
    uint64_t bytes, told_bytes, feedbacks, latest_us, told, came, again;
};

static uint32_t random_next(struct sender *s) {
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(s->random >> 33);
}

static void send(struct sender *s) {
    bool frame = s->up->frame_us == 0 || s->now_us % s->up->frame_us < US_PER_MS;
    s->due_bits += s->up->rate_bps / 1000;
    while (frame && s->due_bits >= s->up->packet_bytes * 8u && s->flying_count < FLYING_MAX) {
        s->due_bits -= s->up->packet_bytes * 8u;
        s->number++;
        if (random_next(s) % 1000 < s->up->loss_permille)
            continue;
        uint64_t late_us = s->up->jitter_us ? random_next(s) % s->up->jitter_us : 0;
        s->flying[s->flying_count].at_us = s->now_us + late_us;
        s->flying[s->flying_count++].number = s->number;
    }
}

static void arrive(struct sender *s) {
    unsigned kept = 0;
    for (unsigned i = 0; i < s->flying_count; i++) {
        if (s->flying[i].at_us > s->now_us) {
            s->flying[kept++] = s->flying[i];
            continue;
        }
        twcc_recorder_add(s->recorder, s->flying[i].number, s->now_us);
        assert_int_equal(s->came_us[s->flying[i].number], 0); // what was sent a wrap ago has been told
        s->came_us[s->flying[i].number] = s->now_us;
        s->bytes += s->up->packet_bytes;
        s->came++;
    }
    s->flying_count = kept;
}

static void read_feedback(struct sender *s, struct span datagram) {
    size_t padding = datagram.ptr[0] & 0x20 ? datagram.ptr[datagram.len - 1] : 0;
    struct twcc_walk walk;
    assert_true(twcc_walk_of(span_of(datagram.ptr + 12, datagram.len - 12 - padding), &walk));
    for (struct twcc_status status; twcc_walk_next(&walk, &status);) {
        if (!status.received)
            continue;
        uint64_t came_us = s->came_us[status.seq];
        if (came_us == 0) { // told before: with one that came late
            s->again++;
            continue;
        }
        int64_t off_us = status.arrival_ticks * TWCC_TICK_US -
                         (int64_t)(came_us % (UINT64_C(64000) << 24)); // the reference has 24 bits
        assert_in_range(off_us + TWCC_TICK_US, 0, 2 * TWCC_TICK_US);
        s->latest_us = s->now_us - came_us > s->latest_us ? s->now_us - came_us : s->latest_us;
        s->came_us[status.seq] = 0;
        s->told++;
    }
}

static void tell(struct sender *s) {
    size_t bytes = 0;
    if (s->now_us < twcc_recorder_next_us(s->recorder))
        return;
    for (;;) {
        uint8_t out[RTCP_DATAGRAM_MAX];
        struct writer w = writer_of(out, sizeof out);
        if (!twcc_recorder_write(s->recorder, &w, 1, 2, s->now_us))
            break;
        read_feedback(s, span_of(out, w.len));
        bytes += w.len + OVERHEAD_BYTES;
        s->feedbacks++;
    }
    s->told_bytes += bytes;
    twcc_recorder_pace(s->recorder, bytes, s->up->rate_bps);
}

static void publishers_at_all_rates(void **state) {
    (void)state;
    static const struct uplink rows[] = {
        {"sound alone", 40000, 100, 0, 0, 0, false, 0.3},
        {"300 kbit/s", 300000, 700, 33000, 0, 0, false, 0.055},
        {"300 kbit/s that loses a tenth", 300000, 700, 33000, 100, 0, false, 0.06},
        {"2 Mbit/s", 2000000, 1100, 33000, 0, 0, false, 0.02},
        {"2 Mbit/s, out of order", 2000000, 1100, 33000, 20, 60000, false, 0.03},
        {"50 Mbit/s, through two wraps", 50000000, 1100, 0, 0, 0, false, 0.01},
        {"a minute of silence, then a burst", 2000000, 1100, 33000, 20, 30000, true, 0.03},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender *s = calloc(1, sizeof *s);
        if (!s)
            return;
        *s = (struct sender){.up = &rows[i],
                             .recorder = twcc_recorder_create(),
                             .now_us = UINT64_C(7000000000),
                             .number = 65000};
        if (!s->recorder) {
            free(s);
            return;
        }
        for (unsigned ms = 0; ms < (SECONDS + (rows[i].pauses ? 60u : 0)) * 1000;
             ms++, s->now_us += US_PER_MS) {
            if (rows[i].pauses && ms == PAUSE_AT_MS + PAUSE_MS)
                s->due_bits = UINT64_C(400) * rows[i].packet_bytes * 8;
            if (!rows[i].pauses || ms < PAUSE_AT_MS || ms >= PAUSE_AT_MS + PAUSE_MS)
                send(s);
            arrive(s);
            tell(s);
        }
        double share = (double)s->told_bytes / (double)s->bytes;
        print_message("%s: %.1f %% of the rate, each %.0f ms, %.0f ms late at most, %.2f times\n",
                      rows[i].what, 100 * share, SECONDS * 1000.0 / (double)s->feedbacks,
                      (double)s->latest_us / 1000, 1 + (double)s->again / (double)s->told);
        assert_true(share < rows[i].share_max && s->again < s->told / 2);
        assert_true(s->latest_us <= FEEDBACK_INTERVAL_MAX_US + US_PER_MS);
        assert_in_range(s->came - s->told, 0, FEEDBACK_PACKETS_SOON + 250); // the last ones wait
        twcc_recorder_destroy(s->recorder);
        free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(publishers_at_all_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
