// What is left out of video when the worker has too much to do: how many, who first, and how they come back.
#include "forward_fake.h"

#include "rooms/media/overload.h"

#define RECEIVERS 16u
#define VIDEOS 4u // publishers; the last one sends two layers
#define VIDEO_SSRC(v) (500 + 10 * (v))
#define AUDIO_SSRC 900
#define CONSUMER(r, v) (100 + (r) * 10 + (v)) // v == VIDEOS: the audio

static char names[RECEIVERS][16];
static const char *const PUB = "publisher";

struct room {
    struct fake *f;
    struct endpoint *pub, *receivers[RECEIVERS];
    uint16_t seq, layer_seq[2];
};

// The SSRC under which a receiver gets a video or the audio.
static uint32_t sent_ssrc(unsigned r, unsigned v) {
    return 10000 + r * 100 + v * 2;
}

static void room_open_receiver(struct room *room, unsigned r) {
    snprintf(names[r], sizeof names[r], "R%u", r);
    room->receivers[r] = fake_connected(room->f, 2 + r, names[r]);
    for (unsigned v = 0; v < VIDEOS; v++)
        fake_open_consumer(room->f, 2 + r, 1 + v, CONSUMER(r, v),
                           fake_receive_video(sent_ssrc(r, v), sent_ssrc(r, v) + 1));
    fake_open_consumer(room->f, 2 + r, 1 + VIDEOS, CONSUMER(r, VIDEOS),
                       fake_receive_audio(sent_ssrc(r, VIDEOS)));
}

static struct room room_of(unsigned receivers) {
    struct room room = {.f = fake_create(), .seq = 65500, .layer_seq = {65500, 2000}};
    room.pub = fake_connected(room.f, 1, PUB);
    for (unsigned v = 0; v < VIDEOS; v++) {
        struct producer_params params = fake_video(VIDEO_SSRC(v), VIDEO_SSRC(v) + 1);
        if (v == VIDEOS - 1) {
            params = fake_simulcast("9");
            params.stream_count = 2;
        }
        fake_open_producer(room.f, 1, 1 + v, params);
    }
    fake_open_producer(room.f, 1, 1 + VIDEOS, fake_audio(AUDIO_SSRC));
    for (unsigned r = 0; r < receivers; r++)
        room_open_receiver(&room, r);
    return room;
}

static bool asked(const struct fake *f, uint32_t ssrc) {
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(f->rtcp[i].bytes, f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
            if (packet.kind == RTCP_PLI && packet.media_ssrc == ssrc &&
                f->rtcp[i].at_us + 20 * MS >= f->now_us)
                return true;
    }
    return false;
}

// One packet of everything that is published; a key frame from those who were asked for one.
static void publish(struct room *room) {
    struct fake *f = room->f;
    uint32_t ticks = (uint32_t)(f->now_us * 9 / 100);
    for (unsigned v = 0; v + 1 < VIDEOS; v++)
        fake_rtp_pending(f, room->pub,
                         (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = VIDEO_SSRC(v),
                                              .seq = room->seq,
                                              .timestamp = ticks,
                                              .key = asked(f, VIDEO_SSRC(v))});
    for (unsigned layer = 0; layer < 2; layer++)
        fake_rtp_pending(f, room->pub,
                         (struct fake_packet){.pt = VP8_PT,
                                              .ssrc = 700 + layer,
                                              .mid = "9",
                                              .rid = layer ? "r1" : "r0",
                                              .seq = room->layer_seq[layer]++,
                                              .timestamp = ticks,
                                              .key = asked(f, 700 + layer)});
    fake_rtp_pending(f, room->pub,
                     (struct fake_packet){.pt = OPUS_PT,
                                          .ssrc = AUDIO_SSRC,
                                          .seq = room->seq++,
                                          .timestamp = (uint32_t)(f->now_us * 48 / 1000),
                                          .level = 30});
    forwarder_flush(f->fw);
    fake_run(f, 20 * MS);
}

static void publish_for(struct room *room, unsigned ms) {
    for (unsigned t = 0; t < ms; t += 20)
        publish(room);
}

// How many of all receivers get something of a video now.
static unsigned watching(struct room *room, unsigned receivers, unsigned v) {
    unsigned n = 0;
    fake_clear(room->f);
    publish(room);
    for (unsigned r = 0; r < receivers; r++)
        n += fake_count_rtp(room->f, names[r], sent_ssrc(r, v)) > 0;
    return n;
}

// Of a receiver's three consumers of one-stream producers.
static unsigned watched_by(const struct room *room, unsigned r) {
    unsigned n = 0;
    for (unsigned v = 0; v + 1 < VIDEOS; v++)
        n += fake_count_rtp(room->f, names[r], sent_ssrc(r, v)) > 0;
    return n;
}

