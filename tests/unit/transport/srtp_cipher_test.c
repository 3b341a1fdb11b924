// srtp_cipher: every cipher against the published vectors, against libsrtp2's own, and against each other.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "transport/srtp.h"
#include "transport/srtp_cipher_types.h"
#include "transport/versions.h"

#include <string.h>

static const enum srtp_profile profiles[] = {SRTP_PROFILE_AEAD_AES_128_GCM, SRTP_PROFILE_AEAD_AES_256_GCM};

static struct srtp_keys keys_make(enum srtp_profile profile, uint8_t salt) {
    struct srtp_keys keys = {.profile = profile, .len = profile == SRTP_PROFILE_AEAD_AES_128_GCM ? 28 : 44};
    for (size_t i = 0; i < keys.len; i++) {
        keys.local[i] = (uint8_t)(i * 7 + salt);
        keys.remote[i] = (uint8_t)(i * 5 + 90 + salt);
    }
    return keys;
}

static struct srtp_keys keys_turned(const struct srtp_keys *keys) {
    struct srtp_keys turned = *keys;
    memcpy(turned.local, keys->remote, sizeof turned.local);
    memcpy(turned.remote, keys->local, sizeof turned.remote);
    return turned;
}

// Two sessions of which each has its own cipher.
struct pair {
    struct srtp_session *from, *to;
};

static struct pair pair_open(enum srtp_cipher from, enum srtp_cipher to, enum srtp_profile profile) {
    struct srtp_keys keys = keys_make(profile, 1), turned = keys_turned(&keys);
    struct pair pair;
    assert_int_equal(srtp_library_start_with(from), ERR_OK);
    pair.from = srtp_session_create(&keys);
    srtp_library_stop(); // back to libsrtp2's own; the session keeps what it has
    assert_int_equal(srtp_library_start_with(to), ERR_OK);
    pair.to = srtp_session_create(&turned);
    assert_non_null(pair.from);
    assert_non_null(pair.to);
    return pair;
}

static void pair_close(struct pair *pair) {
    srtp_session_destroy(pair->from);
    srtp_session_destroy(pair->to);
    srtp_library_stop();
}

// ---- vectors

// RFC 7714, section 16.1.1 (and 16.2.1 with the longer key).
static void rfc7714_srtp_vectors(void **state) {
    (void)state;
    static const uint8_t header[12] = {0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41,
                                       0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2};
    static uint8_t iv[12] = {0x51, 0x75, 0x3c, 0x65, 0x80, 0xc2, 0x72, 0x6f, 0x20, 0x71, 0x84, 0x14};
    static const char text[] = "Gallia est omnis divisa in partes tres";
    static const uint8_t sealed[2][38 + 16] = {
        {0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e,
         0x4b, 0xca, 0xbe, 0x63, 0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a,
         0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf, 0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27,
         0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce},
        {0x32, 0xb1, 0xde, 0x78, 0xa8, 0x22, 0xfe, 0x12, 0xef, 0x9f, 0x78, 0xfa, 0x33, 0x2e,
         0x33, 0xaa, 0xb1, 0x80, 0x12, 0x38, 0x9a, 0x58, 0xe2, 0xf3, 0xb5, 0x0b, 0x2a, 0x02,
         0x76, 0xff, 0xae, 0x0f, 0x1b, 0xa6, 0x37, 0x99, 0xb8, 0x7b, 0x7a, 0xa3, 0xdb, 0x36,
         0xdf, 0xff, 0xd6, 0xb0, 0xf9, 0xbb, 0x78, 0x78, 0xd7, 0xa7, 0x6c, 0x13},
    };
    uint8_t key[32 + GCM_SALT_BYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    const srtp_cipher_type_t *types[][2] = {
        {&srtp_cipher_openssl_128, &srtp_cipher_openssl_256},
#if ROTUNDA_IPSEC_MB
        {&srtp_cipher_ipsec_mb_128, &srtp_cipher_ipsec_mb_256},
#endif
    };
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int k = 0; k < 2; k++) {
            const srtp_cipher_type_t *type = types[t][k];
            if (t == 1 && !srtp_cipher_available(SRTP_CIPHER_IPSEC_MB))
                continue;
            print_message("%s\n", type->description);
            srtp_cipher_t *c;
            uint8_t bytes[38 + 16];
            unsigned len = 38, tag_len = 16;
            memcpy(bytes, text, 38);
            assert_int_equal(type->alloc(&c, (k ? 32 : 16) + GCM_SALT_BYTES, 16), 0);
            assert_int_equal(type->init(c->state, key), 0);
            assert_int_equal(type->set_iv(c->state, iv, srtp_direction_encrypt), 0);
            assert_int_equal(type->set_aad(c->state, header, sizeof header), 0);
            assert_int_equal(type->encrypt(c->state, bytes, &len), 0);
            assert_int_equal(type->get_tag(c->state, bytes + len, &tag_len), 0);
            assert_memory_equal(bytes, sealed[k], sizeof bytes);
            len = sizeof bytes;
            assert_int_equal(type->set_iv(c->state, iv, srtp_direction_decrypt), 0);
            assert_int_equal(type->set_aad(c->state, header, sizeof header), 0);
            assert_int_equal(type->decrypt(c->state, bytes, &len), 0);
            assert_int_equal(len, 38);
            assert_memory_equal(bytes, text, 38);
            assert_int_equal(type->dealloc(c), 0);
        }
}

