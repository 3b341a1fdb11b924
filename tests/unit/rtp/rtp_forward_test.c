#include "rtp/rtp_forward.h"

#include "base/bytes.h"
#include "tests/unit/rtp/bytes_of.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct pool *pool;

static int setup(void **state) {
    (void)state;
    pool = pool_create(16);
    return pool ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    pool_destroy(pool); // asserts that every block came back
    return 0;
}

static struct block *block_of(const char *hex) {
    struct span bytes = bytes_of(hex);
    struct block *b = pool_take(pool);
    memset(b->bytes, 0xee, sizeof b->bytes);
    memset(b->meta, 0xee, sizeof b->meta);
    memcpy(block_data(b), bytes.ptr, bytes.len);
    b->len = (uint16_t)bytes.len;
    bytes_free(bytes);
    return b;
}

static struct span span_of_block(struct block *b) {
    return span_of(block_data(b), b->len);
}

// A publisher that numbers its extensions backwards.
static struct ext_map publisher_map(void) {
    struct ext_ids ids = {0};
    for (int ext = 1; ext < EXT_COUNT; ext++)
        ids.ids[ext] = (uint8_t)(EXT_COUNT - ext);
    struct ext_map map;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    return map;
}

// And how the server's side reads it again.
static struct ext_map router_map(void) {
    struct ext_ids ids = {0};
    for (int ext = 1; ext < EXT_COUNT; ext++)
        ids.ids[ext] = EXT_ROUTER_ID(ext);
    struct ext_map map;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    return map;
}

static void prepare(struct block *b, enum media_kind kind, bool rtx) {
    struct rtp_packet p;
    assert_int_equal(rtp_parse(span_of_block(b), &p), ERR_OK);
    struct ext_map map = publisher_map();
    struct rtp_ext_values v;
    rtp_ext_read(&p, &map, &v);
    if (rtx)
        assert_int_equal(rtp_unwrap_rtx(&p, &p.seq, &p.payload), ERR_OK);
    rtp_forward_prepare(b, &p, &v, kind, 777);
}

static const struct row {
    const char *name;
    enum media_kind kind;
    bool rtx;
    const char *head; // up to the payload
    const char *payload, *padding;
    // what must be read from the prepared packet
    const char *level, *orientation, *toffset, *capture, *playout, *descriptor;
} rows[] = {
    // The publisher's id of extension e is EXT_COUNT - e = 12 - e.
    {"no extensions, audio", MEDIA_AUDIO, false, "806f 0001 00000002 00000003", "aabbcc", "", 0, 0, 0, 0, 0,
     0},
    {"no extensions, video", MEDIA_VIDEO, false, "80e0 0001 00000002 00000003", "aabbcc", "", 0, 0, 0, 0, 0,
     0},
    {"empty payload with padding", MEDIA_VIDEO, false, "a060 0001 00000002 00000003", "", "00000004", 0, 0, 0,
     0, 0, 0},
    {"fifteen sources go", MEDIA_VIDEO, false,
     "8f60 0001 00000002 00000003"
     "01010101 02020202 03030303 04040404 05050505 06060606 07070707 08080808"
     "09090909 0a0a0a0a 0b0b0b0b 0c0c0c0c 0d0d0d0d 0e0e0e0e 0f0f0f0f",
     "aabbcc", "", 0, 0, 0, 0, 0, 0},
    {"audio level", MEDIA_AUDIO, false, "906f 0001 00000002 00000003 bede 0001 6085 0000", "aa", "", "85", 0,
     0, 0, 0, 0},
    {"everything that travels, mixed with what does not", MEDIA_VIDEO, false,
     "b0e0 0001 00000002 00000003 bede 000d b061 82010203 71aabb 6085 4090 32f1f2f3 12a1a2a3"
     "2f c1c2c3c4c5c6c7c8 d1d2d3d4d5d6d7d8 53 99999999 a06c 00000000000000",
     "aabbccdd", "01", "85", "90", "f1f2f3", "c1c2c3c4c5c6c7c8d1d2d3d4d5d6d7d8", "a1a2a3", "99999999"},
    {"short capture time", MEDIA_VIDEO, false,
     "9060 0001 00000002 00000003 bede 0003 27 c1c2c3c4c5c6c7c8 000000", "aa", "", 0, 0, 0,
     "c1c2c3c4c5c6c7c8", 0, 0},
    {"two-byte form", MEDIA_VIDEO, false,
     "9060 0001 00000002 00000003 1000 0003 0401 90 0303f1f2f3 0b0161 00", "aa", "", 0, "90", "f1f2f3", 0, 0,
     0},
    {"values of a wrong size stay behind", MEDIA_VIDEO, false,
     "9060 0001 00000002 00000003 bede 0006 618585 419090 31f1f2 13a1a2a3a4 26 c1c2c3c4c5c6c7 0000", "aa", "",
     0, 0, 0, 0, 0, 0},
    {"unwrapped from RTX", MEDIA_VIDEO, true, "9060 0009 00000002 00000003 bede 0001 4090 0000 0001",
     "aabbcc", "", 0, "90", 0, 0, 0, 0},
};

