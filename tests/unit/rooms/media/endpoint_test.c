// Whom a packet belongs to: RFC 8843 section 9.2, RFC 8852; RIDs repeat among a peer's producers.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "receiver";

// The publisher's tracks in one transport, each received by A as consumer 100 + producer, SSRC 1000 +
// producer.
struct setup {
    struct fake *f;
    struct endpoint *pub;
};

static struct setup setup_open(void) {
    struct setup s = {.f = fake_create()};
    s.pub = fake_connected(s.f, 1, PUB);
    fake_connected(s.f, 2, A);
    return s;
}

static void add(struct setup *s, uint32_t producer, struct producer_params params, const char *mid) {
    snprintf(params.mid, sizeof params.mid, "%s", mid);
    fake_open_producer(s->f, 1, producer, params);
    fake_open_consumer(s->f, 2, producer, 100 + producer,
                       params.kind == MEDIA_VIDEO ? fake_receive_video(1000 + producer, 0)
                                                  : fake_receive_audio(1000 + producer));
}

// What the row's packet comes to: the SSRC under which A gets it, 0 for nothing.
static uint32_t result_of(struct setup *s, struct fake_packet p) {
    fake_clear(s->f);
    enum forward_drop drop = fake_rtp(s->f, s->pub, p);
    if (drop == FORWARD_DROP_UNKNOWN_SSRC) {
        assert_int_equal(s->f->forgotten_count, 1);
        assert_int_equal(s->f->forgotten[0], p.ssrc);
    }
    return s->f->rtp_count ? s->f->rtp[0].head.ssrc : 0;
}

static void unknown_ssrcs_are_learnt_by_name(void **state) {
    (void)state;
    static const struct {
        const char *what;
        struct fake_packet packet;
        uint32_t expected;
    } rows[] = {
        {"MID and RID", {.ssrc = 1, .pt = VP8_PT, .mid = "0", .rid = "r0"}, 1001},
        {"the same SSRC without names", {.ssrc = 1, .pt = VP8_PT}, 1001},
        {"the same RID in another MID", {.ssrc = 2, .pt = VP8_PT, .mid = "1", .rid = "r0"}, 1002},
        {"a RID alone, where MIDs are used", {.ssrc = 3, .pt = VP8_PT, .rid = "r0"}, 0},
        {"a MID alone of a simulcast producer", {.ssrc = 4, .pt = VP8_PT, .mid = "0"}, 0},
        {"an unknown RID", {.ssrc = 5, .pt = VP8_PT, .mid = "0", .rid = "r9"}, 0},
        {"an unknown MID", {.ssrc = 6, .pt = VP8_PT, .mid = "9", .rid = "r0"}, 0},
        {"a MID alone of a single stream", {.ssrc = 7, .pt = OPUS_PT, .mid = "2"}, 1003},
        {"the right MID, the wrong payload type", {.ssrc = 8, .pt = 50, .mid = "2"}, 0},
        {"nothing at all", {.ssrc = 9, .pt = VP8_PT}, 0},
        {"SSRC 0", {.ssrc = 0, .pt = OPUS_PT, .mid = "2"}, 0},
    };
    struct setup s = setup_open();
    add(&s, 1, fake_simulcast("0"), "0");
    add(&s, 2, fake_simulcast("1"), "1");
    add(&s, 3, fake_audio(0), "2");
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fake_packet p = rows[i].packet;
        p.key = true;
        p.seq = (uint16_t)(100 + i);
        p.timestamp = 3000 * i;
        uint32_t got = result_of(&s, p);
        if (got != rows[i].expected)
            fail_msg("%s: expected to reach %u, reached %u", rows[i].what, rows[i].expected, got);
    }
    fake_destroy(s.f);
}

static void a_rid_alone_counts_without_mids(void **state) {
    (void)state;
    struct setup s = setup_open();
    add(&s, 1, fake_simulcast(""), "");
    assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = 1, .pt = VP8_PT, .rid = "r0", .key = true}),
                     1001);
    fake_destroy(s.f);
}

static void a_nameless_packet_is_of_the_only_one_that_misses_its_ssrc(void **state) {
    (void)state;
    struct setup s = setup_open();
    add(&s, 1, fake_audio(0), "0");
    add(&s, 2, fake_video(500, 0), "1");
    assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = 1, .pt = OPUS_PT}), 1001);
    assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = 2, .pt = OPUS_PT}), 0); // it has one now
    add(&s, 3, fake_audio(0), "2");
    add(&s, 4, fake_audio(0), "3");
    assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = 3, .pt = OPUS_PT}), 0); // which of the two?
    fake_destroy(s.f);
}

