#include "transport/ice_proof.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "transport/ice_stun.h"

#include <assert.h>

static int8_t path_index(const struct ice *ice, const struct ice_path *path) {
    assert(path >= ice->paths && path < ice->paths + ice->path_count);
    return (int8_t)(path - ice->paths);
}

void ice_proof_init(struct ice *ice) {
    ice->media = ice->also = ice->grant.path = -1;
    ice->ask_us = TIME_NEVER;
    ice->budget = ICE_UNPROVEN_BYTES;
}

void ice_direct_media(struct ice *ice) {
    const struct ice_path *selected = ice->selected >= 0 ? &ice->paths[ice->selected] : NULL;
    ice->media = ice->also = -1;
    ice->metered = false;
    if (!selected ||
        ice->state != ICE_CONNECTED) // RFC 7675, section 5.1: without consent, cease transmission
        return;
    if (selected->proven) {
        ice->media = ice->selected;
        ice->also = ice->grant.path;
        ice->metered = ice->also >= 0;
        return;
    }
    bool trusted = ice->grant.path == ice->selected;
    if (trusted || ice->budget > ICE_UNPROVEN_KEPT) {
        ice->media = ice->selected;
        ice->metered = true;
    }
}

void ice_select(struct ice *ice, struct ice_path *path) {
    ice->selected = path_index(ice, path);
    ice_direct_media(ice);
}

bool ice_keeps_udp(const struct ice *ice, const struct ice_path *nominated) {
    const struct ice_path *selected = &ice->paths[ice->selected];
    return nominated->tuple.protocol == TUPLE_TCP && selected->tuple.protocol == TUPLE_UDP &&
           selected->proven && selected->nominated && nominated->heard_us <= selected->heard_us;
}

// ---- questions

// Looks anew at the paths: how many are not proven, and when the next of them is to be asked.
static void ice_ask_next(struct ice *ice) {
    ice->ask_us = TIME_NEVER;
    ice->unproven = 0;
    for (unsigned i = 0; i < ice->path_count; i++) {
        const struct ice_path *path = &ice->paths[i];
        ice->unproven += !path->proven;
        if (ice->asks && !path->proven && !path->waits && path->ask_us < ice->ask_us)
            ice->ask_us = path->ask_us;
    }
}

void ice_proof_begin(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    path->proven = path->answered = path->waits = false;
    path->asked = 0;
    path->ask_us = now_us;
    path->secret_before = path->secret;
    entropy_fill(path->request_id, sizeof path->request_id);
    do
        path->secret = entropy_u32();
    while (path->secret == 0); // in a report 0 says that there was nothing to repeat
    ice_ask_next(ice);
}

void ice_ask(struct ice *ice, uint64_t now_us) {
    ice->asks = true;
    for (unsigned i = 0; i < ice->path_count; i++)
        if (ice->paths[i].asked == 0)
            ice->paths[i].ask_us = now_us;
    ice_ask_next(ice);
}

struct ice_path *ice_next_question(struct ice *ice, uint64_t now_us) {
    if (now_us < ice->ask_us)
        return NULL;
    struct ice_path *found = NULL;
    for (unsigned i = 0; i < ice->path_count && !found; i++)
        if (!ice->paths[i].proven && !ice->paths[i].waits && ice->paths[i].ask_us <= now_us)
            found = &ice->paths[i];
    if (found) {
        found->waits = found->asked >= ICE_ASK_MAX - 1;
        found->ask_us =
            now_us + (found->waits ? ICE_ASK_LATER_US : (uint64_t)ICE_ASK_FIRST_US << found->asked);
        if (found->asked < ICE_ASK_MAX)
            found->asked++;
    }
    ice_ask_next(ice);
    return found;
}

size_t ice_question(struct ice_stun *stun, const struct ice_path *path, uint8_t out[ICE_QUESTION_BYTES]) {
    return ice_stun_request(stun, path->request_id, out, ICE_QUESTION_BYTES);
}

// ---- the budget

static void ice_refill(struct ice *ice, uint64_t now_us) {
    uint64_t more = (now_us - ice->budget_us) * ICE_UNPROVEN_BYTES_S / US_PER_SECOND;
    if (more == 0)
        return;
    ice->budget_us = now_us;
    ice->budget = more < ICE_UNPROVEN_BYTES - ice->budget ? ice->budget + (uint32_t)more : ICE_UNPROVEN_BYTES;
}

bool ice_afford(struct ice *ice, const struct ice_path *path, size_t len, uint64_t now_us) {
    if (path->proven)
        return true;
    if (ice->grant.path == path_index(ice, path) && len < ice->grant.bytes) {
        ice->grant.bytes -= (uint32_t)len;
        return true;
    }
    ice_refill(ice, now_us);
    if (len > ice->budget)
        return false;
    ice->budget -= (uint32_t)len;
    return true;
}

