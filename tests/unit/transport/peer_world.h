// A peer made of hand-written STUN, a DTLS association and an SRTP session, which talks to a peer_transport
// over a virtual network; for tests that ask how ours behaves to it.
#ifndef TESTS_TRANSPORT_PEER_WORLD_H
#define TESTS_TRANSPORT_PEER_WORLD_H

#include "dtls_harness.h"
#include "stun_build.h"
#include "transport/peer_transport.h"

static const struct ice_credentials ours = {"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
static const struct ice_credentials renewed = {"00cccccccccccccc", "dddddddddddddddddddddddddddddddd"};

struct world {
    struct peer_shared shared;
    struct dtls_context *remote_context;
    struct peer_transport *peer;
    struct dtls *remote;
    struct srtp_session *remote_srtp;
    struct tuple home, sent_to; // where the remote end is; where the last datagram went
    struct link to_peer, to_remote;
    unsigned stun_replies, connected, states;
    struct question {
        unsigned asked, rrtrs;
        struct tuple to; // the last one
        uint8_t id[12];
        uint8_t srtcp[64]; // the RRTR as it came
        size_t srtcp_len;
    } question;
    uint64_t bytes_to[256]; // by the last number of the host
    bool hello_before_reply;
    struct peer_input last;
};

static inline struct tuple tuple_at(uint8_t host, uint16_t port) {
    struct tuple t = {
        {{198, 51, 100, host}, port, 4, 0, 0}, {{192, 0, 2, 1}, 40000, 4, 0, 0}, TUPLE_UDP, {0}};
    return t;
}

static inline void peer_sends(void *ctx, const struct tuple *to, struct span datagram) {
    struct world *w = ctx;
    w->sent_to = *to;
    w->bytes_to[to->remote.ip[3]] += datagram.len;
    if (datagram_kind(datagram) == DATAGRAM_STUN && load_be16(datagram.ptr) == STUN_REQUEST_TYPE) {
        assert_int_equal(datagram.len, 28);
        assert_true(stun_fingerprint_holds(datagram));
        w->question.asked++;
        w->question.to = *to;
        memcpy(w->question.id, datagram.ptr + 8, 12);
        return;
    }
    if (datagram_kind(datagram) == DATAGRAM_RTCP) {
        if (datagram.len <= sizeof w->question.srtcp) {
            memcpy(w->question.srtcp, datagram.ptr, datagram.len);
            w->question.srtcp_len = datagram.len;
            w->question.rrtrs++;
        }
        return;
    }
    if (datagram_kind(datagram) == DATAGRAM_STUN) {
        assert_true(stun_integrity_holds(datagram, span_of_text(ours.pwd)) ||
                    stun_integrity_holds(datagram, span_of_text(renewed.pwd)));
        w->stun_replies++;
        w->bytes_to[to->remote.ip[3]] -= datagram.len; // answers are as long as checks, and counted apart
        return;
    }
    if (!w->stun_replies)
        w->hello_before_reply = true;
    link_send(&w->to_remote, datagram);
}

static inline int world_open(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    if (!w || srtp_library_start() != ERR_OK)
        return -1;
    w->shared.stun = ice_stun_create();
    w->shared.dtls = dtls_context_create();
    w->remote_context = dtls_context_create();
    w->to_peer.seed = w->to_remote.seed = 5;
    w->home = tuple_at(7, 5000);
    w->peer = peer_transport_create(&w->shared, &ours, &(struct peer_output){.ctx = w, .send = peer_sends});
    w->remote = dtls_create(w->remote_context, &(struct dtls_output){.ctx = &w->to_peer, .send = link_send});
    return w->peer && w->remote ? 0 : -1;
}

static inline int world_close(void **state) {
    struct world *w = *state;
    peer_transport_destroy(w->peer);
    peer_transport_destroy(NULL);
    dtls_destroy(w->remote);
    srtp_session_destroy(w->remote_srtp);
    dtls_context_destroy(w->shared.dtls);
    dtls_context_destroy(w->remote_context);
    ice_stun_destroy(w->shared.stun);
    link_clear(&w->to_peer);
    link_clear(&w->to_remote);
    srtp_library_stop();
    free(w);
    return 0;
}

static inline void give(struct world *w, const struct tuple *from, const void *bytes, size_t len) {
    uint8_t buffer[1700];
    memcpy(buffer, bytes, len);
    peer_transport_input(w->peer, from, buffer, len, virtual_now_us, &w->last);
    w->connected += w->last.connected;
    w->states += w->last.state_changed;
}

static inline void check(struct world *w, const struct tuple *from, const struct ice_credentials *c) {
    struct stun_build b;
    char username[64];
    snprintf(username, sizeof username, "%s:remo", c->ufrag);
    stun_begin(&b, STUN_REQUEST_TYPE);
    stun_attr(&b, ATTR_USERNAME, username, strlen(username));
    stun_attr_u32(&b, ATTR_PRIORITY, 1853824767);
    stun_attr_u64(&b, ATTR_ICE_CONTROLLING, 77);
    stun_attr(&b, ATTR_USE_CANDIDATE, NULL, 0);
    stun_integrity(&b, span_of_text(c->pwd));
    stun_fingerprint(&b);
    give(w, from, b.bytes, b.len);
}

static inline void connect_peer(struct world *w, enum dtls_role remote_role) {
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->remote_context));
    assert_int_equal(peer_transport_connect(w->peer, remote_role, &f, virtual_now_us), ERR_OK);
    assert_int_equal(peer_transport_connect(w->peer, remote_role, &f, virtual_now_us), ERR_WRONG_STATE);
}

