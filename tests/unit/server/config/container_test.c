// Which container this is, from the files of a root and the variables of the environment.
#include "server/config/container.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct row {
    const char *variable, *value; // NULL: none is set
    const char *file, *text;      // below the root; NULL: there is none
    const char *expected;         // NULL: no container
};

static const struct row rows[] = {
    {NULL, NULL, NULL, NULL, NULL},
    {"container", "podman", NULL, NULL, "a container"},
    {"container", "", NULL, NULL, NULL},
    {"KUBERNETES_SERVICE_HOST", "10.0.0.1", NULL, NULL, "Kubernetes"},
    {"KUBERNETES_SERVICE_HOST", "", NULL, NULL, NULL},
    {NULL, NULL, "/.dockerenv", "", "Docker"},
    {NULL, NULL, "/proc/1/cgroup", "12:cpu:/docker/0123", "Docker"},
    {NULL, NULL, "/proc/1/cgroup", "0::/kubepods/besteffort", "Kubernetes"},
    {NULL, NULL, "/proc/1/cgroup", "0::/init.scope", NULL},
    {NULL, NULL, "/run/.containerenv", "", "Podman"},
    {NULL, NULL, "/run/systemd/container", "lxc", "a container"},
};

static void write_file(const char *root, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        assert_int_equal(mkdir(path, 0700), 0);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

// Where this test runs is no matter: a root of its own, and neither variable.
static void assert_row(const struct row *row) {
    char root[] = "/tmp/rotunda-root-XXXXXX", command[64];
    assert_non_null(mkdtemp(root));
    unsetenv("container");
    unsetenv("KUBERNETES_SERVICE_HOST");
    if (row->variable)
        setenv(row->variable, row->value, 1);
    if (row->file)
        write_file(root, row->file, row->text);
    const char *found = container_find(root);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    if (row->expected)
        assert_string_equal(found ? found : "none", row->expected);
    else
        assert_null(found);
}

static void test_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("row %zu\n", i);
        assert_row(&rows[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
