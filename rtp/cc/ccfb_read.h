// ccfb_read: a walk over what an RFC 8888 feedback packet tells (section 3.1): for each SSRC which packets
// came, how long before the report, and with which ECN mark. Pure.
//
// ccfb_walk_of() has gone over all of it before: a packet whose blocks end too early yields nothing.
#ifndef RTP_CC_CCFB_READ_H
#define RTP_CC_CCFB_READ_H

#include "base/bytes.h"

#define CCFB_REPORTS_MAX 16384 // of one SSRC

enum ccfb_ecn { CCFB_NOT_ECT, CCFB_ECT_1, CCFB_ECT_0, CCFB_CE };

struct ccfb_walk {
    struct reader blocks, metrics;
    uint32_t ssrc;
    uint16_t seq, left;        // of the block that is open
    uint32_t report_timestamp; // the middle 32 bits of an NTP timestamp: 1/65536 s
};

struct ccfb_status {
    uint32_t ssrc;
    uint16_t seq;
    bool received;
    enum ccfb_ecn ecn;
    // How long before the report it came, in 1/1024 s; CCFB_OFFSET_UNKNOWN: after it, or too long to tell.
    uint16_t offset;
};
#define CCFB_OFFSET_UNKNOWN 0x1ffe // and what is above it

bool ccfb_walk_of(struct span body, struct ccfb_walk *walk);          // false: malformed
bool ccfb_walk_next(struct ccfb_walk *walk, struct ccfb_status *out); // false at the end

#endif