static void a_mid_can_be_used_again_after_its_producer_closed(void **state) {
    (void)state;
    struct setup s = setup_open();
    struct fake_packet p = {.ssrc = 1, .pt = VP8_PT, .mid = "0", .rid = "r0", .key = true};
    add(&s, 1, fake_simulcast("0"), "0");
    assert_int_equal(result_of(&s, p), 1001);
    fake_clear(s.f);
    fake_close(s.f, MEDIA_CLOSE_PRODUCER, 1);
    assert_int_equal(s.f->forgotten_count, 1);
    assert_int_equal(s.f->forgotten[0], 1);
    add(&s, 2, fake_simulcast("0"), "0");
    // A late packet of the old producer that has no names leads nowhere, one of the new producer to it.
    assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = 1, .pt = VP8_PT}), 0);
    p.ssrc = 11;
    assert_int_equal(result_of(&s, p), 1002);
    fake_destroy(s.f);
}

static void a_publisher_may_change_its_ssrc(void **state) {
    (void)state;
    struct setup s = setup_open();
    add(&s, 1, fake_audio(0), "0");
    for (uint32_t ssrc = 1; ssrc < 1000; ssrc++) { // and the table does not grow by it
        struct fake_packet p = {.ssrc = ssrc,
                                .pt = OPUS_PT,
                                .mid = "0",
                                .seq = (uint16_t)(ssrc * 7919),
                                .timestamp = ssrc * 99999};
        assert_int_equal(result_of(&s, p), 1001);
        assert_int_equal(s.f->forgotten_count, ssrc == 1 ? 0 : 1);
    }
    fake_destroy(s.f);
}

// What a publisher sends next, each packet 20 ms after the one before, and whether A hears it.
struct step {
    uint32_t ssrc;
    const char *mid; // NULL: none
    unsigned times;
    uint32_t pause_ms; // before it
    uint32_t heard;    // of them, at least
};

static void play(struct setup *s, const char *what, const struct step *steps, unsigned count,
                 uint32_t consumer) {
    static uint16_t seq;
    for (unsigned i = 0; i < count; i++) {
        uint32_t heard = 0;
        fake_run(s->f, steps[i].pause_ms * MS);
        for (unsigned n = 0; n < steps[i].times; n++) {
            fake_run(s->f, 20 * MS);
            heard += result_of(s, (struct fake_packet){.ssrc = steps[i].ssrc,
                                                       .pt = OPUS_PT,
                                                       .mid = steps[i].mid,
                                                       .seq = ++seq,
                                                       .timestamp = seq * 960u}) == consumer;
        }
        if (steps[i].heard == 0 ? heard > 0 : heard < steps[i].heard)
            fail_msg("%s: step %u: %u of %u heard, at least %u expected", what, i, heard, steps[i].times,
                     steps[i].heard);
    }
}

#define TOLD 77
#define OLD 66
static void a_straggler_does_not_take_a_live_stream_over(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint32_t told; // by producer 2; 0: its SSRC has to be learnt
        struct step steps[6];
    } rows[] = {
        {"one late packet of the track before",
         TOLD,
         {{TOLD, "0", 5, 0, 5}, {TOLD, NULL, 50, 0, 50}, {OLD, "0", 1, 0, 0}, {TOLD, NULL, 50, 0, 50}}},
        {"many of them", TOLD, {{TOLD, "0", 5, 0, 5}, {OLD, "0", 40, 0, 0}, {TOLD, NULL, 50, 0, 50}}},
        {"before the first of the new one", TOLD, {{OLD, "0", 5, 0, 1}, {TOLD, NULL, 50, 0, 50}}},
        {"and the new one has names", TOLD, {{OLD, "0", 5, 0, 1}, {TOLD, "0", 50, 0, 50}}},
        {"while the new one is silent for long",
         TOLD,
         {{TOLD, "0", 5, 0, 5}, {OLD, "0", 5, 20000, 1}, {TOLD, NULL, 50, 0, 50}}},
        {"of one that was learnt",
         0,
         {{TOLD, "0", 5, 0, 5}, {TOLD, NULL, 50, 0, 50}, {OLD, "0", 1, 0, 0}, {TOLD, NULL, 50, 0, 50}}},
        {"many of them, of one that was learnt",
         0,
         {{TOLD, "0", 5, 0, 5}, {OLD, "0", 20, 0, 0}, {TOLD, NULL, 50, 0, 50}}},
        {"of one that was learnt and was silent",
         0,
         {{TOLD, "0", 5, 0, 5}, {OLD, "0", 1, 2000, 1}, {TOLD, NULL, 50, 0, 50}}},
        {"a publisher that goes over to another SSRC",
         0,
         {{TOLD, "0", 50, 0, 50}, {OLD, "0", 100, 0, 74}, {OLD, NULL, 50, 0, 50}}},
        {"though it was told",
         TOLD,
         {{TOLD, "0", 50, 0, 50}, {OLD, "0", 50, 5000, 50}, {OLD, NULL, 5, 0, 5}}},
        {"one that was told and never comes", TOLD, {{OLD, "0", 50, 0, 50}, {OLD, NULL, 50, 0, 50}}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct setup s = setup_open();
        add(&s, 1, fake_audio(OLD), "0");
        assert_int_equal(result_of(&s, (struct fake_packet){.ssrc = OLD, .pt = OPUS_PT, .mid = "0"}), 1001);
        fake_close(s.f, MEDIA_CLOSE_PRODUCER, 1);
        add(&s, 2, fake_audio(rows[i].told), "0");
        play(&s, rows[i].what, rows[i].steps, 6, 1002);
        fake_destroy(s.f);
    }
}

