// results: what a run gave: samples, one a second, and metrics by name. The names are stable: --expect,
// --json and docs/load-testing.md use them. Plain data, no I/O.
#ifndef LOAD_RESULTS_H
#define LOAD_RESULTS_H

#include "load/options.h"
#include "load/tally.h"
#include "load/usage.h"

#define METRICS_MAX 160
#define METRIC_NAME_MAX 48

struct sample {  // of one second
    double at_s; // since the beginning
    uint32_t participants;
    double rtp_in, rtp_out; // packets a second
    double in_kbps;
    double delay_p50_ms, delay_p99_ms;
    double loss_percent;       // of the packets of that second, before repair
    double freezes;            // that began
    double server_cpu_percent; // of one core; -1: not known
    double generator_cpu_percent;
    double server_memory_mb; // -1: not known
};

struct phase { // the state of things at one moment
    uint64_t at_us;
    struct tally sums; // open tracks included
    struct usage server, generator;
    uint64_t kernel_dropped;
};

struct metric {
    char name[METRIC_NAME_MAX];
    const char *unit; // "ms", "us", "%", "KB", "" for a count
    double value;
    bool known; // false: nothing was measured
};

struct results {
    const struct load_options *options;
    bool server_known;
    uint64_t begin_us;
    uint64_t server_before_bytes; // memory before the first join
    struct phase measured_from, measured_to, end;
    uint32_t participants; // present while it was measured
    struct sample *samples;
    size_t sample_count, sample_cap;
    struct metric metrics[METRICS_MAX];
    size_t metric_count;
    bool generator_limited; // it was the bottleneck
    char generator_why[160];
};

bool results_add_sample(struct results *results, const struct sample *sample); // false: no memory
void results_free(struct results *results);
// Once everything has been noted: fills the metrics.
void results_finish(struct results *results);
const struct metric *results_metric(const struct results *results, const char *name); // or NULL
// A metric that results may have, with its unit; for checking --expect before a run. NULL: none such.
const char *results_metric_unit(const char *name);

// report_text.c, report_json.c
void report_print(const struct results *results);
bool report_write_json(const struct results *results, const char *path, char *error, size_t error_cap);

#endif
