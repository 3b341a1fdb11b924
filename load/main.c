// rotunda-load: see docs/load-testing.md.
#include "base/standard_files.h"
#include "load/crowd.h"
#include "load/expect.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_MET 0
#define STATUS_MISSED 1
#define STATUS_BAD 2

static int refuse(const char *why) {
    fprintf(stderr, "rotunda-load: %s\n", why);
    return STATUS_BAD;
}

// Names and units, before anything runs.
static bool check_expectations(const struct expectations *expectations, char *error, size_t cap) {
    double threshold;
    for (size_t i = 0; i < expectations->count; i++) {
        const struct expectation *e = &expectations->items[i];
        const char *unit = results_metric_unit(e->name);
        if (!unit) {
            snprintf(error, cap, "expect: there is no metric \"%s\"; docs/load-testing.md lists them",
                     e->name);
            return false;
        }
        if (!expect_convert(e, unit, &threshold)) {
            snprintf(error, cap, "expect: \"%s\" is not measured in %s", e->name, e->unit);
            return false;
        }
    }
    return true;
}

static int judge(const struct results *results, const struct expectations *expectations) {
    int status = STATUS_MET;
    for (size_t i = 0; i < expectations->count; i++) {
        const struct expectation *e = &expectations->items[i];
        const struct metric *m = results_metric(results, e->name);
        double threshold = 0;
        bool fits = m && expect_convert(e, m->unit, &threshold);
        bool met = fits && m->known && expect_met(e, threshold, m->value);
        if (m && !m->known)
            printf("expected %s %s %g %s: nothing was measured\n", e->name, e->op, threshold, m->unit);
        else if (m)
            printf("expected %s %s %g %s: %s, %g %s\n", e->name, e->op, threshold, m->unit,
                   met ? "met" : "MISSED", m->value, m->unit);
        if (!met)
            status = STATUS_MISSED;
    }
    return status;
}

static int run(const struct load_options *options, const struct expectations *expectations) {
    char error[CROWD_ERROR_MAX] = "";
    struct results *results = calloc(1, sizeof *results);
    if (!results)
        return refuse("out of memory");
    int status = STATUS_BAD;
    bool ok = crowd_run(options, results, error);
    if (ok) {
        results_finish(results);
        bool to_stdout = strcmp(options->json, "-") == 0;
        if (!to_stdout)
            report_print(results);
        ok = !options->json[0] || report_write_json(results, options->json, error, sizeof error);
        fflush(stdout);
        if (to_stdout) // judgements go beside the JSON, not into it
            dup2(STDERR_FILENO, STDOUT_FILENO);
    }
    if (ok)
        status = judge(results, expectations);
    else
        refuse(error);
    results_free(results);
    free(results);
    return status;
}

int main(int argc, char **argv) {
    struct load_options options;
    struct expectations expectations;
    struct usage server;
    char error[OPTION_ERROR_MAX];
    standard_files_open();
    signal(SIGPIPE, SIG_IGN);
    options_default(&options);
    switch (options_read(&options, argc, argv, error)) {
    case OPTIONS_SHOWN:
        return STATUS_MET;
    case OPTIONS_BAD:
        return refuse(error);
    case OPTIONS_RUN:
        break;
    }
    if (options.room[0] == '\0')
        snprintf(options.room, sizeof options.room, "load-%d", getpid());
    if (!expect_parse(options.expect, &expectations, error) ||
        !check_expectations(&expectations, error, sizeof error))
        return refuse(error);
    if (options.server_pid && !usage_read(options.server_pid, &server)) {
        snprintf(error, sizeof error, "server-pid: there is no process %u", options.server_pid);
        return refuse(error);
    }
    return run(&options, &expectations);
}
