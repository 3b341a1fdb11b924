// congestion: what one transport's link carries, and what follows from it: the estimate (rtp/cc/bandwidth.h),
// the shares of its consumers (allocator.h), who waits (pacer.h), and the padding that probes (padding.c).
// Worker side; belongs to an endpoint, from its first video consumer on.
//
// Nothing is limited until its receiver is known to tell what arrives: when it has negotiated transport-wide
// numbers the estimate counts from the start, but when nothing has been heard for CONGESTION_DEAF_US of
// sending, as if there were none. Ceilings (set-max-bitrate, the setting) hold in any case. Allocates when it
// is opened, and in its timer.
#ifndef ROOMS_CONGESTION_H
#define ROOMS_CONGESTION_H

#include "rooms/media/link_mates.h"
#include "rooms/media/link_trial.h"
#include "rooms/media/media_objects.h"
#include "rooms/media/pacer.h"
#include "rtp/cc/bandwidth.h"
#include "rtp/cc/min_window.h"

#define CONGESTION_WIRE_BYTES 44 // that a packet gains by SRTP (16), UDP and IPv4
#define CONGESTION_START_BPS 800000
#define CONGESTION_DEAF_US 2000000
#define CONGESTION_IDLE_US 2000000      // without a packet its timer rests
#define CONGESTION_SHARE_US 250000      // at least so often the shares are looked at
#define CONGESTION_SHARE_CALM_US 500000 // while the link carries more than is wanted
#define CONGESTION_SHARE_SOON_US 100000 // and at most so often, unless the link is full
#define CONGESTION_PACED_US 10000000    // after the last sign that the link is full
#define CONGESTION_DRAIN_PERCENT 80     // of the estimate, while a queue stands
#define CONGESTION_PACE_PERCENT 100     // of the estimate
#define CONGESTION_BACKLOG_US 100000    // of a run that is over
#define CONGESTION_NEXT_PERCENT 10      // above what the next step costs, to be probed for
#define CONGESTION_REFUTED_US 30000000
// Of what is wanted, above it: so much must the last probe have shown; more where it found the link's end, or
// where the estimate is no probe's.
#define CONGESTION_FREE_PERMILLE 20
#define CONGESTION_FREE_FILLED_PERMILLE 83
// Beyond what is to be given more, so that there is room left for others: more of it for who would have more
// than twice of what he has, since he would take it from a rival who has as much.
#define CONGESTION_TRIAL_MORE_PERCENT 15
#define CONGESTION_TRIAL_DOUBLE_PERCENT 25
// And for a step of several at once: who cannot keep it makes the others' pictures go as well.
#define CONGESTION_TRIAL_MATES_PERMILLE 10
#define CONGESTION_TRIAL_PACKET_BYTES 1200
#define CONGESTION_MATE_US 1500000     // for which a mate counts of which nothing is heard
#define CONGESTION_TURN_US 5000000     // that a trial waits for those of mates
#define CONGESTION_CARRIED_US 60000000 // that is remembered of what a link has carried
// With a queue of this for so long, or a long one for less, and while less arrives than this much of what did
// before, it has become narrower: what was known of it counts no more, what clusters have shown for so long,
// and for some seconds less is sent than it carries.
#define CONGESTION_QUEUE_US 50000
#define CONGESTION_FILLED_US 300000
#define CONGESTION_LONG_US 100000
#define CONGESTION_FILLED_LONG_US 100000
#define CONGESTION_NARROW_PERCENT 85
#define CONGESTION_SEEN_US 20000000
#define CONGESTION_STRAINED_US 3000000
#define CONGESTION_BEHIND_US 10000000
#define CONGESTION_EVEN_PERCENT 97
// Numbers that no packet is given (bandwidth_sent_nothing): so often, about, and so many at most in a row.
#define CONGESTION_SKIP_US 400000
#define CONGESTION_SKIP_SPREAD_US 400000
#define CONGESTION_SKIP_NUMBERS 8
#define PADDING_PACKETS_MAX 64     // at once
#define CONGESTION_ROOM_PERCENT 35 // more than what is wanted: enough for repeats that nobody has asked for
#define PROBATION_SSRC 1234        // what mediasoup-client expects of a probation stream
#define PROBATION_PAYLOAD_TYPE 127
#define PROBATION_MID "probator"

