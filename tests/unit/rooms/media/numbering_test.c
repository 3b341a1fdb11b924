// No packet index of a stream ever protects two packets, whatever a publisher, a network or a receiver does
// (RFC 7714, section 8.4). The fake notes each index that goes out and fails the test at the second use.
#include "forward_fake.h"

#include "base/seq.h"
#include "rooms/media/downlink.h"

static const char *const PUB = "publisher", *const A = "with RTX", *const B = "without RTX";

struct room {
    struct fake *f;
    struct endpoint *pub, *a, *b;
    uint16_t seq;
};

static struct room room_open(struct producer_params params) {
    struct room r = {.f = fake_create(), .seq = 100};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    r.b = fake_connected(r.f, 3, B);
    fake_open_producer(r.f, 1, 1, params);
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 3, 1, 21, fake_receive_video(210, 0));
    return r;
}

static void frame(struct room *r, bool key) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){
                 .pt = VP8_PT, .ssrc = 1000, .seq = r->seq, .timestamp = r->seq * 3000u, .key = key});
    r->seq++;
    fake_run(r->f, 10 * MS);
}

static void padding(struct room *r, uint16_t seq) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = VP8_PT, .ssrc = 1000, .seq = seq, .timestamp = 1, .empty = true});
}

static void frames(struct room *r, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        frame(r, i == 0);
        if (i % 100 == 0) {
            fake_report(r->f, r->a, 110);
            fake_report(r->f, r->b, 210);
        }
        if (r->f->rtp_count > FAKE_KEPT / 2)
            fake_clear(r->f);
    }
}

static const struct fake_rtp *last_to(const struct fake *f, const char *peer) {
    for (unsigned i = f->rtp_count; i-- > 0;)
        if (f->rtp[i].peer == peer)
            return &f->rtp[i];
    fail_msg("nothing went to %s", peer);
    return NULL;
}

static void nack(struct room *r, struct endpoint *from, uint32_t ssrc, uint16_t seq) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    assert_int_equal(rtcp_write_nack(&w, 1, ssrc, &seq, 1), 1);
    fake_rtcp(r->f, from, &w);
}

// More packets than half of the number space: without an address they take no numbers.
static void an_outage_takes_no_numbers(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    frames(&r, 70000); // every number of 16 bits was used
    uint16_t before = last_to(r.f, A)->head.seq;
    forwarder_endpoint_reachable(r.f->fw, r.a, false, r.f->now_us);
    r.f->cut_off = A;
    frames(&r, 40000);
    nack(&r, r.a, 110, before);
    fake_run(r.f, 2 * SECOND);
    r.f->cut_off = NULL;
    fake_clear(r.f);
    forwarder_endpoint_reachable(r.f->fw, r.a, true, r.f->now_us);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    frame(&r, false);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 0);
    frame(&r, true);
    assert_int_equal(last_to(r.f, A)->head.seq, (uint16_t)(before + 1));
    fake_destroy(r.f);
}

// What reached A of its stream, whose downlink alone may be cut: reports go the other way and come.
struct downlink {
    struct room *r;
    bool cut, silent; // no reports either
    uint64_t had;     // the highest index, by which A infers the next
    unsigned sent, probes, rejected;
};

static void report_of(struct room *r, uint32_t seq) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_rr(&w, 1, &(struct rtcp_report){.ssrc = 110, .highest_seq = seq}, 1);
    fake_rtcp(r->f, r->a, &w);
}

static void downlink_frames(struct downlink *d, unsigned count, unsigned key_every) {
    const struct fake_stream *stream = &d->r->f->streams[110];
    for (unsigned i = 0; i < count; i++) {
        fake_clear(d->r->f);
        frame(d->r, key_every && i % key_every == 0);
        for (unsigned n = 0; n < d->r->f->rtp_count; n++) {
            const struct fake_rtp *p = &d->r->f->rtp[n];
            if (p->peer != A)
                continue;
            d->sent++;
            d->probes += p->head.payload.len == 0;
            if (d->cut)
                continue;
            if (seq16_unwrap(d->had, p->head.seq) == stream->highest)
                d->had = stream->highest;
            else
                d->rejected++;
        }
        if (i % 100 == 0 && !d->silent)
            report_of(d->r, (uint32_t)d->had);
        fake_report(d->r->f, d->r->b, 210);
    }
}

