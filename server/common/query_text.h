// query_text: members of a URL's query ("a=1&b=2"), as it stands in a request. Pure. Any thread.
#ifndef SERVER_QUERY_TEXT_H
#define SERVER_QUERY_TEXT_H

#include "base/span.h"

// The decoded value of the first member of that name; 1: there, 0: not there, -1: malformed, with a zero
// byte, or longer than `cap` - 1.
int query_text_value(struct span query, const char *name, char *out, size_t cap);

#endif
