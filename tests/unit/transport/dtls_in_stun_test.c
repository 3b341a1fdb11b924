// What of a handshake waits to be carried, and what is acknowledged of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "transport/dtls_in_stun.h"

static void the_check_value_of_crc_32(void **state) {
    (void)state;
    assert_int_equal(dtls_in_stun_crc(span_of("123456789", 9)), 0xcbf43926);
    assert_int_equal(dtls_in_stun_crc((struct span){0}), 0);
}

static struct span acks_of(const struct dtls_in_stun *s, uint8_t out[DTLS_IN_STUN_ACKS_BYTES]) {
    return span_of(out, dtls_in_stun_acks(s, out));
}

static void a_flight_goes_by_turns_until_it_is_acknowledged(void **state) {
    (void)state;
    static struct dtls_in_stun ours, theirs;
    uint8_t acks[DTLS_IN_STUN_ACKS_BYTES];
    assert_int_equal(dtls_in_stun_next(&ours).len, 0);
    dtls_in_stun_begin_flight(&ours);
    dtls_in_stun_add(&ours, span_of("one", 3));
    dtls_in_stun_add(&ours, span_of("two", 3));
    assert_memory_equal(dtls_in_stun_next(&ours).ptr, "one", 3);
    assert_memory_equal(dtls_in_stun_next(&ours).ptr, "two", 3);
    struct span again = dtls_in_stun_next(&ours);
    assert_memory_equal(again.ptr, "one", 3);
    dtls_in_stun_heard(&theirs, again);
    dtls_in_stun_heard(&theirs, again); // once is enough
    assert_int_equal(acks_of(&theirs, acks).len, 4);
    dtls_in_stun_acknowledged(&ours, acks_of(&theirs, acks));
    for (int i = 0; i < 3; i++)
        assert_memory_equal(dtls_in_stun_next(&ours).ptr, "two", 3);
    dtls_in_stun_heard(&theirs, span_of("two", 3));
    dtls_in_stun_acknowledged(&ours, acks_of(&theirs, acks));
    assert_int_equal(dtls_in_stun_next(&ours).len, 0);
    dtls_in_stun_begin_flight(&ours); // the next one
    dtls_in_stun_add(&ours, span_of("three", 5));
    assert_memory_equal(dtls_in_stun_next(&ours).ptr, "three", 5);
}

static void everything_is_bounded(void **state) {
    (void)state;
    static struct dtls_in_stun s;
    static uint8_t long_one[DTLS_IN_STUN_MAX + 1];
    uint8_t acks[DTLS_IN_STUN_ACKS_BYTES], number[4];
    dtls_in_stun_add(&s, span_of(long_one, sizeof long_one));
    dtls_in_stun_add(&s, (struct span){0});
    assert_int_equal(dtls_in_stun_next(&s).len, 0);
    for (uint32_t i = 0; i < 100; i++) {
        store_be32(number, i);
        dtls_in_stun_add(&s, span_of(number, sizeof number));
        dtls_in_stun_heard(&s, span_of(number, sizeof number));
    }
    assert_int_equal(s.count, DTLS_IN_STUN_FLIGHT);
    assert_int_equal(acks_of(&s, acks).len, DTLS_IN_STUN_ACKS_BYTES);
    store_be32(number, 99); // the newest ones
    assert_int_equal(load_be32(acks + DTLS_IN_STUN_ACKS_BYTES - 4), dtls_in_stun_crc(span_of(number, 4)));
    static uint8_t garbage[400];
    for (size_t len = 0; len <= sizeof garbage; len++) // no list, or of nothing of ours
        dtls_in_stun_acknowledged(&s, span_of(garbage, len));
    assert_int_equal(dtls_in_stun_next(&s).len, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_value_of_crc_32),
        cmocka_unit_test(a_flight_goes_by_turns_until_it_is_acknowledged),
        cmocka_unit_test(everything_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
