#include "server/dialects/dialect.h"

#include "base/clock.h"

#include <string.h>

#define BURST_US (10 * US_PER_SECOND)

bool dialect_spend(struct dialect_spent *spent, const struct dialect_limits *limits, size_t bytes,
                   uint64_t now_us) {
    uint64_t cost_us = US_PER_SECOND / limits->messages_per_second_max +
                       (uint64_t)bytes * US_PER_SECOND / limits->relay_rate_max;
    uint64_t from_us = spent->due_us > now_us ? spent->due_us : now_us;
    if (from_us - now_us + cost_us > BURST_US)
        return false;
    spent->due_us = from_us + cost_us;
    return true;
}

bool dialect_name_of(const char *text, struct dialect_name *out) {
    size_t len = strnlen(text, DIALECT_NAME_MAX + 1);
    if (len == 0 || len > DIALECT_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    memset(out, 0, sizeof *out);
    memcpy(out->text, text, len);
    return true;
}

void dialect_name_text(const struct dialect_name *name, char out[DIALECT_NAME_MAX + 1]) {
    memcpy(out, name->text, DIALECT_NAME_MAX);
    out[DIALECT_NAME_MAX] = '\0';
}
