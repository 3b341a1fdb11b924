// What moderators may do with people and with the room, and that nobody else may; raised hands, reactions.
#include "grants_stage.h"

static struct participant *enters(struct stage *s, const char *name, unsigned rights) {
    struct hub_refusal refusal;
    struct grants grants = grants_of(name, name, rights);
    struct participant *me = join_with(s, &grants, NULL, NULL, &refusal);
    if (!me)
        fail_msg("%s: %s", name, refusal.text);
    return me;
}

#define MODERATOR (RIGHTS_ALL | RIGHT_ADMIN)

static void others_may_nothing_of_it(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct public_id id;
    uint32_t count;
    struct participant *ann = enters(s, "ann", RIGHTS_ALL);
    enters(s, "bob", RIGHTS_ALL);
    s->heard[0] = '\0';
    assert_false(hub_kick(s->hub, ann, "bob", NULL, &id, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, false, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_false(hub_mute_all(s->hub, ann, MEDIA_AUDIO, false, &count, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_false(hub_lock(s->hub, ann, true, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_false(hub_close_room(s->hub, ann, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(hub_set_hand(s->hub, ann, "bob", false, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    expect_heard(s, "");
    stage_close(s);
}

static void kicking(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct public_id id;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", MODERATOR);
    struct public_id bobs = bob->id;
    s->heard[0] = '\0';
    assert_false(hub_kick(s->hub, ann, "ann", NULL, &id, &refusal)); // oneself
    assert_int_equal(refusal.code, HUB_BAD_REQUEST);
    assert_false(hub_kick(s->hub, ann, "cid", NULL, &id, &refusal));
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    assert_false(hub_kick(s->hub, ann, "bob", "a\nb", &id, &refusal));
    assert_int_equal(refusal.code, HUB_BAD_REQUEST);
    char *words = malloc(514);
    memset(words, 'x', 513);
    words[513] = '\0';
    assert_false(hub_kick(s->hub, ann, "bob", words, &id, &refusal));
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    words[512] = '\0';
    expect_heard(s, "");
    assert_true(hub_kick(s->hub, ann, bobs.text, "no shouting", &id, &refusal));
    assert_string_equal(id.text, bobs.text);
    expect_heard(s, "removed bob: kicked by ann: no shouting; kicked bob; ");
    bob = enters(s, "bob", RIGHTS_ALL); // there is no ban
    hub_detach(s->hub, bob, s->now_us);
    s->heard[0] = '\0';
    assert_true(hub_kick(s->hub, ann, "bob", NULL, &id, &refusal)); // nor does being away help
    expect_heard(s, "removed bob: kicked by ann; kicked bob; ");
    free(words);
    stage_close(s);
}

static void muting(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    uint32_t count;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", RIGHTS_ALL);
    struct participant *cid = enters(s, "cid", RIGHTS_ALL), *dan = enters(s, "dan", MODERATOR);
    struct room_producer *sound = produces(s, bob, opens(s, bob, true), MEDIA_AUDIO);
    produces(s, cid, opens(s, cid, true), MEDIA_VIDEO);
    struct room_producer *moderator = produces(s, dan, opens(s, dan, true), MEDIA_AUDIO);
    s->heard[0] = '\0';
    s->command_count = 0;
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_VIDEO, false, &refusal), bob); // sends none
    expect_heard(s, "");
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, false, &refusal), bob);
    expect_heard(s, "paused audio; ann mutes audio of bob; ");
    EXPECT_COMMANDS(s, MEDIA_PAUSE_PRODUCER);
    assert_true(sound->paused);
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, false, &refusal), bob); // it is
    expect_heard(s, "");
    assert_non_null(
        hub_pause_producer(s->hub, bob, sound->public_id.text, false, &refusal)); // as its owner likes
    s->heard[0] = '\0';
    assert_true(hub_mute_all(s->hub, ann, MEDIA_AUDIO, false, &count, &refusal));
    assert_int_equal(count, 1);
    assert_false(moderator->paused);
    expect_heard(s, "paused audio; ann mutes audio of bob; ");
    stage_close(s);
}

// Muted so that not even its owner may resume: each way out is tried.
static void holding(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    uint32_t count;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", RIGHTS_ALL);
    struct participant *dan = enters(s, "dan", MODERATOR);
    struct room_transport *way = opens(s, bob, true);
    struct room_producer *sound = produces(s, bob, way, MEDIA_AUDIO);
    s->heard[0] = '\0';
    assert_null(hub_allow_unmute(s->hub, bob, "ann", MEDIA_AUDIO, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(hub_mute(s->hub, bob, "ann", MEDIA_AUDIO, true, &refusal));
    expect_heard(s, "");
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, true, &refusal), bob);
    expect_heard(s, "ann holds bob: audio-; paused audio; ann mutes audio of bob; ");
    assert_null(hub_pause_producer(s->hub, bob, sound->public_id.text, false, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_true(sound->paused);
    assert_non_null(hub_pause_producer(s->hub, bob, sound->public_id.text, true, &refusal)); // it is
    // Another one of the kind begins paused; the other kind is free.
    assert_true(hub_close_producer(s->hub, bob, sound->public_id.text, &refusal));
    s->command_count = 0;
    sound = produces(s, bob, way, MEDIA_AUDIO);
    assert_true(sound->paused && s->commands[0].open_producer.paused);
    assert_false(produces(s, bob, way, MEDIA_VIDEO)->paused);
    s->heard[0] = '\0';
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, false, &refusal), bob); // it stays held
    assert_ptr_equal(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, true, &refusal), bob);  // it is
    expect_heard(s, "");
    // Coming again is no way out, nor a token, nor another role.
    hub_leave(s->hub, bob, "left");
    bob = enters(s, "bob", RIGHTS_ALL);
    assert_true(participant_is_held(bob, MEDIA_AUDIO) && !participant_is_held(bob, MEDIA_VIDEO));
    assert_int_equal(bob->rights, RIGHTS_ALL); // of its rights nothing was said
    assert_false(bob->rights_assigned);
    assert_non_null(hub_set_role(s->hub, ann, "bob", HUB_PARTICIPANT, &refusal));
    sound = produces(s, bob, opens(s, bob, true), MEDIA_AUDIO);
    assert_null(hub_pause_producer(s->hub, bob, sound->public_id.text, false, &refusal));
    s->heard[0] = '\0';
    assert_ptr_equal(hub_allow_unmute(s->hub, dan, "bob", MEDIA_AUDIO, &refusal), bob); // any moderator
    expect_heard(s, "dan holds bob: --; ");
    assert_true(sound->paused); // it unmutes itself, or does not
    assert_non_null(hub_pause_producer(s->hub, bob, sound->public_id.text, false, &refusal));
    s->heard[0] = '\0';
    assert_true(hub_mute_all(s->hub, ann, MEDIA_AUDIO, true, &count, &refusal));
    assert_int_equal(count, 1);
    expect_heard(s, "ann holds bob: audio-; paused audio; ann mutes audio of bob; "); // no moderator
    assert_false(participant_is_held(dan, MEDIA_AUDIO));
    stage_close(s);
}

// All are held, or, where not so many can be remembered, none is; who may unmute again takes no place.
static void holding_all_or_nobody(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    uint32_t count;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", RIGHTS_ALL);
    struct participant *cid = enters(s, "cid", RIGHTS_ALL);
    struct room *room = ann->room;
    produces(s, cid, opens(s, cid, true), MEDIA_AUDIO);
    room->kept_rights_count += KEPT_RIGHTS_MAX - 1;
    s->heard[0] = '\0';
    assert_false(hub_mute_all(s->hub, ann, MEDIA_AUDIO, true, &count, &refusal));
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    expect_heard(s, "");
    assert_int_equal(bob->held | cid->held, 0);
    assert_non_null(hub_mute(s->hub, ann, "bob", MEDIA_AUDIO, true, &refusal));
    assert_non_null(hub_allow_unmute(s->hub, ann, "bob", MEDIA_AUDIO, &refusal));
    assert_int_equal(room->kept_rights_count, KEPT_RIGHTS_MAX - 1);
    assert_non_null(hub_mute(s->hub, ann, "cid", MEDIA_AUDIO, true, &refusal));
    assert_non_null(hub_mute(s->hub, ann, "cid", MEDIA_VIDEO, true, &refusal));
    assert_non_null(hub_allow_unmute(s->hub, ann, "cid", MEDIA_VIDEO, &refusal));
    assert_int_equal(room->kept_rights_count, KEPT_RIGHTS_MAX); // of its sound
    assert_non_null(hub_mute(s->hub, ann, "cid", MEDIA_VIDEO, true, &refusal));
    assert_non_null(hub_allow_unmute(s->hub, ann, "cid", MEDIA_AUDIO, &refusal)); // of its picture alone
    room->kept_rights_count--;
    assert_true(hub_mute_all(s->hub, ann, MEDIA_AUDIO, true, &count, &refusal)); // who is held has its place
    assert_true(participant_is_held(bob, MEDIA_AUDIO) && participant_is_held(cid, MEDIA_AUDIO));
    room->kept_rights_count -= KEPT_RIGHTS_MAX - 2;
    assert_int_equal(room->kept_rights_count, 2);
    stage_close(s);
}

// Who sends nothing is told that it is held.
static void holding_who_sends_nothing(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = enters(s, "ann", MODERATOR);
    enters(s, "bob", RIGHTS_ALL);
    s->heard[0] = '\0';
    assert_non_null(hub_mute(s->hub, ann, "bob", MEDIA_VIDEO, true, &refusal));
    expect_heard(s, "ann holds bob: -video; ann mutes video of bob; ");
    stage_close(s);
}

static void a_locked_room(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", RIGHTS_ALL);
    struct grants cid = grants_of("cid", "cid", RIGHTS_ALL);
    char token[RESUME_TOKEN_BYTES + 1];
    s->heard[0] = '\0';
    assert_true(hub_lock(s->hub, ann, true, &refusal));
    assert_true(hub_lock(s->hub, ann, true, &refusal)); // it is
    expect_heard(s, "ann locks; ");
    assert_null(join_with(s, &cid, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    memcpy(token, bob->resume_token, sizeof token);
    hub_detach(s->hub, bob, s->now_us);
    assert_ptr_equal(join_with(s, NULL, NULL, token, &refusal), bob); // who is in may come back
    bob = enters(s, "bob", RIGHTS_ALL);                               // from another device, too
    enters(s, "dan", MODERATOR);
    assert_true(hub_lock(s->hub, ann, false, &refusal));
    enters(s, "cid", RIGHTS_ALL);
    // A room that everybody left is not locked for ever.
    assert_true(hub_lock(s->hub, ann, true, &refusal));
    struct room *room = ann->room;
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        hub_leave(s->hub, who, "left");
    }
    enters(s, "cid", RIGHTS_ALL);
    stage_close(s);
}

static void closing_a_room(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = enters(s, "ann", MODERATOR);
    enters(s, "bob", RIGHTS_ALL);
    enters(s, "cid", MODERATOR);
    s->heard[0] = '\0';
    assert_true(hub_close_room(s->hub, ann, "it is late", &refusal));
    expect_heard(s, "removed bob: room-closed by ann: it is late; room-closed bob; "
                    "removed cid: room-closed by ann: it is late; room-closed cid; room-closed ann; ");
    assert_int_equal(hub_participant_count(s->hub), 0);
    enters(s, "bob", RIGHTS_ALL);
    stage_close(s);
}

static void hands(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = enters(s, "ann", MODERATOR), *bob = enters(s, "bob", RIGHT_SUBSCRIBE);
    s->heard[0] = '\0';
    assert_ptr_equal(hub_set_hand(s->hub, bob, NULL, false, &refusal), bob); // it is down
    assert_ptr_equal(hub_set_hand(s->hub, bob, NULL, true, &refusal), bob);
    assert_ptr_equal(hub_set_hand(s->hub, bob, NULL, true, &refusal), bob); // it is up
    assert_ptr_equal(hub_set_hand(s->hub, ann, NULL, true, &refusal), ann);
    assert_true(bob->hand < ann->hand);
    assert_ptr_equal(hub_set_hand(s->hub, ann, "bob", false, &refusal), bob);
    assert_ptr_equal(hub_set_hand(s->hub, bob, NULL, true, &refusal), bob); // behind the other one now
    assert_true(bob->hand > ann->hand);
    expect_heard(
        s, "hand of bob up by bob; hand of ann up by ann; hand of bob down by ann; hand of bob up by bob; ");
    stage_close(s);
}

static void reactions(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = enters(s, "ann", RIGHTS_ALL);
    enters(s, "bob", RIGHTS_ALL);
    s->heard[0] = '\0';
    assert_true(hub_react(s->hub, ann, "\xf0\x9f\x91\x8d", &refusal));
    expect_heard(s, "ann \xf0\x9f\x91\x8d; ");
    static const char *const bad[] = {
        "",
        "a\n",
        "\x7f",
        "\xc2\x85",
        "123456789012345678901234567890123",
        " ",
        "\xe2\x80\xae"
        "evil",         // turns what stands around
        "\xe2\x80\x8b", // shows nothing
        "a\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd\x81\xcd"
        "\x81", // marks in a heap
    };
    static const char *const good[] = {
        "\xe2\x9d\xa4\xef\xb8\x8f",                     // a heart with its style
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", // two that are joined
        "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",             // with its skin
        "1\xef\xb8\x8f\xe2\x83\xa3",                    // a key
        "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",             // a flag
        "+1",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!hub_react(s->hub, ann, good[i], &refusal))
            fail_msg("%zu: %s", i, refusal.text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (hub_react(s->hub, ann, bad[i], &refusal))
            fail_msg("%zu was taken", i);
        assert_int_equal(refusal.code, HUB_BAD_REQUEST);
    }
    assert_true(hub_react(s->hub, ann, "12345678901234567890123456789012", &refusal));
    bool limited = false; // who floods others with them is refused
    for (unsigned i = 0; i < 100000 && !limited; i++) {
        s->heard[0] = '\0';
        limited = !hub_react(s->hub, ann, "!", &refusal);
    }
    assert_true(limited);
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_may_nothing_of_it),
        cmocka_unit_test(kicking),
        cmocka_unit_test(muting),
        cmocka_unit_test(holding),
        cmocka_unit_test(holding_all_or_nobody),
        cmocka_unit_test(holding_who_sends_nothing),
        cmocka_unit_test(a_locked_room),
        cmocka_unit_test(closing_a_room),
        cmocka_unit_test(hands),
        cmocka_unit_test(reactions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
