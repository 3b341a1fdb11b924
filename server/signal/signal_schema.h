// signal_schema: the protocol as a JSON Schema (draft 7), made of the tables that the server itself goes by:
// every request with its fields, their types, ranges and choices; every message that the server says, with
// its fields (signal_said.h). docs/protocol.schema.json is this; the client's types are made of that.
//
// Pure; no thread.
#ifndef SERVER_SIGNAL_SCHEMA_H
#define SERVER_SIGNAL_SCHEMA_H

#include <jansson.h>

json_t *signal_schema(void); // the caller's; NULL without memory

#endif
