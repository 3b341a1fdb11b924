// bytes_of: hexadecimal text to a heap block of exactly its size, so that the sanitizer sees a read past it.
#ifndef TESTS_UNIT_RTP_BYTES_OF_H
#define TESTS_UNIT_RTP_BYTES_OF_H

#include "base/span.h"

#include <stdio.h>
#include <stdlib.h>

// Spaces are skipped. The caller frees .ptr with bytes_free.
static inline struct span bytes_of(const char *hex) {
    uint8_t *out = malloc(strlen(hex) / 2 + 1);
    size_t n = 0;
    for (unsigned byte; *hex; hex += strspn(hex, " "))
        if (sscanf(hex, "%2x", &byte) == 1) {
            out[n++] = (uint8_t)byte;
            hex += 2;
        }
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, out, n);
    free(out);
    return span_of(exact, n);
}

static inline struct span bytes_copy(const void *bytes, size_t len) {
    uint8_t *exact = malloc(len ? len : 1);
    memcpy(exact, bytes, len);
    return span_of(exact, len);
}

static inline void bytes_free(struct span s) {
    free((void *)(uintptr_t)s.ptr);
}

#endif
