// Redundant audio (RFC 2198): passed on to who negotiated it, plain for everybody else.
#include "forward_fake.h"

#define RED_PT 63
#define SSRC 2000
static const char *const PUB = "publisher", *const A = "redundant", *const B = "plain";

// One frame again ("old"), then the packet's own one.
#define REDUNDANT "\xef\x0f\x00\x03\x6foldnew"

struct scene {
    struct fake *f;
    struct endpoint *pub, *a, *b;
    uint16_t seq;
};

static struct scene scene_open(struct media_cmd *relay) {
    struct scene s = {.f = fake_create()};
    struct producer_params params = fake_audio(SSRC);
    struct consumer_params redundant = fake_receive_audio(310), plain = fake_receive_audio(320);
    s.pub = fake_connected(s.f, 1, PUB);
    s.a = fake_connected(s.f, 2, A);
    s.b = fake_connected(s.f, 3, B);
    params.red_payload_type = RED_PT;
    redundant.red_payload_type = 62;
    redundant.nack = plain.nack = true;
    if (relay) {
        relay->open_producer.params = params;
        forwarder_command(s.f->fw, relay, s.f->now_us);
    } else {
        fake_open_producer(s.f, 1, 2, params);
    }
    fake_open_consumer(s.f, 2, 2, 31, redundant);
    fake_open_consumer(s.f, 3, 2, 32, plain);
    return s;
}

static struct block *sound(struct scene *s, uint8_t payload_type, const char *payload, size_t len) {
    struct block *b = pool_take(s->f->pool);
    struct writer w = writer_of(block_data(b), BLOCK_DATAGRAM_MAX);
    write_u8(&w, 0x80);
    write_u8(&w, payload_type);
    write_u16(&w, s->seq++);
    write_u32(&w, s->seq * 960u);
    write_u32(&w, SSRC);
    write_span(&w, span_of(payload, len));
    b->len = (uint16_t)w.len;
    return b;
}

static enum forward_drop says(struct scene *s, uint8_t payload_type, const char *payload, size_t len) {
    fake_clear(s->f);
    enum forward_drop drop =
        forwarder_rtp(s->f->fw, s->pub, sound(s, payload_type, payload, len), s->f->now_us);
    forwarder_flush(s->f->fw);
    return drop;
}

static const struct fake_rtp *got(const struct scene *s, const char *peer) {
    for (unsigned i = 0; i < s->f->rtp_count; i++)
        if (s->f->rtp[i].peer == peer)
            return &s->f->rtp[i];
    return NULL;
}

static void wants(const struct scene *s, const char *peer, uint8_t payload_type, const char *payload,
                  size_t len) {
    const struct fake_rtp *r = got(s, peer);
    assert_non_null(r);
    assert_int_equal(r->head.payload_type, payload_type);
    assert_int_equal(r->head.payload.len, len);
    assert_memory_equal(r->bytes + r->head.header_len, payload, len);
}

static void who_negotiated_it_gets_it(void **state) {
    (void)state;
    struct scene s = scene_open(NULL);
    assert_int_equal(says(&s, RED_PT, REDUNDANT, 11), FORWARD_DROP_NONE);
    wants(&s, A, 62, "\xe4\x0f\x00\x03\x64oldnew", 11); // the blocks under the receiver's payload type, too
    wants(&s, B, 100, "new", 3);
    assert_int_equal(says(&s, OPUS_PT, "alone", 5), FORWARD_DROP_NONE); // browsers mix both
    wants(&s, A, 100, "alone", 5);
    wants(&s, B, 100, "alone", 5);
    fake_destroy(s.f);
}

static void what_is_none_is_dropped(void **state) {
    (void)state;
    static const struct {
        uint8_t payload_type;
        const char *payload;
        size_t len;
    } rows[] = {
        {RED_PT, "\xe0\x0f\x00\x03\x6foldnew", 11}, // a block of another codec
        {RED_PT, "\xef\x0f\x00\x03\x60oldnew", 11},
        {RED_PT, "\xef\x0f\x00\x07\x6foldnew", 11}, // longer than the packet
        {RED_PT, "\xef\x0f", 2},
        {62, REDUNDANT, 11}, // a payload type that nobody negotiated
    };
    struct scene s = scene_open(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(says(&s, rows[i].payload_type, rows[i].payload, rows[i].len),
                         FORWARD_DROP_MALFORMED);
        assert_int_equal(s.f->rtp_count, 0);
    }
    fake_destroy(s.f);
}

static void each_gets_again_what_it_got(void **state) {
    (void)state;
    struct scene s = scene_open(NULL);
    for (unsigned i = 0; i < 3; i++) {
        says(&s, RED_PT, REDUNDANT, 11);
        struct fake_rtp before[2] = {*got(&s, A), *got(&s, B)};
        struct endpoint *from[2] = {s.a, s.b};
        for (unsigned k = 0; k < 2; k++) {
            uint8_t bytes[RTCP_DATAGRAM_MAX];
            struct writer w = writer_of(bytes, sizeof bytes);
            fake_clear(s.f);
            rtcp_write_nack(&w, 1, before[k].head.ssrc, &before[k].head.seq, 1);
            fake_rtcp(s.f, from[k], &w);
            assert_int_equal(s.f->rtp_count, 1);
            assert_memory_equal(s.f->rtp[0].bytes, before[k].bytes, sizeof before[k].bytes);
        }
        fake_run(s.f, 20 * MS);
    }
    fake_run(s.f, 3 * SECOND);
    fake_destroy(s.f);
}

// Another worker says that it is redundant: that is looked at again.
static void over_a_link_too(void **state) {
    (void)state;
    struct media_cmd relay = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = {2}};
    relay.open_producer.source = (struct link_id){5};
    struct scene s = scene_open(&relay);
    for (unsigned right = 0; right < 2; right++) {
        struct block *b =
            right ? sound(&s, RED_PT, REDUNDANT, 11) : sound(&s, RED_PT, "\xe0\x0f\x00\x03\x60oldnew", 11);
        struct rtp_packet packet;
        struct rtp_ext_values values = {0};
        assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &packet), ERR_OK);
        rtp_forward_prepare(b, &packet, &values, MEDIA_AUDIO, s.f->now_us);
        *forward_meta_of(b) = (struct forward_meta){.arrival_us = s.f->now_us,
                                                    .timestamp = packet.timestamp,
                                                    .seq = packet.seq,
                                                    .header_len = forward_meta_of(b)->header_len,
                                                    .mid_at = forward_meta_of(b)->mid_at,
                                                    .send_time_at = forward_meta_of(b)->send_time_at,
                                                    .frame_start = true,
                                                    .primary_at = 8};
        fake_clear(s.f);
        forwarder_relayed_rtp(s.f->fw, (struct link_id){5}, (struct producer_id){2}, 0, b, s.f->now_us);
        forwarder_flush(s.f->fw);
        assert_int_equal(s.f->rtp_count, right ? 2 : 0);
    }
    wants(&s, A, 62, "\xe4\x0f\x00\x03\x64oldnew", 11);
    wants(&s, B, 100, "new", 3);
    fake_destroy(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_negotiated_it_gets_it),
        cmocka_unit_test(what_is_none_is_dropped),
        cmocka_unit_test(each_gets_again_what_it_got),
        cmocka_unit_test(over_a_link_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
