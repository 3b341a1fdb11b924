// How far away publishers are, by RFC 3611 or by their answers to NACKs, and what follows from it.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "receiver A";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq, rtx_seq;
};

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    return r;
}

static void video(struct room *r, uint16_t seq, int osn) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = osn ? RTX_PT : VP8_PT,
                                  .ssrc = osn ? 1001 : 1000,
                                  .seq = seq,
                                  .marker = true,
                                  .timestamp = (uint32_t)(r->f->now_us * 9 / 100),
                                  .key = seq == 0 && !osn,
                                  .osn = osn});
}

static void pass(struct room *r, unsigned ms) {
    for (unsigned i = 0; i < ms; i += 20) {
        video(r, r->seq++, 0);
        fake_run(r->f, 20 * MS);
    }
    r->f->rtp_count = 0;
}

static float round_trip_ms(struct room *r) {
    struct media_stats stats;
    forwarder_stats(r->f->fw, &(struct media_cmd){.type = MEDIA_GET_STATS, .producer = {1}}, r->f->now_us,
                    &stats);
    assert_true(stats.found);
    return stats.streams[0].round_trip_ms;
}

// The last time that the publisher was told, 0: none; and under which SSRC.
static uint64_t told_time(const struct room *r, uint32_t *ssrc) {
    struct rtcp_packet xr;
    uint64_t ntp = 0;
    if (fake_count_rtcp(r->f, PUB, RTCP_XR, &xr) == 0)
        return 0;
    struct reader body = reader_of(xr.body);
    for (struct rtcp_xr_block block; rtcp_xr_next(&body, &block);)
        ntp = block.is_dlrr ? ntp : block.ntp;
    *ssrc = xr.sender_ssrc;
    return ntp;
}

static void publisher_answers(struct room *r, uint32_t ssrc, uint64_t ntp, uint32_t delay_ms) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_dlrr_item item = {
        .ssrc = ssrc, .last_rr = (uint32_t)(ntp >> 16), .delay_since_rr = (delay_ms << 16) / 1000};
    rtcp_write_xr(&w, 1000, 0, &item, 1);
    fake_rtcp(r->f, r->pub, &w);
}

// How long after its gap was seen a packet is asked for, and how long after that again.
static void ask_times(struct room *r, unsigned *first_ms, unsigned *again_ms) {
    uint16_t missing = r->seq++;
    video(r, r->seq++, 0);
    unsigned asked = fake_count_rtcp(r->f, PUB, RTCP_NACK, NULL), ms = 0;
    *first_ms = 0;
    for (; ms < 2000; ms++) {
        fake_run(r->f, MS);
        if (fake_count_rtcp(r->f, PUB, RTCP_NACK, NULL) == asked)
            continue;
        asked++;
        if (*first_ms)
            break;
        *first_ms = ms + 1;
    }
    *again_ms = ms + 1 - *first_ms;
    video(r, r->rtx_seq++, missing + 1);
}

static void a_publisher_that_answers_is_asked_again_by_its_round_trip(void **state) {
    (void)state;
    struct room r = room_open();
    unsigned first_ms, again_ms;
    pass(&r, 40);
    ask_times(&r, &first_ms, &again_ms);
    assert_in_range(first_ms, 9, 12);
    assert_in_range(again_ms, 99, 103); // nothing is known yet
    uint32_t ssrc = 0;
    for (unsigned i = 0; i < 10; i++) {
        fake_clear(r.f);
        while (told_time(&r, &ssrc) == 0)
            pass(&r, 20);
        uint64_t ntp = told_time(&r, &ssrc);
        pass(&r, 300);
        publisher_answers(&r, ssrc, ntp, 280); // 280 of the 300 to 320 ms were its own
    }
    assert_true(round_trip_ms(&r) >= 20 && round_trip_ms(&r) < 42);
    fake_clear(r.f);
    ask_times(&r, &first_ms, &again_ms);
    assert_in_range(first_ms, 3, 7); // nothing was overtaken for seconds
    assert_in_range(again_ms, 28, 70);
    fake_destroy(r.f);
}

static void lies_about_the_round_trip_change_nothing(void **state) {
    (void)state;
    struct room r = room_open();
    uint32_t ssrc = 0;
    while (told_time(&r, &ssrc) == 0)
        pass(&r, 20);
    uint64_t ntp = told_time(&r, &ssrc);
    assert_true(ssrc != 0);
    pass(&r, 100);
    publisher_answers(&r, ssrc + 1, ntp, 0);         // somebody else's
    publisher_answers(&r, ssrc, ntp + (1 << 20), 0); // never told
    publisher_answers(&r, ssrc, 0, 0);               // no time at all
    publisher_answers(&r, ssrc, ntp, 60000);         // longer than it is ago
    assert_true(round_trip_ms(&r) == 0);
    publisher_answers(&r, ssrc, ntp, 0);
    assert_true(round_trip_ms(&r) > 0);
    fake_destroy(r.f);
}

static void without_answers_the_time_of_repeats_counts(void **state) {
    (void)state;
    struct room r = room_open();
    unsigned first_ms, again_ms;
    pass(&r, 40);
    for (unsigned i = 0; i < 20; i++) {
        uint16_t missing = r.seq++;
        fake_clear(r.f);
        video(&r, r.seq++, 0);
        while (fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL) == 0)
            fake_run(r.f, MS);
        fake_run(r.f, 40 * MS);
        video(&r, r.rtx_seq++, missing + 1);
    }
    assert_true(round_trip_ms(&r) >= 39 && round_trip_ms(&r) <= 42);
    fake_clear(r.f);
    ask_times(&r, &first_ms, &again_ms);
    assert_in_range(again_ms, 44, 55);
    fake_destroy(r.f);
}

