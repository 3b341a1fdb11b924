// dtls_context: what all associations share, seen by dtls.c alone.
#ifndef TRANSPORT_DTLS_CONTEXT_H
#define TRANSPORT_DTLS_CONTEXT_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define DTLS_FINGERPRINT_TEXT (32 * 3) // "AA:BB:..." of 32 bytes and its NUL

struct dtls_context {
    SSL_CTX *ssl_ctx;
    BIO_METHOD *method; // datagrams in and out of a struct dtls
    char fingerprint[DTLS_FINGERPRINT_TEXT];
};

// The datagram ends of an association, in dtls.c.
BIO_METHOD *dtls_bio_method_create(void);

#endif
