// The lobby as clients see it: who knocks, what moderators hear, how one comes in; bans and roles.
#include "fake.h"

static unsigned failed;

// Who is called ann moderates, whatever the password.
static bool needs_password(void *ctx, const char *room, const char *name, bool *moderator) {
    (void)ctx, (void)room;
    *moderator = strncmp(name, "ann", 3) == 0;
    return *moderator;
}
static uint32_t asking, ticket;
static bool check_password(void *ctx, uint32_t client, uint32_t number, const char *room, const char *name,
                           const char *password) {
    (void)ctx, (void)room, (void)name, (void)password;
    asking = client;
    ticket = number;
    return true;
}
static bool network(void *ctx, uint32_t client, char out[NETWORK_BYTES_MAX]) {
    (void)ctx;
    snprintf(out, NETWORK_BYTES_MAX, "192.0.2.%u", client);
    return true;
}
static void note(void *ctx, uint32_t client, enum signal_note what) {
    (void)ctx, (void)client;
    failed += what == SIGNAL_JOIN_FAILED;
}
static struct room_rules rules(void *ctx, const char *room) {
    (void)ctx;
    return (struct room_rules){.lobby = strcmp(room, "hall") != 0};
}

static struct fake *with_lobby(void) {
    struct fake *f = fake_new(1);
    struct hub_io io = fake_io(f);
    struct signal_io signal_io = fake_signal_io(f);
    io.rules = rules;
    signal_io.password = needs_password;
    signal_io.check_password = check_password;
    signal_io.network = network;
    signal_io.note = note;
    failed = 0;
    f->hub = hub_create(&f->config, &io, f->now_us);
    assert_non_null(f->hub);
    f->signalling = signalling_create(f->hub, &signal_io, f->now_us);
    assert_non_null(f->signalling);
    return f;
}

static void moderates(struct fake *f, uint32_t client, const char *room, const char *name) {
    open_client(f, client);
    say(f, client, "{'type':'join-room','data':{'roomId':'%s','username':'%s','password':'x'}}", room, name);
    signalling_password_checked(f->signalling, asking, ticket, true, true, f->now_us);
    json_t *joined = expect(f, client, "joined");
    assert_string_equal(text_at(joined, "role"), "moderator");
    json_decref(joined);
}

static char knock_id[64];
static void knocks(struct fake *f, uint32_t client, const char *room, const char *name) {
    open_client(f, client);
    say(f, client, "{'type':'join-room','data':{'roomId':'%s','username':'%s'},'id':5}", room, name);
    json_t *lobby = expect(f, client, "lobby");
    assert_string_equal(text_at(lobby, "state"), "waiting");
    assert_string_equal(text_at(lobby, "roomId"), room);
    assert_string_equal(text_at(lobby, "username"), name);
    snprintf(knock_id, sizeof knock_id, "%s", text_at(lobby, "userId"));
    json_decref(lobby);
}

static void from_knock_to_room(void **state) {
    (void)state;
    struct fake *f = with_lobby();
    knocks(f, 1, "r", "bob");
    pass(f, 120 * US_PER_SECOND); // who waits is not closed like one who does not join
    assert_int_equal(f->close_count, 0);
    say(f, 1, "{'type':'chat-message','data':{'text':'hello?'}}");
    expect_error(f, 1, "not-joined");
    say(f, 1, "{'type':'join-room','data':{'roomId':'hall','username':'bob'}}");
    expect_error(f, 1, "wrong-state");
    moderates(f, 2, "r", "ann"); // comes later, and hears who waits
    json_t *lobby = expect(f, 2, "lobby");
    assert_true(json_is_true(at(lobby, "enabled")));
    assert_string_equal(text_at(lobby, "waiting.0.userId"), knock_id);
    assert_string_equal(text_at(lobby, "waiting.0.username"), "bob");
    assert_int_equal(json_array_size(at(lobby, "waiting")), 1);
    json_decref(lobby);
    expect_nothing(f, 1); // who waits hears nothing of the room
    moderates(f, 3, "r", "anna");
    expect_only_type(f, 3, "lobby");
    expect_only_type(f, 2, "user-joined");
    say(f, 2, "{'type':'admit-user','data':{'target':'%s'},'id':1}", knock_id);
    expect_only_type(f, 2, "user-admitted");
    expect_nothing(f, 2);
    lobby = expect(f, 3, "lobby");
    assert_string_equal(text_at(lobby, "gone"), knock_id);
    assert_string_equal(text_at(lobby, "reason"), "admitted");
    assert_string_equal(text_at(lobby, "by"), "ann");
    json_decref(lobby);
    lobby = expect(f, 1, "lobby");
    assert_string_equal(text_at(lobby, "state"), "admitted");
    json_decref(lobby);
    say(f, 1, "{'type':'join-room','data':{'roomId':'r','username':'bob'}}");
    json_t *joined = expect(f, 1, "joined");
    assert_string_equal(text_at(joined, "role"), "participant");
    assert_string_equal(text_at(joined, "peers.0.role"), "moderator");
    json_decref(joined);
    assert_int_equal(failed, 0);
    fake_free(f);
}

