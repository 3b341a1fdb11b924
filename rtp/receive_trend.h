// receive_trend: whether the queue in front of us grows, from when packets were sent and when they came
// (draft-ietf-rmcat-gcc-02, sections 5.2 to 5.4, on the receiver's side). Pure; plain struct.
//
// Packets that were sent within DELAY_GROUP_US are one group; the trend of how much later each group comes
// than the one before is held against a threshold that adapts to the path. The sender's clock may have any
// origin, wrap and drift; nothing that it says moves anything but this verdict.
//
// rtp/cc/delay_trend.h judges what we send by the same method, and is not this module twice: it knows its own
// clock of sending, and takes of a group the packet that took least, where here, with bursts of a browser's
// pacer, the last one counts; groups there grow with the jitter, jitter and queue are measured as well, and
// it keeps floats, since there are thousands of it. One module for both would be each of the two behind a
// switch, and figures would change on one side. What they have in common are the constants of the draft.
#ifndef RTP_RECEIVE_TREND_H
#define RTP_RECEIVE_TREND_H

#include <stdbool.h>
#include <stdint.h>

#define DELAY_GROUP_US 5000
#define RECEIVE_TREND_WINDOW 20     // groups
#define DELAY_CLOCK_JUMP_US 3000000 // a sender's clock that jumps so far begins anew
#define ABS_SEND_TIME_HZ (1u << 26) // of an abs-send-time that is shifted into the upper 24 bits

enum delay_verdict { DELAY_NORMAL, DELAY_OVERUSE, DELAY_UNDERUSE };

struct delay_group {
    uint32_t first_clock, last_clock;
    uint64_t first_us, last_us; // of arrival
};

struct receive_trend {
    bool open, complete; // there is a present group; and one before it
    struct delay_group now, before;
    uint32_t clock_hz;
    double accumulated_ms, smoothed_ms;
    struct {
        double at_ms, delay_ms;
    } samples[RECEIVE_TREND_WINDOW];
    unsigned count;     // groups since the beginning, of which the last ones are in samples
    uint64_t origin_us; // of at_ms
    double trend_before, threshold_ms, over_ms;
    unsigned overs;
    uint64_t threshold_us; // when the threshold was last moved; 0: never
    enum delay_verdict verdict;
};

void receive_trend_init(struct receive_trend *trend);
// A packet: when it was sent, in ticks of clock_hz modulo 2^32, and when it came. clock_hz is the same for
// all of them, or everything begins anew.
void receive_trend_add(struct receive_trend *trend, uint32_t clock, uint32_t clock_hz, uint64_t now_us);

#endif
