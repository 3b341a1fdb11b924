#include "rtp/seq_rewrite.h"

#include "base/seq.h"

#include <assert.h>
#include <stddef.h>

#define FIRST_WRAP UINT64_C(0x10000) // unwrapped numbers start here, so that earlier ones are not below zero

void seq_rewrite_init(struct seq_rewrite *rw, uint16_t first_seq) {
    *rw = (struct seq_rewrite){.out_next = first_seq, .made.next = first_seq};
}

#define RUN_MAX (UINT64_C(1) << 30) // packets: then it goes on as a new one, so that low bits are enough

// The number near `near` with these low bits.
static uint64_t widen(uint64_t near, uint32_t low) {
    return near + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)near);
}

static uint64_t interval_out(const struct seq_rewrite *rw, const struct seq_interval *interval) {
    return widen(rw->out_next, interval->out_first);
}

static uint64_t interval_in(const struct seq_rewrite *rw, const struct seq_interval *interval) {
    bool has_input = interval->source != SEQ_SOURCE_NONE && !interval->empty;
    return has_input ? widen(rw->in_highest, interval->in_first) : UINT64_MAX;
}

static bool marks_equal(const struct seq_marks *a, const struct seq_marks *b) {
    return a->picture_id == b->picture_id && a->picture_frame == b->picture_frame &&
           a->picture_tl0 == b->picture_tl0 && a->tops == b->tops;
}

// The interval that was begun `back` intervals before the newest.
static struct seq_interval *interval_at(const struct seq_rewrite *rw, unsigned back) {
    assert(back < rw->count);
    return (struct seq_interval *)&rw->intervals[(rw->newest + SEQ_INTERVALS_MAX - back) % SEQ_INTERVALS_MAX];
}

static void interval_push(struct seq_rewrite *rw, uint64_t in, uint64_t out,
                          const struct seq_interval *interval) {
    rw->run_in = in;
    rw->run_out = out;
    rw->remarked = false;
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
    bool early = rw->started && !seq32_newer(timestamp_out, rw->out_timestamp_last);
    rw->behind = early && rw->out_timestamp_last - timestamp_out < SEQ_CATCH_UP_MAX;
    rw->due_offset = timestamp_out - timestamp;
    if (early)
        timestamp_out = rw->out_timestamp_last + 1;
    uint64_t in = FIRST_WRAP + seq;
    rw->out_next = out_within_gap(rw, rw->out_next);
    rw->marks.picture_id = picture_offset.id;
    rw->marks.picture_tl0 = picture_offset.tl0;
    rw->marks.picture_frame = picture_offset.frame;
    interval_push(rw, in, rw->out_next,
                  &(struct seq_interval){.out_first = (uint32_t)rw->out_next,
                                         .in_first = (uint32_t)in,
                                         .timestamp_offset = timestamp_out - timestamp,
                                         .marks = rw->marks,
                                         .source = source & 0x3fu,
                                         .sync = 1});
    rw->in_highest = in - 1;
    rw->out_timestamp_last = timestamp_out;
    rw->source = source;
    rw->started = true;
}

// The newest one begins here, as nothing of it has gone out yet.
static void run_move(struct seq_rewrite *rw, uint64_t in) {
    struct seq_interval *newest = interval_at(rw, 0);
    newest->in_first = (uint32_t)in;
    newest->marks = rw->marks;
    rw->run_in = in;
    rw->remarked = false;
}

void seq_rewrite_mark(struct seq_rewrite *rw, struct seq_marks marks) {
    rw->marks = marks;
    rw->remarked = rw->count > 0 && !marks_equal(&interval_at(rw, 0)->marks, &marks);
}

// The interval since the last sync that holds an input number; NULL when it is from before. *end is where
// later intervals' output begins.
static const struct seq_interval *interval_of_input(const struct seq_rewrite *rw, uint64_t in,
                                                    uint64_t *end) {
    *end = UINT64_MAX;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        if (in >= interval_in(rw, interval))
            return interval;
        if (interval->sync)
            return NULL;
        uint64_t out_first = interval_out(rw, interval);
        if (out_first < *end) // one that closed a gap begins below the one before it
            *end = out_first;
    }
    return NULL;
}

