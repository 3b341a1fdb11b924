// doctor_report: the findings as text for people and as JSON for programs.
#ifndef SERVER_DOCTOR_REPORT_H
#define SERVER_DOCTOR_REPORT_H

#include "server/finding.h"

#define REPORT_VERSION 2 // of the JSON; members may be added without a new one

void report_print_line(const struct finding *finding); // on standard output, at once
void report_print_summary(FILE *out, const struct findings *findings);
// One object: version, rotunda, status, counts, findings. False: no memory, or it could not be written.
bool report_print_json(FILE *out, const struct findings *findings);

#endif
