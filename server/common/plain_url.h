// plain_url: whether a text is a URL that may be told to others and stand in a line: of a scheme that is
// expected there, with a host and no user, without a fragment, and with nothing that would end a line, a word
// or a quoted text. Its length is the caller's. Pure. Any thread.
#ifndef SERVER_PLAIN_URL_H
#define SERVER_PLAIN_URL_H

#include "server/common/host_port.h"

#include <stdbool.h>
#include <stddef.h>

extern const char *const plain_url_ws[]; // the schemes of a WebSocket, "wss://" and "ws://"

struct plain_url {
    unsigned scheme;       // which of those that are expected
    struct host_port host; // its port 0 where the URL names none
};

// schemes: with their "://", in lower case, ended by NULL, one at least. `out` may be NULL.
bool plain_url_is(const char *const *schemes, const char *text, struct plain_url *out);

#endif
