// A peer of plain RTP: whom it listens to, where it sends, and what strangers can do to it. Its sockets are
// real ones on loopback; packets are handed in as the worker would.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "server/media/peer_plain.h"
#include "worker_scene.h"

#include <string.h>
#include <unistd.h>

#define SSRC 9u

struct stage {
    struct worker *w;
    struct plain_port *port;
    struct peer *peer;
    struct list waiting;
    struct addr at[2]; // of our sockets
    int other;         // where the other side is
    struct addr other_at;
};

static int bound(struct addr *at) {
    struct sockaddr_storage name;
    socklen_t len;
    assert_int_equal(addr_parse("127.0.0.1", 0, at), ERR_OK);
    len = addr_to_sockaddr(at, &name);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, len), 0);
    len = sizeof name;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    addr_from_sockaddr((struct sockaddr *)&name, at);
    return fd;
}

static struct stage open_stage(void **state, struct plain_params params, bool rtcp_apart) {
    struct stage s = {.w = ((struct scene *)*state)->worker};
    int rtp = bound(&s.at[PLAIN_RTP]), rtcp = rtcp_apart ? bound(&s.at[PLAIN_RTCP]) : -1;
    s.port = plain_port_create(rtp, rtcp, &s.w->plains_queued);
    assert_non_null(s.port);
    s.other = bound(&s.other_at);
    if (!params.comedia)
        params.remote = s.other_at;
    s.peer = peer_plain_create(&s.w->env, &params, s.port);
    assert_non_null(s.peer);
    return s;
}

static void close_stage(struct stage *s) {
    s->peer->functions->close(s->peer);
    plain_port_destroy(s->port);
    close(s->other);
    assert_int_equal(pool_taken(s->w->pool), 0);
}

static struct tuple from_of(const struct stage *s, const struct addr *remote, enum plain_way way) {
    return (struct tuple){.remote = *remote, .local = s->at[way], .protocol = TUPLE_UDP};
}

static struct addr stranger(void) {
    struct addr a;
    assert_int_equal(addr_parse("127.0.0.1", 9, &a), ERR_OK);
    return a;
}

static const uint8_t rtp[] = {0x80, 101, 0, 1, 0, 0, 0, 0, 0, 0, 0, SSRC, 1, 2, 3};
static const uint8_t report[] = {0x80, 201, 0, 1, 0, 0, 0, SSRC};

static struct peer_input give(struct stage *s, const struct addr *remote, enum plain_way way,
                              const void *bytes, size_t len) {
    struct tuple from = from_of(s, remote, way);
    struct peer_input input;
    struct block *b = pool_take(s->w->pool);
    memcpy(block_data(b), bytes, len);
    b->len = (uint16_t)len;
    s->peer->functions->input(s->peer, &from, b, clock_now_us(), &input);
    block_release(b);
    return input;
}

static void expect_drop(struct peer_input input, enum peer_drop why) {
    assert_int_equal(input.kind, PEER_DROPPED);
    assert_int_equal(input.drop, why);
    assert_false(input.state_changed || input.connected);
}

static enum err send_one(struct stage *s, uint64_t index) {
    struct block *b = pool_take(s->w->pool);
    memcpy(block_data(b), rtp, sizeof rtp);
    store_be16(block_data(b) + 2, (uint16_t)index);
    b->len = sizeof rtp;
    return s->peer->functions->send_rtp(s->peer, b, MEDIA_VIDEO, index);
}

// How many datagrams the other side has got, the last one of them in `out`.
static unsigned arrived(struct stage *s, uint8_t out[256], ssize_t *len) {
    unsigned n = 0;
    worker_plain_flush(s->w);
    for (ssize_t got; (got = recv(s->other, out, 256, MSG_DONTWAIT)) >= 0; n++)
        *len = got;
    return n;
}

