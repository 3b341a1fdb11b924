#include "server/password_desk.h"

#include "base/list.h"
#include "server/access/password.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slip {
    struct list link; // in asked or answered, or in neither while it is being verified
    struct password_question question;
    char password[PASSWORD_BYTES_MAX + 1], hash[PASSWORD_HASH_BYTES_MAX + 1];
};

struct password_desk {
    pthread_t thread;
    pthread_mutex_t mutex; // guards what follows
    pthread_cond_t changed;
    struct list asked, answered; // struct slip
    bool closing;

    void (*wake)(void *ctx);
    void *ctx;
    struct net_address waiting[PASSWORD_WAITING_MAX]; // the owner's alone: whose questions are on their way
    unsigned waiting_count;
};

static void slip_free(struct slip *slip) {
    explicit_bzero(slip, sizeof *slip);
    free(slip);
}

static void lists_free(struct list *slips) {
    LIST_EACH(node, slips) {
        list_remove(node);
        slip_free(LIST_ENTRY(node, struct slip, link));
    }
}

// The next one to verify; NULL: it is to end.
static struct slip *wait_for_slip(struct password_desk *desk) {
    struct slip *slip = NULL;
    pthread_mutex_lock(&desk->mutex);
    while (!desk->closing && list_empty(&desk->asked))
        pthread_cond_wait(&desk->changed, &desk->mutex);
    if (!desk->closing) {
        slip = LIST_ENTRY(desk->asked.next, struct slip, link);
        list_remove(&slip->link);
    }
    pthread_mutex_unlock(&desk->mutex);
    return slip;
}

static void *verify(void *argument) {
    struct password_desk *desk = argument;
    for (struct slip *slip; (slip = wait_for_slip(desk));) {
        slip->question.right = password_matches(slip->password, slip->hash);
        pthread_mutex_lock(&desk->mutex);
        list_push_back(&desk->answered, &slip->link);
        pthread_mutex_unlock(&desk->mutex);
        desk->wake(desk->ctx);
    }
    return NULL;
}

struct password_desk *password_desk_open(void (*wake)(void *ctx), void *ctx) {
    struct password_desk *desk = calloc(1, sizeof *desk);
    if (!desk)
        return NULL;
    desk->wake = wake;
    desk->ctx = ctx;
    list_init(&desk->asked);
    list_init(&desk->answered);
    pthread_mutex_init(&desk->mutex, NULL);
    pthread_cond_init(&desk->changed, NULL);
    if (pthread_create(&desk->thread, NULL, verify, desk) == 0)
        return desk;
    pthread_cond_destroy(&desk->changed);
    pthread_mutex_destroy(&desk->mutex);
    free(desk);
    return NULL;
}

void password_desk_close(struct password_desk *desk) {
    if (!desk)
        return;
    pthread_mutex_lock(&desk->mutex);
    desk->closing = true;
    pthread_cond_signal(&desk->changed);
    pthread_mutex_unlock(&desk->mutex);
    pthread_join(desk->thread, NULL);
    lists_free(&desk->asked);
    lists_free(&desk->answered);
    pthread_cond_destroy(&desk->changed);
    pthread_mutex_destroy(&desk->mutex);
    free(desk);
}

// An IPv6 address counts by its /64, as everywhere.
static bool same_network(const struct net_address *a, const struct net_address *b) {
    return memcmp(a->bytes, b->bytes, net_address_is_v4(a) ? sizeof a->bytes : 8) == 0;
}

static bool takes_more(const struct password_desk *desk, const struct net_address *address) {
    unsigned same = 0;
    for (unsigned i = 0; i < desk->waiting_count; i++)
        same += same_network(address, &desk->waiting[i]);
    return desk->waiting_count < PASSWORD_WAITING_MAX && same < PASSWORD_WAITING_PER_ADDRESS_MAX;
}

bool password_desk_ask(struct password_desk *desk, const struct password_question *question,
                       const char *password, const char *hash) {
    size_t password_len = strlen(password), hash_len = strlen(hash);
    bool fits = password_len <= PASSWORD_BYTES_MAX && hash_len <= PASSWORD_HASH_BYTES_MAX;
    struct slip *slip = fits && takes_more(desk, &question->address) ? calloc(1, sizeof *slip) : NULL;
    if (!slip)
        return false;
    slip->question = *question;
    memcpy(slip->password, password, password_len);
    memcpy(slip->hash, hash, hash_len);
    desk->waiting[desk->waiting_count++] = question->address;
    pthread_mutex_lock(&desk->mutex);
    list_push_back(&desk->asked, &slip->link);
    pthread_cond_signal(&desk->changed);
    pthread_mutex_unlock(&desk->mutex);
    return true;
}

static void forget_waiting(struct password_desk *desk, const struct net_address *address) {
    for (unsigned i = 0; i < desk->waiting_count; i++) {
        if (memcmp(&desk->waiting[i], address, sizeof *address) != 0)
            continue;
        desk->waiting[i] = desk->waiting[--desk->waiting_count];
        return;
    }
}

bool password_desk_take(struct password_desk *desk, struct password_question *out) {
    struct slip *slip = NULL;
    pthread_mutex_lock(&desk->mutex);
    if (!list_empty(&desk->answered)) {
        slip = LIST_ENTRY(desk->answered.next, struct slip, link);
        list_remove(&slip->link);
    }
    pthread_mutex_unlock(&desk->mutex);
    if (!slip)
        return false;
    *out = slip->question;
    forget_waiting(desk, &out->address);
    slip_free(slip);
    return true;
}
