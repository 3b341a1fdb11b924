#include "load/wire.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "load/ice_checks.h"
#include "load/ice_full.h"
#include "load/impair_queue.h"
#include "load/net.h"
#include "transport/demux.h"
#include "transport/dtls.h"
#include "transport/srtp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define OUR_UFRAG_BYTES 8
#define PATH_NEXT_US 250000 // to the next address of the server, while none has answered

// A way to one of the server's addresses, with its bad network.
struct wire_path {
    struct wire *wire;
    struct net_path *net; // NULL: not open
    struct ice_check check;
    struct impair_queue in, out;
};

struct wire {
    struct load *load;
    struct wire_handlers handlers;
    struct remote_transport remote;
    struct ice_full *full;    // or:
    struct wire_path *paths;  // one for each of the server's addresses
    unsigned path_count;      // that were tried
    struct wire_path *chosen; // the first that answered; NULL: none has
    uint64_t next_path_us;
    char username[SIGNAL_UFRAG_MAX + 1 + OUR_UFRAG_BYTES + 1], password[SIGNAL_UFRAG_MAX + 1];
    struct dtls *dtls;
    struct srtp_session *srtp;
    bool ice_ready, failed, released;
    bool impaired;               // the queues are used
    struct impair_queue in, out; // of the agent's path
    struct wheel_node timer;
};

static void wire_fail(struct wire *wire, const char *why, uint64_t now_us) {
    if (wire->failed)
        return;
    wire->failed = true;
    wire->handlers.event(wire->handlers.ctx, WIRE_FAILED, why, now_us);
}

// ---- out

static void wire_leave(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    (void)now_us;
    struct wire *wire = ctx;
    ice_full_send(wire->full, datagram, len);
}

static void path_leave(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    (void)now_us;
    struct wire_path *path = ctx;
    if (path->net)
        net_send(path->net, datagram, len);
}

static void path_output(struct wire_path *path, uint8_t *datagram, size_t len, uint64_t now_us) {
    if (path->wire->impaired)
        impair_queue_put(&path->out, datagram, len, now_us);
    else
        path_leave(path, datagram, len, now_us);
}

static void wire_output(struct wire *wire, uint8_t *datagram, size_t len, uint64_t now_us) {
    if (wire->chosen)
        path_output(wire->chosen, datagram, len, now_us);
    else if (wire->full && wire->impaired)
        impair_queue_put(&wire->out, datagram, len, now_us);
    else if (wire->full)
        wire_leave(wire, datagram, len, now_us);
}

static void wire_dtls_send(void *ctx, struct span datagram) {
    uint8_t copy[BLOCK_DATAGRAM_MAX];
    if (datagram.len > sizeof copy)
        return;
    memcpy(copy, datagram.ptr, datagram.len);
    wire_output(ctx, copy, datagram.len, clock_now_us());
}

void wire_send_rtp(struct wire *wire, uint8_t *packet, size_t len, uint64_t index, uint64_t now_us) {
    assert(wire->srtp && len <= WIRE_PACKET_MAX);
    if (srtp_session_protect_rtp(wire->srtp, packet, &len, index) == ERR_OK)
        wire_output(wire, packet, len, now_us);
}

void wire_send_rtcp(struct wire *wire, uint8_t *datagram, size_t len, uint64_t now_us) {
    assert(wire->srtp && len <= WIRE_PACKET_MAX);
    wire->load->tally.rtcp_out++;
    if (srtp_session_protect_rtcp(wire->srtp, datagram, &len) == ERR_OK)
        wire_output(wire, datagram, len, now_us);
}

// ---- the server's addresses

static void path_arrive(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us);
static void path_datagram(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us);

static bool path_open(struct wire *wire, const struct addr *to, uint64_t now_us) {
    struct wire_path *path = &wire->paths[wire->path_count++];
    struct load *load = wire->load;
    path->wire = wire;
    impair_queue_init(&path->in, load, path_arrive, path);
    impair_queue_init(&path->out, load, path_leave, path);
    ice_check_init(&path->check, load->checks, wire->username, wire->password, load_random(load), now_us);
    const struct load_options *o = load->options;
    path->net = o->ice == ICE_MODE_TCP
                    ? net_path_open_tcp(load->net, to, o->impair.bandwidth_bps, path_datagram, path)
                    : net_path_open(load->net, to, path_datagram, path);
    return path->net != NULL;
}

static void path_close(struct wire_path *path) {
    if (!path->wire)
        return;
    impair_queue_clear(&path->in);
    impair_queue_clear(&path->out);
    ice_check_forget(&path->check);
    net_path_close(path->net);
    path->net = NULL;
}

// Tries the next address that this machine has a way to. False: there is none.
static bool wire_open_next(struct wire *wire, uint64_t now_us) {
    while (wire->path_count < wire->remote.offered_count)
        if (path_open(wire, &wire->remote.offered[wire->path_count], now_us)) {
            bool more = wire->path_count < wire->remote.offered_count;
            wire->next_path_us = more ? now_us + PATH_NEXT_US : TIME_NEVER;
            return true;
        }
    wire->next_path_us = TIME_NEVER;
    return false;
}

