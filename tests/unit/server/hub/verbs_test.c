// A whole conference through the verbs alone: no message, no session, no socket.
#include "stage.h"

static void sets_ceilings(struct stage *s, struct participant *bob, const struct room_consumer *consumer,
                          struct participant *ann, const struct room_transport *send) {
    struct hub_refusal refusal;
    assert_true(hub_set_max_bitrate(s->hub, bob, consumer->public_id.text, NULL, 300000, &refusal));
    assert_true(hub_set_max_bitrate(s->hub, ann, NULL, send->public_id.text, 900000, &refusal));
    assert_true(s->commands[0].max_bitrate.bps == 300000 && s->commands[0].consumer.v == consumer->id.v);
    assert_true(s->commands[1].max_bitrate.bps == 900000 && s->commands[1].transport.v == send->id.v);
    EXPECT_COMMANDS(s, MEDIA_SET_MAX_BITRATE, MEDIA_SET_MAX_BITRATE);
}

static void a_conference(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    struct ice_credentials ice;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    assert_ptr_equal(ann->room, bob->room);
    expect_heard(s, "joined ann; joined bob; ");

    struct room_transport *send = opens(s, ann, true), *recv = opens(s, bob, false);
    json_t *dtls = parse(DTLS);
    assert_ptr_equal(hub_connect_transport(s->hub, ann, send->public_id.text, dtls, &refusal), send);
    json_decref(dtls);
    assert_ptr_equal(hub_restart_ice(s->hub, bob, recv->public_id.text, &ice, &refusal), recv);
    EXPECT_COMMANDS(s, MEDIA_OPEN_TRANSPORT, MEDIA_OPEN_TRANSPORT, MEDIA_CONNECT_TRANSPORT,
                    MEDIA_RESTART_ICE);
    struct media_event event = {.type = MEDIA_TRANSPORT_STATE, .transport = send->id};
    event.state.ice = ICE_CONNECTED;
    event.state.dtls = DTLS_CONNECTED;
    hub_media_event(s->hub, ann->worker, &event, s->now_us);
    expect_heard(s, "transport connected connected; ");

    struct room_producer *video = produces(s, ann, send, MEDIA_VIDEO);
    assert_string_equal(video->type, "simple");
    assert_string_equal(video->app_data, "{}");
    expect_heard(s, "opened video; ");
    struct room_consumer *consumer = consumes(s, bob, video);
    EXPECT_COMMANDS(s, MEDIA_OPEN_PRODUCER, MEDIA_OPEN_CONSUMER);
    assert_ptr_equal(hub_own_consumer(s->hub, bob, consumer->public_id.text, &refusal), consumer);
    assert_null(hub_own_consumer(s->hub, ann, consumer->public_id.text, &refusal));

    const char *id = consumer->public_id.text;
    struct hub_layers layers;
    assert_ptr_equal(hub_set_layers(s->hub, bob, id, 1, LAYER_NONE, &layers, &refusal), consumer);
    assert_ptr_equal(hub_set_priority(s->hub, bob, id, 9, &refusal), consumer);
    assert_ptr_equal(hub_request_key_frame(s->hub, bob, id, &refusal), consumer);
    assert_int_equal(s->commands[0].layers.spatial, 1);
    assert_int_equal(s->commands[1].priority.priority, 9);
    EXPECT_COMMANDS(s, MEDIA_SET_LAYERS, MEDIA_SET_PRIORITY, MEDIA_REQUEST_KEY_FRAME);
    sets_ceilings(s, bob, consumer, ann, send);
    assert_true(hub_pause_consumer(s->hub, bob, id, true, &refusal)->paused);
    assert_non_null(hub_pause_consumer(s->hub, bob, id, true, &refusal)); // it is
    assert_false(hub_pause_consumer(s->hub, bob, id, false, &refusal)->paused);
    EXPECT_COMMANDS(s, MEDIA_PAUSE_CONSUMER, MEDIA_PAUSE_CONSUMER);
    assert_true(hub_pause_producer(s->hub, ann, video->public_id.text, true, &refusal)->paused);
    assert_non_null(hub_pause_producer(s->hub, ann, video->public_id.text, true, &refusal)); // it is
    assert_false(hub_pause_producer(s->hub, ann, video->public_id.text, false, &refusal)->paused);
    EXPECT_COMMANDS(s, MEDIA_PAUSE_PRODUCER, MEDIA_PAUSE_PRODUCER);
    expect_heard(s, "paused video; resumed video; ");

    assert_true(hub_close_consumer(s->hub, bob, id, &refusal));
    expect_heard(s, ""); // who closes knows
    consumes(s, bob, video);
    assert_true(hub_close_producer(s->hub, ann, video->public_id.text, &refusal));
    EXPECT_COMMANDS(s, MEDIA_CLOSE_CONSUMER, MEDIA_OPEN_CONSUMER, MEDIA_CLOSE_PRODUCER);
    expect_heard(s, "bob loses a consumer: producer-closed; closed video; ");
    consumes(s, bob, produces(s, ann, send, MEDIA_AUDIO));
    assert_string_equal(s->commands[1].open_consumer.params.cname, "c"); // the publisher's first
    hub_leave(s->hub, ann, "left");
    EXPECT_COMMANDS(s, MEDIA_OPEN_PRODUCER, MEDIA_OPEN_CONSUMER, MEDIA_CLOSE_TRANSPORT);
    expect_heard(s, "opened audio; bob loses a consumer: producer-closed; closed audio; left ann; ");
    assert_true(hub_close_transport(s->hub, bob, recv->public_id.text, &refusal));
    hub_leave(s->hub, bob, "left");
    struct hub_counts end = counts(s);
    assert_int_equal(end.participants + end.transports + end.producers + end.consumers, 0);
    assert_int_equal(end.joins, 2);
    assert_int_equal(end.leaves, 2);
    stage_close(s);
}

