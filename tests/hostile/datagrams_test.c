// Strangers: datagrams from addresses that no transport knows, against a running conference on real workers.
// Each is dropped for exactly the reason named here, none is answered, and the conference loses nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/pool.h"
#include "tests/kit/siege.h"
#include "tests/unit/transport/stun_build.h"

#include <stdio.h>

static const uint8_t client_hello[] = {
    0x16, 0xfe, 0xff, 0,    0,  0,  0,  0,  0,  0,  0,  0,    0x2e, // record: handshake, epoch 0, 46 bytes
    0x01, 0,    0,    0x22, 0,  0,  0,  0,  0,  0,  0,  0x22,       // ClientHello, one fragment
    0xfe, 0xfd, 1,    2,    3,  4,  5,  6,  7,  8,  9,  10,   11,   12, 13, 14, 15,
    16,   17,   18,   19,   20, 21, 22, 23, 24, 25, 26, 27,   28,   29, 30, 31, 32,
};
static const uint8_t rtp[] = {0x80, 111, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0xe8, 'o', 'p', 'u', 's', 1, 2, 3, 4,
                              5,    6,   7, 8, 9, 0, 1, 2, 3, 4, 5, 6,    7,   8,   9,   0,   1, 2, 3, 4};
static const uint8_t rtcp[] = {0x80, 200, 0, 6, 0, 0, 3, 0xe8, 1, 2, 3, 4, 5, 6, 7, 8,
                               9,    0,   1, 2, 3, 4, 5, 6,    7, 8, 9, 0, 0, 0, 0, 1,
                               1,    2,   3, 4, 5, 6, 7, 8,    9, 0, 1, 2, 3, 4, 5, 6};

// A stranger's datagram of each kind, one from each address: with more than one worker some come in where
// they do not belong.
static void each_sends(struct siege *s, const void *bytes, size_t len, enum media_drop drop) {
    for (unsigned i = 0; i < SIEGE_STRANGERS; i++)
        siege_stranger_sends(s, i, bytes, len, drop);
}

// ---- the attacks; `guest` is a transport that nobody has connected to

static void random_bytes_of_every_length(struct siege *s, const struct guest *guest) {
    (void)guest;
    uint8_t bytes[1600];
    uint32_t x = 2463534242; // xorshift
    for (size_t len = 0; len <= sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            bytes[i] = (uint8_t)x;
        }
        siege_stranger_sends(s, (unsigned)(len % SIEGE_STRANGERS), bytes, len,
                             siege_drop_of_stranger(bytes, len));
    }
}

static void datagrams_that_are_too_long(struct siege *s, const struct guest *guest) {
    (void)guest;
    static uint8_t bytes[65000];
    static const size_t lengths[] = {BLOCK_DATAGRAM_MAX + 1, 2048, 9000, 65000};
    for (unsigned i = 0; i < 4; i++) {
        memcpy(bytes, rtp, sizeof rtp);
        siege_stranger_sends(s, i, bytes, lengths[i], MEDIA_DROP_TOO_LONG);
        siege_drain(s);
    }
    siege_stranger_sends(s, 4, bytes, BLOCK_DATAGRAM_MAX, MEDIA_DROP_UNVALIDATED_TUPLE);
}

