#include "server/recordings_internal.h"

#include "base/entropy.h"
#include "base/log.h"
#include "server/hub/hub_operate.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "rotunda-record"

const char *recording_state_name(enum recording_state state) {
    switch (state) {
    case RECORDING_STARTING:
        return "EGRESS_STARTING";
    case RECORDING_ACTIVE:
        return "EGRESS_ACTIVE";
    case RECORDING_ENDING:
        return "EGRESS_ENDING";
    case RECORDING_COMPLETE:
        return "EGRESS_COMPLETE";
    case RECORDING_FAILED:
        return "EGRESS_FAILED";
    }
    return "";
}

static json_t *nanoseconds(uint64_t wall_s) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)wall_s * 1000000000);
    return json_string(text);
}

json_t *recording_describe(const struct recording_view *r) {
    json_t *info = json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:i}", "egressId", r->id, "roomId",
                             r->in ? r->in->public_id.text : "", "roomName", r->room, "status",
                             recording_state_name(r->state), "startedAt", nanoseconds(r->began_wall_s),
                             "folder", r->folder, "tracks", (int)r->tracks);
    bool fine =
        info &&
        (!r->who[0] ||
         json_object_set_new(info, "participant",
                             json_pack("{s:s, s:s}", "roomName", r->room, "identity", r->who)) == 0) &&
        (!r->ended_wall_s || json_object_set_new(info, "endedAt", nanoseconds(r->ended_wall_s)) == 0) &&
        (!r->error[0] || json_object_set_new(info, "error", json_string(r->error)) == 0);
    if (fine)
        return info;
    json_decref(info);
    return NULL;
}

static struct recording_view view_of(const struct recording_run *run) {
    return (struct recording_view){.id = run->id.text,
                                   .room = run->room,
                                   .who = run->who,
                                   .folder = run->folder,
                                   .error = run->error,
                                   .state = run->state,
                                   .began_wall_s = run->began_wall_s,
                                   .ended_wall_s = run->ended_wall_s,
                                   .tracks = run->track_count,
                                   .in = hub_find_room(run->all->hub, run->room)};
}

static void tell_changed(const struct recording_run *run) {
    struct recording_view view = view_of(run);
    LOG_INFO("recording", LOG_TEXT("room", run->room), LOG_TEXT("recording", run->id.text),
             LOG_TEXT("state", recording_state_name(run->state)), LOG_TEXT("folder", run->folder),
             LOG_TEXT("reason", run->error));
    run->all->hooks.changed(run->all->hooks.ctx, &view);
}

static void mark_room(struct recording_run *run, bool recorded) {
    struct hub_refusal ignored;
    struct room *room = hub_operate_find(run->all->hub, run->room, &ignored);
    if (run->marked == recorded)
        return;
    run->marked = recorded;
    if (room)
        hub_operate_recorded(run->all->hub, room, recorded);
}

// ---- what a process does

void recording_listens(struct recording_run *run, uint16_t port) {
    if (run->state != RECORDING_STARTING || run->all->shut)
        return;
    hub_set_time(run->all->hub, clock_now_us());
    if (!follow_begin(run, port)) {
        run->state = RECORDING_ENDING;
        run_end(run);
        return;
    }
    run->state = RECORDING_ACTIVE;
    mark_room(run, true);
    tell_changed(run);
    follow_look(run, clock_now_us());
}

void recording_refuses(struct recording_run *run, const char *track) {
    uint64_t now_us = clock_now_us();
    hub_set_time(run->all->hub, now_us);
    follow_refused(run, track, now_us);
}

void recording_exited(struct recording_run *run, bool fine) {
    struct recordings *all = run->all;
    hub_set_time(all->hub, clock_now_us());
    run->state = fine && !run->error[0] ? RECORDING_COMPLETE : RECORDING_FAILED;
    run->ended_wall_s = clock_wall_us() / US_PER_SECOND;
    all->counts.failed += run->state == RECORDING_FAILED;
    all->counts.active--;
    mark_room(run, false);
    follow_end(run);
    tell_changed(run);
    run_close_handles(run);
}

void recording_free(struct recording_run *run) {
    list_remove(&run->link);
    free(run);
}

// ---- what is asked for

static bool folder_for(struct recordings *all, struct recording_run *run) {
    char when[32], name[41];
    time_t now = (time_t)run->began_wall_s;
    struct tm tm;
    size_t len = 0;
    gmtime_r(&now, &tm);
    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
    for (const char *c = run->room; *c && len < sizeof name - 1; c++) {
        bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-';
        name[len++] = plain ? *c : '_';
    }
    name[len] = '\0';
    int n = snprintf(run->folder, sizeof run->folder, "%s/%s-%s-%.8s", all->folder, name, when, run->id.text);
    return n > 0 && (size_t)n < sizeof run->folder;
}

