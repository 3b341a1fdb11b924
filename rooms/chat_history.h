// chat_history: the last messages of a room's chat, as the JSON text in which they are sent again to those
// who join, bounded in number and in bytes.
//
// Control thread. Text costs a tenth of what the same message costs as JSON values, and its length is what a
// joiner will have to take.
#ifndef ROOMS_CHAT_HISTORY_H
#define ROOMS_CHAT_HISTORY_H

#include "base/err.h"
#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

struct chat_entry {
    struct list link;
    size_t len;
    char text[];
};

struct chat_history {
    struct list entries; // struct chat_entry, oldest first
    uint32_t count;
    size_t bytes; // of all texts
};

void chat_history_init(struct chat_history *history);
void chat_history_clear(struct chat_history *history);

// Copies the text to the end; the oldest go until count_max and bytes_max are kept. A text that is longer
// than bytes_max is not remembered, and pushes nothing out. ERR_NO_MEMORY: nothing changed.
MUST_USE enum err chat_history_add(struct chat_history *history, const char *text, size_t len,
                                   uint32_t count_max, size_t bytes_max);

#endif
