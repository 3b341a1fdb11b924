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

#endif
