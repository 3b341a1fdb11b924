// The worker and its forwarder know a peer by its functions alone: one that is no browser gets packets,
// reports and farewells like any other; and the one kind that there is answers as the interface says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "server/media/peer_webrtc.h"
#include "worker_scene.h"

#include <string.h>

#define SENT_MAX 16

// A peer that notes what it is given.
struct noted {
    struct peer peer;
    unsigned sent, sent_again, rtcp, prefetches, forgotten;
    uint64_t indexes[SENT_MAX];
    uint32_t ssrcs[SENT_MAX], forgot;
    enum err answer;
};

static enum err noted_send_rtp(struct peer *peer, struct block *b, enum media_kind kind, uint64_t index) {
    struct noted *n = (struct noted *)(void *)peer;
    assert_int_equal(kind, MEDIA_AUDIO);
    assert_true(n->sent < SENT_MAX);
    assert_int_equal(load_be16(block_data(b) + 2), (uint16_t)index);
    n->ssrcs[n->sent] = load_be32(block_data(b) + 8);
    n->indexes[n->sent++] = index;
    block_release(b);
    return n->answer;
}

static void noted_send_again(struct peer *peer, struct block *b, enum media_kind kind) {
    (void)kind;
    ((struct noted *)(void *)peer)->sent_again++;
    block_release(b);
}

static void noted_send_rtcp(struct peer *peer, struct span datagram) {
    assert_true(datagram.len >= 8);
    ((struct noted *)(void *)peer)->rtcp++;
}

static void noted_forget(struct peer *peer, uint32_t ssrc, bool sent) {
    struct noted *n = (struct noted *)(void *)peer;
    n->forgotten += sent;
    n->forgot = sent ? ssrc : n->forgot;
}

static void noted_prefetch(const struct peer *peer, unsigned step) {
    assert_true(step < FORWARDER_STEPS - 1); // the object itself is the worker's to fetch
    ((struct noted *)(uintptr_t)peer)->prefetches++;
}

static const struct peer_functions noted_functions = {.send_rtp = noted_send_rtp,
                                                      .send_again = noted_send_again,
                                                      .send_rtcp = noted_send_rtcp,
                                                      .forget_ssrc = noted_forget,
                                                      .prefetch = noted_prefetch};

static void open_sound(struct worker *w, uint64_t now_us) {
    struct media_cmd open = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {5}};
    open.open_producer.params = (struct producer_params){.kind = MEDIA_AUDIO,
                                                         .codec = CODEC_OPUS,
                                                         .payload_type = 111,
                                                         .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                         .clock_rate = 48000,
                                                         .stream_count = 1,
                                                         .streams = {{.ssrc = 9}},
                                                         .spatial_layers = 1,
                                                         .temporal_layers = 1};
    worker_peer_command(w, &open, now_us);
    struct media_cmd consume = {
        .type = MEDIA_OPEN_CONSUMER, .transport = {2}, .producer = {5}, .consumer = {6}};
    consume.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                            .payload_type = 100,
                                                            .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                            .clock_rate = 48000,
                                                            .ssrc = 77,
                                                            .cname = "x"};
    worker_peer_command(w, &consume, now_us);
}

static void say(struct worker *w, struct endpoint *from, uint16_t seq, uint64_t now_us) {
    static const uint8_t packet[] = {0x80, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3};
    struct block *b = pool_take(w->pool);
    assert_non_null(b);
    memcpy(block_data(b), packet, sizeof packet);
    store_be16(block_data(b) + 2, seq);
    b->len = sizeof packet;
    assert_int_equal(forwarder_rtp(w->fw, from, b, now_us), FORWARD_DROP_NONE);
    forwarder_flush(w->fw);
}

