#include "load/payload.h"

#include "base/bytes.h"

#include <assert.h>

uint8_t payload_temporal(unsigned layers, uint32_t since_key) {
    static const uint8_t two[] = {0, 1}, three[] = {0, 2, 1, 2};
    return layers == 3 ? three[since_key % 4] : layers == 2 ? two[since_key % 2] : 0;
}

static bool first_packet(const struct payload_note *note) {
    return note->mark.index == 0;
}

static bool last_packet(const struct payload_note *note) {
    return note->mark.index + 1 == note->mark.count;
}

// Counts the pictures of layer 0 (TL0PICIDX); exact enough for one who looks for changes.
static uint8_t base_picture(const struct payload_note *note) {
    static const uint8_t period[] = {1, 1, 2, 4};
    return (uint8_t)(note->mark.frame / period[note->temporal_layers]);
}

// RFC 7741, section 4.2 and RFC 6386, section 9.1.
static void write_vp8(struct writer *w, const struct payload_note *note) {
    write_u8(w, (uint8_t)(0x80 | (first_packet(note) ? 0x10 : 0))); // X, S
    write_u8(w, 0x80 | 0x40 | 0x20);                                // I, L, T
    write_u16(w, (uint16_t)(0x8000 | (note->mark.frame & 0x7fff)));
    write_u8(w, base_picture(note));
    write_u8(w, (uint8_t)(note->temporal << 6 | (note->temporal ? 0x20 : 0))); // TID, Y
    if (!first_packet(note))
        return;
    write_u8(w, (uint8_t)(0x10 | (note->key ? 0 : 1))); // show_frame, P
    write_u16(w, 0);
    if (!note->key)
        return;
    write_u24(w, 0x9d012a); // start code, then 14 bits each, little endian
    write_u16(w, (uint16_t)(note->width << 8 | note->width >> 8));
    write_u16(w, (uint16_t)(note->height << 8 | note->height >> 8));
}

// RFC 9628, section 4.2: one spatial layer, not flexible.
static void write_vp9(struct writer *w, const struct payload_note *note) {
    bool structure = note->key && first_packet(note);
    write_u8(w, (uint8_t)(0x80 | (note->key ? 0 : 0x40) | 0x20 | (first_packet(note) ? 0x08 : 0) |
                          (last_packet(note) ? 0x04 : 0) | (structure ? 0x02 : 0))); // I P L B E V
    write_u16(w, (uint16_t)(0x8000 | (note->mark.frame & 0x7fff)));
    write_u8(w, (uint8_t)(note->temporal << 5 | (note->temporal ? 0x10 : 0))); // TID, U
    write_u8(w, base_picture(note));
    if (!structure)
        return;
    write_u8(w, 0x10); // one spatial layer, Y: its size follows
    write_u16(w, note->width);
    write_u16(w, note->height);
}

// RFC 6184: parameter sets in a STAP-A of their own at the head of a key frame's first packet are not
// possible beside a fragment, so the first packet of a key frame is the STAP-A and the picture follows.
static void write_h264(struct writer *w, const struct payload_note *note) {
    if (note->key && first_packet(note)) {
        static const uint8_t sets[] = {24,                                                    // STAP-A
                                       0,  8, 0x67, 0x42, 0xe0, 0x1f, 0xda, 0x01, 0x40, 0x16, // SPS
                                       0,  4, 0x68, 0xce, 0x06, 0xe2};                        // PPS
        write_span(w, span_of(sets, sizeof sets));
        // What follows in this packet is an SEI of its own length.
        size_t left = note->bytes - w->len - 2;
        write_u16(w, (uint16_t)left);
        write_u8(w, 6);
        return;
    }
    uint8_t type = note->key ? 5 : 1;
    bool start = note->mark.index == (note->key ? 1 : 0);
    if (start && last_packet(note)) { // whole in one packet
        write_u8(w, (uint8_t)(0x60 | type));
    } else {
        write_u8(w, 0x60 | 28); // FU-A
        write_u8(w, (uint8_t)((start ? 0x80 : 0) | (last_packet(note) ? 0x40 : 0) | type));
    }
    write_u8(w, start ? 0x88 : 0x00); // first_mb_in_slice 0
}

// AV1 RTP specification, section 4.4.
static void write_av1(struct writer *w, const struct payload_note *note) {
    bool sequence = note->key && first_packet(note);
    write_u8(w, (uint8_t)((first_packet(note) ? 0 : 0x80) | (last_packet(note) ? 0 : 0x40) |
                          (sequence ? 0x20 : 0x10) | (sequence ? 0x08 : 0))); // Z Y W N
    if (!first_packet(note))
        return;
    uint8_t layers = (uint8_t)(note->temporal << 5);
    if (sequence) {
        static const uint8_t header[] = {0x00, 0x00, 0x00, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x30, 0x08};
        write_u8(w, 2 + sizeof header);
        write_u8(w, 1 << 3 | 0x04); // OBU_SEQUENCE_HEADER with extension
        write_u8(w, layers);
        write_span(w, span_of(header, sizeof header));
    }
    write_u8(w, 6 << 3 | 0x04); // OBU_FRAME with extension
    write_u8(w, layers);
}

static void write_head(struct writer *w, const struct payload_note *note) {
    switch (note->codec) {
    case CODEC_VP8:
        write_vp8(w, note);
        break;
    case CODEC_VP9:
        write_vp9(w, note);
        break;
    case CODEC_H264:
        write_h264(w, note);
        break;
    case CODEC_AV1:
        write_av1(w, note);
        break;
    case CODEC_H265: // nobody here sends it
    case CODEC_OPUS:
        write_u8(w, 0x78); // RFC 6716, section 3.1: CELT, fullband, 20 ms, mono, one frame
        break;
    }
}

void payload_write(const struct payload_note *note, uint8_t *out) {
    assert(note->temporal_layers >= 1 && note->temporal_layers <= PAYLOAD_TEMPORAL_MAX);
    struct writer w = writer_of(out, note->bytes);
    if (note->codec == CODEC_OPUS && note->bytes == PAYLOAD_DTX_BYTES) {
        write_u8(&w, 0x78);
        return;
    }
    assert(note->bytes >= PAYLOAD_MIN && note->bytes <= PAYLOAD_MAX);
    write_head(&w, note);
    assert(!w.failed && w.len + MARK_BYTES <= note->bytes);
    memset(out + w.len, 0xa5, note->bytes - w.len - MARK_BYTES);
    mark_write(out + note->bytes - MARK_BYTES, &note->mark);
}
