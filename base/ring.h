// ring: a bounded queue of fixed-size messages from one thread to one other (SPSC, C11 atomics, no lock).
//
// Exactly one thread calls the producer's functions and exactly one the consumer's. A message is filled in or
// read in place. Wake-ups are the user's business and coalesce: drain the ring at each one.
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

// capacity is a power of two. NULL when out of memory. Memory is touched only as it is used.
struct ring *ring_create(size_t message_bytes, uint32_t capacity);
void ring_destroy(struct ring *ring); // NULL is fine

// Producer: a free slot to fill in, or NULL when full; ring_push makes it visible.
void *ring_reserve(struct ring *ring);
void ring_push(struct ring *ring);
uint32_t ring_room(struct ring *ring); // free slots, or more by now

// Consumer: the oldest message, or NULL when empty; ring_pop frees its slot.
void *ring_peek(struct ring *ring);
void ring_pop(struct ring *ring);
uint32_t ring_waiting(struct ring *ring); // messages to take, or more by now

#endif
