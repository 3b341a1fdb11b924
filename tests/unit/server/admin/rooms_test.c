// Rooms that programs make and describe: how long they wait, and what they are about.
#include "office.h"

// A room waits for its first people as long as `emptyTimeout`, for others as long as `departureTimeout`.
static void rooms_wait(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct hub *hub = o->s->hub;
    assert_int_equal(
        calls(o, "create", "CreateRoom", "{'name':'r','emptyTimeout':600,'departureTimeout':60}"), 200);
    pass(o->s, 590 * US_PER_SECOND);
    struct participant *ann = comes(o, "ann", RIGHTS_ALL);
    hub_leave(hub, ann, "left");
    pass(o->s, 59 * US_PER_SECOND);
    assert_non_null(hub_find_room(hub, "r"));
    pass(o->s, 2 * US_PER_SECOND);
    assert_null(hub_find_room(hub, "r"));
    closes_office(o);
}

static const char *room_says(const struct office *o) {
    const struct room *room = hub_find_room(o->s->hub, "r");
    return room->metadata ? json_string_value(room->metadata) : "nothing";
}

static void what_a_room_is_about(void **state) {
    (void)state;
    struct office *o = opens_office();
    comes(o, "ann", RIGHTS_ALL);
    assert_int_equal(calls(o, "admin r", "UpdateRoomMetadata", "{'room':'r','metadata':'algebra'}"), 200);
    expect_heard(o->s, "room: algebra; ");
    assert_string_equal(text(o, "metadata"), "algebra");
    assert_int_equal(calls(o, "admin r", "UpdateRoomMetadata", "{'room':'r','metadata':'algebra'}"), 200);
    expect_heard(o->s, ""); // nothing new
    assert_int_equal(calls(o, "list", "ListRooms", ""), 200);
    const json_t *listed = json_array_get(json_object_get(o->answer, "rooms"), 0);
    assert_string_equal(json_string_value(json_object_get(listed, "metadata")), "algebra");
    assert_int_equal(asks(o, "admin r", "PATCH", REST "rooms/r", "{\"metadata\":\"geometry\"}"), 200);
    expect_heard(o->s, "room: geometry; ");
    expect_refused(o, asks(o, "admin r", "PATCH", REST "rooms/r", "{}"), 400, "invalid_argument", "required");
    expect_refused(o, asks(o, "admin r", "PATCH", REST "rooms/r", "{\"metadata\":7}"), 400,
                   "invalid_argument", "must be a text");
    expect_refused(o, asks(o, "admin x", "PATCH", REST "rooms/r", "{\"metadata\":\"x\"}"), 403,
                   "permission_denied", "roomAdmin");
    assert_string_equal(room_says(o), "geometry");
    assert_int_equal(calls(o, "create", "CreateRoom", "{'name':'r','metadata':''}"), 200);
    assert_string_equal(room_says(o), "geometry"); // nothing was said of it
    assert_int_equal(calls(o, "create", "CreateRoom", "{'name':'r','metadata':'chess'}"), 200);
    expect_heard(o->s, "room: chess; ");
    // An empty text takes it away, as does none (protobuf does not tell the two apart).
    assert_int_equal(calls(o, "admin r", "UpdateRoomMetadata", "{'room':'r'}"), 200);
    expect_heard(o->s, "room: nothing; ");
    assert_null(json_object_get(o->answer, "metadata"));
    // A new one has it from the start: who is told that it is there is told that, too.
    assert_int_equal(calls(o, "create", "CreateRoom", "{'name':'new','metadata':'of the new'}"), 200);
    assert_string_equal(text(o, "metadata"), "of the new");
    closes_office(o);
}

static void a_rooms_metadata_is_bounded(void **state) {
    (void)state;
    struct office *o = opens_office();
    static char body[3 * ROOM_METADATA_BYTES_MAX];
    comes(o, "ann", RIGHTS_ALL);
    for (int more = 0; more <= 1; more++) { // in bytes as JSON: a quote is two
        int len = snprintf(body, sizeof body, "{\"metadata\":\"");
        for (int i = 0; i < (ROOM_METADATA_BYTES_MAX - 2) / 2 + more; i++)
            len += snprintf(body + len, sizeof body - (size_t)len, "\\\"");
        snprintf(body + len, sizeof body - (size_t)len, "\"}");
        unsigned status = asks(o, "admin r", "PATCH", REST "rooms/r", body);
        if (more)
            expect_refused(o, status, 400, "invalid_argument", "may have 8192 bytes as JSON");
        else
            assert_int_equal(status, 200);
    }
    assert_int_equal(strlen(room_says(o)), (ROOM_METADATA_BYTES_MAX - 2) / 2);
    size_t held = counts(o->s).held_bytes;
    assert_true(held > ROOM_METADATA_BYTES_MAX / 2);
    assert_int_equal(asks(o, "create", "DELETE", REST "rooms/r", ""), 200);
    assert_true(counts(o->s).held_bytes < held - ROOM_METADATA_BYTES_MAX / 2); // and given back
    closes_office(o);
}

