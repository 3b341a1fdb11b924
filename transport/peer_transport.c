#include "transport/peer_transport.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

// What may happen with media. ICE and DTLS have their own states; this one joins them.
enum stage {
    STAGE_WAITING, // no keys yet
    STAGE_SECURE,  // SRTP is possible
    STAGE_OVER,    // DTLS failed or closed; nothing comes back
};

// RFC 6347, section 4.2.4: whoever sent the last flight answers its peer for twice the MSL of TCP, which is
// two minutes (RFC 9293, section 3.4.1). Then the handshake's 60 KB may go even if the peer has nothing to
// send.
#define FINISHED_US (4 * 60 * US_PER_SECOND)

struct peer_transport {
    struct peer_shared shared;
    struct peer_output output;
    struct ice ice;
    struct dtls *dtls;
    struct srtp_session *srtp; // while STAGE_SECURE
    enum stage stage;
    bool heard;                // an authentic SRTP or SRTCP packet has come, or FINISHED_US have passed
    uint64_t finished_us;      // when those are over; 0: not begun
    bool connected_unreported; // STAGE_SECURE was entered outside of input and advance
    const char *failure;       // ours, beside what DTLS says; NULL for none
    enum ice_state reported_ice;
    enum dtls_state reported_dtls;
};

static void peer_enter(struct peer_transport *peer, enum stage next) {
    assert(peer->stage != STAGE_OVER && next > peer->stage);
    assert((peer->srtp != NULL) == (next == STAGE_SECURE));
    peer->stage = next;
}

// A handshake flight goes where media will go; without consent it goes nowhere (RFC 7675).
static void peer_send_flight(void *ctx, struct span datagram) {
    struct peer_transport *peer = ctx;
    const struct tuple *to = ice_selected(&peer->ice);
    if (to)
        peer->output.send(peer->output.ctx, to, datagram);
}

struct peer_transport *peer_transport_create(const struct peer_shared *shared,
                                             const struct ice_credentials *credentials,
                                             const struct peer_output *output) {
    struct peer_transport *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->shared = *shared;
    peer->output = *output;
    ice_init(&peer->ice, credentials);
    peer->dtls = dtls_create(shared->dtls, &(struct dtls_output){peer, peer_send_flight});
    if (!peer->dtls) {
        peer_transport_destroy(peer);
        return NULL;
    }
    return peer;
}

void peer_transport_destroy(struct peer_transport *peer) {
    if (!peer)
        return;
    if (peer->dtls)
        dtls_close(peer->dtls);
    dtls_destroy(peer->dtls);
    srtp_session_destroy(peer->srtp);
    explicit_bzero(&peer->ice, sizeof peer->ice); // passwords
    free(peer);
}

static bool peer_make_srtp(struct peer_transport *peer) {
    struct srtp_keys keys;
    if (dtls_export_keys(peer->dtls, &keys) == ERR_OK)
        peer->srtp = srtp_session_create(&keys);
    explicit_bzero(&keys, sizeof keys);
    return peer->srtp != NULL;
}

static void peer_secure(struct peer_transport *peer) {
    if (peer_make_srtp(peer)) {
        peer_enter(peer, STAGE_SECURE);
        peer->connected_unreported = true;
    } else {
        peer->failure = "no SRTP session";
        dtls_close(peer->dtls);
    }
}

// Brings the parts in step after anything that may have moved one of them.
static void peer_settle(struct peer_transport *peer, uint64_t now_us) {
    if (peer->stage == STAGE_OVER)
        return;
    if (peer->stage == STAGE_WAITING && peer->ice.state == ICE_CONNECTED)
        dtls_start(peer->dtls, now_us);
    if (peer->stage == STAGE_WAITING && dtls_get_state(peer->dtls) == DTLS_CONNECTED)
        peer_secure(peer);
    if (peer->stage == STAGE_SECURE && peer->finished_us == 0)
        peer->finished_us = now_us + FINISHED_US;
    enum dtls_state dtls = dtls_get_state(peer->dtls);
    if (dtls == DTLS_FAILED || dtls == DTLS_CLOSED) {
        srtp_session_destroy(peer->srtp);
        peer->srtp = NULL;
        peer_enter(peer, STAGE_OVER);
    }
    assert((peer->stage == STAGE_SECURE) == (dtls == DTLS_CONNECTED));
}