static void want_value(const char *row, const char *what, struct span got, const char *want) {
    struct span bytes = bytes_of(want ? want : "");
    if (want ? !span_equal(got, bytes) : got.ptr != NULL)
        fail_msg("%s: %s: wanted %s, got %zu bytes", row, what, want ? want : "none", got.len);
    bytes_free(bytes);
}

static struct block *block_of_row(const struct row *row) {
    char hex[512];
    assert_true(snprintf(hex, sizeof hex, "%s%s%s", row->head, row->payload, row->padding) < (int)sizeof hex);
    struct span padding = bytes_of(row->padding);
    struct block *b = block_of(hex);
    // The last byte of the padding counts it.
    if (padding.len)
        b->bytes[b->start + b->len - 1] = (uint8_t)padding.len;
    bytes_free(padding);
    return b;
}

static void check_prepared(const struct row *row, struct block *b, const uint8_t *payload_at) {
    struct ext_map map = router_map();
    struct rtp_packet p;
    struct rtp_ext_values v;
    assert_int_equal(rtp_parse(span_of_block(b), &p), ERR_OK);
    rtp_ext_read(&p, &map, &v);
    struct forward_meta *meta = forward_meta_of(b);
    if (p.payload.ptr != payload_at)
        fail_msg("%s: the payload moved by %td", row->name, p.payload.ptr - payload_at);
    want_value(row->name, "payload", p.payload, row->payload);
    want_value(row->name, "level", v.of[EXT_AUDIO_LEVEL], row->level);
    want_value(row->name, "orientation", v.of[EXT_VIDEO_ORIENTATION], row->orientation);
    want_value(row->name, "toffset", v.of[EXT_TOFFSET], row->toffset);
    want_value(row->name, "capture time", v.of[EXT_ABS_CAPTURE_TIME], row->capture);
    want_value(row->name, "playout delay", v.of[EXT_PLAYOUT_DELAY], row->playout);
    want_value(row->name, "mid", v.of[EXT_MID], NULL);
    want_value(row->name, "rid", v.of[EXT_RID], NULL);
    want_value(row->name, "dependency descriptor", v.of[EXT_DEPENDENCY_DESCRIPTOR], row->descriptor);
    want_value(row->name, "abs-send-time", v.of[EXT_ABS_SEND_TIME], "000000");
    want_value(row->name, "transport-cc", v.of[EXT_TRANSPORT_CC], "0000");
    assert_int_equal(block_data(b)[0], 0x90);
    assert_int_equal(meta->header_len, p.header_len);
    assert_int_equal(meta->header_len % 4, 0);
    assert_true(meta->header_len <= RTP_FORWARD_HEADER_MAX);
    assert_int_equal(meta->seq, 1);
    assert_int_equal(meta->timestamp, 2);
    assert_int_equal(meta->arrival_us, 777);
    assert_int_equal(meta->marker, p.marker);
    assert_false(meta->repaired);
    assert_true(meta->capture_ntp == (row->capture ? UINT64_C(0xc1c2c3c4c5c6c7c8) : 0));
    assert_int_equal(meta->offset_at != 0, row->toffset != NULL);
}

static void packets_are_prepared(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct block *b = block_of_row(&rows[i]);
        struct span head = bytes_of(rows[i].head);
        const uint8_t *payload_at = block_data(b) + head.len;
        prepare(b, rows[i].kind, rows[i].rtx);
        check_prepared(&rows[i], b, payload_at);
        bytes_free(head);
        block_release(b);
    }
}

// The codec may have spoken before or after.
static void prepare_leaves_the_codecs_fields(void **state) {
    (void)state;
    struct block *b = block_of_row(&rows[0]);
    struct forward_meta *meta = forward_meta_of(b);
    *meta = (struct forward_meta){
        .key_frame = true, .frame_start = true, .layers = {.spatial = 2, .temporal = 1}};
    prepare(b, MEDIA_VIDEO, false);
    assert_true(meta->key_frame && meta->frame_start);
    assert_int_equal(meta->layers.spatial, 2);
    assert_int_equal(meta->layers.temporal, 1);
    block_release(b);
}