static void to_where_it_was_told(void **state) {
    struct stage s = open_stage(state, (struct plain_params){0}, false);
    struct peer_input input;
    uint8_t got[256];
    ssize_t len;
    s.peer->functions->advance(s.peer, 1, &input);
    assert_true(input.connected && input.state_changed);
    s.peer->functions->advance(s.peer, 2, &input);
    assert_false(input.connected || input.state_changed); // said once
    struct peer_state now = s.peer->functions->state(s.peer);
    assert_true(now.reachable && now.ice == ICE_CONNECTED && now.dtls == DTLS_CONNECTED);
    assert_true(addr_equal(&now.path->remote, &s.other_at));
    assert_int_equal(send_one(&s, 1), ERR_OK);
    assert_int_equal(arrived(&s, got, &len), 1);
    assert_int_equal(len, sizeof rtp);
    assert_memory_equal(got, rtp, sizeof rtp);
    s.peer->functions->send_rtcp(s.peer, span_of(report, sizeof report));
    assert_int_equal(arrived(&s, got, &len), 1);
    assert_memory_equal(got, report, sizeof report);
    struct addr nobody = stranger();
    expect_drop(give(&s, &nobody, PLAIN_RTP, rtp, sizeof rtp), PEER_DROP_STRANGER);
    expect_drop(give(&s, &nobody, PLAIN_RTP, report, sizeof report), PEER_DROP_STRANGER);
    assert_int_equal(give(&s, &s.other_at, PLAIN_RTP, report, sizeof report).kind, PEER_RTCP);
    expect_drop(give(&s, &s.other_at, PLAIN_RTP, "GET / HTTP/1.1", 14), PEER_DROP_UNKNOWN_KIND);
    close_stage(&s);
}

// And no more than what came from there goes there, which is RTCP alone.
static void where_the_first_packet_comes_from(void **state) {
    struct stage s = open_stage(state, (struct plain_params){.comedia = true}, false);
    struct addr nobody = stranger();
    uint8_t got[256];
    ssize_t len;
    assert_true(peer_plain_wants_ssrc(s.peer));
    assert_false(s.peer->functions->state(s.peer).reachable);
    assert_int_equal(send_one(&s, 1), ERR_WRONG_STATE);
    s.peer->functions->send_rtcp(s.peer, span_of(report, sizeof report));
    expect_drop(give(&s, &nobody, PLAIN_RTP, report, sizeof report), PEER_DROP_STRANGER);
    struct peer_input input = give(&s, &s.other_at, PLAIN_RTP, rtp, sizeof rtp);
    assert_true(input.kind == PEER_RTP && input.connected && input.state_changed);
    assert_false(peer_plain_wants_ssrc(s.peer));
    expect_drop(give(&s, &nobody, PLAIN_RTP, rtp, sizeof rtp), PEER_DROP_STRANGER);
    assert_false(give(&s, &s.other_at, PLAIN_RTP, rtp, sizeof rtp).state_changed);
    assert_int_equal(send_one(&s, 1), ERR_WRONG_STATE); // nobody vouched for the address
    for (unsigned i = 0; i < 10; i++)
        s.peer->functions->send_rtcp(s.peer, span_of(report, sizeof report));
    assert_int_equal(arrived(&s, got, &len), 2 * sizeof rtp / sizeof report);
    close_stage(&s);
}

static void rtcp_follows_on_its_own_port(void **state) {
    struct stage s = open_stage(state, (struct plain_params){.comedia = true}, true);
    struct addr elsewhere, its = s.other_at;
    assert_int_equal(addr_parse("127.0.0.2", 9, &elsewhere), ERR_OK);
    its.port++;
    expect_drop(give(&s, &its, PLAIN_RTCP, report, sizeof report), PEER_DROP_STRANGER); // RTP tells first
    assert_true(give(&s, &s.other_at, PLAIN_RTP, rtp, sizeof rtp).connected);
    expect_drop(give(&s, &elsewhere, PLAIN_RTCP, report, sizeof report), PEER_DROP_STRANGER);
    expect_drop(give(&s, &its, PLAIN_RTCP, rtp, sizeof rtp), PEER_DROP_UNKNOWN_KIND);
    assert_int_equal(give(&s, &its, PLAIN_RTCP, report, sizeof report).kind, PEER_RTCP);
    struct addr other = its;
    other.port++;
    expect_drop(give(&s, &other, PLAIN_RTCP, report, sizeof report), PEER_DROP_STRANGER);
    close_stage(&s);
}

static struct srtp_keys keys_of(enum srtp_profile profile, uint8_t len, bool swapped) {
    struct srtp_keys keys = {.profile = profile, .len = len};
    memset(keys.local, swapped ? 2 : 1, len);
    memset(keys.remote, swapped ? 1 : 2, len);
    return keys;
}

