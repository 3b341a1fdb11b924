// bearer: the token of an Authorization header: "Bearer TOKEN" (RFC 6750, section 2.1), the scheme without
// regard to case and any number of spaces behind it (RFC 9110, sections 11.1 and 11.4). Pure. Any thread.
#ifndef SERVER_BEARER_H
#define SERVER_BEARER_H

#include "base/span.h"

// A view of the header's value; ptr NULL: no token of this form is in it.
struct span bearer_token(struct span authorization);

#endif
