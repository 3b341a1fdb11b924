// sent_store: the last packets of one receiver's stream as they went out, encrypted, for receivers that want
// them again under the same number (no RTX). What is sent again is the stored datagram itself: a new
// encryption under an index that was used would give the key away (RFC 7714, section 8.4).
//
// Holds references to blocks; each for SENT_AGE_US at most, SENT_STORE_SLOTS of them. `held` counts those of
// all stores of a worker: when it has reached SENT_BLOCKS_MAX nothing more is kept, and what is asked for
// again is not there. One thread.
#ifndef ROOMS_SENT_STORE_H
#define ROOMS_SENT_STORE_H

#include "base/pool.h"

#define SENT_STORE_SLOTS 256 // power of two
#define SENT_AGE_US 1500000
#define SENT_BLOCKS_MAX 65536 // of a worker: 128 MiB
#define SOUND_STORES_EARLY 64 // consumers of sound that have one before they ask; of a worker

struct sent_store;
struct sent_store *sent_store_create(uint32_t *held); // NULL: no memory
void sent_store_destroy(struct sent_store *store);    // NULL is fine

// Takes a reference of its own. Indexes may come out of order, each once.
void sent_store_put(struct sent_store *store, uint64_t index, struct block *sealed, uint64_t now_us);
// The newest packet whose index has these low bits; NULL: not there (any more).
struct block *sent_store_get(const struct sent_store *store, uint16_t seq, uint64_t now_us);
void sent_store_expire(struct sent_store *store, uint64_t now_us); // lets go of what is too old
void sent_store_clear(struct sent_store *store);

#endif
