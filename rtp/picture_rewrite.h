// picture_rewrite: one receiver's continuous VP8 picture numbers over streams of a simulcast (RFC 7741,
// section 4.2). Pure.
//
// A receiver orders frames by PictureID (15 bits here; 7-bit ones are left alone) and TL0PICIDX (8 bits),
// which each stream counts for itself: after a switch both go on from what was sent, or decoders wait for
// frames that never come.
#ifndef RTP_PICTURE_REWRITE_H
#define RTP_PICTURE_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

struct picture_numbers {
    uint16_t id; // 15 bits
    uint8_t tl0;
};

struct picture_rewrite { // all zero to begin with
    bool started;
    struct picture_numbers offset;  // out - in
    struct picture_numbers highest; // sent so far
};

// From here on the source is another one, whose first numbers these are: they follow the highest sent.
void picture_rewrite_sync(struct picture_rewrite *rw, struct picture_numbers first);
// These numbers are sent now, under rw->offset.
void picture_rewrite_note(struct picture_rewrite *rw, struct picture_numbers in);

#endif
