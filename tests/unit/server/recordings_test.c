// Recordings as the server has them, with a program of a few lines in the recorder's place.
#include "server/hub/hub_internal.h"
#include "server/recordings_internal.h"
#include "tests/unit/server/hub/stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define READS                                                                                                \
    "while read -r line; do echo \"$line\" >>\"$2.lines\"; case $line in *stop*) exit 0;; esac; done\n"
#define SLEEPS "exec sleep 20 2>/dev/null\n" // which holds no pipe of the test

// A room in which somebody sends sound and picture, and its recording.
struct show {
    struct stage *stage;
    uv_loop_t loop;
    struct recordings *all;
    char folder[64], program[80], error[160];
    enum recording_state state;
    unsigned changes;
    bool full_once_active; // workers take nothing then
};

static enum plain_bind_result bind_some(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                        char *why) {
    (void)ctx, (void)rtcp_mux, (void)inside, (void)why;
    *out = (struct plain_place){
        .rtp_fd = dup(0), .rtcp_fd = -1, .ip = "127.0.0.1", .rtp_port = 5000, .rtcp_port = 5000, .family = 4};
    return PLAIN_BOUND;
}

static void on_changed(void *ctx, const struct recording_view *recording) {
    struct show *show = ctx;
    show->changes++;
    show->state = recording->state;
    snprintf(show->error, sizeof show->error, "%s", recording->error);
    if (recording->state == RECORDING_ACTIVE)
        show->stage->full = show->full_once_active;
}

static void write_program(struct show *show, const char *script) {
    FILE *file;
    snprintf(show->folder, sizeof show->folder, "/tmp/rotunda-recordings-XXXXXX");
    assert_non_null(mkdtemp(show->folder));
    snprintf(show->program, sizeof show->program, "%s/program", show->folder);
    assert_non_null(file = fopen(show->program, "w"));
    fprintf(file, "#!/bin/sh\necho '{\"event\":\"listening\",\"port\":5004}'\n%s", script);
    fclose(file);
    chmod(show->program, 0700);
}

static void open_show(struct show *show, const char *script, bool full_once_active) {
    struct recording_view view;
    struct hub_refusal refusal;
    signal(SIGPIPE, SIG_IGN);
    *show = (struct show){.stage = stage_new(), .full_once_active = full_once_active};
    show->stage->plain_bind = bind_some;
    show->stage->now_us = clock_now_us();
    show->stage->config.limits.consumers_per_participant_max = 1;
    show->stage->config.limits.commands_waiting_max = 0;
    stage_open(show->stage);
    struct participant *ann = joins(show->stage, "ann");
    struct room_transport *transport = opens(show->stage, ann, true);
    produces(show->stage, ann, transport, MEDIA_AUDIO);
    produces(show->stage, ann, transport, MEDIA_VIDEO);
    show->stage->command_count = 0;
    write_program(show, script);
    assert_int_equal(uv_loop_init(&show->loop), 0);
    struct recordings_config config = {.folder = show->folder, .program = show->program};
    struct recordings_hooks hooks = {.ctx = show, .changed = on_changed};
    show->all = recordings_create(show->stage->hub, &show->loop, &config, &hooks);
    assert_non_null(show->all);
    assert_true(recordings_start(show->all, "r", "", "", &view, &refusal));
}

static struct recording_run *run_of(const struct show *show) {
    assert_false(list_empty(&show->all->runs));
    return LIST_ENTRY(show->all->runs.next, struct recording_run, link);
}

