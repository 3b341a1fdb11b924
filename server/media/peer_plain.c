#include "server/media/peer_plain.h"

#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "rtp/stream_stats.h"
#include "transport/demux.h"
#include "transport/srtp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct peer_plain {
    struct peer peer;
    const struct peer_env *env;
    struct plain_port *port;
    struct srtp_session *srtp;       // NULL: in the clear
    struct addr remote, remote_rtcp; // family 0: not known
    struct tuple path;               // to `remote`
    bool learns;                     // comedia
    bool rtcp_apart;
    bool told; // that it is connected
    uint64_t bytes_sent, bytes_received;
    struct rate_meter sent_rate, received_rate;
};
_Static_assert(offsetof(struct peer_plain, peer) == 0, "so that the one is the other");

static struct peer_plain *plain_of(struct peer *peer) {
    return (struct peer_plain *)(void *)peer;
}

static const struct peer_plain *plain_of_const(const struct peer *peer) {
    return (const struct peer_plain *)(const void *)peer;
}

// Whether media may go where the other side is: it was said by who may, or it was authentic.
static bool plain_may_send(const struct peer_plain *self) {
    return self->remote.family != 0 && (!self->learns || self->srtp);
}

// ---- out

static void plain_count_sent(struct peer_plain *self, size_t len) {
    self->bytes_sent += len;
    rate_meter_add(&self->sent_rate, (uint32_t)len, *self->env->now_us);
}

static enum err plain_send_rtp(struct peer *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct peer_plain *self = plain_of(peer);
    size_t len = b->len;
    (void)kind;
    enum err err = plain_may_send(self) ? ERR_OK : ERR_WRONG_STATE;
    if (err == ERR_OK && self->srtp)
        err = srtp_session_protect_rtp(self->srtp, block_data(b), &len, index);
    if (err != ERR_OK) {
        block_release(b);
        return err;
    }
    b->len = (uint16_t)len;
    plain_count_sent(self, len);
    plain_port_queue(self->port, PLAIN_RTP, &self->remote, b);
    return ERR_OK;
}

static void plain_send_again(struct peer *peer, struct block *sealed, enum media_kind kind) {
    struct peer_plain *self = plain_of(peer);
    (void)kind;
    if (!plain_may_send(self)) {
        block_release(sealed);
        return;
    }
    plain_count_sent(self, sealed->len);
    plain_port_queue(self->port, PLAIN_RTP, &self->remote, sealed);
}

// A copy in a block of its own; NULL: there is none, or it could not be encrypted.
static struct block *plain_rtcp_block(struct peer_plain *self, struct span datagram) {
    struct block *b = pool_take(self->env->pool);
    size_t len = datagram.len;
    if (!b)
        return NULL;
    memcpy(block_data(b), datagram.ptr, len);
    if (self->srtp && srtp_session_protect_rtcp(self->srtp, block_data(b), &len) != ERR_OK) {
        block_release(b);
        return NULL;
    }
    b->len = (uint16_t)len;
    return b;
}

static void plain_send_rtcp(struct peer *peer, struct span datagram) {
    struct peer_plain *self = plain_of(peer);
    const struct addr *to = self->rtcp_apart ? &self->remote_rtcp : &self->remote;
    assert(datagram.len <= RTCP_DATAGRAM_MAX);
    bool on_trust = !plain_may_send(self);
    if (to->family == 0 || (on_trust && self->bytes_sent + datagram.len > self->bytes_received))
        return;
    struct block *b = plain_rtcp_block(self, datagram);
    if (!b)
        return;
    plain_count_sent(self, b->len);
    plain_port_queue(self->port, PLAIN_RTCP, to, b);
}

static void plain_forget_ssrc(struct peer *peer, uint32_t ssrc, bool sent) {
    struct peer_plain *self = plain_of(peer);
    if (self->srtp && sent)
        srtp_session_forget_sent(self->srtp, ssrc);
    else if (self->srtp)
        srtp_session_forget(self->srtp, ssrc);
}

