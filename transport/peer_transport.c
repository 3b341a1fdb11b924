#include "transport/peer_transport.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "rtp/rtcp_write.h"
#include "transport/dtls_in_stun.h"
#include "transport/dtls_record.h"
#include "transport/ice_proof.h"
#include "transport/ice_stun.h"
#include "transport/rtcp_secret.h"
#include "transport/stun_gate.h"

#include <assert.h>
#include <stdlib.h>

// What may happen with media. ICE and DTLS have their own states; this one joins them.
enum stage {
    STAGE_WAITING, // no keys yet
    STAGE_EARLY,   // keys to send with, while the peer has not confirmed them
    STAGE_SECURE,  // SRTP is possible
    STAGE_OVER,    // DTLS failed or closed; nothing comes back
};

#define TRAILER_ROOM (SRTCP_TRAILER_MAX + 144) // libsrtp2 may write so much (SRTP_MAX_TRAILER_LEN)
#define STUN_ID_OFFSET 8
#define STUN_CLASS_BITS 0x0110 // RFC 8489, section 5
#define STUN_CLASS_INDICATION 0x0010

// RFC 6347, section 4.2.4: whoever sent the last flight answers its peer for twice the MSL of TCP, which is
// two minutes (RFC 9293, section 3.4.1). Then the handshake's 60 KB may go even if the peer has nothing to
// send.
#define FINISHED_US (4 * 60 * US_PER_SECOND)

// Where a part of the handshake went.
struct went {
    struct tuple to; // while GONE_TO_ONE
    enum { GONE_NOWHERE, GONE_TO_ONE, GONE_TO_MANY } where;
};

struct peer_transport {
    struct peer_shared shared;
    struct peer_output output;
    struct ice ice;
    struct stun_gate gate;
    struct rtcp_secrets secrets;
    uint32_t asking_ssrc; // of our RRTRs: this and the path's number
    // Of the handshake what was in the clear: all of it, and without ClientHellos (peer_note_flight).
    struct went flights, exchange;
    uint64_t now_us;     // of the present call
    uint64_t replied_us; // when the first check was answered; 0: none was
    struct dtls *dtls;
    struct dtls_in_stun *in_stun; // while the peer carries the handshake in checks; NULL: it does not
    bool flight_begun;            // something of it has been written in this call
    bool embedding;               // what is written now goes into the answer to a check
    bool sending_data;            // what is written now is no part of a handshake
    struct srtp_session *srtp;    // while STAGE_EARLY or STAGE_SECURE
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
    assert((peer->srtp != NULL) == (next == STAGE_EARLY || next == STAGE_SECURE));
    peer->stage = next;
}

static void peer_send(struct peer_transport *peer, const struct tuple *to, struct span datagram) {
    peer->output.send(peer->output.ctx, to, datagram);
}

static void peer_keep_flight(struct peer_transport *peer, struct span datagram) {
    if (!peer->in_stun)
        return;
    if (!peer->flight_begun)
        dtls_in_stun_begin_flight(peer->in_stun);
    peer->flight_begun = true;
    dtls_in_stun_add(peer->in_stun, datagram);
}

static void note_went(struct went *went, const struct tuple *to) {
    if (went->where == GONE_NOWHERE)
        *went = (struct went){.to = *to, .where = GONE_TO_ONE};
    else if (!tuple_equal(to, &went->to))
        went->where = GONE_TO_MANY;
}

// What a peer has to have had to end the handshake is in the clear: random numbers, and our key of the
// exchange, which no ClientHello has. Our ChangeCipherSpec and Finished add nothing to it, and as the
// server's they leave when the peer has proved itself.
static void peer_note_flight(struct peer_transport *peer, const struct tuple *to, struct span datagram) {
    struct reader reader = reader_of(datagram);
    struct dtls_record first;
    if (!dtls_record_next(&reader, &first) || first.content != DTLS_CONTENT_HANDSHAKE || first.epoch != 0)
        return;
    note_went(&peer->flights, to);
    if (!dtls_record_is_client_hello(&first))
        note_went(&peer->exchange, to);
}

// A handshake flight goes where media will go; without consent it goes nowhere (RFC 7675). The first datagram
// of what a check makes us say goes into its answer.
static void peer_send_flight(void *ctx, struct span datagram) {
    struct peer_transport *peer = ctx;
    if (peer->sending_data) {
        peer_send(peer, ice_media(&peer->ice), datagram);
        return;
    }
    const struct tuple *to = ice_selected(&peer->ice);
    bool answers = peer->embedding && !peer->flight_begun && datagram.len <= DTLS_IN_STUN_MAX;
    peer_keep_flight(peer, datagram);
    if (answers || !to || !ice_afford(&peer->ice, ice_find(&peer->ice, to), datagram.len, peer->now_us))
        return;
    peer_note_flight(peer, to, datagram);
    peer_send(peer, to, datagram);
}