static bool may_start(struct recordings *all, const char *name, const char *who, struct room **room,
                      struct hub_refusal *refusal) {
    if (all->shut)
        return hub_refuse(refusal, HUB_WRONG_STATE, "the server ends");
    if (!all->folder[0])
        return hub_refuse(refusal, HUB_UNSUPPORTED,
                          "this server records nothing; its setting `record-dir` is empty");
    *room = hub_operate_find(all->hub, name, refusal);
    const struct participant *person = *room && who[0] ? hub_operate_person(*room, who, refusal) : NULL;
    if (!*room || (who[0] && !person))
        return false;
    if (!hub_may_be_recorded(all->hub, *room, refusal))
        return false;
    if (hub_sends_encrypted_alone(*room, person))
        return hub_refuse(refusal, HUB_WRONG_STATE,
                          "all that %s sends is encrypted from end to end: without the key, which no server "
                          "has, there is nothing to record",
                          person ? person->name : "this room");
    if ((*room)->participant_count == 0)
        return hub_refuse(refusal, HUB_WRONG_STATE, "nobody is in the room");
    LIST_EACH(node, &all->runs) {
        const struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        bool live = run->state <= RECORDING_ACTIVE;
        if (live && strcmp(run->room, (*room)->name) == 0 && strcmp(run->who, who) == 0)
            return hub_refuse(refusal, HUB_WRONG_STATE, "that is being recorded already, by recording %s",
                              run->id.text);
    }
    if (all->counts.active >= RECORDINGS_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "this server makes %d recordings at a time",
                          RECORDINGS_MAX);
    return true;
}

bool recordings_start(struct recordings *all, const char *name, const char *who, const char *layout,
                      struct recording_view *out, struct hub_refusal *refusal) {
    struct room *room = NULL;
    bool tracks = strcmp(layout, "track") == 0, participants = strcmp(layout, "participant") == 0;
    if (layout[0] && !tracks && !participants)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`layout` is track or participant");
    if (strlen(who) > GRANT_IDENTITY_MAX)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "an identity has at most %d bytes", GRANT_IDENTITY_MAX);
    if (!may_start(all, name, who, &room, refusal))
        return false;
    struct recording_run *run = calloc(1, sizeof *run);
    if (!run)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "out of memory");
    run->all = all;
    run->together = participants || (!tracks && all->together);
    run->id = public_id_new();
    run->began_wall_s = clock_wall_us() / US_PER_SECOND;
    snprintf(run->room, sizeof run->room, "%s", room->name);
    snprintf(run->who, sizeof run->who, "%s", who);
    list_init(&run->tracks);
    list_init(&run->link);
    list_push_back(&all->runs, &run->link);
    if (!folder_for(all, run) || !run_start(run)) {
        hub_refuse(refusal, HUB_UNSUPPORTED, "%s", run->error[0] ? run->error : "`record-dir` is too long");
        if (run->handles > 0)
            run_close_handles(run);
        else
            recording_free(run);
        all->counts.failed++;
        return false;
    }
    all->counts.active++;
    all->counts.started++;
    *out = view_of(run);
    return true;
}

bool recordings_stop(struct recordings *all, const char *room, const char *id, struct recording_view *out,
                     struct hub_refusal *refusal) {
    LIST_EACH(node, &all->runs) {
        struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        if (strcmp(run->room, room) != 0 || (id[0] && strcmp(run->id.text, id) != 0) || run->exited)
            continue;
        if (run->state <= RECORDING_ACTIVE) {
            run->state = RECORDING_ENDING;
            run_end(run);
        }
        *out = view_of(run);
        return true;
    }
    return hub_refuse(refusal, HUB_NOT_FOUND, "there is no recording of that id in that room now");
}

void recordings_look_again(struct recordings *all) {
    struct hub_refusal refusal;
    LIST_EACH(node, &all->runs) {
        struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        const struct room *room = hub_find_room(all->hub, run->room);
        if (run->exited || run->state > RECORDING_ACTIVE || !room ||
            hub_may_be_recorded(all->hub, room, &refusal))
            continue;
        LOG_WARN("recording ended", LOG_TEXT("room", run->room), LOG_TEXT("reason", refusal.text));
        run->state = RECORDING_ENDING;
        run_end(run);
    }
}

void recordings_each(struct recordings *all, const char *room, void *ctx,
                     void (*each)(void *ctx, const struct recording_view *recording)) {
    LIST_EACH(node, &all->runs) {
        const struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        struct recording_view view = view_of(run);
        if (!run->exited && strcmp(run->room, room) == 0)
            each(ctx, &view);
    }
}

// ---- what happens in rooms: looked at soon, since an observer may call no verb

static void on_producer(void *ctx, const struct room_producer *producer) {
    struct recordings *all = ctx;
    (void)producer;
    all->dirty = all->counts.active > 0;
}

static void on_joined(void *ctx, const struct participant *who) {
    struct recordings *all = ctx;
    all->rooms_dirty |= who->room->record != RECORD_WHEN_ASKED && !who->room->record_begun && !who->hidden;
}

static void on_left(void *ctx, const struct participant *who, const char *reason) {
    struct recordings *all = ctx;
    (void)who, (void)reason;
    all->dirty = all->counts.active > 0;
}

