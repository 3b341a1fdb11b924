// nonce_oracle: remembers every number that ever encrypted something, and what, and tells when one is used
// for something else. For tests and builds with ROTUNDA_NONCE_ORACLE: it grows by 32 bytes a packet.
//
// AES-GCM gives its key away when two packets are protected under one key and nonce (RFC 7714, section 8.4),
// which nothing on the wire shows: receivers take such packets, or drop them as repeats. So the rule is
// checked where packets are made. Not for what attackers choose: the table's hash is a fixed one.
#ifndef BASE_NONCE_ORACLE_H
#define BASE_NONCE_ORACLE_H

#include "base/span.h"

#include <stdint.h>

struct nonce_oracle;
struct nonce_oracle *nonce_oracle_create(void); // NULL: no memory
void nonce_oracle_destroy(struct nonce_oracle *oracle);

enum nonce_use {
    NONCE_FRESH,
    NONCE_REPEATED, // with the same text: gives nothing away, and is not to be either
    NONCE_REUSED,   // the key is lost
    NONCE_UNKNOWN,  // no memory to remember it
};
// The whole packet before its protection, header and payload; `key` is the caller's number for the key.
uint64_t nonce_oracle_digest(struct span text);
enum nonce_use nonce_oracle_note(struct nonce_oracle *oracle, uint64_t key, uint32_t ssrc, uint64_t index,
                                 uint64_t digest);
uint64_t nonce_oracle_count(const struct nonce_oracle *oracle); // of different numbers

#endif
