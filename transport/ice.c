#include "transport/ice.h"

#include "base/clock.h"
#include "base/entropy.h"
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
}

static void credentials_assert(const struct ice_credentials *credentials) {
    assert(strnlen(credentials->ufrag, sizeof credentials->ufrag) == ICE_UFRAG_BYTES);
    assert(strnlen(credentials->pwd, sizeof credentials->pwd) == ICE_PWD_BYTES);
}

void ice_init(struct ice *ice, const struct ice_credentials *credentials) {
    credentials_assert(credentials);
    *ice = (struct ice){.credentials = *credentials, .state = ICE_NEW, .selected = -1};
}

static void ice_forget_old(struct ice *ice) {
    explicit_bzero(&ice->old_credentials, sizeof ice->old_credentials);
    ice->old_until_us = 0;
}

void ice_restart(struct ice *ice, const struct ice_credentials *credentials, uint64_t now_us) {
    credentials_assert(credentials);
    ice->old_credentials = ice->credentials;
    ice->old_until_us = now_us + ICE_OLD_CREDENTIALS_US;
    ice->credentials = *credentials;
}

static struct ice_path *ice_path_find(const struct ice *ice, const struct tuple *tuple) {
    for (unsigned i = 0; i < ice->path_count; i++)
        if (tuple_equal(&ice->paths[i].tuple, tuple))
            return (struct ice_path *)(uintptr_t)&ice->paths[i];
    return NULL;
}

// The path that was silent longest, the selected one excepted.
static struct ice_path *ice_path_stalest(struct ice *ice) {
    struct ice_path *stalest = NULL;
    for (int i = 0; i < (int)ice->path_count; i++) {
        struct ice_path *path = &ice->paths[i];
        if (i != ice->selected && (!stalest || path->checked_us < stalest->checked_us))
            stalest = path;
    }
    assert(stalest);
    return stalest;
}

static struct ice_path *ice_path_add(struct ice *ice, const struct tuple *tuple, struct ice_result *result) {
    struct ice_path *path;
    if (ice->path_count < ICE_TUPLES_MAX) {
        path = &ice->paths[ice->path_count++];
    } else {
        path = ice_path_stalest(ice);
        result->tuple_removed = true;
        result->removed = path->tuple;
    }
    path->tuple = *tuple;
    result->tuple_added = true;
    return path;
}

static bool ice_selected_silent(const struct ice *ice, uint64_t now_us) {
    return now_us - ice->paths[ice->selected].checked_us >= ICE_SELECTED_SILENT_US;
}

static void ice_select(struct ice *ice, const struct ice_path *path, bool use_candidate, uint64_t now_us,
                       struct ice_result *result) {
    int8_t index = (int8_t)(path - ice->paths);
    if (index == ice->selected)
        return;
    if (ice->selected >= 0 && !use_candidate && !ice_selected_silent(ice, now_us))
        return;
    ice->selected = index;
    result->selected_changed = true;
}

static void ice_commit(struct ice *ice, const struct tuple *from, const struct ice_check *check,
                       uint64_t now_us, struct ice_result *result) {
    struct ice_path *path = ice_path_find(ice, from);
    if (!path)
        path = ice_path_add(ice, from, result);
    ice_select(ice, path, check->use_candidate, now_us, result);
    path->checked_us = now_us;
    result->tuple_checked = true;
    ice->consent_us = now_us;
    if (ice->state != ICE_CONNECTED) {
        ice->state = ICE_CONNECTED;
        result->state_changed = true;
    }
    // The peer has nominated with the new credentials: the restart is over (RFC 8445, section 9), and a late
    // check of the old generation must not take the selection back.
    if (check->use_candidate && !check->with_old)
        ice_forget_old(ice);
    ice_assert_invariants(ice);
}

void ice_input(struct ice *ice, struct ice_stun *stun, const struct tuple *from, uint8_t *datagram,
               size_t len, uint64_t now_us, uint8_t *reply, struct ice_result *result) {
    *result = (struct ice_result){0};
    if (ice->state == ICE_CLOSED)
        return;
    struct ice_check check;
    const struct ice_credentials *old = now_us < ice->old_until_us ? &ice->old_credentials : NULL;
    ice_stun_check(stun, &ice->credentials, old, &from->remote, datagram, len, reply, &check);
    assert(check.reply_len <= ICE_REPLY_MAX);
    result->err = check.err;
    result->reply_len = check.reply_len;
    if (check.good)
        ice_commit(ice, from, &check, now_us, result);
}

bool ice_validated(const struct ice *ice, const struct tuple *tuple) {
    return ice_path_find(ice, tuple) != NULL;
}

const struct tuple *ice_selected(const struct ice *ice) {
    if (ice->state != ICE_CONNECTED) // RFC 7675, section 5.1: without consent, cease transmission
        return NULL;
    return &ice->paths[ice->selected].tuple;
}

uint64_t ice_next_us(const struct ice *ice) {
    uint64_t next = TIME_NEVER;
    if (ice->state == ICE_CONNECTED)
        next = ice->consent_us + ICE_CONSENT_US;
    if (ice->old_until_us && ice->old_until_us < next)
        next = ice->old_until_us;
    return next;
}

bool ice_advance(struct ice *ice, uint64_t now_us) {
    if (ice->old_until_us && now_us >= ice->old_until_us)
        ice_forget_old(ice);
    if (ice->state != ICE_CONNECTED || now_us < ice->consent_us + ICE_CONSENT_US)
        return false;
    ice->state = ICE_DISCONNECTED;
    ice_assert_invariants(ice);
    return true;
}
