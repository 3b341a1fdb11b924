// history: the last packets of one received stream, shared by all its consumers to answer NACKs. Pure; one
// thread.
//
// Holds references to prepared blocks, found by the publisher's sequence number in O(1). A packet leaves when
// HISTORY_SLOTS newer ones came or when it is older than HISTORY_AGE_US (history_expire, or at insertion).
#ifndef RTP_HISTORY_H
#define RTP_HISTORY_H

#include "base/pool.h"

#define HISTORY_SLOTS 1024 // power of two
#define HISTORY_AGE_US 1500000

struct history;
struct history *history_create(void); // NULL: no memory
void history_destroy(struct history *history);
// Takes a reference of its own. A jump of more than half the slots, or backwards beyond them, empties it
// first.
void history_put(struct history *history, uint16_t seq, struct block *prepared, uint64_t now_us);
struct block *history_get(const struct history *history, uint16_t seq,
                          uint64_t now_us); // NULL: not there (any more)
// Lets go of what is too old; at most `max` packets a call. Returns how many were let go.
unsigned history_expire(struct history *history, uint64_t now_us, unsigned max);
void history_clear(struct history *history);
unsigned history_count(const struct history *history);

#endif
