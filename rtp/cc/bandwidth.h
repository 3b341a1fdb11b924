// bandwidth: how much one receiving transport can take: send-side congestion control for what goes out over
// it (draft-ietf-rmcat-gcc, requirements of RFC 8836). Pure: feedback and now_us in, a target rate out.
//
// What leaves is noted (bandwidth_sent and its siblings); what the receiver says about it comes in as
// transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), as RFC 8888 feedback, or,
// from receivers that know neither, as REMB and reports. The target is the lowest of what delay, loss, REMB
// and the ceiling allow, and never below min_bps. While the sender has less to send than the target, only
// probes can show that there is more room: bandwidth_probe() says when padding should go out, and
// bandwidth_demand() bounds it, since nobody needs to know of room that nobody would use.
//
// Feedback is authentic but may lie. It is read whole before anything changes; a number counts once, and only
// if it was sent and is not too old; rates are of bytes that were really sent, over the longer of the two
// times (theirs, ours). So a liar can lower his own rate or lift it to the ceiling's bounds, and no more.
//
// One thread. All rates in bits a second and of bytes on the wire, with IP, UDP and SRTP; times in
// microseconds of the worker's clock, which never goes back. Memory: bandwidth_memory(); the ring of what was
// sent is allocated by bandwidth_tick() when something with a number was sent, and grows there, never where
// packets pass.
#ifndef RTP_CC_BANDWIDTH_H
#define RTP_CC_BANDWIDTH_H

#include "base/span.h"
#include "rtp/cc/sent_ring.h"

#define BANDWIDTH_TICK_US 25000       // bandwidth_tick() is wanted about so often while something is sent,
#define BANDWIDTH_CALM_TICK_US 200000 // and so often while it is calm
#define BANDWIDTH_MIN_BPS 30000
#define BANDWIDTH_MAX_BPS UINT32_C(1000000000)

struct bandwidth_config {
    uint32_t start_bps, min_bps, max_bps; // put in order and between the two limits above
};

struct bandwidth;
struct bandwidth *bandwidth_create(const struct bandwidth_config *config, uint64_t now_us); // NULL: no memory
void bandwidth_destroy(struct bandwidth *b);                                                // NULL is fine
size_t bandwidth_memory(const struct bandwidth *b); // bytes that it holds now

// ---- what was sent
// What a packet touches when it leaves: the first part of struct bandwidth, which is its owner's alone.
struct bandwidth_front {
    struct sent_ring ring;
    uint64_t sent_bytes, padding_bytes; // ever; padding is part of it
    uint64_t sent_us;                   // the last packet; 0: none yet
    bool probing;                       // packets that leave now belong to a cluster
};
#define BANDWIDTH_PAUSE_US 500000 // in sending: who says nothing then is not silent

// A packet with a transport-wide number, when it is handed to the socket, padding too. Numbers go up by one
// from packet to packet; numbers that are left out count as never sent.
void bandwidth_sent_any(struct bandwidth *b, uint16_t transport_seq, uint16_t bytes, bool probe,
                        uint64_t now_us);
// The same: one entry of the ring and one sum, but after a pause and while a probe is under way.
static inline void bandwidth_sent(struct bandwidth *b, uint16_t transport_seq, uint16_t bytes, bool probe,
                                  uint64_t now_us) {
    struct bandwidth_front *front = (struct bandwidth_front *)(void *)b;
    if (probe || front->probing || now_us - front->sent_us > BANDWIDTH_PAUSE_US ||
        !sent_ring_add_next(&front->ring, transport_seq, bytes, now_us)) {
        bandwidth_sent_any(b, transport_seq, bytes, probe, now_us);
        return;
    }
    front->sent_bytes += bytes;
    front->sent_us = now_us;
}
static inline uint64_t
bandwidth_sent_us(const struct bandwidth *b) { // when the last packet left; 0: none yet
    return ((const struct bandwidth_front *)(const void *)b)->sent_us;
}
// The same for a receiver that answers with RFC 8888 feedback: the packet is found by SSRC and number again.
// One transport uses the one or the other, not both.
void bandwidth_sent_rtp(struct bandwidth *b, uint32_t ssrc, uint16_t seq, uint16_t bytes, bool probe,
                        uint64_t now_us);
// A transport-wide number that no packet is given. Who says that it came has said so of what he has not seen,
// and nothing that he says is believed for a while, the longer the more often it happens.
void bandwidth_sent_nothing(struct bandwidth *b, uint16_t transport_seq, uint64_t now_us);
// For packets that nobody will acknowledge: only counted.
void bandwidth_sent_unnumbered(struct bandwidth *b, uint16_t bytes, uint64_t now_us);

