// fair_rate: what a TCP flow would get in our place: the throughput equation and the loss event rate of RFC
// 5348 (sections 3.1 and 5). Pure; owned by one struct bandwidth.
//
// Among downloads that fill a queue, delay says nothing of what is ours, and who sends only what he has to
// send cannot find out by sending more. Losses tell both: a loss event is what is lost within a round trip;
// the mean distance of the last eight events in packets, and the round trip, give a rate that is as high as
// theirs, and that goes up and down slowly. A packet that is told to be lost counts when it has not come a
// moment later.
#ifndef RTP_CC_FAIR_RATE_H
#define RTP_CC_FAIR_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define FAIR_INTERVALS 8

struct fair_rate {                   // all zero to begin with
    float intervals[FAIR_INTERVALS]; // packets from one loss event to the next, the newest first
    uint8_t count;
    float open;        // since the last event
    uint32_t suspects; // told to be lost, and not yet certain
    uint64_t suspected_us, event_us;
};

// From now on, as if the losses so far had allowed this rate.
void fair_rate_begin(struct fair_rate *f, float bps, uint32_t rtt_us, uint64_t now_us);
void fair_rate_revoke(struct fair_rate *f); // one that was told to be lost has come
// At the end of each feedback: packets that came and that were lost for the first time. True: a loss event.
bool fair_rate_feedback(struct fair_rate *f, unsigned came, unsigned lost, uint32_t rtt_us, uint64_t now_us);
float fair_rate_bps(const struct fair_rate *f, uint32_t rtt_us); // 0: nothing is known

#endif
