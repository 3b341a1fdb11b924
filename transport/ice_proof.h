// ice_proof: whether a peer receives at a tuple from which its checks seem to come, and what may be sent
// there before that is known. The part of `ice` against those who forge the address of a check, or copy one
// (docs/adr/0007-a-tuple-proves-that-it-receives.md).
//
// A tuple is proven by what only somebody can say who holds the peer's keys *and* has received there: the end
// of a DTLS handshake whose flights went there alone, or an SRTCP packet that repeats a secret which was sent
// there alone. Both are for the caller to see; it says ice_prove. Until then
// - all tuples of a peer that are not proven get ICE_UNPROVEN_BYTES together, and beyond that what came from
//   them (handshake flights, questions, reports; of media at most what leaves ICE_UNPROVEN_KEPT for those);
// - media stays where it was proven;
// - a tuple that the peer nominated is asked with a Binding request, which every ICE agent answers, though we
//   know no password of it, with an error that repeats the request's random number. That takes one round trip
//   and shows that somebody receives there; it does not show who. So media goes there *as well*, on trust:
//   ICE_GRANT_BYTES and ICE_GRANT_US at most, once in ICE_GRANT_PAUSE_US and more seldom each time that no
//   proof follows.
#ifndef TRANSPORT_ICE_PROOF_H
#define TRANSPORT_ICE_PROOF_H

#include "transport/ice.h"

#define ICE_UNPROVEN_BYTES 9000 // 10 KB with what comes back in a minute
#define ICE_UNPROVEN_KEPT 4000
#define ICE_UNPROVEN_BYTES_S 16 // what the budget gets back each second
#define ICE_ASK_FIRST_US 50000  // to the second question; then twice as long each time
#define ICE_ASK_MAX 8           // questions; then one for each check, ICE_ASK_LATER_US apart
#define ICE_ASK_LATER_US UINT64_C(1000000)
#define ICE_GRANT_BYTES (1024 * 1024)
#define ICE_GRANT_US (8 * UINT64_C(1000000)) // a browser with sound alone reports each 7.5 s at the latest
#define ICE_GRANT_PAUSE_US (60 * UINT64_C(1000000))
#define ICE_GRANT_PAUSES 10
#define ICE_QUESTION_BYTES 28

// Asks from now on: there are keys, so that what is no proof yet can become one.
void ice_ask(struct ice *ice, uint64_t now_us);
// The path whose question is due; NULL for none. It counts as asked.
struct ice_path *ice_next_question(struct ice *ice, uint64_t now_us);
// The Binding request of a path's question; returns its length (0: none could be made).
size_t ice_question(struct ice_stun *stun, const struct ice_path *path, uint8_t out[ICE_QUESTION_BYTES]);

void ice_prove(struct ice *ice, struct ice_path *path, uint64_t now_us);
// The path that would be selected if it were proven; NULL for none.
struct ice_path *ice_candidate(struct ice *ice);

// Where media goes; NULL: nowhere at present.
static inline const struct tuple *ice_media(const struct ice *ice) {
    return ice->media >= 0 ? &ice->paths[ice->media].tuple : NULL;
}
// To be said of each packet of media while ice->metered; it ends what is on trust when that is used up.
void ice_spend(struct ice *ice, size_t len, uint64_t now_us);
// Whether so much may go to a path that is not proven, from the budget; it is spent then. Always true for a
// proven one.
bool ice_afford(struct ice *ice, const struct ice_path *path, size_t len, uint64_t now_us);
// So much came from a path that is not proven.
void ice_credit(struct ice *ice, const struct ice_path *path, size_t len);

// ---- for ice.c
void ice_proof_init(struct ice *ice);
void ice_proof_begin(struct ice *ice, struct ice_path *path, uint64_t now_us);      // a new path, or one anew
void ice_proof_gone(struct ice *ice, const struct ice_path *path, uint64_t now_us); // it gives way
// The path that was last has its place now, if one has: `place` was another path's, with this secret.
void ice_proof_moved(struct ice *ice, unsigned place, uint32_t secret, uint64_t now_us);
void ice_proof_checked(struct ice *ice, struct ice_path *path, uint64_t now_us);
void ice_proof_answered(struct ice *ice, struct ice_path *path, uint64_t now_us);
void ice_proof_advance(struct ice *ice, uint64_t now_us);
uint64_t ice_proof_next_us(const struct ice *ice);
// Something of state, selection or proof has changed: looks where media goes now.
void ice_direct_media(struct ice *ice);
void ice_select(struct ice *ice, struct ice_path *path);
// A nomination over TCP that the selected path stands above (ice.h).
bool ice_keeps_udp(const struct ice *ice, const struct ice_path *nominated);

#endif
