// stun_client: asks a STUN server which address it sees us at (RFC 8489, Binding), for a server behind NAT
// that does not know its public address.
//
// stun_query_* are pure: bytes in, bytes out. stun_ask blocks for a bounded time: for the start of the
// process and for tools, never on a loop.
#ifndef SERVER_STUN_CLIENT_H
#define SERVER_STUN_CLIENT_H

#include "base/span.h"
#include "base/addr.h"

#define STUN_PORT 3478 // RFC 8489, section 8.1
#define STUN_QUERY_BYTES 20
#define STUN_ID_BYTES 12
#define STUN_LOOKUP_MS_MAX 5000 // for the name
#define STUN_ANSWER_MS_MAX 3000 // for the answer; asked again after 0.5 and 1.5 s (RFC 8489, section 6.2.1)

// A Binding request with this transaction id and no attribute.
void stun_query_write(uint8_t out[STUN_QUERY_BYTES], const uint8_t id[STUN_ID_BYTES]);

// The reflexive address in a success response to the request with this id; a v4-mapped one becomes IPv4.
// ERR_MALFORMED: no STUN message. ERR_NOT_FOUND: STUN, but no answer to this request. ERR_UNSUPPORTED: an
// error response to it, or one without an address.
MUST_USE enum err stun_answer_read(struct span datagram, const uint8_t id[STUN_ID_BYTES], struct addr *seen);

#define STUN_WHY_MAX 512 // bytes of `why` below

enum stun_result {
    STUN_SEEN,       // it answered over at least one family
    STUN_UNRESOLVED, // the name has no address, or the name servers say nothing
    STUN_SILENT,     // no answer in time
    STUN_REFUSED,    // an error response, or the address says that nobody listens there
};

struct stun_seen {
    unsigned count;         // families that were answered
    struct addr address[2]; // what the server sees; IPv4 first
};

// `host` is a name or an IP literal; all its families are asked at once. `local_port` is the UDP port to ask
// from, so that a NAT that keeps ports shows it (stun_seen.address[].port); another one is taken when that is
// busy, and 0 lets the system choose. `why` gets one clause when the result is not STUN_SEEN.
enum stun_result stun_ask(const char *host, uint16_t port, uint16_t local_port, struct stun_seen *seen,
                          char *why, size_t why_cap);

#endif
