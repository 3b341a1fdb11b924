#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define WALL UINT64_C(1700000000123456) // 2023-11-14T22:13:20.123456Z

static const char *line_of(enum log_format format, enum log_level level, const char *event,
                           const struct log_field *fields, char *out, size_t cap) {
    size_t len = log_format_line(out, cap - 1, format, WALL, level, event, fields);
    assert_true(len < cap);
    out[len] = 0;
    return out;
}

static void lines_have_two_forms(void **state) {
    (void)state;
    char out[512];
    const struct log_field fields[] = {LOG_TEXT("room", "blue"), LOG_NUMBER("n", -5), {.key = NULL}};
    const struct log_field none[] = {{.key = NULL}};
    assert_string_equal(
        line_of(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "participant joined", fields, out, sizeof out),
        "2023-11-14T22:13:20.123Z info  participant joined room=\"blue\" n=-5\n");
    assert_string_equal(
        line_of(LOG_FORMAT_JSON, LOG_LEVEL_WARN, "participant joined", fields, out, sizeof out),
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"event\":\"participant joined\","
        "\"room\":\"blue\",\"n\":-5}\n");
    assert_string_equal(line_of(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, "x", none, out, sizeof out),
                        "2023-11-14T22:13:20.123Z error x\n");
    assert_string_equal(line_of(LOG_FORMAT_JSON, LOG_LEVEL_DEBUG, "x", none, out, sizeof out),
                        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"debug\",\"event\":\"x\"}\n");
}

static void values_are_escaped(void **state) {
    (void)state;
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"", ""},
        {"a\"b\\c", "a\\\"b\\\\c"},
        {"two\nlines\r\t", "two\\u000alines\\u000d\\u0009"},
        {"\x1b[31mred", "\\u001b[31mred"},
        {"\x7f", "\\u007f"},
        {"J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80", "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"}, // a terminal may take it for an escape sequence
        // Directions, a line of its own, no width; but not what pictures are joined with
        {"a\xe2\x80\xaetxt.exe", "a\\u202etxt.exe"},
        {"\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c\xef\xbb\xbf", "\\u2066x\\u2069\\u061c\\ufeff"},
        {"a\xe2\x80\xa8z\xe2\x80\x8b", "a\\u2028z\\u200b"},
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"},
        {"\xff\xc0\x80", "\\u00ff\\u00c0\\u0080"},
        {"\xc3", "\\u00c3"},                                  // cut
        {"\xc3(", "\\u00c3("},                                // not continued
        {"\xe0\x80\x80", "\\u00e0\\u0080\\u0080"},            // overlong
        {"\xed\xa0\x80", "\\u00ed\\u00a0\\u0080"},            // surrogate
        {"\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080"}, // beyond Unicode
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[512], want[512];
        const struct log_field fields[] = {LOG_TEXT("v", rows[i].value), {.key = NULL}};
        snprintf(want, sizeof want, "2023-11-14T22:13:20.123Z info  e v=\"%s\"\n", rows[i].want);
        assert_string_equal(line_of(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "e", fields, out, sizeof out), want);
    }
}

// Two bytes a character: 256 is not between characters when it starts with one of one byte.
static void values_are_cut_between_characters(void **state) {
    (void)state;
    char value[600] = "", out[1024], want[1024];
    for (int i = 0; i < 299; i++)
        strcat(value, "a");
    const struct log_field fields[] = {LOG_TEXT("v", value), {.key = NULL}};
    snprintf(want, sizeof want, "2023-11-14T22:13:20.123Z info  e v=\"%.*s\"\n", LOG_VALUE_MAX, value);
    assert_string_equal(line_of(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "e", fields, out, sizeof out), want);
    strcpy(value, "a");
    for (int i = 0; i < 200; i++)
        strcat(value, "\xc3\xb6");
    snprintf(want, sizeof want, "2023-11-14T22:13:20.123Z info  e v=\"%.*s\"\n", LOG_VALUE_MAX - 1, value);
    assert_string_equal(line_of(LOG_FORMAT_TEXT, LOG_LEVEL_INFO, "e", fields, out, sizeof out), want);
}

