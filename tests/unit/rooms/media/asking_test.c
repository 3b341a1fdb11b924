// When a publisher is asked for key frames and for what is missing, and when not; what begins anew with its
// numbers.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq;
};

static struct room room_open(bool watched) {
    struct room r = {.f = fake_create(), .seq = 100};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    if (watched)
        fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    return r;
}

static enum forward_drop video(struct room *r, uint16_t seq, bool key) {
    struct fake_packet p = {.pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = seq * 1800u, .key = key};
    return fake_rtp(r->f, r->pub, p);
}

// A packet each 20 ms.
static void stream(struct room *r, unsigned ms) {
    for (unsigned t = 0; t < ms; t += 20) {
        (void)video(r, r->seq++, false);
        fake_run(r->f, 20 * MS);
    }
}

static void pli(struct room *r) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_pli(&w, 9, 110);
    fake_rtcp(r->f, r->a, &w);
}

static unsigned asked(const struct room *r) {
    return fake_count_rtcp(r->f, PUB, RTCP_PLI, NULL);
}

// ---- key frames

// The times at which the publisher has been asked since, in tenths of a second, expected to be these.
static void expect_asked_at(const struct room *r, uint64_t since_us, const unsigned *tenths, unsigned count) {
    unsigned n = 0;
    for (unsigned i = 0; i < r->f->rtcp_count; i++) {
        if (r->f->rtcp[i].peer != PUB || r->f->rtcp[i].bytes[1] != 206)
            continue;
        uint64_t at_us = r->f->rtcp[i].at_us - since_us;
        if (n < count && (at_us < tenths[n] * 100 * MS || at_us > tenths[n] * 100 * MS + 100 * MS))
            fail_msg("request %u came after %llu ms", n, (unsigned long long)(at_us / MS));
        n++;
    }
    assert_int_equal(n, count);
}

static void who_does_not_answer_is_given_more_and_more_time(void **state) {
    (void)state;
    static const unsigned in_vain[] = {0, 10, 20, 30, 50, 90, 170, 250}, anew[] = {0, 10, 20};
    struct room r = room_open(true);
    uint64_t begin_us = r.f->now_us;
    stream(&r, 30000);
    expect_asked_at(&r, begin_us, in_vain, sizeof in_vain / sizeof *in_vain);
    (void)video(&r, r.seq++, true);
    stream(&r, 60000); // it has been answered
    fake_clear(r.f);
    begin_us = r.f->now_us;
    pli(&r);
    stream(&r, 2500);
    expect_asked_at(&r, begin_us, anew, sizeof anew / sizeof *anew);
    fake_destroy(r.f);
}

// One request a second: another's wish is served from then on, to the millisecond.
static void others_wishes_are_served_a_second_later(void **state) {
    (void)state;
    for (unsigned early = 0; early < 2; early++) {
        struct room r = room_open(true);
        fake_open_consumer(r.f, 2, 1, 12, fake_receive_video(120, 121));
        (void)video(&r, r.seq++, true);
        fake_run(r.f, 20 * SECOND);
        (void)video(&r, r.seq++, false);
        fake_clear(r.f);
        pli(&r);
        assert_int_equal(asked(&r), 1);
        (void)video(&r, r.seq++, true);
        fake_run(r.f, SECOND - early * MS);
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        rtcp_write_pli(&w, 9, 120);
        fake_rtcp(r.f, r.a, &w);
        assert_int_equal(asked(&r), early ? 1 : 2);
        fake_run(r.f, 2 * MS);
        assert_int_equal(asked(&r), 2);
        fake_destroy(r.f);
    }
}

static void who_is_paused_is_not_asked(void **state) {
    (void)state;
    struct room r = room_open(true);
    (void)video(&r, r.seq++, true);
    stream(&r, 3000);
    fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, true);
    fake_clear(r.f);
    pli(&r);
    stream(&r, 1400); // it may still send for a moment
    assert_int_equal(asked(&r), 0);
    fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, false);
    stream(&r, 100);
    assert_int_equal(asked(&r), 1);
    fake_destroy(r.f);
}

