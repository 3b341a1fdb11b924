// Rooms managed from outside: who may, what bodies and paths mean, and what is refused before anything is
// done.
#include "office.h"

static void who_may(void **state) {
    (void)state;
    static const struct {
        const char *method, *needs, *others[3];
    } rows[] = {
        {"ListRooms", "list", {"create", "admin r"}},
        {"CreateRoom", "create", {"list", "admin r"}},
        {"DeleteRoom", "create", {"list", "admin r"}},
        {"ListParticipants", "admin r", {"list", "create", "admin r2"}},
        {"GetParticipant", "admin r", {"list", "create", "admin R"}},
        {"RemoveParticipant", "admin  r ", {"list", "create", "admin "}},
        {"MutePublishedTrack", "admin r", {"list", "create", "admin x"}},
        {"UpdateParticipant", "admin r", {"list", "create", "admin x"}},
        {"SendData", "admin r", {"list", "create", "admin x"}},
        {"UpdateRoomMetadata", "admin r", {"list", "create", "admin x"}},
    };
    struct office *o = opens_office();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_refused(o, calls(o, "none", rows[i].method, "{'room':'r'}"), 401, "unauthenticated",
                       "no such token");
        for (size_t k = 0; k < 3 && rows[i].others[k]; k++)
            expect_refused(o, calls(o, rows[i].others[k], rows[i].method, "{'room':'r','name':'r'}"), 403,
                           "permission_denied", "does not have `video.room");
        for (unsigned k = 0; k < 2; k++) {
            unsigned status =
                calls(o, k ? "operator" : rows[i].needs, rows[i].method, "{'room':'r','name':'n'}");
            assert_true(status != 401 && status != 403);
        }
    }
    // A proxy that lets some methods through reads the whole path, so nothing may stand before the method.
    static const char *const none[] = {"Nothing", "x/DeleteRoom", "ListRooms/DeleteRoom", "DeleteRoom/", ""};
    comes(o, "ann", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        expect_refused(o, calls(o, "operator", none[i], "{'room':'r'}"), 404, "bad_route", "no such method");
    closes_office(o);
}

// The same of paths: whatever else a token lets its bearer do.
static void who_may_by_path(void **state) {
    (void)state;
    static const char *const tokens[] = {"list", "create", "admin r", "admin x", "record r", "record x"};
    static const struct {
        const char *method, *path, *may; // the one token that may; NULL: the operator's alone
    } rows[] = {
        {"GET", "rooms", "list"},
        {"POST", "rooms", "create"},
        {"GET", "rooms/r", "admin r"},
        {"PATCH", "rooms/r", "admin r"},
        {"DELETE", "rooms/r", "create"},
        {"POST", "rooms/r/data", "admin r"},
        {"GET", "rooms/r/participants", "admin r"},
        {"GET", "rooms/r/participants/ann", "admin r"},
        {"PATCH", "rooms/r/participants/ann", "admin r"},
        {"DELETE", "rooms/r/participants/ann", "admin r"},
        {"POST", "rooms/r/participants/ann/tracks/t/mute", "admin r"},
        {"POST", "rooms/r/plain-transports", NULL},
        {"GET", "rooms/r/plain-transports", NULL},
        {"DELETE", "rooms/r/plain-transports/t", NULL},
        {"POST", "rooms/r/plain-transports/t/producers", NULL},
        {"POST", "rooms/r/plain-transports/t/consumers", NULL},
        {"POST", "rooms/r/recordings", "record r"},
        {"GET", "rooms/r/recordings", "record r"},
        {"DELETE", "rooms/r/recordings/x", "record r"},
        {"POST", "drain", NULL},
    };
    struct office *o = opens_office();
    comes(o, "ann", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, REST "%s", rows[i].path);
        expect_refused(o, asks(o, "none", rows[i].method, path, ""), 401, "unauthenticated", "no such token");
        for (size_t k = 0; k < sizeof tokens / sizeof tokens[0]; k++)
            if (!rows[i].may || strcmp(tokens[k], rows[i].may) != 0)
                expect_refused(o, asks(o, tokens[k], rows[i].method, path, ""), 403, "permission_denied",
                               "the token does not have");
    }
    assert_int_equal(o->drains, 0);
    closes_office(o);
}

