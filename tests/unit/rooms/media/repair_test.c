// Losses: what is asked of the publisher, and what receivers are given again (RFC 4585, RFC 4588).
#include "forward_fake.h"

#include "rooms/media/sent_store.h"

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
        (struct fake_packet){
            .pt = VP8_PT, .ssrc = 1000, .marker = true, .seq = seq, .timestamp = seq * 3000u, .key = key});
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

// One that waits for its answer does not keep another one waiting.
static void each_gap_is_asked_for_in_its_time(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    for (unsigned i = 0; i < 4; i++) {
        video(&r, (uint16_t)(12 + 2 * i), false);
        fake_run(r.f, 12 * MS);
        assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), i + 1);
    }
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

static void what_never_comes_is_asked_for_for_a_second_and_then_a_key_frame(void **state) {
    (void)state;
    struct room r = room_open();
    video(&r, 10, true);
    video(&r, 12, false);
    fake_run(r.f, 900 * MS);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    fake_run(r.f, 1100 * MS);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_NACK, NULL), 8);
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
    struct fake_packet padding = {
        .pt = VP8_PT, .ssrc = 1000, .marker = true, .seq = 11, .timestamp = 33000, .empty = true};
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
    for (unsigned i = 0; i < 100; i++) { // a second, in which nothing new comes
        nack(&r, r.a, 110, all, 500);
        nack(&r, r.a, 110, all + 500, 500);
        fake_run(r.f, 10 * MS);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 111), 100); // what may be saved up, of a fifth
    fake_destroy(r.f);
}

struct asker {
    struct room *r;
    uint16_t seq;      // next to publish
    unsigned every_ms; // it asks
    unsigned lost_of;  // every so manieth is asked for; 1: all
    unsigned longer;   // bytes, of each tenth packet; those are asked for then
};

// 140 packets a second for `seconds`, of which the receiver asks for some again and again for a second,
// without looking at what it is sent again.
static void ask_for(struct asker *a, unsigned seconds) {
    struct room *r = a->r;
    static uint16_t wanted[4096];
    for (unsigned ms = 0; ms < seconds * 1000; ms++) {
        if (ms * 140 / 1000 != (ms + 1) * 140 / 1000) {
            fake_rtp(r->f, r->pub,
                     (struct fake_packet){.pt = VP8_PT,
                                          .ssrc = 1000,
                                          .seq = a->seq,
                                          .timestamp = a->seq * 600u,
                                          .key = a->seq == 0,
                                          .longer = a->seq % 10 ? 0 : a->longer});
            a->seq++;
        }
        if (ms % a->every_ms == 0) {
            unsigned n = 0;
            for (unsigned i = 0; i < r->f->rtp_count; i++) {
                const struct fake_rtp *p = &r->f->rtp[i];
                bool lost = a->longer ? p->head.payload.len > a->longer : i % a->lost_of == 0;
                if (lost && p->head.ssrc == 110 && p->at_us + SECOND > r->f->now_us && n < 300)
                    wanted[n++] = p->head.seq;
            }
            if (n > 0)
                nack(r, r->a, 110, wanted, n);
        }
        fake_run(r->f, MS);
    }
}

static uint64_t bytes_of(const struct fake *f, uint32_t ssrc) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < f->rtp_count; i++)
        sum += f->rtp[i].head.ssrc == ssrc ? f->rtp[i].head.header_len + f->rtp[i].head.payload.len : 0;
    return sum;
}

