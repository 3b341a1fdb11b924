// Reports, transport-wide feedback, scores and levels; and what crosses between workers.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "receiver A";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
};

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 2, 2, 12, fake_receive_audio(120));
    return r;
}

static void video(struct room *r, uint16_t seq, bool key, int transport_seq) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = VP8_PT,
                                  .ssrc = 1000,
                                  .seq = seq,
                                  .timestamp = (uint32_t)(r->f->now_us * 9 / 100),
                                  .key = key,
                                  .transport_seq = transport_seq});
}

static void audio(struct room *r, uint16_t seq, int level) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = OPUS_PT,
                                  .ssrc = 2000,
                                  .seq = seq,
                                  .timestamp = (uint32_t)(r->f->now_us * 48 / 1000),
                                  .level = level});
}

// The publisher's clock is years away from ours.
static uint64_t publisher_ntp(const struct room *r) {
    return ntp_from_wall_us(UINT64_C(900000000000000) + r->f->now_us);
}

static void sender_report(struct room *r, uint32_t ssrc, uint32_t timestamp) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_sender_info info = {.ntp = publisher_ntp(r), .rtp_timestamp = timestamp};
    rtcp_write_sr(&w, ssrc, &info, NULL, 0);
    fake_rtcp(r->f, r->pub, &w);
}

static void receivers_learn_the_publishers_time_early(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, true, 0);
    audio(&r, 0, 0);
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, NULL), 0); // nothing is known yet
    sender_report(&r, 1000, (uint32_t)(r.f->now_us * 9 / 100));
    struct rtcp_packet packet;
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &packet), 1); // at once
    assert_int_equal(packet.sender_ssrc, 110);
    assert_true(packet.ntp == publisher_ntp(&r));
    assert_int_equal(packet.rtp_timestamp, (uint32_t)(r.f->now_us * 9 / 100));
    assert_int_equal(packet.packet_count, 1);
    // A consumer that comes when the time is known has its report with its first packet.
    fake_clear(r.f);
    fake_open_consumer(r.f, 2, 1, 13, fake_receive_video(130, 0));
    fake_run(r.f, 300 * MS);
    video(&r, 1, true, 0);
    bool found = false;
    for (unsigned i = 0; i < r.f->rtcp_count; i++)
        found |= load_be32(r.f->rtcp[i].bytes + 4) == 130 && r.f->rtcp[i].bytes[1] == 200;
    assert_true(found);
    fake_destroy(r.f);
}

static void reports_go_on_about_once_a_second(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned ms = 0; ms < 20000; ms += 20) {
        if (ms % 1000 == 0) {
            sender_report(&r, 1000, (uint32_t)(r.f->now_us * 9 / 100));
            sender_report(&r, 2000, (uint32_t)(r.f->now_us * 48 / 1000));
        }
        if (ms % 60 != 0) // every third is lost
            video(&r, (uint16_t)(ms / 20), ms == 20, 0);
        audio(&r, (uint16_t)(ms / 20), 0);
        fake_run(r.f, 20 * MS);
        if (r.f->rtp_count > 3000)
            r.f->rtp_count = 0;
    }
    struct rtcp_packet packet;
    assert_in_range(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &packet), 2 * 14, 2 * 28);
    // The two tracks tell one time: their reports' NTP and RTP times are those of one clock.
    uint64_t expected = publisher_ntp(&r);
    assert_true(packet.ntp <= expected && expected - packet.ntp < UINT64_C(2) << 32);
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_RECEIVER_REPORT, &packet), 14, 28);
    struct reader body = reader_of(packet.body);
    struct rtcp_report report;
    bool video_seen = false, audio_seen = false;
    while (rtcp_report_next(&body, &report)) {
        assert_int_not_equal(report.last_sr, 0);
        if (report.ssrc == 1000) {
            video_seen = true;
            assert_in_range(report.fraction_lost, 70, 100); // a third of 256
        } else if (report.ssrc == 2000) {
            audio_seen = true;
            assert_int_equal(report.fraction_lost, 0);
        }
    }
    assert_true(video_seen && audio_seen);
    fake_destroy(r.f);
}