static void tokens_that_are_none(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct admin_answer answer;
    static char big[9001];
    memset(big, 'x', sizeof big - 1);
    memcpy(big, "Bearer ", 7);
    const struct {
        struct span header;
        const char *words;
    } rows[] = {
        {span_of_text(""), "a token is missing"},
        {span_of_text("Bearer"), "a token is missing"},
        {span_of_text("Bearer "), "a token is missing"},
        {span_of_text("Basic list"), "a token is missing"},
        {span_of("Bearer li\0st", 12), "a token is missing"},
        {span_of_text(big), "longer than 8192 bytes"},
        {span_of(big, 7 + TOKEN_BYTES_MAX), "no such token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admin_request request = {
            .method = "POST", .path = TWIRP "ListRooms", .authorization = rows[i].header};
        admin_twirp(&o->admin, &request, &answer);
        assert_int_equal(answer.status, 401);
        if (!strstr(answer.body, rows[i].words))
            fail_msg("row %zu: %s", i, answer.body);
        free(answer.body);
    }
    struct admin_request request = {
        .method = "POST", .path = TWIRP "ListRooms", .authorization = span_of_text("bearer list")};
    admin_twirp(&o->admin, &request, &answer);
    assert_int_equal(answer.status, 200);
    free(answer.body);
    // A client that reads protobuf, whose request for everything is an empty body, is not answered in JSON.
    static const struct {
        const char *type;
        unsigned status;
    } types[] = {
        {"application/json", 200}, {"application/json; charset=utf-8", 200}, {"application/protobuf", 404}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        request.content_type = span_of_text(types[i].type);
        admin_twirp(&o->admin, &request, &answer);
        assert_int_equal(answer.status, types[i].status);
        free(answer.body);
    }
    closes_office(o);
}

