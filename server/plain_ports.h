// plain_ports: binds sockets for transports of plain RTP within the range that the operator chose. Which of
// its ports are free the system knows best. Control thread.
#ifndef SERVER_PLAIN_PORTS_H
#define SERVER_PLAIN_PORTS_H

#include "server/common/port_range.h"
#include "server/hub/hub.h"

// One socket, or without rtcp_mux two: an even port for RTP and the one behind it for RTCP (RFC 3550, section
// 11). `*next` is where the search begins, 0 at first: a port that was given back waits until the others had
// their turn, so that what still comes for it finds nobody new. Else `why` (HUB_PLAIN_WHY_MAX bytes).
enum plain_bind_result plain_ports_bind(const struct port_range *range, uint16_t *next, bool rtcp_mux,
                                        struct plain_place *out, char *why);

// One socket of 127.0.0.1, of any port that is free.
enum plain_bind_result plain_ports_bind_inside(struct plain_place *out, char *why);

#endif
