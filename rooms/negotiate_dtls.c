// dtlsParameters: RFC 8122, 5 (fingerprints), RFC 5763 (roles). A SHA-1 fingerprint proves no certificate any
// more: two certificates with the same one can be made.
#include "rooms/negotiate_internal.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const struct hash_name {
    const char *name;
    enum fingerprint_hash hash;
    uint8_t len;
} HASHES[] = {
    {"sha-224", FINGERPRINT_SHA224, 28},
    {"sha-256", FINGERPRINT_SHA256, 32},
    {"sha-384", FINGERPRINT_SHA384, 48},
    {"sha-512", FINGERPRINT_SHA512, 64},
};

static bool hex_digit(char c, uint8_t *out) {
    if (c >= '0' && c <= '9')
        *out = (uint8_t)(c - '0');
    else if (c >= 'A' && c <= 'F')
        *out = (uint8_t)(c - 'A' + 10);
    else if (c >= 'a' && c <= 'f')
        *out = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

// RFC 8122, 5: pairs of hexadecimal digits with a colon between, exactly `len` of them.
static bool parse_bytes(const char *text, uint8_t *out, size_t len) {
    if (strlen(text) != 3 * len - 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint8_t high, low;

        if (!hex_digit(text[3 * i], &high) || !hex_digit(text[3 * i + 1], &low))
            return false;
        if (i + 1 < len && text[3 * i + 2] != ':')
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

// RFC 8122, 5: SHA-1 is not to be relied on. Whoever names a better one beside it is taken by that.
static bool is_sha1(const json_t *item) {
    return strcasecmp(negotiate_text_member(item, "algorithm"), "sha-1") == 0;
}

static const json_t *first_trusted(const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!is_sha1(json_array_get(list, i)))
            return json_array_get(list, i);
    }
    return NULL;
}

static bool parse_fingerprint(const json_t *item, struct fingerprint *out, struct refusal *refusal) {
    if (item == NULL)
        return negotiate_refuse(
            refusal, ERR_UNSUPPORTED,
            "fingerprints name sha-1 alone, which is not safe any more; give sha-256, sha-384 or sha-512");
    const char *algorithm = negotiate_text_member(item, "algorithm"),
               *value = negotiate_text_member(item, "value");

    for (size_t i = 0; i < sizeof HASHES / sizeof HASHES[0]; i++) {
        if (strcasecmp(HASHES[i].name, algorithm) != 0)
            continue;
        out->hash = HASHES[i].hash;
        out->len = HASHES[i].len;
        if (parse_bytes(value, out->bytes, HASHES[i].len))
            return true;
        return negotiate_refuse(
            refusal, ERR_MALFORMED,
            "the first fingerprint's value is not %u pairs of hexadecimal digits with colons between",
            (unsigned)HASHES[i].len);
    }
    return negotiate_refuse(refusal, ERR_UNSUPPORTED,
                            "the first fingerprint's algorithm is not sha-224, sha-256, sha-384 or sha-512");
}

static bool parse_role(const json_t *value, enum dtls_role *out, struct refusal *refusal) {
    static const struct {
        const char *name;
        enum dtls_role role;
    } ROLES[] = {{"auto", DTLS_ROLE_AUTO}, {"client", DTLS_ROLE_CLIENT}, {"server", DTLS_ROLE_SERVER}};

    if (!negotiate_is_given(value)) {
        *out = DTLS_ROLE_AUTO;
        return true;
    }
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), ROLES[i].name) == 0) {
            *out = ROLES[i].role;
            return true;
        }
    }
    return negotiate_refuse(refusal, ERR_MALFORMED,
                            "dtlsParameters.role is not \"auto\", \"client\" or \"server\"");
}

static bool parse_dtls(const json_t *parameters, enum dtls_role *role, struct fingerprint *fingerprint,
                       struct refusal *refusal) {
    const json_t *list = json_object_get(parameters, "fingerprints");

    if (!json_is_object(parameters))
        return negotiate_refuse(refusal, ERR_MALFORMED, "dtlsParameters is not an object");
    if (!json_is_array(list) || json_array_size(list) == 0)
        return negotiate_refuse(refusal, ERR_MALFORMED,
                                "dtlsParameters.fingerprints is not an array with a fingerprint");
    if (json_array_size(list) > FINGERPRINTS_MAX)
        return negotiate_refuse(refusal, ERR_LIMIT,
                                "dtlsParameters.fingerprints has %zu entries; at most %d are allowed",
                                json_array_size(list), FINGERPRINTS_MAX);
    return parse_role(json_object_get(parameters, "role"), role, refusal) &&
           parse_fingerprint(first_trusted(list), fingerprint, refusal);
}

enum err negotiate_dtls(const json_t *dtls_parameters, enum dtls_role *role, struct fingerprint *fingerprint,
                        struct refusal *refusal) {
    struct fingerprint parsed = {0};
    enum dtls_role parsed_role = DTLS_ROLE_AUTO;

    assert(role != NULL && fingerprint != NULL && refusal != NULL);
    *refusal = (struct refusal){.code = ERR_OK};
    if (!parse_dtls(dtls_parameters, &parsed_role, &parsed, refusal))
        return refusal->code;
    *role = parsed_role;
    *fingerprint = parsed;
    return ERR_OK;
}
