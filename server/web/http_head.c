#include "server/web/http_head.h"

#include <string.h>
#include <strings.h>

// What is being taken apart.
struct parse {
    const char *at, *end;
    struct http_head *head;
    const char *why;
};

static unsigned refuse(struct parse *p, unsigned status, const char *why) {
    p->why = why;
    return status;
}

static const char *const method_names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

const char *http_method_name(enum http_method method) {
    return method < HTTP_OTHER ? method_names[method] : "";
}

size_t http_head_end(const char *bytes, size_t len, size_t *scanned) {
    size_t at = *scanned, lines = 0;
    // Empty lines before the request count for nothing (RFC 9112, section 2.2). Where lines end with a bare
    // line feed the end is found as well, so that the refusal comes at once.
    while (lines < len &&
           (bytes[lines] == '\n' || (bytes[lines] == '\r' && lines + 1 < len && bytes[lines + 1] == '\n')))
        lines += bytes[lines] == '\n' ? 1 : 2;
    if (at < lines)
        at = lines;
    for (const char *lf; at < len && (lf = memchr(bytes + at, '\n', len - at));) {
        size_t next = (size_t)(lf - bytes) + 1;
        if (next < len && bytes[next] == '\n')
            return next + 1;
        if (next + 1 < len && bytes[next] == '\r' && bytes[next + 1] == '\n')
            return next + 2;
        if (next + 1 >= len) { // what decides has yet to come
            *scanned = next - 1;
            return 0;
        }
        at = next;
    }
    *scanned = len;
    return 0;
}

// RFC 9110, section 5.6.2.
static bool is_token_char(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

// One line without its end, which is CR LF. RFC 9112, section 2.2, lets a server take a bare LF for it; one
// in front of this server that does not would see another request. False, and why: no CR LF, or a CR or a NUL
// within the line.
static bool take_line(struct parse *p, struct span *line) {
    const char *lf = memchr(p->at, '\n', (size_t)(p->end - p->at));
    if (!lf || lf == p->at || lf[-1] != '\r') {
        p->why = "A line of the head ends with a bare line feed; lines end with CR LF.";
        return false;
    }
    *line = span_of(p->at, (size_t)(lf - 1 - p->at));
    p->at = lf + 1;
    p->why = "A line of the head holds a carriage return or a zero byte.";
    bool plain = !memchr(line->ptr, '\r', line->len) && !memchr(line->ptr, '\0', line->len);
    if (plain)
        p->why = "";
    return plain;
}

// ---- the request line

static unsigned take_method(struct parse *p, struct span text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_char(text.ptr[i]))
            return refuse(p, 400, "The request's method is no token.");
    }
    p->head->method = HTTP_OTHER;
    for (unsigned i = 0; i < HTTP_OTHER; i++) {
        if (strlen(method_names[i]) == text.len && memcmp(method_names[i], text.ptr, text.len) == 0)
            p->head->method = i;
    }
    return text.len ? 200 : refuse(p, 400, "The request has no method.");
}

static unsigned take_version(struct parse *p, struct span text) {
    const char *c = (const char *)text.ptr;
    bool http = text.len == 8 && memcmp(c, "HTTP/", 5) == 0 && c[6] == '.' && c[5] >= '0' && c[5] <= '9' &&
                c[7] >= '0' && c[7] <= '9';
    if (!http)
        return refuse(p, 400, "The request line does not end with a version, as in HTTP/1.1.");
    if (c[5] != '1')
        return refuse(p, 505, "This server speaks HTTP/1.1.");
    p->head->old = c[7] == '0';
    p->head->keep_alive = !p->head->old;
    return 200;
}

