// The loop of a media worker. Nobody calls send on the way of a packet: what is to leave collects in the UDP
// port and in the queues to other threads, and worker_end_turn lets all of it go at once.
#include "server/media/worker_internal.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/patience.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define PUBLISH_SOON_US (250 * US_PER_MS) // when the loop turns anyway
#define HEARTBEAT_US (2 * US_PER_SECOND)  // else
#define LAG_PERIOD_US (5 * US_PER_SECOND)
#define TIMER_HORIZON_US HEARTBEAT_US
#define COMMANDS_PER_TURN 256
#define TIMER_SLACK_NS 5000UL // the system's default is ten times that
#define COMMANDS_TURN_US 2000 // then media has its turn
#define WORKER_TCP_BIT 4u     // in worker.readable

struct media_event *worker_event_reserve(struct worker *w) {
    return ring_reserve(w->events);
}

void worker_event_push(struct worker *w) {
    ring_push(w->events);
    w->events_written = true;
}

// ---- counters for others

static void worker_publish(struct worker *w, uint64_t now_us) {
    const struct udp_port_counters *udp = udp_port_counters(w->port);
    const struct forwarder_counters *fw = forwarder_counters(w->fw);
    static const struct tcp_port_counters none;
    const struct tcp_port_counters *tcp = w->tcp ? tcp_port_counters(w->tcp) : &none;
    struct media_counters *c = &w->counters;
#define COPY_OF_UDP(member, from, ...) c->member = udp->from;
    MEDIA_UDP_COUNTERS(COPY_OF_UDP)
#define COPY_OF_TCP(member, from, ...) c->member = tcp->from;
    MEDIA_TCP_COUNTERS(COPY_OF_TCP)
#define COPY_OF_FORWARDER(member, ...) c->member = fw->member;
    FORWARDER_COUNTERS(COPY_OF_FORWARDER)
    c->links = fw->links;
    c->drops[MEDIA_DROP_KERNEL_RECEIVE_QUEUE] = udp->kernel_dropped;
    c->drops[MEDIA_DROP_EGRESS_FULL] = udp->queue_dropped;
    c->drops[MEDIA_DROP_SEND_FAILED] = udp->send_failed + w->plain_send_failed;
    c->drops[MEDIA_DROP_EGRESS_OVER_BUDGET] = fw->egress_over_budget;
    c->drops[MEDIA_DROP_POOL_EMPTY] = udp->no_block + fw->no_block + tcp->no_block;
    c->drops[MEDIA_DROP_TCP_QUEUE_FULL] = tcp->queue_full;
    c->drops[MEDIA_DROP_TCP_QUEUE_LATE] = tcp->queue_late;
    c->drops[MEDIA_DROP_TCP_GONE] = tcp->no_connection;
    c->receive_calls = udp->receive_calls;
    c->send_calls = udp->send_calls;
    c->send_messages = udp->messages_out;
    c->pool_blocks = pool_taken(w->pool);
    c->transports = slots_count(w->peers);
    c->loop_lag_us_max = w->lag_now_us > w->lag_before_us ? w->lag_now_us : w->lag_before_us;
    c->published_us = now_us;
    published_write(w->published, c, sizeof *c);
}

static void worker_note_lag(struct worker *w, uint64_t lag_us, uint64_t now_us) {
    if (now_us - w->lag_turned_us >= LAG_PERIOD_US) {
        w->lag_before_us = w->lag_now_us;
        w->lag_now_us = 0;
        w->lag_turned_us = now_us;
    }
    if (lag_us > w->lag_now_us)
        w->lag_now_us = lag_us;
}

static void worker_on_publish(struct wheel_node *node, uint64_t now_us) {
    struct worker *w = LIST_ENTRY(node, struct worker, publish);
    if (w->tcp)
        tcp_port_advance(w->tcp, now_us);
    worker_publish(w, now_us);
    worker_budget_tell(w, now_us);
    wheel_arm(&w->wheel, node, now_us + HEARTBEAT_US);
}

void worker_read_counters(struct worker *w, struct media_counters *out) {
    published_read(w->published, out, sizeof *out);
}

