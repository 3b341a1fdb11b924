// rival: a download beside: a flow like TCP, Reno or CUBIC (RFC 9438, with HyStart) as Linux has it, over a
// link on a virtual clock, a millisecond a step. All zero but for link and return_us, to begin with.
#ifndef TESTS_SIM_RIVAL_H
#define TESTS_SIM_RIVAL_H

#include "tests/sim/link.h"

#define RIVAL_START_US UINT64_C(5000000000) // when worlds begin
#define RIVAL_ACKS 8192

// A flow like TCP: Reno, or CUBIC (RFC 9438, with HyStart), as Linux has it. Of a loss it learns by what came
// after, and answers it once a round trip.
struct rival {
    struct link *link;
    bool cubic;
    double window, threshold; // packets
    // Of CUBIC: W_max, the last W_max, W_est, cwnd_epoch, and since when
    double window_most, window_before, window_reno, window_start;
    uint64_t epoch_us; // 0: no loss yet
    uint64_t rtt_us, rtt_least_us, lost;
    unsigned flying;
    uint64_t begin_us, end_us, return_us, recover_us, arrived_bytes; // end 0: never
    uint64_t file_bytes; // that it sends, then nothing for pause_us, and again; 0: without end
    uint64_t pause_us, pause_until_us, file_left;
    struct {
        uint64_t at_us, sent_us;
        bool lost;
    } acks[RIVAL_ACKS];
    unsigned ack_first, ack_count;
};

void rival_step(struct rival *r, uint64_t now_us);

#endif
