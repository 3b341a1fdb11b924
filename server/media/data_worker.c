#include "server/media/data_worker_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define COMMANDS 2048
#define EVENTS 1024
#define PACKETS 4096          // of one media worker, each way
#define COMMANDS_PER_TURN 256 // then what they lead to has its turn; packets wait for all of them
#define PACKETS_PER_TURN 256  // of one media worker
#define PEERS_PER_TURN 64     // that have something; the others come next
#define BUSY_US UINT64_C(2000000)
#define IDLE_TICK_US UINT64_C(100000)
#define HEARTBEAT_US UINT64_C(2000000) // it turns as often at least, as a media worker does
#define EVENTS_RETRY_US UINT64_C(1000) // while the control thread is behind

static void data_wake(struct data_worker *data) {
    const uint64_t once = 1;
    if (!atomic_exchange_explicit(&data->asleep, false, memory_order_acq_rel))
        return;
    ssize_t n = write(data->wake_fd, &once, sizeof once);
    (void)n; // it can only fail by being set already
}

// ---- the media workers' side

struct data_packet *data_worker_reserve(struct data_worker *data, unsigned worker) {
    return ring_reserve(data->links[worker].in);
}

void data_worker_push(struct data_worker *data, unsigned worker) {
    ring_push(data->links[worker].in);
    data->links[worker].in_written = true;
}

void data_worker_flush(struct data_worker *data, unsigned worker) {
    if (!data->links[worker].in_written)
        return;
    data->links[worker].in_written = false;
    data_wake(data);
}

bool data_worker_waiting(struct data_worker *data, unsigned worker) {
    return ring_peek(data->links[worker].out) != NULL;
}

const struct data_packet *data_worker_peek(struct data_worker *data, unsigned worker) {
    return ring_peek(data->links[worker].out);
}

void data_worker_pop(struct data_worker *data, unsigned worker) {
    ring_pop(data->links[worker].out);
}

// ---- the control thread's side

bool data_worker_post(struct data_worker *data, const struct data_cmd *cmd) {
    struct data_cmd *slot = ring_reserve(data->commands);
    if (!slot)
        return false;
    *slot = *cmd;
    ring_push(data->commands);
    data_wake(data);
    return true;
}

const struct data_event *data_worker_peek_event(struct data_worker *data) {
    return ring_peek(data->events);
}

void data_worker_pop_event(struct data_worker *data) {
    ring_pop(data->events);
}

void data_worker_stop(struct data_worker *data) {
    atomic_store_explicit(&data->stopping, true, memory_order_release);
    atomic_store_explicit(&data->asleep, true, memory_order_release); // wakes it whatever it does
    data_wake(data);
}

uint64_t data_worker_heartbeat_us(const struct data_worker *data) {
    return atomic_load_explicit(&data->heartbeat_us, memory_order_relaxed);
}

void data_worker_read_counters(struct data_worker *data, struct data_worker_counters *out) {
    published_read(data->published, out, sizeof *out);
}

static void data_publish(struct data_worker *data) {
    struct data_worker_counters *c = &data->counters;
    const struct data_counters *fw = data_forwarder_counters(data->forwarder);
#define COPY_OF_FORWARDER(member, ...) c->member = fw->member;
    DATA_FORWARDER_COUNTERS(COPY_OF_FORWARDER)
#undef COPY_OF_FORWARDER
    c->associations = slots_count(data->peers);
    published_write(data->published, c, sizeof *c);
}

// ---- one turn

static bool data_commands(struct data_worker *data, uint64_t now_us) {
    const struct data_cmd *cmd;
    for (unsigned done = 0; (cmd = ring_peek(data->commands)); done++) {
        if (done == COMMANDS_PER_TURN)
            return true;
        data_peer_command(data, cmd, now_us);
        ring_pop(data->commands);
    }
    return false;
}

// How many packets this turn takes. To be asked before the commands are taken: then whatever was commanded
// before one of these packets was sent, as its transport's being opened, is done before the packet is looked
// at.
static bool data_packets_waiting(struct data_worker *data) {
    bool more = false;
    for (unsigned w = 0; w < data->workers; w++) {
        uint32_t waiting = ring_waiting(data->links[w].in);
        data->links[w].to_take = waiting < PACKETS_PER_TURN ? waiting : PACKETS_PER_TURN;
        more |= waiting > PACKETS_PER_TURN;
    }
    return more;
}

static void data_packets(struct data_worker *data, uint64_t now_us) {
    for (unsigned w = 0; w < data->workers; w++)
        for (struct ring *in = data->links[w].in; data->links[w].to_take > 0; data->links[w].to_take--) {
            data_peer_packet(data, ring_peek(in));
            ring_pop(in);
            data->busy_until_us = now_us + BUSY_US;
        }
}

// What each has; true: some have more.
static bool data_ready(struct data_worker *data, uint64_t now_us) {
    for (unsigned n = 0; n < PEERS_PER_TURN && !list_empty(&data->ready); n++) {
        struct data_peer *peer = LIST_ENTRY(data->ready.next, struct data_peer, ready_link);
        list_remove(&peer->ready_link);
        if (data_peer_read(peer, now_us) && !list_linked(&peer->ready_link))
            list_push_back(&data->ready, &peer->ready_link);
    }
    return !list_empty(&data->ready);
}