static void peer_report(struct peer_transport *peer, struct peer_input *out) {
    enum ice_state ice = peer_transport_ice_state(peer);
    enum dtls_state dtls = peer_transport_dtls_state(peer);
    out->state_changed = ice != peer->reported_ice || dtls != peer->reported_dtls;
    peer->reported_ice = ice;
    peer->reported_dtls = dtls;
    out->connected = peer->connected_unreported && peer->stage == STAGE_SECURE;
    peer->connected_unreported = false;
}

enum err peer_transport_connect(struct peer_transport *peer, enum dtls_role remote_role,
                                const struct fingerprint *fingerprint, uint64_t now_us) {
    enum err err = dtls_connect(peer->dtls, remote_role, fingerprint);
    if (err == ERR_OK)
        peer_settle(peer, now_us);
    return err;
}

void peer_transport_restart_ice(struct peer_transport *peer, const struct ice_credentials *credentials,
                                uint64_t now_us) {
    ice_restart(&peer->ice, credentials, now_us);
}

// ---- Input ----

static void peer_drop(struct peer_input *out, enum peer_drop why) {
    out->kind = PEER_DROPPED;
    out->drop = why;
}

static void peer_input_stun(struct peer_transport *peer, const struct tuple *from, uint8_t *datagram,
                            size_t len, uint64_t now_us, struct peer_input *out) {
    uint8_t reply[ICE_REPLY_MAX];
    struct ice_result result;
    ice_input(&peer->ice, peer->shared.stun, from, datagram, len, now_us, reply, &result);
    if (result.reply_len)
        peer->output.send(peer->output.ctx, from, span_of(reply, result.reply_len));
    out->tuple_checked = result.tuple_checked;
    out->tuple_added = result.tuple_added;
    out->tuple_removed = result.tuple_removed;
    out->removed = result.removed;
    if (result.err == ERR_AUTH)
        peer_drop(out, PEER_DROP_STUN_AUTH);
    else if (result.err != ERR_OK)
        peer_drop(out, PEER_DROP_STUN_MALFORMED);
}

static void peer_input_dtls(struct peer_transport *peer, struct span datagram, uint64_t now_us,
                            struct peer_input *out) {
    if (!dtls_input(peer->dtls, datagram, now_us))
        peer_drop(out, PEER_DROP_DTLS_INVALID);
}

static enum peer_drop drop_of(enum err err) {
    switch (err) {
    case ERR_AUTH:
        return PEER_DROP_SRTP_AUTH;
    case ERR_EXISTS:
        return PEER_DROP_SRTP_REPLAY;
    default:
        return PEER_DROP_SRTP_MALFORMED;
    }
}

static void peer_heard(struct peer_transport *peer) {
    peer->heard = true;
    dtls_release(peer->dtls);
}

static void peer_input_srtp(struct peer_transport *peer, uint8_t *packet, bool rtcp, struct peer_input *out) {
    if (peer->stage != STAGE_SECURE) {
        peer_drop(out, PEER_DROP_NO_KEYS);
        return;
    }
    enum err err = rtcp ? srtp_session_unprotect_rtcp(peer->srtp, packet, &out->len)
                        : srtp_session_unprotect_rtp(peer->srtp, packet, &out->len);
    if (err != ERR_OK) {
        peer_drop(out, drop_of(err));
        return;
    }
    out->kind = rtcp ? PEER_RTCP : PEER_RTP;
    if (!peer->heard) // the peer has keys, so our last flight has arrived
        peer_heard(peer);
}

