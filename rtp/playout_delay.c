#include "rtp/playout_delay.h"

#include <assert.h>

static uint8_t playout_units(uint32_t us) {
    uint32_t units = us / PLAYOUT_UNIT_US + (us % PLAYOUT_UNIT_US != 0);
    return (uint8_t)(units < PLAYOUT_MOST ? units : PLAYOUT_MOST);
}

static void playout_raise(struct playout_delay *d, uint8_t wanted) {
    uint8_t most = (uint8_t)(d->units + PLAYOUT_RISE);
    *d = (struct playout_delay){.units = wanted < most ? wanted : most};
}

// A unit less is not worth a change: a round trip is never the same twice.
static void playout_lower(struct playout_delay *d, uint8_t wanted) {
    if (wanted + 1 >= d->units && wanted > 0) {
        d->calm = 0;
        return;
    }
    if (++d->calm < PLAYOUT_CALM)
        return;
    if (d->units > PLAYOUT_NONE) {
        d->units--;
        d->calm = d->units > PLAYOUT_NONE ? PLAYOUT_CALM - 1 : 0;
    } else {
        *d = (struct playout_delay){0}; // told often enough
    }
}

uint32_t playout_delay_look(struct playout_delay *d, uint32_t wanted_us) {
    uint8_t wanted = playout_units(wanted_us);
    assert(d->units <= PLAYOUT_MOST);
    if (wanted > d->units)
        playout_raise(d, wanted);
    else if (d->units > 0)
        playout_lower(d, wanted);
    return d->units ? (uint32_t)d->units << 12 | PLAYOUT_LONGEST : 0;
}
