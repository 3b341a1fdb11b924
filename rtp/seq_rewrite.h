// seq_rewrite: one receiver's continuous packet indexes and timestamps over a source that pauses, drops and
// switches. Pure.
//
// This is the one place where the index of a packet that goes out is made: 64 bits, of which the header shows
// the low 16 (RFC 3711, section 3.3.1: 2^16 * ROC + SEQ). An index is handed out once and never again,
// whatever comes in: that of AES-GCM must never protect two packets (RFC 7714, section 8.4). The lowest come
// first; one that is more than INDEX_WINDOW_SURE behind the highest is not handed out any more.
//
// Numbers run without a gap over what is forwarded; a packet that the network lost stays a gap, so that the
// receiver can ask for it; what the server itself leaves out does not. A gap of more than SEQ_GAP_MAX is
// closed as well: nobody asks for that much, and a receiver that misses half of the number space takes what
// follows for older than what it has. Each run of constant offset is an interval; the last SEQ_INTERVALS_MAX
// are kept, so that a NACK for an old output number finds its source packet.
#ifndef RTP_SEQ_REWRITE_H
#define RTP_SEQ_REWRITE_H

#include "base/index_window.h"
#include "rtp/picture_rewrite.h"

#include <stdbool.h>
#include <stdint.h>

#define SEQ_INTERVALS_MAX 48
#define SEQ_SOURCE_NONE 63
#define SEQ_GAP_MAX 1000
// A timestamp that is so much behind the highest is no frame out of order: the source's clock went back.
#define SEQ_TIMESTAMP_BACK_MAX UINT32_C(45000)
// A run that is to begin before what was sent by less than this catches up with its clock.
#define SEQ_CATCH_UP_MAX UINT32_C(45000)

struct seq_marks { // what the packets of a run have in common beside their offset; only kept
    uint16_t picture_id, picture_frame; // of the offset of their picture numbers
    uint8_t picture_tl0;
    uint8_t tops; // the highest layers that were sent (consumer_rtp.c)
};

struct seq_interval {
    uint32_t out_first;        // first output index of the run, its low bits
    uint32_t in_first;         // and its input number
    uint32_t timestamp_offset; // out - in, modulo 2^32
    struct seq_marks marks;
    uint8_t source : 6; // which stream of the producer, SEQ_SOURCE_NONE for padding
    uint8_t empty : 1;  // of seq_rewrite_insert: in_first is the packet before it, and no input is of it
    uint8_t sync : 1;   // began with seq_rewrite_sync: numbers before it are of another source
};
_Static_assert(sizeof(struct seq_interval) == 20, "there are many");

struct seq_rewrite {
    bool started;
    bool remarked; // the newest interval has other marks than the packets to come
    bool behind;   // the run began later than its clock says, and has not caught up
    uint8_t source;
    uint8_t count, newest; // ring of intervals
    uint8_t mapped;        // the one that seq_rewrite_map used last
    uint32_t out_timestamp_last;
    uint32_t due_offset;      // of timestamps: out - in, as the run's clock says
    uint64_t in_highest;      // unwrapped
    uint64_t out_next;        // follows the highest index forwarded or skipped
    uint64_t run_in, run_out; // of the newest interval
    struct index_window made; // handed out; its `next` is `first_seq` before the first
    struct seq_marks marks;   // of the packets to come
    struct seq_interval intervals[SEQ_INTERVALS_MAX];
};

// first_seq: the first output index. In 1..32767: receivers take a first number near the end of the 16 bits
// for one before the wrap.
void seq_rewrite_init(struct seq_rewrite *rw, uint16_t first_seq);

// From this packet on the source is `source`: it becomes the next output index. Its timestamp maps to
// `timestamp_out`, which is moved to be after everything sent if it is not (first sync: taken as it is). Then
// frames follow each other by a tick until they are as late as that: a key frame that had to be repaired
// delays nothing that comes after it. picture_offset becomes part of the marks.
void seq_rewrite_sync(struct seq_rewrite *rw, uint8_t source, uint16_t seq, uint32_t timestamp,
                      uint32_t timestamp_out, struct picture_numbers picture_offset);
// True with the index and the timestamp to send under, once for each index; false for a packet from before
// the last sync, of a number that was dropped, that is too late, or that went out before.
bool seq_rewrite_map(struct seq_rewrite *rw, uint16_t seq, uint32_t timestamp, uint64_t *index_out,
                     uint32_t *timestamp_out);
// Of timestamps, out - in: what holds now, or will when the run has caught up.
static inline uint32_t seq_rewrite_timestamp_offset(const struct seq_rewrite *rw) {
    return rw->behind ? rw->due_offset : rw->intervals[rw->newest].timestamp_offset;
}
// Marks of the packet that was mapped last.
static inline const struct seq_marks *seq_rewrite_mapped(const struct seq_rewrite *rw) {
    return &rw->intervals[rw->mapped].marks;
}
// The next index for a packet that is of no source (padding). Until the next sync seq_rewrite_map gives
// nothing; the number leads to no source. Something must have been synced before.
uint64_t seq_rewrite_fill(struct seq_rewrite *rw);
// The next index for a packet that carries nothing, in the middle of a run: later packets of the source go on
// behind it. At least one packet of the run must have been mapped, and nothing filled since.
uint64_t seq_rewrite_insert(struct seq_rewrite *rw);
bool seq_rewrite_can_insert(const struct seq_rewrite *rw);
// This packet is left out on purpose: later ones close the gap.
void seq_rewrite_drop(struct seq_rewrite *rw, uint16_t seq);
// The same, and so are those between it and the newest one, if that was left out as well: they are of one
// frame.
void seq_rewrite_drop_frame(struct seq_rewrite *rw, uint16_t seq);
// It comes after one that is newer.
bool seq_rewrite_is_late(const struct seq_rewrite *rw, uint16_t seq);
// Marks of the run that a late packet is of; false: of none since the last sync.
bool seq_rewrite_marks_of(const struct seq_rewrite *rw, uint16_t seq, struct seq_marks *marks);
// From the next packet on packets have these marks.
void seq_rewrite_mark(struct seq_rewrite *rw, struct seq_marks marks);
// Where one run of numbers came from.
struct seq_origin {
    uint8_t source;
    uint16_t seq;
    uint32_t timestamp_offset;
    struct picture_numbers picture_offset;
    struct seq_marks marks;
    bool empty; // nothing went out under it (seq_rewrite_insert); seq is that of the packet before it
};
// Whether something has gone out under this number.
bool seq_rewrite_was_made(const struct seq_rewrite *rw, uint16_t seq_out);
// Which source packet has, or would have, gone out under this number; false when it is not known any more.
bool seq_rewrite_unmap(const struct seq_rewrite *rw, uint16_t seq_out, struct seq_origin *origin);

#endif
