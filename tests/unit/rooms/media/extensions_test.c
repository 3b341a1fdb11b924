// Dependency descriptors, which few receivers negotiate, and transport-wide numbers, which most do.
#include "forward_fake.h"

static const char *const PUB = "publisher", *const A = "a", *const B = "b";

#define EXT_ID_DESCRIPTOR 9

static struct rtp_ext_values values_of(const struct fake_rtp *sent, struct rtp_packet *packet) {
    struct ext_map map;
    struct ext_ids ids = {0};
    struct rtp_ext_values values;
    for (unsigned e = 1; e < EXT_COUNT; e++)
        ids.ids[e] = EXT_ROUTER_ID(e);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    assert_int_equal(rtp_parse(span_of(sent->bytes, sizeof sent->bytes), packet), ERR_OK);
    rtp_ext_read(packet, &map, &values);
    return values;
}

static const struct fake_rtp *last_of(const struct fake *f, const char *peer, uint32_t ssrc) {
    for (unsigned i = f->rtp_count; i-- > 0;)
        if (f->rtp[i].peer == peer && f->rtp[i].head.ssrc == ssrc)
            return &f->rtp[i];
    fail_msg("nothing of %u went to %s", ssrc, peer);
    return NULL;
}

static void say(struct fake *f, struct endpoint *from, uint16_t seq) {
    fake_rtp(
        f, from,
        (struct fake_packet){.pt = OPUS_PT, .seq = seq, .timestamp = 960u * seq, .ssrc = 500, .level = 20});
}

static void sound_is_numbered_with_the_picture(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    struct endpoint *a = fake_connected(f, 2, A);
    fake_connected(f, 3, B);
    fake_open_producer(f, 1, 1, fake_audio(500));
    struct producer_params video = fake_video(1000, 1001);
    fake_open_producer(f, 1, 2, video);
    struct consumer_params numbered = fake_receive_audio(110);
    numbered.ext.ids[EXT_TRANSPORT_CC] = EXT_ROUTER_ID(EXT_TRANSPORT_CC);
    fake_open_consumer(f, 2, 1, 11, numbered);
    fake_open_consumer(f, 2, 2, 12, fake_receive_video(120, 121));
    fake_open_consumer(f, 3, 1, 13, fake_receive_audio(210));
    struct rtp_packet packet;
    uint16_t next = 0;
    for (uint16_t seq = 0; seq < 6; seq++) {
        say(f, pub, seq);
        struct rtp_ext_values v = values_of(last_of(f, A, 110), &packet);
        uint16_t number;
        assert_true(rtp_ext_transport_seq(&v, &number));
        assert_int_equal(number, next++); // one row of numbers for all that goes to the receiver
        assert_int_equal(packet.ext_profile, 0xbede);
        assert_true(v.of[EXT_MID].ptr && v.of[EXT_AUDIO_LEVEL].ptr && v.of[EXT_ABS_SEND_TIME].ptr);
        v = values_of(last_of(f, B, 210), &packet);
        assert_int_equal(v.of[EXT_TRANSPORT_CC].len, 2); // who has not negotiated it passes over it
        assert_int_equal(load_be16(last_of(f, A, 110)->payload + 3),
                         load_be16(last_of(f, B, 210)->payload + 3));
        fake_rtp(f, pub,
                 (struct fake_packet){
                     .pt = VP8_PT, .seq = seq, .timestamp = 3000u * seq, .ssrc = 1000, .key = seq == 0});
        assert_int_equal(last_of(f, A, 120)->transport_seq, next++);
    }
    // What it says about them is read
    // (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1).
    static const uint8_t feedback[] = {0x8f, 205, 0, 5, 0, 0, 0, 9, 0,    0, 0, 110,
                                       0,    0,   0, 2, 0, 0, 1, 0, 0x20, 2, 4, 4};
    assert_true(forwarder_rtcp(f->fw, a, span_of(feedback, sizeof feedback), f->now_us));
    fake_destroy(f);
}

