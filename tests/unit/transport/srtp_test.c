// srtp: RFC 3711 and RFC 7714, checked against a second implementation on OpenSSL's AES and HMAC.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "transport/srtp.h"

#include <link.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct profile_row {
    enum srtp_profile profile;
    size_t key_len, salt_len, tag_len;
    size_t rtp_growth, rtcp_growth;
};
static const struct profile_row rows[] = {
    {SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12, 16, 16, 20},
    {SRTP_PROFILE_AEAD_AES_256_GCM, 32, 12, 16, 16, 20},
    {SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80, 16, 14, 10, 10, 14},
};
#define ROWS (sizeof rows / sizeof rows[0])

static struct srtp_keys keys_make(const struct profile_row *row) {
    struct srtp_keys keys = {.profile = row->profile, .len = (uint8_t)(row->key_len + row->salt_len)};
    for (size_t i = 0; i < keys.len; i++) {
        keys.local[i] = (uint8_t)(i * 7 + 1);
        keys.remote[i] = (uint8_t)(i * 5 + 90);
    }
    return keys;
}

struct pair {
    struct srtp_session *a, *b;
};

static struct pair pair_make(const struct profile_row *row) {
    struct srtp_keys keys = keys_make(row), mirrored = keys;
    memcpy(mirrored.local, keys.remote, sizeof keys.remote);
    memcpy(mirrored.remote, keys.local, sizeof keys.local);
    struct pair pair = {srtp_session_create(&keys), srtp_session_create(&mirrored)};
    assert_non_null(pair.a);
    assert_non_null(pair.b);
    return pair;
}

static void pair_free(struct pair pair) {
    srtp_session_destroy(pair.a);
    srtp_session_destroy(pair.b);
}

static size_t rtp_make(uint8_t *p, uint32_t ssrc, uint16_t seq, size_t payload) {
    memset(p, 0, 12);
    p[0] = 0x80;
    p[1] = 96;
    store_be16(p + 2, seq);
    store_be32(p + 4, 1234);
    store_be32(p + 8, ssrc);
    for (size_t i = 0; i < payload; i++)
        p[12 + i] = (uint8_t)(i ^ seq);
    return 12 + payload;
}

static size_t rtcp_make(uint8_t *p, uint32_t ssrc) { // an empty receiver report and a PLI
    static const uint8_t rest[] = {0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9};
    p[0] = 0x80;
    p[1] = 201;
    store_be16(p + 2, 1);
    store_be32(p + 4, ssrc);
    memcpy(p + 8, rest, sizeof rest);
    return 8 + sizeof rest;
}

// ---- The second implementation ----

static void aes_ctr(const uint8_t *key, size_t key_len, const uint8_t iv[16], const uint8_t *in, uint8_t *out,
                    size_t len) {
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    EVP_EncryptInit_ex(ctx, key_len == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, key, iv);
    EVP_EncryptUpdate(ctx, out, &n, in, (int)len);
    EVP_CIPHER_CTX_free(ctx);
}

// RFC 3711, section 4.3.1, with a key derivation rate of zero.
static void derive(const struct profile_row *row, const uint8_t *master, uint8_t label, uint8_t *out,
                   size_t len) {
    static const uint8_t zeros[64];
    uint8_t iv[16] = {0};
    memcpy(iv, master + row->key_len, row->salt_len);
    iv[7] ^= label;
    aes_ctr(master, row->key_len, iv, zeros, out, len);
}

static size_t reference_gcm(const struct profile_row *row, const uint8_t *master, uint8_t *p, size_t len) {
    uint8_t key[32], salt[12], iv[12] = {0};
    derive(row, master, 0, key, row->key_len);
    derive(row, master, 2, salt, 12);
    memcpy(iv + 2, p + 8, 4);  // SSRC; the roll-over counter is zero
    memcpy(iv + 10, p + 2, 2); // RFC 7714, section 8.1
    for (int i = 0; i < 12; i++)
        iv[i] ^= salt[i];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    EVP_EncryptInit_ex(ctx, row->key_len == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, key, iv);
    EVP_EncryptUpdate(ctx, NULL, &n, p, 12);
    EVP_EncryptUpdate(ctx, p + 12, &n, p + 12, (int)len - 12);
    EVP_EncryptFinal_ex(ctx, p + len, &n);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, p + len);
    EVP_CIPHER_CTX_free(ctx);
    return len + 16;
}

