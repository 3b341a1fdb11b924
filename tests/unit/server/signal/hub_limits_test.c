// Bad input, limits, rate, draining.
#include "fake.h"

#include "server/signal/signal.h"

static void envelopes(void **state) {
    (void)state;
    static const struct {
        const char *text, *code;
        uint16_t close; // 0: stays open
    } rows[] = {
        {"", "bad-json", 1007},
        {"{", "bad-json", 1007},
        {"hello", "bad-json", 1007},
        {"[]", "bad-json", 1007},
        {"'text'", "bad-json", 1007},
        {"{'type':'ping'} {}", "bad-json", 1007},
        {"{'type':'ping\\u0000'}", "bad-request", 0},
        {"{'type':'ping','data':{'x':'\\ud83d'}}", "bad-request", 0},
        {"{'type':'ping','id':'\\ude00'}", "bad-request", 0},
        {"{'type':'ping','data':{'\\ud83d':1}}", "bad-request", 0},
        {"{'type':'ping','data':{'n':123456789012345678901}}", "bad-request", 0},
        {"{'type':'\xff'}", "bad-json", 1007},
        {"{'type':'ping','data':{'n':1e999}}", "bad-request", 0},
        {"{'type':'ping','data':{'n':1e999}", "bad-json", 1007},
        {"{'type':'ping','data':{'x':'\\ud83d\xff'}}", "bad-json", 1007},
        {"{}", "bad-request", 0},
        {"{'type':null}", "bad-request", 0},
        {"{'type':5}", "bad-request", 0},
        {"{'type':'ping','data':[]}", "bad-request", 0},
        {"{'type':'ping','data':'x'}", "bad-request", 0},
        {"{'type':'ping','id':{}}", "bad-request", 0},
        {"{'type':'ping','id':true}", "bad-request", 0},
        {"{'type':'','data':{}}", "unknown-type", 0},
        {"{'type':'joined','data':{}}", "unknown-type", 0},
        {"{'type':'__proto__','data':{}}", "unknown-type", 0},
        {"{'type':'make-coffee','data':{}}", "unknown-type", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_hub(1);
        open_client(f, 1);
        say(f, 1, "%s", rows[i].text);
        expect_error(f, 1, rows[i].code);
        assert_int_equal(f->close_count, rows[i].close != 0);
        if (rows[i].close)
            assert_int_equal(f->closes[0].code, rows[i].close);
        say(f, 1, "{'type':'ping'}");
        if (rows[i].close)
            expect_nothing(f, 1);
        else
            expect_only_type(f, 1, "pong");
        fake_free(f);
    }
}

// The parser takes a zero byte behind some tokens for nothing; JSON has none anywhere.
static void a_zero_byte_is_no_json(void **state) {
    (void)state;
    static const char good[] = "{\"type\":\"ping\",\"data\":{\"a\":[true,12,\"x\"]}}";
    for (size_t at = 0; at <= strlen(good); at++) {
        struct fake *f = fake_hub(1);
        open_client(f, 1);
        char text[sizeof good];
        memcpy(text, good, at);
        text[at] = '\0';
        memcpy(text + at + 1, good + at, strlen(good) - at);
        signalling_client_message(f->signalling, 1, text, sizeof text, f->now_us);
        expect_error(f, 1, "bad-json");
        assert_int_equal(f->close_count, 1);
        assert_int_equal(f->closes[0].code, 1007);
        fake_free(f);
    }
}

static void ids_come_back_as_they_were(void **state) {
    (void)state;
    static const char *const ids[] = {"1", "-7", "1.5", "9007199254740991", "'a'", "''", "'\\u00e4\\n'"};
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        for (int good = 0; good < 2; good++) {
            say(f, 1, "{'type':'%s','id':%s,'more':1}", good ? "ping" : "no-such", ids[i]);
            json_t *answer = hear(f, 1);
            char sent[64];
            snprintf(sent, sizeof sent, "%s", ids[i]);
            for (char *c = sent; *c; c++)
                *c = *c == '\'' ? '"' : *c;
            json_t *id = json_loads(sent, JSON_DECODE_ANY, NULL);
            assert_true(json_equal(id, json_object_get(answer, "id")));
            assert_string_equal(type_of(answer), good ? "pong" : "error");
            json_decref(id);
            json_decref(answer);
        }
    // null is no id
    say(f, 1, "{'type':'ping','id':null}");
    json_t *answer = hear(f, 1);
    assert_null(json_object_get(answer, "id"));
    json_decref(answer);
    fake_free(f);
}

static void half_a_character_keeps_the_id(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    say(f, 1, "{'type':'chat-message','id':'c7','data':{'text':'hi \\ud83d'}}");
    json_t *answer = hear(f, 1);
    assert_string_equal(text_at(answer, "id"), "c7");
    assert_string_equal(text_at(answer, "data.code"), "bad-request");
    assert_string_equal(text_at(answer, "data.request"), "chat-message");
    json_decref(answer);
    // the words quote it, wherever the quote is cut
    for (int pad = 0; pad < 200; pad++) {
        char text[512] = "{'type':'ping','id':1,'data':{'x':'";
        for (int i = 0; i < pad; i++)
            strcat(text, i == 0 ? "a" : "\xc3\xa4");
        strcat(text, "\\ud83d'}}");
        say(f, 1, "%s", text);
        expect_error(f, 1, "bad-request");
    }
    // a whole one is fine, escaped or not
    say(f, 1, "{'type':'chat-message','id':8,'data':{'text':'\\ud83d\\ude00 \xf0\x9f\x98\x80'}}");
    expect_only_type(f, 1, "chat-message");
    assert_int_equal(f->close_count, 0);
    fake_free(f);
}

static void bad_frames_are_answered_and_closed(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    forget_texts(f);
    signalling_client_bad_frame(f->signalling, 1, SIGNAL_FRAME_BINARY, f->now_us);
    expect_error(f, 1, "bad-json");
    assert_int_equal(f->closes[0].code, 1003);
    signalling_client_bad_frame(f->signalling, 2, SIGNAL_FRAME_TOO_BIG, f->now_us);
    expect_error(f, 2, "limit-reached");
    assert_int_equal(f->closes[1].code, 1009);
    signalling_client_bad_frame(f->signalling, 2, SIGNAL_FRAME_TOO_BIG, f->now_us);
    assert_int_equal(f->close_count, 2);
    // their sessions wait for a return
    assert_int_equal(counts(f).participants, 2);
    fake_free(f);
}

// ---- every rule of every row of the schema

static json_t *fitting(const struct field_rule *rule) {
    switch (rule->kind) {
    case FIELD_TEXT:
        return json_string("x");
    case FIELD_BOOL:
        return json_true();
    case FIELD_INTEGER:
        return json_integer(rule->min);
    case FIELD_OBJECT:
    case FIELD_ANY:
    case FIELD_END:
        return json_object();
    case FIELD_TEXTS:
        return json_array();
    case FIELD_CHOICE:
        return json_stringn(rule->choices, strcspn(rule->choices, "|"));
    }
    return NULL;
}

// Values that do not fit the rule; NULL when there are no more.
static json_t *unfitting(const struct field_rule *rule, int n) {
    const bool wants[] = {rule->kind == FIELD_BOOL,
                          rule->kind == FIELD_OBJECT,
                          rule->kind == FIELD_INTEGER,
                          rule->kind == FIELD_TEXT,
                          false,
                          false};
    if (n == 0)
        return wants[0] ? json_string("true") : json_true();
    if (n == 1)
        return wants[1] ? json_array() : json_object();
    if (n == 4 && rule->kind == FIELD_TEXTS)
        return json_pack("[i]", 1);
    if (n == 3 && rule->kind == FIELD_TEXTS)
        return json_string("x");
    if (n == 2)
        return wants[2] ? json_integer(rule->max + 1) : json_integer(1000);
    if (n == 3)
        return wants[3] ? json_array() : json_string("no-such-choice");
    if (n == 4)
        return wants[2] ? json_integer(rule->min - 1) : json_array();
    if (n == 5)
        return rule->kind == FIELD_INTEGER ? json_real(1.5) : json_integer(0);
    if (n == 6 && rule->kind == FIELD_TEXT && rule->min > 0)
        return json_string("");
    return NULL;
}

static void say_data(struct fake *f, const char *type, json_t *data) {
    json_t *message = json_pack("{s:s, s:o}", "type", type, "data", data);
    char *text = json_dumps(message, 0);
    say_raw(f, 1, text);
    free(text);
    json_decref(message);
}

static json_t *fitting_data(const struct signal_row *row) {
    json_t *data = json_object();
    for (const struct field_rule *rule = row->fields; rule->kind != FIELD_END; rule++)
        json_object_set_new(data, rule->name, fitting(rule));
    return data;
}

static void every_field_is_checked(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.messages_per_second_max = 100000;
    fake_start(f);
    joins(f, 1, "r", "ann");
    size_t count, tried = 0;
    const struct signal_row *rows = signal_rows(&count);
    for (size_t i = 0; i < count; i++)
        for (const struct field_rule *rule = rows[i].fields; rule->kind != FIELD_END; rule++) {
            if (rule->required) {
                json_t *data = fitting_data(&rows[i]);
                json_object_del(data, rule->name);
                say_data(f, rows[i].type, data);
                expect_error(f, 1, "bad-request");
                data = fitting_data(&rows[i]);
                json_object_set_new(data, rule->name, json_null());
                say_data(f, rows[i].type, data);
                expect_error(f, 1, "bad-request");
                tried += 2;
            }
            json_t *wrong;
            for (int n = 0; rule->kind != FIELD_ANY && (wrong = unfitting(rule, n)); n++, tried++) {
                json_t *data = fitting_data(&rows[i]);
                json_object_set_new(data, rule->name, wrong);
                say_data(f, rows[i].type, data);
                expect_error(f, 1, "bad-request");
            }
        }
    assert_true(tried > 150);
    assert_int_equal(counts(f).participants, 1);
    assert_int_equal(f->command_count, 0);
    fake_free(f);
}

static void outside_a_room_most_is_refused(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    size_t count;
    const struct signal_row *rows = signal_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].needs != NEEDS_ROOM)
            continue;
        say_data(f, rows[i].type, fitting_data(&rows[i]));
        expect_error(f, 1, "not-joined");
    }
    fake_free(f);
}

