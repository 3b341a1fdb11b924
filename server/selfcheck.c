#include "server/selfcheck.h"

#include "server/checks.h"
#include "server/config/container.h"

#include <stdlib.h>

static void finding_log(const struct finding *finding) {
    if (finding->level < FINDING_WARN)
        return;
    // The parts are fields, so that a long fix does not push out what was found.
    enum log_level level = finding->level == FINDING_FAIL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;
    LOG_AT(level, "self-check", LOG_TEXT("check", finding->check), LOG_TEXT("subject", finding->subject),
           LOG_TEXT("found", finding->text), LOG_TEXT("fix", finding->fix));
}

void selfcheck_log_secrets(const struct config *config) {
    struct secret_file files[SECRET_FILES_MAX];
    unsigned count = secret_files_examine(config, files);
    for (unsigned i = 0; i < count; i++) {
        struct finding finding;
        check_secret_file(&finding, &files[i], container_find(""));
        finding_log(&finding);
    }
}

void selfcheck_log(const struct config *config) {
    struct machine machine;
    struct findings *findings = calloc(1, sizeof *findings);
    if (!findings)
        return; // the server will say so itself
    findings->added = finding_log;
    machine_examine(config, &machine);
    checks_quick(config, &machine, findings);
    free(findings);
}
