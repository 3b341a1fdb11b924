#include "server/web/proxy_wait.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct proxy_wait {
    uv_poll_t poll;
    int socket;
    void (*done)(void *ctx, enum proxy_outcome outcome, const struct net_address *client);
    void *ctx;
};

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void proxy_wait_stop(struct proxy_wait *wait) {
    if (!wait)
        return;
    uv_poll_stop(&wait->poll);
    uv_close((uv_handle_t *)&wait->poll, on_closed);
}

static void set_low_water(int socket, int bytes) {
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

static void finish(struct proxy_wait *wait, enum proxy_outcome outcome, size_t used,
                   const struct net_address *client) {
    uint8_t header[PROXY_HEADER_MAX];
    if (used && recv(wait->socket, header, used, MSG_DONTWAIT) != (ssize_t)used)
        outcome = PROXY_BROKEN;
    set_low_water(wait->socket, 1);
    void *ctx = wait->ctx;
    void (*done)(void *, enum proxy_outcome, const struct net_address *) = wait->done;
    proxy_wait_stop(wait);
    done(ctx, outcome, client);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct proxy_wait *wait = poll->data;
    uint8_t bytes[PROXY_HEADER_MAX];
    struct net_address client = {{0}};
    size_t used = 0;
    ssize_t n = recv(wait->socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && status == 0)
        return;
    if (status < 0) // the other side has reset it; libuv has stopped looking
        n = 0;
    enum proxy_outcome outcome = n > 0 ? proxy_header_read(bytes, (size_t)n, &used, &client) : PROXY_BROKEN;
    if (outcome != PROXY_MORE)
        finish(wait, outcome, used, &client);
    else if (events & UV_DISCONNECT)
        finish(wait, PROXY_BROKEN, 0, &client);
    else
        set_low_water(wait->socket, (int)n + 1); // else what is there would wake us again and again
}

struct proxy_wait *proxy_wait_start(struct uv_loop_s *loop, int socket,
                                    void (*done)(void *ctx, enum proxy_outcome outcome,
                                                 const struct net_address *client),
                                    void *ctx) {
    struct proxy_wait *wait = malloc(sizeof *wait);
    if (!wait)
        return NULL;
    *wait = (struct proxy_wait){.socket = socket, .done = done, .ctx = ctx};
    wait->poll.data = wait;
    if (uv_poll_init_socket(loop, &wait->poll, socket) != 0) {
        free(wait);
        return NULL;
    }
    uv_poll_start(&wait->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    return wait;
}
