#include "load/results.h"

#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERATOR_BUSY_PERCENT 85
#define GENERATOR_LATE_US 20000

bool results_add_sample(struct results *r, const struct sample *sample) {
    if (r->sample_count == r->sample_cap) {
        size_t cap = r->sample_cap ? r->sample_cap * 2 : 64;
        struct sample *grown = realloc(r->samples, cap * sizeof *grown);
        if (!grown)
            return false;
        r->samples = grown;
        r->sample_cap = cap;
    }
    r->samples[r->sample_count++] = *sample;
    return true;
}

void results_free(struct results *r) {
    free(r->samples);
    r->samples = NULL;
}

static void add(struct results *r, const char *name, const char *unit, double value, bool known) {
    assert(r->metric_count < METRICS_MAX);
    struct metric *m = &r->metrics[r->metric_count++];
    *m = (struct metric){.unit = unit, .value = known ? value : 0, .known = known};
    snprintf(m->name, sizeof m->name, "%s", name);
}

static void add_count(struct results *r, const char *name, uint64_t value) {
    add(r, name, "", (double)value, true);
}

static void add_percentiles(struct results *r, const char *name, const struct histogram *h) {
    static const struct {
        const char *suffix;
        double percent;
    } wanted[] = {{"p50", 50}, {"p95", 95}, {"p99", 99}};
    char full[METRIC_NAME_MAX];
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        snprintf(full, sizeof full, "%s_%s", name, wanted[i].suffix);
        add(r, full, "ms", (double)histogram_percentile(h, wanted[i].percent) / 1000, h->count > 0);
    }
    snprintf(full, sizeof full, "%s_max", name);
    add(r, full, "ms", (double)h->max / 1000, h->count > 0);
}

static double share(uint64_t part, uint64_t whole) {
    return whole ? (double)part * 100 / (double)whole : 0;
}

static void add_people(struct results *r) {
    const struct tally *t = &r->end.sums;
    add_count(r, "participants", r->participants);
    add_count(r, "joins", t->started);
    add_count(r, "joined", t->joined);
    add_count(r, "failed", t->failed);
    add_count(r, "dropped", t->dropped);
    add_count(r, "unfinished", t->started - t->joined - t->failed);
    add_count(r, "request_errors", t->request_errors);
    for (enum join_part part = 0; part < JOIN_PARTS; part++)
        add_percentiles(r, join_part_name(part), &t->join[part]);
}

// Video can be repaired; audio as browsers send it cannot.
static void add_loss(struct results *r, const char *kind, uint64_t expected, uint64_t received,
                     uint64_t unrepaired) {
    char name[METRIC_NAME_MAX];
    snprintf(name, sizeof name, "loss_%s_before", kind);
    add(r, name, "%", share(expected > received ? expected - received : 0, expected), expected > 0);
    snprintf(name, sizeof name, "loss_%s", kind);
    add(r, name, "%", share(unrepaired, expected), expected > 0);
}

static void add_media(struct results *r) {
    const struct tally *t = &r->end.sums;
    uint64_t lost = t->expected > t->received ? t->expected - t->received : 0;
    add_count(r, "packets_sent", t->rtp_out);
    add_count(r, "packets_received", t->rtp_in);
    add_count(r, "packets_expected", t->expected);
    add_count(r, "packets_repaired", t->repaired);
    add_count(r, "packets_lost", t->unrepaired);
    add_count(r, "packets_duplicate", t->duplicates);
    add(r, "loss_before", "%", share(lost, t->expected), t->expected > 0);
    add(r, "loss", "%", share(t->unrepaired, t->expected), t->expected > 0);
    add_loss(r, "video", t->video_expected, t->video_received, t->video_unrepaired);
    add_loss(r, "audio", t->expected - t->video_expected, t->received - t->video_received,
             t->unrepaired - t->video_unrepaired);
    add_percentiles(r, "delay", &t->delay);
    add_percentiles(r, "delay_repaired", &t->delay_repaired);
    add_percentiles(r, "jitter", &t->jitter);
    add_percentiles(r, "round_trip", &t->round_trip);
    add_count(r, "nacks_sent", t->nacks_out);
    add_count(r, "nacks_received", t->nacks_in);
    add_count(r, "retransmissions_sent", t->rtx_out);
    add_count(r, "transport_cc_sent", t->twcc_out);
    add_count(r, "transport_cc_received", t->twcc_in);
}

