#include "transport/ice.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "transport/ice_proof.h"
#include "transport/ice_stun.h"

#include <assert.h>

static int base36_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : -1;
}

int ice_ufrag_worker(struct span ufrag) {
    if (ufrag.len != ICE_UFRAG_BYTES)
        return -1;
    for (size_t i = 0; i < ufrag.len; i++)
        if (base36_digit(ufrag.ptr[i]) < 0)
            return -1;
    int worker = base36_digit(ufrag.ptr[0]) * 36 + base36_digit(ufrag.ptr[1]);
    return worker < ICE_WORKERS_MAX ? worker : -1;
}

static void ice_assert_invariants(const struct ice *ice) {
    assert(ice->path_count <= ICE_TUPLES_MAX);
    assert(ice->selected >= -1 && ice->selected < (int)ice->path_count);
    assert((ice->selected < 0) == (ice->path_count == 0));
    assert(ice->state != ICE_CONNECTED || ice->path_count > 0);
    assert(ice->media == -1 || (ice->media == ice->selected && ice->state == ICE_CONNECTED));
    assert(ice->also == -1 || ice->also != ice->media);
}

static void credentials_assert(const struct ice_credentials *credentials) {
    assert(strnlen(credentials->ufrag, sizeof credentials->ufrag) == ICE_UFRAG_BYTES);
    assert(strnlen(credentials->pwd, sizeof credentials->pwd) == ICE_PWD_BYTES);
}

void ice_init(struct ice *ice, const struct ice_credentials *credentials) {
    credentials_assert(credentials);
    *ice = (struct ice){.credentials = *credentials, .state = ICE_NEW, .selected = -1};
    ice_proof_init(ice);
}

static void ice_forget_old(struct ice *ice) {
    explicit_bzero(&ice->old_credentials, sizeof ice->old_credentials);
    ice->old_until_us = 0;
}

void ice_restart(struct ice *ice, const struct ice_credentials *credentials, uint64_t now_us) {
    credentials_assert(credentials);
    if (ice->old_until_us != TIME_NEVER) // else the peer uses what it had before an offer, and nothing since
        ice->old_credentials = ice->credentials;
    ice->old_until_us = now_us + ICE_OLD_CREDENTIALS_US;
    ice->credentials = *credentials;
}

bool ice_offer(struct ice *ice, const struct ice_credentials *credentials) {
    credentials_assert(credentials);
    bool untaken = ice->old_until_us == TIME_NEVER;
    if (!untaken)
        ice->old_credentials = ice->credentials;
    ice->old_until_us = TIME_NEVER;
    ice->credentials = *credentials;
    return untaken;
}

static struct ice_path *ice_path_find(const struct ice *ice, const struct tuple *tuple) {
    for (unsigned i = 0; i < ice->path_count; i++)
        if (tuple_equal(&ice->paths[i].tuple, tuple))
            return (struct ice_path *)(uintptr_t)&ice->paths[i];
    return NULL;
}

static uint64_t path_last_us(const struct ice_path *path) {
    return path->checked_us > path->heard_us ? path->checked_us : path->heard_us;
}

static bool path_silent(const struct ice_path *path, uint64_t now_us) {
    return now_us - path_last_us(path) >= ICE_SELECTED_SILENT_US;
}

// The path that was silent longest, the selected one excepted; one that is not proven before one that is.
static struct ice_path *ice_path_stalest(struct ice *ice) {
    struct ice_path *stalest = NULL;
    for (int i = 0; i < (int)ice->path_count; i++) {
        struct ice_path *path = &ice->paths[i];
        if (i == ice->selected)
            continue;
        if (!stalest || path->proven < stalest->proven ||
            (path->proven == stalest->proven && path_last_us(path) < path_last_us(stalest)))
            stalest = path;
    }
    assert(stalest);
    return stalest;
}

static struct ice_path *ice_path_add(struct ice *ice, const struct tuple *tuple, uint64_t now_us,
                                     struct ice_result *result) {
    struct ice_path *path;
    if (ice->path_count < ICE_TUPLES_MAX) {
        path = &ice->paths[ice->path_count++];
    } else {
        path = ice_path_stalest(ice);
        result->tuple_removed = true;
        result->removed = path->tuple;
        ice_proof_gone(ice, path, now_us);
    }
    *path = (struct ice_path){.tuple = *tuple, .secret = path->secret};
    result->tuple_added = true;
    ice_proof_begin(ice, path, now_us);
    return path;
}

