#include "transport/srtp.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/nonce_oracle.h"
#include "transport/srtp_cipher_types.h"
#include "transport/srtp_sender.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <srtp2/srtp.h>

#define RTP_HEADER_BYTES 12 // RFC 3550, section 5.1
#define RTCP_HEADER_BYTES 8 // header and sender's SSRC: what SRTCP leaves in the clear (RFC 3711, 3.4)
#define SRTCP_INDEX_BYTES 4 // E flag and index (RFC 3711, 3.4)
#define SHARD_STREAMS 8 // a list that short costs little, and a session's 3 KB are not much beside 8 streams
#define SENT_STREAMS_MAX 65536
#define RECENT_FEW 8
#define RECENT_MANY 128
#define CACHE_LINE 64
#define INBOUND_FEW 4         // a power of two, as SRTP_INBOUND_MAX is
#define PACKET_BYTES_MAX 4096 // far above any datagram; keeps the int of libsrtp2 honest

struct profile {
    srtp_profile_t id;
    uint8_t key_bytes; // with the salt
    uint8_t tag_bytes;
    uint16_t aes_gcm_bits; // 0: not AES-GCM
};

struct inbound {
    uint32_t ssrc;
    uint32_t used; // the session's clock at its last authentic packet
};

// libsrtp2 has one template a session, so each direction is a session of its own.
struct srtp_session {
    srtp_t in;
    // Outbound, one of the two: ours where it may (srtp_sender.h), else libsrtp2's, which finds a stream by
    // walking a list, little beside what AES_CM costs.
    struct srtp_sender sender;
    srtp_t out;
    uint32_t clock;         // counts authentic packets
    uint16_t inbound_count; // streams that libsrtp2 holds in `in`
    uint16_t inbound_hint;  // where the last packet's stream was
    uint8_t tag_bytes;
    uint16_t inbound_room;
    uint16_t inbound_max;
    struct inbound *inbound; // grows to inbound_max
#ifdef ROTUNDA_NONCE_ORACLE
    struct nonce_oracle *oracle; // of all that this session protects
#endif
};

enum err srtp_library_start_with(enum srtp_cipher cipher) {
    if (srtp_init() != srtp_err_status_ok)
        return ERR_UNSUPPORTED;
    enum err err = srtp_cipher_use(cipher);
    if (err != ERR_OK)
        (void)srtp_shutdown();
    return err;
}

enum err srtp_library_start(void) {
    enum srtp_cipher cipher = srtp_cipher_best();
    while (srtp_library_start_with(cipher) != ERR_OK) {
        if (cipher == SRTP_CIPHER_STOCK)
            return ERR_UNSUPPORTED;
        LOG_WARN("srtp cipher failed its own test", LOG_TEXT("library", srtp_cipher_name(cipher)));
        cipher--;
    }
    return ERR_OK;
}

void srtp_library_stop(void) {
    (void)srtp_shutdown();
}

static const struct profile *profile_find(enum srtp_profile profile) {
    // RFC 7714, section 12 (GCM: 12 bytes of salt, 16 of tag); RFC 5764, section 4.1.2 (14 and 10).
    static const struct profile profiles[] = {
        [SRTP_PROFILE_AEAD_AES_128_GCM] = {srtp_profile_aead_aes_128_gcm, 16 + 12, 16, 128},
        [SRTP_PROFILE_AEAD_AES_256_GCM] = {srtp_profile_aead_aes_256_gcm, 32 + 12, 16, 256},
        [SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80] = {srtp_profile_aes128_cm_sha1_80, 16 + 14, 10, 0},
    };
    if (profile <= SRTP_PROFILE_NONE || profile >= sizeof profiles / sizeof profiles[0])
        return NULL;
    return &profiles[profile];
}

static bool direction_create(srtp_t *out, const struct profile *profile, srtp_ssrc_type_t type,
                             const uint8_t *key) {
    uint8_t master[SRTP_KEY_MAX];
    memcpy(master, key, profile->key_bytes);
    srtp_policy_t policy = {
        .ssrc.type = type,
        .key = master,
        .window_size = SRTP_REPLAY_WINDOW,
    };
    bool ok = !srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile->id) &&
              !srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile->id) &&
              !srtp_create(out, &policy);
    explicit_bzero(master, sizeof master);
    return ok;
}

static bool outbound_create(struct srtp_session *session, const struct profile *profile, const uint8_t *key) {
    const srtp_cipher_type_t *type = profile->aes_gcm_bits ? srtp_cipher_in_use(profile->aes_gcm_bits) : NULL;
    if (!type)
        return direction_create(&session->out, profile, ssrc_any_outbound, key);
    return srtp_sender_open(&session->sender, type, key, profile->key_bytes) == ERR_OK;
}

