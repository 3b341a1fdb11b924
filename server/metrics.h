// metrics: what /metrics answers, in the Prometheus text format (version 0.0.4).
//
// Pure: numbers in, text out. docs/operations.md lists the names.
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server/hub/hub.h"
#include "server/signal/signalling.h"
#include "server/media/media.h"

#include <stddef.h>
#include <stdint.h>

struct metrics_sample {
    struct hub_counts hub;
    struct signal_counts signal;
    uint32_t connections;               // TCP connections: HTTP and WebSocket
    uint32_t client_addresses;          // that the limits by address remember
    unsigned workers;                   // 1..WORKERS_MAX
    const struct media_counters *media; // one for each worker
    uint64_t uptime_us;
    uint64_t resident_bytes; // of the process
    uint64_t log_lines_dropped;
};

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

// The text, from malloc, NUL-terminated; *len without the NUL. NULL when out of memory.
char *metrics_print(const struct metrics_sample *sample, size_t *len);

// Resident memory of this process in bytes; 0 when the system does not say.
uint64_t metrics_resident_bytes(void);

#endif
