// Edges of the media objects that nothing else runs into: tables that are full, names that lapse, wishes that
// are put off, layers that nobody sees.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq[3];
};

static struct room room_open(struct fake *f) {
    struct room r = {.f = f, .seq = {10, 7000, 20000}};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    return r;
}

static enum forward_drop video(struct room *r, uint32_t ssrc, bool key) {
    struct fake_packet p = {
        .pt = VP8_PT, .ssrc = ssrc, .seq = r->seq[0], .timestamp = r->seq[0] * 1800u, .key = key};
    r->seq[0]++;
    return fake_rtp(r->f, r->pub, p);
}

static void layer(struct room *r, unsigned i, bool key) {
    static const char *const rids[] = {"r0", "r1", "r2"};
    struct fake_packet p = {.pt = VP8_PT,
                            .ssrc = 500 + i,
                            .mid = "0",
                            .rid = rids[i],
                            .seq = r->seq[i]++,
                            .timestamp = i * 77777u + (uint32_t)(r->f->now_us * 9 / 100),
                            .key = key};
    (void)fake_rtp(r->f, r->pub, p);
}

static unsigned cost_class_of(const struct room *r, uint32_t id) {
    const struct consumer *c = forwarder_consumer(r->f->fw, (struct consumer_id){id});
    assert_non_null(c);
    return c->cost_class;
}

static unsigned asked(const struct fake *f, uint32_t ssrc) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(f->rtcp[i].bytes, f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
            n += f->rtcp[i].peer == PUB && packet.kind == RTCP_PLI && packet.media_ssrc == ssrc;
    }
    return n;
}

// ---- SSRCs and extensions

// Whose table is full cannot add an SSRC, but one of its streams may change its own.
static void a_full_table_takes_a_changed_ssrc_and_no_new_one(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    for (uint32_t i = 0; i < ENDPOINT_SSRCS_MAX / 2; i++) // two each
        fake_open_producer(r.f, 1, 1 + i, fake_video(1000 + 2 * i, 1001 + 2 * i));
    struct producer_params named = fake_audio(0);
    snprintf(named.mid, sizeof named.mid, "8");
    fake_open_producer(r.f, 1, 100, named);
    fake_open_consumer(r.f, 2, 100, 200, fake_receive_audio(210));
    struct fake_packet p = {.pt = OPUS_PT, .ssrc = 5};
    assert_int_equal(r.pub->ssrc_count, ENDPOINT_SSRCS_MAX);
    assert_int_equal(fake_rtp(r.f, r.pub, p), FORWARD_DROP_UNKNOWN_SSRC);
    fake_close(r.f, MEDIA_CLOSE_PRODUCER, 1);
    assert_int_equal(fake_rtp(r.f, r.pub, p), FORWARD_DROP_NONE);
    fake_open_producer(r.f, 1, 1, fake_video(3000, 0));
    assert_int_equal(r.pub->ssrc_count, ENDPOINT_SSRCS_MAX);
    fake_run(r.f, 2 * SECOND);
    p.ssrc = 6;
    p.mid = "8";
    assert_int_equal(fake_rtp(r.f, r.pub, p), FORWARD_DROP_NONE);
    assert_int_equal(r.pub->ssrc_count, ENDPOINT_SSRCS_MAX);
    assert_int_equal(fake_count_rtp(r.f, A, 210), 2);
    fake_destroy(r.f);
}

// A number means what a producer that is there negotiated for it.
static void what_a_closed_producer_negotiated_lapses(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    struct producer_params params = fake_simulcast("0");
    params.ext.ids[EXT_MID] = EXT_ID_MID + 1;
    fake_open_producer(r.f, 1, 1, params);
    fake_open_producer(r.f, 1, 2, fake_audio(900));
    struct fake_packet p = {.pt = VP8_PT, .ssrc = 500, .mid = "0", .rid = "r0", .key = true};
    assert_int_equal(fake_rtp(r.f, r.pub, p), FORWARD_DROP_NONE);
    fake_close(r.f, MEDIA_CLOSE_PRODUCER, 2);
    p.ssrc = 501;
    p.rid = "r1";
    assert_int_equal(fake_rtp(r.f, r.pub, p), FORWARD_DROP_UNKNOWN_SSRC);
    fake_destroy(r.f);
}

