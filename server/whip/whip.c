// The public face: making, ending, requests to whom they are for, time, counts.
#include "server/whip/whip.h"

#include "base/hmap.h"
#include "base/slots.h"
#include "server/whip/whip_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_HORIZON_US US_PER_SECOND

struct whip *whip_create(struct hub *hub, const struct whip_io *io, uint64_t now_us) {
    struct whip *whip = calloc(1, sizeof *whip);
    if (!whip)
        return NULL;
    whip->hub = hub;
    whip->io = *io;
    whip->now_us = now_us;
    whip->streams_next = 1;
    list_init(&whip->dirty);
    wheel_init(&whip->wheel, now_us);
    wheel_node_init(&whip->look, whip_look_fire);
    whip->sessions = slots_create(SLOTS_MAX);
    whip->secrets = hmap_create(SECRET_BYTES, SLOTS_MAX);
    if (!whip->sessions || !whip->secrets) {
        whip_destroy(whip);
        return NULL;
    }
    struct hub_events events = whip_observer(whip);
    hub_observe(hub, HUB_OBSERVER_WHIP, &events);
    return whip;
}

void whip_destroy(struct whip *whip) {
    if (!whip)
        return;
    hub_observe(whip->hub, HUB_OBSERVER_WHIP, NULL);
    whip->io = (struct whip_io){0};
    uint32_t cursor = 0;
    for (struct whip_session *session; whip->sessions && (session = slots_next(whip->sessions, &cursor));)
        whip_session_close(session, "left"); // as of anybody whose session ends, to who is still there
    slots_destroy(whip->sessions);
    hmap_destroy(whip->secrets);
    free(whip);
}

// ---- requests

static void refuse_method(struct whip *whip, struct whip_answer *answer, const char *allow) {
    whip_add_header(answer, "allow: %s", allow);
    whip_refuse(whip, answer, 405, "this address takes %s", allow);
}

// Which methods an address has; NULL: there is no such address.
static const char *methods_of(const struct whip_path *path, bool views) {
    if (path->count == 1)
        return "OPTIONS, POST";
    if (path->count == 2)
        return "OPTIONS, PATCH, POST, DELETE";
    if (!views)
        return NULL;
    if (path->count == 3 && strcmp(path->parts[2], "layer") == 0)
        return "OPTIONS, POST, DELETE";
    if (path->count == 3 && strcmp(path->parts[2], "events") == 0)
        return "OPTIONS, POST";
    return path->count == 4 && strcmp(path->parts[2], "events") == 0 ? "OPTIONS, GET, DELETE" : NULL;
}

// To a browser's script this tells what it may try; it needs no token (RFC 9725, section 4.2).
static void answer_options(struct whip *whip, const struct whip_path *path, bool views,
                           struct whip_answer *answer) {
    const char *methods = methods_of(path, views);
    answer->status = methods ? 204 : 404;
    if (!methods) {
        whip_refuse(whip, answer, 404, "there is no such address");
        return;
    }
    whip_add_header(answer, "allow: %s", methods);
    whip_add_header(answer, "access-control-allow-methods: %s",
                    path->count == 1 ? "OPTIONS, POST, PATCH, DELETE" : methods);
    whip_add_header(answer, "access-control-allow-headers: authorization, content-type, if-match");
    if (path->count == 1) {
        whip_add_header(answer, "accept-post: application/sdp");
        whip_link_ice_servers(whip, NULL, answer);
    } else if (path->count == 2) {
        whip_add_header(answer, "accept-patch: application/trickle-ice-sdpfrag");
    }
}

static void handle_endpoint(struct whip *whip, const struct whip_request *request,
                            const struct whip_path *path, struct whip_answer *answer) {
    if (request->method == WHIP_GET) // RFC 9725, section 4.1: nothing is there to be shown
        answer->status = 204;
    else if (request->method != WHIP_POST)
        refuse_method(whip, answer, methods_of(path, request->views));
    else if (request->views)
        whip_view(whip, request, path, answer);
    else
        whip_publish(whip, request, path, answer);
}

