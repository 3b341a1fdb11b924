// One association, and between it and the forwarder: messages, channels that are asked for in-band, ends.
#include "server/media/data_worker_internal.h"

#include "base/clock.h"
#include "base/log_pace.h"
#include "transport/dcep.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define READS_PER_TURN 32 // of one peer; then others have their turn

static const struct data_stream in_order = {.ordered = true};

static struct data_peer *data_peer_find(const struct data_worker *data, struct transport_id id) {
    uint32_t handle = hmap_get(data->peers_by_id, &id);
    return handle == HMAP_NONE ? NULL : slots_get(data->peers, handle);
}

static void data_peer_ready(struct data_peer *peer) {
    if (!list_linked(&peer->ready_link))
        list_push_back(&peer->data->ready, &peer->ready_link);
}

// ---- out, to media workers and the control thread

static void peer_sends(void *ctx, struct span packet) {
    struct data_peer *peer = ctx;
    struct data_worker *data = peer->data;
    struct data_link *link = &data->links[peer->worker];
    struct data_packet *slot = packet.len <= ASSOCIATION_PACKET_MAX ? ring_reserve(link->out) : NULL;
    if (!slot) {
        data->counters.packets_lost++;
        return;
    }
    slot->transport = peer->id;
    slot->connected = false;
    slot->len = (uint16_t)packet.len;
    memcpy(slot->bytes, packet.ptr, packet.len);
    ring_push(link->out);
    link->out_written = true;
    data->counters.packets_out++;
}

static void peer_wakes(void *ctx) {
    data_peer_ready(ctx);
}

bool data_events_have_room(struct data_worker *data) {
    return ring_room(data->events) >= EVENTS_KEPT;
}

// What ends is told whatever else waits: its number is bounded by what is open, and the queue is long.
static void data_tell(void *ctx, const struct data_event *event) {
    struct data_worker *data = ctx;
    struct data_event *slot = ring_reserve(data->events);
    if (!slot) {
        LOG_GUEST(LOG_LEVEL_WARN, "the end of a data channel is not told",
                  LOG_TEXT("reason", "the control thread is far behind"));
        return;
    }
    *slot = *event;
    ring_push(data->events);
    data->events_written = true;
}

static void peer_tell_state(struct data_peer *peer) {
    data_tell(peer->data, &(struct data_event){.type = DATA_TRANSPORT_STATE,
                                               .transport = peer->id,
                                               .state = association_state(peer->association)});
}

// ---- the forwarder's way out

static enum err forward_send(void *ctx, void *to, const struct data_stream *stream,
                             const struct data_message *message) {
    struct data_peer *peer = to;
    (void)ctx;
    return association_send(peer->association, stream, message->ppid, message->bytes);
}

static void forward_close_stream(void *ctx, void *to, uint16_t stream) {
    struct data_peer *peer = to;
    (void)ctx;
    association_reset_stream(peer->association, stream);
}

static uint64_t forward_waiting(void *ctx, const void *to) {
    const struct data_peer *peer = to;
    (void)ctx;
    return association_waiting_bytes(peer->association);
}

static void forward_release(void *ctx, void *to) {
    (void)ctx;
    data_peer_ready(to);
}

const struct data_forwarder_output data_forwarder_output_template = {
    .send = forward_send,
    .close_stream = forward_close_stream,
    .waiting_bytes = forward_waiting,
    .event = data_tell,
    .release = forward_release,
};

// ---- channels in-band

static void peer_send_acks(struct data_peer *peer) {
    uint8_t ack[DCEP_ACK_BYTES];
    dcep_write_ack(ack);
    for (unsigned id = 0; peer->some_acks && id < DATA_STREAMS_MAX; id++) {
        if (!(peer->acks[id / 64] >> id % 64 & 1))
            continue;
        struct data_stream stream = in_order;
        stream.id = (uint16_t)id;
        if (association_send(peer->association, &stream, DATA_PPID_DCEP, span_of(ack, sizeof ack)) ==
            ERR_AGAIN)
            return;
        peer->acks[id / 64] &= ~(UINT64_C(1) << id % 64);
    }
    peer->some_acks = false;
}

