// Who sends a body, and that it is whole: LiveKit's way to sign webhooks.
#include "server/access/token_internal.h"

#include <openssl/evp.h>
#include <string.h>

#define DIGEST_BYTES 32
#define DIGEST_TEXT_MAX (4 * ((DIGEST_BYTES + 2) / 3) + 1)

char *token_mint_body(const struct keys *keys, const char *body, size_t len, uint64_t now_s, uint32_t ttl_s,
                      char *why) {
    const struct key *key = token_key(keys, why);
    unsigned char digest[DIGEST_BYTES], text[DIGEST_TEXT_MAX];
    if (!key)
        return NULL;
    if (!EVP_Digest(body, len, digest, NULL, EVP_sha256(), NULL)) {
        token_refuse(why, "SHA-256 failed");
        return NULL;
    }
    EVP_EncodeBlock(text, digest, DIGEST_BYTES);
    json_t *claims = json_pack("{s:s, s:I, s:I, s:s}", "iss", key->id, "nbf", (json_int_t)now_s, "exp",
                               (json_int_t)(now_s + ttl_s), "sha256", (const char *)text);
    char *claims_text = claims ? json_dumps(claims, JSON_COMPACT) : NULL;
    json_decref(claims);
    return token_sign(key, claims_text, why);
}