static unsigned shed_now(const struct room *room) {
    return (unsigned)forwarder_counters(room->f->fw)->shed_consumers;
}

static bool about(unsigned seen, unsigned expected) {
    return seen + 2 >= expected && seen <= expected + 2;
}

static void each_level_takes_its_share_and_no_audio(void **state) {
    (void)state;
    struct room room = room_of(RECEIVERS);
    publish_for(&room, 1500);
    for (unsigned level = 0; level <= OVERLOAD_LEVEL_MAX; level++) {
        fake_clear(room.f);
        forwarder_shed(room.f->fw, level, room.f->now_us);
        publish_for(&room, 1500);
        unsigned share = level < 16 ? level : 16, all = RECEIVERS * VIDEOS;
        unsigned single = 0, expected = RECEIVERS * 3 * (16 - share) / 16;
        for (unsigned v = 0; v + 1 < VIDEOS; v++)
            single += watching(&room, RECEIVERS, v);
        unsigned layered = watching(&room, RECEIVERS, VIDEOS - 1);
        unsigned layered_expected = level <= 16 ? RECEIVERS : RECEIVERS * (32 - level) / 16;
        print_message(
            "level %u: about %u of %u expected to get the videos with one stream, %u seen; %u and %u "
            "of that with two\n",
            level, expected, RECEIVERS * 3, single, layered_expected, layered);
        assert_true(about(single, expected) && about(layered, layered_expected));
        assert_true(about(shed_now(&room), all * share / 16));
        assert_int_equal(watching(&room, RECEIVERS, VIDEOS), RECEIVERS); // everybody hears
        for (unsigned i = 0; i < room.f->rtp_count; i++)
            assert_true((room.f->rtp[i].head.payload_type == 100) == (room.f->rtp[i].kind == MEDIA_AUDIO));
        if (level == 0 || level == 16 || level == 32)
            assert_true(single == expected && layered == layered_expected &&
                        shed_now(&room) == all * share / 16);
        assert_int_equal(forwarder_counters(room.f->fw)->shed_level, level);
    }
    fake_destroy(room.f);
}

static void all_receivers_lose_the_same_share(void **state) {
    (void)state;
    struct room room = room_of(RECEIVERS);
    publish_for(&room, 1500);
    forwarder_shed(room.f->fw, 8, room.f->now_us);
    fake_clear(room.f);
    publish(&room);
    for (unsigned r = 0; r < RECEIVERS; r++) {
        print_message("receiver %u: 1 or 2 of 3 expected, %u seen\n", r, watched_by(&room, r));
        assert_in_range(watched_by(&room, r), 1, 2);
    }
    for (unsigned v = 0; v + 1 < VIDEOS; v++)
        assert_in_range(watching(&room, RECEIVERS, v), RECEIVERS / 2 - 4, RECEIVERS / 2 + 4);
    fake_destroy(room.f);
}

static void set_priority(struct room *room, uint32_t consumer, uint8_t priority) {
    struct media_cmd cmd = {.type = MEDIA_SET_PRIORITY, .consumer = {consumer}};
    cmd.priority.priority = priority;
    forwarder_command(room->f->fw, &cmd, room->f->now_us);
}

static void low_priority_goes_first(void **state) {
    (void)state;
    struct room room = room_of(RECEIVERS);
    publish_for(&room, 1500);
    // A quarter of all each: video 0 is dear to everybody, 1 is less, 2 and 3 are as they were.
    for (unsigned r = 0; r < RECEIVERS; r++) {
        set_priority(&room, CONSUMER(r, 0), 255);
        set_priority(&room, CONSUMER(r, 1), 100);
    }
    static const struct {
        unsigned level, watching[3]; // of the videos with one stream
    } rows[] = {
        {0, {16, 16, 16}}, {4, {16, 16, 8}}, {8, {16, 16, 0}}, {10, {16, 8, 0}},
        {12, {16, 0, 0}},  {14, {8, 0, 0}},  {16, {0, 0, 0}},  {0, {16, 16, 16}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_clear(room.f);
        forwarder_shed(room.f->fw, rows[i].level, room.f->now_us);
        publish_for(&room, 1200);
        for (unsigned v = 0; v < 3; v++) {
            unsigned seen = watching(&room, RECEIVERS, v), expected = rows[i].watching[v];
            print_message("level %u, video %u: %u expected, %u seen\n", rows[i].level, v, expected, seen);
            if (expected % RECEIVERS == 0)
                assert_int_equal(seen, expected);
            else
                assert_in_range(seen, expected - 3, expected + 3);
        }
    }
    // A priority counts at once.
    forwarder_shed(room.f->fw, 8, room.f->now_us);
    assert_int_equal(watching(&room, RECEIVERS, 2), 0);
    set_priority(&room, CONSUMER(3, 2), 200);
    publish_for(&room, 1200);
    assert_int_equal(watching(&room, RECEIVERS, 2), 1);
    fake_destroy(room.f);
}

// What one receiver's stream did since the last clear: numbers without a gap.
static unsigned assert_continuous(const struct fake *f, const char *peer, uint32_t ssrc) {
    const struct fake_rtp *last = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtp_count; i++) {
        const struct fake_rtp *p = &f->rtp[i];
        if (p->peer != peer || p->head.ssrc != ssrc)
            continue;
        if (last) {
            assert_int_equal(p->head.seq, (uint16_t)(last->head.seq + 1));
            assert_true((int32_t)(p->head.timestamp - last->head.timestamp) > 0);
        }
        last = p;
        n++;
    }
    return n;
}

