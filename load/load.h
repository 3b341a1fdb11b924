// load: what all participants of one run share. One thread, one libuv loop; times are base/clock's.
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "base/pool.h"
#include "base/wheel.h"
#include "load/options.h"
#include "load/tally.h"
#include "base/addr.h"
#include "server/access/keys.h"

struct uv_loop_s;
struct net;
struct ws_client;
struct dtls_context;
struct ice_checks;
struct ice_full_hub;

struct load {
    struct keys keys; // of options.keys: each participant gets a token of its own
    const struct load_options *options;
    struct uv_loop_s *loop;
    struct wheel wheel;
    struct pool *pool; // datagrams that the client's own network delays
    struct net *net;
    struct ws_client *ws;
    struct dtls_context *dtls;
    struct ice_checks *checks;
    struct ice_full_hub *full; // NULL unless --ice=full
    struct tally tally;
    struct addr media_to; // family 0: media goes where the server says; else there, with the same port
    uint64_t random;
    bool measuring; // all have joined: delays and pictures count
    bool silent;    // the end: nobody sends media any more
};

// xorshift64*: for SSRCs, first numbers and intervals, not for secrets.
static inline uint64_t load_random(struct load *load) {
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return (load->random * UINT64_C(0x2545f4914f6cdd1d)) >> 16;
}

#endif
