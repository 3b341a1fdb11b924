#include "server/web/answer_head.h"

#include "server/common/http_status.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void head_add(struct answer_head *h, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(h->text + h->len, sizeof h->text - h->len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof h->text - h->len)
        h->full = true;
    else
        h->len += (size_t)n;
}

void head_begin(struct answer_head *h, unsigned status) {
    h->len = 0;
    h->full = false;
    head_add(h, "HTTP/1.1 %u %s\r\nserver: rotunda\r\n", status, http_status_text(status));
}

void head_add_body(struct answer_head *h, const char *content_type, uint64_t len) {
    head_add(h, "content-type: %s\r\ncontent-length: %" PRIu64 "\r\nx-content-type-options: nosniff\r\n",
             content_type, len);
}
