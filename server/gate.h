// gate: who may come in: the keys of tokens, for as long as the server runs.
//
// Without a file of keys everybody may do everything. The file is read at the start and again at SIGHUP; one
// that does not do then is told of, and the keys before stay. Control thread.
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "rooms/grants.h"
#include "server/config/config.h"

struct gate;

// NULL: one line in `error`.
struct gate *gate_open(const struct config *config, char *error, size_t error_cap);
void gate_close(struct gate *gate); // wipes; NULL is fine

bool gate_needs_tokens(const struct gate *gate);
// As signal_io.verify; `ctx` is the gate, which needs tokens.
bool gate_verify(void *ctx, const char *token, struct grants *out, char *why);
void gate_reload(struct gate *gate);

// Everybody who finds the address may come in, from other machines, and the operator has not said that this
// is meant.
bool gate_stands_open(const struct config *config);

#endif
