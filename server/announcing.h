// announcing: keeps what is announced true while the server runs: looks again when the machine's addresses
// change, and asks the STUN server of the settings, if there is one, from a thread that may wait.
//
// Only where `auto` is announced; what the operator named stays. Control thread.
#ifndef SERVER_ANNOUNCING_H
#define SERVER_ANNOUNCING_H

#include "server/config/announce.h"

struct uv_loop_s;
struct announcing;

struct announcing_handlers {
    void *ctx;
    // What is announced is another list than before. outside: not in the machine's own networks alone, so
    // that people who are there may need it.
    void (*changed)(void *ctx, bool outside);
};

// `announce` as it is told at the start; it is what is announced now from then on. May call `changed` at
// once. NULL: nothing is watched, since nothing is automatic or the kernel refused (then logged).
struct announcing *announcing_start(struct uv_loop_s *loop, const struct config *config,
                                    struct announce *announce, const struct announcing_handlers *handlers);
// Ends on the loop. NULL is fine.
void announcing_stop(struct announcing *announcing);

#endif