// LiveKit's RoomEgress, as far as it is done here; the rest is refused in words, and nothing is opened.
static void a_room_that_is_recorded_by_itself(void **state) {
    (void)state;
    static const struct {
        const char *egress;
        unsigned status;
        enum record_wish record;
        const char *words;
    } rows[] = {
        {"{}", 200, RECORD_WHEN_ASKED, NULL},
        {"{'tracks':{}}", 200, RECORD_TRACKS, NULL},
        {"{'participant':{}}", 200, RECORD_PARTICIPANTS, NULL},
        {"{'tracks':{},'participant':{}}", 501, 0, "record-dir"},
        {"{'tracks':{'filepath':'x'}}", 501, 0, "record-dir"},
        {"{'participant':{'fileOutputs':[{}]}}", 501, 0, "record-dir"},
        {"{'room':{'layout':'grid'}}", 501, 0, "draws no room"},
        {"7", 400, 0, "must be an object"},
    };
    struct office *o = opens_office();
    char body[200];
    o->admin.io.records = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body, "{'name':'r%zu','egress':%s}", i, rows[i].egress);
        assert_int_equal(calls(o, "create", "CreateRoom", body), rows[i].status);
        snprintf(body, sizeof body, "r%zu", i);
        const struct room *room = hub_find_room(o->s->hub, body);
        assert_int_equal(room != NULL, rows[i].status == 200);
        if (room)
            assert_int_equal(room->record, rows[i].record);
        else
            assert_non_null(strstr(text(o, "msg"), rows[i].words));
    }
    o->admin.io.records = false;
    expect_refused(o, calls(o, "create", "CreateRoom", "{'name':'r','egress':{'tracks':{}}}"), 412,
                   "failed_precondition", "records nothing");
    assert_null(hub_find_room(o->s->hub, "r"));
    closes_office(o);
}

static void people_are_renamed(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct participant *ann = comes(o, "ann", RIGHTS_ALL);
    comes(o, "bob", RIGHTS_ALL);
    assert_int_equal(
        calls(o, "admin r", "UpdateParticipant", "{'room':'r','identity':'ann','name':' Ann  B '}"), 200);
    expect_heard(o->s, "ann is Ann B; ");
    assert_string_equal(text(o, "name"), "Ann B");
    assert_int_equal(calls(o, "admin r", "UpdateParticipant", "{'room':'r','identity':'ann','name':'Ann B'}"),
                     200);
    expect_heard(o->s, ""); // nothing new
    expect_refused(o, calls(o, "admin r", "UpdateParticipant", "{'room':'r','identity':'ann','name':'bob'}"),
                   412, "failed_precondition", "already called that");
    expect_refused(o,
                   calls(o, "admin r", "UpdateParticipant", "{'room':'r','identity':'ann','name':'\u202e'}"),
                   400, "invalid_argument", "name");
    assert_string_equal(ann->name, "Ann B");
    closes_office(o);
}

static void people_are_hidden_and_shown(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct participant *ann = comes(o, "ann", RIGHTS_ALL);
    comes(o, "bob", RIGHTS_ALL);
    expect_refused(o,
                   calls(o, "admin r", "UpdateParticipant",
                         "{'room':'r','identity':'ann','permission':{'hidden':true,'canPublish':true}}"),
                   412, "failed_precondition", "may do nothing else");
    assert_int_equal(calls(o, "admin r", "UpdateParticipant",
                           "{'room':'r','identity':'ann','permission':{'hidden':true,'canSubscribe':true}}"),
                     200);
    assert_true(ann->hidden);
    assert_int_equal(ann->rights, RIGHT_SUBSCRIBE);
    assert_non_null(strstr(o->s->heard, "ann is hidden; "));
    assert_null(room_find_name(ann->room, "ann"));
    // A token that says otherwise does not show her again; her name may be taken meanwhile.
    struct hub_refusal refusal;
    struct grants grants = grants_of("ann", "ann", RIGHTS_ALL);
    assert_true(hub_update_grants(o->s->hub, ann, &grants, &refusal));
    assert_int_equal(ann->rights, RIGHT_SUBSCRIBE);
    struct grants other = grants_of("other", "ann", RIGHTS_ALL);
    struct hub_join join = {.room = "r",
                            .username = "ann",
                            .grants = &other,
                            .connection = ++o->s->connections,
                            .spent = &o->s->spent};
    struct participant *namesake = hub_join(o->s->hub, &join, &refusal);
    assert_non_null(namesake);
    static const char show[] =
        "{'room':'r','identity':'ann','permission':{'canSubscribe':true,'canPublish':true}}";
    expect_refused(o, calls(o, "admin r", "UpdateParticipant", show), 412, "failed_precondition",
                   "already called");
    hub_leave(o->s->hub, namesake, "left");
    assert_int_equal(calls(o, "admin r", "UpdateParticipant", show), 200);
    assert_non_null(strstr(o->s->heard, "ann is shown; "));
    assert_false(ann->hidden);
    assert_int_equal(ann->rights, RIGHT_SUBSCRIBE | RIGHTS_PUBLISH);
    closes_office(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_that_is_recorded_by_itself),
        cmocka_unit_test(people_are_renamed),
        cmocka_unit_test(people_are_hidden_and_shown),
        cmocka_unit_test(rooms_wait),
        cmocka_unit_test(what_a_room_is_about),
        cmocka_unit_test(a_rooms_metadata_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
