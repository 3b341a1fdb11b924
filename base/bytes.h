// bytes: big-endian cursors over a buffer.
//
// A reader or a writer that would pass its end does nothing, yields zero and remembers it in `failed`: read
// or write a whole structure, then check once. A sub-reader ends where its block ends, so inner code cannot
// see outer bytes.
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/span.h"

static inline uint16_t load_be16(const uint8_t *p) {
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be24(const uint8_t *p) {
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t load_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t load_be64(const uint8_t *p) {
    return (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
}

static inline void store_be16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void store_be24(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v) {
    store_be16(p, (uint16_t)(v >> 16));
    store_be16(p + 2, (uint16_t)v);
}

static inline void store_be64(uint8_t *p, uint64_t v) {
    store_be32(p, (uint32_t)(v >> 32));
    store_be32(p + 4, (uint32_t)v);
}

struct reader {
    const uint8_t *ptr; // next byte
    size_t left;        // bytes from ptr to the end
    bool failed;        // sticky: something wanted more than there was
};

static inline struct reader reader_of(struct span s) {
    return (struct reader){.ptr = s.ptr, .left = s.len};
}

// The next n bytes, or NULL (and failed) when there are fewer.
static inline const uint8_t *read_raw(struct reader *r, size_t n) {
    if (r->failed || n > r->left) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->ptr;
    r->ptr += n;
    r->left -= n;
    return p;
}

static inline uint8_t read_u8(struct reader *r) {
    const uint8_t *p = read_raw(r, 1);
    return p ? p[0] : 0;
}

static inline uint16_t read_u16(struct reader *r) {
    const uint8_t *p = read_raw(r, 2);
    return p ? load_be16(p) : 0;
}

static inline uint32_t read_u24(struct reader *r) {
    const uint8_t *p = read_raw(r, 3);
    return p ? load_be24(p) : 0;
}

static inline uint32_t read_u32(struct reader *r) {
    const uint8_t *p = read_raw(r, 4);
    return p ? load_be32(p) : 0;
}

static inline uint64_t read_u64(struct reader *r) {
    const uint8_t *p = read_raw(r, 8);
    return p ? load_be64(p) : 0;
}

static inline struct span read_span(struct reader *r, size_t n) {
    const uint8_t *p = read_raw(r, n);
    return p ? span_of(p, n) : (struct span){0};
}

// A reader of the next n bytes alone. A failed outer reader gives a failed inner one.
static inline struct reader read_sub(struct reader *r, size_t n) {
    const uint8_t *p = read_raw(r, n);
    return r->failed ? (struct reader){.failed = true} : (struct reader){.ptr = p, .left = n};
}

struct writer {
    uint8_t *ptr; // start of the buffer
    size_t cap;
    size_t len;  // bytes written so far
    bool failed; // sticky: something did not fit
};

static inline struct writer writer_of(void *ptr, size_t cap) {
    return (struct writer){.ptr = ptr, .cap = cap};
}

// Room for n bytes at the end, or NULL (and failed).
static inline uint8_t *write_raw(struct writer *w, size_t n) {
    if (w->failed || n > w->cap - w->len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->ptr + w->len;
    w->len += n;
    return p;
}

static inline void write_u8(struct writer *w, uint8_t v) {
    uint8_t *p = write_raw(w, 1);
    if (p)
        p[0] = v;
}

static inline void write_u16(struct writer *w, uint16_t v) {
    uint8_t *p = write_raw(w, 2);
    if (p)
        store_be16(p, v);
}

static inline void write_u24(struct writer *w, uint32_t v) {
    uint8_t *p = write_raw(w, 3);
    if (p)
        store_be24(p, v);
}

static inline void write_u32(struct writer *w, uint32_t v) {
    uint8_t *p = write_raw(w, 4);
    if (p)
        store_be32(p, v);
}

static inline void write_u64(struct writer *w, uint64_t v) {
    uint8_t *p = write_raw(w, 8);
    if (p)
        store_be64(p, v);
}

static inline void write_span(struct writer *w, struct span s) {
    uint8_t *p = write_raw(w, s.len);
    if (p && s.len)
        memcpy(p, s.ptr, s.len);
}

static inline void write_zeros(struct writer *w, size_t n) {
    uint8_t *p = write_raw(w, n);
    if (p && n)
        memset(p, 0, n);
}

#endif
