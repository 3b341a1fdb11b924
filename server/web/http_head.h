// http_head: the head of an HTTP/1.1 request (RFC 9112), from bytes to its parts. Strict, so that nothing in
// front of the server and the server itself can take one request for two different ones: what is odd is
// refused with a status, never guessed at.
//
// Lines end with CR LF alone. A bare LF, which RFC 9112, section 2.2, would let pass, a bare CR, a zero byte,
// a folded field and a space before a field's colon are refused with 400, for a WebSocket's head as for any.
//
// The target's path comes out decoded and in the one form that it may have (RFC 3986, section 6.2.2): a path
// with empty or dotted segments, with an escape that is none, that stands for a character which needs none,
// or for a slash, a backslash or a control character, is refused with 400. A rule of a proxy for `/metrics`
// thereby meets every spelling that reaches it here. The query stays as it came.
//
// Pure, no allocation. Any thread.
#ifndef SERVER_HTTP_HEAD_H
#define SERVER_HTTP_HEAD_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 16384  // bytes of a head, its empty line included; more is 431
#define HTTP_TARGET_MAX 8192 // bytes of a target; more is 414
#define HTTP_PATH_MAX 1024   // bytes of a decoded path with its end; more is 414
#define HTTP_FIELDS_MAX 128  // fields of a head; more is 431

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_OTHER,
};

struct http_field {
    struct span name, value; // as it came; the value without the spaces around it
};

// The spans view the bytes that were parsed.
struct http_head {
    enum http_method method;
    char path[HTTP_PATH_MAX]; // decoded; "*" for OPTIONS of the server itself
    struct span query;        // what follows the first "?"; empty for none
    bool old;                 // HTTP/1.0, which has no upgrades
    bool keep_alive;          // another request may follow on this connection
    uint64_t body_len;        // that Content-Length tells
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

// Looks for the end of the first head in `bytes`: the number of bytes up to and with its empty line, or 0
// when more must come. Empty lines before the request are part of it. *scanned remembers how far an earlier
// call with fewer bytes came; 0 at first.
size_t http_head_end(const char *bytes, size_t len, size_t *scanned);

// Parses a whole head of `len` bytes, as http_head_end found it. 200, or the status to refuse it with and in
// *why a sentence for people (lives for ever).
unsigned http_head_parse(const char *bytes, size_t len, struct http_head *out, const char **why);

// The target of the request whose first `len` bytes these are, without scheme and host; as far as it is
// there. For what is known of a request that is not, or cannot be, parsed.
struct span http_head_target(const char *bytes, size_t len);

// The value of the one field of that name (lower case); an empty span with ptr NULL when there is none.
struct span http_field_find(const struct http_head *head, const char *name);
// Whether any field of that name holds the token in its list, as `Connection: keep-alive, Upgrade` does;
// without regard to case.
bool http_field_has_token(const struct http_head *head, const char *name, const char *token);

const char *http_method_name(enum http_method method); // "" for HTTP_OTHER

#endif
