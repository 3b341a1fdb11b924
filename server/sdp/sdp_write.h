// sdp_write: a description under construction: lines into a bounded text. Pure; the text is the caller's.
#ifndef SERVER_SDP_WRITE_H
#define SERVER_SDP_WRITE_H

#include "base/span.h"

struct sdp_writer {
    char *text; // of `cap` bytes
    size_t cap, len;
    bool failed; // sticky: something did not fit
};

// One line, with its CR LF. What it says of others' words must have been read by sdp_read: no line can hide
// in another then.
void sdp_write(struct sdp_writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