// Until that is told, or so many turns later than it can be. The process' handles keep no loop alive.
static void wait_for(struct show *show, enum recording_state state) {
    uv_timer_t turn;
    uv_timer_init(&show->loop, &turn);
    for (unsigned turns = 0; turns < 500 && show->state != state && show->state < RECORDING_COMPLETE;
         turns++) {
        if (state == RECORDING_ACTIVE && run_of(show)->state > state)
            break; // memory was short
        uv_timer_start(&turn, (uv_timer_cb)(void *)uv_timer_stop, 20, 0);
        uv_run(&show->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&turn, NULL);
    uv_run(&show->loop, UV_RUN_NOWAIT);
    assert_int_equal(show->state, state);
}

static void close_show(struct show *show) {
    char path[400];
    recordings_destroy(show->all);
    assert_int_equal(uv_loop_close(&show->loop), 0);
    for (unsigned i = 0; i < show->stage->command_count; i++)
        if (show->stage->commands[i].type == MEDIA_OPEN_PLAIN)
            close(show->stage->commands[i].plain.params.rtp_fd);
    stage_close(show->stage);
    DIR *folder = opendir(show->folder);
    for (const struct dirent *file; folder && (file = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", show->folder, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
    }
    closedir(folder);
    rmdir(show->folder);
}

static unsigned commands_of(const struct show *show, enum media_cmd_type type) {
    unsigned n = 0;
    for (unsigned i = 0; i < show->stage->command_count; i++)
        n += show->stage->commands[i].type == type;
    return n;
}

static void what_was_refused_is_tried_anew(void **state) {
    (void)state;
    struct show show;
    open_show(&show, READS, true);
    wait_for(&show, RECORDING_ACTIVE);
    assert_int_equal(run_of(&show)->track_count, 0);
    uint64_t again_us = recordings_next_us(show.all);
    assert_true(again_us > 0 && again_us < TIME_NEVER);
    recordings_advance(show.all, again_us); // still refused
    assert_int_equal(run_of(&show)->track_count, 0);
    again_us = recordings_next_us(show.all);
    show.stage->full = false;
    recordings_advance(show.all, again_us - 1);
    assert_int_equal(run_of(&show)->track_count, 0);
    recordings_advance(show.all, again_us);
    assert_int_equal(run_of(&show)->track_count, 2); // more than others may have
    assert_int_equal(commands_of(&show, MEDIA_OPEN_CONSUMER), 2);
    assert_int_equal(commands_of(&show, MEDIA_PAUSE_CONSUMER), 2);
    assert_true(recordings_next_us(show.all) == TIME_NEVER);
    close_show(&show);
    assert_int_equal(show.state, RECORDING_COMPLETE);
}

static struct room_rules recorded_by_nobody(void *ctx, const char *room) {
    (void)ctx, (void)room;
    return (struct room_rules){.record = RECORD_BY_NOBODY};
}

// As when the file of rooms is read again.
static void what_may_not_be_recorded_any_more_is_not(void **state) {
    (void)state;
    struct show show;
    open_show(&show, READS, false);
    wait_for(&show, RECORDING_ACTIVE);
    recordings_look_again(show.all); // nothing has changed
    assert_int_equal(run_of(&show)->state, RECORDING_ACTIVE);
    show.stage->hub->io.rules = recorded_by_nobody;
    recordings_look_again(show.all);
    assert_int_equal(run_of(&show)->state, RECORDING_ENDING);
    wait_for(&show, RECORDING_COMPLETE);
    close_show(&show);
}

// Beyond its own tracks, say: the server sends nothing of it meanwhile, and offers it again.
static void what_the_recorder_refuses_is_offered_anew(void **state) {
    (void)state;
    struct show show;
    open_show(&show, READS, false);
    wait_for(&show, RECORDING_ACTIVE);
    assert_int_equal(run_of(&show)->track_count, 2);
    assert_true(recordings_next_us(show.all) == TIME_NEVER);
    const struct followed *f = LIST_ENTRY(run_of(&show)->tracks.next, struct followed, link);
    struct public_id refused = f->consumer;
    recording_refuses(run_of(&show), "nobody's");
    assert_int_equal(commands_of(&show, MEDIA_CLOSE_CONSUMER), 0);
    recording_refuses(run_of(&show), refused.text);
    assert_int_equal(run_of(&show)->track_count, 1);
    assert_int_equal(commands_of(&show, MEDIA_CLOSE_CONSUMER), 1);
    recording_refuses(run_of(&show), refused.text); // it is nobody's any more
    assert_int_equal(run_of(&show)->track_count, 1);
    uint64_t again_us = recordings_next_us(show.all);
    assert_true(again_us < TIME_NEVER);
    recordings_advance(show.all, again_us);
    assert_int_equal(run_of(&show)->track_count, 2);
    assert_int_equal(commands_of(&show, MEDIA_OPEN_CONSUMER), 3);
    assert_true(f->running && strcmp(f->consumer.text, refused.text) != 0);
    close_show(&show);
}

// More than a pipe takes, `lines` times.
static void tell_much(struct recording_run *run, unsigned lines) {
    static char text[100 * 1024];
    memset(text, 'x', sizeof text - 1);
    for (unsigned i = 0; i < lines; i++)
        (void)run_tell(run, json_pack("{s:s}", "do", text));
}

static void who_reads_nothing_is_killed(void **state) {
    (void)state;
    struct show show;
    open_show(&show, SLEEPS, false);
    wait_for(&show, RECORDING_ACTIVE);
    tell_much(run_of(&show), 8);
    assert_false(run_of(&show)->stuck);
    tell_much(run_of(&show), RUN_UNREAD_BYTES_MAX / (100 * 1024));
    assert_true(run_of(&show)->stuck);
    wait_for(&show, RECORDING_FAILED);
    assert_non_null(strstr(show.error, "reads nothing"));
    close_show(&show);
}

// The loop comes to its end; what is left waits for the process, bounded.
static void what_nobody_reads_holds_up_no_end(void **state) {
    (void)state;
    struct show show;
    open_show(&show, SLEEPS, false);
    wait_for(&show, RECORDING_ACTIVE);
    tell_much(run_of(&show), 8);
    assert_true(uv_stream_get_write_queue_size((uv_stream_t *)&run_of(&show)->in) > 0);
    recordings_shut(show.all);
    uv_run(&show.loop, UV_RUN_DEFAULT);
    assert_false(run_of(&show)->exited);
    (void)uv_process_kill(&run_of(&show)->process, SIGKILL);
    close_show(&show);
    assert_int_equal(show.state, RECORDING_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_refused_is_tried_anew),
        cmocka_unit_test(what_may_not_be_recorded_any_more_is_not),
        cmocka_unit_test(what_the_recorder_refuses_is_offered_anew),
        cmocka_unit_test(who_reads_nothing_is_killed),
        cmocka_unit_test(what_nobody_reads_holds_up_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
