// seq: serial-number arithmetic (RFC 1982) for 16-bit and 32-bit counters that wrap, and their 64-bit
// unwrapping.
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

#endif
