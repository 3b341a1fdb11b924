#include "rtp/cc/twcc_read.h"

#include <assert.h>

#define REFERENCE_TICKS 256 // 64 ms

enum { SYMBOL_LOST, SYMBOL_SMALL, SYMBOL_LARGE, SYMBOL_RESERVED };

// Section 3.1.3 and 3.1.4: run length, or a vector of 14 symbols of one bit or seven of two.
static void walk_open_chunk(struct twcc_walk *walk) {
    walk->chunk = read_u16(&walk->chunks);
    if (walk->chunk & 0x8000) {
        walk->chunk_total = walk->chunk_left = walk->chunk & 0x4000 ? 7 : 14;
        return;
    }
    walk->run_symbol = walk->chunk >> 13 & 3;
    walk->run_left = walk->chunk & 0x1fff;
}

static unsigned walk_symbol(struct twcc_walk *walk) {
    if (walk->run_left > 0) {
        walk->run_left--;
        return walk->run_symbol;
    }
    walk->chunk_left--;
    if (walk->chunk_total == 14)
        return walk->chunk >> walk->chunk_left & 1;
    return walk->chunk >> (2 * walk->chunk_left) & 3;
}

// How long the chunks are and how many bytes of deltas they promise; false: they tell less than `count`, or
// what they must not.
static bool walk_measure(struct twcc_walk walk, size_t *chunk_bytes, size_t *delta_bytes) {
    const uint8_t *start = walk.chunks.ptr;
    for (*delta_bytes = 0; walk.left > 0; walk.left--) {
        if (walk.run_left == 0 && walk.chunk_left == 0)
            walk_open_chunk(&walk);
        if (walk.chunks.failed || (walk.run_left == 0 && walk.chunk_left == 0))
            return false;                                              // the end, or a run of none
        if (walk.run_left > 1 && walk.run_symbol != SYMBOL_RESERVED) { // all but its last at once
            uint16_t more = (uint16_t)((walk.run_left < walk.left ? walk.run_left : walk.left) - 1);
            *delta_bytes += (size_t)more * walk.run_symbol;
            walk.run_left = (uint16_t)(walk.run_left - more);
            walk.left = (uint16_t)(walk.left - more);
        }
        unsigned symbol = walk_symbol(&walk);
        if (symbol == SYMBOL_RESERVED)
            return false;
        *delta_bytes += symbol;
    }
    *chunk_bytes = (size_t)(walk.chunks.ptr - start);
    return *delta_bytes <= walk.chunks.left;
}

bool twcc_walk_of(struct span fci, struct twcc_walk *walk) {
    *walk = (struct twcc_walk){.chunks = reader_of(fci)};
    walk->seq = read_u16(&walk->chunks);
    walk->left = read_u16(&walk->chunks);
    walk->reference = read_u24(&walk->chunks);
    walk->feedback_count = read_u8(&walk->chunks);
    walk->arrival_ticks = (int64_t)walk->reference * REFERENCE_TICKS;
    size_t chunk_bytes, delta_bytes;
    if (walk->chunks.failed || walk->left == 0 || !walk_measure(*walk, &chunk_bytes, &delta_bytes))
        return false;
    struct reader rest = walk->chunks;
    walk->chunks = read_sub(&rest, chunk_bytes);
    walk->deltas = read_sub(&rest, delta_bytes);
    return true;
}

bool twcc_walk_next(struct twcc_walk *walk, struct twcc_status *out) {
    if (walk->left == 0)
        return false;
    if (walk->run_left == 0 && walk->chunk_left == 0)
        walk_open_chunk(walk);
    unsigned symbol = walk_symbol(walk);
    if (symbol == SYMBOL_SMALL)
        walk->arrival_ticks += read_u8(&walk->deltas);
    else if (symbol == SYMBOL_LARGE)
        walk->arrival_ticks += (int16_t)read_u16(&walk->deltas);
    assert(!walk->chunks.failed && !walk->deltas.failed); // walk_measure went the same way
    *out = (struct twcc_status){
        .seq = walk->seq++, .received = symbol != SYMBOL_LOST, .arrival_ticks = walk->arrival_ticks};
    walk->left--;
    return true;
}

bool twcc_walk_in_run(struct twcc_walk *walk) {
    if (walk->left > 0 && walk->run_left == 0 && walk->chunk_left == 0)
        walk_open_chunk(walk);
    return walk->left > 0 && walk->run_left > 0 && walk->run_symbol == SYMBOL_SMALL;
}

void twcc_walk_skip(struct twcc_walk *walk, unsigned count, int64_t arrival_ticks) {
    assert(count <= walk->left && count <= walk->run_left && count <= walk->deltas.left);
    walk->deltas.ptr += count;
    walk->deltas.left -= count;
    walk->run_left = (uint16_t)(walk->run_left - count);
    walk->left = (uint16_t)(walk->left - count);
    walk->seq = (uint16_t)(walk->seq + count);
    walk->arrival_ticks = arrival_ticks;
}
