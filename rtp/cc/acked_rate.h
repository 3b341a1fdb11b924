// acked_rate: the rate at which acknowledged packets arrived. Pure; owned by one struct bandwidth.
//
// Bytes over the longer of the two spans, that of sending and that of arrival: what came late and at once was
// no faster than it was sent, and who claims that it was gains nothing. After a pause in sending, or when
// their clock jumps, it begins anew.
#ifndef RTP_CC_ACKED_RATE_H
#define RTP_CC_ACKED_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define ACKED_SLICES 16 // power of two

struct acked_slice {
    uint32_t bytes;
    uint64_t sent_us;   // of its last packet
    int64_t arrival_us; // of its last packet
};

struct acked_rate {
    struct acked_slice slices[ACKED_SLICES]; // [n % ACKED_SLICES]
    uint32_t count;                          // slices that were closed, ever since the last reset
    struct acked_slice open;
    bool started;
};

void acked_rate_add(struct acked_rate *rate, uint32_t bytes, uint64_t sent_us, int64_t arrival_us);
// Bytes of which nothing is known but that they were sent before what is added next: taken as arrived.
void acked_rate_untold(struct acked_rate *rate, uint32_t bytes);
void acked_rate_feedback_end(struct acked_rate *rate); // what was added belongs together
// For so long before what is added next a machine had stopped: that says nothing of the link.
void acked_rate_skip(struct acked_rate *rate, uint32_t paused_us);
// Over the last window_us or a little more; 0: not known yet.
uint32_t acked_rate_bps(const struct acked_rate *rate, uint32_t window_us);
// How much longer than its sending the arrival of the same took: above 1 a queue grew; 0: not known.
float acked_rate_stretch(const struct acked_rate *rate, uint32_t window_us);

#endif