// Its packets cross once to each other worker where it is consumed.
static void a_producer_crosses_to_another_worker(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    s->config.limits.participants_per_worker = 1;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    assert_int_not_equal(ann->worker, bob->worker);
    struct room_transport *recv = opens(s, bob, false);
    struct room_producer *video = produces(s, ann, opens(s, ann, true), MEDIA_VIDEO);
    s->command_count = 0;
    struct room_consumer *first = consumes(s, bob, video);
    EXPECT_COMMANDS(s, MEDIA_OPEN_RELAYED_PRODUCER, MEDIA_OPEN_RELAY, MEDIA_OPEN_CONSUMER);
    consumes(s, bob, video);
    EXPECT_COMMANDS(s, MEDIA_OPEN_CONSUMER);
    assert_non_null(hub_pause_producer(s->hub, ann, video->public_id.text, true, &refusal));
    EXPECT_COMMANDS(s, MEDIA_PAUSE_PRODUCER, MEDIA_PAUSE_PRODUCER); // one a worker
    assert_true(hub_close_consumer(s->hub, bob, first->public_id.text, &refusal));
    EXPECT_COMMANDS(s, MEDIA_CLOSE_CONSUMER);
    assert_true(hub_close_transport(s->hub, bob, recv->public_id.text, &refusal));
    EXPECT_COMMANDS(s, MEDIA_CLOSE_RELAY, MEDIA_CLOSE_PRODUCER, MEDIA_CLOSE_TRANSPORT);
    stage_close(s);
}

static void addresses_may_change_while_it_runs(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    static const char addresses[2][46] = {"203.0.113.10", "2001:db8::10"};
    hub_set_announce(s->hub, addresses, 2, false, s->now_us);
    assert_int_equal(hub_config(s->hub)->announce_count, 2);
    assert_string_equal(hub_config(s->hub)->announce[1], "2001:db8::10");
    hub_set_announce(s->hub, addresses + 1, 1, false, s->now_us);
    assert_int_equal(hub_config(s->hub)->announce_count, 1);
    assert_string_equal(hub_config(s->hub)->announce[0], "2001:db8::10");
    stage_close(s);
}

// Also of one who has left; not of a room that is gone, whose place may be another's.
static void a_room_learns_how_its_transports_went(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room *room = ann->room;
    struct room_transport *send = opens(s, ann, true);
    assert_int_equal(s->commands[0].type, MEDIA_OPEN_TRANSPORT);
    struct media_event event = {.type = MEDIA_TRANSPORT_CLOSED,
                                .transport = send->id,
                                .closed = {.room = s->commands[0].room, .quality = {100, 3, 40000}}};
    hub_leave(s->hub, ann, "left");
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.closed.quality = (struct path_quality){50, 1, 30000};
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.closed.room += 1000;
    hub_media_event(s->hub, 0, &event, s->now_us);
    assert_ptr_equal(bob->room, room);
    assert_int_equal(room->quality.packets, 150);
    assert_int_equal(room->quality.packets_lost, 4);
    assert_int_equal(room->quality.rtt_us_max, 40000);
    stage_close(s);
}

