// pool: packet blocks of 2 KiB with a reference count, for one thread.
//
// A pool belongs to one thread; its blocks are taken, shared and released by that thread alone. A block
// starts with one reference; the last release gives it back. The pool grows in slabs up to its limit and
// keeps them until it is destroyed, so the packet path does not call malloc once it is warm.
//
// The bytes of a packet are bytes[start .. start + len). Received packets start at BLOCK_HEADROOM, so that a
// header can be rewritten to a longer one without moving the payload; what follows leaves room for SRTP's
// trailer.
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/err.h"
#include "base/list.h"

#include <stdint.h>

#define BLOCK_BYTES 2048
#define BLOCK_META_BYTES 64
#define BLOCK_CAPACITY (BLOCK_BYTES - 32 - BLOCK_META_BYTES)
#define BLOCK_HEADROOM 192
#define BLOCK_DATAGRAM_MAX 1536 // longest datagram that is received; sent, it is longer by a header and a tag
#define BLOCK_TAILROOM (BLOCK_CAPACITY - BLOCK_HEADROOM - BLOCK_DATAGRAM_MAX)

struct pool;

struct block {
    struct pool *pool;
    struct block *next; // for whoever holds the block in a queue; NULL when taken
    uint32_t refs;
    uint16_t start; // offset of the first byte of the packet
    uint16_t len;   // length of the packet
    uint64_t spare;
    _Alignas(8) uint8_t meta[BLOCK_META_BYTES]; // what the module that made the packet notes about it
    uint8_t bytes[BLOCK_CAPACITY];
};

_Static_assert(sizeof(struct block) == BLOCK_BYTES, "a block is 2 KiB");
_Static_assert(BLOCK_TAILROOM >= 144, "SRTP_MAX_TRAILER_LEN fits");

// A pool of at most blocks_max blocks. NULL when out of memory.
struct pool *pool_create(uint32_t blocks_max);
// All blocks must have been released. NULL is fine.
void pool_destroy(struct pool *pool);

// A block with one reference, start = BLOCK_HEADROOM, len = 0, its bytes undefined. NULL when the limit is
// reached.
struct block *pool_take(struct pool *pool);
uint32_t pool_taken(const struct pool *pool);
uint32_t pool_limit(const struct pool *pool);

static inline struct block *block_ref(struct block *b) {
    b->refs++;
    return b;
}

// Gives up one reference; NULL is fine.
void block_release(struct block *b);

static inline uint8_t *block_data(struct block *b) {
    return b->bytes + b->start;
}

#endif
