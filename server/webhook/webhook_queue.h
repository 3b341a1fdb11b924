// webhook_queue: what one receiver is still to get. Pure: now_us in, decisions out; whoever shares it between
// threads holds a lock around each call.
//
// Events of one room go out one after the other, each once the one before is taken or given up; those of
// other rooms do not wait for them. A try that failed is repeated after 0.5 s, 1 s, 2 s and so on, up to
// WEBHOOK_TRIES_MAX tries and WEBHOOK_AGE_US_MAX since the event. What does not fit any more is lost, and
// what is lost is counted.
#ifndef SERVER_WEBHOOK_QUEUE_H
#define SERVER_WEBHOOK_QUEUE_H

#include "base/clock.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBHOOK_EVENTS_MAX 4096
#define WEBHOOK_EVENTS_OF_ROOM_MAX (WEBHOOK_EVENTS_MAX / 2) // so that no room takes all
#define WEBHOOK_BYTES_MAX (8 * 1024 * 1024)
#define WEBHOOK_PLACES 1024 // rooms are told apart by these: a power of two
#define WEBHOOK_TRIES_MAX 8
#define WEBHOOK_AT_ONCE 4 // requests to one receiver
#define WEBHOOK_FIRST_WAIT_US (US_PER_SECOND / 2)
#define WEBHOOK_ASKED_WAIT_US_MAX (60 * US_PER_SECOND) // of what a receiver asks for (Retry-After)
#define WEBHOOK_AGE_US_MAX (300 * US_PER_SECOND)

struct webhook_item {
    struct list link; // in webhook_queue.items, oldest first
    uint32_t room;    // whose order it keeps
    char *body, *token;
    size_t body_len, bytes; // bytes: what it counts for
    uint64_t born_us, due_us;
    unsigned tries;
    bool under_way;
};

// X(member, type of the metric, its name, its help)
#define WEBHOOK_COUNTERS(X)                                                                                  \
    X(sent, "counter", "rotunda_webhooks_sent_total", "Webhooks that a receiver took.")                      \
    X(retried, "counter", "rotunda_webhooks_retried_total", "Webhooks put off to be sent again.")            \
    X(lost, "counter", "rotunda_webhooks_lost_total", "Webhooks that a receiver did not get.")               \
    X(waiting, "gauge", "rotunda_webhooks_waiting", "Webhooks that wait or are under way.")

struct webhook_counts {
#define WEBHOOK_MEMBER(member, ...) uint64_t member;
    WEBHOOK_COUNTERS(WEBHOOK_MEMBER)
#undef WEBHOOK_MEMBER
};

struct webhook_queue {
    struct list items;
    unsigned count, under_way;
    size_t bytes;
    uint16_t of_place[WEBHOOK_PLACES]; // how many wait of the rooms of each
    bool last_tries;                   // nothing is repeated any more
    struct webhook_counts counts;
};

enum webhook_outcome { WEBHOOK_SENT, WEBHOOK_AGAIN, WEBHOOK_REFUSED };

void webhook_queue_init(struct webhook_queue *queue);
void webhook_queue_clear(struct webhook_queue *queue); // what is left is lost

// Takes copies. False: it is lost (too much waits, or no memory).
bool webhook_queue_push(struct webhook_queue *queue, uint32_t room, const char *body, size_t body_len,
                        const char *token, uint64_t now_us);
// Counts one that could not even be made.
void webhook_queue_miss(struct webhook_queue *queue);
// The next one to send, which is then under way until webhook_queue_answer; NULL: none just now, and *wake_us
// is when to look again (TIME_NEVER: at a push or an answer).
struct webhook_item *webhook_queue_next(struct webhook_queue *queue, uint64_t now_us, uint64_t *wake_us);
// What came of it. It is gone, but for one that is to be sent again. asked_wait_us: what the receiver asked
// for, or 0.
void webhook_queue_answer(struct webhook_queue *queue, struct webhook_item *item,
                          enum webhook_outcome outcome, uint64_t asked_wait_us, uint64_t now_us);
// The end: all are due now, and none is sent again.
void webhook_queue_hurry(struct webhook_queue *queue);

#endif