void peer_transport_input(struct peer_transport *peer, const struct tuple *from, uint8_t *datagram,
                          size_t len, uint64_t now_us, struct peer_input *out) {
    *out = (struct peer_input){.kind = PEER_CONSUMED, .len = len};
    enum datagram_kind kind = datagram_kind(span_of(datagram, len));
    if (kind == DATAGRAM_UNKNOWN) {
        peer_drop(out, PEER_DROP_UNKNOWN_KIND);
    } else if (kind == DATAGRAM_STUN) {
        peer_input_stun(peer, from, datagram, len, now_us, out);
        peer_settle(peer, now_us);
    } else if (!ice_validated(&peer->ice, from)) {
        peer_drop(out, PEER_DROP_UNVALIDATED);
    } else if (kind == DATAGRAM_DTLS) {
        peer_input_dtls(peer, span_of(datagram, len), now_us, out);
        peer_settle(peer, now_us);
    } else {
        peer_input_srtp(peer, datagram, kind == DATAGRAM_RTCP, out);
    }
    peer_report(peer, out);
    assert((out->kind == PEER_DROPPED) == (out->drop != PEER_DROP_NONE));
    assert(out->len <= len);
}

uint64_t peer_transport_next_us(const struct peer_transport *peer) {
    uint64_t ice = ice_next_us(&peer->ice), dtls = dtls_next_us(peer->dtls);
    uint64_t next_us = ice < dtls ? ice : dtls;
    bool waits = peer->stage == STAGE_SECURE && !peer->heard && peer->finished_us > 0;
    return waits && peer->finished_us < next_us ? peer->finished_us : next_us;
}

void peer_transport_advance(struct peer_transport *peer, uint64_t now_us, struct peer_input *out) {
    *out = (struct peer_input){.kind = PEER_CONSUMED};
    (void)ice_advance(&peer->ice, now_us);
    dtls_advance(peer->dtls, now_us);
    peer_settle(peer, now_us);
    if (peer->stage == STAGE_SECURE && !peer->heard && now_us >= peer->finished_us)
        peer_heard(peer);
    peer_report(peer, out);
}

// ---- Results ----

enum ice_state peer_transport_ice_state(const struct peer_transport *peer) {
    return peer->ice.state;
}

enum dtls_state peer_transport_dtls_state(const struct peer_transport *peer) {
    return peer->failure ? DTLS_FAILED : dtls_get_state(peer->dtls);
}

const char *peer_transport_failure(const struct peer_transport *peer) {
    return peer->failure ? peer->failure : dtls_failure(peer->dtls);
}

const struct tuple *peer_transport_selected(const struct peer_transport *peer) {
    return ice_selected(&peer->ice);
}

unsigned peer_transport_tuples(const struct peer_transport *peer, struct tuple out[ICE_TUPLES_MAX]) {
    for (unsigned i = 0; i < peer->ice.path_count; i++)
        out[i] = peer->ice.paths[i].tuple;
    return peer->ice.path_count;
}

enum err peer_transport_protect_rtp(struct peer_transport *peer, uint8_t *packet, size_t *len,
                                    uint64_t index) {
    return peer->stage == STAGE_SECURE ? srtp_session_protect_rtp(peer->srtp, packet, len, index)
                                       : ERR_WRONG_STATE;
}

enum err peer_transport_protect_rtcp(struct peer_transport *peer, uint8_t *packet, size_t *len) {
    return peer->stage == STAGE_SECURE ? srtp_session_protect_rtcp(peer->srtp, packet, len) : ERR_WRONG_STATE;
}

void peer_transport_prefetch(const struct peer_transport *peer, unsigned step) {
    if (step == 2) {
        __builtin_prefetch(&peer->srtp);
        __builtin_prefetch(&peer->ice.selected);
        __builtin_prefetch(&peer->ice.paths[0]);
    } else if (peer->stage == STAGE_SECURE) {
        srtp_session_prefetch(peer->srtp, step);
    }
}

void peer_transport_forget_ssrc(struct peer_transport *peer, uint32_t ssrc) {
    if (peer->stage == STAGE_SECURE)
        srtp_session_forget(peer->srtp, ssrc);
}

void peer_transport_forget_sent_ssrc(struct peer_transport *peer, uint32_t ssrc) {
    if (peer->stage == STAGE_SECURE)
        srtp_session_forget_sent(peer->srtp, ssrc);
}