static const struct {
    const char *method, *body;
    unsigned status;
    const char *code, *words;
} bad_bodies[] = {
    {"CreateRoom", "{'name':'a','name':'b'}", 400, "malformed", "names a member twice (line 1"},
    {"CreateRoom", "{'name':'a','maxParticipants':2,'max_participants':3}", 400, "malformed",
     "`max_participants` and `maxParticipants` are one"},
    {"UpdateParticipant",
     "{'room':'r','identity':'ann','permission':{'canPublish':false,'can_publish':true}}", 400, "malformed",
     "are one"},
    {"CreateRoom", "[]", 400, "malformed", "no object"},
    {"CreateRoom", "'x'", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'a'} x", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'\\u0000'}", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'\\ud800'}", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'a','x':1e999}", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'a','x':[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}", 400, "malformed", "deeper than 16"},
    {"CreateRoom", "{}", 400, "invalid_argument", "`name` is required"},
    {"CreateRoom", "{'name':''}", 400, "invalid_argument", "`name` is required"},
    {"CreateRoom", "{'name':null}", 400, "invalid_argument", "`name` is required"},
    {"CreateRoom", "{'name':7}", 400, "invalid_argument", "`name` must be a text"},
    {"CreateRoom", "{'name':['a']}", 400, "invalid_argument", "`name` must be a text"},
    {"CreateRoom", "{'name':' \\t '}", 400, "invalid_argument", "name"},
    {"CreateRoom", "{'name':'a\\u202eb'}", 400, "invalid_argument", "name"},
    {"CreateRoom", "{'name':'a','emptyTimeout':-1}", 400, "invalid_argument", "from 0 to 604800"},
    {"CreateRoom", "{'name':'a','empty_timeout':604801}", 400, "invalid_argument", "from 0 to 604800"},
    {"CreateRoom", "{'name':'a','emptyTimeout':1.5}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':'2x'}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':''}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':'1.5'}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':'-0.5'}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':true}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':4294967298}", 400, "invalid_argument", "must be a number"},
    {"CreateRoom", "{'name':'a','maxParticipants':18446744073709551617}", 400, "malformed", "not JSON"},
    {"CreateRoom", "{'name':'a','egress':{'room':1}}", 501, "unimplemented", "draws no room"},
    {"CreateRoom", "{'name':'a','egress':{'fileOutputs':1,'file_outputs':2}}", 400, "malformed", "are one"},
    {"CreateRoom", "{'name':'a','sync_streams':true}", 501, "unimplemented", "no `syncStreams`"},
    {"CreateRoom", "{'name':'a','minPlayoutDelay':0.5}", 501, "unimplemented", "no `minPlayoutDelay`"},
    {"CreateRoom", "{'name':'a','max_playout_delay':100}", 501, "unimplemented", "no `maxPlayoutDelay`"},
    {"CreateRoom", "{'name':'a','agents':[{}]}", 501, "unimplemented", "no `agents`"},
    {"CreateRoom", "{'name':'a','roomPreset':'x'}", 501, "unimplemented", "no `roomPreset`"},
    {"CreateRoom", "{'name':'a','replayEnabled':true}", 501, "unimplemented", "no `replayEnabled`"},
    {"CreateRoom", "{'name':'a','nodeId':'x'}", 501, "unimplemented", "no `nodeId`"},
    {"CreateRoom", "{'name':'a','tags':{'k':'v'}}", 501, "unimplemented", "no `tags`"},
    {"PerformRpc", "{'room':'r','destinationIdentity':'ann','method':'m'}", 501, "unimplemented",
     "does not do that"},
    {"CreateRoom", "{'name':'a','egress':{'tracks':{'filepath':'/x'}}}", 501, "unimplemented", "record-dir"},
    {"CreateRoom", "{'name':'a','egress':{'participant':{'s3':{}}}}", 501, "unimplemented", "record-dir"},
    {"ListRooms", "{'names':'r'}", 400, "invalid_argument", "`names` must be a list"},
    {"DeleteRoom", "{'room':'nowhere'}", 404, "not_found", "no room of that name"},
    {"GetParticipant", "{'room':'r'}", 400, "invalid_argument", "`identity` is required"},
    {"GetParticipant", "{'room':'r','identity':'eve'}", 404, "not_found", "nobody"},
    {"RemoveParticipant", "{'room':'r','identity':'ann','revokeTokenTs':'7'}", 501, "unimplemented",
     "revokeTokenTs"},
    {"MutePublishedTrack", "{'room':'r','identity':'ann','muted':true}", 400, "invalid_argument",
     "`trackSid` is required"},
    {"MutePublishedTrack", "{'room':'r','identity':'ann','trackSid':'x','muted':1}", 400, "invalid_argument",
     "true or false"},
    {"MutePublishedTrack", "{'room':'r','identity':'ann','track_sid':'x','muted':true}", 404, "not_found",
     "no track"},
    {"UpdateRoomMetadata", "{'room':'r','metadata':7}", 400, "invalid_argument", "must be a text"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','name':7}", 400, "invalid_argument", "`name`"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','metadata':7}", 400, "invalid_argument", "text"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','attributes':[]}", 400, "invalid_argument",
     "texts by name"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','attributes':{'a':1}}", 400, "invalid_argument",
     "texts by name"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','name':'Anna','attributes':{'a':1}}", 400,
     "invalid_argument", "texts by name"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','permission':7}", 400, "invalid_argument",
     "must be an object"},
    // What is wrong in one place is found before anything is done in another.
    {"UpdateParticipant", "{'room':'r','identity':'ann','metadata':'x','permission':{'hidden':1}}", 400,
     "invalid_argument", "`hidden` must be true or false"},
    {"UpdateParticipant", "{'room':'r','identity':'ann','name':'Anna','permission':{'recorder':true}}", 501,
     "unimplemented", "`recorder`"},
    {"UpdateParticipant",
     "{'room':'r','identity':'ann','attributes':{'a':'b'},'permission':{'canPublish':1}}", 400,
     "invalid_argument", "`canPublish` must be true or false"},
    {"UpdateParticipant",
     "{'room':'r','identity':'ann','metadata':'x','permission':{'canPublishSources':['CAMERA','X']}}", 400,
     "invalid_argument", "has an unknown source"},
    {"UpdateParticipant",
     "{'room':'r','identity':'ann','metadata':'x','permission':{'canPublishSources':'CAMERA'}}", 400,
     "invalid_argument", "must be a list"},
    {"SendData", "{'room':'r'}", 400, "invalid_argument", "`data` is required"},
    {"SendData", "{'room':'r','data':'a'}", 400, "invalid_argument", "base64"},
    {"SendData", "{'room':'r','data':'aGk=='}", 400, "invalid_argument", "base64"},
    {"SendData", "{'room':'r','data':'a?k='}", 400, "invalid_argument", "base64"},
    {"SendData", "{'room':'r','data':'aGk=','topic':7}", 400, "invalid_argument", "`topic` must be a text"},
    {"SendData", "{'room':'r','data':'aGk=','destinationSids':'ann'}", 400, "invalid_argument", "lists"},
    {"SendData", "{'room':'r','data':'aGk=','destinationIdentities':['ann',7]}", 400, "invalid_argument",
     "must be a text"},
    {"SendData", "{'room':'r','data':'aGk=','destinationIdentities':['ann','eve']}", 404, "not_found",
     "nobody"},
};

