// token: a JSON Web Token (RFC 7519) with LiveKit's `video` grants in, what its bearer may do out; and the
// way back, for operators.
//
// Signatures are libjwt's business; which key may be tried for which algorithm is decided before it sees one
// (RFC 8725, sections 3.1 and 3.2), so neither `none` nor a public key as a secret gets through. Times have
// TOKEN_LEEWAY_S of leeway. What a token says beyond its limits is refused, never cut. Any thread.
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "rooms/grants.h"
#include "server/access/keys.h"

#include <stddef.h>
#include <stdint.h>

#define TOKEN_BYTES_MAX 8192
#define TOKEN_LEEWAY_S 60
#define TOKEN_WHY_MAX 256

// False: `why` (TOKEN_WHY_MAX bytes) says it in words for the client's developer, and nothing of the token
// that was not verified.
bool token_verify(const struct keys *keys, const char *token, uint64_t now_s, struct grants *out, char *why);

// What a token lets its bearer do with rooms from outside, with LiveKit's grants; and with the server, by a
// claim of our own: "rotunda": {"operator": true}.
struct service_grants {
    bool room_create, room_list, room_admin, room_record;
    bool operator_;
    char room[GRANT_ROOM_MAX + 1]; // that room_admin is for
};
// As token_verify.
bool token_verify_service(const struct keys *keys, const char *token, uint64_t now_s,
                          struct service_grants *out, char *why);

// What `rotunda token` is asked for.
struct token_wish {
    const char *room, *identity;
    const char *name; // NULL: none
    bool publish, subscribe, data, admin, record;
    bool operator_; // for the server's own endpoints, not to join a room; `room` may be NULL
    uint32_t ttl_s;
};
// Signed with the first secret of the keys; the caller's to free. NULL: `why`.
char *token_mint(const struct keys *keys, const struct token_wish *wish, uint64_t now_s, char *why);

// What an Authorization header says of a body that this server sends (LiveKit's webhooks): the claim `sha256`
// is the base64 of the body's SHA-256. Signed and owned as token_mint's.
char *token_mint_body(const struct keys *keys, const char *body, size_t len, uint64_t now_s, uint32_t ttl_s,
                      char *why);
// Whether anything can be signed with them.
bool token_can_mint(const struct keys *keys);

#endif
