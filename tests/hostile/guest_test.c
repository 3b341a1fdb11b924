// Guests: somebody with credentials who misbehaves, against a running conference on real workers. What is
// wrong is dropped for exactly the reason named here, nothing grows, and the conference loses nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/pool.h"
#include "tests/kit/siege.h"
#include "tests/unit/transport/stun_build.h"

#include <stdio.h>

#define SSRC UINT32_C(0x11111111)
#define DEADLINE_US (60 * US_PER_SECOND)

struct packet {
    size_t len;
    uint8_t bytes[256];
};

// An RTP packet whose first byte and what follows the header are given.
static struct packet rtp_of(uint8_t first, uint8_t payload_type, uint16_t seq, uint32_t ssrc,
                            const void *rest, size_t len) {
    struct packet p;
    struct writer w = writer_of(p.bytes, sizeof p.bytes);
    write_u8(&w, first);
    write_u8(&w, payload_type);
    write_u16(&w, seq);
    write_u32(&w, 960u * seq);
    write_u32(&w, ssrc);
    write_span(&w, span_of(rest, len));
    assert_false(w.failed);
    p.len = w.len;
    return p;
}

static struct packet rtp_good(uint16_t seq) {
    return rtp_of(0x80, 111, seq, SSRC, "opus", 4);
}

static void send_good(struct guest *g, uint16_t seq, enum media_drop drop) {
    struct packet p = rtp_good(seq);
    guest_sends_rtp(g, p.bytes, p.len, drop);
}

// ---- SRTP

static void forged_and_cut_srtp(struct siege *s, struct guest *g) {
    uint8_t srtp[512], forged[512];
    struct packet p = rtp_good(100);
    size_t len = media_peer_protect(g->peer, false, span_of(p.bytes, p.len), srtp);
    for (size_t at = 1; at < len; at++) { // each byte changed but the first, which tells what it is
        memcpy(forged, srtp, len);
        forged[at] ^= 0x10;
        guest_sends(g, forged, len, MEDIA_DROP_SRTP_AUTH);
    }
    for (size_t n = 0; n < len; n++)
        guest_sends(g, srtp, n,
                    n < 12        ? MEDIA_DROP_UNKNOWN_KIND
                    : n < 12 + 16 ? MEDIA_DROP_RTP_MALFORMED
                                  : MEDIA_DROP_SRTP_AUTH);
    guest_sends(g, srtp, len, SIEGE_IGNORED); // the genuine one still counts
    guest_sends(g, srtp, len, MEDIA_DROP_SRTP_REPLAY);
    guest_sends(g, srtp, len, MEDIA_DROP_SRTP_REPLAY);
    siege_check(s);
    // RTCP likewise. The E flag and index are under the tag too.
    static const uint8_t rr[] = {0x80, 201, 0, 1, 0x11, 0x11, 0x11, 0x11};
    len = media_peer_protect(g->peer, true, span_of(rr, sizeof rr), srtp);
    for (size_t at = 2; at < len; at++) {
        memcpy(forged, srtp, len);
        forged[at] ^= 0x10;
        guest_sends(g, forged, len, MEDIA_DROP_SRTP_AUTH);
    }
    guest_sends(g, srtp, len, SIEGE_IGNORED);
    guest_sends(g, srtp, len, MEDIA_DROP_SRTP_REPLAY);
}

// ---- authentic, but lying

