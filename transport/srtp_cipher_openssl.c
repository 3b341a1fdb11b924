// AES-GCM by OpenSSL. One context a key for the life of the key: expanding the key and fetching the algorithm
// for each packet would cost more than the packet.
#include "transport/srtp_cipher_types.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct gcm {
    srtp_cipher_t base; // what libsrtp2 holds; base.state is this object
    EVP_CIPHER_CTX *ctx;
    uint32_t tag_len;
};

static srtp_err_status_t gcm_dealloc(srtp_cipher_t *base) {
    struct gcm *gcm = base ? base->state : NULL;
    if (gcm)
        EVP_CIPHER_CTX_free(gcm->ctx); // wipes the key
    free(gcm);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_alloc(srtp_cipher_t **out, int key_len, int tag_len) {
    if (!gcm_lengths_fit(key_len, tag_len))
        return srtp_err_status_bad_param;
    struct gcm *gcm = calloc(1, sizeof *gcm);
    EVP_CIPHER_CTX *ctx = gcm ? EVP_CIPHER_CTX_new() : NULL;
    if (!ctx) {
        free(gcm);
        return srtp_err_status_alloc_fail;
    }
    gcm->ctx = ctx;
    gcm->base = gcm_head(gcm, key_len, &srtp_cipher_openssl_128, &srtp_cipher_openssl_256);
    gcm->tag_len = (uint32_t)tag_len;
    *out = &gcm->base;
    return srtp_err_status_ok;
}

static srtp_err_status_t status_of(int ok) {
    return ok == 1 ? srtp_err_status_ok : srtp_err_status_cipher_fail;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key) {
    struct gcm *gcm = state;
    const EVP_CIPHER *type = gcm->base.algorithm == SRTP_AES_GCM_128 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    // 96 bits of IV are the default (RFC 7714, section 8.1).
    return status_of(EVP_CipherInit_ex(gcm->ctx, type, NULL, key, NULL, 1));
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction) {
    struct gcm *gcm = state;
    return status_of(
        EVP_CipherInit_ex(gcm->ctx, NULL, NULL, NULL, iv, direction == srtp_direction_encrypt ? 1 : 0));
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len) {
    struct gcm *gcm = state;
    int out;
    return status_of(EVP_CipherUpdate(gcm->ctx, NULL, &out, aad, (int)len));
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *bytes, unsigned *len) {
    struct gcm *gcm = state;
    int out;
    if (*len > 0 && EVP_CipherUpdate(gcm->ctx, bytes, &out, bytes, (int)*len) != 1)
        return srtp_err_status_cipher_fail;
    uint8_t none[16];
    return status_of(EVP_CipherFinal_ex(gcm->ctx, none, &out));
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *len) {
    struct gcm *gcm = state;
    *len = gcm->tag_len;
    return status_of(EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_GET_TAG, (int)gcm->tag_len, tag));
}

// `bytes` ends with the tag.
static srtp_err_status_t gcm_decrypt(void *state, uint8_t *bytes, unsigned *len) {
    struct gcm *gcm = state;
    if (*len < gcm->tag_len)
        return srtp_err_status_bad_param;
    unsigned n = *len - gcm->tag_len;
    int out;
    if (EVP_CIPHER_CTX_ctrl(gcm->ctx, EVP_CTRL_AEAD_SET_TAG, (int)gcm->tag_len, bytes + n) != 1 ||
        (n > 0 && EVP_CipherUpdate(gcm->ctx, bytes, &out, bytes, (int)n) != 1))
        return srtp_err_status_cipher_fail;
    uint8_t none[16];
    if (EVP_CipherFinal_ex(gcm->ctx, none, &out) != 1)
        return srtp_err_status_auth_fail;
    *len = n;
    return srtp_err_status_ok;
}

const srtp_cipher_type_t srtp_cipher_openssl_128 = GCM_TYPE(128, "OpenSSL");
const srtp_cipher_type_t srtp_cipher_openssl_256 = GCM_TYPE(256, "OpenSSL");
