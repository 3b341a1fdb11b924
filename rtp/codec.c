#include "rtp/codec_parse.h"

#include <assert.h>

struct codec_traits {
    const char *mime;
    bool needs_key_frame;
    bool (*parse)(struct span payload, struct codec_frame *out);
};

static const struct codec_traits codecs[] = {
    [CODEC_OPUS] = {"audio/opus", false, codec_opus_parse},
    [CODEC_VP8] = {"video/VP8", true, codec_vp8_parse},
    [CODEC_VP9] = {"video/VP9", true, codec_vp9_parse},
    [CODEC_H264] = {"video/H264", true, codec_h264_parse},
    [CODEC_H265] = {"video/H265", true, codec_h265_parse},
    [CODEC_AV1] = {"video/AV1", true, codec_av1_parse},
};

static const struct codec_traits *traits_of(enum media_codec codec) {
    assert((size_t)codec < sizeof codecs / sizeof *codecs);
    return &codecs[codec];
}

// AV1 RTP specification, A.8.2: three mandatory bytes, then, when there is more, five flags of which the
// first says that a template dependency structure follows: "the first packet of a coded video sequence".
#define DESCRIPTOR_MANDATORY_BYTES 3
#define DESCRIPTOR_START_OF_FRAME 0x80
#define DESCRIPTOR_STRUCTURE_PRESENT 0x80

static void apply_descriptor(struct span descriptor, struct codec_frame *out) {
    bool structure = descriptor.len > DESCRIPTOR_MANDATORY_BYTES &&
                     (descriptor.ptr[DESCRIPTOR_MANDATORY_BYTES] & DESCRIPTOR_STRUCTURE_PRESENT);
    out->frame_start = descriptor.ptr[0] & DESCRIPTOR_START_OF_FRAME;
    out->key_frame = out->frame_start && structure;
}

bool codec_inspect(enum media_codec codec, struct span payload, struct span descriptor,
                   struct codec_frame *out) {
    *out = (struct codec_frame){0};
    bool read = payload.len > 0 && traits_of(codec)->parse(payload, out);
    if (!read)
        *out = (struct codec_frame){0};
    // The descriptor is in the clear and meant for servers; the payload may be encrypted end to end.
    bool read_descriptor =
        descriptor.ptr && descriptor.len >= DESCRIPTOR_MANDATORY_BYTES && codec_needs_key_frame(codec);
    if (read_descriptor) {
        apply_descriptor(descriptor, out);
        read = true;
    }
    if (out->key_frame) {
        out->layers.sync = LAYER_SYNC_ALL;
        out->layers.flags |= LAYER_KEY;
    }
    // Only H264 and H265 do not tell a frame's first packet from others: their parameter sets do.
    bool tells = read_descriptor || (codec != CODEC_H264 && codec != CODEC_H265);
    out->opens = out->key_frame && (tells || out->opens);
    return read;
}

bool codec_needs_key_frame(enum media_codec codec) {
    return traits_of(codec)->needs_key_frame;
}

const char *codec_mime(enum media_codec codec) {
    return traits_of(codec)->mime;
}
