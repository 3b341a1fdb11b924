// receive_estimate: how much a sender may send to us, where it cannot be told when each packet came: the
// receiver's side of draft-ietf-rmcat-gcc-02 (sections 5 and 6), for REMB (draft-alvestrand-rmcat-remb).
// Pure; plain struct; now_us is given.
//
// The estimate follows what comes: it grows by at most half of that beyond it, goes to 85 % of it when the
// queue grows (receive_trend.h), and below it while more than a tenth is lost. A sender that sends less than
// it may keeps its estimate. It is within RECEIVE_ESTIMATE_MIN_BPS .. RECEIVE_ESTIMATE_MAX_BPS whatever
// comes.
#ifndef RTP_RECEIVE_ESTIMATE_H
#define RTP_RECEIVE_ESTIMATE_H

#include "rtp/receive_trend.h"
#include "rtp/stream_stats.h"

#define RECEIVE_ESTIMATE_MIN_BPS 50000
#define RECEIVE_ESTIMATE_MAX_BPS 200000000
#define RECEIVE_ESTIMATE_FIRST_US 300000 // of arrivals, before there is an estimate
#define RECEIVE_ESTIMATE_SOON_US 250000  // between two that are told while it grows
#define RECEIVE_ESTIMATE_REPEAT_US 1000000

struct receive_estimate {
    struct receive_trend trend;
    struct rate_meter rate;
    uint64_t first_us;        // of the first arrival; 0: none yet
    uint64_t updated_us;      // when it last grew
    uint64_t lowered_us;      // when it last went down; 0: never
    uint64_t bps, told_bps;   // 0: none yet
    uint64_t told_us, due_us; // TIME_NEVER: nothing is to be told
    double capacity_bps;      // what came when the queue last grew, smoothed; 0: not known
};

void receive_estimate_init(struct receive_estimate *estimate);
// A packet. `clock` as in receive_trend.h; clock_hz 0: it is not known when it was sent.
void receive_estimate_add(struct receive_estimate *estimate, uint32_t bytes, uint32_t clock,
                          uint32_t clock_hz, uint64_t now_us);
// What a report about a stream says of losses, of 256.
void receive_estimate_loss(struct receive_estimate *estimate, uint8_t fraction_lost, uint64_t now_us);
// When the next one is to be told; TIME_NEVER while nothing comes.
uint64_t receive_estimate_next_us(const struct receive_estimate *estimate);
// At that time: what to tell, 0 for nothing.
uint64_t receive_estimate_tell(struct receive_estimate *estimate, uint64_t now_us);

#endif
