// The way of a datagram to the peer that it belongs to. The kernel spreads datagrams over the workers by
// address, so one may come in at a worker that does not own its peer: it then crosses to the owner once, and
// only once.
#include "server/media/worker_internal.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "transport/dtls_record.h"

#include <assert.h>
#include <string.h>

#define RECEIVE_BATCHES 4     // a turn; then timers and commands have theirs
#define RECEIVE_TURN_US 5000  // or earlier, when each datagram goes to hundreds
#define SKIM_BATCHES 64       // looked through for what is no media, when even sound is left out
#define MESH_MESSAGES_MAX 512 // of one other worker, a turn

// A datagram and its way to us. The worker that the kernel gave it to may hand it over; to whom it crossed
// keeps it, but for a claim, which crosses once more.
struct arrival {
    const struct tuple *from;
    unsigned origin; // whom the kernel gave it to
    enum { FROM_KERNEL, CROSSED, CLAIM } way;
};

// `proven`: some peer has validated the tuple.
static void worker_hand_over(struct worker *w, unsigned to, enum mesh_type type, const struct arrival *at,
                             bool proven, const struct block *b) {
    struct mesh_message *m =
        proven ? mesh_reserve(w->mesh, w->index, to) : mesh_reserve_unproven(w->mesh, w->index, to);
    if (!m) {
        worker_drop(w, MEDIA_DROP_HANDOVER_FULL);
        return;
    }
    m->type = type;
    m->tuple = *at->from;
    m->origin = (uint8_t)at->origin;
    m->len = b->len;
    memcpy(m->bytes, b->bytes + b->start, b->len);
    mesh_push(w->mesh, w->index, to);
    w->counters.handed_over++;
}

// ---- hints

static struct route_hint *worker_hint(struct worker *w, const struct tuple *tuple) {
    const uint8_t *p = tuple->remote.ip;
    uint32_t h = tuple->remote.port * UINT32_C(2654435761);
    for (size_t i = 0; i < sizeof tuple->remote.ip; i++)
        h = (h ^ p[i]) * UINT32_C(16777619);
    return &w->hints[(h >> 16) & (WORKER_HINTS - 1)];
}

static void worker_set_hint(struct worker *w, const struct tuple *tuple, unsigned owner) {
    *worker_hint(w, tuple) = (struct route_hint){.tuple = *tuple, .worker = (uint8_t)owner};
}

// The worker that a tuple's STUN was handed to, or our own number when there is no such thing.
static unsigned worker_get_hint(struct worker *w, const struct tuple *tuple) {
    const struct route_hint *hint = worker_hint(w, tuple);
    bool known = hint->tuple.remote.family != 0 && tuple_equal(&hint->tuple, tuple);
    return known ? hint->worker : w->index;
}

// ---- to the owner, or to the peer

// The peer of anything that names none, by the tuple that ICE has validated. NULL: handed over, or `*lost`.
static struct worker_peer *worker_tuple_peer(struct worker *w, const struct arrival *at,
                                             const struct block *b, bool *lost) {
    uint32_t route = route_get_tuple(w->routes, at->from);
    unsigned owner = route == ROUTE_NONE ? worker_get_hint(w, at->from) : route_worker(route);
    *lost = false;
    if (owner != w->index && at->way == FROM_KERNEL) {
        worker_hand_over(w, owner, MESH_DATAGRAM, at, route != ROUTE_NONE, b);
        return NULL;
    }
    struct worker_peer *peer =
        route == ROUTE_NONE || owner != w->index ? NULL : slots_at(w->peers, route_handle(route));
    *lost = peer == NULL;
    return peer;
}