uint64_t worker_heartbeat_us(const struct worker *w) {
    return atomic_load_explicit(&w->heartbeat_us, memory_order_relaxed);
}

// ---- one turn

static void worker_on_writable(struct worker *w);
static void worker_poll(struct worker *w, bool writable);
static void worker_on_timer(uv_timer_t *timer);

static void worker_arm_loop_timer(struct worker *w, uint64_t now_us) {
    uint64_t next_us = wheel_next_us(&w->wheel, now_us, TIMER_HORIZON_US);
    assert(next_us != TIME_NEVER); // the publish timer is always armed
    uint64_t wait_ms = next_us > now_us ? (next_us - now_us + US_PER_MS - 1) / US_PER_MS : 1;
    uv_timer_start(&w->timer, worker_on_timer, wait_ms, 0);
}

// Wakes whom it concerns, sends what the turn produced, fires what is due, and notes how long it took.
static void worker_end_turn(struct worker *w) {
    uint64_t started_us = w->now_us;
    worker_load_apply(w, started_us);
    worker_peers_report(w); // before others take the room that there is again
    worker_tell_untold(w);
    mesh_flush(w->mesh, w->index); // others send their share meanwhile
    forwarder_flush(w->fw);
    wheel_advance(&w->wheel, started_us);
    udp_port_flush(w->port, started_us);
    worker_plain_flush(w);
    if (w->tcp)
        tcp_port_flush(w->tcp, started_us);
    mesh_flush(w->mesh, w->index);
    if (w->data)
        data_worker_flush(w->data, w->index);
    if (w->ice)
        ice_worker_flush(w->ice, w->index);
    if (w->events_written) {
        w->events_written = false;
        w->events_ready(w->events_ctx);
    }
    worker_on_writable(w);
    uint64_t now_us = clock_now_us();
    worker_note_lag(w, now_us - started_us, now_us);
    worker_load_note(w, started_us, now_us);
    if (now_us >= w->counters.published_us + PUBLISH_SOON_US)
        worker_on_publish(&w->publish, now_us);
    atomic_store_explicit(&w->heartbeat_us, now_us, memory_order_relaxed);
    worker_arm_loop_timer(w, now_us);
}

