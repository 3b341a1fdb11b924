// What a receiver's feedback changes of what it is sent, and what lies cannot change.
#include "forward_fake.h"

#include "rooms/media/congestion.h"

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub, *a;
    uint16_t seq, told;
};

// One stream of about 960 kbit/s, and sound.
static struct room room_open(bool acknowledges, uint32_t rtx_ssrc) {
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    struct consumer_params video = fake_receive_video(110, rtx_ssrc), audio = fake_receive_audio(120);
    video.ext.ids[EXT_TRANSPORT_CC] = audio.ext.ids[EXT_TRANSPORT_CC] =
        acknowledges ? EXT_ROUTER_ID(EXT_TRANSPORT_CC) : 0;
    fake_open_consumer(r.f, 2, 1, 11, video);
    fake_open_consumer(r.f, 2, 2, 12, audio);
    return r;
}

static void publish(struct room *r, unsigned ms, bool key) {
    for (unsigned i = 0; i < ms; i += 10) {
        uint16_t seq = r->seq++;
        fake_rtp(r->f, r->pub,
                 (struct fake_packet){.pt = VP8_PT,
                                      .ssrc = 1000,
                                      .seq = seq,
                                      .timestamp = seq * 900u,
                                      .key = key || seq == 0,
                                      .longer = 1100});
        if (seq % 2 == 0)
            fake_rtp(
                r->f, r->pub,
                (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = seq / 2, .timestamp = seq * 480u});
        fake_run(r->f, 10 * MS);
    }
}

static void remb(struct room *r, uint32_t kbps) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    write_u32(&w, 0x8fce0004);
    write_u32(&w, 9);
    write_u32(&w, 0);
    write_u32(&w, 0x52454d42);
    write_u32(&w, 2u << 18 | kbps * 250);
    fake_rtcp(r->f, r->a, &w);
}

static unsigned video_count(const struct room *r) {
    return fake_count_rtp(r->f, A, 110);
}

static struct transport_stats stats_of(struct room *r, uint32_t transport) {
    struct media_stats stats = {0};
    struct media_cmd cmd = {.type = MEDIA_GET_STATS, .transport = {transport}};
    forwarder_stats(r->f->fw, &cmd, r->f->now_us, &stats);
    return stats.transport;
}

static struct media_event layers_last(const struct fake *f) {
    struct media_event event = {0};
    for (unsigned i = 0; i < f->event_count; i++)
        if (f->events[i].type == MEDIA_CONSUMER_LAYERS)
            event = f->events[i];
    return event;
}

static void nothing_is_limited_by_who_tells_nothing(void **state) {
    (void)state;
    struct room r = room_open(false, 111);
    publish(&r, 5000, false);
    assert_int_equal(video_count(&r), 500);
    assert_int_equal(stats_of(&r, 2).estimate_reason, LINK_UNKNOWN);
    assert_int_equal(fake_count_rtp(r.f, A, 111), 0); // and nothing is tried
    fake_destroy(r.f);
}

static void who_never_acknowledges_is_served_all_the_same(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    publish(&r, 8000, false);
    assert_int_equal(video_count(&r), 800);
    assert_int_equal(fake_count_rtp(r.f, A, 120), 400);
    fake_destroy(r.f);
}

// REMB below what the one stream takes: video goes off, with its reason, and sound goes on; it comes back.
static void video_goes_off_and_comes_back(void **state) {
    (void)state;
    struct room r = room_open(false, 111);
    publish(&r, 3000, false);
    remb(&r, 300);
    publish(&r, 1000 + ALLOCATOR_HOLD_US / 1000 + ALLOCATOR_OFF_US / 1000, false);
    assert_int_equal(layers_last(r.f).layers.spatial, LAYER_NONE);
    assert_int_equal(layers_last(r.f).layers.reason, LAYER_REASON_BANDWIDTH);
    fake_clear(r.f);
    publish(&r, 2000, false);
    assert_int_equal(video_count(&r), 0);
    assert_int_equal(fake_count_rtp(r.f, A, 120), 100);
    struct transport_stats stats = stats_of(&r, 2);
    assert_int_equal(stats.estimate_reason, LINK_REMB);
    assert_in_range(stats.estimate_bps, 299000, 301000);
    assert_true(stats.target_bps < 100000 && stats.wanted_bps > 900000);
    remb(&r, 4000);
    publish(&r, 3000, false);
    publish(&r, 1000, true);
    assert_true(video_count(&r) > 50);
    fake_destroy(r.f);
}

