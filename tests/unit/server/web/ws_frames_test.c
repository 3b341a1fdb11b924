// WebSocket frames: the examples of RFC 6455, its rules as a table, and every stream cut at every byte.
#include "server/web/ws_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE_MAX 1000
#define EVENTS_MAX 8

struct seen {
    unsigned count;
    enum ws_event events[EVENTS_MAX];
    char texts[EVENTS_MAX][MESSAGE_MAX + 1];
    uint16_t codes[EVENTS_MAX];
};

static bool is_end(enum ws_event event) {
    return event == WS_EVENT_BINARY || event == WS_EVENT_TOO_BIG || event == WS_EVENT_BROKEN;
}

// Reads a stream in pieces of `step` bytes.
static void read_all(const uint8_t *bytes, size_t len, size_t step, struct seen *seen) {
    struct ws_reader reader;
    ws_reader_init(&reader, MESSAGE_MAX);
    memset(seen, 0, sizeof *seen);
    for (size_t at = 0; at < len; at += step) {
        size_t piece = len - at < step ? len - at : step, used;
        uint8_t *copy = malloc(piece), *next = copy;
        memcpy(copy, bytes + at, piece);
        for (size_t left = piece; left; left -= used, next += used) {
            struct ws_message message;
            enum ws_event event = ws_read(&reader, next, left, &used, &message);
            assert_true(used <= left);
            if (event == WS_EVENT_NONE)
                break;
            assert_true(seen->count < EVENTS_MAX);
            seen->events[seen->count] = event;
            seen->codes[seen->count] = message.code;
            if (message.text)
                memcpy(seen->texts[seen->count], message.text, message.len);
            seen->count++;
            if (is_end(event)) {
                at = len;
                break;
            }
        }
        free(copy);
    }
    ws_reader_close(&reader);
}