static void peer_channel(struct data_peer *peer, uint16_t stream, struct span message) {
    struct data_worker *data = peer->data;
    struct data_event event = {.type = DATA_CHANNEL_OPENED, .transport = peer->id};
    enum dcep_type type;
    if (dcep_read_type(message, &type) == ERR_OK && type == DCEP_ACK)
        return;
    data->counters.channels_in_band++;
    if (dcep_read_open(message, &event.channel) != ERR_OK) {
        data->counters.channels_malformed++;
        association_reset_stream(peer->association, stream);
        return;
    }
    event.channel.stream.id = stream;
    data_tell(data, &event);
    peer->awaits = true; // messages may be right behind it
}

static void peer_answered(struct data_peer *peer, const struct data_cmd *cmd) {
    uint16_t stream = cmd->answer.stream;
    peer->awaits = false;
    if (cmd->answer.accepted && stream < DATA_STREAMS_MAX) {
        peer->acks[stream / 64] |= UINT64_C(1) << stream % 64;
        peer->some_acks = true;
        peer_send_acks(peer);
    } else {
        association_reset_stream(peer->association, stream);
    }
    data_peer_ready(peer);
}

// ---- in

static void peer_message(struct data_peer *peer, const struct association_message *got, uint64_t now_us) {
    if (got->ppid == DATA_PPID_DCEP) {
        peer_channel(peer, got->stream, got->bytes);
        return;
    }
    const struct data_message message = {.ppid = got->ppid, .bytes = got->bytes};
    data_forwarder_message(peer->data->forwarder, peer->endpoint, got->stream, &message, now_us);
}

static void peer_state_changed(struct data_peer *peer, uint64_t now_us) {
    enum data_state state = association_state(peer->association);
    peer_tell_state(peer);
    if (state == DATA_STATE_FAILED || state == DATA_STATE_CLOSED)
        data_forwarder_ended(peer->data->forwarder, peer->endpoint, now_us);
}

// False: there is nothing more.
static bool peer_read_one(struct data_peer *peer, uint64_t now_us) {
    struct data_forwarder *fw = peer->data->forwarder;
    struct association_message got;
    switch (association_receive(peer->association, &got)) {
    case ASSOCIATION_NOTHING:
        return false;
    case ASSOCIATION_MESSAGE:
        peer_message(peer, &got, now_us);
        break;
    case ASSOCIATION_RESET:
        data_forwarder_stream_closed(fw, peer->endpoint, got.stream, now_us);
        break;
    case ASSOCIATION_STATE:
        peer_state_changed(peer, now_us);
        break;
    case ASSOCIATION_TOO_BIG:
        data_forwarder_too_big(fw, peer->endpoint, got.stream, now_us);
        break;
    }
    return true;
}

bool data_peer_read(struct data_peer *peer, uint64_t now_us) {
    peer_send_acks(peer);
    data_forwarder_writable(peer->data->forwarder, peer->endpoint, now_us);
    for (unsigned n = 0; n < READS_PER_TURN; n++) {
        if (peer->awaits || data_endpoint_held(peer->endpoint))
            return false; // whoever ends that says so
        if (!data_events_have_room(peer->data))
            return true;
        if (!peer_read_one(peer, now_us))
            return false;
    }
    return true;
}

void data_peer_packet(struct data_worker *data, const struct data_packet *packet) {
    struct data_peer *peer = data_peer_find(data, packet->transport);
    if (!peer)
        return; // closed, or not yet open: its peer says it again
    if (packet->connected) {
        association_connect(peer->association);
        return;
    }
    data->counters.packets_in++;
    if (association_input(peer->association, span_of(packet->bytes, packet->len)))
        data_peer_ready(peer);
    else
        data->counters.packets_refused++;
}

