#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>

#define POOL_SLAB_BLOCKS 128

struct pool_slab {
    struct pool_slab *next;
    struct block *blocks;
};

struct pool {
    struct block *free;
    struct pool_slab *slabs;
    uint32_t allocated;
    uint32_t taken;
    uint32_t limit;
};

struct pool *pool_create(uint32_t blocks_max) {
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool)
        pool->limit = blocks_max;
    return pool;
}

void pool_destroy(struct pool *pool) {
    if (!pool)
        return;
    assert(pool->taken == 0);
    for (struct pool_slab *slab = pool->slabs; slab;) {
        struct pool_slab *next = slab->next;
        free(slab->blocks);
        free(slab);
        slab = next;
    }
    free(pool);
}

static void pool_grow(struct pool *pool) {
    uint32_t n = pool->limit - pool->allocated;
    if (n > POOL_SLAB_BLOCKS)
        n = POOL_SLAB_BLOCKS;
    if (n == 0)
        return;
    struct pool_slab *slab = malloc(sizeof *slab);
    struct block *blocks = aligned_alloc(64, (size_t)n * sizeof *blocks);
    if (!slab || !blocks) {
        free(slab);
        free(blocks);
        return;
    }
    *slab = (struct pool_slab){.next = pool->slabs, .blocks = blocks};
    pool->slabs = slab;
    pool->allocated += n;
    for (uint32_t i = n; i-- > 0;) {
        blocks[i].pool = pool;
        blocks[i].refs = 0;
        blocks[i].next = pool->free;
        pool->free = &blocks[i];
    }
}

struct block *pool_take(struct pool *pool) {
    if (!pool->free)
        pool_grow(pool);
    struct block *b = pool->free;
    if (!b)
        return NULL;
    assert(b->refs == 0);
    pool->free = b->next;
    if (pool->free) { // the next one, by the time that it is wanted
        __builtin_prefetch(pool->free, 1);
        __builtin_prefetch(pool->free->bytes + BLOCK_HEADROOM - 64, 1);
        __builtin_prefetch(pool->free->bytes + BLOCK_HEADROOM, 1);
    }
    pool->taken++;
    b->next = NULL;
    b->refs = 1;
    b->start = BLOCK_HEADROOM;
    b->len = 0;
    return b;
}

uint32_t pool_taken(const struct pool *pool) {
    return pool->taken;
}

uint32_t pool_limit(const struct pool *pool) {
    return pool->limit;
}

void block_release(struct block *b) {
    if (!b)
        return;
    assert(b->refs > 0);
    if (--b->refs > 0)
        return;
    struct pool *pool = b->pool;
    assert(pool->taken > 0);
    pool->taken--;
    b->next = pool->free;
    pool->free = b;
}
