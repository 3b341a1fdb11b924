#include "server/access/token.h"

#include "server/access/keys_internal.h"
#include "server/access/token_internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <jwt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAKEN "HS256, RS256 and ES256 (and their longer forms) are taken"

bool token_refuse(char *why, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, TOKEN_WHY_MAX, format, args);
    va_end(args);
    return false;
}

// ---- whose signature

// What an unverified token says of its key; texts live as long as what was read of it.
struct claim {
    enum key_kind kind;
    const char *algorithm;
    const char *key_id; // NULL: does not say
    const char *issuer;
};

// With `kid` the key of that name; else with LiveKit the issuer names it. A key without a name is tried for
// all.
static bool may_be(const struct key *key, const struct claim *claim) {
    const char *name = claim->key_id ? claim->key_id : claim->issuer;
    if (key->kind != claim->kind || (key->algorithm[0] && strcmp(key->algorithm, claim->algorithm) != 0))
        return false;
    return !key->id[0] || (name && strcmp(key->id, name) == 0);
}

static bool is_signed(const struct keys *keys, const char *token, const struct claim *claim) {
    for (unsigned i = 0; i < keys->count; i++) {
        const struct key *key = &keys->list[i];
        jwt_t *jwt = NULL;
        if (!may_be(key, claim) || jwt_decode(&jwt, token, key->bytes, (int)key->len) != 0)
            continue;
        jwt_free(jwt);
        return true;
    }
    return false;
}