static void peer_hands_out(void *ctx, struct span data) {
    const struct peer_transport *peer = ctx;
    if (peer->output.data)
        peer->output.data(peer->output.ctx, data);
}

struct peer_transport *peer_transport_create(const struct peer_shared *shared,
                                             const struct ice_credentials *credentials,
                                             const struct peer_output *output) {
    struct peer_transport *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->shared = *shared;
    peer->output = *output;
    peer->asking_ssrc = entropy_u32();
    ice_init(&peer->ice, credentials);
    peer->dtls = dtls_create(shared->dtls, &(struct dtls_output){peer, peer_send_flight, peer_hands_out});
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
    free(peer->in_stun);
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

// Whoever ended the handshake has had our key of the exchange; whoever has only signed our random number, as
// the server does before its Finished, has had that. If it went to one tuple, the peer receives there.
static void peer_prove_by_handshake(struct peer_transport *peer, const struct went *had) {
    struct ice_path *path = had->where == GONE_TO_ONE ? ice_find(&peer->ice, &had->to) : NULL;
    if (path && !path->proven)
        ice_prove(&peer->ice, path, peer->now_us);
    ice_ask(&peer->ice, peer->now_us);
}

static bool peer_can_send(const struct peer_transport *peer) {
    return peer->stage == STAGE_EARLY || peer->stage == STAGE_SECURE;
}

static bool peer_take_keys(struct peer_transport *peer, enum stage stage) {
    if (!peer_make_srtp(peer))
        return false;
    peer_enter(peer, stage);
    peer_prove_by_handshake(peer, stage == STAGE_SECURE ? &peer->exchange : &peer->flights);
    peer->connected_unreported = true;
    return true;
}

static void peer_secure(struct peer_transport *peer) {
    if (peer->stage == STAGE_EARLY) {
        peer_enter(peer, STAGE_SECURE);
        peer_prove_by_handshake(peer, &peer->exchange);
    } else if (!peer_take_keys(peer, STAGE_SECURE)) {
        peer->failure = "no SRTP session";
        dtls_close(peer->dtls);
    }
}

// ---- questions to tuples that are not proven

static void peer_send_srtcp(struct peer_transport *peer, const struct ice_path *path, uint8_t *packet,
                            size_t len) {
    if (srtp_session_protect_rtcp(peer->srtp, packet, &len) == ERR_OK &&
        ice_afford(&peer->ice, path, len, peer->now_us))
        peer_send(peer, &path->tuple, span_of(packet, len));
}

static void peer_ask(struct peer_transport *peer) {
    for (struct ice_path *path; peer->stage == STAGE_SECURE && peer->ice.state == ICE_CONNECTED &&
                                (path = ice_next_question(&peer->ice, peer->now_us));) {
        uint8_t request[ICE_QUESTION_BYTES];
        uint8_t rrtr[RTCP_SECRET_QUESTION_BYTES + TRAILER_ROOM];
        size_t len = ice_question(peer->shared.stun, path, request);
        if (len > 0 && ice_afford(&peer->ice, path, len, peer->now_us))
            peer_send(peer, &path->tuple, span_of(request, len));
        rtcp_secret_ask(peer->asking_ssrc + (uint32_t)(path - peer->ice.paths), path->secret, rrtr);
        peer_send_srtcp(peer, path, rrtr, RTCP_SECRET_QUESTION_BYTES);
    }
}

// Authentic RTCP, wherever it came from: whoever wrote it has the keys, so it is enough that he knows a
// secret.
static void peer_look_for_proof(struct peer_transport *peer, struct span datagram) {
    bool echoed = rtcp_secret_echo(&peer->secrets, datagram);
    for (uint32_t i = 0; i < peer->ice.path_count; i++) {
        struct ice_path *path = &peer->ice.paths[i];
        if (path->proven || path->asked == 0)
            continue;
        if (rtcp_secret_answered(&peer->secrets, datagram, peer->asking_ssrc + i, path->secret,
                                 path->secret_before) ||
            (echoed && peer->secrets.key == path->secret))
            ice_prove(&peer->ice, path, peer->now_us);
    }
}

// Brings the parts in step after anything that may have moved one of them.
static void peer_settle(struct peer_transport *peer, uint64_t now_us) {
    if (peer->stage == STAGE_OVER)
        return;
    if (peer->stage == STAGE_WAITING && peer->ice.state == ICE_CONNECTED)
        dtls_start(peer->dtls, now_us);
    if (peer->stage < STAGE_SECURE && dtls_get_state(peer->dtls) == DTLS_CONNECTED)
        peer_secure(peer);
    else if (peer->stage == STAGE_WAITING && dtls_may_send_early(peer->dtls))
        (void)peer_take_keys(peer, STAGE_EARLY);
    if (peer->stage == STAGE_SECURE && peer->finished_us == 0)
        peer->finished_us = now_us + FINISHED_US;
    enum dtls_state dtls = dtls_get_state(peer->dtls);
    if (dtls == DTLS_FAILED || dtls == DTLS_CLOSED) {
        srtp_session_destroy(peer->srtp);
        peer->srtp = NULL;
        peer_enter(peer, STAGE_OVER);
    }
    assert((peer->stage == STAGE_SECURE) == (dtls == DTLS_CONNECTED));
    peer_ask(peer);
}

static void peer_report(struct peer_transport *peer, struct peer_input *out) {
    enum ice_state ice = peer_transport_ice_state(peer);
    enum dtls_state dtls = peer_transport_dtls_state(peer);
    out->state_changed = ice != peer->reported_ice || dtls != peer->reported_dtls;
    peer->reported_ice = ice;
    peer->reported_dtls = dtls;
    out->connected = peer->connected_unreported && peer_can_send(peer);
    peer->connected_unreported = false;
}

enum err peer_transport_connect(struct peer_transport *peer, enum dtls_role remote_role,
                                const struct fingerprint *fingerprint, uint64_t now_us) {
    peer->now_us = now_us;
    peer->flight_begun = false;
    enum err err = dtls_connect(peer->dtls, remote_role, fingerprint);
    if (err == ERR_OK)
        peer_settle(peer, now_us);
    return err;
}

void peer_transport_restart_ice(struct peer_transport *peer, const struct ice_credentials *credentials,
                                uint64_t now_us) {
    ice_restart(&peer->ice, credentials, now_us);
}

bool peer_transport_offer_ice(struct peer_transport *peer, const struct ice_credentials *credentials) {
    return ice_offer(&peer->ice, credentials);
}

// ---- Input ----

static void peer_drop(struct peer_input *out, enum peer_drop why) {
    out->kind = PEER_DROPPED;
    out->drop = why;
}

static bool stun_is_check(const uint8_t *datagram) {
    return (load_be16(datagram) & STUN_CLASS_BITS) <= STUN_CLASS_INDICATION; // or a request
}

// Whether a check is looked at, and how. Nothing about it is authentic yet.
static enum stun_gate_verdict peer_gate(struct peer_transport *peer, const struct ice_path *path,
                                        const struct tuple *from, const uint8_t *datagram,
                                        struct peer_input *out) {
    if (!stun_is_check(datagram))
        return STUN_GATE_NEW;
    enum stun_gate_verdict verdict =
        stun_gate_look(&peer->gate, datagram + STUN_ID_OFFSET, from, path && path->proven, peer->now_us);
    if (verdict == STUN_GATE_COPIED)
        peer_drop(out, PEER_DROP_STUN_COPIED);
    else if (verdict == STUN_GATE_FULL)
        peer_drop(out, PEER_DROP_STUN_RATE);
    return verdict;
}

// What a good check carries, and what its answer is to carry then. Returns the answer's length.
static size_t peer_carry(struct peer_transport *peer, const struct ice_path *path,
                         const struct ice_result *result, uint8_t *reply) {
    if (!peer->in_stun && !(peer->in_stun = calloc(1, sizeof *peer->in_stun)))
        return result->reply_len; // as if we did not know
    struct dtls_in_stun *s = peer->in_stun;
    dtls_set_mtu(peer->dtls, DTLS_IN_STUN_MAX);
    dtls_in_stun_acknowledged(s, result->dtls_acks);
    if (result->dtls.len > 0) {
        ice_credit(&peer->ice, path, result->dtls.len);
        dtls_in_stun_heard(s, result->dtls);
        peer->embedding = true;
        (void)dtls_input(peer->dtls, result->dtls, peer->now_us);
        peer->embedding = false;
    }
    uint8_t acks[DTLS_IN_STUN_ACKS_BYTES];
    struct span told = span_of(acks, dtls_in_stun_acks(s, acks)), ours = dtls_in_stun_next(s);
    if (ours.len > 0 && !ice_afford(&peer->ice, path, ours.len, peer->now_us))
        ours = (struct span){0};
    if (ours.len > 0)
        peer_note_flight(peer, &path->tuple, ours);
    const struct ice *ice = &peer->ice;
    return ice_stun_embed(peer->shared.stun, result->with_old ? &ice->old_credentials : &ice->credentials,
                          reply, result->reply_len, ours, told);
}

// The peer speaks it, and the handshake is not over.
static bool peer_carries(const struct peer_transport *peer, const struct ice_result *result) {
    return result->tuple_checked && (result->dtls.ptr || result->dtls_acks.ptr) && !peer->heard &&
           peer->stage != STAGE_OVER;
}

static void peer_input_stun(struct peer_transport *peer, const struct tuple *from, uint8_t *datagram,
                            size_t len, uint64_t now_us, struct peer_input *out) {
    uint8_t reply[ICE_REPLY_MAX], id[STUN_GATE_ID_BYTES];
    struct ice_result result;
    const struct ice_path *path = ice_find(&peer->ice, from);
    bool proven = path && path->proven;
    enum stun_gate_verdict verdict = peer_gate(peer, path, from, datagram, out);
    if (out->kind == PEER_DROPPED)
        return;
    memcpy(id, datagram + STUN_ID_OFFSET, sizeof id);
    (verdict == STUN_GATE_AGAIN ? ice_input_again : ice_input)(&peer->ice, peer->shared.stun, from, datagram,
                                                               len, now_us, reply, &result);
    if (result.authentic)
        stun_gate_note(&peer->gate, id, from, proven, now_us);
    if (peer_carries(peer, &result))
        result.reply_len = peer_carry(peer, ice_find(&peer->ice, from), &result, reply);
    if (result.reply_len > 0 && result.reply_len <= BLOCK_DATAGRAM_MAX)
        peer_send(peer, from, span_of(reply, result.reply_len));
    if (result.tuple_checked && peer->replied_us == 0)
        peer->replied_us = now_us;
    out->tuple_checked = result.tuple_checked;
    out->tuple_added = result.tuple_added;
    out->tuple_removed = result.tuple_removed;
    out->removed = result.removed;
    if (result.err == ERR_AUTH)
        peer_drop(out, PEER_DROP_STUN_AUTH);
    else if (result.err != ERR_OK)
        peer_drop(out, PEER_DROP_STUN_MALFORMED);
}

static void peer_input_dtls(struct peer_transport *peer, const struct ice_path *path, struct span datagram,
                            uint64_t now_us, struct peer_input *out) {
    ice_credit(&peer->ice, path, datagram.len);
    if (peer->in_stun)
        dtls_in_stun_heard(peer->in_stun, datagram);
    // A client speaks as soon as it has our answer to its check, so it took one round trip at most.
    if (dtls_get_state(peer->dtls) == DTLS_NEW && peer->replied_us != 0)
        dtls_set_round_trip(peer->dtls, now_us - peer->replied_us);
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
    free(peer->in_stun);
    peer->in_stun = NULL;
}

static void peer_input_srtp(struct peer_transport *peer, struct ice_path *path, uint8_t *packet, bool rtcp,
                            struct peer_input *out) {
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
    ice_heard(&peer->ice, path, peer->now_us);
    if (!path->proven)
        ice_credit(&peer->ice, path, out->len);
    if (rtcp && peer->ice.unproven > 0)
        peer_look_for_proof(peer, span_of(packet, out->len));
    if (!peer->heard) // the peer has keys, so our last flight has arrived
        peer_heard(peer);
}

void peer_transport_input(struct peer_transport *peer, const struct tuple *from, uint8_t *datagram,
                          size_t len, uint64_t now_us, struct peer_input *out) {
    *out = (struct peer_input){.kind = PEER_CONSUMED, .len = len};
    peer->now_us = now_us;
    peer->flight_begun = false;
    enum datagram_kind kind = datagram_kind(span_of(datagram, len));
    struct ice_path *path = NULL;
    if (kind == DATAGRAM_UNKNOWN) {
        peer_drop(out, PEER_DROP_UNKNOWN_KIND);
    } else if (kind == DATAGRAM_STUN) {
        peer_input_stun(peer, from, datagram, len, now_us, out);
        peer_settle(peer, now_us);
    } else if (!(path = ice_find(&peer->ice, from))) {
        peer_drop(out, PEER_DROP_UNVALIDATED);
    } else if (kind == DATAGRAM_DTLS) {
        peer_input_dtls(peer, path, span_of(datagram, len), now_us, out);
        peer_settle(peer, now_us);
    } else {
        peer_input_srtp(peer, path, datagram, kind == DATAGRAM_RTCP, out);
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
    peer->now_us = now_us;
    peer->flight_begun = false;
    (void)ice_advance(&peer->ice, now_us);
    dtls_advance(peer->dtls, now_us);
    peer_settle(peer, now_us);
    if (peer->stage == STAGE_SECURE && !peer->heard && now_us >= peer->finished_us)
        peer_heard(peer);
    peer_report(peer, out);
}

void peer_transport_lose(struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us,
                         struct peer_input *out) {
    *out = (struct peer_input){.kind = PEER_CONSUMED};
    peer->now_us = now_us;
    peer->flight_begun = false;
    (void)ice_lose(&peer->ice, tuple, now_us);
    peer_settle(peer, now_us);
    peer_report(peer, out);
}

void peer_transport_follow(struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us,
                           struct peer_input *out) {
    *out = (struct peer_input){.kind = PEER_CONSUMED};
    peer->now_us = now_us;
    peer->flight_begun = false;
    ice_follow(&peer->ice, tuple, now_us);
    peer_settle(peer, now_us);
    peer_report(peer, out);
}

// ---- Results ----

uint64_t peer_transport_heard_us(const struct peer_transport *peer) {
    return peer->ice.consent_us;
}

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
    return ice_media(&peer->ice);
}

const struct tuple *peer_transport_also(struct peer_transport *peer, size_t len, uint64_t now_us) {
    struct ice *ice = &peer->ice;
    if (!ice->metered)
        return NULL;
    const struct tuple *also = ice->also >= 0 ? &ice->paths[ice->also].tuple : NULL;
    ice_spend(ice, len, now_us);
    return also;
}

bool peer_transport_holds(const struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us) {
    return ice_holds(&peer->ice, tuple, now_us);
}

unsigned peer_transport_tuples(const struct peer_transport *peer, struct tuple out[ICE_TUPLES_MAX]) {
    for (unsigned i = 0; i < peer->ice.path_count; i++)
        out[i] = peer->ice.paths[i].tuple;
    return peer->ice.path_count;
}

enum err peer_transport_protect_rtp(struct peer_transport *peer, uint8_t *packet, size_t *len,
                                    uint64_t index) {
    return peer_can_send(peer) ? srtp_session_protect_rtp(peer->srtp, packet, len, index) : ERR_WRONG_STATE;
}

// RTCP goes where media goes. Where that is not proven, and to a tuple that waits for its proof, sender
// reports go with times of their own (rtcp_secret.h).
void peer_transport_send_rtcp(struct peer_transport *peer, struct span datagram, uint64_t now_us) {
    struct ice *ice = &peer->ice;
    uint8_t packet[RTCP_DATAGRAM_MAX + TRAILER_ROOM];
    assert(datagram.len <= RTCP_DATAGRAM_MAX);
    if (!peer_can_send(peer) || ice->state != ICE_CONNECTED)
        return;
    peer->now_us = now_us;
    struct ice_path *selected = &ice->paths[ice->selected], *candidate = ice_candidate(ice);
    if (selected->proven) {
        memcpy(packet, datagram.ptr, datagram.len);
        peer_send_srtcp(peer, selected, packet, datagram.len);
    }
    if (candidate && (candidate == selected || candidate - ice->paths == ice->also || !candidate->waits)) {
        memcpy(packet, datagram.ptr, datagram.len);
        bool asks = rtcp_secret_mark(&peer->secrets, candidate->secret, packet, datagram.len);
        if (asks || candidate == selected || candidate - ice->paths == ice->also)
            peer_send_srtcp(peer, candidate, packet, datagram.len);
    }
}

void peer_transport_carry_data(struct peer_transport *peer) {
    dtls_carry(peer->dtls);
}

void peer_transport_send_data(struct peer_transport *peer, struct span packet, uint64_t now_us) {
    if (peer->stage != STAGE_SECURE || !ice_media(&peer->ice))
        return;
    peer->now_us = now_us;
    peer->sending_data = true;
    (void)dtls_send(peer->dtls, packet);
    peer->sending_data = false;
}

void peer_transport_prefetch(const struct peer_transport *peer, unsigned step) {
    if (step == 2) {
        __builtin_prefetch(&peer->srtp);
        __builtin_prefetch(&peer->ice.media);
        __builtin_prefetch(&peer->ice.paths[0]);
    } else if (peer_can_send(peer)) {
        srtp_session_prefetch(peer->srtp, step);
    }
}

void peer_transport_forget_ssrc(struct peer_transport *peer, uint32_t ssrc) {
    if (peer_can_send(peer))
        srtp_session_forget(peer->srtp, ssrc);
}

void peer_transport_forget_sent_ssrc(struct peer_transport *peer, uint32_t ssrc) {
    if (peer_can_send(peer))
        srtp_session_forget_sent(peer->srtp, ssrc);
}
