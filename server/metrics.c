#include "server/metrics.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One metric that every worker has, by the offset of its member in struct media_counters.
struct worker_metric {
    const char *name, *type;
    size_t offset;
    const char *help;
};

#define OF(member) offsetof(struct media_counters, member)

static const struct worker_metric worker_metrics[] = {
    {"rotunda_packets_received_total", "counter", OF(packets_in), "Datagrams received."},
    {"rotunda_bytes_received_total", "counter", OF(bytes_in), "UDP payload bytes received."},
    {"rotunda_packets_sent_total", "counter", OF(packets_out), "Datagrams sent."},
    {"rotunda_bytes_sent_total", "counter", OF(bytes_out), "UDP payload bytes sent."},
    {"rotunda_rtp_received_total", "counter", OF(rtp_in), "RTP packets received."},
    {"rotunda_rtp_sent_total", "counter", OF(rtp_out), "RTP packets sent."},
    {"rotunda_rtcp_received_total", "counter", OF(rtcp_in), "RTCP packets received."},
    {"rotunda_rtcp_sent_total", "counter", OF(rtcp_out), "RTCP packets sent."},
    {"rotunda_stun_received_total", "counter", OF(stun_in), "STUN messages received."},
    {"rotunda_dtls_received_total", "counter", OF(dtls_in), "DTLS datagrams received."},
    {"rotunda_nacks_received_total", "counter", OF(nack_in), "NACK messages from receivers."},
    {"rotunda_nacks_sent_total", "counter", OF(nack_out), "NACK messages to publishers."},
    {"rotunda_nacked_packets_total", "counter", OF(nacked_packets_in),
     "Packets that receivers asked for again."},
    {"rotunda_retransmitted_packets_total", "counter", OF(retransmitted), "Packets sent again."},
    {"rotunda_plis_received_total", "counter", OF(pli_in), "Key frame requests (PLI, FIR) from receivers."},
    {"rotunda_plis_sent_total", "counter", OF(pli_out), "Key frame requests (PLI, FIR) to publishers."},
    {"rotunda_key_frames_total", "counter", OF(key_frames_in), "Key frames received."},
    {"rotunda_handed_over_packets_total", "counter", OF(handed_over),
     "Datagrams that arrived at a worker that does not own their peer."},
    {"rotunda_relayed_packets_total", "counter", OF(relayed),
     "Packets given to another worker of their room."},
    {"rotunda_worker_pool_blocks", "gauge", OF(pool_blocks), "Packet blocks in use."},
    {"rotunda_worker_transports", "gauge", OF(transports), "Transports that the worker serves."},
    {"rotunda_worker_shed_level", "gauge", OF(shed_level),
     "How much video is left out because the worker is full: 0 none, 32 all."},
    {"rotunda_worker_shed_consumers", "gauge", OF(shed_consumers),
     "Video consumers that get less or nothing because the worker is full."},
};

