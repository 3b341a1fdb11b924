// Tokens: those of LiveKit's own libraries are taken as they are; what forges, confuses or outlives is not.
#include "token_kit.h"

#include <openssl/hmac.h>
#include <openssl/rsa.h>

// Made with livekit-api 1.2.2 (PyPI) for the key devkey and SECRET, good until 2126.
#define LIVEKIT_ANN                                                                                          \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYW1lIjoiQW5uIiwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJ"   \
    "ibHVlIiwiY2FuUHVibGlzaCI6dHJ1ZSwiY2FuU3Vic2NyaWJlIjp0cnVlLCJjYW5QdWJsaXNoRGF0YSI6dHJ1ZX0sInN1YiI6ImF"   \
    "ubi0xIiwiaXNzIjoiZGV2a2V5IiwibmJmIjoxNzk1OTc3MTYzLCJleHAiOjQ5NDk1NzcxNjN9.V-M0kUHjFFbWaZTyW92lOh7SoR"   \
    "SqRSnmXLL8neYHg6A"
#define LIVEKIT_BOB                                                                                          \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                                  \
    "eyJtZXRhZGF0YSI6Int9IiwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJibHVlIiwiY2FuUHVibGlzaCI6ZmFsc2UsIm" \
    "NhblN1YnNjc"                                                                                            \
    "mliZSI6dHJ1ZSwiY2FuUHVibGlzaERhdGEiOmZhbHNlLCJjYW5QdWJsaXNoU291cmNlcyI6WyJjYW1lcmEiXX0sImF0dHJpYnV0ZXM" \
    "iOnsiYSI6Im"                                                                                            \
    "IifSwic3ViIjoiYm9iLTEiLCJpc3MiOiJkZXZrZXkiLCJuYmYiOjE3OTU5NzcxNjMsImV4cCI6NDk0OTU3NzE2M30.jxCK_"        \
    "SjIvikQtCyCdhjxP5p"                                                                                     \
    "-1yJgFTor5M77DE7sOP0"

#define VIDEO "\"video\":{\"roomJoin\":true,\"room\":\"blue\"}"
#define CLAIMS "\"iss\":\"devkey\",\"sub\":\"ann\",\"exp\":1800003600," VIDEO

// A token with these claims; the caller's to free. `kid` NULL: none.
static char *sign(jwt_alg_t algorithm, const char *key, const char *claims, const char *kid) {
    jwt_t *jwt;
    char object[4096];
    snprintf(object, sizeof object, "{%s}", claims);
    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, object), 0);
    if (kid)
        assert_int_equal(jwt_add_header(jwt, "kid", kid), 0);
    assert_int_equal(jwt_set_alg(jwt, algorithm, (const unsigned char *)key, key ? (int)strlen(key) : 0), 0);
    char *token = jwt_encode_str(jwt);
    assert_non_null(token);
    jwt_free(jwt);
    return token;
}

static void test_tokens_of_livekit(void **state) {
    (void)state;
    struct keys keys;
    struct grants grants;
    char why[TOKEN_WHY_MAX] = "";
    read_keys(&keys, "other: fedcba9876543210fedcba9876543210\ndevkey: " SECRET "\n");
    if (!token_verify(&keys, LIVEKIT_ANN, NOW, &grants, why))
        fail_msg("%s", why);
    assert_string_equal(grants.identity, "ann-1");
    assert_string_equal(grants.name, "Ann");
    assert_string_equal(grants.room, "blue");
    assert_int_equal(grants.rights, RIGHTS_ALL);
    assert_int_equal(grants.ends_s, 4949577163);
    assert_true(token_verify(&keys, LIVEKIT_BOB, NOW, &grants, why));
    assert_string_equal(grants.name, "");
    assert_int_equal(grants.rights, RIGHT_SUBSCRIBE);
    keys_free(&keys);
}