static struct forward_stamp stamp_of(const char *mid) {
    struct forward_stamp stamp = {.ssrc = 0x51525354,
                                  .timestamp = 0xfffffff0,
                                  .seq = 0xfffe,
                                  .payload_type = 96,
                                  .marker = true,
                                  .mid_len = (uint8_t)strlen(mid),
                                  .abs_send_time = 0x123456,
                                  .transport_cc_seq = 0xbeef};
    memset(stamp.mid, '#', sizeof stamp.mid); // what is behind the MID must not leave
    memcpy(stamp.mid, mid, strlen(mid));
    return stamp;
}

static void check_copy(const struct row *row, struct block *out, const struct forward_stamp *stamp,
                       const char *mid, const char *payload) {
    struct ext_map map = router_map();
    struct rtp_packet p;
    struct rtp_ext_values v;
    assert_int_equal(out->start, BLOCK_HEADROOM);
    assert_int_equal(rtp_parse(span_of_block(out), &p), ERR_OK);
    rtp_ext_read(&p, &map, &v);
    assert_int_equal(p.ssrc, stamp->ssrc);
    assert_int_equal(p.timestamp, stamp->timestamp);
    assert_int_equal(p.seq, stamp->seq);
    assert_int_equal(p.payload_type, stamp->payload_type);
    assert_int_equal(p.marker, stamp->marker);
    want_value(row->name, "payload", p.payload, payload);
    want_value(row->name, "abs-send-time", v.of[EXT_ABS_SEND_TIME], "123456");
    want_value(row->name, "transport-cc", v.of[EXT_TRANSPORT_CC], "beef");
    want_value(row->name, "level", v.of[EXT_AUDIO_LEVEL], row->level);
    want_value(row->name, "toffset", v.of[EXT_TOFFSET], row->toffset);
    want_value(row->name, "capture time", v.of[EXT_ABS_CAPTURE_TIME], row->capture);
    // Its frame number is in the second and third byte.
    const char *renumbered = row->descriptor ? "999a9b99" : NULL;
    want_value(row->name, "dependency descriptor", v.of[EXT_DEPENDENCY_DESCRIPTOR],
               stamp->descriptor ? renumbered : NULL);
    if (mid[0] == 0)
        assert_null(v.of[EXT_MID].ptr);
    else
        assert_true(span_equal(v.of[EXT_MID], span_of_text(mid)));
    assert_null(memchr(block_data(out), '#', p.header_len));
}

static void copies_are_stamped(void **state) {
    (void)state;
    static const char *const mids[] = {"", "0", "12", "vid", "12345678"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct block *b = block_of_row(&rows[i]);
        prepare(b, rows[i].kind, rows[i].rtx);
        struct span before = bytes_copy(block_data(b), b->len);
        for (size_t m = 0; m < sizeof mids / sizeof *mids; m++) {
            struct forward_stamp stamp = stamp_of(mids[m]);
            stamp.descriptor = m % 2;
            stamp.picture_offset.frame = 0x0102;
            struct block *out = block_of(""), *rtx = block_of("");
            rtp_forward_copy(out, b, &stamp);
            assert_int_equal(out->len, b->len);
            check_copy(&rows[i], out, &stamp, mids[m], rows[i].payload);
            char payload[64];
            snprintf(payload, sizeof payload, "4321%s", rows[i].payload);
            rtp_forward_copy_rtx(rtx, b, &stamp, 0x4321);
            assert_int_equal(rtx->len, b->len + 2);
            check_copy(&rows[i], rtx, &stamp, mids[m], payload);
            block_release(out);
            block_release(rtx);
        }
        // The prepared packet is shared: it must not have changed.
        assert_true(span_equal(before, span_of_block(b)));
        bytes_free(before);
        block_release(b);
    }
}

// A copy takes the room of the longest datagram that can come in.
static void the_longest_packet_fits(void **state) {
    (void)state;
    const struct row *row = &rows[5];
    assert_non_null(row->capture);
    struct block *b = block_of_row(row);
    struct rtp_packet p;
    assert_int_equal(rtp_parse(span_of_block(b), &p), ERR_OK);
    b->bytes[b->start] &= (uint8_t)~0x20; // no padding
    b->len = BLOCK_DATAGRAM_MAX;
    prepare(b, MEDIA_VIDEO, false);
    struct block *out = block_of("");
    struct forward_stamp stamp = stamp_of("12345678");
    rtp_forward_copy_rtx(out, b, &stamp, 1);
    assert_true(out->start + out->len + 144 <= BLOCK_CAPACITY);
    assert_true(out->len <= BLOCK_DATAGRAM_MAX + 68 + 2);
    block_release(out);
    block_release(b);
}

