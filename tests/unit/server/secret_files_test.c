// Who else may read or change a file of secrets: by real files in a folder of the test's own.
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

struct place { // FOLDER/inner/keys
    char folder[64], inner[80], file[96], link[96];
    struct config config;
};

static void place_open(struct place *p) {
    *p = (struct place){.folder = "/tmp/rotunda-secrets-XXXXXX"};
    assert_non_null(mkdtemp(p->folder));
    assert_int_equal(chmod(p->folder, 0755), 0);
    snprintf(p->inner, sizeof p->inner, "%s/inner", p->folder);
    snprintf(p->file, sizeof p->file, "%s/keys", p->inner);
    snprintf(p->link, sizeof p->link, "%s/link", p->folder);
    assert_int_equal(mkdir(p->inner, 0755), 0);
    FILE *file = fopen(p->file, "w");
    if (file)
        fclose(file);
    assert_int_equal(symlink(p->file, p->link), 0);
}

static void place_close(struct place *p) {
    chmod(p->inner, 0755);
    unlink(p->file);
    unlink(p->link);
    rmdir(p->inner);
    rmdir(p->folder);
}

static void what_others_may(void **state) {
    (void)state;
    static const struct {
        mode_t folder, file;
        bool read, write;
    } rows[] = {
        {0755, 0600, false, false},  {0755, 0640, false, false},
        {0755, 0660, false, false}, // its group is the operator's choice
        {0755, 0644, true, false},   {0755, 0602, false, true},
        {0755, 0666, true, true},    {0700, 0666, false, false}, // nobody gets there
        {0711, 0644, true, false},                               // who knows its name does
        {0777, 0600, false, true},                               // it can be exchanged,
        {01777, 0600, false, false},                             // but not where only owners may
        {01777, 0604, true, false},
    };
    struct place p;
    place_open(&p);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const char *path = i % 2 ? p.link : p.file;
        struct secret_file got[SECRET_FILES_MAX];
        chmod(p.inner, rows[i / 2].folder);
        chmod(p.file, rows[i / 2].file);
        snprintf(p.config.keys, sizeof p.config.keys, "%s", path);
        assert_int_equal(secret_files_examine(&p.config, got), 1);
        assert_string_equal(got[0].setting, "keys");
        assert_string_equal(got[0].path, path);
        if (got[0].others_read != rows[i / 2].read || got[0].others_write != rows[i / 2].write)
            fail_msg("%o of a folder %o: read %d, written %d", rows[i / 2].file, rows[i / 2].folder,
                     got[0].others_read, got[0].others_write);
    }
    place_close(&p);
}

static void each_setting_is_looked_at(void **state) {
    (void)state;
    struct place p;
    struct secret_file got[SECRET_FILES_MAX];
    place_open(&p);
    assert_int_equal(secret_files_examine(&p.config, got), 0);
    char *const paths[] = {p.config.keys, p.config.rooms, p.config.tls_key, p.config.turn_secret_file,
                           p.config.ice_turn_login_file};
    for (size_t i = 0; i < SECRET_FILES_MAX; i++) {
        strcpy(paths[i], p.file);
        assert_int_equal(secret_files_examine(&p.config, got), i + 1);
    }
    strcpy(p.config.rooms, "/nowhere/rooms"); // is told by who reads it
    strcpy(p.config.keys, p.inner);
    assert_int_equal(secret_files_examine(&p.config, got), SECRET_FILES_MAX - 2);
    assert_string_equal(got[0].setting, "tls-key");
    place_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_may),
        cmocka_unit_test(each_setting_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
