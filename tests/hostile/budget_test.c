// Guests who cost too much, beside a conference on real workers: a flood of sound that an accomplice takes
// many times, repeats and key frames without end. The price is bounded, and the conference loses nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "rtp/rtcp_read.h"
#include "rtp/rtcp_write.h"
#include "tests/kit/siege.h"

#include <stdlib.h>

#define DEADLINE_US (60 * US_PER_SECOND)
#define PRODUCER UINT32_C(0x70000001)
#define SSRC UINT32_C(0x11111111)
#define COPIES 60

// A guest whose packets are looked at.
struct visitor {
    struct guest guest;
    uint64_t packets, bytes, repeats, plis;
    uint16_t newest; // number of the last packet under SSRC
};

static void visitor_on_rtp(void *ctx, struct span packet) {
    struct visitor *v = ctx;
    v->packets++;
    v->bytes += packet.len;
    v->repeats += (packet.ptr[1] & 127) == 102;
    if ((packet.ptr[1] & 127) == 101)
        v->newest = load_be16(packet.ptr + 2);
}

static void visitor_on_rtcp(void *ctx, struct span datagram) {
    struct visitor *v = ctx;
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
        v->plis += packet.kind == RTCP_PLI;
}

static struct fingerprint fingerprint_of_text(const char *text) {
    struct fingerprint f = {.hash = FINGERPRINT_SHA256};
    for (; *text; text += text[2] ? 3 : 2)
        f.bytes[f.len++] = (uint8_t)strtoul(text, NULL, 16);
    return f;
}

static void visitor_poll(struct visitor *v) {
    media_peer_poll(v->guest.peer, clock_now_us());
}

static void visitor_arrive(struct siege *s, struct visitor *v) {
    *v = (struct visitor){0};
    guest_open(s, s->workers - 1, &v->guest);
    struct media_peer_config config = {
        .dtls = s->dtls,
        .server_ip = "127.0.0.1",
        .server_port = media_port(s->media),
        .server = v->guest.ice,
        .server_fingerprint = fingerprint_of_text(media_fingerprint_sha256(s->media)),
        .ctx = v,
        .on_rtp = visitor_on_rtp,
        .on_rtcp = visitor_on_rtcp,
    };
    v->guest.peer = media_peer_open(&config, clock_now_us());
    assert_non_null(v->guest.peer);
    for (uint64_t end_us = clock_now_us() + DEADLINE_US; clock_now_us() < end_us;) {
        siege_turn(s, 1);
        visitor_poll(v);
        if (media_peer_connected(v->guest.peer))
            break;
    }
    assert_true(media_peer_connected(v->guest.peer));
}

static void visitor_publish(struct visitor *v, enum media_kind kind) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER, .transport = v->guest.id, .producer = {PRODUCER}};
    bool video = kind == MEDIA_VIDEO;
    cmd.open_producer.params = (struct producer_params){.kind = kind,
                                                        .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                                        .payload_type = video ? 96 : 111,
                                                        .rtx_payload_type = video ? 97 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = video ? 90000 : 48000,
                                                        .stream_count = 1,
                                                        .streams[0].ssrc = SSRC,
                                                        .pli = video,
                                                        .spatial_layers = 1,
                                                        .temporal_layers = 1};
    siege_post(v->guest.siege, v->guest.worker, &cmd);
}

static void visitor_consume(struct visitor *v, enum media_kind kind, unsigned copies) {
    for (uint32_t i = 0; i < copies; i++) {
        struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                                .transport = v->guest.id,
                                .producer = {PRODUCER},
                                .consumer = {0x71000000 + i}};
        bool video = kind == MEDIA_VIDEO;
        cmd.open_consumer.params =
            (struct consumer_params){.kind = kind,
                                     .payload_type = video ? 101 : 100,
                                     .rtx_payload_type = video ? 102 : PAYLOAD_TYPE_NONE,
                                     .clock_rate = video ? 90000 : 48000,
                                     .ssrc = 0x20000000 + 2 * i,
                                     .rtx_ssrc = video ? 0x20000001 + 2 * i : 0,
                                     .nack = video,
                                     .pli = video};
        siege_post(v->guest.siege, v->guest.worker, &cmd);
    }
}

