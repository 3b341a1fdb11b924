// What an address reaches, what is announced, and what people are told about it.
#include "server/config/announce.h"
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
    struct announce_found out[16];
    size_t count = announce_find("127.0.0.1", out, 16);
    assert_string_equal(out[0].text, "127.0.0.1"); // a browser on this machine must get through
    for (size_t i = 1; i < count; i++)
        assert_true(address_scope_of(out[i].text) >= ADDRESS_PRIVATE);
    count = announce_find("0.0.0.0", out, 16);
    assert_true(count >= 1);
    for (size_t i = 0; count > 1 && i < count; i++) {
        assert_true(address_scope_of(out[i].text) >= ADDRESS_PRIVATE);
        assert_true(i == 0 || out[i].inner >= out[i - 1].inner); // the machine's own networks are last
    }
    assert_int_equal(announce_find("0.0.0.0", out, 1), 1);
}

// ---- from settings to the list

static void test_list(void **state) {
    (void)state;
    static const struct addr seen_v4 = {.family = 4, .ip = {203, 0, 113, 9}, .port = 40000};
    static const struct addr seen_any = {.family = 4};
    static const struct {
        const char *what, *announce[3];
        const struct addr *seen;
        const char *first, *last; // of the list; NULL: what the machine has
        enum announce_origin last_origin;
        unsigned count; // 0: what the machine has, and `seen` if it is usable
    } rows[] = {
        {"named ones, in their order",
         {"203.0.113.7", "10.0.0.1"},
         NULL,
         "203.0.113.7",
         "10.0.0.1",
         ANNOUNCE_NAMED,
         2},
        {"the same twice", {"10.0.0.1", "10.0.0.1"}, NULL, "10.0.0.1", "10.0.0.1", ANNOUNCE_NAMED, 1},
        {"both families", {"10.0.0.1", "2001:db8::1"}, NULL, "10.0.0.1", "2001:db8::1", ANNOUNCE_NAMED, 2},
        {"auto", {"auto"}, NULL, NULL, NULL, ANNOUNCE_FOUND, 0},
        {"auto, and one that is named",
         {"auto", "203.0.113.7"},
         NULL,
         NULL,
         "203.0.113.7",
         ANNOUNCE_NAMED,
         0},
        {"one that is named, and auto",
         {"203.0.113.7", "auto"},
         NULL,
         "203.0.113.7",
         NULL,
         ANNOUNCE_FOUND,
         0},
        {"what a STUN server sees", {"auto"}, &seen_v4, NULL, "203.0.113.9", ANNOUNCE_SEEN, 0},
        {"no address at all is not announced", {"auto"}, &seen_any, NULL, NULL, ANNOUNCE_FOUND, 0},
    };
    struct announce_found local[HUB_ANNOUNCE_MAX];
    size_t local_count = announce_find("0.0.0.0", local, HUB_ANNOUNCE_MAX);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config = {.listen_host = "0.0.0.0"};
        for (; rows[i].announce[config.announce_count]; config.announce_count++)
            snprintf(config.announce[config.announce_count], sizeof config.announce[0], "%s",
                     rows[i].announce[config.announce_count]);
        struct stun_seen seen = {.count = rows[i].seen != NULL};
        if (rows[i].seen)
            seen.address[0] = *rows[i].seen;
        struct announce got;
        announce_make(&got, &config, rows[i].seen ? &seen : NULL, &(struct announce_names){0});
        const char *first = rows[i].first ? rows[i].first : local[0].text;
        bool inner_last = local[local_count - 1].inner && rows[i].seen == &seen_v4;
        const char *last = rows[i].last && !inner_last ? rows[i].last : local[local_count - 1].text;
        enum announce_origin last_origin = inner_last ? ANNOUNCE_FOUND : rows[i].last_origin;
        unsigned named = (unsigned)(config.announce_count - (rows[i].count == 0));
        unsigned count =
            rows[i].count ? rows[i].count : (unsigned)local_count + named + (rows[i].seen == &seen_v4);
        const struct announced *end = &got.list[got.count - 1];
        if (strcmp(got.list[0].text, first) != 0 || strcmp(end->text, last) != 0 || got.count != count ||
            end->origin != last_origin)
            fail_msg("%s: expected %u from %s to %s (%d); got %u from %s to %s (%d)", rows[i].what, count,
                     first, last, last_origin, got.count, got.list[0].text, end->text, end->origin);
    }
}

static void test_list_has_an_end(void **state) {
    (void)state;
    struct config config = {.listen_host = "127.0.0.1", .announce_count = HUB_ANNOUNCE_MAX};
    for (unsigned i = 0; i + 1 < HUB_ANNOUNCE_MAX; i++)
        snprintf(config.announce[i], sizeof config.announce[0], "10.0.0.%u", i);
    snprintf(config.announce[HUB_ANNOUNCE_MAX - 1], sizeof config.announce[0], ANNOUNCE_AUTO);
    struct stun_seen seen = {.count = 1, .address = {{.family = 4, .ip = {203, 0, 113, 9}}}};
    struct announce got;
    announce_make(&got, &config, &seen, &(struct announce_names){0});
    assert_int_equal(got.count, HUB_ANNOUNCE_MAX);
    assert_string_equal(got.list[HUB_ANNOUNCE_MAX - 1].text, "127.0.0.1");
    assert_true(got.left_out >= 1); // what the STUN server sees, at least
    bool told = false;
    for (unsigned i = 0; i < got.left_out && i < ANNOUNCE_LEFT_OUT_TOLD; i++)
        told |= strcmp(got.left_out_first[i], "203.0.113.9") == 0;
    assert_true(told || got.left_out > ANNOUNCE_LEFT_OUT_TOLD);
}

