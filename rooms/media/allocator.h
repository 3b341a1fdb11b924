// allocator: what each video consumer of one transport gets of what its link carries. Pure; worker side.
//
// Sound has been taken off the estimate before. What is left goes first to the lowest layer of everybody,
// then step by step to higher ones: in the order of priority, of these a shared screen before a camera, of
// these the larger tile (the highest layer that its receiver wants) first, and evenly among equals, a step
// each. Who does not get its lowest layer gets nothing.
//
// It does not flap: what somebody has stays as long as it fits, though others may have been chosen anew; a
// little too much is borne for ALLOCATOR_HOLD_US unless a queue stands; more is given when the estimate has
// had room for it for some time, which doubles when that turns out to have been too much. No allocation but
// in allocator_reserve.
#ifndef ROOMS_ALLOCATOR_H
#define ROOMS_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#define ALLOCATOR_SPATIAL_MAX 4
#define ALLOCATOR_TEMPORAL_MAX 4
#define ALLOCATOR_STEPS_MAX (ALLOCATOR_SPATIAL_MAX * ALLOCATOR_TEMPORAL_MAX)
#define ALLOCATOR_KEEP_PERCENT 105         // of the estimate: as much may be kept while no queue stands
#define ALLOCATOR_DEEP_PERCENT 130         // beyond which nothing is waited for
#define ALLOCATOR_DRAIN_PERCENT 80         // of the estimate are used while a queue stands, so that it goes
#define ALLOCATOR_FORGIVE_PERCENT 150      // of the estimate of a failure: the link is another one
#define ALLOCATOR_LOWER_PERCENT 85         // of what failed may be tried sooner
#define ALLOCATOR_RAISE_PERCENT 94         // of the estimate may be in use after more is given
#define ALLOCATOR_HOLD_US 3000000          // for which what is between these is borne
#define ALLOCATOR_CONGESTED_US 500000      // and what would fit but for a queue
#define ALLOCATOR_RAISE_FIRST_US 400000    // there must have been room for so long, to begin with,
#define ALLOCATOR_OFF_US 2000000           // for which a lowest layer goes on though it does not fit any more
#define ALLOCATOR_RAISE_FAILED_US 25000000 // after more turned out to be too much; doubles each time
#define ALLOCATOR_RAISE_US 2000000         // after something was taken away,
#define ALLOCATOR_RAISE_REFUTED_US 10000000 // after a trial that failed; doubles each time
#define ALLOCATOR_RAISE_MAX_US 60000000     // and at most
#define ALLOCATOR_RAISE_DUE_US 8000000      // where others who share the link leave it and a trial failed
#define ALLOCATOR_FAILED_AT_ONCE_US 5000000 // so soon, whatever there is then
#define ALLOCATOR_FAILED_US 30000000        // taken away so soon after it was given: it was too much

struct allotment { // the highest layers, LAYER_NONE: all there are
    int8_t spatial, temporal;
    bool off;
};

// What is remembered of a consumer between two calls; all zero to begin with.
struct allocator_memory {
    struct allotment has;
    bool known;
    int8_t tile, frames;      // spatial and temporal wish, as they were
    uint32_t failed_step_bps; // what it cost that turned out to be too much last
    uint32_t tried_step_bps;  // what is to be tried costs, until it is given or refuted; 0: nothing
    uint32_t raised_step_bps; // what it was to cost that was given last
    uint32_t raised_bps;      // what there was when more was given last
    uint32_t basis_bps;       // with half as much again there is another link, and nothing to wait for
    uint32_t wait_us;         // before more is given, 0: ALLOCATOR_RAISE_FIRST_US
    uint64_t short_us;        // since when its lowest layer has not fitted, 0: it does
    uint64_t room_us;         // since when there has been room for more, 0: there is none
    uint64_t raised_us;       // when more was given last
    bool failed;              // and what was given last had to go again
};

// One video consumer. The first part is the caller's, and `memory` is written back by it.
struct allocator_entry {
    uint32_t layer_bps[ALLOCATOR_SPATIAL_MAX]
                      [ALLOCATOR_TEMPORAL_MAX]; // whole, with those below; 0: not alive
    int8_t spatial_wish, temporal_wish;         // highest that are wanted; LAYER_NONE: no limit
    uint8_t priority;                           // 1..255
    bool screen;
    uint32_t max_bps; // 0: no limit
    struct allocator_memory memory;

    struct allotment result;
    // Its layers worth showing, in the order in which it gets more.
    struct allocator_step {
        uint32_t bps;
        int8_t spatial, temporal;
    } steps[ALLOCATOR_STEPS_MAX];
    uint8_t step_count;
    int8_t now, goal; // steps; -1: nothing
    uint32_t rank;
};

struct allocator_link {
    uint32_t estimate_bps, audio_bps;
    bool congested;     // a queue stands
    bool proven;        // the link has been seen to be full, or slower than all that was sent; else nobody's
                        // lowest layer is taken away for want of an estimate
    bool tries;         // more is given only as far as has been seen to come through,
    uint64_t shown_bps; // which is so much, sound not included
    uint8_t spread;     // 0..255, another for each transport: those behind one link do not try it all at once
    uint64_t most_bps;  // for it, whatever there is, sound not included: others share the link; 0: none do
    uint64_t due_bps;   // and as much is left of it within an even share: what failed is tried again soon
    bool refuted;       // what was to be tried (allocator_try_bps) does not come through
    bool renewed;       // it is another link than the one on which something was refuted
    uint64_t *over_us;  // kept between calls: since when it has been too much; 0 to begin with
};

struct allocator;
struct allocator *allocator_create(void);            // NULL: no memory
void allocator_destroy(struct allocator *allocator); // NULL is fine
// Room for so many entries; false without memory.
bool allocator_reserve(struct allocator *allocator, unsigned count);

// One round: begin, an entry for each consumer (all zero, to be filled in; NULL beyond what was reserved),
// share; then the results stand in allocator_at, by the order in which they were added.
void allocator_begin(struct allocator *allocator);
struct allocator_entry *allocator_add(struct allocator *allocator);
void allocator_share(struct allocator *allocator, const struct allocator_link *link, uint64_t now_us);
unsigned allocator_count(const struct allocator *allocator);
const struct allocator_entry *allocator_at(const struct allocator *allocator, unsigned i);
// What they would all take if the link were free, sound not included.
uint64_t allocator_demand_bps(const struct allocator *allocator);
// What would be in use if the link were known to carry it, so that it is worth trying; 0: nothing.
uint64_t allocator_try_bps(const struct allocator *allocator);
// What would be in use with the cheapest step that somebody could still get; 0: they have all that they want.
uint64_t allocator_next_bps(const struct allocator *allocator);
uint64_t allocator_granted_bps(const struct allocator *allocator); // and what they have been given

#endif
