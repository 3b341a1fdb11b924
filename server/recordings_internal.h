// recordings_internal: one recording, for server/recordings*.c alone: recordings.c has them all,
// recordings_run.c the process, recordings_follow.c what it is to record.
#ifndef SERVER_RECORDINGS_INTERNAL_H
#define SERVER_RECORDINGS_INTERNAL_H

#include "server/recordings.h"

#include "base/clock.h"
#include "base/list.h"

#include <uv.h>

#define LINE_MAX_BYTES 8192                    // of what a process tells
#define RUN_UNREAD_BYTES_MAX (4 * 1024 * 1024) // a process that reads so much less than it is told is stuck
#define FOLLOW_AGAIN_US (5 * US_PER_SECOND)    // what was refused is tried anew after that

// A track as its process knows it.
struct followed {
    struct list link;
    struct public_id producer, consumer; // consumer "": refused as yet
    bool paused;
    bool running;      // the worker was told to send
    uint64_t again_us; // of one that is not: when it is tried anew; 0: it was not tried
};

struct recording_run {
    struct list link;
    struct recordings *all;
    struct public_id id;
    char room[ROOM_NAME_BYTES_MAX + 1];
    char who[GRANT_IDENTITY_MAX + 1];
    char folder[RECORDING_PATH_MAX];
    enum recording_state state;
    char error[160];
    uint64_t began_wall_s, ended_wall_s;
    struct public_id transport; // "": none yet
    bool together;              // layout: participant
    bool marked;                // the room is told that it is recorded
    struct list tracks;         // struct followed
    unsigned track_count;
    bool exited;
    bool stuck; // killed, since it read nothing
    // libuv's; `handles` of them are not closed yet
    uv_process_t process;
    uv_pipe_t in, out;
    unsigned handles;
    char line[LINE_MAX_BYTES];
    size_t line_len;
};

struct recordings {
    struct hub *hub;
    uv_loop_t *loop;
    char folder[RECORDING_PATH_MAX], program[RECORDING_PATH_MAX];
    struct recordings_hooks hooks;
    bool together;
    struct list runs;
    bool shut;         // all end, nothing is looked at any more
    bool dirty;        // somebody has to look what there is to record
    bool rooms_dirty;  // one may have to be recorded by itself
    uint64_t again_us; // when a track that was refused is tried anew; TIME_NEVER: there is none
    struct recordings_counts counts;
    json_t *capabilities; // of what can be recorded
};

// ---- recordings_run.c
// False: `run->error`.
bool run_start(struct recording_run *run);
// The line is taken over; NULL is fine. False: it is not told, for want of memory, or because nobody reads.
// One that reads nothing while RUN_UNREAD_BYTES_MAX wait is killed.
bool run_tell(struct recording_run *run, json_t *line);
void run_end(struct recording_run *run); // tells it to stop; its exit is the end
void run_shut(
    struct recording_run *run); // the same, and nothing that it does not read keeps the loop running
void run_kill(struct recording_run *run);
void run_close_handles(struct recording_run *run); // it is freed with the last of them

// ---- recordings_follow.c
// Opens what is to be recorded, once the process listens. False: `run->error`.
bool follow_begin(struct recording_run *run, uint16_t port);
void follow_look(struct recording_run *run, uint64_t now_us); // what has come and gone since
// Its process does not take that track now: it is offered anew in a while.
void follow_refused(struct recording_run *run, const char *consumer, uint64_t now_us);
void follow_end(struct recording_run *run); // its participant leaves the room
json_t *follow_capabilities(const struct hub *hub);

// ---- recordings.c: what a process does
void recording_listens(struct recording_run *run, uint16_t port);
void recording_refuses(struct recording_run *run, const char *track); // it has no room for it now
void recording_exited(struct recording_run *run, bool fine);
void recording_free(struct recording_run *run);

#endif
