#include "load/mark.h"

#include "base/bytes.h"

#define MAGIC UINT32_C(0x524c6431) // "RLd1"

void mark_write(uint8_t out[MARK_BYTES], const struct mark *mark) {
    store_be32(out, MAGIC);
    store_be32(out + 4, mark->source);
    store_be64(out + 8, mark->send_us);
    store_be32(out + 16, mark->frame);
    store_be16(out + 20, mark->index);
    store_be16(out + 22, mark->count);
}

bool mark_read(struct span payload, struct mark *out) {
    if (payload.len < MARK_BYTES)
        return false;
    const uint8_t *p = payload.ptr + payload.len - MARK_BYTES;
    *out = (struct mark){.source = load_be32(p + 4),
                         .send_us = load_be64(p + 8),
                         .frame = load_be32(p + 16),
                         .index = load_be16(p + 20),
                         .count = load_be16(p + 22)};
    return load_be32(p) == MAGIC && out->index < out->count;
}
