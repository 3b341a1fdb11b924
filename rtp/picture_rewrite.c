#include "rtp/picture_rewrite.h"

#define ID_MASK 0x7fff
#define ID_SHORT_MASK 0x7f

void picture_rewrite_sync(struct picture_rewrite *rw, struct picture_numbers first) {
    // What was not sent before is nothing to go on from: as it is.
    if (rw->highest.has_id && first.has_id)
        rw->offset.id = (uint16_t)(rw->highest.id + 1 - first.id) & ID_MASK;
    if (rw->highest.has_tl0 && first.has_tl0)
        rw->offset.tl0 = (uint8_t)(rw->highest.tl0 + 1 - first.tl0);
    if (rw->highest.has_frame && first.has_frame)
        rw->offset.frame = (uint16_t)(rw->highest.frame + 1 - first.frame);
}

void picture_rewrite_drop(struct picture_rewrite *rw) {
    rw->offset.id = (uint16_t)(rw->offset.id - 1) & ID_MASK;
}

static void note_frame(struct picture_rewrite *rw, uint16_t in) {
    uint16_t frame = (uint16_t)(in + rw->offset.frame);
    if (!rw->highest.has_frame || (int16_t)(uint16_t)(frame - rw->highest.frame) > 0)
        rw->highest.frame = frame;
    rw->highest.has_frame = true;
}

static void note_id(struct picture_rewrite *rw, struct picture_numbers in) {
    uint16_t mask = in.id_long ? ID_MASK : ID_SHORT_MASK;
    uint16_t id = (uint16_t)(in.id + rw->offset.id) & mask;
    if (!rw->highest.has_id) {
        rw->highest.has_id = true;
        rw->highest.id = id;
        return;
    }
    uint16_t ahead = (uint16_t)(id - rw->highest.id) & mask;
    if (ahead <= mask / 2)
        rw->highest.id = (uint16_t)(rw->highest.id + ahead) & ID_MASK;
}

void picture_rewrite_note(struct picture_rewrite *rw, struct picture_numbers in) {
    if (in.has_id)
        note_id(rw, in);
    if (in.has_frame)
        note_frame(rw, in.frame);
    if (!in.has_tl0)
        return;
    uint8_t tl0 = (uint8_t)(in.tl0 + rw->offset.tl0);
    if (!rw->highest.has_tl0 || (int8_t)(uint8_t)(tl0 - rw->highest.tl0) > 0)
        rw->highest.tl0 = tl0;
    rw->highest.has_tl0 = true;
}
