#include "server/doctor/doctor_certificate.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CERTIFICATES_MAX 16 // of a chain

// The common name, or the organisation where there is none.
static void name_print(const X509_NAME *name, char out[CHAIN_NAME_MAX]) {
    if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, out, CHAIN_NAME_MAX) < 0 &&
        X509_NAME_get_text_by_NID((X509_NAME *)name, NID_organizationName, out, CHAIN_NAME_MAX) < 0)
        snprintf(out, CHAIN_NAME_MAX, "somebody without a name");
    for (char *c = out; *c; c++) {
        if (!isprint((unsigned char)*c))
            *c = '?';
    }
}

// The certificates of the file; NULL: it cannot be read, has none, or there is no memory.
static STACK_OF(X509) * chain_read(const char *path, struct chain_facts *out) {
    STACK_OF(X509) *chain = sk_X509_new_null();
    FILE *file = fopen(path, "re");
    X509 *one;
    if (!file)
        snprintf(out->problem, sizeof out->problem, "%s", strerror(errno));
    while (file && chain && sk_X509_num(chain) < CERTIFICATES_MAX &&
           (one = PEM_read_X509(file, NULL, NULL, NULL))) {
        if (sk_X509_push(chain, one) <= 0)
            X509_free(one);
    }
    if (file)
        fclose(file);
    ERR_clear_error(); // the end of the file is one
    out->count = chain ? (unsigned)sk_X509_num(chain) : 0;
    if (out->count > 0)
        return chain;
    if (!out->problem[0])
        snprintf(out->problem, sizeof out->problem, "there is no certificate in it");
    sk_X509_free(chain);
    return NULL;
}

static bool roots_exist(void) {
    char bundle[256];
    // OpenSSL's own places; Debian's bundle stands beside them in certs/.
    snprintf(bundle, sizeof bundle, "%s/ca-certificates.crt", X509_get_default_cert_dir());
    return access(X509_get_default_cert_file(), R_OK) == 0 || access(bundle, R_OK) == 0;
}

static bool roots_load(X509_STORE *store, const char *roots) {
    if (roots)
        return X509_STORE_load_file(store, roots) == 1;
    return roots_exist() && X509_STORE_set_default_paths(store) == 1;
}

static void state_note(X509_STORE_CTX *verification, int error, struct chain_facts *out) {
    X509 *last = X509_STORE_CTX_get_current_cert(verification);
    switch (error) {
    case X509_V_OK:
        out->state = CHAIN_TRUSTED;
        return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        out->state = CHAIN_SELF_SIGNED;
        return;
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        out->state = CHAIN_PRIVATE;
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        out->state = CHAIN_BROKEN;
        break;
    default:
        out->state = CHAIN_BAD;
        snprintf(out->problem, sizeof out->problem, "%s", X509_verify_cert_error_string(error));
        return;
    }
    if (last)
        name_print(X509_get_issuer_name(last), out->issuer);
}

static void chain_verify(STACK_OF(X509) * chain, X509_STORE *store, struct chain_facts *out) {
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    snprintf(out->problem, sizeof out->problem, "out of memory");
    if (verification && X509_STORE_CTX_init(verification, store, sk_X509_value(chain, 0), chain) == 1) {
        X509_STORE_CTX_set_default(verification, "ssl_server");
        X509_STORE_CTX_set_flags(verification, X509_V_FLAG_NO_CHECK_TIME);
        (void)X509_verify_cert(verification);
        out->problem[0] = '\0';
        state_note(verification, X509_STORE_CTX_get_error(verification), out);
    }
    X509_STORE_CTX_free(verification);
    ERR_clear_error();
}

void chain_examine(const char *pem_path, const char *roots, struct chain_facts *out) {
    *out = (struct chain_facts){.state = CHAIN_UNREADABLE};
    STACK_OF(X509) *chain = chain_read(pem_path, out);
    X509_STORE *store = chain ? X509_STORE_new() : NULL;
    if (store && !roots_load(store, roots))
        out->state = CHAIN_NO_ROOTS;
    else if (store)
        chain_verify(chain, store, out);
    X509_STORE_free(store);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
}
