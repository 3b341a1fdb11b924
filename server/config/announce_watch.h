// announce_watch: looks the host names in `announce` up again and again, so that whoever comes after an
// address has changed is told the new one.
//
// One thread owns it. Resolvers block, so each round of look-ups has a thread of its own, which touches
// nothing of the watch but the round.
#ifndef SERVER_ANNOUNCE_WATCH_H
#define SERVER_ANNOUNCE_WATCH_H

#include "server/config/announce_names.h"

#include <stdint.h>

#define ANNOUNCE_WATCH_US UINT64_C(60000000) // between two rounds

struct announce_watch;

struct announce_watch_config {
    const struct config *settings; // outlives the watch
    struct announce_names known;
    announce_lookup *lookup;
    void (*wake)(void *ctx); // from any thread: announce_watch_take has something
    void *ctx;
};

struct announce_watch *announce_watch_create(const struct announce_watch_config *config,
                                             uint64_t now_us); // NULL: no memory
// A round under way is left to end by itself; it wakes nobody any more. NULL is fine.
void announce_watch_destroy(struct announce_watch *watch);

uint64_t announce_watch_next_us(const struct announce_watch *watch); // TIME_NEVER while a round is under way
// Begins a round when it is time; with `at_once` in any case, unless one is under way.
void announce_watch_advance(struct announce_watch *watch, uint64_t now_us, bool at_once);

// Takes what a round has found. True when that is another answer than before; it is in `out` then. Where a
// name gave nothing the answer before stays, which is logged once.
bool announce_watch_take(struct announce_watch *watch, struct announce_names *out);

#endif