// Claims, and what they come to; `rights` UINT_MAX: refused, with these words.
static void test_claims(void **state) {
    (void)state;
    static const struct {
        const char *claims;
        unsigned rights;
        const char *why;
    } rows[] = {
        {CLAIMS, RIGHTS_ALL, NULL},
        {CLAIMS ",\"nbf\":1800000060", RIGHTS_ALL, NULL},
        {CLAIMS ",\"nbf\":1800000061", UINT_MAX, "not good yet"},
        {CLAIMS ",\"nbf\":\"now\"", UINT_MAX, "`nbf`"},
        {CLAIMS ",\"nbf\":-1", UINT_MAX, "`nbf` is no time"},
        {CLAIMS ",\"nbf\":2e12", UINT_MAX, "`nbf` is no time"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1799999941," VIDEO, RIGHTS_ALL, NULL},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1799999940," VIDEO, UINT_MAX, "expired"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":-1," VIDEO, UINT_MAX, "`exp`"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":\"1900000000\"," VIDEO, UINT_MAX, "`exp`"},
        {"\"iss\":\"devkey\",\"sub\":\"a\"," VIDEO, UINT_MAX, "`exp`"},
        {"\"iss\":\"devkey\",\"exp\":1800003600," VIDEO, UINT_MAX, "`sub`"},
        {"\"iss\":\"devkey\",\"sub\":7,\"exp\":1800003600," VIDEO, UINT_MAX, "`sub`"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600", UINT_MAX, "grants"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600,\"video\":{\"roomJoin\":true}", UINT_MAX,
         "join a room"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600,\"video\":{\"room\":\"b\"}", UINT_MAX,
         "join a room"},
        {"\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600,\"video\":{\"roomJoin\":\"yes\",\"room\":"
         "\"b\"}",
         UINT_MAX, "video.roomJoin"},
#define WITH(grant)                                                                                          \
    "\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600,\"video\":{\"roomJoin\":true,\"room\":\"b\"," grant \
    "}"
        {WITH("\"canPublish\":false"), RIGHT_SUBSCRIBE, NULL}, // and no data, where nothing is said of it
        {WITH("\"canPublish\":false,\"canPublishData\":true"), RIGHT_SUBSCRIBE | RIGHT_DATA, NULL},
        {WITH("\"canPublish\":false,\"canPublishData\":null"), RIGHT_SUBSCRIBE, NULL},
        {WITH("\"canPublish\":null"), RIGHTS_ALL, NULL},
        {WITH("\"canPublish\":0"), UINT_MAX, "video.canPublish"},
        {WITH("\"canSubscribe\":false"), RIGHTS_PUBLISH | RIGHT_DATA, NULL},
        {WITH("\"canPublishData\":false"), RIGHTS_PUBLISH | RIGHT_SUBSCRIBE, NULL},
        {WITH("\"canPublishSources\":[]"), RIGHTS_ALL, NULL},
        {WITH("\"canPublishSources\":[\"microphone\"]"), RIGHT_MICROPHONE | RIGHT_SUBSCRIBE | RIGHT_DATA,
         NULL},
        {WITH("\"canPublishSources\":[\"camera\",\"screen_share\",\"screen_share_audio\",7]"),
         RIGHT_CAMERA | RIGHT_SCREEN | RIGHT_SCREEN_AUDIO | RIGHT_SUBSCRIBE | RIGHT_DATA, NULL},
        {WITH("\"canPublishSources\":[\"hologram\"]"), RIGHT_SUBSCRIBE | RIGHT_DATA, NULL},
        {WITH("\"canPublishSources\":\"camera\""), UINT_MAX, "canPublishSources"},
        {WITH("\"canPublish\":false,\"canPublishSources\":[\"camera\"]"), RIGHT_SUBSCRIBE, NULL},
        {WITH("\"roomAdmin\":true"), RIGHTS_ALL | RIGHT_ADMIN, NULL},
        {WITH("\"roomAdmin\":false"), RIGHTS_ALL, NULL},
        {WITH("\"roomAdmin\":1"), UINT_MAX, "video.roomAdmin"},
        {WITH("\"hidden\":true"), RIGHTS_ALL, NULL},
        {WITH("\"recorder\":\"yes\""), UINT_MAX, "video.recorder"},
        {WITH("\"canUpdateOwnMetadata\":true"), RIGHTS_ALL | RIGHT_METADATA, NULL},
        {WITH("\"hidden\":false"), RIGHTS_ALL, NULL},
    };
    struct keys keys;
    read_keys(&keys, "devkey: " SECRET "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct grants grants;
        char why[TOKEN_WHY_MAX] = "", *token = sign(JWT_ALG_HS256, SECRET, rows[i].claims, NULL);
        bool fine = token_verify(&keys, token, NOW, &grants, why);
        if (fine != (rows[i].rights != UINT_MAX) || (fine && grants.rights != rows[i].rights))
            fail_msg("row %zu: %d %#x %s", i, fine, fine ? grants.rights : 0, why);
        if (!fine && !strstr(why, rows[i].why))
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, why, rows[i].why);
        free(token);
    }
    keys_free(&keys);
}

