// With which packet a receiver begins to get a picture, when parts of the key frame come late or never.
#include "forward_fake.h"

#define H264_PT 102
#define PACKETS_MAX 12

static const char *const PUB = "publisher", *const A = "receiver";

// What a packet of the publisher holds, by its number in a row; each letter is one packet.
//   S: SPS and PPS in one (STAP-A)   s: SPS alone   p: PPS alone   I: first fragment of an IDR slice
//   i: a further fragment            e: its last    P: a frame without key   a: access unit delimiter
//   T: SPS and PPS in one, ahead of the slices' time
// A frame ends at 'e', at 'P' and at 'T'.
// H265 has its VPS, SPS and PPS in one (AP) for S, and the VPS for s. AV1 has none of them.
struct payload {
    char what;
    uint8_t len, bytes[16];
};
static const struct payload h264[] = {{'S', 11, {24, 0, 4, 0x67, 0x42, 0, 0x1f, 0, 2, 0x68, 0xce}},
                                      {'T', 11, {24, 0, 4, 0x67, 0x42, 0, 0x1f, 0, 2, 0x68, 0xce}},
                                      {'s', 4, {0x67, 0x42, 0, 0x1f}},
                                      {'p', 2, {0x68, 0xce}},
                                      {'I', 4, {0x7c, 0x85, 0x88, 1}},
                                      {'i', 4, {0x7c, 0x05, 1, 1}},
                                      {'e', 4, {0x7c, 0x45, 1, 1}},
                                      {'P', 3, {0x41, 0x9a, 1}},
                                      {'a', 2, {0x09, 0x10}},
                                      {0}};
static const struct payload h265[] = {
    {'S', 16, {0x60, 1, 0, 3, 0x40, 1, 0x0c, 0, 3, 0x42, 1, 1, 0, 2, 0x44, 1}},
    {'T', 16, {0x60, 1, 0, 3, 0x40, 1, 0x0c, 0, 3, 0x42, 1, 1, 0, 2, 0x44, 1}},
    {'s', 4, {0x40, 1, 0x0c, 1}},
    {'p', 4, {0x44, 1, 0xc1, 1}},
    {'I', 5, {0x62, 1, 0x93, 0xaf, 1}},
    {'i', 5, {0x62, 1, 0x13, 1, 1}},
    {'e', 5, {0x62, 1, 0x53, 1, 1}},
    {'P', 4, {0x02, 1, 0xd0, 1}},
    {'a', 4, {0x46, 1, 0x50, 1}},
    {0}};
static const struct payload av1[] = {{'I', 5, {0x58, 0x30, 0x10, 1, 1}},
                                     {'i', 3, {0xd0, 1, 1}},
                                     {'e', 3, {0x90, 1, 1}},
                                     {'P', 4, {0x10, 0x30, 0x30, 1}},
                                     {0}};

static const struct {
    enum media_codec codec;
    const struct payload *payloads;
} codecs[] = {{CODEC_H264, h264}, {CODEC_H265, h265}, {CODEC_AV1, av1}};

// NULL: the codec has none.
static const struct payload *payload_of(const struct payload *of, char what) {
    for (; of->what; of++)
        if (of->what == what)
            return of;
    return NULL;
}

struct row {
    const char *what;
    const char *packets;           // as sent
    uint8_t arrivals[PACKETS_MAX]; // their places, one-based, in the order in which they come; 0: no more
    const char *seen;              // as the receiver gets them, in the order of its numbers
};

static const struct row rows[] = {
    {"all in order", "PSIie", {1, 2, 3, 4, 5}, "SIie"},
    {"from the first packet of all", "SIieP", {1, 2, 3, 4, 5}, "SIieP"},
    {"the parameters come late", "PSIieP", {1, 3, 4, 5, 6, 2}, "SIieP"},
    {"and never", "PSIieP", {1, 3, 4, 5, 6}, ""},
    {"parameters in two packets, the first late", "PspIie", {1, 3, 4, 5, 6, 2}, "spIie"},
    {"the second late", "PspIie", {1, 2, 4, 5, 6, 3}, "spIie"},
    {"both late, the second first", "PspIie", {1, 4, 5, 6, 3, 2}, "spIie"},
    {"the end of the frame before comes late", "PPIie", {1, 3, 4, 5, 2}, "Iie"},
    {"a key frame without parameters, nothing missing", "PIie", {1, 2, 3, 4}, "Iie"},
    {"a delimiter before the parameters is of the frame", "PaSIie", {1, 2, 3, 4, 5, 6}, "SIie"},
    {"the slice's beginning comes late", "PSIie", {1, 2, 4, 5, 3}, "SIie"},
    {"the first of all, and it comes late", "PIieP", {1, 3, 4, 5, 2}, "IieP"},
    {"and never comes", "PIieP", {1, 3, 4, 5}, ""},
    {"the one after it comes late", "PIieP", {1, 2, 4, 5, 3}, "IieP"},
    {"everything the other way round", "PSIie", {1, 5, 4, 3, 2}, "SIie"},
    {"the parameters have a time of their own", "PTIieP", {1, 2, 3, 4, 5, 6}, "TIieP"},
    {"and come late", "PTIieP", {1, 3, 4, 5, 6, 2}, "TIieP"},
};

