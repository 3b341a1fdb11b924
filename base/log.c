#include "base/log.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static enum log_level level_max = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_configure(enum log_level level, enum log_format format) {
    level_max = level;
    line_format = format;
}

bool log_enabled(enum log_level level) {
    return level <= level_max;
}

// Text under construction; what does not fit is cut.
struct line {
    char *out;
    size_t cap, len;
};

static void line_char(struct line *l, char c) {
    if (l->len < l->cap)
        l->out[l->len++] = c;
}

__attribute__((format(printf, 2, 3))) static void line_print(struct line *l, const char *format, ...) {
    char text[160];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (int i = 0; i < n && text[i]; i++)
        line_char(l, text[i]);
}

// A quoted string whose escapes are right in JSON and harmless on a terminal.
static void line_quoted(struct line *l, const char *text) {
    line_char(l, '"');
    for (size_t i = 0; text[i] && i < LOG_VALUE_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            line_char(l, '\\');
            line_char(l, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            line_print(l, "\\u%04x", c);
        } else {
            line_char(l, (char)c);
        }
    }
    line_char(l, '"');
}

static void line_time(struct line *l, uint64_t wall_us) {
    time_t seconds = (time_t)(wall_us / US_PER_SECOND);
    struct tm t;
    gmtime_r(&seconds, &t);
    line_print(l, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
               t.tm_min, t.tm_sec, (unsigned)(wall_us % US_PER_SECOND / US_PER_MS));
}

size_t log_format_line(char *out, size_t cap, enum log_format format, uint64_t wall_us, enum log_level level,
                       const char *event, const struct log_field *fields) {
    assert(cap > 2);
    bool json = format == LOG_FORMAT_JSON;
    struct line l = {.out = out, .cap = cap - 2}; // the end always fits
    if (json)
        line_print(&l, "{\"time\":\"");
    line_time(&l, wall_us);
    line_print(&l, json ? "\",\"level\":\"%s\",\"event\":" : " %-5s ", level_names[level]);
    if (json)
        line_quoted(&l, event);
    else
        for (const char *p = event; *p; p++)
            line_char(&l, *p);
    for (const struct log_field *f = fields; f->key; f++) {
        line_print(&l, json ? ",\"%s\":" : " %s=", f->key);
        if (f->text)
            line_quoted(&l, f->text);
        else
            line_print(&l, "%" PRId64, f->number);
    }
    if (json)
        out[l.len++] = '}';
    out[l.len++] = '\n';
    return l.len;
}

void log_line(enum log_level level, const char *event, const struct log_field *fields) {
    char line[LINE_MAX_BYTES];
    size_t len = log_format_line(line, sizeof line, line_format, clock_wall_us(), level, event, fields);
    ssize_t n = write(STDERR_FILENO, line, len);
    (void)n; // there is nowhere left to complain
}
