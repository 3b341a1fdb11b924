// Relays: a producer's packets cross once to each other worker on which it has consumers.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>

bool hub_relay_take(struct hub *hub, struct room_producer *producer, unsigned worker) {
    unsigned home = producer_owner(producer)->worker;
    assert(worker < hub->config.workers);
    if (worker == home || producer->consumers_on[worker] > 0) {
        producer->consumers_on[worker] = (uint16_t)(producer->consumers_on[worker] + (worker != home));
        return true;
    }
    // The destination first, so that it knows the producer when packets come.
    struct media_cmd open = {.type = MEDIA_OPEN_RELAYED_PRODUCER, .producer = producer->id};
    open.open_producer.params = producer->params;
    open.open_producer.paused = producer->paused;
    open.open_producer.source_worker = (uint8_t)home;
    struct media_cmd relay = {.type = MEDIA_OPEN_RELAY, .producer = producer->id};
    relay.relay.worker = (uint8_t)worker;
    if (!command_post_try(&hub->post, worker, &open))
        return false;
    if (!command_post_try(&hub->post, home, &relay)) {
        struct media_cmd close = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
        command_post_surely(&hub->post, worker, &close);
        return false;
    }
    producer->consumers_on[worker] = 1;
    LOG_DEBUG("relay opened", LOG_TEXT("producer", producer->public_id.text), LOG_NUMBER("from", home),
              LOG_NUMBER("to", worker));
    return true;
}

void hub_update_layers_wanted(struct hub *hub, struct room_producer *producer) {
    int8_t wanted = LAYER_NONE;
    for (unsigned w = 0; w < hub->config.workers; w++)
        wanted = producer->wanted[w] > wanted ? producer->wanted[w] : wanted;
    if (wanted == producer->wanted_told)
        return;
    producer->wanted_told = wanted;
    hub->events.layers_wanted(hub->events.ctx, producer);
}

void hub_relay_drop(struct hub *hub, struct room_producer *producer, unsigned worker) {
    unsigned home = producer_owner(producer)->worker;
    if (worker == home)
        return;
    assert(producer->consumers_on[worker] > 0);
    if (--producer->consumers_on[worker] > 0)
        return;
    struct media_cmd relay = {.type = MEDIA_CLOSE_RELAY, .producer = producer->id};
    relay.relay.worker = (uint8_t)worker;
    command_post_surely(&hub->post, home, &relay);
    struct media_cmd close = {.type = MEDIA_CLOSE_PRODUCER, .producer = producer->id};
    command_post_surely(&hub->post, worker, &close);
    producer->wanted[worker] = LAYER_NONE;
    hub_update_layers_wanted(hub, producer);
    LOG_DEBUG("relay closed", LOG_TEXT("producer", producer->public_id.text), LOG_NUMBER("from", home),
              LOG_NUMBER("to", worker));
}

uint32_t hub_relay_count(const struct room_producer *producer) {
    uint32_t count = 0;
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        count += producer->consumers_on[w] > 0;
    return count;
}

void hub_relay_post_pause(struct hub *hub, const struct room_producer *producer) {
    struct media_cmd cmd = {.type = MEDIA_PAUSE_PRODUCER, .producer = producer->id};
    cmd.pause.paused = producer->paused;
    command_post_surely(&hub->post, producer_owner(producer)->worker, &cmd);
    for (unsigned w = 0; w < hub->config.workers; w++)
        if (producer->consumers_on[w] > 0)
            command_post_surely(&hub->post, w, &cmd);
}
