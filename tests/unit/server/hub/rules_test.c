// What an operator settles for a room beside who comes in: everything encrypted from end to end, and who has
// it recorded. Each door is tried.
#include "grants_stage.h"

#include "server/hub/hub_operate.h"
#include "server/hub/hub_plain.h"

#include <fcntl.h>

static struct room_rules settled; // for every room
static struct room_rules rules(void *ctx, const char *room) {
    (void)ctx, (void)room;
    return settled;
}

static unsigned recordings; // begun and ended by verbs
static bool record(void *ctx, const struct room *room, bool begin, struct hub_refusal *refusal) {
    (void)ctx, (void)room, (void)begin, (void)refusal;
    recordings++;
    return true;
}

static enum plain_bind_result plain_bind(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                         char *why) {
    (void)ctx, (void)rtcp_mux, (void)inside, (void)why;
    *out = (struct plain_place){
        .rtp_fd = open("/dev/null", O_RDWR | O_CLOEXEC), .rtcp_fd = -1, .ip = "127.0.0.1", .family = 4};
    return PLAIN_BOUND;
}

static struct stage *with_rules(struct room_rules what) {
    struct stage *s = stage_new();
    const struct hub_io io = {.ctx = s,
                              .post = post,
                              .wall_us = wall_us,
                              .rules = rules,
                              .record = record,
                              .plain_bind = plain_bind};
    struct hub_events events = observer;
    events.ctx = s;
    settled = what;
    recordings = 0;
    wall_s = 1800000000;
    s->hub = hub_create(&s->config, &io, s->now_us);
    assert_non_null(s->hub);
    hub_observe(s->hub, HUB_OBSERVER_SIGNALLING, &events);
    return s;
}

// With a token, or without one and with these rights beside the usual ones.
static struct participant *comes(struct stage *s, const char *name, bool token, unsigned rights, bool seals,
                                 struct hub_refusal *refusal) {
    struct grants grants = grants_of(name, name, RIGHTS_ALL | rights);
    struct hub_join join = {.room = "r",
                            .username = name,
                            .grants = token ? &grants : NULL,
                            .more_rights = rights,
                            .seals = seals,
                            .connection = ++s->connections,
                            .spent = &s->spent};
    return hub_join(s->hub, &join, refusal);
}

// ---- encrypted from end to end

static bool produce(struct stage *s, struct participant *me, const struct room_transport *transport,
                    bool sealed, struct hub_refusal *refusal) {
    json_t *parameters = parse(AUDIO);
    struct hub_produce ask = {.transport_id = transport->public_id.text,
                              .kind = MEDIA_AUDIO,
                              .parameters = parameters,
                              .sealed = sealed};
    struct room_producer *producer = hub_produce(s->hub, me, &ask, refusal);
    json_decref(parameters);
    return producer && hub_close_producer(s->hub, me, producer->public_id.text, refusal);
}

static void nothing_else_comes_in(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.sealed = true});
    struct hub_refusal refusal;
    assert_null(comes(s, "eve", false, 0, false, &refusal));
    assert_int_equal(refusal.code, HUB_ENCRYPTION_NEEDED);
    assert_null(comes(s, "eve", true, RIGHT_ADMIN, false, &refusal)); // a moderator's token is no key
    assert_int_equal(refusal.code, HUB_ENCRYPTION_NEEDED);
    assert_null(hub_find_room(s->hub, "r")); // and opens no room
    struct participant *ann = comes(s, "ann", false, 0, true, &refusal);
    assert_non_null(ann);
    assert_true(hub_is_sealed(s->hub, ann->room));
    struct room_transport *way = opens(s, ann, true);
    assert_false(produce(s, ann, way, false, &refusal));
    assert_int_equal(refusal.code, HUB_ENCRYPTION_NEEDED);
    assert_true(produce(s, ann, way, true, &refusal));
    // A program behind plain RTP has no key, whoever asks for it.
    struct hub_plain plain = {
        .name = "camera", .identity = "", .metadata = "", .from_client = true, .ip = "", .comedia = true};
    assert_null(hub_open_plain(s->hub, "r", &plain, &refusal));
    assert_int_equal(refusal.code, HUB_ENCRYPTION_NEEDED);
    assert_int_equal(hub_participant_count(s->hub), 1);
    stage_close(s);
}

