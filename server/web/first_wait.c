#include "server/web/first_wait.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

struct first_wait {
    uv_poll_t poll;
    int socket;
    void (*done)(void *ctx, int byte);
    void *ctx;
};

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void first_wait_stop(struct first_wait *wait) {
    if (!wait)
        return;
    uv_poll_stop(&wait->poll);
    uv_close((uv_handle_t *)&wait->poll, on_closed);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)events;
    struct first_wait *wait = poll->data;
    uint8_t first = 0;
    ssize_t n = recv(wait->socket, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && status == 0)
        return;
    void *ctx = wait->ctx;
    void (*done)(void *, int) = wait->done;
    first_wait_stop(wait);
    done(ctx, n == 1 && status == 0 ? first : -1);
}

struct first_wait *first_wait_start(struct uv_loop_s *loop, int socket, void (*done)(void *ctx, int byte),
                                    void *ctx) {
    struct first_wait *wait = malloc(sizeof *wait);
    if (!wait)
        return NULL;
    *wait = (struct first_wait){.socket = socket, .done = done, .ctx = ctx};
    wait->poll.data = wait;
    if (uv_poll_init_socket(loop, &wait->poll, socket) != 0) {
        free(wait);
        return NULL;
    }
    uv_poll_start(&wait->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    return wait;
}
