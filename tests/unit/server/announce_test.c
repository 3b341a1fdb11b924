// What an address reaches, what is announced, and what people are told about it.
#include "server/announce.h"
#include "server/banner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_scopes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum address_scope expected;
    } rows[] = {
        {"127.0.0.1", ADDRESS_LOOPBACK},
        {"127.255.255.255", ADDRESS_LOOPBACK},
        {"10.0.0.1", ADDRESS_PRIVATE},
        {"172.15.255.255", ADDRESS_PUBLIC},
        {"172.16.0.0", ADDRESS_PRIVATE},
        {"172.31.255.255", ADDRESS_PRIVATE},
        {"172.32.0.0", ADDRESS_PUBLIC},
        {"192.168.1.1", ADDRESS_PRIVATE},
        {"192.169.0.0", ADDRESS_PUBLIC},
        {"100.64.0.1", ADDRESS_PRIVATE},
        {"100.128.0.0", ADDRESS_PUBLIC},
        {"169.254.1.1", ADDRESS_UNUSABLE},
        {"0.0.0.0", ADDRESS_UNUSABLE},
        {"224.0.0.1", ADDRESS_UNUSABLE},
        {"255.255.255.255", ADDRESS_UNUSABLE},
        {"203.0.113.7", ADDRESS_PUBLIC},
        {"::1", ADDRESS_LOOPBACK},
        {"::", ADDRESS_UNUSABLE},
        {"fe80::1", ADDRESS_UNUSABLE},
        {"ff02::1", ADDRESS_UNUSABLE},
        {"fd00::1", ADDRESS_PRIVATE},
        {"2001:db8::1", ADDRESS_PUBLIC},
        {"::ffff:10.0.0.1", ADDRESS_UNUSABLE},
        {"example.com", ADDRESS_UNUSABLE},
        {"", ADDRESS_UNUSABLE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (address_scope_of(rows[i].text) != rows[i].expected)
            fail_msg("%s: expected scope %d, got %d", rows[i].text, rows[i].expected,
                     address_scope_of(rows[i].text));
    }
}

static void test_found_addresses(void **state) {
    (void)state;
    char out[16][ANNOUNCE_TEXT_MAX];
    size_t count = announce_find("127.0.0.1", out, 16);
    assert_string_equal(out[0], "127.0.0.1"); // a browser on this machine must get through
    for (size_t i = 1; i < count; i++)
        assert_true(address_scope_of(out[i]) >= ADDRESS_PRIVATE);
    count = announce_find("0.0.0.0", out, 16);
    assert_true(count >= 1);
    for (size_t i = 0; count > 1 && i < count; i++)
        assert_true(address_scope_of(out[i]) >= ADDRESS_PRIVATE);
    assert_int_equal(announce_find("0.0.0.0", out, 1), 1);
}

// Prints a banner for one announced address; the text is to be freed.
static char *banner_text(const char *listen_host, const char *address, bool web_root_missing) {
    char announce[1][ANNOUNCE_TEXT_MAX];
    snprintf(announce[0], sizeof announce[0], "%s", address);
    struct banner banner = {.listen_host = listen_host,
                            .http_port = 8080,
                            .media_port = 40000,
                            .workers = 4,
                            .announce = (const char(*)[ANNOUNCE_TEXT_MAX])announce,
                            .announce_count = 1,
                            .web_root = "/srv/page",
                            .web_root_missing = web_root_missing};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    banner_print(out, &banner);
    fclose(out);
    return text;
}

static void test_banner(void **state) {
    (void)state;
    static const struct {
        const char *listen_host, *address;
        bool web_root_missing;
        const char *says, *says_not;
    } rows[] = {
        {"0.0.0.0", "203.0.113.7", false, "http://127.0.0.1:8080/", "warning"},
        {"0.0.0.0", "203.0.113.7", false, "http://203.0.113.7:8080/", "warning"},
        {"0.0.0.0", "203.0.113.7", false, "UDP port 40000 of 203.0.113.7 (4 workers)", "warning"},
        {"0.0.0.0", "203.0.113.7", false, "let in UDP port 40000 (media) and TCP port 8080", "warning"},
        {"0.0.0.0", "2001:db8::1", false, "http://127.0.0.1:8080/", "http://[2001:db8::1]"},
        {"::", "2001:db8::1", false, "http://[2001:db8::1]:8080/", "warning"},
        {"::1", "::1", false, "http://[::1]:8080/", "http://127.0.0.1"},
        {"0.0.0.0", "192.168.1.2", false, "private addresses only", "this machine's own address only"},
        {"127.0.0.1", "127.0.0.1", false, "this machine's own address only", "private addresses only"},
        {"0.0.0.0", "203.0.113.7", true, "no web page in /srv/page", "private"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = banner_text(rows[i].listen_host, rows[i].address, rows[i].web_root_missing);
        if (!strstr(text, rows[i].says))
            fail_msg("row %zu: expected \"%s\" in:\n%s", i, rows[i].says, text);
        if (strstr(text, rows[i].says_not))
            fail_msg("row %zu: did not expect \"%s\" in:\n%s", i, rows[i].says_not, text);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_found_addresses),
        cmocka_unit_test(test_banner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