static size_t reference_cm(const struct profile_row *row, const uint8_t *master, uint8_t *p, size_t len) {
    uint8_t key[16], auth[20], iv[16] = {0}, mac[20];
    derive(row, master, 0, key, sizeof key);
    derive(row, master, 1, auth, sizeof auth);
    derive(row, master, 2, iv, 14);
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= p[8 + i]; // RFC 3711, section 4.1.1
    iv[12] ^= p[2];
    iv[13] ^= p[3];
    aes_ctr(key, 16, iv, p + 12, p + 12, len - 12);
    memset(p + len, 0, 4); // the roll-over counter is authenticated behind the packet
    HMAC(EVP_sha1(), auth, sizeof auth, p, len + 4, mac, NULL);
    memcpy(p + len, mac, 10);
    return len + 10;
}

static void test_agrees_with_second_implementation(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        struct srtp_keys keys = keys_make(&rows[i]);
        uint8_t ours[256], theirs[256];
        size_t len = rtp_make(ours, 0xcafebabe, 0x1234, 100);
        memcpy(theirs, ours, len);
        size_t expected = rows[i].salt_len == 12 ? reference_gcm(&rows[i], keys.local, theirs, len)
                                                 : reference_cm(&rows[i], keys.local, theirs, len);
        assert_int_equal(srtp_session_protect_rtp(pair.a, ours, &len, load_be16(ours + 2)), ERR_OK);
        assert_int_equal(len, expected);
        assert_memory_equal(ours, theirs, expected);
        pair_free(pair);
    }
}

// ---- Behaviour ----

static void test_round_trip_and_growth(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        for (size_t payload = 0; payload <= 1200; payload += 100) {
            uint8_t packet[1500], plain[1500];
            size_t len = rtp_make(packet, 7, (uint16_t)payload, payload), plain_len = len;
            memcpy(plain, packet, len);
            assert_int_equal(srtp_session_protect_rtp(pair.a, packet, &len, load_be16(packet + 2)), ERR_OK);
            assert_int_equal(len, plain_len + rows[i].rtp_growth);
            assert_true(rows[i].rtp_growth <= SRTP_TRAILER_MAX);
            assert_int_equal(srtp_session_unprotect_rtp(pair.b, packet, &len), ERR_OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(packet, plain, len);

            len = plain_len = rtcp_make(packet, 7);
            memcpy(plain, packet, len);
            assert_int_equal(srtp_session_protect_rtcp(pair.b, packet, &len), ERR_OK);
            assert_int_equal(len, plain_len + rows[i].rtcp_growth);
            assert_true(rows[i].rtcp_growth <= SRTCP_TRAILER_MAX);
            assert_int_equal(srtp_session_unprotect_rtcp(pair.a, packet, &len), ERR_OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(packet, plain, len);
        }
        pair_free(pair);
    }
}

static enum err deliver(struct srtp_session *to, const uint8_t *packet, size_t len) {
    uint8_t copy[1600];
    memcpy(copy, packet, len);
    return srtp_session_unprotect_rtp(to, copy, &len);
}

static size_t sealed(struct srtp_session *from, uint8_t *p, uint32_t ssrc, uint64_t index) {
    size_t len = rtp_make(p, ssrc, (uint16_t)index, 50);
    assert_int_equal(srtp_session_protect_rtp(from, p, &len, index), ERR_OK);
    return len;
}

static enum err sealed_again(struct srtp_session *from, uint32_t ssrc, uint64_t index) {
    uint8_t p[256];
    size_t len = rtp_make(p, ssrc, (uint16_t)index, 50);
    return srtp_session_protect_rtp(from, p, &len, index);
}

static void test_forged_then_genuine(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        uint8_t packet[256], forged[256];
        size_t len = sealed(pair.a, packet, 7, 1000);
        for (size_t at = 0; at < len; at++) { // every byte counts, also before the stream is known
            memcpy(forged, packet, len);
            forged[at] ^= 0x40;
            enum err err = deliver(pair.b, forged, len);
            if (err != ERR_AUTH && err != ERR_MALFORMED)
                fail_msg("byte %zu: expected a refusal, got %s", at, err_name(err));
        }
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
        // A jump of the sequence number far ahead must not move the window.
        for (unsigned jump = 1; jump < 65536; jump += 1111) {
            memcpy(forged, packet, len);
            store_be16(forged + 2, (uint16_t)(1000 + jump));
            enum err err = deliver(pair.b, forged, len);
            if (err != ERR_AUTH && err != ERR_EXISTS)
                fail_msg("jump %u: expected a refusal, got %s", jump, err_name(err));
        }
        len = sealed(pair.a, packet, 7, 1001);
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
        pair_free(pair);
    }
}