static void repeats_are_a_fifth_at_most_in_packets_and_bytes(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned every_ms, lost_of, longer;
    } rows[] = {
        {"all, each 5 ms", 5, 1, 0},
        {"all, each 100 ms", 100, 1, 0},
        {"each third", 20, 3, 0},
        {"each tenth, the large ones", 5, 10, 400},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open();
        struct asker a = {
            .r = &r, .every_ms = rows[i].every_ms, .lost_of = rows[i].lost_of, .longer = rows[i].longer};
        fake_close(r.f, MEDIA_CLOSE_CONSUMER, 21);
        ask_for(&a, 15);
        unsigned first = fake_count_rtp(r.f, A, 110), again = fake_count_rtp(r.f, A, 111);
        print_message("%s: %u packets, %u repeats; %llu and %llu bytes\n", rows[i].what, first, again,
                      (unsigned long long)bytes_of(r.f, 110), (unsigned long long)bytes_of(r.f, 111));
        assert_true(again <= first / 5 + 4 && (rows[i].longer || again >= first / 10));
        assert_true(bytes_of(r.f, 111) <= bytes_of(r.f, 110) / 5 + 4 * 1200 + again * 2);
        fake_destroy(r.f);
    }
}

static void one_packet_goes_out_again_four_times_at_most(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 200; seq++)
        video(&r, seq, seq == 0);
    uint16_t seq = r.f->rtp[20].head.seq;
    for (unsigned ms = 0; ms < 1400; ms += 5) {
        nack(&r, r.a, 110, &seq, 1);
        fake_run(r.f, 5 * MS);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 111), 4);
    fake_destroy(r.f);
}

// An answer does not depend on what used to have the same number, 65536 packets ago.
static void a_number_that_comes_round_is_another_packets(void **state) {
    (void)state;
    struct room r = room_open();
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 21);
    uint16_t wanted = 0;
    unsigned rounds[2] = {0};
    for (unsigned n = 0; n < 65536 + 200; n++) {
        video(&r, (uint16_t)n, n == 0);
        if (n == 0)
            wanted = r.f->rtp[0].head.seq;
        if (n % 100 == 0)
            fake_clear(r.f);
        if (n % 65536 < 150) {
            nack(&r, r.a, 110, &wanted, 1);
            fake_run(r.f, 10 * MS);
            rounds[n / 65536] += fake_count_rtp(r.f, A, 111);
            r.f->rtp_count = 0;
        }
        if (n == 1000)
            fake_run(r.f, 6 * SECOND);
    }
    assert_true(rounds[0] == 4 && rounds[1] == 4);
    fake_destroy(r.f);
}

static void nothing_goes_out_again_while_loss_stays_above_a_fifth(void **state) {
    (void)state;
    struct room r = room_open();
    struct asker a = {.r = &r, .every_ms = 20, .lost_of = 5};
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 21);
    static const struct {
        uint8_t lost; // of 256
        bool repeats; // in the second that follows
    } rows[] = {{0, true},   {60, true}, {60, false}, {200, false},
                {52, false}, {51, true}, {60, true},  {0, true}};
    ask_for(&a, 1);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_report_loss(r.f, r.a, 110, rows[i].lost);
        fake_run(r.f, 100 * MS); // what waits
        fake_clear(r.f);
        ask_for(&a, 1);
        unsigned again = fake_count_rtp(r.f, A, 111);
        if ((again > 5) != rows[i].repeats || (again > 0 && !rows[i].repeats))
            fail_msg("second %u, %u of 256 lost: %u repeats", i, rows[i].lost, again);
    }
    for (unsigned i = 0; i < 2; i++) { // and who then says nothing more is not given up
        fake_report_loss(r.f, r.a, 110, 100);
        fake_clear(r.f);
        ask_for(&a, 1);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 111), 0);
    fake_run(r.f, 10 * SECOND);
    ask_for(&a, 1);
    assert_true(fake_count_rtp(r.f, A, 111) > 0);
    fake_destroy(r.f);
}

