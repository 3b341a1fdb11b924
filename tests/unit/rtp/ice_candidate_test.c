#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rtp/ice_candidate.h"

#define MDNS "4f0a6bd2-9d5c-4d1b-8a59-0f3a2cbb1f10.local"

static const struct {
    const char *line;
    enum ice_candidate_line use;
    const char *ip;
    uint16_t port;
    uint32_t priority;
    enum ice_candidate_type type;
} rows[] = {
    // Chromium, Firefox, Safari, pion, aiortc, libnice
    {"candidate:842163049 1 udp 1677729535 203.0.113.7 50123 typ srflx raddr 0.0.0.0 rport 0 generation 0 "
     "ufrag 3xTd network-cost 999",
     ICE_LINE_UDP, "203.0.113.7", 50123, 1677729535, ICE_CANDIDATE_SRFLX},
    {"candidate:0 1 UDP 2122252543 192.168.1.7 62555 typ host", ICE_LINE_UDP, "192.168.1.7", 62555,
     2122252543, ICE_CANDIDATE_HOST},
    {"a=candidate:1 1 udp 2130706431 2001:db8::7 5000 typ host", ICE_LINE_UDP, "2001:db8::7", 5000,
     2130706431, ICE_CANDIDATE_HOST},
    {"candidate:a+/1 1 udp 41885439 198.51.100.2 61000 typ relay raddr 203.0.113.7 rport 50123", ICE_LINE_UDP,
     "198.51.100.2", 61000, 41885439, ICE_CANDIDATE_RELAY},
    {"candidate:9 1 udp 1 192.0.2.1 443 typ prflx", ICE_LINE_UDP, "192.0.2.1", 443, 1, ICE_CANDIDATE_PRFLX},
    {"candidate:9 1 udp 2147483647 ::ffff:192.0.2.1 80 TYP HOST", ICE_LINE_UDP, "192.0.2.1", 80, 2147483647,
     ICE_CANDIDATE_HOST},
    // names, and what is for others
    {"candidate:1 1 udp 2113937151 " MDNS " 51234 typ host generation 0", ICE_LINE_NAME, NULL, 0, 0, 0},
    {"candidate:1 1 udp 2113937151 ice.example.org 51234 typ host", ICE_LINE_NAME, NULL, 0, 0, 0},
    {"candidate:1 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active", ICE_LINE_OTHER, NULL, 0, 0, 0},
    {"candidate:1 1 tcp 1518280447 " MDNS " 9 typ host tcptype active", ICE_LINE_OTHER, NULL, 0, 0, 0},
    {"candidate:1 2 udp 2122252542 192.168.1.7 62556 typ host", ICE_LINE_OTHER, NULL, 0, 0, 0},
    {"candidate:1 1 ssltcp 1 192.168.1.7 443 typ relay", ICE_LINE_OTHER, NULL, 0, 0, 0},
    {"", ICE_LINE_END, NULL, 0, 0, 0},
    {"a=end-of-candidates", ICE_LINE_END, NULL, 0, 0, 0},
    {"end-of-candidates", ICE_LINE_END, NULL, 0, 0, 0},
    // none
    {"candidate", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000 typ", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000 typ hosts", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000 type host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 0 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 257 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 0 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 2147483648 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 99999999999 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 01 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp -1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 65536 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 0 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 53 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 1023 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.999 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1%eth0 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 fe80::1%eth0 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 a_b.local 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0,
     0},
    {"candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=candidate:2", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000\ttyp host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1\x01 1 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1\x7f 1 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:\xc3\xa4 1 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"candidate:1 1 udp 1 192.0.2.1 5000 typ host generation 0\n", ICE_LINE_BAD, NULL, 0, 0, 0},
    {"b=candidate:1 1 udp 1 192.0.2.1 5000 typ host", ICE_LINE_BAD, NULL, 0, 0, 0},
};

static void lines_are_what_they_say(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ice_candidate c = {.priority = 7}, expected = {.priority = 7};
        const char *why = NULL;
        enum ice_candidate_line use = ice_candidate_read(span_of_text(rows[i].line), &c, &why);
        if (use != rows[i].use || (use == ICE_LINE_BAD) != (why != NULL))
            fail_msg("%s: %d, %s", rows[i].line, use, why ? why : "-");
        if (use == ICE_LINE_UDP) {
            expected = (struct ice_candidate){.priority = rows[i].priority, .type = rows[i].type};
            assert_int_equal(addr_parse(rows[i].ip, rows[i].port, &expected.address), ERR_OK);
        }
        assert_true(addr_equal(&c.address, &expected.address));
        assert_int_equal(c.priority, expected.priority);
        assert_int_equal(c.type, expected.type);
    }
}

static void long_lines_are_refused(void **state) {
    (void)state;
    char line[ICE_CANDIDATE_LINE_MAX + 2];
    struct ice_candidate c;
    const char *why = NULL;
    memset(line, ' ', sizeof line);
    memcpy(line, "candidate:1 1 udp 1 192.0.2.1 5000 typ host", 43);
    assert_int_equal(ice_candidate_read(span_of(line, ICE_CANDIDATE_LINE_MAX), &c, &why), ICE_LINE_UDP);
    assert_int_equal(ice_candidate_read(span_of(line, ICE_CANDIDATE_LINE_MAX + 1), &c, &why), ICE_LINE_BAD);
    assert_int_equal(ice_candidate_read(span_of("candidate:1\0", 12), &c, &why), ICE_LINE_BAD);
}

static void types_have_names(void **state) {
    (void)state;
    assert_string_equal(ice_candidate_type_name(ICE_CANDIDATE_HOST), "host");
    assert_string_equal(ice_candidate_type_name(ICE_CANDIDATE_RELAY), "relay");
    assert_string_equal(ice_candidate_type_name(99), "host");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_what_they_say),
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