static void test_replay_and_window(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        uint8_t early[256], last_in_window[256], packet[256];
        size_t len = sealed(pair.a, early, 7, 100);
        sealed(pair.a, last_in_window, 7, 200);
        assert_int_equal(deliver(pair.b, early, len), ERR_OK);
        assert_int_equal(deliver(pair.b, early, len), ERR_EXISTS);
        for (uint16_t seq = 201; seq < 200 + SRTP_REPLAY_WINDOW; seq++) {
            sealed(pair.a, packet, 7, seq);
            assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
        }
        assert_int_equal(deliver(pair.b, last_in_window, len), ERR_OK);
        assert_int_equal(deliver(pair.b, last_in_window, len), ERR_EXISTS);
        assert_int_equal(deliver(pair.b, early, len), ERR_EXISTS); // too old
        // What was protected is not protected again, whoever does it.
        sealed(pair.a, packet, 7, 1230);
        assert_int_equal(sealed_again(pair.a, 7, 1230), ERR_EXISTS);
        assert_int_equal(sealed_again(pair.a, 7, 1220), ERR_EXISTS);
        assert_int_equal(sealed_again(pair.a, 7, 100), ERR_EXISTS); // too old to tell
        pair_free(pair);
    }
}

static void test_sequence_wraps(void **state) {
    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        uint8_t packet[256];
        for (uint32_t n = 0; n < 3 * 65536; n += 1000) {
            size_t len = sealed(pair.a, packet, 7, 65000 + n);
            if (deliver(pair.b, packet, len) != ERR_OK)
                fail_msg("packet %u after the start: expected ERR_OK", n);
        }
        pair_free(pair);
    }
}

static void test_forget(void **state) {
    (void)state;
    struct pair pair = pair_make(&rows[0]);
    uint8_t packet[256];
    size_t len = sealed(pair.a, packet, 0x01020304, 5);
    assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
    assert_int_equal(deliver(pair.b, packet, len), ERR_EXISTS);
    srtp_session_forget(pair.b, 0x01020305); // another one: nothing changes
    srtp_session_forget_sent(pair.b, 0x01020304);
    assert_int_equal(deliver(pair.b, packet, len), ERR_EXISTS);
    srtp_session_forget(pair.b, 0x01020304); // and with it goes what was known of its packets
    assert_int_equal(deliver(pair.b, packet, len), ERR_OK);

    // Forgetting what was received leaves the sending stream of the same SSRC alone: its counter goes on.
    for (unsigned n = 0; n < 70000; n += 1000)
        len = sealed(pair.a, packet, 9, n);
    srtp_session_forget(pair.a, 9);
    assert_int_equal(sealed_again(pair.a, 9, 69000), ERR_EXISTS);
    srtp_session_forget_sent(pair.a, 9); // starts anew, which nobody may make use of
    assert_int_equal(sealed_again(pair.a, 9, 5), ERR_OK);
    pair_free(pair);
}

