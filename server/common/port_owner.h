// port_owner: which process of this machine holds a port, for the line that says that it is busy.
//
// Reads /proc. Processes of other users show only to root.
#ifndef SERVER_PORT_OWNER_H
#define SERVER_PORT_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum port_kind {
    PORT_TCP, // a listening socket
    PORT_UDP,
};

// False: no socket of this network namespace has the port. True: `out` gets "nginx (pid 812)", or "another
// program" when that is all there is to see.
bool port_owner_find(enum port_kind kind, uint16_t port, char *out, size_t cap);

#endif
