#include "server/media/peer_webrtc.h"

#include "base/clock.h"
#include "rtp/rtcp_write.h"
#include "rtp/stream_stats.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// What each packet needs comes first: it is fetched ahead as one line (forward_prefetch in worker_peer.c).
struct peer_webrtc {
    struct peer peer;
    struct peer_transport *transport;
    const struct peer_env *env;
    uint64_t bytes_sent, bytes_received;
    struct rate_meter sent_rate, received_rate;
};
_Static_assert(offsetof(struct peer_webrtc, peer) == 0, "so that the one is the other");

static struct peer_webrtc *webrtc_of(struct peer *peer) {
    return (struct peer_webrtc *)(void *)peer;
}

static const struct peer_webrtc *webrtc_of_const(const struct peer *peer) {
    return (const struct peer_webrtc *)(const void *)peer;
}

// ---- out

static void webrtc_count_sent(struct peer_webrtc *self, size_t len) {
    self->bytes_sent += len;
    rate_meter_add(&self->sent_rate, (uint32_t)len, *self->env->now_us);
}

// STUN, DTLS and RTCP.
static void webrtc_reply(void *ctx, const struct tuple *to, struct span datagram) {
    struct peer_webrtc *self = ctx;
    webrtc_count_sent(self, datagram.len);
    if (to->protocol == TUPLE_UDP)
        (void)udp_port_queue_bytes(self->env->port, to, datagram); // counted there
    else if (to->protocol == TUPLE_TCP)
        (void)tcp_port_queue_bytes(self->env->tcp, to, datagram, *self->env->now_us);
    else
        self->env->agent_send(self->peer.owner, datagram, UDP_KEEP);
}

// Not a part of webrtc_queue: the way over UDP is as long as if there were no other.
__attribute__((noinline)) static void webrtc_queue_elsewhere(struct peer_webrtc *self, const struct tuple *to,
                                                             struct block *sealed, enum udp_worth worth) {
    if (to->protocol == TUPLE_TCP) {
        (void)tcp_port_queue(self->env->tcp, to, sealed, worth, *self->env->now_us);
        return;
    }
    self->env->agent_send(self->peer.owner, span_of(block_data(sealed), sealed->len), worth);
    block_release(sealed);
}

static void webrtc_queue(struct peer_webrtc *self, const struct tuple *to, struct block *sealed,
                         enum media_kind kind) {
    webrtc_count_sent(self, sealed->len);
    const struct tuple *also = peer_transport_also(self->transport, sealed->len, *self->env->now_us);
    if (also)
        webrtc_reply(self, also, span_of(block_data(sealed), sealed->len));
    enum udp_worth worth = kind == MEDIA_VIDEO ? UDP_DROP_FIRST : UDP_KEEP;
    if (to->protocol == TUPLE_UDP)
        (void)udp_port_queue(self->env->port, to, sealed, worth);
    else
        webrtc_queue_elsewhere(self, to, sealed, worth);
}

// The forwarder numbers nothing while there is no tuple (forwarder_endpoint_reachable).
static enum err webrtc_send_rtp(struct peer *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct peer_webrtc *self = webrtc_of(peer);
    const struct tuple *to = peer_transport_selected(self->transport);
    size_t len = b->len;
    enum err err =
        to ? peer_transport_protect_rtp(self->transport, block_data(b), &len, index) : ERR_WRONG_STATE;
    if (err != ERR_OK) {
        block_release(b);
        return err;
    }
    b->len = (uint16_t)len;
    webrtc_queue(self, to, b, kind);
    return ERR_OK;
}

static void webrtc_send_again(struct peer *peer, struct block *sealed, enum media_kind kind) {
    struct peer_webrtc *self = webrtc_of(peer);
    const struct tuple *to = peer_transport_selected(self->transport);
    if (to)
        webrtc_queue(self, to, sealed, kind);
    else
        block_release(sealed);
}

static void webrtc_send_rtcp(struct peer *peer, struct span datagram) {
    struct peer_webrtc *self = webrtc_of(peer);
    assert(datagram.len <= RTCP_DATAGRAM_MAX);
    peer_transport_send_rtcp(self->transport, datagram, *self->env->now_us);
}

static void webrtc_forget_ssrc(struct peer *peer, uint32_t ssrc, bool sent) {
    struct peer_webrtc *self = webrtc_of(peer);
    if (sent)
        peer_transport_forget_sent_ssrc(self->transport, ssrc);
    else
        peer_transport_forget_ssrc(self->transport, ssrc);
}

static void webrtc_carry_data(struct peer *peer) {
    peer_transport_carry_data(webrtc_of(peer)->transport);
}

static void webrtc_send_data(struct peer *peer, struct span packet) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_send_data(self->transport, packet, *self->env->now_us);
}

static void webrtc_prefetch(const struct peer *peer, unsigned step) {
    peer_transport_prefetch(webrtc_of_const(peer)->transport, step);
}

// ---- in

static void webrtc_hands_out(void *ctx, struct span packet) {
    const struct peer_webrtc *self = ctx;
    self->env->data(self->peer.owner, packet);
}

