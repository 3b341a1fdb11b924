// peer: somebody with whom a worker exchanges packets, whatever the way. An interface: functions and the
// object that they are of.
//
// What comes in is given to `input` and becomes plain RTP and RTCP in place; what goes out is plain and
// becomes whatever the peer understands. The worker (worker_peer.c) keeps the tables, commands, routes and
// timers of all peers; peer_webrtc.h and peer_plain.h are the kinds. Each object belongs to one worker
// and its thread. On the way of a packet: one call through this table, no allocation.
#ifndef SERVER_MEDIA_PEER_H
#define SERVER_MEDIA_PEER_H

#include "base/pool.h"
#include "rooms/media_msg.h"
#include "transport/peer_transport.h"
#include "transport/tcp_port.h"
#include "transport/udp_port.h"

#define PEER_TUPLES_MAX ICE_TUPLES_MAX

struct peer;

struct peer_state {
    enum ice_state ice;
    enum dtls_state dtls;
    uint64_t heard_us;        // when it was heard last; 0: never, or it is not known
    bool reachable;           // there is somewhere to send to
    const struct tuple *path; // and that is it; NULL: there is not, or it has no address
    const char *failure;      // of DTLS_FAILED, else ""; lives as long as the peer
};

// Every kind has every function; what a kind cannot do answers ERR_UNSUPPORTED.
struct peer_functions {
    // One datagram or packet of this peer, decrypted in place: `out` says what it is and how long.
    void (*input)(struct peer *peer, const struct tuple *from, struct block *b, uint64_t now_us,
                  struct peer_input *out);
    // Retransmissions and expiries, at peer->next_us. `out` as for input.
    void (*advance)(struct peer *peer, uint64_t now_us, struct peer_input *out);

    // As in struct forwarder_output: the block is taken over. ERR_EXISTS: the index was used before;
    // ERR_WRONG_STATE: there is nowhere to send to, or no key.
    enum err (*send_rtp)(struct peer *peer, struct block *packet, enum media_kind kind, uint64_t index);
    void (*send_again)(struct peer *peer, struct block *sealed, enum media_kind kind);
    void (*send_rtcp)(struct peer *peer, struct span datagram); // at most RTCP_DATAGRAM_MAX bytes; copied
    void (*forget_ssrc)(struct peer *peer, uint32_t ssrc, bool sent);
    // What send_rtp will read, a pointer further with each step from FORWARDER_STEPS - 2 down to 0.
    void (*prefetch)(const struct peer *peer, unsigned step);

    // SCTP packets over DTLS; NULL: this kind carries none. carry_data: before the handshake; what comes is
    // given to peer_env.data. send_data: at most DTLS_MTU bytes, copied; lost while there is nowhere to send
    // to.
    void (*carry_data)(struct peer *peer);
    void (*send_data)(struct peer *peer, struct span packet);

    // What signalling has found out. Both are followed by `advance`.
    enum err (*connect)(struct peer *peer, enum dtls_role remote_role, const struct fingerprint *fingerprint,
                        uint64_t now_us);
    enum err (*restart_ice)(struct peer *peer, const struct ice_credentials *credentials, uint64_t now_us);
    // Without having been asked. ERR_EXISTS: done, and those of an offer that was not taken are void.
    enum err (*offer_ice)(struct peer *peer, const struct ice_credentials *credentials);

    // Its full ICE agent has found this path, or lost it (NULL). `out` as for input. NULL: a kind without
    // ICE.
    void (*follow)(struct peer *peer, const struct tuple *path, uint64_t now_us, struct peer_input *out);

    // One of its tuples was a connection that has ended. `out` as for input.
    void (*lose)(struct peer *peer, const struct tuple *tuple, uint64_t now_us, struct peer_input *out);

    struct peer_state (*state)(const struct peer *peer);
    // For statistics: bytes, bit rates, addresses, states.
    void (*describe)(const struct peer *peer, uint64_t now_us, struct transport_stats *out);
    // Every tuple whose datagrams lead here; returns how many.
    unsigned (*tuples)(const struct peer *peer, struct tuple out[PEER_TUPLES_MAX]);
    // Whether it is at a tuple beyond doubt, so that no other peer may claim that.
    bool (*holds)(const struct peer *peer, const struct tuple *tuple, uint64_t now_us);
    void (*close)(struct peer *peer); // says goodbye where that is possible, and frees it
};

struct peer { // the head of each kind's object
    const struct peer_functions *functions;
    uint64_t next_us; // when `advance` is due, TIME_NEVER for never; kept up by every function above
    void *owner;      // whose it is, for peer_env.data and agent_send; set by the owner
};

struct peer_env { // what the peers of one worker use; outlives them
    struct udp_port *port;
    struct pool *pool;
    struct tcp_port *tcp;   // NULL: no tuple is over TCP
    const uint64_t *now_us; // of the present turn
    struct peer_shared shared;
    void (*data)(void *owner, struct span packet); // an authentic SCTP packet of the owner's peer
    // A datagram for a tuple of the owner's full ICE agent; copied, or dropped and counted.
    void (*agent_send)(void *owner, struct span datagram, enum udp_worth worth);
};

#endif
