// Rooms: join, leave, chat, ping, and how requests are refused.
#include "fake.h"

static void joined_tells_who_and_what(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    json_t *ann = join(f, 1, "r", "ann");
    assert_string_equal(text_at(ann, "roomId"), "r");
    assert_string_equal(text_at(ann, "users.0"), "ann");
    assert_int_equal(json_array_size(at(ann, "users")), 1);
    assert_int_equal(json_array_size(at(ann, "peers")), 0);
    assert_true(strlen(text_at(ann, "userId")) >= 20);
    assert_true(strlen(text_at(ann, "resumeToken")) >= 32);
    assert_true(json_array_size(at(ann, "routerRtpCapabilities.codecs")) > 5);
    assert_true(json_is_false(at(ann, "resumed")));
    assert_true(json_is_array(at(ann, "iceServers")));
    json_t *bob = join(f, 2, "r", "bob");
    assert_int_equal(json_array_size(at(bob, "users")), 2);
    assert_string_equal(text_at(bob, "peers.0.username"), "ann");
    assert_string_equal(text_at(bob, "peers.0.userId"), text_at(ann, "userId"));
    json_t *news = expect(f, 1, "user-joined");
    assert_string_equal(text_at(news, "user"), "bob");
    assert_string_equal(text_at(news, "userId"), text_at(bob, "userId"));
    json_decref(news);
    expect_nothing(f, 1);
    expect_nothing(f, 2);
    json_decref(ann);
    json_decref(bob);
    fake_free(f);
}

static void names_are_trimmed_and_checked(void **state) {
    (void)state;
    static const struct {
        const char *room, *user, *code; // code NULL: joins
    } rows[] = {
        {"r", "ann", NULL},
        {" r ", "  bob\\t", NULL},
        {"r", "J\xc3\xb6rg \xf0\x9f\x98\x80", NULL},
        {"", "ann", "bad-request"},
        {"r", "", "bad-request"},
        {"r", "   ", "bad-request"},
        {"r", "a\\u0007b", "bad-request"},
        {"r", "a\\u0085b", "bad-request"},
        {"r", "a\\u007fb", "bad-request"},
        {"r\\nr", "ann", "bad-request"},
        {"r", "0123456789012345678901234567890123456789012345678901234567890123", NULL},
        {"r", "01234567890123456789012345678901234567890123456789012345678901234", "bad-request"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "901234567890123456789012345678",
         "ann", NULL},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "9012345678901234567890123456789",
         "ann", "bad-request"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_hub(1);
        open_client(f, 1);
        say(f, 1, "{'type':'join-room','data':{'roomId':'%s','username':'%s'}}", rows[i].room, rows[i].user);
        if (rows[i].code)
            expect_error(f, 1, rows[i].code);
        else
            expect_only_type(f, 1, "joined");
        assert_int_equal(counts(f).participants, rows[i].code ? 0 : 1);
        fake_free(f);
    }
}

static void names_that_look_alike_are_one(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "caf\xc3\xa9", "Jos\xc3\xa9");
    open_client(f, 2);
    say(f, 2, "{'type':'join-room','data':{'roomId':'cafe\xcc\x81','username':'Jose\xcc\x81'}}");
    expect_error(f, 2, "username-taken");
    say(f, 2, "{'type':'join-room','data':{'roomId':'cafe\xcc\x81','username':'Jos\xc3\xa9\xe2\x80\x8b'}}");
    json_t *data = expect(f, 2, "error");
    assert_string_equal(text_at(data, "code"), "bad-request");
    assert_non_null(strstr(text_at(data, "message"), "U+200B"));
    json_decref(data);
    say(f, 2,
        "{'type':'join-room','data':{'roomId':'cafe\xcc\x81','username':'\xc2\xa0"
        "bob\xe2\x80\x83'}}");
    json_t *joined = expect(f, 2, "joined");
    assert_string_equal(text_at(joined, "roomId"), "caf\xc3\xa9");
    assert_string_equal(text_at(joined, "users.1"), "bob");
    json_decref(joined);
    expect_only_type(f, 1, "user-joined");
    // a target is found however it is spelt
    say(f, 2, "{'type':'call-remote','data':{'target':' Jose\xcc\x81 '}}");
    expect_only_type(f, 1, "call-remote");
    say(f, 2, "{'type':'call-remote','data':{'target':'Jos\xc3\xa9\xe2\x80\x8b'}}");
    expect_error(f, 2, "not-found");
    say(f, 2, "{'type':'leave-room','data':{'roomId':'cafe\xcc\x81','username':'bob '}}");
    expect_only_type(f, 2, "left");
    fake_free(f);
}

static void a_username_is_unique_in_its_room(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    open_client(f, 2);
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':' ann '},'id':7}");
    json_t *message = hear(f, 2);
    assert_string_equal(text_at(message, "data.code"), "username-taken");
    assert_string_equal(text_at(message, "data.request"), "join-room");
    assert_int_equal(int_at(message, "id"), 7);
    json_decref(message);
    expect_nothing(f, 1);
    // elsewhere it is free, and the same connection may try again
    say(f, 2, "{'type':'join-room','data':{'roomId':'r2','username':'ann'}}");
    expect_only_type(f, 2, "joined");
    assert_int_equal(counts(f).rooms, 2);
    assert_int_equal(counts(f).joins_refused, 1);
    fake_free(f);
}