static void handle_session(struct whip_session *session, const struct whip_request *request,
                           const struct whip_path *path, struct whip_answer *answer) {
    if (request->method == WHIP_PATCH) {
        whip_patch(session, request, answer);
    } else if (request->method == WHIP_DELETE) {
        whip_session_close(session, "left");
        answer->status = 200;
    } else if (request->method == WHIP_GET) {
        answer->status = 204;
    } else if (request->method == WHIP_POST) {
        whip_mute(session, request, answer);
    } else {
        refuse_method(session->whip, answer, methods_of(path, request->views));
    }
}

static void handle_below(struct whip_session *session, const struct whip_request *request,
                         const struct whip_path *path, struct whip_answer *answer) {
    bool post = request->method == WHIP_POST, delete = request->method == WHIP_DELETE;
    const char *methods = methods_of(path, request->views), *word = path->parts[2];
    if (!methods)
        whip_refuse(session->whip, answer, 404, "there is no such address below a session");
    else if (path->count == 3 && strcmp(word, "layer") == 0 && (post || delete))
        whip_choose_layer(session, request, answer);
    else if (path->count == 3 && strcmp(word, "events") == 0 && post)
        whip_stream_open(session, request, answer);
    else if (path->count == 4 && request->method == WHIP_GET)
        whip_stream_read(session, path->parts[3], answer);
    else if (path->count == 4 && delete)
        whip_stream_delete(session, path->parts[3], answer);
    else
        refuse_method(session->whip, answer, methods);
}

static void turn(struct whip *whip, uint64_t now_us) {
    whip->now_us = now_us;
    hub_set_time(whip->hub, now_us);
}

void whip_handle(struct whip *whip, const struct whip_request *request, struct whip_answer *answer,
                 uint64_t now_us) {
    struct whip_path path;
    *answer = (struct whip_answer){.status = 500};
    turn(whip, now_us);
    whip->counts.requests++;
    whip_path_read(request->path, &path);
    struct whip_session *session = path.count > 1 ? whip_session_find(whip, &path, request->views) : NULL;
    if (path.count == 0)
        whip_refuse(whip, answer, 404, "the address is /%s/ROOM", request->views ? "whep" : "whip");
    else if (request->method == WHIP_OPTIONS)
        answer_options(whip, &path, request->views, answer);
    else if (path.count == 1)
        handle_endpoint(whip, request, &path, answer);
    else if (!session)
        whip_refuse(whip, answer, 404, "there is no such session; it has ended, or never was");
    else if (path.count == 2)
        handle_session(session, request, &path, answer);
    else
        handle_below(session, request, &path, answer);
}

// ---- time

uint64_t whip_next_us(const struct whip *whip) {
    if (!list_empty(&whip->dirty))
        return whip->now_us;
    return wheel_next_us(&whip->wheel, whip->now_us, NEXT_HORIZON_US);
}

// Each as often as it was marked before; what that causes waits for the next time. Viewers hear of it when
// all have found whom they watch now.
static void clean(struct whip *whip) {
    struct list work, tell;
    struct audiences counted = {.count = 0};
    list_init(&work);
    list_init(&tell);
    while (!list_empty(&whip->dirty)) {
        struct list *node = whip->dirty.next;
        list_remove(node);
        list_push_back(&work, node);
    }
    while (!list_empty(&work)) {
        struct whip_session *session = LIST_ENTRY(work.next, struct whip_session, dirty_link);
        list_remove(&session->dirty_link);
        session->dirty = false;
        if (!session->me) {
            whip_session_close(session, "left");
        } else if (session->views) {
            whip_follow(session);
            list_push_back(&tell, &session->tell_link);
        }
    }
    while (!list_empty(&tell)) {
        struct whip_session *session = LIST_ENTRY(tell.next, struct whip_session, tell_link);
        list_remove(&session->tell_link);
        if (session->me)
            whip_tell(session, &counted);
    }
}

void whip_advance(struct whip *whip, uint64_t now_us) {
    turn(whip, now_us);
    clean(whip);
    wheel_advance(&whip->wheel, now_us);
}

void whip_read_counts(const struct whip *whip, struct whip_counts *out) {
    *out = whip->counts;
}