// The same with repeats: those of the old track do not push the new one's away.
static void a_straggling_repeat_does_not_take_the_place_of_others(void **state) {
    (void)state;
    for (unsigned told = 0; told < 2; told++) {
        struct setup s = setup_open();
        struct producer_params params = fake_video(500, told ? 501 : 0);
        params.transport_cc = false;
        add(&s, 1, params, "0");
        struct fake_packet p = {.ssrc = 500, .pt = VP8_PT, .mid = "0", .key = true};
        struct fake_packet repeat = {.ssrc = 501, .pt = RTX_PT, .mid = "0"};
        unsigned repaired = 0;
        for (unsigned n = 0; n < 100; n++) {
            if (n % 10 == 5) { // lost, and repaired
                p.seq++;
                p.timestamp += 3000;
                fake_run(s.f, 15 * MS);
                if (n == 55)
                    fake_rtp(s.f, s.pub,
                             (struct fake_packet){.ssrc = 601, .pt = RTX_PT, .mid = "0", .osn = 9});
            }
            fake_rtp(s.f, s.pub, p);
            if (n % 10 == 5) {
                repeat.osn = p.seq; // its number plus one
                repeat.timestamp = p.timestamp - 3000;
                repaired += result_of(&s, repeat) == 1001;
                repeat.mid = NULL;
                repeat.seq++;
            }
            p.key = false;
            p.mid = NULL;
            p.seq++;
            p.timestamp += 3000;
            fake_run(s.f, 20 * MS);
        }
        assert_int_equal(repaired, 10);
        fake_destroy(s.f);
    }
}

static void numbers_that_begin_anew_go_on_for_receivers(void **state) {
    (void)state;
    struct setup s = setup_open();
    add(&s, 1, fake_audio(5), "");
    uint16_t expected = 0;
    uint32_t last = 0;
    static const uint16_t starts[] = {60000, 10, 30000, 3};
    for (unsigned k = 0; k < 4; k++) {
        for (uint16_t i = 0; i < 10; i++) {
            struct fake_packet p = {.ssrc = 5,
                                    .pt = OPUS_PT,
                                    .seq = (uint16_t)(starts[k] + i),
                                    .timestamp = 0x7fffffffu * k + 960u * i};
            fake_run(s.f, 20 * MS);
            bool wild = k > 0 && i == 0; // RFC 3550, A.1: two in sequence make a new beginning
            assert_int_equal(result_of(&s, p), wild ? 0 : 1001);
            if (wild)
                continue;
            const struct rtp_packet *out = &s.f->rtp[0].head;
            if (expected)
                assert_int_equal(out->seq, expected);
            if (last && out->timestamp - last > 48000)
                fail_msg("timestamp %u follows %u", out->timestamp, last);
            expected = (uint16_t)(out->seq + 1);
            last = out->timestamp;
        }
    }
    fake_destroy(s.f);
}

static void a_thousand_unknown_ssrcs_leave_nothing(void **state) {
    (void)state;
    struct setup s = setup_open();
    add(&s, 1, fake_simulcast("0"), "0");
    for (uint32_t ssrc = 1; ssrc <= 1000; ssrc++)
        assert_int_equal(fake_rtp(s.f, s.pub, (struct fake_packet){.ssrc = ssrc, .pt = VP8_PT}),
                         FORWARD_DROP_UNKNOWN_SSRC);
    assert_int_equal(s.f->forgotten_count, 1000);
    assert_int_equal(pool_taken(s.f->pool), 0);
    fake_destroy(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_ssrcs_are_learnt_by_name),
        cmocka_unit_test(a_rid_alone_counts_without_mids),
        cmocka_unit_test(a_nameless_packet_is_of_the_only_one_that_misses_its_ssrc),
        cmocka_unit_test(a_mid_can_be_used_again_after_its_producer_closed),
        cmocka_unit_test(a_publisher_may_change_its_ssrc),
        cmocka_unit_test(a_straggler_does_not_take_a_live_stream_over),
        cmocka_unit_test(a_straggling_repeat_does_not_take_the_place_of_others),
        cmocka_unit_test(numbers_that_begin_anew_go_on_for_receivers),
        cmocka_unit_test(a_thousand_unknown_ssrcs_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
