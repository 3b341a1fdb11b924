// ice_candidate: an ICE candidate, and a line of SDP that tells of one (RFC 8839, section 5.1).
//
// Pure. Any thread.
#ifndef RTP_ICE_CANDIDATE_H
#define RTP_ICE_CANDIDATE_H

#include "base/addr.h"
#include "base/span.h"

#define ICE_CANDIDATE_LINE_MAX 512 // bytes of a line that is looked at

enum ice_candidate_type {
    ICE_CANDIDATE_HOST,
    ICE_CANDIDATE_SRFLX,
    ICE_CANDIDATE_PRFLX,
    ICE_CANDIDATE_RELAY,
};
#define ICE_CANDIDATE_TYPES (ICE_CANDIDATE_RELAY + 1)

struct ice_candidate {
    struct addr address;
    uint32_t priority; // 1..2^31 - 1
    uint8_t type;      // enum ice_candidate_type
};

// What a line is good for.
enum ice_candidate_line {
    ICE_LINE_UDP,   // *out
    ICE_LINE_NAME,  // a name in place of an address: mDNS, which nobody here looks up
    ICE_LINE_OTHER, // over TCP, or of another component than the first
    ICE_LINE_END,   // empty, or a=end-of-candidates: there are no more
    ICE_LINE_BAD,
};

// "candidate:...", with or without "a=" before it. `out` is written for ICE_LINE_UDP alone; `why` for
// ICE_LINE_BAD: what is wrong, lives for ever.
enum ice_candidate_line ice_candidate_read(struct span line, struct ice_candidate *out, const char **why);
// Never NULL; what is no type is "host".
const char *ice_candidate_type_name(unsigned type);

#endif
