// The packets of one turn: gathered by receiver, in order, never twice, whatever happens in between.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "first receiver", *const B = "second receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a, *b;
};

// Video 1 (SSRC 1000) and audio 2 (SSRC 2000), which A and B receive.
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

// A packet of the turn: nothing goes out yet.
static void video(struct room *r, uint16_t seq, bool key) {
    fake_rtp_pending(r->f, r->pub,
                     (struct fake_packet){
                         .pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = seq / 4 * 3000u, .key = key});
}

static void audio(struct room *r, uint16_t seq) {
    fake_rtp_pending(r->f, r->pub,
                     (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = seq, .timestamp = seq * 960u});
}

static void turn_ends(struct room *r) {
    forwarder_flush(r->f->fw);
}

// What went to a peer under an SSRC runs without a gap and without a repeat; how many there were.
static unsigned run_of(const struct room *r, const char *peer, uint32_t ssrc) {
    unsigned count = 0;
    uint16_t last = 0;
    for (unsigned i = 0; i < r->f->rtp_count; i++) {
        const struct fake_rtp *p = &r->f->rtp[i];
        if (p->peer != peer || p->head.ssrc != ssrc)
            continue;
        if (count > 0 && p->head.seq != (uint16_t)(last + 1))
            fail_msg("packet %u of SSRC %u: expected number %u, got %u", count, ssrc, (uint16_t)(last + 1),
                     p->head.seq);
        last = p->head.seq;
        count++;
    }
    return count;
}

static void packets_leave_when_the_turn_ends_receiver_by_receiver(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 100, true);
    audio(&r, 5);
    video(&r, 101, false);
    assert_int_equal(r.f->rtp_count, 0);
    turn_ends(&r);
    static const struct {
        const char *const *peer;
        uint32_t ssrc;
    } expected[] = {{&A, 110}, {&A, 120}, {&A, 110}, {&B, 210}, {&B, 220}, {&B, 210}};
    assert_int_equal(r.f->rtp_count, 6);
    // Which receiver comes first is not promised; that its packets stay together and in order is.
    unsigned half = r.f->rtp[0].peer == A ? 0 : 3;
    for (unsigned i = 0; i < 6; i++) {
        unsigned row = (i + half) % 6;
        assert_ptr_equal(r.f->rtp[i].peer, *expected[row].peer);
        assert_int_equal(r.f->rtp[i].head.ssrc, expected[row].ssrc);
    }
    turn_ends(&r);
    assert_int_equal(r.f->rtp_count, 6);
    fake_destroy(r.f);
}

static void what_a_key_frame_takes_along_does_not_come_twice(void **state) {
    (void)state;
    static const uint16_t orders[][4] = {
        {100, 101, 102, 103}, {101, 100, 102, 103}, {101, 102, 103, 100}, {101, 102, 100, 103}};
    for (unsigned row = 0; row < sizeof orders / sizeof orders[0]; row++) {
        for (unsigned split = 0; split <= 4; split++) { // the turn ends after so many packets
            struct room r = room_open();
            video(&r, 99, false); // nothing that anybody could begin with
            turn_ends(&r);
            for (unsigned i = 0; i < 4; i++) {
                video(&r, orders[row][i], orders[row][i] == 100);
                if (i + 1 == split)
                    turn_ends(&r);
            }
            turn_ends(&r);
            assert_int_equal(run_of(&r, A, 110), 4);
            assert_int_equal(run_of(&r, B, 210), 4);
            fake_destroy(r.f);
        }
    }
}

static void who_joins_in_the_middle_of_a_turn_gets_each_packet_once(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 99, false);
    turn_ends(&r); // asks for a key frame
    video(&r, 100, true);
    video(&r, 101, false);
    struct endpoint *late = fake_connected(r.f, 4, "late");
    fake_open_consumer(r.f, 4, 1, 31, fake_receive_video(310, 0)); // begins with what came
    video(&r, 102, false);
    video(&r, 103, false);
    turn_ends(&r);
    assert_non_null(late);
    assert_int_equal(run_of(&r, A, 110), 4);
    unsigned count = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        count += r.f->rtp[i].head.ssrc == 310;
    assert_int_equal(count, 4);
    fake_destroy(r.f);
}

