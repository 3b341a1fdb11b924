#include "load/plain_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How many bytes the character has that begins with this one; 0: none begins so.
static size_t utf8_length(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

// The bytes of the character at `p` that are there, up to `len`; *value is what they say so far.
static size_t utf8_read(const unsigned char *p, size_t len, uint32_t *value) {
    size_t n = 1;
    *value = len == 1 ? *p : *p & (0x7fu >> len);
    for (; n < len && (p[n] & 0xc0) == 0x80; n++)
        *value = *value << 6 | (p[n] & 0x3f);
    return n;
}

// RFC 3629, section 3: the shortest form, no surrogates, nothing beyond U+10FFFF; and no control character.
static bool is_printable(uint32_t value, size_t len) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool control = value < 0x20 || (value >= 0x7f && value < 0xa0);
    return !control && value >= least[len] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

void plain_text(char *text) {
    unsigned char *in = (unsigned char *)text, *out = in;
    while (*in) {
        uint32_t value;
        size_t len = utf8_length(*in), n = len ? utf8_read(in, len, &value) : 1;
        if (n < len && in[n] == '\0')
            break; // cut here
        if (len > 0 && n == len && is_printable(value, len))
            for (size_t i = 0; i < len; i++)
                *out++ = in[i];
        else
            *out++ = '?';
        in += n;
    }
    *out = '\0';
}
