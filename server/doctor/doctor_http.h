// doctor_http: one GET of a server on this machine or near it, to see who answers there.
//
// Blocks for a bounded time.
#ifndef SERVER_DOCTOR_HTTP_H
#define SERVER_DOCTOR_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX 4096 // the beginning is enough
#define HTTP_WHY_MAX 160

struct http_target {
    const char *host; // IP literal
    uint16_t port;
    bool tls; // any certificate
};

struct http_reply {
    unsigned status;
    char server[64]; // the Server header, or ""
    char body[HTTP_BODY_MAX + 1];
};

// False: nobody listens, or what answers is not HTTP; `why` says what happened.
bool http_get(const struct http_target *target, const char *path, unsigned wait_ms, struct http_reply *out,
              char why[HTTP_WHY_MAX]);

// Pure: from the bytes of an answer. False: not HTTP.
bool http_reply_read(const char *text, size_t len, struct http_reply *out);
// Whether the answer to /healthz is a Rotunda's.
bool http_is_rotunda(const struct http_reply *reply);
// The version in the answer to /metrics; "" when there is none.
void http_rotunda_version(const struct http_reply *reply, char *out, size_t cap);

#endif
