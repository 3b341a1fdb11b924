#include "server/tcp_door.h"

#include "base/clock.h"
#include "base/list.h"
#include "server/web/address_limits.h"
#include "server/web/tcp_listener.h"
#include "transport/tcp_first.h"
#include "transport/tcp_port.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define LOOK_MS 250          // when deadlines and tickets are looked at, while there are any
#define ADDRESSES_SPARE 4096 // that are remembered beside those of strangers
#define HTTP_WORDS "This is Rotunda's port for media, not for pages.\n"

// One connection, from the moment that it came in until it is closed.
struct visitor {
    struct tcp_ticket ticket; // the worker's part
    struct list link;         // of door->visitors
    // Of door->waiting, until its first packet has come, then of door->held: socket and handle are ours.
    struct list waiting;
    struct list spoken; // of door->spoken, while it is with a worker and a stranger
    struct tcp_door *door;
    struct net_address address;
    bool stranger; // counted as one
    int fd;
    unsigned worker;            // that its first packet names
    uint64_t came_us, spoke_us; // the second is 0 until it is held
    uv_poll_t poll;
};

struct tcp_door {
    struct tcp_door_config config;
    struct tcp_listener *listener;
    struct address_limits *limits; // of strangers
    uv_timer_t timer, hold_timer;
    bool timer_runs, shut;
    struct list visitors; // all of them
    struct list waiting;  // in the order in which they came
    struct list held;     // in the order in which they spoke
    struct list spoken;   // in the order in which they spoke
    uint32_t count;
    struct tcp_door_counts counts;
};

// ---- a visitor's end

static void door_free(struct tcp_door *door) {
    address_limits_destroy(door->limits);
    free(door);
}

static void visitor_known(struct visitor *v) {
    if (!v->stranger)
        return;
    v->stranger = false;
    list_remove(&v->spoken);
    v->door->counts.strangers--;
    address_limits_disconnect(v->door->limits, &v->address, clock_now_us());
}

static void visitor_forget(struct visitor *v) {
    visitor_known(v);
    list_remove(&v->link);
    list_remove(&v->waiting);
    assert(v->door->count > 0);
    v->door->count--;
}

static void on_visitor_closed(uv_handle_t *handle) {
    free(handle->data);
}

// It was still waiting.
static void visitor_end(struct visitor *v, uint64_t *counter) {
    assert(list_linked(&v->waiting));
    ++*counter;
    uv_poll_stop(&v->poll);
    close(v->fd);
    visitor_forget(v);
    uv_close((uv_handle_t *)&v->poll, on_visitor_closed);
}

// ---- its first packet

static void on_handed_over(uv_handle_t *handle) {
    struct visitor *v = handle->data;
    v->poll.data = NULL; // the struct stays until the worker has closed the connection
}