// A run like the newest, from this input on under this index.
static void interval_continue(struct seq_rewrite *rw, uint64_t in, uint64_t out) {
    struct seq_interval next = *interval_at(rw, 0);
    next.in_first = (uint32_t)in;
    next.out_first = (uint32_t)out;
    next.marks = rw->marks;
    next.sync = next.empty = 0;
    interval_push(rw, in, out, &next);
    rw->out_next = out;
}

// The same run under other marks, or its low bits do not reach further.
static void interval_restart(struct seq_rewrite *rw, uint64_t in, uint64_t out) {
    uint64_t out_next = rw->out_next;
    interval_continue(rw, in, out);
    rw->out_next = out_next;
}

// The offset of the timestamp of a packet that is newer than all before it. Where some are missing before it,
// nobody can tell where its frame begins, and all its packets must have one timestamp.
static uint32_t catch_up(struct seq_rewrite *rw, uint64_t in, uint64_t out, uint32_t timestamp) {
    uint32_t offset = interval_at(rw, 0)->timestamp_offset;
    if (in != rw->in_highest + 1 || timestamp + offset == rw->out_timestamp_last)
        return offset;
    uint32_t due = timestamp + rw->due_offset; // far before what was sent: the clock was set back
    rw->behind = !seq32_newer(due, rw->out_timestamp_last) && rw->out_timestamp_last - due < SEQ_CATCH_UP_MAX;
    interval_restart(rw, in, out);
    offset = rw->behind ? rw->out_timestamp_last + 1 - timestamp : rw->due_offset;
    interval_at(rw, 0)->timestamp_offset = offset;
    return offset;
}

// A step back counts where the source goes on, not where a late packet is from before the step.
static void seq_rewrite_note_timestamp(struct seq_rewrite *rw, uint32_t timestamp, bool newest) {
    bool stepped_back = newest && rw->out_timestamp_last - timestamp >= SEQ_TIMESTAMP_BACK_MAX;
    if (stepped_back || seq32_newer(timestamp, rw->out_timestamp_last))
        rw->out_timestamp_last = timestamp;
}

// That of a late packet, and its index; NULL: there is none, or the packet was dropped.
static const struct seq_interval *interval_before(const struct seq_rewrite *rw, uint64_t in, uint64_t *out) {
    uint64_t end;
    const struct seq_interval *interval = interval_of_input(rw, in, &end);
    if (!interval)
        return NULL;
    *out = interval_out(rw, interval) + (in - interval_in(rw, interval));
    return *out < end ? interval : NULL;
}

bool seq_rewrite_map(struct seq_rewrite *rw, uint16_t seq, uint32_t timestamp, uint64_t *index_out,
                     uint32_t *timestamp_out) {
    if (!rw->started || rw->run_in == UINT64_MAX)
        return false;
    uint64_t in = seq16_unwrap(rw->in_highest, seq), out;
    const struct seq_interval *interval;
    bool newest = in > rw->in_highest;
    if (in >= rw->run_in) {
        interval = &rw->intervals[rw->newest];
        out = rw->run_out + (in - rw->run_in);
    } else if (!(interval = interval_before(rw, in, &out))) {
        return false;
    }
    uint32_t timestamp_offset = interval->timestamp_offset;
    if (newest && rw->behind)
        timestamp_offset = catch_up(rw, in, out, timestamp);
    if (newest && (rw->remarked || in - rw->run_in > RUN_MAX))
        interval_restart(rw, in, out);
    if (out_within_gap(rw, out) != out) {
        assert(newest); // what is below the newest run begins within the gap
        out = rw->made.next;
        interval_continue(rw, in, out);
    }
    if (!index_window_take(&rw->made, out))
        return false;
    rw->mapped = newest ? rw->newest : (uint8_t)(interval - rw->intervals);
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
        next.out_first = (uint32_t)out;
        next.source = SEQ_SOURCE_NONE;
        next.sync = 1;
        interval_push(rw, UINT64_MAX, out,
                      &next); // no input is of it: nothing to be looked at for each packet
    }
    bool fresh = index_window_take(&rw->made, out);
    assert(fresh);
    (void)fresh;
    rw->out_next = out + 1;
    return out;
}

bool seq_rewrite_can_insert(const struct seq_rewrite *rw) {
    return rw->started && rw->run_in != UINT64_MAX &&
           !(interval_at(rw, 0)->sync && rw->in_highest < rw->run_in);
}