static void bodies(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct participant *ann = comes(o, "ann", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof bad_bodies / sizeof bad_bodies[0]; i++) {
        expect_refused(o, calls(o, "operator", bad_bodies[i].method, bad_bodies[i].body),
                       bad_bodies[i].status, bad_bodies[i].code, bad_bodies[i].words);
        assert_null(ann->about);
        assert_string_equal(ann->name, "ann");
        assert_int_equal(ann->rights, RIGHTS_ALL);
        assert_int_equal(counts(o->s).rooms, 1);
    }
    closes_office(o);
}

// What is found out only where it is done, too: limits, and names that others have.
static void all_of_a_change_or_nothing(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct participant *ann = comes(o, "ann", RIGHTS_ALL);
    comes(o, "bob", RIGHTS_ALL);
    struct room *room = ann->room;
    char body[5000];
    snprintf(body, sizeof body,
             "{\"room\":\"r\",\"identity\":\"ann\",\"name\":\"Anna\",\"metadata\":\"%04096d\"}", 0);
    expect_refused(o, asks(o, "operator", "POST", TWIRP "UpdateParticipant", body), 429, "resource_exhausted",
                   "4096 bytes");
    assert_string_equal(ann->name, "ann");
    expect_refused(o,
                   calls(o, "operator", "UpdateParticipant",
                         "{'room':'r','identity':'ann','name':'bob','metadata':'x','permission':{}}"),
                   412, "failed_precondition", "already called that");
    char ids[128];
    snprintf(ids, sizeof ids, "{'room':'r','identity':'ann','name':'%s'}",
             room_find_name(room, "bob")->id.text);
    expect_refused(o, calls(o, "operator", "UpdateParticipant", ids), 412, "failed_precondition",
                   "already called that");
    room->kept_rights_count += KEPT_RIGHTS_MAX;
    expect_refused(
        o,
        calls(o, "operator", "UpdateParticipant",
              "{'room':'r','identity':'ann','name':'Anna','metadata':'x','permission':{'hidden':true}}"),
        429, "resource_exhausted", "remembers the rights");
    room->kept_rights_count -= KEPT_RIGHTS_MAX;
    assert_null(ann->about);
    assert_false(ann->hidden);
    // Somebody hidden may be called as others are, until it is shown.
    assert_int_equal(calls(o, "operator", "UpdateParticipant",
                           "{'room':'r','identity':'ann','permission':{'hidden':true,'canSubscribe':true}}"),
                     200);
    assert_int_equal(calls(o, "operator", "UpdateParticipant", "{'room':'r','identity':'ann','name':'bob'}"),
                     200);
    expect_refused(o,
                   calls(o, "operator", "UpdateParticipant",
                         "{'room':'r','identity':'ann','metadata':'x','permission':{'canSubscribe':true}}"),
                   412, "failed_precondition", "already called that");
    assert_null(ann->about);
    assert_int_equal(calls(o, "operator", "UpdateParticipant",
                           "{'room':'r','identity':'ann','name':'Anna','metadata':'x','permission':"
                           "{'canPublish':true}}"),
                     200);
    assert_string_equal(ann->name, "Anna");
    assert_false(ann->hidden);
    assert_int_equal(ann->rights, RIGHTS_PUBLISH);
    closes_office(o);
}

