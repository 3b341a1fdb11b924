// Which layer a receiver gets, how it goes over to another, and what the publisher is told of it.
#include "forward_fake.h"
#include "rooms/media/media_objects.h"

static const char *const PUB = "publisher", *const A = "receiver A", *const B = "receiver B";
static const char *const rids[] = {"r0", "r1", "r2"};

struct room {
    struct fake *f;
    struct endpoint *pub, *a, *b;
    uint16_t seq[3];
    uint32_t base[3]; // of each layer's timestamps
};

static struct room room_open(void) {
    struct room r = {.f = fake_create(), .seq = {65530, 10000, 40000}, .base = {0, 0x80000000, 0xfffff000}};
    r.pub = fake_connected(r.f, 1, PUB);
    r.a = fake_connected(r.f, 2, A);
    r.b = fake_connected(r.f, 3, B);
    fake_open_producer(r.f, 1, 1, fake_simulcast("0"));
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    fake_open_consumer(r.f, 3, 1, 21, fake_receive_video(210, 211));
    return r;
}

// A higher layer takes longer to encode: what comes at the same time was captured so much earlier.
#define SLOWER_US 30000

// The layer of a packet that came out: it carries its number in its layer.
static unsigned layer_of(const struct fake_rtp *p) {
    uint16_t seq = load_be16(p->payload + 2);
    return seq >= 40000 && seq < 60000 ? 2 : seq >= 10000 && seq < 40000 ? 1 : 0;
}

static void send_layer(struct room *r, unsigned layer, bool key) {
    struct fake_packet p = {.pt = VP8_PT,
                            .ssrc = 500 + layer,
                            .mid = "0",
                            .rid = rids[layer],
                            .seq = r->seq[layer]++,
                            .timestamp =
                                r->base[layer] + (uint32_t)((r->f->now_us - SLOWER_US * layer) * 9 / 100),
                            .key = key};
    fake_rtp(r->f, r->pub, p);
}

// So many milliseconds of the layers in `mask`, a frame each 40 ms; a layer that is asked begins a key frame.
static void stream(struct room *r, unsigned mask, unsigned ms) {
    for (unsigned t = 0; t < ms; t += 40) {
        for (unsigned layer = 0; layer < 3; layer++) {
            if (!(mask & 1u << layer))
                continue;
            bool key = false;
            for (unsigned i = 0; i < r->f->rtcp_count; i++) {
                struct rtcp_walk walk = rtcp_walk_of(span_of(r->f->rtcp[i].bytes, r->f->rtcp[i].len));
                for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
                    key |= packet.kind == RTCP_PLI && packet.media_ssrc == 500 + layer &&
                           r->f->rtcp[i].at_us + 40 * MS >= r->f->now_us;
            }
            send_layer(r, layer, key);
        }
        fake_run(r->f, 40 * MS);
    }
}

static void send_report(struct room *r, unsigned layer) {
    uint8_t bytes[64];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct rtcp_sender_info info = {.ntp = ntp_from_wall_us(r->f->now_us),
                                    .rtp_timestamp = r->base[layer] + (uint32_t)(r->f->now_us * 9 / 100)};
    rtcp_write_sr(&w, 500 + layer, &info, NULL, 0);
    fake_rtcp(r->f, r->pub, &w);
}

// Numbers without a gap, time that goes on at its rate, for all that a peer got since the last clear. A layer
// that begins with a picture from before the last one of another layer catches up, a tick a picture.
static void assert_continuous(const struct fake *f, const char *peer, uint32_t slack) {
    const struct fake_rtp *last = NULL;
    int64_t ahead = 0; // of the capture
    for (unsigned i = 0; i < f->rtp_count; i++) {
        const struct fake_rtp *p = &f->rtp[i];
        if (p->peer != peer)
            continue;
        if (last) {
            assert_int_equal(p->head.seq, (uint16_t)(last->head.seq + 1));
            int64_t step = (int32_t)(p->head.timestamp - last->head.timestamp);
            int64_t layers = (int64_t)layer_of(p) - (int64_t)layer_of(last);
            int64_t captured = ((int64_t)(p->at_us - last->at_us) - SLOWER_US * layers) * 9 / 100;
            int64_t passed = captured - ahead > 1 ? captured - ahead : 1;
            ahead += passed - captured;
            if (step <= 0 || step > passed + slack || step + slack < passed)
                fail_msg("after %lld ticks the timestamp moved by %lld", (long long)passed, (long long)step);
        }
        last = p;
    }
    assert_non_null(last);
}

