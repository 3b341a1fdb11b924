// Data channels: a transport that carries them, data producers and data consumers.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TRANSPORTS_MAX 4           // of one participant, that carry data: each has memory in the data worker
#define NOTICE_BYTES 300           // of new-data-producer without texts, and of data-producer-closed, about
#define RECORD_TEXT_BYTES 250      // of a data producer without its texts: everyone who joins is told of it
#define TEXT_BYTES_MAX (32 * 1024) // of one participant's data producers
#define ROOM_TEXT_BYTES_MAX (1024 * 1024) // of a room's

// ---- transports

// To both workers or to none.
static bool post_transport(struct hub *hub, const struct room_transport *transport, uint16_t streams_out,
                           uint16_t streams_in) {
    const struct participant *me = transport->owner;
    const struct media_cmd carry = {.type = MEDIA_CARRY_DATA, .transport = transport->id};
    const struct data_cmd close = {.type = DATA_CLOSE_TRANSPORT, .transport = transport->id};
    struct data_cmd open = {.type = DATA_OPEN_TRANSPORT, .transport = transport->id};
    open.open_transport.worker = me->worker;
    open.open_transport.streams_out = streams_out;
    open.open_transport.streams_in = streams_in;
    open.open_transport.owner = me->data_owner;
    if (!hub_data_post_try(&hub->data_post, &open))
        return false;
    if (command_post_try(&hub->post, me->worker, &carry))
        return true;
    hub_data_post_surely(&hub->data_post, &close);
    return false;
}

bool hub_carry_data(struct hub *hub, struct room_transport *transport, uint16_t streams_out,
                    uint16_t streams_in, struct hub_refusal *refusal) {
    struct participant *me = transport->owner;
    if (!hub->io.post_data)
        return hub_refuse(refusal, HUB_UNSUPPORTED,
                          "this server has no data channels; leave `enableSctp` out, or say false");
    if (me->data_transport_count == TRANSPORTS_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a participant may have %d transports that carry data channels; use one of those",
                          TRANSPORTS_MAX);
    if (hub->data_transports >= DATA_ASSOCIATIONS_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "this server has all the transports with data channels that it may have; try again "
                          "later, or leave `enableSctp` out");
    if (me->data_owner == 0 && (me->data_owner = ++hub->data_registry.owners) == 0)
        me->data_owner = ++hub->data_registry.owners; // 0 is nobody
    if (!post_transport(hub, transport, streams_out, streams_in))
        return hub_refuse_busy(refusal);
    hub->data_transports++;
    transport->data = true;
    transport->data_streams_out = streams_out;
    transport->data_streams_in = streams_in;
    me->data_transport_count++;
    return true;
}

static bool ended(const struct room_transport *transport) {
    return transport->data_state == DATA_STATE_FAILED || transport->data_state == DATA_STATE_CLOSED;
}

static bool carries(const struct room_transport *transport, struct hub_refusal *refusal) {
    if (!transport->data)
        return hub_refuse(refusal, HUB_WRONG_STATE,
                          "this transport carries no data channels; create it with `enableSctp`");
    if (ended(transport))
        return hub_refuse(
            refusal, HUB_WRONG_STATE,
            "this transport's association has ended, and its data channels with it; create another "
            "transport with `enableSctp`");
    return true;
}

static bool stream_is_taken(const struct room_transport *transport, uint16_t id) {
    LIST_EACH(p, &transport->data_producers)
    if (LIST_ENTRY(p, struct room_data_producer, link)->stream.id == id)
        return true;
    LIST_EACH(c, &transport->data_consumers)
    if (LIST_ENTRY(c, struct room_data_consumer, link)->stream.id == id)
        return true;
    return false;
}

// ---- one's own

struct room_data_producer *hub_own_data_producer(const struct hub *hub, const struct participant *me,
                                                 const char *producer_id, struct hub_refusal *refusal) {
    struct room_data_producer *producer = data_registry_find_producer(&hub->data_registry, producer_id);
    if (producer && data_producer_owner(producer) == me)
        return producer;
    hub_refuse(refusal, HUB_NOT_FOUND, "you have no data producer of that id");
    return NULL;
}

struct room_data_consumer *hub_own_data_consumer(const struct hub *hub, const struct participant *me,
                                                 const char *consumer_id, struct hub_refusal *refusal) {
    struct room_data_consumer *consumer = data_registry_find_consumer(&hub->data_registry, consumer_id);
    if (consumer && consumer->transport->owner == me)
        return consumer;
    hub_refuse(refusal, HUB_NOT_FOUND, "you have no data consumer of that id");
    return NULL;
}

