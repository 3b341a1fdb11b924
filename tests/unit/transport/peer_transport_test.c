// peer_transport: a peer made of hand-written STUN, a DTLS association and an SRTP session talks to ours over
// a virtual network.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer_world.h"

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
    greet_as_client(w);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_client_is_answered_behind_its_first_check),
        IN_WORLD(as_client_it_starts_when_both_are_there),
        IN_WORLD(as_client_it_starts_at_a_late_connect),
        IN_WORLD(strangers_are_not_heard),
        cmocka_unit_test(bad_links),
        IN_WORLD(the_last_flight_is_repeated_until_media_comes),
        IN_WORLD(restart_and_lost_consent_keep_the_keys),
        IN_WORLD(goodbyes),
        IN_WORLD(destruction_says_goodbye),
        IN_WORLD(a_wrong_certificate_never_gets_keys),
    };
    return cmocka_run_group_tests(tests, world_group_setup, NULL);
}
