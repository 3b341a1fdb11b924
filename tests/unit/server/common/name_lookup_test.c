// Which of a name's addresses are taken. What the system says is the test's; the look-up has a thread of its
// own (pthread_create).
#include "server/common/name_lookup.h"

#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOUND_MAX 5

static const char *said[FOUND_MAX]; // by the name servers, in this order
static int code;

// In place of the C library's.
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    (void)service, (void)hints;
    *out = NULL;
    if (code || strcmp(node, "media.example") != 0)
        return code ? code : EAI_NONAME;
    for (size_t i = FOUND_MAX; i-- > 0;) {
        struct addr one;
        if (!said[i] || addr_parse(said[i], 0, &one) != ERR_OK)
            continue;
        struct addrinfo *entry = calloc(1, sizeof *entry + sizeof(struct sockaddr_storage));
        if (!entry)
            abort();
        struct sockaddr_storage *at = (struct sockaddr_storage *)(entry + 1);
        entry->ai_addrlen = addr_to_sockaddr(&one, at);
        entry->ai_addr = (struct sockaddr *)at;
        entry->ai_family = at->ss_family;
        entry->ai_next = *out;
        *out = entry;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *found) {
    while (found) {
        struct addrinfo *next = found->ai_next;
        free(found);
        found = next;
    }
}

static void one_of_each_family_is_taken(void **state) {
    (void)state;
    static const struct {
        const char *said[FOUND_MAX], *known[2], *expected[2];
    } rows[] = {
        {{"203.0.113.1"}, {NULL}, {"203.0.113.1"}},
        {{"2001:db8::1", "203.0.113.1"}, {NULL}, {"203.0.113.1", "2001:db8::1"}},
        {{"2001:db8::1"}, {NULL}, {"2001:db8::1"}},
        {{"203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8::2"},
         {NULL},
         {"203.0.113.1", "2001:db8::1"}},
        // What was known stays, wherever it is among them; else it is the first.
        {{"203.0.113.1", "203.0.113.2"}, {"203.0.113.2"}, {"203.0.113.2"}},
        {{"203.0.113.1", "203.0.113.2", "203.0.113.3"}, {"203.0.113.2"}, {"203.0.113.2"}},
        {{"203.0.113.1", "203.0.113.3"}, {"203.0.113.2"}, {"203.0.113.1"}},
        {{"2001:db8::1", "2001:db8::2"}, {"203.0.113.1", "2001:db8::2"}, {"2001:db8::2"}},
        {{"2001:db8::2", "203.0.113.1", "2001:db8::1", "203.0.113.2"},
         {"203.0.113.2", "2001:db8::1"},
         {"203.0.113.2", "2001:db8::1"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr out[2] = {{.family = 0}};
        char why[64] = "", text[ADDR_TEXT_MAX];
        memcpy(said, rows[i].said, sizeof said);
        for (unsigned k = 0; k < 2; k++)
            if (rows[i].known[k])
                assert_int_equal(addr_parse(rows[i].known[k], 7, &out[k]), ERR_OK);
        unsigned count = name_lookup("media.example", 7, 5000, out, why, sizeof why), expected = 0;
        for (; expected < 2 && rows[i].expected[expected]; expected++) {
            addr_print_ip(&out[expected], text);
            if (expected >= count || strcmp(text, rows[i].expected[expected]) != 0)
                fail_msg("row %zu: expected %s, got %s", i, rows[i].expected[expected], text);
            assert_int_equal(out[expected].port, 7);
        }
        assert_int_equal(count, expected);
    }
}

static void what_is_no_name_is_said(void **state) {
    (void)state;
    struct addr out[2] = {{.family = 0}};
    char why[64] = "", long_name[300];
    assert_int_equal(name_lookup("192.0.2.1", 9, 0, out, why, sizeof why), 1);
    assert_int_equal(out[0].port, 9);
    assert_int_equal(name_lookup("", 9, 5000, out, why, sizeof why), 0);
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(name_lookup(long_name, 9, 5000, out, why, sizeof why), 0);
    assert_string_equal(why, "no host name");
    memset(said, 0, sizeof said);
    assert_int_equal(name_lookup("media.example", 9, 5000, out, why, sizeof why), 0);
    assert_string_equal(why, "it has no address");
    code = EAI_AGAIN;
    assert_int_equal(name_lookup("media.example", 9, 5000, out, why, sizeof why), 0);
    assert_string_equal(why, gai_strerror(EAI_AGAIN));
    code = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_each_family_is_taken),
        cmocka_unit_test(what_is_no_name_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
