// depacketize_internal: what the payload formats, one file each, share; for record/depacketize*.c alone.
#ifndef RECORD_DEPACKETIZE_INTERNAL_H
#define RECORD_DEPACKETIZE_INTERNAL_H

#include "base/bytes.h"
#include "record/depacketize.h"

#define PARTS_MAX 8 // frames of a superframe of VP9
#define SETUP_BYTES_MAX 512

struct buffer {
    uint8_t *bytes;
    size_t len, cap;
};

// A frame in the making.
struct assembly {
    struct buffer frame;
    bool begun, broken, key;
    uint16_t width, height;
    // VP9
    size_t part_at[PARTS_MAX];
    unsigned parts;
    // H264, AV1: a unit that is split over packets
    bool in_unit;
    size_t unit_at;
    bool has_setup;                    // parameter sets are in the frame itself
    uint8_t setup[2][SETUP_BYTES_MAX]; // SPS and PPS; or the sequence header. They stay from frame to frame
    size_t setup_len[2];
    uint8_t joined[2 * SETUP_BYTES_MAX + 8]; // as files want them
    size_t joined_len;
};

// False: no memory, or beyond FRAME_BYTES_MAX.
bool buffer_add(struct buffer *b, const void *bytes, size_t len);

// Takes one payload in; false: it breaks its format.
typedef bool payload_reader(struct assembly *a, struct span payload);
payload_reader vp8_read, vp9_read, h264_read, av1_read, opus_read;
// The frame is whole: what has to be added. False: it is not usable.
bool vp9_finish(struct assembly *a);
bool h264_finish(struct assembly *a);
bool av1_finish(struct assembly *a);

// Bits from the left; beyond the end they are 0 and `failed`.
struct bits {
    const uint8_t *ptr;
    size_t left; // bits
    unsigned at; // within *ptr
    bool failed;
};
struct bits bits_of(struct span bytes);
uint32_t bits_read(struct bits *b, unsigned count); // at most 32
uint32_t bits_golomb(struct bits *b);               // ue(v) of H.264, section 9.1
void bits_skip(struct bits *b, unsigned count);

#endif
