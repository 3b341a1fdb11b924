// Edges of the verbs: messages that are lost, producers that end while others want something of them.
#include "stage.h"

#include "server/hub/hub_internal.h"

static void a_lost_message_ends_no_call_that_was_there(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    struct hub_pass_on call = {.kind = HUB_CALL, .target = "bob"};
    s->delivery = ERR_LIMIT;
    assert_null(hub_pass_on(s->hub, ann, &call, &refusal));
    assert_null(room_find_call(ann->room, ann, bob)); // bob has never heard of it
    s->delivery = ERR_OK;
    assert_ptr_equal(hub_pass_on(s->hub, ann, &call, &refusal), bob);
    assert_non_null(room_find_call(ann->room, ann, bob));
    s->delivery = ERR_LIMIT;
    assert_null(hub_pass_on(s->hub, ann, &call, &refusal));
    assert_non_null(room_find_call(ann->room, ann, bob));
    call = (struct hub_pass_on){.kind = HUB_ACCEPT_CALL, .target = "ann"};
    assert_null(hub_pass_on(s->hub, bob, &call, &refusal));
    assert_false(room_find_call(ann->room, ann, bob)->accepted);
    call.kind = HUB_HANG_UP;
    assert_null(hub_pass_on(s->hub, bob, &call, &refusal));
    assert_non_null(room_find_call(ann->room, ann, bob));
    s->delivery = ERR_OK;
    assert_non_null(hub_pass_on(s->hub, bob, &call, &refusal));
    assert_null(room_find_call(ann->room, ann, bob));
    stage_close(s);
}

// What closes is not told what is wanted of it, on however many workers it is consumed.
static void nothing_is_wanted_of_a_producer_that_closes(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    s->config.workers = 3;
    s->config.limits.participants_per_worker = 1;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob"), *cid = joins(s, "cid");
    assert_true(ann->worker != bob->worker && bob->worker != cid->worker && cid->worker != ann->worker);
    struct room_producer *video = produces(s, ann, opens(s, ann, true), MEDIA_VIDEO);
    opens(s, bob, false);
    opens(s, cid, false);
    consumes(s, bob, video);
    consumes(s, cid, video);
    assert_int_equal(counts(s).relays, 2);
    s->heard[0] = '\0';
    struct media_event event = {.type = MEDIA_LAYERS_WANTED, .producer = video->id};
    event.layers.spatial = 1;
    hub_media_event(s->hub, bob->worker, &event, s->now_us);
    event.layers.spatial = 2;
    hub_media_event(s->hub, cid->worker, &event, s->now_us);
    expect_heard(s, "wanted 1; wanted 2; ");
    assert_true(hub_close_producer(s->hub, ann, video->public_id.text, &refusal));
    assert_null(strstr(s->heard, "wanted"));
    assert_int_equal(counts(s).relays, 0);
    stage_close(s);
}

// Of C0 newline and tab alone, no DEL, nothing of C1.
static void chat_takes_no_control_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool taken;
    } rows[] = {
        {"plain", true},
        {"line\nand\ttab", true},
        {"bell \a", false},
        {"\x1b[31m", false},
        {"delete \x7f", false},
        {"C1 \xc2\x80", false},
        {"C1 \xc2\x9f", false},
        {"\xc2\xa0 space", true},
        {"\xc3\x80 a letter", true},
        {"\x1f unit", false},
        {" ", true},
    };
    struct stage *s = stage_new();
    stage_open(s);
    struct participant *ann = joins(s, "ann");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hub_chat_line line;
        struct hub_refusal refusal;
        s->heard[0] = '\0';
        if (hub_chat(s->hub, ann, rows[i].text, NULL, &line, &refusal) != rows[i].taken)
            fail_msg("row %zu: expected %d", i, rows[i].taken);
        if (!rows[i].taken)
            assert_int_equal(refusal.code, HUB_BAD_REQUEST);
        else
            s->heard[0] = '\0';
        if (hub_chat(s->hub, ann, "text", "no\nlines", &line, &refusal))
            fail_msg("a time of two lines was taken");
    }
    stage_close(s);
}

