// What a viewer watches, hears of it, and may choose of it.
#include "tests/unit/server/whip/whip_stage.h"

static struct participant *publisher(struct stage *s, const char *name, const char *offer) {
    char query[64];
    snprintf(query, sizeof query, "name=%s", name);
    assert_int_equal(posts(s, false, "hall", query, offer), 201);
    return who(s, "hall", name);
}

// Its session's path.
static void viewer(struct stage *s, const char *query, char path[256]) {
    if (posts(s, true, "hall", query, "chromium-view") != 201)
        fail_msg("%s", s->answer.body);
    location(s, path);
}

static unsigned consumers_of(struct stage *s, const char *viewer_name, const char *publisher_name) {
    const struct participant *me = who(s, "hall", viewer_name);
    unsigned count = 0;
    LIST_EACH(t, &me->transports) {
        LIST_EACH(c, &LIST_ENTRY(t, struct room_transport, link)->consumers)
        count += strcmp(producer_owner(LIST_ENTRY(c, struct room_consumer, link)->producer)->name,
                        publisher_name) == 0;
    }
    return count;
}

// A worker hears somebody speak for two seconds.
static void speaks(struct stage *s, const struct participant *who_speaks) {
    struct media_event event = {.type = MEDIA_AUDIO_LEVEL};
    LIST_EACH(t, &who_speaks->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers) {
            const struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
            if (producer->kind == MEDIA_AUDIO)
                event.producer = producer->id;
        }
    }
    event.audio.level_dbov = -20;
    event.audio.activity = (struct speech_activity){
        .immediate = SPEECH_IMMEDIATE_MAX, .medium = SPEECH_MEDIUM_MAX, .long_term = SPEECH_LONG_MAX};
    for (unsigned i = 0; i < 10; i++) {
        hub_media_event(s->hub, 0, &event, s->now_us);
        pass(s, 250 * US_PER_MS);
    }
}

static void who_chose_nobody_follows_the_speaker(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256];
    publisher(s, "Ann", "chromium-publish");
    struct participant *bob = publisher(s, "Bob", "obs-publish");
    viewer(s, "name=Vic", path);
    assert_int_equal(consumers_of(s, "Vic", "Ann"), 2);
    speaks(s, bob);
    assert_int_equal(consumers_of(s, "Vic", "Ann"), 0);
    assert_int_equal(consumers_of(s, "Vic", "Bob"), 2);
    pass(s, 10 * US_PER_SECOND); // silence: who spoke last stays
    assert_int_equal(consumers_of(s, "Vic", "Bob"), 2);
    hub_leave(s->hub, bob, "left");
    pass(s, 1000);
    assert_int_equal(consumers_of(s, "Vic", "Ann"), 2);
    stage_close(s);
}

static void who_chose_somebody_waits_for_its_return(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256];
    struct participant *ann = publisher(s, "Ann", "chromium-publish");
    struct participant *bob = publisher(s, "Bob", "obs-publish");
    viewer(s, "name=Vic&from=Ann", path);
    speaks(s, bob);
    assert_int_equal(consumers_of(s, "Vic", "Ann"), 2);
    hub_leave(s->hub, ann, "left");
    pass(s, 1000);
    assert_int_equal(consumers_of(s, "Vic", "Bob") + consumers_of(s, "Vic", "Ann"), 0);
    publisher(s, "Ann", "firefox-publish");
    pass(s, 1000);
    assert_int_equal(consumers_of(s, "Vic", "Ann"), 2);
    stage_close(s);
}

// ---- events

static void opens_events(struct stage *s, const char *path, const char *body, char stream[256]) {
    char events[300];
    snprintf(events, sizeof events, "%s/events", path);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_POST,
                                          .views = true,
                                          .path = events,
                                          .type = "application/json",
                                          .body = body}),
                     201);
    location(s, stream);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_GET, .views = true, .path = stream}), 200);
    assert_string_equal(s->answer.content_type, "text/event-stream");
    assert_int_not_equal(s->answer.stream, 0);
    pass(s, 1000);
}

