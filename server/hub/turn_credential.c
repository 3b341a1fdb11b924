#include "server/hub/ice_servers.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define SHA1_BYTES 20
_Static_assert((SHA1_BYTES + 2) / 3 * 4 < sizeof((struct turn_credential *)0)->password, "base64 fits");

void turn_credential_make(const char *secret, uint64_t expires_at, const char *user,
                          struct turn_credential *out) {
    assert(secret[0]);
    uint8_t digest[SHA1_BYTES];
    unsigned len = sizeof digest;
    snprintf(out->username, sizeof out->username, "%" PRIu64 ":%.40s", expires_at, user);
    HMAC(EVP_sha1(), secret, (int)strlen(secret), (const uint8_t *)out->username, strlen(out->username),
         digest, &len);
    assert(len == sizeof digest);
    EVP_EncodeBlock((uint8_t *)out->password, digest, sizeof digest);
}
