// What a media worker asks of the thread of ICE agents, whose ring is full: nothing of it is lost, whatever
// happens to the transport meanwhile. The test is both threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "server/media/ice_worker_internal.h"
#include "tests/unit/server/media/worker_scene.h"

#include <stdio.h>
#include <string.h>

struct stage {
    struct scene scene; // first
    struct ice_worker *ice;
    struct ring *notes;
    uint64_t now_us;
};

static int stage_open(void **state) {
    static struct stage s;
    struct ice_worker_config ice = {
        .workers = 1, .wake_worker = nobody_is_woken, .events_ready = nobody_hears, .pool.host_count = 1};
    assert_int_equal(addr_parse("127.0.0.1", 0, &ice.pool.hosts[0]), ERR_OK);
    s.ice = ice_worker_create(&ice);
    assert_non_null(s.ice);
    scene_open_with(&s.scene, (struct worker_config){.workers = 1, .ice = s.ice});
    s.notes = s.ice->links[0].in;
    s.now_us = clock_now_us();
    *state = &s;
    return 0;
}

static int stage_close(void **state) {
    struct stage *s = *state;
    scene_close(state); // the worker before the agents that it asks
    ice_worker_destroy(s->ice);
    return 0;
}

// Until there is no room for anything.
static void fill(struct stage *s) {
    for (struct ice_note *note; (note = ice_worker_reserve(s->ice, 0)); ice_worker_push(s->ice, 0))
        *note = (struct ice_note){.type = ICE_NOTE_PACKET};
}

static void command(struct stage *s, struct media_cmd cmd) {
    s->scene.worker->now_us = s->now_us;
    worker_peer_command(s->scene.worker, &cmd, s->now_us);
}

// `mark` tells credentials apart.
static void opens(struct stage *s, uint32_t id, char mark) {
    struct media_cmd cmd = {
        .type = MEDIA_OPEN_TRANSPORT, .transport = {id}, .full = true, .controlling = true};
    ice_credentials_make(0, &cmd.ice);
    cmd.ice.ufrag[2] = mark;
    command(s, cmd);
}
static void restarts(struct stage *s, uint32_t id, char mark) {
    struct media_cmd cmd = {.type = MEDIA_RESTART_ICE, .transport = {id}};
    ice_credentials_make(0, &cmd.ice);
    cmd.ice.ufrag[2] = mark;
    command(s, cmd);
}
static void tells(struct stage *s, uint32_t id, char mark) {
    struct media_cmd cmd = {.type = MEDIA_ICE_REMOTE, .transport = {id}};
    snprintf(cmd.ice_remote.ufrag, sizeof cmd.ice_remote.ufrag, "far%c", mark);
    command(s, cmd);
}
static void adds(struct stage *s, uint32_t id, uint32_t priority) {
    command(s, (struct media_cmd){
                   .type = MEDIA_ICE_CANDIDATE, .transport = {id}, .ice_candidate = {.priority = priority}});
}
static void closes(struct stage *s, uint32_t id) {
    command(s, (struct media_cmd){.type = MEDIA_CLOSE_TRANSPORT, .transport = {id}});
}

static void describe(const struct ice_note *note, char *out, size_t cap) {
    switch (note->type) {
    case ICE_NOTE_PACKET:
        out[0] = '\0';
        break;
    case ICE_NOTE_OPEN:
        snprintf(out, cap, "open %u %c%s; ", note->transport.v, note->ours.credentials.ufrag[2],
                 note->ours.controlling ? "" : " controlled");
        break;
    case ICE_NOTE_REMOTE:
        snprintf(out, cap, "remote %u %s; ", note->transport.v, note->remote.ufrag + 3);
        break;
    case ICE_NOTE_CANDIDATE:
        snprintf(out, cap, "candidate %u %u; ", note->transport.v, note->candidate.priority);
        break;
    case ICE_NOTE_RESTART:
        snprintf(out, cap, "restart %u %c; ", note->transport.v, note->ours.credentials.ufrag[2]);
        break;
    case ICE_NOTE_CLOSE:
        snprintf(out, cap, "close %u; ", note->transport.v);
        break;
    }
}

static void drop_one(struct stage *s) {
    assert_non_null(ring_peek(s->notes));
    ring_pop(s->notes);
}

// The agents' thread takes so many notes, and the worker has a turn; what they said, but for packets.
static void takes(struct stage *s, unsigned count, char out[1024]) {
    char text[128];
    const struct ice_note *note;
    out[0] = '\0';
    while (count-- > 0 && (note = ring_peek(s->notes))) {
        describe(note, text, sizeof text);
        ring_pop(s->notes);
        assert_true(strlen(out) + strlen(text) < 1024);
        strcat(out, text);
        worker_ice_in(s->scene.worker, s->now_us);
    }
}

static void expect_all(struct stage *s, const char *wanted) {
    char said[1024];
    takes(s, UINT32_MAX, said);
    assert_string_equal(said, wanted);
    assert_true(list_empty(&s->scene.worker->agents_untold));
    assert_null(ring_peek(s->scene.worker->ice_closed));
    assert_true(s->scene.worker->ice_retry.due_us == TIME_NEVER);
}

