#include "server/announcing.h"

#include "base/log.h"
#include "server/address_watch.h"
#include "server/announced.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct announcing {
    const struct config *config;
    struct announcing_handlers handlers;
    struct announce *announce;
    struct address_watch *watch;
    uv_loop_t *loop;
    uv_work_t asking; // the STUN server
    bool asks, ask_again, stopped;
    struct stun_seen seen; // of the asking thread while it asks
    bool answered;
};

static bool leads_out(const struct announce *announce) {
    for (unsigned i = 0; i < announce->count; i++)
        if (address_scope_of(announce->list[i].text) > ADDRESS_LOOPBACK)
            return true;
    return false;
}

// A machine that is cut off (its switch starts anew) mostly comes back as it was: nobody gains by hearing of
// loopback meanwhile, and calls may go on where they were.
static void look_again(struct announcing *a, const struct stun_seen *seen) {
    struct announce now;
    bool outside;
    announce_make(&now, a->config, seen, &a->announce->names);
    if (leads_out(a->announce) && !leads_out(&now))
        return;
    if (announced_replace(a->announce, &now, a->config, &outside))
        a->handlers.changed(a->handlers.ctx, outside);
}

// On a thread of libuv's pool: it may wait for seconds.
static void ask(uv_work_t *work) {
    struct announcing *a = work->data;
    char why[STUN_WHY_MAX];
    const struct host_port *server = &a->config->stun;
    a->answered = stun_ask(server->host, server->port, 0, &a->seen, why, sizeof why) == STUN_SEEN;
}

static void ask_begin(struct announcing *a);

static void ask_done(uv_work_t *work, int status) {
    struct announcing *a = work->data;
    a->asks = false;
    if (a->stopped) {
        free(a);
        return;
    }
    if (a->ask_again) {
        a->ask_again = false;
        ask_begin(a);
        return;
    }
    if (status != 0 || !a->answered)
        LOG_WARN("the STUN server does not answer", LOG_TEXT("server", a->config->stun.host),
                 LOG_TEXT("meaning", "what it saw at the start is not announced any more"));
    const struct stun_seen none = {0};
    look_again(a, status == 0 && a->answered ? &a->seen : &none);
}

static void ask_begin(struct announcing *a) {
    a->seen = (struct stun_seen){0};
    a->asking.data = a;
    a->asks = uv_queue_work(a->loop, &a->asking, ask, ask_done) == 0;
}

static void on_changed(void *ctx) {
    struct announcing *a = ctx;
    if (!a->config->stun.host[0])
        look_again(a, &(struct stun_seen){0});
    else if (a->asks)
        a->ask_again = true;
    else
        ask_begin(a);
}

struct announcing *announcing_start(uv_loop_t *loop, const struct config *config, struct announce *announce,
                                    const struct announcing_handlers *handlers) {
    if (!announce_is_automatic(config))
        return NULL;
    struct announcing *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->config = config;
    a->handlers = *handlers;
    a->announce = announce;
    a->loop = loop;
    a->watch = address_watch_start(loop, on_changed, a);
    if (a->watch && !config->stun.host[0])
        on_changed(a); // what has changed since the list was made, before anybody listened
    if (a->watch)
        return a;
    LOG_WARN(
        "changes of addresses are not heard of", LOG_TEXT("reason", strerror(errno)),
        LOG_TEXT("fix", "restart the server after such a change, or name the addresses with --announce"));
    free(a);
    return NULL;
}

void announcing_stop(struct announcing *a) {
    if (!a)
        return;
    address_watch_stop(a->watch);
    a->stopped = true;
    if (!a->asks)
        free(a); // else ask_done does
}
