// Sessions that outlive their connection.
#include "fake.h"

static char *token_of(const json_t *joined) {
    return strdup(text_at(joined, "resumeToken"));
}

// Ann is in the room, as client 1.
static char *join_for_token(struct fake *f) {
    json_t *ann = join(f, 1, "r", "ann");
    char *token = token_of(ann);
    json_decref(ann);
    return token;
}

static void ask_to_resume(struct fake *f, uint32_t client, const char *token) {
    say(f, client, "{'type':'join-room','data':{'roomId':'r','resumeToken':'%s'}}", token);
}

static void resumes_with_everything(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    json_t *ann = join(f, 1, "r", "ann");
    char *token = token_of(ann);
    joins(f, 2, "r", "bob");
    expect_only_type(f, 1, "user-joined");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    json_t *transport = expect(f, 1, "webRtcTransportCreated");
    signalling_client_closed(f->signalling, 1, f->now_us);
    pass(f, 10 * US_PER_SECOND);
    expect_nothing(f, 2); // not a leave yet
    say(f, 2, "{'type':'chat-message','data':{'text':'you there?'}}");
    expect_only_type(f, 2, "chat-message");

    open_client(f, 3);
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'ann','resumeToken':'%s'},'id':9}", token);
    json_t *message = hear(f, 3);
    assert_string_equal(type_of(message), "joined");
    assert_int_equal(int_at(message, "id"), 9);
    const json_t *again = json_object_get(message, "data");
    assert_true(json_is_true(at(again, "resumed")));
    assert_string_equal(text_at(again, "userId"), text_at(ann, "userId"));
    assert_string_equal(text_at(again, "transports.0"), text_at(transport, "id"));
    assert_int_equal(json_array_size(at(again, "ownProducers")), 0);
    assert_int_equal(json_array_size(at(again, "consumers")), 0);
    assert_int_equal(json_array_size(at(again, "chat")), 1);
    assert_string_not_equal(text_at(again, "resumeToken"), token); // each is good for once
    expect_nothing(f, 2);
    assert_int_equal(counts(f).resumes, 1);
    pass(f, 60 * US_PER_SECOND);
    assert_int_equal(counts(f).participants, 2);
    free(token);
    json_decref(message);
    json_decref(transport);
    json_decref(ann);
    fake_free(f);
}

static void the_window_ends(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    char *token = join_for_token(f);
    joins(f, 2, "r", "bob");
    signalling_client_closed(f->signalling, 1, f->now_us);
    pass(f, f->config.limits.resume_window_us - US_PER_MS);
    expect_nothing(f, 2);
    pass(f, 2 * US_PER_MS);
    json_t *left = expect(f, 2, "user-left");
    assert_string_equal(text_at(left, "reason"), "timeout");
    json_decref(left);
    open_client(f, 3);
    ask_to_resume(f, 3, token);
    expect_error(f, 3, "not-found");
    // with a username the same request joins anew
    say(f, 3, "{'type':'join-room','data':{'roomId':'r','username':'ann','resumeToken':'%s'}}", token);
    json_t *anew = expect(f, 3, "joined");
    assert_true(json_is_false(at(anew, "resumed")));
    json_decref(anew);
    free(token);
    fake_free(f);
}

// What a worker says of the path of ann's only transport.
static void path_is(struct fake *f, enum ice_state ice, enum dtls_state dtls, uint64_t heard_us) {
    const struct room *room = hub_find_room(f->hub, "r");
    const struct participant *ann = room_find_name(room, "ann");
    struct media_event event = {.type = MEDIA_TRANSPORT_STATE,
                                .state = {.ice = ice, .dtls = dtls, .heard_us = heard_us}};
    event.transport = LIST_ENTRY(ann->transports.next, struct room_transport, link)->id;
    hub_media_event(f->hub, 0, &event, f->now_us);
}

static void expect_gone(struct fake *f, uint64_t in_us) {
    pass(f, in_us - US_PER_MS);
    expect_nothing(f, 2);
    pass(f, 2 * US_PER_MS);
    json_t *left = expect(f, 2, "user-left");
    assert_string_equal(text_at(left, "reason"), "timeout");
    json_decref(left);
    assert_int_equal(counts(f).participants, 1);
}

