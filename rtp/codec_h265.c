// H265 (RFC 7798, section 4.4): single NAL units, AP and FU, without decoding order numbers
// (sprop-max-don-diff is 0 in WebRTC).
#include "rtp/codec_parse.h"

#define NAL_TSA_N 2 // H.265, table 7-1
#define NAL_TSA_R 3
#define NAL_STSA_N 4
#define NAL_STSA_R 5
#define NAL_IRAP_FIRST 16
#define NAL_IRAP_LAST 23
#define NAL_VCL_LAST 31
#define NAL_VPS 32
#define NAL_PPS 34
#define NAL_AUD 35
#define NAL_SEI_PREFIX 39
#define NAL_AP 48
#define NAL_FU 49
#define FU_START 0x80
#define FU_TYPE 0x3f

struct nal_head {
    uint8_t type;
    uint8_t temporal;
};

// "The value of TID is the temporal identifier of the NAL unit plus 1. A TID value of 0 is illegal."
static struct nal_head read_head(struct reader *r) {
    uint16_t head = read_u16(r);
    if ((head & 7) == 0)
        r->failed = true;
    return (struct nal_head){.type = head >> 9 & 0x3f, .temporal = (uint8_t)((head & 7) - 1)};
}

// H.265, 7.4.2.2: a temporal sub-layer access picture frees its layer and all above of what was before it, a
// step-wise one its own layer. Both may refer to lower layers.
static void note_sync(uint8_t type, struct codec_frame *out) {
    uint8_t own = (uint8_t)(1u << out->layers.temporal);
    if (type == NAL_TSA_N || type == NAL_TSA_R)
        out->layers.sync |= (uint8_t)~(own - 1u);
    else if (type == NAL_STSA_N || type == NAL_STSA_R)
        out->layers.sync |= own;
}

// One NAL unit's beginning; a slice begins a picture when its first bit, first_slice_segment_in_pic_flag, is
// set.
static void note_nal(uint8_t type, struct reader body, struct codec_frame *out) {
    bool first_slice = body.left == 0 || (read_u8(&body) & 0x80);
    if (type <= NAL_VCL_LAST) {
        out->frame_start |= first_slice;
        out->key_frame |= first_slice && type >= NAL_IRAP_FIRST && type <= NAL_IRAP_LAST;
        note_sync(type, out);
    } else if (type >= NAL_VPS && type <= NAL_PPS) {
        out->frame_start = out->key_frame = true;
        out->opens |= type == NAL_VPS;
    } else if (type == NAL_AUD || type == NAL_SEI_PREFIX) {
        out->frame_start = true;
    }
}

static bool read_aggregate(struct reader *r, struct codec_frame *out) {
    if (r->left == 0)
        return false;
    while (r->left > 0) {
        size_t size = read_u16(r);
        struct reader nal = read_sub(r, size);
        struct nal_head head = read_head(&nal);
        if (nal.failed)
            return false;
        note_nal(head.type, nal, out);
    }
    return true;
}

bool codec_h265_parse(struct span payload, struct codec_frame *out) {
    struct reader r = reader_of(payload);
    struct nal_head head = read_head(&r);
    if (r.failed)
        return false;
    out->layers.temporal = head.temporal;
    if (head.type == NAL_AP)
        return read_aggregate(&r, out);
    if (head.type == NAL_FU) {
        uint8_t fu = read_u8(&r);
        if (fu & FU_START)
            note_nal(fu & FU_TYPE, r, out);
        else
            note_sync(fu & FU_TYPE, out);
        return !r.failed;
    }
    if (head.type > NAL_FU)
        return false;
    note_nal(head.type, r, out);
    return true;
}
