// Faults that others had with what is asked for again, and with its repeats, each tried here.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"
#include "rooms/media/repair.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
};

static struct room room_of(bool asks, bool is_asked) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    struct producer_params published = fake_video(1000, 1001);
    published.nack = is_asked;
    fake_open_producer(r.f, 1, 1, published);
    struct consumer_params received = fake_receive_video(110, 111);
    received.nack = asks;
    fake_open_consumer(r.f, 2, 1, 11, received);
    return r;
}

static struct room room_open(void) {
    return room_of(true, true);
}

static void video(struct room *r, uint16_t seq, bool key) {
    fake_rtp(
        r->f, r->pub,
        (struct fake_packet){
            .pt = VP8_PT, .ssrc = 1000, .marker = true, .seq = seq, .timestamp = seq * 3000u, .key = key});
}

static enum forward_drop rtx(struct room *r, uint16_t seq, uint16_t original) {
    return fake_rtp(
        r->f, r->pub,
        (struct fake_packet){
            .pt = RTX_PT, .ssrc = 1001, .seq = seq, .timestamp = original * 3000u, .osn = original + 1});
}

// FCI entries as they stand: number and bitmask.
static void nack(struct room *r, const uint16_t *fci, unsigned entries) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u16(&w, 0x81cd);
    write_u16(&w, (uint16_t)(2 + entries));
    write_u32(&w, 1);
    write_u32(&w, 110);
    for (unsigned i = 0; i < 2 * entries; i++)
        write_u16(&w, fci[i]);
    fake_rtcp(r->f, r->a, &w);
}

static unsigned asked(const struct room *r) {
    return fake_count_rtcp(r->f, PUB, RTCP_NACK, NULL);
}

// The newest packet once more was taken for 65535 that are missing.
static void the_newest_packet_again_is_no_gap(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 65530; seq != 5; seq++) {
        video(&r, seq, seq == 65530);
        video(&r, seq, seq == 65530);
    }
    fake_run(r.f, SECOND);
    assert_int_equal(asked(&r), 0);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 11);
    fake_destroy(r.f);
}

// Where numbers wrap, all that came before was taken for lost; or the bitmask was not read past 65535; or
// a repeat was kept in the place of another one, and went out the next time.
static void numbers_that_wrap_are_repeated_as_they_were(void **state) {
    (void)state;
    struct room r = room_open();
    unsigned wrap = 0;
    for (unsigned n = 0; wrap == 0; n++) { // until four more have followed
        video(&r, (uint16_t)n, n == 0);
        uint16_t newest = r.f->rtp[r.f->rtp_count - 1].head.seq;
        wrap = n > 100 && newest == 3 ? r.f->rtp_count - 8 : 0;
        fake_report(r.f, r.a, 110);
        if (newest % 64 == 32)
            fake_clear(r.f);
    }
    assert_int_equal(asked(&r), 0);
    struct fake_rtp was[8];
    memcpy(was, &r.f->rtp[wrap], sizeof was);
    for (unsigned again = 0; again < 3; again++) {
        fake_run(r.f, 200 * MS);
        fake_clear(r.f);
        uint16_t fci[] = {was[0].head.seq, 0x7f};
        nack(&r, fci, 1);
        assert_int_equal(fake_count_rtp(r.f, A, 111), again < REPAIR_TIMES_MAX ? 8 : 0);
        for (unsigned i = 0; i < r.f->rtp_count; i++) {
            assert_int_equal(r.f->rtp[i].original_seq, was[i].head.seq);
            assert_int_equal(r.f->rtp[i].head.timestamp, was[i].head.timestamp);
            assert_memory_equal(r.f->rtp[i].payload + 2, was[i].payload, 6);
        }
    }
    fake_destroy(r.f);
}

// Repeats had a version of 0, and were thrown away by whoever got them.
static void a_repeat_has_the_header_of_a_packet(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, true);
    struct fake_rtp was = r.f->rtp[0];
    uint16_t fci[] = {was.head.seq, 0};
    fake_clear(r.f);
    nack(&r, fci, 1);
    assert_int_equal(r.f->rtp_count, 1);
    assert_int_equal(r.f->rtp[0].bytes[0] & 0xf0, was.bytes[0] & 0xf0);
    assert_int_equal(r.f->rtp[0].bytes[0] >> 6, 2);
    assert_int_equal(r.f->rtp[0].head.marker, was.head.marker);
    assert_int_equal(r.f->rtp[0].head.payload.len, was.head.payload.len + 2);
    fake_destroy(r.f);
}

// One message that asks for a packet five times got it five times.
static void asked_for_five_times_in_a_message_is_once(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 30; seq++)
        video(&r, seq, seq == 0);
    uint16_t seq = r.f->rtp[20].head.seq;
    uint16_t fci[] = {seq, 0, seq, 0, (uint16_t)(seq - 1), 1, (uint16_t)(seq - 16), 0x8000, seq, 0};
    fake_clear(r.f);
    nack(&r, fci, 5);
    fake_run(r.f, 50 * MS);
    unsigned times = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        times += r.f->rtp[i].head.ssrc == 111 && r.f->rtp[i].original_seq == seq;
    assert_int_equal(times, 1);
    fake_destroy(r.f);
}

// A key frame emptied what repeats are made of, just when losses were worst.
static void what_went_before_a_key_frame_is_repeated(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 30; seq++)
        video(&r, seq, seq % 15 == 0);
    uint16_t fci[] = {r.f->rtp[12].head.seq, 0x7};
    fake_clear(r.f);
    nack(&r, fci, 1);
    assert_int_equal(fake_count_rtp(r.f, A, 111), 4); // two before it, and two from it on
    fake_destroy(r.f);
}

