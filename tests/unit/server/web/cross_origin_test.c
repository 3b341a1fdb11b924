// Whose page asks: what Host, a trusted proxy and the operator's list say of it.
#include "server/web/cross_origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: inner:8080\r\n"
#define FROM(origin) "Origin: " origin "\r\n"
#define TOLD(hosts) "X-Forwarded-Host: " hosts "\r\n"

static void whose_page_asks(void **state) {
    (void)state;
    static const struct {
        const char *fields, *list;
        bool proxied;
        enum page_of page;
    } rows[] = {
        {HOST, "self", true, PAGE_OF_NOBODY},
        {HOST TOLD("call.example"), "self", true, PAGE_OF_NOBODY},
        {HOST FROM("http://inner:8080"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://call.example"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("https://call.example") TOLD("call.example"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://call.example") TOLD("call.example"), "self", false, PAGE_OF_OTHER},
        {HOST FROM("https://call.example") TOLD("CALL.example:443"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://call.example:8443") TOLD("call.example"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://evil.example") TOLD("call.example"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("http://call.example") TOLD("call.example:443"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("app://call.example") TOLD("call.example"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("null") TOLD("null"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("https://call.example") TOLD(""), "self", true, PAGE_OF_OTHER},
        // Proxies behind each other, the nearest of which adds what it was asked for.
        {HOST FROM("https://call.example") TOLD("call.example, edge.inner"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://call.example") TOLD("edge.inner,call.example"), "self", true, PAGE_OF_SELF},
        {HOST FROM("https://evil.example") TOLD("call.example, edge.inner"), "self", true, PAGE_OF_OTHER},
        {HOST FROM("https://call.example, edge.inner") TOLD("call.example, edge.inner"), "self", true,
         PAGE_OF_OTHER},
        {HOST FROM("https://app.example"), "https://app.example", false, PAGE_OF_LISTED},
        {HOST FROM("http://inner:8080"), "*", false, PAGE_OF_SELF},
        {HOST FROM("https://any.example"), "*", false, PAGE_OF_LISTED},
        {FROM("https://call.example"), "self", false, PAGE_OF_OTHER}, // HTTP/1.0 without Host
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_head head;
        struct origins origins;
        const char *why;
        char text[512];
        bool old = strncmp(rows[i].fields, "Host", 4) != 0;
        int len = snprintf(text, sizeof text, "GET /ws HTTP/1.%d\r\n%s\r\n", old ? 0 : 1, rows[i].fields);
        assert_int_equal(http_head_parse(text, (size_t)len, &head, &why), 200);
        assert_true(origins_parse(rows[i].list, &origins));
        enum page_of page = cross_origin_of(&head, &origins, rows[i].proxied, false);
        if (page != rows[i].page)
            fail_msg("row %zu: %d, not %d", i, page, rows[i].page);
    }
}

// What is longer than any hosts is none.
static void hosts_without_end_are_none(void **state) {
    (void)state;
    static const struct origins none;
    struct http_head head;
    const char *why;
    char text[4096];
    int len =
        snprintf(text, sizeof text,
                 "GET /ws HTTP/1.1\r\n" HOST FROM("https://a") "X-Forwarded-Host: a,%0*d\r\n\r\n", 3000, 0);
    assert_int_equal(http_head_parse(text, (size_t)len, &head, &why), 200);
    assert_int_equal(cross_origin_of(&head, &none, true, false), PAGE_OF_OTHER);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(whose_page_asks),
                                       cmocka_unit_test(hosts_without_end_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
