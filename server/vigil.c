#include "server/vigil.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/service_manager.h"

#include <stdlib.h>

#define LOOK_US US_PER_SECOND

struct vigil {
    struct media *media;
    uint64_t look_us;
    uint64_t watchdog_us; // how often systemd wants to hear from us; 0: it does not
    uint64_t feed_us;
    bool told[WORKERS_MAX];
};

struct vigil *vigil_begin(struct media *media, uint64_t now_us) {
    struct vigil *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->media = media;
    v->look_us = now_us + LOOK_US;
    v->watchdog_us = service_manager_watchdog_us();
    v->feed_us = now_us;
    return v;
}

void vigil_end(struct vigil *vigil) {
    free(vigil);
}

uint64_t vigil_next_us(const struct vigil *v) {
    return v->look_us;
}

static void look_at(struct vigil *v, unsigned worker, uint64_t now_us) {
    bool stuck = media_worker_stuck(v->media, worker, now_us);
    if (stuck && !v->told[worker]) {
        LOG_ERROR("media worker stuck", LOG_NUMBER("worker", worker),
                  LOG_TEXT("meaning", "its loop has not turned for 5 s; where it is follows"));
        media_trace_worker(v->media, worker);
    } else if (!stuck && v->told[worker]) {
        LOG_WARN("media worker turns again", LOG_NUMBER("worker", worker));
    }
    v->told[worker] = stuck;
}

void vigil_advance(struct vigil *v, uint64_t now_us) {
    if (now_us < v->look_us)
        return;
    v->look_us = now_us + LOOK_US;
    for (unsigned w = 0; w < media_workers(v->media); w++)
        look_at(v, w, now_us);
    if (v->watchdog_us == 0 || now_us < v->feed_us || media_stuck(v->media, now_us))
        return;
    service_manager_alive();
    v->feed_us = now_us + v->watchdog_us / 3; // one that gets lost is none too many
}
