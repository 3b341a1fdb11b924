// H264 (RFC 6184, sections 5.4 to 5.8): single NAL units, STAP-A and FU-A; the other packetizations belong to
// the interleaved mode, which is not negotiated.
#include "rtp/codec_parse.h"

#define NAL_TYPE 0x1f
#define NAL_SLICE 1
#define NAL_SLICE_A 2
#define NAL_SLICE_IDR 5
#define NAL_SEI 6
#define NAL_SPS 7
#define NAL_PPS 8
#define NAL_AUD 9
#define NAL_SINGLE_LAST 23
#define NAL_STAP_A 24
#define NAL_FU_A 28
#define FU_START 0x80

// One NAL unit's beginning. A slice begins a picture when its first_mb_in_slice, an Exp-Golomb number, is 0:
// one set bit. A fragment may be so short that it does not tell; then it is taken for a beginning.
static void note_nal(uint8_t type, struct reader body, struct codec_frame *out) {
    bool first_slice = body.left == 0 || (read_u8(&body) & 0x80);
    switch (type) {
    case NAL_SPS:
        out->frame_start = out->key_frame = out->opens = true;
        break;
    case NAL_SEI:
    case NAL_PPS:
    case NAL_AUD:
        out->frame_start = true;
        break;
    case NAL_SLICE_IDR:
        out->key_frame |= first_slice;
        out->frame_start |= first_slice;
        break;
    case NAL_SLICE:
    case NAL_SLICE_A:
        out->frame_start |= first_slice;
        break;
    default:
        break;
    }
}

static bool read_stap(struct reader *r, struct codec_frame *out) {
    if (r->left == 0)
        return false;
    while (r->left > 0) {
        size_t size = read_u16(r);
        struct reader nal = read_sub(r, size);
        uint8_t head = read_u8(&nal);
        if (nal.failed)
            return false;
        note_nal(head & NAL_TYPE, nal, out);
    }
    return true;
}

bool codec_h264_parse(struct span payload, struct codec_frame *out) {
    struct reader r = reader_of(payload);
    uint8_t type = read_u8(&r) & NAL_TYPE;
    if (type == NAL_STAP_A)
        return read_stap(&r, out);
    if (type == NAL_FU_A) {
        uint8_t fu = read_u8(&r);
        if (fu & FU_START)
            note_nal(fu & NAL_TYPE, r, out);
        return !r.failed;
    }
    if (type == 0 || type > NAL_SINGLE_LAST)
        return false;
    note_nal(type, r, out);
    return true;
}