// As an encoder of AV1 sends it: two-byte form, of any length.
static size_t build_described(uint8_t *out, size_t cap, uint16_t seq, bool key, size_t descriptor_len) {
    struct writer w = writer_of(out, cap);
    write_u8(&w, 0x90);
    write_u8(&w, VP8_PT);
    write_u16(&w, seq);
    write_u32(&w, 3000u * seq);
    write_u32(&w, 1000);
    write_u16(&w, 0x1000);
    write_u16(&w, (uint16_t)((2 + descriptor_len + 3) / 4));
    write_u8(&w, EXT_ID_DESCRIPTOR);
    write_u8(&w, (uint8_t)descriptor_len);
    for (size_t i = 0; i < descriptor_len; i++)
        write_u8(&w, (uint8_t)(seq + i));
    write_zeros(&w, -w.len & 3);
    write_u8(&w, 0x10); // VP8, whose key frames need no descriptor
    write_u8(&w, key ? 0 : 1);
    write_u16(&w, seq);
    write_zeros(&w, 30);
    assert_false(w.failed);
    return w.len;
}

static void show(struct fake *f, struct endpoint *from, uint16_t seq, size_t descriptor_len) {
    struct block *b = pool_take(f->pool);
    b->len = (uint16_t)build_described(block_data(b), BLOCK_DATAGRAM_MAX, seq, seq % 10 == 0, descriptor_len);
    assert_int_equal(forwarder_rtp(f->fw, from, b, f->now_us), FORWARD_DROP_NONE);
    forwarder_flush(f->fw);
}

static void check_descriptor(const struct fake_rtp *sent, uint16_t seq, size_t len) {
    struct rtp_packet packet;
    struct rtp_ext_values v = values_of(sent, &packet);
    struct span d = v.of[EXT_DEPENDENCY_DESCRIPTOR];
    assert_non_null(d.ptr);
    assert_int_equal(d.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(d.ptr[i], (uint8_t)(seq + i));
    assert_int_equal(packet.ext_profile, len <= 16 ? 0xbede : 0x1000);
    assert_true(v.of[EXT_MID].ptr && v.of[EXT_ABS_SEND_TIME].ptr && v.of[EXT_TRANSPORT_CC].ptr);
    assert_true(span_equal(v.of[EXT_MID], span_of_text("7")));
}

static void descriptors_go_to_those_who_negotiated_them(void **state) {
    (void)state;
    static const uint8_t lengths[] = {2, 16, 17, 60, 3, 4};
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB), *a = fake_connected(f, 2, A);
    fake_connected(f, 3, B);
    struct producer_params producer = fake_video(1000, 1001);
    producer.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ID_DESCRIPTOR;
    fake_open_producer(f, 1, 1, producer);
    struct consumer_params described = fake_receive_video(110, 111);
    described.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR);
    fake_open_consumer(f, 2, 1, 11, described);
    fake_open_consumer(f, 3, 1, 12, fake_receive_video(210, 211));
    for (uint16_t seq = 0; seq < sizeof lengths; seq++) {
        struct rtp_packet packet;
        show(f, pub, seq, lengths[seq]);
        if (seq > 0) // the first is too short to be read, and goes nowhere
            check_descriptor(last_of(f, A, 110), seq, lengths[seq]);
        struct rtp_ext_values v = values_of(last_of(f, B, 210), &packet);
        assert_null(v.of[EXT_DEPENDENCY_DESCRIPTOR].ptr);
        assert_int_equal(packet.ext_profile, 0xbede);
        assert_memory_equal(last_of(f, A, 110)->payload, last_of(f, B, 210)->payload, 8);
    }
    // And again, from the history, as RTX.
    uint16_t lost = (uint16_t)(last_of(f, A, 110)->head.seq - 2);
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_nack(&w, 9, 110, &lost, 1);
    fake_rtcp(f, a, &w);
    check_descriptor(last_of(f, A, 111), 3, 60);
    assert_int_equal(load_be16(last_of(f, A, 111)->payload), lost);
    fake_destroy(f);
}

static void a_descriptor_that_cannot_be_read_goes_nowhere(void **state) {
    (void)state;
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    struct producer_params producer = fake_simulcast("");
    producer.stream_count = 2;
    producer.streams[0] = (struct stream_params){.ssrc = 1000};
    producer.streams[1] = (struct stream_params){.ssrc = 2000};
    producer.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ID_DESCRIPTOR;
    fake_open_producer(f, 1, 1, producer);
    struct consumer_params described = fake_receive_video(110, 111);
    described.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR);
    fake_open_consumer(f, 2, 1, 11, described);
    for (uint16_t seq = 0; seq < 100; seq++) {
        show(f, pub, seq, 2); // too short to be read, so the payload tells of key frames
        fake_run(f, 30 * MS);
    }
    struct rtp_packet packet;
    struct rtp_ext_values v = values_of(last_of(f, A, 110), &packet);
    assert_null(v.of[EXT_DEPENDENCY_DESCRIPTOR].ptr);
    fake_destroy(f);
}

