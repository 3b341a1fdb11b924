// vigil: looks after the media threads from the control thread, and keeps systemd's watchdog quiet while all
// of them turn.
//
// A thread that has not turned for seconds is told of in the log, once, with its stack on standard error;
// /healthz fails meanwhile (app_stuck), and the watchdog is left to bark. What it looks at and tells is in
// a table of functions; no clock of its own. Control thread.
#ifndef SERVER_VIGIL_H
#define SERVER_VIGIL_H

#include <stdbool.h>
#include <stdint.h>

#define VIGIL_LOOK_US UINT64_C(1000000) // or a third of watchdog_us, if that is less
#define VIGIL_THREADS_MAX 80

struct vigil_io {
    void *ctx;
    unsigned threads; // 1..VIGIL_THREADS_MAX, that are looked after
    bool (*stuck)(void *ctx, unsigned thread, uint64_t now_us);
    void (*tell)(void *ctx, unsigned thread, bool stuck); // it became stuck, or turns again
    // The watchdog hears that all turn, three times in each watchdog_us; 0: there is none.
    void (*alive)(void *ctx);
    uint64_t watchdog_us;
};

struct vigil;

struct vigil *vigil_begin(const struct vigil_io *io, uint64_t now_us); // NULL: no memory
void vigil_end(struct vigil *vigil);                                   // NULL is fine

uint64_t vigil_next_us(const struct vigil *vigil);
void vigil_advance(struct vigil *vigil, uint64_t now_us);

#endif
