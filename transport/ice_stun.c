#include "transport/ice_stun.h"

#include "base/bytes.h"
#include "transport/dtls_in_stun.h"
#include "transport/ice.h"

#include <assert.h>
#include <stdlib.h>

#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#define STUN_HEADER_BYTES 20
#define STUN_COOKIE UINT32_C(0x2112a442)
#define STUN_INTEGRITY_BYTES 20
#define STUN_FINGERPRINT_BYTES 4
#define STUN_TYPE_BINDING_REQUEST 0x0001
#define STUN_TYPE_BINDING_INDICATION 0x0011
#define STUN_TYPE_BINDING_ERROR 0x0111
#define STUN_ID_OFFSET 8
#define STUN_ID_BYTES 12

// A reply is our own header, address, integrity and fingerprint and the request's USERNAME, so it is longer
// than the request by less than this. libnice aborts the process when a reply does not fit its buffer.
#define ICE_REPLY_GROWTH 96
#define ICE_REPLY_ROOM (ICE_REPLY_MAX - 4) // libnice may write up to 3 bytes of padding past what it is told
_Static_assert(ICE_REPLY_ROOM >= ICE_STUN_MAX + ICE_REPLY_GROWTH, "every reply fits");

struct ice_stun {
    StunAgent agent; // 12 KB: it could remember 200 requests of its own, of which there are none
    uint16_t known[16];
};

// What comprehension-required attributes we understand; another one is answered with 420.
static const uint16_t ice_known_attributes[] = {
    STUN_ATTRIBUTE_USERNAME,
    STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    STUN_ATTRIBUTE_ERROR_CODE,
    STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
    STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE,
    STUN_ATTRIBUTE_FINGERPRINT,
    STUN_ATTRIBUTE_ICE_CONTROLLED,
    STUN_ATTRIBUTE_ICE_CONTROLLING,
    STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
    0,
};
_Static_assert(sizeof ice_known_attributes <= sizeof((struct ice_stun *)0)->known, "they fit");

