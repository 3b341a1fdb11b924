// token_internal: reading a token's claims; for server/access/ alone.
#ifndef SERVER_TOKEN_INTERNAL_H
#define SERVER_TOKEN_INTERNAL_H

#include "server/access/token.h"

#include <jansson.h>

// Says why and returns false.
bool token_refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The claims of a token that is signed with one of the keys, the caller's; NULL: `why`.
json_t *token_open(const struct keys *keys, const char *token, char *why);
bool token_times_hold(const json_t *claims, uint64_t now_s, struct grants *out, char *why);
bool token_take_text(const json_t *object, const char *name, char *out, size_t bytes_max, char *why);
bool token_take_bool(const json_t *video, const char *name, bool preset, bool *out, char *why);
// The key to sign with; NULL: `why`.
const struct key *token_key(const struct keys *keys, char *why);
// A token of these claims (a text from malloc, or NULL: no memory), which it frees. The caller's; NULL:
// `why`.
char *token_sign(const struct key *key, char *claims, char *why);

#endif