static void feedback_names_the_stream_that_came_last(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(r.f, 1, 2, fake_audio(900));
    for (unsigned i = 0; i < 8; i++) {
        bool audio = i % 2;
        struct fake_packet p = {.pt = audio ? OPUS_PT : VP8_PT,
                                .ssrc = audio ? 900 : 1000,
                                .seq = (uint16_t)i,
                                .transport_seq = 1 + (int)i};
        (void)fake_rtp(r.f, r.pub, p);
        struct rtcp_packet last;
        fake_run(r.f, 150 * MS);
        assert_true(fake_count_rtcp(r.f, PUB, RTCP_TRANSPORT_CC, &last) > 0);
        assert_int_equal(last.media_ssrc, audio ? 900 : 1000);
        fake_clear(r.f);
    }
    fake_destroy(r.f);
}

// ---- key frames

// Beginnings beyond what one receiver may have at once wait a second, and are served then.
static void a_beginning_that_is_put_off_waits_its_second(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_video(1000, 0));
    fake_open_producer(r.f, 1, 2, fake_video(2000, 0));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    for (unsigned i = 0; i < 45; i++) { // 900 ms; each second something is done about wishes
        (void)video(&r, 2000, false);
        fake_run(r.f, 20 * MS);
    }
    for (unsigned i = 0; i < KEY_COMING_BURST + 5; i++) {
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, false);
    }
    fake_open_consumer(r.f, 2, 2, 21, fake_receive_video(210, 211));
    assert_int_equal(asked(r.f, 2000), 0);
    for (unsigned i = 0; i < 45; i++) {
        (void)video(&r, 2000, false);
        fake_run(r.f, 20 * MS);
    }
    assert_int_equal(asked(r.f, 2000), 0);
    for (unsigned i = 0; i < 60; i++) {
        (void)video(&r, 2000, false);
        fake_run(r.f, 20 * MS);
    }
    assert_true(asked(r.f, 2000) > 0);
    fake_destroy(r.f);
}

// Who has been asked in vain for long is asked each second again once its numbers begin anew.
static void numbers_that_begin_anew_are_asked_about_anew(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_video(1000, 0));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    for (unsigned i = 0; i < 1500; i++) { // half a minute
        (void)video(&r, 1000, false);
        fake_run(r.f, 20 * MS);
    }
    fake_clear(r.f);
    r.seq[0] = (uint16_t)(r.seq[0] + 20000);
    for (unsigned i = 0; i < 125; i++) {
        (void)video(&r, 1000, false);
        fake_run(r.f, 20 * MS);
    }
    assert_in_range(asked(r.f, 1000), 2, 4);
    fake_destroy(r.f);
}

// ---- what is given out

// Only what it would have got counts as kept from a receiver that gets too much.
static void layers_that_nobody_sees_are_not_refused(void **state) {
    (void)state;
    struct room r = room_open(fake_create_limited((struct media_limits){.transport_bitrate_bps = 40000}));
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}, .layers = {.spatial = 0}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    unsigned shown = 0;
    for (unsigned i = 0; i < 600; i++) {
        for (unsigned l = 0; l < 3; l++)
            layer(&r, l, i == 0);
        shown++;
        fake_run(r.f, 5 * MS);
    }
    const struct forwarder_counters *counters = forwarder_counters(r.f->fw);
    assert_true(counters->egress_over_budget > 100);
    assert_int_equal(counters->egress_over_budget + fake_count_rtp(r.f, A, 110), shown);
    assert_int_equal(counters->taker.v, 2);
    fake_destroy(r.f);
}

// A repeat of what went out after a change of layers has the time under which it went out.
static void repeats_keep_the_time_of_a_layer_that_was_joined(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}, .layers = {.spatial = 0}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    for (unsigned i = 0; i < 100; i++) {
        if (i == 50) {
            cmd.layers.spatial = 1;
            forwarder_command(r.f->fw, &cmd, r.f->now_us);
        }
        layer(&r, 0, i == 0);
        layer(&r, 1, i == 0 || i == 55);
        fake_run(r.f, 20 * MS);
    }
    struct fake_rtp last = {0};
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        if (r.f->rtp[i].head.ssrc == 110)
            last = r.f->rtp[i];
    assert_in_range(load_be16(last.payload + 2), 7000, 7999); // of layer 1
    fake_clear(r.f);
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    uint16_t seq = last.head.seq;
    assert_int_equal(rtcp_write_nack(&w, 9, 110, &seq, 1), 1);
    fake_rtcp(r.f, r.a, &w);
    assert_int_equal(r.f->rtp_count, 1);
    assert_int_equal(r.f->rtp[0].head.ssrc, 111);
    assert_int_equal(r.f->rtp[0].head.timestamp, last.head.timestamp);
    fake_destroy(r.f);
}

