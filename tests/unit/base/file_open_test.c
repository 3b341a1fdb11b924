#include "base/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static char folder[] = "/tmp/rotunda-file-open-XXXXXX";

static void text_put(const char *path) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("text", file);
    fclose(file);
}

static void assert_reads(const char *path) {
    char text[8] = "";
    FILE *file = file_open(path);
    assert_non_null(file);
    assert_int_equal(fcntl(fileno(file), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fread(text, 1, sizeof text - 1, file), 4);
    assert_string_equal(text, "text");
    fclose(file);
}

// What would wait for somebody who writes, or is empty the second time, is read at the start alone.
static void only_files_are_opened_again(void **state) {
    (void)state;
    char path[64], pipe_path[64], fd_path[32];
    int ends[2];
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    text_put(path);
    assert_return_code(mkfifo(pipe_path, 0600), errno);
    assert_return_code(pipe(ends), errno);
    assert_int_equal(write(ends[1], "text", 4), 4);
    close(ends[1]);
    snprintf(fd_path, sizeof fd_path, "/dev/fd/%d", ends[0]);
    assert_reads(path);
    assert_reads(fd_path); // as of `<(command)`
    assert_null(file_open("/nowhere/at/all"));
    assert_int_equal(errno, ENOENT);

    file_open_settle();
    assert_reads(path);
    const char *const others[] = {pipe_path, fd_path, "/dev/null", "/dev/zero"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(file_open(others[i]));
        assert_non_null(strstr(file_open_reason(errno), "a pipe or a device"));
    }
    assert_null(file_open("/nowhere/at/all"));
    assert_string_equal(file_open_reason(errno), strerror(ENOENT));
    FILE *opened = file_open(folder);
    assert_non_null(opened);
    assert_int_equal(fgetc(opened), EOF);
    assert_string_equal(file_open_reason(errno), strerror(EISDIR));
    fclose(opened);
    close(ends[0]);
    unlink(path);
    unlink(pipe_path);
}

static int folder_make(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_files_are_opened_again)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
