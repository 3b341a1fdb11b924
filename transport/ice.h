// ice: an ICE-lite responder (RFC 8445, section 2.5) over libnice's STUN messages, sans I/O.
//
// `struct ice_stun` holds what all peers of one worker share (libnice's agent; one thread). `struct ice` is
// one peer: credentials, validated tuples, the selected one, consent. Only a check whose MESSAGE-INTEGRITY
// and FINGERPRINT hold changes anything. Every trap of libnice's STUN API that matters here is answered in
// ice_stun.c and has a test.
//
// A check is proof of who sent it, not of where it came from: addresses are forged, checks are copied. So a
// tuple is *validated* by a good check, which lets the peer speak from there, and *proven* by something that
// only a peer who receives there can know (ice_proof.h, docs/adr/0007-a-tuple-proves-that-it-receives.md),
// which lets media go there.
//
// Nobody but the peer may speak: nothing but STUN is to be accepted from a tuple that is not validated. At
// most ICE_TUPLES_MAX tuples a peer: of those that are not proven the one that was silent longest gives way,
// else the proven one that was, never the selected one. The selected tuple is the one of the last check with
// USE-CANDIDATE; until there is one, the first validated; but a proven one gives way to one that is not
// proven only when it was silent for ICE_SELECTED_SILENT_US. Then the next good check on another tuple
// selects that one, nominated or not (a NAT gave the peer a new port and it did not nominate again). Whoever
// nominates all that works, as RFC 5245 lets him, means UDP: a TCP tuple takes over from a proven UDP tuple
// that was nominated only when the peer itself speaks there, by media that came later than the last over UDP.
//
// Consent (RFC 7675) is shown by good checks and authentic Binding indications on any validated tuple and by
// authentic SRTP and SRTCP on the selected one (docs/adr/0008-media-shows-consent.md). It expires
// ICE_CONSENT_US after the last of them: then the state is ICE_DISCONNECTED until one comes again.
#ifndef TRANSPORT_ICE_H
#define TRANSPORT_ICE_H

#include "base/pool.h"
#include "base/span.h"
#include "rtp/peer_params.h"
#include "base/addr.h"

#define ICE_TUPLES_MAX 8
#define ICE_SELECTED_SILENT_US (10 * UINT64_C(1000000)) // browsers check each 2.5 s (Chrome) to 6 s
#define ICE_OLD_CREDENTIALS_US (10 * UINT64_C(1000000)) // after a restart the old ones are good for so long
#define ICE_STUN_MAX BLOCK_DATAGRAM_MAX // checks may be long: a DTLS flight in STUN makes them 1220 bytes
#define ICE_REPLY_MAX (ICE_STUN_MAX + 128)
#define ICE_QUESTION_ID_BYTES 8 // of the twelve; the others are zero

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
    uint64_t heard_us;   // the last authentic SRTP or SRTCP, 0 for none
    uint32_t nominated;  // the number of its last nomination among all of the peer's, 0 for none
    bool proven;
    // While it is not proven (ice_proof.h).
    bool answered;   // it has answered a request of ours
    bool waits;      // to be asked at ask_us or later, when it has been checked again
    uint8_t asked;   // how often it was asked
    uint64_t ask_us; // when next
    uint32_t secret,
        secret_before; // what an RRTR on it says, never 0; what one on this place's last path said
    uint8_t request_id[ICE_QUESTION_ID_BYTES];
};

struct ice_grant { // media on trust for a tuple that has answered a request of ours
    int8_t path;   // -1 for none
    uint8_t spent; // grants that led to nothing
    uint32_t bytes;
    uint64_t until_us, next_us;
};

struct ice {
    struct ice_credentials credentials, old_credentials;
    uint64_t old_until_us; // 0: no old ones
    enum ice_state state;
    struct ice_path paths[ICE_TUPLES_MAX];
    uint8_t path_count;
    int8_t selected;  // index of the selected path, -1 for none
    int8_t media;     // where media goes: the selected path or -1
    int8_t also;      // where it goes as well: the path that is on trust, or -1
    bool metered;     // media goes to a path that is not proven
    bool asks;        // paths that are not proven are asked
    bool follows;     // a complete agent finds the path, and not checks that come in here
    uint8_t unproven; // paths
    uint32_t nominations;
    uint64_t consent_us;     // when it was last shown
    uint64_t consent_due_us; // when to look whether it has expired
    uint64_t ask_us;         // the earliest of the paths', TIME_NEVER for none
    struct ice_grant grant;
    uint32_t budget;    // bytes that may still go to tuples that are not proven
    uint64_t budget_us; // when it was last added to
};