// The settings are read again while people are there: they may resume, and what they send from then on
// counts.
static void those_who_are_there_stay(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", false, 0, false, &refusal);
    assert_non_null(ann);
    struct room_transport *way = opens(s, ann, true);
    assert_true(produce(s, ann, way, false, &refusal));
    settled.sealed = true;
    assert_false(produce(s, ann, way, false, &refusal));
    hub_detach(s->hub, ann, s->now_us);
    char token[RESUME_TOKEN_BYTES + 1];
    memcpy(token, ann->resume_token, sizeof token);
    struct hub_join join = {.room = "r", .resume_token = token, .connection = 77, .spent = &s->spent};
    assert_ptr_equal(hub_join(s->hub, &join, &refusal), ann);
    stage_close(s);
}

// ---- recording

static void who_has_a_room_recorded(void **state) {
    (void)state;
    static const struct {
        struct room_rules rules;
        bool token;
        unsigned rights;
        bool may;
    } rows[] = {
        {{.record = RECORD_BY_TOKEN}, false, 0, false},
        {{.record = RECORD_BY_TOKEN}, false, RIGHT_ADMIN, false},
        {{.record = RECORD_BY_TOKEN}, true, RIGHT_RECORD, true},
        {{.record = RECORD_BY_ANYBODY}, false, 0, true},
        {{.record = RECORD_BY_ANYBODY}, true, 0, false}, // whoever made the token did not give it
        {{.record = RECORD_BY_ANYBODY}, true, RIGHT_RECORD, true},
        {{.record = RECORD_BY_MODERATORS}, false, 0, false},
        {{.record = RECORD_BY_MODERATORS}, false, RIGHT_ADMIN, true},
        {{.record = RECORD_BY_MODERATORS}, true, RIGHT_ADMIN, false},
        {{.record = RECORD_BY_NOBODY}, false, RIGHT_ADMIN, false},
        {{.record = RECORD_BY_NOBODY}, true, RIGHT_ADMIN | RIGHT_RECORD, false},
        {{.sealed = true}, true, RIGHT_ADMIN | RIGHT_RECORD, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage *s = with_rules(rows[i].rules);
        struct hub_refusal refusal;
        struct participant *ann = comes(s, "ann", rows[i].token, rows[i].rights, true, &refusal);
        assert_non_null(ann);
        if (hub_set_recording(s->hub, ann, true, &refusal) != rows[i].may)
            fail_msg("row %zu", i);
        assert_int_equal(recordings, rows[i].may);
        assert_int_equal((hub_rights(s->hub, ann) & RIGHT_RECORD) != 0, rows[i].may);
        assert_int_equal(hub_rights(s->hub, ann) | RIGHT_RECORD, ann->rights | RIGHT_RECORD);
        if (!rows[i].may)
            assert_int_equal(refusal.code, rows[i].rules.sealed ? HUB_ENCRYPTION_NEEDED : HUB_FORBIDDEN);
        // An operator may, but where nobody may.
        assert_int_equal(hub_may_be_recorded(s->hub, ann->room, &refusal),
                         !rows[i].rules.sealed && rows[i].rules.record != RECORD_BY_NOBODY);
        stage_close(s);
    }
}

static void who_becomes_a_moderator_may(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.record = RECORD_BY_MODERATORS});
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", false, RIGHT_ADMIN, false, &refusal);
    struct participant *bob = comes(s, "bob", false, 0, false, &refusal);
    assert_true(ann && bob);
    assert_false(hub_set_recording(s->hub, bob, true, &refusal));
    assert_non_null(hub_set_role(s->hub, ann, "bob", HUB_MODERATOR, &refusal));
    assert_true(hub_set_recording(s->hub, bob, true, &refusal));
    assert_non_null(hub_set_role(s->hub, ann, "bob", HUB_PARTICIPANT, &refusal));
    assert_false(hub_set_recording(s->hub, bob, false, &refusal)); // nor end it
    settled.record = RECORD_BY_ANYBODY;                            // as the file says from now on
    assert_true(hub_set_recording(s->hub, bob, false, &refusal));
    stage_close(s);
}

// ---- recorders of others, as LiveKit's tokens name them

static struct participant *records(struct stage *s, const char *name, bool hidden,
                                   struct hub_refusal *refusal) {
    struct grants grants = grants_of(name, name, RIGHT_SUBSCRIBE);
    grants.recorder = true;
    grants.hidden = hidden;
    return join_with(s, &grants, NULL, NULL, refusal);
}

