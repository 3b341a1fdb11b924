// tcp_progress: what the kernel says of a TCP connection's way out: how far the other side has confirmed what
// was sent. Over a slow link a long message may be on its way for longer than the silence that is allowed;
// whoever takes more and more of it is there. Linux; pure but for the two questions to the kernel.
#ifndef SERVER_TCP_PROGRESS_H
#define SERVER_TCP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_progress {
    uint64_t acked;      // bytes of the connection that were confirmed
    uint64_t end;        // of them all, with those that wait or are under way
    uint64_t ack_age_us; // since the last confirmation
};

// False: it is no TCP connection, or has ended; *out is zeros.
bool tcp_progress_read(int socket, struct tcp_progress *out);

#endif