static int8_t layer_told(const struct fake *f, uint32_t consumer) {
    int8_t layer = -9;
    for (unsigned i = 0; i < f->event_count; i++)
        if (f->events[i].type == MEDIA_CONSUMER_LAYERS && f->events[i].consumer.v == consumer)
            layer = f->events[i].layers.spatial;
    return layer;
}

static void the_best_layer_is_shown_without_a_seam(void **state) {
    (void)state;
    for (unsigned reports = 0; reports < 2; reports++) {
        struct room r = room_open();
        stream(&r, 7, 200);
        assert_int_equal(layer_told(r.f, 11), 0); // the lowest at once
        for (unsigned layer = 0; reports && layer < 3; layer++)
            send_report(&r, layer);
        stream(&r, 7, 3000);
        assert_int_equal(layer_told(r.f, 11), 2);
        stream(&r, 3, 3000); // the best one stops
        assert_int_equal(layer_told(r.f, 11), 1);
        stream(&r, 1, 3000);
        assert_int_equal(layer_told(r.f, 11), 0);
        stream(&r, 7, 4000);
        assert_int_equal(layer_told(r.f, 11), 2);
        // With sender reports time goes on as it was captured; without, as it came.
        assert_continuous(r.f, A, reports ? 2 : 9000);
        assert_continuous(r.f, B, reports ? 2 : 9000);
        fake_destroy(r.f);
    }
}

static void a_ceiling_holds_for_one_receiver_alone(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 3000);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    cmd.layers.spatial = 1;
    cmd.layers.temporal = LAYER_NONE;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    stream(&r, 7, 3000);
    assert_int_equal(layer_told(r.f, 11), 1);
    assert_int_equal(layer_told(r.f, 21), 2);
    cmd.layers.spatial = LAYER_NONE;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    stream(&r, 7, 3000);
    assert_int_equal(layer_told(r.f, 11), 2);
    assert_continuous(r.f, A, 9000);
    fake_destroy(r.f);
}

// What is wanted is what receivers may come to show, whatever happens to be there: a publisher may stop the
// rest.
static void wanted_layers_follow_the_ceilings(void **state) {
    (void)state;
    struct room r = room_open();
    struct media_event event;
    stream(&r, 1, 500);
    assert_true(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event) >= 1);
    assert_int_equal(event.layers.spatial, 2);
    fake_clear(r.f);
    stream(&r, 3, 2000);
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event), 0);
    for (uint32_t id = 11; id <= 21; id += 10) {
        struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {id}};
        cmd.layers.spatial = id == 11 ? 0 : 1;
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
    }
    fake_run(r.f, 2500 * MS); // less is told after a while, so that senders do not flap
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event), 0);
    fake_run(r.f, 2500 * MS);
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event), 1);
    assert_int_equal(event.layers.spatial, 1);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 21);
    fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
    fake_run(r.f, 5 * SECOND);
    fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event);
    assert_int_equal(event.layers.spatial, LAYER_NONE);
    fake_destroy(r.f);
}

// A lower layer shows nothing before its key frame: a publisher that had stopped the layer that is shown
// until then would make the picture stand still.
static void what_is_shown_is_wanted_until_it_is_left(void **state) {
    (void)state;
    struct room r = room_open();
    struct media_event event;
    stream(&r, 7, 3000);
    assert_int_equal(layer_told(r.f, 11), 2);
    fake_clear(r.f);
    for (uint32_t id = 11; id <= 21; id += 10) {
        struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {id}}; // the lowest
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
    }
    for (unsigned t = 0; t < 8000; t += 40) { // which brings no key frame
        for (unsigned layer = 0; layer < 3; layer++)
            send_layer(&r, layer, false);
        fake_run(r.f, 40 * MS);
    }
    assert_int_equal(layer_told(r.f, 11), -9);
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event), 0);
    stream(&r, 7, 9000); // which does
    assert_int_equal(layer_told(r.f, 11), 0);
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event), 1);
    assert_int_equal(event.layers.spatial, 0);
    fake_destroy(r.f);
}

