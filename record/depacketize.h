// depacketize: RTP payloads of one stream, in order, to whole frames as files have them: VP8 (RFC 7741), VP9
// (RFC 9628; the layers of a picture as one superframe), AV1 (AV1 RTP specification; OBUs with their sizes),
// H264 (RFC 6184; Annex B), opus (RFC 7587).
//
// A frame of which a packet is missing is dropped, and video then waits for a key frame, so that whoever
// reads the file never meets a reference that is not there. Sans I/O, no clock. One thread.
#ifndef RECORD_DEPACKETIZE_H
#define RECORD_DEPACKETIZE_H

#include "base/span.h"
#include "rtp/media.h"

#define FRAME_BYTES_MAX (4 * 1024 * 1024) // a longer one is dropped

struct record_frame {
    struct span bytes; // the depacketizer's, until the next call
    struct span setup; // of H264 and AV1, of key frames: parameter sets, sequence header; else empty
    uint32_t timestamp;
    bool key;               // of video; sound is all key frames
    uint16_t width, height; // of a key frame whose size could be read; else 0
};

struct depacketizer;

struct depacketizer *
depacketizer_create(enum media_codec codec);       // NULL: no memory, or a codec that is none of these
void depacketizer_destroy(struct depacketizer *d); // NULL is fine

struct packet_in {
    struct span payload; // empty: padding alone
    uint32_t timestamp;
    bool marker;
    bool gap; // packets before it are missing
};
// The next packet. Up to two frames come of it: that which it shows to be over, and its own. Call
// depacketizer_next until it returns false.
void depacketizer_push(struct depacketizer *d, const struct packet_in *packet);
bool depacketizer_next(struct depacketizer *d, struct record_frame *out);
// Whether a key frame has to come before anything goes on.
bool depacketizer_waits(const struct depacketizer *d);

struct depacketizer_counters {
    uint64_t frames, dropped, malformed; // dropped: frames, for a gap or for want of a key frame
};
const struct depacketizer_counters *depacketizer_counters(const struct depacketizer *d);

// Samples at 48 kHz of an opus packet (RFC 6716, section 3); 0: it is none.
unsigned opus_packet_samples(struct span packet);

#endif