static void leaving_tells_the_others_and_allows_joining_again(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    expect_only_type(f, 1, "user-joined");
    say(f, 2, "{'type':'leave-room','data':{'roomId':'other'}}");
    expect_error(f, 2, "forbidden");
    say(f, 2, "{'type':'leave-room','data':{'roomId':'r','username':'ann'}}");
    expect_error(f, 2, "forbidden");
    say(f, 2, "{'type':'leave-room','data':{'roomId':'r','username':'bob'},'id':'x'}");
    json_t *left = hear(f, 2);
    assert_string_equal(type_of(left), "left");
    assert_string_equal(text_at(left, "data.roomId"), "r");
    assert_string_equal(text_at(left, "id"), "x");
    json_decref(left);
    json_t *gone = expect(f, 1, "user-left");
    assert_string_equal(text_at(gone, "user"), "bob");
    assert_string_equal(text_at(gone, "reason"), "left");
    json_decref(gone);
    say(f, 2, "{'type':'leave-room'}");
    expect_error(f, 2, "not-joined");
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':'bob'}}");
    expect_only_type(f, 2, "joined");
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':'bob'}}");
    expect_error(f, 2, "already-joined");
    assert_int_equal(counts(f).participants, 2);
    fake_free(f);
}

static void chat_reaches_everyone_once(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    json_t *ann = join(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    expect_only_type(f, 1, "user-joined");
    joins(f, 3, "elsewhere", "eve");
    say(f, 1, "{'type':'chat-message','data':{'text':'hello','from':'bob'},'id':1}");
    json_t *own = hear(f, 1);
    assert_int_equal(int_at(own, "id"), 1);
    assert_string_equal(text_at(own, "data.from"), "ann"); // the server says who it was
    assert_string_equal(text_at(own, "data.fromId"), text_at(ann, "userId"));
    assert_string_equal(text_at(own, "data.timestamp"), "2026-01-01T00:00:01.000Z");
    json_t *other = hear(f, 2);
    assert_string_equal(type_of(other), "chat-message");
    assert_true(json_equal(json_object_get(own, "data"), json_object_get(other, "data")));
    assert_null(json_object_get(other, "id"));
    json_decref(own);
    json_decref(other);
    expect_nothing(f, 1);
    expect_nothing(f, 2);
    expect_nothing(f, 3);
    say(f, 2, "{'type':'chat-message','data':{'text':'hi','timestamp':'2026-05-01T12:00:00Z'}}");
    json_t *second = expect(f, 1, "chat-message");
    assert_string_equal(text_at(second, "timestamp"), "2026-05-01T12:00:00Z");
    json_decref(second);
    json_t *late = join(f, 4, "r", "dan");
    assert_int_equal(json_array_size(at(late, "chat")), 2);
    assert_string_equal(text_at(late, "chat.0.text"), "hello");
    assert_string_equal(text_at(late, "chat.1.text"), "hi");
    json_decref(late);
    json_decref(ann);
    fake_free(f);
}

static void chat_is_bounded(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    f->config.limits.chat_history_max = 3;
    f->config.limits.chat_bytes_max = 8;
    fake_start(f);
    joins(f, 1, "r", "ann");
    for (int i = 0; i < 5; i++) {
        say(f, 1, "{'type':'chat-message','data':{'text':'%d'}}", i);
        expect_only_type(f, 1, "chat-message");
    }
    say(f, 1, "{'type':'chat-message','data':{'text':'123456789'}}");
    expect_error(f, 1, "limit-reached");
    say(f, 1, "{'type':'chat-message','data':{'text':''}}");
    expect_error(f, 1, "bad-request");
    json_t *bob = join(f, 2, "r", "bob");
    assert_int_equal(json_array_size(at(bob, "chat")), 3);
    assert_string_equal(text_at(bob, "chat.0.text"), "2");
    json_decref(bob);
    fake_free(f);
}

static void a_room_lingers_with_its_chat(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    say(f, 1, "{'type':'chat-message','data':{'text':'remember'}}");
    expect_only_type(f, 1, "chat-message");
    say(f, 1, "{'type':'leave-room'}");
    expect_only_type(f, 1, "left");
    assert_int_equal(counts(f).rooms, 1);
    pass(f, f->config.limits.room_linger_us - US_PER_SECOND);
    say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'ann'}}");
    json_t *again = expect(f, 1, "joined");
    assert_int_equal(json_array_size(at(again, "chat")), 1);
    json_decref(again);
    pass(f, f->config.limits.room_linger_us * 2);
    assert_int_equal(counts(f).rooms, 1); // nobody closes a room with someone in it
    say(f, 1, "{'type':'leave-room'}");
    expect_only_type(f, 1, "left");
    pass(f, f->config.limits.room_linger_us + US_PER_MS);
    assert_int_equal(counts(f).rooms, 0);
    fake_free(f);
}

static void ping_is_answered_anywhere(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    open_client(f, 1);
    say(f, 1, "{'type':'ping','data':{}}");
    json_t *pong = expect(f, 1, "pong");
    assert_int_equal(int_at(pong, "ts"), (FAKE_WALL_US + f->now_us) / US_PER_MS);
    json_decref(pong);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_tells_who_and_what),
        cmocka_unit_test(names_are_trimmed_and_checked),
        cmocka_unit_test(names_that_look_alike_are_one),
        cmocka_unit_test(a_username_is_unique_in_its_room),
        cmocka_unit_test(leaving_tells_the_others_and_allows_joining_again),
        cmocka_unit_test(chat_reaches_everyone_once),
        cmocka_unit_test(chat_is_bounded),
        cmocka_unit_test(a_room_lingers_with_its_chat),
        cmocka_unit_test(ping_is_answered_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
