// Heads of HTTP requests: whatever is taken keeps the promises of server/web/http_head.h, and the end is
// found at the same place however the bytes come.
#include "server/web/http_head.h"
#include "server/web/http_route.h"
#include "server/web/ws_handshake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(void *ctx, const struct http_request *request, struct http_answer *out) {
    (void)ctx, (void)request, (void)out;
}

static const struct http_route routes[] = {
    {HTTP_GET, "/metrics", HTTP_ADMIN, 0, "", answer},
    {HTTP_GET, "/healthz", HTTP_PUBLIC, 0, "", answer},
    {HTTP_POST, "/healthz", HTTP_PUBLIC, 10, "", answer},
};

// What is taken has no line that anybody could end elsewhere.
static void check_lines(const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        assert(bytes[i] != '\0');
        assert(bytes[i] != '\n' || (i > 0 && bytes[i - 1] == '\r'));
        assert(bytes[i] != '\r' || (i + 1 < len && bytes[i + 1] == '\n'));
    }
}

static void check_taken(const struct http_head *head) {
    const char *path = head->path;
    assert(path[0] == '/' || (strcmp(path, "*") == 0 && head->method == HTTP_OPTIONS));
    assert(!strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./") && !strchr(path, '\\'));
    for (const char *c = path; *c; c++)
        assert((unsigned char)*c >= 0x20 && *c != 0x7f);
    for (unsigned i = 0; i < head->field_count; i++) {
        assert(head->fields[i].name.len > 0);
        assert(!memchr(head->fields[i].name.ptr, ' ', head->fields[i].name.len));
        assert(!head->fields[i].value.len ||
               !memchr(head->fields[i].value.ptr, '\n', head->fields[i].value.len));
    }
    char allow[HTTP_ALLOW_MAX];
    const char *why;
    unsigned status;
    const struct http_route *row = http_route_find(routes, 3, HTTP_PUBLIC, head, &status, allow);
    assert(!row || row->places == HTTP_PUBLIC);
    if (ws_handshake_asked(head) && ws_handshake_check(head, &why) == 101)
        assert(http_field_find(head, "sec-websocket-key").len == 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size + 1); // exactly as long as it is, so that a look beyond is seen
    struct http_head head;
    size_t scanned = 0, step = size ? data[0] % 7u + 1 : 1, end = 0, whole = 0;
    memcpy(bytes, data, size);
    for (size_t n = 0; n < size && end == 0; n += step)
        end = http_head_end(bytes, n, &scanned);
    if (end == 0)
        end = http_head_end(bytes, size, &scanned);
    scanned = 0;
    whole = http_head_end(bytes, size, &scanned);
    assert(end == whole && whole <= size);
    if (whole) {
        const char *why;
        char *exact = malloc(whole);
        memcpy(exact, bytes, whole);
        unsigned status = http_head_parse(exact, whole, &head, &why);
        assert(status >= 200 && status <= 505 && (status == 200) == (why[0] == '\0'));
        if (status == 200) {
            check_lines(exact, whole);
            check_taken(&head);
        }
        free(exact);
    }
    free(bytes);
    return 0;
}