// What takes the place of a packet that is left out: its numbers, and padding.
static void a_blank_carries_nothing(void **state) {
    (void)state;
    const struct row *row = &rows[5];
    struct block *b = block_of_row(row), *out = block_of(""), *rtx = block_of("");
    prepare(b, row->kind, row->rtx);
    struct forward_stamp stamp = stamp_of("12");
    stamp.blank = stamp.descriptor = true;
    rtp_forward_copy(out, b, &stamp);
    rtp_forward_copy_rtx(rtx, b, &stamp, 0x4321);
    struct ext_map map = router_map();
    struct rtp_packet p;
    struct rtp_ext_values v;
    for (unsigned repeat = 0; repeat < 2; repeat++) {
        assert_int_equal(rtp_parse(span_of_block(repeat ? rtx : out), &p), ERR_OK);
        rtp_ext_read(&p, &map, &v);
        want_value("blank", "payload", p.payload, repeat ? "4321" : "");
        want_value("blank", "dependency descriptor", v.of[EXT_DEPENDENCY_DESCRIPTOR], NULL);
        assert_true(span_equal(v.of[EXT_MID], span_of_text("12")));
        assert_int_equal(p.padding, RTP_FORWARD_BLANK_BYTES);
        assert_int_equal(p.seq, stamp.seq);
        assert_false(p.marker);
    }
    block_release(rtx);
    block_release(out);
    block_release(b);
}

static void padding_is_added_once_and_within_a_block(void **state) {
    (void)state;
    const struct row *row = &rows[5];
    struct block *b = block_of_row(row), *out = block_of(""), *rtx = block_of("");
    prepare(b, row->kind, row->rtx);
    uint16_t len = b->len;
    rtp_forward_pad(b, 3);
    rtp_forward_pad(b, 5); // is padded already
    assert_int_equal(b->len, len + 3);
    struct forward_stamp stamp = stamp_of("12");
    rtp_forward_copy(out, b, &stamp);
    rtp_forward_copy_rtx(rtx, b, &stamp, 0x4321);
    struct rtp_packet p;
    assert_int_equal(rtp_parse(span_of_block(out), &p), ERR_OK);
    assert_int_equal(p.padding, 3);
    assert_int_equal(p.payload.len, strlen(row->payload) / 2);
    assert_int_equal(rtp_parse(span_of_block(rtx), &p), ERR_OK);
    assert_int_equal(p.padding, 3);
    assert_int_equal(p.payload.len, strlen(row->payload) / 2 + 2);
    block_release(rtx);
    block_release(out);
    block_release(b);

    b = block_of_row(row);
    b->bytes[b->start] &= (uint8_t)~0x20;
    b->len = BLOCK_DATAGRAM_MAX;
    prepare(b, MEDIA_VIDEO, false);
    len = b->len;
    rtp_forward_pad(b, 255);
    assert_int_equal(b->len, len);
    block_release(b);
}

