// AV1 (AV1 RTP specification, section 4): OBU elements, of which the first and last of a packet may be parts;
// as files have them: each OBU with its size, without temporal delimiters.
#include "record/depacketize_internal.h"

#include "base/leb128.h"

#include <string.h>

#define ELEMENT_CONTINUES 0x80 // Z
#define ELEMENT_GOES_ON 0x40   // Y
#define SEQUENCE_STARTS 0x08   // N
#define OBU_SEQUENCE_HEADER 1
#define OBU_TEMPORAL_DELIMITER 2
#define OBU_TILE_LIST 8
#define OBU_HAS_EXTENSION 0x04
#define OBU_HAS_SIZE 0x02

static size_t write_leb128(uint8_t out[LEB128_BYTES_MAX], size_t value) {
    size_t len = 0;
    do {
        out[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    return len;
}

// ---- the size in a sequence header (AV1 bitstream specification, section 5.5)

static void skip_uvlc(struct bits *b) {
    unsigned zeros = 0;
    while (!b->failed && bits_read(b, 1) == 0)
        zeros++;
    bits_skip(b, zeros < 32 ? zeros : 0);
}

// Timing and operating points. What the latter need of the former is the number of bits of a delay.
static void skip_points(struct bits *b) {
    unsigned delay_bits = 0;
    bool timing = bits_read(b, 1), model = false;
    if (timing) {
        bits_skip(b, 64);
        if (bits_read(b, 1))
            skip_uvlc(b);
        model = bits_read(b, 1);
        if (model) {
            delay_bits = bits_read(b, 5) + 1;
            bits_skip(b, 32 + 5 + 5);
        }
    }
    bool display = bits_read(b, 1);
    unsigned points = bits_read(b, 5) + 1;
    for (unsigned i = 0; i < points && !b->failed; i++) {
        bits_skip(b, 12);
        if (bits_read(b, 5) > 7)
            bits_skip(b, 1);
        if (model && bits_read(b, 1))
            bits_skip(b, 2 * delay_bits + 1);
        if (display && bits_read(b, 1))
            bits_skip(b, 4);
    }
}

static void note_size(struct assembly *a, struct span header) {
    struct bits b = bits_of(header);
    bits_skip(&b, 4);
    if (bits_read(&b, 1)) // reduced_still_picture_header
        bits_skip(&b, 5);
    else
        skip_points(&b);
    unsigned width_bits = bits_read(&b, 4) + 1, height_bits = bits_read(&b, 4) + 1;
    uint32_t width = bits_read(&b, width_bits) + 1, height = bits_read(&b, height_bits) + 1;
    if (b.failed || width > 16384 || height > 16384)
        return;
    a->width = (uint16_t)width;
    a->height = (uint16_t)height;
}

// ---- OBUs

// A whole one, which lies at the end of the frame from `at` on without a size: puts that in.
static bool close_obu(struct assembly *a, size_t at) {
    uint8_t head[2 + LEB128_BYTES_MAX];
    size_t len = a->frame.len - at;
    if (len == 0)
        return true; // an empty element says nothing
    uint8_t *obu = a->frame.bytes + at;
    unsigned type = obu[0] >> 3 & 0x0f;
    size_t head_len = obu[0] & OBU_HAS_EXTENSION ? 2 : 1;
    if (len < head_len || (obu[0] & 0x80))
        return false;
    if (obu[0] & OBU_HAS_SIZE) { // allowed, though it should not be there: it has to agree
        struct reader r = reader_of(span_of(obu + head_len, len - head_len));
        size_t size = read_leb128(&r);
        if (r.failed || size != r.left)
            return false;
        memmove(obu + head_len, r.ptr, size);
        a->frame.len = at + head_len + size;
        len = head_len + size;
    }
    if (type == OBU_TEMPORAL_DELIMITER || type == OBU_TILE_LIST) {
        a->frame.len = at;
        return true;
    }
    size_t size = len - head_len, size_len = write_leb128(head + head_len, size);
    memcpy(head, obu, head_len);
    head[0] |= OBU_HAS_SIZE;
    if (!buffer_add(&a->frame, head, size_len)) // room for the size
        return false;
    obu = a->frame.bytes + at;
    memmove(obu + head_len + size_len, obu + head_len, size);
    memcpy(obu, head, head_len + size_len);
    a->begun = true;
    if (type != OBU_SEQUENCE_HEADER)
        return true;
    a->key = true;
    note_size(a, span_of(obu + head_len + size_len, size));
    if (head_len + size_len + size <= sizeof a->joined) {
        memcpy(a->joined, obu, head_len + size_len + size);
        a->joined_len = head_len + size_len + size;
    }
    return true;
}

static bool add_element(struct assembly *a, struct span element, bool continues, bool goes_on) {
    if (continues != a->in_unit)
        return false;
    if (!continues)
        a->unit_at = a->frame.len;
    if (!buffer_add(&a->frame, element.ptr, element.len))
        return false;
    a->in_unit = goes_on;
    return goes_on || close_obu(a, a->unit_at);
}

bool av1_read(struct assembly *a, struct span payload) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    unsigned count = head >> 4 & 3;
    if (r.left == 0 || ((head & SEQUENCE_STARTS) && (head & ELEMENT_CONTINUES)))
        return false;
    for (unsigned i = 1; r.left > 0; i++) {
        bool counted_last = count > 0 && i == count;
        size_t len = counted_last ? r.left : read_leb128(&r);
        const uint8_t *element = r.ptr;
        read_raw(&r, len);
        if (r.failed)
            return false;
        bool last = r.left == 0;
        if (count > 0 && last != counted_last)
            return false;
        if (!add_element(a, span_of(element, len), i == 1 && (head & ELEMENT_CONTINUES),
                         last && (head & ELEMENT_GOES_ON)))
            return false;
    }
    a->begun |= a->in_unit; // its first OBU is not whole yet
    return true;
}

bool av1_finish(struct assembly *a) {
    return a->frame.len > 0;
}
