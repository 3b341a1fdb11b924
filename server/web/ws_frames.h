// ws_frames: WebSocket frames (RFC 6455, section 5) as a server reads and writes them: bytes in, messages and
// control frames out; no extension, no subprotocol.
//
// Frames must be masked. Text is put together over its fragments up to a limit and checked to be UTF-8 as a
// whole; memory grows with what has come, never with what a header announces. Control frames may stand
// between fragments.
//
// No I/O. One thread.
#ifndef SERVER_WS_FRAMES_H
#define SERVER_WS_FRAMES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_CONTROL_MAX 125 // bytes of a control frame's payload (section 5.5)
#define WS_HEADER_MAX 10   // bytes in front of a payload that a server sends

enum ws_opcode {
    WS_OPCODE_CONTINUATION = 0,
    WS_OPCODE_TEXT = 1,
    WS_OPCODE_BINARY = 2,
    WS_OPCODE_CLOSE = 8,
    WS_OPCODE_PING = 9,
    WS_OPCODE_PONG = 10,
};

enum ws_event {
    WS_EVENT_NONE,      // all bytes are taken, more must come
    WS_EVENT_TEXT,      // a message: text, len
    WS_EVENT_PING,      // text, len
    WS_EVENT_PONG,      // text, len
    WS_EVENT_CLOSE,     // code (1005 for none)
    WS_EVENT_BINARY,    // a binary message begins; nothing after it can be read
    WS_EVENT_TOO_BIG,   // a message is longer than the limit; nothing after it can be read
    WS_EVENT_BROKEN,    // against the protocol: close with `code` (1002, 1007)
    WS_EVENT_NO_MEMORY, // nothing after it can be read
};

struct ws_reader {
    size_t message_max; // bytes of one message, fragments included
    // The frame that is being read.
    uint8_t header[14];
    size_t header_len, header_need;
    uint64_t payload_left;
    uint8_t mask[4];
    unsigned mask_at;
    bool in_payload, last;
    uint8_t opcode;
    // The message, or the control frame, that is being put together.
    bool in_message;
    char *message;
    size_t message_len, message_cap;
    uint8_t control[WS_CONTROL_MAX];
    size_t control_len;
};

struct ws_message {
    const char *text; // valid until the next call
    size_t len;
    uint16_t code;
};

void ws_reader_init(struct ws_reader *reader, size_t message_max);
void ws_reader_close(struct ws_reader *reader);

// Takes bytes up to the next event; *used tells how many. The bytes are unmasked where they are.
enum ws_event ws_read(struct ws_reader *reader, uint8_t *bytes, size_t len, size_t *used,
                      struct ws_message *out);

// Writes the header of a whole, unmasked frame; returns its length.
size_t ws_frame_header(uint8_t out[WS_HEADER_MAX], enum ws_opcode opcode, size_t payload_len);

// Whether a close frame may carry this code (section 7.4).
bool ws_close_code_valid(uint16_t code);
bool ws_utf8_valid(const char *text, size_t len);

#endif
