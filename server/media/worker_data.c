// SCTP packets: those that come over a peer's DTLS go to the data worker, what that answers goes back.
#include "server/media/worker_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <string.h>

// What one peer may hand over, a second of it at once: a flood is stopped before it takes the room of others
// in the queue. A browser on a fast link sends a tenth.
#define DATA_PACKETS_PER_SECOND 10000
#define DATA_BYTES_PER_SECOND (16 * 1024 * 1024)
#define PACKETS_OUT_PER_TURN 1024

static bool data_affordable(struct worker_peer *peer, size_t len, uint64_t now_us) {
    uint64_t by_packets_us = US_PER_SECOND / DATA_PACKETS_PER_SECOND;
    uint64_t by_bytes_us = len * US_PER_SECOND / DATA_BYTES_PER_SECOND;
    if (peer->data_due_us < now_us)
        peer->data_due_us = now_us;
    if (peer->data_due_us > now_us + US_PER_SECOND)
        return false;
    peer->data_due_us += by_packets_us > by_bytes_us ? by_packets_us : by_bytes_us;
    return true;
}

void worker_data_in(void *owner, struct span packet) {
    struct worker_peer *peer = owner;
    struct worker *w = peer->worker;
    if (!peer->carries_data || packet.len > DTLS_DATA_MAX)
        return;
    if (!data_affordable(peer, packet.len, w->now_us)) {
        worker_drop(w, MEDIA_DROP_DATA_OVER_BUDGET);
        return;
    }
    struct data_packet *slot = data_worker_reserve(w->data, w->index);
    if (!slot) {
        worker_drop(w, MEDIA_DROP_DATA_FULL);
        return;
    }
    slot->transport = peer->id;
    slot->connected = false;
    slot->len = (uint16_t)packet.len;
    memcpy(slot->bytes, packet.ptr, packet.len);
    data_worker_push(w->data, w->index);
}

// Without room for it now the next check says it, or the peer's own first packet.
void worker_data_connected(struct worker_peer *peer) {
    struct worker *w = peer->worker;
    if (!peer->carries_data || peer->data_announced ||
        peer->peer->functions->state(peer->peer).dtls != DTLS_CONNECTED)
        return;
    struct data_packet *slot = data_worker_reserve(w->data, w->index);
    if (!slot)
        return;
    slot->transport = peer->id;
    slot->connected = true;
    slot->len = 0;
    data_worker_push(w->data, w->index);
    peer->data_announced = true;
}

void worker_data_out(struct worker *w) {
    if (!w->data)
        return;
    const struct data_packet *packet;
    for (unsigned done = 0; done < PACKETS_OUT_PER_TURN && (packet = data_worker_peek(w->data, w->index));
         done++) {
        const struct worker_peer *peer = worker_peer_get(w, packet->transport);
        if (peer && peer->carries_data)
            peer->peer->functions->send_data(peer->peer, span_of(packet->bytes, packet->len));
        data_worker_pop(w->data, w->index);
    }
}
