// The policy of a page: each script that stands in it by its hash, and nothing that a setting could smuggle
// in.
#include "server/web/page_headers.h"

#include "server/common/frame_ancestors.h"

#include <stdbool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// `printf %s 'TEXT' | openssl dgst -sha256 -binary | base64`
#define HASH_A "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" // alert(1)

static void headers_of(const char *page, char *out) {
    char path[] = "/tmp/rotunda-page-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, page, strlen(page)), strlen(page));
    page_headers(fd, "'self'", out, PAGE_HEADERS_MAX);
    close(fd);
}

static void test_scripts(void **state) {
    (void)state;
    static const struct {
        const char *page;
        unsigned hashes;
    } rows[] = {
        {"<p>none</p>", 0},
        {"<script>alert(1)</script>", 1},
        {"<script src=\"/a.js\"></script>", 0},
        {"<script async src=\"/a.js\" id=x>alert(1)</script>", 0},
        {"<script data-x=\"a>b src=y\">alert(1)</script>", 1},
        {"<script></script>", 0},
        {"<script>alert(1)", 0},
        {"<script", 0},
        {"<script src=\"/a.js\"></script><script>alert(1)</script><b></b><script nonce=''>alert(1)</script>",
         2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PAGE_HEADERS_MAX];
        unsigned hashes = 0;
        headers_of(rows[i].page, out);
        for (const char *at = out; (at = strstr(at, HASH_A)); at++)
            hashes++;
        if (hashes != rows[i].hashes || strstr(out, "script-src 'self' 'wasm-unsafe-eval' 'unsafe-inline'"))
            fail_msg("%s: expected %u hashes, got %s", rows[i].page, rows[i].hashes, out);
        assert_non_null(strstr(out, "frame-ancestors 'self'\r\n"));
    }
}

static void test_many_scripts_fit(void **state) {
    (void)state;
    static const char one[] = "<script>alert(1)</script>";
    static char page[200 * sizeof one];
    for (unsigned count = 60; count < 70; count++) {
        char out[PAGE_HEADERS_MAX];
        page[0] = '\0';
        for (unsigned i = 0; i < count; i++)
            strcat(page, one);
        headers_of(page, out);
        assert_int_equal(strstr(out, "'unsafe-inline'; style-src") != NULL, count > 64);
        assert_non_null(strstr(out, "referrer-policy: no-referrer\r\n"));
    }
}

static void test_frame_ancestors(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        {"'none'", true},
        {"'self' https://a.example:8443", true},
        {"https://*.example.org", true},
        {"", false},
        {" 'self'", false},
        {"'self' ", false},
        {"a  b", false},
        {"'self'; script-src *", false},
        {"a,b", false},
        {"a\r\nX: y", false},
        {"caf\xc3\xa9", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(frame_ancestors_valid(rows[i].text), rows[i].valid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_many_scripts_fit),
        cmocka_unit_test(test_frame_ancestors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