static void lying_rtp(struct siege *s, struct guest *g) {
    (void)s;
    static const struct {
        const char *what;
        uint8_t first;
        uint8_t payload_type;
        uint8_t len;
        uint8_t rest[16];
        enum media_drop drop;
    } rows[] = {
        {"padding longer than the packet", 0xa0, 111, 4, {1, 2, 3, 200}, MEDIA_DROP_RTP_MALFORMED},
        {"padding of nothing", 0xa0, 111, 4, {1, 2, 3, 0}, MEDIA_DROP_RTP_MALFORMED},
        {"padding said, none there", 0xa0, 111, 0, {0}, MEDIA_DROP_RTP_MALFORMED},
        {"only padding", 0xa0, 111, 4, {0, 0, 0, 4}, SIEGE_IGNORED},
        {"an element longer than its block",
         0x90,
         111,
         12,
         {0xbe, 0xde, 0, 1, 0x1f, 'a', 0, 0, 1, 2, 3, 4},
         SIEGE_IGNORED},
        {"a two-byte element longer than its block",
         0x90,
         111,
         12,
         {0x10, 0, 0, 1, 9, 255, 0, 0, 1, 2, 3, 4},
         SIEGE_IGNORED},
        {"a block of an unknown profile", 0x90, 111, 8, {0xab, 0xcd, 0, 1, 9, 9, 9, 9}, SIEGE_IGNORED},
        {"no payload at all", 0x80, 111, 0, {0}, SIEGE_IGNORED},
        {"contributing sources", 0x82, 111, 9, {0, 0, 0, 1, 0, 0, 0, 2, 7}, SIEGE_IGNORED},
        {"a wrong payload type", 0x80, 112, 4, {1, 2, 3, 4}, MEDIA_DROP_RTP_MALFORMED},
        {"a payload type of nobody", 0x80, 5, 4, {1, 2, 3, 4}, MEDIA_DROP_RTP_MALFORMED},
    };
    uint16_t seq = 200;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct packet p = rtp_of(rows[i].first, rows[i].payload_type, seq++, SSRC, rows[i].rest, rows[i].len);
        guest_sends_rtp(g, p.bytes, p.len, rows[i].drop);
    }
    // Lengths that run out of the packet: SRTP's own header check refuses them before the tag.
    uint8_t srtp[512];
    struct packet p = rtp_good(seq);
    size_t len = media_peer_protect(g->peer, false, span_of(p.bytes, p.len), srtp);
    srtp[0] = 0x8f; // 15 contributing sources
    guest_sends(g, srtp, len, MEDIA_DROP_RTP_MALFORMED);
    srtp[0] = 0x90; // an extension as long as chance will have it
    srtp[14] = 0xff;
    guest_sends(g, srtp, len, MEDIA_DROP_RTP_MALFORMED);
}