static void plain_prefetch(const struct peer *peer, unsigned step) {
    const struct peer_plain *self = plain_of_const(peer);
    if (self->srtp && step < 2)
        srtp_session_prefetch(self->srtp, step);
}

// ---- in

static void plain_drop(struct peer_input *out, enum peer_drop why) {
    out->kind = PEER_DROPPED;
    out->drop = why;
}

// Whether a packet from there may be looked at at all.
static bool plain_is_expected(const struct peer_plain *self, const struct tuple *from, bool rtcp_way) {
    const struct addr *known = rtcp_way ? &self->remote_rtcp : &self->remote;
    if (known->family != 0)
        return addr_equal(known, &from->remote);
    if (!self->learns)
        return false; // the other side has no such way
    // RTCP's own address follows RTP's.
    return !rtcp_way || (self->remote.family == from->remote.family &&
                         memcmp(self->remote.ip, from->remote.ip, sizeof self->remote.ip) == 0);
}

static enum err plain_open(struct peer_plain *self, enum datagram_kind kind, uint8_t *bytes, size_t *len) {
    if (!self->srtp)
        return ERR_OK;
    return kind == DATAGRAM_RTP ? srtp_session_unprotect_rtp(self->srtp, bytes, len)
                                : srtp_session_unprotect_rtcp(self->srtp, bytes, len);
}

static enum peer_drop plain_drop_of(enum err err) {
    return err == ERR_AUTH     ? PEER_DROP_SRTP_AUTH
           : err == ERR_EXISTS ? PEER_DROP_SRTP_REPLAY
                               : PEER_DROP_SRTP_MALFORMED;
}

static void plain_set_remote(struct peer_plain *self, const struct tuple *from) {
    self->remote = from->remote;
    self->path = *from;
}

// The packet is good; whether it says where the other side is.
static void plain_learn(struct peer_plain *self, const struct tuple *from, bool rtcp_way,
                        struct peer_input *out) {
    if (rtcp_way && self->remote_rtcp.family == 0)
        self->remote_rtcp = from->remote;
    if (rtcp_way || self->remote.family != 0)
        return;
    plain_set_remote(self, from);
    self->told = out->state_changed = out->connected = true;
}

static void plain_input(struct peer *peer, const struct tuple *from, struct block *b, uint64_t now_us,
                        struct peer_input *out) {
    struct peer_plain *self = plain_of(peer);
    enum datagram_kind kind = datagram_kind(span_of(block_data(b), b->len));
    bool rtcp_way = plain_port_is_rtcp(self->port, from);
    size_t len = b->len;
    *out = (struct peer_input){.kind = kind == DATAGRAM_RTP ? PEER_RTP : PEER_RTCP, .len = len};
    if (kind != DATAGRAM_RTCP && (kind != DATAGRAM_RTP || rtcp_way)) {
        plain_drop(out, PEER_DROP_UNKNOWN_KIND);
        return;
    }
    if (!plain_is_expected(self, from, rtcp_way)) {
        plain_drop(out, PEER_DROP_STRANGER);
        return;
    }
    // Without keys RTCP tells no address: anybody could have sent it.
    if (kind == DATAGRAM_RTCP && !rtcp_way && !self->srtp && self->remote.family == 0) {
        plain_drop(out, PEER_DROP_STRANGER);
        return;
    }
    enum err err = plain_open(self, kind, block_data(b), &len);
    if (err != ERR_OK) {
        plain_drop(out, plain_drop_of(err));
        return;
    }
    out->len = len;
    self->bytes_received += b->len;
    rate_meter_add(&self->received_rate, b->len, now_us);
    plain_learn(self, from, rtcp_way, out);
}

static void plain_advance(struct peer *peer, uint64_t now_us, struct peer_input *out) {
    struct peer_plain *self = plain_of(peer);
    (void)now_us;
    *out = (struct peer_input){.kind = PEER_CONSUMED};
    out->state_changed = out->connected = !self->told && self->remote.family != 0;
    self->told |= out->connected;
}

static enum err plain_connect(struct peer *peer, enum dtls_role remote_role,
                              const struct fingerprint *fingerprint, uint64_t now_us) {
    (void)peer, (void)remote_role, (void)fingerprint, (void)now_us;
    return ERR_UNSUPPORTED;
}

