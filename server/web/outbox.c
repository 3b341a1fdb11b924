#include "server/web/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *outbox, size_t headroom, size_t bytes_max) {
    *outbox = (struct outbox){.headroom = headroom, .bytes_max = bytes_max};
    outbox->last = &outbox->first;
}

void outbox_clear(struct outbox *outbox) {
    struct outbox_message *message;
    while ((message = outbox_pop(outbox)))
        free(message);
    assert(outbox->bytes == 0);
}

enum err outbox_push(struct outbox *outbox, const char *text, size_t len) {
    assert(outbox->bytes <= outbox->bytes_max);
    if (len > outbox->bytes_max - outbox->bytes)
        return ERR_LIMIT;
    struct outbox_message *message = malloc(sizeof *message + outbox->headroom + len);
    if (!message)
        return ERR_NO_MEMORY;
    message->next = NULL;
    message->len = len;
    memcpy(message->bytes + outbox->headroom, text, len);
    *outbox->last = message;
    outbox->last = &message->next;
    outbox->bytes += len;
    return ERR_OK;
}

struct outbox_message *outbox_pop(struct outbox *outbox) {
    struct outbox_message *message = outbox->first;
    if (!message)
        return NULL;
    assert(outbox->bytes >= message->len);
    outbox->first = message->next;
    if (!outbox->first)
        outbox->last = &outbox->first;
    outbox->bytes -= message->len;
    return message;
}

struct outbox_message *outbox_first(const struct outbox *outbox) {
    return outbox->first;
}

bool outbox_empty(const struct outbox *outbox) {
    return outbox->first == NULL;
}