// ---- keys of other kinds

static void test_public_keys(void **state) {
    (void)state;
    static const struct {
        const char *curve; // NULL: RSA
        jwt_alg_t algorithm;
    } rows[] = {{NULL, JWT_ALG_RS256},    {NULL, JWT_ALG_RS384},    {NULL, JWT_ALG_RS512},
                {"P-256", JWT_ALG_ES256}, {"P-384", JWT_ALG_ES384}, {"P-521", JWT_ALG_ES512}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pair pair;
        struct keys keys;
        struct grants grants;
        char why[TOKEN_WHY_MAX] = "";
        write_pair(rows[i].curve ? EVP_EC_gen(rows[i].curve) : EVP_RSA_gen(2048), &pair);
        read_keys(&keys, pair.public);
        char *token = sign(rows[i].algorithm, pair.private, CLAIMS, NULL);
        if (!token_verify(&keys, token, NOW, &grants, why))
            fail_msg("row %zu: %s", i, why);
        free(token);
        // The public key taken for a secret: the best known forgery.
        token = sign(JWT_ALG_HS256, pair.public, CLAIMS, NULL);
        assert_false(token_verify(&keys, token, NOW, &grants, why));
        assert_non_null(strstr(why, "not signed with a key of this server"));
        free(token);
        keys_free(&keys);
    }
}

// A key of a set that names its algorithm is good for no other (RFC 8725, section 3.1).
static void test_a_key_for_one_algorithm(void **state) {
    (void)state;
    static const jwt_alg_t algorithms[] = {JWT_ALG_HS256, JWT_ALG_HS384, JWT_ALG_HS512};
    struct keys keys;
    struct grants grants;
    char why[TOKEN_WHY_MAX];
    read_keys(&keys, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"devkey\",\"alg\":\"HS384\","
                     "\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}]}");
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        char *token = sign(algorithms[i], SECRET, CLAIMS, NULL);
        assert_int_equal(token_verify(&keys, token, NOW, &grants, why), algorithms[i] == JWT_ALG_HS384);
        free(token);
    }
    keys_free(&keys);
}

// ---- what is forged

static char *with_header(const char *header_base64, const char *token) {
    char *out = NULL;
    assert_true(asprintf(&out, "%s%s", header_base64, strchr(token, '.')) > 0);
    return out;
}

static void assert_refused(const struct keys *keys, const char *token, const char *words) {
    struct grants grants = {.rights = 77};
    char why[TOKEN_WHY_MAX] = "";
    if (token_verify(keys, token, NOW, &grants, why))
        fail_msg("taken: %s", token);
    if (!strstr(why, words))
        fail_msg("\"%s\" does not say \"%s\"", why, words);
    assert_int_equal(grants.rights, 77);
}

// Tokens that the library does not read: why is said as far as their header tells.
static void test_unread(void **state) {
    (void)state;
    struct keys keys;
    read_keys(&keys, "devkey: " SECRET "\n");
    char *good = sign(JWT_ALG_HS256, SECRET, CLAIMS, NULL);
    static const struct {
        const char *header, *words;
    } unread[] = {
        {"eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9", "EdDSA, which this server's library does not have"},
        {"eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9", "EdDSA, which"},        // {"typ":"JWT","alg":"EdDSA"}
        {"eyAiYWxnIiA6ICJFZERTQSIgfQ", "EdDSA, which"},                  // { "alg" : "EdDSA" }
        {"eyJhbGciOiJFUzI1NksifQ", "signed in a way that is not taken"}, // {"alg":"ES256K"}
        {"eyJhbGciOiJFZERTQSI", "no JSON Web Token"},                    // {"alg":"EdDSA"
        {"e30", "the token is"},
    };
    for (size_t i = 0; i < COUNT(unread); i++) {
        char *token = with_header(unread[i].header, good);
        assert_refused(&keys, token, unread[i].words);
        free(token);
    }
    free(good);
    keys_free(&keys);
}

