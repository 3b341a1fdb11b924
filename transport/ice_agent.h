// ice_agent: a full ICE agent (RFC 8445), a NiceAgent of libnice, for peers that must be looked for: a
// server that nobody reaches from outside, and peers that are ICE-lite.
//
// All agents of a pool live on the pool's GMainContext, which only one thread turns (ice_pool_turn); every
// function but ice_pool_wake is for that thread. An agent has sockets of its own, each with a screen in
// front (ice_screen.h). It gathers at once: addresses of the machine, what a STUN server sees, places at TURN
// servers. Checks begin when the peer's credentials are known and it checks, or candidates of it are known.
// What is no STUN goes to `packet` and comes from ice_agent_send.
//
// Consent (RFC 7675): libnice asks the selected address each 4 to 6 s. Without an answer for 20 to 30 s the
// path is lost, and nothing is sent until a restart finds one again.
#ifndef TRANSPORT_ICE_AGENT_H
#define TRANSPORT_ICE_AGENT_H

#include "base/addr.h"
#include "rtp/ice_candidate.h"
#include "rtp/peer_params.h"

#define ICE_AGENT_HOSTS_MAX 4 // addresses, and so sockets, of one agent
#define ICE_AGENT_TURNS_MAX 4
#define ICE_AGENT_NAME_MAX 254     // of a host, with its end
#define ICE_AGENT_LOGIN_MAX 257    // of a user name or password for TURN
#define ICE_AGENT_REMOTES_MAX 32   // candidates that a peer may tell, from one restart to the next
#define ICE_AGENT_HEARD_MAX 64     // addresses that it may have beside those: then it is dropped
#define ICE_AGENTS_CLOSING_MAX 256 // that still have their sockets, since TURN servers have not answered

struct ice_turn_server {
    char host[ICE_AGENT_NAME_MAX];
    uint16_t port;
};

struct ice_pool_config {
    unsigned
        host_count; // addresses of the machine, port 0, the preferred ones first; without any no agent opens
    struct addr hosts[ICE_AGENT_HOSTS_MAX];
    char stun_host[ICE_AGENT_NAME_MAX]; // "": none
    uint16_t stun_port;
    unsigned turn_count;
    struct ice_turn_server turns[ICE_AGENT_TURNS_MAX];
    // A user name and password for them, for one agent. ctx outlives the pool.
    void (*turn_login)(void *ctx, char user[ICE_AGENT_LOGIN_MAX], char password[ICE_AGENT_LOGIN_MAX]);
    void *ctx;
    uint16_t port_min, port_max; // of sockets; 0: any
    bool aggressive;             // nomination (RFC 5245, section 8.1.1.2), else regular
};

struct ice_pool;
struct ice_pool *ice_pool_create(const struct ice_pool_config *config); // NULL: no memory
// Without agents; NULL is fine. Waits a moment for places at TURN servers that are being given back.
void ice_pool_destroy(struct ice_pool *pool);
// Other addresses of the machine, for agents from now on.
void ice_pool_set_hosts(struct ice_pool *pool, const struct addr *hosts, unsigned count);
// What is due. may_wait: waits for something, at most so long; 0: does not wait.
void ice_pool_turn(struct ice_pool *pool, uint64_t wait_us);
void ice_pool_wake(struct ice_pool *pool); // any thread

struct ice_agent_path {
    struct tuple tuple;              // TUPLE_AGENT
    uint8_t local_type, remote_type; // enum ice_candidate_type
};

// From inside ice_pool_turn and the functions below; none may close the agent.
struct ice_agent_events {
    void *ctx;
    void (*candidate)(void *ctx, const struct ice_candidate *candidate); // of ours
    void (*gathered)(void *ctx);                                         // there are no more
    void (*path)(void *ctx, const struct ice_agent_path *path);          // a new one
    void (*lost)(void *ctx);                                             // that consent has ended
    void (*packet)(void *ctx, const uint8_t *bytes, size_t len);
};

struct ice_agent;

// NULL: no memory, no socket, or too many agents that still give back what they had. Candidates that are
// there at once are told from inside.
struct ice_agent *ice_agent_open(struct ice_pool *pool, const struct ice_credentials *credentials,
                                 bool controlling, const struct ice_agent_events *events);
void ice_agent_close(struct ice_agent *agent); // NULL is fine
// The peer's credentials, as it told them. Once, or again after a restart.
void ice_agent_set_remote(struct ice_agent *agent, const struct ice_remote *remote);
// Whether it was taken: not beyond ICE_AGENT_REMOTES_MAX. An address that was told before changes nothing.
bool ice_agent_add_remote(struct ice_agent *agent, const struct ice_candidate *candidate);
// New credentials of ours; the peer's and its candidates are to be told again. The path stays until there is
// another one.
void ice_agent_restart(struct ice_agent *agent, const struct ice_credentials *credentials);
// False: nothing was sent, there is no path or its socket takes no more.
bool ice_agent_send(struct ice_agent *agent, const void *bytes, size_t len);

#endif
