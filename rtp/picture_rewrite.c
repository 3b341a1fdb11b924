#include "rtp/picture_rewrite.h"

#define ID_MASK 0x7fff

void picture_rewrite_sync(struct picture_rewrite *rw, struct picture_numbers first) {
    if (!rw->started)
        return; // nothing to go on from: as they are
    rw->offset.id = (uint16_t)(rw->highest.id + 1 - first.id) & ID_MASK;
    rw->offset.tl0 = (uint8_t)(rw->highest.tl0 + 1 - first.tl0);
}

void picture_rewrite_note(struct picture_rewrite *rw, struct picture_numbers in) {
    uint16_t id = (uint16_t)(in.id + rw->offset.id) & ID_MASK;
    uint8_t tl0 = (uint8_t)(in.tl0 + rw->offset.tl0);
    uint16_t ahead = (uint16_t)(id - rw->highest.id) & ID_MASK;
    if (!rw->started || (ahead != 0 && ahead <= ID_MASK / 2))
        rw->highest.id = id;
    if (!rw->started || (int8_t)(uint8_t)(tl0 - rw->highest.tl0) > 0)
        rw->highest.tl0 = tl0;
    rw->started = true;
}