// More is told at once, less when it has been so for a while; spatial and temporal each for itself.
static void wanted_layers_go_down_slowly(void **state) {
    (void)state;
    struct room r = {.f = fake_create()};
    r.pub = fake_connected(r.f, 1, PUB);
    fake_connected(r.f, 2, A);
    struct producer_params p = fake_video(500, 0);
    p.spatial_layers = p.temporal_layers = 3;
    fake_open_producer(r.f, 1, 1, p);
    fake_open_consumer(r.f, 2, 1, 11, fake_receive_video(110, 111));
    static const struct {
        int8_t spatial, temporal; // wished for
        uint64_t after_us;
        int8_t want_spatial, want_temporal; // told by then, -9: nothing
    } rows[] = {{1, 1, 2 * SECOND, -9, -9}, {2, 1, 2 * SECOND, 2, 1},
                {2, 1, 2 * SECOND, -9, -9}, {0, 2, 0, 2, 2},
                {0, 2, 4 * SECOND, 0, 2},   {-1, -1, 0, 2, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
        struct media_event event = {.layers = {.spatial = -9, .temporal = -9}};
        cmd.layers.spatial = rows[i].spatial;
        cmd.layers.temporal = rows[i].temporal;
        fake_clear(r.f);
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
        fake_run(r.f, rows[i].after_us);
        fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event);
        if (event.layers.spatial != rows[i].want_spatial || event.layers.temporal != rows[i].want_temporal)
            fail_msg("row %zu: told S%dT%d", i, event.layers.spatial, event.layers.temporal);
    }
    fake_destroy(r.f);
}

// A silence of all layers is no end: what was shown goes on, without a new beginning.
static void a_silence_of_all_layers_changes_nothing(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 2000);
    assert_int_equal(layer_told(r.f, 11), 2);
    fake_run(r.f, 2 * SECOND);
    unsigned plis = fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), told = r.f->event_count;
    fake_run(r.f, 60 * SECOND);
    stream(&r, 7, 2500);
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), plis);
    for (unsigned i = told; i < r.f->event_count; i++)
        assert_int_not_equal(r.f->events[i].type, MEDIA_CONSUMER_LAYERS);
    assert_continuous(r.f, A, 9000);
    fake_destroy(r.f);
}

// A presentation: a picture each 2 s, its layers one after the other.
static void a_picture_that_stands_still_is_shown_whole(void **state) {
    (void)state;
    static const unsigned gaps_ms[] = {900, 1000, 1100, 1400, 1500, 1600, 2000, 3000, 5000};
    for (unsigned g = 0; g < sizeof gaps_ms / sizeof *gaps_ms; g++) {
        struct room r = room_open();
        stream(&r, 3, 3000);
        assert_int_equal(layer_told(r.f, 11), 1);
        fake_run(r.f, 100 * MS);
        fake_clear(r.f);
        for (unsigned picture = 0; picture < 9; picture++) {
            fake_run(r.f, gaps_ms[g] * MS - 60 * MS);
            send_layer(&r, 0, false);
            fake_run(r.f, 60 * MS); // encoded later
            send_layer(&r, 1, false);
        }
        if (fake_count_rtp(r.f, A, 110) != 9)
            fail_msg("a picture each %u ms: %u of 9 shown", gaps_ms[g], fake_count_rtp(r.f, A, 110));
        for (unsigned i = 0; i < r.f->rtp_count; i++)
            assert_int_equal(layer_of(&r.f->rtp[i]), 1);
        assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
        assert_int_equal(layer_told(r.f, 11), -9); // nothing new
        // One layer is switched off: the other is shown soon, though a picture comes each 2 s only.
        for (unsigned picture = 0; picture < 6; picture++) {
            bool key = fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL) > 0;
            send_layer(&r, 0, key);
            fake_run(r.f, gaps_ms[g] * MS);
        }
        assert_int_equal(layer_told(r.f, 11), 0);
        fake_destroy(r.f);
    }
}

// The scores of a producer, since the last clear.
static uint8_t lowest_score(const struct fake *f) {
    uint8_t lowest = 10;
    for (unsigned i = 0; i < f->event_count; i++)
        if (f->events[i].type == MEDIA_PRODUCER_SCORE && f->events[i].score < lowest)
            lowest = f->events[i].score;
    return lowest;
}

static void a_slow_stream_without_loss_scores_ten(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 3, 1000);
    for (unsigned picture = 0; picture < 10; picture++) {
        send_layer(&r, 0, false);
        send_layer(&r, 1, false);
        fake_run(r.f, 2 * SECOND);
    }
    assert_int_equal(lowest_score(r.f), 10);
    for (unsigned s = 0; s < 30; s++) { // nothing to show, but its reports come
        send_report(&r, 0);
        fake_run(r.f, SECOND);
    }
    assert_int_equal(lowest_score(r.f), 10);
    fake_run(r.f, 15 * SECOND); // it is gone
    stream(&r, 3, 100);
    fake_run(r.f, 14 * SECOND);
    assert_int_equal(lowest_score(r.f), 0);
    fake_destroy(r.f);
}