// A method that nobody knows is refused where there is something, with what that takes.
static void each_address_names_its_methods(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256], stream[256], below[300];
    publisher(s, "Ann", "chromium-simulcast");
    viewer(s, "name=Vic&from=Ann", path);
    opens_events(s, path, NULL, stream);
    const struct {
        const char *path, *words;
        unsigned status;
    } rows[] = {
        {"hall", "OPTIONS, POST", 405},        {path, "OPTIONS, PATCH, POST, DELETE", 405},
        {stream, "OPTIONS, GET, DELETE", 405}, {below, "OPTIONS, POST, DELETE", 405},
        {"hall/none", "no such session", 404}, {"", "/whep/ROOM", 404},
    };
    snprintf(below, sizeof below, "%s/layer", path);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(asks(s, (struct ask){.method = WHIP_OTHER, .views = true, .path = rows[i].path}),
                         rows[i].status);
        says(s, rows[i].words);
    }
    stage_close(s);
}

static void a_viewer_hears_what_it_watches(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256], other[256], stream[256];
    struct participant *ann = publisher(s, "Ann", "chromium-simulcast");
    viewer(s, "name=Vic&from=Ann", path);
    opens_events(s, path, NULL, stream);
    assert_non_null(strstr(s->events, "event: active\ndata: {}\n\n"));
    assert_non_null(strstr(s->events, "event: viewercount\ndata: {\"viewercount\":1}\n\n"));
    assert_non_null(strstr(s->events, "event: layers\ndata: {\"1\":[{\"rid\":\"f\",\"encodingId\":\"f\""));
    s->events[0] = '\0';
    viewer(s, "name=Viv&from=Ann", other);
    pass(s, 1000);
    assert_string_equal(s->events, "event: viewercount\ndata: {\"viewercount\":2}\n\n");
    s->events[0] = '\0';
    hub_leave(s->hub, ann, "left");
    pass(s, 1000);
    assert_non_null(strstr(s->events, "event: inactive\ndata: {}\n\n"));
    // A session that ends ends its streams; one that nobody reads any more is read again.
    uint32_t id = 1;
    whip_stream_closed(s->whip, id);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_GET, .views = true, .path = stream}), 200);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .views = true, .path = path}), 200);
    assert_int_equal(s->ended, 2);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_GET, .views = true, .path = stream}), 404);
    struct whip_counts counts;
    whip_read_counts(s->whip, &counts);
    assert_int_equal(counts.event_streams, 0);
    stage_close(s);
}

// In a large room what comes and goes within a moment is looked at once, and nobody is left with an old
// number.
static void a_large_audience(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256], stream[256], query[32], wanted[64];
    publisher(s, "Ann", "chromium-publish");
    for (unsigned i = 0; i < 40; i++) {
        snprintf(query, sizeof query, "name=v%u", i);
        viewer(s, query, path);
        pass(s, 500 * US_PER_MS);
    }
    opens_events(s, path, "[\"viewercount\"]", stream);
    pass(s, 500 * US_PER_MS);
    s->events[0] = '\0';
    for (unsigned i = 40; i < 60; i++) {
        snprintf(query, sizeof query, "name=v%u", i);
        viewer(s, query, path);
        pass(s, 10 * US_PER_MS);
    }
    for (unsigned i = 0; i < 10; i++)
        pass(s, 50 * US_PER_MS);
    unsigned told = 0;
    const char *last = s->events;
    for (const char *at = s->events; (at = strstr(at, "event: viewercount")); at++, told++)
        last = at;
    snprintf(wanted, sizeof wanted, "event: viewercount\ndata: {\"viewercount\":%u}\n\n", 60);
    assert_string_equal(last, wanted);
    assert_in_range(told, 1, 3);
    stage_close(s);
}

// Somebody hidden is not counted by others, and counts itself.
static void a_hidden_viewer_is_not_counted(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    char *offer = vector("chromium-publish"), *view = vector("chromium-view"), path[256], stream[256];
    struct ask ask = {.method = WHIP_POST,
                      .path = "hall",
                      .type = "application/sdp",
                      .authorization = "Bearer good",
                      .body = offer};
    s->grants = (struct grants){.rights = RIGHTS_ALL, .room = "hall", .name = "Ann", .identity = "ann"};
    assert_int_equal(asks(s, ask), 201);
    ask.views = true;
    ask.body = view;
    s->grants = (struct grants){.rights = RIGHTS_ALL, .room = "hall", .name = "Vic", .identity = "vic"};
    assert_int_equal(asks(s, ask), 201);
    location(s, path);
    opens_events(s, path, "[\"viewercount\"]", stream);
    assert_string_equal(s->events, "event: viewercount\ndata: {\"viewercount\":1}\n\n");
    s->events[0] = '\0';
    s->grants = (struct grants){
        .rights = RIGHTS_ALL, .room = "hall", .name = "Rec", .identity = "rec", .hidden = true};
    assert_int_equal(asks(s, ask), 201);
    location(s, path);
    pass(s, 1000);
    assert_string_equal(s->events, "");
    assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .views = true, .path = path}), 200);
    pass(s, 1000);
    assert_string_equal(s->events, "");
    free(offer);
    free(view);
    stage_close(s);
}

