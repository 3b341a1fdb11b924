// frame_buffer: what a receiver's decoder would see: frames complete and in order, key frames, freezes. Pure;
// now_us is given.
//
// Packets are taken in the order of their numbers. A frame counts when all its packets up to the marker are
// there and everything before it was shown, or when it is a complete key frame; before the first one nothing
// is shown. A freeze is a time between two frames longer than three mean ones and at least 150 ms longer than
// one (the definition of WebRTC statistics, freezeCount).
#ifndef LOAD_FRAME_BUFFER_H
#define LOAD_FRAME_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_BUFFER_PACKETS 1024 // power of two
#define FRAME_FREEZE_US 150000

struct frame_slot {
    uint32_t seq; // low half of the unwrapped number
    uint32_t timestamp;
    bool used, marker, key, empty;
};

struct frame_buffer {
    bool started; // a number has been seen
    bool synced;  // cursor holds
    uint64_t highest, cursor;
    bool key_waits; // a key frame has begun at key_seq beyond the cursor
    uint64_t key_seq;
    bool last_marker;        // of the packet before the cursor
    uint32_t last_timestamp; // and its timestamp
    bool last_known;
    uint64_t shown_us; // the last frame, 0: none since the start or a pause
    uint64_t mean_us;  // between frames
    uint64_t frames, key_frames, freezes, frozen_us;
    uint64_t bad_timestamps; // within a frame it changed, or after one it did not rise
    struct frame_slot slots[FRAME_BUFFER_PACKETS];
};

void frame_buffer_init(struct frame_buffer *fb);
// key: the first packet of a key frame.
void frame_buffer_add(struct frame_buffer *fb, uint16_t seq, uint32_t timestamp, bool marker, bool key,
                      uint64_t now_us);
// A number under which nothing was sent: it is of no frame, and what follows needs it all the same.
void frame_buffer_add_empty(struct frame_buffer *fb, uint16_t seq, uint64_t now_us);
// Nothing is to be expected until the next packet: the time between is no freeze.
void frame_buffer_pause(struct frame_buffer *fb);
// Media should be flowing but no frame has been shown for so long; 0 when all is well.
uint64_t frame_buffer_stalled_us(const struct frame_buffer *fb, uint64_t now_us);

#endif
