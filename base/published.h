// published: counters of one thread that others may read: a struct of nothing but uint64_t, copied value by
// value.
//
// The thread that counts publishes; any thread reads. Each value is whole; values of one reading may be of
// two publishings.
#ifndef BASE_PUBLISHED_H
#define BASE_PUBLISHED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

// bytes: of the struct, and of `published`.
static inline void published_write(_Atomic uint64_t *published, const void *counters, size_t bytes) {
    const uint64_t *values = counters;
    for (size_t i = 0; i < bytes / sizeof *values; i++)
        atomic_store_explicit(&published[i], values[i], memory_order_relaxed);
}

static inline void published_read(const _Atomic uint64_t *published, void *counters, size_t bytes) {
    uint64_t *values = counters;
    for (size_t i = 0; i < bytes / sizeof *values; i++)
        values[i] = atomic_load_explicit(&published[i], memory_order_relaxed);
}

#endif
