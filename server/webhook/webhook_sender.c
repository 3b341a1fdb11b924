#include "server/webhook/webhook_sender.h"

#include "base/log.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_US_MAX (60 * US_PER_SECOND)
#define TELL_EVERY_US (60 * US_PER_SECOND)
#define REASON_MAX 128
#define AUTHORIZATION "Authorization: "

// One request at a time.
struct slot {
    struct receiver *receiver;
    CURL *easy;
    struct curl_slist *headers;
    struct webhook_item *item; // NULL: it is free
    size_t answer_bytes;
};

struct receiver {
    const char *url;
    char origin[WEBHOOK_URL_MAX];
    struct webhook_queue queue; // guarded by the sender's mutex, as are its items but for those under way
    struct slot slots[WEBHOOK_AT_ONCE];
    char reason[REASON_MAX]; // of the last failure
    uint64_t lost_told, told_us;
};

struct webhook_sender {
    pthread_t thread;
    pthread_mutex_t mutex;
    CURLM *multi;
    struct webhook_urls urls;
    struct receiver receivers[WEBHOOK_URLS_MAX];
    bool closing;         // guarded by the mutex
    uint64_t close_by_us; // likewise
};

// ---- one request

static size_t take_answer(char *bytes, size_t size, size_t count, void *ctx) {
    struct slot *slot = ctx;
    (void)bytes;
    slot->answer_bytes += size * count;
    return slot->answer_bytes <= WEBHOOK_ANSWER_MAX ? size * count : 0; // 0 ends it
}

static bool only_http(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)) == CURLE_OK;
#endif
}

// What all requests of a slot have in common. Redirects and cookies are off unless they are asked for.
static bool slot_open(struct slot *slot, struct receiver *receiver) {
    CURL *easy = slot->easy = curl_easy_init();
    slot->receiver = receiver;
    if (!easy)
        return false;
    bool fine =
        only_http(easy) && curl_easy_setopt(easy, CURLOPT_URL, receiver->url) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(WEBHOOK_CONNECT_US / 1000)) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(WEBHOOK_TRY_US / 1000)) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_USERAGENT, "rotunda/" ROTUNDA_VERSION) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075700
    fine = fine && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK; // no waiting for resolvers
#endif
    return fine;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *line) {
    struct curl_slist *longer = curl_slist_append(list, line);
    if (!longer)
        curl_slist_free_all(list);
    return longer;
}

static struct curl_slist *headers_of(const struct webhook_item *item) {
    size_t cap = sizeof AUTHORIZATION + strlen(item->token);
    char *line = malloc(cap);
    if (!line)
        return NULL;
    snprintf(line, cap, AUTHORIZATION "%s", item->token);
    struct curl_slist *list = add_header(NULL, line);
    free(line);
    list = list ? add_header(list, "Content-Type: application/webhook+json") : NULL;
    return list ? add_header(list, "Expect:") : NULL; // the body goes out at once
}

static void slot_free(struct slot *slot) {
    curl_slist_free_all(slot->headers);
    slot->headers = NULL;
    slot->item = NULL;
}

static bool slot_send(struct webhook_sender *sender, struct slot *slot) {
    const struct webhook_item *item = slot->item;
    slot->headers = headers_of(item);
    slot->answer_bytes = 0;
    return slot->headers && curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers) == CURLE_OK &&
           curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDSIZE, (long)item->body_len) == CURLE_OK &&
           curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, item->body) == CURLE_OK &&
           curl_multi_add_handle(sender->multi, slot->easy) == CURLM_OK;
}

static void answer(struct webhook_sender *sender, struct slot *slot, enum webhook_outcome outcome,
                   uint64_t asked_wait_us) {
    pthread_mutex_lock(&sender->mutex);
    webhook_queue_answer(&slot->receiver->queue, slot->item, outcome, asked_wait_us, clock_now_us());
    pthread_mutex_unlock(&sender->mutex);
    slot_free(slot);
}