// A STUN message from which no ufrag can be read. Indications are the peers' keepalives (RFC 8445, section
// 11) and say nothing without one; responses may answer a question of ours, and else answer nothing: neither
// is an attack.
static struct worker_peer *worker_stun_unnamed(struct worker *w, enum err err, const struct arrival *at,
                                               const struct block *b) {
    unsigned class = load_be16(b->bytes + b->start) & 0x0110; // RFC 8489, section 5
    bool ignored;
    if (err != ERR_NOT_FOUND)
        worker_drop(w, MEDIA_DROP_STUN_MALFORMED);
    else if (class == 0) // a request that names nobody
        worker_drop(w, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    else
        return worker_tuple_peer(w, at, b, &ignored);
    return NULL;
}

// Whether a check of `claimant` (NULL: of some other worker's peer) comes from a tuple where a peer of ours
// is.
static bool worker_holds(struct worker *w, const struct tuple *from, const struct worker_peer *claimant,
                         uint64_t now_us) {
    uint32_t route = route_get_tuple(w->routes, from);
    if (route == ROUTE_NONE || route_worker(route) != w->index)
        return false;
    const struct worker_peer *holder = slots_at(w->peers, route_handle(route));
    if (!holder || holder == claimant || !holder->peer->functions->holds(holder->peer, from, now_us))
        return false;
    worker_drop(w, MEDIA_DROP_TUPLE_HELD);
    return true;
}

// A check for a peer of `owner`, another worker. Where the tuple leads to a third one, or to us, that one is
// asked first: it knows whether its peer is there.
static void worker_stun_to(struct worker *w, unsigned owner, const struct arrival *at, const struct block *b,
                           uint64_t now_us) {
    uint32_t route = route_get_tuple(w->routes, at->from);
    bool proven = route != ROUTE_NONE;
    unsigned holder = proven ? route_worker(route) : owner;
    if (worker_holds(w, at->from, NULL, now_us))
        return;
    if (at->way == CLAIM || holder == owner || holder == w->index) {
        if (!proven)
            worker_set_hint(w, at->from, owner);
        worker_hand_over(w, owner, MESH_DATAGRAM, at, proven, b);
    } else {
        worker_hand_over(w, holder, MESH_CLAIM, at, proven, b);
    }
}

// A check for a peer of ours that has not been to the worker to which its tuple leads.
static bool worker_asks_holder(struct worker *w, const struct arrival *at, const struct block *b) {
    uint32_t route = route_get_tuple(w->routes, at->from);
    if (at->way != FROM_KERNEL || route == ROUTE_NONE || route_worker(route) == w->index)
        return false;
    worker_hand_over(w, route_worker(route), MESH_CLAIM, at, true, b);
    return true;
}

// The peer of a check, by the ufrag that it names. NULL: dropped or handed over.
static struct worker_peer *worker_stun_peer(struct worker *w, const struct arrival *at, const struct block *b,
                                            uint64_t now_us) {
    struct span ufrag;
    enum err err = ice_peek_ufrag(span_of(b->bytes + b->start, b->len), &ufrag);
    if (err != ERR_OK)
        return worker_stun_unnamed(w, err, at, b);
    int owner = ice_ufrag_worker(ufrag);
    bool others = owner >= 0 && (unsigned)owner < w->workers && (unsigned)owner != w->index;
    if (others && at->way != CROSSED) {
        worker_stun_to(w, (unsigned)owner, at, b, now_us);
        return NULL;
    }
    uint32_t handle = route_get_ufrag(w->routes, ufrag);
    struct worker_peer *peer = handle == ROUTE_NONE ? NULL : slots_get(w->peers, handle);
    if (!peer)
        worker_drop(w, MEDIA_DROP_STUN_UNKNOWN_UFRAG);
    if (!peer || worker_holds(w, at->from, peer, now_us) || worker_asks_holder(w, at, b))
        return NULL;
    return peer;
}

static const enum media_drop drop_of_peer[] = {
    [PEER_DROP_UNKNOWN_KIND] = MEDIA_DROP_UNKNOWN_KIND,
    [PEER_DROP_STUN_MALFORMED] = MEDIA_DROP_STUN_MALFORMED,
    [PEER_DROP_STUN_AUTH] = MEDIA_DROP_STUN_AUTH,
    [PEER_DROP_STUN_RATE] = MEDIA_DROP_STUN_RATE,
    [PEER_DROP_STUN_COPIED] = MEDIA_DROP_STUN_COPIED,
    [PEER_DROP_UNVALIDATED] = MEDIA_DROP_UNVALIDATED_TUPLE,
    [PEER_DROP_DTLS_INVALID] = MEDIA_DROP_DTLS_INVALID,
    [PEER_DROP_NO_KEYS] = MEDIA_DROP_NO_KEYS,
    [PEER_DROP_SRTP_AUTH] = MEDIA_DROP_SRTP_AUTH,
    [PEER_DROP_SRTP_REPLAY] = MEDIA_DROP_SRTP_REPLAY,
    [PEER_DROP_SRTP_MALFORMED] = MEDIA_DROP_RTP_MALFORMED,
    [PEER_DROP_STRANGER] = MEDIA_DROP_PLAIN_STRANGER,
};

static const enum media_drop drop_of_forwarder[] = {
    [FORWARD_DROP_MALFORMED] = MEDIA_DROP_RTP_MALFORMED,
    [FORWARD_DROP_UNKNOWN_SSRC] = MEDIA_DROP_RTP_UNKNOWN_SSRC,
    [FORWARD_DROP_PAUSED] = MEDIA_DROP_PAUSED,
    [FORWARD_DROP_DUPLICATE] = MEDIA_DROP_RTP_DUPLICATE,
    [FORWARD_DROP_OVER_BUDGET] = MEDIA_DROP_OVER_BUDGET,
};

void worker_peer_datagram(struct worker_peer *peer, const struct tuple *from, unsigned origin,
                          struct block *b, uint64_t now_us) {
    struct worker *w = peer->worker;
    struct peer_input input;
    peer->peer->functions->input(peer->peer, from, b, now_us, &input);
    worker_peer_settle(peer, &input, from, origin, now_us);
    b->len = (uint16_t)input.len;
    switch (input.kind) {
    case PEER_RTP: {
        enum forward_drop drop = forwarder_rtp(w->fw, peer->endpoint, b, now_us);
        if (drop != FORWARD_DROP_NONE)
            worker_drop(w, drop_of_forwarder[drop]);
        return; // the forwarder has the block
    }
    case PEER_RTCP:
        if (!forwarder_rtcp(w->fw, peer->endpoint, span_of(block_data(b), b->len), now_us))
            worker_drop(w, MEDIA_DROP_RTCP_MALFORMED);
        break;
    case PEER_DROPPED:
        assert(input.drop != PEER_DROP_NONE);
        worker_drop(w, drop_of_peer[input.drop]);
        break;
    case PEER_CONSUMED:
        break;
    }
    block_release(b);
}

static struct worker_peer *worker_tuple_peer_or_drop(struct worker *w, const struct arrival *at,
                                                     const struct block *b) {
    bool lost;
    struct worker_peer *peer = worker_tuple_peer(w, at, b, &lost);
    if (lost)
        worker_drop(w, MEDIA_DROP_UNVALIDATED_TUPLE);
    return peer;
}

// Application data is no part of a handshake: it costs what a packet of media costs. Before the handshake is
// over it may be a disguise: other records may be behind it.
static bool datagram_is_data(const struct block *b) {
    return b->len > 0 && b->bytes[b->start] == DTLS_CONTENT_APPLICATION;
}

// One datagram, from the socket or handed over by another worker. Takes the block over.
static void worker_datagram(struct worker *w, const struct arrival *at, struct block *b, uint64_t now_us) {
    struct worker_peer *peer = NULL;
    bool here = at->way == FROM_KERNEL; // counted once, where it came in
    switch (datagram_kind(span_of(block_data(b), b->len))) {
    case DATAGRAM_STUN:
        w->counters.stun_in += here;
        peer = worker_stun_peer(w, at, b, now_us);
        break;
    case DATAGRAM_DTLS:
        w->counters.dtls_in += here;
        peer = worker_tuple_peer_or_drop(w, at, b);
        if (peer && !(peer->data_announced && datagram_is_data(b))) {
            worker_handshake(peer, at->from, at->origin, b, now_us);
            return;
        }
        break;
    case DATAGRAM_RTP:
    case DATAGRAM_RTCP:
        peer = worker_tuple_peer_or_drop(w, at, b);
        break;
    case DATAGRAM_UNKNOWN:
        worker_drop(w, MEDIA_DROP_UNKNOWN_KIND);
        break;
    }
    if (peer)
        worker_peer_datagram(peer, at->from, at->origin, b, now_us);
    else
        block_release(b);
}

static bool datagram_is_media(struct block *b) {
    return datagram_kind(span_of(block_data(b), b->len)) == DATAGRAM_RTP;
}

// One batch of a socket. Returns how many there were.
static unsigned worker_receive_batch(struct worker *w, int family, bool media, uint64_t now_us) {
    struct udp_datagram batch[UDP_PORT_BATCH];
    unsigned n = udp_port_receive(w->port, family, batch);
    for (unsigned k = 0; k < n; k++) {
        const struct arrival at = {.from = &batch[k].from, .origin = w->index, .way = FROM_KERNEL};
        bool skip = !media && !batch[k].truncated && datagram_is_media(batch[k].block);
        if (!skip && !batch[k].truncated) {
            worker_datagram(w, &at, batch[k].block, now_us);
            continue;
        }
        worker_drop(w, skip ? MEDIA_DROP_OVERLOAD : MEDIA_DROP_TOO_LONG);
        block_release(batch[k].block);
    }
    return n;
}

// What is left of the socket when a worker can do no more, though it has left out all that may be: what would
// be lost anyway is media, and not the checks and handshakes behind it, on which people wait who come or
// whose consent runs out.
static void worker_receive_checks(struct worker *w, int family, uint64_t now_us) {
    for (int i = 0; i < SKIM_BATCHES; i++)
        if (worker_receive_batch(w, family, false, now_us) < UDP_PORT_BATCH)
            return;
}

bool worker_receive(struct worker *w, int family, uint64_t now_us) {
    bool some = false;
    for (int i = 0; i < RECEIVE_BATCHES; i++) {
        unsigned n = worker_receive_batch(w, family, true, now_us);
        some |= n > 0;
        if (n < UDP_PORT_BATCH)
            return some;
        if (clock_now_us() - now_us > RECEIVE_TURN_US)
            break;
    }
    if (w->overload.level == OVERLOAD_LEVEL_MAX && !w->no_shedding)
        worker_receive_checks(w, family, now_us);
    return some;
}

// ---- from other workers

static struct block *worker_take_block(struct worker *w) {
    struct block *b = pool_take(w->pool);
    if (!b)
        worker_drop(w, MEDIA_DROP_POOL_EMPTY);
    return b;
}

static void worker_handed_datagram(struct worker *w, const struct mesh_message *m, uint64_t now_us) {
    struct block *b = worker_take_block(w);
    if (!b)
        return;
    const struct arrival at = {
        .from = &m->tuple, .origin = m->origin, .way = m->type == MESH_CLAIM ? CLAIM : CROSSED};
    assert(m->len <= BLOCK_DATAGRAM_MAX);
    b->len = m->len;
    memcpy(block_data(b), m->bytes, m->len);
    worker_datagram(w, &at, b, now_us);
}

static void worker_relayed_packet(struct worker *w, unsigned from, const struct mesh_message *m,
                                  uint64_t now_us) {
    struct block *b = worker_take_block(w);
    struct relay_address address;
    if (!b)
        return;
    if (relay_wire_read(span_of(m->bytes, m->len), now_us, &address, b) != ERR_OK) {
        debug_assert(false); // a worker of this process wrote it
        worker_drop(w, MEDIA_DROP_RTP_MALFORMED);
        block_release(b);
        return;
    }
    forwarder_relayed_rtp(w->fw, link_of_worker(from), address.producer, address.stream, b, now_us);
}

static void worker_mesh_message(struct worker *w, unsigned from, const struct mesh_message *m,
                                uint64_t now_us) {
    switch (m->type) {
    case MESH_DATAGRAM:
    case MESH_CLAIM:
        worker_handed_datagram(w, m, now_us);
        break;
    case MESH_ROUTE_ADD:
        // A full table loses the short cut of this tuple, no more: its STUN still finds its way.
        if (route_put_tuple(w->routes, &m->tuple, route_make(from, 0)) != ERR_OK)
            worker_drop(w, MEDIA_DROP_HANDOVER_FULL);
        break;
    case MESH_ROUTE_REMOVE:
        route_remove_tuple(w->routes, &m->tuple, route_make(from, 0));
        break;
    case MESH_RELAY_RTP:
        worker_relayed_packet(w, from, m, now_us);
        break;
    case MESH_RELAY_NOTE:
        forwarder_relay_note(w->fw, link_of_worker(from), &m->note, now_us);
        break;
    }
}

void worker_drain_mesh(struct worker *w, uint64_t now_us) {
    for (unsigned from = 0; from < w->workers; from++) {
        if (from == w->index)
            continue;
        unsigned done = 0;
        for (const struct mesh_message *m;
             done < MESH_MESSAGES_MAX && (m = mesh_peek(w->mesh, w->index, from)); done++) {
            worker_mesh_message(w, from, m, now_us);
            mesh_pop(w->mesh, w->index, from);
        }
    }
}
