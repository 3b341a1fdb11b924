// wire: the client's side of one transport: ICE (our checks, or a libnice agent), DTLS client, SRTP, and the
// client's own bad network in front of it. Plain packets in and out.
//
// Events and packets come from inside the loop; a handler must not close its wire, and nothing comes from
// inside wire_open. One thread.
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include "base/span.h"
#include "load/load.h"
#include "load/signal_text.h"

#define WIRE_PACKET_MAX 1250 // plain RTP or RTCP

enum wire_event { WIRE_ICE_READY, WIRE_READY, WIRE_FAILED };

struct wire_handlers {
    void *ctx;
    void (*event)(void *ctx, enum wire_event event, const char *why, uint64_t now_us);
    void (*rtp)(void *ctx, struct span packet, uint64_t now_us);
    void (*rtcp)(void *ctx, struct span datagram, uint64_t now_us);
};

struct wire;

// NULL: no socket, no memory (errno).
struct wire *wire_open(struct load *load, const struct remote_transport *remote,
                       const struct wire_handlers *handlers, uint64_t now_us);
void wire_close(struct wire *wire); // NULL is fine
bool wire_ready(const struct wire *wire);
// packet: writable, with SRTP_TRAILER_MAX (SRTCP_TRAILER_MAX) bytes behind it; encrypted in place.
void wire_send_rtp(struct wire *wire, uint8_t *packet, size_t len, uint64_t index, uint64_t now_us);
void wire_send_rtcp(struct wire *wire, uint8_t *datagram, size_t len, uint64_t now_us);

#endif
