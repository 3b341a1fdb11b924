#include "load/expect.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
    const char *name, *family;
    double scale;
} units[] = {
    {"us", "time", 1}, {"ms", "time", 1e3},    {"s", "time", 1e6},        {"%", "share", 1},
    {"B", "size", 1},  {"KB", "size", 1024.0}, {"MB", "size", 1048576.0},
};

static const struct unit *unit_find(const char *name) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

static bool refuse(char *error, const char *item, const char *why) {
    snprintf(error, EXPECT_ERROR_MAX, "expect: \"%.80s\" %s", item, why);
    return false;
}

// One "name<number unit".
static bool parse_item(const char *item, struct expectation *out, char *error) {
    size_t name = strcspn(item, "<>");
    if (name == 0 || name >= sizeof out->name || item[name] == '\0')
        return refuse(error, item, "is not a metric, one of < <= > >=, and a number");
    memcpy(out->name, item, name);
    out->name[name] = '\0';
    const char *p = item + name;
    size_t op = p[1] == '=' ? 2 : 1;
    memcpy(out->op, p, op);
    out->op[op] = '\0';
    p += op;
    char *end;
    if (!isdigit((unsigned char)*p) && *p != '.')
        return refuse(error, item, "has no number");
    out->value = strtod(p, &end);
    if (strlen(end) >= sizeof out->unit || (*end && !unit_find(end)))
        return refuse(error, item, "has an unknown unit; there are us, ms, s, %, B, KB and MB");
    memcpy(out->unit, end, strlen(end) + 1);
    return true;
}

bool expect_parse(const char *text, struct expectations *out, char error[EXPECT_ERROR_MAX]) {
    out->count = 0;
    for (const char *p = text; *p;) {
        char item[128];
        size_t len = 0;
        for (; *p && *p != ','; p++)
            if (!isspace((unsigned char)*p) && len + 1 < sizeof item)
                item[len++] = *p;
        item[len] = '\0';
        p += *p == ',';
        if (len == 0)
            continue;
        if (out->count == EXPECT_MAX)
            return refuse(error, item, "is one too many; there may be 32");
        if (!parse_item(item, &out->items[out->count], error))
            return false;
        out->count++;
    }
    return true;
}

bool expect_convert(const struct expectation *e, const char *unit, double *out) {
    *out = e->value;
    if (e->unit[0] == '\0' || strcmp(e->unit, unit) == 0)
        return true;
    const struct unit *from = unit_find(e->unit), *to = unit_find(unit);
    if (!from || !to || strcmp(from->family, to->family) != 0)
        return false;
    *out = e->value * from->scale / to->scale;
    return true;
}

bool expect_met(const struct expectation *e, double threshold, double value) {
    bool equal = e->op[1] == '=' && value == threshold;
    return equal || (e->op[0] == '<' ? value < threshold : value > threshold);
}
