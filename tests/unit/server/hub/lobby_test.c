// The lobby: who waits, who lets in, what becomes of those who go; bans; roles.
#include "grants_stage.h"

static struct room_rules settled; // for every room
static struct room_rules rules(void *ctx, const char *room) {
    (void)ctx;
    assert_string_equal(room, "r");
    return settled;
}

static struct stage *with_rules(struct room_rules what) {
    struct stage *s = stage_new();
    const struct hub_io io = {.ctx = s, .post = post, .wall_us = wall_us, .rules = rules};
    struct hub_events events = observer;
    events.ctx = s;
    settled = what;
    wall_s = 1800000000;
    s->hub = hub_create(&s->config, &io, s->now_us);
    assert_non_null(s->hub);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, &events);
    return s;
}

#define MODERATOR (RIGHTS_ALL | RIGHT_ADMIN)

// Who comes in one way or the other.
struct guest {
    uint32_t connection, room;
    struct public_id knock;
    struct participant *in;
    struct hub_refusal refusal;
    bool waits;
};

static void comes(struct stage *s, struct guest *g, const char *name, unsigned rights, const char *network) {
    struct grants grants = grants_of("", name, rights);
    struct hub_join join = {
        .room = "r", .username = name, .grants = &grants, .network = network, .spent = &s->spent};
    if (g->connection == 0)
        g->connection = ++s->connections;
    join.connection = g->connection;
    g->refusal.code = HUB_CODE_COUNT;
    g->in = hub_join(s->hub, &join, &g->refusal);
    g->waits = join.pending;
    assert_true(join.pending == (join.knock != NULL) && !(join.pending && g->in));
    if (join.knock) {
        g->knock = join.knock->id;
        g->room = join.knock->room->id;
    }
}

static void enters(struct stage *s, struct guest *g, const char *name, unsigned rights, const char *network) {
    comes(s, g, name, rights, network);
    assert_non_null(g->in);
}

static void waiting_and_being_let_in(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true});
    struct hub_refusal refusal;
    struct guest bob = {0}, ann = {0}, cid = {0};
    comes(s, &bob, "bob", RIGHTS_ALL, NULL); // into a room where nobody is
    assert_true(bob.waits);
    pass(s, 60 * US_PER_SECOND); // which stays
    assert_int_equal(hub_participant_count(s->hub), 0);
    enters(s, &ann, "ann", MODERATOR, NULL);
    expect_heard(s, "bob knocks; joined ann; ");
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_int_equal(bob.refusal.code, HUB_WRONG_STATE);
    expect_heard(s, "cid knocks; ");
    assert_false(hub_admit(s->hub, ann.in, "nobody", &refusal));
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    assert_true(hub_admit(s->hub, ann.in, bob.knock.text, &refusal));
    assert_false(hub_admit(s->hub, ann.in, bob.knock.text, &refusal)); // it does not wait any more
    expect_heard(s, "knock of bob admitted by ann; ");
    comes(s, &bob, "boss", RIGHTS_ALL, NULL); // let in as another
    assert_true(bob.waits);
    expect_heard(s, "boss knocks; ");
    assert_true(hub_deny(s->hub, ann.in, bob.knock.text, "who are you?", &refusal));
    expect_heard(s, "knock of boss denied by ann: who are you?; ");
    assert_true(hub_admit(s->hub, ann.in, cid.knock.text, &refusal));
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    assert_non_null(cid.in);
    expect_heard(s, "knock of cid admitted by ann; joined cid; ");
    assert_int_equal(hub_room(s->hub, cid.room)->knock_count, 0);
    assert_false(hub_admit(s->hub, cid.in, "x", &refusal)); // who is no moderator lets nobody in
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

// Who was let in and goes away all the same is forgotten, and nobody hears of it.
static void let_in_and_gone(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true});
    struct hub_refusal refusal;
    struct guest ann = {0}, bob = {0};
    enters(s, &ann, "ann", MODERATOR, NULL);
    uint64_t held = counts(s).held_bytes;
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_true(counts(s).held_bytes > held);
    assert_true(hub_admit(s->hub, ann.in, bob.knock.text, &refusal));
    s->heard[0] = '\0';
    hub_withdraw(s->hub, bob.room, bob.connection);
    expect_heard(s, "");
    assert_int_equal(hub_room(s->hub, bob.room)->knock_count, 0);
    assert_int_equal(counts(s).held_bytes, held);
    comes(s, &bob, "bob", RIGHTS_ALL, NULL); // what let it in is gone, too
    assert_true(bob.waits);
    stage_close(s);
}