static void cut_short_at_every_byte(struct siege *s, const struct guest *guest) {
    struct stun_build check;
    siege_build_check(&check, guest->ice.ufrag, guest->ice.pwd);
    for (size_t len = 0; len < check.len; len++)
        siege_stranger_sends(s, len % SIEGE_STRANGERS, check.bytes, len,
                             len < 20 ? MEDIA_DROP_UNKNOWN_KIND : MEDIA_DROP_STUN_MALFORMED);
    for (size_t len = 0; len <= sizeof client_hello; len++)
        siege_stranger_sends(s, len % SIEGE_STRANGERS, client_hello, len,
                             len < 13 ? MEDIA_DROP_UNKNOWN_KIND : MEDIA_DROP_UNVALIDATED_TUPLE);
    for (size_t len = 0; len <= sizeof rtp; len++)
        siege_stranger_sends(s, len % SIEGE_STRANGERS, rtp, len,
                             len < 12 ? MEDIA_DROP_UNKNOWN_KIND : MEDIA_DROP_UNVALIDATED_TUPLE);
    for (size_t len = 0; len <= sizeof rtcp; len++)
        siege_stranger_sends(s, len % SIEGE_STRANGERS, rtcp, len,
                             len < 8 ? MEDIA_DROP_UNKNOWN_KIND : MEDIA_DROP_UNVALIDATED_TUPLE);
}

static void checks_that_name_nobody(struct siege *s, const struct guest *guest) {
    struct stun_build check;
    struct ice_credentials nobody;
    for (unsigned worker = 0; worker < s->workers + 3; worker++) { // three that there are not
        ice_credentials_make(worker, &nobody);
        siege_build_check(&check, nobody.ufrag, nobody.pwd);
        each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    }
    ice_credentials_make(ICE_WORKERS_MAX - 1, &nobody);
    memcpy(nobody.ufrag + 2, guest->ice.ufrag + 2, ICE_UFRAG_BYTES - 2); // the right name, another worker's
    siege_build_check(&check, nobody.ufrag, guest->ice.pwd);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    static const char *const names[] = {"", "a", "zzzzzzzzzzzzzzzz", "00AAAAAAAAAAAAAA",
                                        "0000000000000000000000"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        siege_build_check(&check, names[i], guest->ice.pwd);
        each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    }
    stun_begin(&check, STUN_REQUEST_TYPE); // no USERNAME at all
    stun_fingerprint(&check);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    stun_begin(&check, 0x0003); // Allocate: we are no relay
    stun_fingerprint(&check);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
}

static void checks_with_wrong_proof(struct siege *s, const struct guest *guest) {
    struct stun_build check;
    siege_build_check(&check, guest->ice.ufrag, "not the password of this transport");
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_AUTH);
    siege_build_check(&check, guest->ice.ufrag, "");
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_AUTH);
    // Signed, then changed: the priority, with the checksum made right again.
    siege_build_check(&check, guest->ice.ufrag, guest->ice.pwd);
    size_t at = 0;
    assert_int_equal(stun_find(span_of(check.bytes, check.len), ATTR_PRIORITY, &at).len, 4);
    check.bytes[at + 4] ^= 1;
    check.len -= 8;
    stun_fingerprint(&check);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_AUTH);
    // Unsigned.
    char username[64];
    snprintf(username, sizeof username, "%s:visitor", guest->ice.ufrag);
    stun_begin(&check, STUN_REQUEST_TYPE);
    stun_attr(&check, ATTR_USERNAME, username, strlen(username));
    stun_fingerprint(&check);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_AUTH);
    // Signed without a checksum, and with a wrong one: RFC 8445, section 7.1.
    siege_build_check(&check, guest->ice.ufrag, guest->ice.pwd);
    check.len -= 8;
    stun_set_length(&check);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_MALFORMED);
    siege_build_check(&check, guest->ice.ufrag, guest->ice.pwd);
    check.bytes[check.len - 1] ^= 1;
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_MALFORMED);
}

static void huge_checks(struct siege *s, const struct guest *guest) {
    static const uint8_t filler[1500];
    struct stun_build check;
    char username[64];
    snprintf(username, sizeof username, "%s:visitor", guest->ice.ufrag);
    for (size_t len = 1100; len <= 1480; len += 20) {
        stun_begin(&check, STUN_REQUEST_TYPE);
        stun_attr(&check, ATTR_USERNAME, username, strlen(username));
        stun_attr(&check, 0x8022, filler, len - 100); // SOFTWARE
        stun_integrity(&check, span_of("wrong", 5));
        stun_fingerprint(&check);
        each_sends(s, check.bytes, check.len,
                   check.len > ICE_STUN_MAX ? MEDIA_DROP_STUN_MALFORMED : MEDIA_DROP_STUN_AUTH);
    }
    stun_begin(&check, STUN_REQUEST_TYPE); // a length that lies
    store_be16(check.bytes + 2, 0xfffc);
    each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_MALFORMED);
}

