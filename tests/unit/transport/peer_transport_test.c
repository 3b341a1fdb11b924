// peer_transport: a peer made of hand-written STUN, a DTLS association and an SRTP session talks to ours over
// a virtual network.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "dtls_harness.h"
#include "stun_build.h"
#include "transport/ice_proof.h"
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

static struct tuple tuple_at(uint8_t host, uint16_t port) {
    struct tuple t = {
        {{198, 51, 100, host}, port, 4, 0, 0}, {{192, 0, 2, 1}, 40000, 4, 0, 0}, TUPLE_UDP, {0}};
    return t;
}

static void peer_sends(void *ctx, const struct tuple *to, struct span datagram) {
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

static int world_open(void **state) {
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

static int world_close(void **state) {
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

static void give(struct world *w, const struct tuple *from, const void *bytes, size_t len) {
    uint8_t buffer[1700];
    memcpy(buffer, bytes, len);
    peer_transport_input(w->peer, from, buffer, len, virtual_now_us, &w->last);
    w->connected += w->last.connected;
    w->states += w->last.state_changed;
}

static void check(struct world *w, const struct tuple *from, const struct ice_credentials *c) {
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

static void connect_peer(struct world *w, enum dtls_role remote_role) {
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->remote_context));
    assert_int_equal(peer_transport_connect(w->peer, remote_role, &f, virtual_now_us), ERR_OK);
    assert_int_equal(peer_transport_connect(w->peer, remote_role, &f, virtual_now_us), ERR_WRONG_STATE);
}

static void connect_remote(struct world *w, enum dtls_role peer_role) {
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->shared.dtls));
    assert_int_equal(dtls_connect(w->remote, peer_role, &f), ERR_OK);
}