static void other_types(void **state) {
    (void)state;
    static const struct {
        const char *type;
        bool taken;
    } rows[] = {{"application/json", true},      {"Application/JSON; charset=utf-8", true},
                {"application/json ", true},     {"application/jsonx", false},
                {"application/protobuf", false}, {"", false}};
    struct office *o = opens_office();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct admin_answer answer;
        struct admin_request request = {.method = "POST",
                                        .path = TWIRP "ListRooms",
                                        .authorization = span_of_text("Bearer list"),
                                        .content_type = span_of_text(rows[i].type),
                                        .body = span_of_text("{}")};
        admin_twirp(&o->admin, &request, &answer);
        assert_int_equal(answer.status, rows[i].taken ? 200 : 404);
        free(answer.body);
    }
    closes_office(o);
}

static void rooms(void **state) {
    (void)state;
    struct office *o = opens_office();
    assert_int_equal(
        calls(o, "create", "CreateRoom", "{'name':' Hall ','emptyTimeout':60,'maxParticipants':3}"), 200);
    assert_string_equal(text(o, "name"), "Hall");
    char sid[64];
    snprintf(sid, sizeof sid, "%s", text(o, "sid"));
    assert_string_equal(text(o, "metadata"), "");
    assert_int_equal(json_integer_value(json_object_get(o->answer, "emptyTimeout")), 60);
    assert_int_equal(json_integer_value(json_object_get(o->answer, "departureTimeout")), 60);
    assert_int_equal(calls(o, "create", "CreateRoom", "{'name':'Hall','empty_timeout':90}"), 200);
    assert_string_equal(text(o, "sid"), sid); // one that is there stays
    assert_int_equal(json_integer_value(json_object_get(o->answer, "maxParticipants")), 3);
    // Numbers as protobuf's JSON may have them.
    assert_int_equal(
        calls(o, "create", "CreateRoom", "{'name':'Loft','emptyTimeout':'90','maxParticipants':2.0}"), 200);
    assert_int_equal(json_integer_value(json_object_get(o->answer, "emptyTimeout")), 90);
    assert_int_equal(json_integer_value(json_object_get(o->answer, "maxParticipants")), 2);
    assert_int_equal(calls(o, "create", "DeleteRoom", "{'room':'Loft'}"), 200);
    // What says nothing is not refused for want of it.
    assert_int_equal(calls(o, "create", "CreateRoom",
                           "{'name':'Hall','metadata':'','agents':[],'egress':{},'syncStreams':false,"
                           "'minPlayoutDelay':'0','nodeId':null}"),
                     200);
    comes(o, "ann", RIGHTS_ALL); // opens "r"
    assert_int_equal(calls(o, "list", "ListRooms", ""), 200);
    assert_int_equal(json_array_size(json_object_get(o->answer, "rooms")), 2);
    assert_int_equal(calls(o, "list", "ListRooms", "{'names':[' r','r','nowhere',7,'']}"), 200);
    assert_int_equal(json_array_size(json_object_get(o->answer, "rooms")), 1); // once
    pass(o->s, 80 * US_PER_SECOND);
    assert_int_equal(counts(o->s).rooms, 2); // 90 s count from the last wish
    pass(o->s, 20 * US_PER_SECOND);
    assert_int_equal(counts(o->s).rooms, 1);
    assert_int_equal(asks(o, "create", "DELETE", REST "rooms/r", ""), 200);
    expect_heard(o->s, "removed ann: room-closed; room-closed ann; ");
    assert_int_equal(counts(o->s).rooms, 0);
    hub_drain(o->s->hub, 0, o->s->now_us);
    assert_int_equal(calls(o, "create", "CreateRoom", "{'name':'new'}"), 503);
    closes_office(o);
}