// What stands before the first dot, or between the two: an object in which no member is named twice, of which
// the library would take the last, and a verifier elsewhere perhaps the first. NULL: it is none.
static json_t *read_part(const char *token, bool header) {
    unsigned char bytes[TOKEN_BYTES_MAX];
    char text[TOKEN_BYTES_MAX + 1];
    const char *part = header ? token : token + strcspn(token, ".");
    part += *part == '.' && !header;
    size_t len = strcspn(part, ".");
    if (len > TOKEN_BYTES_MAX)
        return NULL;
    memcpy(text, part, len);
    text[len] = '\0';
    int decoded = keys_base64url(text, bytes, sizeof bytes);
    json_t *object =
        decoded > 0 ? json_loadb((const char *)bytes, (size_t)decoded, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

// Of a token that libjwt does not read, for want of its algorithm.
static void refuse_unread(const char *token, char *why) {
    json_t *header = read_part(token, true);
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    if (algorithm && strcmp(algorithm, "EdDSA") == 0)
        token_refuse(why,
                     "the token is signed with EdDSA, which this server's library does not have; " TAKEN);
    else if (algorithm && algorithm[0])
        token_refuse(why, "the token is signed in a way that is not taken, or damaged; " TAKEN);
    else
        token_refuse(why, "the token is no JSON Web Token");
    json_decref(header);
}

// Whether libjwt reads it, whoever signed it.
static bool is_read(const char *token) {
    jwt_t *jwt = NULL;
    bool read = jwt_decode(&jwt, token, NULL, 0) == 0;
    if (read)
        jwt_free(jwt);
    return read;
}

// Whether one of the keys has signed it, and nothing of it is critical that is not known here (RFC 7515,
// section 4.1.11), which is any extension: one that is passed over may have made the token mean less.
static bool is_good(const struct keys *keys, const char *token, const json_t *header, const json_t *claims,
                    char *why) {
    struct claim claim = {.algorithm = json_string_value(json_object_get(header, "alg")),
                          .key_id = json_string_value(json_object_get(header, "kid")),
                          .issuer = json_string_value(json_object_get(claims, "iss"))};
    if (!header || !claims)
        return token_refuse(
            why, "the token is malformed: its header or its claims are no object, or name a member twice");
    if (!key_kind_of(claim.algorithm, &claim.kind))
        return token_refuse(why, "the token is signed in a way that is not taken; " TAKEN);
    if (json_object_get(header, "kid") && !claim.key_id) // passing it over would take another key
        return token_refuse(why, "the token's `kid` is no text");
    if (json_object_get(header, "crit"))
        return token_refuse(why,
                            "the token is for verifiers that know an extension (`crit`); none is known here");
    return is_signed(keys, token, &claim) ||
           token_refuse(why, "the token is not signed with a key of this server");
}

json_t *token_open(const struct keys *keys, const char *token, char *why) {
    if (strlen(token) > TOKEN_BYTES_MAX) {
        token_refuse(why, "the token is longer than %d bytes", TOKEN_BYTES_MAX);
        return NULL;
    }
    if (!is_read(token)) {
        refuse_unread(token, why);
        return NULL;
    }
    json_t *header = read_part(token, true), *claims = read_part(token, false);
    bool good = is_good(keys, token, header, claims, why);
    json_decref(header);
    if (good)
        return claims;
    json_decref(claims);
    return NULL;
}

// ---- what it says

bool token_times_hold(const json_t *claims, uint64_t now_s, struct grants *out, char *why) {
    const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf");
    double end = json_number_value(exp), start = json_number_value(nbf);
    if (!json_is_number(exp) || end < 0 || end > 1e12)
        return token_refuse(why, "the token has no `exp`, or one that is no time");
    if (nbf && (!json_is_number(nbf) || start < 0 || start > 1e12))
        return token_refuse(why, "the token's `nbf` is no time");
    if ((double)now_s >= end + TOKEN_LEEWAY_S)
        return token_refuse(why, "the token has expired; ask for a new one");
    if (nbf && (double)now_s + TOKEN_LEEWAY_S < start)
        return token_refuse(why, "the token is not good yet (compare the clocks)");
    out->ends_s = (uint64_t)end;
    return true;
}

bool token_take_text(const json_t *object, const char *name, char *out, size_t bytes_max, char *why) {
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    out[0] = '\0';
    if (!value || json_is_null(value))
        return true;
    if (!text)
        return token_refuse(why, "the token's `%s` must be a text", name);
    if (strlen(text) > bytes_max)
        return token_refuse(why, "the token's `%s` is longer than %zu bytes", name, bytes_max);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

bool token_take_bool(const json_t *video, const char *name, bool preset, bool *out, char *why) {
    const json_t *value = json_object_get(video, name);
    *out = json_is_null(value) || !value ? preset : json_is_true(value);
    return !value || json_is_null(value) || json_is_boolean(value) ||
           token_refuse(why, "the token's `video.%s` must be true or false", name);
}

static bool take_sources(const json_t *video, unsigned *rights, char *why) {
    static const struct {
        const char *name;
        unsigned right;
    } rows[] = {{"camera", RIGHT_CAMERA},
                {"microphone", RIGHT_MICROPHONE},
                {"screen_share", RIGHT_SCREEN},
                {"screen_share_audio", RIGHT_SCREEN_AUDIO}};
    const json_t *list = json_object_get(video, "canPublishSources"), *entry;
    size_t i;
    if (!list || json_is_null(list) || (json_is_array(list) && json_array_size(list) == 0))
        return true;
    if (!json_is_array(list))
        return token_refuse(why, "the token's `video.canPublishSources` must be a list");
    unsigned named = 0;
    for (i = 0; (entry = json_array_get(list, i)); i++) {
        const char *text = json_string_value(entry);
        for (size_t s = 0; text && s < sizeof rows / sizeof rows[0]; s++)
            named |= strcmp(text, rows[s].name) == 0 ? rows[s].right : 0;
    }
    *rights &= ~(unsigned)RIGHTS_PUBLISH | named;
    return true;
}

// What LiveKit's grants mean where they are silent: who may join may publish and subscribe, and who may
// publish may send data.
static bool take_video(const json_t *claims, struct grants *out, char *why) {
    const json_t *video = json_object_get(claims, "video");
    bool join, publish, subscribe, data, hidden, recorder, admin, record, own_metadata;
    if (!json_is_object(video))
        return token_refuse(why, "the token has no grants (`video`)");
    if (!token_take_bool(video, "roomJoin", false, &join, why) ||
        !token_take_bool(video, "canPublish", true, &publish, why) ||
        !token_take_bool(video, "canSubscribe", true, &subscribe, why) ||
        !token_take_bool(video, "canPublishData", publish, &data, why) ||
        !token_take_bool(video, "hidden", false, &hidden, why) ||
        !token_take_bool(video, "recorder", false, &recorder, why) ||
        !token_take_bool(video, "canUpdateOwnMetadata", false, &own_metadata, why) ||
        !token_take_bool(video, "roomAdmin", false, &admin, why) ||
        !token_take_bool(video, "roomRecord", false, &record, why) ||
        !token_take_text(video, "room", out->room, GRANT_ROOM_MAX, why))
        return false;
    if (!join || !out->room[0])
        return token_refuse(why,
                            "the token does not let its bearer join a room (`video.roomJoin`, `video.room`)");
    out->hidden = hidden;
    out->recorder = recorder;
    out->rights = (publish ? (unsigned)RIGHTS_PUBLISH : 0U) | (subscribe ? (unsigned)RIGHT_SUBSCRIBE : 0U) |
                  (data ? (unsigned)RIGHT_DATA : 0U) | (admin ? (unsigned)RIGHT_ADMIN : 0U) |
                  (own_metadata ? (unsigned)RIGHT_METADATA : 0U) | (record ? (unsigned)RIGHT_RECORD : 0U);
    return take_sources(video, &out->rights, why);
}

// A JSON object of texts, kept as its text.
static bool take_attributes(const json_t *claims, char *out, char *why) {
    const json_t *list = json_object_get(claims, "attributes");
    const char *name;
    json_t *value;
    out[0] = '\0';
    if (!list || json_is_null(list) || (json_is_object(list) && json_object_size(list) == 0))
        return true;
    if (!json_is_object(list))
        return token_refuse(why, "the token's `attributes` must be texts by name");
    json_object_foreach((json_t *)list, name, value) {
        if (!name[0] || !json_is_string(value))
            return token_refuse(why, "the token's `attributes` must be texts by name");
    }
    size_t len = json_dumpb(list, out, GRANT_ATTRIBUTES_MAX, JSON_COMPACT);
    if (len == 0 || len > GRANT_ATTRIBUTES_MAX)
        return token_refuse(why, "the token's `attributes` are longer than %d bytes", GRANT_ATTRIBUTES_MAX);
    out[len] = '\0';
    return true;
}

bool token_verify(const struct keys *keys, const char *token, uint64_t now_s, struct grants *out, char *why) {
    json_t *claims = token_open(keys, token, why);
    struct grants grants = {0};
    if (!claims)
        return false;
    bool fine = token_times_hold(claims, now_s, &grants, why) &&
                token_take_text(claims, "sub", grants.identity, GRANT_IDENTITY_MAX, why) &&
                token_take_text(claims, "name", grants.name, GRANT_NAME_MAX, why) &&
                token_take_text(claims, "metadata", grants.metadata, GRANT_METADATA_MAX, why) &&
                take_attributes(claims, grants.attributes, why) && take_video(claims, &grants, why);
    if (fine && !grants.identity[0])
        fine = token_refuse(why, "the token does not say whose it is (`sub`)");
    json_decref(claims);
    if (fine)
        *out = grants;
    return fine;
}

// ---- making one

static const struct key *first_secret(const struct keys *keys) {
    for (unsigned i = 0; i < keys->count; i++)
        if (keys->list[i].kind == KEY_SECRET && keys->list[i].id[0])
            return &keys->list[i];
    return NULL;
}

// One that manages the server, and the room if it names one.
static json_t *describe_operator(const struct key *key, const struct token_wish *wish, uint64_t now_s) {
    return json_pack("{s:s, s:s*, s:I, s:I, s:{s:b, s:b, s:b, s:s*}, s:{s:b}}", "iss", key->id, "sub",
                     wish->identity, "nbf", (json_int_t)now_s, "exp", (json_int_t)(now_s + wish->ttl_s),
                     "video", "roomCreate", 1, "roomList", 1, "roomAdmin", 1, "room", wish->room, "rotunda",
                     "operator", 1);
}

static char *describe(const struct key *key, const struct token_wish *wish, uint64_t now_s) {
    if (wish->operator_) {
        json_t *operator_claims = describe_operator(key, wish, now_s);
        char *operator_text = operator_claims ? json_dumps(operator_claims, JSON_COMPACT) : NULL;
        json_decref(operator_claims);
        return operator_text;
    }
    json_t *claims =
        json_pack("{s:s, s:s, s:s*, s:I, s:I, s:{s:b, s:s, s:b, s:b, s:b, s:b, s:b}}", "iss", key->id, "sub",
                  wish->identity, "name", wish->name, "nbf", (json_int_t)now_s, "exp",
                  (json_int_t)(now_s + wish->ttl_s), "video", "roomJoin", 1, "room", wish->room, "canPublish",
                  (int)wish->publish, "canSubscribe", (int)wish->subscribe, "canPublishData", (int)wish->data,
                  "roomAdmin", (int)wish->admin, "roomRecord", (int)wish->record);
    char *text = claims ? json_dumps(claims, JSON_COMPACT) : NULL;
    json_decref(claims);
    return text;
}

bool token_can_mint(const struct keys *keys) {
    return first_secret(keys) != NULL;
}

const struct key *token_key(const struct keys *keys, char *why) {
    const struct key *key = first_secret(keys);
    if (!key)
        token_refuse(
            why, "the file of keys has no line `id: secret`, and with a public key nothing can be signed");
    return key;
}

char *token_sign(const struct key *key, char *claims, char *why) {
    jwt_t *jwt = NULL;
    char *token = NULL;
    if (claims && jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_HS256, key->bytes, (int)key->len) == 0)
        token = jwt_encode_str(jwt);
    char *own = token ? strdup(token) : NULL;
    free(token);
    jwt_free(jwt);
    free(claims);
    if (!own)
        token_refuse(why, "the token could not be made (out of memory, or a text that is not UTF-8)");
    return own;
}

char *token_mint(const struct keys *keys, const struct token_wish *wish, uint64_t now_s, char *why) {
    const struct key *key = token_key(keys, why);
    return key ? token_sign(key, describe(key, wish, now_s), why) : NULL;
}