static void run(struct world *w, unsigned ms) {
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

static void remote_secure(struct world *w) {
    struct srtp_keys keys;
    assert_int_equal(dtls_export_keys(w->remote, &keys), ERR_OK);
    w->remote_srtp = srtp_session_create(&keys);
    assert_non_null(w->remote_srtp);
}

static size_t remote_rtp(struct world *w, uint8_t out[256], uint16_t seq) {
    static const uint8_t header[12] = {0x80, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9};
    memset(out, 0x5a, 256);
    memcpy(out, header, sizeof header);
    store_be16(out + 2, seq);
    size_t len = 60;
    assert_int_equal(srtp_session_protect_rtp(w->remote_srtp, out, &len, load_be16(out + 2)), ERR_OK);
    return len;
}

static void expect_drop(const struct world *w, enum peer_drop expected) {
    if (w->last.kind != PEER_DROPPED || w->last.drop != expected)
        fail_msg("expected drop %d, got kind %d, drop %d", expected, w->last.kind, w->last.drop);
}

static void expect_media_both_ways(struct world *w, const struct tuple *from, uint16_t seq) {
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

static void a_client_is_answered_behind_its_first_check(void **state) {
    struct world *w = *state;
    connect_remote(w, DTLS_ROLE_SERVER);
    check(w, &w->home, &ours);
    assert_true(w->last.tuple_added && w->last.state_changed);
    assert_int_equal(w->stun_replies, 1);
    dtls_start(w->remote, virtual_now_us);
    unsigned before = w->to_remote.sent;
    run(w, 2); // one way; the fingerprint is not known yet
    assert_true(w->to_remote.sent > before);
    assert_true(tuple_equal(&w->sent_to, &w->home));
    run(w, 300);
    assert_int_equal(dtls_get_state(w->remote), DTLS_CONNECTED);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTING);
    remote_secure(w);
    uint8_t packet[256];
    size_t len = remote_rtp(w, packet, 1);
    give(w, &w->home, packet, len);
    expect_drop(w, PEER_DROP_NO_KEYS); // not before the certificate is known to be the peer's
    assert_int_equal(peer_transport_protect_rtp(w->peer, packet, &len, load_be16(packet + 2)),
                     ERR_WRONG_STATE);
    assert_int_equal(w->connected, 0);
    connect_peer(w, DTLS_ROLE_CLIENT);
    peer_transport_advance(w->peer, virtual_now_us, &w->last);
    assert_true(w->last.connected && w->last.state_changed);
    expect_media_both_ways(w, &w->home, 2);
}

static void as_client_it_starts_when_both_are_there(void **state) {
    struct world *w = *state;
    connect_remote(w, DTLS_ROLE_CLIENT);
    connect_peer(w, DTLS_ROLE_AUTO);
    assert_int_equal(w->to_remote.sent, 0);
    check(w, &w->home, &ours);
    assert_int_equal(w->to_remote.sent, 1);
    assert_false(w->hello_before_reply);
    run(w, 300);
    assert_int_equal(w->connected, 1);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    remote_secure(w);
    expect_media_both_ways(w, &w->home, 1);
}

static void as_client_it_starts_at_a_late_connect(void **state) {
    struct world *w = *state;
    connect_remote(w, DTLS_ROLE_CLIENT);
    check(w, &w->home, &ours);
    assert_int_equal(w->to_remote.sent, 0);
    connect_peer(w, DTLS_ROLE_SERVER);
    assert_int_equal(w->to_remote.sent, 1);
    run(w, 300);
    assert_int_equal(w->connected, 1);
}

static void secure_world(struct world *w) {
    connect_remote(w, DTLS_ROLE_SERVER);
    connect_peer(w, DTLS_ROLE_CLIENT);
    check(w, &w->home, &ours);
    dtls_start(w->remote, virtual_now_us);
    run(w, 300);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    remote_secure(w);
}

static void strangers_are_not_heard(void **state) {
    struct world *w = *state;
    struct tuple stranger = tuple_at(9, 6000), other_port = tuple_at(7, 5001);
    uint8_t packet[256];
    connect_remote(w, DTLS_ROLE_SERVER);
    dtls_start(w->remote, virtual_now_us);
    assert_int_equal(w->to_peer.count, 1);
    give(w, &w->home, w->to_peer.items[0]->bytes, w->to_peer.items[0]->len);
    expect_drop(w, PEER_DROP_UNVALIDATED);
    struct ice_credentials wrong = ours;
    wrong.pwd[0] ^= 1;
    check(w, &w->home, &wrong);
    expect_drop(w, PEER_DROP_STUN_AUTH);
    assert_int_equal(w->stun_replies, 0);
    assert_null(peer_transport_selected(w->peer));
    connect_peer(w, DTLS_ROLE_CLIENT);
    check(w, &w->home, &ours);
    run(w, 400);
    remote_secure(w);
    size_t len = remote_rtp(w, packet, 1);
    give(w, &stranger, packet, len);
    expect_drop(w, PEER_DROP_UNVALIDATED);
    give(w, &other_port, packet, len);
    expect_drop(w, PEER_DROP_UNVALIDATED);
    give(w, &w->home, "\x7f garbage", 9);
    expect_drop(w, PEER_DROP_UNKNOWN_KIND);
    give(w, &w->home, "", 0);
    expect_drop(w, PEER_DROP_UNKNOWN_KIND);
    give(w, &w->home, "\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff", 13);
    expect_drop(w, PEER_DROP_DTLS_INVALID);
    packet[20] ^= 1;
    give(w, &w->home, packet, len);
    expect_drop(w, PEER_DROP_SRTP_AUTH);
    give(w, &w->home, packet, 20);
    expect_drop(w, PEER_DROP_SRTP_MALFORMED);
    expect_media_both_ways(w, &w->home, 2);
}

static void bad_links(void **state) {
    (void)state;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        struct world *w;
        assert_int_equal(world_open((void **)&w), 0);
        w->to_peer.seed = seed * 31;
        w->to_remote.seed = seed * 97;
        w->to_peer.loss_percent = w->to_remote.loss_percent = 25;
        w->to_peer.duplicate_percent = w->to_remote.duplicate_percent = 20;
        w->to_peer.jitter_us = w->to_remote.jitter_us = 60000;
        bool server = seed % 2;
        connect_remote(w, server ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT);
        connect_peer(w, server ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER);
        check(w, &w->home, &ours);
        dtls_start(w->remote, virtual_now_us);
        run(w, 25000);
        if (w->connected != 1)
            fail_msg("seed %u: expected one connection, got %u (%s)", seed, w->connected,
                     peer_transport_failure(w->peer));
        remote_secure(w);
        expect_media_both_ways(w, &w->home, 1);
        world_close((void **)&w);
    }
}

