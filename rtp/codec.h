// codec: what a payload says about its frame: begins a key frame? which layer? One function a codec, one
// table. Pure.
//
// Reads payload descriptors only (RFC 7741 VP8, RFC 9628 VP9, RFC 6184 H264, RFC 7798 H265, AV1 RTP
// specification) and, where given, the dependency descriptor's first bytes; so end-to-end encrypted frames
// pass as far as the descriptor is readable. Where a descriptor is given, it alone tells the start of a frame
// and a key frame; layers are still the payload's, 0 when that is not readable. AV1's payload tells temporal
// layers alone.
//
// H264 and H265 do not tell which packet of a frame is its first: each that may begin one (parameter sets,
// SEI, delimiter, first slice) says frame_start, and a key frame may say so twice, at its parameter sets and
// at its first slice; both have one timestamp.
#ifndef RTP_CODEC_H
#define RTP_CODEC_H

#include "base/span.h"
#include "rtp/layer_facts.h"
#include "rtp/media.h"
#include "rtp/picture_rewrite.h"

struct codec_frame {
    bool frame_start; // first packet of a frame (or of an NAL unit's frame, where the codec does not tell)
    bool key_frame;   // and that frame is a key frame (its first packet only)
    bool opens;       // a receiver can begin here: nothing of the key frame that it needs comes before
    struct layer_facts layers;      // by layer numbers: structure is 0
    struct picture_places pictures; // VP8, VP9
};

// payload: without padding, not empty. descriptor: the dependency descriptor extension, ptr NULL when absent.
// False when the payload does not follow its format; *out is then all zero.
bool codec_inspect(enum media_codec codec, struct span payload, struct span descriptor,
                   struct codec_frame *out);

// Does a receiver of this codec have to start with a key frame? (audio: no)
bool codec_needs_key_frame(enum media_codec codec);
const char *codec_mime(enum media_codec codec); // "video/VP8"

#endif
