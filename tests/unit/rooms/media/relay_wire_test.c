// What crosses a link: back as it was, and nothing that would lead out of the packet.
#include "rooms/media/relay_wire.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW_US UINT64_C(5000)

// Where things are in the bytes.
enum {
    VERSION = 0,
    FLAGS = 1,
    STREAM = 6,
    PICTURE = 11,
    PICTURE_TL0 = 12,
    MID = 13,
    SEND_TIME = 14,
    TRANSPORT_CC = 15,
    OFFSET = 16,
    DESCRIPTOR_AT = 17,
    DESCRIPTOR = 26,
    PACKET = RELAY_WIRE_HEAD
};

static struct block *prepared(struct pool *pool, size_t payload_len, size_t descriptor_len) {
    struct block *b = pool_take(pool);
    uint8_t descriptor[255];
    memset(descriptor, 0xd0, sizeof descriptor);
    struct writer w = writer_of(block_data(b), BLOCK_DATAGRAM_MAX);
    write_u8(&w, 0x90);
    write_u8(&w, 0x80 | 96);
    write_u16(&w, 4711);
    write_u32(&w, 90000);
    write_u32(&w, 7);
    write_u16(&w, 0x1000); // two-byte form, as an encoder of AV1 sends it
    write_u16(&w, (uint16_t)((2 + descriptor_len + 3) / 4));
    write_u8(&w, 7);
    write_u8(&w, (uint8_t)descriptor_len);
    write_span(&w, span_of(descriptor, descriptor_len));
    write_zeros(&w, -w.len & 3);
    for (size_t i = 0; i < payload_len; i++)
        write_u8(&w, (uint8_t)i);
    assert_false(w.failed);
    b->len = (uint16_t)w.len;
    struct ext_ids ids = {.ids = {[EXT_DEPENDENCY_DESCRIPTOR] = 7}};
    struct ext_map map;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    struct rtp_packet packet;
    struct rtp_ext_values values;
    assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &packet), ERR_OK);
    rtp_ext_read(&packet, &map, &values);
    rtp_forward_prepare(b, &packet, &values, MEDIA_VIDEO, 1);
    struct forward_meta *meta = forward_meta_of(b);
    meta->key_frame = true;
    meta->frame_start = false;
    meta->layers.spatial = 2;
    meta->layers.temporal = 3;
    meta->layers.sync = 0x5a;
    meta->layers.flags = LAYER_ENDS | LAYER_ASIDE;
    meta->layers.layers = 3;
    meta->opens = payload_len % 2;
    if (payload_len >= 8)
        meta->pictures = (struct picture_places){.id_at = 5, .tl0_at = 7, .id_long = true};
    meta->capture_ntp = UINT64_C(0x1122334455667788);
    return b;
}

static void check_same(struct block *a, struct block *b) {
    const struct forward_meta *x = forward_meta_of(a), *y = forward_meta_of(b);
    assert_int_equal(a->len, b->len);
    assert_memory_equal(block_data(a), block_data(b), a->len);
    assert_int_equal(y->arrival_us, NOW_US);
    assert_true(x->capture_ntp == y->capture_ntp);
    assert_int_equal(x->timestamp, y->timestamp);
    assert_int_equal(x->seq, y->seq);
    assert_int_equal(x->header_len, y->header_len);
    assert_int_equal(x->mid_at, y->mid_at);
    assert_int_equal(x->send_time_at, y->send_time_at);
    assert_int_equal(x->transport_cc_at, y->transport_cc_at);
    assert_int_equal(x->offset_at, y->offset_at);
    assert_int_equal(x->descriptor_at, y->descriptor_at);
    assert_int_equal(x->layers.sync, y->layers.sync);
    assert_int_equal(x->layers.flags, y->layers.flags);
    assert_int_equal(x->layers.layers, y->layers.layers);
    assert_int_equal(x->marker, y->marker);
    assert_int_equal(x->key_frame, y->key_frame);
    assert_int_equal(x->frame_start, y->frame_start);
    assert_int_equal(x->layers.spatial, y->layers.spatial);
    assert_int_equal(x->layers.temporal, y->layers.temporal);
    assert_memory_equal(&x->pictures, &y->pictures, sizeof x->pictures);
    assert_int_equal(x->opens, y->opens);
    assert_int_equal(x->repaired, y->repaired);
    assert_int_equal(x->padding, y->padding);
    assert_int_equal(x->descriptor_len, y->descriptor_len);
    assert_memory_equal(a->bytes, b->bytes, x->descriptor_len);
}