// ---- capture times

struct capture_scene {
    struct fake *f;
    struct endpoint *pub;
    uint16_t seq;
};

static void capture_report(struct capture_scene *s, uint64_t ntp, uint32_t timestamp) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_sr(&w, 1000, &(struct rtcp_sender_info){.ntp = ntp, .rtp_timestamp = timestamp}, NULL, 0);
    fake_rtcp(s->f, s->pub, &w);
}

// The capture time that the viewer is told with a packet, 0: none.
static uint64_t capture_told(struct capture_scene *s, uint32_t timestamp, uint64_t captured) {
    struct rtp_packet packet;
    uint64_t ntp;
    fake_rtp(s->f, s->pub,
             (struct fake_packet){.pt = VP8_PT,
                                  .seq = s->seq,
                                  .timestamp = timestamp,
                                  .ssrc = 1000,
                                  .key = s->seq == 0,
                                  .captured = captured});
    s->seq++;
    struct rtp_ext_values v = values_of(last_of(s->f, A, 110), &packet);
    return rtp_ext_capture_ntp(&v, &ntp) ? ntp : 0;
}

static struct capture_scene capture_open(void) {
    struct capture_scene s = {.f = fake_create()};
    s.pub = fake_connected(s.f, 1, PUB);
    fake_connected(s.f, 2, A);
    struct producer_params producer = fake_video(1000, 1001);
    producer.ext.ids[EXT_ABS_CAPTURE_TIME] = EXT_ID_CAPTURED;
    fake_open_producer(s.f, 1, 1, producer);
    fake_open_consumer(s.f, 2, 1, 11, fake_receive_video(110, 111));
    return s;
}

static void capture_times_are_passed_on(void **state) {
    (void)state;
    struct capture_scene s = capture_open();
    capture_report(&s, UINT64_C(77) << 32, 0);
    assert_true(capture_told(&s, 3000, UINT64_C(0x123456789abcdef0)) == UINT64_C(0x123456789abcdef0));
    // It speaks for itself: nothing is made until it has not done so for a second.
    fake_run(s.f, 500 * MS);
    assert_true(capture_told(&s, 6000, 0) == 0);
    fake_run(s.f, 510 * MS);
    assert_true(capture_told(&s, 90000, 0) == UINT64_C(78) << 32);
    fake_destroy(s.f);
}

static void capture_times_are_made_where_they_are_missing(void **state) {
    (void)state;
    struct capture_scene s = capture_open();
    assert_true(capture_told(&s, UINT32_MAX - 44999, 0) == 0); // nothing is known yet
    capture_report(&s, UINT64_C(77) << 32, UINT32_MAX - 44999);
    fake_run(s.f, 20 * MS);
    uint64_t half = UINT64_C(1) << 31;
    assert_true(capture_told(&s, 0, 0) == (UINT64_C(77) << 32) + half); // over the wrap
    assert_true(capture_told(&s, 9000, 0) == 0);                        // once a second
    fake_run(s.f, 1001 * MS);
    assert_true(capture_told(&s, UINT32_MAX - 89999, 0) == (UINT64_C(77) << 32) - half); // before the report
    fake_run(s.f, 1001 * MS);
    assert_true(capture_told(&s, 90000u * 31, 0) == 0); // nothing that the report tells of
    assert_true(capture_told(&s, 0u - 90000u * 32, 0) == 0);
    assert_true(capture_told(&s, 45000, 0) == UINT64_C(78) << 32);
    fake_destroy(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_numbered_with_the_picture),
        cmocka_unit_test(descriptors_go_to_those_who_negotiated_them),
        cmocka_unit_test(capture_times_are_passed_on),
        cmocka_unit_test(capture_times_are_made_where_they_are_missing),
        cmocka_unit_test(a_descriptor_that_cannot_be_read_goes_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
