// dtls against forged, fragmented and flooding datagrams: nothing that is not authentic ends a handshake or
// makes us grow.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "dtls_harness.h"

static BIO_METHOD *method;
static struct dtls_context *context;

#define PROFILES "SRTP_AEAD_AES_128_GCM"

struct scene {
    struct foreign client;
    struct dtls *server;
    struct link to_server, to_client;
};

static int scene_open(void **state) {
    struct scene *s = calloc(1, sizeof *s);
    *state = s;
    if (!s)
        return -1;
    s->to_server.seed = s->to_client.seed = 3;
    foreign_open(&s->client, &(struct foreign_config){.profiles = PROFILES, .big_hello = true}, &s->to_server,
                 method);
    s->server = dtls_create(context, &(struct dtls_output){.ctx = &s->to_client, .send = link_send});
    return s->server ? 0 : -1;
}

static int scene_close(void **state) {
    struct scene *s = *state;
    foreign_close(&s->client);
    dtls_destroy(s->server);
    link_clear(&s->to_server);
    link_clear(&s->to_client);
    free(s);
    return 0;
}

static void scene_connect(struct scene *s) {
    struct fingerprint f = fingerprint_of(s->client.x509, FINGERPRINT_SHA256);
    assert_int_equal(dtls_connect(s->server, DTLS_ROLE_CLIENT, &f), ERR_OK);
}

static bool give(struct scene *s, const void *bytes, size_t len) {
    return dtls_input(s->server, span_of(bytes, len), virtual_now_us);
}

typedef void intruder(struct scene *s);

// Runs the handshake with `intrude` before and behind every datagram to the server.
static void scene_run(struct scene *s, intruder *intrude, unsigned ms) {
    SSL_do_handshake(s->client.ssl);
    for (unsigned i = 0; i < ms && dtls_get_state(s->server) != DTLS_FAILED; i++) {
        struct link_item *item;
        virtual_now_us += US_PER_MS;
        while ((item = link_take(&s->to_server))) {
            if (intrude)
                intrude(s);
            give(s, item->bytes, item->len);
            if (intrude)
                intrude(s);
            free(item);
        }
        while ((item = link_take(&s->to_client))) {
            foreign_input(&s->client, span_of(item->bytes, item->len));
            free(item);
        }
        DTLSv1_handle_timeout(s->client.ssl);
        dtls_advance(s->server, virtual_now_us);
        ERR_clear_error();
    }
}

static void expect_connected(struct scene *s) {
    if (dtls_get_state(s->server) != DTLS_CONNECTED)
        fail_msg("expected DTLS_CONNECTED, got %d (%s)", dtls_get_state(s->server), dtls_failure(s->server));
    assert_int_equal(SSL_is_init_finished(s->client.ssl), 1);
}

// A record of one handshake message, or of anything else.
static size_t record_make(uint8_t *out, uint8_t content, uint16_t epoch, uint64_t seq, const uint8_t *body,
                          size_t len) {
    struct writer w = writer_of(out, 1600);
    write_u8(&w, content);
    write_u16(&w, 0xfefd);
    write_u16(&w, epoch);
    write_u16(&w, (uint16_t)(seq >> 32));
    write_u32(&w, (uint32_t)seq);
    write_u16(&w, (uint16_t)len);
    write_span(&w, span_of(body, len));
    return w.len;
}

static void intrude_with_forgeries(struct scene *s) {
    static const struct {
        uint8_t content;
        uint16_t epoch;
        uint8_t body[32];
        size_t len;
    } rows[] = {
        {21, 0, {2, 40}, 2}, // fatal: handshake failure
        {21, 0, {1, 0}, 2},  // close_notify
        {21, 0, {2}, 1},     // half an alert
        {21, 1, {2, 40}, 2}, // not encrypted at all
        {21,
         1,
         {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26},
         26},
        {20, 0, {1}, 1},                                          // ChangeCipherSpec too early
        {20, 0, {7}, 1},                                          // a wrong one
        {23, 0, {'h', 'i'}, 2},                                   // application data in the clear
        {22, 0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 12},        // HelloRequest
        {22, 0, {2, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 9, 9}, 14},  // ServerHello to a server
        {22, 0, {14, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, 12},       // ServerHelloDone to a server
        {22, 0, {20, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 2, 1, 1}, 14}, // Finished in the clear
        {22, 0, {11, 0, 0, 2, 0, 1, 0, 0, 9, 0, 0, 2, 1, 1}, 14}, // a fragment behind its end
        {22, 0, {11, 0, 0, 2, 0}, 5},                             // half a header
        {22, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}, 24},
        {22, 2, {1}, 1},
    };
    uint8_t out[1600];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        // record numbers far ahead would shut a replay window that believes them
        size_t len = record_make(out, rows[i].content, rows[i].epoch, UINT64_C(0xfffffffffff0) + i,
                                 rows[i].body, rows[i].len);
        give(s, out, len);
        for (size_t cut = 0; cut < len; cut += 5)
            give(s, out, cut);
    }
}

