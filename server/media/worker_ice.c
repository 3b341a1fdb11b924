// Peers whose path a full ICE agent finds (ice_worker.h): what they send goes to its thread, what came
// for them comes back, and with it where they are.
#include "server/media/worker_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REPORTS_PER_TURN 1024

#define UNTOLD_RETRY_US (5 * US_PER_MS)

// ---- what an agent is asked for, told when there is room

static struct ice_note *note_begin(const struct worker_peer *peer, enum ice_note_type type) {
    struct ice_note *note = ice_worker_reserve(peer->worker->ice, peer->worker->index);
    if (!note)
        return NULL;
    note->type = type;
    note->transport = peer->id;
    return note;
}

static void note_end(const struct worker_peer *peer) {
    ice_worker_push(peer->worker->ice, peer->worker->index);
}

static bool tell_ours(const struct worker_peer *peer, struct worker_agent *agent) {
    struct ice_note *note = note_begin(peer, agent->opened ? ICE_NOTE_RESTART : ICE_NOTE_OPEN);
    if (!note)
        return false;
    note->ours.credentials = agent->ours;
    note->ours.controlling = peer->agent_controls;
    note_end(peer);
    agent->opened = agent->ours_told = true;
    return true;
}

static bool tell_remote(const struct worker_peer *peer, struct worker_agent *agent) {
    struct ice_note *note = note_begin(peer, ICE_NOTE_REMOTE);
    if (!note)
        return false;
    note->remote = agent->remote;
    note_end(peer);
    agent->remote_told = true;
    return true;
}

static bool tell_candidate(const struct worker_peer *peer, struct worker_agent *agent) {
    struct ice_note *note = note_begin(peer, ICE_NOTE_CANDIDATE);
    if (!note)
        return false;
    note->candidate = agent->candidates[agent->candidates_told];
    note_end(peer);
    agent->candidates_told++;
    return true;
}

// In this order. False: there is no room for more.
static bool agent_tell(const struct worker_peer *peer) {
    struct worker_agent *agent = peer->agent;
    if (!agent->ours_told && !tell_ours(peer, agent))
        return false;
    if (!agent->remote_told && !tell_remote(peer, agent))
        return false;
    while (agent->candidates_told < agent->candidate_count)
        if (!tell_candidate(peer, agent))
            return false;
    return true;
}

static bool say_closed(struct worker *w, struct transport_id id) {
    struct ice_note *note = ice_worker_reserve(w->ice, w->index);
    if (!note)
        return false;
    note->type = ICE_NOTE_CLOSE;
    note->transport = id;
    ice_worker_push(w->ice, w->index);
    return true;
}

// Ends come first, so that there are never more of them than there were agents at one time.
static void tell_untold(struct worker *w) {
    for (const struct transport_id *id; (id = ring_peek(w->ice_closed)) && say_closed(w, *id);)
        ring_pop(w->ice_closed);
    while (!ring_peek(w->ice_closed) && !list_empty(&w->agents_untold)) {
        struct worker_agent *agent = LIST_ENTRY(w->agents_untold.next, struct worker_agent, untold_link);
        if (!agent_tell(agent->peer))
            break;
        list_remove(&agent->untold_link);
    }
    bool all = !ring_peek(w->ice_closed) && list_empty(&w->agents_untold);
    wheel_arm(&w->wheel, &w->ice_retry, all ? TIME_NEVER : w->now_us + UNTOLD_RETRY_US);
}

void worker_ice_retry(struct wheel_node *node, uint64_t now_us) {
    struct worker *w = LIST_ENTRY(node, struct worker, ice_retry);
    (void)now_us;
    tell_untold(w);
}

// Behind those that wait.
static void agent_changed(struct worker_peer *peer) {
    if (!list_linked(&peer->agent->untold_link))
        list_push_back(&peer->worker->agents_untold, &peer->agent->untold_link);
    tell_untold(peer->worker);
}

// ---- commands

bool worker_ice_open(struct worker_peer *peer, const struct media_cmd *cmd) {
    struct worker_agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        return false;
    agent->peer = peer;
    agent->ours = cmd->ice;
    agent->remote_told = true; // there is nothing to tell
    list_init(&agent->untold_link);
    peer->agent = agent;
    peer->agent_controls = cmd->controlling;
    return true;
}

void worker_ice_begin(struct worker_peer *peer) {
    agent_changed(peer);
}

void worker_ice_restart(struct worker_peer *peer, const struct media_cmd *cmd) {
    struct worker_agent *agent = peer->agent;
    agent->ours = cmd->ice;
    agent->ours_told = false;
    agent->remote_told = true; // what was told of the peer until now is over
    agent->candidate_count = agent->candidates_told = 0;
    agent_changed(peer);
}

// Beyond what the agent takes: it is refused there, and counted, if there is room for it.
static void say_over(const struct worker_peer *peer, const struct ice_candidate *candidate) {
    struct ice_note *note =
        list_linked(&peer->agent->untold_link) ? NULL : note_begin(peer, ICE_NOTE_CANDIDATE);
    if (!note)
        return;
    note->candidate = *candidate;
    note_end(peer);
}

void worker_ice_remote(struct worker_peer *peer, const struct media_cmd *cmd) {
    struct worker_agent *agent = peer->agent;
    if (!agent)
        return;
    if (cmd->type == MEDIA_ICE_REMOTE) {
        agent->remote = cmd->ice_remote;
        agent->remote_told = false;
    } else if (agent->candidate_count < ICE_AGENT_REMOTES_MAX) {
        agent->candidates[agent->candidate_count++] = cmd->ice_candidate;
    } else {
        say_over(peer, &cmd->ice_candidate);
        return;
    }
    agent_changed(peer);
}

// There is room for its end, which must be told: one that nobody closes would stay for ever. ice_closed holds
// as many as there may be agents, and while it holds one, no other agent is opened.
void worker_ice_close(struct worker_peer *peer) {
    struct worker *w = peer->worker;
    struct worker_agent *agent = peer->agent;
    list_remove(&agent->untold_link);
    if (agent->opened) {
        struct transport_id *slot = ring_reserve(w->ice_closed);
        assert(slot);
        *slot = peer->id;
        ring_push(w->ice_closed);
        tell_untold(w);
    }
    peer->agent = NULL;
    explicit_bzero(agent, sizeof *agent);
    free(agent);
}

// ---- packets

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
    if (ring_peek(w->ice_closed) || !list_empty(&w->agents_untold))
        tell_untold(w);
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