static unsigned asked_for(const struct fake *f, uint32_t ssrc) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->rtcp_count; i++) {
        struct rtcp_walk walk = rtcp_walk_of(span_of(f->rtcp[i].bytes, f->rtcp[i].len));
        for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);)
            n += packet.kind == RTCP_PLI && packet.media_ssrc == ssrc;
    }
    return n;
}

// The publisher switches the best layer off while a key frame of it is on its way.
static void a_layer_that_was_switched_off_is_not_asked_for_ever(void **state) {
    (void)state;
    struct room r = room_open();
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {21}};
    stream(&r, 7, 3000);
    fake_run(r.f, 500 * MS);
    cmd.layers.spatial = 0;
    cmd.layers.temporal = LAYER_NONE;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    for (unsigned t = 0; t < 2000; t += 40) { // layers 0 and 1 alone from here on; B wants the best again
        if (t == 400) {
            cmd.layers.spatial = LAYER_NONE;
            forwarder_command(r.f->fw, &cmd, r.f->now_us);
        }
        send_layer(&r, 0, t == 40);
        send_layer(&r, 1, false);
        fake_run(r.f, 40 * MS);
    }
    fake_clear(r.f);
    stream(&r, 3, 30000);
    unsigned dead = asked_for(r.f, 502);
    print_message("the layer that is off was asked %u times in 30 s, all layers %u times\n", dead,
                  fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL));
    assert_true(dead <= 1 && fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL) <= 4);
    assert_int_equal(layer_told(r.f, 11), 1);
    assert_int_equal(layer_told(r.f, 21), 1);
    fake_destroy(r.f);
}

// Nor when it is another worker that asks.
static void a_layer_that_was_switched_off_is_not_asked_for_by_others(void **state) {
    (void)state;
    struct room r = room_open();
    struct media_cmd cmd = {.type = MEDIA_OPEN_RELAY, .producer = {1}};
    cmd.relay.link.v = 3;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    stream(&r, 7, 3000);
    stream(&r, 3, 2000);
    fake_clear(r.f);
    for (unsigned t = 0; t < 10000; t += 400) {
        struct relay_note wish = {.type = RELAY_KEY_FRAME_WANTED, .producer = {1}, .stream = 2};
        forwarder_relay_note(r.f->fw, (struct link_id){3}, &wish, r.f->now_us);
        stream(&r, 3, 400);
    }
    assert_int_equal(asked_for(r.f, 502), 0);
    stream(&r, 7, 3000); // it is there again
    struct relay_note wish = {.type = RELAY_KEY_FRAME_WANTED, .producer = {1}, .stream = 2};
    fake_run(r.f, SECOND);
    fake_clear(r.f);
    forwarder_relay_note(r.f->fw, (struct link_id){3}, &wish, r.f->now_us);
    assert_int_equal(asked_for(r.f, 502), 1);
    fake_destroy(r.f);
}

// Who would show a layer changes its mind before the key frame has come.
static void what_nobody_wants_any_more_is_not_asked_for(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 3000);
    fake_run(r.f, 100 * MS);
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 11);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {21}};
    forwarder_command(r.f->fw, &cmd, r.f->now_us); // who stays shows the lowest
    stream(&r, 7, 2000);
    fake_open_consumer(r.f, 2, 1, 12, fake_receive_video(112, 113));
    for (unsigned t = 0; t < 10000; t += 40) {
        if (t == 1000) // it has been asked for, in vain
            fake_close(r.f, MEDIA_CLOSE_CONSUMER, 12);
        if (t == 2000)
            fake_clear(r.f);
        for (unsigned layer = 0; layer < 3; layer++)
            send_layer(&r, layer, false);
        fake_run(r.f, 40 * MS);
    }
    assert_int_equal(fake_count_rtcp(r.f, PUB, RTCP_PLI, NULL), 0);
    fake_destroy(r.f);
}

