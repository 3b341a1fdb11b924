#include "transport/ice_agent.h"

#include "base/clock.h"
#include "transport/ice_agent_answers.h"
#include "transport/ice_agent_hosts.h"
#include "transport/ice_screen.h"

#include <nice/agent.h>
#include <stdlib.h>

#define COMPONENT 1
#define ITERATIONS_MAX 4          // of GLib's context in a turn: then what they brought goes on its way
#define CHECKS_MAX 64             // pairs of candidates
#define CONSENT_WAIT_S 30         // RFC 7675, section 5.1
#define SERIES_SLACK_S 8          // between two questions, and a little more
#define GOODBYES 3                // to a TURN server that does not answer: over in three seconds or so
#define END_WAIT_US US_PER_SECOND // for those at the end of the pool

struct ice_pool {
    GMainContext *context;
    struct ice_pool_config config;
    unsigned agents;
    unsigned
        closing; // NiceAgents that give their places at TURN servers back, and have their sockets until then
};

struct ice_agent {
    struct ice_pool *pool;
    struct ice_agent_events events;
    NiceAgent *nice;
    guint stream;
    unsigned remotes, heard;                 // candidates since the last restart: told by the peer; learnt
    struct addr told[ICE_AGENT_REMOTES_MAX]; // the first `remotes` of them
    uint32_t foundations;
    struct ice_agent_relays relays;
    bool there, dropped;
    uint64_t renewed_us; // when consent was held to be there though no answer had come
    char local[NICE_CANDIDATE_MAX_FOUNDATION],
        remote[NICE_CANDIDATE_MAX_FOUNDATION]; // foundations of the path
};

// ---- the pool

struct ice_pool *ice_pool_create(const struct ice_pool_config *config) {
    struct ice_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->config = *config;
    pool->context = g_main_context_new();
    return pool;
}

static void pool_enter(const struct ice_pool *pool) {
    ice_agent_hosts_enter(pool->config.hosts, pool->config.host_count);
}

void ice_pool_destroy(struct ice_pool *pool) {
    if (!pool)
        return;
    assert(pool->agents == 0);
    for (uint64_t end_us = clock_now_us() + END_WAIT_US; pool->closing > 0 && clock_now_us() < end_us;)
        ice_pool_turn(pool, 10 * US_PER_MS); // what closed agents have left to do
    ice_agent_hosts_enter(NULL, 0);
    g_main_context_unref(pool->context);
    explicit_bzero(&pool->config, sizeof pool->config);
    free(pool);
}

void ice_pool_set_hosts(struct ice_pool *pool, const struct addr *hosts, unsigned count) {
    assert(count <= ICE_AGENT_HOSTS_MAX);
    pool->config.host_count = count;
    memcpy(pool->config.hosts, hosts, count * sizeof *hosts);
}

static gboolean on_waited(gpointer data) {
    (void)data;
    return G_SOURCE_REMOVE;
}

static GSource *wait_source(GMainContext *context, uint64_t wait_us) {
    GSource *source = g_timeout_source_new((guint)(wait_us / US_PER_MS + 1));
    g_source_set_callback(source, on_waited, NULL, NULL);
    g_source_attach(source, context);
    return source;
}

void ice_pool_turn(struct ice_pool *pool, uint64_t wait_us) {
    GSource *wait = wait_us && wait_us != TIME_NEVER ? wait_source(pool->context, wait_us) : NULL;
    pool_enter(pool);
    bool more = g_main_context_iteration(pool->context, wait_us != 0);
    for (unsigned i = 1; more && i < ITERATIONS_MAX; i++)
        more = g_main_context_iteration(pool->context, FALSE);
    if (wait) {
        g_source_destroy(wait);
        g_source_unref(wait);
    }
}

void ice_pool_wake(struct ice_pool *pool) {
    g_main_context_wakeup(pool->context);
}

// ---- words of libnice

static bool addr_from_nice(const NiceAddress *nice, struct addr *out) {
    struct sockaddr_storage sa = {0};
    nice_address_copy_to_sockaddr(nice, (struct sockaddr *)&sa);
    addr_from_sockaddr((struct sockaddr *)&sa, out);
    return out->family != 0;
}

static void addr_to_nice(const struct addr *addr, NiceAddress *out) {
    struct sockaddr_storage sa;
    (void)addr_to_sockaddr(addr, &sa);
    nice_address_init(out);
    nice_address_set_from_sockaddr(out, (struct sockaddr *)&sa);
}