static void those_who_come_back_ask_once_and_go_on_without_a_gap(void **state) {
    (void)state;
    struct room room = room_of(RECEIVERS);
    publish_for(&room, 1500);
    fake_clear(room.f);
    publish_for(&room, 200);
    forwarder_shed(room.f->fw, OVERLOAD_LEVEL_MAX, room.f->now_us);
    publish_for(&room, 3000);
    for (unsigned r = 0; r < RECEIVERS; r++)
        for (unsigned v = 0; v < VIDEOS; v++)
            assert_int_equal(fake_count_rtp(room.f, names[r], sent_ssrc(r, v)), 10);
    unsigned plis = fake_count_rtcp(room.f, PUB, RTCP_PLI, NULL);
    forwarder_shed(room.f->fw, 0, room.f->now_us);
    publish_for(&room, 100);
    // One of each of the three with one stream, and of the stream of the fourth that is shown.
    assert_int_equal(fake_count_rtcp(room.f, PUB, RTCP_PLI, NULL) - plis, VIDEOS);
    publish_for(&room, 100);
    for (unsigned r = 0; r < RECEIVERS; r++)
        for (unsigned v = 0; v < VIDEOS; v++)
            assert_in_range(assert_continuous(room.f, names[r], sent_ssrc(r, v)), 15, 20);
    assert_int_equal(shed_now(&room), 0);
    fake_destroy(room.f);
}

static unsigned told(const struct fake *f, uint32_t consumer, struct media_event *last) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->event_count; i++)
        if (f->events[i].type == MEDIA_CONSUMER_LAYERS && f->events[i].consumer.v == consumer) {
            *last = f->events[i];
            n++;
        }
    return n;
}

static void the_receiver_is_told(void **state) {
    (void)state;
    struct room room = room_of(1);
    struct media_event event;
    publish_for(&room, 2000);
    assert_int_equal(told(room.f, CONSUMER(0, 0), &event), 0); // one stream: nothing to tell
    for (unsigned round = 0; round < 2; round++) {
        fake_clear(room.f);
        forwarder_shed(room.f->fw, 16, room.f->now_us);
        publish_for(&room, 1000);
        assert_int_equal(told(room.f, CONSUMER(0, 0), &event), 1);
        assert_true(event.layers.spatial == LAYER_NONE && event.layers.temporal == LAYER_NONE &&
                    event.layers.reason == LAYER_REASON_WORKER);
        assert_int_equal(told(room.f, CONSUMER(0, 3), &event), 1); // two streams: goes down
        assert_true(event.layers.spatial == 0 && event.layers.reason == LAYER_REASON_WORKER);
        assert_int_equal(told(room.f, CONSUMER(0, VIDEOS), &event), 0);
        fake_clear(room.f);
        forwarder_shed(room.f->fw, 32, room.f->now_us);
        assert_int_equal(told(room.f, CONSUMER(0, 0), &event), 0); // it is already
        assert_int_equal(told(room.f, CONSUMER(0, 3), &event), 1);
        assert_true(event.layers.spatial == LAYER_NONE && event.layers.reason == LAYER_REASON_WORKER);
        publish_for(&room, 1000);
        forwarder_shed(room.f->fw, 0, room.f->now_us);
        publish_for(&room, 2000);
        assert_int_equal(told(room.f, CONSUMER(0, 0), &event), 1);
        assert_true(event.layers.spatial == 0 && event.layers.temporal == 0 &&
                    event.layers.reason != LAYER_REASON_WORKER);
        assert_true(told(room.f, CONSUMER(0, 3), &event) >= 1);
        assert_true(event.layers.spatial == 1 && event.layers.reason != LAYER_REASON_WORKER);
    }
    fake_destroy(room.f);
}

