// outbox: the messages that wait to be written to one WebSocket client, bounded in bytes and in time.
//
// A client that reads slowly for a moment is not to be cut off: what waits may pass the bound, up to
// OUTBOX_BURST times of it, for OUTBOX_BEHIND_US. What the client is owed because it has just joined (its
// answer, which everybody in the room has a part in) does not count at all, up to OUTBOX_BURST bounds of it.
//
// Each message is one allocation with free space in front, so that a frame header can be put there without
// copying. One thread.
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_BEHIND_US (10 * US_PER_SECOND) // over the bound for so long: the client does not keep up
#define OUTBOX_BURST 4

struct outbox_message {
    struct outbox_message *next;
    size_t len;
    bool owed;
    uint8_t bytes[]; // headroom, then len bytes
};

struct outbox {
    struct outbox_message *first, **last;
    size_t headroom;
    size_t bytes, bytes_max; // queued now, without what is owed; bound
    size_t owed_bytes;       // queued now
    uint64_t over_since_us;  // when `bytes` passed the bound; TIME_NEVER while it has not
    size_t *total;           // bytes of all outboxes that share it, or NULL
};

void outbox_init(struct outbox *outbox, size_t headroom, size_t bytes_max);
void outbox_clear(struct outbox *outbox);

// Copies the text to the end. ERR_LIMIT when the client does not keep up, ERR_NO_MEMORY; then nothing
// changed.
MUST_USE enum err outbox_push(struct outbox *outbox, const char *text, size_t len, bool owed,
                              uint64_t now_us);
// Takes out the oldest message, to be freed with free(); NULL when empty.
struct outbox_message *outbox_pop(struct outbox *outbox);
// The same, left where it is.
struct outbox_message *outbox_first(const struct outbox *outbox);
bool outbox_empty(const struct outbox *outbox);

#endif