// Being let in once is good for one time, and for one person.
static void let_in_once_and_no_other(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true});
    struct hub_refusal refusal;
    struct public_id id;
    struct guest ann = {0}, bob = {0}, cid = {0};
    enters(s, &ann, "ann", MODERATOR, NULL);
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_true(hub_admit(s->hub, ann.in, bob.knock.text, &refusal));
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_non_null(bob.in);
    assert_true(hub_kick(s->hub, ann.in, "bob", NULL, &id, &refusal));
    comes(s, &bob, "bob", RIGHTS_ALL, NULL); // who was put out waits again
    assert_true(bob.waits);
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    assert_true(hub_admit(s->hub, ann.in, cid.knock.text, &refusal));
    struct grants other = grants_of("another", "cid", RIGHTS_ALL); // called the same, by another token
    struct hub_join join = {
        .room = "r", .username = "cid", .grants = &other, .connection = cid.connection, .spent = &s->spent};
    assert_null(hub_join(s->hub, &join, &refusal));
    assert_true(join.pending);
    stage_close(s);
}

// No moderator is to hear of who is hidden, so none is asked.
static void who_is_hidden_does_not_knock(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true});
    struct hub_refusal refusal;
    struct guest ann = {0};
    enters(s, &ann, "ann", MODERATOR, NULL);
    s->heard[0] = '\0';
    struct grants recorder = grants_of("rec", "recorder", RIGHTS_ALL);
    recorder.hidden = true;
    struct participant *r = join_with(s, &recorder, NULL, NULL, &refusal);
    assert_non_null(r);
    assert_int_equal(r->rights, RIGHT_SUBSCRIBE);
    assert_int_equal(r->room->knock_count, 0);
    assert_null(strstr(s->heard, "knocks"));
    hub_leave(s->hub, r, "left");
    assert_true(hub_lock(s->hub, ann.in, true, &refusal)); // a locked room is locked for it, too
    assert_null(join_with(s, &recorder, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

static void going_away(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true});
    struct guest bob = {0}, cid = {0};
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    uint64_t held = counts(s).held_bytes;
    hub_withdraw(s->hub, bob.room, bob.connection);
    hub_withdraw(s->hub, bob.room, bob.connection);
    assert_true(counts(s).held_bytes < held);
    pass(s, 60 * US_PER_SECOND);
    assert_non_null(hub_room(s->hub, cid.room));
    hub_withdraw(s->hub, cid.room, cid.connection);
    pass(s, 60 * US_PER_SECOND);
    assert_null(hub_room(s->hub, cid.room)); // nobody is there, nobody waits
    expect_heard(s, "bob knocks; cid knocks; knock of bob left; knock of cid left; ");
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    stage_close(s); // with one who waits
}

static void the_switch(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    uint32_t count;
    struct guest ann = {0}, bob = {0}, cid = {0}, dan = {0}, eve = {0};
    enters(s, &ann, "ann", MODERATOR, NULL);
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_non_null(bob.in);
    assert_false(hub_set_lobby(s->hub, bob.in, true, &refusal));
    assert_false(hub_admit_all(s->hub, bob.in, &count, &refusal));
    s->heard[0] = '\0';
    assert_true(hub_set_lobby(s->hub, ann.in, true, &refusal));
    assert_true(hub_set_lobby(s->hub, ann.in, true, &refusal));
    expect_heard(s, "ann switches the lobby on; ");
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    comes(s, &dan, "dan", RIGHTS_ALL, NULL);
    assert_true(hub_admit_all(s->hub, ann.in, &count, &refusal));
    assert_int_equal(count, 2);
    comes(s, &eve, "eve", RIGHTS_ALL, NULL);
    s->heard[0] = '\0';
    assert_true(hub_set_lobby(s->hub, ann.in, false, &refusal)); // who waits need not wait
    expect_heard(s, "knock of eve admitted by ann; ann switches the lobby off; ");
    comes(s, &eve, "eve", RIGHTS_ALL, NULL);
    assert_non_null(eve.in);
    assert_true(
        hub_lock(s->hub, ann.in, true, &refusal)); // admitted before, but nobody comes into a locked room
    comes(s, &cid, "cid", RIGHTS_ALL, NULL);
    assert_int_equal(cid.refusal.code, HUB_FORBIDDEN);
    assert_true(hub_set_lobby(s->hub, ann.in, true, &refusal));
    assert_true(hub_lock(s->hub, ann.in, false, &refusal));
    struct guest fay = {0};
    comes(s, &fay, "fay", RIGHTS_ALL, NULL);
    s->heard[0] = '\0';
    hub_leave(s->hub, ann.in, "left");
    hub_leave(s->hub, bob.in, "left");
    hub_leave(s->hub, eve.in,
              "left"); // nobody is there who could let fay in: as the rules have it, there is no lobby
    expect_heard(s, "left ann; left bob; left eve; knock of fay admitted; ");
    comes(s, &fay, "fay", RIGHTS_ALL, NULL);
    assert_non_null(fay.in);
    stage_close(s);
}

