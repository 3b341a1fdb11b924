#include "load/frame_buffer.h"

#include "base/seq.h"

#include <assert.h>
#include <string.h>

#define MASK (FRAME_BUFFER_PACKETS - 1)

void frame_buffer_init(struct frame_buffer *fb) {
    memset(fb, 0, sizeof *fb);
}

static struct frame_slot *slot_of(struct frame_buffer *fb, uint64_t seq) {
    struct frame_slot *slot = &fb->slots[seq & MASK];
    return slot->used && slot->seq == (uint32_t)seq ? slot : NULL;
}

static bool is_freeze(const struct frame_buffer *fb, uint64_t since_us) {
    return fb->mean_us > 0 && since_us > 3 * fb->mean_us && since_us > fb->mean_us + FRAME_FREEZE_US;
}

static void frame_shown(struct frame_buffer *fb, bool key, uint64_t now_us) {
    fb->frames++;
    fb->key_frames += key;
    if (fb->shown_us) {
        uint64_t since_us = now_us - fb->shown_us;
        if (is_freeze(fb, since_us)) {
            fb->freezes++;
            fb->frozen_us += since_us;
        } else {
            fb->mean_us = fb->mean_us ? (fb->mean_us * 15 + since_us) / 16 : since_us;
        }
    }
    fb->shown_us = now_us;
}

static void check_timestamp(struct frame_buffer *fb, const struct frame_slot *slot) {
    if (fb->last_known) {
        bool same = slot->timestamp == fb->last_timestamp;
        bool newer = seq32_newer(slot->timestamp, fb->last_timestamp);
        // A switch to another layer may cut a frame short: what follows then begins with a key frame.
        bool good = fb->last_marker ? newer : same || (slot->key && newer);
        fb->bad_timestamps += !good;
    }
    fb->last_known = true;
    fb->last_timestamp = slot->timestamp;
    fb->last_marker = slot->marker;
}

// The cursor goes over everything that is there without a gap.
static void advance(struct frame_buffer *fb, uint64_t now_us) {
    struct frame_slot *slot;
    bool key = false;
    while (fb->cursor <= fb->highest && (slot = slot_of(fb, fb->cursor))) {
        // A frame may have begun before this call; its head is still in the buffer when that matters.
        key |= slot->key;
        if (!slot->empty)
            check_timestamp(fb, slot);
        fb->cursor++;
        if (!slot->marker)
            continue;
        if (!key && fb->key_waits && fb->key_seq < fb->cursor)
            key = true;
        if (fb->key_waits && fb->key_seq < fb->cursor)
            fb->key_waits = false;
        frame_shown(fb, key, now_us);
        key = false;
    }
}

static bool key_frame_complete(struct frame_buffer *fb) {
    for (uint64_t seq = fb->key_seq; seq <= fb->highest; seq++) {
        struct frame_slot *slot = slot_of(fb, seq);
        if (!slot)
            return false;
        if (slot->marker)
            return true;
    }
    return false;
}

static void note_key(struct frame_buffer *fb, uint64_t seq) {
    if (fb->synced && seq < fb->cursor)
        return;
    // H264 says so twice within a frame: the first counts.
    struct frame_slot *slot = slot_of(fb, seq), *waiting = fb->key_waits ? slot_of(fb, fb->key_seq) : NULL;
    if (waiting && waiting->timestamp == slot->timestamp && fb->key_seq < seq)
        return;
    fb->key_waits = true;
    fb->key_seq = seq;
}

static void add(struct frame_buffer *fb, uint16_t seq16, struct frame_slot slot, uint64_t now_us) {
    uint64_t seq = fb->started ? seq16_unwrap(fb->highest, seq16) : UINT64_C(0x10000) + seq16;
    if (fb->started && seq + FRAME_BUFFER_PACKETS <= fb->highest)
        return; // far too late for anything
    if (!fb->started || seq > fb->highest)
        fb->highest = seq;
    fb->started = true;
    if (fb->synced && fb->highest - fb->cursor >= FRAME_BUFFER_PACKETS && fb->highest > fb->cursor) {
        fb->synced = false; // the gap is beyond the buffer: only a key frame helps
        fb->last_known = false;
    }
    if (fb->key_waits && fb->highest - fb->key_seq >= FRAME_BUFFER_PACKETS)
        fb->key_waits = false;
    slot.seq = (uint32_t)seq;
    slot.used = true;
    fb->slots[seq & MASK] = slot;
    if (slot.key)
        note_key(fb, seq);
    bool stuck = !fb->synced || !slot_of(fb, fb->cursor);
    if (stuck && fb->key_waits && key_frame_complete(fb)) {
        fb->last_known = fb->last_known && fb->synced && fb->cursor == fb->key_seq;
        fb->synced = true;
        fb->cursor = fb->key_seq;
    }
    if (fb->synced)
        advance(fb, now_us);
}

void frame_buffer_add(struct frame_buffer *fb, uint16_t seq, uint32_t timestamp, bool marker, bool key,
                      uint64_t now_us) {
    add(fb, seq, (struct frame_slot){.timestamp = timestamp, .marker = marker, .key = key}, now_us);
}

void frame_buffer_add_empty(struct frame_buffer *fb, uint16_t seq, uint64_t now_us) {
    add(fb, seq, (struct frame_slot){.empty = true}, now_us);
}

void frame_buffer_pause(struct frame_buffer *fb) {
    fb->shown_us = 0;
    fb->last_known = false; // a frame may have been cut short
}

uint64_t frame_buffer_stalled_us(const struct frame_buffer *fb, uint64_t now_us) {
    if (!fb->shown_us || now_us <= fb->shown_us || !is_freeze(fb, now_us - fb->shown_us))
        return 0;
    return now_us - fb->shown_us;
}
