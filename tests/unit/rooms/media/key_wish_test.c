// How often receivers make a publisher send key frames: by asking, by coming and going, by being starved.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "asks", *const B = "watches";

struct room {
    struct fake *f;
    struct endpoint *pub, *a, *b;
    uint16_t seq;
    unsigned key_frames;
    uint64_t key_us[512];
};

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    r.b = fake_connected(r.f, 3, B);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 3, 1, 21, fake_receive_video(210, 211));
    return r;
}

// A packet each 20 ms; a key frame within 40 ms when one is asked for, as from a publisher across a network.
static void run(struct room *r, unsigned ms) {
    for (unsigned t = 0; t < ms; t += 20) {
        bool key = r->seq == 0;
        for (unsigned i = 0; i < r->f->rtcp_count; i++)
            key |= r->f->rtcp[i].peer == PUB && r->f->rtcp[i].bytes[1] == 206;
        r->f->rtcp_count = r->f->rtp_count = 0;
        if (key)
            r->key_us[r->key_frames++] = r->f->now_us;
        fake_rtp(r->f, r->pub,
                 (struct fake_packet){
                     .pt = VP8_PT, .ssrc = 1000, .seq = r->seq, .timestamp = r->seq * 1800u, .key = key});
        r->seq++;
        fake_run(r->f, 20 * MS);
    }
}

static void pli(struct room *r, struct endpoint *from, uint32_t ssrc) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_pli(&w, 9, ssrc);
    fake_rtcp(r->f, from, &w);
}

static void fir(struct room *r, struct endpoint *from, uint32_t ssrc) {
    static uint8_t number;
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_fir(&w, 9, ssrc, number++);
    fake_rtcp(r->f, from, &w);
}

static void request(struct room *r, struct endpoint *from, uint32_t ssrc) {
    (void)from;
    struct media_cmd cmd = {.type = MEDIA_REQUEST_KEY_FRAME, .consumer = {ssrc / 10}};
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static void pause_and_resume(struct room *r, struct endpoint *from, uint32_t ssrc) {
    (void)from;
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, ssrc / 10, true);
    fake_pause(r->f, MEDIA_PAUSE_CONSUMER, ssrc / 10, false);
}

// Under another SSRC each time, as the product does.
static uint32_t opened = 100000; // the last
static void close_and_open(struct room *r, struct endpoint *from, uint32_t ssrc) {
    (void)from;
    fake_close(r->f, MEDIA_CLOSE_CONSUMER, ssrc / 10);
    opened += 2;
    fake_open_consumer(r->f, 2, 1, ssrc / 10, fake_receive_video(opened, opened + 1));
}

// A consumer that keeps at it for two minutes: how many key frames that costs.
static void who_keeps_asking_is_heard_less_and_less(void **state) {
    (void)state;
    static const struct {
        const char *what;
        void (*ask)(struct room *r, struct endpoint *from, uint32_t ssrc);
        unsigned every_ms;
        uint8_t lost; // as the receiver reports
        unsigned most_in_30s, most_in_120s;
    } rows[] = {
        {"PLI each 20 ms", pli, 20, 0, 5, 8},
        {"PLI each 500 ms", pli, 500, 0, 5, 8},
        {"FIR each 20 ms", fir, 20, 0, 5, 8},
        {"request-key-frame each 20 ms", request, 20, 0, 5, 8},
        {"PLI each 200 ms of a starved viewer", pli, 200, 120, 4, 6},
        {"paused and resumed each 100 ms", pause_and_resume, 100, 0, 20, 34},
        {"closed and opened each 100 ms", close_and_open, 100, 0, 20, 34},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open();
        run(&r, 20000);
        r.key_frames = 0;
        unsigned in_30s = 0;
        for (unsigned ms = 0; ms < 120000; ms += 20) {
            if (rows[i].lost && ms % 1000 == 0)
                fake_report_loss(r.f, r.a, 110, rows[i].lost);
            if (ms % rows[i].every_ms == 0)
                rows[i].ask(&r, r.a, 110);
            run(&r, 20);
            in_30s = ms < 30000 ? r.key_frames : in_30s;
        }
        print_message("%s: %u key frames in 30 s, %u in 120 s\n", rows[i].what, in_30s, r.key_frames);
        assert_true(in_30s <= rows[i].most_in_30s && r.key_frames <= rows[i].most_in_120s);
        assert_true(r.key_frames >= 3); // it is heard, though
        for (unsigned k = 1; rows[i].ask == pli && k + 1 < r.key_frames; k++)
            assert_true(r.key_us[k + 1] - r.key_us[k] + SECOND > r.key_us[k] - r.key_us[k - 1]);
        // Others are served as ever.
        unsigned before = r.key_frames;
        pli(&r, r.b, 210);
        run(&r, 1100);
        assert_true(r.key_frames > before);
        fake_destroy(r.f);
    }
}

