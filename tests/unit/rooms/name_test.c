// Names: what looks the same is the same, and nothing is invisible.
#include "rooms/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#define CHARS_MAX 64

static const struct {
    const char *text, *name; // NULL: refused
    uint32_t refused;
} rows[] = {
    {"ann", "ann", 0},
    {"  ann\t\n", "ann", 0},
    {"\xc2\xa0"
     "ann\xe3\x80\x80\xe2\x80\x83\xe2\x80\xa8",
     "ann", 0},                         // NBSP, ideographic, em, line separator
    {"Jose\xcc\x81", "Jos\xc3\xa9", 0}, // decomposed
    {"Jos\xc3\xa9", "Jos\xc3\xa9", 0},
    {"\xe2\x84\xab", "\xc3\x85", 0}, // the Angstrom sign is the letter
    {"\xea\xb0\x80", "\xea\xb0\x80", 0},
    {"\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80", 0}, // Hangul by its parts
    {"q\xcc\xa3\xcc\x87", "q\xcc\xa3\xcc\x87", 0},
    {"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87", 0}, // marks in another order
    {"ann\xc2\xa0lee", "ann lee", 0},
    {"ann\xe2\x80\xaflee", "ann lee", 0},
    {"", NULL, 0},
    {" \xe2\x80\x83 ", NULL, 0},
    {"ann\xe2\x80\x8b", NULL, 0x200b}, // zero width space
    {"\xef\xbb\xbf"
     "ann",
     NULL, 0xfeff},
    {"a\xc2\xadnn", NULL, 0xad},       // soft hyphen
    {"ann\xe2\x80\xae", NULL, 0x202e}, // right to left
    {"a\xe2\x81\xa6nn", NULL, 0x2066},
    {"a\xe2\x80\x8fnn", NULL, 0x200f},
    {"ann\xe2\x81\xa0", NULL, 0x2060}, // word joiner
    {"ann\xcd\x8f", NULL, 0x34f},      // grapheme joiner
    {"\xe3\x85\xa4", NULL, 0x3164},    // Hangul filler
    {"a\xf3\xa0\x81\xa1", NULL, 0xe0061},
    {"a\xf3\xa0\x84\x80", NULL, 0xe0100},
    {"a\x07"
     "b",
     NULL, 7},
    {"a\xc2\x85"
     "b",
     NULL, 0x85},
    {"a\nb", NULL, 10},
    {"a\x7f", NULL, 0x7f},
    {"a\xe2\x80\xa8"
     "b",
     NULL, 0x2028},
    {"a\xe2\xa0\x80"
     "b",
     NULL, 0x2800}, // blank Braille
    {"a\xef\xbf\xbf", NULL, 0xffff},
    {"a\xe2\x80\x8d"
     "b",
     NULL, 0x200d}, // a joiner between Latin letters
    {"a\xe2\x80\x8c"
     "b",
     NULL, 0x200c},
    {"ann\xef\xb8\x8f", NULL, 0xfe0f},
    // Persian with its non-joiner, and a family
    {"\xd8\xb9\xd9\x84\xdb\x8c\xe2\x80\x8c\xd8\xb1\xd8\xb6\xd8\xa7",
     "\xd8\xb9\xd9\x84\xdb\x8c\xe2\x80\x8c\xd8\xb1\xd8\xb6\xd8\xa7", 0},
    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", 0},
    {"\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4\xef\xb8\x8f", 0},
    {"\xf0\x9f\x91\xa9\xe2\x80\x8d", NULL, 0x200d},
    {"1\xef\xb8\x8f\xe2\x83\xa3", "1\xef\xb8\x8f\xe2\x83\xa3", 0},
    // A run of spaces shows as one.
    {"ann  lee", "ann lee", 0},
    {"ann \xc2\xa0\xe3\x80\x80 lee", "ann lee", 0},
    {"ann e\xcc\x81 \xe2\x80\x89x", "ann \xc3\xa9 x", 0},
    // Joiners that change nothing are dropped: a non-joiner behind alef, which never joins what follows; a
    // joiner between letters that join anyway; either between Indic letters without a virama.
    {"\xd8\xb1\xd8\xb6\xd8\xa7\xe2\x80\x8c\xd8\xb9", "\xd8\xb1\xd8\xb6\xd8\xa7\xd8\xb9", 0},
    {"\xd8\xb9\xe2\x80\x8d\xd9\x84", "\xd8\xb9\xd9\x84", 0},
    {"\xe0\xa4\x95\xe2\x80\x8c\xe0\xa4\x96", "\xe0\xa4\x95\xe0\xa4\x96", 0},
    // Those that change something stay: within a conjunct, before Bengali's ya-phala, at the end of
    // Malayalam's Mohan.
    {"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7",
     0},
    {"\xe0\xa6\xb0\xe2\x80\x8d\xe0\xa7\x8d\xe0\xa6\xaf", "\xe0\xa6\xb0\xe2\x80\x8d\xe0\xa7\x8d\xe0\xa6\xaf",
     0},
    {"\xe0\xb4\xae\xe0\xb5\x8b\xe0\xb4\xb9\xe0\xb4\xa8\xe0\xb5\x8d\xe2\x80\x8d",
     "\xe0\xb4\xae\xe0\xb5\x8b\xe0\xb4\xb9\xe0\xb4\xa8\xe0\xb5\x8d\xe2\x80\x8d", 0},
    // At the end of others they change nothing, and are not taken.
    {"\xd8\xb9\xe2\x80\x8d", NULL, 0x200d},
    {"\xe0\xa4\x95\xe2\x80\x8d", NULL, 0x200d},
    {"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c", NULL, 0x200c},
    // Between a letter and a mark that would be one character it stays.
    {"\xe0\xa4\xa8\xe2\x80\x8c\xe0\xa4\xbc", "\xe0\xa4\xa8\xe2\x80\x8c\xe0\xa4\xbc", 0},
    // Marks stand on something, and few on each.
    {"\xcc\x81", NULL, 0x301},
    {"\xcc\x81"
     "ann",
     NULL, 0x301},
    {"ann \xcc\x81", NULL, 0x301},
    {"\xd2\x89", NULL, 0x489}, // one that goes around
    {"q\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86", "q\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86",
     0},
    {"q\xcc\x81\xcc\x82\xcc\x83\xcc\x84\xcc\x85\xcc\x86\xcc\x87", NULL, 0x307},
    {"q\xcc\x81q\xcc\x82\xcc\x83\xcc\x84q\xcc\x85\xcc\x86\xcc\x87",
     "q\xcc\x81q\xcc\x82\xcc\x83\xcc\x84q\xcc\x85\xcc\x86\xcc\x87", 0},
    // Two of them in a row.
    {"\xd8\xb9\xe2\x80\x8c\xe2\x80\x8c\xd9\x84", NULL, 0x200c},
    {"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe2\x80\x8d\xe0\xa4\xb7", NULL, 0x200d},
};