static void what_workers_report_is_heard(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_producer *audio = produces(s, ann, opens(s, ann, true), MEDIA_AUDIO);
    opens(s, bob, false);
    struct room_consumer *consumer = consumes(s, bob, audio);
    s->heard[0] = '\0';
    struct media_event event = {
        .type = MEDIA_PRODUCER_SCORE, .producer = audio->id, .consumer = consumer->id, .score = 8};
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.type = MEDIA_CONSUMER_SCORE;
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.type = MEDIA_LAYERS_WANTED;
    event.layers.spatial = 2;
    event.layers.temporal = 1;
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.type = MEDIA_CONSUMER_LAYERS;
    hub_media_event(s->hub, 0, &event, s->now_us);
    event.layers.spatial = event.layers.temporal = LAYER_NONE;
    hub_media_event(s->hub, 0, &event, s->now_us);
    expect_heard(
        s,
        "audio score 8; consumer of audio score 8; wanted 2; layers 2 1 preferred; layers -1 -1 no-stream; ");

    struct hub_subject subject = {.consumer = consumer->id};
    s->command_count = 0;
    assert_true(hub_ask_stats(s->hub, bob, &subject, 77, &refusal));
    assert_int_equal(s->commands[0].stats.token, 77);
    hub_media_stats(s->hub, 0, &(struct media_stats){.token = 77}, s->now_us);
    expect_heard(s, "stats 77 of worker 0; ");

    event =
        (struct media_event){.type = MEDIA_AUDIO_LEVEL, .producer = audio->id, .audio = {-10, {10, 5, 5}}};
    for (unsigned i = 0; i < 8; i++) {
        hub_media_event(s->hub, 0, &event, s->now_us);
        pass(s, 250 * US_PER_MS);
    }
    expect_heard(s, "speaks ann; ");
    assert_non_null(hub_pause_producer(s->hub, ann, audio->public_id.text, true, &refusal));
    expect_heard(s, "speaks nobody; paused audio; ");
    stage_close(s);
}

// ---- people

static void a_lost_connection_is_resumed(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_transport *transport = opens(s, ann, true);
    struct hub_pass_on offer = {.kind = HUB_OFFER, .target = "ann", .payload = "{\"a\":1}", .payload_len = 7};
    assert_ptr_equal(hub_pass_on(s->hub, bob, &offer, &refusal), ann);
    hub_detach(s->hub, ann, s->now_us);
    assert_ptr_equal(hub_pass_on(s->hub, bob, &offer, &refusal), ann);
    expect_heard(s, "joined ann; joined bob; bob to ann: 0 {\"a\":1}; bob to ann: 0 {\"a\":1}; ");

    struct hub_join join = {
        .room = " r ", .resume_token = ann->resume_token, .connection = 9, .spent = &s->spent};
    char token[RESUME_TOKEN_BYTES + 1];
    memcpy(token, ann->resume_token, sizeof token);
    join.resume_token = token;
    assert_ptr_equal(hub_join(s->hub, &join, &refusal), ann);
    assert_true(join.resumed && ann->connection == 9);
    assert_ptr_equal(hub_own_transport(s->hub, ann, transport->public_id.text, &refusal), transport);
    struct queued_text *kept = hub_next_kept(s->hub, ann);
    assert_non_null(kept);
    assert_memory_equal(kept->text, "kept", 4);
    free(kept);
    assert_null(hub_next_kept(s->hub, ann));

    memcpy(token, ann->resume_token, sizeof token);
    join.connection = 10;
    assert_ptr_equal(hub_join(s->hub, &join, &refusal), ann); // while the other is there
    expect_heard(s, "taken over 9; ");
    hub_detach(s->hub, ann, s->now_us);
    pass(s, s->config.limits.resume_window_us + US_PER_SECOND);
    expect_heard(s, "timeout ann; ");
    join.connection = 11;
    assert_null(hub_join(s->hub, &join, &refusal));
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    hub_detach(s->hub, bob, s->now_us);
    hub_leave(s->hub, bob, "left"); // its timer is gone with it, and so is the room after a while
    pass(s, s->config.limits.resume_window_us + s->config.limits.room_linger_us + US_PER_SECOND);
    expect_heard(s, "left bob; ");
    assert_int_equal(counts(s).rooms, 0);
    stage_close(s);
}