static void visitor_sends(struct visitor *v, uint8_t payload_type, uint16_t seq, bool key, size_t len) {
    uint8_t packet[1200] = {0};
    struct writer w = writer_of(packet, sizeof packet);
    write_u8(&w, 0x80);
    write_u8(&w, payload_type);
    write_u16(&w, seq);
    write_u32(&w, seq * 960u);
    write_u32(&w, SSRC);
    write_u8(&w, 0x10);
    write_u8(&w, key ? 0 : 1);
    media_peer_send_rtp(v->guest.peer, span_of(packet, w.len + len));
}

static void visitors_leave(struct siege *s, struct visitor *a, struct visitor *b) {
    guest_close(&a->guest);
    guest_close(&b->guest);
    siege_rebase(s);
    siege_speak(s);
    siege_check(s);
    siege_close(s);
}

// 8000 packets of sound a second, which an accomplice in another room takes sixty times.
static void a_flood_of_sound(unsigned workers, unsigned seconds) {
    struct siege *s = siege_open(workers, 4);
    struct visitor loud, accomplice;
    struct media_counters before, after;
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    visitor_arrive(s, &loud);
    visitor_arrive(s, &accomplice);
    visitor_publish(&loud, MEDIA_AUDIO);
    visitor_consume(&accomplice, MEDIA_AUDIO, COPIES);
    siege_rebase(s);
    siege_counters(s, &before);
    uint64_t heard_before = 0, heard = 0, spoken = 0, begin_us = clock_now_us();
    for (unsigned i = 0; i < s->participants; i++)
        heard_before += conference_received(s->conference, i);
    uint32_t sent = 0;
    while (clock_now_us() < begin_us + seconds * US_PER_SECOND) {
        uint64_t due = (clock_now_us() - begin_us) * 8000 / US_PER_SECOND;
        for (unsigned burst = 0; sent < due && burst < 64; burst++)
            visitor_sends(&loud, 111, (uint16_t)sent++, false, 60);
        siege_drain(s); // a slow machine is sent less, so that nothing is lost in the kernel
        if ((clock_now_us() - begin_us) / 20000 > spoken) { // 50 times a second
            spoken++;
            siege_speak(s);
        }
        visitor_poll(&accomplice);
        siege_turn(s, 0);
    }
    double took = (double)(clock_now_us() - begin_us) / 1e6;
    for (unsigned i = 0; i < 400; i++) {
        siege_turn(s, 5);
        visitor_poll(&accomplice);
    }
    siege_counters(s, &after);
    uint64_t expected = spoken * 4 * 3 + spoken * 3; // sound of each to the others, and a video
    for (unsigned i = 0; i < s->participants; i++)
        heard += conference_received(s->conference, i);
    heard -= heard_before;
    // Counters are published each other second at the latest, and these are seconds later.
    uint64_t taken = sent - (after.drops[MEDIA_DROP_OVER_BUDGET] - before.drops[MEDIA_DROP_OVER_BUDGET]);
    print_message(
        "%u workers: %u packets in %.1f s, %llu taken, accomplice got %llu; neighbours %llu of %llu\n",
        workers, sent, took, (unsigned long long)taken, (unsigned long long)accomplice.packets,
        (unsigned long long)heard, (unsigned long long)expected);
    assert_true((double)taken <= 1000 + 250 * (took + 0.5));
    assert_true(after.rtp_out - before.rtp_out <= COPIES * taken + expected);
    assert_true(heard * 100 >= expected * 99);
    for (unsigned i = 0; i < s->participants; i++) // what is missing, if anything, is told above
        s->heard[i] = conference_received(s->conference, i);
    visitors_leave(s, &loud, &accomplice);
}

