// expect: thresholds on metrics, as in 'loss<0.1%,join_p99<500ms'. Pure.
//
// Metrics are numbers with a unit; a threshold may use any unit of the same family: us, ms, s; %; B, KB, MB;
// or none, which then means the metric's own. Operators: < <= > >=.
#ifndef LOAD_EXPECT_H
#define LOAD_EXPECT_H

#include <stdbool.h>
#include <stddef.h>

#define EXPECT_MAX 32
#define EXPECT_NAME_MAX 48
#define EXPECT_ERROR_MAX 256

struct expectation {
    char name[EXPECT_NAME_MAX];
    char op[3];
    char unit[4]; // as written, "" for none
    double value; // in that unit
};

struct expectations {
    struct expectation items[EXPECT_MAX];
    size_t count;
};

bool expect_parse(const char *text, struct expectations *out, char error[EXPECT_ERROR_MAX]);
// The threshold in the metric's unit ("ms", "us", "%", "KB", ""); false when the units do not fit.
bool expect_convert(const struct expectation *expectation, const char *unit, double *out);
bool expect_met(const struct expectation *expectation, double threshold, double value);

#endif
