#include "server/finding.h"

#include <assert.h>
#include <stdarg.h>

void finding_set(struct finding *finding, const char *check, const char *subject, enum finding_level level,
                 const char *format, ...) {
    va_list args;
    *finding = (struct finding){.level = level, .check = check};
    snprintf(finding->subject, sizeof finding->subject, "%s", subject);
    va_start(args, format);
    vsnprintf(finding->text, sizeof finding->text, format, args);
    va_end(args);
}

void finding_fix(struct finding *finding, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(finding->fix, sizeof finding->fix, format, args);
    va_end(args);
}

void findings_add(struct findings *findings, const struct finding *finding) {
    assert(finding->check && findings->count <= FINDINGS_MAX);
    if (findings->count < FINDINGS_MAX)
        findings->list[findings->count++] = *finding;
    else if (finding->level > findings->list[FINDINGS_MAX - 1].level)
        findings->list[FINDINGS_MAX - 1] = *finding;
    else
        return;
    if (findings->added)
        findings->added(finding);
}

enum finding_level findings_worst(const struct findings *findings) {
    enum finding_level worst = FINDING_OK;
    for (size_t i = 0; i < findings->count; i++)
        worst = findings->list[i].level > worst ? findings->list[i].level : worst;
    return worst;
}

const char *finding_level_name(enum finding_level level) {
    static const char *const names[] = {"ok", "skip", "warn", "fail"};
    assert(level <= FINDING_FAIL);
    return names[level];
}

void finding_print(FILE *out, const struct finding *finding) {
    const char *level = finding->level == FINDING_FAIL ? "FAIL" : finding_level_name(finding->level);
    fprintf(out, "%-5s %-15s %s%s%s", level, finding->check, finding->subject,
            finding->subject[0] ? ": " : "", finding->text);
    if (finding->fix[0])
        fprintf(out, "  fix: %s", finding->fix);
    fputc('\n', out);
}
