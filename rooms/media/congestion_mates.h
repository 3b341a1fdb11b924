// congestion_mates: what follows for a transport from who shares its link (link_mates.h). Of congestion.c
// alone.
//
// Those who share a link have one budget, as RFC 8699 couples flows: what has been seen to arrive over it, at
// all of them together. Each has its estimate lifted to an even part of that, as far as the others leave it
// and unless a queue stands, and is kept from more while others want it; whether more comes through is still
// seen by a trial, of one step and of one of them at a time.
#ifndef ROOMS_CONGESTION_MATES_H
#define ROOMS_CONGESTION_MATES_H

#include "rooms/media/allocator.h"
#include "rooms/media/congestion.h"

// After feedback.
void congestion_mates_tell(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us);
// Before the shares are made of `link`.
void congestion_mates_share(struct congestion *cg, struct allocator_link *link,
                            const struct bandwidth_state *state, uint64_t now_us);
// One of the others tries just now; it is not waited for longer than CONGESTION_TURN_US.
bool congestion_mates_try(struct congestion *cg, uint64_t now_us);
// What they would need besides, if it had so much, so as not to be left behind: they want it, and it is
// within an even part. That is tried together, since what one of them alone can have more is nobody's.
struct mates_trial {
    uint64_t behind_bps; // what those would need besides
    uint64_t whole_bps;  // with what all of them have, and it itself would have
};
struct mates_trial congestion_mates_trial(struct congestion *cg, uint64_t next_bps, uint64_t now_us);
// The trial of that came through, or did not.
void congestion_mates_carried(struct congestion *cg, const struct bandwidth_state *state, uint64_t now_us);
void congestion_mates_refuted(struct congestion *cg);
// It tries itself until then; the others send no clusters meanwhile, nor believe in the queue that comes.
void congestion_mates_hold(struct congestion *cg, uint64_t until_us, uint64_t now_us);
void congestion_mates_forget(struct congestion *cg); // it is another link

// ---- congestion.c: no more than what is chosen for it, whatever the link carries
uint32_t congestion_bounded(const struct congestion *cg, uint64_t bps);

#endif
