#include "rooms/chat_history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void chat_history_init(struct chat_history *history) {
    *history = (struct chat_history){0};
    list_init(&history->entries);
}

static void drop_oldest(struct chat_history *history) {
    struct chat_entry *entry = LIST_ENTRY(history->entries.next, struct chat_entry, link);
    assert(history->count > 0 && history->bytes >= entry->len);
    history->count--;
    history->bytes -= entry->len;
    list_remove(&entry->link);
    free(entry);
}

void chat_history_clear(struct chat_history *history) {
    while (history->count > 0)
        drop_oldest(history);
}

enum err chat_history_add(struct chat_history *history, const char *text, size_t len, uint32_t count_max,
                          size_t bytes_max) {
    if (count_max == 0 || len > bytes_max)
        return ERR_OK;
    struct chat_entry *entry = malloc(sizeof *entry + len);
    if (!entry)
        return ERR_NO_MEMORY;
    entry->len = len;
    memcpy(entry->text, text, len);
    while (history->count >= count_max || len > bytes_max - history->bytes)
        drop_oldest(history);
    list_push_back(&history->entries, &entry->link);
    history->count++;
    history->bytes += len;
    return ERR_OK;
}
