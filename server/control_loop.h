// control_loop: the libuv loop of the control thread: wake-ups from workers, one timer, and the signals that
// end the process or have it read its files again.
//
// Its handles never keep the loop alive, so that a part that is being closed can turn the loop until that
// part's own handles are gone.
#ifndef SERVER_CONTROL_LOOP_H
#define SERVER_CONTROL_LOOP_H

#include <stdint.h>

struct uv_loop_s;
struct control_loop;

struct control_handlers {
    void *ctx;
    void (*woken)(void *ctx);                // after control_loop_wake; several wakes may be one call
    uint64_t (*next_us)(void *ctx);          // when `due` is to be called, on clock_now_us; asked each turn
    void (*due)(void *ctx, uint64_t now_us); // at or after next_us
    // Before `due`, when the timer is late: it was to fire at `fires_us`. Very late: the process did not run
    // for a while (base/patience.h).
    void (*late)(void *ctx, uint64_t fires_us, uint64_t now_us);
    void (*signalled)(void *ctx, int signal); // SIGTERM, SIGINT or SIGHUP
};

struct control_loop *control_loop_create(const struct control_handlers *handlers); // NULL: the system refused
void control_loop_destroy(struct control_loop *loop);                              // NULL is fine

struct uv_loop_s *control_loop_uv(struct control_loop *loop);

void control_loop_wake(void *loop);               // from any thread; void * to fit media_set_wakeup
void control_loop_run(struct control_loop *loop); // until control_loop_stop
void control_loop_stop(struct control_loop *loop);
// Calls `late` if the timer is, before it fires: for who judges by the clock what came before the timer in
// this turn.
void control_loop_look(struct control_loop *loop, uint64_t now_us);

const char *control_loop_library_version(void);

#endif