// What is known of a link that others share, all zero to begin with (congestion_mates.h).
struct congestion_common {
    struct link_mates mates;      // who they are
    bool shares;                  // the last shares were made with theirs in mind,
    bool wanted;                  // and some of them wanted more
    uint64_t most_bps;            // that they leave to it, with sound; 0: nobody shares
    uint64_t even_bps;            // an even part, with sound
    uint32_t part_bps;            // its part, which is what it is told of; with sound
    uint64_t behind_bps;          // that a trial adds for those who would be left behind
    uint64_t behind_us;           // since when others have clearly more; 0: they do not
    bool missed;                  // and a trial was refuted meanwhile
    uint32_t acked_bps, seen_bps; // what arrives here, and what was seen of the link, as of told_us
    uint64_t told_us;             // 0: never
    struct min_window carried;    // what has arrived at all of them, negative, in kbit/s
    uint32_t queue_us;            // at the last feedback
    uint64_t filled_us;           // since when a queue is there; 0: none is
    uint64_t turn_us;             // since when it waits for others to have tried; 0: it does not
    uint64_t narrow_us;           // when it was found to be narrower than before; 0: never
};

struct congestion {
    struct endpoint *endpoint;
    struct bandwidth *bandwidth;
    struct pacer pacer;
    bool numbered;                // some consumer's receiver acknowledges numbers, or says that it will
    bool named;                   // it answers with RFC 8888 feedback: packets are found by SSRC and number
    bool heard;                   // it has told what arrives
    bool told;                    // by transport-wide numbers
    bool proven;                  // the link has been seen to be full
    bool stands;                  // a queue does
    bool limits;                  // the last shares were made of an estimate or a ceiling
    bool works;                   // there is an estimate, or a ceiling, to go by
    bool ticking;                 // while something is sent or wanted
    bool plain;                   // a packet with a number is noted and nothing else: not named, ticking
    uint64_t begun_us;            // the first numbered one since the path changed
    struct rate_meter audio_rate; // on the wire
    struct wheel_node timer;
    uint64_t tick_us, share_us; // when these are due
    uint64_t observe_us;        // when it is counted next
    uint64_t over_us;           // allocator_link
    uint64_t limited_us;        // when the link was seen to be full last; 0: never
    uint32_t shared_bps;        // the estimate that the last shares were made of
    uint64_t granted_bps;       // to its consumers, with sound
    uint64_t demand_bps;        // with sound
    uint64_t next_bps;          // with the next step; with sound
    struct link_trial trial;
    struct congestion_common common;
    uint64_t refuted_us;      // when a trial failed last; 0: never
    bool refuted;             // the last trial failed, and the shares have not heard of it yet
    bool renewed;             // it is another link than that one, and the shares have not heard of it yet
    uint32_t renewals;        // of the estimate, as far as they are known
    uint64_t skip_us, skips;  // when numbers are left out next, and how often they have been
    uint8_t spread;           // allocator_link
    uint64_t probation_index; // next of the probation stream
    unsigned pad_turn;
    uint64_t padding_bytes;
};

// False: no memory.
bool congestion_open(struct endpoint *ep, uint64_t now_us);
void congestion_close(struct endpoint *ep); // NULL inside is fine
// A consumer has come, goes, or changed what it wants: the shares are made anew.
void congestion_changed(struct endpoint *ep, uint64_t now_us);
void congestion_gone(struct endpoint *ep); // the same, when one is closed
// Nothing of this consumer waits any more.
void congestion_forget(struct consumer *c);
// Another address.
void congestion_path_changed(struct congestion *cg, uint64_t now_us);
void congestion_set_max(struct congestion *cg, uint64_t now_us); // endpoint.max_bps has changed

// ---- what the receiver says; false: malformed
bool congestion_twcc(struct congestion *cg, struct span fci, uint64_t now_us);
bool congestion_ccfb(struct congestion *cg, struct span body, uint64_t now_us);
void congestion_remb(struct congestion *cg, uint64_t bps, uint64_t now_us);

