// Certificates and keys: what is taken, what is refused and how that is said. Everything is made here.
#include "server/web/tls_identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#define DAY (24 * 3600L)

static char folder[] = "/tmp/rotunda_tls_XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static FILE *file_create(const char *name) {
    FILE *file = fopen(path_of(name), "we");
    assert_non_null(file);
    return file;
}

static void file_write(const char *name, const char *text) {
    FILE *file = file_create(name);
    fputs(text, file);
    fclose(file);
}

static X509 *certificate_make(EVP_PKEY *key, const char *names, long begins, long ends) {
    X509 *x = X509_new();
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0xabcdef0123);
    X509_gmtime_adj(X509_getm_notBefore(x), begins);
    X509_gmtime_adj(X509_getm_notAfter(x), ends);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const uint8_t *)"common.example", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    if (names) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
        assert_non_null(extension);
        X509_add_ext(x, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

// A pair of files, NAME.crt and NAME.key; the certificate is written `copies` times.
static void pair_write(const char *name, EVP_PKEY *key, const char *names, long begins, long ends,
                       int copies) {
    char file_name[32];
    X509 *x = certificate_make(key, names, begins, ends);
    snprintf(file_name, sizeof file_name, "%s.crt", name);
    FILE *file = file_create(file_name);
    for (int i = 0; i < copies; i++)
        PEM_write_X509(file, x);
    fclose(file);
    snprintf(file_name, sizeof file_name, "%s.key", name);
    file = file_create(file_name);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(x);
}

static void half_write(const char *name, const char *of) {
    char text[8192];
    FILE *file = fopen(path_of(of), "re");
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len * 3 / 4] = '\0';
    file_write(name, text);
}

static int files_make(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *weak = EVP_RSA_gen(1024);
    pair_write("good", key, "DNS:conf.example.org,DNS:www.example.org", -DAY, 30 * DAY, 1);
    pair_write("chain", key, "IP:192.0.2.7", -DAY, 30 * DAY, 3);
    pair_write("bare", key, NULL, -DAY, 30 * DAY, 1);
    pair_write("other", other, NULL, -DAY, 30 * DAY, 1);
    pair_write("old", key, NULL, -30 * DAY, -DAY, 1);
    pair_write("early", key, NULL, DAY, 30 * DAY, 1);
    pair_write("weak", weak, NULL, -DAY, 30 * DAY, 1);
    half_write("half.crt", "chain.crt");
    file_write("empty", "");
    file_write("text", "-----BEGIN NOTHING-----\nhello\n");
    FILE *file = file_create("locked.key");
    PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
    fclose(file);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(weak);
    return 0;
}

static int files_remove(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void test_what_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *cert, *key, *says; // NULL: taken
    } rows[] = {
        {"good.crt", "good.key", NULL},
        {"chain.crt", "chain.key", NULL},
        {"old.crt", "old.key", NULL}, // with a warning, which is the caller's
        {"nowhere.crt", "good.key", "tls-cert: \"%s/nowhere.crt\" cannot be read: No such file or directory"},
        {"good.crt", "nowhere.key", "tls-key: \"%s/nowhere.key\" cannot be read: No such file or directory"},
        {".", "good.key", "tls-cert: \"%s/.\" is no PEM file with a certificate"},
        {"empty", "good.key", "tls-cert: \"%s/empty\" is no PEM file with a certificate"},
        {"text", "good.key", "tls-cert: \"%s/text\" is no PEM file with a certificate"},
        {"half.crt", "good.key", "tls-cert: \"%s/half.crt\" is no PEM file with a certificate"},
        {"good.key", "good.key", "tls-cert: \"%s/good.key\" is no PEM file with a certificate"},
        {"good.crt", "good.crt", "tls-key: \"%s/good.crt\" is no PEM file with a private key"},
        {"good.crt", "empty", "tls-key: \"%s/empty\" is no PEM file with a private key"},
        {"good.crt", "other.key", "tls-key: \"%s/other.key\" is not the key of the certificate in tls-cert"},
        {"good.crt", "locked.key", "tls-key: \"%s/locked.key\" has a passphrase, which nobody could type in"},
        {"weak.crt", "weak.key", "tls-cert: \"%s/weak.crt\" cannot be used: ee key too small"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[512] = "", expected[512] = "";
        struct tls_identity *identity =
            tls_identity_load(path_of(rows[i].cert), path_of(rows[i].key), error, sizeof error);
        for (const char *c = rows[i].says; c && *c; c++) { // %s stands for the folder
            size_t len = strlen(expected);
            if (c[0] == '%')
                snprintf(expected + len, sizeof expected - len, "%s", folder), c++;
            else
                snprintf(expected + len, sizeof expected - len, "%c", *c);
        }
        if ((identity != NULL) != (rows[i].says == NULL) || strcmp(error, expected) != 0)
            fail_msg("%s and %s: expected \"%s\", got \"%s\"", rows[i].cert, rows[i].key, expected, error);
        tls_identity_free(identity);
    }
}

