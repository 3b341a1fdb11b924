// Publishers whose dependency descriptors end in mid-stream, come without their structure, or begin to count
// anew: what receivers get of them.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"

#define AV1_PT 98
#define DD_ID 13

static const char *const PUB = "publisher", *const A = "receiver";

// The structure of the first packet of AV1 L3T3 as Chromium 156 sends it, behind its first three bytes. Of
// what it tells only the lowest spatial layer is sent here.
static const uint8_t structure[] = {
    0x80, 0x08, 0x14, 0x85, 0x21, 0x4e, 0xaf, 0xff, 0xaa, 0xaa, 0x86, 0x3c, 0xf0, 0x43, 0x0c, 0x10,
    0xc3, 0x02, 0xaf, 0xc0, 0xaa, 0xa0, 0x06, 0x3c, 0x00, 0x43, 0x00, 0x10, 0xc0, 0x02, 0xa0, 0x00,
    0xa8, 0x00, 0x06, 0x00, 0x00, 0x40, 0x00, 0x1d, 0x95, 0x49, 0x26, 0xe0, 0x82, 0xb0, 0x4a, 0x09,
    0x41, 0xb8, 0x20, 0xac, 0x12, 0x82, 0x50, 0x31, 0x57, 0xf9, 0x74, 0x00, 0x0c, 0xa8, 0x64, 0x33,
    0x0e, 0x22, 0x22, 0x22, 0xec, 0xa8, 0x65, 0x53, 0x04, 0x22, 0x42, 0x30, 0xec, 0xa8, 0x77, 0x53,
    0x00, 0xef, 0x00, 0x86, 0x01, 0xdf, 0x01, 0x0d, 0x03, 0xbf, 0x02, 0x1b};

enum described { DESCRIBED, DESCRIBED_BARE, DESCRIBED_NOT }; // with its structure, without it, not at all

struct room {
    struct fake *f;
    struct endpoint *pub, *viewer;
    uint16_t seq, number;
    uint16_t active; // decode targets, of nine, told with each delta frame; 0: nothing is told
    uint32_t picture, position;
    bool encrypted;
    enum described described;
};

// Templates of the structure: a key frame, and those of the temporal layers 0 2 1 2.
static void put_descriptor(const struct room *r, struct writer *w, bool key) {
    static const uint8_t templates[4] = {0, 3, 2, 4};
    bool whole = key && r->described == DESCRIBED, active = !key && r->active;
    write_u8(w, DD_ID);
    write_u8(w, (uint8_t)(3 + (whole ? sizeof structure : active ? 2 : 0)));
    write_u8(w, (uint8_t)(0xc0 | (key ? 1 : templates[r->position % 4])));
    write_u16(w, r->number);
    if (whole)
        write_span(w, span_of(structure, sizeof structure));
    if (active) // its mask alone
        write_u16(w, (uint16_t)(0x4000 | r->active << 2));
}

static uint8_t temporal_of(const struct room *r) {
    static const uint8_t layers[4] = {0, 2, 1, 2};
    return layers[r->position % 4];
}

// An AV1 picture of one packet; behind its descriptor its payload ends with its temporal layer.
static void picture(struct room *r, bool key) {
    struct block *b = pool_take(r->f->pool);
    assert_non_null(b);
    struct writer w = writer_of(block_data(b), 400);
    r->position = key ? 0 : r->position;
    write_u8(&w, 0x90);
    write_u8(&w, 0x80 | AV1_PT);
    write_u16(&w, r->seq++);
    write_u32(&w, 3000 * r->picture++);
    write_u32(&w, 1000);
    write_u16(&w, 0x1000);
    size_t at = w.len;
    write_u16(&w, 0);
    if (r->described != DESCRIBED_NOT)
        put_descriptor(r, &w, key);
    while (w.len % 4)
        write_u8(&w, 0);
    store_be16(w.ptr + at, (uint16_t)((w.len - at - 2) / 4));
    if (r->encrypted)
        write_u32(&w, 0xffffffff);
    else { // one OBU: a sequence header, or a frame, of this temporal layer
        write_u8(&w, key ? 0x18 : 0x10);
        write_u8(&w, key ? 0x0c : 0x34);
        write_u8(&w, (uint8_t)(temporal_of(r) << 5));
        write_u8(&w, 0);
    }
    write_u8(&w, temporal_of(r));
    b->len = (uint16_t)w.len;
    r->number = (uint16_t)(r->number + 3);
    r->position++;
    assert_int_equal(forwarder_rtp(r->f->fw, r->pub, b, r->f->now_us), FORWARD_DROP_NONE);
    forwarder_flush(r->f->fw);
    fake_run(r->f, 33 * MS);
}

