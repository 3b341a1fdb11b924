// frame_ancestors: the setting that says who may show the pages in a frame: sources as in
// Content-Security-Policy, "'self'" or "'none'". Pure.
#ifndef SERVER_FRAME_ANCESTORS_H
#define SERVER_FRAME_ANCESTORS_H

#include <stdbool.h>

#define FRAME_ANCESTORS_MAX 512 // bytes with its end

// Whether the text may stand in a policy: sources of printable ASCII with single spaces, without ";" and ",".
bool frame_ancestors_valid(const char *text);

#endif
