// http_encoding: which form of a file a client gets, by its Accept-Encoding (RFC 9110, section 12.5.3), and
// in which it may send.
//
// Pure, no allocation. Any thread.
#ifndef SERVER_HTTP_ENCODING_H
#define SERVER_HTTP_ENCODING_H

#include "server/web/http_head.h"

enum http_encoding {
    ENCODING_IDENTITY, // the file as it is
    ENCODING_GZIP,
    ENCODING_BROTLI,
    ENCODING_COUNT,
};

// What the client takes, a bit for each. The file as it is is always among them: who refuses all that is to
// be had gets that rather than nothing. What is malformed is not wanted.
unsigned http_encodings_taken(const struct http_head *head);

const char *
http_encoding_name(enum http_encoding encoding); // of the header field; NULL for the file as it is
const char *http_encoding_ending(enum http_encoding encoding); // of the file beside the file; "" for itself

// Whether a request's body is compressed, or coded otherwise (section 8.4 there): no address reads that.
bool http_body_is_encoded(const struct http_head *head);

#endif
