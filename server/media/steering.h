// steering: whose datagrams the kernel should give to which worker (transport/udp_steer.h).
//
// All workers share a port, so a datagram may come in at one that does not own its peer, and then crosses to
// its owner. The owner says so after each good check of ICE (MEDIA_STEER), and the kernel learns it with the
// next program: from then on that peer's datagrams come in where they belong. An entry too few or one that
// is wrong costs only that crossing. Control thread.
#ifndef SERVER_STEERING_H
#define SERVER_STEERING_H

#include "rooms/media_msg.h"
#include "transport/udp_steer.h"

#define STEERING_PERIOD_US (250 * UINT64_C(1000)) // between two programs

struct steering_family {
    struct steer_entry entries[UDP_STEER_MAX]; // ascending by key
    bool publishes[UDP_STEER_MAX];             // of each
    unsigned count;
    bool changed; // since the last program
};

struct steering {
    struct steering_family families[2]; // IPv4, IPv6
    uint64_t taken_us;                  // when the last program was
    bool refused;                       // the kernel takes none: set by who asked it
};

// An address is a worker's, or is nobody's any more. When there is no room, who publishes replaces who only
// receives, and others are left out.
void steering_note(struct steering *steering, const struct media_event *event, unsigned worker);
// Whether a family (0: IPv4, 1: IPv6) needs a new program now; from then on it has it.
bool steering_take(struct steering *steering, unsigned family, uint64_t now_us);

#endif
