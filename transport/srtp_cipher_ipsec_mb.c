// AES-GCM by libipsec-mb: one call a packet, a kilobyte of expanded key a cipher, no allocation.
#include "transport/srtp_cipher_types.h"

#if ROTUNDA_IPSEC_MB

#include <assert.h>
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define AAD_TAIL_BYTES 16  // SRTCP's trailer is 4 (RFC 7714, section 9.2)
#define AAD_BYTES_MAX 2048 // in two parts; one part may have any length

struct gcm {
    struct gcm_key_data key; // first: it wants 64 bytes of alignment
    srtp_cipher_t base;      // what libsrtp2 holds; base.state is this object
    // The first part lies in the packet that is being worked on, the second in libsrtp2's stack.
    const uint8_t *aad;
    uint32_t aad_len, tail_len, tag_len;
    uint8_t tail[AAD_TAIL_BYTES];
    uint8_t iv[GCM_IV_BYTES];
    uint8_t tag[GCM_TAG_BYTES];
};

// libsrtp2 gives its ciphers no context, so the functions chosen for this CPU are one a process. Written
// once.
static const IMB_MGR *imb;
static pthread_once_t imb_once = PTHREAD_ONCE_INIT;

static void imb_open(void) {
    IMB_MGR *mgr = alloc_mb_mgr(0);
    if (!mgr)
        return;
    init_mb_mgr_auto(mgr, NULL);
    uint64_t self_test = mgr->features & (IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS);
    bool sound = imb_get_errno(mgr) == 0 && self_test != IMB_FEATURE_SELF_TEST;
    if (sound && (mgr->features & IMB_FEATURE_AESNI) && (mgr->features & IMB_FEATURE_PCLMULQDQ))
        imb = mgr; // for the life of the process
    else
        free_mb_mgr(mgr);
}

bool srtp_cipher_ipsec_mb_start(void) {
    pthread_once(&imb_once, imb_open);
    return imb != NULL;
}

static srtp_err_status_t gcm_dealloc(srtp_cipher_t *base) {
    struct gcm *gcm = base ? base->state : NULL;
    if (gcm)
        explicit_bzero(gcm, sizeof *gcm);
    free(gcm);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_alloc(srtp_cipher_t **out, int key_len, int tag_len) {
    if (!gcm_lengths_fit(key_len, tag_len))
        return srtp_err_status_bad_param;
    _Static_assert(sizeof(struct gcm) % _Alignof(struct gcm) == 0, "as aligned_alloc wants it");
    struct gcm *gcm = aligned_alloc(_Alignof(struct gcm), sizeof *gcm);
    if (!gcm)
        return srtp_err_status_alloc_fail;
    memset(gcm, 0, sizeof *gcm);
    gcm->base = gcm_head(gcm, key_len, &srtp_cipher_ipsec_mb_128, &srtp_cipher_ipsec_mb_256);
    gcm->tag_len = (uint32_t)tag_len;
    *out = &gcm->base;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_init(void *state, const uint8_t *key) {
    struct gcm *gcm = state;
    if (gcm->base.algorithm == SRTP_AES_GCM_128)
        IMB_AES128_GCM_PRE(imb, key, &gcm->key);
    else
        IMB_AES256_GCM_PRE(imb, key, &gcm->key);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_iv(void *state, uint8_t *iv, srtp_cipher_direction_t direction) {
    (void)direction;
    struct gcm *gcm = state;
    memcpy(gcm->iv, iv, sizeof gcm->iv);
    gcm->aad_len = gcm->tail_len = 0;
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_set_aad(void *state, const uint8_t *aad, uint32_t len) {
    struct gcm *gcm = state;
    if (gcm->aad_len == 0) {
        gcm->aad = aad;
        gcm->aad_len = len;
        return srtp_err_status_ok;
    }
    if (len > sizeof gcm->tail - gcm->tail_len || gcm->aad_len > AAD_BYTES_MAX - sizeof gcm->tail)
        return srtp_err_status_bad_param;
    memcpy(gcm->tail + gcm->tail_len, aad, len);
    gcm->tail_len += len;
    return srtp_err_status_ok;
}

typedef void gcm_crypt(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *out,
                       const uint8_t *in, uint64_t len, const uint8_t *iv, const uint8_t *aad,
                       uint64_t aad_len, uint8_t *tag, uint64_t tag_len);

static void gcm_apply(struct gcm *gcm, gcm_crypt *crypt, uint8_t *bytes, unsigned len, uint8_t *tag) {
    struct gcm_context_data context;
    uint8_t joined[AAD_BYTES_MAX];
    const uint8_t *aad = gcm->aad;
    if (gcm->tail_len > 0) {
        assert(gcm->aad_len + gcm->tail_len <= sizeof joined);
        memcpy(joined, gcm->aad, gcm->aad_len);
        memcpy(joined + gcm->aad_len, gcm->tail, gcm->tail_len);
        aad = joined;
    }
    crypt(&gcm->key, &context, bytes, bytes, len, gcm->iv, aad, gcm->aad_len + gcm->tail_len, tag,
          gcm->tag_len);
}

static srtp_err_status_t gcm_encrypt(void *state, uint8_t *bytes, unsigned *len) {
    struct gcm *gcm = state;
    bool aes_128 = gcm->base.algorithm == SRTP_AES_GCM_128;
    gcm_apply(gcm, aes_128 ? imb->gcm128_enc : imb->gcm256_enc, bytes, *len, gcm->tag);
    return srtp_err_status_ok;
}

static srtp_err_status_t gcm_get_tag(void *state, uint8_t *tag, uint32_t *len) {
    struct gcm *gcm = state;
    *len = gcm->tag_len;
    memcpy(tag, gcm->tag, gcm->tag_len);
    return srtp_err_status_ok;
}

// `bytes` ends with the tag.
static srtp_err_status_t gcm_decrypt(void *state, uint8_t *bytes, unsigned *len) {
    struct gcm *gcm = state;
    if (*len < gcm->tag_len)
        return srtp_err_status_bad_param;
    unsigned n = *len - gcm->tag_len;
    bool aes_128 = gcm->base.algorithm == SRTP_AES_GCM_128;
    gcm_apply(gcm, aes_128 ? imb->gcm128_dec : imb->gcm256_dec, bytes, n, gcm->tag);
    if (CRYPTO_memcmp(gcm->tag, bytes + n, gcm->tag_len) != 0)
        return srtp_err_status_auth_fail;
    *len = n;
    return srtp_err_status_ok;
}

const srtp_cipher_type_t srtp_cipher_ipsec_mb_128 = GCM_TYPE(128, "libipsec-mb");
const srtp_cipher_type_t srtp_cipher_ipsec_mb_256 = GCM_TYPE(256, "libipsec-mb");

#endif
