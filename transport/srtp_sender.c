#include "transport/srtp_sender.h"

#include "base/bytes.h"
#include "transport/srtp_cipher_types.h"

#include <assert.h>
#include <stdlib.h>
#include <openssl/evp.h>

#define RTP_HEADER_BYTES 12
#define RTP_INDEX_MAX ((UINT64_C(1) << 48) - 1) // RFC 3711, section 9.2: 2^48 packets
#define RTCP_INDEX_MAX UINT32_C(0x7fffffff)     // and 2^31 of SRTCP
#define RTCP_ENCRYPTED UINT32_C(0x80000000)     // E flag
#define RTCP_CLEAR_BYTES 8
#define CACHE_LINE 64
#define KEY_BYTES_READ 1024 // an expanded key with its powers, about

// Labels of RFC 3711, section 4.3.1.
enum label { LABEL_RTP_KEY = 0, LABEL_RTP_SALT = 2, LABEL_RTCP_KEY = 3, LABEL_RTCP_SALT = 5 };

// AES in counter mode over zeros (RFC 3711, section 4.3.3), the key derivation rate being 0.
static bool derive(const uint8_t *master, size_t key_bytes, enum label label, uint8_t *out, size_t len) {
    static const uint8_t zeros[32];
    uint8_t iv[16] = {0};
    memcpy(iv, master + key_bytes, GCM_SALT_BYTES);
    iv[7] ^= (uint8_t)label;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    assert(len <= sizeof zeros);
    bool ok = ctx &&
              EVP_EncryptInit_ex(ctx, key_bytes == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL, master,
                                 iv) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, zeros, (int)len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static srtp_cipher_t *cipher_open(const srtp_cipher_type_t *type, const uint8_t *key, size_t key_bytes) {
    srtp_cipher_t *cipher = NULL;
    if (type->alloc(&cipher, (int)key_bytes + GCM_SALT_BYTES, GCM_TAG_BYTES) != srtp_err_status_ok)
        return NULL;
    if (type->init(cipher->state, key) == srtp_err_status_ok)
        return cipher;
    (void)type->dealloc(cipher);
    return NULL;
}

enum err srtp_sender_open(struct srtp_sender *sender, const srtp_cipher_type_t *type, const uint8_t *master,
                          size_t len) {
    size_t key_bytes = (size_t)gcm_key_bytes((int)len);
    assert(key_bytes == 16 || key_bytes == 32);
    *sender = (struct srtp_sender){
        .type = type, .key_bytes = (uint8_t)key_bytes, .homes = sender->few, .home_count = SRTP_SENDER_FEW};
    uint8_t rtp_key[32];
    bool ok = derive(master, key_bytes, LABEL_RTP_KEY, rtp_key, key_bytes) &&
              derive(master, key_bytes, LABEL_RTP_SALT, sender->rtp_salt, sizeof sender->rtp_salt) &&
              derive(master, key_bytes, LABEL_RTCP_KEY, sender->rtcp_key, key_bytes) &&
              derive(master, key_bytes, LABEL_RTCP_SALT, sender->rtcp_salt, sizeof sender->rtcp_salt);
    sender->rtp = ok ? cipher_open(type, rtp_key, key_bytes) : NULL;
    explicit_bzero(rtp_key, sizeof rtp_key);
    if (!sender->rtp) {
        srtp_sender_close(sender);
        return ok ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
    }
    sender->rtp_state = sender->rtp->state;
    return ERR_OK;
}

void srtp_sender_close(struct srtp_sender *sender) {
    if (sender->rtp)
        (void)sender->type->dealloc(sender->rtp);
    if (sender->homes != sender->few)
        free(sender->homes);
    free(sender->streams);
    explicit_bzero(sender, sizeof *sender);
}

// ---- streams

static uint32_t stream_home(const struct srtp_sender *sender, uint32_t ssrc) {
    return (ssrc * UINT32_C(2654435761) >> 15) & (sender->home_count - 1); // our own SSRCs: nobody attacks
}
_Static_assert(SRTP_SENDER_STREAMS_MAX * 2 <= 1 << 17, "a home for each slot");

// The home of a stream, or the free one where it belongs.
static struct srtp_sender_home *home_find(const struct srtp_sender *sender, uint32_t ssrc) {
    for (uint32_t i = stream_home(sender, ssrc);; i = (i + 1) & (sender->home_count - 1)) {
        struct srtp_sender_home *home = &sender->homes[i];
        if (home->at == 0 || home->ssrc == ssrc)
            return home;
    }
}

static enum err homes_grow(struct srtp_sender *sender) {
    struct srtp_sender_home *old = sender->homes;
    uint32_t count = sender->home_count;
    struct srtp_sender_home *more = calloc((size_t)count * 2, sizeof *more);
    if (!more)
        return ERR_NO_MEMORY;
    sender->homes = more;
    sender->home_count = count * 2;
    for (uint32_t i = 0; i < count; i++)
        if (old[i].at != 0)
            *home_find(sender, old[i].ssrc) = old[i];
    if (old != sender->few)
        free(old);
    return ERR_OK;
}

static enum err streams_grow(struct srtp_sender *sender) {
    uint32_t room = sender->stream_room + (sender->stream_room < 4 ? 2 : sender->stream_room / 2);
    struct srtp_sender_stream *more = realloc(sender->streams, room * sizeof *more);
    if (!more)
        return ERR_NO_MEMORY;
    sender->streams = more;
    sender->stream_room = room;
    return ERR_OK;
}

static enum err stream_add(struct srtp_sender *sender, uint32_t ssrc, struct srtp_sender_stream **out) {
    if (sender->stream_count == SRTP_SENDER_STREAMS_MAX)
        return ERR_LIMIT;
    if (sender->stream_count == sender->stream_room && streams_grow(sender) != ERR_OK)
        return ERR_NO_MEMORY;
    if ((sender->stream_count + 1) * 2 > sender->home_count && homes_grow(sender) != ERR_OK)
        return ERR_NO_MEMORY;
    *out = &sender->streams[sender->stream_count++];
    **out = (struct srtp_sender_stream){.ssrc = ssrc};
    *home_find(sender, ssrc) = (struct srtp_sender_home){.ssrc = ssrc, .at = sender->stream_count};
    return ERR_OK;
}

// Empties a home and closes the gap, so that later entries of the run are still found.
static void home_remove(struct srtp_sender *sender, const struct srtp_sender_home *home) {
    uint32_t mask = sender->home_count - 1, hole = (uint32_t)(home - sender->homes);
    for (uint32_t i = (hole + 1) & mask; sender->homes[i].at != 0; i = (i + 1) & mask) {
        uint32_t first = stream_home(sender, sender->homes[i].ssrc);
        if (((i - first) & mask) >= ((i - hole) & mask)) {
            sender->homes[hole] = sender->homes[i];
            hole = i;
        }
    }
    sender->homes[hole] = (struct srtp_sender_home){0};
}

void srtp_sender_forget(struct srtp_sender *sender, uint32_t ssrc) {
    struct srtp_sender_home *home = home_find(sender, ssrc);
    if (home->at == 0)
        return;
    assert(home->at <= sender->stream_count);
    struct srtp_sender_stream *s = &sender->streams[home->at - 1];
    const struct srtp_sender_stream *last = &sender->streams[sender->stream_count - 1];
    home_find(sender, last->ssrc)->at = home->at;
    *s = *last;
    sender->stream_count--;
    home_remove(sender, home);
}

// ---- packets

// 0: not an RTP header. What precedes the payload is authenticated, not encrypted (RFC 7714, section 8.2).
static size_t rtp_header_bytes(const uint8_t *packet, size_t len) {
    if (len < RTP_HEADER_BYTES || packet[0] >> 6 != 2)
        return 0;
    size_t header = RTP_HEADER_BYTES + 4u * (packet[0] & 15);
    if (packet[0] & 0x10) {
        if (header + 4 > len)
            return 0;
        header += 4 + 4u * load_be16(packet + header + 2);
    }
    return header <= len ? header : 0;
}

// Two zeros, the SSRC, and the packet's number in 6 bytes, all masked by the salt (RFC 7714, sections 8.1 and
// 9.1). In whole words: bytes that are written one by one and read as a word stall the CPU.
static void iv_make(uint8_t iv[GCM_IV_BYTES], const uint8_t salt[GCM_SALT_BYTES], uint32_t ssrc,
                    uint64_t number) {
    store_be64(iv, load_be64(salt) ^ ((uint64_t)ssrc << 16 | number >> 32));
    store_be32(iv + 8, load_be32(salt + 8) ^ (uint32_t)number);
}

static bool rtp_seal(const struct srtp_sender *sender, const uint8_t iv[GCM_IV_BYTES], uint8_t *packet,
                     size_t header, size_t len) {
    const srtp_cipher_type_t *type = sender->type;
    void *state = sender->rtp_state;
    uint8_t *number = (uint8_t *)(uintptr_t)iv; // libsrtp2 does not say const
    unsigned payload = (unsigned)(len - header);
    uint32_t tag = 0;
    return type->set_iv(state, number, srtp_direction_encrypt) == srtp_err_status_ok &&
           type->set_aad(state, packet, (uint32_t)header) == srtp_err_status_ok &&
           type->encrypt(state, packet + header, &payload) == srtp_err_status_ok &&
           type->get_tag(state, packet + len, &tag) == srtp_err_status_ok && tag == GCM_TAG_BYTES;
}

// The index counts as used before anything is encrypted under it.
static enum err index_use(struct srtp_sender *sender, uint32_t ssrc, uint64_t index) {
    struct srtp_sender_home *home = home_find(sender, ssrc);
    struct srtp_sender_stream *s = NULL;
    if (home->at != 0) {
        s = &sender->streams[home->at - 1];
    } else {
        enum err err = index <= UINT16_MAX ? stream_add(sender, ssrc, &s) : ERR_LIMIT;
        if (err != ERR_OK)
            return err;
    }
    assert(s->ssrc == ssrc);
    if (index > RTP_INDEX_MAX)
        return ERR_LIMIT;
    return index_window_take(&s->sent, index) ? ERR_OK : ERR_EXISTS;
}

enum err srtp_sender_rtp(struct srtp_sender *sender, uint8_t *packet, size_t *len, uint64_t index) {
    size_t header = rtp_header_bytes(packet, *len);
    if (header == 0)
        return ERR_MALFORMED;
    uint32_t ssrc = load_be32(packet + 8);
    assert(load_be16(packet + 2) == (uint16_t)index);
    enum err err = index_use(sender, ssrc, index);
    if (err != ERR_OK)
        return err;
    uint8_t iv[GCM_IV_BYTES];
    iv_make(iv, sender->rtp_salt, ssrc, index);
    if (!rtp_seal(sender, iv, packet, header, *len))
        return ERR_UNSUPPORTED;
    *len += GCM_TAG_BYTES;
    return ERR_OK;
}

static bool rtcp_seal(const srtp_cipher_type_t *type, srtp_cipher_t *cipher, uint8_t *iv, uint8_t *packet,
                      size_t len, const uint8_t trailer[4]) {
    unsigned hidden = (unsigned)(len - RTCP_CLEAR_BYTES);
    uint32_t tag;
    return type->set_iv(cipher->state, iv, srtp_direction_encrypt) == srtp_err_status_ok &&
           type->set_aad(cipher->state, packet, RTCP_CLEAR_BYTES) == srtp_err_status_ok &&
           type->set_aad(cipher->state, trailer, 4) == srtp_err_status_ok &&
           type->encrypt(cipher->state, packet + RTCP_CLEAR_BYTES, &hidden) == srtp_err_status_ok &&
           type->get_tag(cipher->state, packet + len, &tag) == srtp_err_status_ok;
}

// RFC 7714, section 9: the tag comes before the E flag and index, which are authenticated behind the header.
enum err srtp_sender_rtcp(struct srtp_sender *sender, uint8_t *packet, size_t *len) {
    if (*len < RTCP_CLEAR_BYTES)
        return ERR_MALFORMED;
    if (sender->rtcp_index == RTCP_INDEX_MAX)
        return ERR_LIMIT;
    srtp_cipher_t *cipher = cipher_open(sender->type, sender->rtcp_key, sender->key_bytes);
    if (!cipher)
        return ERR_NO_MEMORY;
    uint8_t iv[GCM_IV_BYTES], trailer[4];
    uint32_t index = ++sender->rtcp_index;
    iv_make(iv, sender->rtcp_salt, load_be32(packet + 4), index);
    store_be32(trailer, index | RTCP_ENCRYPTED);
    bool ok = rtcp_seal(sender->type, cipher, iv, packet, *len, trailer);
    (void)sender->type->dealloc(cipher);
    if (!ok)
        return ERR_UNSUPPORTED;
    memcpy(packet + *len + GCM_TAG_BYTES, trailer, sizeof trailer);
    *len += GCM_TAG_BYTES + sizeof trailer;
    return ERR_OK;
}

void srtp_sender_prefetch(const struct srtp_sender *sender) {
    const uint8_t *state = sender->rtp_state;
    for (size_t i = 0; i < KEY_BYTES_READ; i += CACHE_LINE)
        __builtin_prefetch(state + i);
    __builtin_prefetch(sender->streams, 1);
    __builtin_prefetch((const char *)sender->streams + CACHE_LINE, 1);
    if (sender->homes != sender->few)
        __builtin_prefetch(sender->homes);
}
