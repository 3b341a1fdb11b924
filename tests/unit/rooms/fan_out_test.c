// The packets of one turn: gathered by receiver, in order, never twice, whatever happens in between.
#include "forward_fake.h"

#include "rooms/media_objects.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