static void pausing_lets_go_what_came_before(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 100, true);
    fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
    video(&r, 101, false);
    turn_ends(&r);
    assert_int_equal(run_of(&r, A, 110), 1);
    assert_int_equal(run_of(&r, B, 210), 2);
    fake_destroy(r.f);
}

static void closing_in_the_middle_of_a_turn_loses_nothing_of_others(void **state) {
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct room r = room_open();
        video(&r, 100, true);
        audio(&r, 5);
        switch (what) {
        case 0:
            fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
            break;
        case 1:
            fake_close(r.f, MEDIA_CLOSE_PRODUCER, 1);
            break;
        case 2:
            forwarder_close_endpoint(r.f->fw, r.a);
            break;
        case 3:
            forwarder_close_endpoint(r.f->fw, r.pub);
            break;
        }
        turn_ends(&r);
        assert_int_equal(run_of(&r, B, 210), 1);
        assert_int_equal(run_of(&r, B, 220), 1);
        fake_destroy(r.f); // and every block has come back
    }
}

static void numbers_that_begin_anew_do_not_mix_with_those_before(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 100, true);
    video(&r, 101, false);
    video(&r, 40000, true); // wild at first; the second in a row is believed
    video(&r, 40001, true);
    video(&r, 40002, false);
    turn_ends(&r);
    assert_int_equal(run_of(&r, A, 110), 4); // 100, 101, 40001, 40002
    fake_destroy(r.f);
}

static void padding_closes_up_in_its_place(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 100, true);
    fake_rtp_pending(r.f, r.pub, (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = 101, .empty = true});
    video(&r, 102, false);
    turn_ends(&r);
    assert_int_equal(run_of(&r, A, 110), 2);
    fake_destroy(r.f);
}

static void a_turn_longer_than_the_list_goes_out_in_parts(void **state) {
    (void)state;
    struct room r = room_open();
    unsigned sent = 0;
    for (uint16_t seq = 1; sent * 2 <= FAN_OUT_JOBS_MAX; seq++, sent++) {
        audio(&r, seq);
        if (r.f->rtp_count > 0) {
            assert_int_equal(run_of(&r, A, 120), sent);
            break;
        }
    }
    assert_int_equal(sent * 2, FAN_OUT_JOBS_MAX); // the next one did not fit
    fake_clear(r.f);
    turn_ends(&r);
    assert_int_equal(run_of(&r, A, 120), 1);
    fake_destroy(r.f);
}

// What A and B got of the video in this turn: sizes with padding, and the padding.
static void check_sizes(const struct room *r, const char *peer, uint32_t ssrc, const unsigned (*expected)[2],
                        unsigned count) {
    unsigned n = 0;
    for (unsigned i = 0; i < r->f->rtp_count; i++) {
        const struct rtp_packet *head = &r->f->rtp[i].head;
        if (r->f->rtp[i].peer != peer || head->ssrc != ssrc)
            continue;
        assert_true(n < count);
        size_t longer = head->payload.len + head->padding - 32; // than the shortest
        if (longer != expected[n][0] || head->padding != expected[n][1])
            fail_msg("packet %u: expected %u bytes more than usual with %u of padding, got %zu with %u", n,
                     expected[n][0], expected[n][1], longer, (unsigned)head->padding);
        n++;
    }
    assert_int_equal(n, count);
}