// Pictures of a publisher that answers requests for key frames.
static void pictures(struct room *r, unsigned count) {
    static unsigned heard; // requests
    heard = r->picture == 0 ? 0 : heard;
    for (unsigned i = 0; i < count; i++) {
        unsigned asked = fake_count_rtcp(r->f, PUB, RTCP_PLI, NULL);
        heard = asked < heard ? 0 : heard;
        picture(r, r->picture == 0 || asked > heard);
        heard = asked;
    }
}

static void want_temporal(struct room *r, int8_t temporal) {
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    cmd.layers.spatial = LAYER_NONE;
    cmd.layers.temporal = temporal;
    forwarder_command(r->f->fw, &cmd, r->f->now_us);
}

static struct room room_open(void) {
    struct room r = {.f = fake_create(), .number = 1};
    struct producer_params params = fake_video(1000, 1001);
    params.codec = CODEC_AV1;
    params.payload_type = AV1_PT;
    params.temporal_layers = 3;
    params.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = DD_ID;
    r.pub = fake_connected(r.f, 1, PUB);
    r.viewer = fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, params);
    struct consumer_params c = fake_receive_video(110, 111);
    c.ext.ids[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR);
    fake_open_consumer(r.f, 2, 1, 11, c);
    return r;
}

// How many packets of temporal layers up to this one the receiver got.
static unsigned sent_up_to(const struct room *r, unsigned temporal) {
    unsigned n = 0;
    for (unsigned i = 0; i < r->f->rtp_count; i++)
        n += r->f->rtp[i].payload[4] <= temporal;
    return n;
}

static bool has_descriptor(const struct fake_rtp *got) {
    struct rtp_packet packet;
    struct ext_map map;
    struct ext_ids ids = {.ids = {[EXT_DEPENDENCY_DESCRIPTOR] = EXT_ROUTER_ID(EXT_DEPENDENCY_DESCRIPTOR)}};
    struct rtp_ext_values values;
    assert_int_equal(rtp_parse(span_of(got->bytes, sizeof got->bytes), &packet), ERR_OK);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(&packet, &map, &values);
    return values.of[EXT_DEPENDENCY_DESCRIPTOR].ptr != NULL;
}

static void check_share(struct room *r, unsigned temporal, unsigned sent, const char *when) {
    fake_clear(r->f);
    pictures(r, 40);
    if (r->f->rtp_count != sent || sent_up_to(r, temporal) != sent)
        fail_msg("%s: %u packets of 40, %u of them of what is wanted, and not %u", when, r->f->rtp_count,
                 sent_up_to(r, temporal), sent);
}

// From then on the payload tells of layers.
static void descriptors_that_end_are_not_waited_for(void **state) {
    (void)state;
    struct room r = room_open();
    pictures(&r, 60);
    want_temporal(&r, 0);
    pictures(&r, 4);
    check_share(&r, 0, 10, "described");
    r.described = DESCRIBED_NOT;
    pictures(&r, 60);
    check_share(&r, 0, 10, "not described any more");
    want_temporal(&r, LAYER_NONE);
    pictures(&r, 120); // a key frame comes, since AV1 itself says nothing of points to switch at
    check_share(&r, 2, 40, "not described, everything");
    r.described = DESCRIBED;
    want_temporal(&r, 1);
    pictures(&r, 60);
    check_share(&r, 1, 20, "described again, from a delta frame on");
    picture(&r, true);
    check_share(&r, 1, 20, "described again");
    fake_destroy(r.f);
}