// Keepalives and answers to nothing are ordinary on a network: ignored, not held against anybody.
static void indications_and_responses(struct siege *s, const struct guest *guest) {
    (void)guest;
    static const uint16_t types[] = {STUN_INDICATION_TYPE, STUN_SUCCESS_TYPE, STUN_ERROR_TYPE, 0x0017};
    struct stun_build message;
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++) {
        stun_begin(&message, types[i]);
        stun_fingerprint(&message);
        each_sends(s, message.bytes, message.len, SIEGE_IGNORED);
    }
    stun_begin(&message, STUN_INDICATION_TYPE);
    message.bytes[3] = 4; // says four bytes more
    each_sends(s, message.bytes, message.len, MEDIA_DROP_STUN_MALFORMED);
}

// A bad check leads what follows from its address to the worker that it named, which drops it there.
static void handshake_and_media_behind_a_bad_check(struct siege *s, const struct guest *guest) {
    struct stun_build check;
    siege_build_check(&check, guest->ice.ufrag, "not the password of this transport");
    for (unsigned round = 0; round < 3; round++) {
        each_sends(s, check.bytes, check.len, MEDIA_DROP_STUN_AUTH);
        each_sends(s, client_hello, sizeof client_hello, MEDIA_DROP_UNVALIDATED_TUPLE);
        each_sends(s, rtp, sizeof rtp, MEDIA_DROP_UNVALIDATED_TUPLE);
        each_sends(s, rtcp, sizeof rtcp, MEDIA_DROP_UNVALIDATED_TUPLE);
    }
}

static const struct attack {
    const char *name;
    void (*run)(struct siege *s, const struct guest *guest);
} attacks[] = {
    {"random bytes of every length", random_bytes_of_every_length},
    {"datagrams that are too long", datagrams_that_are_too_long},
    {"cut short at every byte", cut_short_at_every_byte},
    {"checks that name nobody", checks_that_name_nobody},
    {"checks with wrong proof", checks_with_wrong_proof},
    {"huge checks", huge_checks},
    {"indications and responses", indications_and_responses},
    {"handshake and media behind a bad check", handshake_and_media_behind_a_bad_check},
};

static void strangers_against(unsigned workers) {
    struct siege *s = siege_open(workers, 4);
    struct guest guest[4];
    for (unsigned i = 0; i < workers; i++)
        guest_open(s, i, &guest[i]);
    siege_speak(s);
    siege_check(s);
    struct media_counters before, after;
    siege_counters(s, &before);
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        print_message("%u workers: %s\n", workers, attacks[i].name);
        siege_speak(s);
        attacks[i].run(s, &guest[i % workers]);
        siege_speak(s);
        siege_check(s);
    }
    siege_counters(s, &after);
    assert_int_equal(after.transports, 4 * 2 + workers);
    assert_true((after.handed_over > before.handed_over) == (workers > 1));
    for (unsigned i = 0; i < workers; i++)
        guest_close(&guest[i]);
    siege_speak(s);
    siege_check(s);
    siege_close(s);
}

static void strangers_against_one_worker(void **state) {
    (void)state;
    strangers_against(1);
}

static void strangers_against_two_workers(void **state) {
    (void)state;
    strangers_against(2);
}

static void strangers_against_four_workers(void **state) {
    (void)state;
    strangers_against(4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_against_one_worker),
        cmocka_unit_test(strangers_against_two_workers),
        cmocka_unit_test(strangers_against_four_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
