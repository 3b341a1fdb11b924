// Media over TCP: connections that were let in (server/tcp_door.h) come to the worker that their first packet
// names, and from then on are tuples like others. What comes over one is of the peer that it was proven for,
// and of nobody else.
#include "server/media/worker_internal.h"

#include <assert.h>
#include <unistd.h>

#define OFFERS_A_TURN 64

struct tcp_offer {
    int fd;
    struct tcp_ticket *ticket;
};

struct ring *worker_tcp_offers_create(void) {
    return ring_create(sizeof(struct tcp_offer), WORKER_TCP_OFFERS);
}

void worker_tcp_offers_close(struct worker *w) {
    for (const struct tcp_offer *offer; w->tcp_offers && (offer = ring_peek(w->tcp_offers));
         ring_pop(w->tcp_offers))
        close(offer->fd); // nobody asks for its ticket any more
    ring_destroy(w->tcp_offers);
}

bool worker_offer_tcp(struct worker *w, int fd, struct tcp_ticket *ticket) {
    struct tcp_offer *offer = w->tcp ? ring_reserve(w->tcp_offers) : NULL;
    if (!offer)
        return false;
    *offer = (struct tcp_offer){.fd = fd, .ticket = ticket};
    ring_push(w->tcp_offers);
    worker_wake(w);
    return true;
}

void worker_tcp_offers(struct worker *w, uint64_t now_us) {
    const struct tcp_offer *offer;
    for (unsigned n = 0; n < OFFERS_A_TURN && (offer = ring_peek(w->tcp_offers)); n++) {
        tcp_port_adopt(w->tcp, offer->fd, offer->ticket, now_us);
        ring_pop(w->tcp_offers);
    }
}

// The peer that a connection without an owner asks for. NULL: it is told to nobody.
static struct worker_peer *tcp_claimed_peer(struct worker *w, const struct block *b) {
    struct span ufrag;
    if (ice_peek_ufrag(span_of(b->bytes + b->start, b->len), &ufrag) != ERR_OK)
        return NULL;
    uint32_t handle = route_get_ufrag(w->routes, ufrag);
    return handle == ROUTE_NONE ? NULL : slots_get(w->peers, handle);
}

// Whether a STUN message says that it is for somebody else than the connection's peer.
static bool tcp_names_another(struct worker *w, const struct worker_peer *peer, const struct block *b) {
    struct span ufrag;
    return ice_peek_ufrag(span_of(b->bytes + b->start, b->len), &ufrag) == ERR_OK &&
           route_get_ufrag(w->routes, ufrag) != peer->handle;
}

// NULL: dropped, and counted.
static struct worker_peer *tcp_peer(struct worker *w, uint32_t owner, const struct block *b, bool stun) {
    struct worker_peer *peer = owner ? slots_get(w->peers, owner) : stun ? tcp_claimed_peer(w, b) : NULL;
    if (peer && (!stun || !tcp_names_another(w, peer, b)))
        return peer;
    worker_drop(w, stun ? MEDIA_DROP_STUN_UNKNOWN_UFRAG : MEDIA_DROP_UNVALIDATED_TUPLE);
    return NULL;
}

void worker_tcp_packet(void *ctx, const struct tuple *from, uint32_t owner, struct block *b) {
    struct worker *w = ctx;
    struct worker_peer *peer = NULL;
    enum datagram_kind kind = datagram_kind(span_of(block_data(b), b->len));
    w->counters.stun_in += kind == DATAGRAM_STUN;
    w->counters.dtls_in += kind == DATAGRAM_DTLS;
    if (kind == DATAGRAM_UNKNOWN)
        worker_drop(w, MEDIA_DROP_UNKNOWN_KIND);
    else
        peer = tcp_peer(w, owner, b, kind == DATAGRAM_STUN);
    if (!peer && !owner) // who asks for nobody has no business here
        tcp_port_close(w->tcp, from);
    if (!peer)
        block_release(b);
    else if (kind == DATAGRAM_DTLS)
        worker_handshake(peer, from, w->index, b, w->now_us);
    else
        worker_peer_datagram(peer, from, w->index, b, w->now_us);
}

void worker_tcp_lost(void *ctx, const struct tuple *tuple, uint32_t owner) {
    struct worker *w = ctx;
    struct worker_peer *peer = slots_get(w->peers, owner);
    if (!peer)
        return;
    struct peer_input input;
    peer->peer->functions->lose(peer->peer, tuple, w->now_us, &input);
    worker_peer_settle(peer, &input, NULL, w->index, w->now_us);
}
