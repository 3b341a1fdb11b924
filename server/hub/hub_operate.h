// hub_operate: what an operator does from outside the rooms (server/admin/). As hub_verbs.h; nobody's rights
// are asked for here: whoever calls has looked at them. hub_set_time goes before. Control thread.
#ifndef SERVER_HUB_OPERATE_H
#define SERVER_HUB_OPERATE_H

#include "server/hub/hub_verbs.h"

// The room of a name as people write it; NULL and a refusal.
struct room *hub_operate_find(struct hub *hub, const char *name, struct hub_refusal *refusal);
// All rooms, one after the other: NULL begins and ends.
struct room *hub_operate_next(struct hub *hub, const struct room *after);

struct hub_room_wish {
    const char *name;
    uint64_t linger_us;        // that it outlives its last participant; 0: as any room
    uint64_t linger_first_us;  // that it waits for the first one; 0: the same
    uint32_t participants_max; // 0: as many as in any room
    const char *metadata;      // NULL or "": what there is
    enum record_wish record;   // RECORD_WHEN_ASKED: what there is
};
// Opens it; one that is there already stays as it is, but for what is wished.
struct room *hub_operate_open(struct hub *hub, const struct hub_room_wish *wish, struct hub_refusal *refusal);
// What everybody in the room, and who joins it, is told of it; "": nothing any more. False and a refusal.
bool hub_operate_describe(struct hub *hub, struct room *room, const char *metadata,
                          struct hub_refusal *refusal);
// Everybody is put out, and it is gone.
void hub_operate_close(struct hub *hub, struct room *room);

// By its identity, else by its userId.
struct participant *hub_operate_person(struct room *room, const char *who, struct hub_refusal *refusal);
void hub_operate_remove(struct hub *hub, struct participant *who);
// One of its producers, by producerId.
struct room_producer *hub_operate_producer(struct participant *who, const char *id,
                                           struct hub_refusal *refusal);
// One more (less) recording is made of it; everybody hears of the first and of the last.
void hub_operate_recorded(struct hub *hub, struct room *room, bool recorded);
void hub_operate_mute(struct hub *hub, struct room_producer *producer);
// What it may do from now on, bits of enum right, also when it leaves and comes again while the room is
// there; somebody hidden gets what others send at most. False and a refusal.
bool hub_operate_rights(struct hub *hub, struct participant *who, unsigned rights,
                        struct hub_refusal *refusal);
// All that an operator makes of somebody at once.
struct hub_person_wish {
    const char *name;                // NULL: as it is called
    const char *metadata;            // NULL: what there is
    const struct json_t *attributes; // as hub_describe takes them; NULL: what there are
    bool permits;                    // what follows is said, too
    unsigned rights;                 // as hub_operate_rights takes them
    bool hidden;
};
// False and a refusal: nothing has changed.
bool hub_operate_change(struct hub *hub, struct participant *who, const struct hub_person_wish *wish,
                        struct hub_refusal *refusal);
// Its name in the room, from now on; it may be called so. False and a refusal.
bool hub_operate_rename(struct hub *hub, struct participant *who, const char *name,
                        struct hub_refusal *refusal);
// Whether others see it; who is hidden gets what others send and may do nothing else. False and a refusal.
bool hub_operate_show(struct hub *hub, struct participant *who, bool hidden, struct hub_refusal *refusal);

#endif
