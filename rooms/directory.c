#include "rooms/directory.h"

#include "base/entropy.h"
#include "base/hmap.h"
#include "base/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// 2^61 - 1: the name is a polynomial over this field, taken at a secret point.
#define HASH_PRIME ((UINT64_C(1) << 61) - 1)

static uint64_t name_hash(const struct directory *directory, const char *name) {
    uint64_t hash = strlen(name);
    for (; *name; name++) {
        unsigned __int128 next = (unsigned __int128)hash * directory->hash_base + (unsigned char)*name;
        hash = (uint64_t)(next % HASH_PRIME);
    }
    return hash;
}

enum err directory_init(struct directory *directory, unsigned workers, uint32_t rooms_max,
                        uint32_t participants_per_worker) {
    assert(workers > 0 && workers <= WORKERS_MAX && rooms_max > 0);
    *directory = (struct directory){.workers = workers,
                                    .rooms_max = rooms_max < SLOTS_MAX ? rooms_max : SLOTS_MAX,
                                    .participants_per_worker = participants_per_worker};
    list_init(&directory->rooms);
    directory->hash_base = 256 + entropy_u64() % (HASH_PRIME - 256);
    directory->slots = slots_create(SLOTS_MAX);
    directory->by_hash = hmap_create(sizeof(uint64_t), SLOTS_MAX);
    return directory->slots && directory->by_hash ? ERR_OK : ERR_NO_MEMORY;
}

void directory_close(struct directory *directory) {
    assert(directory->room_count == 0);
    slots_destroy(directory->slots);
    hmap_destroy(directory->by_hash);
    directory->slots = NULL;
    directory->by_hash = NULL;
}

static struct room *first_of_hash(const struct directory *directory, uint64_t hash) {
    uint32_t id = hmap_get(directory->by_hash, &hash);
    return id == HMAP_NONE ? NULL : slots_get(directory->slots, id);
}

struct room *directory_find(const struct directory *directory, const char *name) {
    struct room *room = first_of_hash(directory, name_hash(directory, name));
    while (room && strcmp(room->name, name) != 0)
        room = slots_get(directory->slots, room->same_hash);
    return room;
}

struct room *directory_room(const struct directory *directory, uint32_t id) {
    return slots_get(directory->slots, id);
}

static struct room *room_create(struct directory *directory, const char *name) {
    struct room *room = calloc(1, sizeof *room);
    char *copy = strdup(name);
    if (!room || !copy) {
        free(room);
        free(copy);
        return NULL;
    }
    room->name = copy;
    room->directory = directory;
    list_init(&room->link);
    list_init(&room->participants);
    list_init(&room->calls);
    list_init(&room->lobby);
    list_init(&room->bans);
    list_init(&room->kept_rights);
    list_init(&room->channels);
    list_init(&room->stage);
    chat_history_init(&room->chat);
    speaker_init(&room->speaker);
    wheel_node_init(&room->linger_timer, NULL);
    wheel_node_init(&room->speaker_timer, NULL);
    return room;
}

static void room_destroy(struct room *room) {
    chat_history_clear(&room->chat);
    assert(!room->metadata);
    free(room->name);
    free(room);
}

enum err directory_open(struct directory *directory, const char *name, struct room **out) {
    assert(!directory_find(directory, name));
    if (directory->room_count >= directory->rooms_max)
        return ERR_LIMIT;
    struct room *room = room_create(directory, name);
    if (!room)
        return ERR_NO_MEMORY;
    room->hash = name_hash(directory, name);
    room->id = slots_add(directory->slots, room);
    struct room *first = first_of_hash(directory, room->hash);
    room->same_hash = first ? first->id : 0;
    if (room->id == 0 || hmap_put(directory->by_hash, &room->hash, room->id) != ERR_OK) {
        slots_remove(directory->slots, room->id);
        room_destroy(room);
        return ERR_NO_MEMORY;
    }
    list_push_back(&directory->rooms, &room->link);
    directory->room_count++;
    *out = room;
    return ERR_OK;
}

// Takes the room out of the chain of its hash.
static void unchain(struct directory *directory, struct room *room) {
    struct room *before = first_of_hash(directory, room->hash);
    if (before != room) {
        while (before->same_hash != room->id)
            before = slots_get(directory->slots, before->same_hash);
        before->same_hash = room->same_hash;
    } else if (room->same_hash == 0) {
        hmap_remove(directory->by_hash, &room->hash);
    } else {
        enum err e = hmap_put(directory->by_hash, &room->hash, room->same_hash);
        assert(e == ERR_OK); // replaces
        (void)e;
    }
}

void directory_remove(struct room *room) {
    struct directory *directory = room->directory;
    assert(room->participant_count == 0 && list_empty(&room->calls));
    assert(list_empty(&room->lobby) && list_empty(&room->bans) && list_empty(&room->kept_rights));
    assert(room->linger_timer.due_us == TIME_NEVER && room->speaker_timer.due_us == TIME_NEVER);
    unchain(directory, room);
    slots_remove(directory->slots, room->id);
    list_remove(&room->link);
    directory->room_count--;
    room_destroy(room);
}

struct room *directory_empty_room(const struct directory *directory) {
    LIST_EACH(node, &directory->rooms) {
        struct room *room = LIST_ENTRY(node, struct room, link);
        if (room->participant_count == 0 && room->knock_count == 0)
            return room;
    }
    return NULL;
}

// The least loaded worker that suits; `workers` for none. A worker where the room already is comes first.
static unsigned place_among(const struct directory *directory, const struct room *room, bool present,
                            bool with_space) {
    unsigned best = directory->workers;
    for (unsigned w = 0; w < directory->workers; w++) {
        if (present && room->participants_on[w] == 0)
            continue;
        if (with_space && room->participants_on[w] >= directory->participants_per_worker)
            continue;
        if (best == directory->workers || directory->load[w] < directory->load[best])
            best = w;
    }
    return best;
}

static unsigned place(const struct directory *directory, const struct room *room) {
    unsigned worker = place_among(directory, room, true, true);
    if (worker == directory->workers)
        worker = place_among(directory, room, false, true);
    if (worker == directory->workers)
        worker = place_among(directory, room, false, false);
    assert(worker < directory->workers);
    return worker;
}

void directory_enter(struct room *room, struct participant *participant) {
    assert(!participant->room);
    struct directory *directory = room->directory;
    participant->room = room;
    participant->worker = place(directory, room);
    list_push_back(&room->participants, &participant->link);
    room->participant_count++;
    room->participants_on[participant->worker]++;
    directory->load[participant->worker]++;
    directory->participant_count++;
}

void directory_exit(struct participant *participant) {
    struct room *room = participant->room;
    assert(room && room->participant_count > 0 && room->participants_on[participant->worker] > 0);
    list_remove(&participant->link);
    room->participant_count--;
    room->participants_on[participant->worker]--;
    room->directory->load[participant->worker]--;
    room->directory->participant_count--;
    participant->room = NULL;
}
