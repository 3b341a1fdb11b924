// nack_tracker: which packets of a received stream are missing and when to ask for them (RFC 4585). Pure;
// now_us is given.
//
// At most NACK_PENDING_MAX numbers are remembered; a larger gap, or one that cannot be filled in NACK_TRIES
// tries, asks for a key frame instead. It believes what it is told: whether a number that a repeat claims can
// be one of the stream's is its user's to judge (rooms/media/forwarder_rtp.c). A number is asked for
// NACK_REORDER_US after its gap was seen, then once a round trip.
#ifndef RTP_NACK_TRACKER_H
#define RTP_NACK_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#define NACK_PENDING_MAX 512
#define NACK_TRIES 10
#define NACK_REORDER_US 10000
#define NACK_RETRY_MIN_US 20000
#define NACK_AGE_MAX 10000 // packets behind the newest

struct nack_tracker;
struct nack_tracker *nack_tracker_create(void); // NULL: no memory; its lists are allocated here, not later
void nack_tracker_destroy(struct nack_tracker *tracker);

enum nack_arrival { NACK_NEW, NACK_REPAIRED, NACK_DUPLICATE_OR_OLD };
// A packet has arrived (by itself or unwrapped from RTX). Numbers before a key frame's first packet are given
// up when the list is full. *key_frame_wanted is set when what is missing is beyond repair.
enum nack_arrival nack_tracker_add(struct nack_tracker *tracker, uint16_t seq, bool key_frame,
                                   uint64_t now_us, bool *key_frame_wanted);
// The numbers to ask for now, ascending in serial order, at most max; each counts as asked.
unsigned nack_tracker_due(struct nack_tracker *tracker, uint64_t now_us, uint32_t rtt_us, uint16_t *seqs,
                          unsigned max, bool *key_frame_wanted);
uint64_t nack_tracker_next_us(const struct nack_tracker *tracker, uint32_t rtt_us); // TIME_NEVER for none
unsigned nack_tracker_pending(const struct nack_tracker *tracker);
bool nack_tracker_started(const struct nack_tracker *tracker); // a packet has come since the last reset
void nack_tracker_reset(struct nack_tracker *tracker);

#endif
