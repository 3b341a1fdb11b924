// What tokens let people do, for how long, and what a new one changes.
#include "grants_stage.h"

#include "server/hub/hub_operate.h"

static void names(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL), bob = grants_of("bob-1", "", RIGHTS_ALL);
    struct grants cid = grants_of("c", "", RIGHTS_ALL), dan = grants_of("d", "Ann", RIGHTS_ALL);
    assert_string_equal(join_with(s, &ann, "Eve", NULL, &refusal)->name, "Ann");
    assert_string_equal(join_with(s, &bob, NULL, NULL, &refusal)->name, "bob-1");
    assert_string_equal(join_with(s, &cid, "Cid", NULL, &refusal)->name, "Cid");
    assert_null(join_with(s, &dan, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_USERNAME_TAKEN);
    expect_heard(s, "joined Ann; joined bob-1; joined Cid; ");
    // Whom others name by userId is nobody else's to be called.
    const struct participant *cids = room_find_name(hub_find_room(s->hub, "r"), "Cid");
    struct grants eve = grants_of("e", cids->id.text, RIGHTS_ALL);
    assert_null(join_with(s, &eve, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_USERNAME_TAKEN);
    struct grants other = grants_of("e", "Eve", RIGHTS_ALL);
    snprintf(other.room, sizeof other.room, "another");
    assert_null(join_with(s, &other, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

// A guest is not taken for somebody who is there. Whose names a token tells may be alike, and nobody is taken
// for who is not seen.
static void names_of_guests_do_not_look_alike(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL), hid = grants_of("h", "Hid", RIGHTS_ALL);
    struct grants namesake = grants_of("n", "\xd0\x90nn", RIGHTS_ALL); // in Cyrillic
    hid.hidden = true;
    joins(s, "Bob");
    assert_non_null(join_with(s, &ann, NULL, NULL, &refusal));
    assert_non_null(join_with(s, &hid, NULL, NULL, &refusal));
    static const char *const alike[] = {"B\xd0\xbe"
                                        "b",
                                        "\xef\xbc\xa2ob", "\xef\xbd\x82ob", "\xd0\x90nn", "\xd0\x90NN"};
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        if (try_join(s, alike[i], &refusal))
            fail_msg("%s", alike[i]);
        assert_int_equal(refusal.code, HUB_USERNAME_TAKEN);
        assert_non_null(strstr(refusal.text, "looks like"));
    }
    static const char *const others[] = {"Bobby",
                                         "B\xc3\xb6"
                                         "b",
                                         "bob", "hid"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_non_null(try_join(s, others[i], &refusal));
    assert_non_null(join_with(s, &namesake, NULL, NULL, &refusal));
    // Of who is called otherwise now.
    struct participant *bob = room_find_name(hub_find_room(s->hub, "r"), "Bob");
    assert_true(hub_operate_rename(s->hub, bob, "Rob", &refusal));
    assert_null(try_join(s,
                         "R\xd0\xbe"
                         "b",
                         &refusal));
    assert_non_null(try_join(s, "Bob", &refusal));
    stage_close(s);
}

// The same identity is the same person: who was there makes way, also in a full room.
static void a_second_device_takes_the_place(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL), bob = grants_of("b", "Bob", RIGHTS_ALL);
    struct hub_limits *limits = (struct hub_limits *)&hub_config(s->hub)->limits;
    limits->participants_per_room_max = 1;
    struct participant *first = join_with(s, &ann, NULL, NULL, &refusal);
    assert_non_null(first);
    assert_null(join_with(s, &bob, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_ROOM_FULL);
    char id[PUBLIC_ID_BYTES + 1];
    memcpy(id, first->id.text, sizeof id);
    s->heard[0] = '\0';
    struct participant *second = join_with(s, &ann, NULL, NULL, &refusal);
    assert_non_null(second);
    assert_string_not_equal(second->id.text, id);
    expect_heard(s, "taken over 1; taken-over Ann; joined Ann; ");
    assert_int_equal(second->room->participant_count, 1);
    stage_close(s);
}

static void rights(void **state) {
    (void)state;
    static const struct {
        unsigned rights, source;
        enum media_kind kind;
        bool fine;
    } rows[] = {
        {RIGHT_CAMERA, 0, MEDIA_VIDEO, true},
        {RIGHT_CAMERA, RIGHT_CAMERA, MEDIA_VIDEO, true},
        {RIGHT_CAMERA, RIGHT_SCREEN, MEDIA_VIDEO, false},
        {RIGHT_CAMERA, RIGHT_MICROPHONE, MEDIA_VIDEO, true}, // a picture is no microphone
        {RIGHT_CAMERA, 0, MEDIA_AUDIO, false},
        {RIGHT_CAMERA, RIGHT_CAMERA, MEDIA_AUDIO, false},
        {RIGHT_SCREEN, RIGHT_SCREEN, MEDIA_VIDEO, true},
        {RIGHT_SCREEN, 0, MEDIA_VIDEO, false},
        {RIGHT_MICROPHONE, 0, MEDIA_AUDIO, true},
        {RIGHT_MICROPHONE, RIGHT_SCREEN_AUDIO, MEDIA_AUDIO, false},
        {RIGHT_SCREEN_AUDIO, RIGHT_SCREEN_AUDIO, MEDIA_AUDIO, true},
        {RIGHT_SUBSCRIBE | RIGHT_DATA, 0, MEDIA_AUDIO, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage *s = stage_with_clock();
        struct hub_refusal refusal;
        struct grants grants = grants_of("a", "Ann", rows[i].rights);
        struct participant *me = join_with(s, &grants, NULL, NULL, &refusal);
        json_t *parameters = parse(rows[i].kind == MEDIA_AUDIO ? AUDIO : VIDEO);
        struct hub_produce ask = {.transport_id = opens(s, me, true)->public_id.text,
                                  .kind = rows[i].kind,
                                  .source = rows[i].source,
                                  .parameters = parameters};
        struct room_producer *producer = hub_produce(s->hub, me, &ask, &refusal);
        if ((producer != NULL) != rows[i].fine)
            fail_msg("row %zu", i);
        if (!producer)
            assert_int_equal(refusal.code, HUB_FORBIDDEN);
        json_decref(parameters);
        stage_close(s);
    }
}

// Whatever calls the verb.
static void other_rights(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct hub_chat_line line;
    json_t *parameters;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL), bob = grants_of("b", "Bob", 0);
    struct participant *sender = join_with(s, &ann, NULL, NULL, &refusal);
    struct participant *me = join_with(s, &bob, NULL, NULL, &refusal);
    struct room_producer *sound = produces(s, sender, opens(s, sender, true), MEDIA_AUDIO);
    opens(s, me, false);
    struct hub_consume consume = {.producer_id = sound->public_id.text};
    assert_null(hub_consume(s->hub, me, &consume, &parameters, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_false(hub_chat(s->hub, me, "hello", NULL, &line, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_false(hub_react(s->hub, me, "!", &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    struct hub_pass_on pass_on = {.kind = HUB_CALL, .target = "Ann"};
    assert_null(hub_pass_on(s->hub, me, &pass_on, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    stage_close(s);
}

static void a_token_ends(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL);
    assert_non_null(join_with(s, &ann, NULL, NULL, &refusal));
    s->heard[0] = '\0';
    pass(s, 3600 * US_PER_SECOND + GRANTS_GRACE_US - US_PER_SECOND);
    expect_heard(s, "");
    pass(s, 2 * US_PER_SECOND);
    expect_heard(s, "removed Ann: token-expired; token-expired Ann; ");
    assert_int_equal(hub_participant_count(s->hub), 0);
    stage_close(s);
}

// Who comes with one that has ended, but is within its verifier's leeway, is out a minute after its end.
static void a_token_that_has_ended_lets_nobody_stay(void **state) {
    (void)state;
    static const uint64_t past_s[] = {0, 29, 31, 50, 59, 60};
    for (size_t i = 0; i < sizeof past_s / sizeof past_s[0]; i++) {
        struct stage *s = stage_with_clock();
        struct hub_refusal refusal;
        struct grants ann = grants_of("a", "Ann", RIGHTS_ALL);
        ann.ends_s = wall_s - past_s[i];
        assert_non_null(join_with(s, &ann, NULL, NULL, &refusal));
        pass(s, (61 - past_s[i]) * US_PER_SECOND);
        if (hub_participant_count(s->hub) != 0)
            fail_msg("%u s past its end: still there", (unsigned)past_s[i]);
        stage_close(s);
    }
}

// Nor is one kept by being away.
static void a_token_ends_while_its_bearer_is_away(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL);
    ann.ends_s = wall_s - 40; // within the leeway
    struct participant *me = join_with(s, &ann, NULL, NULL, &refusal);
    hub_detach(s->hub, me, s->now_us);
    pass(s, GRANTS_GRACE_US + US_PER_SECOND);
    assert_int_equal(hub_participant_count(s->hub), 0);
    stage_close(s);
}

static void a_new_token(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHTS_ALL), bob = grants_of("b", "Bob", RIGHTS_ALL);
    struct participant *me = join_with(s, &ann, NULL, NULL, &refusal),
                       *other = join_with(s, &bob, NULL, NULL, &refusal);
    struct room_transport *send = opens(s, me, true);
    opens(s, me, false);
    opens(s, other, false);
    struct room_producer *video = produces(s, me, send, MEDIA_VIDEO);
    produces(s, me, send, MEDIA_AUDIO);
    consumes(s, me, produces(s, other, opens(s, other, true), MEDIA_AUDIO));
    consumes(s, other, video);
    s->heard[0] = '\0';
    ann.ends_s = wall_s + 7200;
    assert_true(hub_update_grants(s->hub, me, &ann, &refusal));
    expect_heard(s, ""); // all stays
    ann.rights = RIGHT_MICROPHONE | RIGHT_SUBSCRIBE;
    assert_true(hub_update_grants(s->hub, me, &ann, &refusal));
    expect_heard(s, "taken video: forbidden; Bob loses a consumer: producer-closed; closed video; ");
    ann.rights = RIGHT_MICROPHONE;
    assert_true(hub_update_grants(s->hub, me, &ann, &refusal));
    expect_heard(s, "Ann loses a consumer: forbidden; ");
    // Somebody else's, or for another room: nothing changes.
    assert_false(hub_update_grants(s->hub, me, &bob, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    ann.rights = 0;
    snprintf(ann.room, sizeof ann.room, "other");
    assert_false(hub_update_grants(s->hub, me, &ann, &refusal));
    assert_int_equal(me->rights, RIGHT_MICROPHONE);
    pass(s, 3700 * US_PER_SECOND); // Bob's ended, Ann's was renewed
    assert_int_equal(hub_participant_count(s->hub), 1);
    stage_close(s);
}

static void resuming(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("a", "Ann", RIGHT_SUBSCRIBE), bob = grants_of("b", "", RIGHTS_ALL);
    struct participant *me = join_with(s, &ann, NULL, NULL, &refusal);
    char token[RESUME_TOKEN_BYTES + 1];
    memcpy(token, me->resume_token, sizeof token);
    hub_detach(s->hub, me, s->now_us);
    assert_null(join_with(s, &bob, NULL, token, &refusal)); // another's token with a stolen resume token
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_ptr_equal(join_with(s, NULL, "Mallory", token, &refusal), me); // without one: what it had
    assert_string_equal(me->name, "Ann");
    assert_int_equal(me->rights, RIGHT_SUBSCRIBE);
    hub_leave(s->hub, me, "left");
    assert_null(join_with(s, NULL, "Ann", token, &refusal)); // it is no way in
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(names_of_guests_do_not_look_alike),
        cmocka_unit_test(a_second_device_takes_the_place),
        cmocka_unit_test(rights),
        cmocka_unit_test(other_rights),
        cmocka_unit_test(a_token_ends),
        cmocka_unit_test(a_token_that_has_ended_lets_nobody_stay),
        cmocka_unit_test(a_token_ends_while_its_bearer_is_away),
        cmocka_unit_test(a_new_token),
        cmocka_unit_test(resuming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
