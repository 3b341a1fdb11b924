// ice_stun: one connectivity check in, its answer out: the part of `ice` that speaks STUN through libnice.
// Keeps nothing of a peer; `ice` decides what a good check means. For transport/ice.c alone.
#ifndef TRANSPORT_ICE_STUN_H
#define TRANSPORT_ICE_STUN_H

#include "rtp/peer_params.h"
#include "base/addr.h"

#define ICE_STUN_SLACK 24 // zero bytes behind a datagram, see ice_stun.c

struct ice_stun;

struct ice_check {
    enum err err;       // as ice_result's
    bool good;          // authentic, in our role, understood: it may change the peer's state
    bool use_candidate; // RFC 8445, section 7.1.2: the peer nominates this pair
    bool with_old;      // signed with the old credentials
    size_t reply_len;   // 0: say nothing
};

// `old` is NULL when there are none. The datagram has ICE_STUN_SLACK writable bytes behind it; reply holds
// ICE_REPLY_MAX.
void ice_stun_check(struct ice_stun *stun, const struct ice_credentials *current,
                    const struct ice_credentials *old, const struct addr *remote, uint8_t *datagram,
                    size_t len, uint8_t *reply, struct ice_check *check);

#endif
