// What verbs refuse: nothing has happened then, nobody heard, no worker was told.
#include "stage.h"

static bool admit_none(void *ctx, enum hub_step step, struct hub_join *join, struct hub_refusal *refusal) {
    (void)join;
    return step != *(enum hub_step *)ctx || hub_refuse(refusal, HUB_RATE_LIMITED, "not now");
}

static void joins_are_refused(void **state) {
    (void)state;
    struct stage *s = stage_new();
    s->config.limits.participants_per_room_max = 2;
    s->config.limits.rooms_max = 1;
    stage_open(s);
    joins(s, "ann");
    json_t *bad = parse("{'codecs':7}");
    enum hub_step join = HUB_STEP_JOIN, open = HUB_STEP_OPEN_ROOM;
    s->heard[0] = '\0';
    const struct {
        const char *room, *username, *token;
        const json_t *capabilities;
        enum hub_step *held_up;
        enum hub_code code;
    } rows[] = {
        {" ", "bob", NULL, NULL, NULL, HUB_BAD_REQUEST},
        {"r", "b\x01", NULL, NULL, NULL, HUB_BAD_REQUEST},
        {"r", NULL, NULL, NULL, NULL, HUB_BAD_REQUEST},
        {"r", NULL, "no token", NULL, NULL, HUB_NOT_FOUND},
        {"r", " ann", NULL, NULL, NULL, HUB_USERNAME_TAKEN},
        {"r", "bob", NULL, bad, NULL, HUB_BAD_REQUEST},
        {"r", "bob", NULL, NULL, &join, HUB_RATE_LIMITED},
        {"new", "bob", NULL, NULL, &open, HUB_RATE_LIMITED},
        {"new", "bob", NULL, NULL, &join, HUB_RATE_LIMITED},
        {"new", "bob", NULL, NULL, NULL, HUB_LIMIT_REACHED}, // of rooms
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hub_refusal refusal = {.code = HUB_CODE_COUNT};
        struct hub_join ask = {.room = rows[i].room,
                               .username = rows[i].username,
                               .resume_token = rows[i].token,
                               .capabilities = rows[i].capabilities,
                               .connection = 5,
                               .spent = &s->spent,
                               .admit = rows[i].held_up ? admit_none : NULL,
                               .ctx = rows[i].held_up};
        assert_null(hub_join(s->hub, &ask, &refusal));
        if (refusal.code != rows[i].code)
            fail_msg("row %zu: expected code %d, got %d: %s", i, rows[i].code, refusal.code, refusal.text);
        assert_true(strlen(refusal.text) > 5);
    }
    json_decref(bad);
    assert_int_equal(counts(s).joins_refused, sizeof rows / sizeof rows[0]);
    assert_int_equal(counts(s).rooms, 1);
    expect_heard(s, "");
    joins(s, "bob");
    struct hub_refusal refusal;
    assert_null(try_join(s, "cat", &refusal));
    assert_int_equal(refusal.code, HUB_ROOM_FULL);
    stage_close(s);
}

// One try of each verb that cannot be.
struct scene {
    struct stage *s;
    struct participant *ann, *bob;
    struct room_transport *send, *recv;
    struct room_producer *video;
    struct room_consumer *consumer;
};

static struct scene scene_new(void) {
    struct scene c = {.s = stage_new()};
    c.s->config.limits.transports_per_participant_max = 2;
    c.s->config.limits.producers_per_participant_max = 2;
    c.s->config.limits.consumers_per_participant_max = 2;
    c.s->config.limits.chat_bytes_max = 4;
    c.s->config.limits.commands_waiting_max = 3;
    stage_open(c.s);
    c.ann = joins(c.s, "ann");
    c.bob = joins(c.s, "bob");
    c.send = opens(c.s, c.ann, true);
    c.recv = opens(c.s, c.bob, false);
    c.video = produces(c.s, c.ann, c.send, MEDIA_VIDEO);
    c.consumer = consumes(c.s, c.bob, c.video);
    c.s->command_count = 0;
    c.s->heard[0] = '\0';
    return c;
}

static void expect_refused(const struct scene *c, bool done, enum hub_code code,
                           const struct hub_refusal *refusal) {
    assert_false(done);
    if (refusal->code != code)
        fail_msg("expected code %d, got %d: %s", code, refusal->code, refusal->text);
    if (c->s->command_count > 0 || c->s->heard[0])
        fail_msg("refused with %s, but %u commands, and others heard %s", refusal->text, c->s->command_count,
                 c->s->heard);
}