// More than half of the number space passes while nothing arrives and every report does: a receiver would
// take all that follows for old.
static void a_downlink_that_is_cut_is_noticed(void **state) {
    for (unsigned silent = 0; silent < 2; silent++) {
        (void)state;
        struct room r = room_open(fake_video(1000, 1001));
        struct downlink d = {.r = &r, .had = 1};
        downlink_frames(&d, 1, 1);
        d.had = r.f->streams[110].highest;
        downlink_frames(&d, 2000, 100);
        assert_int_equal(d.sent, 2001);
        uint64_t before = d.had;
        d = (struct downlink){.r = &r, .cut = true, .silent = silent, .had = before};
        downlink_frames(&d, 40000, 100);
        assert_in_range(d.sent - d.probes, DOWNLINK_UNACKNOWLEDGED_MAX - 300, DOWNLINK_UNACKNOWLEDGED_MAX);
        unsigned halted_ms = (40000 - (d.sent - d.probes)) * 10;
        assert_in_range(d.probes, halted_ms * 1000 / DOWNLINK_PROBE_US - 2,
                        halted_ms * 1000 / DOWNLINK_PROBE_US);
        assert_int_equal(forwarder_counters(r.f->fw)->downlink_halts, 1);
        // A probe arrives and is reported: it goes on with the key frame that is asked for.
        d.cut = d.silent = false;
        d.sent = 0;
        downlink_frames(&d, 201, 0);
        assert_int_equal(d.rejected, 0);
        assert_in_range(d.sent, 2, 4); // nothing but probes: no key frame has come
        d.sent = 0;
        downlink_frames(&d, 100, 100);
        assert_int_equal(d.sent, 100);
        assert_int_equal(d.rejected, 0);
        fake_destroy(r.f);
    }
}

static void a_halted_stream_begins_with_a_key_frame_that_it_asks_for(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    struct downlink d = {.r = &r, .cut = true, .silent = true};
    downlink_frames(&d, DOWNLINK_UNACKNOWLEDGED_MAX + 500, 100);
    fake_clear(r.f);
    report_of(&r, (uint32_t)r.f->streams[110].highest);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    frame(&r, false);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 0);
    frame(&r, true);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 1);
    fake_destroy(r.f);
}

// Reports that claim what never went out, or say again what is known, keep nothing going; who acknowledges
// packet by packet does not get a key frame for each.
static void reports_that_show_nothing_new_count_for_nothing(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    struct downlink d = {.r = &r, .cut = true, .silent = true};
    downlink_frames(&d, 1, 1);
    uint64_t first = r.f->streams[110].highest;
    for (unsigned i = 0; i < 400; i++) {
        downlink_frames(&d, 50, 50);
        report_of(&r, (uint32_t)r.f->streams[110].highest + 1);
        report_of(&r, (uint32_t)r.f->streams[110].highest + 15000);
        report_of(&r, (uint32_t)first);
        report_of(&r, (uint32_t)first - 1);
    }
    assert_in_range(d.sent - d.probes, DOWNLINK_UNACKNOWLEDGED_MAX - 50, DOWNLINK_UNACKNOWLEDGED_MAX + 1);
    d.sent = 0;
    for (unsigned i = 0; i < 500; i++) {
        report_of(&r, (uint32_t)(first + 1 + i));
        frame(&r, true);
    }
    assert_int_equal(forwarder_counters(r.f->fw)->downlink_halts, 1);
    fake_destroy(r.f);
}