static void test_forgeries(void **state) {
    (void)state;
    struct keys keys;
    read_keys(&keys, "devkey: " SECRET "\n");
    char *good = sign(JWT_ALG_HS256, SECRET, CLAIMS, NULL);
    char *none = sign(JWT_ALG_NONE, NULL, CLAIMS, NULL);
    assert_refused(&keys, none, "signed in a way");
    static const char *const headers[] = {
        "eyJhbGciOiJub25lIn0",                                    // {"alg":"none"}
        "eyJhbGciOiJOb25lIn0",                                    // {"alg":"None"}
        "eyJhbGciOiJoczI1NiJ9",                                   // {"alg":"hs256"}
        "eyJhbGciOiIifQ",                                         // {"alg":""}
        "e30",                                                    // {}
        "eyJhbGciOlsiSFMyNTYiXX0",                                // {"alg":["HS256"]}
        "eyJhbGciOiJSUzI1NiJ9",                                   // {"alg":"RS256"}
        "eyJhbGciOiJIUzM4NCJ9",                                   // {"alg":"HS384"}
        "eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ", // {"alg":"HS256","kid":"../../etc/passwd"}
    };
    for (size_t i = 0; i < COUNT(headers); i++) {
        char *token = with_header(headers[i], good);
        assert_refused(&keys, token, "the token is");
        free(token);
        token = with_header(headers[i], none); // with an empty signature
        assert_refused(&keys, token, "the token is");
        free(token);
    }
    char *token = sign(JWT_ALG_HS256, "another secret, of 32 bytes and m", CLAIMS, NULL);
    assert_refused(&keys, token, "not signed with a key");
    free(token);
    token = sign(JWT_ALG_HS256, SECRET, "\"iss\":\"other\",\"sub\":\"ann\",\"exp\":1800003600," VIDEO, NULL);
    assert_refused(&keys, token, "not signed with a key"); // no key of that issuer
    free(token);
    token = sign(JWT_ALG_HS256, SECRET, CLAIMS, "other");
    assert_refused(&keys, token, "not signed with a key"); // `kid` names another
    free(token);
    // Any bit of the signature or the claims.
    for (size_t at = 0, len = strlen(good); at < len; at++) {
        struct grants grants;
        char why[TOKEN_WHY_MAX], kept = good[at];
        good[at] = kept == 'A' ? 'Q' : 'A';
        if (kept != '.' && at + 1 < len && token_verify(&keys, good, NOW, &grants, why))
            fail_msg("character %zu does not count", at);
        good[at] = kept;
    }
    for (size_t len = 0; len < strlen(good); len++) { // cut
        char *cut = strndup(good, len);
        assert_refused(&keys, cut, "the token is");
        free(cut);
    }
    static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "\x80\xff.\x01.\n", "e30.e30.e30"};
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_refused(&keys, texts[i], "the token is");
    char *longest = malloc(TOKEN_BYTES_MAX + 2);
    memset(longest, 'a', TOKEN_BYTES_MAX + 1);
    longest[TOKEN_BYTES_MAX + 1] = '\0';
    assert_refused(&keys, longest, "longer than");
    free(longest);
    free(good);
    free(none);
    keys_free(&keys);
}

