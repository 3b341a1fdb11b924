// Certificate and key from files of any bytes: the certificate up to a NUL, the key behind it (the same bytes
// when there is none).
#include "server/web/tls_identity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *bytes, size_t len, char path[64]) {
    int fd = memfd_create("pem", 0);
    if (fd >= 0 && write(fd, bytes, len) != (ssize_t)len) {
        close(fd);
        fd = -1;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char cert[64], key[64], error[1024] = "", wrong[64];
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t cert_len = nul ? (size_t)(nul - data) : size;
    int cert_fd = file_of(data, cert_len, cert);
    int key_fd = nul ? file_of(nul + 1, size - cert_len - 1, key) : file_of(data, size, key);
    struct tls_identity *identity = tls_identity_load(cert, key, error, sizeof error);
    assert(!identity == (error[0] != '\0') && !strchr(error, '\n'));
    if (identity) {
        struct tls_facts facts;
        tls_identity_facts(identity, &facts);
        (void)tls_dates_judge(&facts, 1800000000, wrong, sizeof wrong);
        tls_identity_free(identity);
    }
    close(cert_fd);
    close(key_fd);
    return 0;
}
