// AV1 (AV1 RTP specification, section 4): the aggregation header and the heads of the OBUs behind it.
#include "rtp/codec_parse.h"

#include "base/leb128.h"

#define FIRST_CONTINUES 0x80 // Z
#define SEQUENCE_STARTS 0x08 // N
#define OBU_FORBIDDEN 0x80
#define OBU_HAS_EXTENSION 0x04
#define OBU_SEQUENCE_HEADER 1
#define OBU_TEMPORAL_DELIMITER 2
#define OBU_FRAME_HEADER 3
#define OBU_METADATA 5
#define OBU_FRAME 6

struct obu_walk {
    struct reader left;
    unsigned count;     // W: how many elements there are, 0: each has its length
    unsigned index;     // of the next element
    bool first_is_tail; // the first element continues an OBU of the packet before
};

// One OBU's first bytes. The first OBU of the packet tells whether a frame begins; whichever has an extension
// tells the temporal layer: it is the same for all of a packet. The spatial layer is not taken from here: the
// rest of an OBU that began in the packet before does not say it, nor does anything say where a layer's frame
// ends, so that half of a picture would be left out. That takes a dependency descriptor.
static bool note_obu(struct reader obu, bool first, struct codec_frame *out) {
    uint8_t head = read_u8(&obu);
    uint8_t type = head >> 3 & 0x0f;
    if (head & OBU_HAS_EXTENSION)
        out->layers.temporal = read_u8(&obu) >> 5;
    if (obu.failed || (head & OBU_FORBIDDEN))
        return false;
    if (first) {
        out->frame_start = type == OBU_SEQUENCE_HEADER || type == OBU_TEMPORAL_DELIMITER ||
                           type == OBU_FRAME_HEADER || type == OBU_METADATA || type == OBU_FRAME;
    }
    if (type == OBU_SEQUENCE_HEADER)
        out->frame_start = out->key_frame = true;
    return true;
}

// The next OBU element; false when the payload ends where it should not.
static bool next_element(struct obu_walk *walk, struct codec_frame *out) {
    bool last = ++walk->index == walk->count;
    size_t len = last ? walk->left.left : read_leb128(&walk->left);
    struct reader obu = read_sub(&walk->left, len);
    if (obu.failed || (last && len == 0))
        return false;
    bool continued = walk->index == 1 && walk->first_is_tail;
    // An empty element says nothing.
    return len == 0 || continued || note_obu(obu, walk->index == 1, out);
}

bool codec_av1_parse(struct span payload, struct codec_frame *out) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    struct obu_walk walk = {.left = r, .count = head >> 4 & 3, .first_is_tail = head & FIRST_CONTINUES};
    bool sequence_starts = head & SEQUENCE_STARTS;
    // "If N is equal to 1, then Z must be set to 0."
    if (r.left == 0 || (sequence_starts && walk.first_is_tail))
        return false;
    while (walk.left.left > 0 || walk.index < walk.count)
        if (!next_element(&walk, out))
            return false;
    if (sequence_starts)
        out->frame_start = out->key_frame = true;
    return true;
}