struct srtp_session *srtp_session_create(const struct srtp_keys *keys) {
    const struct profile *profile = profile_find(keys->profile);
    if (!profile || keys->len != profile->key_bytes)
        return NULL;
    struct srtp_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->tag_bytes = profile->tag_bytes;
    session->inbound_room = INBOUND_FEW;
    session->inbound_max = SRTP_INBOUND_MAX;
    session->inbound = calloc(INBOUND_FEW, sizeof *session->inbound);
#ifdef ROTUNDA_NONCE_ORACLE
    session->oracle = nonce_oracle_create();
    if (!session->oracle) {
        srtp_session_destroy(session);
        return NULL;
    }
#endif
    if (!session->inbound || !direction_create(&session->in, profile, ssrc_any_inbound, keys->remote) ||
        !outbound_create(session, profile, keys->local)) {
        srtp_session_destroy(session);
        return NULL;
    }
    return session;
}

// AES-CM is libsrtp2's own, whatever does AES-GCM here (srtp_cipher.h). No packet ever meets these keys.
struct srtp_session *srtp_library_hold(void) {
    const struct profile *profile = profile_find(SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80);
    struct srtp_keys keys = {.profile = SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80, .len = profile->key_bytes};
    return srtp_session_create(&keys);
}

void srtp_session_destroy(struct srtp_session *session) {
    if (!session)
        return;
    if (session->in)
        (void)srtp_dealloc(session->in);
    if (session->out)
        (void)srtp_dealloc(session->out);
    srtp_sender_close(&session->sender);
    free(session->inbound);
#ifdef ROTUNDA_NONCE_ORACLE
    nonce_oracle_destroy(session->oracle);
#endif
    free(session);
}

static enum err err_of(srtp_err_status_t status) {
    switch (status) {
    case srtp_err_status_ok:
        return ERR_OK;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return ERR_EXISTS;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail: // how the AEAD of some builds says that the tag is wrong
        return ERR_AUTH;
    case srtp_err_status_alloc_fail:
        return ERR_NO_MEMORY;
    case srtp_err_status_key_expired:
        return ERR_LIMIT;
    default:
        return ERR_MALFORMED;
    }
}

typedef srtp_err_status_t srtp_call(srtp_t ctx, void *packet, int *len);

static enum err session_apply(srtp_call *call, srtp_t ctx, uint8_t *packet, size_t *len) {
    assert(*len <= PACKET_BYTES_MAX);
    int n = (int)*len;
    srtp_err_status_t status = call(ctx, packet, &n);
    if (status != srtp_err_status_ok)
        return err_of(status);
    assert(n > 0);
    *len = (size_t)n;
    return ERR_OK;
}

// libsrtp2 infers the index from the 16 bits that it sees, rightly as long as no gap comes near half of them
// (rtp/seq_rewrite.h closes larger ones), and refuses what it has sent before.
static enum err session_protect_rtp(struct srtp_session *session, uint8_t *packet, size_t *len,
                                    uint64_t index) {
    return session->out ? session_apply(srtp_protect, session->out, packet, len)
                        : srtp_sender_rtp(&session->sender, packet, len, index);
}

#ifdef ROTUNDA_NONCE_ORACLE
enum { ORACLE_RTP, ORACLE_RTCP };

// Ends the process when a number has encrypted something before.
static void session_oracle_note(struct srtp_session *session, uint64_t key, uint32_t ssrc, uint64_t index,
                                uint64_t digest) {
    if (nonce_oracle_note(session->oracle, key, ssrc, index, digest) == NONCE_FRESH)
        return;
    LOG_ERROR("a packet number was used twice", LOG_NUMBER("ssrc", ssrc), LOG_NUMBER("index", index));
    abort();
}
#endif

enum err srtp_session_protect_rtp(struct srtp_session *session, uint8_t *packet, size_t *len,
                                  uint64_t index) {
    if (*len < RTP_HEADER_BYTES || *len > PACKET_BYTES_MAX)
        return ERR_MALFORMED;
#ifdef ROTUNDA_NONCE_ORACLE
    uint64_t digest = nonce_oracle_digest(span_of(packet, *len));
#endif
    enum err err = session_protect_rtp(session, packet, len, index);
#ifdef ROTUNDA_NONCE_ORACLE
    if (err == ERR_OK)
        session_oracle_note(session, ORACLE_RTP, load_be32(packet + 8), index, digest);
#endif
    return err;
}

