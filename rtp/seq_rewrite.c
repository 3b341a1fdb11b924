#include "rtp/seq_rewrite.h"

#include "base/seq.h"

#include <assert.h>
#include <stddef.h>

#define FIRST_WRAP UINT64_C(0x10000) // unwrapped numbers start here, so that earlier ones are not below zero

void seq_rewrite_init(struct seq_rewrite *rw, uint16_t first_seq) {
    *rw = (struct seq_rewrite){.out_next = FIRST_WRAP + first_seq};
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

void seq_rewrite_sync(struct seq_rewrite *rw, uint8_t source, uint16_t seq, uint32_t timestamp,
                      uint32_t timestamp_out) {
    if (rw->started && !seq32_newer(timestamp_out, rw->out_timestamp_newest))
        timestamp_out = rw->out_timestamp_newest + 1;
    uint64_t in = FIRST_WRAP + seq;
    interval_push(rw, &(struct seq_interval){.out_first = rw->out_next,
                                             .in_first = in,
                                             .timestamp_offset = timestamp_out - timestamp,
                                             .source = source,
                                             .sync = true});
    rw->in_highest = in - 1;
    rw->out_timestamp_newest = timestamp_out;
    rw->source = source;
    rw->started = true;
}

// The interval since the last sync that holds an input number; NULL when it is from before. *end is where the
// next interval's output begins.
static const struct seq_interval *interval_of_input(const struct seq_rewrite *rw, uint64_t in,
                                                    uint64_t *end) {
    *end = UINT64_MAX;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        if (in >= interval->in_first)
            return interval;
        if (interval->sync)
            return NULL;
        *end = interval->out_first;
    }
    return NULL;
}

bool seq_rewrite_map(struct seq_rewrite *rw, uint16_t seq, uint32_t timestamp, uint16_t *seq_out,
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
    *seq_out = (uint16_t)out;
    *timestamp_out = timestamp + interval->timestamp_offset;
    if (in > rw->in_highest) {
        rw->in_highest = in;
        rw->out_timestamp_newest = *timestamp_out; // a publisher's clock may step back
    }
    if (out >= rw->out_next)
        rw->out_next = out + 1;
    return true;
}

void seq_rewrite_drop(struct seq_rewrite *rw, uint16_t seq) {
    if (!rw->started)
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
    if (out > rw->out_next)
        rw->out_next = out; // what the network lost before it keeps its numbers
    interval_push(rw, &(struct seq_interval){.out_first = out,
                                             .in_first = in + 1,
                                             .timestamp_offset = newest->timestamp_offset,
                                             .source = rw->source});
}

bool seq_rewrite_unmap(const struct seq_rewrite *rw, uint16_t seq_out, uint8_t *source, uint16_t *seq_in,
                       uint32_t *timestamp_offset) {
    if (!rw->started)
        return false;
    uint64_t out = seq16_unwrap(rw->out_next, seq_out);
    if (out >= rw->out_next)
        return false;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        if (out < interval->out_first)
            continue;
        *source = interval->source;
        *seq_in = (uint16_t)(interval->in_first + (out - interval->out_first));
        *timestamp_offset = interval->timestamp_offset;
        return true;
    }
    return false;
}
