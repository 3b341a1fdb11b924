// A peer that carries its DTLS handshake in connectivity checks (draft-hancke-webrtc-sped).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dtls_harness.h"
#include "stun_build.h"
#include "transport/dtls_in_stun.h"
#include "transport/peer_transport.h"

#define FLIGHT_MAX 8

static const struct ice_credentials ours = {"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
static const struct tuple home = {
    {{198, 51, 100, 7}, 5000, 4, 0, 0}, {{192, 0, 2, 1}, 40000, 4, 0, 0}, TUPLE_UDP, {0}};
static const struct tuple elsewhere = {
    {{198, 51, 100, 9}, 5000, 4, 0, 0}, {{192, 0, 2, 1}, 40000, 4, 0, 0}, TUPLE_UDP, {0}};

struct datagram {
    size_t len;
    uint8_t bytes[ICE_REPLY_MAX];
};

struct world {
    struct peer_shared shared;
    struct dtls_context *remote_context;
    struct peer_transport *peer;
    struct dtls *remote;
    struct datagram flight[FLIGHT_MAX]; // of the remote
    unsigned flight_count;
    struct datagram reply;   // the last one
    unsigned replies, plain; // answers to checks; DTLS that came as plain datagrams
    size_t longest;
    struct peer_input last;
    bool connected;
};

static void remote_writes(void *ctx, struct span datagram) {
    struct world *w = ctx;
    assert_true(w->flight_count < FLIGHT_MAX && datagram.len <= sizeof w->flight[0].bytes);
    struct datagram *d = &w->flight[w->flight_count++];
    d->len = datagram.len;
    memcpy(d->bytes, datagram.ptr, datagram.len);
}

static void peer_writes(void *ctx, const struct tuple *to, struct span datagram) {
    struct world *w = ctx;
    (void)to;
    if (datagram_kind(datagram) == DATAGRAM_DTLS) {
        w->plain++;
    } else if (datagram_kind(datagram) == DATAGRAM_STUN && load_be16(datagram.ptr) == STUN_SUCCESS_TYPE) {
        assert_true(stun_integrity_holds(datagram, span_of_text(ours.pwd)));
        assert_true(stun_fingerprint_holds(datagram));
        w->replies++;
        w->reply.len = datagram.len;
        memcpy(w->reply.bytes, datagram.ptr, datagram.len);
        w->longest = datagram.len > w->longest ? datagram.len : w->longest;
    }
}

static int world_open(void **state) {
    struct world *w = calloc(1, sizeof *w);
    *state = w;
    if (!w || srtp_library_start() != ERR_OK)
        return -1;
    w->shared.stun = ice_stun_create();
    w->shared.dtls = dtls_context_create();
    w->remote_context = dtls_context_create();
    w->peer = peer_transport_create(&w->shared, &ours, &(struct peer_output){.ctx = w, .send = peer_writes});
    w->remote = dtls_create(w->remote_context, &(struct dtls_output){.ctx = w, .send = remote_writes});
    if (!w->peer || !w->remote)
        return -1;
    struct fingerprint f = fingerprint_parse(dtls_context_fingerprint(w->remote_context));
    struct fingerprint g = fingerprint_parse(dtls_context_fingerprint(w->shared.dtls));
    dtls_set_mtu(w->remote, 400); // so that flights have several datagrams
    return peer_transport_connect(w->peer, DTLS_ROLE_CLIENT, &f, virtual_now_us) == ERR_OK &&
                   dtls_connect(w->remote, DTLS_ROLE_SERVER, &g) == ERR_OK
               ? 0
               : -1;
}

static int world_close(void **state) {
    struct world *w = *state;
    peer_transport_destroy(w->peer);
    dtls_destroy(w->remote);
    dtls_context_destroy(w->shared.dtls);
    dtls_context_destroy(w->remote_context);
    ice_stun_destroy(w->shared.stun);
    srtp_library_stop();
    free(w);
    return 0;
}

static void give(struct world *w, const struct tuple *from, const void *bytes, size_t len) {
    uint8_t buffer[BLOCK_DATAGRAM_MAX + 64];
    memcpy(buffer, bytes, len);
    virtual_now_us += 25 * US_PER_MS;
    peer_transport_input(w->peer, from, buffer, len, virtual_now_us, &w->last);
    w->connected |= w->last.connected;
}

// How the attributes stand in a check: as they should, behind the signature, or with a wrong key.
enum how { SIGNED, BEHIND, FORGED };

static struct stun_build check_with(enum how how, const struct datagram *data, struct span acks) {
    struct stun_build b;
    stun_begin(&b, STUN_REQUEST_TYPE);
    stun_attr(&b, ATTR_USERNAME, "00aaaaaaaaaaaaaa:remo", 21);
    stun_attr_u32(&b, ATTR_PRIORITY, 1853824767);
    stun_attr_u64(&b, ATTR_ICE_CONTROLLING, 77);
    if (how == BEHIND)
        stun_integrity(&b, span_of_text(ours.pwd));
    stun_attr(&b, STUN_ATTRIBUTE_DTLS_ACKS, acks.ptr, acks.len);
    if (data)
        stun_attr(&b, STUN_ATTRIBUTE_DTLS, data->bytes, data->len);
    if (how != BEHIND)
        stun_integrity(&b, how == FORGED ? span_of_text("wrong") : span_of_text(ours.pwd));
    stun_fingerprint(&b);
    return b;
}

static void check(struct world *w, const struct datagram *data, struct span acks) {
    struct stun_build b = check_with(SIGNED, data, acks);
    give(w, &home, b.bytes, b.len);
}

// What the last answer carries goes to the remote; false: nothing.
static bool take_data(struct world *w) {
    struct span data = stun_find(span_of(w->reply.bytes, w->reply.len), STUN_ATTRIBUTE_DTLS, NULL);
    if (data.len == 0)
        return false;
    dtls_input(w->remote, data, virtual_now_us);
    return true;
}

static struct span told(const struct world *w) {
    return stun_find(span_of(w->reply.bytes, w->reply.len), STUN_ATTRIBUTE_DTLS_ACKS, NULL);
}

static void it_needs_no_datagram_but_checks(void **state) {
    struct world *w = *state;
    struct dtls_in_stun remote = {0};
    uint8_t acks[DTLS_IN_STUN_ACKS_BYTES];
    unsigned next = 0;
    dtls_start(w->remote, virtual_now_us);
    for (unsigned n = 0; n < 20 && dtls_get_state(w->remote) != DTLS_CONNECTED; n++) {
        const struct datagram *data = next < w->flight_count ? &w->flight[next++] : NULL;
        check(w, data, span_of(acks, dtls_in_stun_acks(&remote, acks)));
        assert_int_equal(w->replies, n + 1);
        if (data)
            assert_int_equal(load_be32(told(w).ptr + told(w).len - 4),
                             dtls_in_stun_crc(span_of(data->bytes, data->len)));
        struct span ours_now = stun_find(span_of(w->reply.bytes, w->reply.len), STUN_ATTRIBUTE_DTLS, NULL);
        if (ours_now.len > 0)
            dtls_in_stun_heard(&remote, ours_now);
        take_data(w);
    }
    assert_int_equal(dtls_get_state(w->remote), DTLS_CONNECTED);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTED);
    assert_true(w->connected);
    assert_int_equal(w->plain, 0);
    assert_true(w->longest <= 1200);
    check(w, NULL, span_of(acks, dtls_in_stun_acks(&remote, acks)));
    assert_false(take_data(w)); // everything is acknowledged
    assert_non_null(told(w).ptr);
}

