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

static const struct worker_metric worker_metrics[] = {
#define ROW_OF_UDP(member, from, type, name, help)                                                           \
    {name, type, offsetof(struct media_counters, member), help},
#define ROW(member, type, name, help) {name, type, offsetof(struct media_counters, member), help},
    MEDIA_UDP_COUNTERS(ROW_OF_UDP) MEDIA_TCP_COUNTERS(ROW_OF_UDP) FORWARDER_COUNTERS(ROW)
        MEDIA_WORKER_COUNTERS(ROW)};

// Appends to a memory stream; errors are looked at once, when it is closed.
static void describe(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_one(FILE *out, const char *name, const char *type, uint64_t value, const char *help) {
    describe(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

// One row of a table of counters, of the struct that `from` points to.
#define PRINT_ROW(member, type, name, help) print_one(out, name, type, from->member, help);

static void print_process(FILE *out, const struct metrics_sample *from) {
    describe(out, "rotunda_build_info", "gauge", "The running version; the value is always 1.");
    fprintf(out, "rotunda_build_info{version=\"%s\"} 1\n", ROTUNDA_VERSION);
    describe(out, "rotunda_uptime_seconds", "gauge", "Seconds since the start.");
    fprintf(out, "rotunda_uptime_seconds %.3f\n", (double)from->uptime_us / (double)US_PER_SECOND);
    PROCESS_COUNTERS(PRINT_ROW)
    print_one(out, "rotunda_rate_limited_total", "counter",
              from->hub.rate_limited + from->signal.rate_limited,
              "Messages refused because too many came, or too much for others.");
}

static void print_signalling(FILE *out, const struct signal_counts *from) {
    SIGNAL_COUNTERS(PRINT_ROW)
}
static void print_whip(FILE *out, const struct whip_counts *from) {
    WHIP_COUNTERS(PRINT_ROW)
}

static void print_dialects(FILE *out, const struct dialect_counts *from) {
    DIALECT_COUNTERS(PRINT_ROW)
}

static void print_recordings(FILE *out, const struct recordings_counts *from) {
    RECORDINGS_COUNTERS(PRINT_ROW)
}

static void print_webhooks(FILE *out, const struct webhook_counts *from) {
    WEBHOOK_COUNTERS(PRINT_ROW)
}

static void print_tcp_door(FILE *out, const struct tcp_door_counts *from) {
    TCP_DOOR_COUNTERS(PRINT_ROW)
}

static void print_data(FILE *out, const struct data_worker_counters *from) {
    DATA_WORKER_COUNTERS(PRINT_ROW)
    DATA_FORWARDER_COUNTERS(PRINT_ROW)
}

static void print_ice(FILE *out, const struct ice_worker_counters *from) {
    ICE_WORKER_COUNTERS(PRINT_ROW)
}

static void print_state(FILE *out, const char *name, const char *state, uint64_t count) {
    fprintf(out, "%s{state=\"%s\"} %" PRIu64 "\n", name, state, count);
}

static void print_hub(FILE *out, const struct hub_counts *from) {
    static const char ice[] = "rotunda_transports_ice", dtls[] = "rotunda_transports_dtls";
    _Static_assert(sizeof from->transports_by_ice / sizeof(uint64_t) == ICE_STATE_COUNT, "all states");
    _Static_assert(sizeof from->transports_by_dtls / sizeof(uint64_t) == DTLS_STATE_COUNT, "all states");
    HUB_COUNTERS(PRINT_ROW)
    describe(out, ice, "gauge", "Transports by the state of ICE.");
    for (unsigned i = 0; i < ICE_STATE_COUNT; i++)
        print_state(out, ice, ice_state_name((enum ice_state)i), from->transports_by_ice[i]);
    describe(out, dtls, "gauge", "Transports by the state of DTLS.");
    for (unsigned i = 0; i < DTLS_STATE_COUNT; i++)
        print_state(out, dtls, dtls_state_name((enum dtls_state)i), from->transports_by_dtls[i]);
}

// What is counted for each worker becomes one for the server: nobody's link depends on the worker.
static void print_link_histogram(FILE *out, const struct metrics_sample *sample, const char *name,
                                 size_t offset, const char *help) {
    static const uint32_t bounds[] = LINK_BUCKET_KBPS;
    uint64_t below = 0, sum_bps = 0;
    describe(out, name, "histogram", help);
    for (unsigned i = 0; i < LINK_BUCKETS; i++) {
        for (unsigned w = 0; w < sample->workers; w++) {
            struct link_histogram h;
            memcpy(&h, (const char *)&sample->media[w].links + offset, sizeof h);
            below += h.buckets[i];
            sum_bps += i == 0 ? h.sum_bps : 0;
        }
        if (i < LINK_BUCKETS - 1)
            fprintf(out, "%s_bucket{le=\"%" PRIu32 "000\"} %" PRIu64 "\n", name, bounds[i], below);
    }
    fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 "\n%s_count %" PRIu64 "\n", name,
            below, name, sum_bps, name, below);
}

static void print_links(FILE *out, const struct metrics_sample *sample) {
    static const char *const reasons[LINK_REASONS] = {"unknown",     "start", "delay",   "loss",  "probe",
                                                      "application", "remb",  "ceiling", "silent"};
    print_link_histogram(
        out, sample, "rotunda_link_estimate_bps", offsetof(struct link_counters, estimate),
        "What the link of a receiving transport carries, by the estimate; each counted every 10 s.");
    print_link_histogram(out, sample, "rotunda_link_target_bps", offsetof(struct link_counters, target),
                         "What the consumers of a receiving transport are given of it; likewise.");
    print_link_histogram(out, sample, "rotunda_link_sent_bps", offsetof(struct link_counters, sent),
                         "What is sent to a receiving transport; likewise.");
    describe(out, "rotunda_link_observations_total", "counter",
             "The same observations by what bounds the estimate.");
    for (unsigned reason = LINK_START; reason < LINK_REASONS; reason++) {
        uint64_t count = 0;
        for (unsigned w = 0; w < sample->workers; w++)
            count += sample->media[w].links.reasons[reason];
        fprintf(out, "rotunda_link_observations_total{reason=\"%s\"} %" PRIu64 "\n", reasons[reason], count);
    }
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
    print_signalling(out, &sample->signal);
    print_whip(out, &sample->whip);
    print_dialects(out, &sample->dialects);
    print_webhooks(out, &sample->webhooks);
    print_recordings(out, &sample->recordings);
    print_tcp_door(out, &sample->tcp_door);
    print_hub(out, &sample->hub);
    print_data(out, &sample->data);
    print_ice(out, &sample->ice);
    print_workers(out, sample);
    print_links(out, sample);
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
