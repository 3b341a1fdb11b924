// log: one line an event, with stable keys, as text or JSON lines.
//
//   LOG_INFO("participant joined", LOG_TEXT("room", room), LOG_TEXT("user", name));
//
// Any thread. A line is built on the stack and leaves with one write(2), so lines do not mix and nothing is
// locked. Nor does it ever wait: where nobody takes it (a full pipe, a stopped terminal, a full disk) the
// line is dropped and counted, and the next one that gets through is followed by one that tells how many
// were. Control characters, those that do not show, quotes and bytes that are no UTF-8 are escaped in values;
// a value is cut at LOG_VALUE_MAX bytes, between characters, and a field that does not fit the line is left
// out. Never log a secret. Not for the packet path.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_VALUE_MAX 256

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    const char *text; // NULL: a number
    int64_t number;
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .text = (v)})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (int64_t)(v)})

// Before other threads start.
void log_configure(enum log_level level, enum log_format format);
void log_set_level(enum log_level level); // any thread, while others log
bool log_enabled(enum log_level level);
uint64_t log_dropped(void); // lines so far that nobody took; any thread

// Writes text to standard error and JSON, which programs collect, to standard output. Fields end with one
// whose key is NULL.
void log_line(enum log_level level, const char *event, const struct log_field *fields);

// A text for people that is no line of the log, to a descriptor, as far as that takes it now: never waits.
// Nor does it allocate or lock anything, so handlers of signals may call it.
void log_say(int fd, const char *text, size_t len);

#define LOG_AT(level, event, ...)                                                                            \
    do {                                                                                                     \
        if (log_enabled(level))                                                                              \
            log_line(level, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}});     \
    } while (0)
#define LOG_ERROR(event, ...) LOG_AT(LOG_LEVEL_ERROR, event __VA_OPT__(, ) __VA_ARGS__)
#define LOG_WARN(event, ...) LOG_AT(LOG_LEVEL_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define LOG_INFO(event, ...) LOG_AT(LOG_LEVEL_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define LOG_DEBUG(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)

// Under systemd, where JOURNAL_STREAM names the stream that lines go to, each begins with its priority as the
// journal reads it ("<6>", sd-daemon(3)), which the journal takes off.
bool log_goes_to_journal(void);

// Builds the line into out (cap bytes), newline included; returns its length. What log_line writes; for
// tests.
size_t log_format_line(char *out, size_t cap, enum log_format format, uint64_t wall_us, enum log_level level,
                       const char *event, const struct log_field *fields);

#endif
