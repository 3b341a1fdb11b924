#include "server/doctor/doctor.h"

#include "server/doctor/doctor_internal.h"
#include "server/doctor/doctor_report.h"
#include "server/versions.h"

#include <stdlib.h>
#include <string.h>

#define STATUS_FINE 0
#define STATUS_FAILS 1
#define STATUS_REFUSED 2
#define ARGUMENTS_MAX 256

static void examine(struct doctor *d) {
    examine_machine(d);
    examine_gate(d);
    examine_web_root(d);
    examine_certificate(d);
    examine_ports(d);
    examine_stun(d);
    examine_calls(d);
    examine_turn(d);
}

// --stun is the doctor's own as well: the server refuses one that it would not ask, because the addresses
// that it announces are all named; here it tells whether they are right.
static const char *stun_take(int argc, char *argv[], int *i) {
    if (strncmp(argv[*i], "--stun=", 7) == 0)
        return argv[*i] + 7;
    if (strcmp(argv[*i], "--stun") == 0 && *i + 1 < argc)
        return argv[++*i];
    return NULL;
}

// Takes --json and --stun out; the rest are settings. False: too many.
static bool arguments_take(struct doctor *d, int argc, char *argv[], char *settings[ARGUMENTS_MAX],
                           int *count) {
    *count = 0;
    for (int i = 0; i < argc; i++) {
        const char *value = stun_take(argc, argv, &i);
        if (value)
            d->stun_wanted = value;
        else if (i > 0 && strcmp(argv[i], "--json") == 0)
            d->json = true;
        else if (*count < ARGUMENTS_MAX)
            settings[(*count)++] = argv[i];
        else
            return false;
    }
    return true;
}

static int doctor_run(struct doctor *d) {
    log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    if (!d->json)
        d->findings.added = report_print_line;
    examine(d);
    if (!d->json)
        report_print_summary(stdout, &d->findings);
    else if (!report_print_json(stdout, &d->findings))
        return STATUS_FAILS;
    return findings_worst(&d->findings) == FINDING_FAIL ? STATUS_FAILS : STATUS_FINE;
}

static int doctor_start(struct doctor *d, int argc, char *argv[], char *const environment[]) {
    char error[CONFIG_ERROR_MAX] = "too many arguments", *settings[ARGUMENTS_MAX];
    int count;
    enum config_task task = CONFIG_REFUSED;
    if (arguments_take(d, argc, argv, settings, &count))
        task = config_load(&d->config, count, settings, environment, error);
    if (d->stun_wanted && task != CONFIG_REFUSED &&
        !host_port_parse(d->stun_wanted, strlen(d->stun_wanted), STUN_PORT, &d->config.stun)) {
        snprintf(error, sizeof error, "stun: \"%.200s\" (from --stun) is not allowed; it must be HOST[:PORT]",
                 d->stun_wanted);
        task = CONFIG_REFUSED;
    }
    switch (task) {
    case CONFIG_HELP:
        config_print_help(stdout);
        return STATUS_FINE;
    case CONFIG_VERSION:
        versions_print(stdout);
        return STATUS_FINE;
    case CONFIG_REFUSED:
        fprintf(stderr, "rotunda doctor: %s\n", error);
        return STATUS_REFUSED;
    case CONFIG_CHECK: // both are among its checks
    case CONFIG_HEALTH:
    case CONFIG_RUN:
        break;
    }
    return doctor_run(d);
}

int doctor_main(int argc, char *argv[], char *const environment[]) {
    struct doctor *d = calloc(1, sizeof *d);
    if (!d) {
        fprintf(stderr, "rotunda doctor: out of memory\n");
        return STATUS_REFUSED;
    }
    int status = doctor_start(d, argc, argv, environment);
    free(d);
    return status;
}
