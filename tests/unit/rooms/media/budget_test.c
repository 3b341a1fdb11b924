// What one publisher may send and one transport may get, at most, and who is left out first when the worker
// is full.
#include "forward_fake.h"

#include "rooms/media/overload.h"

static const char *const PUB = "publisher", *const A = "receiver";

static const struct media_limits limits = {.audio_packets_per_second = 250,
                                           .audio_bitrate_bps = 1000000,
                                           .video_packets_per_second = 500,
                                           .video_bitrate_bps = 1000000,
                                           .transport_bitrate_bps = 100000000};

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq[2]; // by kind
};

static struct room room_open(struct media_limits l) {
    struct room r = {.f = fake_create_limited(l)};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 2, 2, 12, fake_receive_audio(120));
    return r;
}

static enum forward_drop publish(struct room *r, enum media_kind kind, unsigned longer) {
    uint16_t seq = r->seq[kind]++;
    return fake_rtp(r->f, r->pub,
                    (struct fake_packet){.pt = kind == MEDIA_VIDEO ? VP8_PT : OPUS_PT,
                                         .ssrc = kind == MEDIA_VIDEO ? 1000 : 2000,
                                         .seq = seq,
                                         .timestamp = seq * 960u,
                                         .key = seq == 0,
                                         .longer = longer});
}

struct tally {
    unsigned sent, taken;
    uint64_t bytes;
};

// So many packets a second for so long.
static struct tally flood(struct room *r, enum media_kind kind, unsigned a_second, unsigned longer,
                          unsigned seconds) {
    struct tally t = {0};
    uint64_t begin_us = r->f->now_us;
    while (r->f->now_us < begin_us + seconds * SECOND) {
        fake_run(r->f, MS);
        while (t.sent < (r->f->now_us - begin_us) * a_second / SECOND) {
            enum forward_drop drop = publish(r, kind, longer);
            assert_true(drop == FORWARD_DROP_NONE || drop == FORWARD_DROP_OVER_BUDGET);
            t.taken += drop == FORWARD_DROP_NONE;
            t.sent++;
        }
        for (unsigned i = 0; i < r->f->rtp_count; i++)
            t.bytes += r->f->rtp[i].head.payload.len;
        r->f->rtp_count = r->f->rtcp_count = 0;
    }
    return t;
}

static void a_producer_sends_what_it_may_and_no_more(void **state) {
    (void)state;
    static const struct {
        const char *what;
        enum media_kind kind;
        unsigned a_second, longer, seconds, least, most;
    } rows[] = {
        {"ordinary sound", MEDIA_AUDIO, 50, 100, 60, 3000, 3000},
        {"sound in 5 ms", MEDIA_AUDIO, 200, 100, 60, 12000, 12000},
        {"a flood of sound", MEDIA_AUDIO, 8000, 0, 10, 3400, 3505},
        {"a flood of large sound", MEDIA_AUDIO, 8000, 420, 10, 3000, 3700},
        {"ordinary video", MEDIA_VIDEO, 120, 400, 30, 3600, 3600},
        {"a flood of video", MEDIA_VIDEO, 8000, 0, 10, 5000, 5505},
        {"a flood of large video", MEDIA_VIDEO, 8000, 420, 10, 2400, 3000},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r = room_open(limits);
        struct tally t = flood(&r, rows[i].kind, rows[i].a_second, rows[i].longer, rows[i].seconds);
        uint64_t bps = rows[i].kind == MEDIA_VIDEO ? limits.video_bitrate_bps : limits.audio_bitrate_bps;
        print_message("%s: %u packets of %u taken, %llu bytes out\n", rows[i].what, t.taken, t.sent,
                      (unsigned long long)t.bytes);
        assert_true(t.taken >= rows[i].least && t.taken <= rows[i].most);
        assert_true(t.bytes * 8 <= bps * (rows[i].seconds + 4));
        assert_int_equal(forwarder_counters(r.f->fw)->over_budget, t.sent - t.taken);
        if (t.taken < t.sent)
            assert_int_equal(forwarder_counters(r.f->fw)->spender.v, rows[i].kind == MEDIA_VIDEO ? 1 : 2);
        // It is not held against it for long, and nobody else has to do with it.
        assert_int_equal(publish(&r, rows[i].kind == MEDIA_VIDEO ? MEDIA_AUDIO : MEDIA_VIDEO, 0),
                         FORWARD_DROP_NONE);
        fake_run(r.f, 100 * MS);
        assert_int_equal(publish(&r, rows[i].kind, 0), FORWARD_DROP_NONE);
        fake_destroy(r.f);
    }
}

