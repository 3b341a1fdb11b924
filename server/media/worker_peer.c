// The peers of a worker: its tables, commands, routes and states; from the commands about transports to peer
// and endpoint, and what these two say back.
#include "server/media/worker_internal.h"

#include "base/log_pace.h"
#include "server/media/peer_plain.h"
#include "server/media/peer_webrtc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct worker_peer *worker_peer_get(const struct worker *w, struct transport_id id) {
    uint32_t handle = hmap_get(w->peers_by_id, &id);
    return handle == HMAP_NONE ? NULL : slots_get(w->peers, handle);
}

// The route of a tuple that leads to this peer. A whole id does not fit; peer_close removes what leads to its
// index.
static uint32_t peer_route(const struct worker_peer *peer) {
    return route_make(peer->worker->index, slots_index(peer->handle));
}

// ---- what leaves for a peer

static bool forward_send_rtp(void *ctx, void *peer_ctx, struct block *b, enum media_kind kind,
                             uint64_t index) {
    struct peer *peer = peer_ctx;
    enum err err = peer->functions->send_rtp(peer, b, kind, index);
    if (err == ERR_EXISTS) {
        worker_drop(ctx, MEDIA_DROP_INDEX_USED);
        debug_assert(err != ERR_EXISTS);
    }
    return err == ERR_OK;
}

static void forward_send_again(void *ctx, void *peer_ctx, struct block *sealed, enum media_kind kind) {
    struct peer *peer = peer_ctx;
    (void)ctx;
    peer->functions->send_again(peer, sealed, kind);
}

static void forward_prefetch(void *ctx, void *peer_ctx, unsigned step) {
    const struct peer *peer = peer_ctx;
    (void)ctx;
    if (step == FORWARDER_STEPS - 1)
        __builtin_prefetch(peer, 1);
    else
        peer->functions->prefetch(peer, step);
}

static void forward_send_rtcp(void *ctx, void *peer_ctx, struct span datagram) {
    struct peer *peer = peer_ctx;
    (void)ctx;
    peer->functions->send_rtcp(peer, datagram);
}

// ---- what leaves for other threads

// Room for a message over a link, or NULL; it is counted then.
static struct mesh_message *link_reserve(struct worker *w, struct link_id link, int *to) {
    *to = mesh_worker_of_link(w->mesh, w->index, link);
    struct mesh_message *m = *to >= 0 ? mesh_reserve(w->mesh, w->index, (unsigned)*to) : NULL;
    if (!m)
        worker_drop(w, MEDIA_DROP_RELAY_FULL);
    return m;
}

static void forward_relay_rtp(void *ctx, struct link_id link, struct producer_id producer, uint8_t stream,
                              struct block *b) {
    struct worker *w = ctx;
    int to;
    struct mesh_message *m = link_reserve(w, link, &to);
    if (!m)
        return;
    size_t len = relay_wire_write(&(struct relay_address){producer, stream}, b, m->bytes, sizeof m->bytes);
    assert(len > 0); // RELAY_WIRE_MAX is enough for every packet that was prepared
    m->type = MESH_RELAY_RTP;
    m->len = (uint16_t)len;
    mesh_push(w->mesh, w->index, (unsigned)to);
}

static void forward_relay_note(void *ctx, struct link_id link, const struct relay_note *note) {
    struct worker *w = ctx;
    int to;
    struct mesh_message *m = link_reserve(w, link, &to);
    if (!m)
        return;
    m->type = MESH_RELAY_NOTE;
    m->note = *note;
    m->len = 0;
    mesh_push(w->mesh, w->index, (unsigned)to);
}

static bool forward_event(void *ctx, const struct media_event *event) {
    struct worker *w = ctx;
    struct media_event *slot = worker_event_reserve(w);
    if (!slot)
        return false; // scores and levels: the next one says more
    *slot = *event;
    worker_event_push(w);
    return true;
}

static void forward_forget_ssrc(void *ctx, void *peer_ctx, uint32_t ssrc, bool sent) {
    struct peer *peer = peer_ctx;
    (void)ctx;
    peer->functions->forget_ssrc(peer, ssrc, sent);
}

const struct forwarder_output worker_forwarder_output_template = {
    .send_rtp = forward_send_rtp,
    .send_again = forward_send_again,
    .prefetch = forward_prefetch,
    .send_rtcp = forward_send_rtcp,
    .relay_rtp = forward_relay_rtp,
    .relay_note = forward_relay_note,
    .event = forward_event,
    .forget_ssrc = forward_forget_ssrc,
};

// ---- states

