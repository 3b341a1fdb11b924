// What a dialect says, kept in the order in which it said it: "3<text" to client 3, "3!code reason" for a
// close. As of a memory that fails (tests/memory), texts may be cut.
#ifndef TESTS_DIALECT_STAGE_H
#define TESTS_DIALECT_STAGE_H

#include "base/clock.h"
#include "server/dialects/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START_US (1000 * US_PER_SECOND)

struct stage {
    char said[256 * 1024];
    size_t len;
    unsigned closes;
};
static struct stage stage;

static inline void stage_send(void *ctx, uint32_t client, const char *text, size_t len) {
    (void)ctx;
    if (stage.len + len + 32 > sizeof stage.said)
        return;
    stage.len += (size_t)sprintf(stage.said + stage.len, "%u<%.*s\n", client, (int)len, text);
}

static inline void stage_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    (void)ctx;
    stage.closes++;
    assert_true(strlen(reason) <= DIALECT_REASON_MAX);
    stage.len += (size_t)sprintf(stage.said + stage.len, "%u!%u %s\n", client, code, reason);
}

static const struct dialect_io stage_io = {NULL, stage_send, stage_close};

// All that was said since the last look is this.
static inline void stage_heard(const char *text) {
    assert_string_equal(stage.said, text);
    stage.len = 0;
    stage.said[0] = '\0';
}

static inline void stage_forget(void) {
    stage.len = 0;
    stage.said[0] = '\0';
}

#endif
