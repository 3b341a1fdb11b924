// encoder: the frames that a camera's encoder would make: sizes, key frames, timestamps, the cut into packets
// and their pace. Pure; now_us is given.
//
// Key frames are KEY_FRAME_WEIGHT times as large as others; the frames that follow save it up again, so the
// mean bit rate holds. A key frame that is asked for comes with the next frame, at most one each
// KEY_FRAME_GAP_US. Packets of a frame have equal size (as browsers cut) and leave at PACE_FACTOR times the
// bit rate.
#ifndef LOAD_ENCODER_H
#define LOAD_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#define KEY_FRAME_WEIGHT 4
#define KEY_FRAME_GAP_US 300000
#define PACE_FACTOR_PERCENT 250 // libwebrtc's pacer
#define VIDEO_CLOCK_HZ 90000

struct encoder {
    uint32_t bitrate_bps;
    uint32_t fps;
    uint64_t key_interval_us;
    uint64_t start_us;
    uint32_t frame;     // number of the next one
    uint32_t key_frame; // number of the last key frame
    uint64_t key_us;    // 0: none yet
    bool key_wanted;
    int64_t debt_bytes; // sent beyond the mean
};

struct encoded_frame {
    uint32_t number;
    uint32_t since_key; // frames since the last key frame; 0 for itself
    uint32_t timestamp; // of the 90 kHz clock, from 0
    bool key;
    uint16_t packets;
    uint16_t packet_bytes; // of each payload
    uint32_t gap_us;       // between two packets
};

void encoder_init(struct encoder *e, uint32_t bitrate_bps, uint32_t fps, uint64_t key_interval_us,
                  uint64_t start_us);
uint64_t encoder_next_us(const struct encoder *e); // when the next frame is due
void encoder_frame(struct encoder *e, uint64_t now_us, struct encoded_frame *out);
// Nothing is made of the frame that is due (the camera is off).
void encoder_skip(struct encoder *e);
void encoder_want_key(struct encoder *e);

#endif
