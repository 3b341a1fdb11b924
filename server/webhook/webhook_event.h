// webhook_event: one event in the form of LiveKit's webhooks (livekit.WebhookEvent as JSON), which their
// SDKs' WebhookReceiver reads. Pure. Control thread.
#ifndef SERVER_WEBHOOK_EVENT_H
#define SERVER_WEBHOOK_EVENT_H

#include "rooms/room.h"

enum webhook_kind {
    WEBHOOK_ROOM_STARTED,
    WEBHOOK_ROOM_FINISHED,
    WEBHOOK_PARTICIPANT_JOINED,
    WEBHOOK_PARTICIPANT_LEFT,
    WEBHOOK_TRACK_PUBLISHED,
    WEBHOOK_TRACK_UNPUBLISHED,
};

struct webhook_event {
    enum webhook_kind kind;
    const struct room *room;
    const struct participant *who;        // NULL: of a room
    const struct room_producer *producer; // NULL: not of a track
    unsigned gone;                        // of the people in the room, who have left it all the same
    uint64_t wall_s;                      // seconds since 1970
};

// The same of a recording: livekit.EgressInfo, which is taken over.
char *webhook_egress_text(const char *event, const struct room *room, uint64_t wall_s, struct json_t *info,
                          size_t *len);
// The text, the caller's to free; NULL: no memory.
char *webhook_event_text(const struct webhook_event *event, size_t *len);

#endif