static void people(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct participant *ann = comes(o, "ann", RIGHTS_ALL), *bob = comes(o, "bob", RIGHTS_ALL);
    struct room_producer *sound = produces(o->s, ann, opens(o->s, ann, true), MEDIA_AUDIO);
    char path[256];
    assert_int_equal(asks(o, "admin r", "GET", REST "rooms/r/participants", ""), 200);
    assert_int_equal(json_array_size(json_object_get(o->answer, "participants")), 2);
    assert_int_equal(asks(o, "admin r", "GET", REST "rooms/r/participants/ann", "{}"), 200);
    assert_string_equal(text(o, "identity"), "ann");
    assert_true(json_is_true(json_object_get(o->answer, "isPublisher")));
    const json_t *track = json_array_get(json_object_get(o->answer, "tracks"), 0);
    assert_string_equal(json_string_value(json_object_get(track, "source")), "MICROPHONE");
    assert_true(json_is_false(json_object_get(track, "simulcast")));
    snprintf(path, sizeof path, REST "rooms/r/participants/ann/tracks/%s/mute", sound->public_id.text);
    // A path wins over members of its names, in either spelling.
    assert_int_equal(asks(o, "admin r", "POST", path,
                          "{\"muted\":true,\"room\":\"x\",\"identity\":\"bob\",\"trackSid\":\"y\"}"),
                     200);
    assert_true(sound->paused);
    assert_int_equal(asks(o, "admin r", "POST", path, "{\"muted\":false}"), 412); // its owner alone
    // Held, until it is allowed again; nothing is unmuted by that.
    assert_int_equal(asks(o, "admin r", "POST", path, "{\"muted\":true,\"hold\":true}"), 200);
    expect_heard(o->s, "operator holds ann: audio-; ");
    expect_refused(o, asks(o, "admin r", "POST", path, "{\"muted\":false,\"hold\":true}"), 400,
                   "invalid_argument", "`hold` is for what is muted");
    struct hub_refusal refusal;
    assert_null(hub_pause_producer(o->s->hub, ann, sound->public_id.text, false, &refusal));
    assert_int_equal(asks(o, "admin r", "POST", path, "{\"muted\":false}"), 200);
    expect_heard(o->s, "operator holds ann: --; ");
    track = json_object_get(o->answer, "track");
    assert_true(json_is_true(json_object_get(track, "muted")));
    assert_non_null(hub_pause_producer(o->s->hub, ann, sound->public_id.text, false, &refusal));
    assert_int_equal(asks(o, "admin r", "POST", path, "{\"muted\":false}"), 200); // it is
    assert_int_equal(asks(o, "admin r", "PATCH", REST "rooms/r/participants/bob",
                          "{\"metadata\":\"m\",\"permission\":{\"canSubscribe\":true,\"can_publish\":true,"
                          "\"canPublishSources\":[\"CAMERA\",4]}}"),
                     200);
    assert_int_equal(bob->rights, RIGHT_SUBSCRIBE | RIGHT_CAMERA | RIGHT_SCREEN_AUDIO);
    assert_string_equal(text(o, "metadata"), "m");
    assert_int_equal(calls(o, "admin r", "RemoveParticipant", "{'room':'r','identity':'bob'}"), 200);
    expect_heard(o->s, "removed bob: kicked; kicked bob; ");
    closes_office(o);
}

