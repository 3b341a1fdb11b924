#include "transport/versions.h"

#include "transport/srtp_cipher.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <stdio.h>
#include <string.h>

const char *transport_openssl_version(void) {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

void transport_versions(char *out, size_t cap) {
    const char *srtp = srtp_get_version_string(); // "libsrtp2 2.5.0"
    const char *number = strpbrk(srtp, " ");
    snprintf(out, cap, "libsrtp2 %s, OpenSSL %s, libnice %s (when built), AES-GCM by %s",
             number ? number + 1 : srtp, OpenSSL_version(OPENSSL_VERSION_STRING), ROTUNDA_NICE_VERSION,
             srtp_cipher_name(srtp_cipher_best()));
}
