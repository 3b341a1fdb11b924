// media_limits: what one publisher may send and one transport may get, at most. Plain data; settings of the
// operator (server/config/config.h) on their way to the workers.
//
// A member that is 0: no limit for a forwarder, the default for the workers (media_limits_fill). Bursts: an
// audio producer may be MEDIA_AUDIO_BURST_SECONDS ahead, everything else MEDIA_BURST_SECONDS, so that what a
// stalled network delivers at once still passes.
#ifndef ROOMS_MEDIA_LIMITS_H
#define ROOMS_MEDIA_LIMITS_H

#include <stdint.h>

#define MEDIA_AUDIO_PACKETS_DEFAULT 250      // a second; sound comes in 50 or 100
#define MEDIA_AUDIO_BITRATE_DEFAULT 1000000  // Opus has 510 kbit/s at most (RFC 6716), twice that with RED
#define MEDIA_VIDEO_PACKETS_DEFAULT 4000     // a second, all layers and repeats
#define MEDIA_VIDEO_BITRATE_DEFAULT 30000000 // a browser stops at a tenth of it by itself
#define MEDIA_TRANSPORT_BITRATE_DEFAULT 200000000
#define MEDIA_RECEIVE_BITRATE_DEFAULT 50000000 // more than a browser shows; a link may be slower by itself
#define MEDIA_AUDIO_BURST_SECONDS 4
#define MEDIA_BURST_SECONDS 1

struct media_limits {
    uint32_t audio_packets_per_second, audio_bitrate_bps; // of one audio producer
    uint32_t video_packets_per_second, video_bitrate_bps; // of one video producer: all its layers, RTX too
    uint32_t transport_bitrate_bps;                       // of what one transport is sent
    uint32_t receive_bitrate_bps; // that video is chosen for: congestion control goes no further
    uint32_t publish_bitrate_bps; // that publishers are told to stay below, over one transport; 0: nothing
};

// Gives what is 0 its default.
void media_limits_fill(struct media_limits *limits);

#endif