// A check on another path than the selected one: may it be selected?
static bool ice_may_select(const struct ice *ice, const struct ice_path *path, bool use_candidate,
                           uint64_t now_us) {
    if (ice->selected < 0)
        return true;
    const struct ice_path *selected = &ice->paths[ice->selected];
    if (path_silent(selected, now_us))
        return true;
    return use_candidate && (path->proven || !selected->proven) && !ice_keeps_udp(ice, path);
}

static void ice_choose(struct ice *ice, struct ice_path *path, bool use_candidate, uint64_t now_us,
                       struct ice_result *result) {
    if (use_candidate)
        path->nominated = ++ice->nominations;
    if (path - ice->paths == ice->selected || !ice_may_select(ice, path, use_candidate, now_us))
        return;
    ice_select(ice, path);
    result->selected_changed = true;
}

static void ice_consent(struct ice *ice, uint64_t now_us, struct ice_result *result) {
    ice->consent_us = now_us;
    ice->consent_due_us = now_us + ICE_CONSENT_US;
    if (ice->state == ICE_CONNECTED)
        return;
    ice->state = ICE_CONNECTED;
    ice_direct_media(ice);
    result->state_changed = true;
}

static void ice_commit(struct ice *ice, const struct tuple *from, const struct ice_check *check,
                       uint64_t now_us, struct ice_result *result) {
    struct ice_path *path = ice_path_find(ice, from);
    if (!path)
        path = ice_path_add(ice, from, now_us, result);
    else if (path - ice->paths != ice->selected && path_silent(path, now_us))
        ice_proof_begin(ice, path, now_us); // somebody else may have the address by now
    ice_choose(ice, path, check->use_candidate, now_us, result);
    path->checked_us = now_us;
    result->tuple_checked = true;
    ice_consent(ice, now_us, result);
    ice_proof_checked(ice, path, now_us);
    // The peer has nominated with the new credentials: the restart is over (RFC 8445, section 9), and a late
    // check of the old generation must not take the selection back.
    if (check->use_candidate && !check->with_old)
        ice_forget_old(ice);
    ice_assert_invariants(ice);
}

// An authentic Binding indication of the peer.
static void ice_indicated(struct ice *ice, const struct tuple *from, uint64_t now_us,
                          struct ice_result *result) {
    struct ice_path *path = ice_path_find(ice, from);
    if (!path)
        return;
    path->checked_us = now_us;
    ice_consent(ice, now_us, result);
    ice_assert_invariants(ice);
}

// What answers a request of ours. It is not authentic, but nobody else knows the request's number.
static bool ice_is_answer(struct ice *ice, const struct tuple *from, struct span datagram, uint64_t now_us) {
    const uint8_t *id = ice_stun_error_id(datagram);
    struct ice_path *path = id ? ice_path_find(ice, from) : NULL;
    if (!path || path->asked == 0 || memcmp(path->request_id, id, sizeof path->request_id) != 0)
        return false;
    ice_proof_answered(ice, path, now_us);
    ice_assert_invariants(ice);
    return true;
}

// What a datagram is, told in `result` as well; nothing is committed.
static struct ice_check ice_look(const struct ice *ice, struct ice_stun *stun, const struct tuple *from,
                                 uint8_t *datagram, size_t len, uint64_t now_us, uint8_t *reply,
                                 struct ice_result *result) {
    const struct ice_credentials *old = now_us < ice->old_until_us ? &ice->old_credentials : NULL;
    struct ice_check check;
    ice_stun_check(stun, &ice->credentials, old, &from->remote, datagram, len, reply, &check);
    assert(check.reply_len <= ICE_REPLY_MAX);
    result->err = check.err;
    result->reply_len = check.reply_len;
    result->authentic = check.good || check.indicated;
    return check;
}

void ice_input(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
               size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result) {
    *result = (struct ice_result){0};
    if (ice->state == ICE_CLOSED || ice_is_answer(ice, from, span_of(datagram, len), now_us))
        return;
    struct ice_check check = ice_look(ice, stun, from, datagram, len, now_us, reply, result);
    if (check.good) {
        result->with_old = check.with_old;
        result->dtls = check.dtls;
        result->dtls_acks = check.dtls_acks;
        ice_commit(ice, from, &check, now_us, result);
    } else if (check.indicated) {
        ice_indicated(ice, from, now_us, result);
    }
}

void ice_input_again(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
                     size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result) {
    *result = (struct ice_result){0};
    if (ice->state == ICE_CLOSED)
        return;
    ice_look(ice, stun, from, datagram, len, now_us, reply, result);
}

