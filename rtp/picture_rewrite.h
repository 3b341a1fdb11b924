// picture_rewrite: one receiver's continuous picture numbers over the streams of a simulcast: VP8's (RFC
// 7741, section 4.2), VP9's (RFC 9628, section 4.2) and frame numbers of dependency descriptors. Pure.
//
// A receiver orders frames by PictureID (7 or 15 bits) and TL0PICIDX (8 bits), which each stream counts for
// itself: after a switch both go on from what was sent, or decoders wait for frames that never come. A stream
// may have either, both or none, and may have other ones than the stream before. Of VP8 pictures that are
// left out in one stream (temporal layers) the numbers close up too: a receiver waits for what seems to be
// missing. VP9's and frame numbers do not: what refers to what follows from their distances.
#ifndef RTP_PICTURE_REWRITE_H
#define RTP_PICTURE_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

// Where a payload has them: offsets from its start, 0: not at all.
struct picture_places {
    uint8_t id_at, tl0_at;
    bool id_long; // 15 bits, else 7
};

struct picture_numbers {
    uint16_t id;
    uint16_t frame; // of a dependency descriptor
    uint8_t tl0;
    bool has_id : 1, id_long : 1, has_tl0 : 1, has_frame : 1; // not in an offset
};

struct picture_rewrite {            // all zero to begin with
    struct picture_numbers offset;  // out - in, modulo what there is of bits
    struct picture_numbers highest; // sent so far; its id has 15 bits always
};

// From here on the source is another one, whose first numbers these are: they follow the highest sent.
void picture_rewrite_sync(struct picture_rewrite *rw, struct picture_numbers first);
// These numbers are sent now, under rw->offset.
void picture_rewrite_note(struct picture_rewrite *rw, struct picture_numbers in);
// A picture is left out: later ids close up.
void picture_rewrite_drop(struct picture_rewrite *rw);

#endif
