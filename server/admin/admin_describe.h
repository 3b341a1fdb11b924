// admin_describe: rooms, people and tracks in the form of LiveKit's messages (Room, ParticipantInfo,
// TrackInfo). Each returns a new object; NULL: no memory. Control thread.
#ifndef SERVER_ADMIN_DESCRIBE_H
#define SERVER_ADMIN_DESCRIBE_H

#include "rooms/room.h"

#include <jansson.h>

json_t *admin_describe_room(const struct room *room);
json_t *admin_describe_person(const struct participant *who);
json_t *admin_describe_track(const struct room_producer *producer);

#endif