// RFC 8888, 3.1: of SSRC 110 the numbers from the first of them on, all received.
static void who_knows_rfc_8888_alone_is_understood(void **state) {
    (void)state;
    struct room r = room_open(false, 111);
    for (unsigned n = 0; n < 40; n++) {
        fake_clear(r.f);
        publish(&r, 100, false);
        uint8_t bytes[128];
        struct writer w = writer_of(bytes, sizeof bytes);
        write_u32(&w, 0x8bcd0009);
        write_u32(&w, 9);
        write_u32(&w, 110);
        const struct fake_rtp *first = NULL;
        for (unsigned i = 0; !first; i++)
            first = r.f->rtp[i].head.ssrc == 110 ? &r.f->rtp[i] : NULL;
        write_u16(&w, first->head.seq);
        write_u16(&w, 10);
        for (unsigned i = 0; i < 10; i++)
            write_u16(&w, (uint16_t)(0x8000 | ((9 - i) * 10 * 1024 / 1000)));
        write_u32(&w, (uint32_t)(r.f->now_us * 4096 / 62500));
        fake_rtcp(r.f, r.a, &w);
    }
    struct transport_stats stats = stats_of(&r, 2);
    assert_true(stats.estimate_reason != LINK_UNKNOWN && stats.estimate_reason != LINK_SILENT);
    assert_true(r.a->congestion->named && congestion_state(r.a->congestion).acked_bps > 500000);
    fake_destroy(r.f);
}

static void ceilings_hold_whatever_is_known(void **state) {
    (void)state;
    struct room r = room_open(false, 111);
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE, .consumer = {11}};
    publish(&r, 1000, false);
    for (unsigned of_transport = 0; of_transport < 2; of_transport++) {
        cmd.max_bitrate.bps = 500000;
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
        publish(&r, 1000 + ALLOCATOR_HOLD_US / 1000 + ALLOCATOR_OFF_US / 1000, false);
        fake_clear(r.f);
        publish(&r, 500, false);
        assert_int_equal(video_count(&r), 0);
        assert_int_equal(fake_count_rtp(r.f, A, 120), 25);
        cmd.max_bitrate.bps = 0;
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
        publish(&r, 1000, true);
        assert_true(video_count(&r) > 50);
        cmd = (struct media_cmd){.type = MEDIA_SET_MAX_BITRATE, .transport = {2}};
    }
    fake_destroy(r.f);
}

// Probes are padding on the RTX stream, or on the stream that mediasoup-client knows, and no number repeats
// (the fake peers look at that).
static void probes_are_padding(void **state) {
    (void)state;
    for (unsigned rtx = 0; rtx < 2; rtx++) {
        struct room r = room_open(true, rtx ? 111 : 0);
        uint32_t carrier = rtx ? 111 : PROBATION_SSRC;
        publish(&r, 300, false);
        struct consumer *c = forwarder_consumer(r.f->fw, (struct consumer_id){11});
        fake_clear(r.f);
        uint32_t sent = padding_send(c->endpoint->congestion, 20000, rtx ? 1400 : 300, r.f->now_us);
        assert_in_range(sent, 20000, 21500);
        unsigned count = fake_count_rtp(r.f, A, carrier);
        assert_in_range(count, rtx ? 13 : 60, rtx ? 20 : 70);
        for (unsigned i = 0; i < r.f->rtp_count; i++) {
            const struct fake_rtp *p = &r.f->rtp[i];
            assert_int_equal(p->head.payload_type, rtx ? 102 : PROBATION_PAYLOAD_TYPE);
            assert_string_equal(p->mid, rtx ? "7" : PROBATION_MID);
            assert_true(i == 0 || p->transport_seq == (uint16_t)(r.f->rtp[i - 1].transport_seq + 1));
        }
        assert_true(padding_send(c->endpoint->congestion, 100000000, 300, r.f->now_us) < 100000); // bounded
        fake_destroy(r.f);
    }
}