// RFC 3550, 6.1: a compound packet begins with a report and has a CNAME; feedback alone may be reduced (RFC
// 5506).
static void every_report_comes_with_a_cname(void **state) {
    (void)state;
    struct room r = room_open();
    sender_report(&r, 1000, 0);
    for (unsigned i = 0; i < 100; i++) {
        video(&r, (uint16_t)i, i == 0, 0);
        fake_run(r.f, 50 * MS);
    }
    unsigned reports = 0;
    for (unsigned i = 0; i < r.f->rtcp_count; i++) {
        const struct fake_rtcp *d = &r.f->rtcp[i];
        if (d->bytes[1] != 200 && d->bytes[1] != 201)
            continue;
        reports++;
        size_t at = 4 * (load_be16(d->bytes + 2) + 1u);
        assert_true(at < d->len);
        assert_int_equal(d->bytes[at + 1], 202);
        assert_int_equal(load_be32(d->bytes + at + 4), load_be32(d->bytes + 4));
        assert_int_equal(d->bytes[at + 8], 1);
    }
    assert_true(reports >= 4);
    fake_destroy(r.f);
}

static unsigned numbers_covered(const struct fake *f) {
    unsigned covered = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++)
        if (f->rtcp[i].bytes[1] == 205 && (f->rtcp[i].bytes[0] & 31) == 15)
            covered += load_be16(f->rtcp[i].bytes + 14);
    return covered;
}

static void feedback_covers_every_packet_within_100_ms(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned i = 1; i <= 200; i++) {
        fake_rtp(r.f, r.pub,
                 (struct fake_packet){.pt = VP8_PT,
                                      .ssrc = 1000,
                                      .seq = (uint16_t)i,
                                      .timestamp = 450 * i,
                                      .key = i == 1,
                                      .longer = 900,
                                      .transport_seq = (int)i});
        fake_run(r.f, 5 * MS);
    }
    fake_run(r.f, 100 * MS);
    assert_int_equal(numbers_covered(r.f), 200);
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_TRANSPORT_CC, NULL), 15, 25);
    fake_destroy(r.f);
}

// Who sends little is not told more often than a twentieth of it allows, and within a quarter of a second.
static uint64_t remb_last(const struct fake *f, unsigned *count) {
    uint64_t bps = UINT64_MAX;
    *count = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(f->rtcp[i].bytes, f->rtcp[i].len));
        for (struct rtcp_packet p; rtcp_walk_next(&walk, &p);)
            if (p.kind == RTCP_REMB && f->rtcp[i].peer == PUB) {
                bps = p.remb_bps;
                ++*count;
            }
    }
    return bps;
}

static void set_max(struct room *r, uint32_t bps) {
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE, .transport = {1}};
    cmd.max_bitrate.bps = bps;
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static void a_publisher_is_told_its_ceiling_and_the_end_of_it(void **state) {
    (void)state;
    struct room r = room_open();
    unsigned count;
    for (uint16_t i = 1; i <= 300; i++) {
        video(&r, i, i == 1, i);
        fake_run(r.f, 20 * MS);
        if (i == 100) {
            assert_int_equal(remb_last(r.f, &count), UINT64_MAX);
            set_max(&r, 262144);
        }
    }
    assert_int_equal(remb_last(r.f, &count), 262144);
    assert_in_range(count, 2, 4); // at once, and each 1.5 s of the 4
    set_max(&r, 0);
    fake_run(r.f, 10 * SECOND);
    fake_clear(r.f);
    fake_run(r.f, 10 * SECOND);
    assert_int_equal(remb_last(r.f, &count), UINT64_MAX); // told some times, and no more
    fake_destroy(r.f);
}

static void the_round_trip_is_measured_on_the_publishers_clock(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, true, 0);
    sender_report(&r, 1000, 0);
    struct rtcp_packet sr;
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &sr), 1);
    fake_run(r.f, 180 * MS);
    uint8_t bytes[128];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_report report = {.ssrc = 110,
                                 .fraction_lost = 128,
                                 .cumulative_lost = 9,
                                 .last_sr = (uint32_t)(sr.ntp >> 16),
                                 .delay_since_sr = 65536 / 10}; // it held it for 100 ms
    rtcp_write_rr(&w, 9, &report, 1);
    fake_rtcp(r.f, r.a, &w);
    struct media_cmd cmd = {.type = MEDIA_GET_STATS, .consumer = {11}};
    struct media_stats stats = {0};
    forwarder_stats(r.f->fw, &cmd, r.f->now_us, &stats);
    assert_true(stats.found);
    assert_int_equal(stats.stream_count, 2);
    assert_true(stats.streams[0].round_trip_ms > 78 && stats.streams[0].round_trip_ms < 82);
    assert_int_equal(stats.streams[0].packets_lost, 9);
    assert_int_equal(stats.streams[0].ssrc, 110);
    assert_int_equal(stats.streams[1].ssrc, 1000);
    struct media_event event;
    assert_int_equal(fake_count_events(r.f, MEDIA_CONSUMER_SCORE, &event), 1);
    assert_true(event.score < 5);
    fake_destroy(r.f);
}

