// span: a read-only view of bytes. Pointer and length travel together, so they cannot disagree.
// The viewed bytes belong to someone else and must outlive the span.
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *ptr;
    size_t len;
};

static inline struct span span_of(const void *ptr, size_t len) {
    return (struct span){.ptr = ptr, .len = len};
}

static inline struct span span_of_text(const char *text) {
    return span_of(text, strlen(text));
}

static inline bool span_equal(struct span a, struct span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
