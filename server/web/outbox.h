// outbox: the messages that wait to be written to one WebSocket client, bounded in bytes.
//
// Each message is one allocation with free space in front, so that a frame header can be put there without
// copying. One thread.
#ifndef SERVER_OUTBOX_H
#define SERVER_OUTBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox_message {
    struct outbox_message *next;
    size_t len;
    uint8_t bytes[]; // headroom, then len bytes
};

struct outbox {
    struct outbox_message *first, **last;
    size_t headroom;
    size_t bytes, bytes_max; // queued now; bound
};

void outbox_init(struct outbox *outbox, size_t headroom, size_t bytes_max);
void outbox_clear(struct outbox *outbox);

// Copies the text to the end. ERR_LIMIT when it would pass the bound, ERR_NO_MEMORY; then nothing changed.
MUST_USE enum err outbox_push(struct outbox *outbox, const char *text, size_t len);
// Takes out the oldest message, to be freed with free(); NULL when empty.
struct outbox_message *outbox_pop(struct outbox *outbox);
// The same, left where it is.
struct outbox_message *outbox_first(const struct outbox *outbox);
bool outbox_empty(const struct outbox *outbox);

#endif
