#include "server/web/cross_origin.h"

#include "server/common/list_text.h"

#include <stdio.h>
#include <string.h>

#define TOLD_BYTES_MAX 1024

// Proxies behind each other each add the host that they were asked for. Any of them will do, since no page
// can add one: before it sends such a header the browser asks, without it, whether it may.
static bool is_of_told(struct span origin, struct span told) {
    char text[TOLD_BYTES_MAX + 1];
    const char *rest = text, *host;
    size_t len;
    if (told.len > TOLD_BYTES_MAX)
        return false;
    if (told.len)
        memcpy(text, told.ptr, told.len);
    text[told.len] = '\0';
    while (list_text_next(&rest, &host, &len))
        if (origin_is_of_host(origin, span_of(host, len), true))
            return true;
    return false;
}

enum page_of cross_origin_of(const struct http_head *head, const struct origins *origins, bool proxied,
                             bool any_port) {
    struct span origin = http_field_find(head, "origin");
    struct span told = proxied ? http_field_find(head, "x-forwarded-host") : (struct span){0};
    if (!origin.ptr)
        return PAGE_OF_NOBODY;
    if (origin_is_of_host(origin, http_field_find(head, "host"), any_port) || is_of_told(origin, told))
        return PAGE_OF_SELF;
    return origins_have(origins, origin) ? PAGE_OF_LISTED : PAGE_OF_OTHER;
}

void cross_origin_headers(const struct http_head *head, enum page_of page,
                          char out[CROSS_ORIGIN_HEADERS_MAX]) {
    struct span origin = http_field_find(head, "origin");
    out[0] = '\0';
    if (page != PAGE_OF_LISTED || origin.len >= ORIGIN_TEXT_MAX)
        return;
    snprintf(out, CROSS_ORIGIN_HEADERS_MAX,
             "access-control-allow-origin: %.*s\r\nvary: origin\r\n"
             "access-control-expose-headers: location, link, etag, retry-after\r\n",
             (int)origin.len, (const char *)origin.ptr);
}

bool cross_origin_is_preflight(const struct http_head *head) {
    return head->method == HTTP_OPTIONS && http_field_find(head, "access-control-request-method").ptr;
}

// The last two are what livekit-server-sdk sends of its own, also from a page.
void cross_origin_preflight(const char *allow, char out[CROSS_ORIGIN_HEADERS_MAX]) {
    snprintf(out, CROSS_ORIGIN_HEADERS_MAX,
             "access-control-allow-methods: %s\r\n"
             "access-control-allow-headers: authorization, content-type, if-match, user-agent, "
             "x-livekit-request-id\r\n"
             "access-control-max-age: 600\r\n",
             allow);
}
