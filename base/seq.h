// seq: serial-number arithmetic (RFC 1982) for 16-bit and 32-bit counters that wrap, and their 64-bit
// unwrapping; and a memory of a few of them.
#ifndef BASE_SEQ_H
#define BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

// How far a is ahead of b: negative when it is behind. Meaningful within half the number space.
static inline int16_t seq16_diff(uint16_t a, uint16_t b) {
    return (int16_t)(uint16_t)(a - b);
}

static inline int32_t seq32_diff(uint32_t a, uint32_t b) {
    return (int32_t)(a - b);
}

static inline bool seq16_newer(uint16_t a, uint16_t b) {
    return seq16_diff(a, b) > 0;
}

static inline bool seq32_newer(uint32_t a, uint32_t b) {
    return seq32_diff(a, b) > 0;
}

// The 64-bit number nearest to `reference` whose low bits are `seq`. The first reference of a stream should
// be its first number plus one wrap (seq + 0x10000), so that packets from before it do not go below zero.
static inline uint64_t seq16_unwrap(uint64_t reference, uint16_t seq) {
    return reference + (uint64_t)(int64_t)seq16_diff(seq, (uint16_t)reference);
}

static inline uint64_t seq32_unwrap(uint64_t reference, uint32_t seq) {
    return reference + (uint64_t)(int64_t)seq32_diff(seq, (uint32_t)reference);
}

// The last few numbers of some kind, in a ring of the owner's: a handful, looked through one by one.
struct seq_notes {
    uint8_t next, count; // all zero: none
};

static inline void seq_notes_add(struct seq_notes *notes, uint16_t *seqs, unsigned most, uint16_t seq) {
    seqs[notes->next] = seq;
    notes->next = (uint8_t)((notes->next + 1u) % most);
    if (notes->count < most)
        notes->count++;
}

static inline bool seq_notes_have(const struct seq_notes *notes, const uint16_t *seqs, uint16_t seq) {
    for (unsigned i = 0; i < notes->count; i++)
        if (seqs[i] == seq)
            return true;
    return false;
}

#endif