// What went out lately is repeated, but not of a producer that is paused: its receivers would take it up
// again.
static void probes_repeat_nothing_of_a_paused_producer(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    publish(&r, 300, false);
    struct consumer *c = forwarder_consumer(r.f->fw, (struct consumer_id){11});
    for (unsigned paused = 0; paused < 2; paused++) {
        fake_pause(r.f, MEDIA_PAUSE_PRODUCER, 1, paused);
        fake_clear(r.f);
        assert_true(padding_send(c->endpoint->congestion, 20000, 1400, r.f->now_us) >= 20000);
        unsigned repeats = 0;
        for (unsigned i = 0; i < r.f->rtp_count; i++)
            repeats += !(r.f->rtp[i].bytes[0] & 0x20); // padding alone has the P bit
        assert_in_range(repeats, paused ? 0 : 10, paused ? 0 : 20);
    }
    fake_destroy(r.f);
}

// Who reads extensions under numbers of its own finds those of padding there too.
static void padding_has_its_receivers_own_ids(void **state) {
    (void)state;
    for (unsigned rtx = 0; rtx < 2; rtx++) {
        struct room r = room_open(false, rtx ? 211 : 0);
        struct consumer_params video = fake_receive_video(210, rtx ? 212 : 0);
        video.own_ext_ids = true;
        video.ext.ids[EXT_MID] = 9;
        video.ext.ids[EXT_TRANSPORT_CC] = 13;
        fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
        fake_open_consumer(r.f, 2, 1, 13, video);
        struct consumer *c = forwarder_consumer(r.f->fw, (struct consumer_id){13});
        fake_clear(r.f);
        uint16_t number = c->endpoint->transport_seq;
        assert_true(padding_send(c->endpoint->congestion, 200, 200, r.f->now_us) > 0);
        const uint8_t *p = r.f->rtp[0].bytes + RTP_HEADER_MIN, *end = p + 4 + 4 * load_be16(p + 2);
        unsigned found = 0;
        assert_int_equal(load_be16(p), 0xbede);
        for (p += 4; p < end; p += *p ? (*p & 15) + 2 : 1) {
            if (*p == 0)
                continue;
            assert_true(*p >> 4 == 9 || *p >> 4 == 13); // it has none for the time
            if (*p >> 4 == 13 && load_be16(p + 1) == number)
                found++;
        }
        assert_int_equal(found, 1);
        fake_destroy(r.f);
    }
}

// What a receiver says raises nothing above its ceiling: neither probes nor what a link is tried with.
static void nothing_is_tried_above_a_ceiling(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    struct media_cmd cmd = {.type = MEDIA_SET_MAX_BITRATE, .transport = {2}};
    cmd.max_bitrate.bps = 1100000;
    publish(&r, 1000, false);
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    struct congestion *cg = r.a->congestion;
    cg->heard = cg->works = cg->proven = true; // it tells, and was full once
    uint32_t tried_bps = 0;
    for (unsigned i = 0; i < 600; i++) {
        remb(&r, i < 100 ? 200 : 5000);
        cg->proven = true;
        publish(&r, 50, i % 20 == 0);
        tried_bps = cg->trial.rate_bps > tried_bps ? cg->trial.rate_bps : tried_bps;
    }
    assert_true(tried_bps > 0); // the test has tried something
    assert_in_range(tried_bps, 1, 1100000);
    fake_destroy(r.f);
}

