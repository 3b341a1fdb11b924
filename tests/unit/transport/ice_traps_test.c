// The traps of libnice's STUN API, each by its own test: what a responder gets wrong that trusts the library.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/transport/ice_bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>

// libnice's header calls the short-term mechanism the default; unless it is asked for, a request without any
// credentials is a success.
static void requests_without_credentials_are_not_accepted(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    static const struct {
        const char *what;
        bool username, integrity;
    } rows[] = {{"neither", false, false}, {"USERNAME alone", true, false}, {"INTEGRITY alone", false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_build m;
        stun_begin(&m, STUN_REQUEST_TYPE);
        if (rows[i].username)
            stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
        stun_attr_u32(&m, ATTR_PRIORITY, 1);
        stun_attr(&m, ATTR_USE_CANDIDATE, NULL, 0);
        if (rows[i].integrity)
            stun_integrity(&m, span_of_text(b->credentials.pwd));
        stun_fingerprint(&m);
        print_message("%s\n", rows[i].what);
        ice_bench_send(b, &m, &from);
        assert_silence(b, ERR_AUTH);
    }
}

// A validator that says yes with an empty key makes the library skip the HMAC. There are empty credentials
// about: the old ones before any restart.
static void an_empty_key_never_authenticates(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    char zeros[ICE_UFRAG_BYTES + 5] = {0};
    memcpy(zeros + ICE_UFRAG_BYTES, ":peer", 5);
    const struct span names[] = {span_of_text(":peer"), span_of(zeros, sizeof zeros), span_of_text(":"),
                                 span_of_text("")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stun_build m;
        stun_begin(&m, STUN_REQUEST_TYPE);
        stun_attr(&m, ATTR_USERNAME, names[i].ptr, names[i].len);
        stun_attr_u64(&m, ATTR_ICE_CONTROLLING, 1);
        stun_integrity(&m, (struct span){0});
        stun_fingerprint(&m);
        ice_bench_send(b, &m, &from);
        assert_silence(b, ERR_AUTH);
    }
}

// USERNAME has a length and no NUL: all of our ufrag and the colon must be there.
static void username_is_compared_whole(void **state) {
    static const struct {
        const char *username;
        bool good;
    } rows[] = {
        {"00aaaaaaaaaaaaaa:peer", true},   {"00aaaaaaaaaaaaaa:p", true},
        {"00aaaaaaaaaaaaaa:a:b", true},    {"00aaaaaaaaaaaaaa:", false},
        {"00aaaaaaaaaaaaaa", false},       {"00aaaaaaaaaaaaa:peer", false},
        {"00aaaaaaaaaaaaaaa:peer", false}, {"00aaaaaaaaaaaaab:peer", false},
        {"00AAAAAAAAAAAAAA:peer", false},  {"peer:00aaaaaaaaaaaaaa", false},
        {" 00aaaaaaaaaaaaaa:peer", false}, {"0:peer", false},
    };
    struct tuple from = tuple_from("198.51.100.1", 5000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ice_bench_start(state);
        struct ice_bench *b = *state;
        struct stun_build m;
        check_build(&m, &b->credentials, (struct check){.username = rows[i].username});
        print_message("\"%s\": %s\n", rows[i].username, rows[i].good ? "good" : "refused");
        ice_bench_send(b, &m, &from);
        if (rows[i].good)
            assert_success(b, b->credentials.pwd, &from.remote);
        else
            assert_silence(b, ERR_AUTH);
        ice_bench_stop(state);
    }
}

// The library keeps the key's address from the check to its answer; with two keys about it must be the right
// one.
static void the_answer_is_signed_with_the_key_of_the_check(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct ice_credentials fresh = {"00cccccccccccccc", "dddddddddddddddddddddddddddddddd"};
    ice_restart(&b->ice, &fresh, b->now_us);
    ice_bench_check(b, &b->credentials, &from, false);
    assert_success(b, b->credentials.pwd, &from.remote);
    ice_bench_check(b, &fresh, &from, false);
    assert_success(b, fresh.pwd, &from.remote);
    struct stun_build m; // the name of one with the password of the other
    check_build(&m, &fresh, (struct check){.pwd = b->credentials.pwd});
    ice_bench_send(b, &m, &from);
    assert_int_equal(b->result.err, ERR_AUTH);
}

// The answer repeats USERNAME. When it does not fit its buffer, the library calls abort(); it also pads up
// to 3 bytes past the end it was told. (ice_bench_input looks at the bytes behind the reply.)
static void no_username_is_too_long_for_the_answer(void **state) {
    struct ice_bench *b = *state;
    struct tuple from[] = {tuple_from("198.51.100.1", 5000), tuple_from("2001:db8::7", 5000)};
    char username[1700];
    memset(username, 'x', sizeof username);
    memcpy(username, "00aaaaaaaaaaaaaa:", 17);
    unsigned answered = 0, refused = 0;
    for (size_t len = 18; len < sizeof username; len++) {
        struct stun_build m;
        stun_begin(&m, STUN_REQUEST_TYPE);
        stun_attr(&m, ATTR_USERNAME, username, len);
        check_sign(&m, b->credentials.pwd);
        ice_bench_send(b, &m, &from[len % 2]);
        if (m.len > ICE_STUN_MAX) {
            assert_int_equal(b->result.err, ERR_MALFORMED);
            refused++;
        } else {
            assert_success(b, b->credentials.pwd, &from[len % 2].remote);
            answered++;
        }
    }
    print_message("%u lengths answered, %u refused\n", answered, refused);
    assert_int_equal(answered, ICE_STUN_MAX - 56 - 17); // 20 + 4 + 24 + 8 = 56
    assert_true(refused > 200);
}

// The library reads 20 bytes of MESSAGE-INTEGRITY whatever its length says; at the end of a datagram that is
// beyond it.
static void integrity_of_a_wrong_length_is_malformed(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    static const uint8_t zeros[32];
    static const size_t lengths[] = {0, 1, 4, 16, 19, 21, 24, 32};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int fingerprint = 0; fingerprint < 2; fingerprint++) {
            struct stun_build m;
            check_body(&m, &b->credentials, (struct check){0});
            stun_attr(&m, ATTR_MESSAGE_INTEGRITY, zeros, lengths[i]);
            if (fingerprint)
                stun_fingerprint(&m);
            ice_bench_send(b, &m, &from);
            assert_silence(b, ERR_MALFORMED);
        }
}