uint64_t recordings_next_us(const struct recordings *all) {
    if (all->shut)
        return TIME_NEVER;
    return all->dirty || all->rooms_dirty ? 0 : all->again_us;
}

// Rooms that are to be recorded by themselves (hub_room_wish.record), once somebody is there.
static void begin_by_themselves(struct recordings *all) {
    all->rooms_dirty = false;
    for (struct room *room = NULL; (room = hub_operate_next(all->hub, room));) {
        struct hub_refusal refusal;
        struct recording_view view;
        const char *layout = room->record == RECORD_TRACKS ? "track" : "participant";
        if (room->record == RECORD_WHEN_ASKED || room->record_begun || room->participant_count == 0)
            continue;
        room->record_begun = true; // once for each time that people are there, also if somebody ends it
        if (!recordings_start(all, room->name, "", layout, &view, &refusal))
            LOG_ERROR("a room that was to be recorded is not", LOG_TEXT("room", room->name),
                      LOG_TEXT("reason", refusal.text));
    }
}

void recordings_advance(struct recordings *all, uint64_t now_us) {
    if (now_us < recordings_next_us(all))
        return;
    all->dirty = false;
    all->again_us = TIME_NEVER;
    hub_set_time(all->hub, now_us);
    if (all->rooms_dirty)
        begin_by_themselves(all);
    LIST_EACH(node, &all->runs) {
        struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        if (run->state == RECORDING_ACTIVE)
            follow_look(run, now_us);
    }
}

// ---- life

// Beside the running program, where it is built and installed.
static void find_program(char out[RECORDING_PATH_MAX]) {
    char beside[RECORDING_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", beside, sizeof beside - sizeof PROGRAM - 1);
    beside[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(beside, '/');
    snprintf(out, RECORDING_PATH_MAX, "%s", PROGRAM);
    if (!slash)
        return;
    strcpy(slash + 1, PROGRAM);
    if (access(beside, X_OK) == 0)
        snprintf(out, RECORDING_PATH_MAX, "%s", beside);
}

struct recordings *recordings_create(struct hub *hub, struct uv_loop_s *loop,
                                     const struct recordings_config *config,
                                     const struct recordings_hooks *hooks) {
    struct recordings *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->hub = hub;
    all->loop = loop;
    all->hooks = *hooks;
    all->again_us = TIME_NEVER;
    list_init(&all->runs);
    snprintf(all->folder, sizeof all->folder, "%s", config->folder);
    all->together = config->together;
    snprintf(all->program, sizeof all->program, "%s", config->program);
    if (!all->program[0])
        find_program(all->program);
    all->capabilities = follow_capabilities(hub);
    struct hub_events events = hub_events_silent;
    events.ctx = all;
    events.producer_opened = on_producer;
    events.producer_paused = on_producer;
    events.producer_closed = on_producer;
    events.participant_joined = on_joined;
    events.participant_left = on_left;
    hub_observe(hub, HUB_OBSERVER_RECORDER, &events);
    if (all->capabilities)
        return all;
    recordings_destroy(all);
    return NULL;
}

static bool some_run(const struct recordings *all) {
    LIST_EACH(node, &all->runs)
    if (!LIST_ENTRY(node, struct recording_run, link)->exited)
        return true;
    return false;
}

static void on_late(uv_timer_t *timer) {
    *(bool *)timer->data = true;
}

void recordings_shut(struct recordings *all) {
    if (!all || all->shut)
        return;
    all->shut = true;
    LIST_EACH(node, &all->runs) {
        struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        if (!run->exited)
            run_shut(run);
    }
}

// Runs the loop until no process is left, or it takes too long.
static void wait_for_runs(struct recordings *all) {
    bool late = false;
    uv_timer_t timer;
    uv_timer_init(all->loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_late, RECORDINGS_END_MS, 0);
    while (some_run(all) && !late)
        uv_run(all->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(all->loop, UV_RUN_NOWAIT);
}

// One that not even SIGKILL ends, since it waits for a disk: it is left alone.
static void forget_run(struct recording_run *run) {
    run->exited = true;
    follow_end(run);
    run_close_handles(run);
}

void recordings_destroy(struct recordings *all) {
    if (!all)
        return;
    recordings_shut(all);
    wait_for_runs(all);
    LIST_EACH(node, &all->runs)
    run_kill(LIST_ENTRY(node, struct recording_run, link));
    wait_for_runs(all);
    LIST_EACH(node, &all->runs) {
        struct recording_run *run = LIST_ENTRY(node, struct recording_run, link);
        if (!run->exited)
            forget_run(run);
    }
    while (!list_empty(&all->runs)) // their handles are closing
        uv_run(all->loop, UV_RUN_NOWAIT);
    hub_observe(all->hub, HUB_OBSERVER_RECORDER, NULL);
    json_decref(all->capabilities);
    free(all);
}

void recordings_read_counts(const struct recordings *all, struct recordings_counts *out) {
    *out = all ? all->counts : (struct recordings_counts){0};
}