static void any_peer_gets_what_it_consumes(void **state) {
    struct worker *w = ((struct scene *)*state)->worker;
    static struct noted from, to[2]; // the scene closes them, also when the test has failed
    from = to[0] = to[1] = (struct noted){.peer = {.functions = &noted_functions}};
    uint64_t now_us = clock_now_us();
    struct endpoint *publisher = forwarder_open_endpoint(w->fw, (struct transport_id){1}, &from.peer);
    struct endpoint *receiver = forwarder_open_endpoint(w->fw, (struct transport_id){2}, &to[0].peer);
    forwarder_endpoint_connected(w->fw, publisher, now_us);
    forwarder_endpoint_connected(w->fw, receiver, now_us);
    open_sound(w, now_us);
    for (uint16_t seq = 1; seq <= 3; seq++)
        say(w, publisher, seq, now_us);
    assert_int_equal(to[0].sent, 3);
    assert_int_equal(from.sent, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(to[0].ssrcs[i], 77);
        assert_int_equal(to[0].indexes[i], to[0].indexes[0] + i);
    }
    to[0].answer = ERR_WRONG_STATE; // nowhere to send to: lost like any other packet, and no fault of ours
    say(w, publisher, 4, now_us);
    assert_int_equal(to[0].sent, 4);
    assert_int_equal(w->counters.drops[MEDIA_DROP_INDEX_USED], 0);
    wheel_advance(&w->wheel, now_us + 3 * US_PER_SECOND);
    assert_true(from.rtcp > 0); // a receiver report about what it sends
    forwarder_close_endpoint(w->fw, receiver);
    assert_int_equal(to[0].forgotten, 1);
    assert_int_equal(to[0].forgot, 77);
    forwarder_close_endpoint(w->fw, publisher);
}

// The pointers of the next receivers are followed a step a receiver.
static void peers_are_fetched_ahead(void **state) {
    struct worker *w = ((struct scene *)*state)->worker;
    enum { RECEIVERS = 8 };
    static struct noted from, to[RECEIVERS]; // the scene closes them, also when the test has failed
    uint64_t now_us = clock_now_us();
    struct endpoint *ends[RECEIVERS + 1];
    from = (struct noted){.peer = {.functions = &noted_functions}};
    ends[0] = forwarder_open_endpoint(w->fw, (struct transport_id){1}, &from.peer);
    forwarder_endpoint_connected(w->fw, ends[0], now_us);
    for (uint32_t i = 0; i < RECEIVERS; i++) {
        to[i] = (struct noted){.peer = {.functions = &noted_functions}};
        ends[i + 1] = forwarder_open_endpoint(w->fw, (struct transport_id){i + 2}, &to[i].peer);
        forwarder_endpoint_connected(w->fw, ends[i + 1], now_us);
    }
    open_sound(w, now_us);
    struct media_cmd consume = {.type = MEDIA_OPEN_CONSUMER, .producer = {5}};
    for (uint32_t i = 1; i < RECEIVERS; i++) {
        consume.transport.v = i + 2;
        consume.consumer.v = i + 10;
        consume.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                                .payload_type = 100,
                                                                .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                                .clock_rate = 48000,
                                                                .ssrc = 77,
                                                                .cname = "x"};
        worker_peer_command(w, &consume, now_us);
    }
    say(w, ends[0], 1, now_us);
    for (unsigned i = 0; i < RECEIVERS; i++) {
        assert_int_equal(to[i].sent, 1);
        assert_int_equal(to[i].prefetches, i < FORWARDER_STEPS - 1 ? i : FORWARDER_STEPS - 1);
    }
    for (unsigned i = 0; i <= RECEIVERS; i++)
        forwarder_close_endpoint(w->fw, ends[i]);
}

static void a_browser_that_has_not_come_yet(void **state) {
    struct worker *w = ((struct scene *)*state)->worker;
    struct ice_credentials ice;
    ice_credentials_make(0, &ice);
    struct peer *peer = peer_webrtc_create(&w->env, &ice);
    assert_non_null(peer);
    const struct peer_functions *f = peer->functions;
    struct peer_state now = f->state(peer);
    assert_int_equal(now.ice, ICE_NEW);
    assert_int_equal(now.dtls, DTLS_NEW);
    assert_false(now.reachable);
    assert_string_equal(now.failure, "");
    struct tuple tuples[PEER_TUPLES_MAX];
    assert_int_equal(f->tuples(peer, tuples), 0);
    struct block *b = pool_take(w->pool), *again = pool_take(w->pool);
    b->len = again->len = 40;
    assert_int_equal(f->send_rtp(peer, b, MEDIA_VIDEO, 1), ERR_WRONG_STATE); // and the block is back
    f->send_again(peer, again, MEDIA_VIDEO);
    f->send_rtcp(peer, span_of("12345678", 8));
    assert_int_equal(pool_taken(w->pool), 0);
    struct transport_stats stats = {0};
    f->describe(peer, clock_now_us(), &stats);
    assert_int_equal(stats.bytes_sent, 0);
    assert_int_equal(stats.selected.protocol, TUPLE_NONE);
    struct peer_input input;
    f->advance(peer, clock_now_us(), &input);
    assert_int_equal(input.kind, PEER_CONSUMED);
    f->close(peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_peer_gets_what_it_consumes, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(peers_are_fetched_ahead, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(a_browser_that_has_not_come_yet, scene_open, scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