static int hex_digit(unsigned char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// RFC 3986, section 2.3: these never need an escape, so one with an escape is another spelling of the same.
static bool is_unreserved(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-._~", c));
}

// The character at *at, which goes past it; -1: not allowed.
static int take_path_char(struct span path, size_t *at) {
    unsigned char c = path.ptr[(*at)++];
    if (c != '%')
        return c > 0x20 && c != 0x7f && c != '\\' ? c : -1;
    if (path.len - *at < 2)
        return -1;
    int high = hex_digit(path.ptr[*at]), low = hex_digit(path.ptr[*at + 1]);
    *at += 2;
    if (high < 0 || low < 0)
        return -1;
    c = (unsigned char)(high << 4 | low);
    return c >= 0x20 && c != 0x7f && c != '\\' && c != '/' && !is_unreserved(c) ? c : -1;
}

// No "//", "/./", "/../", and none of them at the end.
static bool segments_plain(const char *path) {
    for (const char *c = path; *c; c++) {
        if (*c != '/')
            continue;
        size_t dots = strspn(c + 1, ".");
        if (c[1] == '/' || ((dots == 1 || dots == 2) && (c[1 + dots] == '/' || c[1 + dots] == '\0')))
            return false;
    }
    return true;
}

static unsigned take_path(struct parse *p, struct span path) {
    static const char odd[] =
        "The path is not in its plain form: no empty or dotted parts, no escapes of plain "
        "characters, slashes or control characters.";
    char *out = p->head->path;
    size_t n = 0;
    for (size_t at = 0; at < path.len;) {
        int c = take_path_char(path, &at);
        if (c < 0)
            return refuse(p, 400, odd);
        if (n + 1 == HTTP_PATH_MAX)
            return refuse(p, 414, "The path is too long for this server.");
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return segments_plain(out) ? 200 : refuse(p, 400, odd);
}

// "http://host/path?query" -> "/path?query" (RFC 9112, section 3.2.2: a server must take it). The host says
// nothing here: this server has one site.
static bool cut_authority(struct span *target) {
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (target->len <= len || strncasecmp((const char *)target->ptr, schemes[i], len) != 0)
            continue;
        while (len < target->len && !strchr("/?#", target->ptr[len]))
            len++;
        *target = span_of(target->ptr + len, target->len - len);
        return true;
    }
    return false;
}

struct span http_head_target(const char *bytes, size_t len) {
    size_t at = 0, end;
    while (at < len && (bytes[at] == '\r' || bytes[at] == '\n'))
        at++;
    while (at < len && bytes[at] != ' ' && bytes[at] != '\n')
        at++;
    if (at == len || bytes[at] == '\n')
        return span_of(NULL, 0);
    for (end = ++at; end < len && bytes[end] != ' ' && bytes[end] != '\n';)
        end++;
    struct span target = span_of(bytes + at, end - at);
    cut_authority(&target);
    return target;
}

static unsigned take_target(struct parse *p, struct span target) {
    struct http_head *head = p->head;
    if (target.len > HTTP_TARGET_MAX)
        return refuse(p, 414, "The address is too long for this server.");
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= 0x20 || target.ptr[i] == 0x7f || target.ptr[i] == '#')
            return refuse(p, 400, "The address holds a space, a control character or a fragment.");
    }
    if (target.len == 1 && target.ptr[0] == '*' && head->method == HTTP_OPTIONS) {
        memcpy(head->path, "*", 2);
        return 200;
    }
    bool absolute = cut_authority(&target);
    const uint8_t *mark = target.len ? memchr(target.ptr, '?', target.len) : NULL;
    struct span path = target;
    if (mark) {
        path.len = (size_t)(mark - target.ptr);
        head->query = span_of(mark + 1, target.len - path.len - 1);
    }
    if (path.len == 0 && absolute)
        path = span_of_text("/");
    if (path.len == 0 || path.ptr[0] != '/')
        return refuse(p, 400, "The address must begin with a slash.");
    return take_path(p, path);
}

static unsigned take_request_line(struct parse *p) {
    struct span line;
    if (!take_line(p, &line))
        return 400;
    const uint8_t *first = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
    const uint8_t *last = line.len ? memrchr(line.ptr, ' ', line.len) : NULL;
    if (!first || first == last)
        return refuse(p, 400, "The request line is not `METHOD ADDRESS HTTP/1.1`.");
    const uint8_t *end = line.ptr + line.len;
    unsigned status = take_method(p, span_of(line.ptr, (size_t)(first - line.ptr)));
    if (status == 200)
        status = take_version(p, span_of(last + 1, (size_t)(end - last - 1)));
    return status == 200 ? take_target(p, span_of(first + 1, (size_t)(last - first - 1))) : status;
}

// ---- fields

static bool is_blank(unsigned char c) {
    return c == ' ' || c == '\t';
}

static unsigned take_field(struct parse *p, struct span line) {
    struct http_head *head = p->head;
    const uint8_t *colon = memchr(line.ptr, ':', line.len), *end = line.ptr + line.len;
    if (!colon || colon == line.ptr)
        return refuse(p, 400, "A header line is not `Name: value`.");
    for (const uint8_t *c = line.ptr; c < colon; c++) {
        if (!is_token_char(*c))
            return refuse(p, 400, "A header's name holds a character that it may not have.");
    }
    const uint8_t *value = colon + 1;
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    for (const uint8_t *c = value; c < end; c++) {
        if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
            return refuse(p, 400, "A header's value holds a control character.");
    }
    if (head->field_count == HTTP_FIELDS_MAX)
        return refuse(p, 431, "The request has too many headers.");
    head->fields[head->field_count++] =
        (struct http_field){.name = span_of(line.ptr, (size_t)(colon - line.ptr)),
                            .value = span_of(value, (size_t)(end - value))};
    return 200;
}

