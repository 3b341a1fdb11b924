// How data producers and data consumers end.
#include "base/log.h"
#include "server/hub/hub_internal.h"

static void log_end(const char *event, const struct room_transport *transport, const char *id,
                    const char *reason) {
    LOG_DEBUG(event, LOG_TEXT("room", transport->owner->room->name), LOG_TEXT("user", transport->owner->name),
              LOG_TEXT("transport", transport->public_id.text), LOG_TEXT("channel", id),
              LOG_TEXT("reason", reason ? reason : "closed"));
}

void hub_drop_data_consumer(struct hub *hub, struct room_data_consumer *consumer, const char *reason,
                            bool told_worker) {
    const struct data_cmd cmd = {.type = DATA_CLOSE_CONSUMER, .consumer = consumer->id};
    if (!told_worker)
        hub_data_post_surely(&hub->data_post, &cmd);
    if (reason)
        hub->events.data_consumer_closed(hub->events.ctx, consumer, reason);
    log_end("data consumer closed", consumer->transport, consumer->public_id.text, reason);
    data_registry_close_consumer(&hub->data_registry, consumer);
}

void hub_drop_data_producer(struct hub *hub, struct room_data_producer *producer, const char *reason,
                            bool told_worker) {
    const struct data_cmd cmd = {.type = DATA_CLOSE_PRODUCER, .producer = producer->id};
    LIST_EACH(node, &producer->consumers)
    hub_drop_data_consumer(hub, LIST_ENTRY(node, struct room_data_consumer, source_link),
                           "data-producer-closed", true);
    if (!told_worker)
        hub_data_post_surely(&hub->data_post, &cmd);
    if (reason)
        hub->events.data_producer_taken(hub->events.ctx, producer, reason);
    hub->events.data_producer_closed(hub->events.ctx, producer);
    log_end("data producer closed", producer->transport, producer->public_id.text, reason);
    hub_memory_give(hub, producer->app_data_len);
    data_registry_close_producer(&hub->data_registry, producer);
}

void hub_end_data(struct hub *hub, struct room_transport *transport, const char *reason) {
    LIST_EACH(p, &transport->data_producers)
    hub_drop_data_producer(hub, LIST_ENTRY(p, struct room_data_producer, link), reason, true);
    LIST_EACH(c, &transport->data_consumers)
    hub_drop_data_consumer(hub, LIST_ENTRY(c, struct room_data_consumer, link), reason, true);
}

void hub_drop_data(struct hub *hub, struct room_transport *transport, bool tell_owner) {
    if (!transport->data)
        return;
    LIST_EACH(p, &transport->data_producers)
    hub_drop_data_producer(hub, LIST_ENTRY(p, struct room_data_producer, link), NULL, true);
    LIST_EACH(c, &transport->data_consumers)
    hub_drop_data_consumer(hub, LIST_ENTRY(c, struct room_data_consumer, link),
                           tell_owner ? "transport-closed" : NULL, true);
    const struct data_cmd cmd = {.type = DATA_CLOSE_TRANSPORT, .transport = transport->id};
    hub_data_post_surely(&hub->data_post, &cmd);
    transport->data = false;
    hub->data_transports--;
    transport->owner->data_transport_count--;
}

void hub_apply_data_rights(struct hub *hub, struct participant *me) {
    LIST_EACH(t, &me->transports) {
        const struct room_transport *transport = LIST_ENTRY(t, struct room_transport, link);
        LIST_EACH(p, &transport->data_producers) {
            if (!(me->rights & RIGHT_DATA))
                hub_drop_data_producer(hub, LIST_ENTRY(p, struct room_data_producer, link), "forbidden",
                                       false);
        }
        LIST_EACH(c, &transport->data_consumers) {
            if (!(me->rights & RIGHT_SUBSCRIBE))
                hub_drop_data_consumer(hub, LIST_ENTRY(c, struct room_data_consumer, link), "forbidden",
                                       false);
        }
    }
}
