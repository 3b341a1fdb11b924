// What the kernel says, and what of it is news.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/address_watch.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct datagram {
    size_t len;
    _Alignas(8) uint8_t bytes[512];
};

static void add(struct datagram *d, uint16_t type, const void *body, size_t body_len) {
    struct nlmsghdr head = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body_len), .nlmsg_type = type};
    memcpy(d->bytes + d->len, &head, sizeof head);
    memcpy(d->bytes + d->len + NLMSG_HDRLEN, body, body_len);
    d->len += NLMSG_ALIGN(head.nlmsg_len);
}

static void addresses_default_routes_and_interfaces_are_news(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint16_t type;
        uint8_t dst_len, route_type;
        bool news;
    } rows[] = {
        {"a new address", RTM_NEWADDR, 0, 0, true},
        {"an address that is gone", RTM_DELADDR, 0, 0, true},
        {"a default route", RTM_NEWROUTE, 0, RTN_UNICAST, true},
        {"a default route that is gone", RTM_DELROUTE, 0, RTN_UNICAST, true},
        {"a route of a network", RTM_NEWROUTE, 24, RTN_UNICAST, false},
        {"a host's own route", RTM_NEWROUTE, 32, RTN_LOCAL, false},
        {"a default route that leads nowhere", RTM_NEWROUTE, 0, RTN_BLACKHOLE, false},
        {"an interface that is up, or down", RTM_NEWLINK, 0, 0, true},
        {"an interface that is gone", RTM_DELLINK, 0, 0, true},
        {"a neighbour", RTM_NEWNEIGH, 0, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rtmsg body = {.rtm_dst_len = rows[i].dst_len, .rtm_type = rows[i].route_type};
        struct datagram d = {0};
        add(&d, rows[i].type, &body, sizeof body);
        if (address_news(span_of(d.bytes, d.len)) != rows[i].news)
            fail_msg("%s: expected %s", rows[i].what, rows[i].news ? "news" : "none");
        struct datagram behind = {0};
        add(&behind, RTM_NEWNEIGH, "abc", 3); // the padding is stepped over
        add(&behind, rows[i].type, &body, sizeof body);
        assert_int_equal(address_news(span_of(behind.bytes, behind.len)), rows[i].news);
    }
}

static void what_is_cut_short_is_none(void **state) {
    (void)state;
    struct rtmsg body = {.rtm_type = RTN_UNICAST};
    struct datagram d = {0};
    add(&d, RTM_NEWROUTE, &body, sizeof body);
    for (size_t len = 0; len < d.len; len++)
        assert_false(address_news(span_of(d.bytes, len)));
    assert_true(address_news(span_of(d.bytes, d.len)));
    struct datagram little = {0};
    add(&little, RTM_NEWROUTE, &body, 4); // less than a route
    assert_false(address_news(span_of(little.bytes, little.len)));
    for (uint32_t lie = 0; lie < NLMSG_HDRLEN; lie++) { // no step forward
        memcpy(d.bytes, &lie, sizeof lie);
        assert_false(address_news(span_of(d.bytes, d.len)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_default_routes_and_interfaces_are_news),
        cmocka_unit_test(what_is_cut_short_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
