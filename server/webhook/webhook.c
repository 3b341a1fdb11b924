#include "server/webhook/webhook.h"

#include "server/hub/hub_operate.h"
#include "server/webhook/webhook_event.h"
#include "server/webhook/webhook_sender.h"

#include <stdio.h>
#include <stdlib.h>

struct webhooks {
    struct webhook_io io;
    struct webhook_sender *sender;
};

// Takes the text; NULL: it was to be one.
static void post(struct webhooks *webhooks, uint32_t room, char *text, size_t len) {
    char *token = text ? webhooks->io.sign(webhooks->io.ctx, text, len, WEBHOOK_TOKEN_S) : NULL;
    webhook_sender_post(webhooks->sender, room, token ? text : NULL, len, token);
    free(token);
    free(text);
}

static void tell(struct webhooks *webhooks, struct webhook_event event) {
    size_t len;
    event.wall_s = clock_wall_us() / US_PER_SECOND;
    char *text = webhook_event_text(&event, &len);
    post(webhooks, event.room->id, text, len);
}

void webhooks_egress(struct webhooks *webhooks, const char *event, const struct room *room,
                     struct json_t *info) {
    size_t len;
    char *text = webhook_egress_text(event, room, clock_wall_us() / US_PER_SECOND, info, &len);
    if (webhooks)
        post(webhooks, room ? room->id : 0, text, len);
    else
        free(text);
}

// ---- the observer

static void room_opened(void *ctx, const struct room *room) {
    tell(ctx, (struct webhook_event){.kind = WEBHOOK_ROOM_STARTED, .room = room});
}

static void tell_finished(struct webhooks *webhooks, const struct room *room, unsigned gone) {
    tell(webhooks, (struct webhook_event){.kind = WEBHOOK_ROOM_FINISHED, .room = room, .gone = gone});
}

static void room_closed(void *ctx, const struct room *room) {
    tell_finished(ctx, room, 0);
}

static void participant_joined(void *ctx, const struct participant *who) {
    tell(ctx, (struct webhook_event){.kind = WEBHOOK_PARTICIPANT_JOINED, .room = who->room, .who = who});
}

static void tell_left(struct webhooks *webhooks, const struct participant *who, unsigned gone) {
    tell(webhooks, (struct webhook_event){
                       .kind = WEBHOOK_PARTICIPANT_LEFT, .room = who->room, .who = who, .gone = gone});
}

// Who leaves is still in its room when that is told.
static void participant_left(void *ctx, const struct participant *who, const char *reason) {
    (void)reason;
    tell_left(ctx, who, 1);
}

static void tell_track(struct webhooks *webhooks, enum webhook_kind kind,
                       const struct room_producer *producer) {
    const struct participant *owner = producer_owner(producer);
    tell(webhooks,
         (struct webhook_event){.kind = kind, .room = owner->room, .who = owner, .producer = producer});
}

static void producer_opened(void *ctx, const struct room_producer *producer) {
    tell_track(ctx, WEBHOOK_TRACK_PUBLISHED, producer);
}

static void producer_closed(void *ctx, const struct room_producer *producer) {
    tell_track(ctx, WEBHOOK_TRACK_UNPUBLISHED, producer);
}

// ---- beginning and end

struct webhooks *webhooks_open(const struct webhook_urls *urls, const struct webhook_io *io, struct hub *hub,
                               char *error, size_t error_cap) {
    struct webhooks *webhooks = calloc(1, sizeof *webhooks);
    if (webhooks)
        webhooks->sender = webhook_sender_open(urls);
    if (!webhooks || !webhooks->sender) {
        snprintf(error, error_cap, "the thread that sends webhooks did not start");
        free(webhooks);
        return NULL;
    }
    webhooks->io = *io;
    struct hub_events events = hub_events_silent;
    events.ctx = webhooks;
    events.room_opened = room_opened;
    events.room_closed = room_closed;
    events.participant_joined = participant_joined;
    events.participant_left = participant_left;
    events.producer_opened = producer_opened;
    events.producer_closed = producer_closed;
    hub_observe(hub, HUB_OBSERVER_WEBHOOKS, &events);
    return webhooks;
}

static void tell_end_of_person(struct webhooks *webhooks, const struct participant *who, unsigned gone) {
    LIST_EACH(t, &who->transports) {
        LIST_EACH(p, &LIST_ENTRY(t, struct room_transport, link)->producers)
        producer_closed(webhooks, LIST_ENTRY(p, struct room_producer, link));
    }
    tell_left(webhooks, who, gone);
}

// The hub ends silently, with everybody still in their rooms.
static void tell_end(struct webhooks *webhooks, struct hub *hub) {
    for (struct room *room = NULL; (room = hub_operate_next(hub, room));) {
        unsigned gone = 0;
        LIST_EACH(node, &room->participants)
        tell_end_of_person(webhooks, LIST_ENTRY(node, struct participant, link), ++gone);
        tell_finished(webhooks, room, gone);
    }
}

void webhooks_close(struct webhooks *webhooks, struct hub *hub) {
    if (!webhooks)
        return;
    tell_end(webhooks, hub);
    hub_observe(hub, HUB_OBSERVER_WEBHOOKS, NULL);
    webhook_sender_close(webhooks->sender, WEBHOOK_END_US);
    free(webhooks);
}

void webhooks_read_counts(struct webhooks *webhooks, struct webhook_counts *out) {
    *out = (struct webhook_counts){0};
    if (webhooks)
        webhook_sender_read_counts(webhooks->sender, out);
}