static struct tls_identity *load(const char *name) {
    char error[512] = "", cert[32], key[32];
    snprintf(cert, sizeof cert, "%s.crt", name);
    snprintf(key, sizeof key, "%s.key", name);
    struct tls_identity *identity = tls_identity_load(path_of(cert), path_of(key), error, sizeof error);
    if (!identity)
        fail_msg("%s: %s", name, error);
    return identity;
}

static void test_facts(void **state) {
    (void)state;
    static const struct {
        const char *pair, *name;
    } rows[] = {{"good", "conf.example.org"}, {"chain", "192.0.2.7"}, {"bare", "common.example"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_identity *identity = load(rows[i].pair);
        struct tls_facts facts;
        tls_identity_facts(identity, &facts);
        assert_string_equal(facts.name, rows[i].name);
        assert_string_equal(facts.serial, "abcdef0123");
        assert_int_equal(facts.not_after - facts.not_before, 31 * DAY);
        tls_identity_free(identity);
    }
}

static void test_dates(void **state) {
    (void)state;
    static const struct tls_facts facts = {.not_before = 1767225600, .not_after = 1767312000};
    static const struct {
        int64_t now;
        const char *says; // NULL: fine
    } rows[] = {
        {1767225599, "it is not valid before 2026-01-01 00:00 UTC"},
        {1767225600, NULL},
        {1767312000, NULL},
        {1767312001, "it expired on 2026-01-02 00:00 UTC"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        const char *got = tls_dates_judge(&facts, rows[i].now, text, sizeof text);
        if ((got == NULL) != (rows[i].says == NULL) || (got && strcmp(got, rows[i].says) != 0))
            fail_msg("row %zu: expected \"%s\", got \"%s\"", i, rows[i].says ? rows[i].says : "",
                     got ? got : "");
    }
}

// A second one replaces all of the first: certificate, key and chain.
static void test_replacement(void **state) {
    (void)state;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    STACK_OF(X509) *chain = NULL;
    struct tls_identity *first = load("chain"), *second = load("other");
    assert_true(tls_identity_install(first, ctx));
    SSL_CTX_get0_chain_certs(ctx, &chain);
    assert_int_equal(sk_X509_num(chain), 2);
    SSL *before = SSL_new(ctx);
    X509 *shown = SSL_get_certificate(before);
    assert_true(tls_identity_install(second, ctx));
    tls_identity_free(first);
    tls_identity_free(second);
    assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
    SSL_CTX_get0_chain_certs(ctx, &chain);
    assert_int_equal(sk_X509_num(chain), 0);
    assert_int_equal(SSL_CTX_get_min_proto_version(ctx), TLS1_2_VERSION);
    assert_ptr_equal(SSL_get_certificate(before), shown); // a connection that was there keeps its own
    assert_ptr_not_equal(SSL_CTX_get0_certificate(ctx), shown);
    SSL_free(before);
    SSL_CTX_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_replacement),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
