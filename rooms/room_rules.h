// room_rules: what an operator has settled for a room (server/room_file.h). Plain data.
#ifndef ROOMS_ROOM_RULES_H
#define ROOMS_ROOM_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct room_rules {
    bool closed;         // nobody joins it
    bool lobby;          // who is no moderator waits for one to let it in, unless moderators say otherwise
    uint32_t people_max; // 0: as many as in any room
};

#endif
