// json_scan: whether a text is JSON by its grammar (RFC 8259), and where its `type` and `id` are.
//
// The parser that gives values refuses some texts that are JSON all the same: half a surrogate pair
// ("\ud83d"), "\u0000", numbers beyond its types, nesting beyond its stack. Their sender sent a good frame
// and is to hear what was wrong with the request, under its id. Pure; no allocation, no recursion. UTF-8 is
// not looked at: the parser has.
#ifndef SERVER_JSON_SCAN_H
#define SERVER_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_SCAN_BYTES_MAX (64 * 1024)

struct json_place {
    const char *text; // NULL: there is none
    size_t len;
};

struct json_scan {
    struct json_place type, id; // the values of these members, the last ones where there are several
};

// False when it is not one JSON object, or longer than JSON_SCAN_BYTES_MAX.
bool json_scan(const char *text, size_t len, struct json_scan *out);

#endif