static void worker_close_handle(uv_handle_t *handle, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

// The loop's handles stay until worker_destroy: workers that have not heard of the end yet still wake us.
static void worker_end(struct worker *w) {
    worker_peers_close(w);
    if (w->ice)
        ice_worker_flush(w->ice, w->index); // goodbyes
    udp_port_flush(w->port, w->now_us);
    worker_plain_flush(w);
    if (w->tcp) {
        tcp_port_flush(w->tcp, w->now_us);
        uv_poll_stop(&w->poll_tcp);
    }
    if (udp_port_fd4(w->port) >= 0)
        uv_poll_stop(&w->poll4);
    if (udp_port_fd6(w->port) >= 0)
        uv_poll_stop(&w->poll6);
    uv_timer_stop(&w->timer);
    uv_poll_stop(&w->wake);
    uv_prepare_stop(&w->prepare);
    uv_check_stop(&w->check);
    uv_stop(&w->loop);
}

// Stops early when media must have its turn; what is left brings about another one.
static void worker_commands(struct worker *w, uint64_t now_us) {
    const struct media_cmd *cmd;
    for (unsigned done = 0; (cmd = ring_peek(w->commands)); done++) {
        if (done == COMMANDS_PER_TURN || (done % 8 == 7 && clock_now_us() - now_us > COMMANDS_TURN_US))
            return;
        worker_peer_command(w, cmd, now_us);
        ring_pop(w->commands);
    }
}

// Lets packets gather until batch_us have passed since the last turn that had some: the price of a turn, and
// that of sending, is then shared by more of them. True when some time passed.
static bool worker_gather(struct worker *w) {
    uint64_t passed_us = clock_now_us() - w->gathered_us;
    bool wait = passed_us < w->batch_us;
    if (wait)
        nanosleep(&(struct timespec){.tv_nsec = (long)(w->batch_us - passed_us) * 1000}, NULL);
    w->gathered_us = clock_now_us();
    return wait;
}

// As bits of `readable`.
static unsigned worker_sockets(const struct worker *w) {
    return (udp_port_fd4(w->port) >= 0 ? 1U : 0U) | (udp_port_fd6(w->port) >= 0 ? 2U : 0U);
}

static void worker_turn(struct worker *w) {
    unsigned readable = w->readable;
    w->readable = 0;
    w->turn_due = false;
    if ((readable || mesh_waiting(w->mesh, w->index)) && worker_gather(w))
        readable |= w->lively;
    if (atomic_load_explicit(&w->stopping, memory_order_acquire)) {
        worker_end(w);
        return;
    }
    w->now_us = clock_now_us();
    if (w->now_us >= worker_heartbeat_us(w) + HEARTBEAT_US + PATIENCE_ASLEEP_US)
        readable |= worker_sockets(
            w); // the process did not run: checks that came meanwhile count before silence does
    worker_commands(w, w->now_us);
    worker_handshakes(w, w->now_us);
    worker_drain_mesh(w, w->now_us);
    worker_data_out(w);
    worker_ice_in(w, w->now_us);
    w->lively = 0;
    for (unsigned i = 0; i < 2; i++)
        if (readable & 1u << i && worker_receive(w, i == 0 ? 4 : 6, w->now_us))
            w->lively |= 1u << i;
    worker_plain_receive(w, w->now_us);
    if (w->tcp) {
        worker_tcp_offers(w, w->now_us);
        if (readable & WORKER_TCP_BIT && tcp_port_receive(w->tcp, w->now_us))
            w->lively |= WORKER_TCP_BIT;
    }
    worker_end_turn(w);
}

static void worker_on_wake(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    struct worker *w = poll->data;
    uint64_t times;
    ssize_t n = read(w->wake_fd, &times, sizeof times); // it is non-blocking, and may have been read already
    (void)n;
    w->turn_due = true;
}

static void worker_on_socket(uv_poll_t *poll, int status, int events) {
    struct worker *w = poll->data;
    if (status != 0) // libuv has stopped watching; receiving takes the error off the socket
        worker_poll(w, w->polls_writable);
    if (status != 0 || (events & UV_READABLE))
        w->readable |= poll == &w->poll4 ? 1 : 2;
    w->turn_due = true;
}

static void worker_on_tcp(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    struct worker *w = poll->data;
    w->readable |= WORKER_TCP_BIT;
    w->turn_due = true;
}

static void worker_on_timer(uv_timer_t *timer) {
    worker_turn(timer->data);
}

// Behind the callbacks of what the loop waited for: one turn for all of it.
static void worker_on_check(uv_check_t *check) {
    struct worker *w = check->data;
    atomic_store_explicit(&w->asleep, false, memory_order_relaxed);
    if (w->turn_due)
        worker_turn(w);
}

static bool worker_has_work(struct worker *w) {
    return ring_peek(w->commands) || ring_peek(w->handshakes) || ring_peek(w->tcp_offers) ||
           mesh_waiting(w->mesh, w->index) || (w->data && data_worker_waiting(w->data, w->index)) ||
           (w->ice && ice_worker_waiting(w->ice, w->index)) ||
           atomic_load_explicit(&w->stopping, memory_order_acquire);
}

// The last look before the loop waits. Who writes to us after it finds us asleep.
static void worker_on_prepare(uv_prepare_t *prepare) {
    struct worker *w = prepare->data;
    atomic_exchange_explicit(&w->asleep, true, memory_order_acq_rel);
    if (worker_has_work(w))
        worker_wake(w);
}

static void worker_poll(struct worker *w, bool writable) {
    int events = UV_READABLE | (writable ? UV_WRITABLE : 0);
    if (udp_port_fd4(w->port) >= 0)
        uv_poll_start(&w->poll4, events, worker_on_socket);
    if (udp_port_fd6(w->port) >= 0)
        uv_poll_start(&w->poll6, events, worker_on_socket);
    w->polls_writable = writable;
}

// Waits for the socket to take more exactly while something waits for it.
static void worker_on_writable(struct worker *w) {
    bool backlog = udp_port_backlog(w->port) > 0;
    if (backlog != w->polls_writable)
        worker_poll(w, backlog);
}

// ---- life

static enum err worker_open_loop(struct worker *w) {
    if (uv_loop_init(&w->loop) != 0)
        return ERR_IO;
    w->loop_ready = true;
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (w->wake_fd < 0)
        return ERR_IO;
    if (uv_poll_init(&w->loop, &w->wake, w->wake_fd) != 0 || uv_timer_init(&w->loop, &w->timer) != 0 ||
        uv_prepare_init(&w->loop, &w->prepare) != 0 || uv_check_init(&w->loop, &w->check) != 0)
        return ERR_IO;
    w->wake.data = w->timer.data = w->prepare.data = w->check.data = w;
    w->poll4.data = w->poll6.data = w->poll_tcp.data = w;
    if (w->tcp && (uv_poll_init(&w->loop, &w->poll_tcp, tcp_port_fd(w->tcp)) != 0 ||
                   uv_poll_start(&w->poll_tcp, UV_READABLE, worker_on_tcp) != 0))
        return ERR_IO;
    int fd4 = udp_port_fd4(w->port), fd6 = udp_port_fd6(w->port);
    if ((fd4 >= 0 && uv_poll_init(&w->loop, &w->poll4, fd4) != 0) ||
        (fd6 >= 0 && uv_poll_init(&w->loop, &w->poll6, fd6) != 0))
        return ERR_IO;
    worker_poll(w, false);
    uv_poll_start(&w->wake, UV_READABLE, worker_on_wake);
    uv_prepare_start(&w->prepare, worker_on_prepare);
    uv_check_start(&w->check, worker_on_check);
    return ERR_OK;
}

static enum err worker_open_parts(struct worker *w, const struct worker_config *config) {
    w->stun = ice_stun_create();
    struct tcp_handlers tcp = {.ctx = w, .packet = worker_tcp_packet, .lost = worker_tcp_lost};
    w->tcp = config->tcp ? tcp_port_create(w->pool, &tcp) : NULL;
    w->tcp_offers = worker_tcp_offers_create();
    w->env = (struct peer_env){.port = w->port,
                               .pool = w->pool,
                               .tcp = w->tcp,
                               .now_us = &w->now_us,
                               .shared = {.stun = w->stun, .dtls = config->dtls},
                               .data = worker_data_in,
                               .agent_send = worker_ice_send};
    w->peers = slots_create(WORKER_PEERS_MAX);
    w->peers_by_id = hmap_create(sizeof(struct transport_id), WORKER_PEERS_MAX);
    w->routes = route_table_create(WORKER_PEERS_MAX * 4, WORKER_PEERS_MAX * 2);
    w->untold = ring_create(sizeof(struct untold_route), WORKER_UNTOLD);
    w->handshakes = worker_handshakes_create();
    w->commands = ring_create(sizeof(struct media_cmd), WORKER_COMMANDS);
    w->events = ring_create(sizeof(struct media_event), WORKER_EVENTS);
    w->stats = ring_create(sizeof(struct media_stats), WORKER_STATS);
    w->ice_closed = w->ice ? ring_create(sizeof(struct transport_id), WORKER_ICE_CLOSED) : NULL;
    struct forwarder_config fw = {
        .link = link_of_worker(w->index), .random_seed = entropy_u64(), .limits = config->limits};
    media_limits_fill(&fw.limits);
    struct forwarder_output output = worker_forwarder_output_template;
    output.ctx = w;
    w->fw = forwarder_create(&fw, &output, w->pool, &w->wheel);
    bool ok = w->stun && (w->tcp || !config->tcp) && w->tcp_offers && w->peers && w->peers_by_id &&
              w->routes && w->untold && w->handshakes && w->commands && w->events && w->stats && w->fw &&
              (w->ice_closed || !w->ice);
    return ok ? ERR_OK : ERR_NO_MEMORY;
}

struct worker *worker_create(const struct worker_config *config, char *error, size_t error_cap) {
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        snprintf(error, error_cap, "no memory for media worker %u", config->index);
        return NULL;
    }
    w->wake_fd = -1;
    w->index = config->index;
    w->workers = config->workers;
    w->mesh = config->mesh;
    w->data = config->data;
    w->ice = config->ice;
    list_init(&w->agents_untold);
    w->batch_us = config->batch_us;
    w->no_shedding = config->no_shedding;
    w->events_ready = config->events_ready;
    w->events_ctx = config->events_ctx;
    uint64_t now_us = clock_now_us();
    list_init(&w->unreported);
    list_init(&w->plains);
    list_init(&w->plains_queued);
    wheel_init(&w->wheel, now_us);
    overload_init(&w->overload, now_us);
    atomic_store(&w->heartbeat_us, now_us);
    w->pool = pool_create(WORKER_POOL_BLOCKS);
    struct udp_port_config port = {.port = config->port,
                                   .reuse_port = config->workers > 1,
                                   .receive_buffer_bytes = config->receive_buffer_bytes,
                                   .send_buffer_bytes = config->send_buffer_bytes};
    w->port = w->pool ? udp_port_open(&port, w->pool, error, error_cap) : NULL;
    if (w->port && (worker_open_parts(w, config) != ERR_OK || worker_open_loop(w) != ERR_OK)) {
        snprintf(error, error_cap, "cannot start media worker %u: out of memory or file descriptors",
                 config->index);
        worker_destroy(w);
        return NULL;
    }
    if (!w->port) {
        worker_destroy(w);
        return NULL;
    }
    wheel_node_init(&w->publish, worker_on_publish);
    wheel_node_init(&w->ice_retry, worker_ice_retry);
    wheel_arm(&w->wheel, &w->publish, now_us);
    return w;
}