static void rows_of_names(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[4 * CHARS_MAX + 1];
        uint32_t refused;
        enum err e = name_normalise(rows[i].text, CHARS_MAX, name, &refused);
        if ((e == ERR_OK) != (rows[i].name != NULL) || refused != rows[i].refused)
            fail_msg("row %zu (%s): %s, U+%04X", i, rows[i].text, err_name(e), refused);
        if (rows[i].name)
            assert_string_equal(name, rows[i].name);
        if (e == ERR_OK) { // once more changes nothing
            char again[4 * CHARS_MAX + 1];
            assert_int_equal(name_normalise(name, CHARS_MAX, again, &refused), ERR_OK);
            assert_string_equal(again, name);
        }
    }
}

static void lengths_count_when_composed(void **state) {
    (void)state;
    char text[8 * CHARS_MAX + 8] = "", name[4 * CHARS_MAX + 1];
    uint32_t refused;
    for (int i = 0; i < CHARS_MAX; i++)
        strcat(text, "e\xcc\x81");
    assert_int_equal(name_normalise(text, CHARS_MAX, name, &refused), ERR_OK);
    assert_int_equal(strlen(name), 2 * CHARS_MAX);
    strcat(text, "x");
    assert_int_equal(name_normalise(text, CHARS_MAX, name, &refused), ERR_LIMIT);
    for (int i = 0; i < CHARS_MAX; i++) // of four bytes each
        memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 5);
    assert_int_equal(name_normalise(text, CHARS_MAX, name, &refused), ERR_OK);
    assert_int_equal(strlen(name), 4 * CHARS_MAX);
}