static void what_finds_room_is_told_at_once(void **state) {
    struct stage *s = *state;
    opens(s, 1, 'a');
    tells(s, 1, 'A');
    adds(s, 1, 7);
    restarts(s, 1, 'b');
    tells(s, 1, 'B');
    adds(s, 1, 8);
    closes(s, 1);
    expect_all(s, "open 1 a; remote 1 A; candidate 1 7; restart 1 b; remote 1 B; candidate 1 8; close 1; ");
}

static void what_finds_none_is_told_as_it_is_then(void **state) {
    struct stage *s = *state;
    fill(s);
    opens(s, 1, 'a');
    tells(s, 1, 'A');
    adds(s, 1, 7);
    adds(s, 1, 8);
    opens(s, 2, 'x');
    assert_true(s->scene.worker->ice_retry.due_us != TIME_NEVER);
    opens(s, 3, 'y');
    tells(s, 3, 'Y');
    adds(s, 3, 1);
    restarts(s, 3, 'z');
    tells(s, 3, 'Z');
    adds(s, 3, 2);
    closes(s, 2); // of which nobody has heard
    expect_all(s,
               "open 1 a; remote 1 A; candidate 1 7; candidate 1 8; open 3 z; remote 3 Z; candidate 3 2; ");
    // An agent that is there hears of a restart alone, of the last one.
    fill(s);
    restarts(s, 1, 'b');
    tells(s, 1, 'B');
    restarts(s, 1, 'c');
    tells(s, 1, 'C');
    expect_all(s, "restart 1 c; remote 1 C; ");
    // What was told of the peer before a restart is over with it.
    fill(s);
    tells(s, 1, 'X');
    adds(s, 1, 9);
    restarts(s, 1, 'd');
    expect_all(s, "restart 1 d; ");
}

// Nothing overtakes what waits, though there is room for it by then.
static void the_order_is_kept(void **state) {
    struct stage *s = *state;
    opens(s, 1, 'a');
    fill(s);
    tells(s, 1, 'A');
    drop_one(s);
    drop_one(s);
    adds(s, 1, 7);
    expect_all(s, "remote 1 A; candidate 1 7; "); // the first, of the opening, was taken above
}

static void ends_are_told_before_anything_else(void **state) {
    struct stage *s = *state;
    opens(s, 1, 'a');
    opens(s, 2, 'b');
    expect_all(s, "open 1 a; open 2 b; ");
    fill(s);
    tells(s, 2, 'B');
    opens(s, 3, 'c');
    closes(s, 1);
    closes(s, 2); // and nothing is told of it any more
    assert_int_equal(ring_waiting(s->scene.worker->ice_closed), 2);
    expect_all(s, "close 1; close 2; open 3 c; ");
}

static void the_timer_tries_again(void **state) {
    struct stage *s = *state;
    fill(s);
    opens(s, 1, 'a');
    assert_in_range(s->scene.worker->ice_retry.due_us, s->now_us + 1, s->now_us + 10 * US_PER_MS);
    s->scene.worker->now_us = s->now_us += 10 * US_PER_MS;
    wheel_advance(&s->scene.worker->wheel, s->now_us);
    assert_true(s->scene.worker->ice_retry.due_us > s->now_us &&
                s->scene.worker->ice_retry.due_us != TIME_NEVER);
    drop_one(s);
    s->scene.worker->now_us = s->now_us += 10 * US_PER_MS;
    wheel_advance(&s->scene.worker->wheel, s->now_us);
    assert_true(s->scene.worker->ice_retry.due_us == TIME_NEVER);
    expect_all(s, "open 1 a; ");
}

static void candidates_are_bounded(void **state) {
    struct stage *s = *state;
    char said[1024];
    opens(s, 1, 'a');
    fill(s);
    for (unsigned i = 0; i < ICE_AGENT_REMOTES_MAX; i++)
        adds(s, 1, i + 1);
    drop_one(s); // there is room, but not for who would overtake
    for (unsigned i = ICE_AGENT_REMOTES_MAX; i < 3 * ICE_AGENT_REMOTES_MAX; i++)
        adds(s, 1, i + 1);
    takes(s, UINT32_MAX, said);
    assert_non_null(strstr(said, "candidate 1 32; "));
    assert_null(strstr(said, "candidate 1 33; "));
    // Beyond that the agent counts what it does not take, where it can be told.
    adds(s, 1, 99);
    expect_all(s, "candidate 1 99; ");
    restarts(s, 1, 'b');
    adds(s, 1, 5);
    expect_all(s, "restart 1 b; candidate 1 5; ");
}

// Packets leave room for what is told of agents, and video for sound.
static void packets_leave_room(void **state) {
    struct stage *s = *state;
    unsigned video = 0, all = 0, notes = 0;
    for (; ice_worker_reserve_packet(s->ice, 0, true); ice_worker_push(s->ice, 0))
        video++;
    for (; ice_worker_reserve_packet(s->ice, 0, false); ice_worker_push(s->ice, 0))
        all++;
    for (; ice_worker_reserve(s->ice, 0); ice_worker_push(s->ice, 0))
        notes++;
    assert_int_equal(video, 1024);
    assert_int_equal(all, 768);
    assert_int_equal(notes, 256);
    while (ring_peek(s->notes))
        ring_pop(s->notes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_finds_room_is_told_at_once, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(what_finds_none_is_told_as_it_is_then, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(the_order_is_kept, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(ends_are_told_before_anything_else, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(the_timer_tries_again, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(candidates_are_bounded, stage_open, stage_close),
        cmocka_unit_test_setup_teardown(packets_leave_room, stage_open, stage_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