static bool name_is(const struct http_field *field, const char *name) {
    return field->name.len == strlen(name) &&
           strncasecmp((const char *)field->name.ptr, name, field->name.len) == 0;
}

static unsigned count_of(const struct http_head *head, const char *name) {
    unsigned count = 0;
    for (unsigned i = 0; i < head->field_count; i++)
        count += name_is(&head->fields[i], name);
    return count;
}

struct span http_field_find(const struct http_head *head, const char *name) {
    for (unsigned i = 0; i < head->field_count; i++) {
        if (name_is(&head->fields[i], name))
            return head->fields[i].value;
    }
    return span_of(NULL, 0);
}

bool http_field_has_token(const struct http_head *head, const char *name, const char *token) {
    size_t token_len = strlen(token);
    for (unsigned i = 0; i < head->field_count; i++) {
        const char *at = (const char *)head->fields[i].value.ptr, *end = at + head->fields[i].value.len;
        while (name_is(&head->fields[i], name) && at < end) {
            const char *comma = memchr(at, ',', (size_t)(end - at)), *last = comma ? comma : end;
            const char *next = comma ? comma + 1 : end;
            while (at < last && is_blank((unsigned char)*at))
                at++;
            while (last > at && is_blank((unsigned char)last[-1]))
                last--;
            if ((size_t)(last - at) == token_len && strncasecmp(at, token, token_len) == 0)
                return true;
            at = next;
        }
    }
    return false;
}

// RFC 9112, section 6: how long the body is. Two answers to that are none.
static unsigned take_length(struct parse *p) {
    struct http_head *head = p->head;
    if (count_of(head, "transfer-encoding"))
        return refuse(p, 411, "A request's body must come with its Content-Length.");
    unsigned lengths = count_of(head, "content-length");
    if (lengths == 0)
        return 200;
    struct span text = http_field_find(head, "content-length");
    if (lengths > 1 || text.len == 0)
        return refuse(p, 400, "Content-Length must be one number.");
    if (text.len > 15)
        return refuse(p, 413, "The request's body is too long for this server.");
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return refuse(p, 400, "Content-Length must be one number.");
        head->body_len = head->body_len * 10 + text.ptr[i] - '0';
    }
    return 200;
}

static unsigned take_fields(struct parse *p) {
    struct span line;
    while (p->at < p->end) {
        if (!take_line(p, &line))
            return 400;
        if (line.len == 0)
            return 200;
        if (is_blank(line.ptr[0]))
            return refuse(p, 400, "A header is folded over lines, which HTTP no longer has.");
        unsigned status = take_field(p, line);
        if (status != 200)
            return status;
    }
    return 200;
}

// What has one value: of two, one in front may have looked at the other.
static unsigned check_single(struct parse *p) {
    static const struct {
        const char *name, *why;
    } rows[] = {{"authorization", "A request has one Authorization."},
                {"origin", "A request has one Origin."},
                {"content-type", "A request has one Content-Type."},
                {"sec-websocket-key", "A request has one Sec-WebSocket-Key."},
                {"sec-websocket-version", "A request has one Sec-WebSocket-Version."}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (count_of(p->head, rows[i].name) > 1)
            return refuse(p, 400, rows[i].why);
    return 200;
}

unsigned http_head_parse(const char *bytes, size_t len, struct http_head *out, const char **why) {
    struct parse p = {.at = bytes, .end = bytes + len, .head = out, .why = ""};
    out->method = HTTP_OTHER;
    out->path[0] = '\0';
    out->query = span_of(NULL, 0);
    out->old = true;
    out->keep_alive = false;
    out->body_len = 0;
    out->field_count = 0;
    while (p.end - p.at >= 2 && p.at[0] == '\r' && p.at[1] == '\n')
        p.at += 2;
    unsigned status = take_request_line(&p);
    if (status == 200)
        status = take_fields(&p);
    if (status == 200 && (count_of(out, "host") > 1 || (!out->old && count_of(out, "host") == 0)))
        status = refuse(&p, 400, "A request names one Host.");
    if (status == 200)
        status = check_single(&p);
    if (status == 200)
        status = take_length(&p);
    if (http_field_has_token(out, "connection", "close"))
        out->keep_alive = false;
    else if (http_field_has_token(out, "connection", "keep-alive"))
        out->keep_alive = true;
    *why = p.why;
    return status;
}
