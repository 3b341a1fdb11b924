#include "rtp/rtp_ext_write.h"

#include <stdbool.h>

#define PROFILE_ONE_BYTE 0xbede
#define PROFILE_TWO_BYTE 0x1000
#define HEAD_BYTES 4
#define ONE_BYTE_ID_STOP 15
#define ONE_BYTE_VALUE_MAX 16
#define TWO_BYTE_VALUE_MAX 255

static bool element_is_short(const struct rtp_ext_element *e) {
    return e->id < ONE_BYTE_ID_STOP && e->value.len >= 1 && e->value.len <= ONE_BYTE_VALUE_MAX;
}

static void element_write(struct writer *w, const struct rtp_ext_element *e, bool two_byte) {
    w->failed |= e->id == 0 || e->value.len > TWO_BYTE_VALUE_MAX;
    if (two_byte) {
        write_u8(w, e->id);
        write_u8(w, (uint8_t)e->value.len);
    } else {
        write_u8(w, (uint8_t)((size_t)e->id << 4 | (e->value.len - 1)));
    }
    write_span(w, e->value);
}

// The next element of a block in one-byte form; false at its end.
static bool element_next(struct reader *r, struct rtp_ext_element *out) {
    uint8_t head = 0;
    while (r->left > 0 && head == 0) // a zero byte is padding
        head = read_u8(r);
    out->id = head >> 4;
    if (out->id == 0 || out->id == ONE_BYTE_ID_STOP)
        return false;
    out->value = read_span(r, (head & 0x0fu) + 1u);
    return !r->failed;
}

void rtp_ext_write(struct writer *w, struct span block, const struct rtp_ext_element *more, unsigned count) {
    bool two_byte = false;
    for (unsigned i = 0; i < count; i++)
        two_byte |= !element_is_short(&more[i]);
    size_t start = w->len;
    write_u16(w, two_byte ? PROFILE_TWO_BYTE : PROFILE_ONE_BYTE);
    write_u16(w, 0); // length in words, below
    struct reader r = reader_of(block);
    (void)read_raw(&r, HEAD_BYTES);
    for (struct rtp_ext_element e; element_next(&r, &e);)
        element_write(w, &e, two_byte);
    for (unsigned i = 0; i < count; i++)
        element_write(w, &more[i], two_byte);
    write_zeros(w, -(w->len - start) & 3);
    if (!w->failed)
        store_be16(w->ptr + start + 2, (uint16_t)((w->len - start - HEAD_BYTES) / 4));
}
