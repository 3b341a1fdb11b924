// The file of rooms: what it settles for whom, and the words for what is wrong in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/room_file.h"

#define HASH "$2b$04$abcdefghijklmnopqrstuuSQzWmt8HusakwD2pvgR3ozkfKxMd.Q2"
#define OTHER "$2b$04$abcdefghijklmnopqrstuu66Osy4KepLD6Md9MiX2hMCSay.VFQ26"

static struct room_file *parsed(const char *text) {
    char why[ROOM_FILE_WHY_MAX] = "";
    struct room_file *file = room_file_parse(text, strlen(text), why);
    if (!file)
        fail_msg("%s", why);
    return file;
}

static const struct room_rules *rules(const struct room_file *file, const char *room) {
    const struct room_section *section = room_file_find(file, room);
    assert_non_null(section);
    return room_section_rules(section);
}

static void a_room_has_one_section(void **state) {
    (void)state;
    struct room_file *file =
        parsed("# ours\n[team-*-daily]\npeople = 3\n[ garden ]\r\n\tlobby = yes  \n people=20\n"
               "[team-*]\npeople = 4\n[team-blue]\n[*]\nopen = no\n");
    assert_int_equal(room_file_count(file), 5);
    assert_int_equal(rules(file, "garden")->people_max, 20);
    assert_true(rules(file, "garden")->lobby && !rules(file, "garden")->closed);
    assert_int_equal(rules(file, "team-red-daily")->people_max, 3); // the first that fits
    assert_int_equal(rules(file, "team-red")->people_max, 4);
    assert_int_equal(rules(file, "team-daily-daily-daily")->people_max, 3);
    assert_int_equal(rules(file, "team-")->people_max, 4);
    assert_int_equal(rules(file, "team-blue")->people_max, 0); // its own, though a pattern stands before
    assert_true(rules(file, "Garden")->closed);
    assert_true(rules(file, "ateam-")->closed);
    room_file_free(file);
    file = parsed("[only]\nlobby = no\nopen = yes\n");
    assert_null(room_file_find(file, "other"));
    assert_true(!rules(file, "only")->closed && !rules(file, "only")->lobby);
    room_file_free(file);
    file = parsed("[a #1]  # the first ] of them\npeople = 7\t# seven\npassword = " HASH " # of all\n");
    assert_int_equal(rules(file, "a #1")->people_max, 7);
    room_file_free(file);
    file = parsed("\xef\xbb\xbf[a]\npeople = 7\n"); // as some editors begin a file
    assert_int_equal(rules(file, "a")->people_max, 7);
    room_file_free(file);
    room_file_free(parsed("")); // nothing is settled
}

static void encryption_and_recording(void **state) {
    (void)state;
    struct room_file *file = parsed("[a]\ne2ee = required\n[b]\ne2ee = optional\nrecord = yes\n"
                                    "[c]\nrecord = moderators\n[d]\nrecord = no\n"
                                    "[e]\nrecord = no\ne2ee = required\n[f]\nlobby = no\n");
    static const struct {
        const char *room;
        bool sealed;
        enum record_rule record;
    } rows[] = {{"a", true, RECORD_BY_TOKEN},       {"b", false, RECORD_BY_ANYBODY},
                {"c", false, RECORD_BY_MODERATORS}, {"d", false, RECORD_BY_NOBODY},
                {"e", true, RECORD_BY_NOBODY},      {"f", false, RECORD_BY_TOKEN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rules(file, rows[i].room)->sealed, rows[i].sealed);
        assert_int_equal(rules(file, rows[i].room)->record, rows[i].record);
    }
    room_file_free(file);
}

