// siege: an honest conference under attack, and an account of what each hostile datagram must have come to.
//
// The conference runs on the real hub and the real workers over loopback. Beside it there are strangers
// (sockets that no transport knows) and guests (transports of their own, opened past the hub: somebody with
// credentials who misbehaves). Whoever sends a hostile datagram says which drop it must be counted as;
// siege_check then compares every counter of drops exactly, and that the conference lost nothing. One thread.
#ifndef TESTS_KIT_SIEGE_H
#define TESTS_KIT_SIEGE_H

#include "tests/kit/conference.h"
#include "tests/kit/media_peer.h"
#include "transport/ice.h"

#define SIEGE_STRANGERS 8
#define SIEGE_IGNORED MEDIA_DROP_COUNT // not counted as a drop at all

struct siege {
    struct conference *conference;
    struct media *media;
    struct dtls_context *dtls;
    unsigned workers, participants;
    int strangers[SIEGE_STRANGERS];
    uint64_t sent, sent_bytes, answer_bytes; // of strangers, and to them
    unsigned burst, unconfirmed;
    bool flood; // sends without waiting: a full queue between workers is no failure then
    uint64_t drops[MEDIA_DROP_COUNT]; // expected, all workers together
    uint64_t heard[64];               // expected, of each participant
    uint32_t next_id;
};

// Three participants or so: everybody sends audio, the first one video.
struct siege *siege_open(unsigned workers, unsigned participants);
void siege_close(struct siege *siege);

void siege_turn(struct siege *siege, int wait_ms);
// The conference sends a round of packets; all must arrive by the next siege_check.
void siege_speak(struct siege *siege);
// Waits until every counter says what it must; fails the test when one says something else.
void siege_check(struct siege *siege);
// Takes what the counters say now for right: after something that is no attack.
void siege_rebase(struct siege *siege);
// All workers together.
void siege_counters(struct siege *siege, struct media_counters *out);

// A datagram from a stranger, which must come to `drop`.
void siege_stranger_sends(struct siege *siege, unsigned stranger, const void *bytes, size_t len,
                          enum media_drop drop);
// What a datagram of nobody's comes to, by its first bytes.
enum media_drop siege_drop_of_stranger(const void *bytes, size_t len);
void siege_expect(struct siege *siege, enum media_drop drop, uint64_t count);
// Lets the workers read what was sent, so that no kernel queue overflows.
void siege_drain(struct siege *siege);

struct guest {
    struct siege *siege;
    struct transport_id id;
    unsigned worker;
    struct ice_credentials ice;
    struct media_peer *peer; // NULL until guest_arrive
    uint64_t rtp, rtcp;      // packets that came
};

// A transport on a worker. guest_arrive: ICE and DTLS, up to SRTP.
void guest_open(struct siege *siege, unsigned worker, struct guest *guest);
void guest_start(struct guest *guest); // the first check and ClientHello, no more
void guest_arrive(struct guest *guest);
void guest_close(struct guest *guest); // the transport and the socket
// Opens an audio producer (payload type 111) with the MID extension as number 1.
void guest_produce(struct guest *guest, uint32_t ssrc, const char *mid, uint32_t producer);
// Opens a consumer of an audio producer on the same worker.
void guest_consume(struct guest *guest, uint32_t producer, uint32_t consumer, uint32_t ssrc);
void guest_sends(struct guest *guest, const void *bytes, size_t len, enum media_drop drop);
void guest_sends_rtp(struct guest *guest, const void *bytes, size_t len, enum media_drop drop);
void guest_sends_rtcp(struct guest *guest, const void *bytes, size_t len, enum media_drop drop);

void siege_post(struct siege *siege, unsigned worker, const struct media_cmd *cmd);

// A connectivity check as it should be, signed with `pwd`.
struct stun_build;
void siege_build_check(struct stun_build *out, const char *ufrag, const char *pwd);

uint64_t resident_bytes(void); // of this process

#endif
