#include "server/config/announce_watch.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_BYTES 512

// One round. Who is last to be done with it, its thread or the watch, frees it.
struct round {
    pthread_mutex_t lock;
    bool over, abandoned;
    struct config settings; // a copy: the thread may outlive the process's
    struct announce_names known;
    announce_lookup *lookup;
    void (*wake)(void *ctx);
    void *ctx;
    pthread_t thread;

    bool all; // every name gave something
    struct announce_names names;
    char error[ERROR_BYTES];
};

struct announce_watch {
    struct announce_watch_config config;
    struct round *round; // under way, or over and not taken
    uint64_t next_us;
    bool failing; // the last round did
};

static void round_free(struct round *round) {
    pthread_mutex_destroy(&round->lock);
    free(round);
}

// Nothing is touched once the lock is let go, unless nobody else is left.
static void *round_run(void *ctx) {
    struct round *round = ctx;
    round->all = announce_look_up(&round->names, &round->settings, &round->known, round->lookup, round->error,
                                  ERROR_BYTES);
    pthread_mutex_lock(&round->lock);
    round->over = true;
    bool abandoned = round->abandoned;
    if (!abandoned)
        round->wake(round->ctx);
    pthread_mutex_unlock(&round->lock);
    if (abandoned)
        round_free(round);
    return NULL;
}

static struct round *round_begin(const struct announce_watch_config *config) {
    struct round *round = calloc(1, sizeof *round);
    if (!round)
        return NULL;
    pthread_mutex_init(&round->lock, NULL);
    round->settings.announce_count = config->settings->announce_count;
    memcpy(round->settings.announce, config->settings->announce, sizeof round->settings.announce);
    round->known = config->known;
    round->lookup = config->lookup;
    round->wake = config->wake;
    round->ctx = config->ctx;
    sigset_t all, before; // signals are for the owner
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&round->thread, NULL, round_run, round) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        return round;
    round_free(round);
    return NULL;
}

struct announce_watch *announce_watch_create(const struct announce_watch_config *config, uint64_t now_us) {
    struct announce_watch *watch = calloc(1, sizeof *watch);
    if (watch)
        *watch = (struct announce_watch){.config = *config, .next_us = now_us + ANNOUNCE_WATCH_US};
    return watch;
}

void announce_watch_destroy(struct announce_watch *watch) {
    if (!watch)
        return;
    struct round *round = watch->round;
    free(watch);
    if (!round)
        return;
    pthread_mutex_lock(&round->lock);
    bool over = round->over;
    round->abandoned = !over;
    pthread_t thread = round->thread; // who is abandoned may be gone a moment later
    pthread_mutex_unlock(&round->lock);
    if (!over) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    round_free(round);
}

uint64_t announce_watch_next_us(const struct announce_watch *watch) {
    return watch->round ? TIME_NEVER : watch->next_us;
}

void announce_watch_advance(struct announce_watch *watch, uint64_t now_us, bool at_once) {
    if (watch->round || (!at_once && now_us < watch->next_us))
        return;
    watch->next_us = now_us + ANNOUNCE_WATCH_US;
    watch->round = round_begin(&watch->config);
    if (!watch->round)
        LOG_WARN("announced names not looked up", LOG_TEXT("reason", "no memory or no thread to ask with"));
}

static void failure_note(struct announce_watch *watch, const struct round *round) {
    if (!round->all && !watch->failing)
        LOG_WARN("announced addresses stay as they are", LOG_TEXT("reason", round->error));
    watch->failing = !round->all;
}

bool announce_watch_take(struct announce_watch *watch, struct announce_names *out) {
    struct round *round = watch->round;
    if (!round)
        return false;
    pthread_mutex_lock(&round->lock);
    bool over = round->over;
    pthread_mutex_unlock(&round->lock);
    if (!over)
        return false;
    pthread_join(round->thread, NULL);
    watch->round = NULL;
    failure_note(watch, round);
    bool changed = round->all && memcmp(&round->names, &watch->config.known, sizeof round->names) != 0;
    if (changed)
        *out = watch->config.known = round->names;
    round_free(round);
    return changed;
}
