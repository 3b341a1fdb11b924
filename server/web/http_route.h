// http_route: the endpoints of the HTTP server as one table: method, path, where it is served, how long a
// request's body may be, headers of its answers, and the function that answers. A new endpoint is one row and
// one function.
//
// Pure. Control thread.
#ifndef SERVER_HTTP_ROUTE_H
#define SERVER_HTTP_ROUTE_H

#include "base/span.h"
#include "server/web/http_head.h"
#include "server/common/net_address.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_ALLOW_MAX 64 // bytes of the text that says which methods a path has
#define HTTP_ANSWER_HEADERS_MAX 4096

// Where a row is served.
enum http_place {
    HTTP_PUBLIC = 1, // the port that everyone reaches
    HTTP_ADMIN = 2,  // the port of --admin-listen
    HTTP_LATE = 4,   // beside one of the two: its answers may come later
};

struct http_request {
    const struct http_head *head; // with path and query
    struct span body;
    struct net_address client; // behind trusted proxies the one that they tell
    uint32_t late;             // the number of an answer that comes later; 0: it must come now
};

struct http_answer {
    unsigned status;
    const char *content_type; // lives for ever
    char *body;               // from malloc; taken over. NULL is an empty one
    size_t len;
    uint32_t
        stream;    // not 0: the answer goes on under this number (ws_server_stream_write); a body is left out
    bool later;    // nothing of this is the answer: ws_server_answer_late brings it, under request.late
    char *headers; // likewise: further ones, each with its CRLF; at most HTTP_ANSWER_HEADERS_MAX bytes
};

struct http_route {
    enum http_method method; // HTTP_GET takes HEAD, too; HTTP_OTHER what no other row of the path takes
    const char *path;        // the whole decoded path; one that ends in "/*" takes all below it
    unsigned places;         // of enum http_place
    size_t body_max;         // bytes; more is refused with 413, or with HTTP_OTHER left out
    const char *headers;     // further ones of the answer, each with its CRLF; "" for none
    void (*answer)(void *ctx, const struct http_request *request, struct http_answer *answer);
};

// The row for a request, or NULL. Then *status is 404 when no row has the path there, else 405. `allow`: the
// methods that its rows name, in any case.
const struct http_route *http_route_find(const struct http_route *routes, size_t count, enum http_place place,
                                         const struct http_head *head, unsigned *status,
                                         char allow[HTTP_ALLOW_MAX]);

#endif