uint64_t seq_rewrite_insert(struct seq_rewrite *rw) {
    assert(seq_rewrite_can_insert(rw));
    uint64_t out = rw->out_next = out_within_gap(rw, rw->out_next);
    // Nothing of the newest run has gone out since the last one that was inserted, or since it began.
    bool untouched = rw->in_highest < rw->run_in && rw->run_out == out;
    if (untouched && rw->count > 1 && interval_at(rw, 1)->empty) {
        interval_at(rw, 0)->out_first = (uint32_t)(out + 1);
        rw->run_out = rw->out_next = out + 1;
    } else {
        struct seq_interval next = *interval_at(rw, 0);
        next.in_first = (uint32_t)rw->in_highest;
        next.out_first = (uint32_t)out;
        next.sync = 0;
        next.empty = 1;
        interval_push(rw, UINT64_MAX, out, &next);
        interval_continue(rw, rw->in_highest + 1, out + 1);
    }
    bool fresh = index_window_take(&rw->made, out);
    assert(fresh);
    (void)fresh;
    return out;
}

void seq_rewrite_drop(struct seq_rewrite *rw, uint16_t seq) {
    if (!rw->started || interval_at(rw, 0)->source == SEQ_SOURCE_NONE)
        return;
    uint64_t in = seq16_unwrap(rw->in_highest, seq);
    if (in <= rw->in_highest)
        return; // its place has been passed: it stays a gap
    uint64_t out = rw->run_out + (in - rw->run_in);
    rw->in_highest = in;
    if (rw->run_in == in) { // nothing went out since the last drop
        run_move(rw, in + 1);
        return;
    }
    // What the network lost before it keeps its numbers.
    interval_continue(rw, in + 1, out_within_gap(rw, out));
}

void seq_rewrite_drop_frame(struct seq_rewrite *rw, uint16_t seq) {
    uint64_t in = seq16_unwrap(rw->in_highest, seq);
    if (rw->started && in > rw->in_highest && rw->run_in == rw->in_highest + 1 && !interval_at(rw, 0)->sync) {
        rw->in_highest = in;
        run_move(rw, in + 1);
        return;
    }
    seq_rewrite_drop(rw, seq);
}

bool seq_rewrite_is_late(const struct seq_rewrite *rw, uint16_t seq) {
    return rw->started && seq16_unwrap(rw->in_highest, seq) <= rw->in_highest;
}

bool seq_rewrite_marks_of(const struct seq_rewrite *rw, uint16_t seq, struct seq_marks *marks) {
    uint64_t end;
    const struct seq_interval *interval = rw->started && rw->run_in != UINT64_MAX
                                              ? interval_of_input(rw, seq16_unwrap(rw->in_highest, seq), &end)
                                              : NULL;
    if (!interval)
        return false;
    *marks = interval->marks;
    return true;
}

bool seq_rewrite_was_made(const struct seq_rewrite *rw, uint16_t seq_out) {
    return rw->started && index_window_has(&rw->made, seq16_unwrap(rw->out_next, seq_out));
}

bool seq_rewrite_unmap(const struct seq_rewrite *rw, uint16_t seq_out, struct seq_origin *origin) {
    if (!rw->started)
        return false;
    uint64_t out = seq16_unwrap(rw->out_next, seq_out);
    if (out >= rw->out_next)
        return false;
    for (unsigned back = 0; back < rw->count; back++) {
        const struct seq_interval *interval = interval_at(rw, back);
        uint64_t out_first = interval_out(rw, interval);
        if (out < out_first)
            continue;
        if (interval->source == SEQ_SOURCE_NONE)
            return false;
        const struct seq_marks *marks = &interval->marks;
        *origin = (struct seq_origin){.source = (uint8_t)interval->source,
                                      .seq = (uint16_t)(interval->in_first + (out - out_first)),
                                      .timestamp_offset = interval->timestamp_offset,
                                      .picture_offset = {.id = marks->picture_id,
                                                         .tl0 = marks->picture_tl0,
                                                         .frame = marks->picture_frame},
                                      .marks = *marks,
                                      .empty = interval->empty};
        if (interval->empty)
            origin->seq = (uint16_t)interval->in_first;
        return true;
    }
    return false;
}
