// What an operator settles for rooms (hub_io.rules), as it reaches those who are inside already.
#include "base/log.h"
#include "server/hub/hub_internal.h"

static void close_clear_tracks(struct hub *hub, const struct room_transport *transport) {
    LIST_EACH(p, &transport->producers) {
        struct room_producer *producer = LIST_ENTRY(p, struct room_producer, link);
        if (hub_is_encrypted(producer))
            continue;
        hub->events.producer_taken(hub->events.ctx, producer, "encryption-needed");
        hub_drop_producer(hub, producer, true);
    }
}

static void close_clear_data(struct hub *hub, const struct room_transport *transport) {
    LIST_EACH(p, &transport->data_producers) {
        struct room_data_producer *producer = LIST_ENTRY(p, struct room_data_producer, link);
        if (!hub_says_sealed(producer->app_data, producer->app_data_len))
            hub_drop_data_producer(hub, producer, "encryption-needed", false);
    }
}

static void close_what_is_clear(struct hub *hub, const struct room *room) {
    LIST_EACH(node, &room->participants) {
        LIST_EACH(t, &LIST_ENTRY(node, struct participant, link)->transports) {
            close_clear_tracks(hub, LIST_ENTRY(t, struct room_transport, link));
            close_clear_data(hub, LIST_ENTRY(t, struct room_transport, link));
        }
    }
}

static void put_out_recorders(struct hub *hub, const struct room *room) {
    LIST_EACH(node, &room->participants) {
        struct participant *who = LIST_ENTRY(node, struct participant, link);
        if (who->recorder)
            hub_put_out(hub, who, "kicked", NULL, "this room is not to be recorded any more");
    }
}

static void tell_everybody(struct hub *hub, const struct room *room) {
    LIST_EACH(node, &room->participants)
    hub->events.rights_changed(hub->events.ctx, LIST_ENTRY(node, struct participant, link));
}

void hub_settle_again(struct hub *hub, uint64_t now_us) {
    hub->now_us = now_us;
    LIST_EACH(node, &hub->directory.rooms) {
        struct room *room = LIST_ENTRY(node, struct room, link);
        const struct room_rules before = room->told, now = hub_rules(hub, room->name);
        if (now.sealed == before.sealed && now.record == before.record)
            continue;
        room->told = now;
        LOG_INFO("settings of a room changed", LOG_TEXT("room", room->name),
                 LOG_TEXT("e2ee", now.sealed ? "required" : "optional"),
                 LOG_NUMBER("participants", room->participant_count));
        tell_everybody(hub, room); // first, so that whoever loses a track knows why
        if (now.sealed)
            close_what_is_clear(hub, room);
        if (now.record == RECORD_BY_NOBODY)
            put_out_recorders(hub, room);
    }
}
