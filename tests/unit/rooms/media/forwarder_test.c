// The forwarder as a whole: one publisher, some receivers, plain packets.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "receiver A", *const B = "receiver B";

// A publisher (transport 1) with video (producer 1, SSRC 1000, RTX 1001) and audio (producer 2, SSRC 2000);
// A (transport 2) and B (transport 3) receive both: consumers 11, 12 and 21, 22.
struct room {
    struct fake *f;
    struct endpoint *pub, *a, *b;
};

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    r.b = fake_connected(r.f, 3, B);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 2, 2, 12, fake_receive_audio(120));
    fake_open_consumer(r.f, 3, 1, 21, fake_receive_video(210, 0));
    fake_open_consumer(r.f, 3, 2, 22, fake_receive_audio(220));
    return r;
}

static enum forward_drop video(struct room *r, uint16_t seq, uint32_t timestamp, bool key) {
    return fake_rtp(
        r->f, r->pub,
        (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = timestamp, .key = key});
}

static enum forward_drop audio(struct room *r, uint16_t seq, uint32_t timestamp) {
    return fake_rtp(r->f, r->pub,
                    (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = seq, .timestamp = timestamp});
}

static void every_receiver_gets_its_own_header(void **state) {
    (void)state;
    struct room r = room_open();
    assert_int_equal(video(&r, 65535, 9000, true), FORWARD_DROP_NONE);
    assert_int_equal(video(&r, 0, 12000, false), FORWARD_DROP_NONE);
    assert_int_equal(audio(&r, 5, 960), FORWARD_DROP_NONE);
    assert_int_equal(r.f->rtp_count, 6);
    const struct fake_rtp *first = &r.f->rtp[0], *other = &r.f->rtp[1], *next = &r.f->rtp[2];
    assert_ptr_equal(first->peer, A);
    assert_int_equal(first->head.ssrc, 110);
    assert_int_equal(first->head.payload_type, 101);
    assert_string_equal(first->mid, "7");
    assert_ptr_equal(other->peer, B);
    assert_int_equal(other->head.ssrc, 210);
    assert_int_equal(next->head.seq, first->head.seq + 1);
    assert_int_equal(next->head.timestamp - first->head.timestamp, 3000);
    assert_true(first->head.seq >= 1 && first->head.seq <= 32767);
    assert_int_equal(r.f->rtp[4].head.payload_type, 100);
    assert_string_equal(r.f->rtp[4].mid, "8");
    assert_memory_equal(first->payload, "\x10\x00\xff\xff", 4);
    fake_destroy(r.f);
}

static void video_waits_for_a_key_frame_and_asks_for_it_once(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 9, 3000, false); // its first packet: now there is someone to ask
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1); // two consumers, one request
    for (uint16_t seq = 10; seq < 20; seq++)
        video(&r, seq, 3000, false);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 0);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    video(&r, 20, 6000, true);
    video(&r, 21, 6000, false);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 2);
    assert_int_equal(fake_count_rtp(r.f, B, 210), 2);
    fake_run(r.f, 3 * SECOND);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    fake_destroy(r.f);
}

static void requests_merge_to_one_a_second_until_a_key_frame_comes(void **state) {
    (void)state;
    struct room r = room_open();
    uint8_t bytes[64];
    uint16_t seq = 0;
    for (unsigned ms = 0; ms < 5000; ms += 20) { // both receivers complain all the time
        struct writer w = writer_of(bytes, sizeof bytes);
        rtcp_write_pli(&w, 1, 110);
        fake_rtcp(r.f, r.a, &w);
        w = writer_of(bytes, sizeof bytes);
        rtcp_write_fir(&w, 1, 210, 3);
        fake_rtcp(r.f, r.b, &w);
        video(&r, seq++, 90 * ms, false);
        fake_run(r.f, 20 * MS);
    }
    // At 0, 1, 2, 3, 4 and perhaps 5 s.
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 5, 6);
    uint64_t last_us = 0;
    for (unsigned i = 0; i < r.f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(r.f->rtcp[i].bytes, r.f->rtcp[i].len));
        struct rtcp_packet packet;
        assert_true(rtcp_walk_next(&walk, &packet));
        if (packet.kind != RTCP_PLI)
            continue;
        if (last_us)
            assert_true(r.f->rtcp[i].at_us - last_us >= SECOND);
        last_us = r.f->rtcp[i].at_us;
        assert_int_equal(packet.media_ssrc, 1000);
    }
    fake_destroy(r.f);
}

static void a_consumer_starts_when_its_endpoint_connects(void **state) {
    (void)state;
    struct room r = room_open();
    const char *late = "late";
    struct endpoint *ep = fake_endpoint(r.f, 4, late);
    fake_open_consumer(r.f, 4, 1, 31, fake_receive_video(310, 311));
    fake_open_consumer(r.f, 4, 2, 32, fake_receive_audio(320));
    video(&r, 0, 0, true);
    audio(&r, 0, 0);
    assert_int_equal(fake_count_rtp(r.f, late, 310) + fake_count_rtp(r.f, late, 320), 0);
    fake_run(r.f, 2 * SECOND);
    fake_clear(r.f);
    forwarder_endpoint_connected(r.f->fw, ep, r.f->now_us);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    audio(&r, 1, 960);
    assert_int_equal(fake_count_rtp(r.f, late, 320), 1);
    video(&r, 1, 3000, false);
    assert_int_equal(fake_count_rtp(r.f, late, 310), 0);
    video(&r, 2, 6000, true);
    assert_int_equal(fake_count_rtp(r.f, late, 310), 1);
    fake_destroy(r.f);
}

