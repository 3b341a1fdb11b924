// H264 (RFC 6184): single NAL units, STAP-A and FU-A, as Annex B has them.
#include "record/depacketize_internal.h"

#include <string.h>

#define NAL_TYPE 0x1f
#define NAL_IDR 5
#define NAL_SPS 7
#define NAL_PPS 8
#define NAL_STAP_A 24
#define NAL_FU_A 28
#define FU_START 0x80
#define FU_END 0x40

static const uint8_t start_code[] = {0, 0, 0, 1};

// ---- the size in a sequence parameter set (H.264, section 7.3.2.1.1)

// Without the bytes that keep start codes out; how many are left.
static size_t unescape(struct span nal, uint8_t out[SETUP_BYTES_MAX]) {
    size_t len = 0;
    for (size_t i = 0; i < nal.len && len < SETUP_BYTES_MAX; i++) {
        bool escape = i >= 2 && nal.ptr[i] == 3 && nal.ptr[i - 1] == 0 && nal.ptr[i - 2] == 0;
        if (!escape)
            out[len++] = nal.ptr[i];
    }
    return len;
}

static void skip_scaling_list(struct bits *b, unsigned size) {
    int last = 8, next = 8;
    for (unsigned i = 0; i < size && !b->failed; i++) {
        if (next != 0) {
            uint32_t code = bits_golomb(b);
            int delta = (int)(code & 0xffff);
            delta = delta & 1 ? (delta + 1) / 2 : -(delta / 2);
            next = (last + delta + 256) % 256;
        }
        last = next == 0 ? last : next;
    }
}

// chroma_format_idc, which stands in high profiles alone.
static unsigned read_high(struct bits *b, unsigned profile) {
    static const uint8_t high[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138};
    if (!memchr(high, (int)profile, sizeof high))
        return 1;
    unsigned chroma = bits_golomb(b);
    if (chroma == 3)
        bits_skip(b, 1);
    bits_golomb(b);
    bits_golomb(b);
    bits_skip(b, 1);
    if (bits_read(b, 1))
        for (unsigned i = 0; i < (chroma == 3 ? 12 : 8) && !b->failed; i++)
            if (bits_read(b, 1))
                skip_scaling_list(b, i < 6 ? 16 : 64);
    return chroma;
}

static void skip_order(struct bits *b) {
    unsigned type = bits_golomb(b);
    if (type == 0) {
        bits_golomb(b);
    } else if (type == 1) {
        bits_skip(b, 1);
        bits_golomb(b);
        bits_golomb(b);
        unsigned count = bits_golomb(b);
        for (unsigned i = 0; i < count && i < 256 && !b->failed; i++)
            bits_golomb(b);
    }
}

static void note_size(struct assembly *a, struct span sps) {
    uint8_t plain[SETUP_BYTES_MAX];
    struct bits b = bits_of(span_of(plain, unescape(sps, plain)));
    bits_skip(&b, 8);
    unsigned profile = bits_read(&b, 8);
    bits_skip(&b, 16);
    bits_golomb(&b);
    unsigned chroma = read_high(&b, profile);
    bits_golomb(&b);
    skip_order(&b);
    bits_golomb(&b);
    bits_skip(&b, 1);
    uint64_t width = (UINT64_C(1) + bits_golomb(&b)) * 16, height = (UINT64_C(1) + bits_golomb(&b)) * 16;
    unsigned frames_only = bits_read(&b, 1);
    if (!frames_only) {
        height *= 2;
        bits_skip(&b, 1);
    }
    bits_skip(&b, 1);
    uint64_t crop[4] = {0};
    if (bits_read(&b, 1))
        for (unsigned i = 0; i < 4; i++)
            crop[i] = bits_golomb(&b);
    uint64_t unit_x = chroma == 1 || chroma == 2 ? 2 : 1;
    uint64_t unit_y = (chroma == 1 ? 2 : 1) * (frames_only ? UINT64_C(1) : 2);
    uint64_t cut_x = (crop[0] + crop[1]) * unit_x, cut_y = (crop[2] + crop[3]) * unit_y;
    if (b.failed || cut_x >= width || cut_y >= height || width - cut_x > 16384 || height - cut_y > 16384)
        return;
    a->width = (uint16_t)(width - cut_x);
    a->height = (uint16_t)(height - cut_y);
}

