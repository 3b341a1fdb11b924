// Which files of keys are taken, and what is said of the others.
#include "server/access/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET "0123456789abcdef0123456789abcdef"
// openssl ecparam -genkey -name prime256v1 | openssl ec -pubout, and the same point as a JSON Web Key
#define EC_PEM                                                                                               \
    "-----BEGIN PUBLIC KEY-----\n"                                                                           \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHEaQLx3LqQUXvLteq10/Kb4PNMGq\n"                                     \
    "y+IL1jZUt9JfAUxFCRRyPYsCxsBv9j+oBR4256B34GQn8om79fsRhccDOA==\n"                                         \
    "-----END PUBLIC KEY-----\n"
#define EC_JWK                                                                                               \
    "{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"HEaQLx3LqQUXvLteq10_Kb4PNMGqy-IL1jZUt9JfAUw\"," \
    "\"y\":\"RQkUcj2LAsbAb_Y_qAUeNuegd-BkJ_KJu_X7EYXHAzg\"}"

// An RSA modulus of 2048 bits but for its last letters
#define RSA_N                                                                                                \
    "qtyLeo5ZK6pUNjbka5x_aYfqOF9v_3oNsm4hzyk8RMyze6HoxBs41kIBt-yguB7x-cJ_AA9BC8-PNkSZ5TPuZPpaZb"             \
    "Q0UlbF2kB7GDhGFB_n6rDYKsHj88QJlGmzCC7SLPRNpur7MKzEUKyUN9xFesgG0ldRtRfa7qf1poQT9CWP7Fg6VRSo"             \
    "1slb3QrI7iVb5zjPrDniJtYjFFquLXzDLE7_SNDMFAeh8yznZ2vyL8289NAfodpFZIZudEyx4o5l-_nJYnPoZ7nC88"             \
    "ZZnf7g_nyZXMd_Onp-UDF7V6UWUZ6NCb7S5ihxrVGYJx9OWAsrwMW9dU4sC4TDGOJXLu"
#define RSA(end, more) "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"" RSA_N end "\"," more "}]}"
#define RSA_END "9Hqw"
#define OCT(more)                                                                                            \
    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"" more "}]}"

static bool parse(struct keys *keys, const char *text, char *why) {
    return keys_parse(keys, text, strlen(text), why, 512);
}

static void test_taken(void **state) {
    (void)state;
    static const struct {
        const char *text, *id;
        unsigned count;
        enum key_kind kind;
        size_t len; // 0: not looked at
    } rows[] = {
        {"devkey: " SECRET "\n", "devkey", 1, KEY_SECRET, 32},
        {"# keys\n\n a : \"" SECRET "\"  \r\nb: '" SECRET "'", "a", 2, KEY_SECRET, 32},
        {"a: " SECRET ":with:colons and blanks\n", "a", 1, KEY_SECRET, 55},
        {"a: " SECRET "#3\n", "a", 1, KEY_SECRET, 34}, // base64 has none, a made one may
        {"a: \"" SECRET " # no comment\"\n", "a", 1, KEY_SECRET, 45},
        {"\xef\xbb\xbf"
         "devkey: " SECRET "\n",
         "devkey", 1, KEY_SECRET, 32}, // as some editors begin a file
        {"\xef\xbb\xbf{\"keys\":[" EC_JWK "]}", "e", 1, KEY_EC_256, 0},
        {EC_PEM, "", 1, KEY_EC_256, 0},
        {"# ours\n" EC_PEM EC_PEM, "", 2, KEY_EC_256, 0},
        {"{\"keys\":[" EC_JWK "]}", "e", 1, KEY_EC_256, 0},
        {" \n{\"keys\":[{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}"
         "]}",
         "o", 1, KEY_SECRET, 32},
        {"{\"keys\":[{\"kty\":\"RSA\",\"use\":\"enc\"}," EC_JWK "]}", "e", 1, KEY_EC_256, 0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\"}," EC_JWK "]}", "e", 1, KEY_EC_256, 0},
        {"{\"keys\":[{\"kty\":\"RSA\",\"key_ops\":[\"encrypt\"]}," EC_JWK "]}", "e", 1, KEY_EC_256, 0},
        {RSA(RSA_END, "\"e\":\"AQAB\",\"alg\":\"RS384\",\"key_ops\":[\"verify\"]"), "r", 1, KEY_RSA, 0},
        {OCT(",\"key_ops\":[\"sign\",\"verify\"]"), "", 1, KEY_SECRET, 32},
        // What programs say of a key in PEM is no secret.
        {"Bag Attributes\n    friendlyName: one that is very much longer than a secret is\nsubject=CN = "
         "x\n" EC_PEM,
         "", 1, KEY_EC_256, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct keys keys;
        char why[512] = "";
        if (!parse(&keys, rows[i].text, why))
            fail_msg("row %zu: %s", i, why);
        assert_int_equal(keys.count, rows[i].count);
        assert_string_equal(keys.list[0].id, rows[i].id);
        assert_int_equal(keys.list[0].kind, rows[i].kind);
        if (rows[i].len)
            assert_int_equal(keys.list[0].len, rows[i].len);
        keys_free(&keys);
        assert_int_equal(keys.count, 0);
    }
}

// The same key whichever way it came.
static void test_a_point_is_the_key_that_pem_names(void **state) {
    (void)state;
    struct keys pem, set;
    char why[512];
    assert_true(parse(&pem, EC_PEM, why));
    assert_true(parse(&set, "{\"keys\":[" EC_JWK "]}", why));
    assert_int_equal(pem.list[0].len, set.list[0].len);
    assert_memory_equal(pem.list[0].bytes, set.list[0].bytes, set.list[0].len);
    keys_free(&pem);
    keys_free(&set);
}

struct refusal {
    const char *text, *why;
};

static void assert_refused(const struct refusal *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct keys keys;
        char why[512] = "";
        if (parse(&keys, rows[i].text, why))
            fail_msg("row %zu was taken", i);
        if (!strstr(why, rows[i].why))
            fail_msg("row %zu: \"%s\" does not say \"%s\"", i, why, rows[i].why);
        if (strstr(why, SECRET))
            fail_msg("row %zu tells the secret", i);
        assert_int_equal(keys.count, 0);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct refusal rows[] = {
        {"b: " SECRET "\na: " SECRET " # of team a\n", "has ` #` behind the secret in line 2"},
        {"a: " SECRET "\t#a\n", "has ` #` behind the secret in line 1"},
        {"a: \"" SECRET "\" # of team a\n", "has ` #` behind the secret in line 1"},
        {"", "no key"},
        {"# nothing\n", "no key"},
        {"devkey: secret\n", "32 is the least"},
        {"devkey " SECRET "\n", "line 1"},
        {"a: " SECRET "\n: " SECRET "\n", "line 2"},
        {"a: " SECRET "\na: " SECRET "\n", "twice"},
        {"-----BEGIN EC PRIVATE KEY-----\n", "private key"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public key"},
        {EC_PEM "-----BEGIN PUBLIC KEY-----\nAA", "public key"},
        {"-----BEGIN CERTIFICATE-----\n", "public key"},
        // Ed25519, which the library does not verify
        {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END "
         "PUBLIC "
         "KEY-----\n",
         "EdDSA"},
        {"{\"keys\":[]}", "no key"},
        {"{\"keys\":{}}", "no list"},
        {"{\"keys\":", "no JSON"},
        {"{\"keys\":[" EC_JWK "," EC_JWK "]}", "twice"},
        {"{\"keys\":[{\"kid\":\"a\"}]}", "without `kty`"},
        {"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}", "OKP"},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", "32 is the least"},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA=\"}]}", "without a good `k`"},
        // A letter too many, or bits that belong to no byte
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwA\"}]}",
         "good `k`"},
        {"{\"keys\":[{\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWZ\"}]}", "good `k`"},
        {"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}", "make no EC key"},
        {"{\"keys\":[{\"kty\":\"EC\",\"d\":\"AAAA\"}]}", "private key"},
        {"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", "2048 bits"},
    };
    assert_refused(rows, COUNT(rows));
}

