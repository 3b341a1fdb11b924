// What a server says, as a terminal and a JSON file may have it.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/plain_text.h"

#include <stdio.h>

static void test_plain_text(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"room-full: the room is full", "room-full: the room is full"},
        {"Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\033[2J\r\n\177", "?[2J???"}, // clears a screen
        {"a\xc2\x9b"
         "2Jb",
         "a?2Jb"}, // the same in one character (C1)
        {"a\xc2\xa0"
         "b",
         "a\xc2\xa0"
         "b"}, // the first that is none
        {"cut \xe2\x82", "cut "},
        {"cut \xf0\x9f\x98", "cut "},
        {"cut \xc3", "cut "},
        {"\xe2\x82"
         "x",
         "?x"},
        {"\x80"
         "a\xff",
         "?a?"},
        {"\xc0\xaf", "??"}, // overlong
        {"\xe0\x80\xaf", "?"},
        {"\xed\xa0\x80", "?"},                    // a surrogate
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},         // the last before them
        {"\xee\x80\x80", "\xee\x80\x80"},         // the first behind them
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"}, // U+10FFFF
        {"\xf4\x90\x80\x80", "?"},
        {"\xf0\x8f\xbf\xbf", "?"},
        {"~ !", "~ !"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s", rows[i].in);
        plain_text(text);
        print_message("row %zu\n", i);
        assert_string_equal(text, rows[i].out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
