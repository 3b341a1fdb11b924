// Addresses, networks, PROXY headers and X-Forwarded-For.
#include "server/web/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct net_address address_of(const char *text) {
    struct net_address address;
    assert_true(net_address_parse(text, strlen(text), &address));
    return address;
}

static void test_addresses(void **state) {
    (void)state;
    static const struct {
        const char *text, *printed; // NULL: none
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:80", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:80", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"", NULL},
        {"unknown", NULL},
        {"_hidden", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.1 ", NULL},
        {"[192.0.2.1]", NULL},
        {"[2001:db8::1", NULL},
        {"[2001:db8::1]x", NULL},
        {"fe80::1%eth0", NULL},
        {"2001:db8::1]", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_address address;
        char printed[IP_TEXT_MAX] = "";
        bool fine = net_address_parse(rows[i].text, strlen(rows[i].text), &address);
        if (fine)
            net_address_print(&address, printed);
        if (fine != (rows[i].printed != NULL) || (fine && strcmp(printed, rows[i].printed) != 0))
            fail_msg("\"%s\": expected %s, got %s", rows[i].text, rows[i].printed, printed);
    }
}

static void test_networks(void **state) {
    (void)state;
    static const struct {
        const char *list, *address;
        bool in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.0.0/0", "203.0.113.7", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.7", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"10.0.0.0/8, ::1", "::1", true},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
    };
    struct networks networks;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct net_address address = address_of(rows[i].address);
        assert_true(networks_parse(rows[i].list, &networks));
        if (networks_have(&networks, &address) != rows[i].in)
            fail_msg("%s in %s: expected %d", rows[i].address, rows[i].list, rows[i].in);
    }
    static const char *const bad[] = {"",
                                      ",",
                                      "10.0.0.0/33",
                                      "10.0.0.0/",
                                      "::/129",
                                      "10.0.0.0/8,",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/0008",
                                      "host",
                                      "10.0.0.0/8 /8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (networks_parse(bad[i], &networks))
            fail_msg("\"%s\" should be refused", bad[i]);
    }
}