// ---- what the receiver says; false: malformed, and nothing has changed
// fci: what follows the two SSRCs of a transport-wide feedback packet (RTPFB, FMT 15), without padding.
bool bandwidth_twcc(struct bandwidth *b, struct span fci, uint64_t now_us);
// body: what follows the sender's SSRC of an RFC 8888 packet (RTPFB, FMT 11): report blocks and the
// timestamp.
bool bandwidth_ccfb(struct bandwidth *b, struct span body, uint64_t now_us);
void bandwidth_remb(struct bandwidth *b, uint64_t bps, uint64_t now_us);
// From a receiver report about what we sent: in 256ths; rtt_us 0: not known. Matters for the loss of
// receivers without transport-wide numbers, and for the round trip of all.
void bandwidth_report(struct bandwidth *b, uint8_t fraction_lost, uint32_t rtt_us, uint64_t now_us);

// ---- what is wanted
// What its consumers would take altogether if the link were free; 0: nothing, so nothing is probed.
void bandwidth_demand(struct bandwidth *b, uint64_t demand_bps, uint64_t now_us);
// How much of it is of use as long as the link is what it was when more was refuted: probes show no more than
// that, until one comes through so much faster than any did then that it is another link (state.renewals).
void bandwidth_seek(struct bandwidth *b, uint64_t sought_bps);
void bandwidth_set_max(struct bandwidth *b, uint32_t max_bps);
// Its packets go to another address from now on: nothing that was learned holds, and it starts fast again.
void bandwidth_path_changed(struct bandwidth *b, uint64_t now_us);

// ---- time
void bandwidth_tick(struct bandwidth *b, uint64_t now_us);
uint64_t
bandwidth_next_us(const struct bandwidth *b); // when bandwidth_tick() has something to do; TIME_NEVER

// ---- what comes of it
enum bandwidth_reason {
    BANDWIDTH_START,       // nothing has been learned yet
    BANDWIDTH_DELAY,       // a queue grows, or grew when it was tried last
    BANDWIDTH_LOSS,        // packets are lost because of the rate
    BANDWIDTH_PROBE,       // what the last probe showed
    BANDWIDTH_APPLICATION, // less is sent than could be, so nobody knows more
    BANDWIDTH_REMB,        // the receiver says so
    BANDWIDTH_CEILING,     // max_bps
    BANDWIDTH_SILENT,      // nothing is acknowledged any more
    BANDWIDTH_REASONS,
};
const char *bandwidth_reason_name(enum bandwidth_reason reason); // "delay", ...

struct bandwidth_state {
    uint32_t target_bps; // min_bps..max_bps
    uint32_t acked_bps;  // what arrived, over the last half second or so; 0: not known
    uint32_t sent_bps;   // what was handed over in the last half second
    uint32_t rtt_us;     // smoothed; 0: not known
    uint32_t queue_us; // how much longer the fastest packet of the last moments took than the fastest lately
    uint32_t trip_us;  // how much longer the newest packet and the word of it took together than the fastest
    float loss;        // share of packets, 0..1, over the last second or two
    uint64_t ecn_ce;   // packets that came with an ECN mark; only counted, since we send without ECT
    enum bandwidth_reason reason;
    bool congested;    // a queue stands: send nothing that can wait
    bool competes;     // the queue is that of others, and goes on: the target is a fair share of the link
    bool stands;       // or begins to
    bool stalled;      // what looks like a queue is a machine that had stopped: it says nothing yet
    uint32_t noise_us; // of queue_us, that may be something else
    bool filled;       // the last probe found the link full
    uint32_t seen_bps; // the most that the link has been seen to carry lately; 0: it has not been full
    bool probing;      // a cluster is under way, or waits for its result
    bool climbs;       // clusters over another link show more and more: the next is due
    uint32_t
        renewals; // how often it has turned out to be another link than the one on which more was refuted
};
struct bandwidth_state bandwidth_state(const struct bandwidth *b);
// The link carries more than is wanted, and for some time nothing has spoken against it: the target stands
// still, feedback is only looked at for signs of something else, and ticks are rare.
bool bandwidth_is_calm(const struct bandwidth *b);

// A probe that wants to go out: its rate (0: there is none), and how many bytes are wanted of it now. What is
// sent meanwhile counts for it, whether it is padding or not; so ask, send so much padding, and ask again
// when the next packet or millisecond is due. packet_bytes: the size that padding packets should have at
// most, so that there are enough of them to measure.
struct bandwidth_probe {
    uint32_t rate_bps;
    uint32_t bytes;
    uint16_t packet_bytes;
};
struct bandwidth_probe bandwidth_probe(struct bandwidth *b, uint64_t now_us);

// Its owner tries the link by himself until then, with packets that are noted as probes: there are no
// clusters meanwhile, and the queue that comes of it is not taken for the link's.
void bandwidth_hold_probes(struct bandwidth *b, uint64_t until_us);
// That showed that it carries what was tried: clusters may follow at once.
void bandwidth_release_probes(struct bandwidth *b, uint64_t now_us);
// That showed that the link does not carry more than what comes, above what is needed now.
void bandwidth_refute(struct bandwidth *b, uint32_t needed_bps, uint64_t now_us);
// Bytes that have been sent ever.
static inline uint64_t bandwidth_sent_bytes(const struct bandwidth *b) {
    return ((const struct bandwidth_front *)(const void *)b)->sent_bytes;
}

#endif
