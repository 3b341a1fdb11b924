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
        fake_clear(room.f);
        forwarder_shed(room.f->fw, level, room.f->now_us);
        assert_int_equal(fake_count_events(room.f, MEDIA_CONSUMER_LAYERS, NULL), 0); // nobody is told
        talk(&room, 2);
        unsigned share = level > OVERLOAD_LEVEL_VIDEO ? level - OVERLOAD_LEVEL_VIDEO : 0;
        unsigned expected = SPEAKERS * LISTENERS * (16 - share) / 16, got = heard_in_all(&room);
        print_message("level %u: about %u expected, %u heard\n", level, expected, got);
        assert_in_range(got, expected > 3 ? expected - 3 : 1, expected + 3);
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

// One step of priority is more than any loudness: who is silent but wanted comes before who shouts.
static void priority_comes_before_loudness(void **state) {
    (void)state;
    struct room room = room_open();
    room.level[3] = 20;
    talk(&room, 200);
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY, .consumer = {1000 + 5}};
    cmd.priority.priority = PRIORITY_DEFAULT + 1;
    forwarder_command(room.f->fw, &cmd, room.f->now_us);
    forwarder_shed(room.f->fw, OVERLOAD_LEVEL_MAX, room.f->now_us);
    talk(&room, 2);
    assert_int_equal(fake_count_rtp(room.f, names[0], heard_ssrc(0, 5)), 1);
    assert_in_range(heard(&room, 3), 1, LISTENERS - 1); // the rest of the share
    fake_destroy(room.f);
}

static void tell_loss(struct room *room, unsigned listener, unsigned lost_of_256) {
    struct rtcp_report reports[SPEAKERS];
    uint8_t bytes[RTCP_DATAGRAM_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    for (unsigned s = 0; s < SPEAKERS; s++)
        reports[s] =
            (struct rtcp_report){.ssrc = heard_ssrc(listener, s), .fraction_lost = (uint8_t)lost_of_256};
    rtcp_write_rr(&w, 1, reports, SPEAKERS);
    fake_rtcp(room->f, forwarder_endpoint(room->f->fw, (struct transport_id){2 + listener}), &w);
}

static unsigned heard_by(const struct room *room, unsigned listener) {
    unsigned n = 0;
    for (unsigned s = 0; s < SPEAKERS; s++)
        n += fake_count_rtp(room->f, names[listener], heard_ssrc(listener, s));
    return n;
}

// Who loses much of it gets less, the loud first, and more again when that goes through; the others as
// before.
static void a_receiver_that_loses_much_gets_less(void **state) {
    (void)state;
    struct room room = room_open();
    room.level[5] = 20;
    talk(&room, 50);
    for (unsigned second = 0; second < 6; second++) {
        tell_loss(&room, 7, 100);
        tell_loss(&room, 8, 30); // a lossy path
        talk(&room, 52);
    }
    assert_in_range(heard_by(&room, 7), 3, 5); // some are always sent
    assert_int_equal(fake_count_rtp(room.f, names[7], heard_ssrc(7, 5)), 1);
    assert_int_equal(heard_by(&room, 8), SPEAKERS);
    assert_int_equal(heard_by(&room, 9), SPEAKERS);
    for (unsigned second = 0; second < 90; second++) {
        tell_loss(&room, 7, 0);
        talk(&room, 52);
    }
    assert_int_equal(heard_by(&room, 7), SPEAKERS);
    assert_int_equal(forwarder_counters(room.f->fw)->shed_consumers, 0);
    for (unsigned second = 0; second < 3; second++) {
        tell_loss(&room, 7, 255);
        talk(&room, 52);
    }
    assert_true(heard_by(&room, 7) < SPEAKERS);
    forwarder_close_endpoint(room.f->fw, forwarder_endpoint(room.f->fw, (struct transport_id){9}));
    assert_int_equal(room.f->fw->deaf_endpoints, 0);
    fake_destroy(room.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_beyond_video_takes_its_share),
        cmocka_unit_test(the_quiet_are_left_out_first),
        cmocka_unit_test(a_listener_may_say_who_matters),
        cmocka_unit_test(priority_comes_before_loudness),
        cmocka_unit_test(a_receiver_that_loses_much_gets_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
