#include "rtp/seq_rewrite.h"

#include "base/seq.h"

#include <assert.h>
#include <stddef.h>

#define FIRST_WRAP UINT64_C(0x10000) // unwrapped numbers start here, so that earlier ones are not below zero

void seq_rewrite_init(struct seq_rewrite *rw, uint16_t first_seq) {
    *rw = (struct seq_rewrite){.out_next = first_seq, .made.next = first_seq};
}

// The interval that was begun `back` intervals before the newest.
static struct seq_interval *interval_at(const struct seq_rewrite *rw, unsigned back) {
    assert(back < rw->count);
    return (struct seq_interval *)&rw->intervals[(rw->newest + SEQ_INTERVALS_MAX - back) % SEQ_INTERVALS_MAX];
}

static void interval_push(struct seq_rewrite *rw, const struct seq_interval *interval) {
    if (rw->count > 0)
        rw->newest = (uint8_t)((rw->newest + 1) % SEQ_INTERVALS_MAX);
    if (rw->count < SEQ_INTERVALS_MAX)
        rw->count++;
    rw->intervals[rw->newest] = *interval;
}

// Where a run may begin that is to begin at `out`: a receiver is not shown a gap larger than SEQ_GAP_MAX.
static uint64_t out_within_gap(const struct seq_rewrite *rw, uint64_t out) {
    return out > rw->made.next + SEQ_GAP_MAX ? rw->made.next : out;
}

void seq_rewrite_sync(struct seq_rewrite *rw, uint8_t source, uint16_t seq, uint32_t timestamp,
                      uint32_t timestamp_out, struct picture_numbers picture_offset) {
    if (rw->started && !seq32_newer(timestamp_out, rw->out_timestamp_last))
        timestamp_out = rw->out_timestamp_last + 1;
    uint64_t in = FIRST_WRAP + seq;
    rw->out_next = out_within_gap(rw, rw->out_next);
    interval_push(rw, &(struct seq_interval){.out_first = rw->out_next,
                                             .in_first = in,
                                             .timestamp_offset = timestamp_out - timestamp,
                                             .picture_id = picture_offset.id,
                                             .picture_tl0 = picture_offset.tl0,
                                             .source = source & 0x7fu,
                                             .sync = 1});
    rw->in_highest = in - 1;
    rw->out_timestamp_last = timestamp_out;
    rw->source = source;
    rw->started = true;
}

// The interval since the last sync that holds an input number; NULL when it is from before. *end is where
// later intervals' output begins.
static const struct seq_interval *interval_of_input(const struct seq_rewrite *rw, uint64_t in,
                                                    uint64_t *end) {
    *end = UINT64_MAX;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        if (in >= interval->in_first)
            return interval;
        if (interval->sync)
            return NULL;
        if (interval->out_first < *end) // one that closed a gap begins below the one before it
            *end = interval->out_first;
    }
    return NULL;
}

// A run like the newest, from this input on under this index.
static void interval_continue(struct seq_rewrite *rw, uint64_t in, uint64_t out) {
    struct seq_interval next = *interval_at(rw, 0);
    next.in_first = in;
    next.out_first = out;
    next.sync = 0;
    interval_push(rw, &next);
    rw->out_next = out;
}

// A step back counts where the source goes on, not where a late packet is from before the step.
static void seq_rewrite_note_timestamp(struct seq_rewrite *rw, uint32_t timestamp, bool newest) {
    bool stepped_back = newest && rw->out_timestamp_last - timestamp >= SEQ_TIMESTAMP_BACK_MAX;
    if (stepped_back || seq32_newer(timestamp, rw->out_timestamp_last))
        rw->out_timestamp_last = timestamp;
}

bool seq_rewrite_map(struct seq_rewrite *rw, uint16_t seq, uint32_t timestamp, uint64_t *index_out,
                     uint32_t *timestamp_out) {
    if (!rw->started)
        return false;
    uint64_t in = seq16_unwrap(rw->in_highest, seq), end;
    const struct seq_interval *interval = interval_of_input(rw, in, &end);
    if (!interval)
        return false;
    uint64_t out = interval->out_first + (in - interval->in_first);
    if (out >= end)
        return false; // it was dropped
    uint32_t timestamp_offset = interval->timestamp_offset;
    bool newest = in > rw->in_highest;
    if (out_within_gap(rw, out) != out) {
        assert(newest); // what is below the newest run begins within the gap
        out = rw->made.next;
        interval_continue(rw, in, out);
    }
    if (!index_window_take(&rw->made, out))
        return false;
    *index_out = out;
    *timestamp_out = timestamp + timestamp_offset;
    if (newest)
        rw->in_highest = in;
    seq_rewrite_note_timestamp(rw, *timestamp_out, newest);
    if (out >= rw->out_next)
        rw->out_next = out + 1;
    return true;
}

uint64_t seq_rewrite_fill(struct seq_rewrite *rw) {
    assert(rw->started);
    uint64_t out = rw->out_next = out_within_gap(rw, rw->out_next);
    struct seq_interval next = *interval_at(rw, 0);
    if (next.source != SEQ_SOURCE_NONE) {
        next.out_first = out;
        next.in_first = UINT64_MAX; // no input is of it: nothing to be looked at for each packet
        next.source = SEQ_SOURCE_NONE;
        next.sync = 1;
        interval_push(rw, &next);
    }
    bool fresh = index_window_take(&rw->made, out);
    assert(fresh);
    (void)fresh;
    rw->out_next = out + 1;
    return out;
}

void seq_rewrite_drop(struct seq_rewrite *rw, uint16_t seq) {
    if (!rw->started || interval_at(rw, 0)->source == SEQ_SOURCE_NONE)
        return;
    uint64_t in = seq16_unwrap(rw->in_highest, seq);
    if (in <= rw->in_highest)
        return; // its place has been passed: it stays a gap
    struct seq_interval *newest = interval_at(rw, 0);
    uint64_t out = newest->out_first + (in - newest->in_first);
    rw->in_highest = in;
    if (newest->in_first == in) { // nothing went out since the last drop
        newest->in_first = in + 1;
        return;
    }
    // What the network lost before it keeps its numbers.
    interval_continue(rw, in + 1, out_within_gap(rw, out));
}

bool seq_rewrite_unmap(const struct seq_rewrite *rw, uint16_t seq_out, struct seq_origin *origin) {
    if (!rw->started)
        return false;
    uint64_t out = seq16_unwrap(rw->out_next, seq_out);
    if (out >= rw->out_next)
        return false;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        if (out < interval->out_first)
            continue;
        if (interval->source == SEQ_SOURCE_NONE)
            return false;
        *origin =
            (struct seq_origin){.source = (uint8_t)interval->source,
                                .seq = (uint16_t)(interval->in_first + (out - interval->out_first)),
                                .timestamp_offset = interval->timestamp_offset,
                                .picture_offset = {.id = interval->picture_id, .tl0 = interval->picture_tl0}};
        return true;
    }
    return false;
}
