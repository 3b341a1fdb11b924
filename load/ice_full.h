// ice_full: a transport with a full ICE agent of libnice (--ice=full): an independent peer in place of
// our own checks. The only file with GLib is ice_full.c. One thread: GLib's context is turned by a timer of
// the loop, each millisecond.
#ifndef LOAD_ICE_FULL_H
#define LOAD_ICE_FULL_H

#include "load/net.h"

struct ice_full_hub;
struct ice_full;

struct ice_full_hub *ice_full_hub_create(struct uv_loop_s *loop); // NULL: no memory
void ice_full_hub_stop(struct ice_full_hub *hub); // ends on the loop, as net_stop; NULL is fine
void ice_full_hub_destroy(struct ice_full_hub *hub);

struct ice_full_events {
    void *ctx;
    void (*ready)(void *ctx, uint64_t now_us);
    void (*failed)(void *ctx);
    net_handler *datagram; // everything but STUN
};

// `remotes`: the server's addresses, at least one. NULL: the agent could not gather. No event comes from
// inside this call, and none may close the agent.
struct ice_full *ice_full_open(struct ice_full_hub *hub, const struct addr *remotes, unsigned count,
                               const char *ufrag, const char *pwd, const struct ice_full_events *events);
void ice_full_close(struct ice_full *agent); // NULL is fine
void ice_full_send(struct ice_full *agent, const void *bytes, size_t len);

#endif