static void the_last_flight_is_repeated_until_media_comes(void **state) {
    struct world *w = *state;
    connect_remote(w, DTLS_ROLE_SERVER);
    connect_peer(w, DTLS_ROLE_CLIENT);
    check(w, &w->home, &ours);
    dtls_start(w->remote, virtual_now_us);
    for (int i = 0; i < 50 && !w->connected; i++)
        run(w, 1);
    assert_int_equal(w->connected, 1);
    link_clear(&w->to_remote); // our Finished is lost
    assert_int_equal(dtls_get_state(w->remote), DTLS_CONNECTING);
    uint8_t forged[100] = {0x80, 96};
    give(w, &w->home, forged, sizeof forged); // proves nothing
    expect_drop(w, PEER_DROP_SRTP_AUTH);
    run(w, 600);
    assert_int_equal(dtls_get_state(w->remote), DTLS_CONNECTED);
    remote_secure(w);
    size_t before = openssl_live_bytes;
    expect_media_both_ways(w, &w->home, 1);
    print_message("released %zu bytes of OpenSSL\n", before - openssl_live_bytes);
    assert_true(before - openssl_live_bytes > 30000);
    dtls_close(w->remote); // says goodbye to one who no longer listens
    run(w, 10);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
}

// ---- whether the peer receives where it seems to be
static struct tuple moved_to(uint8_t host) {
    return tuple_at(host, 7000);
}

// The error with which a browser answers a request that names nobody.
static void answer_by_stun(struct world *w, const struct tuple *from) {
    struct stun_build b;
    stun_begin(&b, STUN_ERROR_TYPE);
    memcpy(b.bytes + 8, w->question.id, 12);
    stun_attr(&b, ATTR_ERROR_CODE, "\0\0\4\0Bad Request", 15);
    give(w, from, b.bytes, b.len);
}

// The DLRR that repeats the last RRTR, `wrong` added to its time.
static void answer_in_report(struct world *w, const struct tuple *from, uint32_t wrong) {
    uint8_t packet[256];
    size_t len = w->question.srtcp_len;
    memcpy(packet, w->question.srtcp, len);
    assert_int_equal(srtp_session_unprotect_rtcp(w->remote_srtp, packet, &len), ERR_OK);
    assert_int_equal(len, 20);
    uint8_t dlrr[256] = {0x80, 207, 0, 5, 0, 0, 0, 9, 5, 0, 0, 3};
    memcpy(dlrr + 12, packet + 4, 4);
    store_be32(dlrr + 16, load_be32(packet + 14) + wrong);
    len = 24;
    assert_int_equal(srtp_session_protect_rtcp(w->remote_srtp, dlrr, &len), ERR_OK);
    give(w, from, dlrr, len);
    assert_int_equal(w->last.kind, PEER_RTCP);
}

static void expect_media_at(struct world *w, const struct tuple *expected) {
    const struct tuple *to = peer_transport_selected(w->peer);
    assert_true(expected ? to && tuple_equal(to, expected) : !to);
}

static void expect_also_at(struct world *w, const struct tuple *expected) {
    const struct tuple *to = peer_transport_also(w->peer, 1200, virtual_now_us);
    assert_true(expected ? to && tuple_equal(to, expected) : !to);
}

static void the_handshake_proves_where_it_was(void **state) {
    struct world *w = *state;
    secure_world(w);
    expect_media_at(w, &w->home);
    expect_also_at(w, NULL);
    run(w, 3000);
    assert_int_equal(w->question.asked, 0); // nothing to ask
}