// libsrtp2 tries a replacement against its own vectors, ours, and random ones before it takes it.
static void libsrtp2_takes_each_cipher(void **state) {
    (void)state;
    for (int cipher = 0; cipher < SRTP_CIPHER_COUNT; cipher++) {
        enum err expected = srtp_cipher_available((enum srtp_cipher)cipher) ? ERR_OK : ERR_UNSUPPORTED;
        print_message("%s: expected %s\n", srtp_cipher_name((enum srtp_cipher)cipher), err_name(expected));
        assert_int_equal(srtp_library_start_with((enum srtp_cipher)cipher), expected);
        if (expected == ERR_OK)
            srtp_library_stop();
    }
    assert_int_equal(srtp_library_start(), ERR_OK);
    srtp_library_stop();
}

static void wrong_lengths_are_refused(void **state) {
    (void)state;
    srtp_cipher_t *c = NULL;
    assert_int_equal(srtp_cipher_openssl_128.alloc(&c, 16, 16), srtp_err_status_bad_param);
    assert_int_equal(srtp_cipher_openssl_128.alloc(&c, 28, 12), srtp_err_status_bad_param);
#if ROTUNDA_IPSEC_MB
    assert_int_equal(srtp_cipher_ipsec_mb_128.alloc(&c, 16, 16), srtp_err_status_bad_param);
    assert_int_equal(srtp_cipher_ipsec_mb_128.alloc(&c, 28, 12), srtp_err_status_bad_param);
#endif
    assert_null(c);
}

// ---- against each other

struct packet_row {
    const char *name;
    uint16_t payload, extension_words; // the extension is authenticated, not encrypted
};
static const struct packet_row packet_rows[] = {
    {"no payload", 0, 0},
    {"one byte", 1, 0},
    {"a block", 16, 1},
    {"audio", 80, 3},
    {"video", 1150, 6},
    {"a header longer than its payload", 20, 255},
    {"not a multiple of 16", 1137, 2},
};
#define PACKET_ROWS (sizeof packet_rows / sizeof packet_rows[0])

static size_t packet_make(uint8_t *out, const struct packet_row *row, uint16_t seq) {
    memset(out, 0, 12);
    out[0] = row->extension_words ? 0x90 : 0x80;
    out[1] = 96;
    store_be16(out + 2, seq);
    store_be32(out + 8, 0x11223344);
    size_t len = 12;
    if (row->extension_words) {
        store_be16(out + len, 0xbede);
        store_be16(out + len + 2, row->extension_words);
        memset(out + len + 4, 0, row->extension_words * 4u);
        len += 4 + row->extension_words * 4u;
    }
    for (unsigned i = 0; i < row->payload; i++)
        out[len++] = (uint8_t)(i * 31 + seq);
    return len;
}

