// sent_ring: what was sent over one transport and is not yet forgotten, by transport-wide number. Pure; owned
// by one struct bandwidth.
//
// Eight bytes a packet. It is allocated when it is wanted and grows while packets are overwritten that might
// still be acknowledged (sent_ring_reserve); where packets pass nothing is allocated. Numbers are its user's
// and go up; those of the last `size` are there. With RFC 8888 it gives the numbers itself and finds them by
// SSRC and sequence number: eight bytes more a packet, and two for the hash.
#ifndef RTP_CC_SENT_RING_H
#define RTP_CC_SENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SENT_RING_MIN 512
#define SENT_RING_MAX 4096
#define SENT_AGE_MAX_US 10000000 // older ones are not acknowledged any more

enum sent_fate {
    SENT_NEVER,   // no such packet
    SENT_FLYING,  // not heard of
    SENT_UNTOLD,  // the feedback about it was lost
    SENT_MISSING, // told to be lost; may come yet
    SENT_ACKED,
    SENT_NOTHING, // a number that no packet was given, so that whoever says that it came is known
};

struct sent_packet {
    uint32_t sent_us; // low 32 bits
    uint16_t bytes;
    uint8_t fate;    // enum sent_fate
    uint8_t cluster; // of which probe; 0: none
};
_Static_assert(sizeof(struct sent_packet) == 8, "there are many");

struct sent_name { // with RFC 8888
    uint32_t ssrc;
    uint16_t seq;
    uint16_t previous; // number of the packet before it in its bucket
};

struct sent_ring {
    struct sent_packet *packets; // [number & (size - 1)]; NULL: not allocated
    struct sent_name *names;     // NULL: not RFC 8888
    uint16_t *buckets;           // [hash]: number of the newest packet
    uint16_t size;               // power of two; 0
    uint16_t newest;             // number
    bool started, wanted, names_wanted;
    bool tight; // something that flew was overwritten
};

void sent_ring_free(struct sent_ring *ring);
size_t sent_ring_memory(const struct sent_ring *ring);
// Whether sent_ring_reserve() would allocate: something was sent that there was no place for.
static inline bool sent_ring_short(const struct sent_ring *ring) {
    return (ring->wanted && !ring->packets) || (ring->names_wanted && !ring->names) ||
           (ring->tight && ring->size < SENT_RING_MAX);
}
// Allocates what is missing, or grows; false: no memory, it stays as it is and may be asked again.
bool sent_ring_reserve(struct sent_ring *ring);

// The usual case of sent_ring_add: the number after the newest one. False: it is not that, nothing is done.
static inline bool sent_ring_add_next(struct sent_ring *ring, uint16_t number, uint16_t bytes,
                                      uint64_t now_us) {
    if (!ring->started || number != (uint16_t)(ring->newest + 1))
        return false;
    struct sent_packet *slot = &ring->packets[number & (ring->size - 1u)];
    ring->tight |= slot->fate == SENT_FLYING;
    *slot = (struct sent_packet){.sent_us = (uint32_t)now_us, .bytes = bytes, .fate = SENT_FLYING};
    ring->newest = number;
    return true;
}
// False: there is no ring yet.
bool sent_ring_add(struct sent_ring *ring, uint16_t number, const struct sent_packet *packet);
// Gives it the next number. False: there is no ring yet.
bool sent_ring_add_named(struct sent_ring *ring, uint32_t ssrc, uint16_t seq,
                         const struct sent_packet *packet);
// NULL: never sent, or forgotten.
static inline struct sent_packet *sent_ring_find(const struct sent_ring *ring, uint16_t number) {
    if (!ring->started || (uint16_t)(ring->newest - number) >= ring->size)
        return NULL;
    struct sent_packet *packet = &ring->packets[number & (ring->size - 1u)];
    return packet->fate == SENT_NEVER ? NULL : packet;
}
// The first of those before `number` that were sent one after the other and are still there; or `number`.
uint16_t sent_ring_oldest(const struct sent_ring *ring, uint16_t number);
// How many have been sent since one that was found.
static inline uint16_t sent_ring_back(const struct sent_ring *ring, const struct sent_packet *packet) {
    return (uint16_t)(ring->newest - (uint16_t)(packet - ring->packets)) & (uint16_t)(ring->size - 1u);
}
struct sent_packet *sent_ring_find_named(const struct sent_ring *ring, uint32_t ssrc, uint16_t seq);
void sent_ring_forget(struct sent_ring *ring); // everything that flies

// When it was sent, of a packet that is at most 71 minutes old.
static inline uint64_t sent_packet_us(const struct sent_packet *packet, uint64_t now_us) {
    return now_us - (uint32_t)((uint32_t)now_us - packet->sent_us);
}

#endif
