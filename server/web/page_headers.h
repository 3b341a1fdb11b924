// page_headers: what a browser is told of a page beside its content: which scripts may run, who may show it
// in a frame, and who may use camera and microphone (Content-Security-Policy, Permissions-Policy,
// Referrer-Policy).
//
// Scripts come from this server, or stand in the page itself: those are named by their SHA-256, so that
// nothing that slips into a page by other ways runs. Any thread.
#ifndef SERVER_PAGE_HEADERS_H
#define SERVER_PAGE_HEADERS_H

#include <stddef.h>

#define PAGE_HEADERS_MAX 5120 // bytes of what page_headers writes

// Header lines, each with its CRLF, for the HTML file that `fd` is open on (its position stays).
// frame_ancestors is the setting (server/common/frame_ancestors.h).
void page_headers(int fd, const char *frame_ancestors, char *out, size_t cap);

#endif
