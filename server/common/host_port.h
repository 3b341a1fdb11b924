// host_port: "HOST:PORT" as operators write it, and the addresses in it.
//
// Pure. Any thread.
#ifndef SERVER_HOST_PORT_H
#define SERVER_HOST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_BYTES_MAX 253 // of a name (RFC 1035, section 2.3.4)
#define IP_TEXT_MAX 46     // an IP literal with its end (INET6_ADDRSTRLEN)

struct host_port {
    char host[HOST_BYTES_MAX + 1]; // a name, or an IP literal without brackets; "": none
    uint16_t port;
};

// "name", "name:PORT", "192.0.2.1:PORT", "[2001:db8::1]:PORT", "[2001:db8::1]". Without a port it is
// `default_port`; an IPv6 literal needs its brackets. False: neither a name nor a literal, or a port out of
// 1..65535.
bool host_port_parse(const char *text, size_t len, uint16_t default_port, struct host_port *out);

// A host name: letters, digits, hyphens and underscores in labels between dots, the last of them not of
// digits alone.
bool host_name_valid(const char *text);

// An IP literal, written back in its shortest form; IPv4-mapped IPv6 becomes IPv4. False: it is none.
bool ip_normalise(const char *text, char out[IP_TEXT_MAX]);

#endif