struct ice_stun *ice_stun_create(void) {
    struct ice_stun *stun = calloc(1, sizeof *stun);
    if (!stun)
        return NULL;
    // The agent keeps the pointer, so the list lives as long as it does.
    memcpy(stun->known, ice_known_attributes, sizeof ice_known_attributes);
    // SHORT_TERM_CREDENTIALS must be said although libnice's header calls it the default: without it a
    // request with neither USERNAME nor MESSAGE-INTEGRITY is accepted.
    stun_agent_init(&stun->agent, stun->known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return stun;
}

void ice_stun_destroy(struct ice_stun *stun) {
    free(stun);
}

struct stun_scan {
    uint16_t type;
    struct span username; // the first one, before any MESSAGE-INTEGRITY
    bool integrity, fingerprint;
    struct span dtls, dtls_acks; // the first ones, before any MESSAGE-INTEGRITY
};

static bool stun_scan_attribute(struct stun_scan *scan, uint16_t type, struct span value) {
    if (scan->fingerprint)
        return false; // RFC 8489, section 14.7: FINGERPRINT is the last attribute
    switch (type) {
    case STUN_ATTRIBUTE_USERNAME:
        if (!scan->username.ptr && !scan->integrity)
            scan->username = value;
        return true;
    case STUN_ATTRIBUTE_DTLS:
        if (!scan->dtls.ptr && !scan->integrity)
            scan->dtls = value;
        return true;
    case STUN_ATTRIBUTE_DTLS_ACKS:
        if (!scan->dtls_acks.ptr && !scan->integrity)
            scan->dtls_acks = value;
        return true;
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY:
        scan->integrity = true;
        return value.len == STUN_INTEGRITY_BYTES;
    case STUN_ATTRIBUTE_FINGERPRINT:
        scan->fingerprint = true;
        return value.len == STUN_FINGERPRINT_BYTES;
    default:
        return true;
    }
}

// Whether the datagram is one whole STUN message whose attributes tile it exactly. libnice checks less: it
// reads 20 bytes of MESSAGE-INTEGRITY whatever its length says.
static bool stun_scan(struct span datagram, struct stun_scan *scan) {
    *scan = (struct stun_scan){0};
    struct reader r = reader_of(datagram);
    scan->type = read_u16(&r);
    uint16_t length = read_u16(&r);
    uint32_t cookie = read_u32(&r);
    read_raw(&r, 12);
    if (r.failed || scan->type & 0xc000 || cookie != STUN_COOKIE || length != r.left || length % 4 != 0)
        return false;
    while (r.left > 0) {
        uint16_t type = read_u16(&r);
        uint16_t value_len = read_u16(&r);
        struct span value = read_span(&r, value_len);
        read_raw(&r, (size_t)-value_len & 3);
        if (r.failed || !stun_scan_attribute(scan, type, value))
            return false;
    }
    return true;
}

// "ours:theirs" -> "ours". The part behind the colon must be there (RFC 8445, section 7.2.2); what it should
// be we were never told, the signalling carries our credentials alone.
static bool username_split(struct span username, struct span *local) {
    const uint8_t *colon = username.len ? memchr(username.ptr, ':', username.len) : NULL;
    if (!colon || colon + 1 == username.ptr + username.len)
        return false;
    *local = span_of(username.ptr, (size_t)(colon - username.ptr));
    return true;
}

enum err ice_peek_ufrag(struct span datagram, struct span *local_ufrag) {
    struct stun_scan scan;
    if (datagram.len > ICE_STUN_MAX || !stun_scan(datagram, &scan))
        return ERR_MALFORMED;
    if (scan.type != STUN_TYPE_BINDING_REQUEST || !username_split(scan.username, local_ufrag))
        return ERR_NOT_FOUND;
    return ERR_OK;
}

struct ice_keys { // what the validator may choose from, and what it chose
    const struct ice_credentials *current, *old;
    bool with_old;
};

static bool credentials_match(const struct ice_credentials *credentials, struct span ufrag) {
    return credentials && span_equal(ufrag, span_of(credentials->ufrag, ICE_UFRAG_BYTES));
}

// Names the password for a USERNAME (which has no NUL). Never true without a key: libnice would then accept
// the message unchecked. libnice keeps the key's address until the reply is built; the credentials are the
// peer's, which lives longer. libnice compares the HMAC with memcmp; over a network and for a tag that is
// new in each check that tells a forger nothing he can use.
static bool ice_keys_find(StunAgent *agent, StunMessage *message, uint8_t *username, uint16_t username_len,
                          uint8_t **password, size_t *password_len, void *ctx) {
    (void)agent;
    (void)message;
    struct ice_keys *keys = ctx;
    struct span ufrag;
    if (!username || !username_split(span_of(username, username_len), &ufrag))
        return false;
    const struct ice_credentials *found = credentials_match(keys->current, ufrag) ? keys->current
                                          : credentials_match(keys->old, ufrag)   ? keys->old
                                                                                  : NULL;
    if (!found)
        return false;
    keys->with_old = found != keys->current;
    *password = (uint8_t *)(uintptr_t)found->pwd; // libnice does not write to it
    *password_len = ICE_PWD_BYTES;
    return true;
}

static size_t ice_role_conflict(struct ice_stun *stun, const StunMessage *request, uint8_t *reply) {
    StunMessage answer;
    if (!stun_agent_init_error(&stun->agent, &answer, reply, ICE_REPLY_ROOM, request,
                               STUN_ERROR_ROLE_CONFLICT))
        return 0;
    return stun_agent_finish_message(&stun->agent, &answer, NULL, 0); // with the request's key
}

static void ice_stun_answer(struct ice_stun *stun, StunMessage *request, const struct addr *remote,
                            uint8_t *reply, struct ice_check *check) {
    struct sockaddr_storage source;
    socklen_t source_len = addr_to_sockaddr(remote, &source); // IPv4 even when the socket said v4-mapped
    StunMessage answer;
    // We are always controlled. With tie 0 a peer that believes the same gets 487 (RFC 8445, section
    // 7.3.1.1) from libnice, unless its own tie-breaker is 0 too: then libnice changes our role and answers
    // success.
    bool control = false;
    size_t len = ICE_REPLY_ROOM;
    StunUsageIceReturn outcome =
        stun_usage_ice_conncheck_create_reply(&stun->agent, request, &answer, reply, &len, &source,
                                              source_len, &control, 0, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    check->reply_len = control ? ice_role_conflict(stun, request, reply) : len;
    check->good = outcome == STUN_USAGE_ICE_RETURN_SUCCESS && len > 0;
    assert(!check->good || !control);
    check->use_candidate = check->good && stun_usage_ice_conncheck_use_candidate(request);
}

enum stun_worth { WORTH_NOTHING, WORTH_REQUEST, WORTH_INDICATION };

static enum err ice_check_precheck(const uint8_t *datagram, size_t len, struct stun_scan *scan_out,
                                   enum stun_worth *worth) {
    struct stun_scan scan;
    if (len > ICE_STUN_MAX || !stun_scan(span_of(datagram, len), &scan))
        return ERR_MALFORMED;
    *scan_out = scan;
    // Keepalives of the peer (RFC 8445, section 11) need no proof and want no answer; some have it.
    if (scan.type == STUN_TYPE_BINDING_INDICATION) {
        if (scan.username.ptr && scan.integrity && scan.fingerprint)
            *worth = WORTH_INDICATION;
        return ERR_OK;
    }
    if (scan.type != STUN_TYPE_BINDING_REQUEST) // what answers us was looked at before
        return ERR_MALFORMED;
    *worth = WORTH_REQUEST;
    if (!scan.username.ptr || !scan.integrity)
        return ERR_AUTH;
    return scan.fingerprint ? ERR_OK : ERR_MALFORMED; // RFC 8445, section 7.1: checks carry FINGERPRINT
}

void ice_stun_check(struct ice_stun *stun, const struct ice_credentials *current,
                    const struct ice_credentials *old, const struct addr *remote, uint8_t *datagram,
                    size_t len, uint8_t *reply, struct ice_check *check) {
    assert(remote->family == 4 || remote->family == 6);
    *check = (struct ice_check){0};
    enum stun_worth worth = WORTH_NOTHING;
    struct stun_scan scan = {0};
    check->err = ice_check_precheck(datagram, len, &scan, &worth);
    if (check->err != ERR_OK || worth == WORTH_NOTHING)
        return;
    memset(datagram + len, 0, ICE_STUN_SLACK);
    struct ice_keys keys = {.current = current, .old = old};
    StunMessage request, answer;
    StunValidationStatus status =
        stun_agent_validate(&stun->agent, &request, datagram, len, ice_keys_find, &keys);
    if (worth == WORTH_INDICATION) {
        check->indicated = status == STUN_VALIDATION_SUCCESS;
        check->err = check->indicated ? ERR_OK : ERR_AUTH;
        return;
    }
    switch (status) {
    case STUN_VALIDATION_SUCCESS:
        check->with_old = keys.with_old;
        ice_stun_answer(stun, &request, remote, reply, check);
        if (check->good) {
            check->dtls = scan.dtls;
            check->dtls_acks = scan.dtls_acks;
        }
        return;
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE: // authentic, but not understood: 420
        check->reply_len =
            stun_agent_build_unknown_attributes_error(&stun->agent, &answer, reply, ICE_REPLY_ROOM, &request);
        return;
    case STUN_VALIDATION_UNAUTHORIZED:
    case STUN_VALIDATION_UNAUTHORIZED_BAD_REQUEST:
        check->err = ERR_AUTH; // silence: neither a mirror for forged sources nor an oracle for ufrags
        return;
    default:
        check->err = ERR_MALFORMED;
        return;
    }
}

size_t ice_stun_embed(struct ice_stun *stun, const struct ice_credentials *credentials, uint8_t *reply,
                      size_t len, struct span dtls, struct span dtls_acks) {
    const size_t signature = 4 + STUN_INTEGRITY_BYTES + 4 + STUN_FINGERPRINT_BYTES;
    if (len + dtls.len + dtls_acks.len + 16 > ICE_REPLY_ROOM) // two heads and their padding
        return len;
    assert(len >= STUN_HEADER_BYTES + signature);
    StunMessage answer = {.agent = &stun->agent, .buffer = reply, .buffer_len = ICE_REPLY_ROOM};
    store_be16(reply + 2, (uint16_t)(len - STUN_HEADER_BYTES - signature)); // as it was before it was signed
    if (stun_message_append_bytes(&answer, STUN_ATTRIBUTE_DTLS_ACKS, dtls_acks.ptr, dtls_acks.len) !=
            STUN_MESSAGE_RETURN_SUCCESS ||
        (dtls.ptr && stun_message_append_bytes(&answer, STUN_ATTRIBUTE_DTLS, dtls.ptr, dtls.len) !=
                         STUN_MESSAGE_RETURN_SUCCESS))
        return 0;
    return stun_agent_finish_message(&stun->agent, &answer, (const uint8_t *)credentials->pwd, ICE_PWD_BYTES);
}

size_t ice_stun_request(struct ice_stun *stun, const uint8_t *id, uint8_t *out, size_t cap) {
    StunMessage request;
    StunTransactionId made;
    if (!stun_agent_init_request(&stun->agent, &request, out, cap, STUN_BINDING))
        return 0;
    memset(out + STUN_ID_OFFSET, 0, STUN_ID_BYTES); // before the fingerprint, which covers it
    memcpy(out + STUN_ID_OFFSET, id, ICE_QUESTION_ID_BYTES);
    size_t len = stun_agent_finish_message(&stun->agent, &request, NULL, 0);
    // The agent would remember 200 requests; ours are remembered by their paths.
    stun_message_id(&request, made);
    stun_agent_forget_transaction(&stun->agent, made);
    return len;
}

const uint8_t *ice_stun_error_id(struct span datagram) {
    struct stun_scan scan;
    if (datagram.len > ICE_STUN_MAX || !stun_scan(datagram, &scan) || scan.type != STUN_TYPE_BINDING_ERROR)
        return NULL;
    return datagram.ptr + STUN_ID_OFFSET;
}
