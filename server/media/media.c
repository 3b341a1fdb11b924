#include "server/media/media.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/trace.h"
#include "server/common/port_owner.h"
#include "server/media/steering.h"
#include "server/media/worker.h"
#include "transport/srtp.h"
#include "transport/udp_port.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STUCK_US (5 * UINT64_C(1000000)) // each turns every two seconds at least

struct media {
    unsigned workers;
    unsigned threads; // running
    bool srtp_started;
    struct srtp_session *srtp_held; // for the speed of those that come, or NULL
    struct dtls_context *dtls;
    struct mesh *mesh;
    struct steering steering;
    struct worker *worker[WORKERS_MAX];
    pthread_t thread[WORKERS_MAX];
    struct data_worker *data; // NULL: no data channels
    pthread_t data_thread;
    bool data_runs;
    struct ice_worker *ice; // NULL: no full ICE agents
    pthread_t ice_thread;
    bool ice_runs;
    // Set before the first event can come that anybody waits for; read on the workers' threads.
    _Atomic(void (*)(void *ctx)) wakeup;
    void *_Atomic wakeup_ctx;
};

static void media_events_ready(void *ctx) {
    struct media *media = ctx;
    void (*wakeup)(void *) = atomic_load_explicit(&media->wakeup, memory_order_acquire);
    if (wakeup)
        wakeup(atomic_load_explicit(&media->wakeup_ctx, memory_order_relaxed));
}

static void media_wake_worker(void *ctx, unsigned worker) {
    struct media *media = ctx;
    worker_wake(media->worker[worker]);
}

static void *media_thread(void *worker) {
    trace_thread_begin();
    worker_run(worker);
    return NULL;
}

static void *media_data_thread(void *data) {
    trace_thread_begin();
    data_worker_run(data);
    return NULL;
}

static void *media_ice_thread(void *ice) {
    trace_thread_begin();
    ice_worker_run(ice);
    return NULL;
}

// Workers share the port among themselves (SO_REUSEPORT), and would share it with another server just as
// quietly: so see first that nobody has it.
static bool media_port_is_free(uint16_t port, char *error, size_t error_cap) {
    struct pool *pool = pool_create(UDP_PORT_BATCH * 4);
    struct udp_port *probe = NULL;
    if (pool)
        probe = udp_port_open(&(struct udp_port_config){.port = port}, pool, error, error_cap);
    udp_port_close(probe);
    pool_destroy(pool);
    char owner[96];
    if (!probe && port_owner_find(PORT_UDP, port, owner, sizeof owner)) {
        size_t len = strlen(error);
        snprintf(error + len, error_cap - len,
                 "; %s has it: stop it, or choose another port with --media-port", owner);
    }
    return probe != NULL;
}