static void intrude_with_noise(struct scene *s) {
    static uint32_t seed = 77;
    uint8_t out[300];
    for (int n = 0; n < 50; n++) {
        for (size_t i = 0; i < sizeof out; i++)
            out[i] = (uint8_t)dice(&seed);
        out[0] = (uint8_t)(20 + n % 44);
        if (n % 2)
            memcpy(out + 1, "\xfe\xfd\0\0\0\0\0\0\0\0\1\0", 12); // a header that holds, noise within
        give(s, out, sizeof out);
    }
}

// An old ClientHello message again with a number that a replay window has not seen.
static void intrude_with_old_hello(struct scene *s) {
    uint8_t out[1600], body[60] = {1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48, 0xfe, 0xfd};
    if (!dtls_get_state(s->server))
        return; // behind the genuine one only: the first ClientHello is the one that counts
    give(s, out, record_make(out, 22, 0, UINT64_C(0x8000000000), body, sizeof body));
}

static void test_forgeries_do_not_end_a_handshake(void **state) {
    struct scene *s = *state;
    scene_connect(s);
    scene_run(s, intrude_with_forgeries, 500);
    expect_connected(s);
    for (int i = 0; i < 20; i++)
        intrude_with_forgeries(s);
    expect_connected(s);
}

static void test_noise_does_not_end_a_handshake(void **state) {
    struct scene *s = *state;
    scene_connect(s);
    scene_run(s, intrude_with_noise, 500);
    expect_connected(s);
}

static void test_old_hello_does_not_end_a_handshake(void **state) {
    struct scene *s = *state;
    scene_connect(s);
    scene_run(s, NULL, 2);
    scene_run(s, intrude_with_old_hello, 500);
    expect_connected(s);
}

// A hello that OpenSSL refuses: no cipher of ours in it.
static size_t bad_hello(uint8_t out[1600]) {
    uint8_t body[12 + 2 + 32 + 1 + 1 + 4 + 2] = {1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, 0xfe, 0xfd};
    memcpy(body + 12 + 2 + 32 + 2, "\0\2\0\5\1\0", 6);
    return record_make(out, 22, 0, 0, body, sizeof body);
}

static void test_refused_hello_is_forgotten(void **state) {
    struct scene *s = *state;
    uint8_t out[1600];
    size_t len = bad_hello(out);
    give(s, out, len);
    assert_int_equal(dtls_get_state(s->server), DTLS_CONNECTING);
    assert_int_equal(s->to_client.sent, 0); // no alert that could reach the genuine peer
    scene_connect(s);
    scene_run(s, NULL, 500);
    expect_connected(s);
}

static void test_refused_hellos_come_to_an_end(void **state) {
    struct scene *s = *state;
    uint8_t out[1600];
    size_t len = bad_hello(out);
    for (int i = 0; i < DTLS_REFUSED_MAX; i++) {
        give(s, out, len);
        assert_int_equal(dtls_get_state(s->server), DTLS_CONNECTING);
    }
    give(s, out, len);
    assert_int_equal(dtls_get_state(s->server), DTLS_FAILED);
    assert_int_equal(s->to_client.sent, 1); // now the alert
    assert_int_equal(s->to_client.items[0]->bytes[0], 21);
    assert_true(strlen(dtls_failure(s->server)) > 0);
    assert_false(give(s, out, len));
    assert_true(dtls_next_us(s->server) == TIME_NEVER);
}

// ---- Fragments ----

// The client's first flight as one ClientHello message with its header.
static size_t hello_assemble(struct scene *s, uint8_t message[4096]) {
    SSL_do_handshake(s->client.ssl);
    ERR_clear_error();
    assert_true(s->to_server.count >= 2); // longer than a datagram
    size_t total = 0;
    for (unsigned i = 0; i < s->to_server.count; i++) {
        const uint8_t *body = s->to_server.items[i]->bytes + 13;
        total = load_be24(body + 1);
        memcpy(message, body, 12);
        memcpy(message + 12 + load_be24(body + 6), body + 12, load_be24(body + 9));
    }
    link_clear(&s->to_server);
    return total;
}

