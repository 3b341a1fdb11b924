// gate: who may come in: the keys of tokens and the settings of rooms, for as long as the server runs.
//
// Without a file of keys nobody needs a token; without one of rooms, or where it says nothing, everybody may
// do everything. The files are read at the start and again at SIGHUP; one that does not do then is told of,
// and what was before stays. Control thread.
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include "rooms/grants.h"
#include "rooms/room_rules.h"
#include "server/access/token.h"
#include "server/config/config.h"
#include "server/password_desk.h"

struct gate;

// NULL: one line in `error`.
struct gate *gate_open(const struct config *config, char *error, size_t error_cap);
void gate_close(struct gate *gate); // wipes; NULL is fine

bool gate_needs_tokens(const struct gate *gate);
// As signal_io.verify; `ctx` is the gate, which needs tokens.
bool gate_verify(void *ctx, const char *token, struct grants *out, char *why);
// The same for one that manages rooms; false without keys, too.
bool gate_verify_service(void *ctx, const char *token, struct service_grants *out, char *why);
// As hub_io.rules; `ctx` is the gate.
struct room_rules gate_rules(void *ctx, const char *room);
// The hash of the password that one has to show who comes into the room by that name; NULL: none. *moderator:
// who shows it moderates. Good until the next reload.
const char *gate_password(const struct gate *gate, const char *room, const char *username, bool *moderator);
// Starts the thread that verifies passwords, if there are any; false: the system refused, said in `error`.
bool gate_begin(struct gate *gate, void (*wake)(void *ctx), void *ctx, char *error, size_t error_cap);
// Has it verify a password; gate_take_password gives the question back, with its answer,
// after `wake` was called. False: not now, or none is needed.
bool gate_ask_password(struct gate *gate, struct password_question *question, const char *room,
                       const char *username, const char *password);
bool gate_take_password(struct gate *gate, struct password_question *out);
void gate_end(struct gate *gate); // `wake` is called no more
void gate_reload(struct gate *gate);
// The Authorization of a body that goes out (token_mint_body), the caller's; NULL: it cannot be signed.
char *gate_sign_body(void *gate, const char *body, size_t len, uint32_t ttl_s);

// Everybody who finds the address may come in, from other machines, and the operator has not said that this
// is meant.
bool gate_stands_open(const struct config *config);

#endif
