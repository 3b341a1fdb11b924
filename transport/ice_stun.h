// ice_stun: one connectivity check in, its answer out: the part of `ice` that speaks STUN through libnice.
// Keeps nothing of a peer; `ice` decides what a good check means. For transport/ice.c, and for what an answer
// carries beside (transport/peer_transport.c).
#ifndef TRANSPORT_ICE_STUN_H
#define TRANSPORT_ICE_STUN_H

#include "base/span.h"
#include "rtp/peer_params.h"
#include "base/addr.h"

#define ICE_STUN_SLACK 24 // zero bytes behind a datagram, see ice_stun.c

struct ice_stun;

struct ice_check {
    enum err err;                // as ice_result's
    bool good;                   // authentic, in our role, understood: it may change the peer's state
    bool use_candidate;          // RFC 8445, section 7.1.2: the peer nominates this pair
    bool with_old;               // signed with the old credentials
    bool indicated;              // an authentic Binding indication
    size_t reply_len;            // 0: say nothing
    struct span dtls, dtls_acks; // of a good one: what it carries (dtls_in_stun.h), in the datagram; ptr
                                 // NULL: no such attribute
};

// `old` is NULL when there are none. The datagram has ICE_STUN_SLACK writable bytes behind it; reply holds
// ICE_REPLY_MAX.
void ice_stun_check(struct ice_stun *stun, const struct ice_credentials *current,
                    const struct ice_credentials *old, const struct addr *remote, uint8_t *datagram,
                    size_t len, uint8_t *reply, struct ice_check *check);

// Puts these attributes into an answer to a good check, before its MESSAGE-INTEGRITY, and signs it anew.
// Returns its new length; what does not fit is left out. dtls.ptr NULL: without that one.
size_t ice_stun_embed(struct ice_stun *stun, const struct ice_credentials *credentials, uint8_t *reply,
                      size_t len, struct span dtls, struct span dtls_acks);

// A Binding request of ours with this transaction id (ICE_TRANSACTION_BYTES) and nothing but a fingerprint:
// we have no credentials of the peer. Returns its length; 0: it did not fit.
size_t ice_stun_request(struct ice_stun *stun, const uint8_t *id, uint8_t *out, size_t cap);
// The transaction id of a Binding error response; NULL when the datagram is none. It is not authentic.
const uint8_t *ice_stun_error_id(struct span datagram);

#endif