// What a receiver gets that comes a moment after all of it.
static const struct row late_rows[] = {
    {"all in order", "PSIiePP", {1, 2, 3, 4, 5, 6, 7}, "SIiePP"},
    {"parameters in two packets", "PspIieP", {1, 2, 3, 4, 5, 6, 7}, "spIieP"},
    {"the parameters have a time of their own", "PTIieP", {1, 2, 3, 4, 5, 6}, "TIieP"},
    {"and came late", "PTIieP", {1, 3, 4, 5, 6, 2}, "TIieP"},
    {"a key frame without parameters behind one with", "PTIieIieP", {1, 2, 3, 4, 5, 6, 7, 8, 9}, "IieP"},
};

static void give(struct fake *f, struct endpoint *ep, const struct payload *payloads, const char *packets,
                 unsigned place) {
    struct block *b = pool_take(f->pool);
    assert_non_null(b);
    uint8_t *p = block_data(b);
    unsigned frame = 0;
    for (unsigned i = 0; i + 1 < place; i++)
        frame += packets[i] == 'e' || packets[i] == 'P' || packets[i] == 'T';
    char what = packets[place - 1];
    memset(p, 0, 12);
    p[0] = 0x80;
    p[1] = (uint8_t)(H264_PT | (what == 'e' || what == 'P' ? 0x80 : 0));
    store_be16(p + 2, (uint16_t)(65533 + place));
    store_be32(p + 4, 3000 * frame);
    store_be32(p + 8, 1000);
    const struct payload *payload = payload_of(payloads, what);
    assert_non_null(payload);
    memcpy(p + 12, payload->bytes, payload->len);
    b->len = (uint16_t)(12 + payload->len);
    p[b->len - 1] = (uint8_t)place; // to tell it by
    assert_int_equal(forwarder_rtp(f->fw, ep, b, f->now_us), FORWARD_DROP_NONE);
    forwarder_flush(f->fw);
    fake_run(f, 2 * MS);
}

static void seen_by(const struct fake *f, const char *packets, char out[PACKETS_MAX + 1]) {
    uint16_t first = 0;
    memset(out, 0, PACKETS_MAX + 1);
    for (unsigned i = 0; i < f->rtp_count; i++) {
        const struct fake_rtp *p = &f->rtp[i];
        if (i == 0)
            first = p->head.seq;
        uint16_t at = (uint16_t)(p->head.seq - first);
        assert_in_range(at, 0, PACKETS_MAX - 1);
        // The place is the payload's last byte but for padding, which evens sizes.
        size_t end = p->head.header_len + p->head.payload.len;
        assert_true(end <= sizeof p->bytes && out[at] == 0);
        out[at] = packets[p->bytes[end - 1] - 1];
    }
}

static void plays(const struct row *row, size_t codec, bool late) {
    struct fake *f = fake_create();
    struct endpoint *pub = fake_connected(f, 1, PUB);
    fake_connected(f, 2, A);
    struct producer_params params = fake_video(1000, 1001);
    params.codec = codecs[codec].codec;
    params.payload_type = H264_PT;
    fake_open_producer(f, 1, 1, params);
    if (!late)
        fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
    for (unsigned k = 0; k < PACKETS_MAX && row->arrivals[k]; k++)
        give(f, pub, codecs[codec].payloads, row->packets, row->arrivals[k]);
    if (late)
        fake_open_consumer(f, 2, 1, 11, fake_receive_video(110, 111));
    char seen[PACKETS_MAX + 1];
    seen_by(f, row->packets, seen);
    if (strcmp(seen, row->seen) != 0)
        fail_msg("%s, codec %zu: expected \"%s\", got \"%s\"", row->what, codec, row->seen, seen);
    fake_destroy(f);
}

static void a_picture_begins_with_its_first_packet(void **state) {
    (void)state;
    unsigned played = 0;
    for (size_t codec = 0; codec < sizeof codecs / sizeof *codecs; codec++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            bool has_all = true;
            for (const char *what = rows[i].packets; *what; what++)
                has_all &= payload_of(codecs[codec].payloads, *what) != NULL;
            if (has_all)
                plays(&rows[i], codec, false);
            played += has_all;
        }
    assert_int_equal(played, 2 * (sizeof rows / sizeof *rows) + 5);
}

static void who_comes_late_begins_there_too(void **state) {
    (void)state;
    for (size_t codec = 0; codec < 2; codec++)
        for (size_t i = 0; i < sizeof late_rows / sizeof *late_rows; i++)
            plays(&late_rows[i], codec, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_picture_begins_with_its_first_packet),
                                       cmocka_unit_test(who_comes_late_begins_there_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
