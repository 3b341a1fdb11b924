#include "server/common/name_lookup.h"

#include "server/common/host_port.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A resolver cannot be called off, so it has a thread of its own. Who is last to be done with this, the
// thread or the one who waits, frees it.
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over;      // code and found are set
    bool abandoned; // nobody waits any more
    char host[HOST_BYTES_MAX + 1];
    int code; // EAI_
    struct addrinfo *found;
};

static struct lookup *lookup_create(const char *host) {
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&lookup->lock, NULL);
    pthread_cond_init(&lookup->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    return lookup;
}

static void lookup_free(struct lookup *lookup) {
    if (lookup->found)
        freeaddrinfo(lookup->found);
    pthread_cond_destroy(&lookup->ended);
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static void *lookup_run(void *ctx) {
    struct lookup *lookup = ctx;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    int code = getaddrinfo(lookup->host, NULL, &hints, &found);
    pthread_mutex_lock(&lookup->lock);
    lookup->code = code;
    lookup->found = code == 0 ? found : NULL;
    lookup->over = true;
    bool abandoned = lookup->abandoned;
    pthread_cond_signal(&lookup->ended);
    pthread_mutex_unlock(&lookup->lock);
    if (abandoned)
        lookup_free(lookup);
    return NULL;
}

static bool lookup_start(struct lookup *lookup, pthread_t *thread) {
    sigset_t all, before; // signals are for who waits
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(thread, NULL, lookup_run, lookup) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

// False: out of time, and the lookup is the thread's.
static bool lookup_wait(struct lookup *lookup, pthread_t thread, unsigned wait_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&lookup->lock);
    while (!lookup->over && pthread_cond_timedwait(&lookup->ended, &lookup->lock, &until) == 0)
        ;
    bool over = lookup->over;
    lookup->abandoned = !over;
    pthread_mutex_unlock(&lookup->lock);
    if (over)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread);
    return over;
}

// The one of the family that was known, else the first. False: there is none.
static bool address_pick(const struct addrinfo *found, int family, uint16_t port, const struct addr known[2],
                         struct addr *out) {
    bool any = false;
    for (const struct addrinfo *i = found; i; i = i->ai_next) {
        struct addr one;
        if (i->ai_family != family)
            continue;
        addr_from_sockaddr(i->ai_addr, &one);
        one.port = port;
        bool is_known = addr_equal(&one, &known[0]) || addr_equal(&one, &known[1]);
        if (!any || is_known)
            *out = one;
        if (is_known)
            return true;
        any = true;
    }
    return any;
}

static unsigned addresses_pick(const struct addrinfo *found, uint16_t port, struct addr out[2]) {
    const struct addr known[2] = {out[0], out[1]};
    unsigned count = address_pick(found, AF_INET, port, known, &out[0]);
    return count + address_pick(found, AF_INET6, port, known, &out[count]);
}

unsigned name_lookup(const char *host, uint16_t port, unsigned wait_ms, struct addr out[2], char *why,
                     size_t why_cap) {
    struct addr literal;
    if (addr_parse(host, port, &literal) == ERR_OK) {
        out[0] = literal;
        return 1;
    }
    if (!host[0] || strlen(host) > HOST_BYTES_MAX) {
        snprintf(why, why_cap, "no host name");
        return 0;
    }
    pthread_t thread;
    struct lookup *lookup = lookup_create(host);
    if (!lookup || !lookup_start(lookup, &thread)) {
        snprintf(why, why_cap, "no memory or no thread to ask with");
        if (lookup)
            lookup_free(lookup);
        return 0;
    }
    if (!lookup_wait(lookup, thread, wait_ms)) {
        snprintf(why, why_cap, "no answer from the name servers within %u s", wait_ms / 1000);
        return 0;
    }
    unsigned count = addresses_pick(lookup->found, port, out);
    if (count == 0)
        snprintf(why, why_cap, "%s", lookup->code ? gai_strerror(lookup->code) : "it has no address");
    lookup_free(lookup);
    assert(count <= 2);
    return count;
}
