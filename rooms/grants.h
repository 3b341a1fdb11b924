// grants: who a participant is and what it may do, as a token said. Plain data; the control side's words for
// what server/access/token.h reads.
#ifndef ROOMS_GRANTS_H
#define ROOMS_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#define GRANT_IDENTITY_MAX 256 // bytes, as all that follow
#define GRANT_NAME_MAX 256
#define GRANT_ROOM_MAX 512
#define GRANT_METADATA_MAX 4096
#define GRANT_ATTRIBUTES_MAX 4096 // as JSON

enum right {
    RIGHT_CAMERA = 1 << 0, // to send pictures of a camera
    RIGHT_MICROPHONE = 1 << 1,
    RIGHT_SCREEN = 1 << 2,
    RIGHT_SCREEN_AUDIO = 1 << 3,
    RIGHT_SUBSCRIBE = 1 << 4, // to get what others send
    RIGHT_DATA = 1 << 5,      // to say something to others: chat, calls, relayed messages
    RIGHT_ADMIN = 1 << 6,     // to moderate the room
    RIGHT_METADATA = 1 << 7,  // to change one's own metadata and attributes
    RIGHT_RECORD = 1 << 8,    // to have the room recorded
};
#define RIGHTS_PUBLISH (RIGHT_CAMERA | RIGHT_MICROPHONE | RIGHT_SCREEN | RIGHT_SCREEN_AUDIO)
// What a token gives that says nothing more of it; where nobody needs one, everybody has RIGHT_METADATA as
// well.
#define RIGHTS_ALL (RIGHTS_PUBLISH | RIGHT_SUBSCRIBE | RIGHT_DATA)

struct grants {
    unsigned rights;                           // bits of enum right
    char identity[GRANT_IDENTITY_MAX + 1];     // "": nobody vouched for who it is
    char name[GRANT_NAME_MAX + 1];             // to be called by; "": as it likes
    char room[GRANT_ROOM_MAX + 1];             // the one room that it may join
    char metadata[GRANT_METADATA_MAX + 1];     // what everybody in the room is told of it; "": nothing
    char attributes[GRANT_ATTRIBUTES_MAX + 1]; // a JSON object of texts; "": none
    bool recorder;                             // it records what it gets, and everybody is told
    bool hidden;                               // it gets what others send, and nobody hears of it
    uint64_t ends_s;                           // seconds since 1970; 0: never
};

#endif