static void a_lost_answer_is_carried_again(void **state) {
    struct world *w = *state;
    dtls_start(w->remote, virtual_now_us);
    for (unsigned i = 0, count = w->flight_count; i < count; i++)
        check(w, &w->flight[i], (struct span){0});
    struct span first = stun_find(span_of(w->reply.bytes, w->reply.len), STUN_ATTRIBUTE_DTLS, NULL);
    assert_true(first.len > 0);
    uint32_t crc = dtls_in_stun_crc(first);
    check(w, NULL, (struct span){0}); // not acknowledged: it comes again
    assert_int_equal(
        dtls_in_stun_crc(stun_find(span_of(w->reply.bytes, w->reply.len), STUN_ATTRIBUTE_DTLS, NULL)), crc);
}

static void only_what_is_authentic_counts(void **state) {
    struct world *w = *state;
    dtls_start(w->remote, virtual_now_us);
    struct stun_build forged = check_with(FORGED, &w->flight[0], (struct span){0});
    give(w, &home, forged.bytes, forged.len);
    assert_int_equal(w->replies, 0);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_NEW);
    struct stun_build behind = check_with(BEHIND, &w->flight[0], (struct span){0});
    give(w, &home, behind.bytes, behind.len); // anybody could have written that
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_NEW);
    assert_null(told(w).ptr);
    struct stun_build good = check_with(SIGNED, &w->flight[0], (struct span){0});
    give(w, &home, good.bytes, good.len);
    assert_int_equal(peer_transport_dtls_state(w->peer), DTLS_CONNECTING);
    unsigned replies = w->replies;
    give(w, &elsewhere, good.bytes, good.len); // a copy from another address
    assert_int_equal(w->replies, replies);
    assert_int_equal(w->last.drop, PEER_DROP_STUN_COPIED);
}

