#include "server/media/ice_worker_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS 4096
#define NOTES 2048     // of one media worker
#define REPORTS 2048   // to one
#define NOTES_KEPT 256 // of those, that packets do not take
#define NOTES_PER_TURN 512
#define UNTOLD_RETRY_US (5 * US_PER_MS)
// One worker's newest may be heard of before another's last have been closed.
#define PEERS_MAX (2 * ICE_AGENTS_LIMIT)
#define HEARTBEAT_US (2 * US_PER_SECOND) // it turns as often at least, as a media worker does

static void ice_wake(struct ice_worker *ice) {
    if (atomic_exchange_explicit(&ice->asleep, false, memory_order_acq_rel))
        ice_pool_wake(ice->pool);
}

// ---- the media workers' side

struct ice_note *ice_worker_reserve(struct ice_worker *ice, unsigned worker) {
    return ring_reserve(ice->links[worker].in);
}

struct ice_note *ice_worker_reserve_packet(struct ice_worker *ice, unsigned worker, bool video) {
    uint32_t room = ring_room(ice->links[worker].in);
    return room > (video ? NOTES / 2 : NOTES_KEPT) ? ring_reserve(ice->links[worker].in) : NULL;
}

void ice_worker_push(struct ice_worker *ice, unsigned worker) {
    ring_push(ice->links[worker].in);
    ice->links[worker].in_written = true;
}

void ice_worker_flush(struct ice_worker *ice, unsigned worker) {
    if (!ice->links[worker].in_written)
        return;
    ice->links[worker].in_written = false;
    ice_wake(ice);
}

bool ice_worker_waiting(struct ice_worker *ice, unsigned worker) {
    return ring_peek(ice->links[worker].out) != NULL;
}

const struct ice_report *ice_worker_peek(struct ice_worker *ice, unsigned worker) {
    return ring_peek(ice->links[worker].out);
}

void ice_worker_pop(struct ice_worker *ice, unsigned worker) {
    ring_pop(ice->links[worker].out);
}

// ---- the control thread's side

const struct ice_event *ice_worker_peek_event(struct ice_worker *ice) {
    return ring_peek(ice->events);
}

void ice_worker_pop_event(struct ice_worker *ice) {
    ring_pop(ice->events);
}

void ice_worker_stop(struct ice_worker *ice) {
    atomic_store_explicit(&ice->stopping, true, memory_order_release);
    atomic_store_explicit(&ice->asleep, true, memory_order_release); // wakes it whatever it does
    ice_wake(ice);
}

void ice_worker_set_hosts(struct ice_worker *ice, const struct addr *hosts, unsigned count) {
    pthread_mutex_lock(&ice->hosts_lock);
    ice->host_count = count < ICE_AGENT_HOSTS_MAX ? count : ICE_AGENT_HOSTS_MAX;
    memcpy(ice->hosts, hosts, ice->host_count * sizeof *hosts);
    ice->hosts_new = true;
    pthread_mutex_unlock(&ice->hosts_lock);
}

uint64_t ice_worker_heartbeat_us(const struct ice_worker *ice) {
    return atomic_load_explicit(&ice->heartbeat_us, memory_order_relaxed);
}

void ice_worker_read_counters(struct ice_worker *ice, struct ice_worker_counters *out) {
    published_read(ice->published, out, sizeof *out);
}

static void ice_publish(struct ice_worker *ice) {
    ice->counters.agents = slots_count(ice->peers);
    published_write(ice->published, &ice->counters, sizeof ice->counters);
}

// ---- one turn

static void ice_take_hosts(struct ice_worker *ice) {
    pthread_mutex_lock(&ice->hosts_lock);
    if (ice->hosts_new)
        ice_pool_set_hosts(ice->pool, ice->hosts, ice->host_count);
    ice->hosts_new = false;
    pthread_mutex_unlock(&ice->hosts_lock);
}