// Appends to a memory stream; errors are looked at once, when it is closed.
static void describe(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_one(FILE *out, const char *name, const char *type, uint64_t value, const char *help) {
    describe(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_process(FILE *out, const struct metrics_sample *sample) {
    describe(out, "rotunda_build_info", "gauge", "The running version; the value is always 1.");
    fprintf(out, "rotunda_build_info{version=\"%s\"} 1\n", ROTUNDA_VERSION);
    describe(out, "rotunda_uptime_seconds", "gauge", "Seconds since the start.");
    fprintf(out, "rotunda_uptime_seconds %.3f\n", (double)sample->uptime_us / (double)US_PER_SECOND);
    print_one(out, "process_resident_memory_bytes", "gauge", sample->resident_bytes,
              "Resident memory of the process.");
    print_one(out, "rotunda_log_lines_dropped_total", "counter", sample->log_lines_dropped,
              "Log lines that nobody took.");
    print_one(out, "rotunda_connections", "gauge", sample->connections,
              "TCP connections, HTTP and WebSocket.");
}

static void print_rooms(FILE *out, const struct hub_counts *hub, const struct signal_counts *signal) {
    print_one(out, "rotunda_clients", "gauge", signal->clients, "WebSocket clients.");
    print_one(out, "rotunda_rooms", "gauge", hub->rooms, "Rooms.");
    print_one(out, "rotunda_participants", "gauge", hub->participants, "Participants in rooms.");
    print_one(out, "rotunda_producers", "gauge", hub->producers, "Tracks that participants send.");
    print_one(out, "rotunda_consumers", "gauge", hub->consumers, "Tracks that participants receive.");
    print_one(out, "rotunda_relays", "gauge", hub->relays, "Tracks that are carried to a further worker.");
    print_one(out, "rotunda_commands_waiting", "gauge", hub->commands_waiting,
              "Commands that wait for room in a worker's queue.");
    print_one(
        out, "rotunda_control_memory_bytes", "gauge", hub->held_bytes,
        "Memory that is held for clients, besides media: sessions, rooms, chat, what waits to be sent.");
    print_one(out, "rotunda_messages_received_total", "counter", signal->messages_in,
              "Messages from clients.");
    print_one(out, "rotunda_messages_sent_total", "counter", signal->messages_out, "Messages to clients.");
    print_one(out, "rotunda_errors_sent_total", "counter", signal->errors_out, "Error answers to clients.");
    print_one(out, "rotunda_rate_limited_total", "counter", hub->rate_limited + signal->rate_limited,
              "Messages refused because too many came, or too much for others.");
    print_one(out, "rotunda_joins_total", "counter", hub->joins, "Participants who joined.");
    print_one(out, "rotunda_joins_refused_total", "counter", hub->joins_refused, "Joins that were refused.");
    print_one(out, "rotunda_resumes_total", "counter", hub->resumes, "Sessions resumed on a new connection.");
    print_one(out, "rotunda_leaves_total", "counter", hub->leaves, "Participants who left.");
}

static void print_state(FILE *out, const char *name, const char *state, uint32_t count) {
    fprintf(out, "%s{state=\"%s\"} %" PRIu32 "\n", name, state, count);
}

static void print_transports(FILE *out, const struct hub_counts *hub) {
    print_one(out, "rotunda_transports", "gauge", hub->transports, "Transports.");
    describe(out, "rotunda_transports_ice", "gauge", "Transports by the state of ICE.");
    for (unsigned i = 0; i < ICE_STATES; i++)
        print_state(out, "rotunda_transports_ice", ice_state_name((enum ice_state)i),
                    hub->transports_by_ice[i]);
    describe(out, "rotunda_transports_dtls", "gauge", "Transports by the state of DTLS.");
    for (unsigned i = 0; i < DTLS_STATES; i++)
        print_state(out, "rotunda_transports_dtls", dtls_state_name((enum dtls_state)i),
                    hub->transports_by_dtls[i]);
}

static void print_workers(FILE *out, const struct metrics_sample *sample) {
    for (size_t i = 0; i < sizeof worker_metrics / sizeof worker_metrics[0]; i++) {
        const struct worker_metric *metric = &worker_metrics[i];
        describe(out, metric->name, metric->type, metric->help);
        for (unsigned w = 0; w < sample->workers; w++) {
            uint64_t value;
            memcpy(&value, (const char *)&sample->media[w] + metric->offset, sizeof value);
            fprintf(out, "%s{worker=\"%u\"} %" PRIu64 "\n", metric->name, w, value);
        }
    }
    describe(out, "rotunda_worker_loop_lag_seconds", "gauge",
             "Longest turn of the worker's loop in the last 5 to 10 seconds.");
    for (unsigned w = 0; w < sample->workers; w++)
        fprintf(out, "rotunda_worker_loop_lag_seconds{worker=\"%u\"} %.6f\n", w,
                (double)sample->media[w].loop_lag_us_max / (double)US_PER_SECOND);
    describe(out, "rotunda_dropped_packets_total", "counter", "Packets dropped, by reason.");
    for (unsigned w = 0; w < sample->workers; w++) {
        for (int reason = 0; reason < MEDIA_DROP_COUNT; reason++)
            fprintf(out, "rotunda_dropped_packets_total{worker=\"%u\",reason=\"%s\"} %" PRIu64 "\n", w,
                    media_drop_name((enum media_drop)reason), sample->media[w].drops[reason]);
    }
}

char *metrics_print(const struct metrics_sample *sample, size_t *len) {
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (!out)
        return NULL;
    print_process(out, sample);
    print_rooms(out, &sample->hub, &sample->signal);
    print_transports(out, &sample->hub);
    print_workers(out, sample);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

uint64_t metrics_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    uint64_t pages = 0;
    if (fscanf(file, "%*u %" SCNu64, &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