static void add_pictures(struct results *r) {
    const struct tally *t = &r->end.sums;
    uint64_t watched_us = t->watched_us;
    add_count(r, "frames", t->frames);
    add_count(r, "freezes", t->freezes);
    add(r, "frozen", "%", share(t->frozen_us, watched_us), watched_us > 0);
    add_count(r, "key_frames_asked", t->key_frames_asked);
    add_count(r, "key_frames_got", t->key_frames_got);
    add_count(r, "key_requests_received", t->key_requests_in);
    add_count(r, "key_frames_sent", t->key_frames_sent);
}

static void add_faults(struct results *r) {
    uint64_t sum = 0;
    char name[METRIC_NAME_MAX];
    for (enum fault fault = 0; fault < FAULTS; fault++)
        sum += r->end.sums.faults[fault];
    add_count(r, "faults", sum);
    for (enum fault fault = 0; fault < FAULTS; fault++) {
        snprintf(name, sizeof name, "faults_%s", fault_name(fault));
        add_count(r, name, r->end.sums.faults[fault]);
    }
}

static double cpu_percent(const struct usage *from, const struct usage *to, uint64_t wall_us) {
    uint64_t cpu_us = to->user_us + to->system_us - from->user_us - from->system_us;
    return wall_us ? (double)cpu_us * 100 / (double)wall_us : 0;
}

static void add_server(struct results *r) {
    const struct phase *from = &r->measured_from, *to = &r->measured_to;
    uint64_t wall_us = to->at_us - from->at_us, packets = to->sums.arrived - from->sums.arrived;
    double user_us = (double)(to->server.user_us - from->server.user_us);
    double system_us = (double)(to->server.system_us - from->server.system_us);
    bool known = r->server_known && packets > 0;
    double each = packets ? (double)packets : 1;
    add(r, "forwarded_rate", "", wall_us ? (double)packets * 1e6 / (double)wall_us : 0, wall_us > 0);
    add(r, "server_cpu", "%", cpu_percent(&from->server, &to->server, wall_us), r->server_known);
    add(r, "server_cpu_per_packet", "us", (user_us + system_us) / each, known);
    add(r, "server_user_per_packet", "us", user_us / each, known);
    add(r, "server_system_per_packet", "us", system_us / each, known);
    double grown = (double)to->server.resident_bytes - (double)r->server_before_bytes;
    add(r, "server_memory_per_participant", "KB", grown / 1024 / (r->participants ? r->participants : 1),
        r->server_known && r->participants > 0);
}

static void judge_generator(struct results *r, double busy, uint64_t late_us, uint64_t dropped) {
    r->generator_limited = true;
    if (dropped > 0)
        snprintf(r->generator_why, sizeof r->generator_why, "its receive buffers overflowed (%llu datagrams)",
                 (unsigned long long)dropped);
    else if (busy > GENERATOR_BUSY_PERCENT)
        snprintf(r->generator_why, sizeof r->generator_why, "it used %.0f %% of its core", busy);
    else if (late_us > GENERATOR_LATE_US)
        snprintf(r->generator_why, sizeof r->generator_why,
                 "its timers were up to %.0f ms late (p99): this machine was busy", (double)late_us / 1000);
    else
        r->generator_limited = false;
}

static void add_generator(struct results *r) {
    const struct phase *from = &r->measured_from, *to = &r->measured_to;
    uint64_t wall_us = to->at_us - from->at_us, dropped = r->end.kernel_dropped;
    uint64_t late_us = histogram_percentile(&r->end.sums.late, 99);
    double busy = cpu_percent(&from->generator, &to->generator, wall_us);
    add(r, "generator_cpu", "%", busy, wall_us > 0);
    add_percentiles(r, "generator_late", &r->end.sums.late);
    add_count(r, "generator_dropped", dropped);
    judge_generator(r, busy, late_us, dropped);
}

void results_finish(struct results *r) {
    r->metric_count = 0;
    add_people(r);
    add_media(r);
    add_pictures(r);
    add_faults(r);
    add_server(r);
    add_generator(r);
}

const struct metric *results_metric(const struct results *r, const char *name) {
    for (size_t i = 0; i < r->metric_count; i++)
        if (strcmp(r->metrics[i].name, name) == 0)
            return &r->metrics[i];
    return NULL;
}

const char *results_metric_unit(const char *name) {
    struct results *empty = calloc(1, sizeof *empty);
    if (!empty)
        return NULL;
    results_finish(empty);
    const struct metric *m = results_metric(empty, name);
    const char *unit = m ? m->unit : NULL; // a literal
    free(empty);
    return unit;
}