// True: there are more.
static bool ice_notes(struct ice_worker *ice) {
    bool more = false;
    ice->held_up = false;
    for (unsigned w = 0; w < ice->workers; w++) {
        const struct ice_note *note;
        unsigned done = 0;
        for (; done < NOTES_PER_TURN && (note = ring_peek(ice->links[w].in)); done++) {
            if (note->type == ICE_NOTE_OPEN)
                ice_take_hosts(ice);
            if (!ice_peer_note(ice, w, note)) {
                ice->held_up = true;
                break;
            }
            ring_pop(ice->links[w].in);
        }
        more |= done == NOTES_PER_TURN;
    }
    return more;
}

static void ice_flush(struct ice_worker *ice) {
    for (unsigned w = 0; w < ice->workers; w++) {
        if (!ice->links[w].out_written)
            continue;
        ice->links[w].out_written = false;
        ice->config.wake_worker(ice->config.ctx, w);
    }
    if (ice->events_written) {
        ice->events_written = false;
        ice->config.events_ready(ice->config.ctx);
    }
}

static bool ice_has_work(struct ice_worker *ice) {
    for (unsigned w = 0; w < ice->workers && !ice->held_up; w++)
        if (ring_peek(ice->links[w].in))
            return true;
    return atomic_load_explicit(&ice->stopping, memory_order_acquire);
}

// What the sockets and timers of the agents have; waits for it if there is nothing else to do.
static void ice_agents_turn(struct ice_worker *ice, bool more) {
    uint64_t wait_us = list_empty(&ice->untold) && !ice->held_up ? HEARTBEAT_US : UNTOLD_RETRY_US;
    atomic_exchange_explicit(&ice->asleep, true, memory_order_acq_rel);
    ice_pool_turn(ice->pool, more || ice_has_work(ice) ? 0 : wait_us);
    atomic_store_explicit(&ice->asleep, false, memory_order_release);
}

void ice_worker_run(struct ice_worker *ice) {
    while (!atomic_load_explicit(&ice->stopping, memory_order_acquire)) {
        atomic_store_explicit(&ice->heartbeat_us, clock_now_us(), memory_order_relaxed);
        bool more = ice_notes(ice);
        ice_peers_tell(ice);
        ice_publish(ice);
        ice_flush(ice);
        ice_agents_turn(ice, more);
        ice_flush(ice);
    }
    (void)ice_notes(ice); // goodbyes
    ice_peers_close(ice);
    ice_publish(ice);
    ice_flush(ice);
}

// ---- life

static bool ice_open_links(struct ice_worker *ice) {
    for (unsigned w = 0; w < ice->workers; w++) {
        ice->links[w].in = ring_create(sizeof(struct ice_note), NOTES);
        ice->links[w].out = ring_create(sizeof(struct ice_report), REPORTS);
        if (!ice->links[w].in || !ice->links[w].out)
            return false;
    }
    return true;
}

struct ice_worker *ice_worker_create(const struct ice_worker_config *config) {
    assert(config->workers > 0 && config->workers <= WORKERS_MAX);
    struct ice_worker *ice = calloc(1, sizeof *ice);
    if (!ice)
        return NULL;
    ice->config = *config;
    ice->workers = config->workers;
    atomic_store(&ice->heartbeat_us, clock_now_us());
    list_init(&ice->untold);
    pthread_mutex_init(&ice->hosts_lock, NULL);
    ice->pool = ice_pool_create(&config->pool);
    ice->events = ring_create(sizeof(struct ice_event), EVENTS);
    ice->peers = slots_create(PEERS_MAX);
    ice->peers_by_id = hmap_create(sizeof(struct transport_id), PEERS_MAX);
    if (ice->pool && ice->events && ice->peers && ice->peers_by_id && ice_open_links(ice))
        return ice;
    ice_worker_destroy(ice);
    return NULL;
}

void ice_worker_destroy(struct ice_worker *ice) {
    if (!ice)
        return;
    if (ice->peers && ice->peers_by_id)
        ice_peers_close(ice);
    ice_pool_destroy(ice->pool);
    slots_destroy(ice->peers);
    hmap_destroy(ice->peers_by_id);
    for (unsigned w = 0; w < ice->workers; w++) {
        ring_destroy(ice->links[w].in);
        ring_destroy(ice->links[w].out);
    }
    ring_destroy(ice->events);
    pthread_mutex_destroy(&ice->hosts_lock);
    explicit_bzero(&ice->config.pool, sizeof ice->config.pool);
    free(ice);
}
