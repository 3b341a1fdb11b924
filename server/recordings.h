// recordings: rooms, or one participant of them, recorded by processes of `rotunda-record`, one each, so that
// a fault of a muxer never touches calls. Each gets what it records as plain RTP on loopback, of a hidden
// participant of the room that is made for it (server/hub/hub_plain.h), and is told of tracks as lines of
// JSON over a pipe.
//
// A recording ends when it is stopped, when nobody is left whom it could record, with the room, or when its
// process ends, whatever the reason: then the room knows that it is not recorded any more. Control thread.
#ifndef SERVER_RECORDINGS_H
#define SERVER_RECORDINGS_H

#include "server/hub/hub_verbs.h"

#define RECORDINGS_MAX 64      // processes at a time
#define RECORDING_PATH_MAX 512 // of a folder

struct uv_loop_s;
struct json_t;
struct recordings;

enum recording_state {
    RECORDING_STARTING,
    RECORDING_ACTIVE,
    RECORDING_ENDING,
    RECORDING_COMPLETE,
    RECORDING_FAILED
};
const char *recording_state_name(enum recording_state state); // LiveKit's EgressStatus: "EGRESS_ACTIVE"

// What is told of one; texts are the recording's, good for the call alone.
struct recording_view {
    const char *id, *room, *who, *folder; // who "": everybody
    const char *error;                    // of FAILED, else ""
    enum recording_state state;
    uint64_t began_wall_s, ended_wall_s; // 0: it has not
    unsigned tracks;                     // now
    const struct room *in;               // NULL: it is gone
};

// As livekit.EgressInfo in JSON; NULL: no memory.
struct json_t *recording_describe(const struct recording_view *recording);

struct recordings_config {
    const char *folder;  // below which each gets a folder of its own; "": nothing is recorded
    const char *program; // "": rotunda-record beside the running program, else in PATH
    bool together;       // a participant's sound and picture in one file, where nobody says
};

struct recordings_hooks {
    void *ctx;
    void (*changed)(void *ctx, const struct recording_view *recording); // began, or ended
};

struct recordings *recordings_create(struct hub *hub, struct uv_loop_s *loop,
                                     const struct recordings_config *config,
                                     const struct recordings_hooks *hooks); // NULL: no memory
// Tells all to end and looks at nothing any more, so that whoever runs the loop until it has nothing to do
// comes to an end, though a process reads nothing; their ends are told as ever. NULL is fine.
void recordings_shut(struct recordings *recordings);
// Stops all, and waits for what they still write, RECORDINGS_END_MS at most. NULL is fine. Before the hub.
#define RECORDINGS_END_MS 3000
void recordings_destroy(struct recordings *recordings);

// who: an identity or userId, "": everybody. layout: "track", "participant", "": as the settings say. False
// and a refusal.
bool recordings_start(struct recordings *recordings, const char *room, const char *who, const char *layout,
                      struct recording_view *out, struct hub_refusal *refusal);
bool recordings_stop(struct recordings *recordings, const char *room, const char *id,
                     struct recording_view *out, struct hub_refusal *refusal);
void recordings_each(struct recordings *recordings, const char *room, void *ctx,
                     void (*each)(void *ctx, const struct recording_view *recording));

uint64_t recordings_next_us(const struct recordings *recordings); // TIME_NEVER: nothing has to be done
void recordings_advance(struct recordings *recordings, uint64_t now_us);

// X(member, type of the metric, its name, its help)
#define RECORDINGS_COUNTERS(X)                                                                               \
    X(active, "gauge", "rotunda_recordings", "Recordings that are made now.")                                \
    X(started, "counter", "rotunda_recordings_started_total", "Recordings that were begun.")                 \
    X(failed, "counter", "rotunda_recordings_failed_total",                                                  \
      "Recordings that could not be begun, or ended because they could not be written.")

struct recordings_counts {
#define RECORDINGS_MEMBER(member, ...) uint64_t member;
    RECORDINGS_COUNTERS(RECORDINGS_MEMBER)
#undef RECORDINGS_MEMBER
};
void recordings_read_counts(const struct recordings *recordings, struct recordings_counts *out);

#endif