// What the receiver said, or why it said nothing. A status counts, even if what follows it is cut off.
static void slot_ended(struct webhook_sender *sender, struct slot *slot, CURLcode result) {
    struct receiver *receiver = slot->receiver;
    long status = 0;
    curl_off_t wait_s = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &wait_s);
    curl_multi_remove_handle(sender->multi, slot->easy);
    bool taken = status >= 200 && status <= 299, again = status < 200 || status == 429 || status >= 500;
    if (!taken && status >= 200)
        snprintf(receiver->reason, sizeof receiver->reason, "it answers with status %ld", status);
    else if (!taken)
        snprintf(receiver->reason, sizeof receiver->reason, "%s", curl_easy_strerror(result));
    if (!taken)
        LOG_DEBUG("webhook not taken", LOG_TEXT("receiver", receiver->origin),
                  LOG_TEXT("reason", receiver->reason), LOG_NUMBER("tries", slot->item->tries + 1));
    uint64_t asked_us = wait_s > 0 && wait_s < 3600 ? (uint64_t)wait_s * US_PER_SECOND : 0;
    answer(sender, slot, taken ? WEBHOOK_SENT : again ? WEBHOOK_AGAIN : WEBHOOK_REFUSED, asked_us);
}

// ---- the thread

static struct slot *free_slot(struct receiver *receiver) {
    for (unsigned i = 0; i < WEBHOOK_AT_ONCE; i++)
        if (!receiver->slots[i].item)
            return &receiver->slots[i];
    return NULL;
}

// Sends what may go out; returns when to look again.
static uint64_t feed(struct webhook_sender *sender, struct receiver *receiver) {
    uint64_t wake_us = TIME_NEVER;
    for (struct slot *slot; (slot = free_slot(receiver));) {
        pthread_mutex_lock(&sender->mutex);
        slot->item = webhook_queue_next(&receiver->queue, clock_now_us(), &wake_us);
        pthread_mutex_unlock(&sender->mutex);
        if (!slot->item)
            return wake_us;
        if (!slot_send(sender, slot)) {
            snprintf(receiver->reason, sizeof receiver->reason, "out of memory");
            answer(sender, slot, WEBHOOK_AGAIN, 0);
        }
    }
    return TIME_NEVER; // until one of them ends
}

static void tell_lost(struct webhook_sender *sender, struct receiver *receiver, bool now) {
    pthread_mutex_lock(&sender->mutex);
    uint64_t lost = receiver->queue.counts.lost, now_us = clock_now_us();
    pthread_mutex_unlock(&sender->mutex);
    if (lost == receiver->lost_told ||
        (!now && receiver->told_us && now_us < receiver->told_us + TELL_EVERY_US))
        return;
    LOG_WARN("webhooks lost", LOG_TEXT("receiver", receiver->origin),
             LOG_NUMBER("count", lost - receiver->lost_told), LOG_TEXT("last_failure", receiver->reason));
    receiver->lost_told = lost;
    receiver->told_us = now_us;
}

// False: none has ended, so nothing new may go out.
static bool hear_ends(struct webhook_sender *sender) {
    int left;
    bool some = false;
    for (CURLMsg *message; (message = curl_multi_info_read(sender->multi, &left));) {
        char *slot = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        slot_ended(sender, (struct slot *)(void *)slot, result);
        some = true;
    }
    return some;
}

// Whether it is to end: all is sent, or time is up.
static bool is_over(struct webhook_sender *sender, uint64_t *end_us) {
    unsigned waiting = 0;
    pthread_mutex_lock(&sender->mutex);
    for (unsigned i = 0; i < sender->urls.count; i++) {
        waiting += sender->receivers[i].queue.count;
        if (sender->closing && !sender->receivers[i].queue.last_tries)
            webhook_queue_hurry(&sender->receivers[i].queue);
    }
    bool closing = sender->closing;
    *end_us = closing ? sender->close_by_us : TIME_NEVER;
    pthread_mutex_unlock(&sender->mutex);
    return closing && (waiting == 0 || clock_now_us() >= *end_us);
}

