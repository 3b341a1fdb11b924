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

// Text under construction; what does not fit is cut and noted.
struct line {
    char *out;
    size_t cap, len;
    bool full;
};

static void line_char(struct line *l, char c) {
    if (l->len < l->cap)
        l->out[l->len++] = c;
    else
        l->full = true;
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

// The length of the UTF-8 character at `text`; 0 when there is none (RFC 3629, section 4).
static size_t utf8_len(const unsigned char *text) {
    unsigned char c = text[0];
    size_t len = c < 0x80                ? 1
                 : c >= 0xc2 && c < 0xe0 ? 2
                 : c >= 0xe0 && c < 0xf0 ? 3
                 : c >= 0xf0 && c < 0xf5 ? 4
                                         : 0;
    for (size_t i = 1; i < len; i++)
        if ((text[i] & 0xc0) != 0x80) // the terminator is none either
            return 0;
    bool overlong = (c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90);
    bool beyond = (c == 0xed && text[1] >= 0xa0) || (c == 0xf4 && text[1] >= 0x90);
    return overlong || beyond ? 0 : len;
}

// Quotes, control characters (C1 too: terminals obey them) and bytes that are no UTF-8 are escaped.
static void line_character(struct line *l, const unsigned char *text, size_t len) {
    if (len == 0 || text[0] < 0x20 || text[0] == 0x7f) {
        line_print(l, "\\u%04x", text[0]);
    } else if (text[0] == 0xc2 && text[1] < 0xa0) {
        line_print(l, "\\u%04x", text[1]);
    } else {
        if (text[0] == '"' || text[0] == '\\')
            line_char(l, '\\');
        for (size_t i = 0; i < len; i++)
            line_char(l, (char)text[i]);
    }
}

// A quoted string whose escapes are right in JSON and harmless on a terminal. Cut between characters.
static void line_quoted(struct line *l, const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    line_char(l, '"');
    for (size_t i = 0; bytes[i];) {
        size_t len = utf8_len(bytes + i);
        size_t step = len ? len : 1;
        if (i + step > LOG_VALUE_MAX)
            break;
        line_character(l, bytes + i, len);
        i += step;
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

// A field that does not fit is left out whole, so that what is there can be read.
static void line_field(struct line *l, bool json, const struct log_field *f) {
    size_t before = l->len;
    line_print(l, json ? ",\"%s\":" : " %s=", f->key);
    if (f->text)
        line_quoted(l, f->text);
    else
        line_print(l, "%" PRId64, f->number);
    if (l->full)
        l->len = before;
    l->full = false;
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
    for (const struct log_field *f = fields; f->key; f++)
        line_field(&l, json, f);
    if (json)
        out[l.len++] = '}';
    out[l.len++] = '\n';
    return l.len;
}

void log_line(enum log_level level, const char *event, const struct log_field *fields) {
    char line[LINE_MAX_BYTES];
    size_t len = log_format_line(line, sizeof line, line_format, clock_wall_us(), level, event, fields);
    ssize_t n = write(line_format == LOG_FORMAT_JSON ? STDOUT_FILENO : STDERR_FILENO, line, len);
    (void)n; // there is nowhere left to complain
}
