// payload: synthetic media payloads with real payload headers (RFC 7587 opus; RFC 7741 VP8, RFC 9628 VP9,
// RFC 6184 H264, the AV1 RTP specification), filler, and a mark at the end. Pure.
//
// A packet is described by a small note and built from it, the same bytes each time; so what was sent is
// remembered as notes and built again when a retransmission is asked for.
#ifndef LOAD_PAYLOAD_H
#define LOAD_PAYLOAD_H

#include "load/mark.h"
#include "rtp/media.h"

#define PAYLOAD_MAX 1150       // bytes of one payload, as browsers cut frames
#define PAYLOAD_MIN 64         // longest header and the mark fit
#define PAYLOAD_TEMPORAL_MAX 3 // layers
#define PAYLOAD_DTX_BYTES 1    // a packet of silence has no mark (RFC 7587, section 3.1.3)

struct payload_note {
    enum media_codec codec;
    struct mark mark;
    uint16_t bytes; // of the payload: PAYLOAD_MIN..PAYLOAD_MAX, or PAYLOAD_DTX_BYTES for opus alone
    uint16_t width, height;
    bool key;         // the frame is a key frame
    uint8_t temporal; // the frame's layer
    uint8_t temporal_layers;
};

// Writes note->bytes bytes.
void payload_write(const struct payload_note *note, uint8_t *out);

// The temporal layer of a frame that is `since_key` frames after the last key frame.
uint8_t payload_temporal(unsigned layers, uint32_t since_key);

#endif