static void what_there_was_no_room_to_tell_is_told_later(void **state) {
    (void)state;
    struct room room = room_of(2);
    struct media_event event;
    publish_for(&room, 2000);
    fake_clear(room.f);
    room.f->events_refused = true;
    forwarder_shed(room.f->fw, 32, room.f->now_us);
    forwarder_retell(room.f->fw); // still none
    assert_int_equal(room.f->event_count, 0);
    fake_close(room.f, MEDIA_CLOSE_CONSUMER, CONSUMER(0, 1));
    room.f->events_refused = false;
    for (unsigned i = 0; i < 2; i++) // and not again
        forwarder_retell(room.f->fw);
    for (unsigned r = 0; r < 2; r++)
        for (unsigned v = 0; v < VIDEOS; v++) {
            assert_int_equal(told(room.f, CONSUMER(r, v), &event), r != 0 || v != 1);
            assert_true(event.layers.reason == LAYER_REASON_WORKER && event.layers.spatial == LAYER_NONE);
        }
    fake_destroy(room.f);
}

static void who_comes_or_resumes_meanwhile_falls_under_it(void **state) {
    (void)state;
    struct room room = room_of(1);
    struct media_event event;
    publish_for(&room, 1500);
    fake_pause(room.f, MEDIA_PAUSE_CONSUMER, CONSUMER(0, 0), true);
    forwarder_shed(room.f->fw, 32, room.f->now_us);
    fake_clear(room.f);
    assert_int_equal(shed_now(&room), 3); // not the paused one: nothing is left out of it
    room_open_receiver(&room, 1);
    assert_int_equal(shed_now(&room), 7);
    fake_pause(room.f, MEDIA_PAUSE_CONSUMER, CONSUMER(0, 0), false);
    assert_int_equal(shed_now(&room), 8);
    assert_int_equal(told(room.f, CONSUMER(0, 0), &event), 1);
    assert_true(event.layers.reason == LAYER_REASON_WORKER);
    assert_int_equal(told(room.f, CONSUMER(1, 2), &event), 1);
    publish_for(&room, 500);
    for (unsigned v = 0; v < VIDEOS; v++)
        assert_int_equal(watching(&room, 2, v), 0);
    assert_int_equal(watching(&room, 2, VIDEOS), 2);
    fake_close(room.f, MEDIA_CLOSE_CONSUMER, CONSUMER(1, 1));
    fake_pause(room.f, MEDIA_PAUSE_CONSUMER, CONSUMER(1, 2), true);
    assert_int_equal(shed_now(&room), 6);
    forwarder_shed(room.f->fw, 0, room.f->now_us);
    publish_for(&room, 1500);
    assert_int_equal(watching(&room, 2, 0), 2);
    assert_int_equal(watching(&room, 2, 2), 1); // paused by its receiver
    forwarder_close_endpoint(room.f->fw, room.receivers[1]);
    assert_int_equal(shed_now(&room), 0);
    fake_destroy(room.f);
}

// What nobody gets for the time being, the publisher need not send.
static void the_publisher_hears_which_layers_are_left(void **state) {
    (void)state;
    struct room room = room_of(2);
    static const struct {
        unsigned level;
        int8_t wanted;
    } rows[] = {{16, 0}, {32, LAYER_NONE}, {16, 0}, {0, 1}};
    publish_for(&room, 1500);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct media_event event;
        fake_clear(room.f);
        forwarder_shed(room.f->fw, rows[i].level, room.f->now_us);
        publish_for(&room, 5000); // less is told after a while
        assert_true(fake_count_events(room.f, MEDIA_LAYERS_WANTED, &event) >= 1);
        print_message("level %u: layer %d expected, %d seen\n", rows[i].level, rows[i].wanted,
                      event.layers.spatial);
        assert_int_equal(event.layers.spatial, rows[i].wanted);
    }
    fake_destroy(room.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_takes_its_share_and_no_audio),
        cmocka_unit_test(all_receivers_lose_the_same_share),
        cmocka_unit_test(low_priority_goes_first),
        cmocka_unit_test(those_who_come_back_ask_once_and_go_on_without_a_gap),
        cmocka_unit_test(the_receiver_is_told),
        cmocka_unit_test(what_there_was_no_room_to_tell_is_told_later),
        cmocka_unit_test(who_comes_or_resumes_meanwhile_falls_under_it),
        cmocka_unit_test(the_publisher_hears_which_layers_are_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