// The best layer's key frame does not come; a low one's comes each 2 s.
static void a_late_joiner_begins_with_what_comes_first_and_climbs(void **state) {
    (void)state;
    for (unsigned resumes = 0; resumes < 2; resumes++) {
        struct room r = room_open();
        stream(&r, 7, 3000);
        if (resumes)
            fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, true);
        fake_run(r.f, 1200 * MS);
        uint64_t joined_us = r.f->now_us;
        fake_clear(r.f);
        if (resumes)
            fake_pause(r.f, MEDIA_PAUSE_CONSUMER, 11, false);
        else
            fake_open_consumer(r.f, 2, 1, 12, fake_receive_video(112, 113));
        uint32_t ssrc = resumes ? 110 : 112, consumer = resumes ? 11 : 12;
        for (unsigned t = 0; t < 8000; t += 40) {
            send_layer(&r, 2, t == 7200);
            send_layer(&r, 1, false);
            send_layer(&r, 0, t % 2000 == 1000);
            fake_run(r.f, 40 * MS);
        }
        const struct fake_rtp *first = NULL, *last = NULL;
        for (unsigned i = 0; i < r.f->rtp_count; i++)
            if (r.f->rtp[i].head.ssrc == ssrc) {
                first = first ? first : &r.f->rtp[i];
                last = &r.f->rtp[i];
            }
        assert_non_null(first);
        print_message("first picture after %llu ms\n", (unsigned long long)(first->at_us - joined_us) / 1000);
        assert_true(first->at_us - joined_us <= 1100 * MS);
        assert_int_equal(layer_of(first), 0);
        assert_int_equal(layer_of(last), 2);
        assert_int_equal(layer_told(r.f, consumer), 2);
        fake_destroy(r.f);
    }
}

// What its receiver does not want is no beginning.
static void a_late_joiner_does_not_begin_above_its_ceiling(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 3000);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {12}};
    cmd.layers.spatial = 0;
    fake_open_consumer(r.f, 2, 1, 12, fake_receive_video(112, 113));
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    for (unsigned t = 0; t < 400; t += 40) {
        send_layer(&r, 2, t == 80);
        send_layer(&r, 1, t == 120);
        send_layer(&r, 0, false);
        fake_run(r.f, 40 * MS);
    }
    assert_int_equal(fake_count_rtp(r.f, A, 112), 0);
    send_layer(&r, 0, true);
    assert_int_equal(fake_count_rtp(r.f, A, 112), 1);
    fake_destroy(r.f);
}

// Who has gone to and fro all the time waits for key frames, but not before a picture that stands still.
static void who_has_no_picture_any_more_is_served_at_once(void **state) {
    (void)state;
    struct room r = room_open();
    fake_close(r.f, MEDIA_CLOSE_CONSUMER, 21);
    stream(&r, 7, 3000);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    for (unsigned i = 0; i < 200; i++) {
        cmd.layers.spatial = (int8_t)(i % 3);
        forwarder_command(r.f->fw, &cmd, r.f->now_us);
        stream(&r, 7, 240);
    }
    int8_t shown = layer_told(r.f, 11);
    unsigned others = 7u & ~(1u << shown);
    fake_clear(r.f);
    cmd.layers.spatial = shown == 2 ? 0 : 2;
    forwarder_command(r.f->fw, &cmd, r.f->now_us);
    stream(&r, 7, 3000);
    assert_int_equal(layer_told(r.f, 11), -9); // it waits, and looks at what it has
    stream(&r, others, 5000);
    assert_true(layer_told(r.f, 11) >= 0);
    fake_destroy(r.f);
}

// There was no room to tell which layer is wanted: it is told as soon as there is.
static void the_wanted_layer_is_told_in_the_end(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 2000);
    struct media_cmd cmd = {.type = MEDIA_SET_LAYERS};
    for (int8_t layer = 0; layer <= 2; layer += 2) {
        r.f->events_refused = layer == 2;
        for (uint32_t id = 11; id <= 21; id += 10) {
            cmd.consumer.v = id;
            cmd.layers.spatial = layer;
            forwarder_command(r.f->fw, &cmd, r.f->now_us);
        }
        if (layer == 0)
            stream(&r, 7, 5000); // less is told after a while
    }
    r.f->events_refused = false;
    fake_clear(r.f);
    stream(&r, 7, 1200);
    struct media_event event = {0};
    assert_true(fake_count_events(r.f, MEDIA_LAYERS_WANTED, &event) >= 1);
    assert_int_equal(event.layers.spatial, 2);
    fake_destroy(r.f);
}

static struct media_event told_last(const struct fake *f, uint32_t consumer) {
    struct media_event told = {.layers = {.spatial = -9}};
    for (unsigned i = 0; i < f->event_count; i++)
        if (f->events[i].type == MEDIA_CONSUMER_LAYERS && f->events[i].consumer.v == consumer)
            told = f->events[i];
    return told;
}

