// Tokens that the server itself makes.
#include "token_kit.h"

static void test_minted_tokens_are_good(void **state) {
    (void)state;
    struct keys keys;
    struct grants grants;
    char why[TOKEN_WHY_MAX];
    read_keys(&keys, "devkey: " SECRET "\n");
    struct token_wish wish = {.room = "blue",
                              .identity = "ann-1",
                              .name = "Ann \"the\" Ü",
                              .publish = false,
                              .subscribe = true,
                              .ttl_s = 60};
    char *token = token_mint(&keys, &wish, NOW, why);
    assert_non_null(token);
    assert_true(token_verify(&keys, token, NOW + 119, &grants, why));
    assert_false(token_verify(&keys, token, NOW + 120, &grants, why));
    assert_string_equal(grants.identity, "ann-1");
    assert_string_equal(grants.name, "Ann \"the\" Ü");
    assert_int_equal(grants.rights, RIGHT_SUBSCRIBE);
    struct service_grants service;
    assert_true(token_verify_service(&keys, token, NOW, &service, why) && !service.room_record);
    free(token);
    wish.record = true;
    token = token_mint(&keys, &wish, NOW, why);
    assert_non_null(token);
    assert_true(token_verify(&keys, token, NOW, &grants, why));
    assert_int_equal(grants.rights, RIGHT_SUBSCRIBE | RIGHT_RECORD);
    assert_true(token_verify_service(&keys, token, NOW, &service, why) && service.room_record);
    free(token);
    wish.name = "\xff";
    assert_null(token_mint(&keys, &wish, NOW, why));
    keys_free(&keys);
    struct pair pair;
    write_pair(EVP_EC_gen("P-256"), &pair);
    read_keys(&keys, pair.public);
    wish.name = NULL;
    assert_null(token_mint(&keys, &wish, NOW, why));
    assert_non_null(strstr(why, "nothing can be signed"));
    keys_free(&keys);
}

// base64(SHA-256("{}")), by sha256sum.
#define BODY_DIGEST "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="

static void test_bodies_are_signed(void **state) {
    (void)state;
    char why[TOKEN_WHY_MAX];
    struct keys keys;
    read_keys(&keys, "devkey: 0123456789abcdef0123456789abcdef\n");
    assert_true(token_can_mint(&keys));
    char *token = token_mint_body(&keys, "{}", 2, NOW, 600, why);
    assert_non_null(token);
    json_t *claims = token_open(&keys, token, why);
    assert_non_null(claims);
    assert_string_equal(json_string_value(json_object_get(claims, "sha256")), BODY_DIGEST);
    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "devkey");
    assert_int_equal(json_integer_value(json_object_get(claims, "nbf")), NOW);
    assert_int_equal(json_integer_value(json_object_get(claims, "exp")), NOW + 600);
    json_decref(claims);
    struct grants grants;
    struct service_grants service;
    assert_false(token_verify(&keys, token, NOW, &grants, why)); // a receiver cannot join with it
    assert_false(token_verify_service(&keys, token, NOW, &service, why) &&
                 (service.room_create || service.room_list || service.room_admin || service.operator_));
    free(token);
    keys_free(&keys);
    struct pair pair;
    write_pair(EVP_EC_gen("P-256"), &pair);
    read_keys(&keys, pair.public);
    assert_false(token_can_mint(&keys));
    assert_null(token_mint_body(&keys, "{}", 2, NOW, 600, why));
    keys_free(&keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minted_tokens_are_good),
        cmocka_unit_test(test_bodies_are_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
