// Metadata and attributes, and participants that nobody hears of.
#include "grants_stage.h"

#include "server/hub/hub_operate.h"

static struct participant *enters(struct stage *s, const struct grants *grants) {
    struct hub_refusal refusal;
    struct participant *me = join_with(s, grants, NULL, NULL, &refusal);
    if (!me)
        fail_msg("%s: %s", grants->name, refusal.text);
    return me;
}

static void expect_about(const struct participant *who, const char *single_quoted) {
    json_t *wanted = parse(single_quoted);
    if (!json_equal(who->about, wanted))
        fail_msg("%s, not %s", json_dumps(who->about, JSON_ENCODE_ANY), single_quoted);
    json_decref(wanted);
}

static struct participant *sets(struct stage *s, struct participant *me, const char *target,
                                const char *metadata, const char *attributes, struct hub_refusal *refusal) {
    json_t *object = attributes ? parse(attributes) : NULL;
    struct participant *who = hub_set_metadata(s->hub, me, target, metadata, object, refusal);
    json_decref(object);
    return who;
}

static void what_a_token_says(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants ann = grants_of("ann", "ann", RIGHTS_ALL | RIGHT_METADATA),
                  bob = grants_of("bob", "bob", RIGHTS_ALL);
    struct grants eve = grants_of("eve", "eve", RIGHTS_ALL | RIGHT_ADMIN);
    snprintf(ann.metadata, sizeof ann.metadata, "{\"team\":1}");
    snprintf(ann.attributes, sizeof ann.attributes, "{\"colour\":\"red\",\"size\":\"L\"}");
    struct participant *a = enters(s, &ann), *b = enters(s, &bob), *e = enters(s, &eve);
    expect_about(a, "{'metadata':'{\\'team\\':1}','attributes':{'colour':'red','size':'L'}}");
    assert_null(b->about);
    s->heard[0] = '\0';
    assert_null(sets(s, b, NULL, "x", NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(sets(s, a, "bob", "x", NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(sets(s, a, NULL, NULL, "{'colour':1}", &refusal));
    assert_int_equal(refusal.code, HUB_BAD_REQUEST);
    assert_null(sets(s, a, NULL, NULL, "{'':'x'}", &refusal));
    expect_heard(s, "");
    assert_ptr_equal(sets(s, a, NULL, NULL, "{'colour':'blue','size':''}", &refusal), a);
    assert_ptr_equal(sets(s, a, NULL, "", NULL, &refusal), a);
    assert_ptr_equal(sets(s, e, "bob", "late", NULL, &refusal), b);
    assert_true(hub_describe(s->hub, b, "", NULL, NULL, &refusal));
    expect_heard(
        s, "ann describes ann: {\"attributes\":{\"colour\":\"blue\"},\"metadata\":\"{\\\"team\\\":1}\"}; "
           "ann describes ann: {\"attributes\":{\"colour\":\"blue\"}}; "
           "eve describes bob: {\"metadata\":\"late\"}; operator describes bob: nothing; ");
    stage_close(s);
}

static void how_much(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    char text[GRANT_METADATA_MAX + 1], name[16];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    struct grants ann = grants_of("ann", "ann", RIGHTS_ALL | RIGHT_METADATA);
    struct participant *a = enters(s, &ann);
    assert_null(sets(s, a, NULL, text, NULL, &refusal)); // with its name it is longer
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    text[4000] = '\0';
    unsigned told = 0, let_in = 0;
    for (unsigned i = 0; i < 100; i++) { // a room's is bounded; what tokens bring is let in longer
        snprintf(name, sizeof name, "n%u", i);
        struct grants one = grants_of(name, name, RIGHTS_ALL | RIGHT_METADATA);
        s->spent = (struct relay_budget){0};
        s->heard[0] = '\0';
        struct participant *who = enters(s, &one);
        s->heard[0] = '\0';
        told += hub_describe(s->hub, who, text, NULL, NULL, &refusal);
        s->heard[0] = '\0';
    }
    assert_int_equal(told, 17); // of 4017 bytes, 256 of them for nothing
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "t%u", i);
        struct grants one = grants_of(name, name, RIGHTS_ALL);
        snprintf(one.metadata, sizeof one.metadata, "%s", text);
        s->spent = (struct relay_budget){0};
        s->heard[0] = '\0';
        let_in += join_with(s, &one, NULL, NULL, &refusal) != NULL;
    }
    assert_int_equal(let_in, 69 - told);
    struct room *room = a->room;
    LIST_EACH(node, &room->participants) {
        s->heard[0] = '\0';
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who != a)
            hub_leave(s->hub, who, "left");
    }
    assert_int_equal(room->about_bytes, 0);
    stage_close(s);
}

static void nobody_hears_of_it(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct public_id id;
    struct grants recorder = grants_of("rec-1", "recorder", RIGHTS_ALL | RIGHT_ADMIN | RIGHT_METADATA);
    struct grants ann = grants_of("ann", "ann", RIGHTS_ALL | RIGHT_ADMIN),
                  other = grants_of("o", "recorder", RIGHTS_ALL);
    recorder.hidden = true;
    struct participant *r = enters(s, &recorder), *a = enters(s, &ann);
    assert_int_equal(r->rights, RIGHT_SUBSCRIBE); // it gets, and does nothing
    assert_null(try_produce(s, r, opens(s, r, true)->public_id.text, MEDIA_AUDIO, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_null(hub_set_hand(s->hub, r, NULL, true, &refusal));
    assert_false(hub_react(s->hub, r, "!", &refusal));
    assert_false(hub_lock(s->hub, r, true, &refusal));
    assert_null(hub_set_metadata(s->hub, r, NULL, "x", NULL, &refusal));
    assert_false(hub_kick(s->hub, a, "recorder", NULL, &id, &refusal)); // nor is it found by its name or id
    assert_int_equal(refusal.code, HUB_NOT_FOUND);
    assert_null(hub_set_role(s->hub, a, r->id.text, HUB_PARTICIPANT, &refusal));
    enters(s, &other); // its name is nobody's
    struct grants shown = recorder;
    shown.hidden = false;
    assert_false(hub_update_grants(s->hub, r, &shown, &refusal));
    struct room_producer *sound = produces(s, a, opens(s, a, true), MEDIA_AUDIO);
    opens(s, r, false);
    consumes(s, r, sound);
    s->heard[0] = '\0';
    assert_true(hub_close_room(s->hub, a, NULL, &refusal)); // it goes with the others
    assert_int_equal(hub_participant_count(s->hub), 0);
    stage_close(s);
}

// Rights that an operator has taken away, all of them too, do not come back with a token.
static void what_an_operator_takes_stays_taken(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    static const unsigned rows[] = {0, RIGHT_SUBSCRIBE, RIGHTS_ALL};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct grants ann = grants_of("ann", "ann", RIGHTS_ALL | RIGHT_ADMIN);
        struct participant *a = enters(s, &ann);
        assert_true(hub_operate_rights(s->hub, a, rows[i], &refusal));
        assert_int_equal(a->rights, rows[i]);
        assert_true(hub_update_grants(s->hub, a, &ann, &refusal));
        assert_int_equal(a->rights, rows[i]);
        hub_leave(s->hub, a, "left");
    }
    stage_close(s);
}

static void no_operator_makes_a_hidden_one_speak(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct grants recorder = grants_of("rec-1", "recorder", RIGHTS_ALL);
    recorder.hidden = true;
    struct participant *r = enters(s, &recorder);
    assert_true(hub_operate_rights(s->hub, r, RIGHTS_ALL | RIGHT_ADMIN, &refusal));
    assert_int_equal(r->rights, RIGHT_SUBSCRIBE);
    assert_true(hub_update_grants(s->hub, r, &recorder, &refusal));
    assert_int_equal(r->rights, RIGHT_SUBSCRIBE);
    assert_null(try_produce(s, r, opens(s, r, true)->public_id.text, MEDIA_AUDIO, &refusal));
    assert_true(hub_operate_rights(s->hub, r, 0, &refusal));
    assert_int_equal(r->rights, 0);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_operator_takes_stays_taken),
        cmocka_unit_test(no_operator_makes_a_hidden_one_speak),
        cmocka_unit_test(what_a_token_says),
        cmocka_unit_test(how_much),
        cmocka_unit_test(nobody_hears_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
