// What of Accept-Encoding is taken for a wish, and which bodies are coded.
#include "server/web/http_encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GZIP (1U << ENCODING_GZIP)
#define BROTLI (1U << ENCODING_BROTLI)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// *head views `text`.
static void parse(const char *fields, char text[1024], struct http_head *head) {
    const char *why;
    int len = snprintf(text, 1024, "GET / HTTP/1.1\r\nhost: a\r\n%s\r\n", fields);
    assert_int_equal(http_head_parse(text, (size_t)len, head, &why), 200);
}

static unsigned taken(const char *fields) {
    char text[1024];
    struct http_head head;
    parse(fields, text, &head);
    return http_encodings_taken(&head);
}

static void test_wishes(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        unsigned wanted; // beside the file as it is
    } rows[] = {
        {"", 0},
        {"accept-encoding:\r\n", 0},
        {"accept-encoding: identity\r\n", 0},
        {"accept-encoding: gzip\r\n", GZIP},
        {"Accept-Encoding: GZip\r\n", GZIP},
        {"accept-encoding: x-gzip\r\n", GZIP},
        {"accept-encoding: gzip, deflate, br, zstd\r\n", GZIP | BROTLI},
        {"accept-encoding: gzip\r\naccept-encoding: br\r\n", GZIP | BROTLI},
        {"accept-encoding: br;q=1.0, gzip;q=0.8, *;q=0.1\r\n", GZIP | BROTLI},
        {"accept-encoding: br ; q=0.001\r\n", BROTLI},
        {"accept-encoding: br;Q=1\r\n", BROTLI},
        {"accept-encoding: *\r\n", GZIP | BROTLI},
        {"accept-encoding: *;q=0\r\n", 0},
        {"accept-encoding: br;q=0, *\r\n", GZIP},
        {"accept-encoding: *, br;q=0\r\n", GZIP},
        {"accept-encoding: gzip;q=0\r\n", 0},
        {"accept-encoding: gzip;q=0.0\r\n", 0},
        {"accept-encoding: gzip;q=0.000, br\r\n", BROTLI},
        {"accept-encoding: identity;q=0, *;q=0\r\n", 0},
        {"accept-encoding: ,, ,gzip,,\r\n", GZIP},
        {"accept-encoding:\tgzip\t,\tbr\t\r\n", GZIP | BROTLI},
        // Malformed: not wanted.
        {"accept-encoding: gzip;q=2\r\n", 0},
        {"accept-encoding: gzip;q=1.001\r\n", 0},
        {"accept-encoding: gzip;q=0.0001\r\n", 0},
        {"accept-encoding: gzip;q=.5\r\n", 0},
        {"accept-encoding: gzip;q=\r\n", 0},
        {"accept-encoding: gzip;q=1;x\r\n", 0},
        {"accept-encoding: gzip;level=9\r\n", 0},
        {"accept-encoding: gzipp, b, brr, gzip br\r\n", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned seen = taken(rows[i].fields);
        if (seen != (rows[i].wanted | 1U << ENCODING_IDENTITY))
            fail_msg("%s: %#x", rows[i].fields, seen);
    }
}

static void test_bodies(void **state) {
    (void)state;
    static const struct {
        const char *fields;
        bool encoded;
    } rows[] = {
        {"content-length: 1\r\n", false},
        {"content-length: 1\r\ncontent-encoding: identity\r\n", false},
        {"content-length: 1\r\ncontent-encoding: Identity\r\n", false},
        {"content-length: 1\r\ncontent-encoding:\r\n", false},
        {"content-length: 0\r\ncontent-encoding: gzip\r\n", false},
        {"content-encoding: gzip\r\n", false},
        {"content-length: 1\r\nContent-Encoding: gzip\r\n", true},
        {"content-length: 1\r\ncontent-encoding: identity, gzip\r\n", true},
        {"content-length: 1\r\ncontent-encoding: identity\r\ncontent-encoding: br\r\n", true},
        {"content-length: 1\r\ncontent-encoding: identit\r\n", true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[1024];
        struct http_head head;
        parse(rows[i].fields, text, &head);
        if (http_body_is_encoded(&head) != rows[i].encoded)
            fail_msg("%s: expected %d", rows[i].fields, rows[i].encoded);
    }
}

static void test_names(void **state) {
    (void)state;
    assert_null(http_encoding_name(ENCODING_IDENTITY));
    assert_string_equal(http_encoding_name(ENCODING_GZIP), "gzip");
    assert_string_equal(http_encoding_name(ENCODING_BROTLI), "br");
    assert_string_equal(http_encoding_ending(ENCODING_IDENTITY), "");
    assert_string_equal(http_encoding_ending(ENCODING_GZIP), ".gz");
    assert_string_equal(http_encoding_ending(ENCODING_BROTLI), ".br");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wishes),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