// Picture numbers go on by one, and so does the number of the base layer, whichever layer a frame is of.
static void pictures_are_numbered_through(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}, .layers = {.spatial = 0}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    for (uint16_t i = 0; i < 150; i++) {
        if (i == 50 || i == 100) {
            cmd.layers.spatial = i == 50;
            forwarder_command(r.f->fw, &cmd, r.f->now_us);
        }
        for (unsigned l = 0; l < 2; l++) {
            struct fake_packet p = {.pt = VP8_PT,
                                    .ssrc = 500 + l,
                                    .mid = "0",
                                    .rid = l ? "r1" : "r0",
                                    .seq = r.seq[l]++,
                                    .timestamp = i * 1800u,
                                    .key = i % 50 == 2,
                                    .picture = (uint16_t)((l ? 5000 : 100) + i)};
            (void)fake_rtp(r.f, r.pub, p);
        }
        fake_run(r.f, 20 * MS);
    }
    bool seen[2] = {0};
    assert_true(r.f->rtp_count > 140);
    for (unsigned i = 0; i < r.f->rtp_count; i++) {
        const struct fake_rtp *now = &r.f->rtp[i], *before = &r.f->rtp[i ? i - 1 : 0];
        seen[load_be16(now->payload + 6) >= 7000] = true; // which layer it is of
        if (i > 0) {
            assert_int_equal(load_be16(now->payload + 2) & 0x7fff,
                             (load_be16(before->payload + 2) & 0x7fff) + 1);
            assert_int_equal(now->payload[4], (uint8_t)(before->payload[4] + 1));
        }
    }
    assert_true(seen[0] && seen[1]);
    fake_destroy(r.f);
}

// What a receiver costs is what comes in a second; a rise counts at once, a fall bit by bit.
static void a_producer_costs_what_comes_in_a_second(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_video(1000, 0));
    const struct producer *p = forwarder_producer(r.f->fw, (struct producer_id){1});
    assert_non_null(p);
    uint64_t a_packet = 0;
    for (unsigned i = 0; i < 500; i++) { // 50 a second
        (void)video(&r, 1000, i == 0);
        fake_run(r.f, 20 * MS);
    }
    a_packet = p->streams[0].stats.bytes / 500 + 200;
    assert_in_range(p->cost.a_second, 48 * a_packet, 53 * a_packet);
    for (unsigned i = 0; i < 300; i++) { // 100 a second
        (void)video(&r, 1000, false);
        fake_run(r.f, 10 * MS);
    }
    assert_in_range(p->cost.a_second, 97 * a_packet, 104 * a_packet);
    for (unsigned i = 0; i < 60; i++) { // 50 again
        (void)video(&r, 1000, false);
        fake_run(r.f, 20 * MS);
    }
    assert_in_range(p->cost.a_second, 80 * a_packet, 95 * a_packet); // a quarter of the way
    fake_destroy(r.f);
}

// Who shows nothing yet begins with a layer up to its ceiling as soon as that has a key frame, and with none
// above.
static void who_shows_nothing_begins_up_to_its_ceiling(void **state) {
    (void)state;
    for (unsigned first = 1; first < 3; first++) {
        struct room r = room_open(fake_create());
        fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
        for (unsigned i = 0; i < 50; i++) {
            layer(&r, 0, false);
            fake_run(r.f, 20 * MS);
        }
        fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
        struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}, .layers = {.spatial = 1}};
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
        layer(&r, 0, false);
        layer(&r, first, true);
        assert_int_equal(fake_count_rtp(r.f, A, 110), first == 1);
        fake_destroy(r.f);
    }
}

