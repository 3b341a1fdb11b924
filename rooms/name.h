// name: names of people and rooms, so that two that look the same are the same.
//
// A name is trimmed of white space as Unicode has it, composed (NFC, UAX 15), every run of spaces in it is
// one plain space, and nothing in it is invisible: no control characters, no bidirectional controls, nothing
// of zero width, and marks stand on something, few on each character. Joiners and variation selectors are
// taken where they show: between Arabic and Indic letters, and within emoji; joiners between such letters
// that change nothing there are left out. Pure; any thread.
#ifndef ROOMS_NAME_H
#define ROOMS_NAME_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

// The name that the text (valid UTF-8) means, into `out`, which has 4 * chars_max + 1 bytes. ERR_MALFORMED:
// empty, or a character that is not taken, which *refused then is (else 0); ERR_LIMIT: longer than chars_max
// code points; ERR_NO_MEMORY.
MUST_USE enum err name_normalise(const char *text, size_t chars_max, char *out, uint32_t *refused);

// What is left of such a name, of at most 64 characters, when upper and lower case are one, and letters of
// other alphabets, or in other dress, that look as Latin ones do are those: for comparing names that nobody
// is to have almost. No name. ERR_NO_MEMORY.
#define NAME_FOLDED_BYTES_MAX 1024
MUST_USE enum err name_fold(const char *name, char out[NAME_FOLDED_BYTES_MAX]);

const char *name_library_version(void);

#endif