static void webrtc_input(struct peer *peer, const struct tuple *from, struct block *b, uint64_t now_us,
                         struct peer_input *out) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_input(self->transport, from, block_data(b), b->len, now_us, out);
    if (out->kind != PEER_DROPPED) {
        self->bytes_received += b->len;
        rate_meter_add(&self->received_rate, b->len, now_us);
    }
    peer->next_us = peer_transport_next_us(self->transport);
}

static void webrtc_advance(struct peer *peer, uint64_t now_us, struct peer_input *out) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_advance(self->transport, now_us, out);
    peer->next_us = peer_transport_next_us(self->transport);
}

static enum err webrtc_connect(struct peer *peer, enum dtls_role remote_role,
                               const struct fingerprint *fingerprint, uint64_t now_us) {
    struct peer_webrtc *self = webrtc_of(peer);
    enum err err = peer_transport_connect(self->transport, remote_role, fingerprint, now_us);
    peer->next_us = peer_transport_next_us(self->transport);
    return err;
}

static enum err webrtc_restart_ice(struct peer *peer, const struct ice_credentials *credentials,
                                   uint64_t now_us) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_restart_ice(self->transport, credentials, now_us);
    peer->next_us = peer_transport_next_us(self->transport);
    return ERR_OK;
}

static enum err webrtc_offer_ice(struct peer *peer, const struct ice_credentials *credentials) {
    return peer_transport_offer_ice(webrtc_of(peer)->transport, credentials) ? ERR_EXISTS : ERR_OK;
}

static void webrtc_follow(struct peer *peer, const struct tuple *path, uint64_t now_us,
                          struct peer_input *out) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_follow(self->transport, path, now_us, out);
    peer->next_us = peer_transport_next_us(self->transport);
}

static void webrtc_lose(struct peer *peer, const struct tuple *tuple, uint64_t now_us,
                        struct peer_input *out) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_lose(self->transport, tuple, now_us, out);
    peer->next_us = peer_transport_next_us(self->transport);
}

// ---- what it is

static struct peer_state webrtc_state(const struct peer *peer) {
    const struct peer_transport *transport = webrtc_of_const(peer)->transport;
    return (struct peer_state){.ice = peer_transport_ice_state(transport),
                               .dtls = peer_transport_dtls_state(transport),
                               .heard_us = peer_transport_heard_us(transport),
                               .reachable = peer_transport_selected(transport) != NULL,
                               .path = peer_transport_selected(transport),
                               .failure = peer_transport_failure(transport)};
}

static void webrtc_describe(const struct peer *peer, uint64_t now_us, struct transport_stats *out) {
    const struct peer_webrtc *self = webrtc_of_const(peer);
    const struct tuple *selected = peer_transport_selected(self->transport);
    out->bytes_received = self->bytes_received;
    out->bytes_sent = self->bytes_sent;
    out->recv_bitrate_bps = rate_meter_bps(&self->received_rate, now_us);
    out->send_bitrate_bps = rate_meter_bps(&self->sent_rate, now_us);
    if (selected)
        out->selected = *selected;
    out->ice = peer_transport_ice_state(self->transport);
    out->dtls = peer_transport_dtls_state(self->transport);
}

static unsigned webrtc_tuples(const struct peer *peer, struct tuple out[PEER_TUPLES_MAX]) {
    return peer_transport_tuples(webrtc_of_const(peer)->transport, out);
}

static bool webrtc_holds(const struct peer *peer, const struct tuple *tuple, uint64_t now_us) {
    return peer_transport_holds(webrtc_of_const(peer)->transport, tuple, now_us);
}

// ---- life

static void webrtc_close(struct peer *peer) {
    struct peer_webrtc *self = webrtc_of(peer);
    peer_transport_destroy(self->transport);
    free(self);
}

static const struct peer_functions webrtc_functions = {
    .input = webrtc_input,
    .advance = webrtc_advance,
    .send_rtp = webrtc_send_rtp,
    .send_again = webrtc_send_again,
    .send_rtcp = webrtc_send_rtcp,
    .forget_ssrc = webrtc_forget_ssrc,
    .prefetch = webrtc_prefetch,
    .carry_data = webrtc_carry_data,
    .send_data = webrtc_send_data,
    .connect = webrtc_connect,
    .restart_ice = webrtc_restart_ice,
    .offer_ice = webrtc_offer_ice,
    .follow = webrtc_follow,
    .lose = webrtc_lose,
    .state = webrtc_state,
    .describe = webrtc_describe,
    .tuples = webrtc_tuples,
    .holds = webrtc_holds,
    .close = webrtc_close,
};

struct peer *peer_webrtc_create(const struct peer_env *env, const struct ice_credentials *credentials) {
    struct peer_webrtc *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    *self = (struct peer_webrtc){.peer = {.functions = &webrtc_functions, .next_us = TIME_NEVER}, .env = env};
    struct peer_output output = {.ctx = self, .send = webrtc_reply, .data = webrtc_hands_out};
    self->transport = peer_transport_create(&env->shared, credentials, &output);
    if (!self->transport) {
        free(self);
        return NULL;
    }
    return &self->peer;
}