static void the_bytes_behind_the_datagram_are_zeroed(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    check_build(&m, &b->credentials, (struct check){0});
    uint8_t buffer[512];
    memset(buffer, 0xee, sizeof buffer);
    memcpy(buffer, m.bytes, m.len);
    ice_input(&b->ice, b->stun, &from, buffer, m.len, b->now_us, b->reply, &b->result);
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(buffer[m.len + i], 0);
    assert_int_equal(buffer[m.len + 24], 0xee);
}

// PRIORITY and USE-CANDIDATE are comprehension-required: a library that was not told about them refuses
// every browser. What nobody knows is answered with 420, and nothing changes.
static void known_attributes_pass_and_unknown_ones_get_420(void **state) {
    static const struct {
        uint16_t type;
        int error; // 0: success
    } rows[] = {
        {ATTR_PRIORITY, 0},
        {ATTR_USE_CANDIDATE, 0},
        {ATTR_ICE_CONTROLLING, 0},
        {ATTR_GOOG_NETWORK_INFO, 0},
        {0xc001, 0}, /* nomination */
        {0xc070, 0},
        /* DTLS in STUN */ {0x8022, 0}, /* SOFTWARE */
        {0x001c, 420},
        /* MESSAGE-INTEGRITY-SHA256 */ {0x0030, 420},
        {0x7fff, 420},
    };
    struct tuple from = tuple_from("198.51.100.1", 5000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ice_bench_start(state);
        struct ice_bench *b = *state;
        struct stun_build m;
        uint8_t value[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        size_t len = rows[i].type == ATTR_USE_CANDIDATE ? 0 : rows[i].type == ATTR_PRIORITY ? 4 : 8;
        stun_begin(&m, STUN_REQUEST_TYPE);
        stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
        stun_attr(&m, rows[i].type, value, len);
        check_sign(&m, b->credentials.pwd);
        print_message("attribute 0x%04x: %d\n", rows[i].type, rows[i].error);
        ice_bench_send(b, &m, &from);
        if (rows[i].error) {
            assert_error(b, b->credentials.pwd, 420);
            struct span unknown = stun_find(ice_bench_reply(b), ATTR_UNKNOWN_ATTRIBUTES, NULL);
            assert_true(unknown.len >= 2);
            assert_int_equal(load_be16(unknown.ptr), rows[i].type);
            assert_int_equal(b->ice.path_count, 0);
            assert_int_equal(b->ice.state, ICE_NEW);
        } else {
            assert_success(b, b->credentials.pwd, &from.remote);
        }
        ice_bench_stop(state);
    }
}

static void many_unknown_attributes_do_not_overflow_the_answer(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    stun_begin(&m, STUN_REQUEST_TYPE);
    stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
    for (uint16_t i = 0; m.len + 4 + 32 <= ICE_STUN_MAX; i++)
        stun_attr(&m, (uint16_t)(0x3000 + i), NULL, 0);
    check_sign(&m, b->credentials.pwd);
    assert_int_equal(m.len, ICE_STUN_MAX);
    ice_bench_send(b, &m, &from);
    assert_error(b, b->credentials.pwd, 420);
    assert_true(b->result.reply_len < m.len);
}

// We are controlled, always. The library would change our role when our tie-breaker is the larger one, or
// equal: with the peer's at 0 that is so even for ours at 0.
static void a_peer_that_is_controlled_gets_487_for_any_tie_breaker(void **state) {
    static const uint64_t ties[] = {0, 1, UINT64_C(0x8000000000000000), UINT64_MAX};
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    for (size_t i = 0; i < sizeof ties / sizeof *ties; i++) {
        struct stun_build m;
        stun_begin(&m, STUN_REQUEST_TYPE);
        stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
        stun_attr_u64(&m, ATTR_ICE_CONTROLLED, ties[i]);
        stun_attr_u32(&m, ATTR_PRIORITY, 1);
        check_sign(&m, b->credentials.pwd);
        ice_bench_send(b, &m, &from);
        assert_error(b, b->credentials.pwd, 487);
        assert_int_equal(b->ice.path_count, 0);
        assert_int_equal(b->ice.state, ICE_NEW);
        assert_false(b->result.tuple_added);
    }
}

// Keepalives carry no proof. They are not errors, get no answer, and a signed one is no check either.
static void indications_are_dropped(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    stun_begin(&m, STUN_INDICATION_TYPE);
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_OK);
    stun_begin(&m, STUN_INDICATION_TYPE);
    stun_fingerprint(&m);
    assert_int_equal(m.len, 28); // libnice's own
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_OK);
    check_build(&m, &b->credentials, (struct check){.type = STUN_INDICATION_TYPE, .use_candidate = true});
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_OK);
}

