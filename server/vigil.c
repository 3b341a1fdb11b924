#include "server/vigil.h"

#include <assert.h>
#include <stdlib.h>

struct vigil {
    struct vigil_io io;
    uint64_t look_us, every_us;
    uint64_t feed_us;
    bool told[VIGIL_THREADS_MAX]; // that it is stuck
};

struct vigil *vigil_begin(const struct vigil_io *io, uint64_t now_us) {
    assert(io->threads > 0 && io->threads <= VIGIL_THREADS_MAX);
    struct vigil *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->io = *io;
    uint64_t third_us = io->watchdog_us / 3;
    v->every_us = third_us > 0 && third_us < VIGIL_LOOK_US ? third_us : VIGIL_LOOK_US;
    v->look_us = now_us + v->every_us;
    v->feed_us = now_us;
    return v;
}

void vigil_end(struct vigil *vigil) {
    free(vigil);
}

uint64_t vigil_next_us(const struct vigil *v) {
    return v->look_us;
}

// Whether it is stuck.
static bool look_at(struct vigil *v, unsigned thread, uint64_t now_us) {
    bool stuck = v->io.stuck(v->io.ctx, thread, now_us);
    if (stuck != v->told[thread])
        v->io.tell(v->io.ctx, thread, stuck);
    v->told[thread] = stuck;
    return stuck;
}

void vigil_advance(struct vigil *v, uint64_t now_us) {
    bool some_stuck = false;
    if (now_us < v->look_us)
        return;
    v->look_us = now_us + v->every_us;
    for (unsigned i = 0; i < v->io.threads; i++)
        some_stuck |= look_at(v, i, now_us);
    if (v->io.watchdog_us == 0 || now_us < v->feed_us || some_stuck)
        return;
    v->io.alive(v->io.ctx);
    v->feed_us = now_us + v->io.watchdog_us / 3; // one that gets lost is none too many
}