// The one line about a room adds these up. A receiver that tells of more than it got is not believed.
static void a_transport_is_summed_up_with_what_was_closed(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 10; seq++)
        if (seq != 4)
            video(&r, seq, seq == 0, seq);
    sender_report(&r, 1000, 0);
    struct rtcp_packet sr;
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &sr), 1);
    fake_run(r.f, 180 * MS);
    struct path_quality in = forwarder_endpoint_quality(r.pub), before = forwarder_endpoint_quality(r.a);
    assert_int_equal(in.packets, 10);
    assert_int_equal(in.packets_lost, 1);
    assert_int_equal(in.rtt_us_max, 0); // it was asked nothing that would tell
    assert_int_equal(before.packets, 9);
    assert_int_equal(before.packets_lost, 0);
    uint8_t bytes[128];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_report report = {.ssrc = 110,
                                 .cumulative_lost = 5000,
                                 .last_sr = (uint32_t)(sr.ntp >> 16),
                                 .delay_since_sr = 65536 / 10};
    rtcp_write_rr(&w, 9, &report, 1);
    fake_rtcp(r.f, r.a, &w);
    assert_int_equal(forwarder_endpoint_quality(r.a).packets_lost, 9);
    fake_run(r.f, 20 * MS);
    w = writer_of(bytes, sizeof bytes);
    report.delay_since_sr = 65536 * 19 / 100; // closer now: the worst stays
    report.cumulative_lost = 2;
    rtcp_write_rr(&w, 9, &report, 1);
    fake_rtcp(r.f, r.a, &w);
    struct media_cmd cmd = {.type = MEDIA_CLOSE_PRODUCER, .producer = {1}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    struct path_quality out = forwarder_endpoint_quality(r.a);
    assert_int_equal(out.packets, 9);
    assert_int_equal(out.packets_lost, 2);
    assert_in_range(out.rtt_us_max, 78000, 82000);
    in = forwarder_endpoint_quality(r.pub);
    assert_int_equal(in.packets, 10);
    assert_int_equal(in.packets_lost, 1);
    fake_destroy(r.f);
}

static void counts_of_a_path_stop_at_their_maximum(void **state) {
    (void)state;
    struct path_quality sum = {.packets = UINT32_MAX - 5, .packets_lost = 7, .rtt_us_max = 40};
    path_quality_add(&sum, &(struct path_quality){.packets = 9, .packets_lost = 2, .rtt_us_max = 30});
    assert_int_equal(sum.packets, UINT32_MAX);
    assert_int_equal(sum.packets_lost, 9);
    assert_int_equal(sum.rtt_us_max, 40);
}

static void levels_are_told_four_times_a_second(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned i = 0; i < 100; i++) {
        audio(&r, (uint16_t)i, i % 2 ? 20 : 40);
        fake_run(r.f, 20 * MS);
    }
    struct media_event event;
    assert_in_range(fake_count_events(r.f, MEDIA_AUDIO_LEVEL, &event), 7, 9);
    assert_in_range(-event.audio.level_dbov, 28, 32);
    fake_destroy(r.f);
}

static void silence_of_dtx_is_no_loss(void **state) {
    (void)state;
    struct room r = room_open();
    uint16_t seq = 0;
    for (unsigned i = 0; i < 100; i++) {
        audio(&r, seq++, 30);
        fake_run(r.f, 20 * MS);
    }
    for (unsigned i = 0; i < 10; i++) { // one packet each 400 ms
        audio(&r, seq++, 127);
        fake_run(r.f, 400 * MS);
    }
    struct media_event event = {.score = 10};
    for (unsigned i = 0; i < r.f->event_count; i++)
        if (r.f->events[i].type == MEDIA_PRODUCER_SCORE && r.f->events[i].producer.v == 2)
            assert_int_equal(r.f->events[i].score, 10);
    (void)event;
    fake_destroy(r.f);
}

// ---- between workers

static void a_relay_carries_packets_and_time_once(void **state) {
    (void)state;
    struct room r = room_open();
    struct media_cmd cmd = {.type = MEDIA_OPEN_RELAY, .producer = {1}};
    cmd.relay.link.v = 3;
    sender_report(&r, 1000, 77);
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    assert_int_equal(r.f->relay_count, 1); // the time that is known already
    assert_true(r.f->relays[0].note && r.f->relays[0].said.type == RELAY_SENDER_REPORT);
    assert_int_equal(r.f->relays[0].said.rtp_timestamp, 77);
    fake_clear(r.f);
    for (uint16_t seq = 0; seq < 5; seq++)
        video(&r, seq, seq == 0, 0);
    assert_int_equal(r.f->relay_count, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(r.f->relays[i].to.v, 3);
        assert_int_equal(r.f->relays[i].producer.v, 1);
        assert_int_equal(r.f->relays[i].seq, i);
    }
    struct relay_note wish = {.type = RELAY_KEY_FRAME_WANTED, .producer = {1}};
    fake_run(r.f, 2 * SECOND);
    fake_clear(r.f);
    for (unsigned i = 0; i < 10; i++)
        forwarder_relay_note(r.f->fw, (struct link_id){3}, &wish, r.f->now_us);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    cmd.type = MEDIA_CLOSE_RELAY;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    video(&r, 5, false, 0);
    assert_int_equal(r.f->relay_count, 0);
    fake_destroy(r.f);
}