static void an_address_change_takes_over(void **state) {
    struct world *w = *state;
    secure_world(w);
    struct tuple moved = moved_to(8);
    expect_media_both_ways(w, &w->home, 1);
    check(w, &moved, &ours);
    assert_true(w->last.tuple_added);
    expect_media_at(w, &w->home);
    expect_also_at(w, NULL);
    assert_int_equal(w->question.asked, 1); // at once
    assert_true(tuple_equal(&w->question.to, &moved));
    expect_media_both_ways(w, &moved, 2); // what comes from there is heard
    answer_by_stun(w, &moved);
    expect_media_at(w, &w->home); // both, until it is known who answered
    expect_also_at(w, &moved);
    answer_in_report(w, &moved, 0);
    expect_media_at(w, &moved);
    expect_also_at(w, NULL);
    expect_media_both_ways(w, &w->home, 3); // what was under way
    struct tuple tuples[ICE_TUPLES_MAX];
    assert_int_equal(peer_transport_tuples(w->peer, tuples), 2);
}

static void a_report_alone_is_proof(void **state) {
    struct world *w = *state;
    secure_world(w);
    struct tuple moved = moved_to(8);
    check(w, &moved, &ours);
    answer_in_report(w, &w->home, 0); // whence it comes does not matter
    expect_media_at(w, &moved);
}

static void forged_answers_are_none(void **state) {
    struct world *w = *state;
    secure_world(w);
    struct tuple moved = moved_to(8), other = moved_to(9);
    check(w, &moved, &ours);
    answer_by_stun(w, &w->home); // from where it was not asked
    answer_by_stun(w, &other);
    w->question.id[3] ^= 1;
    answer_by_stun(w, &moved);
    expect_also_at(w, NULL);
    w->question.id[3] ^= 1;
    struct question kept = w->question;
    for (uint32_t wrong = 1; wrong <= 3; wrong++) { // who guesses is not believed any more
        virtual_now_us += 7 * US_PER_SECOND;
        check(w, &w->home, &ours);
        check(w, &moved, &ours); // asked again, with the same secret
        answer_in_report(w, &moved, wrong);
        expect_media_at(w, &w->home);
    }
    virtual_now_us += 2 * US_PER_SECOND;
    check(w, &moved, &ours);
    assert_memory_equal(kept.id, w->question.id, 12);
    answer_in_report(w, &moved, 0);
    expect_media_at(w, &w->home);
}

// A check with the address of somebody who never answers: ten thousand bytes at the very most, here far less.
static void a_stranger_gets_next_to_nothing(void **state) {
    struct world *w = *state;
    secure_world(w);
    struct tuple stranger = moved_to(99);
    for (unsigned i = 0; i < 400; i++) {
        static const uint8_t sr[28] = {0x80, 200, 0, 6, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8};
        check(w, &w->home, &ours);
        check(w, &stranger, &ours); // forged again and again, always the last word
        for (unsigned k = 0; k < 3; k++) {
            expect_media_at(w, &w->home);
            expect_also_at(w, NULL);
            peer_transport_send_rtcp(w->peer, span_of(sr, sizeof sr), virtual_now_us);
        }
        run(w, 100);
    }
    print_message("%llu bytes in 40 s\n", (unsigned long long)w->bytes_to[99]);
    assert_in_range(w->bytes_to[99], 100, ICE_UNPROVEN_BYTES + 40 * ICE_UNPROVEN_BYTES_S);
}