// ---- where packets pass
void congestion_wake(struct congestion *cg, uint64_t now_us);

// A packet of this consumer leaves, with the number endpoint.transport_seq.
void congestion_sent_any(struct consumer *c, uint32_t ssrc, uint16_t seq, uint16_t number, uint16_t bytes,
                         bool probe, uint64_t now_us);
static inline void congestion_sent(struct consumer *c, uint32_t ssrc, uint16_t seq, uint16_t len, bool probe,
                                   uint64_t now_us) {
    struct congestion *cg = c->endpoint->congestion;
    uint16_t number = c->endpoint->transport_seq++, bytes = (uint16_t)(len + CONGESTION_WIRE_BYTES);
    if (!cg || !cg->works)
        return;
    if (cg->plain && cg->pacer.rate_bps == 0 && c->acknowledges)
        bandwidth_sent(cg->bandwidth, number, bytes, probe, now_us);
    else
        congestion_sent_any(c, ssrc, seq, number, bytes, probe, now_us);
    if (c->params.kind == MEDIA_AUDIO)
        rate_meter_add(&cg->audio_rate, bytes, now_us);
}

// One that has gone out already, under its old numbers.
static inline void congestion_sent_again(struct consumer *c, uint16_t len, uint64_t now_us) {
    struct congestion *cg = c->endpoint->congestion;
    if (!cg)
        return;
    bandwidth_sent_unnumbered(cg->bandwidth, (uint16_t)(len + CONGESTION_WIRE_BYTES), now_us);
    if (cg->pacer.rate_bps)
        pacer_spend(&cg->pacer, (uint16_t)(len + CONGESTION_WIRE_BYTES), now_us);
}

// A packet of this consumer has to wait for its turn (congestion_hold).
static inline bool congestion_is_busy(struct consumer *c, uint64_t now_us) {
    struct congestion *cg = c->endpoint->congestion;
    return cg && pacer_paces(&cg->pacer) && c->params.kind == MEDIA_VIDEO &&
           !pacer_passes(&cg->pacer, now_us);
}
// The block is the pacer's now, and comes back by consumer_release; or never, when it is not to leave any
// more. What leaves gets its numbers then.
void congestion_hold(struct block *b, const struct pacer_note *note, uint64_t now_us);
// Something of this transport waits.
static inline bool congestion_is_waiting(const struct endpoint *ep) {
    return ep->congestion && ep->congestion->pacer.count > 0;
}
// The link is full, or was lately: nothing is to be sent that can be left out.
static inline bool congestion_is_paced(const struct endpoint *ep) {
    return ep->congestion && ep->congestion->pacer.rate_bps != 0;
}
// It is not known that the link carries little more than what is wanted of it.
static inline bool congestion_has_room(const struct endpoint *ep) {
    const struct congestion *cg = ep->congestion;
    return !cg || !cg->heard ||
           (!cg->proven && cg->pacer.rate_bps == 0 &&
            cg->shared_bps > cg->demand_bps + cg->demand_bps * CONGESTION_ROOM_PERCENT / 100);
}
// A run of this consumer begins, with a key frame. What waits of the one before leaves now, under numbers of
// that; when it is more than a moment's it would only keep the new one waiting, and never leaves.
void congestion_begin_run(struct consumer *c, uint64_t now_us);

// ---- for statistics
struct bandwidth_state congestion_state(const struct congestion *cg);
// What its link carries, or its part of one that others are known to share.
uint32_t congestion_estimate_bps(const struct congestion *cg, const struct bandwidth_state *state);
enum link_reason congestion_link_reason(enum bandwidth_reason reason);
bool congestion_counts(const struct congestion *cg, uint64_t now_us); // the estimate limits something

// ---- padding.c: sends about so many bytes that say nothing; returns how many.
bool padding_can(struct congestion *cg); // there is something to send it on, and it would be acknowledged
uint32_t padding_send(struct congestion *cg, uint32_t bytes, uint16_t packet_bytes, uint64_t now_us);

#endif
