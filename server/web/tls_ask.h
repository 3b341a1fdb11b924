// tls_ask: one question over TLS on a socket of this machine, as the health check puts it.
#ifndef SERVER_TLS_ASK_H
#define SERVER_TLS_ASK_H

#include <stddef.h>

// Shakes hands on a connected, blocking socket, writes the request and reads until the end, an error or a
// full buffer. Any certificate will do: who asks whether this machine's own server lives does not ask who it
// is. Returns how many bytes of the answer came; 0 when there was none.
size_t tls_ask(int fd, const char *request, size_t request_len, char *answer, size_t cap);

#endif