// Somebody answers who is no peer of ours, as any ICE agent would: he gets a bounded share once, then
// nothing.
static void trust_without_proof_ends(void **state) {
    struct world *w = *state;
    secure_world(w);
    struct tuple stranger = moved_to(99);
    unsigned packets = 0;
    for (unsigned i = 0; i < 600; i++) {
        check(w, &w->home, &ours);
        check(w, &stranger, &ours);
        answer_by_stun(w, &stranger);
        for (unsigned k = 0; k < 20; k++)
            packets += peer_transport_also(w->peer, 1200, virtual_now_us) != NULL;
        expect_media_at(w, &w->home);
        run(w, 100);
    }
    print_message("%u packets in 60 s\n", packets);
    assert_in_range(packets, 800, 2 * ICE_GRANT_BYTES / 1200);
}
static void restart_and_lost_consent_keep_the_keys(void **state) {
    struct world *w = *state;
    secure_world(w);
    expect_media_both_ways(w, &w->home, 1);
    peer_transport_restart_ice(w->peer, &renewed, virtual_now_us);
    expect_media_both_ways(w, &w->home, 2);
    check(w, &w->home, &renewed);
    assert_int_equal(w->last.kind, PEER_CONSUMED);
    virtual_now_us += ICE_CONSENT_US;
    peer_transport_advance(w->peer, virtual_now_us, &w->last);
    assert_true(w->last.state_changed);
    assert_int_equal(peer_transport_ice_state(w->peer), ICE_DISCONNECTED);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    assert_null(peer_transport_selected(w->peer));
    struct tuple moved = tuple_at(8, 7000);
    check(w, &moved, &renewed);
    assert_true(w->last.state_changed && !w->last.connected);
    expect_media_both_ways(w, &moved, 3);
}

static void goodbyes(void **state) {
    struct world *w = *state;
    secure_world(w);
    dtls_close(w->remote);
    run(w, 10);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CLOSED);
    uint8_t packet[256];
    size_t len = remote_rtp(w, packet, 1);
    give(w, &w->home, packet, len);
    expect_drop(w, PEER_DROP_NO_KEYS);
    assert_true(peer_transport_next_us(w->peer) >= virtual_now_us + 20 * US_PER_SECOND); // consent alone
}

static void destruction_says_goodbye(void **state) {
    struct world *w = *state;
    secure_world(w);
    unsigned before = w->to_remote.sent;
    peer_transport_destroy(w->peer);
    w->peer = NULL;
    assert_int_equal(w->to_remote.sent, before + 1);
    virtual_now_us += 2 * US_PER_MS;
    struct link_item *item = link_take(&w->to_remote);
    dtls_input(w->remote, span_of(item->bytes, item->len), virtual_now_us);
    free(item);
    assert_int_equal(dtls_get_state(w->remote), DTLS_CLOSED);
}

static void a_wrong_certificate_never_gets_keys(void **state) {
    struct world *w = *state;
    connect_remote(w, DTLS_ROLE_SERVER);
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->shared.dtls)); // not the remote's
    assert_int_equal(peer_transport_connect(w->peer, DTLS_ROLE_CLIENT, &f, virtual_now_us), ERR_OK);
    check(w, &w->home, &ours);
    dtls_start(w->remote, virtual_now_us);
    run(w, 300);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_FAILED);
    assert_int_equal(w->connected, 0);
    assert_true(strlen(peer_transport_failure(w->peer)) > 0);
    size_t len = 12;
    uint8_t packet[64] = {0x80};
    assert_int_equal(peer_transport_protect_rtp(w->peer, packet, &len, load_be16(packet + 2)),
                     ERR_WRONG_STATE);
    peer_transport_forget_ssrc(w->peer, 1);
    peer_transport_forget_sent_ssrc(w->peer, 1);
}

static int group_setup(void **state) {
    (void)state;
    openssl_count();
    return 0;
}

#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_client_is_answered_behind_its_first_check),
        IN_WORLD(as_client_it_starts_when_both_are_there),
        IN_WORLD(as_client_it_starts_at_a_late_connect),
        IN_WORLD(strangers_are_not_heard),
        cmocka_unit_test(bad_links),
        IN_WORLD(the_last_flight_is_repeated_until_media_comes),
        IN_WORLD(the_handshake_proves_where_it_was),
        IN_WORLD(an_address_change_takes_over),
        IN_WORLD(a_report_alone_is_proof),
        IN_WORLD(forged_answers_are_none),
        IN_WORLD(a_stranger_gets_next_to_nothing),
        IN_WORLD(trust_without_proof_ends),
        IN_WORLD(restart_and_lost_consent_keep_the_keys),
        IN_WORLD(goodbyes),
        IN_WORLD(destruction_says_goodbye),
        IN_WORLD(a_wrong_certificate_never_gets_keys),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