static void test_keys_that_are_no_good(void **state) {
    (void)state;
    static const struct refusal rows[] = {
        // Keys that anybody can sign with: exponents of 1 and 2, an even modulus; and one that nobody
        // verifies with
        {RSA(RSA_END, "\"e\":\"AQ\""), "others might sign"},
        {RSA(RSA_END, "\"e\":\"Ag\""), "others might sign"},
        {RSA("9Hqg", "\"e\":\"AQAB\""), "others might sign"},
        {RSA(RSA_END, "\"e\":\"AQAAAAAAAAAAAAAB\""), "others might sign"},
        // Another algorithm than the key's
        {RSA(RSA_END, "\"e\":\"AQAB\",\"alg\":\"ES256\""), "the algorithm \"ES256\""},
        {RSA(RSA_END, "\"e\":\"AQAB\",\"alg\":\"PS256\""), "the algorithm \"PS256\""},
        {RSA(RSA_END, "\"e\":\"AQAB\",\"alg\":\"RSA-OAEP\""), "no key for signatures"},
        {OCT(",\"alg\":\"RS256\""), "the algorithm \"RS256\""},
        {OCT(",\"key_ops\":[]"), "no key for signatures"},
        {OCT(",\"kid\":5"), "`kid` is no text"},
        {OCT(",\"use\":[\"sig\"]"), "`use` is no text"},
        {OCT(",\"alg\":null"), "`alg` is no text"},
        // Public text is no secret, and no secret is passed over beside PEM.
        {"[" EC_JWK "]", "is a list"},
        {"\n [{\"a\": \"" SECRET "\"}]", "is a list"},
        {"a: " SECRET "\n" EC_PEM, "(1) beside public keys"},
        {EC_PEM "a: " SECRET "\n", "(5) beside public keys"},
    };
    assert_refused(rows, COUNT(rows));
}

static void test_a_point_off_the_curve_is_no_key(void **state) {
    (void)state;
    struct keys keys;
    char why[512], text[] = "{\"keys\":[" EC_JWK "]}";
    char *y = strstr(text, "\"y\":\"") + 5;
    *y = *y == 'A' ? 'B' : 'A';
    assert_false(parse(&keys, text, why));
}

static void test_files(void **state) {
    (void)state;
    struct keys keys;
    char why[512];
    assert_false(keys_load(&keys, "/nowhere/keys", why, sizeof why));
    assert_non_null(strstr(why, "keys: \"/nowhere/keys\" cannot be read"));
    assert_false(keys_load(&keys, "/", why, sizeof why));
    assert_false(keys_load(&keys, "/dev/zero", why, sizeof why));
    assert_non_null(strstr(why, "longer than"));
    char many[70 * 48] = "";
    for (unsigned i = 0; i <= KEYS_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "k%u: " SECRET "\n", i);
    assert_false(parse(&keys, many, why));
    assert_non_null(strstr(why, "more than 64"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_a_point_is_the_key_that_pem_names),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_keys_that_are_no_good),
        cmocka_unit_test(test_a_point_off_the_curve_is_no_key),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
