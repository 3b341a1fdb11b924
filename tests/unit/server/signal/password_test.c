// Joins that need a password: who is asked, what waits, and what becomes of it.
#include "fake.h"

// The room "garden" has a password, the name "ann" in it is a moderator's.
struct door {
    struct fake *f;
    unsigned asked, failed, guessed;
    uint32_t client, ticket;
    bool moderator, busy;
};
static struct door door;

static bool needs_password(void *ctx, const char *room, const char *name, bool *moderator) {
    (void)ctx;
    *moderator = strcmp(name, "ann") == 0;
    return strcmp(room, "garden") == 0;
}

static bool check_password(void *ctx, uint32_t client, uint32_t ticket, const char *room, const char *name,
                           const char *password) {
    (void)ctx;
    assert_string_equal(room, "garden");
    assert_true(password[0]);
    if (door.busy)
        return false;
    door.asked++;
    door.client = client;
    door.ticket = ticket;
    door.moderator = strcmp(name, "ann") == 0;
    return true;
}

static void note(void *ctx, uint32_t client, enum signal_note what) {
    (void)ctx, (void)client;
    door.failed += what == SIGNAL_JOIN_FAILED;
    door.guessed += what == SIGNAL_GUESSED;
}

static struct fake *with_door(void) {
    struct fake *f = fake_new(1);
    struct signal_io io = fake_signal_io(f);
    io.password = needs_password;
    io.check_password = check_password;
    io.note = note;
    fake_start_with(f, &io);
    door = (struct door){.f = f};
    return f;
}

static void verdict(bool right) {
    struct fake *f = door.f;
    signalling_password_checked(f->signalling, door.client, door.ticket, right, door.moderator, f->now_us);
}

#define JOIN "'type':'join-room','data':{'roomId':' garden','username':'%s','password':'x'}"

static void who_needs_one(void **state) {
    (void)state;
    struct fake *f = with_door();
    joins(f, 1, "hall", "ann");
    open_client(f, 2);
    say(f, 2, "{'type':'join-room','data':{'roomId':'garden','username':'bob'}}");
    expect_error(f, 2, "password-needed");
    assert_int_equal(door.failed, 1);
    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    say(f, 2, "{'type':'join-room','data':{'roomId':'garden','username':'bob','password':'%s'}}", longest);
    expect_error(f, 2, "bad-request");
    door.busy = true;
    say(f, 2, "{" JOIN "}", "bob");
    expect_error(f, 2, "rate-limited");
    assert_int_equal(door.asked, 0);
    fake_free(f);
}

static unsigned admit_nobody(void *ctx, uint32_t client, enum hub_step step) {
    (void)ctx, (void)client;
    return step == HUB_STEP_JOIN ? 7 : 0;
}

// Whose address has failed too often: the code says whether it was a password that was not looked at.
static void too_many_attempts(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    struct signal_io io = fake_signal_io(f);
    io.password = needs_password;
    io.check_password = check_password;
    io.note = note;
    io.admit = admit_nobody;
    fake_start_with(f, &io);
    door = (struct door){.f = f};
    open_client(f, 1);
    say(f, 1, "{" JOIN "}", "bob");
    expect_error(f, 1, "password-attempts");
    say(f, 1, "{'type':'join-room','data':{'roomId':'garden','username':'bob'}}");
    expect_error(f, 1, "rate-limited");
    assert_int_equal(door.asked, 0);
    fake_free(f);
}

static unsigned verified, held_up; // held_up: seconds that everybody has to wait
static bool verify_good(void *ctx, const char *token, struct grants *out, char *why) {
    (void)ctx;
    verified++;
    snprintf(why, SIGNAL_WHY_MAX, "it is bad");
    *out = (struct grants){.rights = RIGHTS_ALL, .identity = "bob", .name = "bob", .room = "garden"};
    return strcmp(token, "good") == 0;
}
static unsigned admit_later(void *ctx, uint32_t client, enum hub_step step) {
    (void)ctx, (void)client, (void)step;
    return held_up;
}

