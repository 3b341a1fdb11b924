// Which settings change while the server runs.
#include "server/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// What can change while the server runs is what operations.md says of it; the rest stays as it was.
static void settings_that_change_while_it_runs(void **state) {
    (void)state;
    static const struct {
        const char *name, *before, *after;
        bool taken;
    } rows[] = {
        {"rooms-max", "1000", "7", true},
        {"log-level", "info", "debug", true},
        {"origins", "self", "https://a.example", true},
        {"drain-to", "wss://a/ws", "wss://b/ws", true},
        {"turn-secret", "one", "two", true},
        {"turn-urls", "turn:a", "turn:a,turn:b", true},
        {"tls-cert", "/a", "/b", true},
        {"keys", "/a", "/b", true},
        {"announce", "192.0.2.1", "192.0.2.2", true},
        {"listen", "127.0.0.1:1", "127.0.0.1:2", false},
        {"admin-listen", "127.0.0.1:1", "127.0.0.2:1", false},
        {"media-port", "1", "2", false},
        {"workers", "1", "2", false},
        {"trust-proxy", "10.0.0.0/8", "10.0.0.0/9", false},
        {"stun", "a:1", "a:2", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count, at = 0;
        const struct setting *settings = config_settings(&count);
        while (strcmp(settings[at].name, rows[i].name) != 0)
            at++;
        struct config before = {0}, after = {0};
        assert_true(setting_assign(&settings[at], &before, rows[i].before));
        assert_true(setting_assign(&settings[at], &after, rows[i].after));
        assert_true(setting_equal(&settings[at], &before, &before));
        assert_false(setting_equal(&settings[at], &before, &after));
        assert_int_equal(setting_take(&settings[at], &before, &after), rows[i].taken);
        assert_int_equal(setting_equal(&settings[at], &before, &after), rows[i].taken);
    }
}

// Whether people need tokens is decided at the start: no file of keys that is forgotten opens the doors.
static void what_opens_doors_does_not_change(void **state) {
    (void)state;
    static const char *const names[] = {"keys", "tls-cert", "tls-key"};
    size_t count;
    const struct setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            struct config with = {0}, without = {0};
            if (strcmp(settings[i].name, names[n]) != 0)
                continue;
            assert_true(setting_assign(&settings[i], &with, "/a"));
            assert_false(setting_take(&settings[i], &with, &without));
            assert_false(setting_take(&settings[i], &without, &with));
            assert_false(setting_equal(&settings[i], &with, &without));
        }
    }
}

static void what_is_misspelt_is_guessed(void **state) {
    (void)state;
    static const struct {
        char *word;
        const char *says;
    } rows[] = {{"doctr", "unknown command \"doctr\"; did you mean rotunda doctor?"},
                {"tokn", "did you mean rotunda token?"},
                {"serve", "\"serve\" is not a flag"},
                {"-x", "\"-x\" is not a flag"},
                {"--hepl", "did you mean help?"},
                {"--check-confg", "did you mean check-config?"},
                {"--rooms-mx=1", "did you mean rooms-max?"},
                {"--nothing-like-it=1", "rotunda --help lists"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX];
        char *const argv[] = {"rotunda", rows[i].word, NULL}, *const environment[] = {NULL};
        assert_int_equal(config_load(&config, 2, argv, environment, error), CONFIG_REFUSED);
        if (!strstr(error, rows[i].says))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].word, rows[i].says, error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_change_while_it_runs),
        cmocka_unit_test(what_opens_doors_does_not_change),
        cmocka_unit_test(what_is_misspelt_is_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
