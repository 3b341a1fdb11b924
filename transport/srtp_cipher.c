#include "transport/srtp_cipher.h"

#include "transport/srtp_cipher_types.h"

#include <stddef.h>

// libsrtp2 runs these whenever the types are given to it, and those of the ciphers that they replace. From
// the GCM specification (McGrew and Viega), test cases 4 and 16.
static const uint8_t test_key[32 + GCM_SALT_BYTES] = {
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
};
static uint8_t test_iv[GCM_IV_BYTES] = {0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce,
                                        0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88}; // libsrtp2 takes no const one
static const uint8_t test_plain[60] = {
    0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26,
    0x9a, 0x86, 0xa7, 0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31,
    0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49,
    0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39,
};
static const uint8_t test_aad[20] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed,
                                     0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
static const uint8_t test_sealed_128[60 + GCM_TAG_BYTES] = {
    0x42, 0x83, 0x1e, 0xc2, 0x21, 0x77, 0x74, 0x24, 0x4b, 0x72, 0x21, 0xb7, 0x84, 0xd0, 0xd4, 0x9c,
    0xe3, 0xaa, 0x21, 0x2f, 0x2c, 0x02, 0xa4, 0xe0, 0x35, 0xc1, 0x7e, 0x23, 0x29, 0xac, 0xa1, 0x2e,
    0x21, 0xd5, 0x14, 0xb2, 0x54, 0x66, 0x93, 0x1c, 0x7d, 0x8f, 0x6a, 0x5a, 0xac, 0x84, 0xaa, 0x05,
    0x1b, 0xa3, 0x0b, 0x39, 0x6a, 0x0a, 0xac, 0x97, 0x3d, 0x58, 0xe0, 0x91, // tag:
    0x5b, 0xc9, 0x4f, 0xbc, 0x32, 0x21, 0xa5, 0xdb, 0x94, 0xfa, 0xe9, 0x5a, 0xe7, 0x12, 0x1a, 0x47,
};
static const uint8_t test_sealed_256[60 + GCM_TAG_BYTES] = {
    0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d,
    0x64, 0x3a, 0x8c, 0xdc, 0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa,
    0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d, 0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38,
    0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62, // tag:
    0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b,
};

#define TEST_CASE(bits)                                                                                      \
    {                                                                                                        \
        .key_length_octets = (bits) / 8 + GCM_SALT_BYTES,                                                    \
        .key = test_key,                                                                                     \
        .idx = test_iv,                                                                                      \
        .plaintext_length_octets = sizeof test_plain,                                                        \
        .plaintext = test_plain,                                                                             \
        .ciphertext_length_octets = sizeof test_sealed_##bits,                                               \
        .ciphertext = test_sealed_##bits,                                                                    \
        .aad_length_octets = sizeof test_aad,                                                                \
        .aad = test_aad,                                                                                     \
        .tag_length_octets = GCM_TAG_BYTES,                                                                  \
    }
const srtp_cipher_test_case_t srtp_cipher_test_128 = TEST_CASE(128);
const srtp_cipher_test_case_t srtp_cipher_test_256 = TEST_CASE(256);

const char *srtp_cipher_name(enum srtp_cipher cipher) {
    switch (cipher) {
    case SRTP_CIPHER_OPENSSL:
        return "OpenSSL";
    case SRTP_CIPHER_IPSEC_MB:
        return "libipsec-mb";
    case SRTP_CIPHER_STOCK:
    case SRTP_CIPHER_COUNT:
        break;
    }
    return "libsrtp2";
}

bool srtp_cipher_available(enum srtp_cipher cipher) {
    switch (cipher) {
    case SRTP_CIPHER_STOCK:
    case SRTP_CIPHER_OPENSSL:
        return true;
    case SRTP_CIPHER_IPSEC_MB:
#if ROTUNDA_IPSEC_MB
        return srtp_cipher_ipsec_mb_start();
#endif
    case SRTP_CIPHER_COUNT:
        break;
    }
    return false;
}

enum srtp_cipher srtp_cipher_best(void) {
    return srtp_cipher_available(SRTP_CIPHER_IPSEC_MB) ? SRTP_CIPHER_IPSEC_MB : SRTP_CIPHER_OPENSSL;
}

// libsrtp2's table of ciphers cannot be read, and is one a process: this is what we put there. Written before
// the first session, as that is.
static const srtp_cipher_type_t *in_use_128, *in_use_256;

const srtp_cipher_type_t *srtp_cipher_in_use(unsigned bits) {
    return bits == 128 ? in_use_128 : in_use_256;
}

static enum err replace(const srtp_cipher_type_t *aes_128, const srtp_cipher_type_t *aes_256) {
    bool ok = srtp_replace_cipher_type(aes_128, SRTP_AES_GCM_128) == srtp_err_status_ok &&
              srtp_replace_cipher_type(aes_256, SRTP_AES_GCM_256) == srtp_err_status_ok;
    in_use_128 = ok ? aes_128 : NULL;
    in_use_256 = ok ? aes_256 : NULL;
    return ok ? ERR_OK : ERR_UNSUPPORTED;
}

enum err srtp_cipher_use(enum srtp_cipher cipher) {
    if (!srtp_cipher_available(cipher))
        return ERR_UNSUPPORTED;
    switch (cipher) {
    case SRTP_CIPHER_OPENSSL:
        return replace(&srtp_cipher_openssl_128, &srtp_cipher_openssl_256);
    case SRTP_CIPHER_IPSEC_MB:
#if ROTUNDA_IPSEC_MB
        return replace(&srtp_cipher_ipsec_mb_128, &srtp_cipher_ipsec_mb_256);
#endif
    case SRTP_CIPHER_STOCK:
    case SRTP_CIPHER_COUNT:
        break;
    }
    in_use_128 = in_use_256 = NULL;
    return ERR_OK;
}