static void data(void **state) {
    (void)state;
    static const struct {
        const char *given, *sent;
    } rows[] = {{"aGk=", "aGk="}, {"_-9f", "/+9f"}, {"aGk", "aGk="}, {"aGkh", "aGkh"}, {"aA==", "aA=="}};
    struct office *o = opens_office();
    char body[512];
    comes(o, "ann", RIGHTS_ALL);
    comes(o, "bob", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) { // as browsers read it, whatever came
        snprintf(body, sizeof body, "{'room':'r','data':'%s'}", rows[i].given);
        assert_int_equal(calls(o, "admin r", "SendData", body), 200);
        assert_string_equal(o->payload, rows[i].sent);
        assert_string_equal(o->to, "all");
        assert_string_equal(o->topic, "none");
    }
    o->sent = 0;
    assert_int_equal(calls(o, "admin r", "SendData",
                           "{'room':'r','data':'aGk=','topic':'t','destination_identities':['bob']}"),
                     200);
    assert_int_equal(o->sent, 1);
    assert_string_equal(o->to, "bob");
    assert_string_equal(o->topic, "t");
    // The most that is taken, and one byte more.
    static char big[24000];
    for (size_t bytes = ADMIN_DATA_MAX - 2; bytes <= ADMIN_DATA_MAX + 3; bytes++) {
        size_t chars = (bytes * 4 + 2) / 3, padded = (chars + 3) / 4 * 4;
        int head = snprintf(big, sizeof big, "{\"room\":\"r\",\"data\":\"");
        memset(big + head, 'A', chars);
        memset(big + head + chars, '=', padded - chars);
        snprintf(big + head + padded, sizeof big - (size_t)head - padded, "\"}");
        assert_int_equal(asks(o, "admin r", "POST", TWIRP "SendData", big),
                         bytes <= ADMIN_DATA_MAX ? 200 : 400);
    }
    o->sent = 0; // who is named three times gets it once
    assert_int_equal(calls(o, "admin r", "SendData",
                           "{'room':'r','data':'aGk=','destinationIdentities':['bob','ann','bob'],"
                           "'destinationSids':['bob']}"),
                     200);
    assert_int_equal(o->sent, 2);
    closes_office(o);
}

static struct room_rules everything_sealed(void *ctx, const char *room) {
    (void)ctx, (void)room;
    return (struct room_rules){.sealed = true};
}

// A moderator's own token would do for this door, too.
static void data_into_a_sealed_room(void **state) {
    (void)state;
    struct office *o = opens_office();
    struct stage *s = o->s;
    const struct hub_io io = {.ctx = s, .post = post, .wall_us = wall_us, .rules = everything_sealed};
    struct hub_events events = observer;
    struct hub_refusal refusal;
    hub_destroy(s->hub);
    events.ctx = s;
    o->admin.hub = s->hub = hub_create(&s->config, &io, s->now_us);
    assert_non_null(s->hub);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, &events);
    struct hub_join join = {
        .room = "r", .username = "ann", .seals = true, .connection = ++s->connections, .spent = &s->spent};
    assert_non_null(hub_join(s->hub, &join, &refusal));
    static const char *const clear[] = {"{'room':'r','data':'aGk='}",
                                        "{'room':'r','data':'aGk=','e2ee':false}"};
    for (size_t i = 0; i < 2; i++)
        expect_refused(o, calls(o, "admin r", "SendData", clear[i]), 412, "failed_precondition",
                       "`e2ee: true`");
    expect_refused(o, calls(o, "admin r", "SendData", "{'room':'r','data':'aGk=','e2ee':1}"), 400,
                   "invalid_argument", "true or false");
    assert_int_equal(calls(o, "admin r", "SendData", "{'room':'r','data':'aGk=','e2ee':true}"), 200);
    assert_int_equal(o->sent, 1);
    closes_office(o);
}

