#include "server/web/http_refusal.h"

#include "server/common/http_status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX (HTTP_REFUSAL_MAX / 2)

enum http_form http_form_find(const struct http_form_row *rows, size_t count, struct span target) {
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].under);
        if (target.len >= len && memcmp(target.ptr, rows[i].under, len) == 0)
            return rows[i].form;
    }
    return HTTP_FORM_PAGE;
}

// The nearest of Twirp's own codes: its clients know no others.
static const char *twirp_code(unsigned status) {
    static const struct {
        unsigned status;
        const char *code;
    } rows[] = {
        {401, "unauthenticated"},    {403, "permission_denied"},  {404, "bad_route"},
        {405, "bad_route"},          {408, "deadline_exceeded"},  {413, "resource_exhausted"},
        {414, "resource_exhausted"}, {429, "resource_exhausted"}, {431, "resource_exhausted"},
        {501, "unimplemented"},      {503, "unavailable"},        {505, "unimplemented"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].code;
    return status < 500 ? "malformed" : "internal";
}

// As a string of JSON has it. The words are the server's own.
static void quote(const char *words, char out[WORDS_MAX]) {
    size_t len = 0;
    for (; *words; words++) {
        assert(len + 3 < WORDS_MAX && (unsigned char)*words >= 0x20);
        if (*words == '"' || *words == '\\')
            out[len++] = '\\';
        out[len++] = *words;
    }
    out[len] = '\0';
}

const char *http_refusal_write(enum http_form form, unsigned status, const char *words,
                               char out[HTTP_REFUSAL_MAX], size_t *len) {
    const char *title = http_status_text(status), *type = "text/html; charset=utf-8";
    char quoted[WORDS_MAX];
    int n = 0;
    quote(words, quoted);
    switch (form) {
    case HTTP_FORM_PAGE:
        n = snprintf(out, HTTP_REFUSAL_MAX,
                     "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>%s</title>\n"
                     "<h1>%s</h1>\n<p>%s</p>\n</html>\n",
                     title, title, words);
        break;
    case HTTP_FORM_TWIRP:
        type = "application/json";
        n = snprintf(out, HTTP_REFUSAL_MAX, "{\"code\":\"%s\",\"msg\":\"%s\"}", twirp_code(status), quoted);
        break;
    case HTTP_FORM_PROBLEM:
        type = "application/problem+json";
        n = snprintf(out, HTTP_REFUSAL_MAX,
                     "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s\"}", title,
                     status, quoted);
        break;
    }
    assert(n > 0 && n < HTTP_REFUSAL_MAX);
    *len = (size_t)n;
    return type;
}
