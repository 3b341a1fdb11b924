// stun_gate: which connectivity checks of a peer are looked at at all. Pure; a peer has one.
//
// It comes before the HMAC, so it must be cheap, and it changes only by checks that proved good, so nobody
// but the peer uses it up. Two things are kept from going further:
// - a check whose transaction id came before from another tuple: somebody copied it. (From the same tuple it
// is
//   the peer's own repetition: it is answered again and changes nothing. On a proven tuple it is taken
//   whoever was first: there it is at home.) The last STUN_GATE_IDS ids are known;
// - more than STUN_GATE_CHECKS_S good checks a second, apart from a burst of as many. Those on proven tuples
// and
//   those on others are counted apart: copies from elsewhere do not stop the checks that keep a call alive.
#ifndef TRANSPORT_STUN_GATE_H
#define TRANSPORT_STUN_GATE_H

#include "base/addr.h"

#define STUN_GATE_CHECKS_S 50
#define STUN_GATE_IDS 32
#define STUN_GATE_ID_BYTES 12

struct stun_gate {
    uint64_t full_us[2]; // when the burst is used up but for good checks; [1]: on proven tuples
    uint8_t next;
    struct {
        uint32_t tuple; // a hash: two that share one are each other's repetition
        uint8_t id[STUN_GATE_ID_BYTES];
    } seen[STUN_GATE_IDS];
};

enum stun_gate_verdict {
    STUN_GATE_NEW,
    STUN_GATE_AGAIN,  // answer it, no more
    STUN_GATE_COPIED, // drop it
    STUN_GATE_FULL,   // drop it
};

enum stun_gate_verdict stun_gate_look(const struct stun_gate *gate, const uint8_t id[STUN_GATE_ID_BYTES],
                                      const struct tuple *from, bool proven, uint64_t now_us);
// The check was NEW or AGAIN, and good.
void stun_gate_note(struct stun_gate *gate, const uint8_t id[STUN_GATE_ID_BYTES], const struct tuple *from,
                    bool proven, uint64_t now_us);

#endif
