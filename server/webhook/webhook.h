// webhook: tells receivers outside what happens in rooms, in the form and with the signature of LiveKit's
// webhooks: room_started, room_finished, participant_joined, participant_left, track_published,
// track_unpublished.
//
// An observer of the hub, on the control thread: an event becomes a text there, is signed and put into the
// queue of each receiver (webhook_queue.h); a thread sends (webhook_sender.h). Nothing here waits for the
// network but webhooks_close, and that for WEBHOOK_END_US at most.
#ifndef SERVER_WEBHOOK_H
#define SERVER_WEBHOOK_H

#include "server/common/webhook_urls.h"
#include "server/hub/hub.h"
#include "server/webhook/webhook_queue.h"

// How long a signature is good: as long as an event may be kept, and for clocks that differ.
#define WEBHOOK_TOKEN_S (uint32_t)(2 * WEBHOOK_AGE_US_MAX / US_PER_SECOND)
#define WEBHOOK_END_US (2 * US_PER_SECOND)

struct webhooks;

struct webhook_io {
    void *ctx;
    // The Authorization of a body, from malloc; NULL: it cannot be signed.
    char *(*sign)(void *ctx, const char *body, size_t len, uint32_t ttl_s);
};

// Observes the hub from now on. NULL: `error` says why.
struct webhooks *webhooks_open(const struct webhook_urls *urls, const struct webhook_io *io, struct hub *hub,
                               char *error, size_t error_cap);
// Tells that the rooms that are left end, and sends what waits as long as it may. NULL is fine.
void webhooks_close(struct webhooks *webhooks, struct hub *hub);

// Of a room, which may be gone (NULL): "egress_started", "egress_ended", with what is told of the recording,
// which is taken over. webhooks NULL: nobody is told.
struct json_t;
void webhooks_egress(struct webhooks *webhooks, const char *event, const struct room *room,
                     struct json_t *info);

void webhooks_read_counts(struct webhooks *webhooks, struct webhook_counts *out); // NULL: all 0

#endif
