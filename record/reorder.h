// reorder: RTP packets of one stream in the order of their numbers, within a window of time: what is late is
// waited for, what does not come in that time is given up. Copies what it is given. Sans I/O. One thread.
#ifndef RECORD_REORDER_H
#define RECORD_REORDER_H

#include "base/span.h"

#define REORDER_PACKETS_MAX 2048 // that may wait; beyond half of it, what they wait for is given up
// Nobody waits for a file, so this is as long as any repair of a publisher's link may take
// (rtp/nack_tracker.h), and as long as the server has what it sent.
#define REORDER_WINDOW_US UINT64_C(1500000)

struct reorder;

struct reorder *reorder_create(void);    // NULL: no memory
void reorder_destroy(struct reorder *r); // NULL is fine

// A packet of at most 65535 bytes. False: a duplicate, too late, or no memory.
bool reorder_push(struct reorder *r, uint16_t seq, struct span packet, uint64_t now_us);

struct reordered {
    struct span packet; // until the next call
    uint64_t arrived_us;
    bool gap; // packets before it were given up, or the stream began anew
};
// The next one that is due. `all`: waits for nothing, as at the end.
bool reorder_next(struct reorder *r, uint64_t now_us, bool all, struct reordered *out);
uint64_t reorder_waited_us(const struct reorder *r, uint64_t now_us); // for what is missing; 0: nothing is
uint64_t reorder_lost(const struct reorder *r);                       // packets that were given up

#endif
