// round_trip: how long it takes to a peer that sends to us, and back. Pure; now_us is given; a plain struct.
//
// RFC 3611, 4.4 and 4.5: we tell our time (RRTR), and a peer that speaks it answers (DLRR). One that does not
// is asked seldom after ROUND_TRIP_VAIN times; until one answers, the time from a NACK to its repeat counts.
// What is told is believed only about a time that was asked for, and never beyond what has passed since.
#ifndef RTP_ROUND_TRIP_H
#define RTP_ROUND_TRIP_H

#include "rtp/rtcp_read.h"

#include <stdbool.h>
#include <stdint.h>

#define ROUND_TRIP_ASKED 4 // times that are remembered
#define ROUND_TRIP_VAIN 6
#define ROUND_TRIP_UNCLEAR 4
#define ROUND_TRIP_SELDOM 16         // one report of so many asks whoever has not answered
#define ROUND_TRIP_OLD_US 30000000   // after which an answer does not count any more
#define ROUND_TRIP_UNKNOWN_US 100000 // what is assumed before anything is known
// Beyond the round trip: libwebrtc does not repeat again what it repeated within its own measure of the round
// trip and 5 ms, and the pacer that repeats leave by, and timers, take some more.
#define ROUND_TRIP_PATIENCE_US 10000
#define ROUND_TRIP_RETRY_MIN_US 20000
#define ROUND_TRIP_RETRY_MAX_US 1000000

struct round_trip {
    struct {
        uint32_t mid;   // middle 32 bits of what was told, 0: nothing
        uint64_t at_us; // when
    } asked[ROUND_TRIP_ASKED];
    uint8_t next;
    uint8_t vain, skipped;            // asked without an answer; reports that did not ask
    uint64_t told_at_us;              // of the last answer; 0: none
    uint32_t told_us, told_deviation; // smoothed; 0: not known
    uint32_t answer_us, answer_deviation;
    uint8_t unclear; // answers since the last one that could be to one asking alone
};

// The time that the report of now tells, 0: it had better not ask. It counts as asked.
uint64_t round_trip_ask(struct round_trip *rt, uint64_t now_us);
// An answer; false when it answers nothing that was asked, or cannot be.
bool round_trip_told(struct round_trip *rt, const struct rtcp_dlrr_item *item, uint64_t now_us);
// A repeat came so long after it was asked for; `first`: it was asked for once, so that the answer is to that
// one. Else it is an upper bound.
void round_trip_answered(struct round_trip *rt, uint32_t us, bool first);
// 0: not known.
uint32_t round_trip_us(const struct round_trip *rt, uint64_t now_us);
// After how long without an answer something may be asked for again: ROUND_TRIP_RETRY_MIN_US to _MAX_US.
uint32_t round_trip_retry_us(const struct round_trip *rt, uint64_t now_us);

#endif
