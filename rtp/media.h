// media: the words that every part shares about one media stream: kinds, codecs, header extensions, limits.
// Plain data; no functions with state.
#ifndef RTP_MEDIA_H
#define RTP_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

enum media_kind { MEDIA_AUDIO, MEDIA_VIDEO };
static inline const char *media_kind_name(enum media_kind kind) {
    return kind == MEDIA_AUDIO ? "audio" : "video";
}

enum media_codec { CODEC_OPUS, CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_H265, CODEC_AV1 };

// Header extensions that the server knows. EXT_NONE is not an extension.
enum media_ext {
    EXT_NONE,
    EXT_MID,                   // RFC 9143
    EXT_RID,                   // RFC 8852
    EXT_REPAIRED_RID,          // RFC 8852
    EXT_ABS_SEND_TIME,         // webrtc.org/experiments
    EXT_TRANSPORT_CC,          // draft-holmer-rmcat-transport-wide-cc-extensions-01
    EXT_AUDIO_LEVEL,           // RFC 6464
    EXT_DEPENDENCY_DESCRIPTOR, // AV1 RTP specification, appendix A
    EXT_VIDEO_ORIENTATION,     // 3GPP TS 26.114
    EXT_TOFFSET,               // RFC 5450
    EXT_ABS_CAPTURE_TIME,      // webrtc.org/experiments
    EXT_PLAYOUT_DELAY,         // webrtc.org/experiments
    EXT_COUNT
};

// The id under which the server itself announces and sends an extension is its number in the enum: 1..11, the
// table in docs/protocol.md. A publisher uses ids of its own.
#define EXT_ROUTER_ID(ext) ((uint8_t)(ext))

// ids[ext] is the id (1..14 one-byte, up to 255 two-byte) that a peer negotiated for an extension, 0 for
// none.
struct ext_ids {
    uint8_t ids[EXT_COUNT];
};

#define PAYLOAD_TYPE_NONE 0xff
#define STREAMS_MAX 4 // encodings of one producer
#define MID_MAX 16    // bytes of a MID that a publisher may use
#define RID_MAX 16    // RFC 8852: alphanumeric, at most 255; ours are short
#define CNAME_MAX 63

#endif
