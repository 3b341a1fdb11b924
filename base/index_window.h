// index_window: which indexes of one stream were taken, so that none is taken twice. Pure; zeros to begin
// with.
//
// Indexes are 64 bits and mostly go up. Those up to INDEX_WINDOW_SURE behind the highest can still be taken,
// once; what is further behind counts as taken. A ring of words, as in RFC 6479: going on costs one word now
// and then, never a shift of all.
#ifndef BASE_INDEX_WINDOW_H
#define BASE_INDEX_WINDOW_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define INDEX_WINDOW_WORDS 8
#define INDEX_WINDOW_SURE ((INDEX_WINDOW_WORDS - 1) * 64)

struct index_window {
    uint64_t next;                      // one past the highest that was taken, 0: none yet
    uint64_t taken[INDEX_WINDOW_WORDS]; // [index / 64 % words], bit index % 64
};

static inline bool index_window_behind(const struct index_window *w, uint64_t index) {
    return index < w->next && (w->next - 1) / 64 - index / 64 >= INDEX_WINDOW_WORDS;
}

static inline bool index_window_has(const struct index_window *w, uint64_t index) {
    if (index >= w->next)
        return false;
    return index_window_behind(w, index) || (w->taken[index / 64 % INDEX_WINDOW_WORDS] >> (index % 64) & 1);
}

// False: it was taken before, or lies too far behind to tell.
static inline bool index_window_take(struct index_window *w, uint64_t index) {
    assert(index < UINT64_MAX);
    if (index_window_has(w, index))
        return false;
    if (index >= w->next) {
        uint64_t word = w->next ? (w->next - 1) / 64 : index / 64, last = index / 64;
        if (last - word > INDEX_WINDOW_WORDS)
            word = last - INDEX_WINDOW_WORDS;
        while (word < last)
            w->taken[++word % INDEX_WINDOW_WORDS] = 0;
        w->next = index + 1;
    }
    w->taken[index / 64 % INDEX_WINDOW_WORDS] |= UINT64_C(1) << (index % 64);
    return true;
}

#endif
