// Our checks against the server's responder; forged answers.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "load/ice_checks.h"
#include "tests/unit/transport/stun_build.h"
#include "transport/ice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_US UINT64_C(1000000)

struct world {
    struct ice_checks *checks;
    struct ice_check check;
    struct ice_stun *stun;
    struct ice ice;
    struct ice_credentials credentials;
    char username[64];
    uint8_t reply[ICE_REPLY_MAX];
    size_t reply_len;
    struct ice_result result;
};

static struct world *world_create(void) {
    struct world *w = calloc(1, sizeof *w);
    w->checks = ice_checks_create();
    assert_non_null(w->checks);
    w->stun = ice_stun_create();
    assert_non_null(w->stun);
    ice_credentials_make(0, &w->credentials);
    ice_init(&w->ice, &w->credentials);
    snprintf(w->username, sizeof w->username, "%s:ours", w->credentials.ufrag);
    ice_check_init(&w->check, w->checks, w->username, w->credentials.pwd, 12345, NOW_US);
    return w;
}

static void world_free(struct world *w) {
    ice_check_forget(&w->check);
    ice_checks_destroy(w->checks);
    ice_stun_destroy(w->stun);
    free(w);
}

// The check that is due reaches the server; its answer lies in w->reply.
static void exchange(struct world *w, uint64_t now_us) {
    struct tuple from = {.protocol = TUPLE_UDP,
                         .remote = {.family = 4, .ip = {127, 0, 0, 2}, .port = 5000},
                         .local = {.family = 4, .ip = {127, 0, 0, 1}, .port = 4000}};
    uint8_t datagram[ICE_CHECK_BYTES_MAX + 64];
    size_t len = ice_check_write(&w->check, now_us);
    assert_true(len > 0);
    memcpy(datagram, w->check.bytes, len);
    ice_input(&w->ice, w->stun, &from, datagram, len, now_us, w->reply, &w->result);
    w->reply_len = w->result.reply_len;
    assert_true(w->reply_len > 0);
}

static void test_a_check_nominates_and_its_answer_connects(void **state) {
    (void)state;
    struct world *w = world_create();
    exchange(w, NOW_US);
    assert_true(w->result.tuple_added);
    assert_non_null(ice_selected(&w->ice));
    assert_int_equal(ice_check_read(&w->check, w->reply, w->reply_len, NOW_US + 1000), ICE_ANSWER_GOOD);
    assert_true(w->check.connected);
    // Once more the same answer says nothing.
    assert_int_equal(ice_check_read(&w->check, w->reply, w->reply_len, NOW_US + 2000), ICE_ANSWER_STRANGE);
    // Consent: the next check comes in some 5 s.
    assert_int_equal(ice_check_write(&w->check, NOW_US + 4000000), 0);
    exchange(w, NOW_US + 6000000);
    assert_int_equal(ice_check_read(&w->check, w->reply, w->reply_len, NOW_US + 6001000), ICE_ANSWER_GOOD);
    assert_false(ice_check_is_dead(&w->check, NOW_US + 35000000));
    assert_true(ice_check_is_dead(&w->check, NOW_US + 37000000));
    world_free(w);
}

static void test_an_answer_counts_however_late(void **state) {
    (void)state;
    struct world *w = world_create();
    exchange(w, NOW_US);
    uint8_t first[ICE_REPLY_MAX + 64];
    size_t len = w->reply_len;
    memcpy(first, w->reply, len);
    for (unsigned i = 1; i < 5; i++) // repeated meanwhile
        exchange(w, NOW_US + i * ICE_CHECK_FIRST_US);
    assert_int_equal(ice_check_read(&w->check, first, len, NOW_US + 900000), ICE_ANSWER_GOOD);
    world_free(w);
}

static void test_forged_answers_do_not_connect(void **state) {
    (void)state;
    struct world *w = world_create();
    exchange(w, NOW_US);
    for (size_t i = 0; i < w->reply_len; i++) {
        uint8_t forged[ICE_REPLY_MAX + 64] = {0};
        memcpy(forged, w->reply, w->reply_len);
        forged[i] ^= 0x10;
        enum ice_answer answer = ice_check_read(&w->check, forged, w->reply_len, NOW_US + 1000);
        assert_int_not_equal(answer, ICE_ANSWER_GOOD);
        assert_false(w->check.connected);
    }
    for (size_t len = 0; len < w->reply_len; len++) {
        uint8_t cut[ICE_REPLY_MAX + 64] = {0};
        memcpy(cut, w->reply, len);
        assert_int_not_equal(ice_check_read(&w->check, cut, len, NOW_US + 1000), ICE_ANSWER_GOOD);
    }
    // And after all of them the genuine one still does.
    assert_int_equal(ice_check_read(&w->check, w->reply, w->reply_len, NOW_US + 1000), ICE_ANSWER_GOOD);
    world_free(w);
}

// RFC 8489, section 6.3.3: an authentic answer with something in it that must be understood and is not counts
// as none; but the transaction is over, so what follows is another one that can be answered.
static void test_an_answer_that_is_not_understood_does_not_stop_the_checks(void **state) {
    (void)state;
    struct world *w = world_create();
    struct stun_build m;
    exchange(w, NOW_US);
    stun_begin(&m, STUN_SUCCESS_TYPE);
    memcpy(m.bytes + 4, w->check.bytes + 4, 16);
    stun_attr_u32(&m, 0x7fff, 1);
    stun_integrity(&m, span_of_text(w->credentials.pwd));
    stun_fingerprint(&m);
    assert_int_equal(ice_check_read(&w->check, m.bytes, m.len, NOW_US + 1000), ICE_ANSWER_BAD);
    assert_false(w->check.connected);
    exchange(w, NOW_US + ICE_CHECK_FIRST_US);
    assert_int_equal(ice_check_read(&w->check, w->reply, w->reply_len, NOW_US + ICE_CHECK_FIRST_US),
                     ICE_ANSWER_GOOD);
    world_free(w);
}

static void test_nobody_there(void **state) {
    (void)state;
    struct world *w = world_create();
    uint64_t now_us = NOW_US;
    unsigned sent = 0;
    while (!ice_check_is_dead(&w->check, now_us)) {
        now_us = w->check.next_us;
        sent += ice_check_write(&w->check, now_us) > 0;
    }
    assert_true(now_us - NOW_US <= ICE_CHECK_FAILED_US + ICE_CHECK_LATER_US);
    assert_in_range(sent, 50, 80);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_check_nominates_and_its_answer_connects),
        cmocka_unit_test(test_an_answer_counts_however_late),
        cmocka_unit_test(test_forged_answers_do_not_connect),
        cmocka_unit_test(test_an_answer_that_is_not_understood_does_not_stop_the_checks),
        cmocka_unit_test(test_nobody_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
