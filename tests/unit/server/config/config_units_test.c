// Lines of a file: units of numbers, comments behind values, how long one may be.
#include "server/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *file_write(const char *text) {
    char *path = strdup("/tmp/rotunda_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

// What stands in a file, with units and comments, and what arrives.
static void test_units_and_comments(void **state) {
    (void)state;
    static const struct {
        const char *line;
        uint32_t expected; // of the first setting of the name; 0: it is refused
        const char *says;
    } rows[] = {
        {"ws-backlog-max = 8M", 8 << 20, NULL},
        {"ws-backlog-max = 512k # a comment", 512 << 10, NULL},
        {"ws-backlog-max = 1048576#no comment", 0, "is not allowed"},
        {"ws-backlog-max = 1048576\t# a comment", 1048576, NULL},
        {"ws-backlog-max = 1 M", 1 << 20, NULL},
        {"ws-backlog-max = 1G", 0, "268435456, plain or with K, M or G (1024 each)"},
        {"ws-backlog-max = 9999999999G", 0, "is not allowed"},
        {"ws-backlog-max = 8s", 0, "is not allowed"},
        {"ws-backlog-max = 8 ", 0, "is not allowed"},
        {"ws-backlog-max = M", 0, "is not allowed"},
        {"ws-backlog-max = # nothing", 0, "is not allowed"},
        {"resume-window = 1m", 60, NULL},
        {"resume-window = 1H", 3600, NULL},
        {"resume-window = 30s", 30, NULL},
        {"resume-window = 1d", 0, "s, m, h or d"},
        {"turn-ttl = 2d", 172800, NULL},
        {"video-bitrate-max = 5M", 5000000, NULL},
        {"video-bitrate-max = 800k", 800000, NULL},
        {"batch-us = 1ms", 1000, NULL},
        {"batch-us = 250us", 250, NULL},
        {"rooms-max = 1k", 0, "a number from 1 to 100000"},
        {"rooms-max = 12", 12, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX], *path = file_write(rows[i].line);
        enum config_task task =
            config_load(&config, 3, (char *[]){"rotunda", "--config", path, NULL}, (char *[]){NULL}, error);
        unlink(path);
        free(path);
        if (!rows[i].expected) {
            if (task != CONFIG_REFUSED)
                fail_msg("%s: expected to be refused", rows[i].line);
            if (!strstr(error, rows[i].says))
                fail_msg("%s: expected \"%s\" in \"%s\"", rows[i].line, rows[i].says, error);
            continue;
        }
        if (task != CONFIG_RUN)
            fail_msg("%s: expected to be taken, but: %s", rows[i].line, error);
        size_t count;
        const struct setting *settings = config_settings(&count);
        while (strncmp(settings->name, rows[i].line, strcspn(rows[i].line, " ")) != 0)
            settings++;
        uint32_t value;
        memcpy(&value, (const char *)&config + settings->offset, sizeof value);
        if (value != rows[i].expected)
            fail_msg("%s: expected %u, got %u", rows[i].line, rows[i].expected, value);
    }
}

// A secret may hold anything but its own end.
static void test_a_secret_has_no_comment(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX], *path = file_write("turn-urls = turn:a # one\nturn-secret = hush # hush\n");
    assert_int_equal(
        config_load(&config, 3, (char *[]){"rotunda", "--config", path, NULL}, (char *[]){NULL}, error),
        CONFIG_RUN);
    unlink(path);
    free(path);
    assert_int_equal(config.ice_servers.url_count, 1);
    assert_string_equal(config.ice_servers.turn_secret, "hush # hush");
}

static void test_long_lines_are_refused(void **state) {
    (void)state;
    char text[3000], error[CONFIG_ERROR_MAX];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    char *path = file_write(text);
    struct config config;
    assert_int_equal(
        config_load(&config, 3, (char *[]){"rotunda", "--config", path, NULL}, (char *[]){NULL}, error),
        CONFIG_REFUSED);
    assert_non_null(strstr(error, "line 1 of"));
    assert_non_null(strstr(error, "is longer than"));
    unlink(path);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_and_comments),
        cmocka_unit_test(test_long_lines_are_refused),
        cmocka_unit_test(test_a_secret_has_no_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