void worker_run(struct worker *w) {
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS); // of this thread; worker_gather wants to wake when it says
    worker_arm_loop_timer(w, clock_now_us());
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

void worker_destroy(struct worker *w) {
    if (!w)
        return;
    if (w->loop_ready) {
        if (w->fw && w->peers)
            worker_peers_close(w);
        uv_walk(&w->loop, worker_close_handle, NULL);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        int left = uv_loop_close(&w->loop);
        assert(left == 0);
        (void)left;
    }
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    forwarder_destroy(w->fw);
    udp_port_close(w->port);
    tcp_port_destroy(w->tcp);
    worker_tcp_offers_close(w);
    ring_destroy(w->events);
    ring_destroy(w->stats);
    ring_destroy(w->commands);
    ring_destroy(w->untold);
    ring_destroy(w->ice_closed);
    worker_handshakes_close(w);
    route_table_destroy(w->routes);
    hmap_destroy(w->peers_by_id);
    slots_destroy(w->peers);
    ice_stun_destroy(w->stun);
    pool_destroy(w->pool);
    free(w);
}

uint16_t worker_port(const struct worker *w) {
    return udp_port_number(w->port);
}

bool worker_steer(struct worker *w, int family, const struct steer_entry *entries, unsigned count) {
    return udp_port_steer(w->port, family, entries, count);
}

void worker_wake(struct worker *w) {
    const uint64_t once = 1;
    if (!atomic_exchange_explicit(&w->asleep, false, memory_order_acq_rel))
        return;
    ssize_t n = write(w->wake_fd, &once, sizeof once);
    (void)n; // it can only fail by being set already
}

void worker_stop(struct worker *w) {
    atomic_store_explicit(&w->stopping, true, memory_order_release);
    worker_wake(w);
}

bool worker_post(struct worker *w, const struct media_cmd *cmd) {
    struct media_cmd *slot = ring_reserve(w->commands);
    if (!slot)
        return false;
    *slot = *cmd;
    ring_push(w->commands);
    worker_wake(w);
    return true;
}

const struct media_event *worker_peek_event(struct worker *w) {
    return ring_peek(w->events);
}

void worker_pop_event(struct worker *w) {
    ring_pop(w->events);
}

const struct media_stats *worker_peek_stats(struct worker *w) {
    return ring_peek(w->stats);
}

void worker_pop_stats(struct worker *w) {
    ring_pop(w->stats);
}
