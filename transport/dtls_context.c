#include "transport/dtls_context.h"

#include "transport/dtls.h"

#include "base/entropy.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_SECONDS (24L * 60 * 60)
#define CERTIFICATE_DAYS 3650L
#define CERTIFICATE_MESSAGE_MAX 16384L // longest chain that a peer may send; also bounds reassembly

static bool certificate_fill(X509 *x509, EVP_PKEY *key) {
    uint64_t serial = entropy_u64() >> 1 | 1; // positive (RFC 5280, section 4.1.2.2)
    X509_NAME *name = X509_get_subject_name(x509);
    return X509_set_version(x509, X509_VERSION_3) &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) &&
           // A day back, for peers whose clock is behind ours.
           X509_gmtime_adj(X509_getm_notBefore(x509), -DAY_SECONDS) &&
           X509_gmtime_adj(X509_getm_notAfter(x509), CERTIFICATE_DAYS * DAY_SECONDS) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"rotunda", -1, -1,
                                      0) &&
           X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) &&
           X509_sign(x509, key, EVP_sha256());
}

static bool fingerprint_print(const X509 *x509, char out[DTLS_FINGERPRINT_TEXT]) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!X509_digest(x509, EVP_sha256(), digest, &len) || len != 32)
        return false;
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
    return true;
}

// One self-signed ECDSA P-256 certificate (RFC 8827, section 6.5).
static bool context_certify(struct dtls_context *context) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    bool ok = key && x509 && certificate_fill(x509, key) && fingerprint_print(x509, context->fingerprint) &&
              SSL_CTX_use_certificate(context->ssl_ctx, x509) == 1 &&
              SSL_CTX_use_PrivateKey(context->ssl_ctx, key) == 1;
    X509_free(x509);
    EVP_PKEY_free(key);
    return ok;
}

// WebRTC's certificates are self-signed: the signalled fingerprint decides, after the handshake (RFC 8122).
static int certificate_accept(X509_STORE_CTX *store, void *arg) {
    (void)store;
    (void)arg;
    return 1;
}

static bool context_configure(SSL_CTX *ctx) {
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, certificate_accept, NULL);
    (void)SSL_CTX_set_max_cert_list(ctx, CERTIFICATE_MESSAGE_MAX);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_send_fragment(ctx, DTLS_MTU) == 1 &&
           SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
                                        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384") == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx,
                                     "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:"
                                     "RSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512") == 1 &&
           // P-256 also names the curve of the certificates: without it browsers are refused.
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256") == 1 &&
           // In our order: the cipher of the first is several times cheaper. 0 is success here.
           SSL_CTX_set_tlsext_use_srtp(
               ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80") == 0;
}

struct dtls_context *dtls_context_create(void) {
    struct dtls_context *context = calloc(1, sizeof *context);
    if (!context)
        return NULL;
    context->ssl_ctx = SSL_CTX_new(DTLS_method());
    context->method = dtls_bio_method_create();
    if (!context->ssl_ctx || !context->method || !context_configure(context->ssl_ctx) ||
        !context_certify(context)) {
        dtls_context_destroy(context);
        context = NULL;
    }
    ERR_clear_error();
    return context;
}

void dtls_context_destroy(struct dtls_context *context) {
    if (!context)
        return;
    SSL_CTX_free(context->ssl_ctx);
    BIO_meth_free(context->method);
    free(context);
}

const char *dtls_context_fingerprint(const struct dtls_context *context) {
    return context->fingerprint;
}
