#include "server/web/ws_frames.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_FIRST_BYTES 256 // that a message's memory begins with

#define CLOSE_PROTOCOL 1002
#define CLOSE_NO_CODE 1005 // never sent
#define CLOSE_NOT_UTF8 1007

static const enum ws_event event_none = WS_EVENT_NONE;

void ws_reader_init(struct ws_reader *reader, size_t message_max) {
    *reader = (struct ws_reader){.message_max = message_max, .header_need = 2};
}

void ws_reader_close(struct ws_reader *reader) {
    free(reader->message);
    reader->message = NULL;
    reader->message_len = reader->message_cap = 0;
}

size_t ws_frame_header(uint8_t out[WS_HEADER_MAX], enum ws_opcode opcode, size_t payload_len) {
    out[0] = (uint8_t)(0x80 | opcode);
    if (payload_len < 126) {
        out[1] = (uint8_t)payload_len;
        return 2;
    }
    unsigned bytes = payload_len <= UINT16_MAX ? 2 : 8;
    out[1] = bytes == 2 ? 126 : 127;
    for (unsigned i = 0; i < bytes; i++)
        out[2 + i] = (uint8_t)((uint64_t)payload_len >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

bool ws_close_code_valid(uint16_t code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

// The length of the UTF-8 character at `c`; 0 when there is none (RFC 3629, section 4).
static size_t utf8_char_len(const uint8_t *c, size_t left) {
    size_t len = c[0] < 0x80                   ? 1
                 : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                 : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                               : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool beyond = (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf4 && c[1] >= 0x90);
    return overlong || beyond ? 0 : len;
}

bool ws_utf8_valid(const char *text, size_t len) {
    const uint8_t *bytes = (const uint8_t *)text;
    for (size_t i = 0; i < len;) {
        uint64_t eight;
        if (len - i >= 8) { // most text is ASCII
            memcpy(&eight, bytes + i, 8);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += 8;
                continue;
            }
        }
        size_t step = utf8_char_len(bytes + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static enum ws_event broken(struct ws_message *out, uint16_t code) {
    out->code = code;
    return WS_EVENT_BROKEN;
}

static bool is_control(uint8_t opcode) {
    return opcode >= WS_OPCODE_CLOSE;
}

// How long the whole header is, once its second byte is there.
static size_t header_length(const uint8_t *header) {
    size_t len = header[1] & 0x7f;
    return 2 + (len == 126 ? 2u : len == 127 ? 8u : 0u) + 4;
}

static uint64_t header_payload(const uint8_t *header) {
    uint64_t len = header[1] & 0x7f;
    unsigned more = len == 126 ? 2 : len == 127 ? 8 : 0;
    for (unsigned i = 0; i < more; i++)
        len = (i ? len << 8 : 0) | header[2 + i];
    return len;
}

// Section 5.2. Length forms that are longer than need be are taken, as other servers take them.
static enum ws_event header_judge(struct ws_reader *r, struct ws_message *out) {
    bool fragment = !(r->header[0] & 0x80), masked = r->header[1] & 0x80, reserved = r->header[0] & 0x70;
    uint8_t opcode = r->header[0] & 0x0f;
    bool known = opcode <= WS_OPCODE_BINARY || (opcode >= WS_OPCODE_CLOSE && opcode <= WS_OPCODE_PONG);
    if (reserved || !masked || !known)
        return broken(out, CLOSE_PROTOCOL);
    if (is_control(opcode))
        return fragment || (r->header[1] & 0x7f) > WS_CONTROL_MAX ? broken(out, CLOSE_PROTOCOL) : event_none;
    if (r->in_message != (opcode == WS_OPCODE_CONTINUATION))
        return broken(out, CLOSE_PROTOCOL);
    return opcode == WS_OPCODE_BINARY ? WS_EVENT_BINARY : event_none;
}

// The header is complete.
static enum ws_event header_take(struct ws_reader *r, struct ws_message *out) {
    r->opcode = r->header[0] & 0x0f;
    r->last = r->header[0] & 0x80;
    r->payload_left = header_payload(r->header);
    memcpy(r->mask, r->header + r->header_need - 4, 4);
    r->mask_at = 0;
    r->in_payload = true;
    r->control_len = 0;
    if (is_control(r->opcode))
        return event_none;
    if (r->payload_left >> 63)
        return broken(out, CLOSE_PROTOCOL);
    if (r->opcode == WS_OPCODE_TEXT)
        r->message_len = 0;
    r->in_message = true;
    return r->payload_left > r->message_max - r->message_len ? WS_EVENT_TOO_BIG : event_none;
}

static enum ws_event header_read(struct ws_reader *r, const uint8_t *bytes, size_t len, size_t *used,
                                 struct ws_message *out) {
    while (*used < len && r->header_len < r->header_need) {
        r->header[r->header_len++] = bytes[(*used)++];
        if (r->header_len != 2)
            continue;
        enum ws_event event = header_judge(r, out);
        if (event != WS_EVENT_NONE)
            return event;
        r->header_need = header_length(r->header);
    }
    return r->header_len == r->header_need ? header_take(r, out) : event_none;
}

static void unmask(struct ws_reader *r, uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        bytes[i] ^= r->mask[(r->mask_at + i) & 3];
    r->mask_at = (unsigned)((r->mask_at + len) & 3);
}

// Keeps a piece of a message; false without memory.
static bool message_keep(struct ws_reader *r, const uint8_t *bytes, size_t len) {
    size_t need = r->message_len + len;
    if (need > r->message_cap) {
        size_t cap = r->message_cap ? r->message_cap : MESSAGE_FIRST_BYTES;
        while (cap < need)
            cap *= 2;
        char *grown = realloc(r->message, cap);
        if (!grown)
            return false;
        r->message = grown;
        r->message_cap = cap;
    }
    if (len)
        memcpy(r->message + r->message_len, bytes, len);
    r->message_len = need;
    return true;
}

static enum ws_event message_done(struct ws_reader *r, const char *text, size_t len, struct ws_message *out) {
    r->in_message = false;
    if (!ws_utf8_valid(text, len))
        return broken(out, CLOSE_NOT_UTF8);
    out->text = text;
    out->len = len;
    return WS_EVENT_TEXT;
}

static enum ws_event control_done(struct ws_reader *r, struct ws_message *out) {
    out->text = (const char *)r->control;
    out->len = r->control_len;
    if (r->opcode == WS_OPCODE_PING)
        return WS_EVENT_PING;
    if (r->opcode == WS_OPCODE_PONG)
        return WS_EVENT_PONG;
    out->code = CLOSE_NO_CODE;
    if (r->control_len == 0)
        return WS_EVENT_CLOSE;
    uint16_t code = 0;
    if (r->control_len > 1)
        code = (uint16_t)(r->control[0] << 8 | r->control[1]);
    if (!ws_close_code_valid(code))
        return broken(out, CLOSE_PROTOCOL);
    if (!ws_utf8_valid((const char *)r->control + 2, r->control_len - 2))
        return broken(out, CLOSE_NOT_UTF8);
    out->code = code;
    return WS_EVENT_CLOSE;
}

static void frame_reset(struct ws_reader *r) {
    r->in_payload = false;
    r->header_len = 0;
    r->header_need = 2;
}

static enum ws_event frame_done(struct ws_reader *r, struct ws_message *out) {
    frame_reset(r);
    if (is_control(r->opcode))
        return control_done(r, out);
    return r->last ? message_done(r, r->message ? r->message : "", r->message_len, out) : event_none;
}

// What of the payload is there.
static enum ws_event payload_read(struct ws_reader *r, uint8_t *bytes, size_t len, struct ws_message *out) {
    bool whole = len == r->payload_left;
    unmask(r, bytes, len);
    r->payload_left -= len;
    if (is_control(r->opcode)) {
        assert(r->control_len + len <= WS_CONTROL_MAX);
        memcpy(r->control + r->control_len, bytes, len);
        r->control_len += len;
    } else if (whole && r->last && r->opcode == WS_OPCODE_TEXT && r->message_len == 0) {
        frame_reset(r); // the usual case: it is all here, and nothing is copied
        return message_done(r, (const char *)bytes, len, out);
    } else if (!message_keep(r, bytes, len)) {
        return WS_EVENT_NO_MEMORY;
    }
    return r->payload_left == 0 ? frame_done(r, out) : event_none;
}

enum ws_event ws_read(struct ws_reader *reader, uint8_t *bytes, size_t len, size_t *used,
                      struct ws_message *out) {
    *used = 0;
    *out = (struct ws_message){0};
    if (!reader->in_message) // the message before has been read
        ws_reader_close(reader);
    for (;;) {
        enum ws_event event = event_none;
        if (!reader->in_payload) {
            event = header_read(reader, bytes, len, used, out);
            if (event != WS_EVENT_NONE || !reader->in_payload)
                return event;
        }
        size_t there = len - *used;
        size_t piece = there < reader->payload_left ? there : (size_t)reader->payload_left;
        if (piece == 0 && reader->payload_left)
            return event_none;
        event = payload_read(reader, bytes + *used, piece, out);
        *used += piece;
        if (event != WS_EVENT_NONE)
            return event;
    }
}