// Its SSRC is known from the offer, but nothing has come yet: it begins with a key frame by itself.
static void a_stream_that_has_not_begun_is_not_asked(void **state) {
    (void)state;
    struct fake *f = fake_create();
    fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    fake_open_producer(f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
    fake_run(f, 3 * SECOND);
    assert_int_equal(fake_count_rtcp(f, PUB, RTCP_PLI, NULL), 0);
    fake_destroy(f);
}

static void a_relayed_producer_asks_its_source(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *a = fake_connected(f, 2, A);
    struct media_cmd cmd = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = {1}};
    cmd.open_producer.params = fake_video(1000, 1001);
    cmd.open_producer.source.v = 6;
    forwarder_command(f->fw, &cmd, f->now_us);
    fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
    assert_int_equal(f->relay_count, 1);
    assert_true(f->relays[0].note && f->relays[0].said.type == RELAY_KEY_FRAME_WANTED);
    assert_int_equal(f->relays[0].to.v, 6);
    // Packets come prepared; a NACK is answered here. The last is from a link that is not its source's.
    for (uint16_t seq = 0; seq < 4; seq++) {
        struct block *b = pool_take(f->pool);
        struct rtp_packet packet;
        struct rtp_ext_values values = {0};
        b->len = (uint16_t)fake_build(
            block_data(b), 512,
            &(struct fake_packet){
                .pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = seq * 3000u, .key = seq == 0});
        assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &packet), ERR_OK);
        rtp_forward_prepare(b, &packet, &values, MEDIA_VIDEO, f->now_us);
        forward_meta_of(b)->key_frame = forward_meta_of(b)->opens = seq == 0;
        struct link_id from = {seq == 3 ? 5 : 6};
        forwarder_relayed_rtp(f->fw, from, (struct producer_id){1}, 0, b, f->now_us);
        forwarder_flush(f->fw);
    }
    assert_int_equal(fake_count_rtp(f, A, 110), 3);
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    uint16_t seq = f->rtp[1].head.seq;
    rtcp_write_nack(&w, 9, 110, &seq, 1);
    fake_rtcp(f, a, &w);
    assert_int_equal(fake_count_rtp(f, A, 111), 1);
    struct relay_note time = {.type = RELAY_SENDER_REPORT,
                              .producer = {1},
                              .ntp = 1234567,
                              .rtp_timestamp = 5,
                              .arrival_us = f->now_us};
    forwarder_relay_note(f->fw, (struct link_id){5}, &time, f->now_us); // not its source
    assert_int_equal(fake_count_rtcp(f, A, RTCP_SENDER_REPORT, NULL), 0);
    forwarder_relay_note(f->fw, (struct link_id){6}, &time, f->now_us);
    struct rtcp_packet packet;
    assert_int_equal(fake_count_rtcp(f, A, RTCP_SENDER_REPORT, &packet), 1);
    assert_true(packet.ntp == 1234567);
    assert_int_equal(packet.rtp_timestamp, 5);
    fake_destroy(f);
}

// The last REMB that went to the publisher: its bit rate and how many SSRCs it names; 0 for none.
static uint64_t last_remb(const struct fake *f, unsigned *ssrcs) {
    uint64_t bps = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        const uint8_t *b = f->rtcp[i].bytes;
        if (f->rtcp[i].peer != PUB || b[0] != 0x8f || b[1] != 206 || memcmp(b + 12, "REMB", 4) != 0)
            continue;
        uint32_t word = load_be32(b + 16);
        bps = (uint64_t)(word & 0x3ffff) << (word >> 18 & 0x3f);
        *ssrcs = word >> 24;
    }
    return bps;
}

