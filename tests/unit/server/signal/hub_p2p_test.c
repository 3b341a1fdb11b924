// Peer to peer, relayed.
#include "fake.h"

static struct fake *three(void) {
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    joins(f, 2, "r", "bob");
    joins(f, 3, "r", "cat");
    joins(f, 4, "elsewhere", "eve");
    forget_texts(f);
    return f;
}

static void messages_reach_the_target_alone(void **state) {
    (void)state;
    static const struct {
        const char *type;
        bool target_told;
    } rows[] = {{"webrtc-offer", true}, {"webrtc-answer", true}, {"webrtc-ice-candidate", true},
                {"call-remote", false}, {"accept-call", false},  {"reject-call", false},
                {"hang-up", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = three();
        say(f, 1, "{'type':'%s','data':{'target':'bob','from':'cat','payload':{'sdp':[1,null,'x']}}}",
            rows[i].type);
        json_t *data = expect(f, 2, rows[i].type);
        assert_string_equal(text_at(data, "from"), "ann"); // not what the sender claims
        assert_true(strlen(text_at(data, "fromId")) >= 20);
        assert_int_equal(json_array_size(at(data, "payload.sdp")), 3);
        assert_int_equal(json_object_get(data, "target") != NULL, rows[i].target_told);
        // the answer goes to the id that came with it, and is confirmed when the sender gives an id
        say(f, 2, "{'type':'%s','data':{'target':'%s','payload':{}},'id':5}", rows[i].type,
            text_at(data, "fromId"));
        expect_only_type(f, 1, rows[i].type);
        json_t *confirmed = expect(f, 2, "relayed");
        assert_string_equal(text_at(confirmed, "type"), rows[i].type);
        json_decref(confirmed);
        json_decref(data);
        for (uint32_t client = 1; client <= 4; client++)
            expect_nothing(f, client);
        fake_free(f);
    }
}

static void impossible_targets_are_refused(void **state) {
    (void)state;
    struct fake *f = three();
    say(f, 1, "{'type':'webrtc-offer','data':{'target':'eve','payload':{}}}");
    expect_error(f, 1, "not-found");
    say(f, 1, "{'type':'call-remote','data':{'target':'nobody'}}");
    expect_error(f, 1, "not-found");
    say(f, 1, "{'type':'hang-up','data':{'target':'ann'}}");
    expect_error(f, 1, "bad-request");
    say(f, 1, "{'type':'webrtc-offer','data':{'target':'bob'}}");
    expect_error(f, 1, "bad-request");
    say(f, 1, "{'type':'webrtc-offer','data':{'target':'bob','payload':'v=0'}}");
    expect_error(f, 1, "bad-request");
    for (uint32_t client = 1; client <= 4; client++)
        expect_nothing(f, client);
    fake_free(f);
}

static void a_call_without_payload_has_none(void **state) {
    (void)state;
    struct fake *f = three();
    say(f, 1, "{'type':'call-remote','data':{'target':'bob'}}");
    json_t *ring = expect(f, 2, "call-remote");
    assert_null(json_object_get(ring, "payload"));
    json_decref(ring);
    fake_free(f);
}

static void expect_hang_up(struct fake *f, uint32_t client, const char *from) {
    json_t *data = expect(f, client, "hang-up");
    assert_string_equal(text_at(data, "from"), from);
    assert_string_equal(text_at(data, "payload.reason"), "left");
    json_decref(data);
}

static void leaving_hangs_up(void **state) {
    (void)state;
    static const struct {
        const char *first, *second; // what ann, then bob says before ann leaves
        bool hangs_up;
    } rows[] = {
        {"call-remote", NULL, true},           {"call-remote", "accept-call", true},
        {"call-remote", "reject-call", false}, {"call-remote", "hang-up", false},
        {"webrtc-offer", NULL, false},         {"webrtc-offer", "webrtc-answer", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int times_out = 0; times_out < 2; times_out++) {
            struct fake *f = three();
            say(f, 1, "{'type':'%s','data':{'target':'bob','payload':{}}}", rows[i].first);
            if (rows[i].second)
                say(f, 2, "{'type':'%s','data':{'target':'ann','payload':{}}}", rows[i].second);
            forget_texts(f);
            if (times_out) {
                signalling_client_closed(f->signalling, 1, f->now_us);
                pass(f, f->config.limits.resume_window_us + US_PER_SECOND);
            } else {
                say(f, 1, "{'type':'leave-room'}");
            }
            if (rows[i].hangs_up)
                expect_hang_up(f, 2, "ann");
            expect_only_type(f, 2, "user-left");
            expect_only_type(f, 3, "user-left");
            expect_nothing(f, 2);
            expect_nothing(f, 3);
            fake_free(f);
        }
}

static void a_mesh_of_calls_ends_one_by_one(void **state) {
    (void)state;
    struct fake *f = three();
    say(f, 1, "{'type':'call-remote','data':{'target':'bob'}}");
    say(f, 3, "{'type':'call-remote','data':{'target':'ann'}}");
    say(f, 2, "{'type':'call-remote','data':{'target':'cat'}}");
    forget_texts(f);
    say(f, 1, "{'type':'leave-room'}");
    expect_hang_up(f, 2, "ann");
    expect_hang_up(f, 3, "ann");
    forget_texts(f);
    say(f, 2, "{'type':'leave-room'}");
    expect_hang_up(f, 3, "bob");
    fake_free(f);
}

static void calls_are_bounded(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    joins(f, 1, "r", "ann");
    for (uint32_t i = 0; i < 33; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        joins(f, 10 + i, "r", name);
        forget_texts(f);
        say(f, 1, "{'type':'call-remote','data':{'target':'%s'}}", name);
        if (i < 32) {
            expect_only_type(f, 10 + i, "call-remote");
        } else {
            expect_error(f, 1, "limit-reached");
            expect_nothing(f, 10 + i);
        }
    }
    say(f, 1, "{'type':'hang-up','data':{'target':'p0'}}");
    say(f, 1, "{'type':'call-remote','data':{'target':'p32'}}");
    expect_only_type(f, 42, "call-remote");
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_reach_the_target_alone), cmocka_unit_test(impossible_targets_are_refused),
        cmocka_unit_test(a_call_without_payload_has_none), cmocka_unit_test(leaving_hangs_up),
        cmocka_unit_test(a_mesh_of_calls_ends_one_by_one), cmocka_unit_test(calls_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
