// port_range: ports of one address of this machine, as operators write them. Pure. Any thread.
#ifndef SERVER_PORT_RANGE_H
#define SERVER_PORT_RANGE_H

#include "server/common/net_address.h"

#define PORT_RANGE_FIRST 1024 // below are those of the system

struct port_range {
    char host[IP_TEXT_MAX]; // an IP literal without brackets; "": there are no ports
    uint16_t from, to;      // both are part of it
};

// "FROM-TO" of 127.0.0.1, "HOST:FROM-TO", "[HOST]:FROM-TO". False: it is none, and `out` stays.
bool port_range_parse(const char *text, struct port_range *out);

#endif
