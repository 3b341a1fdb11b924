// What --help and docs/operations.md say: each setting once, in groups, so that nobody has to read sixty
// settings to find one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/config.h"

static void test_settings_are_in_groups(void **state) {
    (void)state;
    size_t count;
    unsigned groups = 0, size = 0;
    const struct setting *settings = config_settings(&count);
    assert_non_null(setting_group(&settings[0]));
    for (size_t i = 0; i < count; i++) {
        bool begins = setting_group(&settings[i]) != NULL;
        groups += begins;
        size = begins ? 1 : size + 1;
        assert_in_range(size, 1, 12);
    }
    assert_in_range(groups, 14, 20);
}

static void test_help_has_each_setting_below_its_group(void **state) {
    (void)state;
    char *text = NULL;
    size_t len, count;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_print_help(out);
    fclose(out);
    const struct setting *settings = config_settings(&count);
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        char line[160];
        const char *group = setting_group(&settings[i]);
        snprintf(line, sizeof line, "\n%s%s  --%s %s\n", group ? group : "", group ? ":\n" : "",
                 settings[i].name, settings[i].value);
        const char *found = strstr(at, line);
        if (!found)
            fail_msg("not in its place: %s", line);
        at = found + 1;
        assert_null(strstr(at, line));
    }
    free(text);
}

// What help and docs/operations.md tell is what the table says.
static void test_documents_name_every_setting(void **state) {
    (void)state;
    FILE *file = fopen("docs/operations.md", "re");
    assert_non_null(file);
    static char text[256 * 1024];
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    size_t count;
    const struct setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        char cell[224], variable[80];
        setting_variable(settings[i].name, variable, sizeof variable);
        snprintf(cell, sizeof cell, "\n| `%s` | `%s` |", settings[i].name, variable);
        const char *row = strstr(text, cell);
        if (!row)
            fail_msg("docs/operations.md: the table of settings has no%s", cell);
        row++;
        char line[1024];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(row, "\n"), row);
        char preset[512], allowed[512], range[64];
        assert_int_equal(sscanf(line, "| `%*[^|]| `%*[^|]| %511[^|]| %511[^|]", preset, allowed), 2);
        size_t len_of_preset = strlen(settings[i].preset), quoted = preset[0] == '`';
        if (strncmp(preset + quoted, settings[i].preset, len_of_preset) != 0 ||
            (len_of_preset && !strchr(" `", preset[quoted + len_of_preset])))
            fail_msg("docs/operations.md: `%s` is preset to %s, not %s", settings[i].name, settings[i].preset,
                     preset);
        snprintf(range, sizeof range, "%" PRIu32 " to %" PRIu32 " ", settings[i].min, settings[i].max);
        if (settings[i].type == SETTING_NUMBER && strncmp(allowed, range, strlen(range)) != 0)
            fail_msg("docs/operations.md: `%s` may be %s, not %s", settings[i].name, range, allowed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_in_groups),
        cmocka_unit_test(test_help_has_each_setting_below_its_group),
        cmocka_unit_test(test_documents_name_every_setting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
