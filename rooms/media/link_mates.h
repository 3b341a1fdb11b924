// link_mates: which transports of a forwarder share a full link, found by their queues; and what is whose of
// it. Pure; worker side.
//
// Who waits in one queue waits as long. After each feedback a transport whose link is full puts the queue
// that its receiver shows on the forwarder's board, and compares it with what others have put there just
// before: as long speaks for one link, clearly another length against it, a vote each MATES_VOTE_US. Queues
// that come together by chance, since both receivers get the same key frame, do not stay of one length.
//
// Nobody is believed about others: who shows no queue of his own has no mates, so a receiver that invents
// queues finds none unless it knows how long those of others are. And what mates are due of a link is never
// less than an even share of what has been seen to arrive over it.
#ifndef ROOMS_LINK_MATES_H
#define ROOMS_LINK_MATES_H

#include "rooms/media_msg.h"

#include <stdbool.h>
#include <stdint.h>

#define MATES_MAX 7                 // that are known at a time
#define MATES_BOARD 64              // transports whose queues are on it; the ones told longest ago go first
#define MATES_SMOOTH_US 150000      // over which a queue is taken,
#define MATES_SMOOTH_MAX_US 1000000 // unless nothing has been told for so long
#define MATES_FRESH_US 120000       // for which a queue on the board is compared
#define MATES_VOTE_US 100000        // at least, from one vote about a transport to the next
#define MATES_QUEUE_US 20000        // so long must one of the two be, to be told from frames that pass
#define MATES_ALIKE_US 6000         // they may differ by so much, or by a quarter,
#define MATES_APART_US 10000        // and by more than this, and than a half, they are two
#define MATES_VOTES 6               // make a mate, which it is as long as there are
#define MATES_VOTES_KEPT 2
#define MATES_VOTES_MAX 16
#define MATES_VOTES_APART 2      // that one against it counts;
#define MATES_CLEAR_US 50000     // against a mate only if the longer queue is of this length,
#define MATES_EMPTY_US 15000     // and none if both are shorter and differ by no more
#define MATES_KNOWN_US 120000000 // without a vote for it
#define MATES_ALIKE_PERCENT 110  // prices of one step of two may differ by so much
#define MATES_EVEN_PERCENT 120   // of what one has may another one have, if he wants more as well

struct link_board { // of a forwarder, all zero to begin with
    struct {
        struct transport_id id; // .v 0: none
        uint32_t queue_us;
        uint64_t at_us;
    } told[MATES_BOARD];
};

struct link_mate {
    struct transport_id id; // .v 0: none
    uint8_t votes;
    bool is; // a mate; else it may become one
    uint64_t voted_us, alike_us;
};

struct link_mates { // of one transport, all zero to begin with
    struct link_mate known[MATES_MAX];
    uint32_t queue_us; // smoothed, as of told_us
    uint64_t told_us;
    uint8_t place; // on the board, where it was last
};

// After feedback, while the link is full or was lately.
void link_mates_tell(struct link_mates *mates, struct link_board *board, struct transport_id self,
                     uint32_t queue_us, uint64_t now_us);
// The next mate after *at, which begins at 0; .v 0: none.
struct transport_id link_mates_next(const struct link_mates *mates, unsigned *at, uint64_t now_us);

// ---- what is whose
struct link_claim {
    uint64_t has_bps, next_bps, demand_bps; // with the next step; next below has: there is none
};
// So much of what a link carries is for the first one: `most_bps` at most, as long as the others want more,
// which leaves each of them room for the next step within an even share; `free_bps` is an even share as far
// as the others leave it.
struct link_share {
    uint64_t even_bps, most_bps, free_bps;
    uint64_t usable_bps; // the most, with what is left to the others and is too little for a step
};
// Whether one would have clearly less than who has `bps`, and wants a step that is no more than `within_bps`.
bool link_claim_is_behind(const struct link_claim *claim, uint64_t bps, uint64_t within_bps);
// count: 1..MATES_MAX + 1
struct link_share link_share_of(uint64_t carried_bps, const struct link_claim *claims, unsigned count);

#endif
