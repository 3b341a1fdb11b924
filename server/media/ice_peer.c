// One agent: what its media worker asks of it, and what it says to that worker and to the control thread.
#include "server/media/ice_worker_internal.h"

#include "base/log_pace.h"
#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// ---- what is to be told: kept here, and said when there is room

static bool peer_tell_path(struct ice_peer *peer) {
    struct ice_link *link = &peer->ice->links[peer->worker];
    struct ice_report *report = ring_reserve(link->out);
    if (!report)
        return false;
    report->type = peer->there ? ICE_REPORT_PATH : ICE_REPORT_LOST;
    report->transport = peer->id;
    report->path = peer->path;
    ring_push(link->out);
    link->out_written = true;
    peer->path_told = true;
    return true;
}

static bool tell_event(struct ice_worker *ice, struct transport_id id, enum ice_event_type type,
                       const struct ice_candidate *candidate) {
    struct ice_event *event = ring_reserve(ice->events);
    if (!event)
        return false;
    *event = (struct ice_event){.type = type, .transport = id};
    if (candidate)
        event->candidate = *candidate;
    ring_push(ice->events);
    ice->events_written = true;
    return true;
}

static bool peer_tell_locals(struct ice_peer *peer) {
    while (peer->locals_told < peer->local_count) {
        if (!tell_event(peer->ice, peer->id, ICE_EVENT_CANDIDATE, &peer->locals[peer->locals_told]))
            return false;
        peer->locals_told++;
    }
    if (peer->gathered && !peer->end_told)
        peer->end_told =
            tell_event(peer->ice, peer->id, peer->agent ? ICE_EVENT_GATHERED : ICE_EVENT_FAILED, NULL);
    return peer->end_told || !peer->gathered;
}

static void peer_tell(struct ice_peer *peer) {
    bool all = peer->path_told || peer_tell_path(peer);
    all &= peer_tell_locals(peer);
    if (!all && !list_linked(&peer->untold_link))
        list_push_back(&peer->ice->untold, &peer->untold_link);
}

void ice_peers_tell(struct ice_worker *ice) {
    struct list later;
    list_init(&later);
    while (!list_empty(&ice->untold)) {
        struct ice_peer *peer = LIST_ENTRY(ice->untold.next, struct ice_peer, untold_link);
        list_remove(&peer->untold_link);
        list_push_back(&later, &peer->untold_link); // so that it does not come again in this loop
        bool all = peer->path_told || peer_tell_path(peer);
        if (peer_tell_locals(peer) && all)
            list_remove(&peer->untold_link);
    }
    while (!list_empty(&later)) {
        struct list *node = later.next;
        list_remove(node);
        list_push_back(&ice->untold, node);
    }
}

// ---- what the agent says

static void on_candidate(void *ctx, const struct ice_candidate *candidate) {
    struct ice_peer *peer = ctx;
    if (peer->local_count == ICE_LOCALS_MAX)
        return;
    peer->locals[peer->local_count++] = *candidate;
    if (peer->agent) // else it is being made
        peer_tell(peer);
}

static void on_gathered(void *ctx) {
    struct ice_peer *peer = ctx;
    peer->gathered = true;
    if (peer->agent)
        peer_tell(peer);
}

static void on_path(void *ctx, const struct ice_agent_path *path) {
    struct ice_peer *peer = ctx;
    peer->ice->counters.paths++;
    peer->ice->counters.relayed += path->local_type == ICE_CANDIDATE_RELAY;
    peer->there = true;
    peer->path = *path;
    peer->path_told = false;
    peer_tell(peer);
}

static void on_lost(void *ctx) {
    struct ice_peer *peer = ctx;
    peer->ice->counters.lost++;
    peer->there = false;
    peer->path_told = false;
    peer_tell(peer);
}

static void on_packet(void *ctx, const uint8_t *bytes, size_t len) {
    struct ice_peer *peer = ctx;
    struct ice_link *link = &peer->ice->links[peer->worker];
    struct ice_report *report = len <= BLOCK_DATAGRAM_MAX ? ring_reserve(link->out) : NULL;
    if (!report) {
        peer->ice->counters.packets_lost++;
        return;
    }
    peer->ice->counters.packets_in++;
    report->type = ICE_REPORT_PACKET;
    report->transport = peer->id;
    report->packet.len = (uint16_t)len;
    memcpy(report->packet.bytes, bytes, len);
    ring_push(link->out);
    link->out_written = true;
}

// ---- what its media worker asks

