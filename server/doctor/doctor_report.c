#include "server/doctor/doctor_report.h"

#include <jansson.h>

struct counts {
    int of[FINDING_FAIL + 1];
};

static struct counts counts_of(const struct findings *findings) {
    struct counts counts = {{0}};
    for (size_t i = 0; i < findings->count; i++)
        counts.of[findings->list[i].level]++;
    return counts;
}

void report_print_line(const struct finding *finding) {
    finding_print(stdout, finding);
    fflush(stdout);
}

void report_print_summary(FILE *out, const struct findings *findings) {
    struct counts counts = counts_of(findings);
    int warnings = counts.of[FINDING_WARN], failures = counts.of[FINDING_FAIL];
    fprintf(out, "%s: %d ok, %d skipped, %d warning%s, %d failure%s\n",
            failures   ? "something will not work"
            : warnings ? "works, with warnings"
                       : "healthy",
            counts.of[FINDING_OK], counts.of[FINDING_SKIP], warnings, warnings == 1 ? "" : "s", failures,
            failures == 1 ? "" : "s");
}

static json_t *finding_json(const struct finding *finding) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "level", finding_level_name(finding->level), "check",
                     finding->check, "subject", finding->subject, "text", finding->text, "fix", finding->fix);
}

bool report_print_json(FILE *out, const struct findings *findings) {
    struct counts counts = counts_of(findings);
    enum finding_level worst = findings_worst(findings);
    json_t *list = json_array();
    bool fine = list != NULL;
    for (size_t i = 0; fine && i < findings->count; i++)
        fine = json_array_append_new(list, finding_json(&findings->list[i])) == 0;
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:{s:i, s:i, s:i, s:i}, s:o}", "version", REPORT_VERSION, "rotunda",
                  ROTUNDA_VERSION, "status", finding_level_name(worst == FINDING_SKIP ? FINDING_OK : worst),
                  "counts", "ok", counts.of[FINDING_OK], "skip", counts.of[FINDING_SKIP], "warn",
                  counts.of[FINDING_WARN], "fail", counts.of[FINDING_FAIL], "findings", list);
    fine = fine && root && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(root);
    return fine && fflush(out) == 0;
}
