// room: who is together, on the control side: its participants, their calls, its chat and its speaker.
//
// Control thread. A room is opened and removed by the directory; it outlives its last participant by a short
// linger, so that its chat survives a reload of the page.
#ifndef ROOMS_ROOM_H
#define ROOMS_ROOM_H

#include "rooms/chat_history.h"
#include "rooms/lobby.h"
#include "rooms/participant.h"
#include "rooms/room_rules.h"

struct directory;

#define ROOM_NAME_CHARS_MAX 128
#define ROOM_NAME_BYTES_MAX (ROOM_NAME_CHARS_MAX * 4)
#define CALLS_PER_PARTICIPANT_MAX 32

struct room {
    struct list link; // in directory->rooms
    struct directory *directory;
    uint32_t id; // in directory->slots
    uint64_t hash;
    uint32_t same_hash; // the id of another room whose name has this hash, 0 for none
    char *name;
    struct list participants; // in the order of their joins
    uint32_t participant_count;
    // What is said of it when it closes: joins in all, the most at a time, when the first one came and the
    // last one left, and how its closed transports went.
    struct path_quality quality;
    uint32_t joins, participants_most;
    bool by_token; // whoever opened it came with one
    uint64_t opened_us, emptied_us;
    uint64_t opened_wall_s;     // seconds since 1970
    struct public_id public_id; // of this room as long as it is there; the next of its name has another
    uint64_t linger_us;         // that it outlives its last participant; 0: as any room
    uint64_t linger_first_us;   // that it waits for its first one; 0: the same
    struct json_t *metadata;    // what a program says of it, a text; NULL: nothing
    uint32_t participants_max;  // 0: as many as in any room
    uint32_t participants_on[WORKERS_MAX];
    struct chat_history chat;
    size_t app_data_bytes; // of its producers, without what each participant has for nothing
    struct list calls;     // struct call
    struct speaker speaker;
    size_t about_bytes; // of its participants' metadata, without what each has for nothing
    struct list lobby;  // struct knock, in the order of their coming
    uint32_t knock_count;
    struct list bans; // struct ban
    uint32_t ban_count;
    struct list kept_rights; // struct kept_rights
    uint32_t kept_rights_count;
    struct list channels; // struct room_channel (rooms/room_data.h)
    uint32_t channel_count;
    size_t data_text_bytes;     // of what is said of its data producers
    bool has_lobby;             // who is no moderator waits for one to let it in
    bool locked;                // nobody joins anew but moderators
    uint32_t recordings;        // that are made of it now, here or by recorders in it
    enum record_wish record;    // that it be recorded by itself while people are in it
    bool record_begun;          // it is, or was, since somebody came into the empty room
    struct room_rules told;     // what those inside know of its settings
    uint64_t hands;             // raised so far
    struct list stage;          // participants with video, by participant.stage_link: who spoke last first
    uint32_t last_n, loudest_n; // what its participants get who do not choose; CHOICE_ALL
    uint32_t last_n_most;       // that anybody has chosen
    uint32_t spoken, pins;      // speeches so far; people pinned by others now
    uint64_t levels_told_us;    // when audio-levels went out last
    struct wheel_node linger_timer, speaker_timer;
};

// A one-to-one call between two participants, remembered so that one who leaves hangs up.
struct call {
    struct list link;
    struct participant *caller, *callee;
    bool accepted;
};

// NULL: nobody of that name, or with that id, of those who are not hidden.
struct participant *room_find_name(const struct room *room, const char *name);
struct participant *room_find_id(const struct room *room, const char *public_id);
// By userId, else by username.
struct participant *room_find_target(const struct room *room, const char *target);

struct call *room_find_call(const struct room *room, const struct participant *a,
                            const struct participant *b);
// Remembers that caller rings callee; a call between the two that is known stays. ERR_LIMIT when either has
// CALLS_PER_PARTICIPANT_MAX calls, ERR_NO_MEMORY.
MUST_USE enum err room_ring(struct room *room, struct participant *caller, struct participant *callee);
void room_end_call(struct call *call);
// Ends one call of the participant and returns the other side; NULL when there are no more.
struct participant *room_drop_call(struct room *room, struct participant *participant);

#endif
