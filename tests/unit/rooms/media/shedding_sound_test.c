// What is left out of sound when a worker has too much to do and all video is out already.
#include "forward_fake.h"

#include "rooms/media/media_objects.h"
#include "rooms/media/overload.h"

#define SPEAKERS 8
#define LISTENERS 32

static const char *const PUB = "publisher";
static char names[LISTENERS][8];

struct room {
    struct fake *f;
    struct endpoint *pub;
    uint16_t seq;
    int level[SPEAKERS]; // -dBov
};

static uint32_t heard_ssrc(unsigned listener, unsigned speaker) {
    return 10000 + listener * 100 + speaker;
}

static struct room room_open(void) {
    struct room room = {.f = fake_create()};
    room.pub = fake_connected(room.f, 1, PUB);
    for (unsigned s = 0; s < SPEAKERS; s++) {
        fake_open_producer(room.f, 1, 1 + s, fake_audio(2000 + s));
        room.level[s] = 80;
    }
    for (unsigned l = 0; l < LISTENERS; l++) {
        snprintf(names[l], sizeof names[l], "L%u", l);
        fake_connected(room.f, 2 + l, names[l]);
        for (unsigned s = 0; s < SPEAKERS; s++)
            fake_open_consumer(room.f, 2 + l, 1 + s, 1000 + l * 100 + s,
                               fake_receive_audio(heard_ssrc(l, s)));
    }
    return room;
}

static void talk(struct room *room, unsigned packets) {
    for (; packets > 0; packets--) {
        fake_clear(room->f);
        room->seq++;
        for (unsigned s = 0; s < SPEAKERS; s++)
            fake_rtp(room->f, room->pub,
                     (struct fake_packet){.pt = OPUS_PT,
                                          .ssrc = 2000 + s,
                                          .seq = room->seq,
                                          .timestamp = room->seq * 960u,
                                          .level = room->level[s]});
        if (packets > 1)
            fake_run(room->f, 20 * MS);
    }
}

// How many listeners got the last packet of a speaker.
static unsigned heard(const struct room *room, unsigned speaker) {
    unsigned n = 0;
    for (unsigned l = 0; l < LISTENERS; l++)
        n += fake_count_rtp(room->f, names[l], heard_ssrc(l, speaker));
    return n;
}

static unsigned heard_in_all(const struct room *room) {
    unsigned n = 0;
    for (unsigned s = 0; s < SPEAKERS; s++)
        n += heard(room, s);
    return n;
}

static void each_level_beyond_video_takes_its_share(void **state) {
    (void)state;
    struct room room = room_open();
    talk(&room, 20);
    for (unsigned level = 0; level <= OVERLOAD_LEVEL_MAX; level++) {
        forwarder_shed(room.f->fw, level, room.f->now_us);
        talk(&room, 2);
        unsigned share = level > OVERLOAD_LEVEL_VIDEO ? level - OVERLOAD_LEVEL_VIDEO : 0;
        unsigned expected = SPEAKERS * LISTENERS * (16 - share) / 16, got = heard_in_all(&room);
        print_message("level %u: about %u expected, %u heard\n", level, expected, got);
        assert_in_range(got, expected > 3 ? expected - 3 : 1, expected + 3);
        assert_int_equal(fake_count_events(room.f, MEDIA_CONSUMER_LAYERS, NULL), 0);
    }
    forwarder_shed(room.f->fw, 0, room.f->now_us);
    talk(&room, 2);
    assert_int_equal(heard_in_all(&room), SPEAKERS * LISTENERS);
    fake_destroy(room.f);
}

// Two of eight speak: they are heard by all as long as a quarter of the sound is sent, whatever the others
// do.
static void the_quiet_are_left_out_first(void **state) {
    (void)state;
    struct room room = room_open();
    room.level[3] = 20;
    room.level[6] = 40;
    talk(&room, 200);
    forwarder_shed(room.f->fw, OVERLOAD_LEVEL_VIDEO + 12, room.f->now_us);
    talk(&room, 2);
    assert_int_equal(heard(&room, 3), LISTENERS);
    assert_int_equal(heard(&room, 6), LISTENERS);
    assert_int_equal(heard_in_all(&room), 2 * LISTENERS);
    // Another one begins to speak, and is heard within half a second; who was quiet all the time is not.
    room.level[0] = 20;
    talk(&room, 25);
    assert_int_equal(heard(&room, 0), LISTENERS);
    assert_int_equal(heard(&room, 1), 0);
    // Who stops is not cut off between two words.
    room.level[3] = 90;
    talk(&room, 50);
    assert_int_equal(heard(&room, 3), LISTENERS);
    talk(&room, 600);
    assert_int_equal(heard(&room, 3), 0);
    fake_destroy(room.f);
}

static void a_listener_may_say_who_matters(void **state) {
    (void)state;
    struct room room = room_open();
    room.level[3] = 20;
    talk(&room, 50);
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY, .consumer = {1000 + 5}};
    cmd.priority.priority = 200;
    forwarder_command(room.f->fw, &cmd, room.f->now_us);
    forwarder_shed(room.f->fw, OVERLOAD_LEVEL_MAX, room.f->now_us);
    talk(&room, 2);
    assert_int_equal(fake_count_rtp(room.f, names[0], heard_ssrc(0, 5)), 1);
    fake_destroy(room.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_beyond_video_takes_its_share),
        cmocka_unit_test(the_quiet_are_left_out_first),
        cmocka_unit_test(a_listener_may_say_who_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
