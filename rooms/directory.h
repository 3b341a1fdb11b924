// directory: every room by name, and which worker serves whom.
//
// Control thread. A room starts on the least loaded worker; once `participants_per_worker` of its
// participants are there, the next go to the next least loaded one. Load is the number of participants.
#ifndef ROOMS_DIRECTORY_H
#define ROOMS_DIRECTORY_H

#include "rooms/room.h"

struct directory {
    struct list rooms;
    struct slots *slots;  // id -> room
    struct hmap *by_hash; // hash of the name -> id of the first such room
    uint64_t hash_base;   // secret, so that nobody can choose names that collide
    uint32_t room_count, rooms_max;
    unsigned workers;
    uint32_t participants_per_worker;
    uint32_t participant_count;
    uint32_t load[WORKERS_MAX];
};

MUST_USE enum err directory_init(struct directory *directory, unsigned workers, uint32_t rooms_max,
                                 uint32_t participants_per_worker);
void directory_close(struct directory *directory); // all rooms were removed before; half-built is fine

struct room *directory_find(const struct directory *directory, const char *name); // or NULL
struct room *directory_room(const struct directory *directory, uint32_t id);      // NULL: it is gone
// A new room of a name that is not there. ERR_LIMIT at rooms_max, ERR_NO_MEMORY.
MUST_USE enum err directory_open(struct directory *directory, const char *name, struct room **room);
// An empty room whose timers are disarmed.
void directory_remove(struct room *room);
// A room without participants, where nobody waits either, to be removed when a new one needs its place; NULL
// when there is none.
struct room *directory_empty_room(const struct directory *directory);

// Puts the participant into the room and chooses its worker.
void directory_enter(struct room *room, struct participant *participant);
void directory_exit(struct participant *participant);

#endif