static struct ice_peer *peer_get(const struct ice_worker *ice, struct transport_id id) {
    uint32_t handle = hmap_get(ice->peers_by_id, &id);
    return handle == HMAP_NONE ? NULL : slots_get(ice->peers, handle);
}

static void peer_free(struct ice_peer *peer) {
    ice_agent_close(peer->agent);
    list_remove(&peer->untold_link);
    if (peer->handle) {
        slots_remove(peer->ice->peers, peer->handle);
        hmap_remove(peer->ice->peers_by_id, &peer->id);
    }
    free(peer);
}

static struct ice_peer *peer_new(struct ice_worker *ice, struct transport_id id, unsigned worker) {
    struct ice_peer *peer = peer_get(ice, id) ? NULL : calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->ice = ice;
    peer->id = id;
    peer->worker = worker;
    peer->path_told = true; // there is nothing to tell
    list_init(&peer->untold_link);
    peer->handle = slots_add(ice->peers, peer);
    if (peer->handle && hmap_put(ice->peers_by_id, &id, peer->handle) == ERR_OK)
        return peer;
    if (peer->handle)
        slots_remove(ice->peers, peer->handle);
    free(peer);
    return NULL;
}

// Nothing can be kept for it. False: nor told.
static bool refuse_open(struct ice_worker *ice, struct transport_id id) {
    if (!tell_event(ice, id, ICE_EVENT_FAILED, NULL))
        return false;
    ice->counters.refused++;
    LOG_GUEST(LOG_LEVEL_ERROR, "ICE agent not made", LOG_NUMBER("transport_number", id.v),
              LOG_TEXT("reason", "out of memory, or too many of them"));
    return true;
}

static bool peer_open(struct ice_worker *ice, unsigned worker, const struct ice_note *note) {
    struct ice_peer *peer = peer_new(ice, note->transport, worker);
    if (!peer)
        return refuse_open(ice, note->transport);
    const struct ice_agent_events events = {.ctx = peer,
                                            .candidate = on_candidate,
                                            .gathered = on_gathered,
                                            .path = on_path,
                                            .lost = on_lost,
                                            .packet = on_packet};
    peer->agent = ice_agent_open(ice->pool, &note->ours.credentials, note->ours.controlling, &events);
    if (peer->agent) {
        ice->counters.opened++;
    } else {
        ice->counters.refused++;
        peer->local_count = 0; // of sockets that are closed again
        peer->gathered = true;
        LOG_GUEST(LOG_LEVEL_WARN, "ICE agent not made", LOG_NUMBER("transport_number", note->transport.v),
                  LOG_TEXT("reason", "no address or port could be bound; see ice-ports and announce"));
    }
    peer_tell(peer);
    return true;
}

static void peer_send(struct ice_worker *ice, const struct ice_peer *peer, const struct ice_note *note) {
    if (ice_agent_send(peer->agent, note->packet.bytes, note->packet.len))
        ice->counters.packets_out++;
    else
        ice->counters.packets_lost++;
}

static void peer_candidate(struct ice_worker *ice, struct ice_peer *peer, const struct ice_note *note) {
    if (ice_agent_add_remote(peer->agent, &note->candidate))
        ice->counters.candidates++;
    else
        ice->counters.candidates_refused++;
}

bool ice_peer_note(struct ice_worker *ice, unsigned worker, const struct ice_note *note) {
    struct ice_peer *peer = note->type == ICE_NOTE_OPEN ? NULL : peer_get(ice, note->transport);
    if (note->type != ICE_NOTE_OPEN && (!peer || (!peer->agent && note->type != ICE_NOTE_CLOSE)))
        return true;
    switch (note->type) {
    case ICE_NOTE_PACKET:
        peer_send(ice, peer, note);
        break;
    case ICE_NOTE_OPEN:
        return peer_open(ice, worker, note);
    case ICE_NOTE_REMOTE:
        ice_agent_set_remote(peer->agent, &note->remote);
        break;
    case ICE_NOTE_CANDIDATE:
        peer_candidate(ice, peer, note);
        break;
    case ICE_NOTE_RESTART:
        ice_agent_restart(peer->agent, &note->ours.credentials);
        break;
    case ICE_NOTE_CLOSE:
        peer_free(peer);
        break;
    }
    return true;
}

void ice_peers_close(struct ice_worker *ice) {
    uint32_t cursor = 0;
    for (struct ice_peer *peer; (peer = slots_next(ice->peers, &cursor));)
        peer_free(peer);
}
