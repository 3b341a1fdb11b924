#include "server/web/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *outbox, size_t headroom, size_t bytes_max) {
    *outbox = (struct outbox){.headroom = headroom, .bytes_max = bytes_max, .over_since_us = TIME_NEVER};
    outbox->last = &outbox->first;
}

void outbox_clear(struct outbox *outbox) {
    struct outbox_message *message;
    while ((message = outbox_pop(outbox)))
        free(message);
    assert(outbox->bytes == 0 && outbox->owed_bytes == 0);
}

// Whether a client for whom so many bytes would wait keeps up.
static bool keeps_up(const struct outbox *outbox, size_t bytes, uint64_t now_us) {
    if (bytes <= outbox->bytes_max)
        return true;
    if (bytes > outbox->bytes_max * OUTBOX_BURST)
        return false;
    return outbox->over_since_us == TIME_NEVER || now_us - outbox->over_since_us < OUTBOX_BEHIND_US;
}

enum err outbox_push(struct outbox *outbox, const char *text, size_t len, bool owed, uint64_t now_us) {
    owed = owed && outbox->owed_bytes + len <= outbox->bytes_max * OUTBOX_BURST;
    size_t bytes = outbox->bytes + (owed ? 0 : len);
    if (!owed && !keeps_up(outbox, bytes, now_us))
        return ERR_LIMIT;
    struct outbox_message *message = malloc(sizeof *message + outbox->headroom + len);
    if (!message)
        return ERR_NO_MEMORY;
    message->next = NULL;
    message->len = len;
    message->owed = owed;
    memcpy(message->bytes + outbox->headroom, text, len);
    *outbox->last = message;
    outbox->last = &message->next;
    outbox->bytes = bytes;
    outbox->owed_bytes += owed ? len : 0;
    if (outbox->total)
        *outbox->total += len;
    if (bytes > outbox->bytes_max && outbox->over_since_us == TIME_NEVER)
        outbox->over_since_us = now_us;
    return ERR_OK;
}

struct outbox_message *outbox_pop(struct outbox *outbox) {
    struct outbox_message *message = outbox->first;
    if (!message)
        return NULL;
    size_t *bytes = message->owed ? &outbox->owed_bytes : &outbox->bytes;
    assert(*bytes >= message->len);
    outbox->first = message->next;
    if (!outbox->first)
        outbox->last = &outbox->first;
    *bytes -= message->len;
    if (outbox->total)
        *outbox->total -= message->len;
    if (outbox->bytes <= outbox->bytes_max)
        outbox->over_since_us = TIME_NEVER;
    return message;
}

struct outbox_message *outbox_first(const struct outbox *outbox) {
    return outbox->first;
}

bool outbox_empty(const struct outbox *outbox) {
    return outbox->first == NULL;
}
