// What is counted of packets: to the byte, on the side and in the column where it belongs.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq, rtx_seq;
    uint64_t in_bytes; // of media as it came
};

static struct room room_open(void) {
    struct room r = {.f = fake_create(), .seq = 100, .rtx_seq = 900};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    return r;
}

// Returns its length.
static size_t video(struct room *r, struct fake_packet p) {
    uint8_t bytes[512];
    p.pt = p.osn ? RTX_PT : VP8_PT;
    p.ssrc = p.osn ? 1001 : 1000;
    p.seq = p.osn ? r->rtx_seq++ : r->seq++;
    p.timestamp = 3000u * p.seq;
    p.marker = true;
    size_t len = fake_build(bytes, sizeof bytes, &p);
    (void)fake_rtp(r->f, r->pub, p);
    return len;
}

static void stream(struct room *r, unsigned packets) {
    for (unsigned i = 0; i < packets; i++) {
        r->in_bytes += video(r, (struct fake_packet){.key = i == 0, .longer = i % 50});
        fake_run(r->f, 10 * MS);
    }
}

static struct media_stats stats_of(const struct room *r, struct media_cmd cmd) {
    cmd.type = MEDIA_GET_STATS;
    struct media_stats stats, untouched;
    memset(&stats, 0xee, sizeof stats);
    untouched = stats;
    forwarder_stats(r->f->fw, &cmd, r->f->now_us, &stats);
    assert_true(stats.found);
    unsigned streams = cmd.transport.v ? 0 : stats.stream_count; // and nothing is written behind them
    assert_memory_equal(&stats.streams[streams], &untouched.streams[streams],
                        (STREAMS_MAX - streams) * sizeof stats.streams[0]);
    return stats;
}

// Of what went out under an SSRC; *payload: without headers and padding.
static uint64_t bytes_out(const struct fake *f, uint32_t ssrc, uint64_t *payload) {
    uint64_t sum = 0;
    *payload = 0;
    for (unsigned i = 0; i < f->rtp_count; i++)
        if (f->rtp[i].head.ssrc == ssrc) {
            sum += f->rtp[i].head.header_len + f->rtp[i].head.payload.len + f->rtp[i].head.padding;
            *payload += f->rtp[i].head.payload.len;
        }
    return sum;
}

// At a steady rate the meter is right but for the part of its window that is not over.
static void expect_rate(uint32_t bps, uint64_t bytes, unsigned seconds) {
    uint64_t want = bytes * 8 / seconds;
    if (bps < want * 85 / 100 || bps > want * 115 / 100)
        fail_msg("%u bit/s, expected about %llu", bps, (unsigned long long)want);
}

static void media_counts_as_media_on_both_sides(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 500);
    uint64_t payload, out = bytes_out(r.f, 110, &payload);
    struct stream_report in = stats_of(&r, (struct media_cmd){.producer = {1}}).streams[0];
    assert_int_equal(in.packet_count, 500);
    assert_int_equal(in.byte_count, r.in_bytes);
    expect_rate(in.bitrate_bps, r.in_bytes, 5);
    struct stream_report sent = stats_of(&r, (struct media_cmd){.consumer = {11}}).streams[0];
    assert_int_equal(sent.packet_count, 500);
    assert_int_equal(sent.byte_count, out);
    expect_rate(sent.bitrate_bps, out, 5);
    struct transport_stats from = stats_of(&r, (struct media_cmd){.transport = {1}}).transport;
    assert_int_equal(from.rtp_bytes_received, r.in_bytes);
    expect_rate(from.rtp_recv_bitrate_bps, r.in_bytes, 5);
    assert_int_equal(from.rtx_bytes_received + from.rtp_bytes_sent + from.rtx_bytes_sent, 0);
    assert_int_equal(from.rtx_recv_bitrate_bps + from.rtp_send_bitrate_bps + from.rtx_send_bitrate_bps, 0);
    struct transport_stats to = stats_of(&r, (struct media_cmd){.transport = {2}}).transport;
    assert_int_equal(to.rtp_bytes_sent, out);
    expect_rate(to.rtp_send_bitrate_bps, out, 5);
    assert_int_equal(to.rtx_bytes_received + to.rtp_bytes_received + to.rtx_bytes_sent, 0);
    assert_int_equal(to.rtx_recv_bitrate_bps + to.rtp_recv_bitrate_bps + to.rtx_send_bitrate_bps, 0);
    // Sender reports count the payload alone.
    struct rtcp_packet report;
    assert_true(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, NULL) == 0); // the publisher's clock is not known
    uint8_t bytes[128];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_sender_info info = {.ntp = UINT64_C(1) << 40, .rtp_timestamp = 300000};
    rtcp_write_sr(&w, 1000, &info, NULL, 0);
    fake_rtcp(r.f, r.pub, &w);
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &report), 1);
    assert_int_equal(report.packet_count, 500);
    assert_int_equal(report.octet_count, payload);
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    assert_int_equal(counters->rtp_in, 500);
    assert_int_equal(counters->rtp_out, 500);
    assert_int_equal(counters->key_frames_in, 1);
    assert_int_equal(counters->rtcp_in, 1);
    assert_int_equal(counters->rtcp_out, r.f->rtcp_count);
    fake_destroy(r.f);
}