static void test_forwarded_for(void **state) {
    (void)state;
    static const struct {
        const char *peer, *fields[3], *client;
    } rows[] = {
        {"10.0.0.1", {"203.0.113.7"}, "203.0.113.7"},
        {"10.0.0.1", {NULL}, "10.0.0.1"},
        {"10.0.0.1", {"198.51.100.9, 203.0.113.7"}, "203.0.113.7"},   // what the client claims is left of it
        {"10.0.0.1", {"203.0.113.7, 10.0.0.2"}, "203.0.113.7"},       // over two proxies
        {"10.0.0.1", {"198.51.100.9", "203.0.113.7"}, "203.0.113.7"}, // over two fields
        {"10.0.0.1", {"203.0.113.7", "10.0.0.2 ,10.0.0.3"}, "203.0.113.7"},
        {"10.0.0.1", {"10.0.0.2"}, "10.0.0.2"},
        {"10.0.0.1", {"203.0.113.7, junk"}, "10.0.0.1"},
        {"10.0.0.1", {"203.0.113.7, junk, 10.0.0.2"}, "10.0.0.2"},
        {"10.0.0.1", {"junk, 203.0.113.7"}, "203.0.113.7"},
        {"10.0.0.1", {"203.0.113.7,"}, "10.0.0.1"},
        {"10.0.0.1", {""}, "10.0.0.1"},
        {"10.0.0.1", {","}, "10.0.0.1"},
        {"10.0.0.1", {"203.0.113.7:4711"}, "203.0.113.7"},
        {"10.0.0.1", {"[2001:db8::7]:4711"}, "2001:db8::7"},
        {"203.0.113.1", {"198.51.100.9"}, "203.0.113.1"}, // nobody's word
        {"203.0.113.1", {"10.0.0.1"}, "203.0.113.1"},
    };
    struct networks trusted;
    assert_true(networks_parse("10.0.0.0/8", &trusted));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span fields[3];
        size_t count = 0;
        while (count < 3 && rows[i].fields[count]) {
            fields[count] = span_of_text(rows[i].fields[count]);
            count++;
        }
        struct net_address peer = address_of(rows[i].peer),
                           client = forwarded_client(&peer, &trusted, fields, count);
        char printed[IP_TEXT_MAX];
        net_address_print(&client, printed);
        if (strcmp(printed, rows[i].client) != 0)
            fail_msg("row %zu (%s): expected %s, got %s", i, rows[i].fields[0], rows[i].client, printed);
    }
}

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static void test_proxy_headers(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len; // 0: of the text
        enum proxy_outcome outcome;
        size_t used;
        const char *client;
    } rows[] = {
        {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET", 0, PROXY_FOUND, 45, "192.0.2.1"},
        {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", 0, PROXY_FOUND, 46, "2001:db8::1"},
        {"PROXY UNKNOWN\r\n", 0, PROXY_LOCAL, 15, NULL},
        {"PROXY UNKNOWN ff:: ff:: 1 1\r\n", 0, PROXY_LOCAL, 29, NULL},
        {"PROXY TCP4 192.0.2.1 ", 0, PROXY_MORE, 0, NULL},
        {"P", 0, PROXY_MORE, 0, NULL},
        {"PROXY", 0, PROXY_MORE, 0, NULL},
        {"PROPFIND / HTTP/1.1\r\n", 0, PROXY_NONE, 0, NULL},
        {"GET / HTTP/1.1\r\n", 0, PROXY_NONE, 0, NULL},
        {"\x16\x03\x01", 3, PROXY_NONE, 0, NULL},
        {"\r\n\r\nGET", 0, PROXY_NONE, 0, NULL},
        {"\r\n\r\n", 0, PROXY_MORE, 0, NULL},
        {"PROXY \r\n", 0, PROXY_BROKEN, 8, NULL},
        {"PROXY TCP4 junk 1 1 1\r\n", 0, PROXY_BROKEN, 23, NULL},
        {"PROXY TCP4 2001:db8::1 2001:db8::2 1 1\r\n", 0, PROXY_BROKEN, 40, NULL},
        {"PROXY TCP4 192.0.2.1 1 1 1\n", 0, PROXY_BROKEN, 27, NULL},
        {"PROXY TCP4 "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "a",
         0, PROXY_BROKEN, 0, NULL},
        {V2 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x00\x01\x00\x02", 28, PROXY_FOUND, 28,
         "192.0.2.1"},
        {V2 "\x21\x11\x00\x0f\xc0\x00\x02\x01\xc6\x33\x64\x01\x00\x01\x00\x02\x04\x00\x00", 31, PROXY_FOUND,
         31, "192.0.2.1"},
        {V2 "\x20\x00\x00\x00", 16, PROXY_LOCAL, 16, NULL},
        {V2 "\x21\x31\x00\x00", 16, PROXY_LOCAL, 16, NULL}, // a Unix socket
        {V2 "\x21\x11\x00\x0c\xc0", 17, PROXY_MORE, 0, NULL},
        {V2 "\x21\x11\x00\x0b\xc0\x00\x02\x01\xc6\x33\x64\x01\x00\x01\x00", 27, PROXY_BROKEN, 27, NULL},
        {V2 "\x21\x21\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\x00\x01\x00\x02", 28, PROXY_BROKEN, 28, NULL},
        {V2 "\x11\x11\x00\x0c", 16, PROXY_BROKEN, 0, NULL},
        {V2 "\x22\x11\x00\x0c", 16, PROXY_BROKEN, 0, NULL},
        {V2 "\x21\x11\xff\xff", 16, PROXY_BROKEN, 0, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = rows[i].len ? rows[i].len : strlen(rows[i].bytes), used = 99;
        struct net_address client;
        char printed[IP_TEXT_MAX] = "";
        enum proxy_outcome outcome = proxy_header_read((const uint8_t *)rows[i].bytes, len, &used, &client);
        if (outcome == PROXY_FOUND)
            net_address_print(&client, printed);
        if (outcome != rows[i].outcome || used != rows[i].used ||
            (rows[i].client && strcmp(printed, rows[i].client) != 0))
            fail_msg("row %zu: expected %d after %zu bytes, got %d after %zu, %s", i, (int)rows[i].outcome,
                     rows[i].used, (int)outcome, used, printed);
        for (size_t n = 0; n < len && outcome == PROXY_FOUND; n++) { // cut anywhere, it is no other
            if (n < rows[i].used)
                assert_int_equal(proxy_header_read((const uint8_t *)rows[i].bytes, n, &used, &client),
                                 PROXY_MORE);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_forwarded_for),
        cmocka_unit_test(test_proxy_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
