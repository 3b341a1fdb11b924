// rtcp_secret: what SRTCP can say about whether a peer receives at a tuple (ice_proof.h). Pure but for
// randomness.
//
// Two questions, each sent to one tuple alone, and their answers, which come in authentic SRTCP from
// wherever:
// - an RRTR (RFC 3611, section 4.4) whose time is a secret; browsers repeat it in a DLRR with their next
//   report, whether they send or receive. Who names a time that was never said is not believed any more
//   after RTCP_SECRET_LIES of them, so 32 bits are enough;
// - a sender report whose time is late by a secret of up to 62 ms; every receiver repeats it in its next
// report
//   (RFC 3550, section 6.4.1). 12 bits are few, so RTCP_SECRET_ECHOES of them are needed, and who names times
//   that nobody told him is not believed either.
#ifndef TRANSPORT_RTCP_SECRET_H
#define TRANSPORT_RTCP_SECRET_H

#include "base/span.h"

#define RTCP_SECRET_QUESTION_BYTES 20
#define RTCP_SECRET_REPORTS 8
#define RTCP_SECRET_ECHOES 2
#define RTCP_SECRET_LIES 3

struct rtcp_secret_report { // a sender report that went out changed
    uint32_t ssrc;
    uint32_t time, told; // the middle of its NTP time (what a report repeats), as it was and as it was told
};

struct rtcp_secrets { // of one peer
    uint32_t key;     // of the tuple to which the reports went; 0: none
    uint8_t next, count;
    uint8_t echoes;
    uint8_t lies;
    struct rtcp_secret_report reports[RTCP_SECRET_REPORTS];
};

// An RRTR of this sender in RTCP_SECRET_QUESTION_BYTES.
void rtcp_secret_ask(uint32_t ssrc, uint32_t secret, uint8_t out[RTCP_SECRET_QUESTION_BYTES]);
// Whether an authentic RTCP datagram repeats it. `before` is what the same sender said earlier (0: nothing),
// which a late report may repeat.
bool rtcp_secret_answered(struct rtcp_secrets *secrets, struct span datagram, uint32_t ssrc, uint32_t secret,
                          uint32_t before);

// Changes the times of the sender reports in a datagram of ours that goes to the tuple with this key alone.
// Another key than before: what was told elsewhere is forgotten. False: there was none in it.
bool rtcp_secret_mark(struct rtcp_secrets *secrets, uint32_t key, uint8_t *datagram, size_t len);
// An authentic RTCP datagram; true when it completes the proof for the tuple of secrets->key.
bool rtcp_secret_echo(struct rtcp_secrets *secrets, struct span datagram);

#endif