#define B(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
static const struct {
    const char *what;
    const uint8_t *bytes;
    size_t len;
    unsigned count;
    enum ws_event last;
    const char *text;
    uint16_t code;
} streams[] = {
    {"section 5.7: masked Hello", B(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58), 1,
     WS_EVENT_TEXT, "Hello", 0},
    {"empty text", B(0x81, 0x80, 1, 2, 3, 4), 1, WS_EVENT_TEXT, "", 0},
    {"fragments", B(0x01, 0x81, 0, 0, 0, 0, 'a', 0x00, 0x80, 0, 0, 0, 0, 0x80, 0x82, 0, 0, 0, 0, 'b', 'c'), 1,
     WS_EVENT_TEXT, "abc", 0},
    {"a ping between fragments",
     B(0x01, 0x81, 0, 0, 0, 0, 'a', 0x89, 0x81, 0, 0, 0, 0, 'p', 0x80, 0x81, 0, 0, 0, 0, 'b'), 2,
     WS_EVENT_TEXT, "ab", 0},
    {"a character cut by fragments", B(0x01, 0x81, 0, 0, 0, 0, 0xc3, 0x80, 0x81, 0, 0, 0, 0, 0xa9), 1,
     WS_EVENT_TEXT, "\xc3\xa9", 0},
    {"two messages", B(0x81, 0x81, 0, 0, 0, 0, 'a', 0x81, 0x81, 0, 0, 0, 0, 'b'), 2, WS_EVENT_TEXT, "b", 0},
    {"16 bits for a short length", B(0x81, 0xfe, 0, 1, 0, 0, 0, 0, 'a'), 1, WS_EVENT_TEXT, "a", 0},
    {"64 bits", B(0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'a'), 1, WS_EVENT_TEXT, "a", 0},
    {"ping", B(0x89, 0x81, 0, 0, 0, 0, 'p'), 1, WS_EVENT_PING, "p", 0},
    {"pong", B(0x8a, 0x80, 0, 0, 0, 0), 1, WS_EVENT_PONG, "", 0},
    {"close without a code", B(0x88, 0x80, 0, 0, 0, 0), 1, WS_EVENT_CLOSE, NULL, 1005},
    {"close 1000", B(0x88, 0x82, 0, 0, 0, 0, 3, 0xe8), 1, WS_EVENT_CLOSE, NULL, 1000},
    {"close 4001 with words", B(0x88, 0x84, 0, 0, 0, 0, 0x0f, 0xa1, 'h', 'i'), 1, WS_EVENT_CLOSE, NULL, 4001},
    {"close with half a code", B(0x88, 0x81, 0, 0, 0, 0, 3), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"close 1005", B(0x88, 0x82, 0, 0, 0, 0, 3, 0xed), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"close 999", B(0x88, 0x82, 0, 0, 0, 0, 3, 0xe7), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"close 2999", B(0x88, 0x82, 0, 0, 0, 0, 0x0b, 0xb7), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"close with words that are no UTF-8", B(0x88, 0x83, 0, 0, 0, 0, 3, 0xe8, 0xff), 1, WS_EVENT_BROKEN, NULL,
     1007},
    {"unmasked", B(0x81, 0x01, 'a'), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"a reserved bit", B(0xc1, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"a reserved opcode", B(0x83, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"a reserved control opcode", B(0x8b, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"a ping in fragments", B(0x09, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"a long ping", B(0x89, 0xfe, 0, 126), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"continuation of nothing", B(0x80, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"text within a message", B(0x01, 0x81, 0, 0, 0, 0, 'a', 0x81, 0x80, 0, 0, 0, 0), 1, WS_EVENT_BROKEN,
     NULL, 1002},
    {"binary", B(0x82, 0x81, 0, 0, 0, 0, 'a'), 1, WS_EVENT_BINARY, NULL, 0},
    {"2^63 bytes", B(0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1, WS_EVENT_BROKEN, NULL, 1002},
    {"2^62 bytes", B(0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1, WS_EVENT_TOO_BIG, NULL, 0},
    {"one byte too many", B(0x81, 0xfe, 3, 0xe9, 0, 0, 0, 0), 1, WS_EVENT_TOO_BIG, NULL, 0},
    {"one too many in fragments", B(0x01, 0x81, 0, 0, 0, 0, 'a', 0x00, 0xfe, 3, 0xe8, 0, 0, 0, 0), 1,
     WS_EVENT_TOO_BIG, NULL, 0},
    {"not UTF-8", B(0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28), 1, WS_EVENT_BROKEN, NULL, 1007},
    {"half a surrogate pair", B(0x81, 0x83, 0, 0, 0, 0, 0xed, 0xa0, 0x80), 1, WS_EVENT_BROKEN, NULL, 1007},
    {"a cut character at the end", B(0x81, 0x81, 0, 0, 0, 0, 0xc3), 1, WS_EVENT_BROKEN, NULL, 1007},
};

static void test_streams(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        for (size_t step = 1; step <= streams[i].len; step++) {
            struct seen seen;
            read_all(streams[i].bytes, streams[i].len, step, &seen);
            unsigned last = seen.count ? seen.count - 1 : 0;
            if (seen.count != streams[i].count || seen.events[last] != streams[i].last ||
                seen.codes[last] != streams[i].code ||
                (streams[i].text && strcmp(seen.texts[last], streams[i].text) != 0))
                fail_msg("%s in steps of %zu: %u events, the last %d, code %u, \"%s\"", streams[i].what, step,
                         seen.count, (int)seen.events[last], seen.codes[last], seen.texts[last]);
        }
    }
}

static void test_longest_message(void **state) {
    (void)state;
    uint8_t frame[8 + MESSAGE_MAX] = {0x81, 0x80 | 126, MESSAGE_MAX >> 8, MESSAGE_MAX & 0xff, 1, 2, 3, 4};
    for (size_t i = 0; i < MESSAGE_MAX; i++)
        frame[8 + i] = (uint8_t)('x' ^ (i % 4 + 1));
    for (size_t step = 1; step <= sizeof frame; step += 37) {
        struct seen seen;
        read_all(frame, sizeof frame, step, &seen);
        assert_int_equal(seen.count, 1);
        assert_int_equal(strspn(seen.texts[0], "x"), MESSAGE_MAX);
    }
}

static void test_headers(void **state) {
    (void)state;
    static const struct {
        size_t payload;
        uint8_t bytes[WS_HEADER_MAX];
        size_t len;
    } rows[] = {
        {0, {0x81, 0}, 2},
        {125, {0x81, 125}, 2},
        {126, {0x81, 126, 0, 126}, 4},
        {65535, {0x81, 126, 255, 255}, 4},
        {65536, {0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t got[WS_HEADER_MAX];
        assert_int_equal(ws_frame_header(got, WS_OPCODE_TEXT, rows[i].payload), rows[i].len);
        assert_memory_equal(got, rows[i].bytes, rows[i].len);
    }
}

static void test_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"", true},
        {"plain text of more than eight bytes", true},
        {"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"eight ok\xff", false},
        {"\x80", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xe2\x82", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(ws_utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_longest_message),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