// A socket that was silent for a while before it was given up: nobody hears of ann for longer than of others.
static void the_window_counts_from_the_last_sign_of_life(void **state) {
    (void)state;
    static const struct {
        uint64_t silent_s, gone_in_s;
    } rows[] = {{0, 30}, {1, 29}, {28, 2}, {29, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake *f = fake_hub(1);
        free(join_for_token(f));
        joins(f, 2, "r", "bob");
        expect_only_type(f, 1, "user-joined");
        pass(f, 60 * US_PER_SECOND);
        signalling_client_lost(f->signalling, 1, f->now_us - rows[i].silent_s * US_PER_SECOND, f->now_us);
        expect_gone(f, rows[i].gone_in_s * US_PER_SECOND);
        fake_free(f);
    }
}

static void who_was_silent_for_longer_than_the_window_is_gone_at_once(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    free(join_for_token(f));
    joins(f, 2, "r", "bob");
    pass(f, 300 * US_PER_SECOND);
    signalling_client_lost(f->signalling, 1, f->now_us - 200 * US_PER_SECOND, f->now_us);
    pass(f, US_PER_MS);
    expect_only_type(f, 2, "user-left");
    fake_free(f);
}

static struct fake *ann_with_media(void) {
    struct fake *f = fake_hub(1);
    free(join_for_token(f));
    joins(f, 2, "r", "bob");
    expect_only_type(f, 1, "user-joined");
    say(f, 1, "{'type':'create-transport','data':{'direction':'send'}}");
    expect_only_type(f, 1, "webRtcTransportCreated");
    return f;
}

static void media_is_a_sign_of_life(void **state) {
    (void)state;
    struct fake *f = ann_with_media();
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    expect_only_type(f, 1, "transport-state");
    signalling_client_lost(f->signalling, 1, f->now_us - 20 * US_PER_SECOND, f->now_us);
    pass(f, 240 * US_PER_SECOND); // the connection is gone, ann is not
    expect_nothing(f, 2);
    // The worker tells of the end 30 s after the last packet, when the time is over.
    path_is(f, ICE_DISCONNECTED, DTLS_CONNECTED, f->now_us - 30 * US_PER_SECOND);
    pass(f, US_PER_MS);
    expect_only_type(f, 2, "user-left");
    fake_free(f);
}

// Whoever copied ann's checks could send them for ever.
static void media_alone_keeps_nobody_for_ever(void **state) {
    (void)state;
    struct fake *f = ann_with_media();
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    expect_only_type(f, 1, "transport-state");
    signalling_client_closed(f->signalling, 1, f->now_us);
    expect_gone(f, 300 * US_PER_SECOND);
    fake_free(f);
}

static void media_that_comes_again_is_another_sign(void **state) {
    (void)state;
    struct fake *f = ann_with_media();
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    expect_only_type(f, 1, "transport-state");
    signalling_client_closed(f->signalling, 1, f->now_us);
    pass(f, 60 * US_PER_SECOND);
    // A connection over TCP that ends is told at once.
    path_is(f, ICE_DISCONNECTED, DTLS_CONNECTED, f->now_us);
    pass(f, 25 * US_PER_SECOND);
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    pass(f, 60 * US_PER_SECOND);
    expect_nothing(f, 2);
    // The client says goodbye by DTLS: nothing comes any more, though ICE does not know yet.
    path_is(f, ICE_CONNECTED, DTLS_CLOSED, f->now_us);
    expect_gone(f, f->config.limits.resume_window_us);
    fake_free(f);
}

static void media_before_the_connection_was_lost_counts(void **state) {
    (void)state;
    struct fake *f = ann_with_media();
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    expect_only_type(f, 1, "transport-state");
    pass(f, 40 * US_PER_SECOND);
    path_is(f, ICE_DISCONNECTED, DTLS_CONNECTED, f->now_us - 10 * US_PER_SECOND);
    expect_only_type(f, 1, "transport-state");
    signalling_client_lost(f->signalling, 1, f->now_us - 28 * US_PER_SECOND, f->now_us);
    expect_gone(f, 20 * US_PER_SECOND);
    fake_free(f);
}

// A worker tells of the end of media too late for a window that is shorter.
static void a_short_window_does_not_look_at_media(void **state) {
    (void)state;
    struct fake *f = ann_with_media();
    struct hub_limits limits = f->config.limits;
    limits.resume_window_us = 5 * US_PER_SECOND;
    hub_set_limits(f->hub, &limits);
    path_is(f, ICE_CONNECTED, DTLS_CONNECTED, f->now_us);
    expect_only_type(f, 1, "transport-state");
    signalling_client_closed(f->signalling, 1, f->now_us);
    expect_gone(f, 5 * US_PER_SECOND);
    fake_free(f);
}

static void an_open_connection_is_taken_over(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    char *token = join_for_token(f);
    open_client(f, 2);
    ask_to_resume(f, 2, token);
    expect_only_type(f, 2, "joined");
    assert_int_equal(f->close_count, 1);
    assert_int_equal(f->closes[0].client, 1);
    assert_int_equal(f->closes[0].code, 4001);
    // what the old one still says or its end changes nothing
    say(f, 1, "{'type':'leave-room'}");
    expect_nothing(f, 1);
    signalling_client_closed(f->signalling, 1, f->now_us);
    pass(f, 60 * US_PER_SECOND);
    assert_int_equal(counts(f).participants, 1);
    // the used token is void at once
    open_client(f, 3);
    ask_to_resume(f, 3, token);
    expect_error(f, 3, "not-found");
    assert_int_equal(f->close_count, 1);
    // and stays so once the client has shown that it has the new one
    say(f, 2, "{'type':'ping'}");
    expect_only_type(f, 2, "pong");
    signalling_client_closed(f->signalling, 2, f->now_us);
    ask_to_resume(f, 3, token);
    expect_error(f, 3, "not-found");
    free(token);
    fake_free(f);
}

static void a_lost_joined_can_be_asked_for_again(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    char *token = join_for_token(f);
    signalling_client_closed(f->signalling, 1, f->now_us);
    open_client(f, 2);
    ask_to_resume(f, 2, token);
    signalling_client_closed(f->signalling, 2, f->now_us); // before `joined` with the new token could be read
    expect_only_type(f, 2, "joined");
    open_client(f, 3);
    ask_to_resume(f, 3, token);
    expect_only_type(f, 3, "joined");
    assert_int_equal(counts(f).participants, 1);
    free(token);
    fake_free(f);
}

static void wrong_tokens_get_nothing(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    json_t *ann = join(f, 1, "r", "ann");
    char *token = token_of(ann);
    joins(f, 4, "other", "eve");
    open_client(f, 2);
    // the right token, but another room or another name
    say(f, 2, "{'type':'join-room','data':{'roomId':'other','resumeToken':'%s'}}", token);
    expect_error(f, 2, "not-found");
    say(f, 2, "{'type':'join-room','data':{'roomId':'r','username':'bob','resumeToken':'%s'}}", token);
    expect_error(f, 2, "forbidden");
    for (int i = 0; i < 2; i++) {
        // one character off, one too few
        char *wrong = strdup(token);
        if (i == 0)
            wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == 'a' ? 'b' : 'a';
        else
            wrong[strlen(wrong) - 1] = '\0';
        ask_to_resume(f, 2, wrong);
        expect_error(f, 2, "not-found");
        free(wrong);
    }
    assert_int_equal(counts(f).resumes, 0);
    assert_int_equal(f->close_count, 0);
    free(token);
    json_decref(ann);
    fake_free(f);
}

static void relayed_messages_wait_for_the_return(void **state) {
    (void)state;
    struct fake *f = fake_hub(1);
    char *token = join_for_token(f);
    joins(f, 2, "r", "bob");
    signalling_client_closed(f->signalling, 1, f->now_us);
    for (int i = 0; i < 64; i++)
        say(f, 2, "{'type':'webrtc-ice-candidate','data':{'target':'ann','payload':{'n':%d}}}", i);
    expect_nothing(f, 2);
    say(f, 2, "{'type':'webrtc-ice-candidate','data':{'target':'ann','payload':{'n':64}}}");
    expect_error(f, 2, "limit-reached");
    forget_texts(f);
    open_client(f, 3);
    ask_to_resume(f, 3, token);
    expect_only_type(f, 3, "joined");
    for (int i = 0; i < 64; i++) {
        json_t *data = expect(f, 3, "webrtc-ice-candidate");
        assert_int_equal(int_at(data, "payload.n"), i);
        json_decref(data);
    }
    expect_nothing(f, 3);
    free(token);
    fake_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumes_with_everything),
        cmocka_unit_test(the_window_ends),
        cmocka_unit_test(the_window_counts_from_the_last_sign_of_life),
        cmocka_unit_test(who_was_silent_for_longer_than_the_window_is_gone_at_once),
        cmocka_unit_test(media_is_a_sign_of_life),
        cmocka_unit_test(media_alone_keeps_nobody_for_ever),
        cmocka_unit_test(media_that_comes_again_is_another_sign),
        cmocka_unit_test(media_before_the_connection_was_lost_counts),
        cmocka_unit_test(a_short_window_does_not_look_at_media),
        cmocka_unit_test(an_open_connection_is_taken_over),
        cmocka_unit_test(a_lost_joined_can_be_asked_for_again),
        cmocka_unit_test(wrong_tokens_get_nothing),
        cmocka_unit_test(relayed_messages_wait_for_the_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