static void whom_nobody_watches_is_not_asked(void **state) {
    (void)state;
    struct room r = room_open(false);
    (void)video(&r, r.seq++, true);
    stream(&r, 1000);
    r.seq = (uint16_t)(r.seq + 20000); // its numbers begin anew
    stream(&r, 3000);
    assert_int_equal(asked(&r), 0);
    fake_destroy(r.f);
}

// Sound has no key frames: however often it begins, that leaves video its beginnings.
static void sound_uses_up_no_beginnings(void **state) {
    (void)state;
    struct room r = room_open(false);
    stream(&r, 1000);
    fake_open_producer(r.f, 1, 2, fake_audio(900));
    fake_open_consumer(r.f, 2, 2, 12, fake_receive_audio(120));
    for (unsigned i = 0; i < KEY_COMING_BURST + 5; i++) {
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 12, true);
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 12, false);
    }
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    assert_int_equal(asked(&r), 1);
    fake_destroy(r.f);
}

// ---- what is missing

static void what_was_missing_before_a_pause_is_not_asked_for(void **state) {
    (void)state;
    struct room r = room_open(true);
    (void)video(&r, 10, true);
    (void)video(&r, 12, false);
    fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, true);
    fake_run(r.f, 100 * MS);
    fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, false);
    for (uint16_t seq = 13; seq < 30; seq++) {
        (void)video(&r, seq, false);
        fake_run(r.f, 20 * MS);
    }
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
    fake_destroy(r.f);
}

// One that is missing is asked for, and is no reason for a key frame.
// Of a publisher who loses packets the end of a frame is asked for when it is not there, not when the next
// frame is.
static void a_missing_end_is_asked_for(void **state) {
    (void)state;
    static const struct {
        const char *what;
        bool lossy, marker;
        unsigned asked;
    } rows[] = {{"in the middle of a frame", true, false, 1},
                {"behind its end", true, true, 0},
                {"of who loses nothing", false, false, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open(true);
        struct fake_packet p = {.pt = VP8_PT, .ssrc = 1000, .marker = true};
        for (uint16_t seq = 10; seq < 20; seq++) {
            if (seq == 15 && rows[i].lossy)
                continue;
            p.seq = seq;
            p.key = seq == 10;
            p.timestamp = seq * 3000u;
            fake_rtp(r.f, r.pub, p);
            fake_run(r.f, 20 * MS);
        }
        fake_rtp(
            r.f, r.pub,
            (struct fake_packet){
                .pt = RTX_PT, .ssrc = 1001, .seq = 7, .timestamp = 45000, .osn = 15 + 1, .marker = true});
        fake_clear(r.f);
        p.seq = 20;
        p.marker = rows[i].marker;
        fake_rtp(r.f, r.pub, p);
        fake_run(r.f, 19 * MS);
        assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
        fake_run(r.f, 5 * MS);
        struct rtcp_packet packet;
        if (fake_count_rtcp(r.f, PUB, RTCP_NACK, &packet) != rows[i].asked)
            fail_msg("%s: %u askings", rows[i].what, fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL));
        if (rows[i].asked)
            assert_int_equal(load_be16(packet.body.ptr), 21);
        fake_rtp(
            r.f, r.pub, // which is there in the end
            (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = 21, .timestamp = 60000, .marker = true});
        assert_int_equal(fake_count_rtp(r.f, A, 110), 2);
        fake_run(r.f, 2 * SECOND);
        assert_int_equal(asked(&r), 0);
        fake_destroy(r.f);
    }
}

static void a_gap_alone_asks_for_no_key_frame(void **state) {
    (void)state;
    struct room r = room_open(true);
    (void)video(&r, r.seq++, true);
    stream(&r, 3000);
    fake_clear(r.f);
    struct fake_packet repeat = {.pt = RTX_PT, .ssrc = 1001, .seq = 1, .osn = r.seq + 1};
    r.seq++;
    stream(&r, 60);
    assert_true(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL) > 0);
    assert_int_equal(fake_rtp(r.f, r.pub, repeat), FORWARD_DROP_NONE);
    stream(&r, 2000);
    assert_int_equal(asked(&r), 0);
    fake_destroy(r.f);
}