// Nobody is recorded without a word of it, whether the recorder is seen or not.
static void everybody_is_told_of_a_recorder(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", true, 0, false, &refusal);
    s->heard[0] = '\0';
    struct participant *tape = records(s, "tape", true, &refusal);
    assert_non_null(tape);
    assert_non_null(strstr(s->heard, "recorded; "));
    assert_null(strstr(s->heard, "not recorded"));
    assert_int_equal(ann->room->recordings, 1);
    hub_operate_recorded(s->hub, ann->room, true); // one of our own beside it
    struct participant *film = records(s, "film", false, &refusal);
    assert_int_equal(ann->room->recordings, 3);
    s->heard[0] = '\0';
    hub_operate_recorded(s->hub, ann->room, false);
    struct grants again = grants_of("film", "film", RIGHT_SUBSCRIBE); // records no more, and stays
    assert_true(hub_update_grants(s->hub, film, &again, &refusal));
    assert_null(strstr(s->heard, "recorded"));
    hub_leave(s->hub, tape, "left");
    assert_non_null(strstr(s->heard, "not recorded; "));
    assert_int_equal(ann->room->recordings, 0);
    stage_close(s);
}

static void nobody_records_where_nobody_may(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){.record = RECORD_BY_NOBODY});
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", true, RIGHT_RECORD, false, &refusal);
    assert_null(records(s, "tape", true, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_non_null(strstr(refusal.text, "video.recorder"));
    struct grants recorder = grants_of("ann", "ann", RIGHTS_ALL);
    recorder.recorder = true;
    assert_false(hub_update_grants(s->hub, ann, &recorder, &refusal));
    settled.record = RECORD_BY_TOKEN;
    hub_settle_again(s->hub, s->now_us);
    assert_non_null(records(s, "tape", true, &refusal));
    assert_true(hub_update_grants(s->hub, ann, &recorder, &refusal));
    assert_int_equal(ann->room->recordings, 2);
    s->heard[0] = '\0';
    settled.record = RECORD_BY_NOBODY;
    struct room *room = ann->room;
    hub_settle_again(s->hub, s->now_us);
    assert_non_null(strstr(s->heard, "not recorded; "));
    assert_int_equal(room->participant_count, 0); // both were recorders
    stage_close(s);
}

// ---- settings that change while people are inside

static struct room_producer *sends(struct stage *s, struct participant *me,
                                   const struct room_transport *transport, const char *app_data) {
    struct hub_refusal refusal;
    json_t *parameters = parse(AUDIO);
    struct hub_produce ask = {.transport_id = transport->public_id.text,
                              .kind = MEDIA_AUDIO,
                              .parameters = parameters,
                              .sealed = app_data != NULL,
                              .app_data = app_data,
                              .app_data_len = app_data ? strlen(app_data) : 0};
    struct room_producer *producer = hub_produce(s->hub, me, &ask, &refusal);
    json_decref(parameters);
    assert_non_null(producer);
    return producer;
}

static void what_is_settled_anew_reaches_those_inside(void **state) {
    (void)state;
    struct stage *s = with_rules((struct room_rules){0});
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", false, 0, true, &refusal);
    struct participant *bob = comes(s, "bob", false, 0, false, &refusal);
    assert_true(ann && bob);
    (void)sends(s, ann, opens(s, ann, true), "{\"e2ee\":true}");
    (void)sends(s, bob, opens(s, bob, true), "{\"e2ee\":1}"); // which says nothing
    assert_int_equal(ann->producer_count + bob->producer_count, 2);
    s->heard[0] = '\0';
    hub_settle_again(s->hub, s->now_us); // nothing else is said
    assert_string_equal(s->heard, "");
    settled.record = RECORD_BY_ANYBODY;
    hub_settle_again(s->hub, s->now_us);
    assert_string_equal(s->heard, "rights of ann; rights of bob; ");
    assert_int_equal(bob->producer_count, 1);
    s->heard[0] = '\0';
    settled.sealed = true;
    hub_settle_again(s->hub, s->now_us);
    assert_non_null(strstr(s->heard, "rights of ann; rights of bob; "));
    assert_non_null(strstr(s->heard, "encryption-needed"));
    assert_int_equal(ann->producer_count, 1);
    assert_int_equal(bob->producer_count, 0);
    s->heard[0] = '\0';
    hub_settle_again(s->hub, s->now_us); // once
    assert_string_equal(s->heard, "");
    settled.sealed = false;
    hub_settle_again(s->hub, s->now_us);
    assert_string_equal(s->heard, "rights of ann; rights of bob; ");
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_else_comes_in),
        cmocka_unit_test(those_who_are_there_stay),
        cmocka_unit_test(who_has_a_room_recorded),
        cmocka_unit_test(who_becomes_a_moderator_may),
        cmocka_unit_test(everybody_is_told_of_a_recorder),
        cmocka_unit_test(nobody_records_where_nobody_may),
        cmocka_unit_test(what_is_settled_anew_reaches_those_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