static void going_and_being_sent_away(void **state) {
    (void)state;
    struct fake *f = with_lobby();
    moderates(f, 1, "r", "ann");
    expect_only_type(f, 1, "lobby");
    knocks(f, 2, "r", "bob");
    json_t *lobby = expect(f, 1, "lobby");
    assert_string_equal(text_at(lobby, "knocked.username"), "bob");
    json_decref(lobby);
    say(f, 2, "{'type':'leave-room'}");
    expect_only_type(f, 2, "left");
    lobby = expect(f, 1, "lobby");
    assert_string_equal(text_at(lobby, "reason"), "left");
    json_decref(lobby);
    assert_int_equal(failed, 1); // what comes to nothing counts against the address
    say(f, 2, "{'type':'leave-room'}");
    expect_error(f, 2, "not-joined");
    knocks(f, 3, "r", "cid");
    signalling_client_closed(f->signalling, 3, f->now_us);
    expect_only_type(f, 1, "lobby");
    expect_only_type(f, 1, "lobby");
    assert_int_equal(failed, 2);
    knocks(f, 4, "r", "dan");
    expect_only_type(f, 1, "lobby");
    say(f, 1, "{'type':'deny-user','data':{'target':'%s','reason':'members only'}}", knock_id);
    expect_only_type(f, 1, "user-denied");
    lobby = expect(f, 4, "lobby");
    assert_string_equal(text_at(lobby, "state"), "denied");
    assert_string_equal(text_at(lobby, "message"), "members only");
    json_decref(lobby);
    assert_int_equal(failed, 3);
    say(f, 4, "{'type':'join-room','data':{'roomId':'hall','username':'dan'}}"); // somewhere else
    expect_only_type(f, 4, "joined");
    knocks(f, 5, "r", "eve");
    expect_only_type(f, 1, "lobby");
    say(f, 1, "{'type':'close-room'}");
    expect_only_type(f, 1, "room-closed");
    lobby = expect(f, 5, "lobby");
    assert_string_equal(text_at(lobby, "state"), "room-closed");
    json_decref(lobby);
    pass(f, 31 * US_PER_SECOND);
    assert_int_equal(f->close_count, 3); // ann, bob, eve; dan is in another room
    fake_free(f);
}

static void switching(void **state) {
    (void)state;
    struct fake *f = with_lobby();
    moderates(f, 1, "hall", "ann");
    expect_nothing(f, 1); // there is no lobby
    joins(f, 2, "hall", "bob");
    expect_only_type(f, 1, "user-joined");
    say(f, 2, "{'type':'set-lobby','data':{'enabled':true}}");
    expect_error(f, 2, "forbidden");
    say(f, 1, "{'type':'set-lobby','data':{'enabled':true}}");
    expect_only_type(f, 1, "lobby-set");
    knocks(f, 3, "hall", "cid");
    expect_only_type(f, 1, "lobby");
    expect_nothing(f, 2); // it is for moderators
    // Who becomes a moderator hears who waits.
    say(f, 1, "{'type':'set-role','data':{'target':'bob','role':'moderator'}}");
    expect_only_type(f, 1, "role-changed");
    json_t *role = expect(f, 2, "role-changed");
    assert_string_equal(text_at(role, "role"), "moderator");
    assert_string_equal(text_at(role, "by"), "ann");
    assert_true(json_is_true(at(role, "permissions.moderate")));
    json_decref(role);
    json_t *lobby = expect(f, 2, "lobby");
    assert_string_equal(text_at(lobby, "waiting.0.username"), "cid");
    json_decref(lobby);
    say(f, 2, "{'type':'admit-all'}");
    json_t *all = expect(f, 2, "all-admitted");
    assert_int_equal(int_at(all, "count"), 1);
    json_decref(all);
    expect_only_type(f, 1, "lobby");
    pass(f, 31 * US_PER_SECOND); // let in, and did not come
    assert_int_equal(f->closes[f->close_count - 1].client, 3);
    fake_free(f);
}

static void banning(void **state) {
    (void)state;
    struct fake *f = with_lobby();
    moderates(f, 1, "hall", "ann");
    joins(f, 2, "hall", "bob");
    expect_only_type(f, 1, "user-joined");
    say(f, 2, "{'type':'list-bans'}");
    expect_error(f, 2, "forbidden");
    say(f, 1, "{'type':'ban','data':{'target':'bob','reason':'enough'}}");
    json_t *left = expect(f, 1, "user-left");
    assert_string_equal(text_at(left, "reason"), "banned");
    json_decref(left);
    json_t *ban = expect(f, 1, "user-banned");
    char id[64];
    snprintf(id, sizeof id, "%s", text_at(ban, "userId"));
    assert_true(json_is_true(at(ban, "address")));
    json_decref(ban);
    json_t *kicked = expect(f, 2, "kicked");
    assert_string_equal(text_at(kicked, "reason"), "banned");
    assert_string_equal(text_at(kicked, "message"), "enough");
    json_decref(kicked);
    say(f, 2, "{'type':'join-room','data':{'roomId':'hall','username':'robert'}}"); // from the same address
    expect_error(f, 2, "forbidden");
    assert_int_equal(failed, 1);
    say(f, 1, "{'type':'list-bans'}");
    json_t *bans = expect(f, 1, "bans");
    assert_string_equal(text_at(bans, "bans.0.userId"), id);
    assert_string_equal(text_at(bans, "bans.0.username"), "bob");
    json_decref(bans);
    say(f, 1, "{'type':'unban','data':{'target':'%s'}}", id);
    expect_only_type(f, 1, "user-unbanned");
    say(f, 2, "{'type':'join-room','data':{'roomId':'hall','username':'bob'}}");
    expect_only_type(f, 2, "joined");
    expect_only_type(f, 1, "user-joined");
    say(f, 1, "{'type':'ban','data':{'target':'bob','address':false}}");
    expect_only_type(f, 1, "user-left");
    ban = expect(f, 1, "user-banned");
    assert_true(json_is_false(at(ban, "address")));
    json_decref(ban);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_knock_to_room),
        cmocka_unit_test(going_and_being_sent_away),
        cmocka_unit_test(switching),
        cmocka_unit_test(banning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
