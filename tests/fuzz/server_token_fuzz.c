// Files of keys, tokens, and the claims of tokens that are signed well, of any bytes. The first byte says
// which.
#include "server/access/token.h"

#include <assert.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_file[] = "k: " SECRET "\n";

static void read_keys(const char *text, size_t len) {
    struct keys keys;
    char error[512] = "";
    if (!keys_parse(&keys, text, len, error, sizeof error)) {
        assert(error[0] && keys.count == 0);
        return;
    }
    assert(keys.count > 0 && keys.count <= KEYS_MAX);
    for (unsigned i = 0; i < keys.count; i++)
        assert(keys.list[i].kind != KEY_SECRET || keys.list[i].len >= KEY_SECRET_BYTES_MIN);
    keys_free(&keys);
}

static bool verify(const char *token) {
    struct keys keys;
    struct grants grants;
    char error[512], why[TOKEN_WHY_MAX] = "";
    bool read = keys_parse(&keys, key_file, sizeof key_file - 1, error, sizeof error);
    assert(read);
    bool fine = token_verify(&keys, token, NOW, &grants, why);
    struct service_grants service;
    char service_why[TOKEN_WHY_MAX] = "";
    bool serves = token_verify_service(&keys, token, NOW, &service, service_why);
    keys_free(&keys);
    assert(fine || why[0]);
    assert(serves || service_why[0]);
    if (serves)
        assert(memchr(service.room, '\0', sizeof service.room));
    if (fine)
        assert(grants.identity[0] && grants.room[0] && grants.ends_s + TOKEN_LEEWAY_S > NOW &&
               (grants.rights & ~(unsigned)(RIGHTS_ALL | RIGHT_ADMIN | RIGHT_METADATA)) == 0);
    return fine;
}

static void sign(const char *claims) {
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims) == 0 &&
        jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)SECRET, sizeof SECRET - 1) == 0) {
        char *token = jwt_encode_str(jwt);
        if (token)
            (void)verify(token);
        free(token);
    }
    jwt_free(jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    char *text = malloc(size);
    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] == 'k')
        read_keys(text, size - 1);
    else if (data[0] == 'c')
        sign(text);
    else
        (void)verify(text); // whoever finds a good one has found the secret
    free(text);
    return 0;
}
