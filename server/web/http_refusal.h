// http_refusal: how the server itself refuses a request, in the form that clients of the address read: a page
// for people, or JSON for programs. What a route refuses is its own.
//
// Pure, no allocation. Any thread.
#ifndef SERVER_HTTP_REFUSAL_H
#define SERVER_HTTP_REFUSAL_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REFUSAL_MAX 1024 // bytes of a refusal's body with its end

enum http_form {
    HTTP_FORM_PAGE,
    HTTP_FORM_TWIRP,   // {"code", "msg"} with Twirp's codes
    HTTP_FORM_PROBLEM, // RFC 9457
};

// Addresses that begin with `under` have this form.
struct http_form_row {
    const char *under; // "/api/v1/"
    enum http_form form;
};

// `target`: of a request, as it came (http_head_target), so that it is known of one that cannot be parsed,
// too.
enum http_form http_form_find(const struct http_form_row *rows, size_t count, struct span target);

// Writes the body of a refusal, whose words are for people. The type of its content, which lives for ever;
// *len is without the end.
const char *http_refusal_write(enum http_form form, unsigned status, const char *words,
                               char out[HTTP_REFUSAL_MAX], size_t *len);

#endif
