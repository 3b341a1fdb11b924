// dtls: DTLS 1.2 over datagrams, sans I/O, for the keys of SRTP (RFC 5764) and, where it is asked for, as the
// carrier of SCTP packets (RFC 8261). Other application data is thrown away.
//
// `struct dtls_context` is one a process: the self-signed ECDSA P-256 certificate and OpenSSL's SSL_CTX; it
// may be shared by threads once it is made. `struct dtls` is one association. Fragmented ClientHellos
// reassemble; the peer's certificate is accepted by the handshake and compared with the signalled fingerprint
// afterwards: DTLS_CONNECTED is reached only when both the handshake and the fingerprint are there and agree.
// OpenSSL's own timers drive retransmission: at first once and a half the round trip and DTLS_TIMER_SLACK_US
// where that is known (RFC 9147, section 5.8.2), within DTLS_TIMER_MIN_US and DTLS_TIMER_MAX_US, else
// DTLS_TIMER_UNKNOWN_US; doubling to 4 s. A handshake that is not done after DTLS_HANDSHAKE_US fails.
#ifndef TRANSPORT_DTLS_H
#define TRANSPORT_DTLS_H

#include "base/span.h"
#include "base/err.h"
#include "rtp/peer_params.h"

#include <stdbool.h>

#define DTLS_MTU 1200
#define DTLS_HANDSHAKE_US (30 * UINT64_C(1000000))
#define DTLS_TIMER_MIN_US UINT64_C(100000)
#define DTLS_TIMER_MAX_US UINT64_C(1000000)
#define DTLS_TIMER_UNKNOWN_US UINT64_C(400000)
#define DTLS_TIMER_SLACK_US UINT64_C(50000) // for the peer's arithmetic
#define DTLS_REFUSED_MAX 6                  // ClientHellos that may be refused before the association fails
// After a ClientHello whose versions are not ours: to the alert that says so, and to the end, unless a better
// one comes. A forged one must not end the handshake of somebody whose own is on its way.
#define DTLS_VERSION_ALERT_US UINT64_C(100000)
#define DTLS_VERSION_US UINT64_C(2000000)

struct dtls_context;
struct dtls_context *dtls_context_create(void); // NULL: OpenSSL refused
void dtls_context_destroy(struct dtls_context *context);
// "AA:BB:..." of our certificate, SHA-256.
const char *dtls_context_fingerprint(const struct dtls_context *context);

struct dtls;
// Called for each datagram to send, from inside the functions below.
struct dtls_output {
    void *ctx;
    void (*send)(void *ctx, struct span datagram);
    // Application data that the peer has sent, decrypted and authentic, after dtls_carry; NULL: thrown away.
    void (*data)(void *ctx, struct span data);
};
#define DTLS_DATA_MAX 1536 // bytes of application data in one datagram that comes; that leaves: DTLS_MTU

// An association that may become either side. OpenSSL's part is made with the first ClientHello or the start.
// NULL: no memory.
struct dtls *dtls_create(struct dtls_context *context, const struct dtls_output *output);
void dtls_destroy(struct dtls *dtls); // sends nothing; NULL is fine

// The signalled side of the peer: its fingerprint and role. DTLS_ROLE_CLIENT: we are the server; otherwise we
// are the client. Becoming the client sends nothing yet: dtls_start does. ERR_WRONG_STATE the second time, or
// when the peer already began a handshake as a client but is said to be a server.
MUST_USE enum err dtls_connect(struct dtls *dtls, enum dtls_role remote_role,
                               const struct fingerprint *fingerprint);
// About how long an answer takes. Counts for flights whose timer has not begun.
void dtls_set_round_trip(struct dtls *dtls, uint64_t round_trip_us);
// The longest datagram that is sent, DTLS_MTU at first; of a handshake that has not begun.
void dtls_set_mtu(struct dtls *dtls, uint16_t bytes);
// The path is there: as the client, sends the first flight. Harmless otherwise and later.
void dtls_start(struct dtls *dtls, uint64_t now_us);
// One datagram from a validated tuple. Before dtls_connect a ClientHello makes us the server at once. False:
// nothing in it could be a record of this association at this time; it was ignored.
//
// Until the handshake is done a datagram is not authentic, so forged ones are kept from OpenSSL where that is
// possible: alerts in the clear (the last one is named when the handshake times out), messages that our role
// never gets, record numbers far ahead, records of the next epoch before its keys. A ClientHello that OpenSSL
// refuses is forgotten, at most DTLS_REFUSED_MAX times. One of a version that is not ours (DTLS 1.3 alone, or
// 1.0) is answered with protocol_version after DTLS_VERSION_ALERT_US; after DTLS_VERSION_US the association
// fails.
bool dtls_input(struct dtls *dtls, struct span datagram, uint64_t now_us);
uint64_t dtls_next_us(const struct dtls *dtls); // TIME_NEVER for none
void dtls_advance(struct dtls *dtls, uint64_t now_us);
// From now on application data comes through dtls_output.data, and dtls_release frees nothing.
void dtls_carry(struct dtls *dtls);
// Sends application data as one datagram. False: not connected, or not agreed (fingerprint), or released.
bool dtls_send(struct dtls *dtls, struct span data); // 1..DTLS_MTU bytes
// Says goodbye (close_notify) when connected.
void dtls_close(struct dtls *dtls);

enum dtls_state dtls_get_state(const struct dtls *dtls);
const char *dtls_failure(const struct dtls *dtls); // why DTLS_FAILED, for the log; "" otherwise
// As the client: our Finished has left, and the peer's has not come yet. It is the one with the signalled
// fingerprint, has signed our random number and its own and its key of this exchange, and nobody else can
// have ours, so what is encrypted for it now nobody else can read (RFC 7918, with the extended master secret
// of RFC 7627 over what was negotiated). It has not confirmed yet, so nothing is to be believed of what
// comes. Never with application data.
bool dtls_may_send_early(const struct dtls *dtls);
// The keys, once connected, or while dtls_may_send_early; ERR_WRONG_STATE before.
MUST_USE enum err dtls_export_keys(const struct dtls *dtls, struct srtp_keys *out);
// Frees OpenSSL's part of a connected association (tens of KB) once the peer's first authentic SRTP packet
// shows that our last flight arrived, unless it carries application data. The state stays DTLS_CONNECTED;
// later input is ignored.
void dtls_release(struct dtls *dtls);

#endif