// Who knows REMB alone is told what may be sent, more than what comes while the path is free, less when it
// fills; by abs-send-time, or by RTP timestamps where that is missing. Who knows better is not told.
static void who_knows_remb_alone_gets_it(void **state) {
    (void)state;
    static const struct {
        bool remb, send_time, probes; // by padding as RTX, before anything else
        unsigned later_us;            // than the frame before, on the way
        uint64_t least, most;
    } rows[] = {{true, true, false, 0, 500000, 800000},   {true, true, false, 3000, 50000, 450000},
                {true, false, false, 0, 500000, 800000},  {true, false, false, 3000, 50000, 450000},
                {true, false, true, 3000, 50000, 450000}, {false, true, false, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_create();
        struct endpoint *pub = fake_connected(f, 1, PUB);
        struct producer_params params = fake_video(1000, 1001);
        params.transport_cc = !rows[i].remb;
        params.remb = rows[i].remb;
        params.ext.ids[EXT_ABS_SEND_TIME] = EXT_ID_SEND_TIME;
        fake_open_producer(f, 1, 1, params);
        fake_open_producer(f, 1, 2, fake_audio(2000));
        uint64_t sent_us = f->now_us;
        struct fake_packet probe = {.pt = RTX_PT, .ssrc = 1001, .seq = 9, .timestamp = 5, .empty = true};
        if (rows[i].probes)
            fake_rtp(f, pub, probe);
        for (uint16_t seq = 0; seq < 600; seq++) { // five packets of 500 bytes each 40 ms: about 500 kbit/s
            struct fake_packet p = {.pt = VP8_PT,
                                    .ssrc = 1000,
                                    .seq = seq,
                                    .timestamp = (uint32_t)(sent_us * 9 / 100),
                                    .longer = 420,
                                    .key = seq == 0,
                                    .sent_us = rows[i].send_time ? sent_us : 0,
                                    .transport_seq = rows[i].remb ? 0 : seq + 1};
            fake_rtp(f, pub, p);
            if (seq % 5 == 4) {
                sent_us += 40 * MS;
                fake_run(f, 40 * MS + rows[i].later_us);
            }
        }
        unsigned ssrcs = 0;
        uint64_t bps = last_remb(f, &ssrcs);
        assert_in_range(bps, rows[i].least, rows[i].most);
        assert_int_equal(ssrcs, rows[i].remb ? 2 : 0);
        fake_clear(f);
        fake_run(f, 5 * SECOND);
        unsigned told = f->rtcp_count;
        fake_run(f, 5 * SECOND);
        assert_int_equal(f->rtcp_count, told); // nothing comes, nothing is told
        fake_destroy(f);
    }
}

// Sound alone is told of each 100 ms: more often would be a fifth of its rate.
static void feedback_is_in_proportion_to_what_it_is_about(void **state) {
    (void)state;
    struct room r = room_open();
    static const struct {
        bool video;
        unsigned longer, each_ms, least, most;
    } rows[] = {{false, 0, 20, 8, 11}, {true, 400, 5, 18, 21}};
    uint16_t seq = 0, number = 1;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned ms = 0; ms < 4000; ms += rows[i].each_ms) {
            if (ms == 3000)
                fake_clear(r.f);
            fake_rtp(r.f, r.pub,
                     (struct fake_packet){.pt = rows[i].video ? VP8_PT : OPUS_PT,
                                          .ssrc = rows[i].video ? 1000 : 2000,
                                          .seq = seq++,
                                          .timestamp = seq,
                                          .longer = rows[i].longer,
                                          .transport_seq = number++});
            fake_run(r.f, rows[i].each_ms * MS);
            r.f->rtp_count = 0;
        }
        assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_TRANSPORT_CC, NULL), rows[i].least, rows[i].most);
    }
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receivers_learn_the_publishers_time_early),
        cmocka_unit_test(reports_go_on_about_once_a_second),
        cmocka_unit_test(every_report_comes_with_a_cname),
        cmocka_unit_test(feedback_covers_every_packet_within_100_ms),
        cmocka_unit_test(feedback_is_in_proportion_to_what_it_is_about),
        cmocka_unit_test(a_publisher_is_told_its_ceiling_and_the_end_of_it),
        cmocka_unit_test(who_knows_remb_alone_gets_it),
        cmocka_unit_test(the_round_trip_is_measured_on_the_publishers_clock),
        cmocka_unit_test(a_transport_is_summed_up_with_what_was_closed),
        cmocka_unit_test(counts_of_a_path_stop_at_their_maximum),
        cmocka_unit_test(levels_are_told_four_times_a_second),
        cmocka_unit_test(silence_of_dtx_is_no_loss),
        cmocka_unit_test(a_relay_carries_packets_and_time_once),
        cmocka_unit_test(a_stream_that_has_not_begun_is_not_asked),
        cmocka_unit_test(a_relayed_producer_asks_its_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