static void a_viewer_hears_what_it_asked_for_alone(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256], events[300], stream[256];
    publisher(s, "Ann", "chromium-publish");
    viewer(s, "name=Vic", path);
    snprintf(events, sizeof events, "%s/events", path);
    struct ask ask = {
        .method = WHIP_POST, .views = true, .path = events, .type = "application/json", .body = "{}"};
    assert_int_equal(asks(s, ask), 400);
    ask.body = "[";
    assert_int_equal(asks(s, ask), 400);
    opens_events(s, path, "[\"viewercount\", \"unheard-of\", 7]", stream);
    assert_string_equal(s->events, "event: viewercount\ndata: {\"viewercount\":1}\n\n");
    ask.body = "[]";
    for (unsigned i = 1; i < WHIP_STREAMS_MAX; i++)
        assert_int_equal(asks(s, ask), 201);
    assert_int_equal(asks(s, ask), 409);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .views = true, .path = stream}), 200);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .views = true, .path = stream}), 404);
    assert_int_equal(asks(s, ask), 201);
    stage_close(s);
}

// ---- choices

static unsigned chooses(struct stage *s, const char *path, const char *body) {
    char layer[300];
    snprintf(layer, sizeof layer, "%s/layer", path);
    return asks(s, (struct ask){.method = body ? WHIP_POST : WHIP_DELETE,
                                .views = true,
                                .path = layer,
                                .type = "application/json",
                                .body = body});
}

static void layers_are_chosen_by_name_or_number(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256];
    publisher(s, "Ann", "chromium-simulcast");
    viewer(s, "name=Vic", path);
    static const struct {
        const char *body;
        int spatial, temporal;
    } good[] = {
        {"{\"rid\": \"q\"}", 0, LAYER_NONE},
        {"{\"encodingId\": \"h\", \"mediaId\": \"1\"}", 1, LAYER_NONE},
        {"{\"mediaId\": 1, \"maxSpatialLayerId\": 2, \"temporalLayerId\": 0}", 2, 0},
        {"{}", LAYER_NONE, LAYER_NONE},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(chooses(s, path, good[i].body), 200);
        const struct media_cmd *cmd = last(s, MEDIA_SET_LAYERS, 0);
        assert_int_equal(cmd->layers.spatial, good[i].spatial);
        assert_int_equal(cmd->layers.temporal, good[i].temporal);
    }
    static const char *const bad[] = {"[]",
                                      "{\"rid\": \"x\"}",
                                      "{\"spatialLayerId\": -1}",
                                      "{\"temporalLayerId\": 8}",
                                      "{\"spatialLayerId\": \"1\"}",
                                      "{\"mediaId\": \"0\"}",
                                      "nonsense"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(chooses(s, path, bad[i]), 400);
    assert_int_equal(chooses(s, path, "{\"rid\": \"q\"}"), 200);
    assert_int_equal(chooses(s, path, NULL), 200); // as before
    assert_int_equal(last(s, MEDIA_SET_LAYERS, 0)->layers.spatial, LAYER_NONE);
    stage_close(s);
}

static void a_choice_stays_when_the_publisher_changes(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256];
    struct participant *ann = publisher(s, "Ann", "chromium-simulcast");
    viewer(s, "name=Vic&from=Ann", path);
    assert_int_equal(chooses(s, path, "{\"spatialLayerId\": 1}"), 200);
    assert_int_equal(asks(s, (struct ask){.method = WHIP_POST,
                                          .views = true,
                                          .path = path,
                                          .type = "application/json",
                                          .body = "{\"audio\": true}"}),
                     200);
    assert_true(last(s, MEDIA_PAUSE_CONSUMER, 0)->pause.paused);
    hub_leave(s->hub, ann, "left");
    publisher(s, "Ann", "firefox-simulcast");
    pass(s, 1000);
    assert_true(last(s, MEDIA_OPEN_CONSUMER, 1)->open_consumer.paused);
    assert_int_equal(last(s, MEDIA_OPEN_CONSUMER, 1)->open_consumer.params.kind, MEDIA_AUDIO);
    assert_int_equal(last(s, MEDIA_SET_LAYERS, 0)->layers.spatial, 1);
    stage_close(s);
}