// With keys the first packet that authenticates tells the address, RTCP too, and media goes there.
static void over_srtp(void **state) {
    static const struct {
        enum srtp_profile profile;
        uint8_t len;
    } rows[] = {{SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80, 30},
                {SRTP_PROFILE_AEAD_AES_128_GCM, 28},
                {SRTP_PROFILE_AEAD_AES_256_GCM, 44}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plain_params params = {.comedia = true, .keys = keys_of(rows[i].profile, rows[i].len, false)};
        struct srtp_keys theirs = keys_of(rows[i].profile, rows[i].len, true);
        struct stage s = open_stage(state, params, false);
        struct srtp_session *side = srtp_session_create(&theirs);
        struct addr nobody = stranger();
        uint8_t bytes[256], got[256];
        size_t len = sizeof report;
        ssize_t n = 0;
        assert_non_null(side);
        assert_false(peer_plain_wants_ssrc(s.peer));
        memset(bytes, 0x55, sizeof bytes);
        memcpy(bytes, rtp, sizeof rtp);
        expect_drop(give(&s, &nobody, PLAIN_RTP, bytes, 80), PEER_DROP_SRTP_AUTH);
        expect_drop(give(&s, &nobody, PLAIN_RTP, rtp, sizeof rtp), PEER_DROP_SRTP_MALFORMED);
        assert_int_equal(send_one(&s, 1), ERR_WRONG_STATE);
        memcpy(bytes, report, sizeof report);
        assert_int_equal(srtp_session_protect_rtcp(side, bytes, &len), ERR_OK);
        struct peer_input input = give(&s, &s.other_at, PLAIN_RTP, bytes, len);
        assert_true(input.kind == PEER_RTCP && input.connected);
        assert_int_equal(input.len, sizeof report);
        expect_drop(give(&s, &s.other_at, PLAIN_RTP, bytes, len), PEER_DROP_SRTP_REPLAY);
        assert_int_equal(send_one(&s, 1), ERR_OK);
        assert_int_equal(arrived(&s, got, &n), 1);
        assert_true((size_t)n > sizeof rtp && memcmp(got + 12, rtp + 12, 3) != 0);
        len = (size_t)n;
        assert_int_equal(srtp_session_unprotect_rtp(side, got, &len), ERR_OK);
        assert_memory_equal(got, rtp, sizeof rtp);
        s.peer->functions->forget_ssrc(s.peer, SSRC, true);
        s.peer->functions->forget_ssrc(s.peer, SSRC, false);
        srtp_session_destroy(side);
        close_stage(&s);
    }
}

static void what_it_cannot_do(void **state) {
    struct stage s = open_stage(state, (struct plain_params){0}, false);
    const struct peer_functions *f = s.peer->functions;
    struct ice_credentials ice = {0};
    struct tuple tuples[PEER_TUPLES_MAX], from = from_of(&s, &s.other_at, PLAIN_RTP);
    assert_int_equal(f->connect(s.peer, DTLS_ROLE_CLIENT, NULL, 1), ERR_UNSUPPORTED);
    assert_int_equal(f->restart_ice(s.peer, &ice, 1), ERR_UNSUPPORTED);
    assert_int_equal(f->offer_ice(s.peer, &ice), ERR_UNSUPPORTED);
    assert_int_equal(f->tuples(s.peer, tuples), 0);
    assert_false(f->holds(s.peer, &from, 1));
    close_stage(&s);
    struct plain_params bad = {.keys = {.profile = SRTP_PROFILE_AEAD_AES_128_GCM, .len = 3}};
    struct addr at;
    struct plain_port *port = plain_port_create(bound(&at), -1, &s.w->plains_queued);
    assert_null(peer_plain_create(&s.w->env, &bad, port));
    plain_port_destroy(port);
}

// ---- through the worker

static void settle(struct worker *w) {
    w->now_us = clock_now_us();
    w->plains_readable = true;
    worker_plain_receive(w, w->now_us);
    worker_plain_flush(w);
}

// As the loop does when sockets are readable, which it is not here.
static void turn_until(struct worker *w, const uint64_t *counter, uint64_t value) {
    for (unsigned i = 0; i < 2000 && *counter < value; i++) {
        uv_run(&w->loop, UV_RUN_NOWAIT);
        settle(w);
        usleep(1000);
    }
    assert_int_equal(*counter, value);
}

