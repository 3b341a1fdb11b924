// vigil: looks after the media workers from the control thread, and keeps systemd's watchdog quiet while all
// of them turn.
//
// A worker whose loop has not turned for seconds is told of in the log, once, with its stack on standard
// error; /healthz fails meanwhile (media_stuck), and the watchdog is left to bark. Control thread.
#ifndef SERVER_VIGIL_H
#define SERVER_VIGIL_H

#include "server/media/media.h"

struct vigil;

struct vigil *vigil_begin(struct media *media, uint64_t now_us); // NULL: no memory
void vigil_end(struct vigil *vigil);                             // NULL is fine

uint64_t vigil_next_us(const struct vigil *vigil);
void vigil_advance(struct vigil *vigil, uint64_t now_us);

#endif
