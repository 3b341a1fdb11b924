// The results as a person reads them.
#include "load/results.h"

#include <stdio.h>
#include <string.h>

static void print_value(const struct metric *m) {
    if (!m || !m->known)
        printf(" %10s", "-");
    else if (m->unit[0] == '\0')
        printf(" %10.0f", m->value);
    else
        printf(" %10.2f", m->value);
}

static void print_percentiles(const struct results *r, const char *title, const char *name) {
    static const char *const suffixes[] = {"p50", "p95", "p99", "max"};
    printf("  %-28s", title);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        char full[METRIC_NAME_MAX];
        snprintf(full, sizeof full, "%s_%s", name, suffixes[i]);
        print_value(results_metric(r, full));
    }
    printf("\n");
}

static double value_of(const struct results *r, const char *name) {
    const struct metric *m = results_metric(r, name);
    return m ? m->value : 0;
}

static void print_server(const struct results *r) {
    if (!r->server_known)
        return;
    printf(
        "\nserver: %.1f %% of a core, %.3f us of CPU a forwarded packet (user %.3f, system %.3f), %.1f KB a "
        "participant\n",
        value_of(r, "server_cpu"), value_of(r, "server_cpu_per_packet"),
        value_of(r, "server_user_per_packet"), value_of(r, "server_system_per_packet"),
        value_of(r, "server_memory_per_participant"));
}

static void print_faults(const struct results *r) {
    if (value_of(r, "faults") == 0)
        return;
    printf("faults in what was received:");
    for (size_t i = 0; i < r->metric_count; i++)
        if (strncmp(r->metrics[i].name, "faults_", 7) == 0 && r->metrics[i].value > 0)
            printf(" %s %.0f", r->metrics[i].name + 7, r->metrics[i].value);
    printf("\n");
}

void report_print(const struct results *r) {
    static const struct {
        const char *title, *name;
    } rows[] = {
        {"join: WebSocket", "websocket"},
        {"      join-room", "room"},
        {"      transports", "transports"},
        {"      ICE", "ice"},
        {"      DTLS", "dtls"},
        {"join, all of it", "join"},
        {"to the first RTP packet", "first_rtp"},
        {"to the first key frame", "first_key_frame"},
        {"one-way delay", "delay"},
        {"one-way delay, repaired", "delay_repaired"},
        {"jitter", "jitter"},
    };
    printf("\n%.0f of %.0f joins, %.0f failed", value_of(r, "joined"), value_of(r, "joins"),
           value_of(r, "failed"));
    if (value_of(r, "dropped") > 0)
        printf(", %.0f dropped later", value_of(r, "dropped"));
    if (value_of(r, "unfinished") > 0)
        printf(", %.0f not done at the end", value_of(r, "unfinished"));
    printf("\n");
    printf("  %-28s %10s %10s %10s %10s\n", "ms", "p50", "p95", "p99", "max");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        print_percentiles(r, rows[i].title, rows[i].name);
    printf("\npackets: %.0f sent, %.0f received (%.0f a second), %.0f repaired\n",
           value_of(r, "packets_sent"), value_of(r, "packets_received"), value_of(r, "forwarded_rate"),
           value_of(r, "packets_repaired"));
    printf("loss: %.3f %% before repair, %.3f %% after; video %.3f %% and %.3f %%, audio %.3f %%\n",
           value_of(r, "loss_before"), value_of(r, "loss"), value_of(r, "loss_video_before"),
           value_of(r, "loss_video"), value_of(r, "loss_audio"));
    printf("video: %.0f frames, %.0f freezes (%.3f %% of the time), key frames: %.0f asked, %.0f got\n",
           value_of(r, "frames"), value_of(r, "freezes"), value_of(r, "frozen"),
           value_of(r, "key_frames_asked"), value_of(r, "key_frames_got"));
    print_faults(r);
    print_server(r);
    printf("generator: %.1f %% of its core, timers %.2f ms late (p99)\n", value_of(r, "generator_cpu"),
           value_of(r, "generator_late_p99"));
    if (r->generator_limited)
        printf("WARNING: the generator was the bottleneck: %s. The server can do better than this.\n",
               r->generator_why);
}