static void test_inbound_streams_are_bounded(void **state) {
    (void)state;
    struct pair pair = pair_make(&rows[0]);
    uint8_t first[256], kept[256], packet[256];
    size_t len = sealed(pair.a, first, 1, 1);
    sealed(pair.a, kept, 2, 1);
    assert_int_equal(deliver(pair.b, first, len), ERR_OK);
    assert_int_equal(deliver(pair.b, kept, len), ERR_OK);
    for (uint32_t ssrc = 100; ssrc < 100 + SRTP_INBOUND_MAX; ssrc++) {
        sealed(pair.a, packet, ssrc, 1);
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
        sealed(pair.a, packet, 2, (uint16_t)(ssrc - 90)); // 2 keeps talking
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
    }
    assert_int_equal(deliver(pair.b, kept, len), ERR_EXISTS);
    assert_int_equal(deliver(pair.b, first, len), ERR_OK); // forgotten: the longest silent
    pair_free(pair);
}

// Reports of ever new SSRCs count as well.
static void test_inbound_streams_of_rtcp_are_bounded(void **state) {
    (void)state;
    struct pair pair = pair_make(&rows[0]);
    uint8_t first[256], kept[256], packet[256];
    size_t len = sealed(pair.a, kept, 2, 1);
    sealed(pair.a, first, 1, 1);
    assert_int_equal(deliver(pair.b, kept, len), ERR_OK);
    assert_int_equal(deliver(pair.b, first, len), ERR_OK);
    assert_int_equal(deliver(pair.b, first, len), ERR_EXISTS);
    for (uint32_t ssrc = 100; ssrc < 100 + SRTP_INBOUND_MAX; ssrc++) {
        size_t report = rtcp_make(packet, ssrc);
        assert_int_equal(srtp_session_protect_rtcp(pair.a, packet, &report), ERR_OK);
        assert_int_equal(srtp_session_unprotect_rtcp(pair.b, packet, &report), ERR_OK);
        sealed(pair.a, packet, 2, (uint16_t)(ssrc - 90)); // 2 keeps talking
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
    }
    assert_int_equal(deliver(pair.b, kept, len), ERR_EXISTS);
    assert_int_equal(deliver(pair.b, first, len), ERR_OK); // forgotten: the longest silent
    pair_free(pair);
}

static void test_a_trusted_peer_may_send_many_streams(void **state) {
    (void)state;
    struct pair pair = pair_make(&rows[0]);
    uint8_t first[256], packet[256];
    srtp_session_allow_many(pair.b);
    size_t len = sealed(pair.a, first, 1, 1);
    assert_int_equal(deliver(pair.b, first, len), ERR_OK);
    for (uint32_t ssrc = 100; ssrc < 100 + 4 * SRTP_INBOUND_MAX; ssrc++) {
        sealed(pair.a, packet, ssrc, 1);
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
    }
    assert_int_equal(deliver(pair.b, first, len), ERR_EXISTS); // not forgotten
    pair_free(pair);
}

// A buffer that ends at an unreadable page, because libsrtp2 itself is not instrumented.
struct guarded {
    uint8_t *page;
    size_t size;
};

static struct guarded guarded_make(void) {
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
    return (struct guarded){page, size};
}

static void short_length_try(struct srtp_session *to, struct guarded g, size_t len, uint8_t first, int fill,
                             bool rtcp) {
    uint8_t *p = g.page + g.size - len;
    memset(p, fill, len);
    if (len)
        p[0] = first;
    if (len > 1)
        p[1] = rtcp ? 200 : 96;
    size_t n = len;
    enum err err = rtcp ? srtp_session_unprotect_rtcp(to, p, &n) : srtp_session_unprotect_rtp(to, p, &n);
    if (err == ERR_OK)
        fail_msg("%zu bytes from %02x: expected a refusal", len, first);
    assert_int_equal(n, len);
}

