// What producers and consumers leave behind: accounts and log lines.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>

void hub_count_recording(struct hub *hub, struct room *room, bool more) {
    bool before = room->recordings > 0;
    assert(more || before);
    room->recordings += more ? 1 : UINT32_MAX; // less one
    if ((room->recordings > 0) == before)
        return;
    LOG_INFO(more ? "room is recorded" : "room is not recorded any more", LOG_TEXT("room", room->name));
    hub->events.recording_changed(hub->events.ctx, room);
}

void hub_set_recorder(struct hub *hub, struct participant *me, bool recorder) {
    if (me->recorder == recorder)
        return;
    me->recorder = recorder;
    hub_count_recording(hub, me->room, recorder);
}

bool hub_recorder_may_enter(const struct hub *hub, const char *room, const struct grants *grants,
                            struct hub_refusal *refusal) {
    return !grants || !grants->recorder || hub_rules(hub, room).record != RECORD_BY_NOBODY ||
           hub_refuse(refusal, HUB_FORBIDDEN,
                      "this room is not to be recorded (its settings say so); the token says that its bearer "
                      "records (`video.recorder`)");
}

size_t hub_app_data_counted(size_t bytes) {
    return bytes > APP_DATA_BYTES_FREE ? bytes - APP_DATA_BYTES_FREE : 0;
}

static void set_app_data_bytes(struct participant *owner, size_t bytes) {
    owner->room->app_data_bytes -= hub_app_data_counted(owner->app_data_bytes);
    owner->app_data_bytes = bytes;
    owner->room->app_data_bytes += hub_app_data_counted(bytes);
}

void hub_account_producer(struct hub *hub, struct room_producer *producer, size_t held_bytes) {
    struct participant *owner = producer_owner(producer);
    producer->held_bytes = held_bytes;
    set_app_data_bytes(owner, owner->app_data_bytes + producer->app_data_len);
    owner->producer_bytes += held_bytes;
    hub_memory_take(hub, held_bytes);
}

void hub_forget_producer(struct hub *hub, struct room_producer *producer) {
    struct participant *owner = producer_owner(producer);
    set_app_data_bytes(owner, owner->app_data_bytes - producer->app_data_len);
    owner->producer_bytes -= producer->held_bytes;
    hub_memory_give(hub, producer->held_bytes);
    registry_close_producer(&hub->registry, producer);
}

void hub_log_producer(const char *event, const struct room_producer *producer, const char *name,
                      const char *value) {
    const struct participant *owner = producer_owner(producer);
    HUB_LOG(owner, LOG_LEVEL_INFO, event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
            LOG_TEXT("transport", producer->transport->public_id.text),
            LOG_TEXT("producer", producer->public_id.text), LOG_TEXT("kind", media_kind_name(producer->kind)),
            LOG_TEXT(name, value));
}

void hub_log_consumer(const char *event, const struct room_consumer *consumer, const char *name,
                      const char *value) {
    const struct participant *owner = consumer_owner(consumer);
    LOG_DEBUG(event, LOG_TEXT("room", owner->room->name), LOG_TEXT("user", owner->name),
              LOG_TEXT("transport", consumer->transport->public_id.text),
              LOG_TEXT("producer", consumer->producer->public_id.text),
              LOG_TEXT("consumer", consumer->public_id.text), LOG_TEXT(name, value));
}