// Of two, the one that is in the middle is the cheaper one: the other is dear against it.
static void the_dearer_of_two_goes_first(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    struct endpoint *dear = fake_connected(r.f, 3, "dear publisher");
    fake_connected(r.f, 4, "dear receiver");
    fake_open_producer(r.f, 1, 1, fake_video(1000, 0));
    fake_open_producer(r.f, 3, 2, fake_video(2000, 0));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 4, 2, 21, fake_receive_video(210, 211));
    for (uint16_t i = 0; i < 2500; i++) {
        struct fake_packet p = {.pt = VP8_PT, .ssrc = 2000, .seq = i, .timestamp = i * 180u, .key = i == 0};
        (void)fake_rtp(r.f, dear, p);
        if (i % 40 == 0)
            (void)video(&r, 1000, i == 0);
        fake_run(r.f, 2 * MS);
        r.f->rtp_count = 0;
    }
    forwarder_shed(r.f->fw, 1, r.f->now_us);
    assert_int_equal(cost_class_of(&r, 11), 0);
    assert_true(cost_class_of(&r, 21) > 0);
    forwarder_shed(r.f->fw, 0, r.f->now_us);
    fake_destroy(r.f);
}

// And of three of which two are dear, they are the ordinary ones.
static void what_most_cost_is_ordinary(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    for (uint32_t i = 0; i < 3; i++) {
        fake_open_producer(r.f, 1, 1 + i, fake_video(1000 + i, 0));
        fake_connected(r.f, 10 + i, "receiver");
        fake_open_consumer(r.f, 10 + i, 1 + i, 11 + i, fake_receive_video(110 + 10 * i, 0));
    }
    for (uint16_t n = 0; n < 2500; n++) {
        for (uint32_t i = 0; i < 3; i++) {
            struct fake_packet p = {.pt = VP8_PT, .ssrc = 1000 + i, .seq = n, .timestamp = n * 180u};
            if (i > 0 || n % 40 == 0)
                (void)fake_rtp(r.f, r.pub, p);
        }
        fake_run(r.f, 2 * MS);
        r.f->rtp_count = 0;
    }
    forwarder_shed(r.f->fw, 1, r.f->now_us);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(cost_class_of(&r, 11 + i), 0);
    forwarder_shed(r.f->fw, 0, r.f->now_us);
    fake_destroy(r.f);
}

// Padding of a layer that is not shown takes no number of the one that is.
static void padding_of_another_layer_takes_no_number(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}, .layers = {.spatial = 0}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    r.seq[0] = r.seq[1] = 10;
    for (unsigned i = 0; i < 50; i++) {
        struct fake_packet padding = {.pt = VP8_PT,
                                      .ssrc = 501,
                                      .seq = r.seq[1]++,
                                      .timestamp = 1,
                                      .mid = "0",
                                      .rid = "r1",
                                      .empty = true};
        (void)fake_rtp(r.f, r.pub, padding);
        layer(&r, 0, i == 0);
        fake_run(r.f, 20 * MS);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 110), 50);
    uint16_t first = r.f->rtp[0].head.seq;
    for (uint16_t i = 0; i < 50; i++)
        assert_int_equal(r.f->rtp[i].head.seq, (uint16_t)(first + i));
    fake_destroy(r.f);
}

// ---- more than fits one datagram

#define MANY 40

