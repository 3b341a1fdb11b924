#include "server/sdp/sdp_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

bool sdp_refuse(const struct sdp_lines *lines, char why[SDP_WHY_MAX], const char *format, ...) {
    int at = lines->number ? snprintf(why, SDP_WHY_MAX, "line %u: ", lines->number) : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(why + at, (size_t)(SDP_WHY_MAX - at), format, args);
    va_end(args);
    return false;
}

static bool has_control(struct span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] < ' ' && text.ptr[i] != '\t') || text.ptr[i] == 0x7f)
            return true;
    return false;
}

enum sdp_line sdp_line_next(struct sdp_lines *lines, char *type, struct span *value, char why[SDP_WHY_MAX]) {
    if (lines->rest.len == 0)
        return SDP_NO_MORE;
    lines->number++;
    struct span line = sdp_take(&lines->rest, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len > SDP_LINE_MAX)
        sdp_refuse(lines, why, "is longer than %d bytes", SDP_LINE_MAX);
    else if (has_control(line))
        sdp_refuse(lines, why, "has a control character");
    else if (line.len < 2 || line.ptr[1] != '=' || line.ptr[0] < 'a' || line.ptr[0] > 'z')
        sdp_refuse(lines, why, "is not a small letter, \"=\" and a value");
    else {
        *type = (char)line.ptr[0];
        *value = span_of(line.ptr + 2, line.len - 2);
        return SDP_LINE;
    }
    return SDP_LINE_BAD;
}

struct span sdp_take(struct span *rest, char separator) {
    const uint8_t *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    struct span part = span_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    size_t used = part.len + (end != NULL);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return part;
}

struct span sdp_trim(struct span text) {
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = span_of(text.ptr + 1, text.len - 1);
    while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

bool sdp_is(struct span text, const char *word) {
    return span_equal(text, span_of_text(word));
}

bool sdp_is_like(struct span text, const char *word) {
    return text.len == strlen(word) && strncasecmp((const char *)text.ptr, word, text.len) == 0;
}

bool sdp_number(struct span text, uint64_t last, uint64_t *out) {
    uint64_t number = 0;
    if (text.len == 0 || text.len > 12)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = number;
    return number <= last;
}

bool sdp_is_token(struct span text, size_t bytes_max) {
    static const char signs[] = "!#$%&'*+-.^_`{|}~";
    if (text.len == 0 || text.len > bytes_max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr(signs, c)))
            return false;
    }
    return true;
}

bool sdp_is_plain(struct span text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
    return true;
}
