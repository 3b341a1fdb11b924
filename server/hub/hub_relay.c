// Relays: a producer's packets cross once to each other worker on which it has consumers.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>

static bool relay_open(struct hub *hub, const struct room_producer *producer, unsigned home,
                       unsigned worker) {
    // The destination first, so that it knows the producer when packets come.
    struct media_cmd open = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = producer->id};
    open.open_producer.params = producer->params;
    open.open_producer.paused = producer->paused;
    open.open_producer.source = link_of_worker(home);
    struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = producer->id};
    relay.relay.link = link_of_worker(worker);
    if (!command_post_try(&hub->post, worker, &open))
        return false;
    if (!command_post_try(&hub->post, home, &relay)) {
        struct media_cmd close = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
        command_post_surely(&hub->post, worker, &close);
        return false;
    }
    return true;
}

bool hub_relay_take(struct hub *hub, struct room_producer *producer, unsigned worker) {
    unsigned home = producer_owner(producer)->worker;
    struct link_id link = link_of_worker(worker);
    struct relay *relay = relay_set_find(&producer->relays, link);
    assert(worker < hub->config.workers);
    if (worker == home)
        return true;
    if (relay) {
        relay->consumers++;
        return true;
    }
    if (!(relay = relay_set_add(&producer->relays, link)))
        return false;
    if (!relay_open(hub, producer, home, worker)) {
        relay_set_remove(&producer->relays, relay);
        return false;
    }
    relay->consumers = 1;
    LOG_DEBUG("relay opened", LOG_TEXT("producer", producer->public_id.text), LOG_NUMBER("from", home),
              LOG_NUMBER("to", worker));
    return true;
}

void hub_update_layers_wanted(struct hub *hub, struct room_producer *producer) {
    int8_t wanted = producer->wanted_at_home, temporal = producer->wanted_temporal_at_home;
    for (uint32_t i = 0; i < producer->relays.count; i++) {
        const struct relay *relay = &producer->relays.relays[i];
        wanted = relay->wanted > wanted ? relay->wanted : wanted;
        temporal = relay->wanted_temporal > temporal ? relay->wanted_temporal : temporal;
    }
    if (wanted == producer->wanted_told && temporal == producer->wanted_temporal_told)
        return;
    producer->wanted_told = wanted;
    producer->wanted_temporal_told = temporal;
    hub->events.layers_wanted(hub->events.ctx, producer);
}

void hub_relay_drop(struct hub *hub, struct room_producer *producer, unsigned worker) {
    unsigned home = producer_owner(producer)->worker;
    if (worker == home)
        return;
    struct relay *of = relay_set_find(&producer->relays, link_of_worker(worker));
    assert(of && of->consumers > 0);
    if (--of->consumers > 0)
        return;
    relay_set_remove(&producer->relays, of);
    struct media_cmd relay = {.type = MEDIA_CLOSE_RELAY, .producer = producer->id};
    relay.relay.link = link_of_worker(worker);
    command_post_surely(&hub->post, home, &relay);
    struct media_cmd close = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
    command_post_surely(&hub->post, worker, &close);
    hub_update_layers_wanted(hub, producer);
    LOG_DEBUG("relay closed", LOG_TEXT("producer", producer->public_id.text), LOG_NUMBER("from", home),
              LOG_NUMBER("to", worker));
}

uint32_t hub_relay_count(const struct room_producer *producer) {
    return producer->relays.count;
}

void hub_relay_forget_wanted(struct room_producer *producer) {
    for (uint32_t i = 0; i < producer->relays.count; i++)
        producer->relays.relays[i].wanted = producer->relays.relays[i].wanted_temporal = LAYER_NONE;
    producer->wanted_at_home = producer->wanted_told = LAYER_NONE;
    producer->wanted_temporal_at_home = producer->wanted_temporal_told = LAYER_NONE;
}

void hub_relay_post_pause(struct hub *hub, const struct room_producer *producer) {
    struct media_cmd cmd = {.type = MEDIA_PAUSE_PRODUCER, .producer = producer->id};
    cmd.pause.paused = producer->paused;
    command_post_surely(&hub->post, producer_owner(producer)->worker, &cmd);
    for (unsigned w = 0; w < hub->config.workers; w++)
        if (relay_set_find(&producer->relays, link_of_worker(w)))
            command_post_surely(&hub->post, w, &cmd);
}