// Marks are sorted in a time that grows with the square: not of 64 KiB of them.
static void a_heap_of_marks_costs_little(void **state) {
    (void)state;
    static char text[65536];
    char name[4 * CHARS_MAX + 1];
    uint32_t refused;
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "\xcc\x87\xcc\xa3", 4);
    for (int i = 0; i < 100; i++)
        assert_int_equal(name_normalise(text, CHARS_MAX, name, &refused), ERR_LIMIT);
}

// Whoever is banned in capitals is banned in small letters, of every alphabet.
static void case_changes_nothing(void **state) {
    (void)state;
    char name[8] = "", capital[8] = "", one[NAME_FOLDED_BYTES_MAX], other[NAME_FOLDED_BYTES_MAX];
    for (utf8proc_int32_t c = 1; c < 0x20000; c++) {
        utf8proc_int32_t big = utf8proc_toupper(c);
        // Some have capitals whose own small letter is another: dotless i, letters of Cherokee.
        if (big == c || utf8proc_tolower(big) != c || !utf8proc_codepoint_valid(c))
            continue;
        name[utf8proc_encode_char(c, (utf8proc_uint8_t *)name)] = '\0';
        capital[utf8proc_encode_char(big, (utf8proc_uint8_t *)capital)] = '\0';
        assert_int_equal(name_fold(name, one), ERR_OK);
        assert_int_equal(name_fold(capital, other), ERR_OK);
        if (strcmp(one, other) != 0)
            fail_msg("U+%04X and U+%04X: %s, %s", (unsigned)c, (unsigned)big, one, other);
    }
}

// What is compared where nobody is to look like another one.
static void names_that_look_alike_are_one(void **state) {
    (void)state;
    static const struct {
        const char *one, *other;
        bool alike;
    } pairs[] = {
        {"Ann", "aNN", true},
        {"J\xc3\xb6rg", "J\xc3\x96RG", true},
        {"ann", "\xd0\xb0nn", true}, // Cyrillic
        {"BOB", "\xd0\x92\xd0\x9e\xd0\x92", true},
        {"Nik", "\xce\x9di\xce\xba", true}, // Greek
        {"n\xc3\xadk", "\xce\x9d\xce\xaf\xce\x9a", true},
        {"\xd0\x92\xd0\x9e\xd0\x92\xd0\x90", "\xd0\xb2\xd0\xbe\xd0\xb2\xd0\xb0", true}, // Vova
        {"ann", "\xef\xbc\xa1\xef\xbd\x8e\xef\xbd\x8e", true},                          // in full width
        {"ann", "\xf0\x9d\x90\x80nn", true},                                            // in bold
        {"ann", "ana", false},
        {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd", true}, // Ivan
        {"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "Ivan", false},
    };
    char one[NAME_FOLDED_BYTES_MAX], other[NAME_FOLDED_BYTES_MAX];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(name_fold(pairs[i].one, one), ERR_OK);
        assert_int_equal(name_fold(pairs[i].other, other), ERR_OK);
        if ((strcmp(one, other) == 0) != pairs[i].alike)
            fail_msg("row %zu: %s, %s", i, one, other);
    }
    char sentences[3 * CHARS_MAX + 1] = "";
    for (int i = 0; i < CHARS_MAX; i++) // each of eighteen letters
        strcat(sentences, "\xef\xb7\xba");
    assert_int_equal(name_fold(sentences, one), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_names),
        cmocka_unit_test(lengths_count_when_composed),
        cmocka_unit_test(a_heap_of_marks_costs_little),
        cmocka_unit_test(names_that_look_alike_are_one),
        cmocka_unit_test(case_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
