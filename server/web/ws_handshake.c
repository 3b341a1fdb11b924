#include "server/web/ws_handshake.h"

#include <string.h>

#define KEY_CHARS 24 // base64 of 16 bytes

bool ws_handshake_asked(const struct http_head *head) {
    return http_field_has_token(head, "upgrade", "websocket") &&
           http_field_has_token(head, "connection", "upgrade");
}

static bool key_valid(struct span key) {
    if (key.len != KEY_CHARS || memcmp(key.ptr + KEY_CHARS - 2, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < KEY_CHARS - 2; i++) {
        unsigned char c = key.ptr[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
              c == '/'))
            return false;
    }
    return true;
}

unsigned ws_handshake_check(const struct http_head *head, const char **why) {
    struct span version = http_field_find(head, "sec-websocket-version");
    *why = "";
    if (head->method != HTTP_GET || head->body_len > 0) {
        *why = "A WebSocket is asked for with GET.";
        return 400;
    }
    if (head->old) { // RFC 6455, section 4.1; nginx passes requests on so unless it is told otherwise
        *why = "A WebSocket is asked for with HTTP/1.1, and this request is HTTP/1.0. If a proxy passes it "
               "on, let the "
               "proxy speak HTTP/1.1 (nginx: proxy_http_version 1.1).";
        return 400;
    }
    if (!span_equal(version, span_of_text("13"))) {
        *why = "This server speaks version 13 of WebSocket (RFC 6455).";
        return 426;
    }
    if (!key_valid(http_field_find(head, "sec-websocket-key"))) {
        *why = "Sec-WebSocket-Key must be 16 bytes in base64.";
        return 400;
    }
    if (http_field_find(head, "sec-websocket-protocol").ptr) {
        *why = "This server speaks no WebSocket subprotocol: leave Sec-WebSocket-Protocol out.";
        return 400;
    }
    return 101;
}