// A receiver asks for everything again and again, 54 kbit/s of it.
static void repeats_without_end(unsigned workers, unsigned seconds) {
    struct siege *s = siege_open(workers, 3);
    struct visitor publisher, greedy;
    struct media_counters before, after;
    visitor_arrive(s, &publisher);
    visitor_arrive(s, &greedy);
    visitor_publish(&publisher, MEDIA_VIDEO);
    visitor_consume(&greedy, MEDIA_VIDEO, 1);
    siege_rebase(s);
    siege_counters(s, &before);
    uint64_t begin_us = clock_now_us(), asked = 0;
    uint32_t sent = 0;
    while (clock_now_us() < begin_us + seconds * US_PER_SECOND) {
        uint64_t us = clock_now_us() - begin_us;
        for (; sent < us * 140 / US_PER_SECOND; sent++)
            visitor_sends(&publisher, 96, (uint16_t)sent, sent % 280 == 0, 1000);
        if (us / 20000 > asked && greedy.packets > 0) {
            uint16_t seqs[300];
            uint8_t bytes[RTCP_DATAGRAM_MAX];
            struct writer w = writer_of(bytes, sizeof bytes);
            unsigned n =
                greedy.packets - greedy.repeats < 300 ? (unsigned)(greedy.packets - greedy.repeats) : 300;
            for (unsigned i = 0; i < n; i++)
                seqs[i] = (uint16_t)(greedy.newest - n + 1 + i);
            rtcp_write_nack(&w, 9, 0x20000000, seqs, n);
            media_peer_send_rtcp(greedy.guest.peer, span_of(w.ptr, w.len));
            asked = us / 20000;
        }
        visitor_poll(&greedy);
        visitor_poll(&publisher);
        siege_turn(s, 1);
    }
    siege_rebase(s);
    visitor_poll(&greedy);
    siege_counters(s, &after);
    uint64_t repeats = after.retransmitted - before.retransmitted,
             asked_for = after.nacked_packets_in - before.nacked_packets_in;
    print_message("%u workers: %u packets, %llu asked for again, %llu repeats\n", workers, sent,
                  (unsigned long long)asked_for, (unsigned long long)repeats);
    assert_true(repeats > 0 && repeats <= sent / 5 + 4);
    visitors_leave(s, &publisher, &greedy);
}

// PLI each 5 ms.
static void key_frames_without_end(unsigned workers, unsigned seconds) {
    struct siege *s = siege_open(workers, 3);
    struct visitor publisher, greedy;
    visitor_arrive(s, &publisher);
    visitor_arrive(s, &greedy);
    visitor_publish(&publisher, MEDIA_VIDEO);
    visitor_sends(&publisher, 96, 0, true, 100);
    visitor_consume(&greedy, MEDIA_VIDEO, 1);
    siege_rebase(s);
    publisher.plis = 0;
    uint64_t begin_us = clock_now_us(), asked = 0, answered = 0;
    uint32_t sent = 1;
    while (clock_now_us() < begin_us + seconds * US_PER_SECOND) {
        uint64_t us = clock_now_us() - begin_us;
        for (; sent < us * 100 / US_PER_SECOND; sent++) {
            visitor_sends(&publisher, 96, (uint16_t)sent, publisher.plis > answered, 500);
            answered = publisher.plis;
        }
        if (us / 5000 > asked) {
            uint8_t bytes[RTCP_DATAGRAM_MAX];
            struct writer w = writer_of(bytes, sizeof bytes);
            rtcp_write_pli(&w, 9, 0x20000000);
            media_peer_send_rtcp(greedy.guest.peer, span_of(w.ptr, w.len));
            asked = us / 5000;
        }
        visitor_poll(&greedy);
        visitor_poll(&publisher);
        siege_turn(s, 1);
    }
    print_message("%u workers: %llu wishes in %u s, the publisher was asked %llu times\n", workers,
                  (unsigned long long)asked, seconds, (unsigned long long)publisher.plis);
    assert_in_range(publisher.plis, 1, 6); // at 0, 1, 3, 7 s; one may be on its way again
    visitors_leave(s, &publisher, &greedy);
}

static void a_flood_of_sound_on_one_worker(void **state) {
    (void)state;
    a_flood_of_sound(1, 5);
}

static void a_flood_of_sound_on_two_workers(void **state) {
    (void)state;
    a_flood_of_sound(2, 5);
}

static void repeats_on_one_worker(void **state) {
    (void)state;
    repeats_without_end(1, 5);
}

static void key_frames_on_one_worker(void **state) {
    (void)state;
    key_frames_without_end(1, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_sound_on_one_worker),
        cmocka_unit_test(a_flood_of_sound_on_two_workers),
        cmocka_unit_test(repeats_on_one_worker),
        cmocka_unit_test(key_frames_on_one_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
