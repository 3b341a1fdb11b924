// plain_url: whether a text is a URL that may be told to others and stand in a line: of a scheme that is
// expected there, with a host, and with nothing that would end a line, a word or a quoted text. Its length is
// the caller's. Pure. Any thread.
#ifndef SERVER_PLAIN_URL_H
#define SERVER_PLAIN_URL_H

#include <stdbool.h>

extern const char *const plain_url_ws[]; // the schemes of a WebSocket, "wss://" and "ws://"

// schemes: with their "://", ended by NULL, one at least.
bool plain_url_is(const char *const *schemes, const char *text);

#endif
