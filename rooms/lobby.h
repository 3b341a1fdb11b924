// lobby: who waits to be let into a room, who is not let in any more, and whose rights were changed there.
// Records of a room; the verbs are in server/hub/hub_lobby.c, server/hub/hub_ban.c and
// server/hub/hub_rights.c. Control thread.
#ifndef ROOMS_LOBBY_H
#define ROOMS_LOBBY_H

#include "rooms/name.h"
#include "rooms/participant.h"

#define LOBBY_WAITING_MAX 100
#define LOBBY_WAITING_PER_NETWORK_MAX 50
#define BANS_MAX 100        // of one room
#define KEPT_RIGHTS_MAX 500 // likewise

// Somebody who waits, and who hears and is told nothing of the room.
struct knock {
    struct list link; // in room->lobby
    struct room *room;
    struct public_id id; // of the knock: who is let in gets another one
    char name[USERNAME_BYTES_MAX + 1];
    char network[NETWORK_BYTES_MAX];       // ""; not known
    char identity[GRANT_IDENTITY_MAX + 1]; // as a token said; "": nobody vouched for it
    uint32_t connection;                   // who speaks for it
    bool admitted;                         // it may join now, by this name
};

struct ban {
    struct list link;                      // in room->bans
    struct public_id id;                   // who it was: its userId, or that of its knock
    char name[USERNAME_BYTES_MAX + 1];     // as it was called
    char folded[NAME_FOLDED_BYTES_MAX];    // the same for comparing
    char identity[GRANT_IDENTITY_MAX + 1]; // "": nobody vouched for it, so its name counts
    char network[NETWORK_BYTES_MAX];       // "": nobody is kept out by it
};

// What somebody may do and may not resume, as a moderator or an operator said.
struct kept_rights {
    struct list link; // in room->kept_rights
    bool has_rights;  // they were changed
    unsigned rights;  // bits of enum right
    unsigned held;    // as participant.held
    bool
        is_identity; // `who` is what a token said; else a name, made for comparing: then it has these at most
    char who[];
};

#endif
