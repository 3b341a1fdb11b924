#include "server/common/query_text.h"

static int hex(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct span text, char *out, size_t cap) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (c == '\0' || len + 1 >= cap)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return true;
}

int query_text_value(struct span query, const char *name, char *out, size_t cap) {
    while (query.len) {
        const uint8_t *end = memchr(query.ptr, '&', query.len);
        struct span part = span_of(query.ptr, end ? (size_t)(end - query.ptr) : query.len);
        query = span_of(query.ptr + part.len + (end != NULL), query.len - part.len - (end != NULL));
        size_t len = strlen(name);
        if (part.len > len && part.ptr[len] == '=' && memcmp(part.ptr, name, len) == 0)
            return decode(span_of(part.ptr + len + 1, part.len - len - 1), out, cap) ? 1 : -1;
    }
    return 0;
}
