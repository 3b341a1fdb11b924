// segment_refusals: to whom datagrams go one by one, since UDP_SEGMENT was refused on the way there. Pure;
// plain struct; now_us is given.
//
// A path with a small MTU refuses for its own peer: after SEGMENT_REFUSALS_PEER refusals that peer's
// datagrams go singly for SEGMENT_REST_US, twice as long each time that it is refused again,
// SEGMENT_REST_MAX_US at most. When SEGMENT_REFUSALS_ALL come in a row, from whomever, and nothing is taken
// in between, it is likely the machine that cannot: then everybody's go singly for SEGMENT_REST_ALL_US.
// Nothing is for good, since a route may get better and an interface may be exchanged.
#ifndef TRANSPORT_SEGMENT_REFUSALS_H
#define TRANSPORT_SEGMENT_REFUSALS_H

#include "base/addr.h"

#define SEGMENT_REFUSALS_PEER 2
#define SEGMENT_REFUSALS_ALL 32
#define SEGMENT_REST_US UINT64_C(10000000)
#define SEGMENT_REST_MAX_US UINT64_C(320000000)
#define SEGMENT_REST_ALL_US UINT64_C(60000000)
#define SEGMENT_REFUSAL_SLOTS 256 // power of two; of those that share one, the last is remembered

struct segment_refusals {
    uint32_t held;     // slots in use
    uint32_t in_a_row; // refusals since something was taken
    uint64_t all_until_us;
    struct segment_refusal {
        struct tuple to;
        uint64_t until_us;
        uint8_t count, rests;
    } slots[SEGMENT_REFUSAL_SLOTS];
};

// Nobody has refused lately, which is how it mostly is.
static inline bool segment_refusals_none(const struct segment_refusals *refusals) {
    return refusals->held == 0 && refusals->in_a_row == 0 && refusals->all_until_us == 0;
}
// `hash` is the tuple's, the same each time.
bool segment_refusals_allow(const struct segment_refusals *refusals, const struct tuple *to, uint64_t hash,
                            uint64_t now_us);
// Several datagrams as one message were refused, and went singly. True: it is given up for everybody now.
bool segment_refusals_note(struct segment_refusals *refusals, const struct tuple *to, uint64_t hash,
                           uint64_t now_us);
void segment_refusals_taken(struct segment_refusals *refusals, const struct tuple *to, uint64_t hash);

#endif
