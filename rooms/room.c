#include "rooms/room.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct participant *room_find_name(const struct room *room, const char *name) {
    LIST_EACH(node, &room->participants) {
        struct participant *participant = LIST_ENTRY(node, struct participant, link);
        if (!participant->hidden && strcmp(participant->name, name) == 0)
            return participant;
    }
    return NULL;
}

struct participant *room_find_id(const struct room *room, const char *public_id) {
    LIST_EACH(node, &room->participants) {
        struct participant *participant = LIST_ENTRY(node, struct participant, link);
        if (!participant->hidden && strcmp(participant->id.text, public_id) == 0)
            return participant;
    }
    return NULL;
}

struct participant *room_find_target(const struct room *room, const char *target) {
    struct participant *participant = room_find_id(room, target);
    return participant ? participant : room_find_name(room, target);
}

struct call *room_find_call(const struct room *room, const struct participant *a,
                            const struct participant *b) {
    LIST_EACH(node, &room->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if ((call->caller == a && call->callee == b) || (call->caller == b && call->callee == a))
            return call;
    }
    return NULL;
}

enum err room_ring(struct room *room, struct participant *caller, struct participant *callee) {
    assert(caller != callee && caller->room == room && callee->room == room);
    if (room_find_call(room, caller, callee))
        return ERR_OK;
    if (caller->call_count == CALLS_PER_PARTICIPANT_MAX || callee->call_count == CALLS_PER_PARTICIPANT_MAX)
        return ERR_LIMIT;
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return ERR_NO_MEMORY;
    call->caller = caller;
    call->callee = callee;
    list_push_back(&room->calls, &call->link);
    caller->call_count++;
    callee->call_count++;
    return ERR_OK;
}

void room_end_call(struct call *call) {
    assert(call->caller->call_count > 0 && call->callee->call_count > 0);
    call->caller->call_count--;
    call->callee->call_count--;
    list_remove(&call->link);
    free(call);
}

struct participant *room_drop_call(struct room *room, struct participant *participant) {
    LIST_EACH(node, &room->calls) {
        struct call *call = LIST_ENTRY(node, struct call, link);
        if (call->caller != participant && call->callee != participant)
            continue;
        struct participant *other = call->caller == participant ? call->callee : call->caller;
        room_end_call(call);
        return other;
    }
    assert(participant->call_count == 0);
    return NULL;
}
