// webhook_sender: the thread that sends webhooks, by libcurl. HTTP and HTTPS alone, certificates verified, no
// redirects, no cookies, no proxy of the environment, WEBHOOK_TRY_US for a request; what a receiver answers
// beyond its status and Retry-After is not read.
//
// A status of 2xx is a good end; 429, 5xx and a failing network mean another try, anything else none. Each
// receiver has a queue of its own, so that one that is away keeps up no other. What is lost is logged, once
// a minute.
#ifndef SERVER_WEBHOOK_SENDER_H
#define SERVER_WEBHOOK_SENDER_H

#include "server/common/webhook_urls.h"
#include "server/webhook/webhook_queue.h"

#define WEBHOOK_CONNECT_US (5 * US_PER_SECOND)
#define WEBHOOK_TRY_US (10 * US_PER_SECOND)
#define WEBHOOK_ANSWER_MAX 65536 // bytes after which a receiver is not listened to any more

struct webhook_sender;

struct webhook_sender *webhook_sender_open(const struct webhook_urls *urls); // NULL: the system refused
// Everything that waits gets one more try, within `wait_us` together; the rest is lost.
void webhook_sender_close(struct webhook_sender *sender, uint64_t wait_us);
// Puts a copy into each queue; waits for nothing. Without body or token it is counted as lost.
void webhook_sender_post(struct webhook_sender *sender, uint32_t room, const char *body, size_t len,
                         const char *token);
void webhook_sender_read_counts(struct webhook_sender *sender, struct webhook_counts *out);

#endif