enum err srtp_session_protect_rtcp(struct srtp_session *session, uint8_t *packet, size_t *len) {
    if (*len < RTCP_HEADER_BYTES || *len > PACKET_BYTES_MAX)
        return ERR_MALFORMED;
#ifdef ROTUNDA_NONCE_ORACLE
    uint64_t digest = nonce_oracle_digest(span_of(packet, *len));
#endif
    enum err err = session->out ? session_apply(srtp_protect_rtcp, session->out, packet, len)
                                : srtp_sender_rtcp(&session->sender, packet, len);
#ifdef ROTUNDA_NONCE_ORACLE
    if (err == ERR_OK && !session->out) // ours ends with the index and the E flag
        session_oracle_note(session, ORACLE_RTCP, load_be32(packet + 4),
                            load_be32(packet + *len - SRTCP_INDEX_BYTES) & INT32_MAX, digest);
#endif
    return err;
}

static void inbound_remove(struct srtp_session *session, uint16_t i) {
    assert(i < session->inbound_count);
    (void)srtp_remove_stream(session->in, htonl(session->inbound[i].ssrc));
    session->inbound[i] = session->inbound[--session->inbound_count];
    session->inbound_hint = 0;
}

void srtp_session_allow_many(struct srtp_session *session) {
    _Static_assert(SRTP_INBOUND_MANY <= UINT16_MAX / 2, "rooms for them are doubled");
    session->inbound_max = SRTP_INBOUND_MANY;
}

static uint16_t inbound_oldest(const struct srtp_session *session) {
    uint16_t oldest = 0;
    for (uint16_t i = 1; i < session->inbound_count; i++)
        if (session->clock - session->inbound[i].used > session->clock - session->inbound[oldest].used)
            oldest = i;
    return oldest;
}

// False: as large as it may be, or no memory for more.
static bool inbound_grow(struct srtp_session *session) {
    unsigned room = session->inbound_room * 2u;
    struct inbound *more =
        room <= session->inbound_max ? realloc(session->inbound, room * sizeof *more) : NULL;
    if (!more)
        return false;
    session->inbound = more;
    session->inbound_room = (uint16_t)room;
    return true;
}

// libsrtp2 has just authenticated a packet of this SSRC and holds a stream for it. Keeps those streams
// bounded.
static void inbound_note(struct srtp_session *session, uint32_t ssrc) {
    session->clock++;
    uint16_t i = session->inbound_hint;
    if (i >= session->inbound_count || session->inbound[i].ssrc != ssrc)
        for (i = 0; i < session->inbound_count && session->inbound[i].ssrc != ssrc; i++)
            continue;
    if (i == session->inbound_count) {
        if (i == session->inbound_room && !inbound_grow(session)) {
            inbound_remove(session, inbound_oldest(session));
            i = session->inbound_count;
        }
        session->inbound_count++;
        session->inbound[i].ssrc = ssrc;
    }
    assert(i < session->inbound_count && session->inbound_count <= session->inbound_max);
    session->inbound[i].used = session->clock;
    session->inbound_hint = i;
}

enum err srtp_session_unprotect_rtp(struct srtp_session *session, uint8_t *packet, size_t *len) {
    if (*len < RTP_HEADER_BYTES + (size_t)session->tag_bytes || *len > PACKET_BYTES_MAX)
        return ERR_MALFORMED;
    uint32_t ssrc = load_be32(packet + 8);
    enum err err = session_apply(srtp_unprotect, session->in, packet, len);
    if (err == ERR_OK)
        inbound_note(session, ssrc);
    return err;
}

enum err srtp_session_unprotect_rtcp(struct srtp_session *session, uint8_t *packet, size_t *len) {
    if (*len < RTCP_HEADER_BYTES + SRTCP_INDEX_BYTES + (size_t)session->tag_bytes || *len > PACKET_BYTES_MAX)
        return ERR_MALFORMED;
    uint32_t ssrc = load_be32(packet + 4);
    enum err err = session_apply(srtp_unprotect_rtcp, session->in, packet, len);
    if (err == ERR_OK)
        inbound_note(session, ssrc);
    return err;
}

void srtp_session_forget(struct srtp_session *session, uint32_t ssrc) {
    for (uint16_t i = 0; i < session->inbound_count; i++)
        if (session->inbound[i].ssrc == ssrc) {
            inbound_remove(session, i);
            return;
        }
}

void srtp_session_forget_sent(struct srtp_session *session, uint32_t ssrc) {
    if (session->out)
        (void)srtp_remove_stream(session->out, htonl(ssrc));
    else
        srtp_sender_forget(&session->sender, ssrc);
}

void srtp_session_prefetch(const struct srtp_session *session, unsigned step) {
    const char *p = (const char *)session;
    for (size_t i = 0; step == 1 && i < sizeof *session; i += CACHE_LINE)
        __builtin_prefetch(p + i, 1);
    if (step == 0 && !session->out)
        srtp_sender_prefetch(&session->sender);
}
