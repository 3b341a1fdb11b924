// ws_handshake: the request that turns an HTTP connection into a WebSocket (RFC 6455, section 4.2). Pure.
#ifndef SERVER_WS_HANDSHAKE_H
#define SERVER_WS_HANDSHAKE_H

#include "server/web/http_head.h"

#define WS_ACCEPT_MAX 32 // bytes of Sec-WebSocket-Accept with its end

// Whether the request asks for a WebSocket at all. Other upgrades (h2c) are no business of ours: such a
// request is answered as if it had not asked (RFC 9110, section 7.8).
bool ws_handshake_asked(const struct http_head *head);
// 101, or the status to refuse it with and in *why a sentence.
unsigned ws_handshake_check(const struct http_head *head, const char **why);

#endif