static void a_worker_opens_and_closes_it(void **state) {
    struct worker *w = ((struct scene *)*state)->worker;
    struct addr ours, theirs;
    int fd = bound(&ours), other = bound(&theirs);
    struct sockaddr_storage to;
    socklen_t to_len = addr_to_sockaddr(&ours, &to);
    struct media_cmd open = {.type = MEDIA_OPEN_PLAIN, .transport = {1}};
    open.plain.params = (struct plain_params){.rtp_fd = fd, .rtcp_fd = -1, .comedia = true};
    worker_peer_command(w, &open, clock_now_us());
    assert_int_equal(w->counters.plain_transports, 1);
    sendto(other, rtp, sizeof rtp, 0, (struct sockaddr *)&to, to_len); // nobody announced its SSRC
    turn_until(w, &w->counters.drops[MEDIA_DROP_PLAIN_STRANGER], 1);
    struct media_cmd produce = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {5}};
    produce.open_producer.params = (struct producer_params){.kind = MEDIA_VIDEO,
                                                            .codec = CODEC_VP8,
                                                            .payload_type = 101,
                                                            .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                            .clock_rate = 90000,
                                                            .stream_count = 1,
                                                            .streams = {{.ssrc = SSRC}},
                                                            .spatial_layers = 1,
                                                            .temporal_layers = 1};
    worker_peer_command(w, &produce, clock_now_us());
    sendto(other, rtp, sizeof rtp, 0, (struct sockaddr *)&to, to_len);
    turn_until(w, &w->counters.plain_packets_in, 2);
    struct media_event *event = ring_peek(w->events);
    assert_non_null(event);
    assert_int_equal(event->type, MEDIA_TRANSPORT_STATE);
    assert_int_equal(event->state.dtls, DTLS_CONNECTED);
    open.plain.params.rtp_fd = bound(&ours); // the id is taken: the socket goes with the command
    worker_peer_command(w, &open, clock_now_us());
    assert_int_equal(w->counters.plain_transports, 1);
    struct media_cmd gone = {.type = MEDIA_CLOSE_TRANSPORT, .transport = {1}};
    worker_peer_command(w, &gone, clock_now_us());
    assert_int_equal(w->counters.plain_transports, 0);
    assert_int_equal(close(fd), -1); // it is closed
    close(other);
}

// A program that reports nothing gets everything all the same: without SRTP no number is inferred.
static void who_is_silent_is_not_halted(void **state) {
    struct worker *w = ((struct scene *)*state)->worker;
    struct addr ours, theirs;
    uint64_t now_us = clock_now_us();
    int other = bound(&theirs);
    w->now_us = now_us;
    for (uint32_t id = 1; id <= 2; id++) {
        struct media_cmd open = {.type = MEDIA_OPEN_PLAIN, .transport = {id}};
        open.plain.params = (struct plain_params){.rtp_fd = bound(&ours), .rtcp_fd = -1, .remote = theirs};
        worker_peer_command(w, &open, now_us);
    }
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = {1}, .producer = {5}};
    cmd.open_producer.params = (struct producer_params){.kind = MEDIA_AUDIO,
                                                        .codec = CODEC_OPUS,
                                                        .payload_type = 111,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = 48000,
                                                        .stream_count = 1,
                                                        .streams = {{.ssrc = SSRC}},
                                                        .spatial_layers = 1,
                                                        .temporal_layers = 1};
    worker_peer_command(w, &cmd, now_us);
    cmd = (struct media_cmd){.type = MEDIA_OPEN_CONSUMER, .transport = {2}, .producer = {5}, .consumer = {6}};
    cmd.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                        .payload_type = 100,
                                                        .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                        .clock_rate = 48000,
                                                        .ssrc = 77,
                                                        .cname = "x"};
    worker_peer_command(w, &cmd, now_us);
    struct worker_peer *from = slots_get(w->peers, hmap_get(w->peers_by_id, &(struct transport_id){1}));
    for (uint32_t i = 0; i < 17000; i++) {
        struct tuple tuple = {.remote = theirs, .protocol = TUPLE_UDP};
        struct block *b = pool_take(w->pool);
        memcpy(block_data(b), rtp, sizeof rtp);
        block_data(b)[1] = 111;
        store_be16(block_data(b) + 2, (uint16_t)i);
        store_be32(block_data(b) + 4, i * 960);
        b->len = sizeof rtp;
        now_us += 20000;
        worker_peer_datagram(from, &tuple, 0, b, now_us);
        forwarder_flush(w->fw);
        worker_plain_flush(w);
    }
    assert_int_equal(forwarder_counters(w->fw)->downlink_halts, 0);
    assert_true(w->counters.plain_packets_out >= 17000);
    close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(to_where_it_was_told, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(where_the_first_packet_comes_from, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(rtcp_follows_on_its_own_port, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(over_srtp, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(what_it_cannot_do, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(a_worker_opens_and_closes_it, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(who_is_silent_is_not_halted, scene_open, scene_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