static void picture_numbers_are_stamped(void **state) {
    (void)state;
    struct pool *blocks = pool_create(4);
    // VP8: X, PictureID of 15 bits 0x7ffe, TL0PICIDX 0xff, TID; then a frame
    static const uint8_t packet[] = {0x80, 96,   0,    1,    0,    0,    0,    2, 0, 0, 0,
                                     3,    0x90, 0xe0, 0xff, 0xfe, 0xff, 0x40, 1, 2, 3};
    struct block *b = pool_take(blocks), *out = pool_take(blocks);
    memcpy(block_data(b), packet, sizeof packet);
    b->len = sizeof packet;
    struct rtp_packet view;
    struct rtp_ext_values values = {0};
    assert_int_equal(rtp_parse(span_of(block_data(b), b->len), &view), ERR_OK);
    rtp_forward_prepare(b, &view, &values, MEDIA_VIDEO, 0);
    struct picture_numbers numbers;
    assert_false(rtp_forward_pictures(b, &numbers)); // nobody said where they are
    forward_meta_of(b)->pictures = (struct picture_places){.id_at = 2, .id_long = true, .tl0_at = 4};
    assert_true(rtp_forward_pictures(b, &numbers));
    assert_int_equal(numbers.id, 0x7ffe);
    assert_int_equal(numbers.tl0, 0xff);
    struct forward_stamp stamp = {.ssrc = 9, .picture_offset = {.id = 3, .tl0 = 2}};
    rtp_forward_copy(out, b, &stamp);
    const uint8_t *payload = block_data(out) + forward_meta_of(b)->header_len;
    static const uint8_t wrapped[] = {0x90, 0xe0, 0x80, 0x01, 0x01, 0x40, 1, 2, 3};
    assert_memory_equal(payload, wrapped, sizeof wrapped);
    rtp_forward_copy_rtx(out, b, &stamp, 77);
    assert_memory_equal(block_data(out) + forward_meta_of(b)->header_len + 2, wrapped, sizeof wrapped);
    // The id alone, taken for one of 7 bits: 0x7f + 3 wraps, and its first bit stays.
    forward_meta_of(b)->pictures = (struct picture_places){.id_at = 2};
    rtp_forward_copy(out, b, &stamp);
    payload = block_data(out) + forward_meta_of(b)->header_len;
    static const uint8_t alone[] = {0x90, 0xe0, 0x82, 0xfe, 0xff, 0x40, 1, 2, 3};
    assert_memory_equal(payload, alone, sizeof alone);
    block_release(b);
    block_release(out);
    pool_destroy(blocks);
}

// Under a receiver's own ids; what it has none for is padding.
static void a_receiver_may_have_ids_of_its_own(void **state) {
    (void)state;
    struct pool *blocks = pool_create(2);
    struct block *b = pool_take(blocks), *out = pool_take(blocks);
    struct span bytes =
        bytes_of("b0e0 0001 00000002 00000003 bede 000d b061 82010203 71aabb 6085 4090 32f1f2f3 12a1a2a3"
                 "2f c1c2c3c4c5c6c7c8 d1d2d3d4d5d6d7d8 53 99999999 a06c 00000000000000 aabbccdd 01");
    memcpy(block_data(b), bytes.ptr, bytes.len);
    b->len = (uint16_t)bytes.len;
    bytes_free(bytes);
    prepare(b, MEDIA_VIDEO, false);
    uint8_t ids[RTP_FORWARD_EXT_IDS] = {0};
    ids[EXT_ROUTER_ID(EXT_MID)] = 4; // each the router's id of something else
    ids[EXT_ROUTER_ID(EXT_ABS_SEND_TIME)] = 2;
    ids[EXT_ROUTER_ID(EXT_TRANSPORT_CC)] = 3;
    ids[EXT_ROUTER_ID(EXT_VIDEO_ORIENTATION)] = 13;
    struct forward_stamp stamp = {.ssrc = 9,
                                  .mid_len = 1,
                                  .mid = "v",
                                  .abs_send_time = 0x010203,
                                  .transport_cc_seq = 0x0405,
                                  .ext_ids = ids};
    for (unsigned form = 0; form < 5; form++) {
        if (form == 0)
            rtp_forward_copy(out, b, &stamp);
        else if (form == 1)
            rtp_forward_copy_rtx(out, b, &stamp, 7);
        else if (form == 2)
            rtp_forward_copy_empty(out, b, &stamp);
        else if (form == 3)
            rtp_forward_write_padding(out, &stamp, 9);
        if (form == 4) { // it has waited
            stamp.abs_send_time = stamp.transport_cc_seq = 0;
            rtp_forward_copy(out, b, &stamp);
            rtp_forward_restamp(out, ids, 0x010203, 0x0405);
        }
        struct rtp_packet p;
        assert_int_equal(rtp_parse(span_of_block(out), &p), ERR_OK);
        struct ext_ids own = {0};
        own.ids[EXT_MID] = 4;
        own.ids[EXT_ABS_SEND_TIME] = 2;
        own.ids[EXT_TRANSPORT_CC] = 3;
        own.ids[EXT_VIDEO_ORIENTATION] = 13;
        struct ext_map map;
        ext_map_clear(&map);
        ext_map_add(&map, &own);
        struct rtp_ext_values v;
        rtp_ext_read(&p, &map, &v);
        assert_true(span_equal(v.of[EXT_MID], span_of_text("v")));
        uint32_t time;
        uint16_t seq;
        assert_true(rtp_ext_abs_send_time(&v, &time) && time == 0x010203);
        assert_true(rtp_ext_transport_seq(&v, &seq) && seq == 0x0405);
        assert_true(form == 3 ||
                    (v.of[EXT_VIDEO_ORIENTATION].len == 1 && v.of[EXT_VIDEO_ORIENTATION].ptr[0] == 0x90));
        struct ext_map any; // and nothing else is there
        for (unsigned id = 0; id < 256; id++)
            any.ext_by_id[id] = id == 2 || id == 3 || id == 4 || id == 13 ? EXT_NONE : EXT_TOFFSET;
        rtp_ext_read(&p, &any, &v);
        assert_null(v.of[EXT_TOFFSET].ptr);
    }
    block_release(b);
    block_release(out);
    pool_destroy(blocks);
}