// What it is asked for again under the number of a probe leads nowhere; sound is probed as video is.
static void a_probe_is_padding_under_a_number_of_its_own(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    struct downlink d = {.r = &r, .cut = true, .silent = true};
    downlink_frames(&d, DOWNLINK_UNACKNOWLEDGED_MAX + 5, 100);
    fake_clear(r.f);
    for (unsigned i = 0; i < 60 && fake_count_rtp(r.f, A, 110) == 0; i++)
        frame(&r, false);
    struct fake_rtp probe = *last_to(r.f, A);
    assert_int_equal(probe.head.payload.len, 0);
    assert_int_equal(probe.head.payload_type, 101);
    assert_false(probe.head.marker);
    assert_string_equal(probe.mid, "7");
    fake_clear(r.f);
    nack(&r, r.a, 110, probe.head.seq);
    assert_int_equal(fake_count_rtp(r.f, A, 111), 0);
    nack(&r, r.a, 110, (uint16_t)(probe.head.seq - 1 - d.probes));
    assert_int_equal(fake_count_rtp(r.f, A, 111), 1);
    fake_destroy(r.f);
}

static void jumps_of_padding_open_no_gap(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    frames(&r, 70000); // every number of 16 bits was used
    for (unsigned round = 0; round < 5; round++) {
        uint16_t before = last_to(r.f, A)->head.seq;
        for (unsigned i = 0; i < 21; i++)
            padding(&r, r.seq = (uint16_t)(r.seq + 2990));
        r.seq++;
        frames(&r, 400);
        assert_int_equal(last_to(r.f, A)->head.seq, (uint16_t)(before + 400));
    }
    fake_destroy(r.f);
}

// A key frame's first packet comes late, and in the same turn one that fills a gap behind it.
static void a_filler_in_the_turn_of_a_late_key_frame_goes_once(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    fake_clear(r.f);
    static const uint16_t order[] = {9, 11, 13, 10, 12}; // 10 begins the key frame
    for (unsigned i = 0; i < 5; i++)
        fake_rtp_pending(r.f, r.pub,
                         (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = 1000,
                                              .seq = order[i],
                                              .timestamp = order[i] == 9 ? 1 : 30000,
                                              .key = order[i] == 10});
    forwarder_flush(r.f->fw);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 4);
    assert_int_equal(fake_count_rtp(r.f, B, 210), 4);
    uint16_t seen = 0;
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        if (r.f->rtp[i].peer == A)
            seen |= (uint16_t)(1u << (uint16_t)(r.f->rtp[i].head.seq - r.f->rtp[0].head.seq));
    assert_int_equal(seen, 15);
    fake_destroy(r.f);
}

// ---- layers

static const char *const rids[] = {"r0", "r1", "r2"};

static void layer_frame(struct room *r, unsigned layer, uint16_t seq, uint16_t picture, bool key) {
    fake_rtp(r->f, r->pub,
             (struct fake_packet){.pt = VP8_PT,
                                  .ssrc = 500 + layer,
                                  .mid = "0",
                                  .rid = rids[layer],
                                  .seq = seq,
                                  .timestamp = (uint32_t)(r->f->now_us * 9 / 100),
                                  .picture = picture,
                                  .key = key});
    fake_run(r->f, 40 * MS);
}

static void want_layer(struct room *r, int8_t layer) {
    for (uint32_t id = 11; id <= 21; id += 10) {
        struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {id}};
        cmd.layers.spatial = layer;
        forwarder_command(r->f->fw, &cmd, r->f->now_us);
    }
}

// What is asked for again after layer A, B, A is what was sent, also its picture numbers.
static void a_repeat_after_switches_is_what_was_sent(void **state) {
    (void)state;
    struct room r = room_open(fake_simulcast("0"));
    want_layer(&r, 0);
    for (uint16_t i = 0; i < 40; i++) { // until both are taken for alive
        layer_frame(&r, 0, 10 + i, 1000 + i, i == 0);
        layer_frame(&r, 1, 7000 + i, 30000 + i, i == 0);
    }
    layer_frame(&r, 0, 50, 1040, false);
    struct fake_rtp to_a = *last_to(r.f, A), to_b = *last_to(r.f, B);
    want_layer(&r, 1);
    for (uint16_t i = 40; i < 50; i++)
        layer_frame(&r, 1, 7000 + i, 30000 + i, i == 40);
    assert_int_equal(load_be16(last_to(r.f, A)->payload + 6), 7049);
    want_layer(&r, 0);
    for (uint16_t i = 0; i < 5; i++)
        layer_frame(&r, 0, 51 + i, 1041 + i, i == 0);
    assert_int_equal(load_be16(last_to(r.f, A)->payload + 6), 55);
    fake_clear(r.f);
    nack(&r, r.a, 110, to_a.head.seq);
    nack(&r, r.b, 210, to_b.head.seq);
    assert_int_equal(r.f->rtp_count, 2);
    assert_int_equal(r.f->rtp[0].head.ssrc, 111);
    assert_memory_equal(r.f->rtp[0].payload + 2, to_a.payload, 6); // behind the original number
    assert_int_equal(r.f->rtp[0].head.timestamp, to_a.head.timestamp);
    assert_int_equal(r.f->rtp[1].head.ssrc, 210);
    assert_memory_equal(r.f->rtp[1].bytes, to_b.bytes, sizeof to_b.bytes);
    fake_destroy(r.f);
}