static void path_check(struct wire_path *path, uint64_t now_us) {
    size_t len = ice_check_write(&path->check, now_us);
    uint8_t copy[ICE_CHECK_BYTES_MAX];
    memcpy(copy, path->check.bytes, len);
    if (len > 0)
        path_output(path, copy, len, now_us);
}

// Once one has answered the others are given up. False: nobody answers (any more).
static bool wire_check_paths(struct wire *wire, uint64_t now_us) {
    bool alive = false;
    if (!wire->chosen && now_us >= wire->next_path_us)
        (void)wire_open_next(wire, now_us);
    for (unsigned i = 0; i < wire->path_count; i++) {
        struct wire_path *path = &wire->paths[i];
        if (wire->chosen && path != wire->chosen)
            path_close(path);
        if (!path->net)
            continue;
        path_check(path, now_us);
        alive |= !ice_check_is_dead(&path->check, now_us);
    }
    return alive;
}

// ---- timers

static void wire_schedule(struct wire *wire) {
    uint64_t due_us = dtls_next_us(wire->dtls);
    for (unsigned i = 0; i < wire->path_count; i++)
        if (wire->paths[i].net && wire->paths[i].check.next_us < due_us)
            due_us = wire->paths[i].check.next_us;
    if (!wire->full && !wire->chosen && wire->next_path_us < due_us)
        due_us = wire->next_path_us;
    wheel_arm(&wire->load->wheel, &wire->timer, due_us);
}

static void wire_fired(struct wheel_node *node, uint64_t now_us) {
    struct wire *wire = LIST_ENTRY(node, struct wire, timer);
    if (wire->failed)
        return;
    if (now_us >= dtls_next_us(wire->dtls))
        dtls_advance(wire->dtls, now_us);
    if (!wire->full && !wire_check_paths(wire, now_us))
        wire_fail(wire, wire->ice_ready ? "consent expired" : "no answer to the ICE checks", now_us);
    else if (dtls_get_state(wire->dtls) == DTLS_FAILED)
        wire_fail(wire, dtls_failure(wire->dtls), now_us);
    wire_schedule(wire);
}

// ---- in

static void wire_ice_ready(void *ctx, uint64_t now_us) {
    struct wire *wire = ctx;
    if (wire->ice_ready)
        return;
    wire->ice_ready = true;
    wire->handlers.event(wire->handlers.ctx, WIRE_ICE_READY, "", now_us);
    dtls_start(wire->dtls, now_us);
    wire_schedule(wire);
}

static void wire_full_failed(void *ctx) {
    wire_fail(ctx, "libnice's agent failed", clock_now_us());
}

static void path_stun(struct wire_path *path, uint8_t *datagram, size_t len, uint64_t now_us) {
    struct wire *wire = path->wire;
    switch (ice_check_read(&path->check, datagram, len, now_us)) {
    case ICE_ANSWER_GOOD:
        if (!wire->chosen)
            wire->chosen = path;
        wire_ice_ready(wire, now_us);
        break;
    case ICE_ANSWER_BAD:
        wire->load->tally.faults[FAULT_STUN]++;
        break;
    case ICE_ANSWER_STRANGE:
        break;
    }
    wire_schedule(wire);
}

static void wire_dtls(struct wire *wire, struct span datagram, uint64_t now_us) {
    struct srtp_keys keys;
    if (wire->released)
        return;
    dtls_input(wire->dtls, datagram, now_us);
    enum dtls_state state = dtls_get_state(wire->dtls);
    if (state == DTLS_FAILED)
        wire_fail(wire, dtls_failure(wire->dtls), now_us);
    else if (state == DTLS_CONNECTED && !wire->srtp && dtls_export_keys(wire->dtls, &keys) == ERR_OK) {
        wire->srtp = srtp_session_create(&keys);
        explicit_bzero(&keys, sizeof keys);
        if (wire->srtp) {
            srtp_session_allow_many(wire->srtp); // two tracks of each of hundreds
            wire->handlers.event(wire->handlers.ctx, WIRE_READY, "", now_us);
        } else {
            wire_fail(wire, "no SRTP session", now_us);
        }
    }
    wire_schedule(wire);
}

// Authentic media shows that our last flight arrived: OpenSSL's part is done.
static void wire_release(struct wire *wire) {
    if (wire->released)
        return;
    wire->released = true;
    dtls_release(wire->dtls);
    wire_schedule(wire);
}

static void wire_media(struct wire *wire, uint8_t *datagram, size_t len, bool rtcp, uint64_t now_us) {
    struct tally *tally = &wire->load->tally;
    if (!wire->srtp)
        return; // overtook the handshake's end
    enum err err = rtcp ? srtp_session_unprotect_rtcp(wire->srtp, datagram, &len)
                        : srtp_session_unprotect_rtp(wire->srtp, datagram, &len);
    if (err != ERR_OK) { // what the network repeats is no fault of the server
        if (err == ERR_EXISTS)
            tally->duplicates++;
        else
            tally->faults[FAULT_AUTH]++;
        return;
    }
    wire_release(wire);
    if (rtcp) {
        tally->rtcp_in++;
        wire->handlers.rtcp(wire->handlers.ctx, span_of(datagram, len), now_us);
    } else {
        wire->handlers.rtp(wire->handlers.ctx, span_of(datagram, len), now_us);
    }
}