void ice_credit(struct ice *ice, const struct ice_path *path, size_t len) {
    if (path->proven)
        return;
    uint32_t room = ICE_UNPROVEN_BYTES - ice->budget;
    ice->budget += len < room ? (uint32_t)len : room;
}

// ---- trust

static void ice_end_grant(struct ice *ice, bool led_to_proof, uint64_t now_us) {
    if (ice->grant.path < 0)
        return;
    ice->grant.path = -1;
    if (!led_to_proof) {
        if (ice->grant.spent < ICE_GRANT_PAUSES)
            ice->grant.spent++;
        ice->grant.next_us = now_us + ice->grant.spent * ICE_GRANT_PAUSE_US;
    }
    ice_direct_media(ice);
}

struct ice_path *ice_candidate(struct ice *ice) {
    if (ice->selected < 0)
        return NULL;
    struct ice_path *selected = &ice->paths[ice->selected];
    struct ice_path *latest = selected;
    for (unsigned i = 0; i < ice->path_count; i++)
        if (!ice->paths[i].proven && ice->paths[i].nominated > latest->nominated)
            latest = &ice->paths[i];
    return latest->proven ? NULL : latest;
}

static void ice_trust(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    if (!path->answered || path != ice_candidate(ice))
        return;
    // A peer that has gone on to another tuple meanwhile takes along what is left.
    if (ice->grant.path < 0) {
        if (now_us < ice->grant.next_us)
            return;
        ice->grant.bytes = ICE_GRANT_BYTES;
        ice->grant.until_us = now_us + ICE_GRANT_US;
    }
    ice->grant.path = path_index(ice, path);
    ice_direct_media(ice);
}

void ice_proof_gone(struct ice *ice, const struct ice_path *path, uint64_t now_us) {
    if (ice->grant.path == path_index(ice, path))
        ice_end_grant(ice, false, now_us);
}

void ice_proof_moved(struct ice *ice, unsigned place, uint32_t secret, uint64_t now_us) {
    assert(ice->grant.path < (int)ice->path_count || place < ice->path_count);
    if (ice->grant.path == (int)ice->path_count)
        ice->grant.path = (int8_t)place;
    if (place < ice->path_count && !ice->paths[place].proven) {
        bool answered = ice->paths[place].answered;
        ice->paths[place].secret = secret; // what was asked under this number
        ice_proof_begin(ice, &ice->paths[place], now_us);
        ice->paths[place].answered = answered;
    }
    ice_ask_next(ice);
    ice_direct_media(ice);
}

void ice_proof_answered(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    if (path->proven)
        return;
    path->answered = true; // and is asked on: the answer that is a proof comes later
    ice_trust(ice, path, now_us);
}

// Checks go on coming: who has given no proof yet is asked again, not more often than it asks us.
void ice_proof_checked(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    if (path->proven)
        return;
    if (path->waits && now_us >= path->ask_us) {
        path->waits = false;
        ice_ask_next(ice);
    }
    ice_refill(ice, now_us);
    ice_trust(ice, path, now_us);
    ice_direct_media(ice);
}

void ice_prove(struct ice *ice, struct ice_path *path, uint64_t now_us) {
    assert(ice->selected >= 0);
    if (path->proven)
        return;
    path->proven = true;
    ice_ask_next(ice);
    const struct ice_path *selected = &ice->paths[ice->selected];
    if (!selected->proven || (path->nominated > selected->nominated && !ice_keeps_udp(ice, path)))
        ice_select(ice, path);
    if (ice->grant.path == path_index(ice, path))
        ice_end_grant(ice, true, now_us);
    ice_direct_media(ice);
}

void ice_spend(struct ice *ice, size_t len, uint64_t now_us) {
    if (ice->grant.path >= 0) {
        if (len < ice->grant.bytes && now_us < ice->grant.until_us)
            ice->grant.bytes -= (uint32_t)len;
        else
            ice_end_grant(ice, false, now_us);
    } else {
        ice->budget = len < ice->budget ? ice->budget - (uint32_t)len : 0;
        ice_direct_media(ice);
    }
}

// ---- time

uint64_t ice_proof_next_us(const struct ice *ice) {
    uint64_t next_us = ice->ask_us;
    if (ice->grant.path >= 0 && ice->grant.until_us < next_us)
        next_us = ice->grant.until_us;
    return next_us;
}

void ice_proof_advance(struct ice *ice, uint64_t now_us) {
    if (ice->grant.path >= 0 && now_us >= ice->grant.until_us)
        ice_end_grant(ice, false, now_us);
}