void ice_init(struct ice *ice, const struct ice_credentials *credentials);
// New credentials; tuples, selection and state stay, so media goes on. The old credentials are good for
// ICE_OLD_CREDENTIALS_US more, or until a check with the new ones nominates a tuple if that is earlier.
void ice_restart(struct ice *ice, const struct ice_credentials *credentials, uint64_t now_us);
// The same without having been asked: the peer may take them or leave it, so what it uses now stays good
// until it nominates with the new ones. True: an offer that it had not taken is replaced, and its credentials
// are void.
bool ice_offer(struct ice *ice, const struct ice_credentials *credentials);

struct ice_result {
    enum err err;       // ERR_OK, ERR_MALFORMED, ERR_AUTH: a counter each
    size_t reply_len;   // bytes of `reply` to send back to the remote address; 0 for none
    bool authentic;     // a request or indication of the peer, in our role and understood
    bool tuple_checked; // a good check on `from`: it is validated
    bool tuple_added;   // and was not before
    bool tuple_removed; // `removed` gave way to it
    struct tuple removed;
    bool selected_changed;
    bool state_changed;
    bool with_old;               // the check was signed with the old credentials
    struct span dtls, dtls_acks; // what a good check carries (dtls_in_stun.h), in the datagram; else ptr NULL
};

// One STUN datagram for this peer. Only a Binding request that authenticates is answered: with success, or
// with 487 or 420 (which change nothing). An authentic indication from a validated tuple shows consent; an
// error response is looked at for an answer to a request of ours; other indications and responses are ignored
// with ERR_OK. It may lie in a buffer of at least len + 24 bytes, whose last 24 are zeroed here. reply:
// ICE_REPLY_MAX bytes. After ICE_CLOSED nothing is answered.
void ice_input(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
               size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result);
// The same for a message that was seen before: an authentic request is answered, nothing changes.
void ice_input_again(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
                     size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result);

// The path of a validated tuple, or NULL. For ice_heard and ice_proof.h.
struct ice_path *ice_find(struct ice *ice, const struct tuple *tuple);
bool ice_validated(const struct ice *ice, const struct tuple *tuple);
// An authentic SRTP or SRTCP packet came on a path.
void ice_heard(struct ice *ice, struct ice_path *path, uint64_t now_us);
// The connection that the tuple was is gone: it is forgotten, and the peer's best other tuple is selected if
// it was. Without another one the peer is ICE_DISCONNECTED until it comes again. True when the state changed.
bool ice_lose(struct ice *ice, const struct tuple *tuple, uint64_t now_us);
// Nobody else may claim this tuple: it is proven, and the peer was heard on it ICE_HELD_US ago at most, or
// sent a check on it ICE_HELD_CHECKED_US ago at most.
#define ICE_HELD_US (2 * UINT64_C(1000000))
#define ICE_HELD_CHECKED_US (7 * UINT64_C(1000000)) // browsers check each 2.5 to 6 s
bool ice_holds(const struct ice *ice, const struct tuple *tuple, uint64_t now_us);
// Where the peer is; NULL before the first validated tuple and while consent is lost. Media asks ice_media.
const struct tuple *ice_selected(const struct ice *ice);
// In place of checks: a complete agent (ice_agent.h) has found this path, and says when it is lost (NULL).
// Its own checks have been answered there, so the path is proven; consent is its business then.
void ice_follow(struct ice *ice, const struct tuple *tuple, uint64_t now_us);
uint64_t ice_next_us(const struct ice *ice); // TIME_NEVER for none
// Expires consent and old credentials; true when the state changed.
bool ice_advance(struct ice *ice, uint64_t now_us);

#endif
