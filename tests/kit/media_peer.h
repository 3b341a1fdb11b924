// media_peer: the browser's side of one transport over a real UDP socket, for tests and benchmarks: an ICE
// controlling agent with one candidate, a DTLS client, SRTP. It sends what it is given and hands up what
// arrives, decrypted.
//
// As browsers do, it answers a Binding request that names nobody with an error, and repeats the time of an
// RRTR in a DLRR, MEDIA_PEER_REPORT_US later.
//
// One thread. Nothing is lost or retried but the ICE check (each MEDIA_PEER_CHECK_US until the handshake is
// done, then each 2.5 s) and DTLS flights.
#ifndef TESTS_KIT_MEDIA_PEER_H
#define TESTS_KIT_MEDIA_PEER_H

#include "base/span.h"
#include "rtp/peer_params.h"
#include "transport/dtls.h"

#define MEDIA_PEER_CHECK_US 50000
#define MEDIA_PEER_REPORT_US 1000000 // video's reports come so often; those of sound alone up to 7.5 s apart
#define MEDIA_PEER_PROTECT_MAX 1536

struct media_peer_config {
    struct dtls_context *dtls; // the client's certificate; may be shared by all
    const char *server_ip;     // literal
    uint16_t server_port;
    struct ice_credentials server; // what webRtcTransportCreated said
    struct fingerprint server_fingerprint;
    void *ctx;
    void (*on_rtp)(void *ctx, struct span packet);
    void (*on_rtcp)(void *ctx, struct span datagram);
    void (*on_sealed_rtp)(void *ctx, struct span packet); // media_peer_count; may be NULL
};

struct media_peer;
struct media_peer *media_peer_open(const struct media_peer_config *config,
                                   uint64_t now_us); // NULL: no socket
void media_peer_close(struct media_peer *peer);
int media_peer_fd(const struct media_peer *peer);
bool media_peer_connected(const struct media_peer *peer);
// When the datagram that is being handed up reached the socket, by the kernel: nanoseconds since 1970.
uint64_t media_peer_arrival_ns(const struct media_peer *peer);
// Reads everything that waits, fires timers.
void media_peer_poll(struct media_peer *peer, uint64_t now_us);
// Whether RTP that comes in is decrypted and handed up, as it is at first, or read and thrown away.
void media_peer_listen(struct media_peer *peer, bool listen);
// RTP that comes in is handed up encrypted as it is (on_sealed_rtp): the header alone can be read.
void media_peer_count(struct media_peer *peer);
// RTP and RTCP that come in do not reach the socket any more, as if the receiver were on another machine.
void media_peer_deafen(struct media_peer *peer);
// Datagrams that the kernel dropped at this peer's socket because they were not read in time.
uint32_t media_peer_overflowed(const struct media_peer *peer);
// Plain packets of at most 1200 bytes; dropped before the handshake is done.
void media_peer_send_rtp(struct media_peer *peer, struct span packet);
void media_peer_send_rtcp(struct media_peer *peer, struct span datagram);
// For tests that send what no peer would: the protected form of a plain packet of at most
// MEDIA_PEER_PROTECT_MAX bytes, sent by nobody yet (out has room for 48 bytes more; 0: refused), and any
// bytes from this peer's address.
size_t media_peer_protect(struct media_peer *peer, bool rtcp, struct span plain, uint8_t *out);
void media_peer_send_raw(struct media_peer *peer, struct span datagram);
// Whether it answers questions of the server: by STUN, and in its reports (both at first).
void media_peer_answer(struct media_peer *peer, bool by_stun, bool in_reports);
// A new socket, as after a change of network: the address changes, keys and sessions stay.
bool media_peer_move(struct media_peer *peer, uint64_t now_us);

#endif