static void muting(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256];
    publisher(s, "Ann", "chromium-publish");
    viewer(s, "name=Vic", path);
    struct ask ask = {.method = WHIP_POST,
                      .views = true,
                      .path = path,
                      .type = "application/json",
                      .body = "{\"video\": true}"};
    assert_int_equal(asks(s, ask), 200);
    assert_true(last(s, MEDIA_PAUSE_CONSUMER, 0)->pause.paused);
    ask.body = "{\"video\": false, \"audio\": false}";
    assert_int_equal(asks(s, ask), 200);
    assert_false(last(s, MEDIA_PAUSE_CONSUMER, 0)->pause.paused);
    static const char *const bad[] = {"{}", "{\"video\": 1}", "[true]", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask.body = bad[i];
        assert_int_equal(asks(s, ask), 400);
    }
    ask.type = "text/plain";
    assert_int_equal(asks(s, ask), 415);
    stage_close(s);
}

// One token in an encoder and in a player: the player is refused, and the encoder goes on.
static void who_watches_ends_nobody_who_sends(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    char *publish = vector("obs-publish"), *view = vector("chromium-view"), path[256], viewer[256];
    const struct ask sends = {
        WHIP_POST, false, "hall", .type = "application/sdp", .authorization = "Bearer good", .body = publish};
    const struct ask watches = {
        WHIP_POST, true, "hall", .type = "application/sdp", .authorization = "Bearer good", .body = view};
    s->grants = (struct grants){.rights = RIGHTS_ALL, .identity = "ann-1", .name = "Ann", .room = "hall"};
    assert_int_equal(asks(s, sends), 201);
    location(s, path);
    assert_int_equal(asks(s, watches), 409);
    says(s, "watch with a token for another identity");
    pass(s, 0);
    assert_int_equal(people(s), 1);
    // Another identity watches; the same one in a second player takes its place, and nobody else's.
    s->grants = (struct grants){.rights = RIGHTS_ALL, .identity = "bob-1", .name = "Bob", .room = "hall"};
    assert_int_equal(asks(s, watches), 201);
    location(s, viewer);
    assert_int_equal(asks(s, watches), 201);
    pass(s, 0);
    assert_int_equal(people(s), 2);
    assert_int_equal(asks(s, (struct ask){WHIP_DELETE, true, viewer, .query = NULL}), 404);
    // Without identities nobody is the same.
    s->grants.identity[0] = s->grants.name[0] = '\0';
    assert_int_equal(asks(s, watches), 201);
    assert_int_equal(asks(s, watches), 201);
    assert_int_equal(people(s), 4);
    assert_int_equal(asks(s, (struct ask){WHIP_DELETE, false, path, .query = NULL}), 200);
    free(publish);
    free(view);
    stage_close(s);
}

static void tokens_of_who_failed_too_often_are_not_looked_at(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    char *view = vector("chromium-view");
    const struct ask bad = {
        WHIP_POST, true, "hall", .type = "application/sdp", .authorization = "Bearer bad", .body = view};
    assert_int_equal(asks(s, bad), 401);
    assert_int_equal(s->notes[WHIP_JOIN_FAILED], 1);
    s->wait_s = 7;
    assert_int_equal(asks(s, bad), 429);
    says(s, "try again in 7 seconds");
    assert_int_equal(s->notes[WHIP_JOIN_FAILED], 1);
    free(view);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_of_who_failed_too_often_are_not_looked_at),
        cmocka_unit_test(who_watches_ends_nobody_who_sends),
        cmocka_unit_test(who_chose_nobody_follows_the_speaker),
        cmocka_unit_test(who_chose_somebody_waits_for_its_return),
        cmocka_unit_test(each_address_names_its_methods),
        cmocka_unit_test(a_viewer_hears_what_it_watches),
        cmocka_unit_test(a_large_audience),
        cmocka_unit_test(a_hidden_viewer_is_not_counted),
        cmocka_unit_test(a_viewer_hears_what_it_asked_for_alone),
        cmocka_unit_test(layers_are_chosen_by_name_or_number),
        cmocka_unit_test(a_choice_stays_when_the_publisher_changes),
        cmocka_unit_test(muting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