// Tells the control thread, or remembers to.
static void peer_report(struct worker_peer *peer) {
    struct worker *w = peer->worker;
    struct peer_state now = peer->peer->functions->state(peer->peer);
    if (now.ice == peer->reported_ice && now.dtls == peer->reported_dtls)
        return;
    struct media_event *event = worker_event_reserve(w);
    if (!event) {
        if (!list_linked(&peer->unreported))
            list_push_back(&w->unreported, &peer->unreported);
        return;
    }
    *event = (struct media_event){.type = MEDIA_TRANSPORT_STATE,
                                  .transport = peer->id,
                                  .state = {.ice = now.ice, .dtls = now.dtls, .heard_us = now.heard_us}};
    worker_event_push(w);
    peer->reported_ice = now.ice;
    peer->reported_dtls = now.dtls;
    if (now.dtls == DTLS_FAILED)
        LOG_GUEST(LOG_LEVEL_WARN, "DTLS handshake failed", LOG_NUMBER("worker", w->index),
                  LOG_NUMBER("transport_number", peer->id.v), LOG_TEXT("reason", now.failure));
}

void worker_peers_report(struct worker *w) {
    while (!list_empty(&w->unreported) && worker_event_reserve(w)) {
        struct list *node = w->unreported.next;
        list_remove(node);
        peer_report(LIST_ENTRY(node, struct worker_peer, unreported));
    }
}

// ---- routes

static bool worker_tell_route(struct worker *w, unsigned to, enum mesh_type type, const struct tuple *tuple) {
    struct mesh_message *m = mesh_reserve(w->mesh, w->index, to);
    if (!m)
        return false;
    m->type = type;
    m->tuple = *tuple;
    m->len = 0;
    mesh_push(w->mesh, w->index, to);
    return true;
}

// A route that another worker keeps for nobody would stay for ever, so this one is told later when it cannot
// be told now.
static void worker_tell_removed(struct worker *w, unsigned to, const struct tuple *tuple) {
    if (worker_tell_route(w, to, MESH_ROUTE_REMOVE, tuple))
        return;
    struct untold_route *untold = ring_reserve(w->untold);
    if (!untold) {
        worker_drop(w, MEDIA_DROP_HANDOVER_FULL);
        return;
    }
    *untold = (struct untold_route){.tuple = *tuple, .to = (uint8_t)to};
    ring_push(w->untold);
}

void worker_tell_untold(struct worker *w) {
    for (const struct untold_route *untold; (untold = ring_peek(w->untold)); ring_pop(w->untold)) {
        uint32_t route = route_get_tuple(w->routes, &untold->tuple);
        bool ours_again = route != ROUTE_NONE && route_worker(route) == w->index;
        if (!ours_again && !worker_tell_route(w, untold->to, MESH_ROUTE_REMOVE, &untold->tuple))
            return;
    }
}

// Tells the control thread where the kernel should give this address' datagrams to. When there is no room for
// it now, the next check says it again; an address that is gone and not told is a wrong guess of no harm.
static void peer_steer(struct worker_peer *peer, const struct tuple *tuple, bool gone) {
    struct worker *w = peer->worker;
    struct media_event *event = worker_event_reserve(w);
    if (!event)
        return;
    *event =
        (struct media_event){.type = MEDIA_STEER,
                             .steer = {.key = udp_steer_key(&tuple->remote),
                                       .family = tuple->remote.family == 6,
                                       .publishes = !gone && forwarder_endpoint_publishes(peer->endpoint),
                                       .gone = gone}};
    worker_event_push(w);
}

// Each worker hears of a new tuple, so that whichever gets a check from it knows whom to ask
// (worker_ingress.c).
static void peer_tell_all(struct worker_peer *peer, const struct tuple *tuple) {
    struct worker *w = peer->worker;
    for (unsigned to = 0; to < w->workers; to++)
        if (to != w->index && worker_tell_route(w, to, MESH_ROUTE_ADD, tuple))
            peer->told_workers |= UINT64_C(1) << to;
}

// After each good check, not only after the first: another peer may have validated the same tuple in between,
// or the queue to the worker that receives it may have been full. Who checked last has the route, unless the
// peer that has it is there beyond doubt; then the check comes to nothing (worker_ingress.c).
static void peer_route_tuple(struct worker_peer *peer, const struct tuple *tuple, unsigned origin) {
    struct worker *w = peer->worker;
    uint32_t route = peer_route(peer);
    if (tuple->protocol == TUPLE_TCP) // its bytes come to whoever has the connection
        tcp_port_prove(w->tcp, tuple, peer->handle);
    if (tuple->protocol != TUPLE_UDP)
        return;
    if (route_get_tuple(w->routes, tuple) != route && route_put_tuple(w->routes, tuple, route) != ERR_OK)
        LOG_GUEST(LOG_LEVEL_WARN, "no room in the route table", LOG_NUMBER("worker", w->index),
                  LOG_NUMBER("transport_number", peer->id.v));
    if (origin == w->index)
        return;
    peer->told_workers |= UINT64_C(1) << origin;
    peer_steer(peer, tuple, false);
    if (!worker_tell_route(w, origin, MESH_ROUTE_ADD, tuple))
        worker_drop(w, MEDIA_DROP_HANDOVER_FULL); // the next check says it again
}

