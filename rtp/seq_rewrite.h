// seq_rewrite: one receiver's continuous sequence numbers and timestamps over a source that pauses, drops and
// switches. Pure.
//
// Numbers run without a gap over what is forwarded; a packet that the network lost stays a gap, so that the
// receiver can ask for it; what the server itself leaves out does not. Each run of constant offset is an
// interval; the last SEQ_INTERVALS_MAX are kept, so that a NACK for an old output number finds its source
// packet.
#ifndef RTP_SEQ_REWRITE_H
#define RTP_SEQ_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQ_INTERVALS_MAX 32

struct seq_interval {
    uint64_t out_first;        // first output number of the run
    uint64_t in_first;         // and its input number
    uint32_t timestamp_offset; // out - in, modulo 2^32
    uint8_t source;            // which stream of the producer
    bool sync;                 // began with seq_rewrite_sync: numbers before it are of another source
};

struct seq_rewrite {
    bool started;
    uint8_t source;
    uint8_t count, newest;         // ring of intervals
    uint64_t in_highest, out_next; // unwrapped; out_next follows the highest number forwarded or skipped
    uint32_t out_timestamp_newest;
    struct seq_interval intervals[SEQ_INTERVALS_MAX];
};

// first_seq: the first output number (choose it in 1..32767: libsrtp's rollover guess), first_timestamp: its
// timestamp.
void seq_rewrite_init(struct seq_rewrite *rw, uint16_t first_seq);

// From this packet on the source is `source`: it becomes the next output number. Its timestamp maps to
// `timestamp_out`, which is moved to be after everything sent if it is not (first sync: taken as it is).
void seq_rewrite_sync(struct seq_rewrite *rw, uint8_t source, uint16_t seq, uint32_t timestamp,
                      uint32_t timestamp_out);
// True with the numbers to send; false for a packet from before the last sync or of a number that was
// dropped.
bool seq_rewrite_map(struct seq_rewrite *rw, uint16_t seq, uint32_t timestamp, uint16_t *seq_out,
                     uint32_t *timestamp_out);
// This packet is left out on purpose: later ones close the gap.
void seq_rewrite_drop(struct seq_rewrite *rw, uint16_t seq);
// Which source packet went out under this number; false when it is not known any more. timestamp_offset: as
// at that time.
bool seq_rewrite_unmap(const struct seq_rewrite *rw, uint16_t seq_out, uint8_t *source, uint16_t *seq_in,
                       uint32_t *timestamp_offset);

#endif
