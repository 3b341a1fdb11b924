// log_pace: lines of the log that whoever finds the server can cause, as often as he likes.
//
//   LOG_STRANGER(LOG_LEVEL_WARN, "connection refused", LOG_TEXT("reason", why));
//
// Of each such place in the code so many lines are written at once and so many a minute after that; the
// others are counted, and the next line from there says in `left_out` how many they were. So the log of a
// server that is attacked tells what happens, and stays small. Lines of who came with a token need none of
// this: whoever made the token answers for them.
//
// Any thread, without a lock. Not for the packet path.
#ifndef BASE_LOG_PACE_H
#define BASE_LOG_PACE_H

#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// All zero: nothing has been written.
struct log_pace {
    _Atomic uint64_t due_us;
    _Atomic uint64_t left_out; // since the last line
};

struct log_pace_limit {
    uint32_t at_once, per_minute; // above 0
};

// Of what needs nothing but a connection; and of people who came into a room without a token, of whom an open
// server has many.
#define LOG_PACE_STRANGER ((struct log_pace_limit){.at_once = 30, .per_minute = 12})
#define LOG_PACE_GUEST ((struct log_pace_limit){.at_once = 2000, .per_minute = 120})

// Whether the line is to be written; then *left_out is how many were not since the one before. Without a
// moment: now.
bool log_pace_take(struct log_pace *pace, struct log_pace_limit limit, uint64_t now_us, uint64_t *left_out);
bool log_pace_take_now(struct log_pace *pace, struct log_pace_limit limit, uint64_t *left_out);

uint64_t log_left_out(void); // lines so far that were left out anywhere; any thread

#define LOG_PACED(limit, level, event, ...)                                                                  \
    do {                                                                                                     \
        static struct log_pace log_pace_here;                                                                \
        uint64_t log_left_out_here;                                                                          \
        if (log_enabled(level) && log_pace_take_now(&log_pace_here, limit, &log_left_out_here))              \
            log_line(level, event,                                                                           \
                     (const struct log_field[]){                                                             \
                         __VA_ARGS__ __VA_OPT__(, ){.key = log_left_out_here ? "left_out" : NULL,            \
                                                    .number = (int64_t)log_left_out_here},                   \
                         {.key = NULL}});                                                                    \
    } while (0)
#define LOG_STRANGER(level, event, ...) LOG_PACED(LOG_PACE_STRANGER, level, event __VA_OPT__(, ) __VA_ARGS__)
#define LOG_GUEST(level, event, ...) LOG_PACED(LOG_PACE_GUEST, level, event __VA_OPT__(, ) __VA_ARGS__)
// Of somebody whom whoever made a token answers for (`known`) each line, of others as PACED says.
#define LOG_BY(known, PACED, level, event, ...)                                                              \
    do {                                                                                                     \
        if (known)                                                                                           \
            LOG_AT(level, event, __VA_ARGS__);                                                               \
        else                                                                                                 \
            PACED(level, event, __VA_ARGS__);                                                                \
    } while (0)

#endif
