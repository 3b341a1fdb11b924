// What the data worker reports.
#include "base/log.h"
#include "server/hub/hub_internal.h"

static void state_changed(struct hub *hub, const struct data_event *event) {
    struct room_transport *transport = registry_transport(&hub->registry, event->transport);
    if (!transport || !transport->data)
        return;
    transport->data_state = event->state;
    LOG_AT(event->state == DATA_STATE_FAILED ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "data channels' state",
           LOG_TEXT("room", transport->owner->room->name), LOG_TEXT("user", transport->owner->name),
           LOG_TEXT("transport", transport->public_id.text), LOG_TEXT("sctp", data_state_name(event->state)));
    hub->events.transport_state(hub->events.ctx, transport);
    if (event->state == DATA_STATE_FAILED || event->state == DATA_STATE_CLOSED)
        hub_end_data(hub, transport, data_reason_name(DATA_REASON_ASSOCIATION));
}

// A channel that a client opens in-band is the room's channel of that label, both ways.
static bool open_channel(struct hub *hub, struct room_transport *transport,
                         const struct data_channel_params *asked, struct hub_refusal *refusal) {
    const struct hub_produce_data ask = {
        .stream = &asked->stream, .label = asked->label, .protocol = asked->protocol, .broadcast = true};
    struct room_data_producer *producer = hub_open_data_producer(hub, transport, true, &ask, refusal);
    if (!producer)
        return false;
    struct room_data_consumer made = {.transport = transport, .stream = asked->stream, .in_band = true};
    struct room_data_consumer *consumer = NULL;
    if ((transport->owner->rights & RIGHT_SUBSCRIBE) && asked->stream.id < transport->data_streams_out) {
        made.channel = producer->channel;
        made.channel->users++;
        consumer = hub_open_data_consumer(hub, &made, refusal);
    }
    hub->events.data_channel_opened(hub->events.ctx, producer, consumer);
    return true;
}

static void channel_opened(struct hub *hub, const struct data_event *event) {
    struct room_transport *transport = registry_transport(&hub->registry, event->transport);
    struct hub_refusal refusal;
    struct data_cmd answer = {.type = DATA_ANSWER_CHANNEL, .transport = event->transport};
    answer.answer.stream = event->channel.stream.id;
    if (!transport || !transport->data)
        return;
    answer.answer.accepted = open_channel(hub, transport, &event->channel, &refusal);
    if (!answer.answer.accepted)
        HUB_LOG(transport->owner, LOG_LEVEL_INFO, "data channel refused",
                LOG_TEXT("room", transport->owner->room->name), LOG_TEXT("user", transport->owner->name),
                LOG_TEXT("transport", transport->public_id.text), LOG_TEXT("label", event->channel.label),
                LOG_TEXT("reason", refusal.text));
    hub_data_post_surely(&hub->data_post, &answer);
}

void hub_data_event(struct hub *hub, const struct data_event *event, uint64_t now_us) {
    struct room_data_producer *producer = data_registry_producer(&hub->data_registry, event->producer);
    struct room_data_consumer *consumer = data_registry_consumer(&hub->data_registry, event->consumer);
    hub->now_us = now_us;
    switch (event->type) {
    case DATA_TRANSPORT_STATE:
        state_changed(hub, event);
        break;
    case DATA_CHANNEL_OPENED:
        channel_opened(hub, event);
        break;
    case DATA_PRODUCER_CLOSED:
        if (producer)
            hub_drop_data_producer(hub, producer, data_reason_name(event->reason), true);
        break;
    case DATA_CONSUMER_CLOSED:
        if (consumer)
            hub_drop_data_consumer(hub, consumer, data_reason_name(event->reason), true);
        break;
    case DATA_STATS:
        hub->events.data_stats(hub->events.ctx, &event->stats);
        break;
    }
}
