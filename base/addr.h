// addr: an IP address with a port, as a plain value that can be compared and hashed as bytes.
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX 64 // "[IPv6]:PORT" and its NUL

// IPv4 is kept as IPv4 in the first four bytes, also when the kernel gave it v4-mapped. Unused bytes are
// zero.
struct addr {
    uint8_t ip[16];
    uint16_t port;  // host order
    uint8_t family; // 4 or 6; 0: no address
    uint8_t zero;
    uint32_t scope; // IPv6 link-local interface, else 0
};
_Static_assert(sizeof(struct addr) == 24, "no padding, so that bytes compare");

// What carries the bytes between two addresses. TUPLE_NONE: nothing does, there are no addresses.
// TUPLE_AGENT: UDP over sockets of a full ICE agent (transport/ice_agent.h), which is nobody else's.
enum tuple_protocol { TUPLE_NONE, TUPLE_UDP, TUPLE_TCP, TUPLE_AGENT };

// Where a datagram or a connection came from, which of our addresses it was sent to, and over what. All three
// name a peer: the same remote address may talk to two of ours, and over UDP and TCP from one port.
// `local.port` is the port of the socket. Unused bytes are zero, so that a tuple is a key of bytes.
struct tuple {
    struct addr remote, local;
    uint8_t protocol; // enum tuple_protocol
    uint8_t zero[7];
};
_Static_assert(sizeof(struct tuple) == 56, "no padding, so that bytes compare, in whole words");

bool addr_equal(const struct addr *a, const struct addr *b);
bool tuple_equal(const struct tuple *a, const struct tuple *b);
// "192.0.2.1" or "2001:db8::1" with a port. ERR_MALFORMED when it is no IP literal.
MUST_USE enum err addr_parse(const char *ip, uint16_t port, struct addr *out);
void addr_from_sockaddr(const struct sockaddr *sa, struct addr *out); // v4-mapped becomes IPv4
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
void addr_print(const struct addr *a, char out[ADDR_TEXT_MAX]);    // "192.0.2.1:5000", "[2001:db8::1]:5000"
void addr_print_ip(const struct addr *a, char out[ADDR_TEXT_MAX]); // "192.0.2.1", "2001:db8::1"
const char *tuple_protocol_name(enum tuple_protocol protocol);     // "udp" (of an agent, too), "tcp", "none"

#endif