static void repeats_are_spread_over_time(void **state) {
    (void)state;
    struct room r = room_open();
    for (uint16_t seq = 0; seq < 1000; seq++)
        video(&r, seq, seq == 0);
    uint16_t wanted[100];
    for (unsigned i = 0; i < 100; i++)
        wanted[i] = (uint16_t)(r.f->rtp[0].head.seq + 900 + i);
    fake_clear(r.f);
    nack(&r, r.a, 110, wanted, 100);
    assert_int_equal(fake_count_rtp(r.f, A, 111), 10);
    fake_run(r.f, 200 * MS);
    unsigned all = fake_count_rtp(r.f, A, 111), most = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++) {
        unsigned near = 0;
        for (unsigned k = i; k < r.f->rtp_count && r.f->rtp[k].at_us < r.f->rtp[i].at_us + 2 * MS; k++)
            near++;
        most = near > most ? near : most;
    }
    print_message("%u repeats, %u within 2 ms at most\n", all, most);
    assert_true(all >= 60 && most <= 12);
    // In the order in which they were asked for.
    for (unsigned i = 1; i < r.f->rtp_count; i++)
        assert_int_equal(r.f->rtp[i].original_seq, (uint16_t)(r.f->rtp[i - 1].original_seq + 1));
    // A consumer that goes while some wait.
    fake_run(r.f, 200 * MS);
    nack(&r, r.a, 110, wanted, 100);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    fake_run(r.f, 200 * MS);
    fake_destroy(r.f);
}

// ---- numbers that a repeat only claims

static unsigned forwarded(struct room *r, uint16_t first, unsigned count) {
    fake_clear(r->f);
    for (unsigned i = 0; i < count; i++)
        video(r, (uint16_t)(first + i), false);
    return fake_count_rtp(r->f, A, 110);
}

static void a_repeat_of_what_was_never_sent_stops_nothing(void **state) {
    (void)state;
    static const int claims[] = {1,   2,    32,   33,    100,   511,  512,   513,
                                 600, 3000, 3001, 20000, 32767, -600, -9000, -20000};
    for (unsigned i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct room r = room_open();
        for (uint16_t seq = 65400; seq != 20; seq++)
            video(&r, seq, seq == 65400);
        for (unsigned k = 0; k < 5; k++) // said again and again, it is not believed more
            rtx(&r, (uint16_t)(500 + k), (uint16_t)(19 + (claims[i] + (int)k * (claims[i] > 0 ? 32 : 0))));
        unsigned expected = claims[i] > 0 && claims[i] <= 32 ? 99 : 100, seen = forwarded(&r, 20, 100);
        if (seen < expected)
            fail_msg("a repeat of N%+d: %u of 100 forwarded", claims[i], seen);
        fake_destroy(r.f);
    }
}

// After a pause the first to come may be a repeat.
static void a_repeat_after_a_pause_stops_nothing(void **state) {
    (void)state;
    static const int claims[] = {1, 32, 600, 30000, -1, -600, -9999, -20000, -32768};
    for (unsigned i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct room r = room_open();
        for (uint16_t seq = 0; seq < 100; seq++)
            video(&r, seq, seq == 0);
        fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, true);
        fake_run(r.f, 2 * SECOND);
        fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, false);
        rtx(&r, 500, (uint16_t)(99 + claims[i]));
        fake_clear(r.f);
        for (uint16_t seq = 100; seq < 200; seq++)
            video(&r, seq, seq == 100);
        if (fake_count_rtp(r.f, A, 110) != 100)
            fail_msg("a repeat of N%+d: %u of 100 forwarded", claims[i], fake_count_rtp(r.f, A, 110));
        fake_destroy(r.f);
    }
}