// Of ever so many streams each is reported about, in as many datagrams as it takes.
static void many_streams_are_all_reported_about(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    bool told[2][MANY] = {0};
    for (uint32_t i = 0; i < MANY; i++) {
        fake_open_producer(r.f, 1, 1 + i, fake_audio(1000 + i));
        fake_open_consumer(r.f, 2, 1 + i, 100 + i, fake_receive_audio(2000 + i));
    }
    for (uint16_t n = 0; n < 150; n++) {
        for (uint32_t i = 0; i < MANY; i++) {
            struct fake_packet p = {.pt = OPUS_PT, .ssrc = 1000 + i, .seq = n, .timestamp = n * 960u};
            (void)fake_rtp(r.f, r.pub, p);
            if (n == 10) {
                uint8_t bytes[64];
                struct writer w = writer_of(bytes, sizeof bytes);
                struct rtcp_sender_info info = {.ntp = UINT64_C(1) << 40, .rtp_timestamp = n * 960u};
                rtcp_write_sr(&w, 1000 + i, &info, NULL, 0);
                fake_rtcp(r.f, r.pub, &w);
                r.f->rtcp_count = 0; // each is told of that at once
            }
        }
        fake_run(r.f, 20 * MS);
        r.f->rtp_count = 0;
    }
    for (unsigned i = 0; i < r.f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(r.f->rtcp[i].bytes, r.f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
            struct reader reader = reader_of(packet.body);
            struct rtcp_report report;
            if (packet.kind == RTCP_SENDER_REPORT && packet.sender_ssrc - 2000 < MANY)
                told[0][packet.sender_ssrc - 2000] = true;
            while (packet.kind == RTCP_RECEIVER_REPORT && rtcp_report_next(&reader, &report))
                told[1][report.ssrc - 1000] = true;
        }
        assert_false(walk.malformed);
    }
    for (unsigned i = 0; i < MANY; i++)
        assert_true(told[0][i] && told[1][i]);
    fake_destroy(r.f);
}

// Numbers begin in the low half of their space, each consumer's elsewhere, for its RTX as well.
static void numbers_begin_anywhere_in_the_low_half(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    uint16_t numbers[2 * MANY];
    fake_open_producer(r.f, 1, 1, fake_video(1000, 0));
    for (uint32_t i = 0; i < MANY; i++)
        fake_open_consumer(r.f, 2, 1, 100 + i, fake_receive_video(2000 + 2 * i, 2001 + 2 * i));
    (void)video(&r, 1000, true);
    assert_int_equal(r.f->rtp_count, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t bytes[64];
        struct writer w = writer_of(bytes, sizeof bytes);
        numbers[i] = r.f->rtp[i].head.seq;
        assert_int_equal(rtcp_write_nack(&w, 9, r.f->rtp[i].head.ssrc, &numbers[i], 1), 1);
        fake_rtcp(r.f, r.a, &w);
        assert_int_equal(r.f->rtp_count, MANY + i + 1);
        numbers[MANY + i] = r.f->rtp[MANY + i].head.seq;
    }
    for (unsigned i = 0; i < 2 * MANY; i++) {
        assert_in_range(numbers[i], 1, 32767);
        unsigned same = 0;
        for (unsigned k = 0; k < 2 * MANY; k++)
            same += numbers[k] == numbers[i];
        assert_true(same < 3);
    }
    fake_destroy(r.f);
}

static void layers_cost_together(void **state) {
    (void)state;
    struct room r = room_open(fake_create());
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    const struct producer *p = forwarder_producer(r.f->fw, (struct producer_id){1});
    assert_non_null(p);
    for (unsigned i = 0; i < 250; i++) { // 50 a second of each
        for (unsigned l = 0; l < 3; l++)
            layer(&r, l, i == 0);
        fake_run(r.f, 20 * MS);
    }
    uint64_t a_packet = p->streams[0].stats.bytes / 250 + 200;
    assert_in_range(p->cost.a_second, 147 * a_packet, 160 * a_packet);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_table_takes_a_changed_ssrc_and_no_new_one),
        cmocka_unit_test(what_a_closed_producer_negotiated_lapses),
        cmocka_unit_test(feedback_names_the_stream_that_came_last),
        cmocka_unit_test(a_beginning_that_is_put_off_waits_its_second),
        cmocka_unit_test(numbers_that_begin_anew_are_asked_about_anew),
        cmocka_unit_test(layers_that_nobody_sees_are_not_refused),
        cmocka_unit_test(repeats_keep_the_time_of_a_layer_that_was_joined),
        cmocka_unit_test(who_shows_nothing_begins_up_to_its_ceiling),
        cmocka_unit_test(the_dearer_of_two_goes_first),
        cmocka_unit_test(what_most_cost_is_ordinary),
        cmocka_unit_test(many_streams_are_all_reported_about),
        cmocka_unit_test(numbers_begin_anywhere_in_the_low_half),
        cmocka_unit_test(padding_of_another_layer_takes_no_number),
        cmocka_unit_test(layers_cost_together),
        cmocka_unit_test(pictures_are_numbered_through),
        cmocka_unit_test(a_producer_costs_what_comes_in_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