// Repeats under their old numbers are no packets that were overtaken.
static void without_rtx_repeats_count_as_well(void **state) {
    (void)state;
    struct room r = {.f = fake_create()};
    unsigned first_ms, again_ms;
    r.pub = fake_connected(r.f, 1, PUB);
    struct producer_params params = fake_video(1000, 0);
    params.rtx_payload_type = PAYLOAD_TYPE_NONE;
    fake_open_producer(r.f, 1, 1, params);
    for (unsigned i = 0; i < 20; i++) {
        pass(&r, 20);
        uint16_t missing = r.seq++;
        fake_clear(r.f);
        video(&r, r.seq++, 0);
        while (fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL) == 0)
            fake_run(r.f, MS);
        fake_run(r.f, 40 * MS);
        video(&r, missing, 0);
    }
    assert_true(round_trip_ms(&r) >= 39 && round_trip_ms(&r) <= 42);
    ask_times(&r, &first_ms, &again_ms);
    assert_in_range(first_ms, 3, 12);
    fake_destroy(r.f);
}

static void whoever_does_not_answer_is_not_asked_for_ever(void **state) {
    (void)state;
    struct room r = room_open();
    uint32_t ssrc = 0;
    unsigned asked = 0, reports = 0;
    for (unsigned i = 0; i < 60; i++) {
        pass(&r, 1000);
        asked += told_time(&r, &ssrc) != 0;
        reports += fake_count_rtcp(r.f, PUB, RTCP_RECEIVER_REPORT, NULL);
        fake_clear(r.f);
    }
    assert_true(reports > 40);
    assert_in_range(asked, 6, 11);
    fake_destroy(r.f);
}

static void tell_time(struct room *r, struct endpoint *from, uint32_t ssrc, uint64_t ntp) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u32(&w, 0x80cf0004);
    write_u32(&w, ssrc);
    write_u32(&w, 0x04000002);
    write_u64(&w, ntp);
    fake_rtcp(r->f, from, &w);
}

// A receiver that has nothing else to send, and a publisher, are answered alike.
static void times_that_are_told_are_answered(void **state) {
    (void)state;
    for (unsigned publisher = 0; publisher < 2; publisher++) {
        struct room r = room_open();
        pass(&r, 100);
        struct endpoint *who = publisher ? r.pub : r.a;
        const char *name = publisher ? PUB : A;
        tell_time(&r, who, 0, UINT64_C(7) << 32); // an SSRC of 0 is one like others
        tell_time(&r, who, 501, 0);               // who has no clock
        tell_time(&r, who, 502, UINT64_C(9) << 32);
        fake_run(r.f, 10 * MS);
        tell_time(&r, who, 502, UINT64_C(10) << 32); // the newest counts
        for (uint32_t i = 0; i < 20; i++)            // and so many sources at most
            tell_time(&r, who, 600 + i, UINT64_C(11) << 32);
        uint64_t told_us = r.f->now_us;
        fake_clear(r.f);
        struct rtcp_packet xr;
        while (fake_count_rtcp(r.f, name, RTCP_XR, &xr) == 0)
            pass(&r, 20);
        uint64_t since_us = r.f->now_us - told_us;
        unsigned items = 0;
        struct reader body = reader_of(xr.body);
        for (struct rtcp_xr_block block; rtcp_xr_next(&body, &block);) {
            struct reader list = reader_of(block.items);
            for (struct rtcp_dlrr_item item; rtcp_dlrr_next(&list, &item); items++) {
                static const uint32_t ssrcs[] = {0, 502, 600, 601}, mids[] = {7, 10, 11, 11};
                assert_in_range(items, 0, 3);
                assert_int_equal(item.ssrc, ssrcs[items]);
                assert_int_equal(item.last_rr, mids[items] << 16);
                uint64_t delay_us = (uint64_t)item.delay_since_rr * 1000000 >> 16;
                assert_in_range(delay_us, since_us - 40 * MS, since_us + 11 * MS);
            }
        }
        assert_int_equal(items, 4);
        // Once each.
        fake_clear(r.f);
        pass(&r, 4000);
        for (unsigned i = 0; i < r.f->rtcp_count; i++) {
            struct rtcp_walk walk = rtcp_walk_of(span_of(r.f->rtcp[i].bytes, r.f->rtcp[i].len));
            for (struct rtcp_packet p; rtcp_walk_next(&walk, &p);) {
                struct reader blocks = reader_of(p.body);
                for (struct rtcp_xr_block b; p.kind == RTCP_XR && rtcp_xr_next(&blocks, &b);)
                    assert_false(b.is_dlrr);
            }
        }
        fake_destroy(r.f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publisher_that_answers_is_asked_again_by_its_round_trip),
        cmocka_unit_test(lies_about_the_round_trip_change_nothing),
        cmocka_unit_test(without_answers_the_time_of_repeats_counts),
        cmocka_unit_test(without_rtx_repeats_count_as_well),
        cmocka_unit_test(whoever_does_not_answer_is_not_asked_for_ever),
        cmocka_unit_test(times_that_are_told_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
