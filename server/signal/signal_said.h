// signal_said: what the server says, message by message, as a table of texts: each field with its type. The
// schema of the protocol is made of it (signal_schema.h), the client's types of that; and in builds with
// sanitizers each message that is sent is held against it, so that server and table cannot part.
//
// Pure; no thread of its own, but the first call of a process makes the schemas.
//
// A text is fields with spaces between: name, '?' where it may be missing, ':' and its type. Types are text,
// integer, number, bool, object, any and null; (a,b) is one of these words; {fields} an object; @name one of
// the shapes that several messages share; '[]' behind one makes a list of it, '|' stands between
// alternatives.
#ifndef SERVER_SIGNAL_SAID_H
#define SERVER_SIGNAL_SAID_H

#include "server/signal/signal.h"

#include <jansson.h>

// The fields of `data`, as text.
const char *signal_said_fields(enum signal_out out);
// Their JSON Schema, with what may come later left open; the caller's. NULL without memory.
json_t *signal_said_schema(enum signal_out out);

// Whether `data` is what the table says, with no field that it does not know. False: `why` names the place.
bool signal_said_fits(enum signal_out out, const json_t *data, char *why, size_t cap);
// Of a message that is about to be sent: ends the process with words when it is not. Does nothing in builds
// without sanitizers, and where memory is short.
void signal_said_check(enum signal_out out, const char *text, size_t len);

#endif
