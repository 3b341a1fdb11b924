// dtls_harness: a virtual clock for OpenSSL, a lossy link, and a foreign DTLS client on OpenSSL alone.
#ifndef TESTS_DTLS_HARNESS_H
#define TESTS_DTLS_HARNESS_H

#include "base/clock.h"
#include "transport/dtls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

// OpenSSL's DTLS timers ask gettimeofday: this one takes its place, so that time is what a test says.
static uint64_t virtual_now_us = 1000 * US_PER_SECOND;
int gettimeofday(struct timeval *restrict tv, void *restrict tz) {
    (void)tz;
    tv->tv_sec = (time_t)(virtual_now_us / US_PER_SECOND) + 1700000000;
    tv->tv_usec = (suseconds_t)(virtual_now_us % US_PER_SECOND);
    return 0;
}

// What OpenSSL has allocated; its allocation number openssl_fail_at fails (0: none does).
static size_t openssl_live_bytes;
static unsigned openssl_allocations, openssl_fail_at;
static void *counted_malloc(size_t n, const char *file, int line) {
    (void)file;
    (void)line;
    if (++openssl_allocations == openssl_fail_at)
        return NULL;
    void *p = malloc(n);
    openssl_live_bytes += p ? malloc_usable_size(p) : 0;
    return p;
}
static void counted_free(void *p, const char *file, int line) {
    (void)file;
    (void)line;
    openssl_live_bytes -= p ? malloc_usable_size(p) : 0;
    free(p);
}
static void *counted_realloc(void *p, size_t n, const char *file, int line) {
    (void)file;
    (void)line;
    size_t before = p ? malloc_usable_size(p) : 0;
    void *q = realloc(p, n);
    if (q)
        openssl_live_bytes += malloc_usable_size(q) - before;
    return q;
}
static inline void openssl_count(void) {
    if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free))
        abort();
}

static inline uint32_t dice(uint32_t *seed) { // xorshift: the same everywhere
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    return *seed ^= *seed << 5;
}

#define LINK_MAX 4096
struct link_item {
    uint64_t due_us;
    size_t len;
    uint8_t bytes[1600];
};

// One direction. `items` with due_us 0 are free.
struct link {
    uint32_t seed;
    unsigned loss_percent, duplicate_percent, jitter_us;
    unsigned count, sent;
    size_t longest;
    struct link_item *items[LINK_MAX];
};

static inline void link_put(struct link *link, struct span datagram) {
    if (link->count == LINK_MAX || datagram.len > sizeof link->items[0]->bytes)
        abort();
    struct link_item *item = malloc(sizeof *item);
    if (!item)
        abort();
    item->due_us = virtual_now_us + 1000 + (link->jitter_us ? dice(&link->seed) % link->jitter_us : 0);
    item->len = datagram.len;
    memcpy(item->bytes, datagram.ptr, datagram.len);
    link->items[link->count++] = item;
}

static inline void link_send(void *ctx, struct span datagram) {
    struct link *link = ctx;
    link->sent++;
    if (datagram.len > link->longest)
        link->longest = datagram.len;
    if (dice(&link->seed) % 100 < link->loss_percent)
        return;
    link_put(link, datagram);
    if (dice(&link->seed) % 100 < link->duplicate_percent)
        link_put(link, datagram);
}

// The next item that is due, or NULL; the caller frees it.
static inline struct link_item *link_take(struct link *link) {
    unsigned best = LINK_MAX;
    for (unsigned i = 0; i < link->count; i++)
        if (link->items[i]->due_us <= virtual_now_us &&
            (best == LINK_MAX || link->items[i]->due_us < link->items[best]->due_us))
            best = i;
    if (best == LINK_MAX)
        return NULL;
    struct link_item *item = link->items[best];
    for (unsigned i = best; i + 1 < link->count; i++)
        link->items[i] = link->items[i + 1];
    link->count--;
    return item;
}

static inline void link_clear(struct link *link) {
    while (link->count)
        free(link->items[--link->count]);
}

static inline uint64_t link_next_us(const struct link *link) {
    uint64_t next = TIME_NEVER;
    for (unsigned i = 0; i < link->count; i++)
        if (link->items[i]->due_us < next)
            next = link->items[i]->due_us;
    return next;
}