static void packets_cross_as_they_are(void **state) {
    (void)state;
    static const struct {
        size_t payload_len, descriptor_len;
        uint8_t padding;
        bool repaired;
    } rows[] = {{0, 0, 0, false},      {1, 0, 0, false},    {1000, 20, 0, true}, {1000, 255, 4, false},
                {1200, 255, 0, false}, {1510, 3, 0, false}, {1510, 0, 8, false}};
    struct pool *pool = pool_create(8);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct block *a = prepared(pool, rows[i].payload_len, rows[i].descriptor_len), *b = pool_take(pool);
        memset(b->meta, 0xee, sizeof b->meta);
        forward_meta_of(a)->repaired = rows[i].repaired;
        if (rows[i].padding)
            rtp_forward_pad(a, rows[i].padding);
        assert_int_equal(forward_meta_of(a)->padding, rows[i].padding);
        uint8_t wire[RELAY_WIRE_MAX];
        struct relay_address to = {{0x01020304}, 3}, got;
        size_t len = relay_wire_write(&to, a, wire, sizeof wire);
        assert_int_equal(len, RELAY_WIRE_HEAD + rows[i].descriptor_len + a->len);
        assert_int_equal(relay_wire_write(&to, a, wire, len - 1), 0);
        assert_int_equal(relay_wire_read(span_of(wire, len), NOW_US, &got, b), ERR_OK);
        assert_int_equal(got.producer.v, to.producer.v);
        assert_int_equal(got.stream, 3);
        check_same(a, b);
        block_release(a);
        block_release(b);
    }
    pool_destroy(pool);
}

// Where the primary block is the reader finds out itself; what has pictures or padding is no sound.
static void redundant_audio_crosses_too(void **state) {
    (void)state;
    static const uint8_t redundant[] = {0xef, 0x0f, 0, 3, 0x6f, 'o', 'l', 'd', 'n', 'e', 'w'};
    struct pool *pool = pool_create(2);
    struct block *a = prepared(pool, sizeof redundant, 0), *b = pool_take(pool);
    struct forward_meta *meta = forward_meta_of(a);
    uint8_t wire[RELAY_WIRE_MAX];
    struct relay_address to = {{1}, 0}, got;
    meta->pictures = (struct picture_places){0};
    meta->primary_at = 8;
    memcpy(block_data(a) + meta->header_len, redundant, sizeof redundant);
    size_t len = relay_wire_write(&to, a, wire, sizeof wire);
    assert_int_equal(relay_wire_read(span_of(wire, len), NOW_US, &got, b), ERR_OK);
    assert_int_equal(forward_meta_of(b)->primary_at, 8);
    assert_int_equal(relay_wire_read(span_of(wire, len - 3), NOW_US, &got, b), ERR_MALFORMED); // it is empty
    wire[PICTURE] = 1;
    assert_int_equal(relay_wire_read(span_of(wire, len), NOW_US, &got, b), ERR_MALFORMED);
    wire[PICTURE] = 0;
    wire[FLAGS] = 0;
    assert_int_equal(relay_wire_read(span_of(wire, len), NOW_US, &got, b), ERR_OK);
    assert_int_equal(forward_meta_of(b)->primary_at, 0);
    block_release(a);
    block_release(b);
    pool_destroy(pool);
}

