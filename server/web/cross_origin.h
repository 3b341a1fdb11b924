// cross_origin: what a request's Origin means for its answer (the Fetch standard, section 3.2): whose page
// asks, and the headers that let a page which the operator named read the answer. Pure.
#ifndef SERVER_CROSS_ORIGIN_H
#define SERVER_CROSS_ORIGIN_H

#include "server/common/origins.h"
#include "server/web/http_head.h"

#define CROSS_ORIGIN_HEADERS_MAX 768 // bytes of what is written below, with its end

enum page_of {
    PAGE_OF_NOBODY, // no browser, or one that fetches for the page itself
    PAGE_OF_SELF,
    PAGE_OF_LISTED, // of an origin that the operator named
    PAGE_OF_OTHER,  // to be refused
};

// proxied: a trusted proxy sent it, whose X-Forwarded-Host counts too. any_port as in origin_is_of_host.
enum page_of cross_origin_of(const struct http_head *head, const struct origins *origins, bool proxied,
                             bool any_port);
// Header lines, each with its CRLF, by which a listed page may read the answer; "" for everybody else.
void cross_origin_headers(const struct http_head *head, enum page_of page,
                          char out[CROSS_ORIGIN_HEADERS_MAX]);
// Whether a browser asks first what a page may do, and what is said then beside the above: `allow` are the
// methods of the address.
bool cross_origin_is_preflight(const struct http_head *head);
void cross_origin_preflight(const char *allow, char out[CROSS_ORIGIN_HEADERS_MAX]);

#endif
