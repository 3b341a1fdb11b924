// rtp_ext: RTP header extensions (RFC 8285), one-byte and two-byte form. Pure.
#ifndef RTP_RTP_EXT_H
#define RTP_RTP_EXT_H

#include "rtp/media.h"
#include "rtp/rtp_packet.h"

// From an id in a packet to the extension that was negotiated for it.
struct ext_map {
    uint8_t ext_by_id[256]; // enum media_ext
};

void ext_map_clear(struct ext_map *map);
void ext_map_add(struct ext_map *map, const struct ext_ids *ids);

// The values found in one packet; an absent one has ptr NULL. Views of the packet.
struct rtp_ext_values {
    struct span of[EXT_COUNT];
};

// Reads what the map knows, ignores the rest and stops at the first element that does not fit (RFC 8285: id
// 15 ends the one-byte form). Never fails: a malformed block gives fewer values.
void rtp_ext_read(const struct rtp_packet *packet, const struct ext_map *map, struct rtp_ext_values *out);

// Single values. False when absent or of the wrong size.
bool rtp_ext_transport_seq(const struct rtp_ext_values *values, uint16_t *seq);
bool rtp_ext_audio_level(const struct rtp_ext_values *values, int8_t *level_dbov,
                         bool *voice);                                                   // RFC 6464: 0..-127
bool rtp_ext_abs_send_time(const struct rtp_ext_values *values, uint32_t *seconds_6_18); // 24 bits
bool rtp_ext_toffset(const struct rtp_ext_values *values, uint32_t *ticks); // RFC 5450: signed, modulo 2^32
// abs-capture-time: 64-bit NTP time of capture (UQ32.32).
bool rtp_ext_capture_ntp(const struct rtp_ext_values *values, uint64_t *ntp);

// 24 bits, 6.18 fixed-point seconds, for abs-send-time.
static inline uint32_t rtp_abs_send_time(uint64_t now_us) {
    return (uint32_t)(((now_us << 18) / 1000000) & 0xffffff);
}

#endif