// Who comes late begins with the key frame that the history has, where it is not older than what would take
// its place, and its publisher is not asked.
static void a_late_joiner_begins_with_the_history(void **state) {
    (void)state;
    static const struct {
        unsigned ms, packets; // since the key frame
        bool served;
    } rows[] = {{40, 1, true}, {500, 12, true}, {950, 400, true}, {950, 600, false}, {1200, 30, false}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open();
        const char *late = "late";
        (void)fake_connected(r.f, 4, late);
        uint16_t seq = 65500;
        for (unsigned k = 0; k <= rows[i].packets; k++) {
            video(&r, seq, 3000 + k * 30, k == 0);
            seq++;
        }
        fake_run(r.f, rows[i].ms * MS);
        fake_clear(r.f);
        fake_open_consumer(r.f, 4, 1, 31, fake_receive_video(310, 311));
        assert_int_equal(fake_count_rtp(r.f, late, 310), rows[i].served ? rows[i].packets + 1 : 0);
        assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), !rows[i].served);
        fake_destroy(r.f);
    }
}

static void pause_and_resume_leave_no_gap(void **state) {
    (void)state;
    static const enum media_cmd_type what[] = {MEDIA_PAUSE_CONSUMER, MEDIA_PAUSE_PRODUCER};
    for (unsigned i = 0; i < 2; i++) {
        struct room r = room_open();
        uint32_t id = what[i] == MEDIA_PAUSE_CONSUMER ? 11 : 1;
        video(&r, 0, 0, true);
        uint16_t first = r.f->rtp[0].head.seq;
        fake_pause(r.f, what[i], id, true);
        for (uint16_t seq = 1; seq < 50; seq++)
            video(&r, seq, seq * 3000u, false);
        assert_int_equal(fake_count_rtp(r.f, A, 110), 1);
        fake_run(r.f, 2 * SECOND);
        fake_clear(r.f);
        fake_pause(r.f, what[i], id, false);
        assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
        video(&r, 50, 180000, false);
        assert_int_equal(fake_count_rtp(r.f, A, 110), 0);
        video(&r, 51, 183000, true);
        video(&r, 52, 186000, false);
        assert_int_equal(fake_count_rtp(r.f, A, 110), 2);
        const struct fake_rtp *again = NULL;
        for (unsigned k = r.f->rtp_count; k-- > 0;)
            if (r.f->rtp[k].head.ssrc == 110)
                again = &r.f->rtp[k];
        assert_int_equal(again->head.seq, (uint16_t)(first + 1));
        assert_int_equal(again->head.timestamp, 183000);
        fake_destroy(r.f);
    }
}

static void closing_in_any_order_leaves_nothing(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, 0, true);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    video(&r, 1, 3000, false);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 1);
    assert_int_equal(fake_count_rtp(r.f, B, 210), 2);
    fake_clear(r.f);
    fake_close(r.f, MEDIA_CLOSE_PRODUCER, 1);
    assert_int_equal(r.f->forgotten_count, 2); // media and RTX
    assert_int_equal(video(&r, 2, 6000, true), FORWARD_DROP_UNKNOWN_SSRC);
    assert_int_equal(r.f->forgotten[2], 1000);
    assert_int_equal(forwarder_counters(r.f->fw)->consumers, 2);
    forwarder_close_endpoint(r.f->fw, r.pub);
    assert_int_equal(forwarder_counters(r.f->fw)->consumers, 0);
    assert_int_equal(forwarder_counters(r.f->fw)->producers, 0);
    assert_int_equal(forwarder_counters(r.f->fw)->endpoints, 2);
    fake_destroy(r.f);
}

static void unknown_names_change_nothing(void **state) {
    (void)state;
    struct room r = room_open();
    for (int type = 0; type <= MEDIA_GET_STATS; type++) {
        if (type == MEDIA_OPEN_RELAYED_PRODUCER)
            continue; // makes one
        struct media_cmd cmd = {
            .type = (enum media_cmd_type)type, .transport = {99}, .producer = {99}, .consumer = {99}};
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
    }
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(999, 0));  // the id is taken
    fake_open_consumer(r.f, 2, 1, 555, fake_receive_video(110, 0)); // the SSRC is taken
    fake_open_producer(r.f, 1, 1, fake_video(3000, 0));             // the id is taken
    assert_int_equal(forwarder_counters(r.f->fw)->consumers, 4);
    assert_int_equal(forwarder_counters(r.f->fw)->producers, 2);
    fake_destroy(r.f);
}

static void malformed_packets_are_dropped(void **state) {
    (void)state;
    struct room r = room_open();
    static const uint8_t bad[] = {0x40, 96, 0, 1, 0, 0, 0, 0, 0, 0, 3, 232, 1};
    for (uint16_t len = 0; len <= sizeof bad; len++) {
        struct block *b = pool_take(r.f->pool);
        memcpy(block_data(b), bad, len);
        b->len = len;
        assert_int_equal(forwarder_rtp(r.f->fw, r.pub, b, r.f->now_us), FORWARD_DROP_MALFORMED);
    }
    static const uint8_t lying[] = {0x81, 206, 0, 99, 0, 0, 0, 1};
    assert_false(forwarder_rtcp(r.f->fw, r.a, span_of(lying, sizeof lying), r.f->now_us));
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_receiver_gets_its_own_header),
        cmocka_unit_test(video_waits_for_a_key_frame_and_asks_for_it_once),
        cmocka_unit_test(requests_merge_to_one_a_second_until_a_key_frame_comes),
        cmocka_unit_test(a_consumer_starts_when_its_endpoint_connects),
        cmocka_unit_test(a_late_joiner_begins_with_the_history),
        cmocka_unit_test(pause_and_resume_leave_no_gap),
        cmocka_unit_test(closing_in_any_order_leaves_nothing),
        cmocka_unit_test(unknown_names_change_nothing),
        cmocka_unit_test(malformed_packets_are_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
