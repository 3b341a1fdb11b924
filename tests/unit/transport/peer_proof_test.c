// Whether the peer receives where it seems to be (transport/ice_proof.h): by the handshake, by its answers,
// or not at all.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer_world.h"
#include "transport/ice_proof.h"

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

static void send_reports(struct world *w, unsigned count) {
    static const uint8_t sr[28] = {0x80, 200, 0, 6, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8};
    for (unsigned i = 0; i < count; i++)
        peer_transport_send_rtcp(w->peer, span_of(sr, sizeof sr), virtual_now_us);
}

// A client of ours checks from two addresses, and nominates another one while its last flight is on its way.
// Where our Finished goes then says nothing; all that it had to have to end the handshake went to the first
// address.
static void a_nomination_in_the_handshake_takes_no_proof_away(void **state) {
    struct world *w = *state;
    struct tuple moved = moved_to(8);
    greet_as_client(w);
    for (unsigned hellos = w->to_peer.sent; w->to_peer.sent == hellos;)
        run(w, 1); // until it has answered our flight
    check(w, &moved, &ours);
    run(w, 300);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    remote_secure(w);
    expect_media_at(w, &w->home);
    assert_true(w->question.asked > 0 && tuple_equal(&w->question.to, &moved));
    answer_in_report(w, &moved, 0);
    expect_media_at(w, &moved);
}

// The flight that it had to have was repeated to another address: either may have been read, so neither is
// proven.
static void a_flight_to_two_addresses_proves_none(void **state) {
    struct world *w = *state;
    struct tuple moved = moved_to(8);
    greet_as_client(w);
    for (unsigned sent = w->to_remote.sent; w->to_remote.sent == sent;)
        run(w, 1);
    link_clear(&w->to_remote); // our flight is lost
    check(w, &moved, &ours);
    run(w, 3000);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    struct tuple tuples[ICE_TUPLES_MAX];
    assert_int_equal(peer_transport_tuples(w->peer, tuples), 2);
    assert_true(w->bytes_to[7] > 0 && w->bytes_to[8] > 0);
    remote_secure(w);
    send_reports(w, 1000);
    assert_in_range(w->bytes_to[7] + w->bytes_to[8], 1000,
                    2 * ICE_UNPROVEN_BYTES); // of 48000; what came counts too
}

// As the client: our hello went to the first address that checked, our key of the exchange to the nominated
// one. Before the server's Finished it has shown only that it had our hello.
static void a_nomination_behind_our_hello_is_proven_by_finished(void **state) {
    struct world *w = *state;
    struct tuple moved = moved_to(8);
    connect_remote(w, DTLS_ROLE_CLIENT);
    connect_peer(w, DTLS_ROLE_SERVER);
    check(w, &w->home, &ours);
    assert_int_equal(w->to_remote.sent, 1);
    check(w, &moved, &ours);
    w->home = moved; // it answers from there
    for (unsigned i = 0; i < 300 && !w->connected; i++)
        run(w, 1);
    assert_int_equal(w->connected, 1);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTING); // it may send, and has no Finished
    send_reports(w, 1000);
    assert_true(w->bytes_to[7] + w->bytes_to[8] < 2 * ICE_UNPROVEN_BYTES);
    run(w, 300);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    expect_media_at(w, &moved);
    send_reports(w, 1000);
    assert_true(w->bytes_to[8] > 40000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(the_handshake_proves_where_it_was),
        IN_WORLD(an_address_change_takes_over),
        IN_WORLD(a_report_alone_is_proof),
        IN_WORLD(forged_answers_are_none),
        IN_WORLD(a_stranger_gets_next_to_nothing),
        IN_WORLD(trust_without_proof_ends),
        IN_WORLD(a_nomination_in_the_handshake_takes_no_proof_away),
        IN_WORLD(a_flight_to_two_addresses_proves_none),
        IN_WORLD(a_nomination_behind_our_hello_is_proven_by_finished),
    };
    return cmocka_run_group_tests(tests, world_group_setup, NULL);
}