static void lying_rtcp(struct siege *s, struct guest *g) {
    (void)s;
    static const struct {
        const char *what;
        uint8_t len;
        uint8_t bytes[40];
        bool malformed;
    } rows[] = {
        {"31 reports in a packet of none", 8, {0x9f, 201, 0, 1, 1, 1, 1, 1}, true},
        {"a sender report without its numbers", 8, {0x80, 200, 0, 1, 1, 1, 1, 1}, true},
        {"longer than the datagram", 8, {0x80, 201, 0xff, 0xff, 1, 1, 1, 1}, true},
        {"31 sources say goodbye in one word", 8, {0x9f, 203, 0, 1, 1, 1, 1, 1}, true},
        {"padding beyond the packet", 8, {0xa0, 201, 0, 1, 1, 1, 1, 99}, true},
        {"feedback without a media source", 8, {0x81, 205, 0, 1, 1, 1, 1, 1}, true},
        {"a second packet of version 1",
         16,
         {0x80, 201, 0, 1, 1, 1, 1, 1, 0x40, 201, 0, 1, 1, 1, 1, 1},
         true},
        {"a second packet cut short", 12, {0x80, 201, 0, 1, 1, 1, 1, 1, 0x80, 201, 0, 1}, true},
        {"NACK of nothing", 12, {0x81, 205, 0, 2, 1, 1, 1, 1, 2, 2, 2, 2}, false},
        {"NACK of a stranger's stream",
         16,
         {0x81, 205, 0, 3, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 0xff, 0xff},
         false},
        {"PLI for nobody", 12, {0x81, 206, 0, 2, 1, 1, 1, 1, 2, 2, 2, 2}, false},
        {"FIR of half an entry", 16, {0x84, 206, 0, 3, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}, false},
        {"an extended report that lies", 12, {0x80, 207, 0, 2, 1, 1, 1, 1, 4, 0, 0xff, 0xff}, true},
        {"a type that nobody knows", 8, {0x80, 223, 0, 1, 1, 1, 1, 1}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        guest_sends_rtcp(g, rows[i].bytes, rows[i].len,
                         rows[i].malformed ? MEDIA_DROP_RTCP_MALFORMED : SIEGE_IGNORED);
    // Transport-wide feedback that promises 65535 packets.
    static const uint8_t twcc[] = {0x8f, 205, 0,    5,    1, 1, 1, 1, 2,    2,    2, 2,
                                   0,    0,   0xff, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0, 0};
    guest_sends_rtcp(g, twcc, sizeof twcc, SIEGE_IGNORED);
}

// Thousands of streams that lead nowhere.
static void unknown_streams(struct siege *s, struct guest *g) {
    struct media_counters before, after;
    siege_check(s);
    siege_counters(s, &before);
    uint64_t resident = 0;
    for (uint32_t i = 0; i < 6000; i++) {
        if (i == 1000)
            resident = resident_bytes();
        struct packet p = rtp_of(0x80, 111, (uint16_t)i, 0x22000000 + i, "opus", 4);
        guest_sends_rtp(g, p.bytes, p.len, MEDIA_DROP_RTP_UNKNOWN_SSRC);
    }
    siege_check(s);
    siege_counters(s, &after);
    print_message("  5000 unknown streams: %lld KB more resident, the sender's own streams among them\n",
                  (long long)(resident_bytes() - resident) / 1024);
    assert_true(after.pool_blocks <= before.pool_blocks + 64 * s->workers);
}

static void a_paused_producer(struct siege *s, struct guest *g) {
    struct media_cmd pause = {
        .type = MEDIA_PAUSE_PRODUCER, .producer = {0x70000000 + g->worker}, .pause = {true}};
    siege_post(s, g->worker, &pause);
    siege_check(s);
    for (unsigned i = 0; i < 4; i++)
        siege_turn(s, 5);
    send_good(g, 400, MEDIA_DROP_PAUSED);
    siege_check(s);
    pause.pause.paused = false;
    siege_post(s, g->worker, &pause);
    for (unsigned i = 0; i < 4; i++)
        siege_turn(s, 5);
    send_good(g, 401, SIEGE_IGNORED);
}

// DTLS from a validated address: whatever it says, a connected association stays.
static void forged_dtls(struct siege *s, struct guest *g) {
    // Well-formed ones in the clear are what a late retransmission looks like: ignored.
    static const uint8_t alert[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
    static const uint8_t hello[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12,
                                    1,  0,    0,    0, 0, 9, 0, 0, 0, 0, 0, 0};
    static const uint8_t lies[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 1, 2, 3};
    static const uint8_t version[] = {22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 2};
    struct media_counters before, after;
    siege_check(s);
    siege_counters(s, &before);
    for (size_t n = 0; n < 13; n++)
        guest_sends(g, alert, n, MEDIA_DROP_UNKNOWN_KIND);
    for (unsigned i = 0; i < 20; i++) {
        guest_sends(g, alert, sizeof alert, SIEGE_IGNORED);
        guest_sends(g, hello, sizeof hello, SIEGE_IGNORED);
        guest_sends(g, lies, sizeof lies, MEDIA_DROP_DTLS_INVALID);
        guest_sends(g, version, sizeof version, MEDIA_DROP_DTLS_INVALID);
    }
    siege_check(s);
    siege_counters(s, &after);
    assert_int_equal(after.dtls_in - before.dtls_in, 80);
    send_good(g, 402, SIEGE_IGNORED);
}

static const struct misdeed {
    const char *name;
    void (*run)(struct siege *s, struct guest *g);
} misdeeds[] = {
    {"forged, cut and replayed SRTP", forged_and_cut_srtp},
    {"RTP that lies inside authentic SRTP", lying_rtp},
    {"RTCP that lies inside authentic SRTCP", lying_rtcp},
    {"thousands of unknown streams", unknown_streams},
    {"a paused producer", a_paused_producer},
    {"forged DTLS", forged_dtls},
};

static void guests_against(unsigned workers) {
    struct siege *s = siege_open(workers, 4);
    struct guest g;
    guest_open(s, workers - 1, &g);
    guest_arrive(&g);
    guest_produce(&g, SSRC, "", 0x70000000 + g.worker);
    for (size_t i = 0; i < sizeof misdeeds / sizeof misdeeds[0]; i++) {
        print_message("%u workers: %s\n", workers, misdeeds[i].name);
        siege_speak(s);
        misdeeds[i].run(s, &g);
        siege_speak(s);
        siege_check(s);
    }
    guest_close(&g);
    siege_close(s);
}

// ---- one address, two transports

static void guest_checks_as(struct guest *address, const struct guest *transport, enum media_drop drop) {
    struct stun_build check;
    siege_build_check(&check, transport->ice.ufrag, transport->ice.pwd);
    guest_sends(address, check.bytes, check.len, drop);
    siege_check(address->siege);
}

struct route_probe {
    struct guest *guest;
    uint16_t seq;
    uint64_t rtp_in; // what the workers' counter must say before the next packet
};

// One packet of the guest; true when its own transport got it, false when another one did, which has no keys.
static bool probe_route(struct route_probe *probe) {
    struct siege *s = probe->guest->siege;
    struct media_counters now;
    send_good(probe->guest, probe->seq++, SIEGE_IGNORED);
    uint64_t end_us = clock_now_us() + DEADLINE_US;
    bool own = false, other = false;
    while (!own && !other && clock_now_us() < end_us) {
        siege_turn(s, 5);
        siege_counters(s, &now);
        own = now.rtp_in > probe->rtp_in;
        other = now.drops[MEDIA_DROP_NO_KEYS] > s->drops[MEDIA_DROP_NO_KEYS];
    }
    assert_true(own != other);
    probe->rtp_in += own;
    siege_expect(s, MEDIA_DROP_NO_KEYS, other);
    return own;
}

// The route follows a good check in the time that a message between workers takes; then it stays.
static void expect_route(struct route_probe *probe, bool own) {
    bool is = !own;
    for (unsigned i = 0; i < 20 && is != own; i++)
        is = probe_route(probe);
    assert_int_equal(is, own);
    assert_int_equal(probe_route(probe), own);
    siege_check(probe->guest->siege);
}

struct pair { // of transports that will be seen at one address
    struct guest a, b;
    struct route_probe probe; // of a
};

// b checks from a's address while a is there.
static void claim_in_vain(struct siege *s, struct pair *pair) {
    struct media_counters now;
    siege_counters(s, &now);
    pair->probe.rtp_in = now.rtp_in;
    expect_route(&pair->probe, true);
    for (unsigned i = 0; i < 3; i++) {
        guest_checks_as(&pair->a, &pair->b, MEDIA_DROP_TUPLE_HELD);
        expect_route(&pair->probe, true);
    }
}

// b checks from a's address when a was silent: who checked last has it, until a is there again.
static void claim_what_was_left(struct siege *s, struct pair *pair) {
    struct media_counters now;
    siege_counters(s, &now);
    pair->probe.rtp_in = now.rtp_in;
    print_message("of worker %u and worker %u\n", pair->a.worker, pair->b.worker);
    guest_checks_as(&pair->a, &pair->b, SIEGE_IGNORED); // who has no keys for what follows
    expect_route(&pair->probe, false);
    guest_checks_as(&pair->a, &pair->a, SIEGE_IGNORED);
    expect_route(&pair->probe, true);
    guest_checks_as(&pair->a, &pair->b, MEDIA_DROP_TUPLE_HELD);
    expect_route(&pair->probe, true);
    guest_close(&pair->b); // takes nothing along that is not its own any more
    siege_check(s);
    expect_route(&pair->probe, true);
    guest_close(&pair->a);
    siege_check(s);
}

static void one_address_of_two_transports(unsigned workers) {
    struct siege *s = siege_open(workers, 2);
    struct pair pairs[16];
    unsigned count = 0;
    for (unsigned first = 0; first < workers; first++)
        for (unsigned second = 0; second < workers; second++) {
            struct pair *pair = &pairs[count++];
            guest_open(s, first, &pair->a);
            guest_open(s, second, &pair->b);
            guest_arrive(&pair->a);
            guest_produce(&pair->a, SSRC, "", 0x70000000 + first * 16 + second);
            pair->probe = (struct route_probe){.guest = &pair->a, .seq = 1};
        }
    for (unsigned i = 0; i < count; i++)
        claim_in_vain(s, &pairs[i]);
    for (uint64_t end_us = clock_now_us() + ICE_HELD_CHECKED_US + US_PER_SECOND; clock_now_us() < end_us;)
        siege_turn(s, 50);
    for (unsigned i = 0; i < count; i++)
        claim_what_was_left(s, &pairs[i]);
    siege_speak(s);
    siege_check(s);
    siege_close(s);
}

// The header that receivers get is longer than the one that came, so what came in at the limit goes out
// beyond it.
static void the_longest_packets_that_come_in_go_out(unsigned workers) {
    enum { PACKETS = 20, TAG = 16 };
    static uint8_t bytes[BLOCK_DATAGRAM_MAX - TAG];
    struct siege *s = siege_open(workers, 2);
    struct guest from, to;
    guest_open(s, 0, &from);
    guest_open(s, workers - 1, &to);
    guest_arrive(&from);
    guest_arrive(&to);
    guest_produce(&from, SSRC, "", 0x70000000);
    if (workers > 1) {
        struct media_cmd open = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = {0x70000000}};
        open.open_producer.params = (struct producer_params){.kind = MEDIA_AUDIO,
                                                             .codec = CODEC_OPUS,
                                                             .payload_type = 111,
                                                             .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                             .clock_rate = 48000,
                                                             .stream_count = 1,
                                                             .spatial_layers = 1,
                                                             .temporal_layers = 1};
        siege_post(s, workers - 1, &open);
        struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = {0x70000000}};
        relay.relay.link = link_of_worker(workers - 1);
        siege_post(s, 0, &relay);
    }
    struct media_cmd consume = {
        .type = MEDIA_OPEN_CONSUMER, .transport = to.id, .producer = {0x70000000}, .consumer = {0x70000000}};
    consume.open_consumer.params = (struct consumer_params){.kind = MEDIA_AUDIO,
                                                            .payload_type = 100,
                                                            .rtx_payload_type = PAYLOAD_TYPE_NONE,
                                                            .clock_rate = 48000,
                                                            .ssrc = 7,
                                                            .mid = "12345678",
                                                            .cname = "guest"};
    siege_post(s, workers - 1, &consume);
    siege_check(s); // it has turned since
    for (uint16_t seq = 1; seq <= PACKETS; seq++) {
        struct packet p = rtp_good(seq);
        memcpy(bytes, p.bytes, p.len);
        guest_sends_rtp(&from, bytes, sizeof bytes, SIEGE_IGNORED);
    }
    siege_check(s);
    for (uint64_t end_us = clock_now_us() + DEADLINE_US; to.rtp < PACKETS && clock_now_us() < end_us;) {
        siege_turn(s, 1);
        media_peer_poll(to.peer, clock_now_us());
    }
    assert_int_equal(to.rtp, PACKETS);
    siege_speak(s);
    siege_check(s);
    guest_close(&from);
    guest_close(&to);
    siege_close(s);
}

static void the_longest_packets_on_one_worker(void **state) {
    (void)state;
    the_longest_packets_that_come_in_go_out(1);
}

static void the_longest_packets_across_two_workers(void **state) {
    (void)state;
    the_longest_packets_that_come_in_go_out(2);
}

static void guests_against_one_worker(void **state) {
    (void)state;
    guests_against(1);
}

static void guests_against_two_workers(void **state) {
    (void)state;
    guests_against(2);
}

static void guests_against_four_workers(void **state) {
    (void)state;
    guests_against(4);
}

static void one_address_on_one_worker(void **state) {
    (void)state;
    one_address_of_two_transports(1);
}

static void one_address_on_three_workers(void **state) {
    (void)state;
    one_address_of_two_transports(3);
}

// With a name, that test alone: tests/CMakeLists.txt has them wait beside each other.
int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_against_one_worker),
        cmocka_unit_test(guests_against_two_workers),
        cmocka_unit_test(guests_against_four_workers),
        cmocka_unit_test(one_address_on_one_worker),
        cmocka_unit_test(one_address_on_three_workers),
        cmocka_unit_test(the_longest_packets_on_one_worker),
        cmocka_unit_test(the_longest_packets_across_two_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
