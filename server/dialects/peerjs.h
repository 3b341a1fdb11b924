// peerjs: what PeerJS's own server does for pages with the package `peerjs`: ids, and messages between two
// of them. A client opens a WebSocket with an id, a token of its own and the server's key, hears OPEN, and
// sends OFFER, ANSWER, CANDIDATE and LEAVE to another id. What is for an id that nobody has waits for five
// seconds; then its sender hears EXPIRE.
//
// An id belongs to one connection. Who opens another with the same id and the same token takes its place,
// as a page does whose network failed; with another token it hears ID-TAKEN. Silence of 90 s (no HEARTBEAT)
// ends a connection.
//
// No I/O, no clock. Control thread only. docs/dialects.md is its contract.
#ifndef SERVER_PEERJS_H
#define SERVER_PEERJS_H

#include "server/dialects/dialect.h"

#define PEERJS_ID_BYTES 37 // of a made id with its end

struct peerjs;

struct peerjs_config {
    const struct dialect_limits *limits; // lives as long; may change but for clients_max
    char key[DIALECT_NAME_MAX + 1];      // that clients name, "peerjs" where nobody chose one
    bool lists_peers;                    // whether clients may ask who is there
};

// NULL: no memory.
struct peerjs *peerjs_create(const struct peerjs_config *config, const struct dialect_io *io,
                             uint64_t now_us);
void peerjs_destroy(struct peerjs *peerjs); // NULL is fine

// A WebSocket has begun, with the query of its request: key, id and token. Whoever is refused is told and
// closed.
void peerjs_opened(struct peerjs *peerjs, uint32_t client, struct span query, uint64_t now_us);
void peerjs_message(struct peerjs *peerjs, uint32_t client, const char *text, size_t len, uint64_t now_us);
void peerjs_bad_frame(struct peerjs *peerjs, uint32_t client, bool binary);
void peerjs_closed(struct peerjs *peerjs, uint32_t client);

// An id that nobody has and that nobody guesses: a UUID.
void peerjs_make_id(char out[PEERJS_ID_BYTES]);
// A JSON list of the ids that are there, from malloc; NULL: it is not told, or no memory.
char *peerjs_list(const struct peerjs *peerjs);

uint64_t peerjs_next_us(const struct peerjs *peerjs); // TIME_NEVER for none
void peerjs_advance(struct peerjs *peerjs, uint64_t now_us);
void peerjs_read_counts(const struct peerjs *peerjs, struct dialect_counts *counts); // adds its own

#endif