// No 400, no 401: an answer to a stranger would mirror traffic to forged sources and tell which ufrags exist.
static void what_does_not_authenticate_gets_silence(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    static const struct {
        const char *what;
        struct check check;
        enum err err;
    } rows[] = {
        {"wrong password", {.pwd = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc"}, ERR_AUTH},
        {"shorter password", {.pwd = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, ERR_AUTH},
        {"unknown ufrag", {.username = "00zzzzzzzzzzzzzz:peer"}, ERR_AUTH},
        {"Allocate request", {.type = 0x0003}, ERR_MALFORMED},
        {"Binding success response", {.type = STUN_SUCCESS_TYPE}, ERR_MALFORMED},
        {"Binding error response", {.type = STUN_ERROR_TYPE}, ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_build m;
        check_build(&m, &b->credentials, rows[i].check);
        print_message("%s: %s\n", rows[i].what, err_name(rows[i].err));
        ice_bench_send(b, &m, &from);
        assert_silence(b, rows[i].err);
    }
}

// One library agent is 12 KB and belongs to the worker; nothing of one peer may stay in it.
static void one_agent_serves_many_peers(void **state) {
    struct ice_bench *b = *state;
    assert_true(sizeof(struct ice) < 1152);
    enum { PEERS = 300 }; // more than the 200 transactions that the agent could remember
    struct ice *peers = calloc(PEERS, sizeof *peers);
    assert_non_null(peers);
    for (unsigned i = 0; i < PEERS; i++) {
        struct ice_credentials c;
        ice_credentials_make(7, &c);
        ice_init(&peers[i], &c);
    }
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < PEERS; i++) {
            struct tuple from = tuple_from("198.51.100.1", (uint16_t)(1000 + i));
            struct stun_build m;
            check_body(&m, &peers[i].credentials, (struct check){.use_candidate = round == 1});
            stun_attr_u32(&m, ATTR_MS_IMPLEMENTATION_VERSION, 2); // the one that the agent takes note of
            check_sign(&m, peers[i].credentials.pwd);
            ice_input(&peers[i], b->stun, &from, m.bytes, m.len, b->now_us, b->reply, &b->result);
            assert_success(b, peers[i].credentials.pwd, &from.remote);
            struct ice *other = &peers[(i + 1) % PEERS]; // the neighbour does not take it
            unsigned paths = other->path_count;
            ice_input(other, b->stun, &from, m.bytes, m.len, b->now_us, b->reply, &b->result);
            assert_int_equal(b->result.err, ERR_AUTH);
            assert_int_equal(other->path_count, paths);
        }
    free(peers);
}

// The library's own figure for the longest message over IPv4 is 576; browsers send more.
static void checks_up_to_1200_bytes_are_answered(void **state) {
    static const size_t sizes[] = {576, 580, 1000, 1196, ICE_STUN_MAX, ICE_STUN_MAX + 4, 2000};
    struct tuple from = tuple_from("198.51.100.1", 5000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ice_bench_start(state);
        struct ice_bench *b = *state;
        static const uint8_t flight[2000];
        struct stun_build m;
        check_body(&m, &b->credentials, (struct check){0});
        stun_attr(&m, 0xc070, flight, sizes[i] - m.len - 4 - 32);
        check_sign(&m, b->credentials.pwd);
        assert_int_equal(m.len, sizes[i]);
        print_message("%zu bytes\n", sizes[i]);
        ice_bench_send(b, &m, &from);
        if (sizes[i] <= ICE_STUN_MAX)
            assert_success(b, b->credentials.pwd, &from.remote);
        else
            assert_silence(b, ERR_MALFORMED);
        ice_bench_stop(state);
    }
}

static void fingerprint_is_required_and_checked(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    check_body(&m, &b->credentials, (struct check){0});
    stun_integrity(&m, span_of_text(b->credentials.pwd));
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_MALFORMED);
    stun_fingerprint(&m);
    m.bytes[m.len - 1] ^= 1;
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_MALFORMED);
    m.bytes[m.len - 1] ^= 1;
    stun_attr_u32(&m, 0x8022, 0); // something behind it
    ice_bench_send(b, &m, &from);
    assert_silence(b, ERR_MALFORMED);
}

// libnice 0.1.21 pads with spaces, 0.1.22 with zeros; the answer repeats USERNAME, which is harmless.
static void any_padding_is_accepted(void **state) {
    static const uint8_t paddings[] = {0, ' ', 0xff};
    for (size_t i = 0; i < sizeof paddings; i++) {
        ice_bench_start(state);
        struct ice_bench *b = *state;
        struct tuple from = tuple_from("198.51.100.1", 5000);
        struct stun_build m;
        stun_begin(&m, STUN_REQUEST_TYPE);
        stun_attr(&m, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
        memset(m.bytes + 20 + 4 + 21, paddings[i], 3);
        check_sign(&m, b->credentials.pwd);
        ice_bench_send(b, &m, &from);
        assert_success(b, b->credentials.pwd, &from.remote);
        ice_bench_stop(state);
    }
}

// A v4-mapped source is IPv4 to the peer: XOR-MAPPED-ADDRESS in the other family would be a wrong address.
static void the_mapped_address_is_the_one_that_the_peer_knows(void **state) {
    struct ice_bench *b = *state;
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(5000)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:198.51.100.1", &mapped.sin6_addr), 1);
    struct tuple from = tuple_from("198.51.100.1", 5000), v4 = from;
    addr_from_sockaddr((struct sockaddr *)&mapped, &from.remote);
    assert_true(tuple_equal(&from, &v4));
    ice_bench_check(b, &b->credentials, &from, false);
    assert_success(b, b->credentials.pwd, &v4.remote);
    assert_int_equal(stun_find(ice_bench_reply(b), ATTR_XOR_MAPPED_ADDRESS, NULL).len, 8);
    struct tuple v6 = tuple_from("2001:db8::7", 65535);
    ice_bench_check(b, &b->credentials, &v6, false);
    assert_success(b, b->credentials.pwd, &v6.remote);
    assert_int_equal(stun_find(ice_bench_reply(b), ATTR_XOR_MAPPED_ADDRESS, NULL).len, 20);
}

static void an_answer_is_no_amplifier(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    check_build(&m, &b->credentials, (struct check){0});
    ice_bench_send(b, &m, &from);
    print_message("%zu bytes in, %zu out\n", m.len, b->result.reply_len);
    assert_true(b->result.reply_len > 0 && b->result.reply_len <= m.len);
}

static void every_cut_and_every_flipped_bit_gets_silence(void **state) {
    struct ice_bench *b = *state;
    struct tuple from = tuple_from("198.51.100.1", 5000);
    struct stun_build m;
    check_build(&m, &b->credentials, (struct check){.use_candidate = true});
    for (size_t len = 0; len < m.len; len++) {
        ice_bench_input(b, span_of(m.bytes, len), &from);
        assert_silence(b, ERR_MALFORMED);
    }
    for (size_t bit = 0; bit < m.len * 8; bit++) {
        struct stun_build bad = m;
        bad.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ice_bench_send(b, &bad, &from);
        assert_int_equal(b->result.reply_len, 0);
        assert_int_equal(b->ice.path_count, 0);
    }
}

int main(void) {
#define TRAP(n, f) {"trap " #n ": " #f, f, ice_bench_start, ice_bench_stop, NULL}
#define TRAP_ROWS(n, f) {"trap " #n ": " #f, f, NULL, NULL, NULL}
    const struct CMUnitTest tests[] = {
        TRAP(1, requests_without_credentials_are_not_accepted),
        TRAP(2, an_empty_key_never_authenticates),
        TRAP_ROWS(3, username_is_compared_whole),
        TRAP(4, the_answer_is_signed_with_the_key_of_the_check),
        TRAP(5 and 6, no_username_is_too_long_for_the_answer),
        TRAP(7, integrity_of_a_wrong_length_is_malformed),
        TRAP(7, the_bytes_behind_the_datagram_are_zeroed),
        TRAP_ROWS(8, known_attributes_pass_and_unknown_ones_get_420),
        TRAP(8, many_unknown_attributes_do_not_overflow_the_answer),
        TRAP(9, a_peer_that_is_controlled_gets_487_for_any_tie_breaker),
        TRAP(10, indications_are_dropped),
        TRAP(11, what_does_not_authenticate_gets_silence),
        TRAP(11, every_cut_and_every_flipped_bit_gets_silence),
        TRAP(12, one_agent_serves_many_peers),
        TRAP_ROWS(13, checks_up_to_1200_bytes_are_answered),
        TRAP(14, fingerprint_is_required_and_checked),
        TRAP_ROWS(15, any_padding_is_accepted),
        TRAP(16, the_mapped_address_is_the_one_that_the_peer_knows),
        TRAP(18, an_answer_is_no_amplifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