// What is selected when the selected path is gone: the proven one that was nominated last, else any.
static struct ice_path *ice_path_best(struct ice *ice) {
    struct ice_path *best = NULL;
    for (unsigned i = 0; i < ice->path_count; i++) {
        struct ice_path *path = &ice->paths[i];
        if (!best || path->proven > best->proven ||
            (path->proven == best->proven && path->nominated > best->nominated))
            best = path;
    }
    return best;
}

bool ice_lose(struct ice *ice, const struct tuple *tuple, uint64_t now_us) {
    struct ice_path *path = ice_path_find(ice, tuple);
    if (!path || ice->state == ICE_CLOSED)
        return false;
    ice_proof_gone(ice, path, now_us);
    int place = (int)(path - ice->paths), last = ice->path_count - 1;
    uint32_t secret = path->secret, secret_of_last = ice->paths[last].secret;
    bool was_selected = ice->selected == place;
    if (ice->selected == last)
        ice->selected = (int8_t)place;
    *path = ice->paths[last];
    ice->paths[last] = (struct ice_path){.secret = secret_of_last}; // for the next one there
    ice->path_count--;
    if (was_selected) {
        struct ice_path *best = ice_path_best(ice);
        ice->selected = best ? (int8_t)(best - ice->paths) : -1;
    }
    ice_proof_moved(ice, (unsigned)place, secret, now_us);
    bool alone = ice->path_count == 0 && ice->state == ICE_CONNECTED;
    if (alone)
        ice->state = ICE_DISCONNECTED;
    ice_direct_media(ice);
    ice_assert_invariants(ice);
    return alone;
}

struct ice_path *ice_find(struct ice *ice, const struct tuple *tuple) {
    return ice_path_find(ice, tuple);
}

bool ice_validated(const struct ice *ice, const struct tuple *tuple) {
    return ice_path_find(ice, tuple) != NULL;
}

void ice_heard(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    path->heard_us = now_us;
    if (path - ice->paths != ice->selected)
        return;
    // ice_advance looks at this when the last check is ICE_CONSENT_US old: no timer moves for a packet.
    ice->consent_us = now_us;
    if (ice->state == ICE_DISCONNECTED && !ice->follows) {
        struct ice_result ignored; // the state tells
        ice_consent(ice, now_us, &ignored);
    }
}

void ice_follow(struct ice *ice, const struct tuple *tuple, uint64_t now_us) {
    assert(ice->follows || ice->path_count == 0);
    assert(tuple || ice->path_count == 1 || ice->state == ICE_NEW);
    if (ice->state == ICE_CLOSED)
        return;
    ice->follows = true;
    ice->consent_us = now_us;
    ice->consent_due_us = TIME_NEVER;
    if (tuple) {
        ice->paths[0] = (struct ice_path){
            .tuple = *tuple, .checked_us = now_us, .nominated = ++ice->nominations, .proven = true};
        ice->path_count = 1;
        ice->selected = 0;
        ice->state = ICE_CONNECTED;
    } else if (ice->state == ICE_CONNECTED) {
        ice->state = ICE_DISCONNECTED;
    }
    ice_direct_media(ice);
    ice_assert_invariants(ice);
}

bool ice_holds(const struct ice *ice, const struct tuple *tuple, uint64_t now_us) {
    const struct ice_path *path = ice_path_find(ice, tuple);
    if (!path || !path->proven)
        return false;
    bool heard = path->heard_us && now_us - path->heard_us <= ICE_HELD_US;
    return heard || now_us - path->checked_us <= ICE_HELD_CHECKED_US;
}

const struct tuple *ice_selected(const struct ice *ice) {
    if (ice->state != ICE_CONNECTED)
        return NULL;
    return &ice->paths[ice->selected].tuple;
}

uint64_t ice_next_us(const struct ice *ice) {
    uint64_t next = ice_proof_next_us(ice);
    if (ice->state == ICE_CONNECTED && ice->consent_due_us < next)
        next = ice->consent_due_us;
    if (ice->old_until_us && ice->old_until_us < next)
        next = ice->old_until_us;
    return next;
}

bool ice_advance(struct ice *ice, uint64_t now_us) {
    if (ice->old_until_us && now_us >= ice->old_until_us)
        ice_forget_old(ice);
    ice_proof_advance(ice, now_us);
    if (ice->state != ICE_CONNECTED || now_us < ice->consent_due_us)
        return false;
    ice->consent_due_us = ice->consent_us + ICE_CONSENT_US;
    if (now_us < ice->consent_due_us)
        return false;
    ice->state = ICE_DISCONNECTED;
    ice_direct_media(ice);
    ice_assert_invariants(ice);
    return true;
}
