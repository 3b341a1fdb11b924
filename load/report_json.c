// The results as JSON; docs/load-testing.md describes every member.
#include "load/results.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *number_or_null(double value, bool known) {
    return known ? json_real(value) : json_null();
}

static json_t *settings_json(const struct load_options *o) {
    json_t *root = json_object();
    json_object_set_new(root, "url", json_string(o->url));
    json_object_set_new(root, "rooms", json_integer(o->rooms));
    json_object_set_new(root, "participants", json_integer(o->participants));
    json_object_set_new(root, "publishers",
                        json_integer(o->publishers == OPTION_ALL ? o->participants : o->publishers));
    json_object_set_new(root, "video", json_integer(o->video_kbps));
    json_object_set_new(root, "audio", json_boolean(o->audio != AUDIO_OFF));
    json_object_set_new(root, "simulcast", json_integer(o->simulcast));
    json_object_set_new(root, "join-rate", json_real(o->join_rate));
    json_object_set_new(root, "churn", json_real(o->churn));
    json_object_set_new(root, "duration", json_integer(o->duration_s));
    json_object_set_new(root, "loss", json_real(o->impair.loss));
    json_object_set_new(root, "delay", json_integer(o->impair.delay_us / 1000));
    json_object_set_new(root, "bandwidth", json_integer(o->impair.bandwidth_bps / 1000));
    return root;
}

static json_t *metrics_json(const struct results *r) {
    json_t *root = json_object();
    for (size_t i = 0; i < r->metric_count; i++) {
        const struct metric *m = &r->metrics[i];
        json_t *item = json_object();
        json_object_set_new(item, "value", number_or_null(m->value, m->known));
        json_object_set_new(item, "unit", json_string(m->unit));
        json_object_set_new(root, m->name, item);
    }
    return root;
}

static json_t *samples_json(const struct results *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->sample_count; i++) {
        const struct sample *s = &r->samples[i];
        json_t *item = json_object();
        json_object_set_new(item, "at_s", json_real(s->at_s));
        json_object_set_new(item, "participants", json_integer(s->participants));
        json_object_set_new(item, "rtp_in", json_real(s->rtp_in));
        json_object_set_new(item, "rtp_out", json_real(s->rtp_out));
        json_object_set_new(item, "in_kbps", json_real(s->in_kbps));
        json_object_set_new(item, "delay_p50_ms", json_real(s->delay_p50_ms));
        json_object_set_new(item, "delay_p99_ms", json_real(s->delay_p99_ms));
        json_object_set_new(item, "loss_percent", json_real(s->loss_percent));
        json_object_set_new(item, "freezes", json_real(s->freezes));
        json_object_set_new(item, "server_cpu_percent",
                            number_or_null(s->server_cpu_percent, s->server_cpu_percent >= 0));
        json_object_set_new(item, "server_memory_mb",
                            number_or_null(s->server_memory_mb, s->server_memory_mb >= 0));
        json_object_set_new(item, "generator_cpu_percent", json_real(s->generator_cpu_percent));
        json_array_append_new(list, item);
    }
    return list;
}

bool report_write_json(const struct results *r, const char *path, char *error, size_t error_cap) {
    json_t *root = json_object();
    json_object_set_new(root, "version", json_integer(1));
    json_object_set_new(root, "settings", settings_json(r->options));
    json_object_set_new(root, "generator_limited", json_boolean(r->generator_limited));
    json_object_set_new(root, "metrics", metrics_json(r));
    json_object_set_new(root, "samples", samples_json(r));
    size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(6);
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    bool ok = file && json_dumpf(root, file, flags) == 0 && fputc('\n', file) != EOF;
    int cause = errno;
    if (file && file != stdout)
        ok &= fclose(file) == 0;
    json_decref(root);
    if (!ok)
        snprintf(error, error_cap, "json %.200s: %s", path, strerror(cause));
    return ok;
}
