// The VP9 payload descriptor (RFC 9628, section 4.2).
#include "rtp/codec_parse.h"

#define HAS_PICTURE_ID 0x80     // I
#define INTER_PREDICTED 0x40    // P
#define HAS_LAYERS 0x20         // L
#define FLEXIBLE 0x10           // F
#define BEGINS_FRAME 0x08       // B
#define ENDS_FRAME 0x04         // E
#define HAS_STRUCTURE 0x02      // V
#define NO_UPPER_REFERENCE 0x01 // Z
#define PICTURE_AT 1            // behind the byte that tells what follows
#define PICTURE_ID_LONG 0x80
#define SWITCHING_UP 0x10 // U
#define MORE_REFERENCES 0x01
#define REFERENCES_MAX 3
#define STRUCTURE_SIZES 0x10  // Y
#define STRUCTURE_GROUPS 0x08 // G

// `at`: where in the payload they begin.
static void read_layers(struct reader *r, bool flexible, uint8_t at, struct codec_frame *out) {
    uint8_t layers = read_u8(r);
    out->layers.temporal = layers >> 5;
    out->layers.spatial = layers >> 1 & 7;
    if (layers & SWITCHING_UP) // pictures of higher layers that follow need none of those before
        out->layers.sync = (uint8_t)~((2u << out->layers.temporal) - 1);
    if (!flexible) {
        read_u8(r); // TL0PICIDX
        out->pictures.tl0_at = (uint8_t)(at + 1);
    }
}

// "There may be up to 3 P_DIFF".
static void read_references(struct reader *r) {
    for (unsigned i = 0; i < REFERENCES_MAX; i++)
        if (!(read_u8(r) & MORE_REFERENCES))
            return;
    r->failed = true;
}

static void read_structure(struct reader *r, struct codec_frame *out) {
    uint8_t head = read_u8(r);
    size_t spatial_layers = (size_t)(head >> 5) + 1;
    out->layers.layers = (uint8_t)spatial_layers;
    if (head & STRUCTURE_SIZES)
        read_raw(r, spatial_layers * 4);
    if (!(head & STRUCTURE_GROUPS))
        return;
    unsigned pictures = read_u8(r);
    for (unsigned i = 0; i < pictures && !r->failed; i++) {
        uint8_t picture = read_u8(r);
        read_raw(r, picture >> 2 & 3); // its reference indices
    }
}

bool codec_vp9_parse(struct span payload, struct codec_frame *out) {
    struct reader r = reader_of(payload);
    uint8_t head = read_u8(&r);
    bool has_id = head & HAS_PICTURE_ID, long_id = has_id && (read_u8(&r) & PICTURE_ID_LONG);
    if (long_id)
        read_u8(&r);
    out->pictures.id_at = has_id ? PICTURE_AT : 0;
    out->pictures.id_long = long_id;
    if (head & HAS_LAYERS)
        read_layers(&r, head & FLEXIBLE, (uint8_t)(PICTURE_AT + has_id + long_id), out);
    if ((head & FLEXIBLE) && (head & INTER_PREDICTED))
        read_references(&r);
    if (head & HAS_STRUCTURE)
        read_structure(&r, out);
    read_u8(&r); // a byte of the frame at least
    out->layers.flags |= (head & ENDS_FRAME ? LAYER_ENDS : 0) | (head & INTER_PREDICTED ? 0 : LAYER_ALONE) |
                         (head & NO_UPPER_REFERENCE ? LAYER_ASIDE : 0);
    out->frame_start = head & BEGINS_FRAME;
    out->key_frame = out->frame_start && !(head & INTER_PREDICTED) && out->layers.spatial == 0;
    return !r.failed;
}