static uint8_t type_from_nice(NiceCandidateType type) {
    switch (type) {
    case NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE:
        return ICE_CANDIDATE_SRFLX;
    case NICE_CANDIDATE_TYPE_PEER_REFLEXIVE:
        return ICE_CANDIDATE_PRFLX;
    case NICE_CANDIDATE_TYPE_RELAYED:
        return ICE_CANDIDATE_RELAY;
    default:
        return ICE_CANDIDATE_HOST;
    }
}

static NiceCandidateType type_to_nice(unsigned type) {
    switch (type) {
    case ICE_CANDIDATE_SRFLX:
    case ICE_CANDIDATE_PRFLX: // as a peer tells it, it has learnt it from another
        return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
    case ICE_CANDIDATE_RELAY:
        return NICE_CANDIDATE_TYPE_RELAYED;
    default:
        return NICE_CANDIDATE_TYPE_HOST;
    }
}

// ---- what libnice says

static void on_candidate(NiceAgent *nice, NiceCandidate *candidate, gpointer data) {
    struct ice_agent *agent = data;
    struct ice_candidate out = {.priority = candidate->priority, .type = type_from_nice(candidate->type)};
    (void)nice;
    if (candidate->transport != NICE_CANDIDATE_TRANSPORT_UDP ||
        !addr_from_nice(&candidate->addr, &out.address))
        return;
    if (out.type == ICE_CANDIDATE_RELAY && agent->relays.count < ICE_AGENT_RELAYS_MAX)
        agent->relays.places[agent->relays.count++] = out.address;
    agent->events.candidate(agent->events.ctx, &out);
}

static void on_gathered(NiceAgent *nice, guint stream, gpointer data) {
    struct ice_agent *agent = data;
    (void)nice, (void)stream;
    agent->events.gathered(agent->events.ctx);
}

static void agent_lose(struct ice_agent *agent) {
    if (!agent->there)
        return;
    agent->there = false;
    agent->events.lost(agent->events.ctx);
}

// False: there are none, or it was false of one of them.
static bool agent_each_socket(struct ice_agent *agent,
                              bool (*each)(struct ice_agent *agent, GSocket *socket)) {
    GPtrArray *sockets = agent->stream ? nice_agent_get_sockets(agent->nice, agent->stream, COMPONENT) : NULL;
    bool ok = sockets && sockets->len > 0;
    for (guint i = 0; sockets && i < sockets->len; i++)
        ok &= each(agent, g_ptr_array_index(sockets, i));
    if (sockets)
        g_ptr_array_unref(sockets);
    return ok;
}

static bool socket_shut(struct ice_agent *agent, GSocket *socket) {
    (void)agent;
    ice_screen_shut(g_socket_get_fd(socket));
    return true;
}

static bool socket_screen(struct ice_agent *agent, GSocket *socket) {
    ice_agent_answers_watch(socket, &agent->relays);
    return ice_screen_attach(g_socket_get_fd(socket));
}

static bool socket_unwatch(struct ice_agent *agent, GSocket *socket) {
    (void)agent;
    ice_agent_answers_watch(socket, NULL);
    return true;
}

// libnice keeps all of them and looks through them for each message, and would go on to. So it hears no more.
static void agent_drop(struct ice_agent *agent) {
    (void)agent_each_socket(agent, socket_shut);
    agent->dropped = true;
    agent_lose(agent);
}

static void on_heard(NiceAgent *nice, NiceCandidate *candidate, gpointer data) {
    struct ice_agent *agent = data;
    (void)nice, (void)candidate;
    if (++agent->heard > ICE_AGENT_HEARD_MAX && !agent->dropped)
        agent_drop(agent);
}

static void on_path(NiceAgent *nice, guint stream, guint component, NiceCandidate *local,
                    NiceCandidate *remote, gpointer data) {
    struct ice_agent *agent = data;
    struct ice_agent_path path = {.tuple.protocol = TUPLE_AGENT,
                                  .local_type = type_from_nice(local->type),
                                  .remote_type = type_from_nice(remote->type)};
    (void)nice, (void)stream, (void)component;
    if (agent->dropped || !addr_from_nice(&local->addr, &path.tuple.local) ||
        !addr_from_nice(&remote->addr, &path.tuple.remote))
        return;
    g_strlcpy(agent->local, local->foundation, sizeof agent->local);
    g_strlcpy(agent->remote, remote->foundation, sizeof agent->remote);
    agent->there = true;
    agent->events.path(agent->events.ctx, &path);
}

