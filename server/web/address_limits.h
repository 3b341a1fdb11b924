// address_limits: how much one address may cost before anybody has joined from it: connections that have not
// joined, new rooms and failed joins a minute. An IPv6 address counts by its /64, which is what one household
// or machine gets, and beside that by its /48, which is what many can have for the asking: all of one may
// together cost twice of what an address may.
//
// Who has joined is not limited here, and a place in a room gives its address room for a connection more, so
// that a school of 500 behind one address joins within a minute and comes back together after its network has
// failed.
//
// The table is bounded. When it is full of addresses that owe something, further ones share one entry: an
// attacker with many addresses limits the others that are as new as his, nobody else.
//
// No I/O, no clock: `now_us` is an argument. One thread.
#ifndef SERVER_ADDRESS_LIMITS_H
#define SERVER_ADDRESS_LIMITS_H

#include "server/common/net_address.h"

#include <stdbool.h>
#include <stdint.h>

struct address_limits;

// 0 is no limit.
struct address_limits_config {
    uint32_t waiting_max;             // connections of one address that have not joined
    uint32_t rooms_per_minute;        // that one address opens; as many may come at once
    uint32_t failed_joins_per_minute; // likewise
    uint32_t addresses_max;           // entries of the table
};

struct address_limits *address_limits_create(const struct address_limits_config *config); // NULL: no memory
void address_limits_destroy(struct address_limits *limits);                               // NULL is fine
// Other limits, for what comes from now on; addresses_max stays.
void address_limits_set(struct address_limits *limits, const struct address_limits_config *config);

// A connection begins: false when its address has enough of those that have not joined. After true, exactly
// one address_limits_disconnect follows.
bool address_limits_connect(struct address_limits *limits, const struct net_address *address,
                            uint64_t now_us);
void address_limits_disconnect(struct address_limits *limits, const struct net_address *address,
                               uint64_t now_us);
// A connection that was counted joins a room, or leaves it and stays. It must have left before it
// disconnects.
void address_limits_joined(struct address_limits *limits, const struct net_address *address, uint64_t now_us);
void address_limits_left(struct address_limits *limits, const struct net_address *address, uint64_t now_us);
// Whether another connection of this address should be kept open though it has nothing to do just now: not
// once half of what is allowed is there.
bool address_limits_roomy(const struct address_limits *limits, const struct net_address *address);

// Whether a join may be tried; false while too many have failed. wait_seconds: when one may again.
bool address_limits_may_join(struct address_limits *limits, const struct net_address *address,
                             uint64_t now_us, unsigned *wait_seconds);
void address_limits_join_failed(struct address_limits *limits, const struct net_address *address,
                                uint64_t now_us);
// A room is to be opened: true takes it off what the address may open.
bool address_limits_open_room(struct address_limits *limits, const struct net_address *address,
                              uint64_t now_us, unsigned *wait_seconds);

uint32_t address_limits_count(const struct address_limits *limits); // addresses now, without sites

#endif