static void peer_unroute_tuple(struct worker_peer *peer, const struct tuple *tuple) {
    struct worker *w = peer->worker;
    if (tuple->protocol == TUPLE_TCP)
        tcp_port_close(w->tcp, tuple);
    if (route_get_tuple(w->routes, tuple) != peer_route(peer))
        return; // another peer has it now, or it is a connection
    route_remove_tuple(w->routes, tuple, peer_route(peer));
    if (peer->told_workers)
        peer_steer(peer, tuple, true);
    for (uint64_t told = peer->told_workers; told; told &= told - 1)
        worker_tell_removed(w, (unsigned)__builtin_ctzll(told), tuple);
}

// Another address may lead over another link; the first one is where it begins.
static void peer_note_path(struct worker_peer *peer, uint64_t now_us) {
    const struct tuple *path = peer->peer->functions->state(peer->peer).path;
    if (!path || tuple_equal(path, &peer->path))
        return;
    if (peer->path.protocol != TUPLE_NONE)
        forwarder_endpoint_path_changed(peer->worker->fw, peer->endpoint, now_us);
    peer->path = *path;
}

void worker_peer_settle(struct worker_peer *peer, const struct peer_input *input, const struct tuple *from,
                        unsigned origin, uint64_t now_us) {
    struct worker *w = peer->worker;
    if (input->tuple_removed)
        peer_unroute_tuple(peer, &input->removed);
    if (input->tuple_checked) {
        assert(from);
        peer_route_tuple(peer, from, origin);
        if (input->tuple_added && from->protocol == TUPLE_UDP)
            peer_tell_all(peer, from);
    }
    if (input->state_changed)
        peer_report(peer);
    // Not only when the state changes: what a tuple on trust may get ends as well.
    bool reachable = peer->peer->functions->state(peer->peer).reachable;
    forwarder_endpoint_reachable(w->fw, peer->endpoint, reachable, now_us);
    peer_note_path(peer, now_us);
    if (input->connected)
        forwarder_endpoint_connected(w->fw, peer->endpoint, now_us);
    worker_data_connected(peer);
    if (peer->peer->next_us != peer->timer.due_us)
        wheel_arm(&w->wheel, &peer->timer, peer->peer->next_us);
}

static void peer_advance(struct worker_peer *peer, uint64_t now_us) {
    struct peer_input input;
    peer->peer->functions->advance(peer->peer, now_us, &input);
    worker_peer_settle(peer, &input, NULL, peer->worker->index, now_us);
}

static void peer_on_timer(struct wheel_node *node, uint64_t now_us) {
    peer_advance(LIST_ENTRY(node, struct worker_peer, timer), now_us);
}

// ---- commands

// What went over it. Without room for that in the queue it is missing in the one line about its room.
static void peer_report_closed(struct worker_peer *peer) {
    struct media_event *event = worker_event_reserve(peer->worker);
    if (!event)
        return;
    *event = (struct media_event){
        .type = MEDIA_TRANSPORT_CLOSED,
        .transport = peer->id,
        .closed = {.room = peer->room, .quality = forwarder_endpoint_quality(peer->endpoint)}};
    worker_event_push(peer->worker);
}

static void peer_close(struct worker_peer *peer) {
    struct worker *w = peer->worker;
    if (peer->endpoint) {
        peer_report_closed(peer);
        forwarder_close_endpoint(w->fw, peer->endpoint);
    }
    if (peer->peer) {
        struct tuple tuples[PEER_TUPLES_MAX];
        unsigned n = peer->peer->functions->tuples(peer->peer, tuples);
        for (unsigned i = 0; i < n; i++)
            peer_unroute_tuple(peer, &tuples[i]);
        peer->peer->functions->close(peer->peer);
    }
    if (peer->agent)
        worker_ice_close(peer);
    if (peer->plain)
        worker_plain_unwatch(peer->plain);
    for (int i = 0; i < 2; i++)
        if (peer->ufrags[i][0])
            route_remove_ufrag(w->routes, peer->ufrags[i]);
    wheel_cancel(&w->wheel, &peer->timer);
    list_remove(&peer->unreported);
    if (peer->handle) {
        slots_remove(w->peers, peer->handle);
        hmap_remove(w->peers_by_id, &peer->id);
    }
    free(peer);
}

