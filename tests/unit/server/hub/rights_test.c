// What moderators and operators made of somebody's rights holds when it leaves and comes again.
#include "grants_stage.h"

#include "server/hub/hub_operate.h"

#define MODERATOR (RIGHTS_ALL | RIGHT_ADMIN)

static struct participant *comes(struct stage *s, const char *identity, const char *name, unsigned rights) {
    struct hub_refusal refusal;
    struct grants grants = grants_of(identity, name, rights);
    struct participant *me = join_with(s, &grants, NULL, NULL, &refusal);
    if (!me)
        fail_msg("%s: %s", name, refusal.text);
    s->heard[0] = '\0';
    return me;
}

static void becomes(struct stage *s, struct participant *me, const char *target, enum hub_role role) {
    struct hub_refusal refusal;
    if (!hub_set_role(s->hub, me, target, role, &refusal))
        fail_msg("%s: %s", target, refusal.text);
    s->heard[0] = '\0';
}

static void what_was_taken_stays_taken(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    struct participant *ann = comes(s, "ann", "ann", MODERATOR), *bob = comes(s, "bob", "bob", RIGHTS_ALL);
    struct participant *eve = comes(s, "eve", "eve", MODERATOR);
    becomes(s, ann, "bob", HUB_VIEWER);
    becomes(s, ann, "eve", HUB_PARTICIPANT);
    hub_leave(s->hub, bob, "left");
    hub_leave(s->hub, eve, "left");
    bob = comes(s, "bob", "Bob the second", RIGHTS_ALL); // by another name: the identity counts
    eve = comes(s, "eve", "eve", MODERATOR);
    assert_int_equal(bob->rights, RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH);
    assert_int_equal(eve->rights, RIGHTS_ALL);
    struct grants again = grants_of("bob", "bob", RIGHTS_ALL);
    assert_true(hub_update_grants(s->hub, bob, &again, &refusal)); // nor with a newer token
    assert_int_equal(bob->rights, RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH);
    bob = comes(s, "bob", "bob", RIGHTS_ALL); // in place of the one that is there
    assert_int_equal(bob->rights, RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH);
    assert_true(hub_lock(s->hub, ann, true, &refusal)); // who moderates no more does not pass as one
    hub_leave(s->hub, eve, "left");
    struct grants once = grants_of("eve", "eve", MODERATOR);
    assert_null(join_with(s, &once, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_FORBIDDEN);
    assert_true(hub_lock(s->hub, ann, false, &refusal));
    becomes(s, ann, "bob", HUB_MODERATOR);
    hub_leave(s->hub, bob, "left");
    assert_int_equal(comes(s, "bob", "bob", RIGHTS_ALL)->rights, MODERATOR); // what was given stays as well
    assert_int_equal(comes(s, "bobby", "bobby", RIGHTS_ALL)->rights, RIGHTS_ALL);
    stage_close(s);
}

// A role says who sends and who moderates: what else a token gave is not taken by it.
static void roles_take_nothing_else(void **state) {
    (void)state;
    static const enum hub_role roles[] = {HUB_MODERATOR, HUB_PARTICIPANT, HUB_VIEWER};
    struct stage *s = stage_with_clock();
    const unsigned more = RIGHT_RECORD | RIGHT_METADATA;
    struct participant *ann = comes(s, "ann", "ann", MODERATOR),
                       *bob = comes(s, "bob", "bob", RIGHTS_ALL | more);
    struct participant *eve = comes(s, "eve", "eve", RIGHTS_ALL);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        becomes(s, ann, "bob", roles[i]);
        assert_int_equal(hub_rights(s->hub, bob) & more, more);
        becomes(s, ann, "eve", roles[i]);
        assert_int_equal(hub_rights(s->hub, eve) & more, 0);
    }
    stage_close(s);
}

// Anybody may come by a name that nobody vouched for: it keeps what was taken, not what was given.
static void names_alone(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct participant *ann = comes(s, "ann", "ann", MODERATOR), *bob = comes(s, "", "Bob", RIGHTS_ALL);
    struct participant *cid = comes(s, "", "cid", RIGHTS_ALL);
    becomes(s, ann, "Bob", HUB_VIEWER);
    becomes(s, ann, "cid", HUB_MODERATOR);
    hub_leave(s->hub, bob, "left");
    hub_leave(s->hub, cid, "left");
    assert_int_equal(comes(s, "", "BOB", RIGHTS_ALL)->rights, RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH);
    assert_int_equal(comes(s, "", "cid", RIGHTS_ALL)->rights, RIGHTS_ALL);
    assert_int_equal(comes(s, "bob", "bob b", RIGHTS_ALL)->rights, RIGHTS_ALL); // somebody else
    stage_close(s);
}

