// Events as LiveKit's receivers read them.
#include "../hub/stage.h"

#include "server/hub/hub_operate.h"
#include "server/webhook/webhook_event.h"

#include <jansson.h>

static json_t *read_event(enum webhook_kind kind, const struct room *room, const struct participant *who,
                          const struct room_producer *producer) {
    const struct webhook_event event = {.kind = kind,
                                        .room = room,
                                        .who = who,
                                        .producer = producer,
                                        .gone = kind == WEBHOOK_PARTICIPANT_LEFT,
                                        .wall_s = 1700000000};
    size_t len;
    char *text = webhook_event_text(&event, &len);
    assert_non_null(text);
    assert_int_equal(strlen(text), len);
    json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(read);
    free(text);
    return read;
}

// "a.b" is a text of that.
static void expect_text(const json_t *event, const char *object, const char *name, const char *text) {
    const json_t *from = object ? json_object_get(event, object) : event;
    assert_string_equal(json_string_value(json_object_get(from, name)), text);
}

static json_int_t number(const json_t *event, const char *object, const char *name) {
    return json_integer_value(json_object_get(json_object_get(event, object), name));
}

static void test_each_kind(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct room_producer *voice = produces(s, ann, opens(s, ann, true), MEDIA_AUDIO);
    const struct room *room = ann->room;
    struct hub_refusal refusal;
    assert_int_equal(s->rooms_opened, 1);
    assert_true(hub_operate_describe(s->hub, ann->room, "algebra", &refusal));
    const struct {
        enum webhook_kind kind;
        const struct participant *who;
        const struct room_producer *producer;
        const char *name;
        json_int_t people;
    } rows[] = {
        {WEBHOOK_ROOM_STARTED, NULL, NULL, "room_started", 2},
        {WEBHOOK_ROOM_FINISHED, NULL, NULL, "room_finished", 2},
        {WEBHOOK_PARTICIPANT_JOINED, bob, NULL, "participant_joined", 2},
        {WEBHOOK_PARTICIPANT_LEFT, bob, NULL, "participant_left", 1},
        {WEBHOOK_TRACK_PUBLISHED, ann, voice, "track_published", 2},
        {WEBHOOK_TRACK_UNPUBLISHED, ann, voice, "track_unpublished", 2},
    };
    char id[64] = "";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *event = read_event(rows[i].kind, room, rows[i].who, rows[i].producer);
        expect_text(event, NULL, "event", rows[i].name);
        expect_text(event, NULL, "createdAt", "1700000000");
        expect_text(event, "room", "metadata", "algebra");
        assert_string_not_equal(json_string_value(json_object_get(event, "id")), id);
        snprintf(id, sizeof id, "%s", json_string_value(json_object_get(event, "id")));
        expect_text(event, "room", "name", room->name);
        expect_text(event, "room", "sid", room->public_id.text);
        assert_int_equal(number(event, "room", "numParticipants"), rows[i].people);
        assert_int_equal(!rows[i].who, !json_object_get(event, "participant"));
        assert_int_equal(!rows[i].producer, !json_object_get(event, "track"));
        if (rows[i].who)
            expect_text(event, "participant", "sid", rows[i].who->id.text);
        if (rows[i].producer)
            expect_text(event, "track", "sid", voice->public_id.text);
        if (rows[i].kind == WEBHOOK_PARTICIPANT_LEFT)
            expect_text(event, "participant", "state", "DISCONNECTED");
        json_decref(event);
    }
    stage_close(s);
}

// The hub tells of each room once, when it begins and when it ends.
static void test_rooms_begin_and_end(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    struct participant *ann = joins(s, "ann");
    joins(s, "bob");
    assert_int_equal(s->rooms_opened, 1);
    hub_operate_close(s->hub, ann->room);
    assert_int_equal(s->rooms_closed, 1);
    joins(s, "ann");
    assert_int_equal(s->rooms_opened, 2);
    stage_close(s); // silently
}

// Of recordings: with the room, as long as it is there.
static void test_recordings(void **state) {
    (void)state;
    struct stage *s = stage_new();
    stage_open(s);
    const struct room *room = joins(s, "ann")->room;
    for (int there = 0; there <= 1; there++) {
        size_t len = 0;
        char *text = webhook_egress_text("egress_started", there ? room : NULL, 1700000000,
                                         json_pack("{s:s}", "egressId", "e1"), &len);
        assert_non_null(text);
        assert_int_equal(strlen(text), len);
        json_t *event = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        free(text);
        expect_text(event, NULL, "event", "egress_started");
        expect_text(event, NULL, "createdAt", "1700000000");
        expect_text(event, "egressInfo", "egressId", "e1");
        assert_int_equal(json_object_get(event, "room") != NULL, there);
        json_decref(event);
    }
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings),
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_rooms_begin_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
