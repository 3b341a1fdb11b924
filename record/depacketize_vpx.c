// VP8 and VP9.
#include "record/depacketize_internal.h"

#include <string.h>

// ---- VP8 (RFC 7741, section 4.2)

#define VP8_EXTENDED 0x80
#define VP8_START 0x10
#define VP8_PARTITION 0x07

static void vp8_skip_extended(struct reader *r) {
    uint8_t flags = read_u8(r);
    if (flags & 0x80 && read_u8(r) & 0x80) // a picture id, of two bytes
        read_u8(r);
    if (flags & 0x40)
        read_u8(r); // TL0PICIDX
    if (flags & 0x30)
        read_u8(r); // TID, KEYIDX
}

bool vp8_read(struct assembly *a, struct span payload) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    if (head & VP8_EXTENDED)
        vp8_skip_extended(&r);
    if (r.failed || r.left == 0)
        return false;
    const uint8_t *frame = r.ptr;
    if (head & VP8_START && (head & VP8_PARTITION) == 0) {
        if (a->begun)
            return false; // a second frame of one time
        a->begun = true;
        a->key = (frame[0] & 1) == 0;
        // RFC 6386, section 9.1
        if (a->key && r.left >= 10 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a) {
            a->width = (uint16_t)((frame[6] | frame[7] << 8) & 0x3fff);
            a->height = (uint16_t)((frame[8] | frame[9] << 8) & 0x3fff);
        }
    }
    return buffer_add(&a->frame, frame, r.left);
}

// ---- VP9 (RFC 9628, section 4.2)

static void vp9_skip_structure(struct reader *r) {
    uint8_t head = read_u8(r);
    if (head & 0x10)
        read_raw(r, ((size_t)(head >> 5) + 1) * 4);
    unsigned pictures = head & 0x08 ? read_u8(r) : 0;
    for (unsigned i = 0; i < pictures && !r->failed; i++)
        read_raw(r, read_u8(r) >> 2 & 3);
}

// The descriptor. *spatial: the layer's number.
static void vp9_skip_descriptor(struct reader *r, uint8_t head, unsigned *spatial) {
    if (head & 0x80 && read_u8(r) & 0x80)
        read_u8(r);
    if (head & 0x20) {
        *spatial = read_u8(r) >> 1 & 7;
        if (!(head & 0x10))
            read_u8(r);
    }
    if ((head & 0x50) == 0x50)
        for (unsigned i = 0; i < 3 && read_u8(r) & 1; i++)
            continue;
    if (head & 0x02)
        vp9_skip_structure(r);
}

// The uncompressed header of a key frame (VP9 bitstream specification, section 6.2), as far as the size.
static void vp9_note_size(struct assembly *a, struct span frame) {
    struct bits b = bits_of(frame);
    unsigned marker = bits_read(&b, 2), profile = bits_read(&b, 1);
    profile |= bits_read(&b, 1) << 1;
    if (profile == 3)
        bits_skip(&b, 1);
    unsigned existing = bits_read(&b, 1), inter = bits_read(&b, 1);
    bits_skip(&b, 2);
    if (marker != 2 || existing || inter || bits_read(&b, 24) != 0x498342)
        return;
    if (profile >= 2)
        bits_skip(&b, 1);
    unsigned space = bits_read(&b, 3);
    if (space != 7)
        bits_skip(&b, profile & 1 ? 4 : 1);
    else
        bits_skip(&b, profile & 1 ? 1 : 0);
    uint32_t width = bits_read(&b, 16) + 1, height = bits_read(&b, 16) + 1;
    if (b.failed || width > 16384 || height > 16384)
        return;
    a->width = (uint16_t)width; // of the highest layer that tells one
    a->height = (uint16_t)height;
}

bool vp9_read(struct assembly *a, struct span payload) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    unsigned spatial = 0;
    vp9_skip_descriptor(&r, head, &spatial);
    if (r.failed || r.left == 0)
        return false;
    if (head & 0x08) { // B: a layer's frame begins
        if (a->parts == PARTS_MAX)
            return false;
        if (a->parts == 0) {
            a->begun = true;
            a->key = !(head & 0x40) && spatial == 0;
        }
        a->part_at[a->parts++] = a->frame.len;
        if (a->key)
            vp9_note_size(a, span_of(r.ptr, r.left));
    }
    return buffer_add(&a->frame, r.ptr, r.left);
}

// Several layers are one packet of a file: a superframe, whose index is at its end (VP9 specification, annex
// B).
bool vp9_finish(struct assembly *a) {
    uint8_t index[2 + PARTS_MAX * 4];
    size_t len = 0;
    if (a->parts < 2)
        return a->parts == 1;
    uint8_t marker = (uint8_t)(0xc0 | 3 << 3 | (a->parts - 1)); // sizes of four bytes
    index[len++] = marker;
    for (unsigned i = 0; i < a->parts; i++) {
        size_t end = i + 1 < a->parts ? a->part_at[i + 1] : a->frame.len, size = end - a->part_at[i];
        for (unsigned byte = 0; byte < 4; byte++)
            index[len++] = (uint8_t)(size >> (8 * byte));
    }
    index[len++] = marker;
    return buffer_add(&a->frame, index, len);
}
