#include "rooms/media/data_objects.h"

#include <assert.h>
#include <stdlib.h>

// ---- tables

static bool table_open(struct data_table *table) {
    table->slots = slots_create(SLOTS_MAX);
    table->handles = hmap_create(sizeof(uint32_t), SLOTS_MAX);
    return table->slots && table->handles;
}

static void table_close(struct data_table *table) {
    assert(!table->slots || slots_count(table->slots) == 0);
    slots_destroy(table->slots);
    hmap_destroy(table->handles);
}

// The handle; 0: no memory, or the id is there.
static uint32_t table_add(struct data_table *table, uint32_t id, void *object) {
    uint32_t handle = hmap_get(table->handles, &id) == HMAP_NONE ? slots_add(table->slots, object) : 0;
    if (handle && hmap_put(table->handles, &id, handle) != ERR_OK) {
        slots_remove(table->slots, handle);
        handle = 0;
    }
    return handle;
}

static void *table_find(const struct data_table *table, uint32_t id) {
    uint32_t handle = hmap_get(table->handles, &id);
    return handle == HMAP_NONE ? NULL : slots_get(table->slots, handle);
}

static void table_remove(struct data_table *table, uint32_t id, uint32_t handle) {
    slots_remove(table->slots, handle);
    hmap_remove(table->handles, &id);
}

bool data_tables_open(struct data_forwarder *f) {
    return table_open(&f->producers) && table_open(&f->consumers) && table_open(&f->groups);
}

void data_tables_close(struct data_forwarder *f) {
    table_close(&f->producers);
    table_close(&f->consumers);
    table_close(&f->groups);
}

// ---- groups are there while somebody is in them

static struct data_group *group_take(struct data_forwarder *f, uint32_t id) {
    struct data_group *group = table_find(&f->groups, id);
    if (group)
        return group;
    group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->id = id;
    list_init(&group->consumers);
    group->handle = table_add(&f->groups, id, group);
    if (group->handle)
        return group;
    free(group);
    return NULL;
}

static void group_leave(struct data_forwarder *f, struct data_group *group) {
    if (!group || group->producers > 0 || !list_empty(&group->consumers))
        return;
    table_remove(&f->groups, group->id, group->handle);
    free(group);
}

// ---- consumers

static void consumer_close(struct data_forwarder *f, struct data_consumer *c, uint64_t now_us) {
    while (!list_empty(&c->lags))
        data_lag_end(f, LIST_ENTRY(c->lags.next, struct data_lag, consumer_link), now_us);
    list_remove(&c->link);
    list_remove(&c->source_link);
    table_remove(&f->consumers, c->id.v, c->handle);
    group_leave(f, c->group);
    f->counters.consumers--;
    free(c);
}

static void consumer_close_stream(struct data_forwarder *f, struct data_consumer *c, uint64_t now_us) {
    f->output.close_stream(f->output.ctx, c->endpoint->peer, c->stream.id);
    consumer_close(f, c, now_us);
}

void data_consumer_end(struct data_forwarder *f, struct data_consumer *c, enum data_reason reason,
                       uint64_t now_us) {
    f->output.event(f->output.ctx, &(struct data_event){.type = DATA_CONSUMER_CLOSED,
                                                        .transport = c->endpoint->id,
                                                        .consumer = c->id,
                                                        .reason = reason});
    consumer_close_stream(f, c, now_us);
}

static bool consumer_attach(struct data_forwarder *f, struct data_consumer *c, const struct data_cmd *cmd) {
    struct data_producer *source = cmd->producer.v ? table_find(&f->producers, cmd->producer.v) : NULL;
    if (cmd->producer.v && !source)
        return false; // closed meanwhile; the control side knows
    c->handle = table_add(&f->consumers, c->id.v, c);
    if (!c->handle)
        return false;
    if (!source && !(c->group = group_take(f, cmd->open.group))) {
        table_remove(&f->consumers, c->id.v, c->handle);
        return false;
    }
    list_push_back(source ? &source->consumers : &c->group->consumers, &c->source_link);
    return true;
}

static void consumer_open(struct data_forwarder *f, struct data_endpoint *ep, const struct data_cmd *cmd) {
    struct data_consumer *c = calloc(1, sizeof *c);
    if (!c)
        return;
    c->endpoint = ep;
    c->id = cmd->consumer;
    c->stream = cmd->open.stream;
    c->paused = cmd->open.paused;
    c->in_band = cmd->open.in_band;
    list_init(&c->link);
    list_init(&c->source_link);
    list_init(&c->lags);
    if (!consumer_attach(f, c, cmd)) {
        free(c);
        return;
    }
    list_push_back(&ep->consumers, &c->link);
    f->counters.consumers++;
}

// ---- producers

// Their consumers hear nothing of it: the control side tells them.
static void producer_close(struct data_forwarder *f, struct data_producer *p, uint64_t now_us) {
    LIST_EACH(node, &p->consumers)
    consumer_close_stream(f, LIST_ENTRY(node, struct data_consumer, source_link), now_us);
    list_remove(&p->link);
    table_remove(&f->producers, p->id.v, p->handle);
    if (p->group)
        p->group->producers--;
    group_leave(f, p->group);
    f->counters.producers--;
    free(p);
}