static enum err plain_restart_ice(struct peer *peer, const struct ice_credentials *credentials,
                                  uint64_t now_us) {
    (void)peer, (void)credentials, (void)now_us;
    return ERR_UNSUPPORTED;
}

static enum err plain_offer_ice(struct peer *peer, const struct ice_credentials *credentials) {
    (void)peer, (void)credentials;
    return ERR_UNSUPPORTED;
}

static void plain_lose(struct peer *peer, const struct tuple *tuple, uint64_t now_us,
                       struct peer_input *out) {
    (void)peer, (void)tuple, (void)now_us;
    *out = (struct peer_input){.kind = PEER_CONSUMED}; // it has no connection
}

// ---- what it is

static struct peer_state plain_state(const struct peer *peer) {
    const struct peer_plain *self = plain_of_const(peer);
    bool there = self->remote.family != 0;
    return (struct peer_state){.ice = there ? ICE_CONNECTED : ICE_NEW,
                               .dtls = there ? DTLS_CONNECTED : DTLS_NEW,
                               .reachable = there,
                               .path = there ? &self->path : NULL,
                               .failure = ""};
}

static void plain_describe(const struct peer *peer, uint64_t now_us, struct transport_stats *out) {
    const struct peer_plain *self = plain_of_const(peer);
    struct peer_state state = plain_state(peer);
    out->bytes_received = self->bytes_received;
    out->bytes_sent = self->bytes_sent;
    out->recv_bitrate_bps = rate_meter_bps(&self->received_rate, now_us);
    out->send_bitrate_bps = rate_meter_bps(&self->sent_rate, now_us);
    if (state.path)
        out->selected = *state.path;
    out->ice = state.ice;
    out->dtls = state.dtls;
}

// Its sockets are its own, so no route leads here.
static unsigned plain_tuples(const struct peer *peer, struct tuple out[PEER_TUPLES_MAX]) {
    (void)peer, (void)out;
    return 0;
}

static bool plain_holds(const struct peer *peer, const struct tuple *tuple, uint64_t now_us) {
    (void)peer, (void)tuple, (void)now_us;
    return false;
}

// ---- life

static void plain_close(struct peer *peer) {
    struct peer_plain *self = plain_of(peer);
    srtp_session_destroy(self->srtp);
    free(self);
}

static const struct peer_functions plain_functions = {
    .input = plain_input,
    .advance = plain_advance,
    .send_rtp = plain_send_rtp,
    .send_again = plain_send_again,
    .send_rtcp = plain_send_rtcp,
    .forget_ssrc = plain_forget_ssrc,
    .prefetch = plain_prefetch,
    .connect = plain_connect,
    .restart_ice = plain_restart_ice,
    .offer_ice = plain_offer_ice,
    .lose = plain_lose,
    .state = plain_state,
    .describe = plain_describe,
    .tuples = plain_tuples,
    .holds = plain_holds,
    .close = plain_close,
};

struct peer *peer_plain_create(const struct peer_env *env, const struct plain_params *params,
                               struct plain_port *port) {
    struct peer_plain *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    *self = (struct peer_plain){.peer = {.functions = &plain_functions, .next_us = TIME_NEVER},
                                .env = env,
                                .port = port,
                                .learns = params->comedia,
                                .rtcp_apart = plain_port_fd(port, PLAIN_RTCP) >= 0};
    if (!params->comedia) {
        plain_set_remote(self, &(struct tuple){.remote = params->remote, .protocol = TUPLE_UDP});
        self->remote_rtcp = params->remote_rtcp;
    }
    if (params->keys.profile != SRTP_PROFILE_NONE) {
        self->srtp = srtp_session_create(&params->keys);
        if (!self->srtp) {
            free(self);
            return NULL;
        }
    }
    return &self->peer;
}

bool peer_plain_wants_ssrc(const struct peer *peer) {
    const struct peer_plain *self = plain_of_const(peer);
    return self->learns && !self->srtp && self->remote.family == 0;
}