// Nor is a token looked at then, whatever stands beside it; who was there comes back by its own.
static void too_many_tokens(void **state) {
    (void)state;
    struct fake *f = fake_new(1);
    struct signal_io io = fake_signal_io(f);
    io.verify = verify_good;
    io.admit = admit_later;
    io.note = note;
    fake_start_with(f, &io);
    verified = held_up = 0;
    open_client(f, 1);
    say(f, 1, "{'type':'join-room','data':{'roomId':'garden','token':'good'}}");
    json_t *joined = expect(f, 1, "joined");
    char mine[64], others[64];
    snprintf(mine, sizeof mine, "%s", text_at(joined, "resumeToken"));
    snprintf(others, sizeof others, "%s", mine);
    others[0] ^= 1;
    json_decref(joined);
    assert_int_equal(verified, 1);
    held_up = 7;
    signalling_client_closed(f->signalling, 1, f->now_us);
    static const char join[] = "{'type':'join-room','data':{'roomId':'%s','token':'%s','resumeToken':'%s'}}";
    const struct {
        const char *room, *token, *resume_token, *code;
        bool looked_at;
    } rows[] = {
        {"garden", "good", "r", "rate-limited", false},     {"garden", "bad", others, "rate-limited", false},
        {"elsewhere", "good", mine, "rate-limited", false}, {"\x7f", "good", mine, "rate-limited", false},
        {"garden", "bad", mine, "unauthorized", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        verified = 0;
        open_client(f, 2 + (uint32_t)i);
        say(f, 2 + (uint32_t)i, join, rows[i].room, rows[i].token, rows[i].resume_token);
        expect_error(f, 2 + (uint32_t)i, rows[i].code);
        assert_int_equal(verified, rows[i].looked_at);
    }
    open_client(f, 20);
    say(f, 20, join, " garden", "good", mine);
    expect_only_type(f, 20, "joined");
    fake_free(f);
}

static void the_right_one(void **state) {
    (void)state;
    struct fake *f = with_door();
    open_client(f, 1);
    say(f, 1, "{" JOIN ",'id':7}", "bob");
    expect_nothing(f, 1);
    say(f, 1, "{" JOIN ",'id':8}", "bob"); // one at a time
    expect_error(f, 1, "wrong-state");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    expect_error(f, 1, "not-joined");
    assert_int_equal(door.asked, 1);
    signalling_password_checked(f->signalling, door.client, door.ticket + 1, true, true, f->now_us);
    expect_nothing(f, 1); // another one's verdict
    verdict(true);
    json_t *message = hear(f, 1);
    assert_string_equal(type_of(message), "joined");
    assert_int_equal(int_at(message, "id"), 7);
    assert_true(json_is_false(at(message, "data.permissions.moderate")));
    char token[64];
    snprintf(token, sizeof token, "%s", text_at(message, "data.resumeToken"));
    json_decref(message);
    verdict(true); // once more is nothing
    expect_nothing(f, 1);
    // Who was in needs none to come back.
    signalling_client_closed(f->signalling, 1, f->now_us);
    open_client(f, 2);
    say(f, 2, "{'type':'join-room','data':{'roomId':'garden','resumeToken':'%s'}}", token);
    expect_only_type(f, 2, "joined");
    // Without a session to resume, one does.
    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'garden','username':'cid','resumeToken':'%s'}}", token);
    expect_error(f, 3, "password-needed");
    fake_free(f);
}

static void a_moderator(void **state) {
    (void)state;
    struct fake *f = with_door();
    open_client(f, 1);
    say(f, 1, "{" JOIN "}", "ann");
    say(f, 1, "{'type':'ping'}"); // answers without ids keep their order
    expect_nothing(f, 1);
    verdict(true);
    json_t *joined = expect(f, 1, "joined");
    assert_true(json_is_true(at(joined, "permissions.moderate")));
    json_decref(joined);
    expect_only_type(f, 1, "pong");
    say(f, 1, "{'type':'lock-room'}");
    expect_only_type(f, 1, "room-locked");
    fake_free(f);
}

static void a_wrong_one(void **state) {
    (void)state;
    struct fake *f = with_door();
    open_client(f, 1);
    say(f, 1, "{" JOIN "}", "ann");
    verdict(false);
    expect_error(f, 1, "password-wrong");
    assert_int_equal(door.guessed, 1);
    assert_int_equal(door.failed, 0);
    say(f, 1, "{" JOIN "}", "bob"); // again
    verdict(true);
    expect_only_type(f, 1, "joined");
    assert_int_equal(counts(f).joins_refused, 1);
    fake_free(f);
}

static void who_goes_meanwhile(void **state) {
    (void)state;
    struct fake *f = with_door();
    open_client(f, 1);
    say(f, 1, "{" JOIN "}", "bob");
    signalling_client_closed(f->signalling, 1, f->now_us);
    verdict(true);
    open_client(f, 2);
    say(f, 2, "{" JOIN "}", "bob");
    uint32_t ticket = door.ticket;
    for (unsigned i = 0; i < 70; i++) // answers that wait are bounded: the join gives up
        say(f, 2, "{'type':'ping'}");
    expect_error(f, 2, "internal");
    signalling_password_checked(f->signalling, 2, ticket, true, false, f->now_us);
    for (unsigned i = 0; i < 70; i++)
        expect_only_type(f, 2, "pong");
    expect_nothing(f, 2);
    open_client(f, 3);
    say(f, 3, "{" JOIN "}", "cid");
    pass(f, 31 * US_PER_SECOND); // nobody verifies it: closed like others who do not join
    assert_int_equal(f->closes[f->close_count - 1].client, 3);
    verdict(true);
    expect_nothing(f, 3);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_needs_one),      cmocka_unit_test(too_many_attempts),
        cmocka_unit_test(too_many_tokens),    cmocka_unit_test(the_right_one),
        cmocka_unit_test(a_moderator),        cmocka_unit_test(a_wrong_one),
        cmocka_unit_test(who_goes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