static inline void connect_remote(struct world *w, enum dtls_role peer_role) {
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->shared.dtls));
    assert_int_equal(dtls_connect(w->remote, peer_role, &f), ERR_OK);
}

static inline void run(struct world *w, unsigned ms) {
    for (unsigned i = 0; i < ms; i++) {
        struct link_item *item;
        virtual_now_us += US_PER_MS;
        while ((item = link_take(&w->to_peer))) {
            give(w, &w->home, item->bytes, item->len);
            free(item);
        }
        while ((item = link_take(&w->to_remote))) {
            dtls_input(w->remote, span_of(item->bytes, item->len), virtual_now_us);
            free(item);
        }
        if (dtls_next_us(w->remote) <= virtual_now_us)
            dtls_advance(w->remote, virtual_now_us);
        if (peer_transport_next_us(w->peer) <= virtual_now_us) {
            peer_transport_advance(w->peer, virtual_now_us, &w->last);
            w->connected += w->last.connected;
            w->states += w->last.state_changed;
        }
        if (i % 2500 == 2499)
            check(w, &w->home, &ours);
    }
}

static inline void remote_secure(struct world *w) {
    struct srtp_keys keys;
    assert_int_equal(dtls_export_keys(w->remote, &keys), ERR_OK);
    w->remote_srtp = srtp_session_create(&keys);
    assert_non_null(w->remote_srtp);
}

static inline size_t remote_rtp(struct world *w, uint8_t out[256], uint16_t seq) {
    static const uint8_t header[12] = {0x80, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9};
    memset(out, 0x5a, 256);
    memcpy(out, header, sizeof header);
    store_be16(out + 2, seq);
    size_t len = 60;
    assert_int_equal(srtp_session_protect_rtp(w->remote_srtp, out, &len, load_be16(out + 2)), ERR_OK);
    return len;
}

static inline void expect_drop(const struct world *w, enum peer_drop expected) {
    if (w->last.kind != PEER_DROPPED || w->last.drop != expected)
        fail_msg("expected drop %d, got kind %d, drop %d", expected, w->last.kind, w->last.drop);
}

static inline void expect_media_both_ways(struct world *w, const struct tuple *from, uint16_t seq) {
    uint8_t packet[256];
    size_t len = remote_rtp(w, packet, seq);
    give(w, from, packet, len);
    assert_int_equal(w->last.kind, PEER_RTP);
    assert_int_equal(w->last.len, 60);
    give(w, from, packet, len);
    expect_drop(w, PEER_DROP_SRTP_REPLAY);
    static const uint8_t rr[8] = {0x80, 201, 0, 1, 0, 0, 0, 3};
    struct question asked = w->question; // a report is none
    peer_transport_send_rtcp(w->peer, span_of(rr, sizeof rr), virtual_now_us);
    memcpy(packet, w->question.srtcp, len = w->question.srtcp_len);
    w->question = asked;
    assert_int_equal(srtp_session_unprotect_rtcp(w->remote_srtp, packet, &len), ERR_OK);
    assert_int_equal(len, sizeof rr);
    assert_int_equal(srtp_session_protect_rtcp(w->remote_srtp, packet, &len), ERR_OK);
    give(w, from, packet, len);
    assert_int_equal(w->last.kind, PEER_RTCP);
    assert_int_equal(w->last.len, sizeof rr);
}

// The remote end is the client of DTLS; its hello is on its way.
static inline void greet_as_client(struct world *w) {
    connect_remote(w, DTLS_ROLE_SERVER);
    connect_peer(w, DTLS_ROLE_CLIENT);
    check(w, &w->home, &ours);
    dtls_start(w->remote, virtual_now_us);
}

static inline void secure_world(struct world *w) {
    greet_as_client(w);
    run(w, 300);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    remote_secure(w);
}

static inline int world_group_setup(void **state) {
    (void)state;
    openssl_count();
    return 0;
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

#endif
