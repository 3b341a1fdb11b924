// The oracle itself: it must tell apart what only looks alike, and never forget.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/nonce_oracle.h"

static void tells_each_use(void **state) {
    (void)state;
    struct nonce_oracle *o = nonce_oracle_create();
    assert_non_null(o);
    assert_int_equal(nonce_oracle_note(o, 1, 2, 3, 10), NONCE_FRESH);
    assert_int_equal(nonce_oracle_note(o, 1, 2, 3, 10), NONCE_REPEATED);
    assert_int_equal(nonce_oracle_note(o, 1, 2, 3, 11), NONCE_REUSED);
    assert_int_equal(nonce_oracle_note(o, 2, 2, 3, 11), NONCE_FRESH);         // another key
    assert_int_equal(nonce_oracle_note(o, 1, 3, 3, 11), NONCE_FRESH);         // stream
    assert_int_equal(nonce_oracle_note(o, 1, 2, 4, 11), NONCE_FRESH);         // index
    assert_int_equal(nonce_oracle_note(o, 1, 2, 3 + 65536, 11), NONCE_FRESH); // roll-over counter
    for (uint64_t i = 100; i < 100000; i++)
        assert_int_equal(nonce_oracle_note(o, 1, 2, i == 3 + 65536 ? 5 : i, i), NONCE_FRESH);
    for (uint64_t i = 100; i < 100000; i++)
        assert_int_equal(nonce_oracle_note(o, 1, 2, i == 3 + 65536 ? 5 : i, i + 1), NONCE_REUSED);
    assert_int_equal(nonce_oracle_count(o), 5 + 99900);
    nonce_oracle_destroy(o);
}

static void texts_differ_by_any_byte(void **state) {
    (void)state;
    uint8_t text[100] = {0};
    uint64_t plain = nonce_oracle_digest(span_of(text, sizeof text));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 1;
        assert_true(nonce_oracle_digest(span_of(text, sizeof text)) != plain);
        text[i] = 0;
    }
    assert_true(nonce_oracle_digest(span_of(text, 99)) != plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_each_use),
                                       cmocka_unit_test(texts_differ_by_any_byte)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
