// Paths, queries, media types.
#include "server/common/query_text.h"
#include "server/whip/whip_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void whip_path_read(const char *path, struct whip_path *out) {
    *out = (struct whip_path){0};
    for (;;) {
        size_t len = strcspn(path, "/");
        if (len == 0 || len > ROOM_NAME_BYTES_MAX || out->count == PATH_PARTS_MAX) {
            out->count = 0;
            return;
        }
        memcpy(out->parts[out->count++], path, len);
        if (path[len] == '\0')
            return;
        path += len + 1;
    }
}

int whip_query_value(struct span query, const char *name, char *out, size_t cap) {
    return query_text_value(query, name, out, cap);
}

void whip_percent_encode(const char *text, char *out, size_t cap) {
    size_t len = 0;
    for (; *text && len + 4 <= cap; text++) {
        uint8_t c = (uint8_t)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-._~", c));
        if (plain)
            out[len++] = (char)c;
        else
            len += (size_t)snprintf(out + len, cap - len, "%%%02X", c);
    }
    out[len] = '\0';
}

// Without its parameters.
static struct span bare_type(struct span type) {
    const uint8_t *end = type.len ? memchr(type.ptr, ';', type.len) : NULL;
    if (end)
        type.len = (size_t)(end - type.ptr);
    while (type.len && (type.ptr[0] == ' ' || type.ptr[0] == '\t'))
        type = span_of(type.ptr + 1, type.len - 1);
    while (type.len && (type.ptr[type.len - 1] == ' ' || type.ptr[type.len - 1] == '\t'))
        type.len--;
    return type;
}

bool whip_media_type_is(struct span content_type, const char *type) {
    struct span bare = bare_type(content_type);
    return bare.len == strlen(type) && strncasecmp((const char *)bare.ptr, type, bare.len) == 0;
}

bool whip_accepts(struct span accept, const char *type) {
    if (bare_type(accept).len == 0)
        return true;
    size_t major = strcspn(type, "/") + 1; // with the slash
    while (accept.len) {
        const uint8_t *end = memchr(accept.ptr, ',', accept.len);
        struct span part = span_of(accept.ptr, end ? (size_t)(end - accept.ptr) : accept.len);
        accept = span_of(accept.ptr + part.len + (end != NULL), accept.len - part.len - (end != NULL));
        struct span bare = bare_type(part);
        bool all_of_major = bare.len == major + 1 && bare.ptr[major] == '*' &&
                            strncasecmp((const char *)bare.ptr, type, major) == 0;
        if (whip_media_type_is(part, type) || whip_media_type_is(part, "*/*") || all_of_major)
            return true;
    }
    return false;
}