// On a link that is known to be full a key frame waits for its turn, and sound does not.
static void a_key_frame_waits_and_sound_does_not(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    publish(&r, 300, false);
    struct congestion *cg = r.a->congestion;
    cg->limited_us = r.f->now_us; // as if it had just been full
    pacer_set(&cg->pacer, 1000000);
    fake_clear(r.f);
    for (unsigned i = 0; i < 20; i++) {
        uint16_t seq = r.seq++;
        (void)fake_rtp_pending(r.f, r.pub,
                               (struct fake_packet){.pt = VP8_PT,
                                                    .ssrc = 1000,
                                                    .seq = seq,
                                                    .timestamp = 30 * 900u,
                                                    .key = i == 0,
                                                    .longer = 1100});
    }
    (void)fake_rtp_pending(
        r.f, r.pub, (struct fake_packet){.pt = OPUS_PT, .ssrc = 2000, .seq = 500, .timestamp = 500 * 960u});
    forwarder_flush(r.f->fw);
    assert_in_range(video_count(&r), 1, 4);
    assert_int_equal(fake_count_rtp(r.f, A, 120), 1);
    fake_run(r.f, 600 * MS);
    assert_int_equal(video_count(&r), 20);
    uint16_t before = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++) { // numbered as they leave
        assert_true(i == 0 || r.f->rtp[i].transport_seq == (uint16_t)(before + 1));
        before = r.f->rtp[i].transport_seq;
    }
    assert_true(r.f->rtp[r.f->rtp_count - 1].at_us > r.f->rtp[0].at_us + 100 * MS);
    fake_destroy(r.f);
}

// More at once than may wait: the oldest leave, before any timer has fired.
static void a_burst_beyond_what_may_wait_passes(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    publish(&r, 300, false);
    struct congestion *cg = r.a->congestion;
    cg->limited_us = r.f->now_us;
    pacer_set(&cg->pacer, 100000);
    fake_clear(r.f);
    for (unsigned i = 0; i < 2 * PACER_BLOCKS_MAX; i++) {
        uint16_t seq = r.seq++;
        fake_rtp(r.f, r.pub,
                 (struct fake_packet){
                     .pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = 30 * 900u, .key = i == 0});
        assert_true(cg->pacer.count <= PACER_BLOCKS_MAX + 1);
    }
    assert_true(video_count(&r) > PACER_BLOCKS_MAX / 2);
    fake_run(r.f, 2000 * MS);
    assert_int_equal(video_count(&r), 2 * PACER_BLOCKS_MAX);
    fake_destroy(r.f);
}

static void what_waits_goes_with_its_consumer(void **state) {
    (void)state;
    struct room r = room_open(true, 111);
    publish(&r, 300, false);
    for (unsigned how = 0; how < 3; how++) {
        pacer_set(&r.a->congestion->pacer, 100000);
        for (unsigned i = 0; i < 20; i++) {
            uint16_t seq = r.seq++;
            (void)fake_rtp_pending(r.f, r.pub,
                                   (struct fake_packet){.pt = VP8_PT,
                                                        .ssrc = 1000,
                                                        .seq = seq,
                                                        .timestamp = 30 * 900u,
                                                        .key = i == 0,
                                                        .longer = 900});
        }
        forwarder_flush(r.f->fw);
        if (how < 2)
            assert_true(r.a->congestion->pacer.count > 10);
        if (how == 0)
            fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
        else if (how == 1)
            forwarder_endpoint_reachable(r.f->fw, r.a, false, r.f->now_us);
        if (how < 2)
            assert_int_equal(r.a->congestion->pacer.count, 0);
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, false);
        forwarder_endpoint_reachable(r.f->fw, r.a, true, r.f->now_us);
    }
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    assert_int_equal(r.a->congestion->pacer.count, 0);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_limited_by_who_tells_nothing),
        cmocka_unit_test(who_never_acknowledges_is_served_all_the_same),
        cmocka_unit_test(video_goes_off_and_comes_back),
        cmocka_unit_test(who_knows_rfc_8888_alone_is_understood),
        cmocka_unit_test(ceilings_hold_whatever_is_known),
        cmocka_unit_test(probes_are_padding),
        cmocka_unit_test(probes_repeat_nothing_of_a_paused_producer),
        cmocka_unit_test(padding_has_its_receivers_own_ids),
        cmocka_unit_test(nothing_is_tried_above_a_ceiling),
        cmocka_unit_test(a_key_frame_waits_and_sound_does_not),
        cmocka_unit_test(a_burst_beyond_what_may_wait_passes),
        cmocka_unit_test(what_waits_goes_with_its_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
