// Files with secrets: who may get at them, by their modes and those of the folders above.
#include "server/secret_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET_LINE "team: 0123456789abcdef0123456789abcdef\n"
#define PUBLIC_KEY                                                                                           \
    "-----BEGIN PUBLIC KEY-----\n"                                                                           \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEC4vaC8z62lEIF1QQS40wvnlX0Z2P\n"                                     \
    "4Sdwo8/V7iY57flYYZufSZaT/gLqA9NnlMKbbq71fDDfFMTGAyQ9rtcH6Q==\n"                                         \
    "-----END PUBLIC KEY-----\n"

struct folder {
    char outer[64], inner[80], file[96], link[96];
};

static int set_up(void **state) {
    struct folder *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->outer, sizeof f->outer, "/tmp/rotunda-secrets-XXXXXX");
    assert_non_null(mkdtemp(f->outer));
    snprintf(f->inner, sizeof f->inner, "%s/inner", f->outer);
    snprintf(f->file, sizeof f->file, "%s/file", f->inner);
    snprintf(f->link, sizeof f->link, "%s/link", f->outer);
    assert_int_equal(mkdir(f->inner, 0755), 0);
    assert_int_equal(symlink(f->file, f->link), 0);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct folder *f = *state;
    unlink(f->file);
    unlink(f->link);
    rmdir(f->inner);
    rmdir(f->outer);
    free(f);
    return 0;
}

static void writes(const char *path, const char *text, mode_t mode) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void modes_say_who_gets_at_it(void **state) {
    struct folder *f = *state;
    static const struct {
        mode_t outer, inner, file;
        enum secret_reach reach;
    } rows[] = {
        {0755, 0755, 0600, SECRET_CLOSED},     {0755, 0755, 0640, SECRET_CLOSED}, // for the server's group
        {0755, 0755, 0660, SECRET_CLOSED},     {0755, 0755, 0644, SECRET_READABLE},
        {0755, 0755, 0604, SECRET_READABLE},   {0755, 0755, 0602, SECRET_CHANGEABLE},
        {0755, 0755, 0666, SECRET_CHANGEABLE}, {0755, 0750, 0666, SECRET_CLOSED}, // nobody passes the folder
        {0700, 0755, 0666, SECRET_CLOSED},     {0711, 0711, 0644, SECRET_READABLE},
        {0755, 0777, 0600, SECRET_CHANGEABLE}, // by another file in its place
        {0755, 01777, 0600, SECRET_CLOSED},    // where everybody moves his own alone
        {0777, 0700, 0600, SECRET_CHANGEABLE}, // by another folder
        {0700, 0777, 0600, SECRET_CLOSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum secret_reach reach;
        writes(f->file, "x", rows[i].file);
        assert_int_equal(chmod(f->inner, rows[i].inner), 0);
        assert_int_equal(chmod(f->outer, rows[i].outer), 0);
        for (int by_link = 0; by_link < 2; by_link++) {
            assert_true(secret_file_reach(by_link ? f->link : f->file, &reach));
            if (reach != rows[i].reach)
                fail_msg("row %zu: %d, not %d", i, reach, rows[i].reach);
        }
    }
}

static void what_is_no_file_is_not_judged(void **state) {
    struct folder *f = *state;
    enum secret_reach reach;
    static const char *const paths[] = {"", "/dev/null", "/dev/stdin/x", "/proc/self", "/tmp"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_false(secret_file_reach(paths[i], &reach));
    assert_false(secret_file_reach(f->link, &reach)); // leads nowhere
    assert_int_equal(mkfifo(f->file, 0666), 0);
    assert_false(secret_file_reach(f->file, &reach)); // and is not waited for
}

// What may be read by all for it tells nobody anything: but nobody may change it.
static void public_keys_and_settings_may_be_read(void **state) {
    struct folder *f = *state;
    static struct config config;
    struct secret_file files[SECRET_FILES_MAX];
    assert_int_equal(chmod(f->outer, 0755), 0);
    assert_int_equal(secret_files_examine(&config, files), 0);
    snprintf(config.keys, sizeof config.keys, "%s", f->file);
    static const struct {
        const char *text;
        mode_t mode;
        enum secret_reach reach;
    } rows[] = {{SECRET_LINE, 0644, SECRET_READABLE},
                {SECRET_LINE, 0640, SECRET_CLOSED},
                {PUBLIC_KEY, 0644, SECRET_CLOSED},
                {PUBLIC_KEY, 0666, SECRET_CHANGEABLE},
                {"nonsense", 0644, SECRET_CLOSED}}; // whoever loads it says what it is
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        writes(f->file, rows[i].text, rows[i].mode);
        assert_int_equal(secret_files_examine(&config, files), 1);
        assert_string_equal(files[0].setting, "keys");
        if (files[0].reach != rows[i].reach)
            fail_msg("row %zu: %d, not %d", i, files[0].reach, rows[i].reach);
    }
    memcpy(config.file, config.keys, sizeof config.file);
    memcpy(config.rooms, config.keys, sizeof config.rooms);
    config.keys[0] = '\0';
    assert_int_equal(secret_files_examine(&config, files), 2);
    assert_int_equal(files[0].reach, SECRET_CLOSED);
    assert_int_equal(files[1].reach, SECRET_READABLE);
    config.file_has_secret = true;
    assert_int_equal(secret_files_examine(&config, files), 2);
    assert_int_equal(files[0].reach, SECRET_READABLE);
    unlink(f->file);
    assert_int_equal(secret_files_examine(&config, files), 0);
}

int main(void) {
#define IN_A_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(modes_say_who_gets_at_it),
        IN_A_FOLDER(what_is_no_file_is_not_judged),
        IN_A_FOLDER(public_keys_and_settings_may_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
