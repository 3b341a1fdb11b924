#include "server/web/tcp_progress.h"

#include "base/clock.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool tcp_progress_read(int socket, struct tcp_progress *out) {
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int queued = 0;
    *out = (struct tcp_progress){0};
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_bytes_received) || ioctl(socket, SIOCOUTQ, &queued) != 0)
        return false;
    uint64_t acked = info.tcpi_bytes_acked, waiting = queued > 0 ? (uint64_t)queued : 0;
    *out = (struct tcp_progress){
        .acked = acked, .end = acked + waiting, .ack_age_us = info.tcpi_last_ack_recv * US_PER_MS};
    return true;
}