// libnice 0.1.21 gives up ten seconds after the last answer; a network that is gone for a moment is no reason
// yet. So it is told once more that there is consent, and asks on.
static bool agent_renews(struct ice_agent *agent) {
    uint64_t now_us = clock_now_us();
    uint64_t series_us = (ROTUNDA_NICE_CONSENT_S + SERIES_SLACK_S) * US_PER_SECOND;
    if (2 * ROTUNDA_NICE_CONSENT_S + SERIES_SLACK_S > CONSENT_WAIT_S ||
        (agent->renewed_us && now_us - agent->renewed_us < series_us))
        return false;
    agent->renewed_us = now_us;
    return nice_agent_set_selected_pair(agent->nice, agent->stream, COMPONENT, agent->local, agent->remote);
}

static void on_state(NiceAgent *nice, guint stream, guint component, guint state, gpointer data) {
    struct ice_agent *agent = data;
    (void)nice, (void)stream, (void)component;
    if (state == NICE_COMPONENT_STATE_FAILED && agent->there && !agent_renews(agent))
        agent_lose(agent);
}

static void on_packet(NiceAgent *nice, guint stream, guint component, guint len, gchar *bytes,
                      gpointer data) {
    struct ice_agent *agent = data;
    (void)nice, (void)stream, (void)component;
    if (!agent->dropped)
        agent->events.packet(agent->events.ctx, (const uint8_t *)bytes, len);
}

// ---- an agent

static bool agent_bind(struct ice_agent *agent) {
    const struct ice_pool_config *config = &agent->pool->config;
    for (unsigned i = 0; i < config->host_count; i++) {
        NiceAddress address;
        addr_to_nice(&config->hosts[i], &address);
        if (!nice_agent_add_local_address(agent->nice, &address))
            return false;
    }
    if (config->port_min)
        nice_agent_set_port_range(agent->nice, agent->stream, COMPONENT, config->port_min, config->port_max);
    return true;
}

static void agent_use_servers(struct ice_agent *agent) {
    const struct ice_pool_config *config = &agent->pool->config;
    char user[ICE_AGENT_LOGIN_MAX], password[ICE_AGENT_LOGIN_MAX];
    if (config->stun_host[0])
        g_object_set(agent->nice, "stun-server", config->stun_host, "stun-server-port",
                     (guint)config->stun_port, NULL);
    if (config->turn_count == 0)
        return;
    config->turn_login(config->ctx, user, password);
    for (unsigned i = 0; i < config->turn_count; i++)
        nice_agent_set_relay_info(agent->nice, agent->stream, COMPONENT, config->turns[i].host,
                                  config->turns[i].port, user, password, NICE_RELAY_TYPE_TURN_UDP);
    explicit_bzero(user, sizeof user);
    explicit_bzero(password, sizeof password);
}

static bool agent_begin(struct ice_agent *agent, const struct ice_credentials *credentials,
                        bool controlling) {
    struct ice_pool *pool = agent->pool;
    NiceAgentOption options = NICE_AGENT_OPTION_ICE_TRICKLE | NICE_AGENT_OPTION_CONSENT_FRESHNESS;
    if (!pool->config.aggressive)
        options |= NICE_AGENT_OPTION_REGULAR_NOMINATION;
    agent->nice = nice_agent_new_full(pool->context, NICE_COMPATIBILITY_RFC5245, options);
    g_object_set(agent->nice, "controlling-mode", (gboolean)controlling, "ice-tcp", FALSE, "upnp", FALSE,
                 "max-connectivity-checks", (guint)CHECKS_MAX, NULL);
    agent->stream = nice_agent_add_stream(agent->nice, 1);
    if (!agent->stream || !agent_bind(agent))
        return false;
    agent_use_servers(agent);
    nice_agent_set_local_credentials(agent->nice, agent->stream, credentials->ufrag, credentials->pwd);
    g_signal_connect(agent->nice, "new-candidate-full", G_CALLBACK(on_candidate), agent);
    g_signal_connect(agent->nice, "candidate-gathering-done", G_CALLBACK(on_gathered), agent);
    g_signal_connect(agent->nice, "new-remote-candidate-full", G_CALLBACK(on_heard), agent);
    g_signal_connect(agent->nice, "new-selected-pair-full", G_CALLBACK(on_path), agent);
    g_signal_connect(agent->nice, "component-state-changed", G_CALLBACK(on_state), agent);
    nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, pool->context, on_packet, agent);
    return nice_agent_gather_candidates(agent->nice, agent->stream) &&
           agent_each_socket(agent, socket_screen);
}