static struct rtp_ext_values values_of(struct block *b, const uint8_t *own) {
    struct rtp_packet p;
    struct ext_ids ids = {0};
    struct ext_map map;
    struct rtp_ext_values v;
    for (unsigned e = 1; e < EXT_COUNT; e++)
        ids.ids[e] = own ? own[EXT_ROUTER_ID(e)] : EXT_ROUTER_ID(e);
    assert_int_equal(rtp_parse(span_of_block(b), &p), ERR_OK);
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    rtp_ext_read(&p, &map, &v);
    return v;
}

// In the place that a short MID leaves, so that no packet grows; a publisher's own wish stays; what is sent
// again says nothing.
static void how_long_to_wait_is_told(void **state) {
    (void)state;
    static const uint8_t ids[RTP_FORWARD_EXT_IDS] = {[EXT_ROUTER_ID(EXT_MID)] = 4,
                                                     [EXT_ROUTER_ID(EXT_PLAYOUT_DELAY)] = 6},
                         none[RTP_FORWARD_EXT_IDS] = {0};
    static const char *const heads[] = {"9060 0001 00000002 00000003 bede 0002 32f1f2f3 60850000",
                                        "9060 0001 00000002 00000003 bede 0002 12a1a2a3 60850000"};
    static const uint8_t *const own_ids[] = {NULL, ids, none};
    struct pool *blocks = pool_create(2);
    struct block *out = pool_take(blocks);
    for (unsigned row = 0; row < 2 * 3 * (RTP_FORWARD_MID_MAX + 1); row++) {
        bool publishers = row % 2;
        const uint8_t *own = own_ids[row / 2 % 3];
        uint8_t mid_len = (uint8_t)(row / 6);
        char hex[256];
        snprintf(hex, sizeof hex, "%s aabbcc", heads[publishers]);
        struct block *b = block_of(hex);
        prepare(b, MEDIA_VIDEO, false);
        struct forward_stamp stamp = {
            .mid_len = mid_len, .mid = "mmmmmmmm", .playout_delay = 0x00a3e8, .ext_ids = own};
        rtp_forward_copy(out, b, &stamp);
        assert_int_equal(out->len, b->len);
        struct rtp_ext_values v = values_of(out, own);
        bool tells = own != none && (publishers || mid_len <= RTP_FORWARD_DELAY_MID_MAX);
        static const uint8_t theirs[] = {0xa1, 0xa2, 0xa3}, ours[] = {0x00, 0xa3, 0xe8};
        if (tells)
            assert_true(span_equal(v.of[EXT_PLAYOUT_DELAY], span_of(publishers ? theirs : ours, 3)));
        else
            assert_null(v.of[EXT_PLAYOUT_DELAY].ptr);
        if (own != none)
            assert_int_equal(v.of[EXT_MID].len, mid_len);
        for (unsigned i = 0; publishers && i + sizeof ours < out->len; i++) // not beside it either
            assert_memory_not_equal(block_data(out) + i, ours, sizeof ours);
        stamp.playout_delay = 0;
        rtp_forward_copy_rtx(out, b, &stamp, 77);
        v = values_of(out, own);
        assert_true(own == none || (v.of[EXT_PLAYOUT_DELAY].ptr != NULL) == publishers);
        block_release(b);
    }
    block_release(out);
    pool_destroy(blocks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_are_prepared),
        cmocka_unit_test(prepare_leaves_the_codecs_fields),
        cmocka_unit_test(copies_are_stamped),
        cmocka_unit_test(the_longest_packet_fits),
        cmocka_unit_test(picture_numbers_are_stamped),
        cmocka_unit_test(a_receiver_may_have_ids_of_its_own),
        cmocka_unit_test(how_long_to_wait_is_told),
        cmocka_unit_test(a_blank_carries_nothing),
        cmocka_unit_test(padding_is_added_once_and_within_a_block),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
