#include "server/access/keys_internal.h"

#include "base/file_open.h"
#include "base/text_trim.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool keys_refuse(struct keys_reader *r, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, r->cap, format, args);
    va_end(args);
    ERR_clear_error();
    return false;
}

bool keys_add(struct keys_reader *r, const char *id, enum key_kind kind, const void *bytes, size_t len) {
    struct keys *keys = r->keys;
    if (keys->count == KEYS_MAX)
        return keys_refuse(r, "has more than %d keys", KEYS_MAX);
    if (strlen(id) > KEY_ID_MAX)
        return keys_refuse(r, "has a key whose name is longer than %d bytes", KEY_ID_MAX);
    for (unsigned i = 0; i < keys->count; i++)
        if (id[0] && keys->list[i].kind == kind && strcmp(keys->list[i].id, id) == 0)
            return keys_refuse(r, "names the key \"%s\" twice", id);
    if (kind == KEY_SECRET && len < KEY_SECRET_BYTES_MIN)
        return keys_refuse(
            r, "has a secret of %zu bytes for \"%s\"; %d is the least (try: openssl rand -base64 32)", len,
            id, KEY_SECRET_BYTES_MIN);
    struct key *key = &keys->list[keys->count];
    *key = (struct key){.kind = kind, .bytes = malloc(len + 1), .len = len};
    if (!key->bytes)
        return keys_refuse(r, "needs more memory than there is");
    memcpy(key->bytes, bytes, len);
    key->bytes[len] = '\0';
    memcpy(key->id, id, strlen(id) + 1);
    keys->count++;
    return true;
}

bool key_kind_of(const char *algorithm, enum key_kind *kind) {
    static const struct {
        const char *name;
        enum key_kind kind;
    } rows[] = {
        {"HS256", KEY_SECRET}, {"HS384", KEY_SECRET}, {"HS512", KEY_SECRET},
        {"RS256", KEY_RSA},    {"RS384", KEY_RSA},    {"RS512", KEY_RSA},
        {"ES256", KEY_EC_256}, {"ES384", KEY_EC_384}, {"ES512", KEY_EC_521},
    };
    for (size_t i = 0; algorithm && i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(algorithm, rows[i].name) != 0)
            continue;
        *kind = rows[i].kind;
        return true;
    }
    return false;
}

// ---- public keys

static bool kind_of(EVP_PKEY *key, enum key_kind *kind) {
    char curve[32] = "";
    if (EVP_PKEY_is_a(key, "RSA")) {
        *kind = KEY_RSA;
        return EVP_PKEY_get_bits(key) >= KEY_RSA_BITS_MIN;
    }
    if (!EVP_PKEY_is_a(key, "EC") || !EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL))
        return false;
    if (strcmp(curve, "prime256v1") == 0)
        *kind = KEY_EC_256;
    else if (strcmp(curve, "secp384r1") == 0)
        *kind = KEY_EC_384;
    else if (strcmp(curve, "secp521r1") == 0)
        *kind = KEY_EC_521;
    else
        return false;
    return true;
}

// Whether nobody but its owner can sign with it, and the library verifies with it: with an exponent of 1 any
// text is its own signature.
static bool is_sound(EVP_PKEY *key) {
    BIGNUM *exponent = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool sound = context && EVP_PKEY_public_check(context) == 1;
    if (EVP_PKEY_is_a(key, "RSA"))
        sound = sound && EVP_PKEY_get_bits(key) <= KEY_RSA_BITS_MAX &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
                BN_num_bits(exponent) <= KEY_RSA_EXPONENT_BITS_MAX;
    BN_free(exponent);
    EVP_PKEY_CTX_free(context);
    return sound;
}

bool keys_add_public(struct keys_reader *r, const char *id, EVP_PKEY *key) {
    enum key_kind kind;
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return keys_refuse(
            r,
            "has a key for EdDSA, which the library of this server does not have; RSA of %d bits or "
            "more and the curves P-256, P-384 and P-521 are taken",
            KEY_RSA_BITS_MIN);
    if (!kind_of(key, &kind))
        return keys_refuse(r,
                           "has a public key that is not taken; RSA of %d bits or more and the curves P-256, "
                           "P-384 and P-521 are",
                           KEY_RSA_BITS_MIN);
    if (!is_sound(key))
        return keys_refuse(
            r,
            "has a public key whose numbers are not those of a good one, so that others might sign with it");
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool fine = out && PEM_write_bio_PUBKEY(out, key) == 1;
    long len = fine ? BIO_get_mem_data(out, &text) : 0;
    fine =
        fine ? keys_add(r, id, kind, text, (size_t)len) : keys_refuse(r, "needs more memory than there is");
    BIO_free(out);
    return fine;
}

static unsigned count_of(const char *text, const char *what) {
    unsigned count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        count++;
    return count;
}

// Outside of the blocks may be what programs say of a key; a secret there would be left out without a word.
// 0: none; otherwise its line.
static unsigned secret_beside(const char *text) {
    bool inside = false;
    unsigned number = 1;
    for (const char *line = text; *line; number++) {
        size_t len = strcspn(line, "\n");
        const char *colon = memchr(line, ':', len);
        size_t blank = colon ? strspn(colon + 1, " \t") : 0;
        size_t secret = colon ? strcspn(colon + 1 + blank, " \t\r\n") : 0;
        inside = inside || strncmp(line, "-----BEGIN ", 11) == 0;
        if (!inside && colon && !strchr(" \t#", *line) && secret >= KEY_SECRET_BYTES_MIN)
            return number;
        inside = inside && strncmp(line, "-----END ", 9) != 0;
        line += len + (line[len] == '\n');
    }
    return 0;
}