static void transports_are_refused(void **state) {
    (void)state;
    struct scene c = scene_new();
    struct hub *hub = c.s->hub;
    struct hub_refusal r;
    struct ice_credentials ice;
    const char *send = c.send->public_id.text;
    json_t *dtls = parse(DTLS), *none = parse("{'fingerprints':[]}");
    expect_refused(&c, hub_connect_transport(hub, c.bob, send, dtls, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_connect_transport(hub, c.ann, send, none, &r), HUB_BAD_REQUEST, &r);
    expect_refused(&c, hub_restart_ice(hub, c.bob, send, &ice, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_close_transport(hub, c.bob, send, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_close_transport(hub, c.bob, "", &r), HUB_NOT_FOUND, &r);
    assert_non_null(hub_connect_transport(hub, c.ann, send, dtls, &r));
    c.s->command_count = 0;
    expect_refused(&c, hub_connect_transport(hub, c.ann, send, dtls, &r), HUB_WRONG_STATE, &r);
    opens(c.s, c.ann, false);
    c.s->command_count = 0;
    expect_refused(&c, hub_open_transport(hub, c.ann, true, &ice, &r), HUB_LIMIT_REACHED, &r);
    json_decref(dtls);
    json_decref(none);
    stage_close(c.s);
}

static void producers_are_refused(void **state) {
    (void)state;
    struct scene c = scene_new();
    struct hub *hub = c.s->hub;
    struct hub_refusal r;
    const char *send = c.send->public_id.text;
    expect_refused(&c, try_produce(c.s, c.bob, send, MEDIA_AUDIO, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, try_produce(c.s, c.bob, c.recv->public_id.text, MEDIA_AUDIO, &r), HUB_BAD_REQUEST, &r);
    expect_refused(&c, try_produce(c.s, c.ann, send, MEDIA_VIDEO, &r), HUB_BAD_REQUEST, &r); // the MID again
    json_t *bad = parse("{'codecs':[{'mimeType':'video/H266','payloadType':96,'clockRate':90000}],"
                        "'encodings':[{'ssrc':1}]}");
    char long_data[5000];
    memset(long_data, ' ', sizeof long_data);
    struct hub_produce ask = {.transport_id = send, .kind = MEDIA_VIDEO, .parameters = bad};
    expect_refused(&c, hub_produce(hub, c.ann, &ask, &r), HUB_UNSUPPORTED, &r);
    json_decref(bad);
    json_t *audio = parse(AUDIO);
    ask = (struct hub_produce){
        .transport_id = send, .parameters = audio, .app_data = long_data, .app_data_len = sizeof long_data};
    expect_refused(&c, hub_produce(hub, c.ann, &ask, &r), HUB_BAD_REQUEST, &r);
    json_decref(audio);
    const char *id = c.video->public_id.text;
    expect_refused(&c, hub_pause_producer(hub, c.bob, id, true, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_close_producer(hub, c.bob, id, &r), HUB_NOT_FOUND, &r);
    produces(c.s, c.ann, c.send, MEDIA_AUDIO);
    c.s->command_count = 0;
    c.s->heard[0] = '\0';
    expect_refused(&c, try_produce(c.s, c.ann, send, MEDIA_AUDIO, &r), HUB_LIMIT_REACHED, &r);
    stage_close(c.s);
}

static void consumers_are_refused(void **state) {
    (void)state;
    struct scene c = scene_new();
    struct hub *hub = c.s->hub;
    struct hub_refusal r;
    struct hub_layers layers;
    const char *video = c.video->public_id.text, *recv = c.recv->public_id.text;
    const char *id = c.consumer->public_id.text;
    expect_refused(&c, try_consume(c.s, c.bob, "none", recv, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, try_consume(c.s, c.ann, video, NULL, &r), HUB_FORBIDDEN, &r);
    expect_refused(&c, try_consume(c.s, c.bob, video, c.send->public_id.text, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_pause_consumer(hub, c.ann, id, true, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_close_consumer(hub, c.ann, id, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_set_layers(hub, c.ann, id, 0, 0, &layers, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_set_priority(hub, c.ann, id, 1, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_request_key_frame(hub, c.ann, id, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_set_max_bitrate(hub, c.ann, id, NULL, 1, &r), HUB_NOT_FOUND, &r);
    expect_refused(&c, hub_set_max_bitrate(hub, c.ann, NULL, recv, 1, &r), HUB_NOT_FOUND, &r);
    struct hub_join join = {.room = "r", .username = "cat", .connection = 77, .spent = &c.s->spent};
    struct participant *cat = hub_join(hub, &join, &r);
    c.s->heard[0] = '\0';
    expect_refused(&c, try_consume(c.s, cat, video, NULL, &r), HUB_WRONG_STATE, &r); // no transport
    opens(c.s, cat, false);
    struct room_transport *up = opens(c.s, cat, true);
    c.s->command_count = 0;
    expect_refused(&c, try_consume(c.s, cat, video, NULL, &r), HUB_BAD_REQUEST, &r); // never said what it can
    expect_refused(&c, try_consume(c.s, cat, video, up->public_id.text, &r), HUB_BAD_REQUEST, &r);
    consumes(c.s, c.bob, c.video);
    c.s->command_count = 0;
    expect_refused(&c, try_consume(c.s, c.bob, video, NULL, &r), HUB_LIMIT_REACHED, &r);
    stage_close(c.s);
}

static void words_are_refused(void **state) {
    (void)state;
    struct scene c = scene_new();
    struct hub *hub = c.s->hub;
    struct hub_refusal r;
    struct hub_chat_line line;
    expect_refused(&c, hub_chat(hub, c.ann, "12345", NULL, &line, &r), HUB_LIMIT_REACHED, &r);
    expect_refused(&c, hub_chat(hub, c.ann, "\x07", NULL, &line, &r), HUB_BAD_REQUEST, &r);
    expect_refused(&c, hub_chat(hub, c.ann, "hi", "a\nb", &line, &r), HUB_BAD_REQUEST, &r);
    struct hub_pass_on ask = {.kind = HUB_OFFER, .target = "dan"};
    expect_refused(&c, hub_pass_on(hub, c.ann, &ask, &r), HUB_NOT_FOUND, &r);
    ask.target = "ann";
    expect_refused(&c, hub_pass_on(hub, c.ann, &ask, &r), HUB_BAD_REQUEST, &r);
    stage_close(c.s);
}

static void busy_workers_refuse(void **state) {
    (void)state;
    struct scene c = scene_new();
    struct hub *hub = c.s->hub;
    struct hub_refusal r;
    struct hub_layers layers;
    struct ice_credentials ice;
    struct hub_counts before = counts(c.s);
    const char *id = c.consumer->public_id.text;
    struct hub_subject subject = {.producer = c.video->id};
    json_t *dtls = parse(DTLS);
    c.s->full = true;
    // What may wait behind a full queue is itself bounded: fill that first.
    while (hub_set_priority(hub, c.bob, id, 1, &r))
        ;
    expect_refused(&c, hub_open_transport(hub, c.ann, true, &ice, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_connect_transport(hub, c.ann, c.send->public_id.text, dtls, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_restart_ice(hub, c.ann, c.send->public_id.text, &ice, &r), HUB_BUSY, &r);
    expect_refused(&c, try_produce(c.s, c.ann, c.send->public_id.text, MEDIA_AUDIO, &r), HUB_BUSY, &r);
    expect_refused(&c, try_consume(c.s, c.bob, c.video->public_id.text, NULL, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_pause_consumer(hub, c.bob, id, true, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_set_layers(hub, c.bob, id, 0, 0, &layers, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_set_priority(hub, c.bob, id, 2, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_request_key_frame(hub, c.bob, id, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_set_max_bitrate(hub, c.bob, id, NULL, 1, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_set_max_bitrate(hub, c.bob, NULL, c.recv->public_id.text, 1, &r), HUB_BUSY, &r);
    expect_refused(&c, hub_ask_stats(hub, c.ann, &subject, 1, &r), HUB_BUSY, &r);
    struct hub_counts after = counts(c.s);
    assert_int_equal(after.transports, before.transports);
    assert_int_equal(after.producers, before.producers);
    assert_int_equal(after.consumers, before.consumers);
    assert_int_equal(after.held_bytes, before.held_bytes);
    assert_false(c.send->connected || c.consumer->paused);
    json_decref(dtls);
    stage_close(c.s);
}

static void memory_is_bounded(void **state) {
    (void)state;
    struct scene c = {.s = stage_new()};
    struct hub_refusal r;
    c.s->config.limits.held_bytes_max = 1;
    stage_open(c.s);
    c.ann = joins(c.s, "ann"); // the first byte
    c.s->heard[0] = '\0';
    struct ice_credentials ice;
    expect_refused(&c, try_join(c.s, "bob", &r), HUB_LIMIT_REACHED, &r);
    expect_refused(&c, hub_open_transport(c.s->hub, c.ann, true, &ice, &r), HUB_LIMIT_REACHED, &r);
    stage_close(c.s);
}

// Who sends others too much waits; the others do not.
static void words_have_a_budget(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal = {0};
    struct hub_chat_line line;
    s->config.limits.relay_rate_max = 1000;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    unsigned said_count = 0;
    for (s->heard[0] = '\0'; hub_chat(s->hub, ann, text, NULL, &line, &refusal); s->heard[0] = '\0')
        assert_true(++said_count < 100);
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    assert_int_equal(said_count, 3); // of 8 s worth
    assert_int_equal(counts(s).rate_limited, 1);
    assert_true(hub_chat(s->hub, bob, "me", NULL, &line, &refusal));
    // not by leaving and coming back, either
    s->spent = ann->spent;
    hub_leave(s->hub, ann, "left");
    s->heard[0] = '\0';
    ann = joins(s, "ann");
    s->heard[0] = '\0';
    assert_false(hub_chat(s->hub, ann, text, NULL, &line, &refusal));
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_are_refused),     cmocka_unit_test(transports_are_refused),
        cmocka_unit_test(producers_are_refused), cmocka_unit_test(consumers_are_refused),
        cmocka_unit_test(words_are_refused),     cmocka_unit_test(busy_workers_refuse),
        cmocka_unit_test(memory_is_bounded),     cmocka_unit_test(words_have_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
