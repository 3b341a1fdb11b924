// Losses: what is asked of the publisher, and what receivers are given again (RFC 4585, RFC 4588).
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "with RTX", *const B = "without RTX";

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
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 3, 1, 21, fake_receive_video(210, 0));
    return r;
}

static enum forward_drop video(struct room *r, uint16_t seq, bool key) {
    return fake_rtp(
        r->f, r->pub,
        (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = seq * 3000u, .key = key});
}

static enum forward_drop rtx(struct room *r, uint16_t seq, uint16_t original) {
    return fake_rtp(
        r->f, r->pub,
        (struct fake_packet){
            .pt = RTX_PT, .ssrc = 1001, .seq = seq, .timestamp = original * 3000u, .osn = original + 1});
}

static void nack(struct room *r, struct endpoint *from, uint32_t ssrc, const uint16_t *seqs, unsigned count) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_int_equal(rtcp_write_nack(&w, 1, ssrc, seqs, count), count);
    fake_rtcp(r->f, from, &w);
}

static void a_gap_is_asked_for_after_the_time_of_reordering(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 65534, true);
    video(&r, 2, false); // 65535, 0, 1 are missing
    fake_run(r.f, 5 * MS);
    video(&r, 0, false); // was only late
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
    fake_run(r.f, 10 * MS);
    struct rtcp_packet packet;
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, &packet), 1);
    assert_int_equal(packet.media_ssrc, 1000);
    struct reader body = reader_of(packet.body);
    struct rtcp_nack_item item;
    assert_true(rtcp_nack_next(&body, &item));
    assert_int_equal(item.seq, 65535);
    assert_int_equal(item.bitmask, 1u << 1); // 65535 + 2 = 1
    assert_false(rtcp_nack_next(&body, &item));
    fake_destroy(r.f);
}

static void a_repair_takes_its_place(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    video(&r, 12, false);
    fake_run(r.f, 20 * MS);
    fake_clear(r.f);
    assert_int_equal(rtx(&r, 500, 11), FORWARD_DROP_NONE);
    assert_int_equal(r.f->rtp_count, 2);
    assert_int_equal(r.f->rtp[0].head.timestamp, 33000);
    assert_int_equal(r.f->rtp[0].head.payload_type, 101);
    assert_int_equal(rtx(&r, 501, 11), FORWARD_DROP_DUPLICATE);
    assert_int_equal(video(&r, 11, false), FORWARD_DROP_DUPLICATE);
    fake_run(r.f, SECOND);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
    assert_int_equal(r.f->rtp_count, 2);
    struct media_cmd cmd = {.type = MEDIA_GET_STATS, .producer = {1}};
    struct media_stats stats = {0};
    forwarder_stats(r.f->fw, &cmd, r.f->now_us, &stats);
    assert_true(stats.found);
    assert_int_equal(stats.streams[0].packets_repaired, 1);
    assert_int_equal(stats.streams[0].nack_count, 1);
    fake_destroy(r.f);
}

static void what_never_comes_is_asked_for_ten_times_and_then_a_key_frame(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    video(&r, 12, false);
    fake_run(r.f, 2 * SECOND);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 10);
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1, 2);
    fake_destroy(r.f);
}

static void a_hole_too_large_asks_for_a_key_frame(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    video(&r, 1000, false);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    fake_run(r.f, 500 * MS);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
    fake_destroy(r.f);
}

static void padding_leaves_no_gap(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    uint16_t first = r.f->rtp[0].head.seq;
    struct fake_packet padding = {.pt = VP8_PT, .ssrc = 1000, .seq = 11, .timestamp = 33000, .empty = true};
    assert_int_equal(fake_rtp(r.f, r.pub, padding), FORWARD_DROP_NONE);
    fake_clear(r.f);
    video(&r, 12, false);
    assert_int_equal(r.f->rtp[0].head.seq, (uint16_t)(first + 1));
    fake_run(r.f, SECOND);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 0);
    fake_destroy(r.f);
}

// The header that went out first, by consumer SSRC and number.
static const struct fake_rtp *sent(const struct fake *f, uint32_t ssrc, uint16_t seq) {
    for (unsigned i = 0; i < f->rtp_count; i++)
        if (f->rtp[i].head.ssrc == ssrc && f->rtp[i].head.seq == seq)
            return &f->rtp[i];
    fail_msg("number %u of %u never went out", seq, ssrc);
    return NULL;
}

static void a_receiver_gets_it_again_as_rtx(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 20; seq++)
        video(&r, (uint16_t)(65530 + seq), seq == 0);
    uint16_t first = r.f->rtp[0].head.seq;
    uint16_t wanted[] = {(uint16_t)(first + 3), (uint16_t)(first + 7)};
    uint16_t last_transport_seq = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        if (r.f->rtp[i].peer == A)
            last_transport_seq = r.f->rtp[i].transport_seq;
    uint8_t payload[8];
    memcpy(payload, sent(r.f, 110, wanted[0])->payload, 6);
    fake_clear(r.f);
    nack(&r, r.a, 110, wanted, 2);
    assert_int_equal(r.f->rtp_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(r.f->rtp[i].head.ssrc, 111);
        assert_int_equal(r.f->rtp[i].head.payload_type, 102);
        assert_int_equal(r.f->rtp[i].original_seq, wanted[i]);
        assert_int_equal(r.f->rtp[i].transport_seq, (uint16_t)(last_transport_seq + 1 + i));
    }
    assert_int_equal(r.f->rtp[1].head.seq, (uint16_t)(r.f->rtp[0].head.seq + 1));
    assert_memory_equal(r.f->rtp[0].payload + 2, payload, 6);
    assert_string_equal(r.f->rtp[0].mid, "7");
    fake_destroy(r.f);
}

