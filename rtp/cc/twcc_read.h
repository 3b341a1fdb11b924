// twcc_read: a walk over what a transport-wide feedback packet tells, sending side
// (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1). Pure.
//
// The walk is made of chunks and deltas as they stand; twcc_walk_of() has gone over all of it before, so that
// what the walk yields is there: a packet whose chunks or deltas end too early yields nothing at all.
#ifndef RTP_CC_TWCC_READ_H
#define RTP_CC_TWCC_READ_H

#include "base/bytes.h"

#define TWCC_TICK_US 250

struct twcc_walk {
    struct reader chunks, deltas;
    uint16_t seq;  // of the next status
    uint16_t left; // statuses that are still to come
    uint16_t chunk;
    uint8_t chunk_left, chunk_total; // statuses of a vector that are still to come, and how many it had
    uint16_t run_left;
    uint8_t run_symbol;
    int64_t arrival_ticks; // since the reference time's own origin
    uint32_t reference;    // 24 bits, in 64 ms
    uint8_t feedback_count;
};

struct twcc_status {
    uint16_t seq;
    bool received;
    int64_t arrival_ticks; // of 250 us, from reference 0; if received
};

// False: malformed.
bool twcc_walk_of(struct span fci, struct twcc_walk *walk);
bool twcc_walk_next(struct twcc_walk *walk, struct twcc_status *out); // false at the end
// Whether the next statuses are run_left (or the `left` that remain) packets that came, each with a delta of
// one byte, which stand in a row at deltas.ptr. Opens the next chunk.
bool twcc_walk_in_run(struct twcc_walk *walk);
// So many of them have been read there; the last one came at arrival_ticks.
void twcc_walk_skip(struct twcc_walk *walk, unsigned count, int64_t arrival_ticks);

#endif
