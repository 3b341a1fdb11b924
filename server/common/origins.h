// origins: which pages may use the server, by the Origin header that browsers send (RFC 6454): those of the
// host that the request is for, and those that the operator names. Pure. Any thread.
//
// Only browsers send Origin, and only they are made to act for a page that their user did not choose; what
// sends none is a program that acts for itself.
#ifndef SERVER_ORIGINS_H
#define SERVER_ORIGINS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define ORIGINS_MAX 32      // of one list
#define ORIGIN_TEXT_MAX 280 // bytes of one with its end: a scheme, a name of 253 bytes, a port
#define ORIGINS_SELF "self" // the host's own, which is always allowed
#define ORIGINS_ANYONE "*"

struct origins {
    bool anyone;
    unsigned count;
    char list[ORIGINS_MAX][ORIGIN_TEXT_MAX]; // "https://name[:port]" in lower case, without a default port
};

// "self", "*", "null" (what a browser says of files and sandboxed frames) or origins, separated by commas.
// False: not such a list.
bool origins_parse(const char *text, struct origins *out);

// Whether a page of `origin` is one that `host` (the Host header: name[:port]) serves by HTTP. any_port: the
// host says no port though it may have one, as some proxies pass it on.
bool origin_is_of_host(struct span origin, struct span host, bool any_port);
// Whether the list has it.
bool origins_have(const struct origins *origins, struct span origin);

#endif