// `ice` NULL: it is found by its sockets alone.
static enum err peer_enter_tables(struct worker_peer *peer, const struct ice_credentials *ice) {
    struct worker *w = peer->worker;
    peer->handle = slots_add(w->peers, peer);
    if (!peer->handle)
        return ERR_LIMIT;
    if (hmap_put(w->peers_by_id, &peer->id, peer->handle) != ERR_OK)
        return ERR_LIMIT;
    if (!ice)
        return ERR_OK;
    memcpy(peer->ufrags[0], ice->ufrag, sizeof ice->ufrag);
    return route_put_ufrag(w->routes, ice->ufrag, peer->handle);
}

static struct worker_peer *peer_new(struct worker *w, struct transport_id id, uint32_t room) {
    struct worker_peer *peer = worker_peer_get(w, id) ? NULL : calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->worker = w;
    peer->id = id;
    peer->room = room;
    list_init(&peer->unreported);
    wheel_node_init(&peer->timer, peer_on_timer);
    return peer;
}

// With `peer->peer` or without, which is no memory. False: it is closed.
static bool peer_enter(struct worker_peer *peer, const struct ice_credentials *ice) {
    struct worker *w = peer->worker;
    peer->endpoint = peer->peer ? forwarder_open_endpoint(w->fw, peer->id, peer->peer) : NULL;
    if (peer->endpoint && peer_enter_tables(peer, ice) == ERR_OK)
        return true;
    LOG_GUEST(LOG_LEVEL_ERROR, "transport not opened", LOG_NUMBER("worker", w->index),
              LOG_NUMBER("transport_number", peer->id.v),
              LOG_TEXT("reason", "out of memory, or too many transports on this worker"));
    peer_close(peer);
    return false;
}

static void worker_open_transport(struct worker *w, const struct media_cmd *cmd) {
    struct worker_peer *peer = peer_new(w, cmd->transport, cmd->room);
    if (!peer)
        return;
    bool full = cmd->full && w->ice;
    if (!full || worker_ice_open(peer, cmd))
        peer->peer = peer_webrtc_create(&w->env, &cmd->ice);
    if (peer->peer)
        peer->peer->owner = peer;
    if (peer_enter(peer, full ? NULL : &cmd->ice) && full)
        worker_ice_begin(peer);
}

static void worker_open_plain(struct worker *w, const struct media_cmd *cmd, uint64_t now_us) {
    const struct plain_params *params = &cmd->plain.params;
    struct plain_port *port = plain_port_create(params->rtp_fd, params->rtcp_fd, &w->plains_queued);
    struct worker_peer *peer = port ? peer_new(w, cmd->transport, cmd->plain.room) : NULL;
    if (!peer) {
        plain_port_destroy(port);
        return;
    }
    peer->plain = worker_plain_watch(peer, port);
    if (peer->plain)
        peer->peer = peer_plain_create(&w->env, params, port);
    if (!peer_enter(peer, NULL))
        return;
    if (params->keys.profile == SRTP_PROFILE_NONE)
        forwarder_endpoint_in_the_clear(peer->endpoint);
    peer_advance(peer, now_us);
}

static void worker_carry_data(struct worker_peer *peer) {
    peer->carries_data = peer->worker->data && peer->peer->functions->carry_data;
    if (peer->carries_data)
        peer->peer->functions->carry_data(peer->peer);
}

static void worker_connect_transport(struct worker_peer *peer, const struct media_cmd *cmd, uint64_t now_us) {
    enum err err = peer->peer->functions->connect(peer->peer, cmd->connect.remote_role,
                                                  &cmd->connect.fingerprint, now_us);
    if (err != ERR_OK)
        LOG_GUEST(LOG_LEVEL_WARN, "transport not connected", LOG_NUMBER("worker", peer->worker->index),
                  LOG_NUMBER("transport_number", peer->id.v), LOG_TEXT("reason", err_name(err)));
    // The handshake may have waited for the fingerprint alone: look at it as a timer would.
    peer_advance(peer, now_us);
    peer_report(peer);
}

