// What a receiver that tells of losses gets once more without asking for it.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq;
};

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    return r;
}

static void packet(struct room *r, bool marker) {
    uint16_t seq = r->seq++;
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = VP8_PT,
                                  .ssrc = 1000,
                                  .seq = seq,
                                  .timestamp = seq * 3000u,
                                  .marker = marker,
                                  .key = seq == 0});
}

static void video(struct room *r) {
    packet(r, true);
}

static void stream(struct room *r, unsigned packets) {
    for (unsigned k = 0; k < packets; k++) {
        video(r);
        fake_run(r->f, 5 * MS);
    }
}

static void nack(struct room *r, const uint16_t *seqs, unsigned count) {
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_int_equal(rtcp_write_nack(&w, 1, 110, seqs, count), count);
    fake_rtcp(r->f, r->a, &w);
}

static unsigned repeats_of(const struct fake *f, uint16_t seq) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtp_count; i++)
        n += f->rtp[i].head.ssrc == 111 && f->rtp[i].original_seq == seq;
    return n;
}

// A second or so of packets, of which each so manieth (0: none) is asked for, as if it had been lost.
static void lose(struct room *r, unsigned each, unsigned seconds) {
    for (unsigned i = 0; i < seconds; i++) {
        fake_clear(r->f);
        stream(r, 200);
        uint16_t wanted[200];
        unsigned n = 0;
        for (unsigned k = 0; each > 0 && k < r->f->rtp_count; k++)
            if (r->f->rtp[k].head.ssrc == 110 && r->f->rtp[k].head.seq % each == 0)
                wanted[n++] = r->f->rtp[k].head.seq;
        if (n > 0)
            nack(r, wanted, n);
        fake_run(r->f, 60 * MS);
        fake_report_loss(r->f, r->a, 110, (uint8_t)(each ? 256 / each : 0));
    }
}

// Repeats are lost as well: who loses gets each once more, a little later.
static void who_loses_gets_each_repeat_twice(void **state) {
    (void)state;
    static const struct {
        unsigned each, repeats;
    } rows[] = {{0, 1}, {50, 2}, {8, 2}, {0, 1}};
    struct room r = room_open();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lose(&r, rows[i].each, 20);
        stream(&r, 10);
        fake_clear(r.f);
        video(&r);
        uint16_t wanted = r.f->rtp[0].head.seq;
        assert_int_equal(r.f->rtp[0].head.ssrc, 110);
        fake_clear(r.f);
        nack(&r, &wanted, 1);
        assert_int_equal(repeats_of(r.f, wanted), 1); // at once
        fake_run(r.f, 11 * MS);
        assert_int_equal(repeats_of(r.f, wanted), 1);
        fake_run(r.f, 30 * MS);
        assert_int_equal(repeats_of(r.f, wanted), rows[i].repeats);
        const struct fake_rtp *before = NULL;
        for (unsigned k = 0; k < r.f->rtp_count; k++) { // numbers of RTX, each once
            if (r.f->rtp[k].head.ssrc != 111)
                continue;
            assert_true(!before || r.f->rtp[k].head.seq == (uint16_t)(before->head.seq + 1));
            before = &r.f->rtp[k];
        }
    }
    fake_destroy(r.f);
}

// What is told to be lost, but not asked for, was late on its way to us.
static void who_tells_of_losses_and_asks_for_nothing_gets_nothing_more(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned i = 0; i < 20; i++) {
        stream(&r, 100);
        fake_report_loss(r.f, r.a, 110, 30);
    }
    fake_run(r.f, 300 * MS);
    assert_int_equal(fake_count_rtp(r.f, A, 111), 0);
    fake_destroy(r.f);
}

// How many packets with nothing in them went out, and the number of the last one.
static unsigned empties(const struct fake *f, uint16_t *seq) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtp_count; i++) {
        if (f->rtp[i].head.ssrc != 110 || f->rtp[i].head.payload.len > 0)
            continue;
        n++;
        *seq = f->rtp[i].head.seq;
        assert_false(f->rtp[i].head.marker);
    }
    return n;
}

