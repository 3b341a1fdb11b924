// named: the dialect of pages that send {type, from, to, payload} over a WebSocket: `register` gives a
// connection the name in `from`; `offer`, `answer` and `candidate` go to whoever has the name in `to`, as
// they came. What is for somebody who is not there yet waits for 60 seconds; offers and answers reach them
// before candidates, in whatever order they were sent.
//
// A name belongs to one connection. Another takes it over when it comes from the same address, as a page
// does that is loaded again; from elsewhere it is refused. Nothing is confirmed, because pages do not expect
// it; who is refused hears {type: "error", to, payload: {message}}.
//
// No I/O, no clock. Control thread only. docs/dialects.md is its contract.
#ifndef SERVER_NAMED_H
#define SERVER_NAMED_H

#include "server/dialects/dialect.h"

struct named;

// `limits` lives as long; it may change but for clients_max.
struct named *named_create(const struct dialect_limits *limits, const struct dialect_io *io,
                           uint64_t now_us); // NULL: no memory
void named_destroy(struct named *named);     // NULL is fine

// address NULL: it is not known.
void named_opened(struct named *named, uint32_t client, const struct net_address *address, uint64_t now_us);
void named_message(struct named *named, uint32_t client, const char *text, size_t len, uint64_t now_us);
void named_bad_frame(struct named *named, uint32_t client, bool binary);
void named_closed(struct named *named, uint32_t client);
// Whether a text is what clients of this dialect say first.
bool named_begins(const char *text, size_t len);

uint64_t named_next_us(const struct named *named); // TIME_NEVER for none
void named_advance(struct named *named, uint64_t now_us);
void named_read_counts(const struct named *named, struct dialect_counts *counts); // adds its own

#endif
