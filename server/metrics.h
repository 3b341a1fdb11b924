// metrics: what /metrics answers, in the Prometheus text format (version 0.0.4).
//
// Pure: numbers in, text out. docs/operations.md lists the names.
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server/dialects/dialect.h"
#include "server/hub/hub.h"
#include "server/recordings.h"
#include "server/signal/signalling.h"
#include "server/webhook/webhook.h"
#include "server/whip/whip.h"
#include "server/media/data_worker.h"
#include "server/media/ice_worker.h"
#include "server/media/media.h"
#include "server/tcp_door.h"

#include <stddef.h>
#include <stdint.h>

// What is known of the process as a whole: a row is a member of the sample and a metric.
// X(member, type of the metric, its name, its help)
#define PROCESS_COUNTERS(X)                                                                                  \
    X(resident_bytes, "gauge", "process_resident_memory_bytes", "Resident memory of the process.")           \
    X(threads_stuck, "gauge", "rotunda_threads_stuck",                                                       \
      "Media, data and ICE threads that have not turned for 5 seconds.")                                     \
    X(log_lines_dropped, "counter", "rotunda_log_lines_dropped_total", "Log lines that nobody took.")        \
    X(log_lines_left_out, "counter", "rotunda_log_lines_left_out_total",                                     \
      "Log lines that were left out because strangers, or people without a token, caused too many.")         \
    X(connections, "gauge", "rotunda_connections", "TCP connections, HTTP and WebSocket.")                   \
    X(client_addresses, "gauge", "rotunda_client_addresses",                                                 \
      "Addresses that the limits by address remember: of connections, and of what was tried lately.")

struct metrics_sample {
    struct hub_counts hub;
    struct signal_counts signal;
    struct whip_counts whip;
    struct dialect_counts dialects;
    struct webhook_counts webhooks;
    struct recordings_counts recordings;
    struct tcp_door_counts tcp_door;
    unsigned workers;                   // 1..WORKERS_MAX
    const struct media_counters *media; // one for each worker
    struct data_worker_counters data;
    struct ice_worker_counters ice;
    uint64_t uptime_us;
#define PROCESS_MEMBER(member, ...) uint64_t member;
    PROCESS_COUNTERS(PROCESS_MEMBER)
#undef PROCESS_MEMBER
};

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

// The text, from malloc, NUL-terminated; *len without the NUL. NULL when out of memory.
char *metrics_print(const struct metrics_sample *sample, size_t *len);

// Resident memory of this process in bytes; 0 when the system does not say.
uint64_t metrics_resident_bytes(void);

#endif