// What a token's maker calls critical (RFC 7515, section 4.1.11), be it signed ever so well.
static void test_critical_extensions(void **state) {
    (void)state;
    static const struct {
        const char *headers;
        bool taken;
    } rows[] = {
        {"{\"crit\":[\"exp2\"],\"exp2\":1}", false},
        {"{\"crit\":[\"b64\"],\"b64\":false}", false},
        {"{\"crit\":[]}", false},
        {"{\"crit\":null}", false},
        {"{\"crit\":\"exp2\"}", false},
        {"{\"kid\":{\"a\":1}}", false},
        {"{\"exp2\":1,\"jku\":\"https://other.example/keys\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
         true}}; // what is not critical is passed over, and no key is taken from it
    struct keys keys;
    struct grants grants;
    read_keys(&keys, "devkey: " SECRET "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int good = 0; good <= 1; good++) {
            char why[TOKEN_WHY_MAX] = "", *token;
            const char *secret = good ? SECRET : "another secret, of 32 bytes and m";
            jwt_t *jwt;
            assert_int_equal(jwt_new(&jwt), 0);
            assert_int_equal(jwt_add_headers_json(jwt, rows[i].headers), 0);
            assert_int_equal(jwt_add_grants_json(jwt, "{" CLAIMS "}"), 0);
            assert_int_equal(
                jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen(secret)), 0);
            token = jwt_encode_str(jwt);
            jwt_free(jwt);
            if (token_verify(&keys, token, NOW, &grants, why) != (rows[i].taken && good))
                fail_msg("row %zu: %s", i, why);
            if (!rows[i].taken)
                assert_non_null(strstr(why, strstr(rows[i].headers, "crit") ? "`crit`" : "`kid`"));
            free(token);
        }
    }
    keys_free(&keys);
}

// With any signature that is good, as others may sign: these bytes and no others.
static char *sign_bytes(const char *header, const char *claims) {
    static char text[12288];
    char *out = NULL;
    unsigned char mac[32];
    unsigned len = sizeof mac;
    text[0] = '\0';
    const char *parts[] = {header, claims};
    for (size_t i = 0; i < 2; i++) {
        size_t at = strlen(text);
        EVP_EncodeBlock((unsigned char *)text + at, (const unsigned char *)parts[i], (int)strlen(parts[i]));
        text[at + strcspn(text + at, "=")] = '\0';
        strcat(text, i == 0 ? "." : "");
    }
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    assert_non_null(
        HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET), (unsigned char *)text, strlen(text), mac, &len));
    char signature[64];
    EVP_EncodeBlock((unsigned char *)signature, mac, (int)len);
    signature[strcspn(signature, "=")] = '\0';
    for (char *c = signature; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    assert_true(asprintf(&out, "%s.%s", text, signature) > 0);
    return out;
}

// Of two members of one name the library takes the last, and a gateway in front perhaps the first.
static void test_members_named_twice(void **state) {
    (void)state;
#define HEADER "{\"alg\":\"HS256\"}"
    static const struct {
        const char *header, *claims;
        bool taken;
    } rows[] = {
        {HEADER, "{" CLAIMS "}", true},
        {HEADER, "{\"sub\":\"eve\"," CLAIMS "}", false},
        {HEADER, "{" CLAIMS ",\"exp\":1900000000}", false},
        {HEADER,
         "{\"iss\":\"devkey\",\"sub\":\"a\",\"exp\":1800003600,\"video\":{\"roomJoin\":true,\"room\":"
         "\"blue\","
         "\"roomAdmin\":false,\"roomAdmin\":true}}",
         false},
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", "{" CLAIMS "}", false},
        {"{\"alg\":\"HS256\",\"kid\":\"x\",\"kid\":\"devkey\"}", "{" CLAIMS "}", false},
        {HEADER, "[]", false},
    };
    struct keys keys;
    read_keys(&keys, "devkey: " SECRET "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct grants grants;
        char why[TOKEN_WHY_MAX] = "", *token = sign_bytes(rows[i].header, rows[i].claims);
        if (token_verify(&keys, token, NOW, &grants, why) != rows[i].taken)
            fail_msg("row %zu: %s", i, why);
        free(token);
    }
    keys_free(&keys);
}

