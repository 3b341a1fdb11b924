// ice_bench: one peer with its credentials, and checks as a browser sends them.
#ifndef TESTS_ICE_BENCH_H
#define TESTS_ICE_BENCH_H

#include "tests/unit/transport/stun_build.h"

#include "base/clock.h"
#include "transport/ice.h"

#include <stdlib.h>

#define REPLY_CANARY 16

struct ice_bench {
    struct ice_stun *stun;
    struct ice ice;
    struct ice_credentials credentials;
    uint64_t now_us;
    struct ice_result result;
    uint8_t reply[ICE_REPLY_MAX + REPLY_CANARY];
};

static int ice_bench_start(void **state) {
    struct ice_bench *b = calloc(1, sizeof *b);
    b->stun = ice_stun_create();
    assert_non_null(b->stun);
    b->credentials = (struct ice_credentials){"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
    ice_init(&b->ice, &b->credentials);
    b->now_us = 1000 * US_PER_SECOND;
    *state = b;
    return b->stun ? 0 : -1;
}

static int ice_bench_stop(void **state) {
    struct ice_bench *b = *state;
    ice_stun_destroy(b->stun);
    free(b);
    return 0;
}

static inline struct tuple tuple_from(const char *ip, uint16_t port) {
    struct tuple t = {.protocol = TUPLE_UDP};
    bool ip6 = strchr(ip, ':') != NULL;
    assert_int_equal(addr_parse(ip, port, &t.remote), ERR_OK);
    assert_int_equal(addr_parse(ip6 ? "2001:db8::1" : "192.0.2.1", 40000, &t.local), ERR_OK);
    return t;
}

struct check {            // what a row changes of an ordinary check
    const char *username; // NULL: "<our ufrag>:peer"
    const char *pwd;      // NULL: ours
    bool use_candidate;
    uint16_t type; // 0: Binding request
};

static inline void check_body(struct stun_build *m, const struct ice_credentials *c, struct check check) {
    char username[64];
    snprintf(username, sizeof username, "%s:peer", c->ufrag);
    const char *name = check.username ? check.username : username;
    stun_begin(m, check.type ? check.type : STUN_REQUEST_TYPE);
    stun_attr(m, ATTR_USERNAME, name, strlen(name));
    stun_attr_u64(m, ATTR_ICE_CONTROLLING, UINT64_C(0x1122334455667788));
    stun_attr_u32(m, ATTR_PRIORITY, 0x6e7f1eff);
    stun_attr_u32(m, ATTR_GOOG_NETWORK_INFO, 0x0001000a); // as Chrome does
    if (check.use_candidate)
        stun_attr(m, ATTR_USE_CANDIDATE, NULL, 0);
}

static inline void check_sign(struct stun_build *m, const char *pwd) {
    stun_integrity(m, span_of_text(pwd));
    stun_fingerprint(m);
}

static inline void check_build(struct stun_build *m, const struct ice_credentials *c, struct check check) {
    check_body(m, c, check);
    check_sign(m, check.pwd ? check.pwd : c->pwd);
}

// Hands a copy over in a heap buffer that ends 24 bytes behind it, so that a sanitizer sees reads beyond.
// What the result promises is checked in any case.
static inline void ice_bench_input(struct ice_bench *b, struct span datagram, const struct tuple *from) {
    uint8_t *copy = malloc(datagram.len + 24);
    assert_non_null(copy);
    memcpy(copy, datagram.ptr, datagram.len);
    memset(copy + datagram.len, 0xee, 24);
    memset(b->reply, 0xcc, sizeof b->reply);
    ice_input(&b->ice, b->stun, from, copy, datagram.len, b->now_us, b->reply, &b->result);
    free(copy);
    for (size_t i = ICE_REPLY_MAX; i < sizeof b->reply; i++)
        assert_int_equal(b->reply[i], 0xcc);
    assert_true(b->result.reply_len <= ICE_REPLY_MAX);
    assert_true(b->result.reply_len <= datagram.len + 64);
    if (b->result.err != ERR_OK)
        assert_int_equal(b->result.reply_len, 0);
}

static inline void ice_bench_send(struct ice_bench *b, const struct stun_build *m, const struct tuple *from) {
    ice_bench_input(b, span_of(m->bytes, m->len), from);
}

static inline struct span ice_bench_reply(const struct ice_bench *b) {
    return span_of(b->reply, b->result.reply_len);
}

// A good check with the given credentials.
static inline void ice_bench_check(struct ice_bench *b, const struct ice_credentials *c,
                                   const struct tuple *from, bool use_candidate) {
    struct stun_build m;
    check_build(&m, c, (struct check){.use_candidate = use_candidate});
    ice_bench_send(b, &m, from);
}

static inline void assert_silence(const struct ice_bench *b, enum err err) {
    assert_int_equal(b->result.err, err);
    assert_int_equal(b->result.reply_len, 0);
    assert_false(b->result.tuple_added || b->result.selected_changed || b->result.state_changed);
    assert_int_equal(b->ice.path_count, 0);
    assert_int_equal(b->ice.state, ICE_NEW);
}

static inline void assert_success(const struct ice_bench *b, const char *pwd, const struct addr *mapped) {
    struct span reply = ice_bench_reply(b);
    struct addr got;
    assert_int_equal(b->result.err, ERR_OK);
    assert_true(reply.len >= 20);
    assert_int_equal(load_be16(reply.ptr), STUN_SUCCESS_TYPE);
    assert_true(stun_integrity_holds(reply, span_of_text(pwd)));
    assert_true(stun_fingerprint_holds(reply));
    assert_true(stun_mapped_address(reply, &got));
    assert_true(addr_equal(&got, mapped));
}

static inline void assert_error(const struct ice_bench *b, const char *pwd, int code) {
    struct span reply = ice_bench_reply(b);
    assert_true(reply.len >= 20);
    assert_int_equal(load_be16(reply.ptr), STUN_ERROR_TYPE);
    assert_int_equal(stun_error_code(reply), code);
    assert_true(stun_integrity_holds(reply, span_of_text(pwd)));
    assert_true(stun_fingerprint_holds(reply));
}

#endif