bool hub_ask_data_stats(struct hub *hub, const struct room_data_producer *producer,
                        const struct room_data_consumer *consumer, uint32_t token,
                        struct hub_refusal *refusal) {
    struct data_cmd cmd = {.type = DATA_GET_STATS};
    assert((producer != NULL) != (consumer != NULL));
    if (producer)
        cmd.producer = producer->id;
    else
        cmd.consumer = consumer->id;
    cmd.stats.token = token;
    return hub_data_post_try(&hub->data_post, &cmd) || hub_refuse_busy(refusal);
}

// ---- produce

static bool texts_fit(const struct participant *me, size_t bytes, struct hub_refusal *refusal) {
    if (me->data_text_bytes + bytes > TEXT_BYTES_MAX)
        return hub_refuse(
            refusal, HUB_LIMIT_REACHED,
            "what you say of your data producers may have %d bytes, and this would make it %zu; say "
            "less, or close one",
            TEXT_BYTES_MAX, me->data_text_bytes + bytes);
    if (me->room->data_text_bytes + bytes > ROOM_TEXT_BYTES_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "this room has all the data producers that it may have");
    return true;
}

static bool may_produce(const struct hub *hub, const struct participant *me,
                        const struct room_transport *transport, const struct data_stream *stream,
                        struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.producers_per_participant_max;
    if (!hub_allowed(me, RIGHT_DATA, "send data", refusal) || !carries(transport, refusal))
        return false;
    if (me->data_producer_count >= most)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a participant may have %u data producers; close one first", most);
    if (stream->id >= transport->data_streams_in)
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "`sctpStreamParameters.streamId` is %u; this transport has %u", stream->id,
                          transport->data_streams_in);
    if (stream_is_taken(transport, stream->id))
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "stream %u of this transport has a data channel already; close that one first",
                          stream->id);
    return hub_memory_allows(hub, refusal);
}

// In a room where everything is encrypted; a channel that is opened in-band can say nothing of itself.
static bool may_say_it(const struct hub *hub, const struct participant *me,
                       const struct hub_produce_data *ask, struct hub_refusal *refusal) {
    return !hub_is_sealed(hub, me->room) || hub_says_sealed(ask->app_data, ask->app_data_len) ||
           hub_refuse(refusal, HUB_ENCRYPTION_NEEDED,
                      "in this room everything is encrypted from end to end, data channels too; encrypt what "
                      "you send, open the channel by `produce-data`, and say `e2ee: true` in its `appData`");
}

static bool copy_text(const char *from, char out[DATA_TEXT_MAX + 1]) {
    size_t len = from ? strlen(from) : 0;
    if (len > DATA_TEXT_MAX)
        return false;
    memcpy(out, from ? from : "", len + 1);
    return true;
}

// The room's channel of that label, with one user more; NULL and a refusal.
static struct room_channel *take_channel(struct hub *hub, struct room *room, const char *label,
                                         struct hub_refusal *refusal) {
    if (room->channel_count >= ROOM_CHANNELS_MAX && !room_find_channel(room, label)) {
        hub_refuse(refusal, HUB_LIMIT_REACHED, "this room has %d channels, which is all that it may have",
                   ROOM_CHANNELS_MAX);
        return NULL;
    }
    struct room_channel *channel = room_channel_take(&hub->data_registry, room, label);
    if (!channel)
        hub_refuse_memory(refusal);
    return channel;
}

// Fills in what the client said; its texts in the end, so that a refusal leaves nothing behind.
static bool make_producer(struct hub *hub, struct participant *me, const struct hub_produce_data *ask,
                          struct room_data_producer *made, struct hub_refusal *refusal) {
    const char *app_data = ask->app_data ? ask->app_data : "{}";
    made->app_data_len = ask->app_data ? ask->app_data_len : strlen(app_data);
    if (!copy_text(ask->label, made->label) || !copy_text(ask->protocol, made->protocol))
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`label` and `protocol` may have at most %d bytes each",
                          DATA_TEXT_MAX);
    if (hub_has_control(made->label, "") || hub_has_control(made->protocol, ""))
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`label` and `protocol` may have no control characters");
    if (made->app_data_len > DATA_APP_DATA_BYTES_MAX)
        return hub_refuse(refusal, HUB_BAD_REQUEST, "`appData` may have at most %d bytes as JSON",
                          DATA_APP_DATA_BYTES_MAX);
    size_t texts = strlen(made->label) + strlen(made->protocol) + made->app_data_len;
    made->text_bytes = RECORD_TEXT_BYTES + texts;
    if (!texts_fit(me, made->text_bytes, refusal) ||
        !hub_spend_notice(hub, me, NOTICE_BYTES + texts, refusal))
        return false;
    if (ask->broadcast && !(made->channel = take_channel(hub, me->room, made->label, refusal)))
        return false;
    made->app_data = malloc(made->app_data_len + 1);
    if (!made->app_data) {
        room_channel_leave(made->channel);
        return hub_refuse_memory(refusal);
    }
    memcpy(made->app_data, app_data, made->app_data_len);
    made->app_data[made->app_data_len] = '\0';
    return true;
}

