// room_rules: what an operator has settled for a room (server/room_file.h). Plain data.
#ifndef ROOMS_ROOM_RULES_H
#define ROOMS_ROOM_RULES_H

#include <stdbool.h>
#include <stdint.h>

// Who has the room recorded, beside those whose token has `roomRecord`.
enum record_rule {
    RECORD_BY_TOKEN,      // nobody
    RECORD_BY_ANYBODY,    // who came without a token
    RECORD_BY_MODERATORS, // who came without a token and moderates
    RECORD_BY_NOBODY,     // not those with a token either, nor an operator
};

// Whether a room is recorded without anybody's asking, and how.
enum record_wish { RECORD_WHEN_ASKED, RECORD_TRACKS, RECORD_PARTICIPANTS };

struct room_rules {
    bool closed;         // nobody joins it
    bool lobby;          // who is no moderator waits for one to let it in, unless moderators say otherwise
    bool sealed;         // sound and picture are encrypted from end to end: nothing else is taken
    uint32_t people_max; // 0: as many as in any room
    enum record_rule record;
};

#endif
