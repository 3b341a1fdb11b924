// Layers within one stream (consumer_layers.c): what is asked of the publisher when a receiver wants others.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

#define VP9_PT 98

static const char *const PUB = "publisher", *const A = "receiver";

struct room {
    struct fake *f;
    struct endpoint *pub;
    uint16_t seq;
    uint32_t picture;
};

// One packet of VP9 with two spatial layers that refer to each other in key frames alone, as browsers send it
// (RFC 9628, section 4.2).
static void layer(struct room *r, bool key, unsigned spatial) {
    struct block *b = pool_take(r->f->pool);
    assert_non_null(b);
    struct writer w = writer_of(block_data(b), 200);
    bool upper = spatial == 1;
    write_u8(&w, 0x80);
    write_u8(&w, (uint8_t)(VP9_PT | (upper ? 0x80 : 0)));
    write_u16(&w, r->seq++);
    write_u32(&w, 3000 * r->picture);
    write_u32(&w, 1000);
    bool structure = key && !upper;
    write_u8(&w, (uint8_t)(0xb0 | (key ? 0 : 0x40) | 0x0c | (structure ? 2 : 0) | (key && !upper ? 0 : 1)));
    write_u16(&w, (uint16_t)(0x8000 | (r->picture & 0x7fff)));
    write_u8(&w, (uint8_t)(0x10 | spatial << 1 | (key && upper)));
    if (!key)
        write_u8(&w, 1 << 1);
    if (structure)
        write_u8(&w, 1 << 5);
    write_u8(&w, 0x86);
    b->len = (uint16_t)w.len;
    assert_int_equal(forwarder_rtp(r->f->fw, r->pub, b, r->f->now_us), FORWARD_DROP_NONE);
}

static void pictures(struct room *r, bool key, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        r->picture++;
        layer(r, key && i == 0, 0);
        layer(r, key && i == 0, 1);
        forwarder_flush(r->f->fw);
        fake_run(r->f, 33 * MS);
    }
}

// How many packets of a layer the receiver got.
static unsigned sent_of(const struct room *r, unsigned spatial) {
    unsigned n = 0;
    for (unsigned i = 0; i < r->f->rtp_count; i++)
        n += (r->f->rtp[i].payload[3] >> 1 & 7) == spatial;
    return n;
}

static void want(struct room *r, int8_t spatial) {
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    cmd.layers.spatial = spatial;
    cmd.layers.temporal = LAYER_NONE;
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static struct room room_open(void) {
    struct room r = {.f = fake_create()};
    struct producer_params params = fake_video(1000, 1001);
    params.codec = CODEC_VP9;
    params.payload_type = VP9_PT;
    params.spatial_layers = 2;
    r.pub = fake_connected(r.f, 1, PUB);
    fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, params);
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    return r;
}

// The upper layer begins with a key frame alone: who wants it does not wait for the next look at all layers.
static void a_key_frame_is_asked_for_with_the_wish(void **state) {
    (void)state;
    struct room r = room_open();
    want(&r, 0);
    pictures(&r, true, 100);
    fake_clear(r.f);
    pictures(&r, false, 30);
    assert_int_equal(sent_of(&r, 0), 30);
    assert_int_equal(r.f->rtp_count, 30);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    want(&r, 1);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1);
    pictures(&r, true, 30);
    fake_clear(r.f);
    pictures(&r, false, 30);
    assert_int_equal(sent_of(&r, 1), 30); // and needs nothing of the lower one between key frames
    assert_int_equal(r.f->rtp_count, 30);
    fake_destroy(r.f);
}

// The encoder stops the upper layer, without a key frame and without saying so. Nobody needed the lower one
// between key frames, so it was left out: a key frame is asked for as soon as that shows, not when all layers
// are looked at next.
static void an_upper_layer_that_stops_is_noticed_at_once(void **state) {
    (void)state;
    struct room r = room_open();
    pictures(&r, true, 100);
    fake_clear(r.f);
    unsigned until = 0;
    for (; until < 30 && fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL) == 0; until++) {
        r.picture++;
        layer(&r, false, 0);
        forwarder_flush(r.f->fw);
        fake_run(r.f, 33 * MS);
    }
    assert_in_range(until, 3, 5);
    r.picture++;
    layer(&r, true, 0); // tells of two layers all the same
    forwarder_flush(r.f->fw);
    fake_run(r.f, 33 * MS);
    fake_clear(r.f);
    for (unsigned i = 0; i < 30; i++) {
        r.picture++;
        layer(&r, false, 0);
        forwarder_flush(r.f->fw);
        fake_run(r.f, 33 * MS);
    }
    assert_int_equal(sent_of(&r, 0), 30);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    fake_destroy(r.f);
}

// ---- temporal layers of VP8

// Pictures of two temporal layers, one packet each; nothing but a key frame is a point to switch up at.
static void temporal_pictures(struct room *r, bool key, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct block *b = pool_take(r->f->pool);
        assert_non_null(b);
        struct writer w = writer_of(block_data(b), 200);
        bool opens = key && i == 0;
        r->picture += opens ? r->picture % 2 : 0; // the lower layer begins
        write_u8(&w, 0x80);
        write_u8(&w, 0x80 | VP8_PT);
        write_u16(&w, r->seq++);
        write_u32(&w, 3000 * r->picture);
        write_u32(&w, 1000);
        write_u8(&w, 0x90);
        write_u8(&w, 0xe0);
        write_u16(&w, (uint16_t)(0x8000 | (r->picture & 0x7fff)));
        write_u8(&w, (uint8_t)(r->picture / 2));
        write_u8(&w, (uint8_t)(r->picture % 2 << 6));
        write_u8(&w, opens ? 0 : 1);
        b->len = (uint16_t)w.len;
        r->picture++;
        assert_int_equal(forwarder_rtp(r->f->fw, r->pub, b, r->f->now_us), FORWARD_DROP_NONE);
        forwarder_flush(r->f->fw);
        fake_run(r->f, 33 * MS);
    }
}

static void want_temporal(struct room *r, int8_t temporal) {
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    cmd.layers.spatial = LAYER_NONE;
    cmd.layers.temporal = temporal;
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static bool is_filtered(const struct room *r) {
    struct consumer_id id = {11};
    const struct consumer *c = slots_get(r->f->fw->consumers, hmap_get(r->f->fw->consumer_ids, &id));
    return c->filtered;
}

// Where no point to switch comes by itself, a key frame is asked for; and who wants everything pays for no
// filter.
static void a_key_frame_takes_the_place_of_a_switching_point(void **state) {
    (void)state;
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(1000, 1001));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    temporal_pictures(&r, true, 100);
    assert_false(is_filtered(&r));
    want_temporal(&r, 0);
    assert_true(is_filtered(&r));
    temporal_pictures(&r, false, 100);
    fake_clear(r.f);
    temporal_pictures(&r, false, 100);
    assert_int_equal(r.f->rtp_count, 50);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    want_temporal(&r, LAYER_NONE);
    temporal_pictures(&r, false, 150);
    assert_in_range(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 1, 5);
    temporal_pictures(&r, true, 100);
    fake_clear(r.f);
    temporal_pictures(&r, false, 100);
    assert_int_equal(r.f->rtp_count, 100);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_key_frame_is_asked_for_with_the_wish),
                                       cmocka_unit_test(an_upper_layer_that_stops_is_noticed_at_once),
                                       cmocka_unit_test(a_key_frame_takes_the_place_of_a_switching_point)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
