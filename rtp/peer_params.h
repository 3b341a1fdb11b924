// peer_params: the words about a peer's secure path that signalling and transport share. Plain data, and the
// names of its states; pure but for the randomness of credentials.
#ifndef RTP_PEER_PARAMS_H
#define RTP_PEER_PARAMS_H

#include <stdint.h>

#define ICE_UFRAG_BYTES 16 // length of the server's ICE user name fragments
#define ICE_PWD_BYTES 32
#define FINGERPRINT_MAX 64 // SHA-512

enum fingerprint_hash { FINGERPRINT_SHA224, FINGERPRINT_SHA256, FINGERPRINT_SHA384, FINGERPRINT_SHA512 };

struct fingerprint {
    enum fingerprint_hash hash;
    uint8_t len;
    uint8_t bytes[FINGERPRINT_MAX];
};

enum dtls_role { DTLS_ROLE_AUTO, DTLS_ROLE_CLIENT, DTLS_ROLE_SERVER };

struct ice_credentials {
    char ufrag[ICE_UFRAG_BYTES + 1];
    char pwd[ICE_PWD_BYTES + 1];
};
// What a peer says of itself (RFC 8445, section 5.3): 4 to 256 and 22 to 256 characters of ALPHA, DIGIT, +
// and /.
#define ICE_REMOTE_TEXT_MAX 256
struct ice_remote {
    char ufrag[ICE_REMOTE_TEXT_MAX + 1];
    char pwd[ICE_REMOTE_TEXT_MAX + 1];
};
#define ICE_WORKERS_MAX 256 // the numbers that a ufrag names; a route has 8 bits for them
// New credentials for a peer of this worker: random, the first two characters of the ufrag are the worker's
// number (below ICE_WORKERS_MAX) in base 36.
void ice_credentials_make(unsigned worker, struct ice_credentials *out);

// Of DTLS-SRTP, or as SDES has them.
enum srtp_profile {
    SRTP_PROFILE_NONE,
    SRTP_PROFILE_AEAD_AES_128_GCM,
    SRTP_PROFILE_AEAD_AES_256_GCM,
    SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80
};

#define SRTP_KEY_MAX 44 // 32 bytes of key, 12 of salt
struct srtp_keys {
    enum srtp_profile profile;
    uint8_t len;                  // key and salt
    uint8_t local[SRTP_KEY_MAX];  // what we send with
    uint8_t remote[SRTP_KEY_MAX]; // what the peer sends with
};

// The words of the protocol's `transport-state`.
// ICE_DISCONNECTED: ICE_CONSENT_US after the last sign of life.
#define ICE_CONSENT_US (30 * UINT64_C(1000000))
enum ice_state { ICE_NEW, ICE_CONNECTED, ICE_DISCONNECTED, ICE_CLOSED };
enum dtls_state { DTLS_NEW, DTLS_CONNECTING, DTLS_CONNECTED, DTLS_FAILED, DTLS_CLOSED };
#define ICE_STATE_COUNT (ICE_CLOSED + 1)
#define DTLS_STATE_COUNT (DTLS_CLOSED + 1)

// Never NULL; what is no state is "new".
const char *ice_state_name(enum ice_state state);
const char *dtls_state_name(enum dtls_state state);

#endif
