// seeds: simulations that are judged for many seeds: every limit for each of them, and what all of them
// show. Header only.
//
// CALL_SEEDS=n: seeds 1 to n; CALL_FIRST=m: from m on; CALL_SEED=n: that one alone; without them SEEDS_FEW.
// All that misses is told before a test fails.
#ifndef TESTS_SIM_SEEDS_H
#define TESTS_SIM_SEEDS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEEDS_FEW 2

static unsigned seed_misses; // since seeds_begin

__attribute__((format(printf, 2, 3))) static inline void check(bool holds, const char *format, ...) {
    if (holds)
        return;
    char words[200];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    print_message("  missed: %s\n", words);
    seed_misses++;
}

static inline uint64_t seeds_said(const char *name, uint64_t otherwise) {
    return getenv(name) ? (uint64_t)atoll(getenv(name)) : otherwise;
}

static inline uint64_t seeds_begin(uint64_t only) {
    seed_misses = 0;
    return seeds_said("CALL_SEED", seeds_said("CALL_FIRST", only && !getenv("CALL_SEEDS") ? only : 1));
}

static inline uint64_t seeds_end(uint64_t only) {
    return seeds_said("CALL_SEED", seeds_said("CALL_SEEDS", only ? only : SEEDS_FEW));
}

static inline bool seeds_many(void) {
    return getenv("CALL_SEED") || getenv("CALL_SEEDS");
}

// CALL_ROWS=word: those whose names have it.
static inline bool row_wanted(const char *name) {
    return !getenv("CALL_ROWS") || strstr(name, getenv("CALL_ROWS"));
}

struct range { // of one figure over the seeds
    double least, most, sum;
    unsigned count;
};

static inline void range_add(struct range *r, double value) {
    r->least = r->count == 0 || value < r->least ? value : r->least;
    r->most = r->count == 0 || value > r->most ? value : r->most;
    r->sum += value;
    r->count++;
}

static inline void range_tell(const struct range *r, const char *what) {
    print_message("  %s: %.2f in the mean, %.2f to %.2f\n", what, r->count ? r->sum / r->count : 0, r->least,
                  r->most);
}

#endif