static void who_shows_what(void **state) {
    (void)state;
    bool moderator;
    struct room_file *file =
        parsed("[garden]\npassword = " HASH "\nmoderator = Ann: " OTHER "\n"
               "moderator = J\xc3\xb6rg: the 2nd : " HASH "\n[hall]\nmoderator = bob:" HASH "\n");
    const struct room_section *garden = room_file_find(file, "garden"), *hall = room_file_find(file, "hall");
    assert_string_equal(room_section_hash(garden, "cid", &moderator), HASH);
    assert_false(moderator);
    assert_string_equal(room_section_hash(garden, "Ann", &moderator), OTHER);
    assert_true(moderator);
    static const char *const almost[] = {"aNN", "\xd0\x90nn", "An\xef\xbd\x8e"}; // Cyrillic; in full width
    for (size_t i = 0; i < sizeof almost / sizeof *almost; i++) {                // nobody is called almost so
        assert_string_equal(room_section_hash(garden, almost[i], &moderator), OTHER);
        assert_true(moderator);
    }
    assert_string_equal(room_section_hash(garden, "J\xc3\x96RG: THE 2ND", &moderator), HASH);
    assert_true(moderator);
    assert_null(room_section_hash(hall, "Ann", &moderator));
    assert_false(moderator);
    assert_string_equal(room_section_hash(hall, "Bob", &moderator), HASH);
    assert_true(moderator);
    room_file_free(file);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"lobby = yes\n", "line 1: a setting must stand below the [ROOM] that it is for"},
        {"[a]\nlobby\n", "line 2: must be [ROOM], `setting = value`, or begin with #"},
        {"[a]\n\nlobby = maybe\n", "line 3: `lobby` must be yes or no"},
        {"[a]\nopen =\n", "line 2: `open` must be yes or no"},
        {"[a]\npeople = 0\n", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = +5", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = 000005", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = -18446744073709551611", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = 10001\n", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = -1\n", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npeople = 10# ten\n", "line 2: `people` must be a number from 1 to 10000"},
        {"[a]\npassword = garden gnome\n", "line 2: `password` must have the hash of a password, by "
                                           "yescrypt, scrypt or bcrypt, not the password; "
                                           "`rotunda password` makes one"},
        {"[a]\nmoderator = ann\n", "line 2: `moderator` must be NAME: HASH"},
        {"[a]\nmoderator = : " HASH "\n", "line 2: `moderator` must be NAME: HASH"},
        {"[a]\nmoderator = ann: secret\n", "line 2: `moderator` must have the hash of a password, by "
                                           "yescrypt, scrypt or bcrypt, not the password; "
                                           "`rotunda password` makes one"},
        {"[a]\nmoderator = a\x01: " HASH "\n",
         "line 2: the moderator's name must have 1 to 64 characters that show"},
        {"[a]\nmoderator = ann: " HASH "\nmoderator = Ann: " OTHER "\n",
         "line 3: the moderator \"Ann\" is named twice"},
        {"[a]\nlobby = yes\nlobby = yes\n", "line 3: `lobby` is given twice in this section"},
        {"[a]\ncolour = red\n", "line 2: `colour` is no setting of a room; open, password, moderator, "
                                "people, lobby, e2ee and record "
                                "are"},
        {"[a]\ne2ee = yes\n", "line 2: `e2ee` must be required or optional"},
        {"[a]\nrecord = maybe\n", "line 2: `record` must be yes, moderators or no"},
        {"[a]\nrecord = no\nrecord = no\n", "line 3: `record` is given twice in this section"},
        {"[b]\n[a]\ne2ee = required\nrecord = yes\n[c]\n",
         "line 2: [a] has `e2ee = required`, so nothing can be recorded there; leave `record` out"},
        {"[a]\nrecord = moderators\ne2ee = required\n",
         "line 1: [a] has `e2ee = required`, so nothing can be recorded there; leave `record` out"},
        {"[a\n", "line 1: a section must be [ROOM], with nothing behind it"},
        {"[a] garden\n", "line 1: a section must be [ROOM], with nothing behind it"},
        {"[ ]\n", "line 1: the room's name must have 1 to 128 characters that show"},
        {"[a]\n[b]\n[a ]\n", "line 3: [a] has a section in line 1 already"},
    };
    char why[ROOM_FILE_WHY_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_null(room_file_parse(rows[i].text, strlen(rows[i].text), why));
        if (!strstr(why, "needs more memory"))
            assert_string_equal(why, rows[i].why);
    }
    assert_null(room_file_parse("[a]\n\0", 5, why));
    if (!strstr(why, "needs more memory"))
        assert_string_equal(why, "is no text");
}

static void a_file_that_is_not_there(void **state) {
    (void)state;
    char error[1024];
    assert_null(room_file_load("/nowhere/rooms", error, sizeof error));
    assert_string_equal(error, "rooms: \"/nowhere/rooms\" cannot be read: No such file or directory");
    assert_null(room_file_load("/", error, sizeof error));
    assert_non_null(strstr(error, "cannot be read"));
    char path[] = "/tmp/rotunda-rooms-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "[a]\nb\n", 6) == 6);
    close(fd);
    assert_null(room_file_load(path, error, sizeof error));
    assert_true(strstr(error, "line 2: ") || strstr(error, "memory"));
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_has_one_section),   cmocka_unit_test(encryption_and_recording),
        cmocka_unit_test(who_shows_what),           cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
