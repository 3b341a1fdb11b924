// dtls_in_stun: a DTLS handshake that is carried in connectivity checks and their answers
// (draft-hancke-webrtc-sped-00), so that ICE and DTLS take one round trip together. Sans I/O, no STUN in
// here.
//
// A check may carry one datagram of the peer's flight (attribute 0xC070) and the CRC-32s of those that the
// peer has got from us (0xC071); its answer carries one of ours, those that are not acknowledged by turns,
// and the CRC-32s of what has come. Only what an authentic check carries gets here. The peer decides whether
// it is spoken at all: a check with neither attribute is answered without, as always. Flights leave as plain
// datagrams too, as soon as there is a path for them; what is here repeats them until they are acknowledged.
#ifndef TRANSPORT_DTLS_IN_STUN_H
#define TRANSPORT_DTLS_IN_STUN_H

#include "base/span.h"

#include <stdbool.h>

#define STUN_ATTRIBUTE_DTLS 0xc070
#define STUN_ATTRIBUTE_DTLS_ACKS 0xc071
#define DTLS_IN_STUN_MAX 1040   // a datagram: an answer with it fits 1200 bytes
#define DTLS_IN_STUN_FLIGHT 4   // datagrams of a flight; what is more leaves as plain datagrams alone
#define DTLS_IN_STUN_ACKS_MAX 4 // told at a time, and kept
#define DTLS_IN_STUN_ACKS_BYTES (4 * DTLS_IN_STUN_ACKS_MAX)

// All zeros to begin with.
struct dtls_in_stun {
    struct {
        uint32_t crc;
        uint16_t len;
        bool acknowledged;
        uint8_t bytes[DTLS_IN_STUN_MAX];
    } flight[DTLS_IN_STUN_FLIGHT];
    unsigned count, next;                  // of the flight; whose turn it is
    uint32_t heard[DTLS_IN_STUN_ACKS_MAX]; // the newest datagrams of the peer, oldest first
    unsigned heard_count;
};

uint32_t dtls_in_stun_crc(struct span datagram); // CRC-32 as in FINGERPRINT, without its XOR

// Our next flight, which takes the place of the one before. What is too long, or one too many, is not kept.
void dtls_in_stun_begin_flight(struct dtls_in_stun *s);
void dtls_in_stun_add(struct dtls_in_stun *s, struct span datagram);
// A datagram of the peer's handshake, carried in STUN or not.
void dtls_in_stun_heard(struct dtls_in_stun *s, struct span datagram);
// The value of the peer's acknowledgement; what is not a list of CRC-32s is ignored.
void dtls_in_stun_acknowledged(struct dtls_in_stun *s, struct span value);
// What the next answer carries: a datagram of ours (empty for none), and the acknowledgement's value, whose
// length is returned.
struct span dtls_in_stun_next(struct dtls_in_stun *s);
size_t dtls_in_stun_acks(const struct dtls_in_stun *s, uint8_t out[DTLS_IN_STUN_ACKS_BYTES]);

#endif