// ---- life

static void data_peer_close(struct data_peer *peer, uint64_t now_us) {
    struct data_worker *data = peer->data;
    if (peer->endpoint)
        data_forwarder_close(data->forwarder, peer->endpoint, now_us);
    association_destroy(peer->association);
    list_remove(&peer->ready_link);
    if (peer->handle) {
        slots_remove(data->peers, peer->handle);
        hmap_remove(data->peers_by_id, &peer->id);
    }
    free(peer);
}

static bool data_peer_enter(struct data_peer *peer) {
    struct data_worker *data = peer->data;
    uint32_t handle = slots_add(data->peers, peer);
    if (!handle)
        return false;
    if (hmap_put(data->peers_by_id, &peer->id, handle) != ERR_OK) {
        slots_remove(data->peers, handle);
        return false;
    }
    peer->handle = handle;
    return true;
}

static void data_peer_open(struct data_worker *data, const struct data_cmd *cmd, uint64_t now_us) {
    struct data_peer *peer = data_peer_find(data, cmd->transport) ? NULL : calloc(1, sizeof *peer);
    if (!peer)
        return;
    assert(cmd->open_transport.worker < data->workers);
    peer->data = data;
    peer->id = cmd->transport;
    peer->worker = cmd->open_transport.worker;
    list_init(&peer->ready_link);
    const struct association_output output = {.ctx = peer, .send = peer_sends, .wake = peer_wakes};
    peer->association =
        association_create(cmd->open_transport.streams_out, cmd->open_transport.streams_in, &output);
    if (peer->association)
        peer->endpoint =
            data_forwarder_open(data->forwarder, peer->id, cmd->open_transport.owner, peer, now_us);
    if (peer->endpoint && data_peer_enter(peer))
        return;
    LOG_GUEST(LOG_LEVEL_ERROR, "no data channels for a transport",
              LOG_NUMBER("transport_number", cmd->transport.v),
              LOG_TEXT("reason", "out of memory, or too many associations"));
    data_peer_close(peer, now_us);
    data_tell(data, &(struct data_event){.type = DATA_TRANSPORT_STATE,
                                         .transport = cmd->transport,
                                         .state = DATA_STATE_FAILED});
}

void data_peer_command(struct data_worker *data, const struct data_cmd *cmd, uint64_t now_us) {
    struct data_peer *peer = data_peer_find(data, cmd->transport);
    switch (cmd->type) {
    case DATA_OPEN_TRANSPORT:
        data_peer_open(data, cmd, now_us);
        break;
    case DATA_CLOSE_TRANSPORT:
        if (peer)
            data_peer_close(peer, now_us);
        break;
    case DATA_ANSWER_CHANNEL:
        if (peer)
            peer_answered(peer, cmd);
        break;
    case DATA_OPEN_PRODUCER:
    case DATA_OPEN_CONSUMER:
        if (peer)
            association_use_stream(peer->association, cmd->open.stream.id);
        data_forwarder_command(data->forwarder, peer ? peer->endpoint : NULL, cmd, now_us);
        break;
    case DATA_GET_STATS:
        if (data_events_have_room(data)) // else ends need the place, and whoever asks may ask again
            data_forwarder_command(data->forwarder, NULL, cmd, now_us);
        break;
    case DATA_CLOSE_PRODUCER:
    case DATA_PAUSE_CONSUMER:
    case DATA_CLOSE_CONSUMER:
        data_forwarder_command(data->forwarder, peer ? peer->endpoint : NULL, cmd, now_us);
        break;
    }
}

void data_peers_close(struct data_worker *data) {
    uint32_t cursor = 0;
    for (struct data_peer *peer; (peer = slots_next(data->peers, &cursor));)
        data_peer_close(peer, clock_now_us());
}
