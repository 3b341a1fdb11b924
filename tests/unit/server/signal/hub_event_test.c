// Statistics with their order, scores, layers, speakers.
#include "fake_media.h"

struct scene {
    struct fake *f;
    struct id_text send, producer, consumer;
    struct producer_id producer_id;
    struct consumer_id consumer_id;
};

static struct scene scene_new(void) {
    struct scene s = {.f = fake_hub(1)};
    joins_capable(s.f, 1, "r", "ann");
    joins_capable(s.f, 2, "r", "bob");
    s.send = (forget_texts(s.f), make_transport(s.f, 1, "send"));
    make_transport(s.f, 2, "recv");
    s.producer = make_audio(s.f, 1, s.send, "a", 10);
    forget_texts(s.f);
    s.consumer = make_consumer(s.f, 2, s.producer);
    for (size_t i = 0; i < s.f->command_count; i++)
        if (s.f->commands[i].cmd.type == MEDIA_OPEN_CONSUMER) {
            s.producer_id = s.f->commands[i].cmd.producer;
            s.consumer_id = s.f->commands[i].cmd.consumer;
        }
    s.f->command_count = 0;
    return s;
}

static void answer_stats(struct fake *f, struct media_cmd cmd, bool found) {
    struct media_stats stats = {.token = cmd.stats.token, .found = found, .stream_count = 2};
    stats.streams[0].ssrc = 77;
    stats.streams[0].packet_count = 5;
    stats.streams[0].round_trip_ms = 12.5f;
    stats.streams[1].ssrc = 10;
    stats.transport.bytes_sent = 1234;
    stats.transport.rtp_packet_loss_sent = 0.25f;
    stats.transport.ice = ICE_CONNECTED;
    stats.transport.selected.protocol = TUPLE_UDP;
    assert_int_equal(addr_parse("203.0.113.5", 40000, &stats.transport.selected.local), ERR_OK);
    assert_int_equal(addr_parse("2001:db8::9", 5000, &stats.transport.selected.remote), ERR_OK);
    hub_media_stats(f->hub, 0, &stats, f->now_us);
}

static void stats_have_the_known_fields(void **state) {
    (void)state;
    struct scene s = scene_new();
    say(s.f, 1, "{'type':'get-stats','data':{'transportId':'%s'},'id':1}", s.send.text);
    expect_nothing(s.f, 1);
    struct media_cmd cmd = command(s.f, MEDIA_GET_STATS, NULL);
    assert_true(cmd.transport.v && !cmd.producer.v && !cmd.consumer.v);
    answer_stats(s.f, cmd, true);
    json_t *message = hear(s.f, 1);
    assert_int_equal(int_at(message, "id"), 1);
    assert_int_equal(json_array_size(at(message, "data.stats")), 1);
    const json_t *t = at(message, "data.stats.0");
    assert_string_equal(text_at(t, "type"), "webrtc-transport");
    assert_string_equal(text_at(t, "transportId"), s.send.text);
    assert_string_equal(text_at(t, "iceState"), "connected");
    assert_string_equal(text_at(t, "iceSelectedTuple.localAddress"), "203.0.113.5");
    assert_int_equal(int_at(t, "iceSelectedTuple.localPort"), 40000);
    assert_string_equal(text_at(t, "iceSelectedTuple.protocol"), "udp");
    assert_string_equal(text_at(t, "iceSelectedTuple.remoteIp"), "2001:db8::9");
    assert_int_equal(int_at(t, "iceSelectedTuple.remotePort"), 5000);
    assert_int_equal(int_at(t, "bytesSent"), 1234);
    assert_true(json_real_value(at(t, "rtpPacketLossSent")) == 0.25);
    json_decref(message);

    say(s.f, 2, "{'type':'get-stats','data':{'consumerId':'%s'}}", s.consumer.text);
    cmd = command(s.f, MEDIA_GET_STATS, NULL);
    assert_int_equal(cmd.consumer.v, s.consumer_id.v);
    answer_stats(s.f, cmd, true);
    json_t *data = expect(s.f, 2, "stats");
    assert_int_equal(json_array_size(at(data, "stats")), 2);
    assert_string_equal(text_at(data, "stats.0.type"), "outbound-rtp");
    assert_string_equal(text_at(data, "stats.0.mimeType"), "audio/opus");
    assert_int_equal(int_at(data, "stats.0.packetCount"), 5);
    assert_true(json_real_value(at(data, "stats.0.roundTripTime")) == 12.5);
    assert_string_equal(text_at(data, "stats.1.type"), "inbound-rtp");
    json_decref(data);

    say(s.f, 1, "{'type':'get-stats','data':{'producerId':'%s'}}", s.producer.text);
    answer_stats(s.f, command(s.f, MEDIA_GET_STATS, NULL), true);
    data = expect(s.f, 1, "stats");
    assert_string_equal(text_at(data, "stats.0.type"), "inbound-rtp");
    json_decref(data);

    say(s.f, 1, "{'type':'get-stats','data':{'producerId':'%s'}}", s.producer.text);
    answer_stats(s.f, command(s.f, MEDIA_GET_STATS, NULL), false);
    expect_error(s.f, 1, "not-found");
    say(s.f, 2, "{'type':'get-stats','data':{'producerId':'%s'}}", s.producer.text);
    expect_error(s.f, 2, "not-found");
    say(s.f, 1, "{'type':'get-stats','data':{}}");
    expect_error(s.f, 1, "bad-request");
    say(s.f, 1, "{'type':'get-stats','data':{'producerId':'%s','transportId':'%s'}}", s.producer.text,
        s.send.text);
    expect_error(s.f, 1, "bad-request");
    fake_free(s.f);
}

