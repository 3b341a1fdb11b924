// As the client of DTLS media leaves as soon as only the peer's Finished is missing, for the right peer
// alone, and nothing is believed before that has come.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer_world.h"

// Both know whom they have before them; `peer_expects`: the certificate that ours was told of.
static void introduce(struct world *w, const struct dtls_context *peer_expects) {
    struct fingerprint of_remote = fingerprint_parse(dtls_context_fingerprint(peer_expects));
    struct fingerprint of_ours = fingerprint_parse(dtls_context_fingerprint(w->shared.dtls));
    assert_int_equal(peer_transport_connect(w->peer, DTLS_ROLE_SERVER, &of_remote, virtual_now_us), ERR_OK);
    assert_int_equal(dtls_connect(w->remote, DTLS_ROLE_CLIENT, &of_ours), ERR_OK);
    check(w, &w->home, &ours);
}

static void to_remote(struct world *w) {
    for (struct link_item *item; (item = link_take(&w->to_remote)); free(item))
        dtls_input(w->remote, span_of(item->bytes, item->len), virtual_now_us);
}

static void to_peer(struct world *w) {
    for (struct link_item *item; (item = link_take(&w->to_peer)); free(item))
        give(w, &w->home, item->bytes, item->len);
}

static void pass(uint64_t ms) {
    virtual_now_us += ms * US_PER_MS;
}

static struct srtp_session *secured(const struct dtls *dtls) {
    struct srtp_keys keys;
    assert_int_equal(dtls_export_keys(dtls, &keys), ERR_OK);
    struct srtp_session *srtp = srtp_session_create(&keys);
    assert_non_null(srtp);
    return srtp;
}

static size_t packet_of(uint8_t out[256], uint32_t ssrc) {
    memset(out, 0x5a, 256);
    memcpy(out, (const uint8_t[12]){0x80, 96, 0, 1}, 12);
    store_be32(out + 8, ssrc);
    return 60;
}

// One way each: ClientHello, what the server answers, what the client ends with.
static void until_ours_has_finished(struct world *w) {
    pass(2);
    to_remote(w);
    assert_int_equal(w->connected, 0);
    pass(2);
    to_peer(w);
}

static void media_leaves_a_round_trip_earlier(void **state) {
    struct world *w = *state;
    uint8_t packet[256], early[256];
    introduce(w, w->remote_context);
    size_t len = packet_of(early, 7);
    assert_int_equal(peer_transport_protect_rtp(w->peer, early, &len, 1), ERR_WRONG_STATE);
    until_ours_has_finished(w);
    assert_int_equal(w->connected, 1);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTING);
    assert_non_null(peer_transport_selected(w->peer));
    assert_int_equal(peer_transport_protect_rtp(w->peer, early, &len, 1), ERR_OK);

    pass(2);
    to_remote(w); // its Finished is on its way now
    assert_int_equal(dtls_get_state(w->remote), DTLS_CONNECTED);
    struct srtp_session *srtp = secured(w->remote);
    assert_int_equal(srtp_session_unprotect_rtp(srtp, early, &len), ERR_OK);
    size_t heard = packet_of(packet, 9);
    assert_int_equal(srtp_session_protect_rtp(srtp, packet, &heard, 1), ERR_OK);
    give(w, &w->home, packet, heard); // overtakes it
    assert_int_equal(w->last.drop, PEER_DROP_NO_KEYS);

    pass(2);
    to_peer(w);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    assert_int_equal(w->connected, 1);
    give(w, &w->home, packet, heard);
    assert_int_equal(w->last.kind, PEER_RTP);
    len = packet_of(early, 7);
    assert_int_equal(peer_transport_protect_rtp(w->peer, early, &len, 1), ERR_EXISTS); // the same keys
    srtp_session_destroy(srtp);
}

static void a_wrong_certificate_gets_nothing(void **state) {
    struct world *w = *state;
    struct dtls_context *other = dtls_context_create();
    uint8_t packet[256];
    size_t len = packet_of(packet, 7);
    assert_non_null(other);
    introduce(w, other);
    until_ours_has_finished(w);
    assert_int_equal(w->connected, 0);
    assert_int_equal(peer_transport_protect_rtp(w->peer, packet, &len, 1), ERR_WRONG_STATE);
    for (unsigned i = 0; i < 10; i++) {
        pass(2);
        to_remote(w);
        to_peer(w);
    }
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_FAILED);
    assert_int_equal(w->connected, 0);
    dtls_context_destroy(other);
}

// What says that it is the peer's Finished is not.
static void nothing_is_believed_before(void **state) {
    struct world *w = *state;
    uint8_t forged[13 + 40] = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40};
    introduce(w, w->remote_context);
    until_ours_has_finished(w);
    give(w, &w->home, forged, sizeof forged);
    give(w, &w->home, (const uint8_t[14]){20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1},
         14); // ChangeCipherSpec
    give(w, &w->home, forged, sizeof forged);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTING);
    pass(2);
    to_remote(w);
    pass(2);
    to_peer(w);
    for (unsigned i = 0; i < 3000 && peer_transport_dtls_state(w->peer) == DTLS_CONNECTING; i++) {
        pass(1);
        to_remote(w);
        to_peer(w);
        if (peer_transport_next_us(w->peer) <= virtual_now_us)
            peer_transport_advance(w->peer, virtual_now_us, &w->last);
    }
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
}

// It is for nobody who carries data: that can be sent only when the handshake is over.
static void data_waits(void **state) {
    struct world *w = *state;
    peer_transport_carry_data(w->peer);
    introduce(w, w->remote_context);
    until_ours_has_finished(w);
    assert_int_equal(w->connected, 0);
    pass(2);
    to_remote(w);
    pass(2);
    to_peer(w);
    assert_int_equal(w->connected, 1);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(media_leaves_a_round_trip_earlier),
        IN_WORLD(a_wrong_certificate_gets_nothing),
        IN_WORLD(nothing_is_believed_before),
        IN_WORLD(data_waits),
    };
    return cmocka_run_group_tests(tests, world_group_setup, NULL);
}