static void fragment_give(struct scene *s, const uint8_t *message, size_t at, size_t len, uint64_t seq) {
    uint8_t body[1400], out[1600];
    memcpy(body, message, 12);
    store_be24(body + 6, (uint32_t)at);
    store_be24(body + 9, (uint32_t)len);
    memcpy(body + 12, message + 12 + at, len);
    give(s, out, record_make(out, 22, 0, seq, body, 12 + len));
}

static void test_fragmented_hello(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t size;
        bool backwards, twice, overlapping;
    } rows[] = {
        {"in order", 1000, false, false, false},  {"small", 50, false, false, false},
        {"backwards", 400, true, false, false},   {"small and backwards", 37, true, false, false},
        {"each twice", 300, false, true, false},  {"twice, backwards", 300, true, true, false},
        {"overlapping", 300, false, false, true}, {"overlapping, backwards", 300, true, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s;
        uint8_t message[4096];
        assert_int_equal(scene_open((void **)&s), 0);
        scene_connect(s);
        size_t total = hello_assemble(s, message), count = (total + rows[i].size - 1) / rows[i].size;
        uint64_t seq = 0;
        for (size_t n = 0; n < count; n++) {
            size_t at = (rows[i].backwards ? count - 1 - n : n) * rows[i].size;
            size_t len = rows[i].size + (rows[i].overlapping ? 100 : 0);
            len = len < total - at ? len : total - at;
            assert_int_equal(s->to_client.sent, 0);
            for (int k = 0; k <= rows[i].twice; k++)
                fragment_give(s, message, at, len, seq++);
        }
        if (s->to_client.sent == 0)
            fail_msg("%s: expected an answer as soon as the last of %zu fragments is there", rows[i].name,
                     count);
        scene_run(s, NULL, 500);
        expect_connected(s);
        scene_close((void **)&s);
    }
}

// ---- Floods ----

static void test_floods_do_not_grow(void **state) {
    (void)state;
    struct scene *s;
    assert_int_equal(scene_open((void **)&s), 0);
    uint8_t message[4096], out[1600], body[100] = {0};
    size_t total = hello_assemble(s, message);
    for (int i = 0; i < 100; i++) { // nothing but hellos makes anything at all
        size_t before = openssl_live_bytes;
        give(s, out, record_make(out, 22, 1, (uint64_t)i, body, sizeof body));
        give(s, out, record_make(out, 20, 0, (uint64_t)i, (const uint8_t *)"\1", 1));
        assert_int_equal(openssl_live_bytes, before);
    }
    assert_int_equal(dtls_get_state(s->server), DTLS_NEW);
    size_t empty = openssl_live_bytes, most = 0;
    uint64_t seq = 0;
    for (int round = 0; round < 500; round++) {
        message[26] = (uint8_t)round; // another random each time
        for (size_t at = 0; at < total; at += 1000)
            fragment_give(s, message, at, total - at < 1000 ? total - at : 1000, seq++);
        for (uint16_t n = 1; n < 200; n++) { // fragments of messages to come, and records of the next epoch
            uint8_t part[13] = {11, 0, 0x3f, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 1, 0, 0, 1, 9};
            give(s, out, record_make(out, 22, 0, seq++, part, sizeof part));
            give(s, out, record_make(out, 22, 1, seq++, body, sizeof body));
        }
        if (openssl_live_bytes - empty > most)
            most = openssl_live_bytes - empty;
        if (round == 0)
            assert_int_equal(dtls_get_state(s->server), DTLS_CONNECTING);
    }
    print_message("at most %zu bytes under a flood\n", most);
    assert_true(most < 400000);
    assert_true(s->to_client.sent < 10); // and it is not answered each time
    scene_close((void **)&s);
}

static int group_setup(void **state) {
    (void)state;
    openssl_count();
    method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "test");
    BIO_meth_set_write(method, foreign_write);
    BIO_meth_set_ctrl(method, foreign_ctrl);
    context = dtls_context_create();
    return method && context ? 0 : -1;
}

static int group_teardown(void **state) {
    (void)state;
    dtls_context_destroy(context);
    BIO_meth_free(method);
    return 0;
}

#define IN_SCENE(f) cmocka_unit_test_setup_teardown(f, scene_open, scene_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SCENE(test_forgeries_do_not_end_a_handshake),   IN_SCENE(test_noise_does_not_end_a_handshake),
        IN_SCENE(test_old_hello_does_not_end_a_handshake), IN_SCENE(test_refused_hello_is_forgotten),
        IN_SCENE(test_refused_hellos_come_to_an_end),      cmocka_unit_test(test_fragmented_hello),
        cmocka_unit_test(test_floods_do_not_grow),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