// Where nothing follows, the end of a frame may be missing and nobody knows: something empty goes out, so
// that whoever misses something asks at once, instead of when the next frame has come.
static void an_end_that_nothing_follows_is_told(void **state) {
    (void)state;
    for (unsigned lossy = 0; lossy < 2; lossy++) {
        struct room r = room_open();
        lose(&r, lossy ? 20 : 0, 20);
        stream(&r, 10);
        fake_run(r.f, 200 * MS);
        for (unsigned frame = 0; frame < 3; frame++) {
            uint16_t seq = 0;
            fake_clear(r.f);
            video(&r);
            uint16_t last = r.f->rtp[0].head.seq;
            uint32_t timestamp = r.f->rtp[0].head.timestamp;
            fake_run(r.f, REPAIR_END_US - MS);
            assert_int_equal(empties(r.f, &seq), 0);
            fake_run(r.f, REPAIR_END_AGAIN_US);
            assert_int_equal(empties(r.f, &seq), lossy);
            fake_run(r.f, 20 * REPAIR_END_AGAIN_US);
            assert_int_equal(empties(r.f, &seq), lossy ? REPAIR_ENDS_MAX : 0);
            assert_true(!lossy || seq == (uint16_t)(last + REPAIR_ENDS_MAX));
            assert_int_equal(fake_count_rtp(r.f, A, 111), 0);
            uint16_t asked[] = {last, (uint16_t)(last + 1), (uint16_t)(last + REPAIR_ENDS_MAX)};
            nack(&r, asked, lossy ? 3 : 1);
            fake_run(r.f, 30 * MS);
            assert_true(repeats_of(r.f, last) >= 1);
            for (unsigned i = 0; i < r.f->rtp_count; i++) { // as empty as it was
                const struct fake_rtp *again = &r.f->rtp[i];
                if (again->head.ssrc != 111)
                    continue;
                assert_true((again->head.payload.len > 2) == (again->original_seq == last));
                assert_int_equal(again->head.timestamp, timestamp);
            }
            assert_int_equal(repeats_of(r.f, (uint16_t)(last + 1)) > 0, lossy);
            assert_int_equal(repeats_of(r.f, (uint16_t)(last + REPAIR_ENDS_MAX)) > 0, lossy);
            fake_clear(r.f);
            video(&r); // goes on behind it
            assert_int_equal(r.f->rtp[0].head.seq, (uint16_t)(last + 1 + lossy * REPAIR_ENDS_MAX));
            fake_run(r.f, 200 * MS);
        }
        uint16_t seq;
        fake_clear(r.f);
        packet(&r, false); // in a frame that goes on nothing goes between its packets
        fake_run(r.f, 200 * MS);
        assert_int_equal(empties(r.f, &seq), 0);
        fake_destroy(r.f);
    }
}

// Each has its own: the second one of two is no copy of the first.
static void copies_are_of_what_was_repeated(void **state) {
    (void)state;
    struct room r = room_open();
    lose(&r, 20, 20);
    fake_clear(r.f);
    stream(&r, 3);
    uint16_t wanted[] = {r.f->rtp[0].head.seq, r.f->rtp[1].head.seq, r.f->rtp[2].head.seq};
    for (unsigned round = 0; round < 2; round++) {
        fake_clear(r.f);
        nack(&r, wanted, 3);
        fake_run(r.f, 30 * MS);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(repeats_of(r.f, wanted[i]), 2);
        fake_run(r.f, 200 * MS);
    }
    fake_destroy(r.f);
}

// Packets with nothing in them are no first packets, of which repeats are a fifth.
static void empties_earn_no_repeats(void **state) {
    (void)state;
    struct room r = room_open();
    struct repair *repair = forwarder_consumer(r.f->fw, (struct consumer_id){11})->repair;
    int64_t bytes = 0; // of a picture
    lose(&r, 20, 20);
    for (unsigned i = 0; i < 10; i++) {
        uint16_t seq = 0;
        fake_clear(r.f);
        video(&r);
        bytes = r.f->rtp[0].head.header_len + (int64_t)r.f->rtp[0].head.payload.len;
        uint16_t wanted = r.f->rtp[0].head.seq;
        fake_run(r.f, 200 * MS);
        assert_int_equal(empties(r.f, &seq), REPAIR_ENDS_MAX);
        nack(&r, &wanted, 1); // looks at what was earned
        fake_run(r.f, 20 * MS);
        if (i == 0) // and from then on it can be seen what each picture earns
            repair->saved = (struct repair_account){.packets = 100, .bytes = 100 * REPAIR_PACKET_BYTES};
    }
    // Nine pictures, and a repeat of each: no more than what is left then.
    assert_true(repair->saved.packets <= 100 + 9 - 9 * REPAIR_SHARE);
    assert_true(repair->saved.bytes <= 100 * REPAIR_PACKET_BYTES + 9 * bytes - 9 * REPAIR_SHARE * bytes);
    fake_destroy(r.f);
}

static void what_went_out_empty_is_known(void **state) {
    (void)state;
    struct room r = room_open();
    struct repair *repair = forwarder_consumer(r.f->fw, (struct consumer_id){11})->repair;
    repair_note_blank(NULL, 7);
    repair_note_blank(repair, 7);
    assert_true(repair_was_blank(repair, 7) && !repair_was_blank(repair, 8) && !repair_was_blank(NULL, 7));
    for (uint16_t seq = 8; seq < 8 + REPAIR_BLANKS_MAX; seq++)
        repair_note_blank(repair, seq);
    assert_true(!repair_was_blank(repair, 7) && repair_was_blank(repair, 8));
    fake_destroy(r.f);
}

// Whom something follows to all the time costs a look now and then: there are thousands of such.
static void looks_are_few(void **state) {
    (void)state;
    struct room r = room_open();
    lose(&r, 20, 20);
    const struct repair *repair = forwarder_consumer(r.f->fw, (struct consumer_id){11})->repair;
    stream(&r, 1);
    assert_true(repair->look_us > 0);
    unsigned looks = 0;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t before_us = repair->look_us;
        stream(&r, 1);
        looks += repair->look_us != before_us;
    }
    assert_in_range(looks, 1, SECOND / (REPAIR_END_US - 5 * MS) + 1);
    fake_destroy(r.f);
}

