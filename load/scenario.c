// Scenario files: one of two places of this program that know JSON (the other is signal_text.c for messages;
// results are written in report_json.c).
#include "load/options.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SCENARIO_BYTES_MAX 65536

// A JSON value in the form that a flag has.
static bool value_text(const json_t *value, char *out, size_t cap) {
    int n = -1;
    if (json_is_string(value))
        n = snprintf(out, cap, "%s", json_string_value(value));
    else if (json_is_integer(value))
        n = snprintf(out, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        n = snprintf(out, cap, "%.10g", json_real_value(value));
    else if (json_is_boolean(value))
        n = snprintf(out, cap, "%s", json_is_true(value) ? "true" : "false");
    return n >= 0 && (size_t)n < cap;
}

// An error is told in one line, whatever a file's names and texts hold.
static void make_one_line(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20)
            *text = '?';
}

static bool apply_member(struct load_options *options, const char *key, const json_t *value, const char *path,
                         char *error) {
    char text[OPTION_TEXT_MAX * 4], why[OPTION_ERROR_MAX];
    if (strcmp(key, "description") == 0)
        return true;
    if (strcmp(key, "scenario") == 0) {
        snprintf(error, OPTION_ERROR_MAX, "%.200s: a scenario cannot name another", path);
        return false;
    }
    if (!value_text(value, text, sizeof text)) {
        snprintf(error, OPTION_ERROR_MAX, "%.200s: %.64s: not a short string, a number, true or false", path,
                 key);
        return false;
    }
    if (options_set(options, key, text, why))
        return true;
    snprintf(error, OPTION_ERROR_MAX, "%.200s: %.256s", path, why);
    return false;
}

bool scenario_apply(struct load_options *options, const char *text, size_t len, const char *path,
                    char error[OPTION_ERROR_MAX]) {
    json_error_t at;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
    bool ok = json_is_object(root);
    if (!root)
        snprintf(error, OPTION_ERROR_MAX, "%.200s: line %d: %.120s", path, at.line, at.text);
    else if (!ok)
        snprintf(error, OPTION_ERROR_MAX, "%.200s: not a JSON object", path);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) {
        ok = ok && apply_member(options, key, value, path, error);
    }
    json_decref(root);
    if (!ok)
        make_one_line(error);
    return ok;
}

bool scenario_read(struct load_options *options, const char *path, char error[OPTION_ERROR_MAX]) {
    static const char too_long[] = "longer than 64 KiB";
    char text[SCENARIO_BYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file) {
        snprintf(error, OPTION_ERROR_MAX, "scenario %.200s: %m", path);
        return false;
    }
    size_t len = fread(text, 1, sizeof text, file);
    bool failed = ferror(file), whole = len < sizeof text;
    fclose(file);
    if (failed || !whole) {
        snprintf(error, OPTION_ERROR_MAX, "scenario %.200s: %s", path, failed ? "cannot be read" : too_long);
        return false;
    }
    return scenario_apply(options, text, len, path, error);
}
