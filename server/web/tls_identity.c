#include "server/web/tls_identity.h"

#include "base/file_open.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tls_identity {
    X509 *leaf;
    STACK_OF(X509) * chain; // what comes after it in the file; may be empty
    EVP_PKEY *key;
};

void tls_identity_free(struct tls_identity *identity) {
    if (!identity)
        return;
    X509_free(identity->leaf);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    free(identity);
}

static bool refuse(char *error, size_t cap, const char *setting, const char *path, const char *what) {
    snprintf(error, cap, "%s: \"%s\" %s", setting, path, what);
    ERR_clear_error();
    return false;
}

static BIO *bio_open(const char *setting, const char *path, char *error, size_t cap) {
    char what[160];
    errno = 0;
    FILE *opened = file_open(path);
    BIO *file = opened ? BIO_new_fp(opened, BIO_CLOSE) : NULL;
    if (!file && opened)
        fclose(opened);
    if (!file) {
        snprintf(what, sizeof what, "cannot be read: %s",
                 errno ? file_open_reason(errno) : "no reason is known");
        refuse(error, cap, setting, path, what);
    }
    return file;
}

// Whether reading ended because the file did, and not in the middle of something.
static bool ended_well(void) {
    unsigned long code = ERR_peek_last_error();
    bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return end;
}

static bool certificates_read(struct tls_identity *identity, const char *path, char *error, size_t cap) {
    BIO *file = bio_open("tls-cert", path, error, cap);
    if (!file)
        return false;
    identity->chain = sk_X509_new_null();
    identity->leaf = PEM_read_bio_X509(file, NULL, NULL, NULL);
    bool fine = identity->chain && identity->leaf;
    for (X509 *next; fine && (next = PEM_read_bio_X509(file, NULL, NULL, NULL));) {
        fine = sk_X509_push(identity->chain, next) > 0;
        if (!fine)
            X509_free(next);
    }
    fine = fine && ended_well();
    BIO_free(file);
    return fine || refuse(error, cap, "tls-cert", path, "is no PEM file with a certificate");
}

static int passphrase_ask(char *out, int cap, int writing, void *asked) {
    (void)out, (void)cap, (void)writing;
    *(bool *)asked = true;
    return -1;
}

static bool key_read(struct tls_identity *identity, const char *path, char *error, size_t cap) {
    BIO *file = bio_open("tls-key", path, error, cap);
    if (!file)
        return false;
    bool passphrase = false;
    identity->key = PEM_read_bio_PrivateKey(file, NULL, passphrase_ask, &passphrase);
    BIO_free(file);
    if (passphrase)
        return refuse(error, cap, "tls-key", path, "has a passphrase, which nobody could type in");
    return identity->key || refuse(error, cap, "tls-key", path, "is no PEM file with a private key");
}

// Installs it where nobody sees it, to know that it can be.
static bool identity_try(const struct tls_identity *identity, const char *path, char *error, size_t cap) {
    char what[256];
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    bool fine = ctx && tls_identity_install(identity, ctx);
    if (!fine) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        snprintf(what, sizeof what, "cannot be used: %s", reason ? reason : "out of memory");
        refuse(error, cap, "tls-cert", path, what);
    }
    SSL_CTX_free(ctx);
    return fine;
}

struct tls_identity *tls_identity_load(const char *cert_path, const char *key_path, char *error,
                                       size_t error_cap) {
    struct tls_identity *identity = calloc(1, sizeof *identity);
    ERR_clear_error();
    if (!identity)
        snprintf(error, error_cap, "out of memory");
    bool fine = identity && certificates_read(identity, cert_path, error, error_cap) &&
                key_read(identity, key_path, error, error_cap);
    if (fine && X509_check_private_key(identity->leaf, identity->key) != 1)
        fine = refuse(error, error_cap, "tls-key", key_path, "is not the key of the certificate in tls-cert");
    if (fine && identity_try(identity, cert_path, error, error_cap))
        return identity;
    tls_identity_free(identity);
    return NULL;
}

static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static bool name_take(const GENERAL_NAME *name, char out[TLS_NAME_MAX]) {
    if (name->type == GEN_DNS) {
        const ASN1_IA5STRING *text = name->d.dNSName;
        snprintf(out, TLS_NAME_MAX, "%.*s", ASN1_STRING_length(text), ASN1_STRING_get0_data(text));
        return true;
    }
    if (name->type != GEN_IPADD)
        return false;
    int len = ASN1_STRING_length(name->d.iPAddress);
    const unsigned char *raw = ASN1_STRING_get0_data(name->d.iPAddress);
    return (len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET : AF_INET6, raw, out, TLS_NAME_MAX);
}

static void name_find(X509 *leaf, char out[TLS_NAME_MAX]) {
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
        found = name_take(sk_GENERAL_NAME_value(names, i), out);
    GENERAL_NAMES_free(names);
    if (!found &&
        X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, out, TLS_NAME_MAX) < 0)
        out[0] = '\0';
}

void tls_identity_facts(const struct tls_identity *identity, struct tls_facts *out) {
    *out = (struct tls_facts){0};
    name_find(identity->leaf, out->name);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(identity->leaf);
    const unsigned char *raw = ASN1_STRING_get0_data(serial);
    for (int i = 0; i < ASN1_STRING_length(serial) && i < 31; i++)
        snprintf(out->serial + 2 * i, 3, "%02x", raw[i]);
    out->not_before = seconds_of(X509_get0_notBefore(identity->leaf));
    out->not_after = seconds_of(X509_get0_notAfter(identity->leaf));
}

const char *tls_dates_judge(const struct tls_facts *facts, int64_t now, char *out, size_t cap) {
    bool expired = now > facts->not_after;
    if (!expired && now >= facts->not_before)
        return NULL;
    time_t moment = (time_t)(expired ? facts->not_after : facts->not_before);
    struct tm parts;
    char date[32] = "";
    if (gmtime_r(&moment, &parts))
        strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &parts);
    snprintf(out, cap, expired ? "it expired on %s" : "it is not valid before %s", date);
    return out;
}

// Of TLS 1.2 what authenticates its encryption and keeps secrets forward (RFC 9325, section 4.2): no CBC, no
// RSA key exchange. Those of TLS 1.3 are all of that kind. Every browser that has WebRTC has one of these.
#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

bool tls_identity_install(const struct tls_identity *identity, void *ssl_ctx) {
    assert(identity->leaf && identity->key && identity->chain);
    // One call replaces certificate, key and chain together; it takes its own references.
    return SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl_ctx, SUITES) == 1 &&
           SSL_CTX_use_cert_and_key(ssl_ctx, identity->leaf, identity->key, identity->chain, 1) == 1;
}