// AES-GCM must never protect two different messages under one number (RFC 7714, section 8.4).
static void without_rtx_it_is_the_same_to_the_bit(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 20; seq++) {
        video(&r, seq, seq == 0);
        fake_run(r.f, 7 * MS);
    }
    uint16_t first = 0;
    for (unsigned i = 0; i < r.f->rtp_count && !first; i++)
        first = r.f->rtp[i].head.ssrc == 210 ? r.f->rtp[i].head.seq : 0;
    uint16_t wanted = (uint16_t)(first + 4);
    struct fake_rtp before = *sent(r.f, 210, wanted);
    fake_clear(r.f);
    nack(&r, r.b, 210, &wanted, 1);
    assert_int_equal(r.f->rtp_count, 1);
    assert_memory_equal(r.f->rtp[0].bytes, before.bytes, sizeof before.bytes);
    fake_destroy(r.f);
}

static void once_a_round_trip(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, true);
    uint16_t seq = r.f->rtp[0].head.seq;
    for (unsigned ms = 0; ms < 300; ms += 10) {
        nack(&r, r.a, 110, &seq, 1);
        fake_run(r.f, 10 * MS);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 111), 3); // at 0, 100 and 200 ms
    fake_destroy(r.f);
}

static void asking_for_everything_is_bounded(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 1000; seq++)
        video(&r, seq, seq == 0);
    uint16_t first = r.f->rtp[0].head.seq, all[1000];
    for (unsigned i = 0; i < 1000; i++)
        all[i] = (uint16_t)(first + i);
    fake_clear(r.f);
    for (unsigned i = 0; i < 10; i++) {
        nack(&r, r.a, 110, all, 500);
        nack(&r, r.a, 110, all + 500, 500);
    }
    assert_in_range(fake_count_rtp(r.f, A, 111), 400, 512);
    fake_destroy(r.f);
}

static void what_is_too_old_or_never_was_is_not_sent(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 0, true);
    uint16_t seqs[] = {r.f->rtp[0].head.seq, (uint16_t)(r.f->rtp[0].head.seq + 1)};
    fake_clear(r.f);
    nack(&r, r.a, 110, seqs + 1, 1); // not sent yet
    nack(&r, r.a, 999, seqs, 1);     // another's
    nack(&r, r.b, 110, seqs, 1);     // not B's
    assert_int_equal(r.f->rtp_count, 0);
    fake_run(r.f, 3 * SECOND);
    nack(&r, r.a, 110, seqs, 1);
    assert_int_equal(r.f->rtp_count, 0);
    assert_int_equal(pool_taken(r.f->pool), 0); // the history let go of it
    fake_destroy(r.f);
}

static void a_key_frame_that_begins_late_is_shown_whole(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 9, false);
    video(&r, 11, false); // 10, the key frame's first packet, is lost
    video(&r, 12, false);
    assert_int_equal(r.f->rtp_count, 0);
    fake_run(r.f, 30 * MS);
    fake_clear(r.f);
    struct fake_packet first = {
        .pt = RTX_PT, .ssrc = 1001, .seq = 5, .timestamp = 30000, .osn = 11, .key = true};
    assert_int_equal(fake_rtp(r.f, r.pub, first), FORWARD_DROP_NONE);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 3);
    assert_int_equal(fake_count_rtp(r.f, B, 210), 3);
    uint16_t seq = r.f->rtp[0].head.seq;
    for (unsigned i = 1; i < 3; i++)
        assert_int_equal(r.f->rtp[i].head.seq, (uint16_t)(seq + i));
    fake_destroy(r.f);
}

// A receiver that loses sound is known by its first NACK; what goes out from then on can be had again.
static void sound_is_kept_for_who_has_asked_for_it(void **state) {
    (void)state;
    struct room r = room_open();
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    struct consumer_params params = fake_receive_audio(310);
    params.nack = true;
    fake_open_consumer(r.f, 2, 2, 31, params);
    for (uint16_t seq = 0; seq < 3; seq++) {
        fake_clear(r.f);
        fake_rtp(r.f, r.pub,
                 (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = seq, .timestamp = seq * 960u});
        struct fake_rtp before = r.f->rtp[0];
        nack(&r, r.a, 310, &before.head.seq, 1);
        assert_int_equal(r.f->rtp_count, seq == 0 ? 1 : 2);
        if (seq > 0)
            assert_memory_equal(r.f->rtp[1].bytes, before.bytes, sizeof before.bytes);
        fake_run(r.f, 20 * MS);
    }
    fake_run(r.f, 3 * SECOND);
    assert_int_equal(pool_taken(r.f->pool), 0);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_asked_for_after_the_time_of_reordering),
        cmocka_unit_test(a_repair_takes_its_place),
        cmocka_unit_test(what_never_comes_is_asked_for_ten_times_and_then_a_key_frame),
        cmocka_unit_test(a_hole_too_large_asks_for_a_key_frame),
        cmocka_unit_test(padding_leaves_no_gap),
        cmocka_unit_test(a_receiver_gets_it_again_as_rtx),
        cmocka_unit_test(without_rtx_it_is_the_same_to_the_bit),
        cmocka_unit_test(sound_is_kept_for_who_has_asked_for_it),
        cmocka_unit_test(once_a_round_trip),
        cmocka_unit_test(asking_for_everything_is_bounded),
        cmocka_unit_test(what_is_too_old_or_never_was_is_not_sent),
        cmocka_unit_test(a_key_frame_that_begins_late_is_shown_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
