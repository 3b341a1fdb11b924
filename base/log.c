#include "base/log.h"

#include "base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 // of a pipe, that much is taken whole or not at all (PIPE_BUF)

static atomic_int level_max = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;

// Where lines go, and how without waiting.
struct out {
    enum { OUT_PLAIN, OUT_NON_BLOCKING, OUT_SOCKET, OUT_ASK_FIRST } kind;
    int fd, own_fd; // own_fd: to be closed; -1: none
};
static struct out lines_out = {.fd = STDERR_FILENO, .own_fd = -1};
static bool to_journal;
static atomic_uint_fast64_t dropped, dropped_untold;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

// The flag O_NONBLOCK belongs to the open file, which others may share (the shell that started us): so a pipe
// or a terminal is opened once more. A file that is written to does not keep anybody waiting.
static struct out out_open(int fd) {
    struct out out = {.kind = OUT_PLAIN, .fd = fd, .own_fd = -1};
    struct stat info;
    char path[32];
    if (fstat(fd, &info) != 0 || S_ISREG(info.st_mode))
        return out;
    if (S_ISSOCK(info.st_mode)) {
        out.kind = OUT_SOCKET;
        return out;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    out.own_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    out.kind = out.own_fd >= 0 ? OUT_NON_BLOCKING : OUT_ASK_FIRST;
    if (out.own_fd >= 0)
        out.fd = out.own_fd;
    return out;
}

static void out_close(const struct out *out) {
    if (out->own_fd >= 0)
        close(out->own_fd);
}

// "DEVICE:INODE" of the stream that systemd gave the service (systemd.exec(5)). Where output was led
// elsewhere the variable is still there, but names another file.
static bool is_journal(int fd) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat info;
    char name[64];
    if (!stream || fstat(fd, &info) != 0)
        return false;
    snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
    return strcmp(name, stream) == 0;
}

bool log_goes_to_journal(void) {
    return to_journal;
}

void log_set_level(enum log_level level) {
    atomic_store_explicit(&level_max, level, memory_order_relaxed);
}

void log_configure(enum log_level level, enum log_format format) {
    log_set_level(level);
    line_format = format;
    int fd = format == LOG_FORMAT_JSON ? STDOUT_FILENO : STDERR_FILENO;
    to_journal = is_journal(fd);
    out_close(&lines_out);
    lines_out = out_open(fd);
}

uint64_t log_dropped(void) {
    return atomic_load(&dropped);
}

// False when nobody takes it now, or it is lost for another reason: a full disk, a pipe that nobody reads any
// more.
static bool out_write(const struct out *out, const char *line, size_t len) {
    if (out->kind == OUT_SOCKET)
        return send(out->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
    struct pollfd ready = {.fd = out->fd, .events = POLLOUT};
    if (out->kind == OUT_ASK_FIRST && poll(&ready, 1, 0) != 1)
        return false;
    return write(out->fd, line, len) == (ssize_t)len;
}

void log_say(int fd, const char *text, size_t len) {
    struct out out = out_open(fd);
    (void)out_write(&out, text, len);
    out_close(&out);
}

bool log_enabled(enum log_level level) {
    return (int)level <= atomic_load_explicit(&level_max, memory_order_relaxed);
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

// What does not show and changes how the rest of a line looks: directions, separators, blanks without width.
// Joiners are left, of which many pictures are made.
static bool is_unseen(unsigned c) {
    return c == 0x61c || c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

// Of a character of two or three bytes; 0: another one.
static unsigned code_of(const unsigned char *text, size_t len) {
    return len == 2   ? (text[0] & 0x1fU) << 6 | (text[1] & 0x3fU)
           : len == 3 ? (text[0] & 0xfU) << 12 | (text[1] & 0x3fU) << 6 | (text[2] & 0x3fU)
                      : 0;
}

// Quotes, control characters (C1 too: terminals obey them), what does not show, and bytes that are no UTF-8
// are escaped.
static void line_character(struct line *l, const unsigned char *text, size_t len) {
    if (len == 0 || text[0] < 0x20 || text[0] == 0x7f) {
        line_print(l, "\\u%04x", text[0]);
    } else if ((text[0] == 0xc2 && text[1] < 0xa0) || is_unseen(code_of(text, len))) {
        line_print(l, "\\u%04x", code_of(text, len));
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

// As it is written: with its priority in front where the journal reads it.
static size_t line_build(char line[LINE_MAX_BYTES], enum log_level level, const char *event,
                         const struct log_field *fields) {
    static const char priorities[] = {'3', '4', '6', '7'}; // LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG
    size_t before = 0;
    if (to_journal) {
        line[before++] = '<';
        line[before++] = priorities[level];
        line[before++] = '>';
    }
    return before + log_format_line(line + before, LINE_MAX_BYTES - before, line_format, clock_wall_us(),
                                    level, event, fields);
}

void log_line(enum log_level level, const char *event, const struct log_field *fields) {
    char line[LINE_MAX_BYTES];
    size_t len = line_build(line, level, event, fields);
    if (!out_write(&lines_out, line, len)) {
        atomic_fetch_add(&dropped, 1);
        atomic_fetch_add(&dropped_untold, 1);
        return;
    }
    uint64_t untold = atomic_exchange(&dropped_untold, 0);
    if (untold == 0)
        return;
    const struct log_field lost[] = {LOG_NUMBER("lines", untold), {.key = NULL}};
    len = line_build(line, LOG_LEVEL_WARN, "log lines dropped", lost);
    if (!out_write(&lines_out, line, len))
        atomic_fetch_add(&dropped_untold, untold);
}
