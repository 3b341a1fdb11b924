// peer_transport: one peer's secure path: ICE, DTLS and SRTP composed, sans I/O. The worker owns it and its
// timer.
//
// Datagrams of this peer go in (found by ufrag for STUN, by tuple for the rest); plain RTP and RTCP come out
// in place. Nothing but STUN is accepted from a tuple that ICE has not validated, no media before the
// handshake is done and the fingerprint agrees; as the client of DTLS, what leaves does so as soon as only
// the peer's Finished is missing (dtls_may_send_early), a round trip earlier. And media leaves for no tuple
// of which it is not proven that the peer receives there (ice_proof.h). Replies, handshake flights, questions
// and RTCP leave through `struct peer_output` during the calls.
#ifndef TRANSPORT_PEER_TRANSPORT_H
#define TRANSPORT_PEER_TRANSPORT_H

#include "transport/demux.h"
#include "transport/dtls.h"
#include "transport/ice.h"
#include "transport/srtp.h"

struct peer_shared { // what all peers of one worker use
    struct ice_stun *stun;
    struct dtls_context *dtls;
};

struct peer_output {
    void *ctx;
    void (*send)(void *ctx, const struct tuple *to, struct span datagram);
    // An SCTP packet of the peer, after peer_transport_carry_data; from inside peer_transport_input. NULL:
    // none is wanted.
    void (*data)(void *ctx, struct span packet);
};

struct peer_transport;

struct peer_transport *peer_transport_create(const struct peer_shared *shared,
                                             const struct ice_credentials *credentials,
                                             const struct peer_output *output); // NULL: no memory
void peer_transport_destroy(struct peer_transport *peer); // says goodbye when connected; NULL is fine

// The signalled DTLS parameters. ERR_WRONG_STATE the second time.
MUST_USE enum err peer_transport_connect(struct peer_transport *peer, enum dtls_role remote_role,
                                         const struct fingerprint *fingerprint, uint64_t now_us);
// Credentials that it did not ask for; as ice_offer.
bool peer_transport_offer_ice(struct peer_transport *peer, const struct ice_credentials *credentials);
void peer_transport_restart_ice(struct peer_transport *peer, const struct ice_credentials *credentials,
                                uint64_t now_us);

enum peer_input_kind {
    PEER_CONSUMED, // handled here: STUN, DTLS
    PEER_RTP,      // plain RTP in packet[0 .. len)
    PEER_RTCP,
    PEER_DROPPED, // see `drop`
};

enum peer_drop { // why a datagram was dropped
    PEER_DROP_NONE,
    PEER_DROP_UNKNOWN_KIND,
    PEER_DROP_STUN_MALFORMED,
    PEER_DROP_STUN_AUTH,
    PEER_DROP_STUN_RATE,   // more good checks than are looked at (stun_gate.h)
    PEER_DROP_STUN_COPIED, // a check that came before from another tuple
    PEER_DROP_UNVALIDATED,
    PEER_DROP_DTLS_INVALID,
    PEER_DROP_NO_KEYS,
    PEER_DROP_SRTP_AUTH,
    PEER_DROP_SRTP_REPLAY,
    PEER_DROP_SRTP_MALFORMED,
    PEER_DROP_STRANGER, // of plain RTP, from an address that is not the other side's
};

struct peer_input {
    enum peer_input_kind kind;
    enum peer_drop drop;
    size_t len;
    bool tuple_checked; // a good check: the tuple of this datagram leads to this peer
    bool tuple_added;   // and did not before
    bool tuple_removed;
    struct tuple removed;
    // Also for what happened since the last `out` (in peer_transport_connect or _restart_ice).
    bool state_changed; // ask peer_transport_ice_state / _dtls_state
    bool connected;     // media can be sent from now on
};

// One datagram in a buffer with at least 24 spare bytes behind it; decrypted in place.
void peer_transport_input(struct peer_transport *peer, const struct tuple *from, uint8_t *datagram,
                          size_t len, uint64_t now_us, struct peer_input *out);

uint64_t peer_transport_next_us(const struct peer_transport *peer); // TIME_NEVER for none
// Retransmissions and expiries. `out` as for input (kind is PEER_CONSUMED).
void peer_transport_advance(struct peer_transport *peer, uint64_t now_us, struct peer_input *out);

// A tuple over TCP whose connection is gone. `out` as for input (kind is PEER_CONSUMED).
void peer_transport_lose(struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us,
                         struct peer_input *out);

// The path that a complete agent has found, or that it has lost it (NULL); as ice_follow. Then no STUN comes
// in here. `out` as for input (kind is PEER_CONSUMED).
void peer_transport_follow(struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us,
                           struct peer_input *out);

enum ice_state peer_transport_ice_state(const struct peer_transport *peer);
// When the peer was heard last, by a check or by media (RFC 7675); 0: never.
uint64_t peer_transport_heard_us(const struct peer_transport *peer);
enum dtls_state peer_transport_dtls_state(const struct peer_transport *peer);
const char *peer_transport_failure(const struct peer_transport *peer); // why DTLS failed, "" otherwise
// Where media goes; NULL: nowhere at present.
const struct tuple *peer_transport_selected(const struct peer_transport *peer);
// To be asked for each packet of media that goes to peer_transport_selected: another tuple that gets it as
// well, because the peer is about to move there, or NULL, as nearly always. Ends what it may still give.
const struct tuple *peer_transport_also(struct peer_transport *peer, size_t len, uint64_t now_us);
// Whether this peer is at a tuple beyond doubt, so that no other peer's check may claim it.
bool peer_transport_holds(const struct peer_transport *peer, const struct tuple *tuple, uint64_t now_us);
// Every validated tuple, for the route table when the peer goes; returns how many (at most ICE_TUPLES_MAX).
unsigned peer_transport_tuples(const struct peer_transport *peer, struct tuple out[ICE_TUPLES_MAX]);

// Encrypts in place; *len grows, the buffer has room. ERR_WRONG_STATE before the keys are there; ERR_EXISTS:
// the index was used before (srtp.h).
MUST_USE enum err peer_transport_protect_rtp(struct peer_transport *peer, uint8_t *packet, size_t *len,
                                             uint64_t index);
// Encrypts a plain RTCP datagram of at most RTCP_DATAGRAM_MAX bytes and sends it to wherever the peer is.
// Nothing happens before the keys are there.
void peer_transport_send_rtcp(struct peer_transport *peer, struct span datagram, uint64_t now_us);
// The peer may send SCTP packets over DTLS (RFC 8261), and gets some. Before the handshake is over; costs the
// memory of OpenSSL's part of it as long as the peer is there.
void peer_transport_carry_data(struct peer_transport *peer);
// An SCTP packet for the peer, of at most DTLS_MTU bytes; goes where media goes. Nothing happens while there
// is no such place.
void peer_transport_send_data(struct peer_transport *peer, struct span packet, uint64_t now_us);
// What peer_transport_protect_rtp will read, a pointer further with each step from 2 down to 0.
void peer_transport_prefetch(const struct peer_transport *peer, unsigned step);
// An SSRC received that leads nowhere or whose producer has closed.
void peer_transport_forget_ssrc(struct peer_transport *peer, uint32_t ssrc);
// An SSRC that we sent with and never shall again (its consumer has closed).
void peer_transport_forget_sent_ssrc(struct peer_transport *peer, uint32_t ssrc);

#endif