// ---- limits

static void rooms_and_participants_are_bounded(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.rooms_max = 2;
    f->config.limits.participants_per_room_max = 2;
    fake_start(f);
    joins(f, 1, "a", "u1");
    joins(f, 2, "a", "u2");
    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'a','username':'u3'}}");
    expect_error(f, 3, "room-full");
    say(f, 3, "{'type':'join-room','data':{'roomId':'b','username':'u3'}}");
    expect_only_type(f, 3, "joined");
    open_client(f, 4);
    say(f, 4, "{'type':'join-room','data':{'roomId':'c','username':'u4'}}");
    expect_error(f, 4, "limit-reached");
    // an empty room that lingers makes place
    say(f, 3, "{'type':'leave-room'}");
    expect_only_type(f, 3, "left");
    say(f, 4, "{'type':'join-room','data':{'roomId':'c','username':'u4'}}");
    expect_only_type(f, 4, "joined");
    assert_int_equal(counts(f).rooms, 2);
    assert_int_equal(counts(f).joins_refused, 2);
    fake_free(f);
}

static void messages_are_rated(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.messages_per_second_max = 10;
    fake_start(f);
    open_client(f, 1);
    for (int i = 0; i < 100; i++) { // ten seconds' worth at once
        say(f, 1, "{'type':'ping'}");
        expect_only_type(f, 1, "pong");
    }
    say(f, 1, "{'type':'ping'}");
    expect_error(f, 1, "rate-limited");
    pass(f, 100 * US_PER_MS);
    say(f, 1, "{'type':'ping'}");
    expect_only_type(f, 1, "pong");
    for (int i = 0; i < 99; i++) {
        say(f, 1, "{'type':'ping'}");
        expect_error(f, 1, "rate-limited");
    }
    assert_int_equal(f->close_count, 0);
    say(f, 1, "{'type':'ping'}");
    assert_int_equal(f->close_count, 1);
    assert_int_equal(f->closes[0].code, 1008);
    forget_texts(f);
    say(f, 1, "{'type':'ping'}");
    expect_nothing(f, 1);
    assert_int_equal(counts(f).rate_limited, 101);
    fake_free(f);
}

