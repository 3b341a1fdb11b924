#include "server/access/password.h"

#include <assert.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define BCRYPT_HASH_BYTES 60
#define BCRYPT_COST_MAX 15 // doubles with each: 3 s

_Static_assert(PASSWORD_BYTES_MAX <= CRYPT_MAX_PASSPHRASE_SIZE, "libcrypt takes as long ones");
_Static_assert(PASSWORD_HASH_BYTES_MAX < CRYPT_OUTPUT_SIZE, "libcrypt makes as long ones");

// The hash of a password with the costs and the salt of another one; false: the system refused.
static bool hash_like(const char *password, const char *setting, char out[PASSWORD_HASH_BYTES_MAX + 1]) {
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return false;
    const char *made = crypt_r(password, setting, data);
    size_t len = made ? strlen(made) : 0;
    bool fine = made && made[0] != '*' && len > 0 && len <= PASSWORD_HASH_BYTES_MAX;
    if (fine)
        memcpy(out, made, len + 1);
    explicit_bzero(data, sizeof *data);
    free(data);
    return fine;
}

bool password_hash(const char *password, char out[PASSWORD_HASH_BYTES_MAX + 1]) {
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    size_t len = strlen(password);
    return len > 0 && len <= PASSWORD_BYTES_MAX &&
           crypt_gensalt_rn("$y$", 0, NULL, 0, setting, (int)sizeof setting) &&
           hash_like(password, setting, out);
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_bcrypt(const char *hash) {
    bool named = begins(hash, "$2b$") || begins(hash, "$2y$") || begins(hash, "$2a$");
    return named && strlen(hash) == BCRYPT_HASH_BYTES &&
           (hash[4] - '0') * 10 + hash[5] - '0' <= BCRYPT_COST_MAX;
}

// $y$PARAMETERS$SALT$HASH; scrypt's has no dollar between parameters and salt.
static bool is_complete(const char *hash, unsigned dollars) {
    for (; *hash; hash++)
        dollars -= *hash == '$' && dollars > 0;
    return dollars == 0 && hash[-1] != '$';
}

bool password_hash_valid(const char *hash) {
    size_t len = strlen(hash);
    bool known = is_bcrypt(hash) || (begins(hash, "$y$") && is_complete(hash, 4)) ||
                 (begins(hash, "$gy$") && is_complete(hash, 4)) ||
                 (begins(hash, "$7$") && is_complete(hash, 3));
    return known && len <= PASSWORD_HASH_BYTES_MAX && crypt_checksalt(hash) == CRYPT_SALT_OK;
}

bool password_matches(const char *password, const char *hash) {
    char made[PASSWORD_HASH_BYTES_MAX + 1];
    size_t len = strlen(hash);
    assert(password_hash_valid(hash));
    if (strlen(password) > PASSWORD_BYTES_MAX || !hash_like(password, hash, made))
        return false;
    bool same = strlen(made) == len && CRYPTO_memcmp(made, hash, len) == 0;
    explicit_bzero(made, sizeof made);
    return same;
}