static void who_asks_now_and_then_is_served_at_once(void **state) {
    (void)state;
    static const struct {
        unsigned first_ms, every_ms, times, least;
    } rows[] = {
        {100, 10000, 10, 10}, // a loss now and then
        {1100, 1100, 2, 2},   // join and two more
        {300, 20000, 5, 5},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open();
        run(&r, 10000);
        close_and_open(&r, r.a, 110);
        run(&r, rows[i].first_ms + 1000);
        r.key_frames = 0;
        unsigned served = 0;
        for (unsigned n = 0; n < rows[i].times; n++) {
            unsigned before = r.key_frames;
            pli(&r, r.a, opened);
            run(&r, 100);
            served += r.key_frames > before;
            run(&r, rows[i].every_ms - 100);
        }
        if (served < rows[i].least)
            fail_msg("row %u: %u of %u served at once", i, served, rows[i].times);
        fake_destroy(r.f);
    }
}

// A single PLI that comes too soon is not forgotten: its sender may say it once only.
static void a_wish_that_waits_is_served_in_its_time(void **state) {
    (void)state;
    struct room r = room_open();
    run(&r, 20000);
    pli(&r, r.a, 110);
    run(&r, 1200);
    pli(&r, r.a, 110);
    run(&r, 200);
    r.key_frames = 0;
    pli(&r, r.a, 110); // the next is due two seconds after the last
    run(&r, 1500);
    assert_int_equal(r.key_frames, 0);
    run(&r, 1500);
    assert_int_equal(r.key_frames, 1);
    run(&r, 20000);
    assert_int_equal(r.key_frames, 1); // once
    // One that another's key frame has answered meanwhile is over.
    for (unsigned i = 0; i < 3; i++) {
        pli(&r, r.a, 110);
        run(&r, 1100);
    }
    r.key_frames = 0;
    pli(&r, r.a, 110);
    run(&r, 100);
    pli(&r, r.b, 210);
    run(&r, 20000);
    assert_int_equal(r.key_frames, 1);
    // And one whose consumer is closed.
    for (unsigned i = 0; i < 4; i++) {
        pli(&r, r.a, 110);
        run(&r, 1100);
    }
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    r.key_frames = 0;
    run(&r, 20000);
    assert_int_equal(r.key_frames, 0);
    fake_destroy(r.f);
}

// Ten people join one after the other, each asks once and scrolls a little: all of them are served.
static void those_who_come_are_all_served(void **state) {
    (void)state;
    struct room r = room_open();
    run(&r, 10000);
    for (uint32_t i = 0; i < 10; i++) {
        struct endpoint *ep = fake_connected(r.f, 10 + i, "comer");
        fake_open_consumer(r.f, 10 + i, 1, 100 + i, fake_receive_video(1000 + 10 * i, 1001 + 10 * i));
        run(&r, 1100);
        unsigned before = r.key_frames;
        pli(&r, ep, 1000 + 10 * i);
        run(&r, 1100);
        assert_true(r.key_frames == before + 1);
        for (unsigned k = 0; k < 8; k++) {
            pause_and_resume(&r, ep, 10 * (100 + i));
            run(&r, 40);
            before = fake_count_rtp(r.f, "comer", 1000 + 10 * i);
            assert_true(before > 0);
            run(&r, 1100);
        }
    }
    fake_destroy(r.f);
}