// What a network has held back comes at once, and is all heard.
static void a_burst_passes(void **state) {
    (void)state;
    struct room r = room_open(limits);
    flood(&r, MEDIA_AUDIO, 50, 100, 5);
    fake_run(r.f, 10 * SECOND);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(publish(&r, MEDIA_AUDIO, 100), FORWARD_DROP_NONE);
    assert_int_equal(fake_count_rtp(r.f, A, 120), 500);
    fake_destroy(r.f);
}

// Repeats and layers are of the producer too: there is no way around it.
static void repeats_and_padding_count(void **state) {
    (void)state;
    struct room r = room_open(limits);
    assert_int_equal(publish(&r, MEDIA_VIDEO, 0), FORWARD_DROP_NONE);
    unsigned taken = 0;
    for (unsigned i = 0; i < 4000; i++) {
        fake_run(r.f, MS);
        taken += fake_rtp(r.f, r.pub,
                          (struct fake_packet){.pt = RTX_PT, .ssrc = 1001, .seq = (uint16_t)i, .osn = 1}) !=
                 FORWARD_DROP_OVER_BUDGET;
        taken += fake_rtp(r.f, r.pub,
                          (struct fake_packet){
                              .pt = VP8_PT, .ssrc = 1000, .seq = (uint16_t)(i + 1), .empty = true}) !=
                 FORWARD_DROP_OVER_BUDGET;
    }
    assert_in_range(taken, 2400, 2510);
    fake_destroy(r.f);
}

// ---- what one transport gets

static void a_transport_that_gets_too_much_loses_video_first(void **state) {
    (void)state;
    struct media_limits l = {.transport_bitrate_bps = 1000000};
    struct room r = room_open(l);
    uint64_t bytes = 0;
    unsigned sound = 0, video = 0;
    flood(&r, MEDIA_VIDEO, 500, 400, 2); // two megabits
    for (unsigned t = 0; t < 10000; t++) {
        if (t % 20 == 0)
            publish(&r, MEDIA_AUDIO, 60);
        if (t % 2 == 0)
            publish(&r, MEDIA_VIDEO, 400);
        fake_run(r.f, MS);
        for (unsigned i = 0; i < r.f->rtp_count; i++) {
            const struct fake_rtp *p = &r.f->rtp[i];
            sound += p->kind == MEDIA_AUDIO;
            video += p->kind == MEDIA_VIDEO;
            bytes += p->head.header_len + p->head.payload.len;
        }
        r.f->rtp_count = r.f->rtcp_count = 0;
    }
    print_message("%u of 500 of sound, %u of 5000 of video, %llu bit/s\n", sound, video,
                  (unsigned long long)bytes * 8 / 10);
    assert_int_equal(sound, 500);
    assert_true(bytes * 8 / 10 <= 1020000 && bytes * 8 / 10 >= 950000);
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    assert_true(counters->egress_over_budget >= 2000 && counters->taker.v == 2);
    fake_destroy(r.f);
}

static void a_flood_of_sound_ends_at_the_transport(void **state) {
    (void)state;
    struct media_limits l = {.transport_bitrate_bps = 1000000};
    struct room r = room_open(l);
    struct tally t = flood(&r, MEDIA_AUDIO, 4000, 60, 10);
    assert_int_equal(t.taken, t.sent);
    assert_true(t.bytes * 8 <= 13 * UINT64_C(1000000)); // the burst, and what it may be beyond it
    fake_destroy(r.f);
}

// Packets that a receiver would not have got anyway do not count, and other transports go on.
static void others_are_not_touched(void **state) {
    (void)state;
    struct media_limits l = {.transport_bitrate_bps = 1000000};
    struct room r = room_open(l);
    fake_connected(r.f, 3, "other");
    fake_open_consumer(r.f, 3, 2, 22, fake_receive_audio(220));
    for (unsigned t = 0; t < 5000; t++) {
        if (t % 20 == 0)
            publish(&r, MEDIA_AUDIO, 60);
        publish(&r, MEDIA_VIDEO, 400);
        fake_run(r.f, MS);
    }
    assert_int_equal(fake_count_rtp(r.f, "other", 220), 250);
    fake_destroy(r.f);
}

// ---- who is left out first

#define NEIGHBOURS 12u

static char names[NEIGHBOURS + 1][16];