// {address, of an inner network} each.
static struct announce announce_of_ranks(const char *texts) {
    struct announce announce = {0};
    for (const char *c = texts; *c; c++) {
        struct announced *one = &announce.list[announce.count++];
        snprintf(one->text, sizeof one->text, "10.0.0.%d", *c | 0x20);
        one->inner = *c >= 'A' && *c <= 'Z';
    }
    return announce;
}

// Letters are addresses, capitals those of the machine's own networks.
static void test_what_has_changed(void **state) {
    (void)state;
    static const struct {
        const char *before, *after;
        bool same, same_outside;
    } rows[] = {
        {"a", "a", true, true},    {"a", "b", false, false},    {"a", "ab", false, false},
        {"ab", "a", false, false}, {"ab", "ba", false, false},  {"aX", "a", false, true},
        {"a", "aXY", false, true}, {"aXb", "abX", false, true}, {"aX", "bX", false, false},
        {"X", "Y", false, true},   {"X", "a", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct announce before = announce_of_ranks(rows[i].before), after = announce_of_ranks(rows[i].after);
        if (announce_equal(&before, &after, false) != rows[i].same ||
            announce_equal(&before, &after, true) != rows[i].same_outside)
            fail_msg("%s to %s", rows[i].before, rows[i].after);
    }
}

// ---- what people are told

static struct announce announce_of(const char *const texts[3], enum announce_origin origin) {
    struct announce announce = {0};
    for (; announce.count < 3 && texts[announce.count]; announce.count++) {
        struct announced *one = &announce.list[announce.count];
        snprintf(one->text, sizeof one->text, "%s", texts[announce.count]);
        one->origin = origin;
    }
    return announce;
}

static void test_reach(void **state) {
    (void)state;
    static const struct {
        const char *addresses[3];
        enum announce_origin origin;
        bool container;
        const char *reaches, *fix; // NULL: nothing to say
    } rows[] = {
        {{"203.0.113.7"}, ANNOUNCE_FOUND, false, NULL, NULL},
        {{"203.0.113.7", "10.0.0.1"}, ANNOUNCE_SEEN, true, NULL, NULL},
        {{"192.168.1.2"}, ANNOUNCE_NAMED, false, NULL, NULL}, // as the operator wants it
        {{"127.0.0.1"}, ANNOUNCE_NAMED, true, NULL, NULL},
        {{"192.168.1.2"}, ANNOUNCE_FOUND, false, "nobody on the internet", "--announce auto,PUBLIC_IP"},
        {{"100.64.0.9"}, ANNOUNCE_SEEN, false, "nobody on the internet", "--announce auto,PUBLIC_IP"},
        {{"fd00::1"}, ANNOUNCE_FOUND, false, "nobody on the internet", "--announce auto,PUBLIC_IP"},
        {{"172.17.0.2"}, ANNOUNCE_FOUND, true, "other containers", "ROTUNDA_ANNOUNCE=IP"},
        {{"172.17.0.2", "fd00::1"}, ANNOUNCE_FOUND, true, "other containers", "ROTUNDA_ANNOUNCE=IP"},
        {{"192.168.1.2", "2001:db8::1"},
         ANNOUNCE_FOUND,
         false,
         "clients with IPv6",
         "--announce auto,PUBLIC_IP"},
        {{"127.0.0.1"}, ANNOUNCE_FOUND, false, "this machine alone", "--announce IP"},
        {{"::1"}, ANNOUNCE_FOUND, true, "this machine alone", "--announce IP"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct announce announce = announce_of(rows[i].addresses, rows[i].origin);
        struct reach reach;
        reach_judge(&reach, &announce, rows[i].container);
        if (reach.limited != (rows[i].reaches != NULL))
            fail_msg("row %zu, %s: expected %s", i, rows[i].addresses[0],
                     rows[i].reaches ? "a warning" : "no warning");
        if (reach.limited && (!strstr(reach.reaches, rows[i].reaches) || strcmp(reach.fix, rows[i].fix) != 0))
            fail_msg("row %zu: expected \"%s\" and \"%s\", got \"%s\" and \"%s\"", i, rows[i].reaches,
                     rows[i].fix, reach.reaches, reach.fix);
    }
}

// Prints a banner for one announced address; the text is to be freed.
static char *banner_text(const char *listen_host, const char *address, bool web_root_missing) {
    struct announce announce = announce_of((const char *const[3]){address}, ANNOUNCE_FOUND);
    struct reach reach;
    reach_judge(&reach, &announce, false);
    struct banner banner = {.listen_host = listen_host,
                            .http_port = 8080,
                            .media_port = 40000,
                            .workers = 4,
                            .announce = &announce,
                            .reach = &reach,
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
        {"::", "2001:db8::1", false, "http://[2001:db8::1]:8080/", "nobody on the internet"},
        {"::1", "::1", false, "http://[::1]:8080/", "http://127.0.0.1"},
        {"0.0.0.0", "192.168.1.2", false, "Media is announced at 192.168.1.2.\n", "this machine alone"},
        {"0.0.0.0", "192.168.1.2", false, "reaches  this private network; nobody on", "this machine alone"},
        {"0.0.0.0", "192.168.1.2", false, "fix it   --announce auto,PUBLIC_IP\n", "this machine alone"},
        {"127.0.0.1", "127.0.0.1", false, "reaches  this machine alone", "private network"},
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
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_has_an_end),
        cmocka_unit_test(test_what_has_changed),
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_banner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
