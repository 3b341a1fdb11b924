// number_gap: how many packets of a transport are missing by its transport-wide numbers, and how many of them
// its streams have shown to be missing by their own. What is left is the end of something that has paused.
// Pure; a plain struct, all zero to begin with.
//
// What came is noted with its transport-wide number, and while something is missing also how far its own
// number is ahead of its stream's highest. Its user judges some time after since_us, and begins anew.
#ifndef RTP_NUMBER_GAP_H
#define RTP_NUMBER_GAP_H

#include "base/seq.h"

#define NUMBER_GAP_MAX 64 // more at once were not lost one by one

struct number_gap {
    bool started;
    uint16_t highest;
    uint16_t missing, shown; // since since_us; shown: by gaps of streams
    uint64_t since_us;       // means something while something is missing
};

void number_gap_note(struct number_gap *gap, uint16_t seq, uint64_t now_us); // what does not follow
void number_gap_show(struct number_gap *gap, int16_t ahead);

static inline void number_gap_add(struct number_gap *gap, uint16_t seq, uint64_t now_us) {
    if (seq == (uint16_t)(gap->highest + 1) && gap->started)
        gap->highest = seq;
    else
        number_gap_note(gap, seq, now_us);
}

static inline void number_gap_begin_anew(struct number_gap *gap) {
    gap->missing = gap->shown = 0;
}

static inline unsigned number_gap_unexplained(const struct number_gap *gap) {
    return gap->missing > gap->shown ? (unsigned)(gap->missing - gap->shown) : 0;
}

#endif
