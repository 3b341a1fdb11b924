// The VP8 payload descriptor (RFC 7741, section 4.2) and the first bit of the frame (RFC 6386, section 9.1).
#include "rtp/codec_parse.h"

#define START_OF_PARTITION 0x10
#define PARTITION_INDEX 0x07
#define EXTENDED 0x80
#define HAS_PICTURE_ID 0x80
#define HAS_TL0PICIDX 0x40
#define HAS_TID 0x20
#define HAS_KEYIDX 0x10
#define PICTURE_ID_LONG 0x80
#define LAYER_SYNC 0x20
#define PICTURE_AT 2     // behind the two bytes that tell what follows
#define INTER_FRAME 0x01 // "P: inverse key frame flag"

static void read_extended(struct reader *r, struct codec_frame *out) {
    uint8_t flags = read_u8(r);
    bool long_id = (flags & HAS_PICTURE_ID) && (read_u8(r) & PICTURE_ID_LONG);
    if (long_id)
        read_u8(r);
    uint8_t behind_id = (uint8_t)(PICTURE_AT + (flags & HAS_PICTURE_ID ? 1 + long_id : 0));
    out->pictures = (struct picture_places){.id_at = flags & HAS_PICTURE_ID ? PICTURE_AT : 0,
                                            .id_long = long_id,
                                            .tl0_at = flags & HAS_TL0PICIDX ? behind_id : 0};
    if (flags & HAS_TL0PICIDX)
        read_u8(r);
    if (flags & (HAS_TID | HAS_KEYIDX)) {
        uint8_t layer = read_u8(r);
        if (flags & HAS_TID) {
            out->layers.temporal = layer >> 6;
            if (layer & LAYER_SYNC) { // "the current frame depends only on the base layer"
                out->layers.sync = (uint8_t)(1u << out->layers.temporal);
                out->layers.flags |= LAYER_BASE_ONLY;
            }
        }
    }
}

bool codec_vp8_parse(struct span payload, struct codec_frame *out) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    if (head & EXTENDED)
        read_extended(&r, out);
    uint8_t frame = read_u8(&r);
    out->frame_start = (head & START_OF_PARTITION) && (head & PARTITION_INDEX) == 0;
    out->key_frame = out->frame_start && !(frame & INTER_FRAME);
    return !r.failed;
}