// Its time begins with it.
static void who_is_gone_at_once_may_come_back_in_time(void **state) {
    (void)state;
    struct stage *s = stage_new();
    s->now_us = 100000 * US_PER_SECOND;
    stage_open(s);
    hub_detach(s->hub, joins(s, "ann"), s->now_us);
    pass(s, s->config.limits.resume_window_us - US_PER_SECOND);
    expect_heard(s, "joined ann; ");
    pass(s, 2 * US_PER_SECOND);
    expect_heard(s, "timeout ann; ");
    stage_close(s);
}

static void by_set_time(struct stage *s) {
    hub_set_time(s->hub, s->now_us);
}
static void by_advance(struct stage *s) {
    hub_advance(s->hub, s->now_us);
}
static void by_drain(struct stage *s) {
    hub_drain(s->hub, 0, s->now_us);
}
static void by_event(struct stage *s) {
    struct media_event event = {.type = MEDIA_PRODUCER_SCORE, .producer = {999}};
    hub_media_event(s->hub, 0, &event, s->now_us);
}
static void by_stats(struct stage *s) {
    hub_media_stats(s->hub, 0, &(struct media_stats){.token = 1}, s->now_us);
}

// Whatever tells the hub the time: what follows is counted from then on.
static void time_moves_by_whatever_tells_it(void **state) {
    (void)state;
    static void (*const ways[])(struct stage *) = {by_set_time, by_advance, by_drain, by_event, by_stats};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct stage *s = stage_new();
        stage_open(s);
        struct participant *ann = joins(s, "ann");
        s->now_us += 1000 * US_PER_SECOND;
        ways[i](s);
        hub_detach(s->hub, ann, s->now_us);
        pass(s, s->config.limits.resume_window_us - US_PER_SECOND);
        assert_null(strstr(s->heard, "timeout"));
        pass(s, 2 * US_PER_SECOND);
        assert_non_null(strstr(s->heard, "timeout ann"));
        stage_close(s);
    }
}

// A camera, a microphone and a screen are announced however much others have to wait, and not a byte more.
static void the_first_notices_are_free(void **state) {
    (void)state;
    struct stage *s = stage_new();
    struct hub_refusal refusal;
    stage_open(s);
    struct participant *ann = joins(s, "ann"), *bob = joins(s, "bob");
    bob->relayed_due_us = s->now_us + 1000 * US_PER_SECOND; // others have sent him more than he may get
    const size_t overhead = 64, free_bytes = 4096;
    assert_true(hub_spend_notice(s->hub, ann, 1000, &refusal));
    assert_true(hub_spend_notice(s->hub, ann, free_bytes - 1000 - 2 * overhead, &refusal));
    assert_false(hub_spend_notice(s->hub, ann, 0, &refusal));
    assert_int_equal(refusal.code, HUB_RATE_LIMITED);
    stage_close(s);
}

// The packets of a producer come over the link of the worker that has its transport.
static void a_producer_has_its_workers_link(void **state) {
    (void)state;
    struct stage *s = stage_new();
    s->config.limits.participants_per_worker = 1;
    stage_open(s);
    for (unsigned i = 0; i < 2; i++) {
        struct participant *who = joins(s, i ? "bob" : "ann");
        struct room_transport *send = opens(s, who, true);
        s->command_count = 0;
        produces(s, who, send, MEDIA_AUDIO);
        assert_int_equal(s->commands[0].open_producer.source.v, link_of_worker(who->worker).v);
        assert_int_equal(s->commands[0].transport.v, send->id.v);
    }
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_message_ends_no_call_that_was_there),
        cmocka_unit_test(nothing_is_wanted_of_a_producer_that_closes),
        cmocka_unit_test(who_is_gone_at_once_may_come_back_in_time),
        cmocka_unit_test(time_moves_by_whatever_tells_it),
        cmocka_unit_test(the_first_notices_are_free),
        cmocka_unit_test(a_producer_has_its_workers_link),
        cmocka_unit_test(chat_takes_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
