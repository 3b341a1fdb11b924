#include "server/webhook/webhook_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void webhook_queue_init(struct webhook_queue *queue) {
    *queue = (struct webhook_queue){0};
    list_init(&queue->items);
}

static void item_free(struct webhook_item *item) {
    if (!item)
        return;
    free(item->body);
    free(item->token);
    free(item);
}

// Rooms that share a place wait for each other, which breaks no order.
static unsigned place_of(uint32_t room) {
    return room * UINT32_C(2654435769) >> 22;
}
_Static_assert(WEBHOOK_PLACES == 1 << (32 - 22), "the bits that are left");

static void drop(struct webhook_queue *queue, struct webhook_item *item) {
    assert(queue->count > 0 && queue->bytes >= item->bytes && !item->under_way);
    list_remove(&item->link);
    queue->count--;
    queue->bytes -= item->bytes;
    queue->of_place[place_of(item->room)]--;
    item_free(item);
}

static void lose(struct webhook_queue *queue, struct webhook_item *item) {
    queue->counts.lost++;
    drop(queue, item);
}

void webhook_queue_clear(struct webhook_queue *queue) {
    LIST_EACH(node, &queue->items) {
        struct webhook_item *item = LIST_ENTRY(node, struct webhook_item, link);
        item->under_way = false;
        lose(queue, item);
    }
    queue->under_way = 0;
    assert(queue->count == 0 && queue->bytes == 0);
}

static struct webhook_item *item_new(const char *body, size_t body_len, const char *token) {
    struct webhook_item *item = calloc(1, sizeof *item);
    if (!item)
        return NULL;
    item->body = malloc(body_len + 1);
    item->token = strdup(token);
    if (!item->body || !item->token) {
        item_free(item);
        return NULL;
    }
    memcpy(item->body, body, body_len);
    item->body[body_len] = '\0';
    item->body_len = body_len;
    item->bytes = sizeof *item + body_len + strlen(token) + 2;
    return item;
}

bool webhook_queue_push(struct webhook_queue *queue, uint32_t room, const char *body, size_t body_len,
                        const char *token, uint64_t now_us) {
    unsigned place = place_of(room);
    bool fits = queue->count < WEBHOOK_EVENTS_MAX && queue->of_place[place] < WEBHOOK_EVENTS_OF_ROOM_MAX;
    struct webhook_item *item = fits ? item_new(body, body_len, token) : NULL;
    if (!item || queue->bytes + item->bytes > WEBHOOK_BYTES_MAX) {
        item_free(item);
        queue->counts.lost++;
        return false;
    }
    item->room = room;
    item->born_us = item->due_us = now_us;
    list_push_back(&queue->items, &item->link);
    queue->count++;
    queue->bytes += item->bytes;
    queue->of_place[place]++;
    return true;
}

void webhook_queue_miss(struct webhook_queue *queue) {
    queue->counts.lost++;
}

struct webhook_item *webhook_queue_next(struct webhook_queue *queue, uint64_t now_us, uint64_t *wake_us) {
    bool blocked[WEBHOOK_PLACES] = {false}; // an older event of such a room waits or is under way
    *wake_us = TIME_NEVER;
    if (queue->under_way == WEBHOOK_AT_ONCE)
        return NULL;
    LIST_EACH(node, &queue->items) {
        struct webhook_item *item = LIST_ENTRY(node, struct webhook_item, link);
        bool *place = &blocked[place_of(item->room)];
        if (!item->under_way && now_us >= item->born_us + WEBHOOK_AGE_US_MAX) {
            lose(queue, item);
            continue;
        }
        if (!*place && !item->under_way && item->due_us <= now_us) {
            item->under_way = true;
            queue->under_way++;
            return item;
        }
        if (!*place && !item->under_way && item->due_us < *wake_us)
            *wake_us = item->due_us;
        *place = true;
    }
    return NULL;
}

void webhook_queue_answer(struct webhook_queue *queue, struct webhook_item *item,
                          enum webhook_outcome outcome, uint64_t asked_wait_us, uint64_t now_us) {
    assert(item->under_way && queue->under_way > 0);
    item->under_way = false;
    queue->under_way--;
    item->tries++;
    if (outcome == WEBHOOK_SENT) {
        queue->counts.sent++;
        drop(queue, item);
        return;
    }
    if (outcome == WEBHOOK_REFUSED || queue->last_tries || item->tries >= WEBHOOK_TRIES_MAX) {
        lose(queue, item);
        return;
    }
    uint64_t wait_us = WEBHOOK_FIRST_WAIT_US << (item->tries - 1);
    uint64_t asked_us = asked_wait_us < WEBHOOK_ASKED_WAIT_US_MAX ? asked_wait_us : WEBHOOK_ASKED_WAIT_US_MAX;
    item->due_us = now_us + (asked_us > wait_us ? asked_us : wait_us);
    queue->counts.retried++;
}

void webhook_queue_hurry(struct webhook_queue *queue) {
    queue->last_tries = true;
    LIST_EACH(node, &queue->items)
    LIST_ENTRY(node, struct webhook_item, link)->due_us = 0;
}