static void rtp_crosses(const struct pair *pair, const struct packet_row *row, uint16_t seq) {
    uint8_t plain[2500], packet[2500];
    size_t plain_len = packet_make(plain, row, seq), len = plain_len;
    memcpy(packet, plain, len);
    enum err err = srtp_session_protect_rtp(pair->from, packet, &len, load_be16(packet + 2));
    // libsrtp2 2.5 takes a packet without payload for malformed, in both directions.
    if (row->payload == 0 && err == ERR_MALFORMED)
        return;
    assert_int_equal(err, ERR_OK);
    assert_int_equal(len, plain_len + 16);
    packet[len - 1] ^= 1; // a wrong tag
    uint8_t copy[2500];
    memcpy(copy, packet, len);
    size_t copy_len = len;
    assert_int_equal(srtp_session_unprotect_rtp(pair->to, copy, &copy_len), ERR_AUTH);
    packet[len - 1] ^= 1;
    memcpy(copy, packet, len);
    copy[1] ^= 1; // a header that was tampered with
    copy_len = len;
    assert_int_equal(srtp_session_unprotect_rtp(pair->to, copy, &copy_len), ERR_AUTH);
    assert_int_equal(srtp_session_unprotect_rtp(pair->to, packet, &len), ERR_OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(packet, plain, len);
}

static void rtcp_crosses(const struct pair *pair, uint8_t words) {
    uint8_t plain[1400] = {0x80, 201, 0, words, 0x11, 0x22, 0x33, 0x44}, packet[1500];
    size_t plain_len = (words + 1u) * 4, len = plain_len;
    for (size_t i = 8; i < plain_len; i++)
        plain[i] = (uint8_t)(i * 3);
    memcpy(packet, plain, len);
    assert_int_equal(srtp_session_protect_rtcp(pair->from, packet, &len), ERR_OK);
    assert_int_equal(len, plain_len + 20);
    uint8_t copy[1500];
    memcpy(copy, packet, len);
    copy[len - 3] ^= 1; // the index, which is authenticated as well
    size_t copy_len = len;
    assert_int_equal(srtp_session_unprotect_rtcp(pair->to, copy, &copy_len), ERR_AUTH);
    assert_int_equal(srtp_session_unprotect_rtcp(pair->to, packet, &len), ERR_OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(packet, plain, len);
}

static void what_one_protects_another_unprotects(void **state) {
    (void)state;
    for (int from = 0; from < SRTP_CIPHER_COUNT; from++)
        for (int to = 0; to < SRTP_CIPHER_COUNT; to++)
            for (size_t p = 0; p < 2; p++) {
                if (!srtp_cipher_available((enum srtp_cipher)from) ||
                    !srtp_cipher_available((enum srtp_cipher)to))
                    continue;
                print_message("%s to %s, %d bits\n", srtp_cipher_name((enum srtp_cipher)from),
                              srtp_cipher_name((enum srtp_cipher)to), p ? 256 : 128);
                struct pair pair = pair_open((enum srtp_cipher)from, (enum srtp_cipher)to, profiles[p]);
                for (unsigned r = 0; r < PACKET_ROWS; r++) {
                    print_message("  %s\n", packet_rows[r].name);
                    rtp_crosses(&pair, &packet_rows[r], (uint16_t)(100 + r));
                }
                for (uint8_t words = 1; words < 60; words = (uint8_t)(words * 2 + 1))
                    rtcp_crosses(&pair, words);
                pair_close(&pair);
            }
}

// A server's turn: one packet for many sessions, each with its own key.
static void sessions_do_not_disturb_each_other(void **state) {
    (void)state;
    struct srtp_session *out[8], *in[8];
    assert_int_equal(srtp_library_start(), ERR_OK);
    for (uint8_t i = 0; i < 8; i++) {
        struct srtp_keys keys = keys_make(profiles[i & 1], i), turned = keys_turned(&keys);
        out[i] = srtp_session_create(&keys);
        in[i] = srtp_session_create(&turned);
    }
    for (uint16_t seq = 1; seq < 40; seq++)
        for (int i = 0; i < 8; i++) {
            uint8_t plain[2500], packet[2500];
            size_t plain_len = packet_make(plain, &packet_rows[4], seq), len = plain_len;
            memcpy(packet, plain, len);
            assert_int_equal(srtp_session_protect_rtp(out[i], packet, &len, load_be16(packet + 2)), ERR_OK);
            uint8_t wrong[2500];
            size_t wrong_len = len;
            memcpy(wrong, packet, len);
            assert_int_not_equal(srtp_session_unprotect_rtp(in[(i + 2) % 8], wrong, &wrong_len), ERR_OK);
            assert_int_equal(srtp_session_unprotect_rtp(in[i], packet, &len), ERR_OK);
            assert_memory_equal(packet, plain, plain_len);
        }
    for (int i = 0; i < 8; i++) {
        srtp_session_destroy(out[i]);
        srtp_session_destroy(in[i]);
    }
    srtp_library_stop();
}

// More streams than one libsrtp2 session is given; some end and others begin meanwhile.
static void many_streams_of_one_session(void **state) {
    (void)state;
    struct pair pair = pair_open(srtp_cipher_best(), srtp_cipher_best(), profiles[0]);
    for (uint16_t round = 0; round < 30; round++)
        for (uint32_t ssrc = 0; ssrc < 100; ssrc++) {
            uint8_t plain[2500], packet[2500];
            size_t plain_len = packet_make(plain, &packet_rows[3], (uint16_t)(1 + round)), len = plain_len;
            uint32_t generation = ssrc % 7 == 0 ? round / 10u : 0; // those end and are followed by new ones
            store_be32(plain + 8, 0x1000 + ssrc + generation * 1000);
            memcpy(packet, plain, len);
            assert_int_equal(srtp_session_protect_rtp(pair.from, packet, &len, load_be16(packet + 2)),
                             ERR_OK);
            assert_int_equal(srtp_session_unprotect_rtp(pair.to, packet, &len), ERR_OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(packet, plain, len);
            if (ssrc % 7 == 0 && round % 10 == 9) {
                srtp_session_forget_sent(pair.from, load_be32(plain + 8));
                srtp_session_forget(pair.to, load_be32(plain + 8));
            }
        }
    srtp_session_forget_sent(pair.from, 0xdead); // never sent
    pair_close(&pair);
}

static void the_version_names_the_cipher(void **state) {
    (void)state;
    char versions[256];
    transport_versions(versions, sizeof versions);
    print_message("%s\n", versions);
    assert_non_null(strstr(versions, "AES-GCM by "));
    assert_non_null(strstr(versions, srtp_cipher_name(srtp_cipher_best())));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7714_srtp_vectors),
        cmocka_unit_test(libsrtp2_takes_each_cipher),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(what_one_protects_another_unprotects),
        cmocka_unit_test(sessions_do_not_disturb_each_other),
        cmocka_unit_test(many_streams_of_one_session),
        cmocka_unit_test(the_version_names_the_cipher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