struct ice_agent *ice_agent_open(struct ice_pool *pool, const struct ice_credentials *credentials,
                                 bool controlling, const struct ice_agent_events *events) {
    struct ice_agent *agent = pool->closing < ICE_AGENTS_CLOSING_MAX ? calloc(1, sizeof *agent) : NULL;
    if (!agent)
        return NULL;
    pool_enter(pool);
    agent->pool = pool;
    agent->events = *events;
    pool->agents++;
    if (agent_begin(agent, credentials, controlling))
        return agent;
    ice_agent_close(agent);
    return NULL;
}

// Without a function that takes what comes nobody would read it, and the context would never rest.
static void on_unwanted(NiceAgent *nice, guint stream, guint component, guint len, gchar *bytes,
                        gpointer data) {
    (void)nice, (void)stream, (void)component, (void)len, (void)bytes, (void)data;
}

static void on_closed(GObject *nice, GAsyncResult *result, gpointer data) {
    struct ice_pool *pool = data;
    (void)nice, (void)result;
    assert(pool->closing > 0);
    pool->closing--;
}

// Places at TURN servers are given back, which takes a while; libnice holds what it needs for that, sockets
// too, and says the end of it in the context that is the thread's own now.
void ice_agent_close(struct ice_agent *agent) {
    if (!agent)
        return;
    struct ice_pool *pool = agent->pool;
    g_signal_handlers_disconnect_by_data(agent->nice, agent);
    (void)agent_each_socket(agent, socket_unwatch);
    if (agent->stream)
        nice_agent_attach_recv(agent->nice, agent->stream, COMPONENT, pool->context, on_unwanted, NULL);
    g_object_set(agent->nice, "stun-max-retransmissions", (guint)GOODBYES, NULL);
    pool->agents--;
    pool->closing++;
    g_main_context_push_thread_default(pool->context);
    nice_agent_close_async(agent->nice, on_closed, pool);
    g_main_context_pop_thread_default(pool->context);
    g_object_unref(agent->nice);
    free(agent);
}

void ice_agent_set_remote(struct ice_agent *agent, const struct ice_remote *remote) {
    pool_enter(agent->pool);
    nice_agent_set_remote_credentials(agent->nice, agent->stream, remote->ufrag, remote->pwd);
}

// An address under two types would be two candidates to libnice, whose pairs it takes for each other: an
// answer to a check of one changes the state of the other, and an assertion fails. Peers without a NAT tell
// just that.
static bool is_told(const struct ice_agent *agent, const struct addr *address) {
    for (unsigned i = 0; i < agent->remotes; i++)
        if (addr_equal(&agent->told[i], address))
            return true;
    return false;
}

bool ice_agent_add_remote(struct ice_agent *agent, const struct ice_candidate *candidate) {
    if (agent->dropped || agent->remotes >= ICE_AGENT_REMOTES_MAX)
        return false;
    if (is_told(agent, &candidate->address))
        return true;
    agent->told[agent->remotes++] = candidate->address;
    pool_enter(agent->pool);
    NiceCandidate *nice = nice_candidate_new(type_to_nice(candidate->type));
    nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    nice->stream_id = agent->stream;
    nice->component_id = COMPONENT;
    nice->priority = candidate->priority;
    // Ours, and each another one: agent_renews names the path by it.
    g_snprintf(nice->foundation, sizeof nice->foundation, "%u", ++agent->foundations);
    addr_to_nice(&candidate->address, &nice->addr);
    nice->base_addr = nice->addr;
    GSList list = {.data = nice};
    bool ok = nice_agent_set_remote_candidates(agent->nice, agent->stream, COMPONENT, &list) == 1;
    nice_candidate_free(nice);
    return ok;
}

void ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *credentials) {
    agent->remotes = 0;
    agent->heard = 0;
    agent->renewed_us = 0;
    pool_enter(agent->pool);
    nice_agent_restart_stream(agent->nice, agent->stream);
    nice_agent_set_local_credentials(agent->nice, agent->stream, credentials->ufrag, credentials->pwd);
}

bool ice_agent_send(struct ice_agent *agent, const void *bytes, size_t len) {
    return agent->there &&
           nice_agent_send(agent->nice, agent->stream, COMPONENT, (guint)len, bytes) == (gint)len;
}
