// finding: what one check of `rotunda doctor` came to: one line, with the fix where something is to be done.
//
// Plain values and text; any thread.
#ifndef SERVER_FINDING_H
#define SERVER_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define FINDING_SUBJECT_MAX 96
#define FINDING_TEXT_MAX 512
#define FINDINGS_MAX 96

enum finding_level {
    FINDING_OK,
    FINDING_SKIP, // could not be examined here, or there is nothing to examine
    FINDING_WARN, // works, but not for everybody, not under load, or not for long
    FINDING_FAIL, // will not work
};

struct finding {
    enum finding_level level;
    const char *check;                 // its stable name, as "udp-gso"; lives for ever
    char subject[FINDING_SUBJECT_MAX]; // what was examined where a check looks at several things, or ""
    char text[FINDING_TEXT_MAX];
    char fix[FINDING_TEXT_MAX]; // what to do; "" when there is nothing
};

struct findings {
    struct finding list[FINDINGS_MAX];
    size_t count;
    void (*added)(const struct finding *finding); // called for each new one; NULL: nobody
};

// Sets everything but the fix. `finding` is overwritten.
__attribute__((format(printf, 5, 6))) void finding_set(struct finding *finding, const char *check,
                                                       const char *subject, enum finding_level level,
                                                       const char *format, ...);
__attribute__((format(printf, 2, 3))) void finding_fix(struct finding *finding, const char *format, ...);

// Beyond FINDINGS_MAX the last place is overwritten, so that nothing is lost silently but what is fine:
// a finding that is no worse than the one in that place is dropped.
void findings_add(struct findings *findings, const struct finding *finding);
enum finding_level findings_worst(const struct findings *findings); // FINDING_OK of none

const char *finding_level_name(enum finding_level level); // "ok", "skip", "warn", "fail"
// "ok    udp-gso          the kernel segments UDP", and "fix: ..." at its end. One line.
void finding_print(FILE *out, const struct finding *finding);

#endif
