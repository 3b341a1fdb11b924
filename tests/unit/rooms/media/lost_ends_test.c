// What a publisher has sent last before a pause, where transport-wide numbers show that it is missing.
#include "forward_fake.h"

#include "rooms/media/lost_ends.h"
#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver";

#define SOUND 900
#define PICTURE 1000
#define OTHER 1200

struct room {
    struct fake *f;
    struct endpoint *pub;
    int number; // transport-wide, of the next packet
    uint16_t sound_seq;
    uint16_t seqs[2]; // of PICTURE and OTHER
};

static struct room room_open(bool other) {
    struct room r = {.f = fake_create(), .number = 65530, .sound_seq = 1, .seqs = {65533, 7}};
    r.pub = fake_connected(r.f, 1, PUB);
    fake_connected(r.f, 2, A);
    fake_open_producer(r.f, 1, 1, fake_video(PICTURE, PICTURE + 1));
    fake_open_producer(r.f, 1, 2, fake_audio(SOUND));
    if (other)
        fake_open_producer(r.f, 1, 3, fake_video(OTHER, OTHER + 1));
    return r;
}

// 0 is not a number of the fake's packets; every sender's numbers wrap.
static int next_number(struct room *r) {
    int number = r->number++;
    return number % 65536 == 0 ? 65536 : number;
}

static void sound(struct room *r, bool lost) {
    struct fake_packet p = {
        .pt = OPUS_PT, .ssrc = SOUND, .seq = r->sound_seq++, .transport_seq = next_number(r)};
    if (!lost)
        (void)fake_rtp(r->f, r->pub, p);
}

// Pictures of so many packets, of which the last ones are lost.
static void picture(struct room *r, uint32_t ssrc, unsigned packets, unsigned lost) {
    for (unsigned i = 0; i < packets; i++) {
        uint16_t *seq = &r->seqs[ssrc == OTHER];
        struct fake_packet p = {.pt = VP8_PT,
                                .ssrc = ssrc,
                                .seq = (*seq)++,
                                .timestamp = *seq * 3000u,
                                .marker = i + 1 == packets,
                                .key = true,
                                .transport_seq = next_number(r)};
        if (i + lost < packets)
            (void)fake_rtp(r->f, r->pub, p);
    }
}

// The numbers that the publisher has been asked for, in all.
static unsigned asked(const struct room *r, uint32_t ssrc, uint16_t *first) {
    unsigned n = 0;
    for (unsigned i = 0; i < r->f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(r->f->rtcp[i].bytes, r->f->rtcp[i].len));
        for (struct rtcp_packet packet; r->f->rtcp[i].peer == PUB && rtcp_walk_next(&walk, &packet);) {
            struct reader body = reader_of(packet.body);
            if (packet.kind != RTCP_NACK || packet.media_ssrc != ssrc)
                continue;
            for (struct rtcp_nack_item item; rtcp_nack_next(&body, &item);) {
                *first = n == 0 ? item.seq : *first;
                n += 1 + (unsigned)__builtin_popcount(item.bitmask);
            }
        }
    }
    return n;
}

static void begin(struct room *r) {
    picture(r, PICTURE, 3, 0);
    picture(r, OTHER, r->f->fw->counters.producers > 2 ? 1 : 0, 0);
    sound(r, false);
    fake_run(r->f, 300 * MS);
    fake_clear(r->f);
}

static void sound_shows_what_a_picture_has_lost(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned packets, lost;
        bool sound_lost, other, other_goes_on;
        unsigned asked;
    } rows[] = {
        {"the end", 3, 1, false, false, false, 1},
        {"more of it", 5, 3, false, false, false, 3},
        {"the whole picture", 2, 2, false, false, false, 2},
        {"nothing", 3, 0, false, false, false, 0},
        {"sound alone", 3, 0, true, false, false, 0},
        {"both", 3, 2, true, false, false, 2},
        {"one of two, who knows which", 3, 1, false, true, false, 0},
        {"of two the one that does not go on", 3, 1, false, true, true, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct room r = room_open(rows[i].other);
        begin(&r);
        uint16_t first = 0, expected = (uint16_t)(r.seqs[0] + rows[i].packets - rows[i].lost);
        picture(&r, PICTURE, rows[i].packets, rows[i].lost);
        fake_run(r.f, 5 * MS);
        sound(&r, rows[i].sound_lost);
        sound(&r, false);
        fake_run(r.f, 20 * MS);
        if (rows[i].other_goes_on)
            picture(&r, OTHER, 1, 0);
        fake_run(r.f, 20 * MS);
        unsigned n = asked(&r, PICTURE, &first), others = asked(&r, OTHER, &first);
        n = asked(&r, PICTURE, &first);
        if (n != rows[i].asked || others > 0 || (n > 0 && first != expected))
            fail_msg("%s: asked for %u from %u on, and for %u of the other", rows[i].name, n, first, others);
        fake_destroy(r.f);
    }
}

// What is asked for and not answered may be a repeat that was lost.
static void a_lost_repeat_is_no_end(void **state) {
    (void)state;
    struct room r = room_open(false);
    begin(&r);
    uint16_t first = 0, lost = r.seqs[0]++; // of the middle of a picture
    (void)next_number(&r);
    picture(&r, PICTURE, 2, 0);
    fake_run(r.f, 20 * MS);
    assert_int_equal(asked(&r, PICTURE, &first), 1);
    assert_int_equal(first, lost);
    fake_run(r.f, 20 * MS);
    (void)next_number(&r); // its repeat
    sound(&r, false);
    fake_clear(r.f);
    fake_run(r.f, 40 * MS);
    assert_int_equal(asked(&r, PICTURE, &first), 0);
    fake_destroy(r.f);
}

static void who_has_been_silent_for_long_has_lost_nothing(void **state) {
    (void)state;
    struct room r = room_open(false);
    begin(&r);
    for (unsigned s = 0; s < LOST_ENDS_IDLE_US / SECOND + 1; s++) {
        sound(&r, false);
        fake_run(r.f, SECOND);
    }
    fake_clear(r.f);
    (void)next_number(&r);
    sound(&r, false);
    fake_run(r.f, 100 * MS);
    uint16_t first;
    assert_int_equal(asked(&r, PICTURE, &first), 0);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_shows_what_a_picture_has_lost),
        cmocka_unit_test(a_lost_repeat_is_no_end),
        cmocka_unit_test(who_has_been_silent_for_long_has_lost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