// What went out before a pause is gone with it, for a receiver without RTX: its history may hold another
// packet under that number by then.
static void nothing_from_before_a_pause_goes_out_again_without_rtx(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    frames(&r, 10);
    uint16_t before = last_to(r.f, B)->head.seq;
    fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 21, true);
    fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 21, false);
    fake_rtp(r.f, r.pub,
             (struct fake_packet){.pt = RTX_PT, .ssrc = 1001, .seq = 1, .timestamp = 5, .osn = r.seq});
    fake_clear(r.f);
    nack(&r, r.b, 210, before);
    assert_int_equal(fake_count_rtp(r.f, B, 210), 0);
    fake_destroy(r.f);
}

// What did not get encrypted is not kept as if it were a datagram.
static void what_did_not_leave_is_not_sent_again(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    frames(&r, 10);
    r.f->sealing_fails = true;
    frame(&r, false);
    uint16_t failed = last_to(r.f, B)->head.seq;
    r.f->sealing_fails = false;
    frame(&r, false);
    fake_clear(r.f);
    nack(&r, r.b, 210, failed);
    assert_int_equal(r.f->rtp_count, 0);
    nack(&r, r.b, 210, (uint16_t)(failed + 1));
    assert_int_equal(r.f->rtp_count, 1);
    fake_destroy(r.f);
}

// The publisher's clock goes back, its numbers go on; a receiver that comes back after a pause finds the time
// that has passed, not the height that the clock once had.
static void time_is_that_which_passed_after_the_clock_went_back(void **state) {
    (void)state;
    struct room r = room_open(fake_video(1000, 1001));
    uint32_t clock_back = 0;
    struct fake_rtp before = {0};
    for (unsigned i = 0; i < 60; i++) {
        clock_back = i < 20 ? 0 : 900000000;
        fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, i >= 40 && i < 50);
        fake_rtp(r.f, r.pub,
                 (struct fake_packet){.pt = VP8_PT,
                                      .ssrc = 1000,
                                      .seq = r.seq++,
                                      .timestamp = (uint32_t)(r.f->now_us * 9 / 100) - clock_back,
                                      .key = i % 10 == 0});
        const struct fake_rtp *last = last_to(r.f, A);
        if (i >= 50) {
            int32_t moved = (int32_t)(last->head.timestamp - before.head.timestamp);
            assert_in_range(moved, 400 * 90 - 90 * 45, 400 * 90 + 90 * 45 + 360 * 90);
        } else {
            before = *last;
        }
        fake_run(r.f, 40 * MS);
    }
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outage_takes_no_numbers),
        cmocka_unit_test(a_downlink_that_is_cut_is_noticed),
        cmocka_unit_test(a_halted_stream_begins_with_a_key_frame_that_it_asks_for),
        cmocka_unit_test(reports_that_show_nothing_new_count_for_nothing),
        cmocka_unit_test(a_probe_is_padding_under_a_number_of_its_own),
        cmocka_unit_test(jumps_of_padding_open_no_gap),
        cmocka_unit_test(a_filler_in_the_turn_of_a_late_key_frame_goes_once),
        cmocka_unit_test(a_repeat_after_switches_is_what_was_sent),
        cmocka_unit_test(nothing_from_before_a_pause_goes_out_again_without_rtx),
        cmocka_unit_test(time_is_that_which_passed_after_the_clock_went_back),
        cmocka_unit_test(what_did_not_leave_is_not_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
