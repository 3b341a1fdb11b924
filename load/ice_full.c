#include "load/ice_full.h"

#include "base/clock.h"

#include <nice/agent.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define TURNS_MAX 64 // of GLib's context, before others have their turn

struct ice_full_hub {
    uv_timer_t timer;
    GMainContext *context;
};

struct ice_full {
    struct ice_full_events events;
    NiceAgent *agent;
    guint stream;
    bool ready, failed;
    uint8_t in[NET_DATAGRAM_MAX + NET_SPARE_BYTES];
};

static void on_timer(uv_timer_t *timer) {
    struct ice_full_hub *hub = timer->data;
    for (unsigned i = 0; i < TURNS_MAX && g_main_context_iteration(hub->context, FALSE); i++)
        continue;
}

struct ice_full_hub *ice_full_hub_create(uv_loop_t *loop) {
    struct ice_full_hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return NULL;
    hub->context = g_main_context_new();
    uv_timer_init(loop, &hub->timer);
    hub->timer.data = hub;
    uv_timer_start(&hub->timer, on_timer, 1, 1);
    return hub;
}

void ice_full_hub_stop(struct ice_full_hub *hub) {
    if (hub)
        uv_close((uv_handle_t *)&hub->timer, NULL);
}

void ice_full_hub_destroy(struct ice_full_hub *hub) {
    if (!hub)
        return;
    g_main_context_unref(hub->context);
    free(hub);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data) {
    (void)agent;
    (void)stream;
    (void)component;
    struct ice_full *full = data;
    if (state == NICE_COMPONENT_STATE_READY && !full->ready) {
        full->ready = true;
        full->events.ready(full->events.ctx, clock_now_us());
    } else if (state == NICE_COMPONENT_STATE_FAILED && !full->failed) {
        full->failed = true;
        full->events.failed(full->events.ctx);
    }
}

static void on_received(NiceAgent *agent, guint stream, guint component, guint len, gchar *bytes,
                        gpointer data) {
    (void)agent;
    (void)stream;
    (void)component;
    struct ice_full *full = data;
    if (len > NET_DATAGRAM_MAX)
        return;
    memcpy(full->in, bytes, len);
    full->events.datagram(full->events.ctx, full->in, len, clock_now_us());
}

// The address from which this machine reaches one of the server's; false: it does not.
static bool local_address(const struct addr *remote, NiceAddress *out) {
    struct sockaddr_storage sa;
    socklen_t len = addr_to_sockaddr(remote, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&sa, len) == 0;
    len = sizeof sa;
    ok = ok && getsockname(fd, (struct sockaddr *)&sa, &len) == 0;
    if (fd >= 0)
        close(fd);
    nice_address_init(out);
    if (ok)
        nice_address_set_from_sockaddr(out, (struct sockaddr *)&sa);
    nice_address_set_port(out, 0);
    return ok;
}

// A host candidate of ours for each way to the server. False: there is none.
static bool add_local_addresses(struct ice_full *full, const struct addr *remotes, unsigned count) {
    bool any = false;
    for (unsigned i = 0; i < count; i++) {
        NiceAddress local;
        if (local_address(&remotes[i], &local)) // one that it has is not added again
            any |= nice_agent_add_local_address(full->agent, &local);
    }
    return any;
}

static NiceCandidate *remote_candidate(const struct ice_full *full, const struct addr *remote, unsigned at) {
    struct sockaddr_storage sa;
    NiceCandidate *candidate = nice_candidate_new(NICE_CANDIDATE_TYPE_HOST);
    addr_to_sockaddr(remote, &sa);
    candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    candidate->stream_id = full->stream;
    candidate->component_id = 1;
    candidate->priority = 2130706431 - (at << 8); // RFC 8445, 5.1.2.1: the local preference
    g_snprintf(candidate->foundation, sizeof candidate->foundation, "%u", at + 1);
    nice_address_set_from_sockaddr(&candidate->addr, (struct sockaddr *)&sa);
    return candidate;
}

static bool set_remotes(struct ice_full *full, const struct addr *remotes, unsigned count) {
    GSList *list = NULL;
    for (unsigned i = 0; i < count; i++)
        list = g_slist_append(list, remote_candidate(full, &remotes[i], i));
    bool ok = nice_agent_set_remote_candidates(full->agent, full->stream, 1, list) >= 1;
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    return ok;
}

static bool agent_start(struct ice_full *full, GMainContext *context, const struct addr *remotes,
                        unsigned count, const char *ufrag, const char *pwd) {
    full->agent =
        nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_CONSENT_FRESHNESS);
    if (!full->agent || !add_local_addresses(full, remotes, count))
        return false;
    g_object_set(full->agent, "controlling-mode", TRUE, "ice-tcp", FALSE, "upnp", FALSE, NULL);
    full->stream = nice_agent_add_stream(full->agent, 1);
    g_signal_connect(full->agent, "component-state-changed", G_CALLBACK(on_state), full);
    nice_agent_attach_recv(full->agent, full->stream, 1, context, on_received, full);
    return full->stream && nice_agent_gather_candidates(full->agent, full->stream) &&
           nice_agent_set_remote_credentials(full->agent, full->stream, ufrag, pwd) &&
           set_remotes(full, remotes, count);
}

struct ice_full *ice_full_open(struct ice_full_hub *hub, const struct addr *remotes, unsigned count,
                               const char *ufrag, const char *pwd, const struct ice_full_events *events) {
    struct ice_full *full = calloc(1, sizeof *full);
    if (!full)
        return NULL;
    full->events = *events;
    if (agent_start(full, hub->context, remotes, count, ufrag, pwd))
        return full;
    ice_full_close(full);
    return NULL;
}

void ice_full_close(struct ice_full *full) {
    if (!full)
        return;
    if (full->agent) {
        g_signal_handlers_disconnect_by_data(full->agent, full);
        if (full->stream)
            nice_agent_remove_stream(full->agent, full->stream);
        g_object_unref(full->agent);
    }
    free(full);
}

void ice_full_send(struct ice_full *full, const void *bytes, size_t len) {
    nice_agent_send(full->agent, full->stream, 1, (guint)len, bytes);
}