static bool post_producer(struct hub *hub, const struct room_data_producer *producer) {
    struct data_cmd cmd = {
        .type = DATA_OPEN_PRODUCER, .transport = producer->transport->id, .producer = producer->id};
    cmd.open.stream = producer->stream;
    cmd.open.group = producer->channel ? producer->channel->group : 0;
    cmd.open.in_band = producer->in_band;
    return hub_data_post_try(&hub->data_post, &cmd);
}

static void log_open(const char *event, const struct room_transport *transport, const char *id,
                     const char *label) {
    LOG_DEBUG(event, LOG_TEXT("room", transport->owner->room->name), LOG_TEXT("user", transport->owner->name),
              LOG_TEXT("transport", transport->public_id.text), LOG_TEXT("channel", id),
              LOG_TEXT("label", label));
}

struct room_data_producer *hub_open_data_producer(struct hub *hub, struct room_transport *transport,
                                                  bool in_band, const struct hub_produce_data *ask,
                                                  struct hub_refusal *refusal) {
    struct participant *me = transport->owner;
    struct room_data_producer made = {.transport = transport, .stream = *ask->stream, .in_band = in_band};
    if (!may_say_it(hub, me, ask, refusal) || !may_produce(hub, me, transport, ask->stream, refusal) ||
        !make_producer(hub, me, ask, &made, refusal))
        return NULL;
    struct room_data_producer *producer = data_registry_open_producer(&hub->data_registry, &made);
    if (!producer) {
        free(made.app_data);
        room_channel_leave(made.channel);
        hub_refuse_memory(refusal);
        return NULL;
    }
    if (!post_producer(hub, producer)) {
        data_registry_close_producer(&hub->data_registry, producer);
        hub_refuse_busy(refusal);
        return NULL;
    }
    hub_memory_take(hub, producer->app_data_len);
    log_open("data producer opened", transport, producer->public_id.text, producer->label);
    hub->events.data_producer_opened(hub->events.ctx, producer);
    return producer;
}

struct room_data_producer *hub_produce_data(struct hub *hub, struct participant *me,
                                            const struct hub_produce_data *ask, struct hub_refusal *refusal) {
    struct room_transport *transport = hub_own_transport(hub, me, ask->transport_id, refusal);
    if (!transport)
        return NULL;
    if (!transport->from_client) {
        hub_refuse(refusal, HUB_BAD_REQUEST,
                   "this transport has direction \"recv\"; use one with direction \"send\"");
        return NULL;
    }
    return hub_open_data_producer(hub, transport, false, ask, refusal);
}

bool hub_close_data_producer(struct hub *hub, struct participant *me, const char *producer_id,
                             struct hub_refusal *refusal) {
    struct room_data_producer *producer = hub_own_data_producer(hub, me, producer_id, refusal);
    if (producer)
        hub_drop_data_producer(hub, producer, NULL, false);
    return producer != NULL;
}

// ---- consume

static struct room_transport *find_recv_transport(const struct hub *hub, const struct participant *me,
                                                  const char *id, struct hub_refusal *refusal) {
    if (id) {
        struct room_transport *transport = hub_own_transport(hub, me, id, refusal);
        if (transport && transport->from_client) {
            hub_refuse(refusal, HUB_BAD_REQUEST,
                       "this transport has direction \"send\"; use one with direction \"recv\"");
            return NULL;
        }
        return transport && carries(transport, refusal) ? transport : NULL;
    }
    LIST_EACH(node, &me->transports) {
        struct room_transport *transport = LIST_ENTRY(node, struct room_transport, link);
        if (!transport->from_client && transport->data && !ended(transport))
            return transport;
    }
    hub_refuse(refusal, HUB_WRONG_STATE,
               "you have no transport with direction \"recv\" that carries data channels; create one with "
               "`enableSctp`");
    return NULL;
}

static bool find_source(struct hub *hub, const struct participant *me, const struct hub_consume_data *ask,
                        struct room_data_consumer *made, struct hub_refusal *refusal) {
    char label[DATA_TEXT_MAX + 1];
    if (!ask->producer_id) {
        if (!copy_text(ask->label, label) || hub_has_control(label, ""))
            return hub_refuse(refusal, HUB_BAD_REQUEST,
                              "`label` may have at most %d bytes and no control characters", DATA_TEXT_MAX);
        made->channel = take_channel(hub, me->room, label, refusal);
        return made->channel != NULL;
    }
    made->producer = data_registry_find_producer(&hub->data_registry, ask->producer_id);
    if (!made->producer || data_producer_owner(made->producer)->room != me->room)
        return hub_refuse(refusal, HUB_NOT_FOUND, "there is no data producer of that id in this room");
    if (data_producer_owner(made->producer) == me)
        return hub_refuse(refusal, HUB_FORBIDDEN, "this data producer is your own");
    return true;
}

