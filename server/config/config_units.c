// Numbers as operators write them: plain, or with a unit of what the setting counts.
#include "server/config/config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// By what the value is called in help. Memory counts in powers of two, bit rates in powers of ten, as
// everybody does.
static const struct unit {
    const char *value, *suffix;
    uint32_t factor;
} units[] = {
    {"BYTES", "K", UINT32_C(1) << 10},
    {"BYTES", "M", UINT32_C(1) << 20},
    {"BYTES", "G", UINT32_C(1) << 30},
    {"BPS", "k", 1000},
    {"BPS", "M", 1000000},
    {"BPS", "G", 1000000000},
    {"SECONDS", "s", 1},
    {"SECONDS", "m", 60},
    {"SECONDS", "h", 3600},
    {"SECONDS", "d", 86400},
    {"US", "us", 1},
    {"US", "ms", 1000},
};

static uint32_t unit_factor(const char *value, const char *suffix) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].value, value) == 0 && strcasecmp(units[i].suffix, suffix) == 0)
            return units[i].factor;
    }
    return 0;
}

const char *setting_units(const struct setting *setting) {
    if (setting->type != SETTING_NUMBER || strcmp(setting->value, "N") == 0)
        return "";
    if (strcmp(setting->value, "BYTES") == 0)
        return "K, M or G (1024 each)";
    if (strcmp(setting->value, "BPS") == 0)
        return "k, M or G (1000 each)";
    return strcmp(setting->value, "US") == 0 ? "us or ms" : "s, m, h or d";
}

bool number_parse(const struct setting *setting, const char *text, uint32_t *out) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    const char *suffix = text + digits;
    while (*suffix == ' ')
        suffix++;
    uint64_t factor = *suffix ? unit_factor(setting->value, suffix) : text[digits] ? 0 : 1;
    uint64_t value = strtoull(text, NULL, 10) * factor; // at most 10^10 * 2^30
    if (factor == 0 || value < setting->min || value > setting->max)
        return false;
    *out = (uint32_t)value;
    return true;
}