// In a line that is too short, whole fields are missing and the rest can be read.
static void a_field_that_does_not_fit_is_left_out(void **state) {
    (void)state;
    const struct log_field fields[] = {
        LOG_TEXT("a", "11111111"), LOG_TEXT("b", "2222222222222222"), LOG_NUMBER("c", 3), {.key = NULL}};
    const char *head = "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\",\"event\":\"e\"";
    static const char *const parts[] = {",\"a\":\"11111111\"", ",\"b\":\"2222222222222222\"", ",\"c\":3"};
    for (size_t cap = strlen(head) + 2; cap < 160; cap++) {
        char out[200], want[200];
        size_t room = cap - 2;
        strcpy(want, head);
        for (size_t i = 0; i < 3; i++)
            if (strlen(want) + strlen(parts[i]) <= room)
                strcat(want, parts[i]);
        strcat(want, "}\n");
        memset(out, '#', sizeof out);
        size_t len = log_format_line(out, cap, LOG_FORMAT_JSON, WALL, LOG_LEVEL_INFO, "e", fields);
        assert_true(len <= cap);
        assert_int_equal(out[cap], '#');
        out[len] = 0;
        assert_string_equal(out, want);
    }
}

static void levels_are_ordered(void **state) {
    (void)state;
    static const enum log_level levels[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG};
    for (size_t set = 0; set < 4; set++) {
        log_configure(levels[set], LOG_FORMAT_TEXT);
        for (size_t asked = 0; asked < 4; asked++)
            assert_int_equal(log_enabled(levels[asked]), asked <= set);
    }
}

static void a_line_leaves_on_standard_error(void **state) {
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    LOG_DEBUG("not this");
    LOG_INFO("this", LOG_NUMBER("n", 1));
    LOG_INFO("and this");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    char out[512] = "";
    assert_true(read(ends[0], out, sizeof out - 1) > 0);
    close(ends[0]);
    assert_non_null(strstr(out, " info  this n=1\n"));
    assert_non_null(strstr(out, " info  and this\n"));
    assert_null(strstr(out, "not this"));
}

// As systemd sets it up: the variable names the stream that the lines go to.
static void the_journal_gets_priorities(void **state) {
    (void)state;
    static const struct {
        int inode_off;
        const char *start;
    } rows[] = {{0, "<4>20"}, {1, "20"}};
    for (size_t i = 0; i < 2; i++) {
        int ends[2], saved = dup(STDERR_FILENO);
        struct stat info;
        char name[64], out[512] = "";
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        fstat(ends[1], &info);
        snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)info.st_dev,
                 (uintmax_t)info.st_ino + (uintmax_t)rows[i].inode_off);
        setenv("JOURNAL_STREAM", name, 1);
        dup2(ends[1], STDERR_FILENO);
        log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
        LOG_WARN("this");
        dup2(saved, STDERR_FILENO);
        close(saved);
        close(ends[1]);
        assert_true(read(ends[0], out, sizeof out - 1) > 0);
        close(ends[0]);
        assert_int_equal(strncmp(out, rows[i].start, strlen(rows[i].start)), 0);
        assert_int_equal(log_goes_to_journal(), rows[i].inode_off == 0);
    }
    unsetenv("JOURNAL_STREAM");
    log_configure(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_set_level(LOG_LEVEL_ERROR);
    assert_false(log_enabled(LOG_LEVEL_WARN));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_two_forms),
        cmocka_unit_test(values_are_escaped),
        cmocka_unit_test(values_are_cut_between_characters),
        cmocka_unit_test(a_field_that_does_not_fit_is_left_out),
        cmocka_unit_test(levels_are_ordered),
        cmocka_unit_test(a_line_leaves_on_standard_error),
        cmocka_unit_test(the_journal_gets_priorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