// ---- NAL units

static void note_setup(struct assembly *a, unsigned which, struct span nal) {
    if (nal.len > SETUP_BYTES_MAX)
        return;
    memcpy(a->setup[which], nal.ptr, nal.len);
    a->setup_len[which] = nal.len;
}

// A whole unit that begins at `at` in the frame.
static void note_unit(struct assembly *a, size_t at) {
    struct span nal = span_of(a->frame.bytes + at, a->frame.len - at);
    unsigned type = nal.len > 0 ? nal.ptr[0] & NAL_TYPE : 0;
    a->begun = true;
    if (type == NAL_IDR)
        a->key = true;
    if (type != NAL_SPS && type != NAL_PPS)
        return;
    a->has_setup |= type == NAL_SPS;
    note_setup(a, type == NAL_PPS, nal);
}

static bool add_unit(struct assembly *a, struct span nal) {
    if (nal.len == 0 || a->in_unit || !buffer_add(&a->frame, start_code, sizeof start_code))
        return false;
    size_t at = a->frame.len;
    if (!buffer_add(&a->frame, nal.ptr, nal.len))
        return false;
    note_unit(a, at);
    return true;
}

static bool add_fragment(struct assembly *a, struct span payload) {
    if (payload.len < 3)
        return false;
    uint8_t head = payload.ptr[1];
    if (head & FU_START) {
        uint8_t nal = (uint8_t)((payload.ptr[0] & ~NAL_TYPE) | (head & NAL_TYPE));
        if (a->in_unit || !buffer_add(&a->frame, start_code, sizeof start_code))
            return false;
        a->unit_at = a->frame.len;
        a->in_unit = a->begun = true;
        if (!buffer_add(&a->frame, &nal, 1))
            return false;
    } else if (!a->in_unit) {
        return false;
    }
    if (!buffer_add(&a->frame, payload.ptr + 2, payload.len - 2))
        return false;
    if (head & FU_END) {
        a->in_unit = false;
        note_unit(a, a->unit_at);
    }
    return true;
}

bool h264_read(struct assembly *a, struct span payload) {
    struct reader r = reader_of(payload);
    unsigned type = payload.ptr[0] & NAL_TYPE;
    if (type == NAL_FU_A)
        return add_fragment(a, payload);
    if (type != NAL_STAP_A)
        return type > 0 && type < NAL_STAP_A && add_unit(a, payload);
    read_u8(&r);
    while (r.left > 0) {
        size_t len = read_u16(&r);
        const uint8_t *nal = r.ptr;
        read_raw(&r, len);
        if (r.failed || !add_unit(a, span_of(nal, len)))
            return false;
    }
    return true;
}

// Parameter sets in front of a key frame that came without: a reader may begin at each.
static bool put_setup_in_front(struct assembly *a) {
    size_t before = a->frame.len;
    if (!buffer_add(&a->frame, a->joined, a->joined_len))
        return false;
    memmove(a->frame.bytes + a->joined_len, a->frame.bytes, before);
    memcpy(a->frame.bytes, a->joined, a->joined_len);
    return true;
}

bool h264_finish(struct assembly *a) {
    if (!a->key)
        return true;
    if (a->setup_len[0] == 0 || a->setup_len[1] == 0)
        return false; // nobody could read it
    a->joined_len = 0;
    for (unsigned i = 0; i < 2; i++) {
        memcpy(a->joined + a->joined_len, start_code, sizeof start_code);
        memcpy(a->joined + a->joined_len + sizeof start_code, a->setup[i], a->setup_len[i]);
        a->joined_len += sizeof start_code + a->setup_len[i];
    }
    note_size(a, span_of(a->setup[0], a->setup_len[0]));
    return a->has_setup || put_setup_in_front(a);
}