static void test_every_short_length(void **state) {
    (void)state;
    struct guarded g = guarded_make();
    static const uint8_t firsts[] = {0x80, 0x8f, 0x90, 0x9f, 0xbf, 0x00, 0xff}; // CSRCs, extension, padding
    for (size_t i = 0; i < ROWS; i++) {
        struct pair pair = pair_make(&rows[i]);
        for (size_t f = 0; f < sizeof firsts; f++)
            for (size_t len = 0; len <= 64; len++)
                for (int fill = 0; fill <= 0xff; fill += 0x55) {
                    short_length_try(pair.b, g, len, firsts[f], fill, false);
                    short_length_try(pair.b, g, len, firsts[f], fill, true);
                }
        uint8_t packet[256];
        size_t len = rtp_make(packet, 7, 1, 40);
        assert_int_equal(srtp_session_protect_rtp(pair.a, packet, &len, load_be16(packet + 2)), ERR_OK);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *p = g.page + g.size - cut;
            memcpy(p, packet, cut);
            size_t n = cut;
            assert_int_not_equal(srtp_session_unprotect_rtp(pair.b, p, &n), ERR_OK);
        }
        assert_int_equal(deliver(pair.b, packet, len), ERR_OK);
        pair_free(pair);
    }
    munmap(g.page, 2 * g.size);
}

static void test_protect_refuses_what_is_no_packet(void **state) {
    (void)state;
    struct pair pair = pair_make(&rows[0]);
    uint8_t packet[256] = {0};
    for (size_t len = 0; len < 12; len++) {
        size_t n = len;
        assert_int_equal(srtp_session_protect_rtp(pair.a, packet, &n, load_be16(packet + 2)), ERR_MALFORMED);
    }
    for (size_t len = 0; len < 8; len++) {
        size_t n = len;
        assert_int_equal(srtp_session_protect_rtcp(pair.a, packet, &n), ERR_MALFORMED);
    }
    size_t n = rtp_make(packet, 1, 1, 0);
    packet[0] = 0x8f; // fifteen CSRCs that are not there
    assert_int_equal(srtp_session_protect_rtp(pair.a, packet, &n, load_be16(packet + 2)), ERR_MALFORMED);
    pair_free(pair);
}

static void test_unusable_keys(void **state) {
    (void)state;
    struct srtp_keys keys = keys_make(&rows[0]);
    keys.profile = SRTP_PROFILE_NONE;
    assert_null(srtp_session_create(&keys));
    keys.profile = (enum srtp_profile)77;
    assert_null(srtp_session_create(&keys));
    keys = keys_make(&rows[0]);
    keys.len = 30;
    assert_null(srtp_session_create(&keys));
    srtp_session_destroy(NULL);
}

static int library_start(void **state) {
    (void)state;
    return srtp_library_start() == ERR_OK ? 0 : -1;
}

static int library_stop(void **state) {
    (void)state;
    srtp_library_stop();
    return 0;
}

static int read_loads(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    *(unsigned long long *)out = info->dlpi_adds;
    return 1;
}

// How many libraries this process has ever loaded, those again that were unloaded meanwhile.
static unsigned long long libraries_loaded(void) {
    unsigned long long loads = 0;
    dl_iterate_phdr(read_loads, &loads);
    return loads;
}

static void test_no_library_is_loaded_for_a_session_while_one_is_held(void **state) {
    (void)state;
    struct srtp_session *held = srtp_library_hold();
    assert_non_null(held);
    for (size_t i = 0; i < ROWS; i++)
        pair_free(pair_make(&rows[i])); // whatever each loads once
    unsigned long long before = libraries_loaded();
    for (size_t i = 0; i < 10 * ROWS; i++)
        pair_free(pair_make(&rows[i % ROWS]));
    assert_int_equal(libraries_loaded(), before);
    srtp_session_destroy(held);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_second_implementation),
        cmocka_unit_test(test_round_trip_and_growth),
        cmocka_unit_test(test_forged_then_genuine),
        cmocka_unit_test(test_replay_and_window),
        cmocka_unit_test(test_sequence_wraps),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_inbound_streams_are_bounded),
        cmocka_unit_test(test_inbound_streams_of_rtcp_are_bounded),
        cmocka_unit_test(test_a_trusted_peer_may_send_many_streams),
        cmocka_unit_test(test_every_short_length),
        cmocka_unit_test(test_protect_refuses_what_is_no_packet),
        cmocka_unit_test(test_unusable_keys),
        cmocka_unit_test(test_no_library_is_loaded_for_a_session_while_one_is_held),
    };
    return cmocka_run_group_tests(tests, library_start, library_stop);
}