static void repeats_count_apart(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 300);
    uint16_t missing = r.seq++;
    r.in_bytes += video(&r, (struct fake_packet){0});
    fake_run(r.f, 20 * MS);
    fake_clear(r.f);
    size_t repeat = video(&r, (struct fake_packet){.osn = missing + 1});
    size_t again = video(&r, (struct fake_packet){.osn = missing + 1}); // which is there already
    size_t probe = video(&r, (struct fake_packet){.osn = 1, .empty = true});
    struct stream_report in = stats_of(&r, (struct media_cmd){.producer = {1}}).streams[0];
    assert_int_equal(in.byte_count, r.in_bytes);
    assert_int_equal(in.packets_repaired, 1);
    assert_int_equal(in.packets_retransmitted, 3);
    assert_in_range(in.rtx_packets_discarded, 1, 2);
    assert_int_equal(in.packets_lost, 0);
    assert_int_equal(in.packets_discarded, 0);
    assert_int_equal(in.nack_count, 1);
    assert_int_equal(in.nack_packet_count, 1);
    struct transport_stats from = stats_of(&r, (struct media_cmd){.transport = {1}}).transport;
    assert_int_equal(from.rtp_bytes_received, r.in_bytes);
    assert_int_equal(from.rtx_bytes_received, repeat + again + probe);
    assert_true(from.rtx_recv_bitrate_bps > 0);
    // And what A asks for again.
    uint16_t seq = r.f->rtp[0].head.seq;
    uint64_t payload, sent = stats_of(&r, (struct media_cmd){.transport = {2}}).transport.rtp_bytes_sent;
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_int_equal(rtcp_write_nack(&w, 9, 110, &seq, 1), 1);
    fake_rtcp(r.f, r.a, &w);
    struct transport_stats to = stats_of(&r, (struct media_cmd){.transport = {2}}).transport;
    assert_int_equal(to.rtp_bytes_sent, sent);
    assert_true(bytes_out(r.f, 111, &payload) > 0);
    assert_int_equal(to.rtx_bytes_sent, bytes_out(r.f, 111, &payload));
    assert_true(to.rtx_send_bitrate_bps > 0);
    struct stream_report out = stats_of(&r, (struct media_cmd){.consumer = {11}}).streams[0];
    assert_int_equal(out.packets_retransmitted, 1);
    assert_int_equal(out.nack_count, 1);
    assert_int_equal(out.nack_packet_count, 1);
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    assert_int_equal(counters->nack_in, 1);
    assert_int_equal(counters->nacked_packets_in, 1);
    assert_int_equal(counters->retransmitted, 1);
    assert_int_equal(counters->nack_out, 1);
    fake_destroy(r.f);
}

static void wishes_for_key_frames_count(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 100);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        if (i < 2)
            rtcp_write_pli(&w, 9, 110);
        else
            rtcp_write_fir(&w, 9, 110, 1);
        fake_rtcp(r.f, r.a, &w);
    }
    struct stream_report out = stats_of(&r, (struct media_cmd){.consumer = {11}}).streams[0];
    assert_int_equal(out.pli_count, 2);
    assert_int_equal(out.fir_count, 1);
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    assert_int_equal(counters->pli_in, 3);
    assert_int_equal(counters->pli_out, fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL));
    struct stream_report in = stats_of(&r, (struct media_cmd){.producer = {1}}).streams[0];
    assert_int_equal(in.pli_count, counters->pli_out);
    assert_int_equal(in.key_frames, 1);
    fake_destroy(r.f);
}

static void what_there_is_counts_until_it_goes(void **state) {
    (void)state;
    struct room r = room_open();
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    fake_open_producer(r.f, 1, 2, fake_audio(900));
    fake_open_consumer(r.f, 2, 2, 12, fake_receive_audio(120));
    struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = {1}, .relay = {.link = {7}}};
    forwarder_command(r.f->fw, &relay, r.f->now_us);
    stream(&r, 20);
    assert_int_equal(counters->relayed_out, 20);
    assert_int_equal(counters->endpoints, 2);
    assert_int_equal(counters->producers, 2);
    assert_int_equal(counters->consumers, 2);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 12);
    assert_int_equal(counters->consumers, 1);
    fake_close(r.f, MEDIA_CLOSE_PRODUCER, 2);
    assert_int_equal(counters->producers, 1);
    forwarder_close_endpoint(r.f->fw, r.pub); // with what it has
    assert_int_equal(counters->endpoints, 1);
    assert_int_equal(counters->producers, 0);
    assert_int_equal(counters->consumers, 0);
    fake_destroy(r.f);
}

// Sound's level is the mean of what was said since the last time.
static void a_level_is_the_mean_of_its_quarter_second(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    fake_open_producer(f, 1, 1, fake_audio(1000));
    struct media_event event;
    for (unsigned i = 0; i < 100; i++) {
        int level = i < 50 ? (i % 2 ? 20 : 40) : 60;
        (void)fake_rtp(
            f, pub,
            (struct fake_packet){
                .pt = OPUS_PT, .ssrc = 1000, .seq = (uint16_t)i, .timestamp = 960 * i, .level = level});
        fake_run(f, 20 * MS);
        if (i == 49) {
            assert_true(fake_count_events(f, MEDIA_AUDIO_LEVEL, &event) > 2);
            assert_in_range(-event.audio.level_dbov, 28, 32);
        }
    }
    assert_in_range(fake_count_events(f, MEDIA_AUDIO_LEVEL, &event), 7, 9);
    assert_int_equal(event.audio.level_dbov, -60);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(media_counts_as_media_on_both_sides),
        cmocka_unit_test(repeats_count_apart),
        cmocka_unit_test(wishes_for_key_frames_count),
        cmocka_unit_test(what_there_is_counts_until_it_goes),
        cmocka_unit_test(a_level_is_the_mean_of_its_quarter_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