// Neighbours who watch one video each, and one receiver who takes the same video, or a dear one, many times
// over.
static unsigned left_out(unsigned level, unsigned copies, unsigned dear, unsigned *of_other) {
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    uint16_t seq[2] = {0};
    fake_open_producer(f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(f, 1, 2, fake_video(2000, 2001)); // sends `dear` packets for each of the former
    for (uint32_t i = 0; i <= NEIGHBOURS; i++) {
        bool other = i == NEIGHBOURS;
        snprintf(names[i], sizeof names[i], "N%u", i);
        fake_connected(f, 10 + i, names[i]);
        for (uint32_t k = 0; k < (other ? copies : 1); k++) {
            uint32_t ssrc = 10000 + 1000 * i + 2 * k;
            fake_open_consumer(f, 10 + i, 1 + other, 100 * (i + 1) + k, fake_receive_video(ssrc, ssrc + 1));
        }
    }
    for (unsigned n = 0; n < 300; n++) {
        f->rtp_count = 0; // the last round is looked at
        for (unsigned p = 0; p < 2; p++)
            for (unsigned k = 0; k < (p ? dear : 1); k++, seq[p]++)
                fake_rtp_pending(f, pub,
                                 (struct fake_packet){.pt = VP8_PT,
                                                      .ssrc = 1000 * (p + 1),
                                                      .seq = seq[p],
                                                      .timestamp = seq[p] * 1800u,
                                                      .key = seq[p] == 0});
        forwarder_flush(f->fw);
        fake_run(f, 20 * MS);
        if (n == 150)
            forwarder_shed(f->fw, level, f->now_us);
    }
    unsigned out = 0;
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        out += fake_count_rtp(f, names[i], 10000 + 1000 * i) == 0;
    *of_other = copies;
    for (unsigned k = 0; k < copies; k++)
        *of_other -= fake_count_rtp(f, names[NEIGHBOURS], 10000 + 1000 * NEIGHBOURS + 2 * k) > 0;
    fake_destroy(f);
    return out;
}

static void who_costs_most_goes_first(void **state) {
    (void)state;
    static const struct {
        const char *what;
        unsigned level, copies, dear, neighbours, others; // left out, at most and at least
    } rows[] = {
        {"one who takes it 60 times", 8, 60, 1, 0, 35},
        {"and nearly all is left out", 13, 60, 1, 0, 58},
        {"and more is left out than that one has", 15, 60, 1, 8, 60},
        {"one who takes a video of 20 times the rate", 2, 1, 20, 1, 1},
        {"ordinary differences do not count", 8, 1, 3, 8, 0},
        {"nobody costs more than others: each a share", 8, 1, 1, 8, 0},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned others = 0, out = left_out(rows[i].level, rows[i].copies, rows[i].dear, &others);
        print_message("%s: level %u leaves %u of %u neighbours out, and %u of %u\n", rows[i].what,
                      rows[i].level, out, NEIGHBOURS, others, rows[i].copies);
        assert_true(out <= rows[i].neighbours && others >= rows[i].others);
        assert_true(rows[i].others > 0 || out >= 4);
    }
}

static void what_is_not_said_has_its_default(void **state) {
    (void)state;
    struct media_limits none = {0}, said = limits;
    media_limits_fill(&none);
    assert_int_equal(none.audio_packets_per_second, MEDIA_AUDIO_PACKETS_DEFAULT);
    assert_int_equal(none.audio_bitrate_bps, MEDIA_AUDIO_BITRATE_DEFAULT);
    assert_int_equal(none.video_packets_per_second, MEDIA_VIDEO_PACKETS_DEFAULT);
    assert_int_equal(none.video_bitrate_bps, MEDIA_VIDEO_BITRATE_DEFAULT);
    assert_int_equal(none.transport_bitrate_bps, MEDIA_TRANSPORT_BITRATE_DEFAULT);
    assert_int_equal(none.receive_bitrate_bps, MEDIA_RECEIVE_BITRATE_DEFAULT);
    assert_int_equal(none.publish_bitrate_bps, 0);
    said.receive_bitrate_bps = said.publish_bitrate_bps = 1;
    struct media_limits before = said;
    media_limits_fill(&said);
    assert_memory_equal(&said, &before, sizeof said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_its_default),
        cmocka_unit_test(a_producer_sends_what_it_may_and_no_more),
        cmocka_unit_test(a_burst_passes),
        cmocka_unit_test(repeats_and_padding_count),
        cmocka_unit_test(a_transport_that_gets_too_much_loses_video_first),
        cmocka_unit_test(a_flood_of_sound_ends_at_the_transport),
        cmocka_unit_test(others_are_not_touched),
        cmocka_unit_test(who_costs_most_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