void data_producer_end(struct data_forwarder *f, struct data_producer *p, enum data_reason reason,
                       uint64_t now_us) {
    f->output.event(f->output.ctx, &(struct data_event){.type = DATA_PRODUCER_CLOSED,
                                                        .transport = p->endpoint->id,
                                                        .producer = p->id,
                                                        .reason = reason});
    f->output.close_stream(f->output.ctx, p->endpoint->peer, p->stream);
    producer_close(f, p, now_us);
}

static void producer_open(struct data_forwarder *f, struct data_endpoint *ep, const struct data_cmd *cmd) {
    struct data_producer *p = calloc(1, sizeof *p);
    if (!p)
        return;
    p->endpoint = ep;
    p->id = cmd->producer;
    p->stream = cmd->open.stream.id;
    p->in_band = cmd->open.in_band;
    list_init(&p->link);
    list_init(&p->consumers);
    p->handle = table_add(&f->producers, p->id.v, p);
    if (p->handle && cmd->open.group && !(p->group = group_take(f, cmd->open.group))) {
        table_remove(&f->producers, p->id.v, p->handle);
        p->handle = 0;
    }
    if (!p->handle) {
        free(p);
        return;
    }
    if (p->group)
        p->group->producers++;
    list_push_back(&ep->producers, &p->link);
    f->counters.producers++;
}

// ---- endpoints

struct data_endpoint *data_forwarder_open(struct data_forwarder *f, struct transport_id id, uint32_t owner,
                                          void *peer, uint64_t now_us) {
    struct data_endpoint *ep = calloc(1, sizeof *ep);
    if (!ep)
        return NULL;
    ep->id = id;
    ep->owner = owner;
    ep->peer = peer;
    ep->debt_us = DATA_HOLD_US - DATA_HOLD_FIRST_US; // or a new transport would be a way to have no debt
    ep->settled_us = now_us;
    list_init(&ep->link);
    list_init(&ep->producers);
    list_init(&ep->consumers);
    list_init(&ep->held_link);
    list_init(&ep->lags);
    list_push_back(&f->endpoints, &ep->link);
    return ep;
}

void data_forwarder_ended(struct data_forwarder *f, struct data_endpoint *ep, uint64_t now_us) {
    ep->ended = true;
    LIST_EACH(p, &ep->producers)
    producer_close(f, LIST_ENTRY(p, struct data_producer, link), now_us);
    LIST_EACH(c, &ep->consumers)
    consumer_close(f, LIST_ENTRY(c, struct data_consumer, link), now_us);
}

void data_forwarder_close(struct data_forwarder *f, struct data_endpoint *ep, uint64_t now_us) {
    while (!list_empty(&ep->lags))
        data_lag_end(f, LIST_ENTRY(ep->lags.next, struct data_lag, link), now_us);
    data_forwarder_ended(f, ep, now_us);
    assert(!ep->hand);
    list_remove(&ep->held_link);
    list_remove(&ep->link);
    free(ep);
}

// ---- commands

static void close_producer(struct data_forwarder *f, const struct data_cmd *cmd, uint64_t now_us) {
    struct data_producer *p = table_find(&f->producers, cmd->producer.v);
    if (p)
        producer_close(f, p, now_us);
}

static void close_consumer(struct data_forwarder *f, const struct data_cmd *cmd, uint64_t now_us) {
    struct data_consumer *c = table_find(&f->consumers, cmd->consumer.v);
    if (c)
        consumer_close_stream(f, c, now_us);
}

static void pause_consumer(struct data_forwarder *f, const struct data_cmd *cmd) {
    struct data_consumer *c = table_find(&f->consumers, cmd->consumer.v);
    if (c)
        c->paused = cmd->pause.paused; // what it holds is dropped by data_forwarder_writable, or times out
}

static void tell_stats(struct data_forwarder *f, const struct data_cmd *cmd) {
    const struct data_producer *p = cmd->producer.v ? table_find(&f->producers, cmd->producer.v) : NULL;
    const struct data_consumer *c = cmd->consumer.v ? table_find(&f->consumers, cmd->consumer.v) : NULL;
    struct data_event event = {.type = DATA_STATS, .producer = cmd->producer, .consumer = cmd->consumer};
    event.stats.token = cmd->stats.token;
    event.stats.found = p || c;
    if (p) {
        event.stats.messages = p->messages;
        event.stats.bytes = p->bytes;
    } else if (c) {
        event.stats.messages = c->messages;
        event.stats.bytes = c->bytes;
        event.stats.waiting_bytes = f->output.waiting_bytes(f->output.ctx, c->endpoint->peer);
    }
    f->output.event(f->output.ctx, &event);
}

void data_forwarder_command(struct data_forwarder *f, struct data_endpoint *ep, const struct data_cmd *cmd,
                            uint64_t now_us) {
    switch (cmd->type) {
    case DATA_OPEN_PRODUCER:
        if (ep && !ep->ended)
            producer_open(f, ep, cmd);
        break;
    case DATA_CLOSE_PRODUCER:
        close_producer(f, cmd, now_us);
        break;
    case DATA_OPEN_CONSUMER:
        if (ep && !ep->ended)
            consumer_open(f, ep, cmd);
        break;
    case DATA_PAUSE_CONSUMER:
        pause_consumer(f, cmd);
        break;
    case DATA_CLOSE_CONSUMER:
        close_consumer(f, cmd, now_us);
        break;
    case DATA_GET_STATS:
        tell_stats(f, cmd);
        break;
    case DATA_OPEN_TRANSPORT:
    case DATA_CLOSE_TRANSPORT:
    case DATA_ANSWER_CHANNEL:
        break; // of whoever has the associations
    }
}
