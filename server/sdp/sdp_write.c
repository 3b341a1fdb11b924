#include "server/sdp/sdp_write.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void sdp_write(struct sdp_writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t left = w->cap - w->len;
    int n = vsnprintf(w->text + w->len, left, format, args);
    va_end(args);
    if (w->failed || n < 0 || (size_t)n + 2 >= left) {
        w->failed = true;
        return;
    }
    assert(!memchr(w->text + w->len, '\n', (size_t)n) && !memchr(w->text + w->len, '\r', (size_t)n));
    w->len += (size_t)n;
    memcpy(w->text + w->len, "\r\n", 3);
    w->len += 2;
}
