#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/common/origins.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *origin, *host;
    bool any_port, own;
} pages[] = {
    {"http://127.0.0.1:8080", "127.0.0.1:8080", false, true},
    {"http://127.0.0.1:8081", "127.0.0.1:8080", false, false},
    {"http://localhost:8080", "127.0.0.1:8080", false, false},
    {"https://Call.Example.org", "call.example.ORG", false, true},
    {"https://call.example.org", "call.example.org:443", false, true},
    {"http://call.example.org", "call.example.org:80", false, true},
    {"https://call.example.org:443", "call.example.org", false, true},
    {"https://call.example.org", "call.example.org:8443", false, false},
    {"https://call.example.org", "call.example.org:8443", true, false},
    {"https://call.example.org:8443", "call.example.org", false, false},
    {"https://call.example.org:8443", "call.example.org", true, true}, // through a proxy that drops it
    {"https://call.example.org:8443", "call.example.org:8443", false, true},
    {"http://[::1]:8080", "[::1]:8080", false, true},
    {"http://[::1]", "[::1]", false, true},
    {"http://[::1]:8080", "[::2]:8080", false, false},
    {"https://evil.example", "call.example.org", true, false},
    {"https://call.example.org.evil.example", "call.example.org", true, false},
    {"https://evilcall.example.org", "call.example.org", true, false},
    {"https://call.example.org@evil.example", "call.example.org", true, false},
    {"https://evil.example/call.example.org", "call.example.org", true, false},
    {"https://evil.example#call.example.org", "call.example.org", true, false},
    {"https://evil.example@call.example.org", "call.example.org", true, false},
    {"https://call.example.org:80", "call.example.org", false, false},
    {"http://call.example.org:443", "call.example.org", false, false},
    {"https://call.example.org:0443", "call.example.org", false, false},
    {"https://call.example.org:", "call.example.org", true, false},
    {"https://call.example.org.", "call.example.org", true, false},
    {"https://CALL.EXAMPLE.ORG:443", "call.example.org:443", false, true},
    {"https://xn--bcher-kva.example", "xn--bcher-kva.example", false, true},
    {"https://b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example", true, false},
    {"https://b\xc3\xbc"
     "cher.example",
     "b\xc3\xbc"
     "cher.example",
     true, false}, // no browser says so
    {"http://127.0.0.1:8080", "localhost:8080", false, false},
    {"http://[::ffff:127.0.0.1]", "127.0.0.1", true, false},
    {"http://[0:0:0:0:0:0:0:1]", "[::1]", true, false},
    {"http://[fe80::1%25eth0]", "[fe80::1%25eth0]", true, false}, // no browser says so
    {"chrome-extension://call.example.org", "call.example.org", true, false},
    {"capacitor://localhost", "localhost", true, false},
    {"ionic://localhost", "localhost:80", true, false},
    {"wss://call.example.org", "call.example.org", true, false},
    {"file://call.example.org", "call.example.org", true, false},
    {"//call.example.org", "call.example.org", true, false},
    {"call.example.org", "call.example.org", true, false},
    {"null", "call.example.org", true, false},
    {"null", "null", true, false},
    {"", "", true, false},
    {"://", "", true, false},
    {"http://", "", true, false},
    {"http://:80", ":80", true, false},
    {"http://a:", "a:", true, false},
    {"http://a", "a b", true, false},
    {"http://a, http://b", "b", true, false},
    {"http://[", "[", true, false},
    {"http://[]", "[]", true, false},
    {"http://]:1", "]:1", true, false},
    {"file://", "", true, false},
};

static void a_page_is_of_its_host(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (origin_is_of_host(span_of_text(pages[i].origin), span_of_text(pages[i].host),
                              pages[i].any_port) != pages[i].own)
            fail_msg("\"%s\" at \"%s\": expected to be %s", pages[i].origin, pages[i].host,
                     pages[i].own ? "its own" : "another's");
}

// A request of HTTP/1.0 may come without.
static void no_host_has_no_page(void **state) {
    (void)state;
    assert_false(origin_is_of_host(span_of_text("http://a"), (struct span){0}, true));
    assert_false(origin_is_of_host((struct span){0}, span_of_text("a"), true));
    assert_false(origin_is_of_host((struct span){0}, (struct span){0}, true));
}

static void a_list_names_others(void **state) {
    (void)state;
    static const struct {
        const char *list, *origin;
        bool has;
    } rows[] = {
        {"self", "https://a.example", false},
        {"*", "https://a.example", true},
        {"*", "null", true},
        {"https://a.example", "https://a.example", true},
        {"https://A.example/", "HTTPS://a.EXAMPLE", true},
        {"https://a.example:443", "https://a.example", true},
        {"https://a.example", "https://a.example:443", true},
        {"https://a.example", "http://a.example", false},
        {"https://a.example", "https://a.example:8443", false},
        {"https://a.example", "https://b.a.example", false},
        {"self, https://a.example ,http://[::1]:3000", "http://[::1]:3000", true},
        {"null", "null", true},
        {"https://a.example", "null", false},
        {"capacitor://localhost", "capacitor://localhost", true},
        {"capacitor://localhost", "http://localhost", false},
        {"chrome-extension://abcdefghijklmnopabcdefghijklmnop",
         "chrome-extension://abcdefghijklmnopabcdefghijklmnop", true},
        {"https://a.example", "https://a.example:80", false},
        {"https://a.example", "https://a.example@evil.example", false},
        {"https://a.example", "https://evil.example@a.example", false},
        {"https://a.example", "https://a.example.", false},
        {"https://a.example", "https://a.example/", false},
        {"https://a.example", "https://a.example:443:443", false},
        {"http://localhost:3000", "http://127.0.0.1:3000", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct origins origins;
        assert_true(origins_parse(rows[i].list, &origins));
        if (origins_have(&origins, span_of_text(rows[i].origin)) != rows[i].has)
            fail_msg("\"%s\" has \"%s\": expected %d", rows[i].list, rows[i].origin, rows[i].has);
    }
}

static void what_is_no_list_is_refused(void **state) {
    (void)state;
    static const char *const rows[] = {"",
                                       "a.example",
                                       "https://",
                                       "https://a.example/call",
                                       "https://a.example,",
                                       "https://a b",
                                       "https://a.example:port",
                                       "https://a.example:123456",
                                       "https://*.a.example",
                                       "https://a\r\nb",
                                       "https://a@b"};
    struct origins origins;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (origins_parse(rows[i], &origins))
            fail_msg("\"%s\": expected to be refused", rows[i]);
    char many[ORIGINS_MAX * 16 + 32] = "https://a0";
    for (unsigned i = 1; i <= ORIGINS_MAX; i++) {
        assert_true(origins_parse(many, &origins) && origins.count == i);
        snprintf(many + strlen(many), sizeof many - strlen(many), ",https://a%u", i);
    }
    assert_false(origins_parse(many, &origins));
    char longest[ORIGIN_TEXT_MAX + 1] = "https://";
    memset(longest + 8, 'a', ORIGIN_TEXT_MAX - 9);
    longest[ORIGIN_TEXT_MAX - 1] = '\0';
    assert_true(origins_parse(longest, &origins));
    longest[ORIGIN_TEXT_MAX - 1] = 'a';
    longest[ORIGIN_TEXT_MAX] = '\0';
    assert_false(origins_parse(longest, &origins));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_of_its_host),
        cmocka_unit_test(no_host_has_no_page),
        cmocka_unit_test(a_list_names_others),
        cmocka_unit_test(what_is_no_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
