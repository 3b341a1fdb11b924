// srtp_cipher_types: the ciphers behind srtp_cipher.h, as libsrtp2 wants them described. Only srtp_cipher*.c
// include this. All of them carry the same test data (srtp_cipher.c).
#ifndef TRANSPORT_SRTP_CIPHER_TYPES_H
#define TRANSPORT_SRTP_CIPHER_TYPES_H

#include <stdbool.h>
#include <srtp2/cipher.h>

#ifndef ROTUNDA_IPSEC_MB
#define ROTUNDA_IPSEC_MB 0 // the library or its header is not there
#endif

#define GCM_SALT_BYTES 12 // libsrtp2 counts it in the length of a key, and passes it behind the key
#define GCM_TAG_BYTES 16
#define GCM_TAG_SHORT_BYTES 8 // no profile of ours has it, but libsrtp2's own test data does
#define GCM_IV_BYTES 12

extern const srtp_cipher_test_case_t srtp_cipher_test_128, srtp_cipher_test_256;

extern const srtp_cipher_type_t srtp_cipher_openssl_128, srtp_cipher_openssl_256;

#if ROTUNDA_IPSEC_MB
extern const srtp_cipher_type_t srtp_cipher_ipsec_mb_128, srtp_cipher_ipsec_mb_256;
// Detects the CPU; what it finds is kept for the life of the process. False: not for this CPU.
bool srtp_cipher_ipsec_mb_start(void);
#endif

// What srtp_cipher_use chose for AES-GCM with keys of so many bits; NULL: libsrtp2's own.
const srtp_cipher_type_t *srtp_cipher_in_use(unsigned bits);

// 0: not a length of a GCM key with its salt.
static inline int gcm_key_bytes(int len) {
    return len == 16 + GCM_SALT_BYTES || len == 32 + GCM_SALT_BYTES ? len - GCM_SALT_BYTES : 0;
}

// Whether libsrtp2 asks for a cipher that there is.
static inline bool gcm_lengths_fit(int key_len, int tag_len) {
    return gcm_key_bytes(key_len) > 0 && (tag_len == GCM_TAG_BYTES || tag_len == GCM_TAG_SHORT_BYTES);
}

// The head that libsrtp2 sees of a cipher with `state`; `key_len` fits.
static inline srtp_cipher_t gcm_head(void *state, int key_len, const srtp_cipher_type_t *type_128,
                                     const srtp_cipher_type_t *type_256) {
    bool short_key = gcm_key_bytes(key_len) == 16;
    return (srtp_cipher_t){.state = state,
                           .key_len = key_len,
                           .type = short_key ? type_128 : type_256,
                           .algorithm = short_key ? SRTP_AES_GCM_128 : SRTP_AES_GCM_256};
}

// The type of a file that has the functions named here.
#define GCM_TYPE(bits, library)                                                                              \
    {                                                                                                        \
        .alloc = gcm_alloc,                                                                                  \
        .dealloc = gcm_dealloc,                                                                              \
        .init = gcm_init,                                                                                    \
        .set_aad = gcm_set_aad,                                                                              \
        .encrypt = gcm_encrypt,                                                                              \
        .decrypt = gcm_decrypt,                                                                              \
        .set_iv = gcm_set_iv,                                                                                \
        .get_tag = gcm_get_tag,                                                                              \
        .description = "AES-" #bits " GCM using " library,                                                   \
        .test_data = &srtp_cipher_test_##bits,                                                               \
        .id = SRTP_AES_GCM_##bits,                                                                           \
    }

#endif
