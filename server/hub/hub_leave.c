// Leaving: a connection that is lost, the end of a participant, the end of a room.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>

// That media alone keeps one in its room: checks could be copied (docs/adr/0008-media-shows-consent.md).
#define MEDIA_ALONE_US (300 * US_PER_SECOND)

// ---- signs of life: of a connection, and of media

static bool comes(const struct room_transport *transport) {
    return !transport->plain && transport->ice == ICE_CONNECTED && transport->dtls != DTLS_FAILED &&
           transport->dtls != DTLS_CLOSED;
}

// Workers tell that media has ended ICE_CONSENT_US after the last of it: too late for a shorter window.
static bool media_counts(const struct hub *hub) {
    return hub->config.limits.resume_window_us >= ICE_CONSENT_US;
}

// The last sign of life of one without a connection; TIME_NEVER: its media comes, and a worker will tell of
// the end.
static uint64_t heard_last_us(const struct hub *hub, const struct participant *me) {
    uint64_t heard_us = me->heard_us;
    LIST_EACH(node, &me->transports) {
        const struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        if (media_counts(hub) && comes(transport))
            return TIME_NEVER;
        if (media_counts(hub) && transport->heard_us > heard_us)
            heard_us = transport->heard_us;
    }
    return heard_us;
}

static void await_end(struct hub *hub, struct participant *me) {
    uint64_t window_us = hub->config.limits.resume_window_us;
    uint64_t alone_us = window_us > MEDIA_ALONE_US ? window_us : MEDIA_ALONE_US;
    uint64_t heard_us = heard_last_us(hub, me), end_us = me->heard_us + alone_us;
    if (heard_us != TIME_NEVER && heard_us + window_us < end_us)
        end_us = heard_us + window_us;
    wheel_cancel(&hub->wheel, &me->resume_timer);
    wheel_arm(&hub->wheel, &me->resume_timer, end_us > hub->now_us ? end_us : hub->now_us);
}

void hub_path_changed(struct hub *hub, struct participant *owner) {
    if (owner->connection == 0)
        await_end(hub, owner);
}

void hub_detach(struct hub *hub, struct participant *me, uint64_t heard_us) {
    assert(me->connection != 0);
    me->connection = 0;
    me->heard_us = heard_us;
    HUB_LOG(me, LOG_LEVEL_INFO, "participant disconnected", LOG_TEXT("room", me->room->name),
            LOG_TEXT("user", me->name), LOG_TEXT("userId", me->id.text));
    await_end(hub, me);
}

void hub_resume_timer_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    struct participant *participant = LIST_ENTRY(node, struct participant, resume_timer);
    hub_leave(hub_of(participant->room), participant, "timeout");
}

void hub_leave(struct hub *hub, struct participant *me, const char *reason) {
    struct room *room = me->room;
    hub_hang_up_all(hub, me);
    LIST_EACH(node, &me->transports)
    hub_drop_transport(hub, LIST_ENTRY(node, struct room_transport, link), "transport-closed", false);
    hub_set_recorder(hub, me, false);
    hub_speaker_leave(hub, me);
    hub_stage_forget(me);
    wheel_cancel(&hub->wheel, &me->resume_timer);
    wheel_cancel(&hub->wheel, &me->grants_timer);
    hub->events.participant_left(hub->events.ctx, me, reason);
    me->connection = 0;
    hub_drop_about(hub, me);
    directory_exit(me);
    hub->programs -= hub_is_program(me);
    hub->counts.leaves++;
    HUB_LOG(me, LOG_LEVEL_INFO, "participant left", LOG_TEXT("room", room->name), LOG_TEXT("user", me->name),
            LOG_TEXT("userId", me->id.text), LOG_TEXT("reason", reason));
    hub_memory_give(hub, hub_memory_of_queued(me));
    participant_destroy(me);
    if (room->participant_count == 0)
        hub_room_empty(hub, room);
}

void hub_put_out(struct hub *hub, struct participant *who, const char *reason, const struct participant *by,
                 const char *words) {
    LOG_INFO("participant removed", LOG_TEXT("room", who->room->name), LOG_TEXT("user", who->name),
             LOG_TEXT("userId", who->id.text), LOG_TEXT("reason", reason),
             LOG_TEXT("by", by ? by->name : ""));
    hub->events.removed(hub->events.ctx, who, reason, by, words);
    hub_leave(hub, who, reason);
}

void hub_withdraw(struct hub *hub, uint32_t room_id, uint32_t connection) {
    struct room *room = directory_room(&hub->directory, room_id);
    struct knock *knock = room ? hub_find_knock(room, connection) : NULL;
    if (!knock)
        return;
    if (knock->admitted)
        hub_forget_knock(hub, knock);
    else
        hub_end_knock(hub, knock, "left", NULL, NULL);
    if (room->participant_count == 0)
        hub_room_empty(hub, room);
}

// ---- what waits for one without a connection

enum err hub_keep_text(struct hub *hub, struct participant *to, const char *text, size_t len) {
    hub_memory_give(hub, hub_memory_of_queued(to));
    enum err e = participant_queue(to, text, len);
    hub_memory_take(hub, hub_memory_of_queued(to));
    return e;
}

struct queued_text *hub_next_kept(struct hub *hub, struct participant *me) {
    hub_memory_give(hub, hub_memory_of_queued(me));
    struct queued_text *queued = participant_dequeue(me);
    hub_memory_take(hub, hub_memory_of_queued(me));
    return queued;
}

// ---- rooms

void hub_room_empty(struct hub *hub, struct room *room) {
    assert(room->participant_count == 0);
    room->emptied_us = hub->now_us;
    room->locked = false; // nobody is there to unlock it
    room->record_begun = false;
    hub_reset_lobby(hub, room);
    wheel_cancel(&hub->wheel, &room->speaker_timer);
    uint64_t own_us = room->joins == 0 && room->linger_first_us ? room->linger_first_us : room->linger_us;
    if (room->knock_count == 0)
        wheel_arm(&hub->wheel, &room->linger_timer,
                  hub->now_us + (own_us ? own_us : hub->config.limits.room_linger_us));
}

void hub_room_remove(struct hub *hub, struct room *room) {
    wheel_cancel(&hub->wheel, &room->linger_timer);
    wheel_cancel(&hub->wheel, &room->speaker_timer);
    uint64_t end_us = room->participant_count == 0 ? room->emptied_us : hub->now_us;
    uint64_t lasted_us = end_us > room->opened_us ? end_us - room->opened_us : 0;
    HUB_LOG(room, LOG_LEVEL_INFO, "room closed", LOG_TEXT("room", room->name),
            LOG_NUMBER("people", room->joins), LOG_NUMBER("most_at_once", room->participants_most),
            LOG_NUMBER("minutes", (lasted_us + 30000000) / 60000000),
            LOG_NUMBER("packets", room->quality.packets),
            LOG_NUMBER("packets_lost", room->quality.packets_lost),
            LOG_NUMBER("worst_round_trip_ms", (room->quality.rtt_us_max + 999) / 1000));
    hub_forget_outsiders(hub, room);
    hub->events.room_closed(hub->events.ctx, room);
    hub_put_room_metadata(hub, room, NULL);
    hub_memory_give(hub, hub_memory_of_chat(room));
    directory_remove(room);
}
