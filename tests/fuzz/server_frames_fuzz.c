// WebSocket frames: the same events whether the bytes come at once or in pieces, and no message beyond the
// limit.
#include "server/web/ws_frames.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 300
#define EVENTS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trace {
    size_t count;
    uint64_t hash;
};

static void note(struct trace *trace, enum ws_event event, const struct ws_message *message) {
    trace->count++;
    trace->hash = (trace->hash ^ (uint64_t)event ^ (uint64_t)message->code << 8) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < message->len; i++)
        trace->hash = (trace->hash ^ (uint8_t)message->text[i]) * UINT64_C(0x100000001b3);
    assert(message->len <= MESSAGE_MAX);
    if (event == WS_EVENT_TEXT)
        assert(ws_utf8_valid(message->text, message->len));
    if (event == WS_EVENT_CLOSE)
        assert(message->code == 1005 || ws_close_code_valid(message->code));
}

// True when nothing after it can be read.
static bool is_end(enum ws_event event) {
    return event == WS_EVENT_BINARY || event == WS_EVENT_TOO_BIG || event == WS_EVENT_BROKEN;
}

static struct trace read_in(const uint8_t *data, size_t size, size_t step) {
    struct trace trace = {0};
    struct ws_reader reader;
    bool ended = false;
    ws_reader_init(&reader, MESSAGE_MAX);
    for (size_t at = 0; at < size && !ended; at += step) {
        size_t piece = size - at < step ? size - at : step, used;
        uint8_t *copy = malloc(piece), *next = copy;
        memcpy(copy, data + at, piece);
        for (size_t left = piece; left && !ended; left -= used, next += used) {
            struct ws_message message;
            enum ws_event event = ws_read(&reader, next, left, &used, &message);
            assert(used <= left && (used > 0 || event == WS_EVENT_NONE || is_end(event)));
            if (event == WS_EVENT_NONE)
                break;
            note(&trace, event, &message);
            ended = is_end(event);
        }
        free(copy);
    }
    assert(reader.message_len <= MESSAGE_MAX);
    ws_reader_close(&reader);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > EVENTS_MAX)
        return 0;
    struct trace whole = read_in(data, size, size), bytes = read_in(data, size, 1),
                 pieces = read_in(data, size, data[0] % 13u + 2);
    assert(whole.count == bytes.count && whole.hash == bytes.hash);
    assert(whole.count == pieces.count && whole.hash == pieces.hash);
    return 0;
}