static void answers_without_ids_keep_their_order(void **state) {
    (void)state;
    struct scene s = scene_new();
    say(s.f, 1, "{'type':'get-stats','data':{'transportId':'%s'}}", s.send.text);
    say(s.f, 1, "{'type':'ping'}");
    say(s.f, 1, "{'type':'get-stats','data':{'producerId':'%s'}}", s.producer.text);
    say(s.f, 1, "{'type':'no-such'}");
    say(s.f, 1, "{'type':'ping','id':'overtakes'}");
    say(s.f, 2, "{'type':'chat-message','data':{'text':'so do notifications'}}");
    expect_only_type(s.f, 1, "pong");
    expect_only_type(s.f, 1, "chat-message");
    expect_nothing(s.f, 1);
    struct media_cmd first = command(s.f, MEDIA_GET_STATS, NULL),
                     second = command(s.f, MEDIA_GET_STATS, NULL);
    answer_stats(s.f, second, true);
    expect_nothing(s.f, 1);
    answer_stats(s.f, first, true);
    json_t *data = expect(s.f, 1, "stats");
    assert_string_equal(text_at(data, "stats.0.type"), "webrtc-transport");
    json_decref(data);
    expect_only_type(s.f, 1, "pong");
    data = expect(s.f, 1, "stats");
    assert_string_equal(text_at(data, "stats.0.type"), "inbound-rtp");
    json_decref(data);
    expect_error(s.f, 1, "unknown-type");
    answer_stats(s.f, first, true); // a second answer to the same question
    expect_nothing(s.f, 1);
    fake_free(s.f);
}

static void a_silent_worker_is_not_waited_for(void **state) {
    (void)state;
    struct scene s = scene_new();
    say(s.f, 1, "{'type':'get-stats','data':{'transportId':'%s'}}", s.send.text);
    say(s.f, 1, "{'type':'ping'}");
    pass(s.f, 2 * US_PER_SECOND - 2 * US_PER_MS);
    expect_nothing(s.f, 1);
    pass(s.f, 4 * US_PER_MS);
    expect_error(s.f, 1, "internal");
    expect_only_type(s.f, 1, "pong");
    answer_stats(s.f, command(s.f, MEDIA_GET_STATS, NULL), true); // too late
    expect_nothing(s.f, 1);
    // nor is more held back than is bounded
    say(s.f, 1, "{'type':'get-stats','data':{'transportId':'%s'}}", s.send.text);
    for (int i = 0; i < 63; i++)
        say(s.f, 1, "{'type':'ping'}");
    expect_nothing(s.f, 1);
    say(s.f, 1, "{'type':'ping'}");
    expect_error(s.f, 1, "internal");
    for (int i = 0; i < 64; i++)
        expect_only_type(s.f, 1, "pong");
    // nor asked without bound
    s.f->command_count = 0;
    pass(s.f, 5 * US_PER_SECOND);
    for (int i = 0; i < 33; i++)
        say(s.f, 1, "{'type':'get-stats','data':{'transportId':'%s'},'id':%d}", s.send.text, i);
    expect_error(s.f, 1, "rate-limited");
    assert_int_equal(s.f->command_count, 32);
    signalling_client_closed(s.f->signalling, 1, s.f->now_us); // with all of them waiting
    answer_stats(s.f, command(s.f, MEDIA_GET_STATS, NULL), true);
    expect_nothing(s.f, 1);
    fake_free(s.f);
}