static void packets_of_a_frame_become_equal(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned count, longer[5], expected[5][2];
    } rows[] = {
        {"cut as browsers do", 4, {0, 0, 1, 1}, {{1, 1}, {1, 1}, {1, 0}, {1, 0}}},
        {"the last may be shorter", 3, {5, 5, 2}, {{5, 0}, {5, 0}, {2, 0}}},
        {"too far apart", 3, {0, 9, 9}, {{0, 0}, {9, 0}, {9, 0}}},
        {"just near enough", 2, {0, 8}, {{8, 8}, {8, 0}}},
        {"each follows its neighbour", 3, {0, 5, 10}, {{0, 0}, {10, 5}, {10, 0}}},
        {"alone", 1, {3}, {{3, 0}}},
        {"a frame behind another", 5, {4, 3, 60, 61, 61}, {{4, 0}, {3, 0}, {61, 1}, {61, 0}, {61, 0}}},
    };
    for (unsigned row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        struct room r = room_open();
        for (unsigned i = 0; i < rows[row].count; i++)
            fake_rtp_pending(r.f, r.pub,
                             (struct fake_packet){.pt = VP8_PT,
                                                  .ssrc = 1000,
                                                  .seq = (uint16_t)(100 + i),
                                                  .key = i == 0,
                                                  .longer = rows[row].longer[i]});
        turn_ends(&r);
        check_sizes(&r, A, 110, rows[row].expected, rows[row].count);
        check_sizes(&r, B, 210, rows[row].expected, rows[row].count);
        fake_destroy(r.f);
    }
}

static void padding_stays_what_it_was_when_sent_again(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned i = 0; i < 2; i++)
        fake_rtp_pending(
            r.f, r.pub,
            (struct fake_packet){
                .pt = VP8_PT, .ssrc = 1000, .seq = (uint16_t)(100 + i), .key = i == 0, .longer = i});
    turn_ends(&r);
    const struct fake_rtp *sent = NULL;
    for (unsigned i = 0; i < r.f->rtp_count && !sent; i++)
        sent = r.f->rtp[i].peer == B && r.f->rtp[i].head.ssrc == 210 ? &r.f->rtp[i] : NULL;
    assert_non_null(sent);
    assert_int_equal(sent->head.padding, 1);
    uint8_t buffer[64];
    struct writer w = writer_of(buffer, sizeof buffer);
    rtcp_write_nack(&w, 77, 210, &sent->head.seq, 1);
    r.f->now_us += SECOND;
    unsigned before = r.f->rtp_count;
    fake_rtcp(r.f, r.b, &w);
    assert_int_equal(r.f->rtp_count, before + 1);
    assert_memory_equal(r.f->rtp[before].bytes, sent->bytes, sizeof sent->bytes);
    assert_int_equal(r.f->rtp[before].head.padding, 1);
    fake_destroy(r.f);
}

static void reports_count_no_padding(void **state) {
    (void)state;
    struct room r = room_open();
    uint8_t buffer[64];
    struct writer sr = writer_of(buffer, sizeof buffer);
    struct rtcp_sender_info clock = {.ntp = UINT64_C(1) << 32, .rtp_timestamp = 1};
    rtcp_write_sr(&sr, 1000, &clock, NULL, 0);
    for (unsigned i = 0; i < 2; i++)
        fake_rtp_pending(
            r.f, r.pub,
            (struct fake_packet){
                .pt = VP8_PT, .ssrc = 1000, .seq = (uint16_t)(100 + i), .key = i == 0, .longer = i * 4});
    turn_ends(&r);
    fake_rtcp(r.f, r.pub, &sr);
    struct rtcp_packet report;
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, &report), 1);
    assert_int_equal(report.octet_count, 32 + 36);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_leave_when_the_turn_ends_receiver_by_receiver),
        cmocka_unit_test(what_a_key_frame_takes_along_does_not_come_twice),
        cmocka_unit_test(who_joins_in_the_middle_of_a_turn_gets_each_packet_once),
        cmocka_unit_test(pausing_lets_go_what_came_before),
        cmocka_unit_test(closing_in_the_middle_of_a_turn_loses_nothing_of_others),
        cmocka_unit_test(numbers_that_begin_anew_do_not_mix_with_those_before),
        cmocka_unit_test(padding_closes_up_in_its_place),
        cmocka_unit_test(a_turn_longer_than_the_list_goes_out_in_parts),
        cmocka_unit_test(packets_of_a_frame_become_equal),
        cmocka_unit_test(padding_stays_what_it_was_when_sent_again),
        cmocka_unit_test(reports_count_no_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