static void who_does_not_speak_it_is_answered_as_always(void **state) {
    struct world *w = *state;
    struct stun_build b;
    stun_begin(&b, STUN_REQUEST_TYPE);
    stun_attr(&b, ATTR_USERNAME, "00aaaaaaaaaaaaaa:remo", 21);
    stun_attr_u32(&b, ATTR_PRIORITY, 1853824767);
    stun_attr_u64(&b, ATTR_ICE_CONTROLLING, 77);
    stun_integrity(&b, span_of_text(ours.pwd));
    stun_fingerprint(&b);
    give(w, &home, b.bytes, b.len);
    assert_int_equal(w->replies, 1);
    assert_null(told(w).ptr);
    dtls_start(w->remote, virtual_now_us);
    for (unsigned i = 0; i < w->flight_count; i++)
        give(w, &home, w->flight[i].bytes, w->flight[i].len);
    assert_true(w->plain > 0);
}

static void garbage_is_harmless(void **state) {
    struct world *w = *state;
    struct datagram wild = {.len = 0};
    uint32_t seed = 7;
    for (unsigned n = 0; n < 200; n++) {
        wild.len = dice(&seed) % 1000;
        for (size_t i = 0; i < wild.len; i++)
            wild.bytes[i] = (uint8_t)dice(&seed);
        if (wild.len > 0 && n % 2)
            wild.bytes[0] = 22;
        check(w, &wild, span_of(wild.bytes, dice(&seed) % 60));
        assert_int_equal(w->last.kind == PEER_DROPPED, w->last.drop != PEER_DROP_NONE);
    }
    dtls_start(w->remote, virtual_now_us);
    for (unsigned i = 0; i < w->flight_count; i++)
        check(w, &w->flight[i], (struct span){0});
    assert_true(take_data(w)); // and the handshake goes on
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_needs_no_datagram_but_checks, world_open, world_close),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_carried_again, world_open, world_close),
        cmocka_unit_test_setup_teardown(only_what_is_authentic_counts, world_open, world_close),
        cmocka_unit_test_setup_teardown(who_does_not_speak_it_is_answered_as_always, world_open, world_close),
        cmocka_unit_test_setup_teardown(garbage_is_harmless, world_open, world_close),
    };
    openssl_count();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