// ---- A foreign client ----

struct foreign_config {
    const char *profiles; // NULL: no SRTP at all
    const char *groups;
    const char *ciphers;
    bool rsa; // an RSA certificate
    bool no_certificate;
    bool big_hello; // as with post-quantum key shares: longer than a datagram
    int version;    // 0: DTLS 1.2
};

struct foreign {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    X509 *x509;
    struct link *out;
};

static inline int foreign_write(BIO *bio, const char *data, int len) {
    link_send(BIO_get_data(bio), span_of(data, (size_t)len));
    return len;
}
static inline long foreign_ctrl(BIO *bio, int cmd, long num, void *ptr) {
    (void)bio;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH;
}

static inline X509 *foreign_certify(SSL_CTX *ctx, bool rsa) {
    EVP_PKEY *key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_set_version(x509, 2);
    X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    X509_sign(x509, key, EVP_sha256());
    SSL_CTX_use_certificate(ctx, x509);
    SSL_CTX_use_PrivateKey(ctx, key);
    EVP_PKEY_free(key);
    return x509;
}

static inline void foreign_open(struct foreign *f, const struct foreign_config *config, struct link *out,
                                BIO_METHOD *method) {
    *f = (struct foreign){.ctx = SSL_CTX_new(DTLS_client_method()), .out = out};
    if (config->profiles)
        SSL_CTX_set_tlsext_use_srtp(f->ctx, config->profiles);
    if (config->groups)
        SSL_CTX_set1_groups_list(f->ctx, config->groups);
    if (config->ciphers)
        SSL_CTX_set_cipher_list(f->ctx, config->ciphers);
    if (config->version) {
        SSL_CTX_set_security_level(f->ctx, 0);
        SSL_CTX_set_min_proto_version(f->ctx, config->version);
        SSL_CTX_set_max_proto_version(f->ctx, config->version);
    }
    if (!config->no_certificate)
        f->x509 = foreign_certify(f->ctx, config->rsa);
    SSL_CTX_set_options(f->ctx, SSL_OP_NO_QUERY_MTU);
    f->ssl = SSL_new(f->ctx);
    if (config->big_hello) {
        static uint8_t alpn[1500]; // five names of 255 bytes: ignored by servers, but long
        for (size_t at = 0; at + 256 <= sizeof alpn; at += 256) {
            memset(alpn + at, 'x', 256);
            alpn[at] = 255;
        }
        SSL_set_alpn_protos(f->ssl, alpn, 5 * 256);
    }
    f->in = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(f->in, -1);
    BIO *bio = BIO_new(method);
    BIO_set_data(bio, out);
    BIO_set_init(bio, 1);
    SSL_set_bio(f->ssl, f->in, bio);
    SSL_set_mtu(f->ssl, 1200);
    SSL_set_connect_state(f->ssl);
}

static inline void foreign_close(struct foreign *f) {
    SSL_free(f->ssl);
    SSL_CTX_free(f->ctx);
    X509_free(f->x509);
}

static inline void foreign_input(struct foreign *f, struct span datagram) {
    BIO_write(f->in, datagram.ptr, (int)datagram.len);
    uint8_t ignored[64];
    if (SSL_do_handshake(f->ssl) == 1)
        (void)SSL_read(f->ssl, ignored, sizeof ignored);
    ERR_clear_error();
}

static inline struct fingerprint fingerprint_of(const X509 *x509, enum fingerprint_hash hash) {
    const EVP_MD *mds[] = {EVP_sha224(), EVP_sha256(), EVP_sha384(), EVP_sha512()};
    struct fingerprint out = {.hash = hash};
    unsigned len = 0;
    X509_digest(x509, mds[hash], out.bytes, &len);
    out.len = (uint8_t)len;
    return out;
}

static inline struct fingerprint fingerprint_parse(const char *text) {
    struct fingerprint out = {.hash = FINGERPRINT_SHA256, .len = 32};
    for (int i = 0; i < 32; i++)
        out.bytes[i] = (uint8_t)strtoul(text + 3 * i, NULL, 16);
    return out;
}

#endif
