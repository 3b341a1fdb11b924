// net_address: an IP address without its port, IPv4 and IPv6 in one form, and lists of networks.
//
// IPv4 is kept as the IPv4-mapped IPv6 address, so one list and one table serve both. Pure. Any thread.
#ifndef SERVER_NET_ADDRESS_H
#define SERVER_NET_ADDRESS_H

#include "server/common/host_port.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORKS_MAX 32 // of one list

struct sockaddr;

struct net_address {
    uint8_t bytes[16];
};

struct network {
    struct net_address base;
    unsigned bits; // of the 128 that must be equal
};

struct networks {
    unsigned count;
    struct network list[NETWORKS_MAX];
};

// "192.0.2.1", "2001:db8::1", and as proxies write it with brackets or a port: "192.0.2.1:80",
// "[2001:db8::1]:80". False: no address.
bool net_address_parse(const char *text, size_t len, struct net_address *out);
bool net_address_of(const struct sockaddr *from, struct net_address *out); // false: neither IPv4 nor IPv6
void net_address_print(const struct net_address *address, char out[IP_TEXT_MAX]);
// What one household or machine gets: an IPv4 address, or the /64 of an IPv6 address ("2001:db8:0:1::/64").
#define NET_NETWORK_TEXT_MAX (IP_TEXT_MAX + 3)
void net_address_network(const struct net_address *address, char out[NET_NETWORK_TEXT_MAX]);
struct net_address net_address_base(const struct net_address *address); // the same, as its first address
bool net_address_is_v4(const struct net_address *address);

// "192.0.2.0/24,2001:db8::/32,127.0.0.1": addresses without a length are single ones; bits beyond the length
// do not count. False: not such a list, empty, or longer than NETWORKS_MAX.
bool networks_parse(const char *text, struct networks *out);
bool networks_have(const struct networks *networks, const struct net_address *address);

#endif
