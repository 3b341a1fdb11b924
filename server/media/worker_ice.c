// Peers whose path a full ICE agent finds (ice_worker.h): what they send goes to its thread, what came
// for them comes back, and with it where they are.
#include "server/media/worker_internal.h"

#include "base/log.h"

#include <assert.h>
#include <string.h>

#define REPORTS_PER_TURN 1024

// A note of another kind than a packet. NULL: the thread is that far behind.
static struct ice_note *ice_note_begin(const struct worker_peer *peer, enum ice_note_type type) {
    struct worker *w = peer->worker;
    struct ice_note *note = ice_worker_reserve(w->ice, w->index);
    if (!note) {
        LOG_WARN("the thread of ICE agents is busy", LOG_NUMBER("worker", w->index),
                 LOG_NUMBER("transport_number", peer->id.v));
        return NULL;
    }
    note->type = type;
    note->transport = peer->id;
    return note;
}

static void ice_note_end(const struct worker_peer *peer) {
    ice_worker_push(peer->worker->ice, peer->worker->index);
}

void worker_ice_open(const struct worker_peer *peer, const struct media_cmd *cmd) {
    struct ice_note *note = ice_note_begin(peer, ICE_NOTE_OPEN);
    if (!note)
        return;
    note->ours.credentials = cmd->ice;
    note->ours.controlling = cmd->controlling;
    ice_note_end(peer);
}

void worker_ice_restart(const struct worker_peer *peer, const struct media_cmd *cmd) {
    struct ice_note *note = ice_note_begin(peer, ICE_NOTE_RESTART);
    if (!note)
        return;
    note->ours.credentials = cmd->ice;
    ice_note_end(peer);
}

void worker_ice_remote(const struct worker_peer *peer, const struct media_cmd *cmd) {
    bool credentials = cmd->type == MEDIA_ICE_REMOTE;
    struct ice_note *note =
        peer->agent ? ice_note_begin(peer, credentials ? ICE_NOTE_REMOTE : ICE_NOTE_CANDIDATE) : NULL;
    if (!note)
        return;
    if (credentials)
        note->remote = cmd->ice_remote;
    else
        note->candidate = cmd->ice_candidate;
    ice_note_end(peer);
}

// An agent that nobody closes stays for ever, so this waits for room.
static bool ice_say_closed(struct worker *w, struct transport_id id) {
    struct ice_note *note = ice_worker_reserve(w->ice, w->index);
    if (!note)
        return false;
    note->type = ICE_NOTE_CLOSE;
    note->transport = id;
    ice_worker_push(w->ice, w->index);
    return true;
}

void worker_ice_close(struct worker *w, struct transport_id id) {
    if (!ring_peek(w->ice_closed) && ice_say_closed(w, id))
        return;
    struct transport_id *slot = ring_reserve(w->ice_closed);
    if (!slot) { // the thread has stood still while so many came and went
        LOG_ERROR("an ICE agent stays", LOG_NUMBER("worker", w->index), LOG_NUMBER("transport_number", id.v));
        return;
    }
    *slot = id;
    ring_push(w->ice_closed);
}

void worker_ice_send(void *owner, struct span datagram, enum udp_worth worth) {
    struct worker_peer *peer = owner;
    struct worker *w = peer->worker;
    struct ice_note *note = datagram.len <= ICE_PACKET_MAX
                                ? ice_worker_reserve_packet(w->ice, w->index, worth == UDP_DROP_FIRST)
                                : NULL;
    if (!note) {
        worker_drop(w, MEDIA_DROP_ICE_FULL);
        return;
    }
    note->type = ICE_NOTE_PACKET;
    note->transport = peer->id;
    note->packet.len = (uint16_t)datagram.len;
    memcpy(note->packet.bytes, datagram.ptr, datagram.len);
    ice_worker_push(w->ice, w->index);
}

// ---- what comes

static void ice_path(struct worker_peer *peer, const struct ice_report *report, uint64_t now_us) {
    bool there = report->type == ICE_REPORT_PATH;
    struct peer_input input;
    if (there) {
        peer->agent_path = report->path;
    } else if (peer->agent_path.tuple.protocol == TUPLE_NONE) {
        return;
    }
    peer->peer->functions->follow(peer->peer, there ? &peer->agent_path.tuple : NULL, now_us, &input);
    worker_peer_settle(peer, &input, NULL, peer->worker->index, now_us);
}

static void ice_packet(struct worker_peer *peer, const struct ice_report *report, uint64_t now_us) {
    struct worker *w = peer->worker;
    const struct tuple *from = &peer->agent_path.tuple;
    enum datagram_kind kind = datagram_kind(span_of(report->packet.bytes, report->packet.len));
    w->counters.dtls_in += kind == DATAGRAM_DTLS;
    if (kind == DATAGRAM_STUN || kind == DATAGRAM_UNKNOWN || from->protocol == TUPLE_NONE) {
        worker_drop(w, from->protocol == TUPLE_NONE ? MEDIA_DROP_UNVALIDATED_TUPLE : MEDIA_DROP_UNKNOWN_KIND);
        return;
    }
    struct block *b = pool_take(w->pool);
    if (!b) {
        worker_drop(w, MEDIA_DROP_POOL_EMPTY);
        return;
    }
    assert(report->packet.len <= BLOCK_DATAGRAM_MAX);
    b->len = report->packet.len;
    memcpy(block_data(b), report->packet.bytes, report->packet.len);
    if (kind == DATAGRAM_DTLS)
        worker_handshake(peer, from, w->index, b, now_us);
    else
        worker_peer_datagram(peer, from, w->index, b, now_us);
}

void worker_ice_in(struct worker *w, uint64_t now_us) {
    if (!w->ice)
        return;
    for (const struct transport_id *id; (id = ring_peek(w->ice_closed)) && ice_say_closed(w, *id);)
        ring_pop(w->ice_closed);
    const struct ice_report *report;
    for (unsigned done = 0; done < REPORTS_PER_TURN && (report = ice_worker_peek(w->ice, w->index)); done++) {
        struct worker_peer *peer = worker_peer_get(w, report->transport);
        if (peer && peer->agent && report->type == ICE_REPORT_PACKET)
            ice_packet(peer, report, now_us);
        else if (peer && peer->agent)
            ice_path(peer, report, now_us);
        ice_worker_pop(w->ice, w->index);
    }
}

void worker_ice_describe(const struct worker_peer *peer, struct transport_stats *out) {
    out->full = true;
    out->controlling = peer->agent_controls; // libnice does not tell when two have changed roles
    out->local_type = peer->agent_path.local_type;
    out->remote_type = peer->agent_path.remote_type;
}
