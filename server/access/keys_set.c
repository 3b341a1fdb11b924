// A JSON Web Key Set: {"keys": [{"kty": "RSA"|"EC"|"oct", "kid"?, "use"?, ...}]} (RFC 7517, RFC 7518, section
// 6).
#include "server/access/keys_internal.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER_BYTES_MAX 2048

int keys_base64url(const char *text, unsigned char *out, size_t cap) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, held = 0;
    size_t len = 0;
    for (; *text; text++) {
        const char *letter = strchr(letters, *text);
        if (!letter)
            return -1;
        held = (held << 6 | (unsigned)(letter - letters)) & 0xffff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (len == cap)
            return -1;
        out[len++] = (unsigned char)(held >> bits);
    }
    return bits >= 6 || (held & ((1U << bits) - 1)) ? -1 : (int)len;
}

// The bytes of a member of the key; 0: it is missing or malformed.
static size_t member(const json_t *jwk, const char *name, unsigned char out[MEMBER_BYTES_MAX]) {
    const char *text = json_string_value(json_object_get(jwk, name));
    int len = text ? keys_base64url(text, out, MEMBER_BYTES_MAX) : -1;
    return len > 0 ? (size_t)len : 0;
}

static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = builder ? OSSL_PARAM_BLD_to_param(builder) : NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && context && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static EVP_PKEY *rsa_key(const json_t *jwk) {
    unsigned char bytes[2][MEMBER_BYTES_MAX];
    size_t n_len = member(jwk, "n", bytes[0]), e_len = member(jwk, "e", bytes[1]);
    if (!n_len || !e_len)
        return NULL;
    BIGNUM *n = BN_bin2bn(bytes[0], (int)n_len, NULL), *e = BN_bin2bn(bytes[1], (int)e_len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    if (n && e && builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        key = build("RSA", builder); // takes the builder
    else
        OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

static EVP_PKEY *ec_key(const json_t *jwk) {
    static const struct {
        const char *crv, *group;
        size_t len;
    } curves[] = {{"P-256", "prime256v1", 32}, {"P-384", "secp384r1", 48}, {"P-521", "secp521r1", 66}};
    unsigned char point[1 + 2 * 66], bytes[2][MEMBER_BYTES_MAX];
    const char *crv = json_string_value(json_object_get(jwk, "crv"));
    for (size_t i = 0; crv && i < sizeof curves / sizeof curves[0]; i++) {
        size_t len = curves[i].len;
        if (strcmp(crv, curves[i].crv) != 0 || member(jwk, "x", bytes[0]) != len ||
            member(jwk, "y", bytes[1]) != len)
            continue;
        point[0] = 4; // uncompressed
        memcpy(point + 1, bytes[0], len);
        memcpy(point + 1 + len, bytes[1], len);
        OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
        if (builder &&
            OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) &&
            OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len))
            return build("EC", builder);
        OSSL_PARAM_BLD_free(builder);
    }
    return NULL;
}

static bool add_secret(struct keys_reader *r, const json_t *jwk, const char *id) {
    unsigned char bytes[MEMBER_BYTES_MAX];
    size_t len = member(jwk, "k", bytes);
    bool fine = len ? keys_add(r, id, KEY_SECRET, bytes, len)
                    : keys_refuse(r, "has a key \"%s\" of type oct without a good `k`", id);
    explicit_bzero(bytes, sizeof bytes);
    return fine;
}

// A member that is a text, or is not there: "".
static bool read_member(struct keys_reader *r, const json_t *jwk, const char *name, const char **out) {
    const json_t *value = json_object_get(jwk, name);
    *out = value ? json_string_value(value) : "";
    return *out || keys_refuse(r, "has a key whose `%s` is no text", name);
}

// Whether signatures are verified with it (RFC 7517, sections 4.2 to 4.4), and not messages encrypted.
static bool is_for_signatures(const json_t *jwk, const char *use, const char *algorithm) {
    static const char *const signing[] = {"HS", "RS256", "RS384", "RS512", "PS", "ES", "Ed"};
    const json_t *operations = json_object_get(jwk, "key_ops"), *operation;
    bool verifies = !json_is_array(operations), signs = !algorithm[0];
    size_t i;
    json_array_foreach(operations, i, operation) {
        const char *name = json_string_value(operation);
        verifies = verifies || (name && (strcmp(name, "verify") == 0 || strcmp(name, "sign") == 0));
    }
    for (i = 0; i < sizeof signing / sizeof signing[0]; i++)
        signs = signs || strncmp(algorithm, signing[i], strlen(signing[i])) == 0;
    return verifies && signs && (!use[0] || strcmp(use, "sig") == 0);
}

static bool add_public(struct keys_reader *r, const json_t *jwk, const char *type, const char *id) {
    bool rsa = strcmp(type, "RSA") == 0;
    if (!rsa && strcmp(type, "EC") != 0)
        return keys_refuse(r, "has the key \"%s\" of the type \"%s\"; RSA, EC and oct are taken", id, type);
    if (json_object_get(jwk, "d"))
        return keys_refuse(r, "has a private key \"%s\"; leave out all but the public members", id);
    EVP_PKEY *key = rsa ? rsa_key(jwk) : ec_key(jwk);
    if (!key)
        return keys_refuse(r, "has the key \"%s\" with members that make no %s key", id, type);
    bool fine = keys_add_public(r, id, key);
    EVP_PKEY_free(key);
    return fine;
}

// The key that was added last is good for this algorithm alone.
static bool restrict_last(struct keys_reader *r, const char *id, const char *algorithm) {
    struct key *key = &r->keys->list[r->keys->count - 1];
    enum key_kind kind;
    if (!algorithm[0])
        return true;
    if (!key_kind_of(algorithm, &kind) || kind != key->kind)
        return keys_refuse(r, "has the key \"%s\" for the algorithm \"%s\", which is not taken of such a key",
                           id, algorithm);
    memcpy(key->algorithm, algorithm, strlen(algorithm) + 1);
    return true;
}

static bool add_key(struct keys_reader *r, const json_t *jwk) {
    const char *type = json_string_value(json_object_get(jwk, "kty"));
    const char *id, *use, *algorithm;
    if (!type)
        return keys_refuse(r, "has an entry of `keys` without `kty`");
    if (!read_member(r, jwk, "kid", &id) || !read_member(r, jwk, "use", &use) ||
        !read_member(r, jwk, "alg", &algorithm))
        return false;
    if (!is_for_signatures(jwk, use, algorithm)) // not meant for us
        return true;
    bool added = strcmp(type, "oct") == 0 ? add_secret(r, jwk, id) : add_public(r, jwk, type, id);
    return added && restrict_last(r, id, algorithm);
}

bool keys_read_set(struct keys_reader *r, const char *text, size_t len) {
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where), *jwk;
    const json_t *list = json_object_get(root, "keys");
    bool fine = json_is_array(list);
    size_t i;
    if (!root)
        keys_refuse(r, "is no JSON: %s in line %d", where.text, where.line);
    else if (!fine)
        keys_refuse(r, "has no list `keys`");
    for (i = 0; fine && (jwk = json_array_get(list, i)); i++)
        fine = add_key(r, jwk);
    json_decref(root);
    return fine && (r->keys->count > 0 || keys_refuse(r, "has no key for signatures"));
}
