#include "server/access/password.h"

#include <assert.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BCRYPT_HASH_BYTES 60
#define BCRYPT_BYTES_MAX 72 // of a password; what stands behind them would not count
#define BCRYPT_COST_MAX 15  // doubles with each: 3 s

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

// ---- what yescrypt and scrypt cost: 128 bytes times N times r, which each try takes

#define COST_MAX (UINT64_C(1) << 23) // of N times r: 1 GiB, the most that libcrypt makes hashes with

// What a character of libcrypt's base64 counts; 64 and more: it is none.
static unsigned digit(char c) {
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (unsigned)(at - digits) : 64;
}

// Five digits, the least one first.
static uint64_t number(const char *text) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 5; i++) {
        if (digit(text[i]) > 63)
            return UINT64_MAX;
        value |= (uint64_t)digit(text[i]) << 6 * i;
    }
    return value;
}

static bool within(unsigned n_log2, uint64_t r, uint64_t p) {
    return n_log2 < 24 && r <= COST_MAX && p <= COST_MAX && (r << n_log2) * p <= COST_MAX;
}

// Behind $y$ and $gy$: a flavour, the logarithm of N and r, less one each, in a digit that no other follows.
// With more parameters, which nothing makes, it may cost anything.
static bool is_yescrypt_affordable(const char *parameters) {
    return strlen(parameters) > 3 && parameters[3] == '$' && digit(parameters[1]) < 48 &&
           digit(parameters[2]) < 48 && within(digit(parameters[1]) + 1, digit(parameters[2]) + 1, 1);
}

// Behind $7$: the logarithm of N, r and p.
static bool is_scrypt_affordable(const char *parameters) {
    return strlen(parameters) > 11 &&
           within(digit(parameters[0]), number(parameters + 1), number(parameters + 6));
}

// $y$PARAMETERS$SALT$HASH; scrypt's has no dollar between parameters and salt.
static bool is_complete(const char *hash, unsigned dollars) {
    for (; *hash; hash++)
        dollars -= *hash == '$' && dollars > 0;
    return dollars == 0 && hash[-1] != '$';
}

bool password_hash_valid(const char *hash) {
    size_t len = strlen(hash);
    bool known = is_bcrypt(hash) ||
                 (begins(hash, "$y$") && is_complete(hash, 4) && is_yescrypt_affordable(hash + 3)) ||
                 (begins(hash, "$gy$") && is_complete(hash, 4) && is_yescrypt_affordable(hash + 4)) ||
                 (begins(hash, "$7$") && is_complete(hash, 3) && is_scrypt_affordable(hash + 3));
    return known && len <= PASSWORD_HASH_BYTES_MAX && crypt_checksalt(hash) == CRYPT_SALT_OK;
}

bool password_matches(const char *password, const char *hash) {
    char made[PASSWORD_HASH_BYTES_MAX + 1];
    size_t len = strlen(hash);
    assert(password_hash_valid(hash));
    size_t most = is_bcrypt(hash) ? BCRYPT_BYTES_MAX : PASSWORD_BYTES_MAX;
    if (strlen(password) > most || !hash_like(password, hash, made))
        return false;
    bool same = strlen(made) == len && CRYPTO_memcmp(made, hash, len) == 0;
    explicit_bzero(made, sizeof made);
    return same;
}