static void set_low_water(int fd, int bytes) {
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static void visitor_go_in(struct visitor *v, unsigned worker) {
    set_low_water(v->fd, 1);
    uv_poll_stop(&v->poll);
    if (!media_offer_tcp(v->door->config.media, worker, v->fd, &v->ticket)) {
        visitor_end(v, &v->door->counts.refused_full);
        return;
    }
    list_remove(&v->waiting);
    list_push_back(&v->door->spoken, &v->spoken);
    uv_close((uv_handle_t *)&v->poll, on_handed_over);
}

static void hold_until(struct tcp_door *door, uint64_t now_us);

static void on_held(uv_timer_t *timer) {
    struct tcp_door *door = timer->data;
    uint64_t now_us = clock_now_us();
    LIST_EACH(node, &door->held) {
        struct visitor *v = LIST_ENTRY(node, struct visitor, waiting);
        if (now_us - v->spoke_us < door->config.hold_us)
            break;
        visitor_go_in(v, v->worker);
    }
    hold_until(door, now_us);
}

// The timer is for who has waited longest.
static void hold_until(struct tcp_door *door, uint64_t now_us) {
    if (list_empty(&door->held))
        return;
    uint64_t due_us = LIST_ENTRY(door->held.next, struct visitor, waiting)->spoke_us + door->config.hold_us;
    uv_timer_start(&door->hold_timer, on_held, due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0, 0);
}

static void visitor_hold(struct visitor *v, unsigned worker) {
    struct tcp_door *door = v->door;
    if (door->config.hold_us == 0) {
        visitor_go_in(v, worker);
        return;
    }
    uv_poll_stop(&v->poll); // what else comes is read by the worker
    v->worker = worker;
    v->spoke_us = clock_now_us();
    list_remove(&v->waiting);
    bool first = list_empty(&door->held);
    list_push_back(&door->held, &v->waiting);
    if (first)
        hold_until(door, v->spoke_us);
}

static void visitor_turn_away(struct visitor *v, uint8_t first) {
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
        "content-length: 49\r\n\r\n" HTTP_WORDS;
    _Static_assert(sizeof HTTP_WORDS - 1 == 49, "as it says");
    uint8_t unread[TCP_FIRST_BYTES_MAX]; // else closing would reset what is said here
    if (first >= 'A' && first <= 'Z' && recv(v->fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        (void)!send(v->fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    visitor_end(v, &v->door->counts.refused_other);
}

static void visitor_look(struct visitor *v, bool ended) {
    uint8_t bytes[TCP_FIRST_BYTES_MAX];
    unsigned number;
    ssize_t n = recv(v->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && !ended)
        return;
    if (n <= 0) {
        visitor_end(v, &v->door->counts.refused_late);
        return;
    }
    switch (tcp_first_look(span_of(bytes, (size_t)n), media_workers(v->door->config.media), &number)) {
    case TCP_FIRST_MEDIA:
        visitor_hold(v, number);
        return;
    case TCP_FIRST_OTHER:
        visitor_turn_away(v, bytes[0]);
        return;
    case TCP_FIRST_MORE:
        break;
    }
    if (ended)
        visitor_end(v, &v->door->counts.refused_late);
    else
        set_low_water(v->fd, (int)number); // else what is there would wake us again and again
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    visitor_look(poll->data, status < 0 || (events & UV_DISCONNECT));
}

// ---- time

static void on_look(uv_timer_t *timer) {
    struct tcp_door *door = timer->data;
    uint64_t now_us = clock_now_us();
    LIST_EACH(node, &door->visitors) {
        struct visitor *v = LIST_ENTRY(node, struct visitor, link);
        if (list_linked(&v->waiting)) {
            if (!v->spoke_us && now_us - v->came_us > DOOR_FIRST_US)
                visitor_end(v, &door->counts.refused_late);
            continue;
        }
        int standing = atomic_load_explicit(&v->ticket.standing, memory_order_acquire);
        if (standing != TCP_STRANGER)
            visitor_known(v);
        if (standing == TCP_CLOSED && !v->poll.data) {
            visitor_forget(v);
            free(v);
        }
    }
    if (door->count == 0) {
        uv_timer_stop(timer);
        door->timer_runs = false;
    }
}

// ---- who comes

static void visitor_begin(struct tcp_door *door, int fd, const struct net_address *address) {
    struct visitor *v = calloc(1, sizeof *v);
    if (!v || uv_poll_init_socket(door->config.loop, &v->poll, fd) != 0) {
        free(v);
        close(fd);
        address_limits_disconnect(door->limits, address, clock_now_us());
        return;
    }
    v->door = door;
    v->fd = fd;
    v->address = *address;
    v->stranger = true;
    v->came_us = clock_now_us();
    v->poll.data = v;
    list_push_back(&door->visitors, &v->link);
    list_init(&v->waiting);
    list_init(&v->spoken);
    list_push_back(&door->waiting, &v->waiting);
    door->count++;
    door->counts.strangers++;
    door->counts.accepted++;
    uv_poll_start(&v->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    if (!door->timer_runs)
        uv_timer_start(&door->timer, on_look, LOOK_MS, LOOK_MS);
    door->timer_runs = true;
}

// Who came first and has said nothing yet makes room, so that nobody closes the door by silence; where all
// have spoken, the one who did first and is a stranger still, so that nobody closes it by checks that are
// never good: a peer's first one is. Its worker closes it, so for a while connections are more than
// strangers_max, though never more than connections_max. Who is held has just spoken, and keeps its place.
// False: there is no room.
static bool make_room(struct tcp_door *door) {
    if (!list_empty(&door->waiting)) {
        visitor_end(LIST_ENTRY(door->waiting.next, struct visitor, waiting), &door->counts.refused_full);
        return true;
    }
    if (list_empty(&door->spoken) || door->count >= door->config.connections_max)
        return false;
    struct visitor *v = LIST_ENTRY(door->spoken.next, struct visitor, spoken);
    atomic_store_explicit(&v->ticket.unwanted, true, memory_order_relaxed);
    door->counts.refused_full++;
    visitor_known(v);
    return true;
}

void tcp_door_take(struct tcp_door *door, int fd, const struct net_address *client) {
    const struct tcp_door_config *config = &door->config;
    bool full = door->count >= config->connections_max || door->counts.strangers >= config->strangers_max;
    if (door->shut || (full && !make_room(door))) {
        door->counts.refused_full++;
        close(fd);
    } else if (!address_limits_connect(door->limits, client, clock_now_us())) {
        door->counts.refused_address++;
        close(fd);
    } else {
        visitor_begin(door, fd, client);
    }
}

static void on_accepted(void *ctx, int fd, const struct sockaddr *from) {
    struct net_address address = {{0}};
    (void)net_address_of(from, &address);
    tcp_door_take(ctx, fd, &address);
}

// ---- life

static struct tcp_listener *listen_everywhere(struct tcp_door *door, char *error, size_t error_cap) {
    const struct tcp_door_config *config = &door->config;
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const char *host = probe >= 0 ? "::" : "0.0.0.0"; // a machine without IPv6
    if (probe >= 0)
        close(probe);
    return tcp_listener_start(config->loop, host, config->port, "media-port", on_accepted, door, error,
                              error_cap);
}

static uint32_t half(uint32_t of, uint32_t most) {
    uint32_t n = of / 2 > DOOR_STRANGERS_MIN ? of / 2 : DOOR_STRANGERS_MIN;
    return n < most ? n : most;
}

static void config_fill(struct tcp_door_config *config) {
    if (!config->strangers_max)
        config->strangers_max = half(config->connections_max, DOOR_STRANGERS_MAX);
    if (!config->strangers_of_address)
        config->strangers_of_address = half(config->strangers_max, DOOR_STRANGERS_OF_ADDRESS);
}

struct tcp_door *tcp_door_open(const struct tcp_door_config *config, char *error, size_t error_cap) {
    struct tcp_door *door = calloc(1, sizeof *door);
    snprintf(error, error_cap, "out of memory");
    if (!door)
        return NULL;
    door->config = *config;
    config_fill(&door->config);
    list_init(&door->visitors);
    list_init(&door->waiting);
    list_init(&door->held);
    list_init(&door->spoken);
    struct address_limits_config limits = {.waiting_max = door->config.strangers_of_address,
                                           .addresses_max = door->config.strangers_max + ADDRESSES_SPARE};
    door->limits = address_limits_create(&limits);
    if (door->limits && config->port)
        door->listener = listen_everywhere(door, error, error_cap);
    if (!door->limits || (config->port && !door->listener)) {
        door_free(door);
        return NULL;
    }
    uv_timer_init(config->loop, &door->timer);
    uv_timer_init(config->loop, &door->hold_timer);
    door->timer.data = door->hold_timer.data = door;
    return door;
}

void tcp_door_shut(struct tcp_door *door) {
    if (!door || door->shut)
        return;
    door->shut = true;
    tcp_listener_stop(door->listener);
    LIST_EACH(node, &door->visitors) {
        struct visitor *v = LIST_ENTRY(node, struct visitor, link);
        if (list_linked(&v->waiting))
            visitor_end(v, &door->counts.refused_late);
    }
    uv_close((uv_handle_t *)&door->timer, NULL);
    uv_close((uv_handle_t *)&door->hold_timer, NULL);
}

void tcp_door_destroy(struct tcp_door *door) {
    if (!door)
        return;
    assert(door->shut);
    LIST_EACH(node, &door->visitors)
    free(LIST_ENTRY(node, struct visitor, link));
    door_free(door);
}

void tcp_door_read(const struct tcp_door *door, struct tcp_door_counts *out) {
    *out = door ? door->counts : (struct tcp_door_counts){0};
}