// The same of sound, whose duplicates are not known.
static void old_numbers_of_sound_are_counted_from_the_last_new_one(void **state) {
    (void)state;
    struct room r = room_open(false);
    fake_open_producer(r.f, 1, 2, fake_audio(900));
    const struct producer *p = forwarder_producer(r.f->fw, (struct producer_id){2});
    assert_non_null(p);
    static const uint16_t runs[][2] = {{0, 300}, {200, 249}, {300, 301}, {249, 250}, {200, 249}};
    struct fake_packet packet = {.pt = OPUS_PT, .ssrc = 900};
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (packet.seq = runs[i][0]; packet.seq < runs[i][1]; packet.seq++)
            (void)fake_rtp(r.f, r.pub, packet);
    assert_int_equal(p->streams[0].stats.restarts, 0);
    (void)fake_rtp(r.f, r.pub, packet); // the fiftieth
    assert_int_equal(p->streams[0].stats.restarts, 1);
    fake_destroy(r.f);
}

// Picture numbers of VP8 go on over a new beginning: some of a stream's pictures may be left out of what a
// receiver gets.
static void picture_numbers_go_on_over_a_beginning(void **state) {
    (void)state;
    struct room r = room_open(true);
    for (uint16_t i = 0; i < 100; i++) {
        struct fake_packet p = {.pt = VP8_PT,
                                .ssrc = 1000,
                                .seq = (uint16_t)(i < 50 ? i : 20000 + i),
                                .timestamp = i * 1800u,
                                .key = i == 0 || i == 55,
                                .picture = (uint16_t)(i < 50 ? 100 + i : 5000 + i)};
        (void)fake_rtp(r.f, r.pub, p);
        fake_run(r.f, 20 * MS);
    }
    assert_true(r.f->rtp_count >= 90);
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        assert_int_equal(load_be16(r.f->rtp[i].payload + 2) & 0x7fff, 100 + i);
    fake_destroy(r.f);
}

// Fifty that seem to have come before, in sequence and with nothing new between, are a new beginning.
static void fifty_old_numbers_in_sequence_are_a_beginning(void **state) {
    (void)state;
    for (unsigned broken = 0; broken < 2; broken++) {
        struct room r = room_open(true);
        for (uint16_t seq = 0; seq < 300; seq++)
            assert_int_equal(video(&r, seq, seq == 0), FORWARD_DROP_NONE);
        for (uint16_t seq = 200; seq < 249; seq++)
            assert_int_equal(video(&r, seq, false), FORWARD_DROP_DUPLICATE);
        if (broken)
            assert_int_equal(video(&r, 300, false), FORWARD_DROP_NONE);
        assert_int_equal(video(&r, 249, false), broken ? FORWARD_DROP_DUPLICATE : FORWARD_DROP_NONE);
        fake_destroy(r.f);
    }
}

// Reports go on while anything comes, repeats too.
static void reports_go_on_with_repeats(void **state) {
    (void)state;
    struct room r = room_open(false);
    for (uint16_t i = 0; i < 100; i++) { // as many bytes of the one as of the other
        struct fake_packet p = {.pt = VP8_PT, .ssrc = 1000, .seq = i, .timestamp = i * 9000u, .longer = 2};
        (void)fake_rtp(r.f, r.pub, p);
        p = (struct fake_packet){.pt = RTX_PT, .ssrc = 1001, .seq = i, .timestamp = i * 9000u, .osn = i + 1};
        (void)fake_rtp(r.f, r.pub, p);
        fake_run(r.f, 100 * MS);
    }
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_RECEIVER_REPORT, NULL), 6, 20);
    fake_destroy(r.f);
}

// ---- clocks

static void sender_report(struct room *r, uint64_t ntp, uint32_t rtp_timestamp) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_sender_info info = {.ntp = ntp, .rtp_timestamp = rtp_timestamp};
    rtcp_write_sr(&w, 1000, &info, NULL, 0);
    fake_rtcp(r->f, r->pub, &w);
}