// What the link allows holds as well as what is wanted; who is at the other end is told which it was.
static void congestion_control_lowers_and_stops_one_receiver(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 3000);
    struct consumer *c = forwarder_consumer(r.f->fw, (struct consumer_id){11});
    assert_int_equal(told_last(r.f, 11).layers.reason, LAYER_REASON_WISH);
    consumer_allot(c, 1, LAYER_NONE, false, r.f->now_us);
    stream(&r, 7, 1500);
    assert_int_equal(told_last(r.f, 11).layers.spatial, 1);
    assert_int_equal(told_last(r.f, 11).layers.reason, LAYER_REASON_BANDWIDTH);
    assert_int_equal(layer_told(r.f, 21), 2);
    struct media_cmd wish = {.type = MEDIA_SET_LAYERS, .consumer = {11}};
    forwarder_command(r.f->fw, &wish, r.f->now_us); // the lowest: below what the link allows
    stream(&r, 7, 1500);
    assert_int_equal(told_last(r.f, 11).layers.spatial, 0);
    assert_int_equal(told_last(r.f, 11).layers.reason, LAYER_REASON_WISH);
    consumer_allot(c, LAYER_NONE, LAYER_NONE, true, r.f->now_us);
    assert_int_equal(told_last(r.f, 11).layers.spatial, LAYER_NONE);
    assert_int_equal(told_last(r.f, 11).layers.reason, LAYER_REASON_BANDWIDTH);
    fake_clear(r.f);
    stream(&r, 7, 1500);
    assert_int_equal(fake_count_rtp(r.f, A, 110), 0);
    consumer_allot(c, LAYER_NONE, LAYER_NONE, false, r.f->now_us);
    stream(&r, 7, 1500);
    assert_int_equal(told_last(r.f, 11).layers.spatial, 0);
    assert_true(fake_count_rtp(r.f, A, 110) > 30);
    fake_destroy(r.f);
}

// What a link does not let through goes on coming in: its rate is what decides when it is let through again.
static void what_a_link_does_not_carry_is_wanted_all_the_same(void **state) {
    (void)state;
    struct room r = room_open();
    stream(&r, 7, 2000);
    fake_clear(r.f);
    for (uint32_t id = 11; id <= 21; id += 10)
        consumer_allot(forwarder_consumer(r.f->fw, (struct consumer_id){id}), LAYER_NONE, LAYER_NONE, true,
                       r.f->now_us);
    stream(&r, 7, 2000);
    assert_int_equal(fake_count_events(r.f, MEDIA_LAYERS_WANTED, NULL), 0);
    const struct producer *p = forwarder_producer(r.f->fw, (struct producer_id){1});
    assert_true(producer_layer_bps(p, 2, 0, r.f->now_us) > 0);
    assert_int_equal(producer_layer_bps(p, 3, 0, r.f->now_us), 0);
    assert_int_equal(producer_spatial_layers(p, r.f->now_us), 3);
    assert_int_equal(producer_temporal_layers(p, r.f->now_us), 1);
    stream(&r, 3, 3000);
    assert_int_equal(producer_layer_bps(p, 2, 0, r.f->now_us), 0);
    fake_destroy(r.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_layer_is_shown_without_a_seam),
        cmocka_unit_test(a_ceiling_holds_for_one_receiver_alone),
        cmocka_unit_test(wanted_layers_follow_the_ceilings),
        cmocka_unit_test(what_is_shown_is_wanted_until_it_is_left),
        cmocka_unit_test(wanted_layers_go_down_slowly),
        cmocka_unit_test(a_silence_of_all_layers_changes_nothing),
        cmocka_unit_test(a_picture_that_stands_still_is_shown_whole),
        cmocka_unit_test(a_slow_stream_without_loss_scores_ten),
        cmocka_unit_test(a_layer_that_was_switched_off_is_not_asked_for_ever),
        cmocka_unit_test(a_layer_that_was_switched_off_is_not_asked_for_by_others),
        cmocka_unit_test(what_nobody_wants_any_more_is_not_asked_for),
        cmocka_unit_test(a_late_joiner_begins_with_what_comes_first_and_climbs),
        cmocka_unit_test(a_late_joiner_does_not_begin_above_its_ceiling),
        cmocka_unit_test(who_has_no_picture_any_more_is_served_at_once),
        cmocka_unit_test(the_wanted_layer_is_told_in_the_end),
        cmocka_unit_test(congestion_control_lowers_and_stops_one_receiver),
        cmocka_unit_test(what_a_link_does_not_carry_is_wanted_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