// The peer is known by the new ufrag, and by that which it has used before.
static void peer_take_ufrag(struct worker_peer *peer, const char *ufrag, bool untaken) {
    struct worker *w = peer->worker;
    char *gone = peer->ufrags[untaken ? 0 : 1];
    if (gone[0])
        route_remove_ufrag(w->routes, gone);
    if (!untaken)
        memcpy(peer->ufrags[1], peer->ufrags[0], sizeof peer->ufrags[0]);
    memcpy(peer->ufrags[0], ufrag, sizeof peer->ufrags[0]);
    if (route_put_ufrag(w->routes, ufrag, peer->handle) != ERR_OK)
        LOG_GUEST(LOG_LEVEL_WARN, "no room in the route table", LOG_NUMBER("worker", w->index),
                  LOG_NUMBER("transport_number", peer->id.v));
}

static void worker_restart_ice(struct worker_peer *peer, const struct media_cmd *cmd, uint64_t now_us) {
    if (peer->plain)
        return; // it knows no ICE
    if (peer->agent) {
        worker_ice_restart(peer, cmd);
        return;
    }
    const struct peer_functions *functions = peer->peer->functions;
    bool offer = cmd->type == MEDIA_OFFER_ICE;
    enum err err = offer ? functions->offer_ice(peer->peer, &cmd->ice)
                         : functions->restart_ice(peer->peer, &cmd->ice, now_us);
    peer_take_ufrag(peer, cmd->ice.ufrag, offer && err == ERR_EXISTS);
    if (err != ERR_OK && err != ERR_EXISTS)
        LOG_GUEST(LOG_LEVEL_WARN, "ICE not restarted", LOG_NUMBER("worker", peer->worker->index),
                  LOG_NUMBER("transport_number", peer->id.v), LOG_TEXT("reason", err_name(err)));
    peer_advance(peer, now_us);
}

// ---- statistics

static void worker_get_stats(struct worker *w, const struct media_cmd *cmd, uint64_t now_us) {
    struct media_stats *stats = ring_reserve(w->stats);
    if (!stats)
        return; // the hub answers `internal` when its time is over
    *stats = (struct media_stats){.token = cmd->stats.token};
    forwarder_stats(w->fw, cmd, now_us, stats);
    struct worker_peer *peer = cmd->transport.v ? worker_peer_get(w, cmd->transport) : NULL;
    if (peer) {
        stats->found = true;
        peer->peer->functions->describe(peer->peer, now_us, &stats->transport);
        if (peer->agent)
            worker_ice_describe(peer, &stats->transport);
    }
    ring_push(w->stats);
    w->events_written = true;
}

void worker_peer_command(struct worker *w, const struct media_cmd *cmd, uint64_t now_us) {
    struct worker_peer *peer = worker_peer_get(w, cmd->transport);
    switch (cmd->type) {
    case MEDIA_OPEN_TRANSPORT:
        worker_open_transport(w, cmd);
        break;
    case MEDIA_OPEN_PLAIN:
        worker_open_plain(w, cmd, now_us);
        break;
    case MEDIA_CARRY_DATA:
        if (peer)
            worker_carry_data(peer);
        break;
    case MEDIA_CONNECT_TRANSPORT:
        if (peer)
            worker_connect_transport(peer, cmd, now_us);
        break;
    case MEDIA_RESTART_ICE:
    case MEDIA_OFFER_ICE:
        if (peer)
            worker_restart_ice(peer, cmd, now_us);
        break;
    case MEDIA_ICE_REMOTE:
    case MEDIA_ICE_CANDIDATE:
        if (peer)
            worker_ice_remote(peer, cmd);
        break;
    case MEDIA_CLOSE_TRANSPORT:
        if (peer)
            peer_close(peer);
        break;
    case MEDIA_GET_STATS:
        worker_get_stats(w, cmd, now_us);
        break;
    case MEDIA_OPEN_PRODUCER:
    case MEDIA_OPEN_RELAYED_PRODUCER:
    case MEDIA_PAUSE_PRODUCER:
    case MEDIA_CLOSE_PRODUCER:
    case MEDIA_OPEN_RELAY:
    case MEDIA_CLOSE_RELAY:
    case MEDIA_OPEN_CONSUMER:
    case MEDIA_PAUSE_CONSUMER:
    case MEDIA_CLOSE_CONSUMER:
    case MEDIA_SET_LAYERS:
    case MEDIA_SET_PRIORITY:
    case MEDIA_SET_LOUDEST:
    case MEDIA_SET_MAX_BITRATE:
    case MEDIA_REQUEST_KEY_FRAME:
        forwarder_command(w->fw, cmd, now_us);
        break;
    }
}

void worker_peers_close(struct worker *w) {
    uint32_t cursor = 0;
    for (struct worker_peer *peer; (peer = slots_next(w->peers, &cursor));)
        peer_close(peer);
}