static void a_repeat_of_an_old_numbering_stops_nothing(void **state) {
    (void)state;
    static const uint16_t begins[] = {1, 10000, 30000, 50000, 65000};
    static const uint16_t old[] = {100, 9000, 20000, 40000, 60000};
    for (unsigned i = 0; i < 5; i++)
        for (unsigned k = 0; k < 5; k++)
            for (unsigned before = 0; before < 2; before++) {
                struct room r = {.f = fake_create()};
                r.pub = fake_connected(r.f, 1, PUB);
                r.a = fake_connected(r.f, 2, A);
                struct producer_params params = fake_video(0, 0);
                snprintf(params.mid, sizeof params.mid, "0");
                fake_open_producer(r.f, 1, 1, params);
                fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
                struct fake_packet p = {
                    .pt = VP8_PT, .ssrc = 1000, .marker = true, .mid = "0", .seq = old[k], .key = true};
                struct fake_packet repeat = {
                    .pt = RTX_PT, .ssrc = 1001, .mid = "0", .seq = 7, .osn = old[k] + 1};
                for (unsigned n = 0; n < 30; n++, p.seq++, p.timestamp += 3000, p.key = false)
                    fake_rtp(r.f, r.pub, p);
                fake_run(r.f, 2 * SECOND);
                // The SSRC changes, and the numbers with it.
                p = (struct fake_packet){
                    .pt = VP8_PT, .ssrc = 2000, .mid = "0", .seq = begins[i], .timestamp = 777, .key = true};
                fake_clear(r.f);
                for (unsigned n = 0; n < 100; n++, p.seq++, p.timestamp += 3000, p.key = false) {
                    if (n == 1 - before)
                        fake_rtp(r.f, r.pub, repeat);
                    fake_rtp(r.f, r.pub, p);
                }
                if (fake_count_rtp(r.f, A, 110) < 99)
                    fail_msg("from %u to %u: %u of 100 forwarded", old[k], begins[i],
                             fake_count_rtp(r.f, A, 110));
                fake_destroy(r.f);
            }
}

// The publisher starts again with other numbers under its SSRC.
static void numbers_that_begin_anew_are_followed(void **state) {
    (void)state;
    static const int steps[] = {-100, -600, -1499, -1600, -20000, 3500, 30000, 700};
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct room r = room_open();
        for (unsigned n = 0; n < 3000; n++)
            video(&r, (uint16_t)n, n == 0);
        fake_run(r.f, 50 * MS);
        uint16_t begin = (uint16_t)(2999 + steps[i]);
        unsigned before = 0, seen = 0;
        for (unsigned n = 0; n < 200; n++) {
            fake_clear(r.f);
            video(&r, (uint16_t)(begin + n), n % 10 == 0);
            seen += fake_count_rtp(r.f, A, 110);
            before += seen == 0;
            fake_run(r.f, 7 * MS);
        }
        if (before > 60 || seen + before + 1 < 200)
            fail_msg("a step of %d: nothing for %u packets, then %u of %u", steps[i], before, seen,
                     200 - before);
        fake_destroy(r.f);
    }
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_asked_for_after_the_time_of_reordering),
        cmocka_unit_test(each_gap_is_asked_for_in_its_time),
        cmocka_unit_test(a_repair_takes_its_place),
        cmocka_unit_test(what_never_comes_is_asked_for_for_a_second_and_then_a_key_frame),
        cmocka_unit_test(a_hole_too_large_asks_for_a_key_frame),
        cmocka_unit_test(padding_leaves_no_gap),
        cmocka_unit_test(a_receiver_gets_it_again_as_rtx),
        cmocka_unit_test(without_rtx_it_is_the_same_to_the_bit),
        cmocka_unit_test(once_a_round_trip),
        cmocka_unit_test(asking_for_everything_is_bounded),
        cmocka_unit_test(repeats_are_a_fifth_at_most_in_packets_and_bytes),
        cmocka_unit_test(one_packet_goes_out_again_four_times_at_most),
        cmocka_unit_test(a_number_that_comes_round_is_another_packets),
        cmocka_unit_test(nothing_goes_out_again_while_loss_stays_above_a_fifth),
        cmocka_unit_test(repeats_are_spread_over_time),
        cmocka_unit_test(a_repeat_of_what_was_never_sent_stops_nothing),
        cmocka_unit_test(a_repeat_after_a_pause_stops_nothing),
        cmocka_unit_test(a_repeat_of_an_old_numbering_stops_nothing),
        cmocka_unit_test(numbers_that_begin_anew_are_followed),
        cmocka_unit_test(what_is_too_old_or_never_was_is_not_sent),
        cmocka_unit_test(a_key_frame_that_begins_late_is_shown_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