static void *send_all(void *argument) {
    struct webhook_sender *sender = argument;
    int running;
    uint64_t wake_us;
    while (!is_over(sender, &wake_us)) {
        for (unsigned i = 0; i < sender->urls.count; i++) {
            uint64_t next_us = feed(sender, &sender->receivers[i]);
            wake_us = next_us < wake_us ? next_us : wake_us;
            tell_lost(sender, &sender->receivers[i], false);
        }
        curl_multi_perform(sender->multi, &running);
        if (hear_ends(sender))
            continue;
        uint64_t now_us = clock_now_us(), wait_us = wake_us > now_us ? wake_us - now_us : 0;
        wait_us = wait_us < LOOK_US_MAX ? wait_us : LOOK_US_MAX;
        curl_multi_poll(sender->multi, NULL, 0, (int)((wait_us + 999) / 1000), NULL);
    }
    return NULL;
}

// ---- for the owner

static bool receivers_open(struct webhook_sender *sender) {
    for (unsigned i = 0; i < sender->urls.count; i++) {
        struct receiver *receiver = &sender->receivers[i];
        receiver->url = sender->urls.list[i];
        snprintf(receiver->reason, sizeof receiver->reason, "it has not answered in time");
        webhook_url_origin(receiver->url, receiver->origin);
        for (unsigned s = 0; s < WEBHOOK_AT_ONCE; s++)
            if (!slot_open(&receiver->slots[s], receiver))
                return false;
    }
    return true;
}

static void sender_free(struct webhook_sender *sender) {
    for (unsigned i = 0; i < sender->urls.count; i++) {
        struct receiver *receiver = &sender->receivers[i];
        for (unsigned s = 0; s < WEBHOOK_AT_ONCE; s++) {
            if (receiver->slots[s].item)
                curl_multi_remove_handle(sender->multi, receiver->slots[s].easy);
            curl_easy_cleanup(receiver->slots[s].easy);
            slot_free(&receiver->slots[s]);
        }
        webhook_queue_clear(&receiver->queue);
        tell_lost(sender, receiver, true);
    }
    curl_multi_cleanup(sender->multi);
    pthread_mutex_destroy(&sender->mutex);
    free(sender);
    curl_global_cleanup();
}

struct webhook_sender *webhook_sender_open(const struct webhook_urls *urls) {
    struct webhook_sender *sender = calloc(1, sizeof *sender);
    if (!sender || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(sender);
        return NULL;
    }
    sender->urls = *urls;
    pthread_mutex_init(&sender->mutex, NULL);
    for (unsigned i = 0; i < urls->count; i++)
        webhook_queue_init(&sender->receivers[i].queue);
    sender->multi = curl_multi_init();
    if (sender->multi && receivers_open(sender) &&
        pthread_create(&sender->thread, NULL, send_all, sender) == 0)
        return sender;
    sender_free(sender);
    return NULL;
}

void webhook_sender_close(struct webhook_sender *sender, uint64_t wait_us) {
    pthread_mutex_lock(&sender->mutex);
    sender->closing = true;
    sender->close_by_us = clock_now_us() + wait_us;
    pthread_mutex_unlock(&sender->mutex);
    curl_multi_wakeup(sender->multi);
    pthread_join(sender->thread, NULL);
    sender_free(sender);
}

void webhook_sender_post(struct webhook_sender *sender, uint32_t room, const char *body, size_t len,
                         const char *token) {
    pthread_mutex_lock(&sender->mutex);
    for (unsigned i = 0; i < sender->urls.count; i++) {
        if (body && token)
            webhook_queue_push(&sender->receivers[i].queue, room, body, len, token, clock_now_us());
        else
            webhook_queue_miss(&sender->receivers[i].queue);
    }
    pthread_mutex_unlock(&sender->mutex);
    curl_multi_wakeup(sender->multi);
}

void webhook_sender_read_counts(struct webhook_sender *sender, struct webhook_counts *out) {
    pthread_mutex_lock(&sender->mutex);
    for (unsigned i = 0; i < sender->urls.count; i++) {
        const struct webhook_queue *queue = &sender->receivers[i].queue;
        out->sent += queue->counts.sent;
        out->retried += queue->counts.retried;
        out->lost += queue->counts.lost;
        out->waiting += queue->count;
    }
    pthread_mutex_unlock(&sender->mutex);
}