static void what_leads_astray_is_refused(void **state) {
    (void)state;
    // Of a packet of 32 bytes of header (video without what travels on) and 100 of payload.
    static const struct {
        const char *what;
        unsigned at;
        uint8_t value;
        enum err want;
    } rows[] = {
        {"another version", VERSION, 1, ERR_UNSUPPORTED},
        {"an unknown flag", FLAGS, 32, ERR_MALFORMED},
        {"a stream that no producer has", STREAM, STREAMS_MAX, ERR_MALFORMED},
        {"a picture's number behind the payload", PICTURE, 99, ERR_MALFORMED},
        {"a picture's number at its end", PICTURE, 98, ERR_OK},
        {"the other one behind the payload", PICTURE_TL0, 100, ERR_MALFORMED},
        {"the other one at its end", PICTURE_TL0, 99, ERR_OK},
        {"no place for the MID", MID, 0, ERR_MALFORMED},
        {"a MID before the elements", MID, 16, ERR_MALFORMED},
        {"a MID beyond the header", MID, 25, ERR_MALFORMED},
        {"a MID at its end", MID, 24, ERR_OK},
        {"no place for the time", SEND_TIME, 0, ERR_MALFORMED},
        {"a time beyond the header", SEND_TIME, 30, ERR_MALFORMED},
        {"a time at its end", SEND_TIME, 29, ERR_OK},
        {"a number beyond the header", TRANSPORT_CC, 31, ERR_MALFORMED},
        {"a number at its end", TRANSPORT_CC, 30, ERR_OK},
        {"no number", TRANSPORT_CC, 0, ERR_OK},
        {"a number in the fixed header", TRANSPORT_CC, 2, ERR_MALFORMED},
        {"an offset beyond the header", OFFSET, 30, ERR_MALFORMED},
        {"a place of a descriptor that is not there", DESCRIPTOR_AT, 24, ERR_MALFORMED},
        {"a descriptor longer than all", DESCRIPTOR, 255, ERR_MALFORMED},
        {"a descriptor that eats the packet's head", DESCRIPTOR, 4, ERR_MALFORMED},
        {"another version of RTP", PACKET, 0x50, ERR_MALFORMED},
        {"contributing sources", PACKET, 0x91, ERR_MALFORMED},
        {"no extensions", PACKET, 0x80, ERR_MALFORMED},
        {"padding of more than the payload", PACKET, 0xb0, ERR_MALFORMED}, // its last byte says 101
        {"the two-byte form", PACKET + 12, 0x10, ERR_MALFORMED},
        {"a header beyond its limit", PACKET + 15, 17, ERR_MALFORMED},
        {"a header shorter than its places", PACKET + 15, 3, ERR_MALFORMED},
    };
    struct pool *pool = pool_create(4);
    struct block *a = prepared(pool, 100, 0), *b = pool_take(pool);
    assert_int_equal(forward_meta_of(a)->header_len, 32);
    block_data(a)[a->len - 1] = 101;
    uint8_t wire[RELAY_WIRE_MAX], bad[RELAY_WIRE_MAX];
    struct relay_address to = {{1}, 0}, got;
    size_t len = relay_wire_write(&to, a, wire, sizeof wire);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        memcpy(bad, wire, len);
        bad[rows[i].at] = rows[i].value;
        enum err err = relay_wire_read(span_of(bad, len), NOW_US, &got, b);
        if (err != rows[i].want)
            fail_msg("%s: wanted %s, got %s", rows[i].what, err_name(rows[i].want), err_name(err));
    }
    for (size_t cut = 0; cut < len; cut++) { // nothing shorter than its header is a packet
        enum err err = relay_wire_read(span_of(wire, cut), NOW_US, &got, b);
        assert_int_equal(err, cut >= RELAY_WIRE_HEAD + 32u + 8 ? ERR_OK : ERR_MALFORMED);
    }
    block_release(a);
    block_release(b);
    pool_destroy(pool);
}

static void a_packet_longer_than_any_is_refused(void **state) {
    (void)state;
    struct pool *pool = pool_create(4);
    struct block *a = prepared(pool, 1500, 0), *b = pool_take(pool);
    uint8_t wire[RELAY_WIRE_MAX + 1];
    struct relay_address to = {{1}, 0}, got;
    memset(wire, 0, sizeof wire);
    assert_true(relay_wire_write(&to, a, wire, sizeof wire) > 0);
    size_t most = RELAY_WIRE_HEAD + RTP_FORWARD_PACKET_MAX;
    assert_int_equal(relay_wire_read(span_of(wire, most), NOW_US, &got, b), ERR_OK);
    assert_true(b->start + b->len <= BLOCK_CAPACITY);
    assert_int_equal(relay_wire_read(span_of(wire, most + 1), NOW_US, &got, b), ERR_MALFORMED);
    block_release(a);
    block_release(b);
    pool_destroy(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_cross_as_they_are),
        cmocka_unit_test(redundant_audio_crosses_too),
        cmocka_unit_test(what_leads_astray_is_refused),
        cmocka_unit_test(a_packet_longer_than_any_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