static void people_talk_and_ring(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    struct hub_chat_line line;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    s->heard[0] = '\0';
    assert_true(hub_chat(s->hub, ann, "hi", NULL, &line, &refusal));
    assert_int_equal(strlen(line.timestamp), strlen("2026-05-01T12:00:00.000Z"));
    assert_true(hub_chat(s->hub, ann, "ho", "noon", &line, &refusal));
    assert_string_equal(line.timestamp, "noon");
    assert_int_equal(ann->room->chat.count, 2);
    expect_heard(s, "ann says hi; ann says ho; ");
    struct hub_pass_on call = {.kind = HUB_CALL, .target = bob->id.text};
    assert_ptr_equal(hub_pass_on(s->hub, ann, &call, &refusal), bob);
    call = (struct hub_pass_on){.kind = HUB_ACCEPT_CALL, .target = "ann"};
    assert_ptr_equal(hub_pass_on(s->hub, bob, &call, &refusal), ann);
    assert_true(room_find_call(ann->room, ann, bob)->accepted);
    hub_leave(s->hub, ann, "left");
    expect_heard(s, "ann to bob: 3 ; bob to ann: 4 ; ann to bob: 6 left; left ann; ");
    stage_close(s);
}

// A call that never reached the other is none.
static void a_call_that_is_lost_is_forgotten(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct hub_pass_on call = {.kind = HUB_CALL, .target = "bob"};
    s->delivery = ERR_LIMIT;
    assert_null(hub_pass_on(s->hub, ann, &call, &refusal));
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    s->delivery = ERR_NO_MEMORY;
    assert_null(hub_pass_on(s->hub, ann, &call, &refusal));
    assert_int_equal(refusal.code, HUB_NO_MEMORY);
    assert_null(room_find_call(ann->room, ann, bob));
    stage_close(s);
}

static void nobody_joins_a_hub_that_drains(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann");
    hub_drain(s->hub, 5, s->now_us);
    hub_drain(s->hub, 6, s->now_us);
    expect_heard(s, "joined ann; draining until 5; draining until 6; ");
    assert_null(try_join(s, "bob", &refusal));
    assert_int_equal(refusal.code, HUB_DRAINING);
    opens(s, ann, true); // who is there goes on
    assert_int_equal(hub_participant_count(s->hub), 1);
    hub_leave(s->hub, ann, "left");
    assert_int_equal(hub_participant_count(s->hub), 0);
    stage_close(s);
}

// A hub that nobody observes works all the same.
static void nobody_needs_to_hear(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    struct hub_chat_line line;
    stage_open(s);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, NULL);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_producer *audio = produces(s, ann, opens(s, ann, true), MEDIA_AUDIO);
    opens(s, bob, false);
    consumes(s, bob, audio);
    assert_true(hub_chat(s->hub, ann, "hi", NULL, &line, &refusal));
    struct hub_pass_on call = {.kind = HUB_CALL, .target = "bob"};
    assert_ptr_equal(hub_pass_on(s->hub, ann, &call, &refusal), bob);
    hub_leave(s->hub, ann, "left");
    hub_drain(s->hub, 0, s->now_us);
    expect_heard(s, "");
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conference),
        cmocka_unit_test(a_producer_crosses_to_another_worker),
        cmocka_unit_test(what_workers_report_is_heard),
        cmocka_unit_test(a_room_learns_how_its_transports_went),
        cmocka_unit_test(addresses_may_change_while_it_runs),
        cmocka_unit_test(a_lost_connection_is_resumed),
        cmocka_unit_test(people_talk_and_ring),
        cmocka_unit_test(a_call_that_is_lost_is_forgotten),
        cmocka_unit_test(nobody_joins_a_hub_that_drains),
        cmocka_unit_test(nobody_needs_to_hear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