static void how_many_wait(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.lobby = true, .people_max = 1});
    unsigned taken = 0;
    char name[16], network[32];
    for (unsigned i = 0; i < 300; i++) { // half of the places are one network's at most
        struct guest g = {0};
        snprintf(name, sizeof name, "n%u", i);
        snprintf(network, sizeof network, "192.0.2.%u", i < 100 ? 1 : i);
        s->heard[0] = '\0';
        comes(s, &g, name, RIGHTS_ALL, network);
        taken += g.waits;
        if (i == 99)
            assert_int_equal(taken, LOBBY_WAITING_PER_NETWORK_MAX);
        if (!g.waits)
            assert_int_equal(g.refusal.code, HUB_LIMIT_REACHED);
    }
    assert_int_equal(taken, LOBBY_WAITING_MAX);
    s->heard[0] = '\0';
    struct guest ann = {0}, bob = {0};
    struct hub_refusal refusal;
    enters(s, &ann, "ann", MODERATOR, NULL);
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_int_equal(bob.refusal.code, HUB_ROOM_FULL); // the operator lets one in
    s->heard[0] = '\0';
    struct room *room = ann.in->room;
    LIST_EACH(node, &room->lobby) {
        s->heard[0] = '\0';
        assert_true(hub_deny(s->hub, ann.in, LIST_ENTRY(node, struct knock, link)->id.text, NULL, &refusal));
    }
    assert_int_equal(room->knock_count, 0);
    settled.closed = true;
    comes(s, &bob, "bob", RIGHTS_ALL, NULL);
    assert_int_equal(bob.refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

// ---- bans

static void who_is_banned(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct guest ann = {0}, bob = {0}, other = {0};
    enters(s, &ann, "ann", MODERATOR, "192.0.2.1");
    enters(s, &bob, "J\xc3\xb6rg", RIGHTS_ALL, "192.0.2.2");
    struct public_id id = bob.in->id;
    assert_null(hub_ban(s->hub, bob.in, "ann", NULL, true, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(hub_ban(s->hub, ann.in, "ann", NULL, true, &refusal));
    s->heard[0] = '\0';
    const struct ban *ban = hub_ban(s->hub, ann.in, "J\xc3\xb6rg", "enough", true, &refusal);
    assert_non_null(ban);
    assert_string_equal(ban->network, "192.0.2.2");
    assert_string_equal(ban->id.text, id.text);
    expect_heard(s, "removed J\xc3\xb6rg: banned by ann: enough; banned J\xc3\xb6rg; ");
    static const struct {
        const char *name, *network;
        unsigned rights;
        bool in;
    } rows[] = {
        {"J\xc3\xb6rg", "192.0.2.3", RIGHTS_ALL, false},
        {" Jo\xcc\x88rg ", "192.0.2.3", RIGHTS_ALL, false}, // the same name, composed otherwise
        {"j\xc3\x96RG", "192.0.2.3", RIGHTS_ALL, false},    // and in another case
        {"bert", "192.0.2.2", RIGHTS_ALL, false},           // from where it was
        {"J\xc3\xb6rg", "192.0.2.3", MODERATOR, false},
        {"dora", "192.0.2.2", MODERATOR, true}, // a moderator from there is no such
        {"jorg", "192.0.2.3", RIGHTS_ALL, true},
        {"emil", NULL, RIGHTS_ALL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        other = (struct guest){0};
        comes(s, &other, rows[i].name, rows[i].rights, rows[i].network);
        if ((other.in != NULL) != rows[i].in)
            fail_msg("row %zu", i);
        if (!rows[i].in)
            assert_int_equal(other.refusal.code, HUB_FORBIDDEN);
    }
    assert_false(hub_unban(s->hub, ann.in, "x", &refusal));
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    assert_true(hub_unban(s->hub, ann.in, id.text, &refusal));
    comes(s, &bob, "J\xc3\xb6rg", RIGHTS_ALL, "192.0.2.2");
    assert_non_null(bob.in);
    assert_false(hub_unban(s->hub, bob.in, id.text, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

static void what_a_ban_is_of(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct guest ann = {0}, near = {0}, waits = {0};
    enters(s, &ann, "ann", MODERATOR, "192.0.2.1");
    enters(s, &near, "near", RIGHTS_ALL, "192.0.2.1");
    const struct ban *ban = hub_ban(s->hub, ann.in, "near", NULL, true, &refusal);
    assert_string_equal(ban->network, ""); // ann's own
    struct grants mole = grants_of("mole-1", "mole", RIGHTS_ALL);
    assert_non_null(join_with(s, &mole, NULL, NULL, &refusal));
    assert_non_null(hub_ban(s->hub, ann.in, "mole", NULL, false, &refusal));
    struct grants renamed = grants_of("mole-1", "badger", RIGHTS_ALL);
    assert_null(join_with(s, &renamed, NULL, NULL, &refusal)); // who it is counts, not what it is called
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    struct grants namesake = grants_of("mole-2", "mole", RIGHTS_ALL);
    assert_non_null(join_with(s, &namesake, NULL, NULL, &refusal));
    assert_true(hub_set_lobby(s->hub, ann.in, true, &refusal));
    comes(s, &waits, "fred", RIGHTS_ALL, "192.0.2.9");
    s->heard[0] = '\0';
    assert_non_null(hub_ban(s->hub, ann.in, waits.knock.text, NULL, true, &refusal));
    expect_heard(s, "knock of fred denied by ann; ");
    comes(s, &waits, "george", RIGHTS_ALL, "192.0.2.9");
    assert_int_equal(waits.refusal.code, HUB_FORBIDDEN);
    for (unsigned i = ann.in->room->ban_count; i <= BANS_MAX; i++) { // what is remembered is bounded
        struct guest g = {0};
        char name[16];
        snprintf(name, sizeof name, "g%u", i);
        assert_true(hub_set_lobby(s->hub, ann.in, false, &refusal));
        s->spent = (struct relay_budget){0};
        comes(s, &g, name, RIGHTS_ALL, NULL);
        assert_non_null(g.in);
        bool done = hub_ban(s->hub, ann.in, name, NULL, true, &refusal) != NULL;
        assert_int_equal(done, i < BANS_MAX);
        s->heard[0] = '\0';
    }
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    stage_close(s);
}

// ---- roles

static void roles(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct grants token = grants_of("bob-1", "bob", RIGHTS_ALL);
    struct guest ann = {0};
    enters(s, &ann, "ann", MODERATOR, NULL);
    struct participant *bob = join_with(s, &token, NULL, NULL, &refusal);
    struct room_transport *transport = opens(s, bob, true);
    produces(s, bob, transport, MEDIA_AUDIO);
    s->heard[0] = '\0';
    assert_null(hub_set_role(s->hub, bob, "ann", HUB_VIEWER, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(
        hub_set_role(s->hub, ann.in, "ann", HUB_VIEWER, &refusal)); // nobody is left without a moderator so
    assert_ptr_equal(hub_set_role(s->hub, ann.in, "bob", HUB_VIEWER, &refusal), bob);
    expect_heard(s, "taken audio: forbidden; closed audio; ann makes bob viewer; ");
    assert_null(try_produce(s, bob, transport->public_id.text, MEDIA_AUDIO, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_true(hub_update_grants(s->hub, bob, &token, &refusal)); // a new token is no way round it
    assert_null(try_produce(s, bob, transport->public_id.text, MEDIA_AUDIO, &refusal));
    s->heard[0] = '\0';
    assert_non_null(hub_set_role(s->hub, ann.in, "bob", HUB_MODERATOR, &refusal));
    expect_heard(s, "ann makes bob moderator; ");
    assert_true(hub_lock(s->hub, bob, true, &refusal));
    assert_non_null(hub_set_role(s->hub, bob, "ann", HUB_PARTICIPANT, &refusal));
    assert_false(hub_lock(s->hub, ann.in, false, &refusal));
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_and_being_let_in),
        cmocka_unit_test(who_is_hidden_does_not_knock),
        cmocka_unit_test(let_in_and_gone),
        cmocka_unit_test(let_in_once_and_no_other),
        cmocka_unit_test(going_away),
        cmocka_unit_test(the_switch),
        cmocka_unit_test(how_many_wait),
        cmocka_unit_test(who_is_banned),
        cmocka_unit_test(what_a_ban_is_of),
        cmocka_unit_test(roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