// A receiver's reports go on as time does, though the publisher reports but once.
static void reports_go_on_from_the_publishers_last_one(void **state) {
    (void)state;
    struct room r = room_open(true);
    (void)video(&r, r.seq++, true);
    sender_report(&r, UINT64_C(500) << 32, 1800u * (r.seq - 1));
    stream(&r, 8000);
    struct rtcp_packet before = {0};
    unsigned compared = 0;
    for (unsigned i = 0; i < r.f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(r.f->rtcp[i].bytes, r.f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
            if (packet.kind != RTCP_SENDER_REPORT || r.f->rtcp[i].peer != A)
                continue;
            if (before.ntp) {
                uint64_t ticks = ((packet.ntp - before.ntp) * 90000) >> 32;
                assert_in_range(packet.rtp_timestamp - before.rtp_timestamp, ticks - 2, ticks + 2);
                compared++;
            }
            before = packet;
        }
    }
    assert_true(compared >= 4);
    // The clock of numbers that are over says nothing about those that follow.
    fake_clear(r.f);
    r.seq = (uint16_t)(r.seq + 20000);
    stream(&r, 4000);
    assert_int_equal(fake_count_rtcp(r.f, A, RTCP_SENDER_REPORT, NULL), 0);
    fake_destroy(r.f);
}

// ---- scores

// A score says how it was of late: the same losses again and again make it no worse.
static void a_score_does_not_fall_by_losses_that_are_over(void **state) {
    (void)state;
    struct room r = room_open(true);
    struct media_event first, last;
    (void)video(&r, r.seq++, true);
    for (unsigned n = 0; n < 400; n++) { // eight seconds of which a packet in twenty is lost
        r.seq = (uint16_t)(r.seq + (n % 20 == 0));
        stream(&r, 20);
    }
    assert_true(fake_count_events(r.f, MEDIA_PRODUCER_SCORE, &first) > 0);
    for (unsigned n = 0; n < 3000; n++) {
        r.seq = (uint16_t)(r.seq + (n % 20 == 0));
        stream(&r, 20);
        r.f->rtcp_count = r.f->rtp_count = 0;
    }
    (void)fake_count_events(r.f, MEDIA_PRODUCER_SCORE, &last);
    assert_in_range(first.score, 7, 9);
    assert_in_range(last.score, 7, 9);
    fake_destroy(r.f);
}

// A producer is as good as its best layer.
static void losses_of_one_layer_are_no_loss_of_the_best(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    struct media_event event = {.score = 10};
    fake_open_producer(f, 1, 1, fake_simulcast("0"));
    for (uint16_t n = 0; n < 400; n++) {
        for (unsigned l = 0; l < 2; l++) {
            struct fake_packet p = {.pt = VP8_PT,
                                    .ssrc = 500 + l,
                                    .mid = "0",
                                    .rid = l ? "r1" : "r0",
                                    .seq = (uint16_t)(l ? n : n + n / 10), // the lower one loses a tenth
                                    .timestamp = n * 1800u};
            (void)fake_rtp(f, pub, p);
        }
        fake_run(f, 20 * MS);
    }
    (void)fake_count_events(f, MEDIA_PRODUCER_SCORE, &event);
    assert_int_equal(event.score, 10);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_does_not_answer_is_given_more_and_more_time),
        cmocka_unit_test(others_wishes_are_served_a_second_later),
        cmocka_unit_test(who_is_paused_is_not_asked),
        cmocka_unit_test(whom_nobody_watches_is_not_asked),
        cmocka_unit_test(sound_uses_up_no_beginnings),
        cmocka_unit_test(reports_go_on_with_repeats),
        cmocka_unit_test(a_missing_end_is_asked_for),
        cmocka_unit_test(a_gap_alone_asks_for_no_key_frame),
        cmocka_unit_test(old_numbers_of_sound_are_counted_from_the_last_new_one),
        cmocka_unit_test(picture_numbers_go_on_over_a_beginning),
        cmocka_unit_test(what_was_missing_before_a_pause_is_not_asked_for),
        cmocka_unit_test(fifty_old_numbers_in_sequence_are_a_beginning),
        cmocka_unit_test(reports_go_on_from_the_publishers_last_one),
        cmocka_unit_test(losses_of_one_layer_are_no_loss_of_the_best),
        cmocka_unit_test(a_score_does_not_fall_by_losses_that_are_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
