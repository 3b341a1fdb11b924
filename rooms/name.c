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
// A composed character comes from at most four (UAX 15: 18 only for compatibility), and sorting marks costs
// the square of their number.
#define DECOMPOSED_MAX 4

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

// Of what has no shape of its own: whether it shows between these two.
static bool shows(utf8proc_int32_t c, utf8proc_int32_t before, utf8proc_int32_t after) {
    if (c == ZWJ && is_of_emoji(before) && is_pictograph(after))
        return true;
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

// Copies the composed text, checking each character among its neighbours.
static enum err copy_checked(const char *text, size_t chars_max, char *out, uint32_t *refused) {
    const char *at = text, *end = text + strlen(text);
    utf8proc_int32_t before = 0;
    size_t chars = 0, len, next_len;
    for (; at < end; at += len) {
        utf8proc_int32_t c = code_point(at, end, &len);
        utf8proc_int32_t after = at + len < end ? code_point(at + len, end, &next_len) : 0;
        if (!is_taken(c, before, after)) {
            *refused = (uint32_t)c;
            return ERR_MALFORMED;
        }
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

enum err name_fold(const char *name, char out[NAME_FOLDED_BYTES_MAX]) {
    utf8proc_uint8_t *folded = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)name, (utf8proc_ssize_t)strlen(name),
                                        &folded, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
    // A character becomes at most three.
    bool fine = len >= 0 && len < NAME_FOLDED_BYTES_MAX;
    if (fine)
        memcpy(out, folded, (size_t)len + 1);
    free(folded);
    return fine ? ERR_OK : ERR_NO_MEMORY;
}

const char *name_library_version(void) {
    return utf8proc_version();
}
