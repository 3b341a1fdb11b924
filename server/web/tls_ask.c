#include "server/web/tls_ask.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static size_t ask(SSL *ssl, const char *request, size_t request_len, char *answer, size_t cap) {
    size_t len = 0, n;
    if (SSL_connect(ssl) != 1 || SSL_write_ex(ssl, request, request_len, &n) != 1)
        return 0;
    while (len < cap && SSL_read_ex(ssl, answer + len, cap - len, &n) == 1)
        len += n;
    return len;
}

size_t tls_ask(int fd, const char *request, size_t request_len, char *answer, size_t cap) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    size_t len = 0;
    if (ssl && SSL_set_fd(ssl, fd) == 1)
        len = ask(ssl, request, request_len, answer, cap);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return len;
}
