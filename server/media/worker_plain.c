// The sockets of plain RTP: each transport has its own, which the loop watches beside the worker's two.
#include "server/media/worker_internal.h"

#include "base/bytes.h"
#include "server/media/peer_plain.h"
#include "transport/demux.h"

#include <stdlib.h>

#define DATAGRAMS_A_TURN 256 // of one socket; what is left brings about the next turn

struct plain_sockets {
    struct list link; // in worker.plains
    struct worker_peer *peer;
    struct plain_port *port;
    uv_poll_t polls[2]; // by enum plain_way
    unsigned open;      // polls that libuv still knows
    unsigned readable;  // bits by enum plain_way
};

static void plain_on_readable(uv_poll_t *poll, int status, int events) {
    struct plain_sockets *s = poll->data;
    (void)status, (void)events; // receiving takes an error off the socket
    s->readable |= poll == &s->polls[PLAIN_RTP] ? 1u << PLAIN_RTP : 1u << PLAIN_RTCP;
    s->peer->worker->plains_readable = true;
    s->peer->worker->turn_due = true;
}

static void plain_on_closed(uv_handle_t *handle) {
    struct plain_sockets *s = handle->data;
    if (--s->open == 0)
        free(s);
}

static bool plain_watch_one(struct plain_sockets *s, enum plain_way way) {
    int fd = plain_port_fd(s->port, way);
    if (fd < 0)
        return true;
    if (uv_poll_init(&s->peer->worker->loop, &s->polls[way], fd) != 0)
        return false;
    s->open++;
    s->polls[way].data = s;
    return uv_poll_start(&s->polls[way], UV_READABLE, plain_on_readable) == 0;
}

static void plain_count(struct worker *w, struct plain_port *port) {
    struct plain_port_counters counters;
    plain_port_take_counters(port, &counters);
    w->counters.plain_packets_in += counters.datagrams_in;
    w->counters.plain_bytes_in += counters.bytes_in;
    w->counters.plain_packets_out += counters.datagrams_out;
    w->counters.plain_bytes_out += counters.bytes_out;
    w->plain_send_failed += counters.send_failed;
}

struct plain_sockets *worker_plain_watch(struct worker_peer *peer, struct plain_port *port) {
    struct plain_sockets *s = calloc(1, sizeof *s);
    if (!s) {
        plain_port_destroy(port);
        return NULL;
    }
    s->peer = peer;
    s->port = port;
    list_push_back(&peer->worker->plains, &s->link);
    peer->worker->counters.plain_transports++;
    if (plain_watch_one(s, PLAIN_RTP) && plain_watch_one(s, PLAIN_RTCP))
        return s;
    worker_plain_unwatch(s);
    return NULL;
}

void worker_plain_unwatch(struct plain_sockets *s) {
    struct worker *w = s->peer->worker;
    unsigned open = s->open;
    plain_port_flush(s->port); // what is left: RTCP that says goodbye
    plain_count(w, s->port);
    list_remove(&s->link);
    w->counters.plain_transports--;
    for (int way = 0; way < 2; way++)
        if (s->polls[way].data)
            uv_close((uv_handle_t *)&s->polls[way], plain_on_closed);
    plain_port_destroy(s->port); // libuv has forgotten the sockets by now
    if (open == 0)
        free(s);
}

// Whether a datagram may come to the peer: while that learns its other side by what comes, strangers that do
// not know an SSRC of it are not even looked at.
static bool plain_is_welcome(struct worker_peer *peer, struct block *b) {
    const uint8_t *bytes = block_data(b);
    if (!peer_plain_wants_ssrc(peer->peer))
        return true;
    return datagram_kind(span_of(bytes, b->len)) == DATAGRAM_RTP &&
           forwarder_endpoint_knows(peer->endpoint, load_be32(bytes + 8));
}

static void plain_receive(struct plain_sockets *s, enum plain_way way, uint64_t now_us) {
    struct worker *w = s->peer->worker;
    for (unsigned n = 0; n < DATAGRAMS_A_TURN; n++) {
        struct tuple from;
        bool truncated;
        struct block *b = pool_take(w->pool);
        if (!b) {
            worker_drop(w, MEDIA_DROP_POOL_EMPTY);
            return;
        }
        if (!plain_port_receive(s->port, way, b, &from, &truncated)) {
            block_release(b);
            return;
        }
        if (!truncated && plain_is_welcome(s->peer, b)) {
            worker_peer_datagram(s->peer, &from, w->index, b, now_us);
            continue;
        }
        worker_drop(w, truncated ? MEDIA_DROP_TOO_LONG : MEDIA_DROP_PLAIN_STRANGER);
        block_release(b);
    }
}

void worker_plain_receive(struct worker *w, uint64_t now_us) {
    if (!w->plains_readable)
        return;
    w->plains_readable = false;
    LIST_EACH(node, &w->plains) {
        struct plain_sockets *s = LIST_ENTRY(node, struct plain_sockets, link);
        unsigned readable = s->readable;
        s->readable = 0;
        for (unsigned way = 0; way < 2; way++)
            if (readable & 1u << way)
                plain_receive(s, (enum plain_way)way, now_us);
        if (readable)
            plain_count(w, s->port);
    }
}

void worker_plain_flush(struct worker *w) {
    while (!list_empty(&w->plains_queued)) {
        struct plain_port *port = plain_port_of_waiting(w->plains_queued.next);
        plain_port_flush(port);
        plain_count(w, port);
    }
}