// The receiver asks before the publisher's repeat is here: nobody had it sent on when it came.
static void what_is_asked_for_before_it_is_here_comes_when_it_is(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    video(&r, 12, false);
    uint16_t missing = (uint16_t)(r.f->rtp[0].head.seq + 1), fci[] = {missing, 0};
    fake_clear(r.f);
    nack(&r, fci, 1);
    fake_run(r.f, 30 * MS);
    assert_int_equal(r.f->rtp_count, 0);
    assert_int_equal(asked(&r), 1);
    assert_int_equal(rtx(&r, 500, 11), FORWARD_DROP_NONE);
    assert_int_equal(r.f->rtp_count, 1);
    assert_int_equal(r.f->rtp[0].head.seq, missing);
    fake_run(r.f, SECOND);
    assert_int_equal(asked(&r), 1); // nor was it asked for again once it had come as RTX
    fake_destroy(r.f);
}

// NACK went to who had not negotiated it, and was served for who had not.
static void nobody_asks_who_did_not_negotiate_it(void **state) {
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        struct room r = room_of(which == 0, which == 1);
        video(&r, 10, true);
        video(&r, 12, false);
        uint16_t fci[] = {r.f->rtp[0].head.seq, 0};
        fake_clear(r.f);
        nack(&r, fci, 1);
        assert_int_equal(fake_count_rtp(r.f, A, 111), which == 0);
        fake_run(r.f, 100 * MS);
        assert_int_equal(asked(&r) > 0, which == 1);
        fake_destroy(r.f);
    }
}

// More gaps than one message of 200 bytes has room for; and messages that ask for nothing.
static void many_gaps_are_all_asked_for_and_no_message_is_empty(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned n = 0; n < 100 * 20; n++)
        if (n % 20 != 10)
            video(&r, (uint16_t)n, n == 0);
    fake_run(r.f, 60 * MS);
    bool wanted[2000] = {0};
    unsigned numbers = 0;
    for (unsigned i = 0; i < r.f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(r.f->rtcp[i].bytes, r.f->rtcp[i].len));
        for (struct rtcp_packet packet; r.f->rtcp[i].peer == PUB && rtcp_walk_next(&walk, &packet);) {
            struct reader body = reader_of(packet.body);
            struct rtcp_nack_item item;
            unsigned items = 0;
            for (; packet.kind == RTCP_NACK && rtcp_nack_next(&body, &item); items++) {
                assert_int_equal(item.seq % 20, 10);
                wanted[item.seq] = true;
            }
            assert_true(packet.kind != RTCP_NACK || items > 0);
        }
    }
    for (unsigned n = 0; n < 2000; n++)
        numbers += wanted[n];
    assert_int_equal(numbers, 100);
    fake_destroy(r.f);
}

// Browsers probe with RTX before the stream has begun: it was the end of that stream's RTX, or of the server.
static void rtx_before_anything_else_hurts_nobody(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t i = 0; i < 20; i++)
        (void)rtx(&r, (uint16_t)(400 + i), (uint16_t)(900 + i));
    assert_int_equal(r.f->rtp_count, 0);
    video(&r, 10, true);
    video(&r, 12, false);
    fake_run(r.f, 30 * MS);
    assert_int_equal(asked(&r), 1);
    assert_int_equal(rtx(&r, 420, 11), FORWARD_DROP_NONE);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 3);
    fake_destroy(r.f);
}

// A round trip that is told to be of seconds, or of nothing, does not decide alone how often something goes
// out again.
static void a_round_trip_beyond_reason_is_none(void **state) {
    (void)state;
    static const struct {
        uint32_t told_us;
        unsigned ms, repeats;
    } rows[] = {{3000000, 1200, 3}, {3000000, 990, 2}, {1, 25, 3},
                {1, 15, 2},         {100000, 175, 2},  {100000, 190, 3}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room r = room_open();
        for (uint16_t seq = 0; seq < 30; seq++)
            video(&r, seq, seq == 0);
        uint16_t fci[] = {r.f->rtp[20].head.seq, 0};
        forwarder_consumer(r.f->fw, (struct consumer_id){11})->stats.rtt_us = rows[i].told_us;
        fake_clear(r.f);
        for (unsigned ms = 0; ms < rows[i].ms; ms += 5) {
            nack(&r, fci, 1);
            fake_run(r.f, 5 * MS);
        }
        if (fake_count_rtp(r.f, A, 111) != rows[i].repeats)
            fail_msg("%u us: %u repeats in %u ms", rows[i].told_us, fake_count_rtp(r.f, A, 111), rows[i].ms);
        fake_destroy(r.f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_packet_again_is_no_gap),
        cmocka_unit_test(numbers_that_wrap_are_repeated_as_they_were),
        cmocka_unit_test(a_repeat_has_the_header_of_a_packet),
        cmocka_unit_test(asked_for_five_times_in_a_message_is_once),
        cmocka_unit_test(what_went_before_a_key_frame_is_repeated),
        cmocka_unit_test(what_is_asked_for_before_it_is_here_comes_when_it_is),
        cmocka_unit_test(nobody_asks_who_did_not_negotiate_it),
        cmocka_unit_test(many_gaps_are_all_asked_for_and_no_message_is_empty),
        cmocka_unit_test(rtx_before_anything_else_hurts_nobody),
        cmocka_unit_test(a_round_trip_beyond_reason_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
