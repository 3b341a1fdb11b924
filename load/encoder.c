#include "load/encoder.h"

#include "base/clock.h"
#include "load/payload.h"

#include <assert.h>

void encoder_init(struct encoder *e, uint32_t bitrate_bps, uint32_t fps, uint64_t key_interval_us,
                  uint64_t start_us) {
    assert(fps > 0 && bitrate_bps > 0);
    *e = (struct encoder){.bitrate_bps = bitrate_bps,
                          .fps = fps,
                          .key_interval_us = key_interval_us,
                          .start_us = start_us,
                          .key_wanted = true};
}

uint64_t encoder_next_us(const struct encoder *e) {
    return e->start_us + e->frame * US_PER_SECOND / e->fps;
}

void encoder_want_key(struct encoder *e) {
    e->key_wanted = true;
}

void encoder_skip(struct encoder *e) {
    e->frame++;
}

static bool key_is_due(const struct encoder *e, uint64_t now_us) {
    if (e->key_us == 0)
        return true;
    return (e->key_wanted && now_us >= e->key_us + KEY_FRAME_GAP_US) ||
           now_us >= e->key_us + e->key_interval_us;
}

void encoder_frame(struct encoder *e, uint64_t now_us, struct encoded_frame *out) {
    int64_t mean = (int64_t)e->bitrate_bps / 8 / e->fps, bytes = mean;
    bool key = key_is_due(e, now_us);
    if (key) {
        bytes = mean * KEY_FRAME_WEIGHT;
        e->debt_bytes += bytes - mean;
        e->key_us = now_us;
        e->key_frame = e->frame;
        e->key_wanted = false;
    } else if (e->debt_bytes > 0) {
        int64_t saved = mean / 4 < e->debt_bytes ? mean / 4 : e->debt_bytes;
        bytes -= saved;
        e->debt_bytes -= saved;
    }
    int64_t packets = (bytes + PAYLOAD_MAX - 1) / PAYLOAD_MAX;
    if (packets < 1 + key) // a key frame has two packets at least: H264's parameter sets take one
        packets = 1 + key;
    int64_t packet_bytes = bytes / packets;
    packet_bytes = packet_bytes < PAYLOAD_MIN ? PAYLOAD_MIN : packet_bytes;
    uint64_t pace_bps = (uint64_t)e->bitrate_bps * PACE_FACTOR_PERCENT / 100;
    *out = (struct encoded_frame){
        .number = e->frame,
        .since_key = e->frame - e->key_frame,
        .timestamp = (uint32_t)((uint64_t)e->frame * VIDEO_CLOCK_HZ / e->fps),
        .key = key,
        .packets = (uint16_t)packets,
        .packet_bytes = (uint16_t)packet_bytes,
        .gap_us = (uint32_t)((uint64_t)packet_bytes * 8 * US_PER_SECOND / pace_bps),
    };
    assert(out->packet_bytes <= PAYLOAD_MAX && out->packets == packets);
    e->frame++;
}