static void paths(void **state) {
    (void)state;
    static const struct {
        const char *method, *path;
    } rows[] = {
        {"GET", REST},
        {"GET", REST "room"},
        {"GET", REST "rooms/"},
        {"GET", REST "rooms/r/"},
        {"GET", REST "rooms//participants"},
        {"GET", REST "rooms/r/participants/"},
        {"GET", REST "rooms/r/participants/ann/x"},
        {"POST", REST "rooms/r/participants/ann/tracks//mute"},
        {"GET", REST "roomsx"},
        {"GET", REST "rooms/r/participantsx"},
        {"GET", "/api/v1"},
    };
    static const struct {
        const char *method, *path, *allow;
    } others[] = {
        {"PUT", REST "rooms/r", "GET, HEAD, PATCH, DELETE"},
        {"DELETE", REST "rooms", "GET, HEAD, POST"},
        {"GET", REST "drain", "POST"},
    };
    struct office *o = opens_office();
    comes(o, "ann", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect_refused(o, asks(o, "operator", rows[i].method, rows[i].path, ""), 404, "bad_route", "nothing");
        assert_string_equal(o->allow, "");
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        expect_refused(o, asks(o, "operator", others[i].method, others[i].path, ""), 405, "bad_route",
                       others[i].allow);
        assert_string_equal(o->allow, others[i].allow);
        expect_refused(o, asks(o, "nobody", others[i].method, others[i].path, ""), 401, "unauthenticated",
                       "");
        assert_string_equal(o->allow, "");
    }
    expect_refused(o, asks(o, "operator", "GET", REST "rooms/\xff\xfe", ""), 400, "invalid_argument",
                   "UTF-8");
    expect_refused(o, asks(o, "operator", "GET", REST "rooms/a\xe2\x80\xae/recordings", ""), 400,
                   "invalid_argument", "`room` must be");
    expect_refused(o, asks(o, "operator", "DELETE", REST "rooms/a\xe2\x80\xae/recordings/x", ""), 400,
                   "invalid_argument", "`room` must be");
    assert_int_equal(asks(o, "operator", "GET", REST "rooms/r/participants/ann", ""), 200);
    assert_false(json_is_true(json_object_get(o->answer, "isPublisher"))); // it sends nothing
    closes_office(o);
}

static void draining_twice(void **state) {
    (void)state;
    struct office *o = opens_office();
    static const char *const bad[] = {"{'seconds':86401}",
                                      "{'seconds':-1}",
                                      "{'seconds':'5s'}",
                                      "{'url':'http://x'}",
                                      "{'url':7}",
                                      "{'url':'wss://x\\r\\nY: z'}",
                                      "{'url':'wss://x y'}",
                                      "{'url':'wss://'}",
                                      "{'url':'wss://@x'}",
                                      "{'url':'wss://ann:word@x/'}",
                                      "{'url':'wss://x:99999/'}",
                                      "{'url':'wss://x/#part'}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "%s", bad[i]);
        for (char *c = body; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        expect_refused(o, asks(o, "operator", "POST", REST "drain", body), 400, "invalid_argument", "must");
    }
    assert_int_equal(o->drains, 0);
    expect_refused(o, asks(o, "create", "POST", REST "drain", ""), 403, "permission_denied",
                   "rotunda.operator");
    char longest[600];
    int len = snprintf(longest, sizeof longest, "{\"url\":\"wss://h/%0*d\"}", HUB_URL_MAX + 1 - 8, 7);
    assert_int_equal(len, HUB_URL_MAX + 1 + 10);
    expect_refused(o, asks(o, "operator", "POST", REST "drain", longest), 400, "invalid_argument", "512");
    assert_int_equal(asks(o, "operator", "POST", REST "drain", "{\"url\":\"wss://other/ws\"}"), 200);
    assert_int_equal(o->drain_s, -1); // as the settings say
    assert_string_equal(o->to, "wss://other/ws");
    snprintf(longest, sizeof longest, "{\"url\":\"wss://h/%0*d\"}", HUB_URL_MAX - 8, 7);
    assert_int_equal(asks(o, "operator", "POST", REST "drain", longest), 412); // it drains already
    assert_int_equal(asks(o, "operator", "POST", REST "drain", "{\"seconds\":0}"), 412);
    assert_int_equal(o->drain_s, 0);
    closes_office(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may),
        cmocka_unit_test(who_may_by_path),
        cmocka_unit_test(tokens_that_are_none),
        cmocka_unit_test(bodies),
        cmocka_unit_test(all_of_a_change_or_nothing),
        cmocka_unit_test(other_types),
        cmocka_unit_test(rooms),

        cmocka_unit_test(people),
        cmocka_unit_test(data),
        cmocka_unit_test(data_into_a_sealed_room),
        cmocka_unit_test(paths),
        cmocka_unit_test(draining_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