// Each has two of one source at most: a message costs its sender for each.
static bool may_consume(const struct hub *hub, const struct participant *me,
                        const struct room_data_consumer *made, struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.consumers_per_participant_max, same = 0;
    if (me->data_consumer_count >= most)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a participant may have %u data consumers; close one first", most);
    LIST_EACH(t, &me->transports) {
        LIST_EACH(c, &LIST_ENTRY(t, struct room_transport, link)->data_consumers) {
            const struct room_data_consumer *other = LIST_ENTRY(c, struct room_data_consumer, link);
            same += other->producer == made->producer && other->channel == made->channel;
        }
    }
    if (same >= 2)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "you have two data consumers of this already; close one first, or use those");
    return hub_memory_allows(hub, refusal);
}

// In turns, so that an id is not used again at once.
static bool choose_stream(struct room_transport *transport, uint16_t *id, struct hub_refusal *refusal) {
    for (unsigned i = 0; i < transport->data_streams_out; i++) {
        uint16_t next = transport->data_next_stream;
        transport->data_next_stream = (uint16_t)((next + 1) % transport->data_streams_out);
        if (!stream_is_taken(transport, next)) {
            *id = next;
            return true;
        }
    }
    return hub_refuse(refusal, HUB_LIMIT_REACHED,
                      "all %u streams of this transport are in use; close a data consumer",
                      transport->data_streams_out);
}

struct room_data_consumer *hub_open_data_consumer(struct hub *hub, const struct room_data_consumer *made,
                                                  struct hub_refusal *refusal) {
    struct room_data_consumer *consumer = data_registry_open_consumer(&hub->data_registry, made);
    if (!consumer) {
        hub_refuse_memory(refusal);
        room_channel_leave(made->channel);
        return NULL;
    }
    struct data_cmd cmd = {.type = DATA_OPEN_CONSUMER,
                           .transport = consumer->transport->id,
                           .consumer = consumer->id,
                           .producer =
                               consumer->producer ? consumer->producer->id : (struct data_producer_id){0}};
    cmd.open.stream = consumer->stream;
    cmd.open.group = consumer->channel ? consumer->channel->group : 0;
    cmd.open.in_band = consumer->in_band;
    cmd.open.paused = consumer->paused;
    if (!hub_data_post_try(&hub->data_post, &cmd)) {
        data_registry_close_consumer(&hub->data_registry, consumer);
        hub_refuse_busy(refusal);
        return NULL;
    }
    log_open("data consumer opened", consumer->transport, consumer->public_id.text,
             consumer->channel ? consumer->channel->label : consumer->producer->label);
    return consumer;
}

struct room_data_consumer *hub_consume_data(struct hub *hub, struct participant *me,
                                            const struct hub_consume_data *ask, struct hub_refusal *refusal) {
    struct room_data_consumer made = {.paused = ask->paused, .stream = {.ordered = true}};
    made.transport = find_recv_transport(hub, me, ask->transport_id, refusal);
    if (!made.transport || !hub_allowed(me, RIGHT_SUBSCRIBE, "get what others send", refusal) ||
        !find_source(hub, me, ask, &made, refusal))
        return NULL;
    if (ask->stream)
        made.stream = *ask->stream;
    else if (made.producer)
        made.stream = made.producer->stream;
    if (!may_consume(hub, me, &made, refusal) || !choose_stream(made.transport, &made.stream.id, refusal)) {
        room_channel_leave(made.channel);
        return NULL;
    }
    return hub_open_data_consumer(hub, &made, refusal);
}

struct room_data_consumer *hub_pause_data_consumer(struct hub *hub, struct participant *me,
                                                   const char *consumer_id, bool paused,
                                                   struct hub_refusal *refusal) {
    struct room_data_consumer *consumer = hub_own_data_consumer(hub, me, consumer_id, refusal);
    if (!consumer || consumer->paused == paused)
        return consumer;
    struct data_cmd cmd = {.type = DATA_PAUSE_CONSUMER, .consumer = consumer->id};
    cmd.pause.paused = paused;
    if (!hub_data_post_try(&hub->data_post, &cmd)) {
        hub_refuse_busy(refusal);
        return NULL;
    }
    consumer->paused = paused;
    return consumer;
}

bool hub_close_data_consumer(struct hub *hub, struct participant *me, const char *consumer_id,
                             struct hub_refusal *refusal) {
    struct room_data_consumer *consumer = hub_own_data_consumer(hub, me, consumer_id, refusal);
    if (consumer)
        hub_drop_data_consumer(hub, consumer, NULL, false);
    return consumer != NULL;
}