static void those_who_do_not_join_are_closed(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    joins(f, 2, "r", "ann");
    pass(f, f->config.limits.join_timeout_us - US_PER_SECOND);
    say(f, 2, "{'type':'leave-room'}");
    pass(f, 2 * US_PER_SECOND);
    assert_int_equal(f->close_count, 1);
    assert_int_equal(f->closes[0].client, 1);
    pass(f, f->config.limits.join_timeout_us);
    assert_int_equal(f->close_count, 2);
    signalling_client_closed(f->signalling, 1, f->now_us);
    signalling_client_closed(f->signalling, 2, f->now_us);
    assert_int_equal(counts(f).clients, 0);
    fake_free(f);
}

static void draining_refuses_new_joins(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    json_t *ann = join(f, 1, "r", "ann");
    open_client(f, 2);
    hub_drain(f->hub, 0, f->now_us);
    for (uint32_t client = 1; client <= 2; client++) {
        json_t *data = expect(f, client, "server-draining");
        assert_true(json_is_null(json_object_get(data, "deadline")));
        assert_true(json_is_null(json_object_get(data, "url")));
        json_decref(data);
        expect_nothing(f, client);
    }
    // Who comes only now hears where else to go, and why not here.
    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'bob'}}");
    expect_only_type(f, 3, "server-draining");
    expect_error(f, 3, "draining");
    // A session that exists may still come back; its connection may have been lost when the others heard.
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s'}}", text_at(ann, "resumeToken"));
    json_decref(expect(f, 2, "joined"));
    expect_only_type(f, 2, "server-draining");
    json_decref(ann);
    fake_free(f);
}

static void a_deadline_is_told_in_milliseconds(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    hub_set_drain_to(f->hub, "wss://next/ws");
    hub_drain(f->hub, FAKE_WALL_US + 1500, f->now_us);
    json_t *data = expect(f, 1, "server-draining");
    assert_string_equal(text_at(data, "url"), "wss://next/ws");
    assert_int_equal(int_at(data, "deadline"), FAKE_WALL_US / US_PER_MS + 1);
    json_decref(data);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(a_zero_byte_is_no_json),
        cmocka_unit_test(ids_come_back_as_they_were),
        cmocka_unit_test(half_a_character_keeps_the_id),
        cmocka_unit_test(bad_frames_are_answered_and_closed),
        cmocka_unit_test(every_field_is_checked),
        cmocka_unit_test(outside_a_room_most_is_refused),
        cmocka_unit_test(rooms_and_participants_are_bounded),
        cmocka_unit_test(messages_are_rated),
        cmocka_unit_test(those_who_do_not_join_are_closed),
        cmocka_unit_test(draining_refuses_new_joins),
        cmocka_unit_test(a_deadline_is_told_in_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
