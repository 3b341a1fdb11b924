// tls_identity: the certificate and the private key that HTTPS shows, from two PEM files.
//
// It is loaded and checked whole before anything uses it, so a file that is bad, or half written, changes
// nothing. Control thread.
#ifndef SERVER_TLS_IDENTITY_H
#define SERVER_TLS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_NAME_MAX 256

struct tls_identity;

// The certificate file holds the server's own certificate first, then those of the authorities between it and
// a root. NULL: `error` gets one sentence with the file and what is wrong: it cannot be read, is no PEM, the
// key is another certificate's or has a passphrase, or TLS does not take them (a key that is too short).
struct tls_identity *tls_identity_load(const char *cert_path, const char *key_path, char *error,
                                       size_t error_cap);
void tls_identity_free(struct tls_identity *identity); // NULL is fine

struct tls_facts {
    char name[TLS_NAME_MAX]; // the first DNS name or address, else the subject's common name; "" for none
    char serial[64];         // hexadecimal
    int64_t not_before, not_after; // seconds since 1970
};
void tls_identity_facts(const struct tls_identity *identity, struct tls_facts *out);

// What is wrong with the dates at this moment: "it expired on 2026-05-01"; NULL: nothing. `out` holds the
// text.
const char *tls_dates_judge(const struct tls_facts *facts, int64_t now, char *out, size_t cap);

// Gives it to an OpenSSL SSL_CTX, which then speaks TLS 1.2 or later: connections that begin from now on get
// it, those that are there keep what they have. False: OpenSSL refuses (no memory).
bool tls_identity_install(const struct tls_identity *identity, void *ssl_ctx);

#endif