static void scores_and_layers_reach_their_owners(void **state) {
    (void)state;
    struct scene s = scene_new();
    struct media_event event = {.type = MEDIA_PRODUCER_SCORE, .producer = s.producer_id, .score = 9};
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    json_t *data = expect(s.f, 1, "score");
    assert_string_equal(text_at(data, "producerId"), s.producer.text);
    assert_int_equal(int_at(data, "score"), 9);
    json_decref(data);
    event = (struct media_event){.type = MEDIA_CONSUMER_SCORE, .consumer = s.consumer_id, .score = 4};
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    data = expect(s.f, 2, "score");
    assert_string_equal(text_at(data, "consumerId"), s.consumer.text);
    json_decref(data);
    event = (struct media_event){.type = MEDIA_CONSUMER_LAYERS, .consumer = s.consumer_id};
    event.layers.spatial = 1;
    event.layers.temporal = 2;
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    data = expect(s.f, 2, "consumer-layers-changed");
    assert_int_equal(int_at(data, "spatialLayer"), 1);
    assert_int_equal(int_at(data, "temporalLayer"), 2);
    assert_string_equal(text_at(data, "reason"), "preferred");
    json_decref(data);
    event.layers.reason = LAYER_REASON_BANDWIDTH;
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    data = expect(s.f, 2, "consumer-layers-changed");
    assert_int_equal(int_at(data, "spatialLayer"), 1);
    assert_string_equal(text_at(data, "reason"), "bandwidth");
    json_decref(data);
    event.layers.reason = LAYER_REASON_SOURCE;
    event.layers.spatial = event.layers.temporal = LAYER_NONE;
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    data = expect(s.f, 2, "consumer-layers-changed");
    assert_true(json_is_null(json_object_get(data, "spatialLayer")));
    assert_string_equal(text_at(data, "reason"), "no-stream");
    json_decref(data);
    event.layers.reason = LAYER_REASON_WORKER;
    hub_media_event(s.f->hub, 0, &event, s.f->now_us);
    data = expect(s.f, 2, "consumer-layers-changed");
    assert_true(json_is_null(json_object_get(data, "spatialLayer")));
    assert_string_equal(text_at(data, "reason"), "overload");
    json_decref(data);
    expect_nothing(s.f, 1);
    fake_free(s.f);
}

static void speak(struct scene *s, int level, uint64_t us) {
    for (uint64_t end_us = s->f->now_us + us; s->f->now_us < end_us;) {
        struct media_event event = {.type = MEDIA_AUDIO_LEVEL, .producer = s->producer_id};
        event.audio.level_dbov = (int8_t)level;
        hub_media_event(s->f->hub, 0, &event, s->f->now_us);
        pass(s->f, 250 * US_PER_MS);
    }
}

static void speakers_are_told(void **state) {
    (void)state;
    struct scene s = scene_new();
    speak(&s, -30, US_PER_SECOND);
    unsigned active = 0, levels = 0;
    for (json_t *message; (message = hear(s.f, 2)); json_decref(message)) {
        if (strcmp(type_of(message), "active-speaker") == 0) {
            assert_string_equal(text_at(message, "data.user"), "ann");
            active++;
        } else {
            assert_string_equal(type_of(message), "audio-levels");
            assert_int_equal(int_at(message, "data.levels.0.level"), -30);
            levels++;
        }
    }
    assert_int_equal(active, 1);
    assert_true(levels >= 1 && levels <= 3);
    // muted: nobody speaks, at once
    say(s.f, 1, "{'type':'pause-producer','data':{'producerId':'%s'}}", s.producer.text);
    json_t *data = expect(s.f, 2, "active-speaker");
    assert_true(json_is_null(json_object_get(data, "userId")));
    assert_true(json_is_null(json_object_get(data, "user")));
    json_decref(data);
    speak(&s, -20, US_PER_SECOND); // what a paused producer still reports is nothing
    expect_only_type(s.f, 2, "producer-paused");
    json_t *last = expect(s.f, 2, "audio-levels");
    assert_int_equal(json_array_size(at(last, "levels")), 0);
    json_decref(last);
    expect_nothing(s.f, 2);
    fake_free(s.f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_have_the_known_fields),
        cmocka_unit_test(answers_without_ids_keep_their_order),
        cmocka_unit_test(a_silent_worker_is_not_waited_for),
        cmocka_unit_test(scores_and_layers_reach_their_owners),
        cmocka_unit_test(speakers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
