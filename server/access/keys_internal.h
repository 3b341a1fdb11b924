// keys_internal: how the forms of a file of keys become keys; for server/access/ alone.
#ifndef SERVER_KEYS_INTERNAL_H
#define SERVER_KEYS_INTERNAL_H

#include "server/access/keys.h"

#include <openssl/types.h>

#define KEY_RSA_BITS_MIN 2048  // RFC 7518, section 3.3
#define KEY_RSA_BITS_MAX 16384 // as OpenSSL verifies with
#define KEY_RSA_EXPONENT_BITS_MAX 64
#define TOKEN_KEYS_WHY_MAX 512

struct keys_reader {
    struct keys *keys;
    char *error; // what is wrong with the file, as the end of a sentence
    size_t cap;
};

// Says what is wrong and returns false.
bool keys_refuse(struct keys_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool keys_add(struct keys_reader *r, const char *id, enum key_kind kind, const void *bytes, size_t len);
bool keys_add_public(struct keys_reader *r, const char *id, EVP_PKEY *key);
// Base64url without padding (RFC 7515, section 2), strict. Bytes of `out`; -1: it is not that, or longer than
// cap.
int keys_base64url(const char *text, unsigned char *out, size_t cap);
// keys_set.c: a JSON Web Key Set.
bool keys_read_set(struct keys_reader *r, const char *text, size_t len);

#endif
