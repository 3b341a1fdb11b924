#include "server/common/origins.h"

#include "server/common/list_text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct origin_parts {
    struct span scheme, host, port; // port: empty for none; the host with its brackets
};

static bool is_scheme(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum(s.ptr[i]) && (i == 0 || !strchr("+-.", s.ptr[i])))
            return false;
    return s.len > 0;
}

static bool is_port(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (!isdigit(s.ptr[i]))
            return false;
    return s.len > 0 && s.len <= 5;
}

static bool is_host(struct span s) {
    bool bracketed = s.len > 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']';
    for (size_t i = bracketed; i < s.len - bracketed; i++)
        if (!isalnum(s.ptr[i]) && !strchr(bracketed ? ":." : "-._~%", s.ptr[i]))
            return false;
    return s.len > 0;
}

// "name:port", "[::1]:port", either without the port.
static bool split_host(struct span text, struct span *host, struct span *port) {
    if (text.len == 0)
        return false;
    const uint8_t *end = text.ptr + text.len, *close = memchr(text.ptr, ']', text.len);
    const uint8_t *from = close ? close : text.ptr, *colon = memchr(from, ':', (size_t)(end - from));
    *host = span_of(text.ptr, colon ? (size_t)(colon - text.ptr) : text.len);
    *port = colon ? span_of(colon + 1, (size_t)(end - colon - 1)) : span_of(end, 0);
    return is_host(*host) && (!colon || is_port(*port));
}

static bool equal_text(struct span a, const char *text) {
    return a.len == strlen(text) && strncasecmp((const char *)a.ptr, text, a.len) == 0;
}

static bool equal_ignoring_case(struct span a, struct span b) {
    return a.len == b.len && strncasecmp((const char *)a.ptr, (const char *)b.ptr, a.len) == 0;
}

// The port that the scheme means is as good as none.
static bool is_default_port(struct span scheme, struct span port) {
    bool secure = equal_text(scheme, "https") || equal_text(scheme, "wss");
    return port.len == 0 || equal_text(port, secure ? "443" : "80");
}

static bool split_origin(struct span origin, struct origin_parts *out) {
    const uint8_t *mark = origin.len > 3 ? memmem(origin.ptr, origin.len, "://", 3) : NULL;
    if (!mark)
        return false;
    out->scheme = span_of(origin.ptr, (size_t)(mark - origin.ptr));
    struct span rest = span_of(mark + 3, origin.len - out->scheme.len - 3);
    if (!is_scheme(out->scheme) || !split_host(rest, &out->host, &out->port))
        return false;
    if (is_default_port(out->scheme, out->port))
        out->port.len = 0;
    return true;
}

// Of HTTP's; an application or an extension may name its pages as it likes (capacitor://localhost).
static bool is_of_web(struct span scheme) {
    return equal_text(scheme, "http") || equal_text(scheme, "https");
}

bool origin_is_of_host(struct span origin, struct span host, bool any_port) {
    struct origin_parts page;
    struct span name, port;
    if (!split_origin(origin, &page) || !split_host(host, &name, &port) || !is_of_web(page.scheme) ||
        !equal_ignoring_case(page.host, name))
        return false;
    if (is_default_port(page.scheme, port))
        return page.port.len == 0 || (any_port && port.len == 0);
    return equal_ignoring_case(page.port, port);
}

bool origins_have(const struct origins *origins, struct span origin) {
    struct origin_parts page, listed;
    if (origins->anyone)
        return true;
    bool whole = split_origin(origin, &page);
    for (unsigned i = 0; i < origins->count; i++) {
        struct span one = span_of_text(origins->list[i]);
        if (equal_ignoring_case(one, origin))
            return true;
        if (whole && split_origin(one, &listed) && equal_ignoring_case(page.scheme, listed.scheme) &&
            equal_ignoring_case(page.host, listed.host) && equal_ignoring_case(page.port, listed.port))
            return true;
    }
    return false;
}

static bool take_item(struct origins *out, struct span item) {
    struct origin_parts parts;
    if (equal_text(item, ORIGINS_SELF))
        return true;
    if (equal_text(item, ORIGINS_ANYONE))
        return out->anyone = true;
    if (item.len > 0 && item.ptr[item.len - 1] == '/') // as it stands in the address line
        item.len--;
    if ((!equal_text(item, "null") && !split_origin(item, &parts)) || item.len >= ORIGIN_TEXT_MAX ||
        out->count == ORIGINS_MAX)
        return false;
    for (size_t i = 0; i < item.len; i++)
        out->list[out->count][i] = (char)tolower(item.ptr[i]);
    out->list[out->count++][item.len] = '\0';
    return true;
}

bool origins_parse(const char *text, struct origins *out) {
    struct origins found = {0};
    const char *item;
    size_t len;
    while (list_text_next(&text, &item, &len))
        if (!take_item(&found, span_of(item, len)))
            return false;
    *out = found;
    return true;
}
