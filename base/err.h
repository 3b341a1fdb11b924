// err: the outcomes that fallible functions return.
//
// A function that can fail returns `enum err` and is marked MUST_USE, so that ignoring the answer does not
// compile.
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <assert.h>

#define MUST_USE __attribute__((warn_unused_result))

enum err {
    ERR_OK = 0,
    ERR_NO_MEMORY,   // an allocation failed
    ERR_LIMIT,       // a named limit is reached
    ERR_MALFORMED,   // the bytes or the text break their format
    ERR_AUTH,        // not authentic: wrong key, tag, fingerprint
    ERR_WRONG_STATE, // not possible in the present state
    ERR_NOT_FOUND,   // no such thing
    ERR_EXISTS,      // there already
    ERR_UNSUPPORTED, // well-formed, but nothing we can do
    ERR_IO,          // the operating system refused
    ERR_AGAIN,       // nothing now, try again
};

// For faults that the product survives, and counts, but that tests must not.
#ifdef ROTUNDA_DEBUG
#define debug_assert(condition) assert(condition)
#else
#define debug_assert(condition) ((void)0)
#endif

// A short English name for logs ("limit reached"); never NULL.
const char *err_name(enum err e);

#endif
