// token_kit: keys for tests of tokens.
#ifndef TESTS_TOKEN_KIT_H
#define TESTS_TOKEN_KIT_H

#include "server/access/token_internal.h"

#include <jwt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW 1800000000

static inline void read_keys(struct keys *keys, const char *text) {
    char why[512];
    if (!keys_parse(keys, text, strlen(text), why, sizeof why))
        fail_msg("%s", why);
}

struct pair {
    char private[4096], public[4096];
};

static inline void write_pair(EVP_PKEY *key, struct pair *pair) {
    BIO *out = BIO_new(BIO_s_mem());
    assert_non_null(key);
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    pair->private[BIO_read(out, pair->private, sizeof pair->private - 1)] = '\0';
    PEM_write_bio_PUBKEY(out, key);
    pair->public[BIO_read(out, pair->public, sizeof pair->public - 1)] = '\0';
    BIO_free(out);
    EVP_PKEY_free(key);
}

#endif