static void data_flush(struct data_worker *data) {
    for (unsigned w = 0; w < data->workers; w++) {
        if (!data->links[w].out_written)
            continue;
        data->links[w].out_written = false;
        data->config.wake_worker(data->config.ctx, w);
    }
    if (data->events_written) {
        data->events_written = false;
        data->config.events_ready(data->config.ctx);
    }
}

static uint64_t data_next_us(struct data_worker *data, uint64_t now_us) {
    if (!data_events_have_room(data))
        return now_us + EVENTS_RETRY_US; // what cannot be told is not done
    uint64_t next_us = data_forwarder_next_us(data->forwarder);
    uint64_t tick_us = slots_count(data->peers) == 0  ? now_us + HEARTBEAT_US
                       : now_us < data->busy_until_us ? now_us + SCTP_LIBRARY_TICK_US
                                                      : now_us + IDLE_TICK_US;
    return tick_us < next_us ? tick_us : next_us;
}

// True: there is more to do at once.
static bool data_turn(struct data_worker *data) {
    uint64_t now_us = clock_now_us();
    atomic_store_explicit(&data->heartbeat_us, now_us, memory_order_relaxed);
    bool more = data_packets_waiting(data);
    if (data_commands(data, now_us))
        more = true; // the packets come after all of them
    else
        data_packets(data, now_us);
    sctp_library_advance(now_us);
    static_assert(DATA_ENDS_PER_ADVANCE <= EVENTS_KEPT,
                  "they are told, or the control side keeps what ended");
    if (data_events_have_room(data))
        data_forwarder_advance(data->forwarder, now_us);
    more |= data_ready(data, now_us);
    data_publish(data);
    data_flush(data);
    data->next_us = data_next_us(data, now_us);
    // While the control thread takes nothing there is no use in trying at once.
    return more && data_events_have_room(data);
}

static bool data_has_work(struct data_worker *data) {
    for (unsigned w = 0; w < data->workers; w++)
        if (ring_peek(data->links[w].in))
            return true;
    return ring_peek(data->commands) || atomic_load_explicit(&data->stopping, memory_order_acquire);
}

static void data_sleep(struct data_worker *data) {
    atomic_exchange_explicit(&data->asleep, true, memory_order_acq_rel);
    uint64_t now_us = clock_now_us(), next_us = data->next_us;
    if (!data_has_work(data) && next_us > now_us) {
        int wait_ms = (int)((next_us - now_us + US_PER_MS - 1) / US_PER_MS); // HEARTBEAT_US at most
        struct pollfd fd = {.fd = data->wake_fd, .events = POLLIN};
        (void)poll(&fd, 1, wait_ms);
    }
    atomic_store_explicit(&data->asleep, false, memory_order_release);
    uint64_t times;
    ssize_t n = read(data->wake_fd, &times, sizeof times); // non-blocking: it may not have been written
    (void)n;
}

void data_worker_run(struct data_worker *data) {
    while (!atomic_load_explicit(&data->stopping, memory_order_acquire))
        if (!data_turn(data))
            data_sleep(data);
    data_peers_close(data);
    data_flush(data);
}

// ---- life

static bool data_open_links(struct data_worker *data) {
    for (unsigned w = 0; w < data->workers; w++) {
        data->links[w].in = ring_create(sizeof(struct data_packet), PACKETS);
        data->links[w].out = ring_create(sizeof(struct data_packet), PACKETS);
        if (!data->links[w].in || !data->links[w].out)
            return false;
    }
    data->commands = ring_create(sizeof(struct data_cmd), COMMANDS);
    data->events = ring_create(sizeof(struct data_event), EVENTS);
    return data->commands && data->events;
}

struct data_worker *data_worker_create(const struct data_worker_config *config) {
    assert(config->workers > 0 && config->workers <= WORKERS_MAX);
    struct data_worker *data = calloc(1, sizeof *data);
    if (!data)
        return NULL;
    data->config = *config;
    data->workers = config->workers;
    atomic_store(&data->heartbeat_us, clock_now_us());
    list_init(&data->ready);
    data->library = sctp_library_start() == ERR_OK;
    data->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    data->peers = slots_create(ASSOCIATIONS_MAX);
    data->peers_by_id = hmap_create(sizeof(struct transport_id), ASSOCIATIONS_MAX);
    struct data_forwarder_output output = data_forwarder_output_template;
    output.ctx = data;
    data->forwarder = data_forwarder_create(&output, config->rate);
    if (data->library && data->wake_fd >= 0 && data->peers && data->peers_by_id && data->forwarder &&
        data_open_links(data))
        return data;
    data_worker_destroy(data);
    return NULL;
}

void data_worker_destroy(struct data_worker *data) {
    if (!data)
        return;
    if (data->peers && data->forwarder)
        data_peers_close(data);
    data_forwarder_destroy(data->forwarder);
    if (data->library)
        sctp_library_stop();
    slots_destroy(data->peers);
    hmap_destroy(data->peers_by_id);
    for (unsigned w = 0; w < data->workers; w++) {
        ring_destroy(data->links[w].in);
        ring_destroy(data->links[w].out);
    }
    ring_destroy(data->commands);
    ring_destroy(data->events);
    if (data->wake_fd >= 0)
        close(data->wake_fd);
    free(data);
}
