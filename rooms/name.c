#include "rooms/name.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define ZWNJ 0x200c
#define ZWJ 0x200d
#define TEXT_STYLE 0xfe0e
#define EMOJI_STYLE 0xfe0f
#define KEYCAP 0x20e3
#define BRAILLE_BLANK 0x2800
#define VIRAMA 9 // the combining class of what joins Indic consonants
// A composed character comes from at most four (UAX 15: 18 only for compatibility), and sorting marks costs
// the square of their number.
#define DECOMPOSED_MAX 4
#define MARKS_MAX 6 // on one character; no language needs as many, and heaps of them cover what is around

// The code point at `at`, which is before `end`, and its length in bytes; text that is no UTF-8 is not
// expected here.
static utf8proc_int32_t code_point(const char *at, const char *end, size_t *len) {
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
    *len = n > 0 ? (size_t)n : 1;
    return n > 0 ? c : -1;
}

static bool is_space_separator(utf8proc_int32_t c) {
    return utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

// White_Space of Unicode.
static bool is_white(utf8proc_int32_t c) {
    return (c >= '\t' && c <= '\r') || c == 0x85 || c == 0x2028 || c == 0x2029 || is_space_separator(c);
}

static const char *trim_start(const char *at, const char *end) {
    size_t len;
    while (at < end && is_white(code_point(at, end, &len)))
        at += len;
    return at;
}

static const char *trim_end(const char *at, const char *end) {
    while (end > at) {
        const char *last = end - 1;
        size_t len;
        while (last > at && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        if (!is_white(code_point(last, end, &len)))
            break;
        end = last;
    }
    return end;
}

static bool is_pictograph(utf8proc_int32_t c) {
    return c > 0 && utf8proc_get_property(c)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_of_emoji(utf8proc_int32_t c) {
    return is_pictograph(c) || c == EMOJI_STYLE ||
           (c >= 0x1f3fb && c <= 0x1f3ff); // with its style or its skin
}

// Letters whose shape a joiner changes: from Arabic to Sinhala, Myanmar, Khmer.
static bool is_shaped(utf8proc_int32_t c) {
    return (c >= 0x600 && c <= 0xdff) || (c >= 0x1000 && c <= 0x109f) || (c >= 0x1780 && c <= 0x17ff);
}

static bool is_virama(utf8proc_int32_t c) {
    return c > 0 && utf8proc_get_property(c)->combining_class == VIRAMA;
}

// Letters of the Arabic blocks, which join their neighbours.
static bool is_joining_letter(utf8proc_int32_t c) {
    bool arabic =
        (c >= 0x622 && c <= 0x6ff && c != 0x674) || (c >= 0x750 && c <= 0x77f) || (c >= 0x8a0 && c <= 0x8c7);
    return arabic && utf8proc_category(c) == UTF8PROC_CATEGORY_LO;
}

// Those that join only the letter before them (Joining_Type R).
static bool joins_nothing_behind(utf8proc_int32_t c) {
    static const struct {
        uint16_t first, last;
    } ranges[] = {{0x622, 0x625}, {0x627, 0x627}, {0x629, 0x629}, {0x62f, 0x632}, {0x648, 0x648},
                  {0x671, 0x673}, {0x675, 0x677}, {0x688, 0x699}, {0x6c0, 0x6c0}, {0x6c3, 0x6cb},
                  {0x6cd, 0x6cd}, {0x6cf, 0x6cf}, {0x6d2, 0x6d3}, {0x6d5, 0x6d5}, {0x6ee, 0x6ef},
                  {0x759, 0x75b}, {0x76b, 0x76c}, {0x771, 0x771}, {0x773, 0x774}, {0x778, 0x779},
                  {0x8aa, 0x8ac}, {0x8ae, 0x8ae}, {0x8b1, 0x8b2}, {0x8b9, 0x8b9}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

// A joiner between letters whose shapes it could change and does not (RFC 5892, appendix A).
static bool is_idle_joiner(utf8proc_int32_t c, utf8proc_int32_t before, utf8proc_int32_t after) {
    if ((c != ZWJ && c != ZWNJ) || !is_shaped(before) || !is_shaped(after))
        return false;
    if (is_joining_letter(before) && is_joining_letter(after))
        return joins_nothing_behind(before) == (c == ZWNJ);
    bool indic = before >= 0x900 && after >= 0x900 && utf8proc_category(after) == UTF8PROC_CATEGORY_LO;
    return indic && !is_virama(before); // a mark behind it may be of one character with what is before it
}

// Of what has no shape of its own: whether it shows between these two.
static bool shows(utf8proc_int32_t c, utf8proc_int32_t before, utf8proc_int32_t after) {
    if (c == ZWJ && is_of_emoji(before) && is_pictograph(after))
        return true;
    if (c == ZWJ && is_virama(before) && after != ZWJ && after != ZWNJ)
        return true; // half of a conjunct, at the end of a name as well
    if (c == ZWJ || c == ZWNJ)
        return is_shaped(before) && is_shaped(after);
    if (c != EMOJI_STYLE && c != TEXT_STYLE)
        return false;
    bool keycap = after == KEYCAP && ((before >= '0' && before <= '9') || before == '#' || before == '*');
    return is_pictograph(before) || keycap;
}

static bool is_taken(utf8proc_int32_t c, utf8proc_int32_t before, utf8proc_int32_t after) {
    if (c < 0 || c == BRAILLE_BLANK || (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef))
        return false;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    case UTF8PROC_CATEGORY_CF:
        return shows(c, before, after);
    default:
        return !utf8proc_get_property(c)->ignorable || shows(c, before, after);
    }
}

// A mark that takes no place of its own: it stands on the character before it.
static bool is_mark(utf8proc_int32_t c) {
    utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

// Whether there is something under it, that has less than it may.
static bool stands(utf8proc_int32_t before, unsigned marks) {
    return before && !is_space_separator(before) && marks <= MARKS_MAX;
}

// Copies the composed text, checking each character among its neighbours.
static enum err copy_checked(const char *text, size_t chars_max, char *out, uint32_t *refused) {
    const char *at = text, *end = text + strlen(text);
    utf8proc_int32_t before = 0;
    size_t chars = 0, len, next_len = 0;
    unsigned marks = 0; // in a row, with this one
    for (; at < end; at += len) {
        utf8proc_int32_t c = code_point(at, end, &len);
        utf8proc_int32_t after = at + len < end ? code_point(at + len, end, &next_len) : 0;
        marks = c > 0 && is_mark(c) ? marks + 1 : 0;
        if (!is_taken(c, before, after) || (marks > 0 && !stands(before, marks))) {
            *refused = (uint32_t)c;
            return ERR_MALFORMED;
        }
        if (is_idle_joiner(c, before, after) || (is_space_separator(c) && is_space_separator(before)))
            continue;
        if (++chars > chars_max)
            return ERR_LIMIT;
        if (is_space_separator(c)) {
            *out++ = ' ';
        } else {
            memcpy(out, at, len);
            out += len;
        }
        before = c;
    }
    *out = '\0';
    return chars > 0 ? ERR_OK : ERR_MALFORMED;
}

enum err name_normalise(const char *text, size_t chars_max, char *out, uint32_t *refused) {
    *refused = 0;
    const char *start = trim_start(text, text + strlen(text));
    const char *end = trim_end(start, start + strlen(start));
    size_t chars = 0;
    for (const char *at = start; at < end; at++)
        chars += ((unsigned char)*at & 0xc0) != 0x80;
    if (chars > chars_max * DECOMPOSED_MAX)
        return ERR_LIMIT;
    utf8proc_uint8_t *composed = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)start, end - start, &composed,
                                        UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    enum err e = len == UTF8PROC_ERROR_NOMEM ? ERR_NO_MEMORY
                 : len < 0                   ? ERR_MALFORMED
                                             : copy_checked((const char *)composed, chars_max, out, refused);
    free(composed);
    return e;
}

// ---- comparing

// Small letters of other alphabets that look as Latin ones do in most fonts, themselves or as capitals, and
// those. By the small one, since a name in other case is the same name: of Greek n and v, which are the
// capital and the small one of one letter, it is n.
static const struct {
    uint16_t letter;
    char latin;
} alike[] = {
    {0x131, 'i'}, {0x251, 'a'}, {0x261, 'g'}, {0x3b1, 'a'}, {0x3b2, 'b'}, {0x3b5, 'e'}, {0x3b6, 'z'},
    {0x3b7, 'h'}, {0x3b9, 'i'}, {0x3ba, 'k'}, {0x3bc, 'm'}, {0x3bd, 'n'}, {0x3bf, 'o'}, {0x3c1, 'p'},
    {0x3c4, 't'}, {0x3c5, 'y'}, {0x3c7, 'x'}, {0x3f2, 'c'}, {0x3f3, 'j'}, {0x430, 'a'}, {0x432, 'b'},
    {0x435, 'e'}, {0x43a, 'k'}, {0x43c, 'm'}, {0x43d, 'h'}, {0x43e, 'o'}, {0x440, 'p'}, {0x441, 'c'},
    {0x442, 't'}, {0x443, 'y'}, {0x445, 'x'}, {0x455, 's'}, {0x456, 'i'}, {0x458, 'j'}, {0x475, 'v'},
    {0x4af, 'y'}, {0x4bb, 'h'}, {0x4cf, 'i'}, {0x501, 'd'}, {0x51b, 'q'}, {0x51d, 'w'}, {0x570, 'h'},
    {0x578, 'n'}, {0x57d, 'u'}, {0x585, 'o'},
};

static utf8proc_int32_t latin_of(utf8proc_int32_t c, void *ctx) {
    (void)ctx;
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
        if (alike[i].letter == c)
            return alike[i].latin;
    return c;
}

// Letters before their marks, so that one with an accent is looked up, too.
static utf8proc_ssize_t fold(const char *name, utf8proc_option_t more, utf8proc_uint8_t **folded) {
    utf8proc_uint8_t *small = NULL;
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)strlen(name), &small,
                     UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD | more);
    if (len >= 0)
        len = utf8proc_map_custom(small, len, folded, UTF8PROC_STABLE | UTF8PROC_COMPOSE, latin_of, NULL);
    free(small);
    return len;
}

enum err name_fold(const char *name, char out[NAME_FOLDED_BYTES_MAX]) {
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t len = fold(name, UTF8PROC_COMPAT, &folded); // letters in circles, in bold, in full width
    if (len >= NAME_FOLDED_BYTES_MAX) { // of which some are whole sentences; else a character becomes three
        free(folded);
        folded = NULL;
        len = fold(name, 0, &folded);
    }
    bool fine = len >= 0 && len < NAME_FOLDED_BYTES_MAX;
    if (fine)
        memcpy(out, folded, (size_t)len + 1);
    free(folded);
    return fine ? ERR_OK : ERR_NO_MEMORY;
}

const char *name_library_version(void) {
    return utf8proc_version();
}
