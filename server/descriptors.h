// descriptors: how many files the server may open, and how many connections of each kind that is. Once, at
// the start. All but descriptors_allow is pure.
#ifndef SERVER_DESCRIPTORS_H
#define SERVER_DESCRIPTORS_H

#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

#define DESCRIPTORS_SPARE 512 // beside connections: sockets and wake-ups of workers, files that are served
// Connections of media over TCP where tcp-connections-max is not set: an eighth of the open files that are
// allowed, so that a small limit leaves room for everything else, and so many at most, a thousand people's.
#define DESCRIPTORS_TCP_SHARE 8
#define DESCRIPTORS_TCP_PRESET_MAX 4096

// What the settings ask for.
struct descriptor_needs {
    uint32_t connections; // HTTP and WebSocket
    uint32_t tcp;         // of media; 0: ice-tcp is off
    bool tcp_preset;      // tcp is the preset, and not the operator's number
    uint32_t agents;      // sockets of full ICE agents
};
// files_allowed: the hard limit.
void descriptors_need(const struct config *config, uint64_t files_allowed, struct descriptor_needs *out);
uint64_t descriptors_sum(const struct descriptor_needs *needs); // with DESCRIPTORS_SPARE
// The least limit of open files with which all that the settings ask for is there.
uint64_t descriptors_enough(const struct descriptor_needs *needs);

// What there is of it when so many files may be open. The preset is kept, and the rest has its share of what
// is left; a number of the operator's shrinks as the others do. The next connection then hears so, in place
// of waiting for nothing.
struct descriptor_shares {
    uint32_t connections, tcp;
};
void descriptors_share(const struct descriptor_needs *needs, uint64_t files, struct descriptor_shares *out);

// Allows this process as many descriptors as the settings may need, within the hard limit, and says how they
// are shared; no more, because tables are sized by the limit. When they are too few, the self-check says so.
void descriptors_allow(const struct config *config, struct descriptor_shares *out);

#endif