// Each text of a token, as long as it may be, and one byte more.
static void test_lengths(void **state) {
    (void)state;
    static const struct {
        const char *before, *after;
        size_t most; // of what stands between the two
    } rows[] = {
        {"\"sub\":\"", "\",\"iss\":\"devkey\",\"exp\":1800003600," VIDEO, GRANT_IDENTITY_MAX},
        {CLAIMS ",\"name\":\"", "\"", GRANT_NAME_MAX},
        {CLAIMS ",\"metadata\":\"", "\"", GRANT_METADATA_MAX},
        {CLAIMS ",\"attributes\":{\"a\":\"", "\"}", GRANT_ATTRIBUTES_MAX - strlen("{\"a\":\"\"}")},
        {"\"sub\":\"a\",\"iss\":\"devkey\",\"exp\":1800003600,\"video\":{\"roomJoin\":true,\"room\":\"",
         "\"}", GRANT_ROOM_MAX},
    };
    struct keys keys;
    static struct grants grants;
    read_keys(&keys, "devkey: " SECRET "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t more = 0; more <= 1; more++) {
            static char claims[8192];
            char why[TOKEN_WHY_MAX] = "";
            snprintf(claims, sizeof claims, "{%s%0*d%s}", rows[i].before, (int)(rows[i].most + more), 0,
                     rows[i].after);
            char *token = sign_bytes("{\"alg\":\"HS256\"}", claims);
            bool taken = token_verify(&keys, token, NOW, &grants, why);
            if (taken != (more == 0) || (more && !strstr(why, "longer than")))
                fail_msg("row %zu, %zu more: %s", i, more, why);
            free(token);
        }
    }
    keys_free(&keys);
}

// Tokens of programs: whom this server obeys beyond LiveKit's grants.
static void test_operators(void **state) {
    (void)state;
    static const struct {
        const char *claims;
        bool taken, obeyed;
    } rows[] = {{"", true, false},
                {",\"rotunda\":{}", true, false},
                {",\"rotunda\":{\"operator\":false}", true, false},
                {",\"rotunda\":{\"operator\":true}", true, true},
                {",\"rotunda\":{\"operator\":1}", false, false},
                {",\"rotunda\":{\"operator\":\"true\"}", false, false},
                {",\"rotunda\":true", true, false},
                {",\"operator\":true", true, false}};
    struct keys keys;
    read_keys(&keys, "devkey: " SECRET "\n");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char claims[256], why[TOKEN_WHY_MAX] = "";
        struct service_grants grants = {0};
        snprintf(claims, sizeof claims, "{\"iss\":\"devkey\",\"exp\":1800003600%s}", rows[i].claims);
        char *token = sign_bytes("{\"alg\":\"HS256\"}", claims);
        if (token_verify_service(&keys, token, NOW, &grants, why) != rows[i].taken ||
            grants.operator_ != rows[i].obeyed || (!rows[i].taken && !strstr(why, "`rotunda.operator`")))
            fail_msg("row %zu: %d %s", i, grants.operator_, why);
        assert_false(token_verify_service(&keys, token, 1800003660, &grants, why)); // nor for ever
        free(token);
    }
    struct token_wish wish = {.operator_ = true, .identity = "ops", .ttl_s = 60};
    char why[TOKEN_WHY_MAX];
    struct service_grants grants;
    char *token = token_mint(&keys, &wish, NOW, why);
    assert_non_null(token);
    assert_true(token_verify_service(&keys, token, NOW, &grants, why) && grants.operator_);
    free(token);
    keys_free(&keys);
}

static void test_keys_change(void **state) {
    (void)state;
    struct keys keys;
    struct grants grants;
    char why[TOKEN_WHY_MAX];
    char *old = sign(JWT_ALG_HS256, SECRET, CLAIMS, NULL);
    char *new = sign(JWT_ALG_HS256, "fedcba9876543210fedcba9876543210", CLAIMS, "next");
    read_keys(&keys, "devkey: " SECRET "\nnext: fedcba9876543210fedcba9876543210\n");
    assert_true(token_verify(&keys, old, NOW, &grants, why));
    assert_true(token_verify(&keys, new, NOW, &grants, why));
    keys_free(&keys);
    read_keys(&keys, "next: fedcba9876543210fedcba9876543210\n");
    assert_false(token_verify(&keys, old, NOW, &grants, why));
    assert_true(token_verify(&keys, new, NOW, &grants, why));
    keys_free(&keys);
    free(old);
    free(new);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_of_livekit),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_public_keys),
        cmocka_unit_test(test_a_key_for_one_algorithm),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_forgeries),
        cmocka_unit_test(test_critical_extensions),
        cmocka_unit_test(test_members_named_twice),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_keys_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
