// Whom a connection is for, by its first bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/transport/ice_bench.h"
#include "transport/tcp_first.h"

#define WORKERS 3

struct framed {
    size_t len;
    uint8_t bytes[STUN_BUILD_MAX + 2];
};

static struct framed frame(const struct stun_build *m) {
    struct framed f = {.len = m->len + 2};
    store_be16(f.bytes, (uint16_t)m->len);
    memcpy(f.bytes + 2, m->bytes, m->len);
    return f;
}

// All of it looked at, and each shorter part says that it wants more, or the same.
static enum tcp_first look(const void *bytes, size_t len, unsigned *number) {
    enum tcp_first whole = tcp_first_look(span_of(bytes, len), WORKERS, number);
    for (size_t n = 0; n < len; n++) {
        uint8_t *copy = malloc(n + !n);
        assert_non_null(copy);
        memcpy(copy, bytes, n);
        unsigned wanted = 0;
        enum tcp_first part = tcp_first_look(span_of(copy, n), WORKERS, &wanted);
        free(copy);
        assert_true(part == TCP_FIRST_MORE || part == whole);
        if (part == TCP_FIRST_MORE)
            assert_true(wanted > n && wanted <= TCP_FIRST_BYTES_MAX);
    }
    return whole;
}

static void a_check_names_its_worker(void **state) {
    struct ice_bench *b = *state;
    static const struct {
        const char *username;
        uint16_t type;
        enum tcp_first first;
        unsigned worker;
    } rows[] = {
        {"00aaaaaaaaaaaaaa:peer", STUN_REQUEST_TYPE, TCP_FIRST_MEDIA, 0},
        {"02aaaaaaaaaaaaaa:peer", STUN_REQUEST_TYPE, TCP_FIRST_MEDIA, 2},
        {"03aaaaaaaaaaaaaa:peer", STUN_REQUEST_TYPE, TCP_FIRST_OTHER, 0}, // there is none
        {"zzaaaaaaaaaaaaaa:peer", STUN_REQUEST_TYPE, TCP_FIRST_OTHER, 0}, // nor
        {"00AAAAAAAAAAAAAA:peer", STUN_REQUEST_TYPE, TCP_FIRST_OTHER, 0}, // not of our making
        {"00a:peer", STUN_REQUEST_TYPE, TCP_FIRST_OTHER, 0},              // nor
        {"00aaaaaaaaaaaaaa", STUN_REQUEST_TYPE, TCP_FIRST_OTHER, 0},      // names nobody
        {"00aaaaaaaaaaaaaa:peer", STUN_INDICATION_TYPE, TCP_FIRST_OTHER, 0},
        {"00aaaaaaaaaaaaaa:peer", STUN_SUCCESS_TYPE, TCP_FIRST_OTHER, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stun_build m;
        check_build(&m, &b->credentials, (struct check){.username = rows[i].username, .type = rows[i].type});
        struct framed f = frame(&m);
        unsigned worker = 99;
        print_message("%s\n", rows[i].username);
        assert_int_equal(look(f.bytes, f.len, &worker), rows[i].first);
        if (rows[i].first == TCP_FIRST_MEDIA)
            assert_int_equal(worker, rows[i].worker);
        f.bytes[f.len++] = 0x16; // what follows does not matter
        assert_int_equal(tcp_first_look(span_of(f.bytes, f.len), WORKERS, &worker), rows[i].first);
    }
}

static void others_are_told_apart_by_one_byte(void **state) {
    (void)state;
    static const char *const others[] = {"GET / HTTP/1.1\r\n", "\x16\x03\x01\x02\x00\x01",
                                         "PROXY TCP4 ",        "\r\n\r\n\0\r\nQUIT\n",
                                         "SSH-2.0-",           "\x80\x2e\x01\x03\x01\x00"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        unsigned number;
        assert_false(tcp_first_is_media((uint8_t)others[i][0]));
        assert_int_equal(look(others[i], 6, &number), TCP_FIRST_OTHER);
    }
}

static void lying_frames_are_somebody_elses(void **state) {
    struct ice_bench *b = *state;
    struct stun_build m;
    check_build(&m, &b->credentials, (struct check){0});
    static const struct {
        const char *what;
        size_t at;
        uint8_t byte;
    } rows[] = {
        {"a frame longer than its message", 1, 0xff},
        {"a longer one", 0, 5},
        {"one beyond the limit", 0, 6},
        {"no request", 2, 1},
        {"another method", 3, 2},
        {"no cookie", 6, 0},
        {"a message longer than its frame", 4, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct framed f = frame(&m);
        f.bytes[rows[i].at] = rows[i].byte;
        unsigned number;
        print_message("%s\n", rows[i].what);
        assert_int_equal(tcp_first_look(span_of(f.bytes, f.len), WORKERS, &number), TCP_FIRST_OTHER);
    }
    static const uint8_t nothing[4], small[] = {0, 19, 0, 1, 0, 0};
    unsigned number;
    assert_int_equal(look(nothing, sizeof nothing, &number), TCP_FIRST_OTHER);
    assert_int_equal(look(small, sizeof small, &number), TCP_FIRST_OTHER);
    assert_int_equal(tcp_first_look((struct span){0}, WORKERS, &number), TCP_FIRST_MORE);
    assert_int_equal(number, 1);
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, ice_bench_start, ice_bench_stop)
    const struct CMUnitTest tests[] = {
        CASE(a_check_names_its_worker),
        CASE(others_are_told_apart_by_one_byte),
        CASE(lying_frames_are_somebody_elses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
