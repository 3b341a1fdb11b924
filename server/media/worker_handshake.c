// DTLS datagrams, whose public-key cryptography takes up to a millisecond each. When a hundred people come at
// once, hundreds of them arrive together: a turn spends so much time on them, the rest waits for the next
// turns, and media goes on in between.
#include "server/media/worker_internal.h"

#include "base/clock.h"

#include <assert.h>

#define HANDSHAKES_TURN_US 2000 // then media has its turn
#define HANDSHAKES_OF_PEER 16   // that wait: some flights; who sends more sends it again, or is no client

struct handshake {
    struct tuple from;
    struct block *block;
    uint32_t peer; // handle
    uint8_t origin;
};

struct ring *worker_handshakes_create(void) {
    return ring_create(sizeof(struct handshake), WORKER_HANDSHAKES);
}

static void handshake_do(struct worker_peer *peer, const struct tuple *from, unsigned origin, struct block *b,
                         uint64_t now_us) {
    struct worker *w = peer->worker;
    uint64_t began_us = clock_now_us();
    worker_peer_datagram(peer, from, origin, b, now_us);
    w->handshakes_us += clock_now_us() - began_us;
}

void worker_handshake(struct worker_peer *peer, const struct tuple *from, unsigned origin, struct block *b,
                      uint64_t now_us) {
    struct worker *w = peer->worker;
    if (w->handshakes_us < HANDSHAKES_TURN_US && !ring_peek(w->handshakes)) {
        handshake_do(peer, from, origin, b, now_us);
        return;
    }
    struct handshake *h = peer->handshakes_waiting < HANDSHAKES_OF_PEER ? ring_reserve(w->handshakes) : NULL;
    if (!h) {
        worker_drop(w, MEDIA_DROP_HANDSHAKES_FULL);
        block_release(b);
        return;
    }
    *h = (struct handshake){.from = *from, .block = b, .peer = peer->handle, .origin = (uint8_t)origin};
    ring_push(w->handshakes);
    peer->handshakes_waiting++;
}

void worker_handshakes(struct worker *w, uint64_t now_us) {
    w->handshakes_us = 0;
    for (const struct handshake *h; (h = ring_peek(w->handshakes)) && w->handshakes_us < HANDSHAKES_TURN_US;
         ring_pop(w->handshakes)) {
        struct worker_peer *peer = slots_get(w->peers, h->peer);
        if (!peer) { // closed meanwhile
            block_release(h->block);
            continue;
        }
        assert(peer->handshakes_waiting > 0);
        peer->handshakes_waiting--;
        handshake_do(peer, &h->from, h->origin, h->block, now_us);
    }
}

void worker_handshakes_close(struct worker *w) {
    for (const struct handshake *h; w->handshakes && (h = ring_peek(w->handshakes)); ring_pop(w->handshakes))
        block_release(h->block);
    ring_destroy(w->handshakes);
}