static bool media_start_workers(struct media *media, const struct media_config *config, char *error,
                                size_t error_cap) {
    struct worker_config wc = {.workers = config->workers,
                               .port = config->port,
                               .receive_buffer_bytes = config->receive_buffer_bytes,
                               .send_buffer_bytes = config->send_buffer_bytes,
                               .batch_us = config->batch_us,
                               .no_shedding = config->no_shedding,
                               .tcp = config->tcp,
                               .limits = config->limits,
                               .dtls = media->dtls,
                               .mesh = media->mesh,
                               .data = media->data,
                               .ice = media->ice,
                               .events_ready = media_events_ready,
                               .events_ctx = media};
    for (wc.index = 0; wc.index < config->workers; wc.index++) {
        media->worker[wc.index] = worker_create(&wc, error, error_cap);
        if (!media->worker[wc.index])
            return false;
        wc.port = worker_port(media->worker[wc.index]);
    }
    // Signals are the control thread's.
    sigset_t all, before;
    sigfillset(&all);
    trace_unblock(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = true;
    for (; ok && media->threads < config->workers; media->threads += ok)
        ok = pthread_create(&media->thread[media->threads], NULL, media_thread,
                            media->worker[media->threads]) == 0;
    if (ok && media->data)
        ok = media->data_runs =
            pthread_create(&media->data_thread, NULL, media_data_thread, media->data) == 0;
    if (ok && media->ice)
        ok = media->ice_runs = pthread_create(&media->ice_thread, NULL, media_ice_thread, media->ice) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (unsigned i = 0; i < media->threads; i++) {
        char name[24]; // seen in top and /proc; the kernel takes 15 bytes, which WORKERS_MAX keeps to
        snprintf(name, sizeof name, "media-%u", i);
        pthread_setname_np(media->thread[i], name);
    }
    if (media->data_runs)
        pthread_setname_np(media->data_thread, "data");
    if (media->ice_runs)
        pthread_setname_np(media->ice_thread, "ice");
    if (!ok)
        snprintf(error, error_cap,
                 "cannot start a thread for media worker %u: the system's limit of threads is reached",
                 media->threads);
    return ok;
}

static struct data_worker *media_open_data(struct media *media, const struct media_config *config) {
    return data_worker_create(&(struct data_worker_config){.workers = config->workers,
                                                           .rate = config->data_rate,
                                                           .wake_worker = media_wake_worker,
                                                           .events_ready = media_events_ready,
                                                           .ctx = media});
}

static struct ice_worker *media_open_ice(struct media *media, const struct media_config *config) {
    return ice_worker_create(&(struct ice_worker_config){.workers = config->workers,
                                                         .pool = *config->ice,
                                                         .wake_worker = media_wake_worker,
                                                         .events_ready = media_events_ready,
                                                         .ctx = media});
}

struct media *media_start(const struct media_config *config, char *error, size_t error_cap) {
    assert(config->workers > 0 && config->workers <= WORKERS_MAX);
    struct media *media = calloc(1, sizeof *media);
    if (!media) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    media->workers = config->workers;
    media->srtp_started = srtp_library_start() == ERR_OK;
    if (media->srtp_started)
        media->srtp_held = srtp_library_hold();
    media->dtls = dtls_context_create();
    media->mesh = mesh_create(config->workers, media_wake_worker, media);
    if (config->data_channels)
        media->data = media_open_data(media, config);
    if (config->ice)
        media->ice = media_open_ice(media, config);
    if (!media->srtp_started || !media->dtls || !media->mesh || (config->data_channels && !media->data) ||
        (config->ice && !media->ice))
        snprintf(error, error_cap, "cannot start the media workers: %s",
                 !media->srtp_started ? "libsrtp2 does not start"
                 : !media->dtls       ? "OpenSSL cannot make a DTLS certificate"
                                      : "out of memory");
    else if (media_port_is_free(config->port, error, error_cap) &&
             media_start_workers(media, config, error, error_cap))
        return media;
    media_stop(media);
    return NULL;
}

void media_halt(struct media *media) {
    if (!media)
        return;
    // Its goodbyes are for the workers to send.
    if (media->data_runs) {
        data_worker_stop(media->data);
        pthread_join(media->data_thread, NULL);
        media->data_runs = false;
    }
    for (unsigned i = 0; i < media->threads; i++)
        worker_stop(media->worker[i]);
    for (unsigned i = 0; i < media->threads; i++)
        pthread_join(media->thread[i], NULL);
    media->threads = 0;
    if (media->ice_runs) { // after the workers, whose goodbyes it sends
        ice_worker_stop(media->ice);
        pthread_join(media->ice_thread, NULL);
        media->ice_runs = false;
    }
}

void media_stop(struct media *media) {
    if (!media)
        return;
    media_halt(media);
    for (unsigned i = 0; i < media->workers; i++)
        worker_destroy(media->worker[i]);
    data_worker_destroy(media->data);
    ice_worker_destroy(media->ice);
    mesh_destroy(media->mesh);
    dtls_context_destroy(media->dtls);
    srtp_session_destroy(media->srtp_held);
    if (media->srtp_started)
        srtp_library_stop();
    free(media);
}

const char *media_fingerprint_sha256(const struct media *media) {
    return dtls_context_fingerprint(media->dtls);
}

uint16_t media_port(const struct media *media) {
    return worker_port(media->worker[0]);
}

bool media_post(struct media *media, unsigned worker, const struct media_cmd *cmd) {
    assert(worker < media->workers);
    return worker_post(media->worker[worker], cmd);
}

bool media_offer_tcp(struct media *media, unsigned worker, int fd, struct tcp_ticket *ticket) {
    assert(worker < media->workers);
    return worker_offer_tcp(media->worker[worker], fd, ticket);
}

bool media_post_data(struct media *media, const struct data_cmd *cmd) {
    return media->data && data_worker_post(media->data, cmd);
}

void media_read_data_counters(struct media *media, struct data_worker_counters *out) {
    *out = (struct data_worker_counters){0};
    if (media->data)
        data_worker_read_counters(media->data, out);
}

void media_read_ice_counters(struct media *media, struct ice_worker_counters *out) {
    *out = (struct ice_worker_counters){0};
    if (media->ice)
        ice_worker_read_counters(media->ice, out);
}

void media_set_ice_hosts(struct media *media, const struct addr *hosts, unsigned count) {
    if (media->ice)
        ice_worker_set_hosts(media->ice, hosts, count);
}

void media_set_wakeup(struct media *media, void (*wakeup)(void *ctx), void *ctx) {
    atomic_store_explicit(&media->wakeup_ctx, ctx, memory_order_relaxed);
    atomic_store_explicit(&media->wakeup, wakeup, memory_order_release);
}

// Whoever is not where it belongs says so again with its next check: nothing needs to be remembered here.
static void media_steer(struct media *media, uint64_t now_us) {
    struct steering *steering = &media->steering;
    for (unsigned k = 0; k < 2; k++) {
        if (!steering_take(steering, k, now_us))
            continue;
        const struct steering_family *f = &steering->families[k];
        steering->refused = !worker_steer(media->worker[0], k == 0 ? 4 : 6, f->entries, f->count);
        if (steering->refused)
            LOG_INFO("the kernel does not steer datagrams: some cross from worker to worker",
                     LOG_TEXT("reason", strerrorname_np(errno)));
    }
}

void media_drain(struct media *media, const struct media_listener *listener) {
    for (unsigned i = 0; i < media->workers; i++) {
        for (const struct media_event *event; (event = worker_peek_event(media->worker[i]));) {
            if (event->type == MEDIA_STEER)
                steering_note(&media->steering, event, i);
            else
                listener->on_event(listener->ctx, i, event);
            worker_pop_event(media->worker[i]);
        }
        for (const struct media_stats *stats; (stats = worker_peek_stats(media->worker[i]));) {
            listener->on_stats(listener->ctx, i, stats);
            worker_pop_stats(media->worker[i]);
        }
    }
    for (const struct data_event *event; media->data && (event = data_worker_peek_event(media->data));) {
        if (listener->on_data)
            listener->on_data(listener->ctx, event);
        data_worker_pop_event(media->data);
    }
    for (const struct ice_event *event; media->ice && (event = ice_worker_peek_event(media->ice));) {
        if (listener->on_ice)
            listener->on_ice(listener->ctx, event);
        ice_worker_pop_event(media->ice);
    }
    media_steer(media, clock_now_us());
}

const char *media_drop_name(enum media_drop reason) {
#define NAME_OF_REASON(reason, name) [MEDIA_DROP_##reason] = name,
    static const char *const names[] = {MEDIA_DROPS(NAME_OF_REASON)};
    return names[reason];
}

void media_read_counters(struct media *media, unsigned worker, struct media_counters *out) {
    assert(worker < media->workers);
    worker_read_counters(media->worker[worker], out);
}

// ---- its threads: the media workers, then the data worker and that of the ICE agents, as far as they are
// there

unsigned media_threads(const struct media *media) {
    return media->workers + (media->data ? 1 : 0) + (media->ice ? 1 : 0);
}

enum media_thread_kind media_thread_kind(const struct media *media, unsigned thread) {
    assert(thread < media_threads(media));
    if (thread < media->workers)
        return MEDIA_THREAD_WORKER;
    return thread == media->workers && media->data ? MEDIA_THREAD_DATA : MEDIA_THREAD_ICE;
}

bool media_thread_stuck(const struct media *media, unsigned thread, uint64_t now_us) {
    enum media_thread_kind kind = media_thread_kind(media, thread);
    uint64_t seen_us = kind == MEDIA_THREAD_WORKER ? worker_heartbeat_us(media->worker[thread])
                       : kind == MEDIA_THREAD_DATA ? data_worker_heartbeat_us(media->data)
                                                   : ice_worker_heartbeat_us(media->ice);
    return now_us > seen_us && now_us - seen_us > STUCK_US;
}

unsigned media_stuck(const struct media *media, uint64_t now_us) {
    unsigned count = 0;
    for (unsigned i = 0; i < media_threads(media); i++)
        count += media_thread_stuck(media, i, now_us);
    return count;
}

void media_trace_thread(const struct media *media, unsigned thread) {
    enum media_thread_kind kind = media_thread_kind(media, thread);
    if (kind == MEDIA_THREAD_WORKER && thread < media->threads)
        trace_thread(media->thread[thread]);
    else if (kind == MEDIA_THREAD_DATA && media->data_runs)
        trace_thread(media->data_thread);
    else if (kind == MEDIA_THREAD_ICE && media->ice_runs)
        trace_thread(media->ice_thread);
}

unsigned media_workers(const struct media *media) {
    return media->workers;
}