// Each block must be a public key, so that none of a damaged file is left out without a word.
static bool read_pem(struct keys_reader *r, const char *text, size_t len) {
    unsigned secret = secret_beside(text);
    if (secret)
        return keys_refuse(r, "has a line `id: secret` (%u) beside public keys in PEM; a file has either",
                           secret);
    unsigned blocks = count_of(text, "-----BEGIN ");
    BIO *file = BIO_new_mem_buf(text, (int)len);
    bool fine = file || keys_refuse(r, "needs more memory than there is");
    for (unsigned i = 0; fine && i < blocks; i++) {
        EVP_PKEY *key = PEM_read_bio_PUBKEY(file, NULL, NULL, NULL);
        fine = key ? keys_add_public(r, "", key)
                   : keys_refuse(r, "has a block %u of PEM that is no public key, or a damaged one", i + 1);
        EVP_PKEY_free(key);
    }
    BIO_free(file);
    return fine;
}

// ---- lines

// A secret may have a # in it, but a blank before it is how comments begin in other files. To take it off
// would make other secrets of what is in use; to leave it makes a secret that nobody else has.
static bool has_comment(const char *secret) {
    for (const char *hash = strchr(secret, '#'); hash; hash = strchr(hash + 1, '#'))
        if (hash > secret && (hash[-1] == ' ' || hash[-1] == '\t'))
            return true;
    return false;
}

// What stands between quotes, as LiveKit's files have it.
static char *unquote(char *text) {
    size_t len = strlen(text);
    if (len >= 2 && (text[0] == '"' || text[0] == '\'') && text[len - 1] == text[0]) {
        text[len - 1] = '\0';
        return text + 1;
    }
    return text;
}

static bool read_line(struct keys_reader *r, char *line, unsigned number) {
    line = text_trim(line);
    if (!line[0] || line[0] == '#')
        return true;
    char *colon = strchr(line, ':');
    if (!colon || colon == line)
        return keys_refuse(r, "has no `id: secret` in line %u", number);
    *colon = '\0';
    char *value = text_trim(colon + 1);
    const char *secret = unquote(value);
    if (secret == value && has_comment(value))
        return keys_refuse(r,
                           "has ` #` behind the secret in line %u: a comment must have a line of its own; a "
                           "secret that has it goes between quotes",
                           number);
    return keys_add(r, unquote(text_trim(line)), KEY_SECRET, secret, strlen(secret));
}

static bool read_lines(struct keys_reader *r, char *text) {
    unsigned number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!read_line(r, line, number))
            return false;
    }
    return r->keys->count > 0 || keys_refuse(r, "has no key");
}

// ---- the file

static bool read_text(struct keys_reader *r, char *text, size_t len) {
    if (memchr(text, '\0', len))
        return keys_refuse(r, "is no text");
    size_t blank = strspn(text, " \t\r\n");
    if (strstr(text, "PRIVATE KEY-----"))
        return keys_refuse(r, "has a private key; give the public one (openssl pkey -pubout)");
    if (strstr(text, "-----BEGIN "))
        return read_pem(r, text, len);
    if (text[blank] == '[') // each line of it might be taken for a secret that everybody knows
        return keys_refuse(r, "is a list; a JSON Web Key Set is an object: {\"keys\": [...]}");
    return text[blank] == '{' ? keys_read_set(r, text + blank, len - blank) : read_lines(r, text);
}

bool keys_parse(struct keys *keys, const char *text, size_t len, char *error, size_t cap) {
    struct keys_reader r = {.keys = keys, .error = error, .cap = cap};
    keys->count = 0;
    char *copy = malloc(len + 1); // lines are taken apart in place
    bool fine = copy || keys_refuse(&r, "needs more memory than there is");
    if (fine) {
        memcpy(copy, text, len);
        copy[len] = '\0';
        const char *begin = text_behind_mark(copy);
        size_t skipped = (size_t)(begin - copy);
        fine = read_text(&r, copy + skipped, len - skipped);
        explicit_bzero(copy, len);
        free(copy);
    }
    if (!fine)
        keys_free(keys);
    return fine;
}

bool keys_load(struct keys *keys, const char *path, char *error, size_t cap) {
    char why[TOKEN_KEYS_WHY_MAX];
    keys->count = 0;
    FILE *file = file_open(path);
    char *text = file ? malloc(KEYS_FILE_MAX + 1) : NULL;
    if (!text) {
        snprintf(error, cap, "keys: \"%s\" cannot be read: %s", path, file_open_reason(errno));
        if (file)
            fclose(file);
        return false;
    }
    size_t len = fread(text, 1, KEYS_FILE_MAX + 1, file);
    bool fine = false;
    if (ferror(file))
        snprintf(why, sizeof why, "cannot be read: %s", strerror(errno));
    else if (len > KEYS_FILE_MAX)
        snprintf(why, sizeof why, "is longer than %d bytes", KEYS_FILE_MAX);
    else
        fine = keys_parse(keys, text, len, why, sizeof why);
    fclose(file);
    explicit_bzero(text, KEYS_FILE_MAX + 1);
    free(text);
    if (!fine)
        snprintf(error, cap, "keys: \"%s\" %s", path, why);
    return fine;
}

void keys_free(struct keys *keys) {
    for (unsigned i = 0; i < keys->count; i++) {
        explicit_bzero(keys->list[i].bytes, keys->list[i].len);
        free(keys->list[i].bytes);
    }
    keys->count = 0;
}