static void wire_arrive(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    struct wire *wire = ctx;
    switch (datagram_kind(span_of(datagram, len))) {
    case DATAGRAM_STUN: // of the agent, which keeps them for itself
        break;
    case DATAGRAM_DTLS:
        wire_dtls(wire, span_of(datagram, len), now_us);
        break;
    case DATAGRAM_RTP:
        wire_media(wire, datagram, len, false, now_us);
        break;
    case DATAGRAM_RTCP:
        wire_media(wire, datagram, len, true, now_us);
        break;
    case DATAGRAM_UNKNOWN:
        wire->load->tally.faults[FAULT_MALFORMED]++;
        break;
    }
}

static void path_arrive(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    struct wire_path *path = ctx;
    if (datagram_kind(span_of(datagram, len)) == DATAGRAM_STUN)
        path_stun(path, datagram, len, now_us);
    else
        wire_arrive(path->wire, datagram, len, now_us);
}

// Datagrams off the socket: `arrived` counts RTP as the server sent it, before our own bad network.
static bool wire_takes(struct wire *wire, const uint8_t *datagram, size_t len) {
    if (wire->failed || len > BLOCK_DATAGRAM_MAX)
        return false;
    wire->load->tally.arrived += datagram_kind(span_of(datagram, len)) == DATAGRAM_RTP;
    return true;
}

static void wire_datagram(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    struct wire *wire = ctx;
    if (!wire_takes(wire, datagram, len))
        return;
    if (wire->impaired)
        impair_queue_put(&wire->in, datagram, len, now_us);
    else
        wire_arrive(wire, datagram, len, now_us);
}

static void path_datagram(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us) {
    struct wire_path *path = ctx;
    if (!wire_takes(path->wire, datagram, len))
        return;
    if (path->wire->impaired)
        impair_queue_put(&path->in, datagram, len, now_us);
    else
        path_arrive(path, datagram, len, now_us);
}

// ---- life

static bool wire_open_paths(struct wire *wire, uint64_t now_us) {
    const struct remote_transport *remote = &wire->remote;
    struct load *load = wire->load;
    if (load->full) {
        struct ice_full_events events = {
            .ctx = wire, .ready = wire_ice_ready, .failed = wire_full_failed, .datagram = wire_datagram};
        wire->full = ice_full_open(load->full, remote->offered, remote->offered_count, remote->ufrag,
                                   remote->pwd, &events);
        return wire->full != NULL;
    }
    char ours[OUR_UFRAG_BYTES + 1] = "";
    entropy_text(ours, OUR_UFRAG_BYTES);
    snprintf(wire->username, sizeof wire->username, "%s:%s", remote->ufrag, ours);
    snprintf(wire->password, sizeof wire->password, "%s", remote->pwd);
    wire->paths = calloc(remote->offered_count, sizeof *wire->paths);
    return wire->paths && wire_open_next(wire, now_us);
}

struct wire *wire_open(struct load *load, const struct remote_transport *remote,
                       const struct wire_handlers *handlers, uint64_t now_us) {
    struct wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        return NULL;
    wire->load = load;
    wire->handlers = *handlers;
    wire->remote = *remote;
    wire->impaired = load->options->ice != ICE_MODE_TCP && impair_is_active(&load->options->impair);
    wheel_node_init(&wire->timer, wire_fired);
    impair_queue_init(&wire->in, load, wire_arrive, wire);
    impair_queue_init(&wire->out, load, wire_leave, wire);
    struct dtls_output output = {.ctx = wire, .send = wire_dtls_send};
    wire->dtls = dtls_create(load->dtls, &output);
    if (!wire->dtls || dtls_connect(wire->dtls, DTLS_ROLE_SERVER, &remote->fingerprint) != ERR_OK ||
        !wire_open_paths(wire, now_us)) {
        wire_close(wire);
        return NULL;
    }
    wheel_arm(&load->wheel, &wire->timer, now_us); // the first check leaves at the next turn
    return wire;
}

void wire_close(struct wire *wire) {
    if (!wire)
        return;
    wheel_cancel(&wire->load->wheel, &wire->timer);
    impair_queue_clear(&wire->in);
    impair_queue_clear(&wire->out);
    for (unsigned i = 0; i < wire->path_count; i++)
        path_close(&wire->paths[i]);
    free(wire->paths);
    ice_full_close(wire->full);
    srtp_session_destroy(wire->srtp);
    dtls_destroy(wire->dtls);
    free(wire);
}

bool wire_ready(const struct wire *wire) {
    return wire && wire->srtp && !wire->failed;
}