// A publisher that does not answer is asked less often, and not at all while it sends nothing.
static void who_does_not_answer_is_not_asked_each_second(void **state) {
    (void)state;
    struct room r = room_open();
    run(&r, 5000);
    fake_clear(r.f);
    pli(&r, r.a, 110);
    for (unsigned ms = 0; ms < 60000; ms += 20) { // no key frame comes
        fake_rtp(r.f, r.pub,
                 (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = r.seq, .timestamp = r.seq * 1800u});
        r.seq++;
        fake_run(r.f, 20 * MS);
        r.f->rtp_count = 0;
    }
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 6, 14);
    fake_run(r.f, 20 * SECOND);
    fake_clear(r.f);
    fake_run(r.f, 60 * SECOND);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    fake_rtp(r.f, r.pub, (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = r.seq, .timestamp = 1});
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1); // it is there again
    fake_destroy(r.f);
}

#define MANY 12 // more producers than closed consumers are remembered

// Who opens and closes consumers of one producer after the other costs each a key frame a second at first,
// and all together one a second in the long run.
static void who_comes_and_goes_everywhere_is_heard_less(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    uint16_t seq = 0;
    unsigned late = 0;
    for (uint32_t p = 0; p < MANY; p++)
        fake_open_producer(f, 1, 1 + p, fake_video(1000 + 10 * p, 1001 + 10 * p));
    for (uint32_t step = 0; step < 2000; step++, seq++) { // ten a second
        fake_open_consumer(f, 2, 1 + step % MANY, 100 + step, fake_receive_video(20000 + 2 * step, 0));
        for (unsigned ms = 0; ms < 100; ms += 50) {
            bool asked[MANY] = {false};
            for (unsigned i = 0; i < f->rtcp_count; i++) {
                uint32_t p = (load_be32(f->rtcp[i].bytes + 8) - 1000) / 10;
                if (f->rtcp[i].peer == PUB && f->rtcp[i].bytes[1] == 206 && p < MANY)
                    asked[p] = true;
            }
            fake_clear(f);
            for (uint32_t p = 0; p < MANY; p++) {
                late += asked[p] && step >= 1000;
                fake_rtp(f, pub,
                         (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = 1000 + 10 * p,
                                              .seq = (uint16_t)(2 * seq + (ms > 0)),
                                              .timestamp = (2u * seq + (ms > 0)) * 4500u,
                                              .key = asked[p]});
            }
            fake_run(f, 50 * MS);
        }
        fake_close(f, MEDIA_CLOSE_CONSUMER, 100 + step);
    }
    assert_in_range(late, 90, 150); // in 100 seconds
    // Whoever stays is served, if a second later.
    fake_open_consumer(f, 2, 1, 9000, fake_receive_video(90000, 0));
    fake_clear(f);
    for (unsigned i = 0; i < 120; i++, seq++) {
        fake_rtp(
            f, pub,
            (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = (uint16_t)(2 * seq), .timestamp = seq});
        fake_run(f, 20 * MS);
    }
    assert_in_range(fake_count_rtcp(f, PUB, RTCP_PLI, NULL), 1, 3);
    fake_destroy(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_keeps_asking_is_heard_less_and_less),
        cmocka_unit_test(who_asks_now_and_then_is_served_at_once),
        cmocka_unit_test(a_wish_that_waits_is_served_in_its_time),
        cmocka_unit_test(those_who_come_are_all_served),
        cmocka_unit_test(who_comes_and_goes_everywhere_is_heard_less),
        cmocka_unit_test(who_does_not_answer_is_not_asked_each_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