// However much is said to be lost, it is a fifth at most.
static void copies_are_of_the_same_fifth(void **state) {
    (void)state;
    struct room r = room_open();
    for (unsigned i = 0; i < 100; i++) {
        fake_report_loss(r.f, r.a, 110, 50);
        unsigned from = r.f->rtp_count, n = 0;
        stream(&r, 24);
        uint16_t wanted[24];
        for (unsigned k = from; k < r.f->rtp_count; k++)
            if (r.f->rtp[k].head.ssrc == 110 && k % 6 == 0)
                wanted[n++] = r.f->rtp[k].head.seq;
        nack(&r, wanted, n);
    }
    unsigned first = fake_count_rtp(r.f, A, 110), again = fake_count_rtp(r.f, A, 111);
    print_message("%u packets, %u repeats and copies\n", first, again);
    assert_true(again <= first / 5 + 4 && again >= first / 6);
    fake_destroy(r.f);
}

// Pictures of five packets, 200 ms apart, of which each so manieth packet is asked for.
static void slow_pictures(struct room *r, unsigned pictures, unsigned each, uint8_t told) {
    for (unsigned i = 0; i < pictures; i++) {
        unsigned from = r->f->rtp_count, n = 0;
        for (unsigned k = 0; k < 5; k++)
            packet(r, k == 4);
        uint16_t wanted[8];
        for (unsigned k = from; k < r->f->rtp_count && n < 8; k++)
            if (r->f->rtp[k].head.ssrc == 110 && r->f->rtp[k].head.seq % each == 0)
                wanted[n++] = r->f->rtp[k].head.seq;
        fake_run(r->f, 20 * MS);
        if (n > 0)
            nack(r, wanted, n);
        fake_run(r->f, 180 * MS);
        if (i % 5 == 4)
            fake_report_loss(r->f, r->a, 110, told);
    }
}

static void who_loses_of_slow_pictures_gets_each_repeat_three_times(void **state) {
    (void)state;
    static const struct {
        unsigned each, repeats;
    } rows[] = {{150, 2}, {20, 3}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room r = room_open();
        slow_pictures(&r, 300, rows[i].each, (uint8_t)(256 / rows[i].each));
        fake_clear(r.f);
        video(&r);
        uint16_t wanted = r.f->rtp[0].head.seq;
        nack(&r, &wanted, 1);
        fake_run(r.f, 23 * MS);
        assert_int_equal(repeats_of(r.f, wanted), 2);
        fake_run(r.f, 30 * MS);
        assert_int_equal(repeats_of(r.f, wanted), rows[i].repeats);
        fake_destroy(r.f);
    }
}

// By what share of its packets a receiver asks for again, and how many pauses there were in a row.
static void a_third_repeat_begins_at_one_percent_and_after_four_pauses(void **state) {
    (void)state;
    static const struct {
        uint16_t loss;
        unsigned pauses, repeats;
    } rows[] = {{65536 / 100 - 1, 4, 2}, {65536 / 100, 4, 3}, {65536 / 100, 3, 2}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room r = room_open();
        struct repair *repair = forwarder_consumer(r.f->fw, (struct consumer_id){11})->repair;
        lose(&r, 20, 20); // whoever loses is looked after
        stream(&r, 20);
        for (unsigned k = 0; k < rows[i].pauses; k++) {
            repair->loss = rows[i].loss;
            fake_run(r.f, 200 * MS);
            video(&r);
        }
        fake_clear(r.f);
        video(&r);
        uint16_t wanted = r.f->rtp[0].head.seq;
        nack(&r, &wanted, 1);
        fake_run(r.f, 60 * MS);
        assert_int_equal(repeats_of(r.f, wanted), rows[i].repeats);
        fake_destroy(r.f);
    }
}

static void copies_of_slow_pictures_are_another_fifth(void **state) {
    (void)state;
    struct room r = room_open();
    slow_pictures(&r, 20, 4, 50);
    fake_clear(r.f);
    slow_pictures(&r, 400, 4, 50);
    unsigned first = 400 * 5, again = fake_count_rtp(r.f, A, 111);
    print_message("%u packets, %u repeats and copies\n", first, again);
    assert_true(again <= first * 2 / 5 + 120 && again >= first / 3);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_loses_gets_each_repeat_twice),
        cmocka_unit_test(who_tells_of_losses_and_asks_for_nothing_gets_nothing_more),
        cmocka_unit_test(an_end_that_nothing_follows_is_told),
        cmocka_unit_test(copies_are_of_what_was_repeated),
        cmocka_unit_test(empties_earn_no_repeats),
        cmocka_unit_test(what_went_out_empty_is_known),
        cmocka_unit_test(looks_are_few),
        cmocka_unit_test(copies_are_of_the_same_fifth),
        cmocka_unit_test(who_loses_of_slow_pictures_gets_each_repeat_three_times),
        cmocka_unit_test(a_third_repeat_begins_at_one_percent_and_after_four_pauses),
        cmocka_unit_test(copies_of_slow_pictures_are_another_fifth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
