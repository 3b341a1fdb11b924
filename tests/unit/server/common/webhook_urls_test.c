// Where webhooks may go.
#include "server/common/webhook_urls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_lists(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned count; // 0: refused
    } rows[] = {
        {"https://hooks.example.org/rotunda?key=1", 1},
        {"HTTPS://hooks.example.org:8443", 1},
        {"https://203.0.113.7/,https://[2001:db8::1]:444/x", 2},
        {"https://a.example, http://localhost:3000/hook", 2},
        {"http://127.0.0.1:3000", 1},
        {"https://hooks.example.org?key=1", 1},
        {"http://localhost?x=@example.org", 1},
        {"http://[::1]:3000/", 1},
        {"http://10.1.2.3/,http://172.31.0.1/,http://192.168.0.9/,http://[fd00::1]/", 4},
        {"http://backend:3000/hook", 1},
        {"http://169.254.1.1/", 1},
        {"http://hooks.example.org/", 0},
        {"http://203.0.113.7/", 0},
        {"http://0xcb007107/", 0}, // the same, as a number
        {"http://0XCB007107:3000/", 0},
        {"http://3405803783/", 0},
        {"http://031300070407/", 0},
        {"http://203.0.28935/", 0},
        {"http://0xbackend/", 1},
        {"http://172.32.0.1/", 0},
        {"http://[2001:db8::1]/", 0},
        {"http://127.0.0.1.example.org/", 0},
        {"http://127.0.0.1@example.org/", 0},
        {"https://user:pass@hooks.example.org/", 0},
        {"http://localhost\\@example.org/", 0},
        {"https://hooks.example.org/#part", 0},
        {"https://hooks.example.org/a b", 0},
        {"https://", 0},
        {"https:///hook", 0},
        {"https://host:0/", 0},
        {"https://host:65536/", 0},
        {"ftp://hooks.example.org/", 0},
        {"file:///etc/passwd", 0},
        {"hooks.example.org", 0},
        {"https://a.example,", 0},
        {"", 0},
        {"https://a,https://b,https://c,https://d", 4},
        {"https://a,https://b,https://c,https://d,https://e", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct webhook_urls urls = {0};
        bool taken = webhook_urls_parse(rows[i].text, &urls);
        if (taken != (rows[i].count > 0) || urls.count != rows[i].count)
            fail_msg("\"%s\" gave %d, %u", rows[i].text, taken, urls.count);
    }
}

static void test_length(void **state) {
    (void)state;
    struct webhook_urls urls;
    char text[WEBHOOK_URL_MAX + 1];
    snprintf(text, sizeof text, "https://a/%0*d", WEBHOOK_URL_MAX - 11, 0);
    assert_true(webhook_urls_parse(text, &urls));
    assert_string_equal(urls.list[0], text);
    snprintf(text, sizeof text, "https://a/%0*d", WEBHOOK_URL_MAX - 10, 0);
    assert_false(webhook_urls_parse(text, &urls));
}

static void test_logs_have_the_origin_alone(void **state) {
    (void)state;
    char origin[WEBHOOK_URL_MAX];
    webhook_url_origin("https://hooks.example.org:8443/secret?key=1", origin);
    assert_string_equal(origin, "https://hooks.example.org:8443");
    webhook_url_origin("http://[::1]?key=1", origin);
    assert_string_equal(origin, "http://[::1]");
    webhook_url_origin("https://a", origin);
    assert_string_equal(origin, "https://a");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_logs_have_the_origin_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