// Rights follow who somebody is, not what it is called: neither a moderator's name gives any, nor does a new
// name shed what was taken.
static void another_name_is_nothing_but_a_name(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    const unsigned viewer = RIGHTS_ALL & ~(unsigned)RIGHTS_PUBLISH;
    struct participant *ann = comes(s, "ann", "ann", MODERATOR), *bob = comes(s, "bob", "bob", RIGHTS_ALL);
    struct participant *cid = comes(s, "", "cid", RIGHTS_ALL);
    becomes(s, ann, "bob", HUB_VIEWER);
    hub_leave(s->hub, ann, "left");
    assert_true(hub_operate_rename(s->hub, bob, "ann", &refusal)); // the name is free now
    assert_true(hub_operate_rename(s->hub, cid, "bob", &refusal));
    assert_int_equal(bob->rights, viewer);
    assert_int_equal(cid->rights, RIGHTS_ALL);
    struct grants by_her_name = grants_of("ann", "ann", MODERATOR);
    assert_null(join_with(s, &by_her_name, NULL, NULL, &refusal));
    assert_int_equal(refusal.code, HUB_USERNAME_TAKEN);
    ann = comes(s, "ann", "Ann again", MODERATOR);
    becomes(s, ann, "bob", HUB_VIEWER); // who is called so now: cid
    becomes(s, ann, "ann", HUB_PARTICIPANT);
    assert_int_equal(cid->rights, viewer);
    assert_int_equal(bob->rights, RIGHTS_ALL);
    hub_leave(s->hub, bob, "left");
    hub_leave(s->hub, cid, "left");
    assert_int_equal(comes(s, "bob", "bob", RIGHTS_ALL)->rights, RIGHTS_ALL);
    assert_int_equal(comes(s, "", "cid", RIGHTS_ALL)->rights, viewer); // by the name that it came with
    stage_close(s);
}

static void as_long_as_the_room(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    uint64_t held = counts(s).held_bytes;
    struct participant *bob = comes(s, "bob", "bob", RIGHTS_ALL);
    uint64_t before = counts(s).held_bytes;
    assert_true(hub_operate_rights(s->hub, bob, RIGHT_SUBSCRIBE, &refusal));
    assert_true(counts(s).held_bytes >= before + sizeof(struct kept_rights) + sizeof "bob");
    hub_leave(s->hub, bob, "left");
    bob = comes(s, "bob", "bob", MODERATOR); // nobody was there meanwhile, but the room was
    assert_int_equal(bob->rights, RIGHT_SUBSCRIBE);
    hub_leave(s->hub, bob, "left");
    assert_true(counts(s).held_bytes > held);
    pass(s, 120 * US_PER_SECOND);
    assert_int_equal(counts(s).held_bytes, held);
    assert_int_equal(comes(s, "bob", "bob", RIGHTS_ALL)->rights, RIGHTS_ALL);
    stage_close(s); // with nothing remembered,
}

static void so_many(void **state) {
    (void)state;
    struct stage *s = stage_with_clock();
    struct hub_refusal refusal;
    char name[16];
    for (unsigned i = 0; i <= KEPT_RIGHTS_MAX; i++) {
        snprintf(name, sizeof name, "n%u", i);
        s->spent = (struct relay_budget){0};
        struct participant *who = comes(s, name, name, RIGHTS_ALL);
        bool kept = hub_operate_rights(s->hub, who, 0, &refusal);
        assert_true(kept == (i < KEPT_RIGHTS_MAX));
        assert_int_equal(who->rights, kept ? 0 : RIGHTS_ALL);
        if (kept)
            assert_true(hub_operate_rights(s->hub, who, 0, &refusal)); // once more is nothing more
        s->heard[0] = '\0';
        if (i > 0)
            hub_leave(s->hub, who, "left");
        s->heard[0] = '\0';
    }
    assert_int_equal(refusal.code, HUB_LIMIT_REACHED);
    stage_close(s); // or with much
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_stays_taken),
        cmocka_unit_test(roles_take_nothing_else),
        cmocka_unit_test(names_alone),
        cmocka_unit_test(another_name_is_nothing_but_a_name),
        cmocka_unit_test(as_long_as_the_room),
        cmocka_unit_test(so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
