#include "load/ice_checks.h"

#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/ice.h>

#define SHARDS 64
#define SLACK 24 // libnice reads a fixed integrity length, however short the attribute is

static const uint16_t known_attributes[] = {STUN_ATTRIBUTE_USERNAME,
                                            STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                            STUN_ATTRIBUTE_ERROR_CODE,
                                            STUN_ATTRIBUTE_PRIORITY,
                                            STUN_ATTRIBUTE_USE_CANDIDATE,
                                            STUN_ATTRIBUTE_ICE_CONTROLLING,
                                            STUN_ATTRIBUTE_ICE_CONTROLLED,
                                            STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                            STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
                                            STUN_ATTRIBUTE_FINGERPRINT,
                                            0};

struct ice_checks {
    uint16_t next_shard;
    StunAgent agents[SHARDS];
};

struct ice_checks *ice_checks_create(void) {
    struct ice_checks *checks = calloc(1, sizeof *checks);
    for (unsigned i = 0; checks && i < SHARDS; i++)
        stun_agent_init(&checks->agents[i], known_attributes, STUN_COMPATIBILITY_RFC5389,
                        STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    return checks;
}

void ice_checks_destroy(struct ice_checks *checks) {
    free(checks);
}

void ice_check_init(struct ice_check *check, struct ice_checks *checks, const char *username,
                    const char *password, uint64_t random, uint64_t now_us) {
    *check = (struct ice_check){.checks = checks,
                                .username = username,
                                .password = password,
                                .tie = random,
                                .shard = checks->next_shard++ % SHARDS,
                                .start_us = now_us,
                                .next_us = now_us};
}

void ice_check_forget(struct ice_check *check) {
    _Static_assert(sizeof(StunTransactionId) == sizeof check->id, "an id of 16 bytes");
    if (check->pending)
        stun_agent_forget_transaction(&check->checks->agents[check->shard], check->id);
    check->pending = false;
}

static void check_begin(struct ice_check *check) {
    StunMessage message;
    // RFC 8445, 5.1.2.1: the priority of a peer-reflexive candidate of ours.
    size_t len = stun_usage_ice_conncheck_create(&check->checks->agents[check->shard], &message, check->bytes,
                                                 sizeof check->bytes, (const uint8_t *)check->username,
                                                 strlen(check->username), (const uint8_t *)check->password,
                                                 strlen(check->password), true, true, 1845501695, check->tie,
                                                 NULL, STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    check->len = (uint16_t)len;
    check->pending = len > 0; // otherwise all transactions of this agent are taken: later
    if (check->pending)
        stun_message_id(&message, check->id);
}

size_t ice_check_write(struct ice_check *check, uint64_t now_us) {
    if (now_us < check->next_us)
        return 0;
    if (!check->pending)
        check_begin(check);
    check->sent++;
    uint64_t wait_us = check->sent < ICE_CHECK_QUICK ? ICE_CHECK_FIRST_US : ICE_CHECK_LATER_US;
    check->next_us = now_us + (check->connected ? ICE_CHECK_CONSENT_US / 5 : wait_us);
    return check->pending ? check->len : 0;
}

bool ice_check_is_dead(const struct ice_check *check, uint64_t now_us) {
    return check->connected ? now_us > check->answered_us + ICE_CHECK_EXPIRED_US
                            : now_us > check->start_us + ICE_CHECK_FAILED_US;
}

enum ice_answer ice_check_read(struct ice_check *check, uint8_t *datagram, size_t len, uint64_t now_us) {
    StunMessage message;
    memset(datagram + len, 0, SLACK);
    // An answer is known by its number; libnice knows the transactions of others of this shard as well.
    if (len < 20 || !check->pending || memcmp(datagram + 4, check->id + 0, sizeof check->id) != 0)
        return ICE_ANSWER_STRANGE;
    StunValidationStatus status =
        stun_agent_validate(&check->checks->agents[check->shard], &message, datagram, len, NULL, NULL);
    // Authentic, in both cases: libnice has forgotten the transaction, so the next check is another one.
    if (status == STUN_VALIDATION_SUCCESS || status == STUN_VALIDATION_UNKNOWN_ATTRIBUTE)
        check->pending = false;
    if (status != STUN_VALIDATION_SUCCESS || stun_message_get_class(&message) != STUN_RESPONSE)
        return ICE_ANSWER_BAD;
    check->connected = true;
    check->answered_us = now_us;
    check->next_us = now_us + ICE_CHECK_CONSENT_US * (90 + check->tie % 20) / 100;
    return ICE_ANSWER_GOOD;
}