// Chromium does so after a change of codec. Its receivers could not read such descriptors either: they get
// none.
static void descriptors_without_their_structure_are_none(void **state) {
    (void)state;
    struct room r = room_open();
    r.described = DESCRIBED_BARE;
    pictures(&r, 100);
    check_share(&r, 2, 40, "bare");
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        assert_false(has_descriptor(&r.f->rtp[i]));
    want_temporal(&r, 0);
    pictures(&r, 4);
    check_share(&r, 0, 10, "bare, lowest");
    r.described = DESCRIBED;
    picture(&r, true);
    check_share(&r, 0, 10, "with its structure");
    for (unsigned i = 0; i < r.f->rtp_count; i++)
        assert_true(has_descriptor(&r.f->rtp[i]));
    fake_destroy(r.f);
}

// The encoder begins anew under the same SSRC, and counts its frames from the beginning.
static void numbers_that_begin_anew_are_followed(void **state) {
    (void)state;
    static const uint16_t numbers[][2] = {{40000, 1}, {20000, 19000}, {300, 1}, {1, 60000}, {1, 20000}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct room r = room_open();
        r.number = numbers[i][0];
        r.encrypted = true;
        pictures(&r, 60);
        want_temporal(&r, 0);
        pictures(&r, 4);
        check_share(&r, 0, 10, "at first");
        r.number = numbers[i][1];
        picture(&r, true);
        pictures(&r, 100);
        check_share(&r, 0, 10, "anew");
        fake_destroy(r.f);
    }
}

// Three temporal layers were announced, and the lowest alone comes: nothing is missing that a key frame could
// bring, however long it is so.
static void layers_that_are_not_there_need_no_key_frame(void **state) {
    (void)state;
    struct room r = room_open();
    r.active = 1; // decode target S0T0
    pictures(&r, 32);
    fake_clear(r.f);
    unsigned asked = 0;
    for (unsigned i = 0; i < 1800; i++) { // ten minutes
        picture(&r, false);
        r.position = 0; // the others are left out, and their numbers with them
        r.number = (uint16_t)(r.number + 9);
        fake_run(r.f, 300 * MS);
        asked += fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL);
        fake_report(r.f, r.viewer, 110);
        fake_clear(r.f);
    }
    assert_int_equal(asked, 0);
    fake_destroy(r.f);
}

// The extension's number is one for all that a publisher sends: sound has nothing to describe.
static void descriptors_of_sound_are_nothing(void **state) {
    (void)state;
    struct room r = room_open();
    fake_open_producer(r.f, 1, 2, fake_audio(2000));
    struct consumer_params c = fake_receive_audio(210);
    fake_open_consumer(r.f, 2, 2, 12, c);
    fake_clear(r.f);
    for (r.described = DESCRIBED; r.described <= DESCRIBED_NOT; r.described++) {
        struct block *b = pool_take(r.f->pool);
        assert_non_null(b);
        struct writer w = writer_of(block_data(b), 400);
        write_u8(&w, 0x90);
        write_u8(&w, 0x80 | OPUS_PT);
        write_u16(&w, (uint16_t)(1 + r.described));
        write_u32(&w, 960 * (uint32_t)r.described);
        write_u32(&w, 2000);
        write_u16(&w, 0x1000);
        size_t at = w.len;
        write_u16(&w, 0);
        if (r.described != DESCRIBED_NOT)
            put_descriptor(&r, &w, true);
        while (w.len % 4)
            write_u8(&w, 0);
        store_be16(w.ptr + at, (uint16_t)((w.len - at - 2) / 4));
        write_u32(&w, 0xfc010203);
        b->len = (uint16_t)w.len;
        assert_int_equal(forwarder_rtp(r.f->fw, r.pub, b, r.f->now_us), FORWARD_DROP_NONE);
        forwarder_flush(r.f->fw);
    }
    assert_int_equal(r.f->rtp_count, 3);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptors_that_end_are_not_waited_for),
                                       cmocka_unit_test(descriptors_without_their_structure_are_none),
                                       cmocka_unit_test(numbers_that_begin_anew_are_followed),
                                       cmocka_unit_test(layers_that_are_not_there_need_no_key_frame),
                                       cmocka_unit_test(descriptors_of_sound_are_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
