// ice: an ICE-lite responder (RFC 8445, section 2.5) over libnice's STUN messages, sans I/O.
//
// `struct ice_stun` holds what all peers of one worker share (libnice's agent; one thread). `struct ice` is
// one peer: credentials, validated tuples, the selected one, consent. Only a check whose MESSAGE-INTEGRITY
// and FINGERPRINT hold changes anything. Every trap of libnice's STUN API that matters here is answered in
// ice_stun.c and has a test.
//
// A lite agent sends no checks of its own: it knows that a check is the peer's, not that the peer can hear at
// the address from which it seems to come. Who has credentials of this server is trusted so far.
//
// Nobody but the peer may speak: a tuple counts as validated after a good check on it; nothing but STUN is to
// be accepted from any other. At most ICE_TUPLES_MAX tuples a peer: the one that was silent longest gives
// way, never the selected one. The selected tuple is the one of the last check with USE-CANDIDATE; until
// there is one, the first validated. When it had no check for ICE_SELECTED_SILENT_US, the next good check on
// another tuple selects that one (a NAT gave the peer a new port and it did not nominate again). Consent (RFC
// 7675) expires ICE_CONSENT_US after the last good check: then the state is ICE_DISCONNECTED until a new
// check.
#ifndef TRANSPORT_ICE_H
#define TRANSPORT_ICE_H

#include "base/span.h"
#include "rtp/peer_params.h"
#include "base/addr.h"

#define ICE_TUPLES_MAX 8
#define ICE_SELECTED_SILENT_US (10 * UINT64_C(1000000)) // browsers check each 2.5 s (Chrome) to 6 s
#define ICE_CONSENT_US (30 * UINT64_C(1000000))
#define ICE_OLD_CREDENTIALS_US (10 * UINT64_C(1000000)) // after a restart the old ones are good for so long
#define ICE_STUN_MAX 1200                               // longer STUN messages are dropped
#define ICE_REPLY_MAX 1536

struct ice_stun;
struct ice_stun *ice_stun_create(void); // NULL: no memory
void ice_stun_destroy(struct ice_stun *stun);

// The worker that a ufrag names, or -1 when it cannot be of our making. A stranger may write any number
// below ICE_WORKERS_MAX: compare it with the workers there are.
int ice_ufrag_worker(struct span ufrag);
// The local part of the USERNAME of a STUN request, without any check of authenticity; for finding the peer.
// ERR_MALFORMED: no STUN message; ERR_NOT_FOUND: no Binding request with a USERNAME of two parts.
MUST_USE enum err ice_peek_ufrag(struct span datagram, struct span *local_ufrag);

struct ice_path {
    struct tuple tuple;
    uint64_t checked_us; // the last good check
};

struct ice {
    struct ice_credentials credentials, old_credentials;
    uint64_t old_until_us; // 0: no old ones
    enum ice_state state;
    struct ice_path paths[ICE_TUPLES_MAX];
    uint8_t path_count;
    int8_t selected;     // index of the selected path, -1 for none
    uint64_t consent_us; // the last good check on any tuple
};

void ice_init(struct ice *ice, const struct ice_credentials *credentials);
// New credentials; tuples, selection and state stay, so media goes on. The old credentials are good for
// ICE_OLD_CREDENTIALS_US more, or until a check with the new ones nominates a tuple if that is earlier.
void ice_restart(struct ice *ice, const struct ice_credentials *credentials, uint64_t now_us);

struct ice_result {
    enum err err;       // ERR_OK, ERR_MALFORMED, ERR_AUTH: a counter each
    size_t reply_len;   // bytes of `reply` to send back to the remote address; 0 for none
    bool tuple_checked; // a good check on `from`: it is validated
    bool tuple_added;   // and was not before
    bool tuple_removed; // `removed` gave way to it
    struct tuple removed;
    bool selected_changed;
    bool state_changed;
};

// One STUN datagram for this peer. Only a Binding request that authenticates is answered: with success, or
// with 487 or 420 (which change nothing); indications are ignored with ERR_OK. It may lie in a buffer of at
// least len + 24 bytes, whose last 24 are zeroed here. reply: ICE_REPLY_MAX bytes. After ICE_CLOSED nothing
// is answered.
void ice_input(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
               size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result);

bool ice_validated(const struct ice *ice, const struct tuple *tuple);
// Where to send; NULL before the first validated tuple and while consent is lost.
const struct tuple *ice_selected(const struct ice *ice);
uint64_t ice_next_us(const struct ice *ice); // TIME_NEVER for none
// Expires consent and old credentials; true when the state changed.
bool ice_advance(struct ice *ice, uint64_t now_us);

#endif
