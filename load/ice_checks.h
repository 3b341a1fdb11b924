// ice_checks: the controlling side of ICE towards one candidate, built with libnice's STUN messages: a check
// that nominates at once, its answer authenticated, consent kept up (RFC 8445, RFC 7675). Sans I/O.
//
// `struct ice_checks` is shared: libnice's agent keeps outstanding transactions, 200 at a time, so some of
// them share the work. `struct ice_check` is one transport; it must be forgotten before its memory goes.
#ifndef LOAD_ICE_CHECKS_H
#define LOAD_ICE_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ICE_CHECK_BYTES_MAX 768
#define ICE_CHECK_FIRST_US 50000  // between checks until one is answered: Ta (RFC 8445, 14.2)
#define ICE_CHECK_LATER_US 250000 // after the first ICE_CHECK_QUICK of them
#define ICE_CHECK_QUICK 10
#define ICE_CHECK_CONSENT_US 5000000  // RFC 7675, section 5.1
#define ICE_CHECK_FAILED_US 15000000  // no answer at all
#define ICE_CHECK_EXPIRED_US 30000000 // RFC 7675, section 5.1: consent

struct ice_checks;

struct ice_check {
    struct ice_checks *checks;
    const char *username, *password; // the server's ufrag ":" ours; the server's password: the caller's
    uint64_t tie;
    uint16_t shard;
    bool pending, connected;
    uint8_t id[16];
    unsigned sent;
    uint16_t len; // of the check that is pending, repeated as it is until it is answered
    uint8_t bytes[ICE_CHECK_BYTES_MAX];
    uint64_t start_us, next_us, answered_us;
};

struct ice_checks *ice_checks_create(void); // NULL: no memory
void ice_checks_destroy(struct ice_checks *checks);

void ice_check_init(struct ice_check *check, struct ice_checks *checks, const char *username,
                    const char *password, uint64_t random, uint64_t now_us);
void ice_check_forget(struct ice_check *check);
// The check that is due, in check->bytes; 0 when none is. Call at next_us.
size_t ice_check_write(struct ice_check *check, uint64_t now_us);
bool ice_check_is_dead(const struct ice_check *check, uint64_t now_us);

enum ice_answer { ICE_ANSWER_GOOD, ICE_ANSWER_STRANGE, ICE_ANSWER_BAD };
// A STUN datagram (24 writable bytes behind it). GOOD: the answer to our check; STRANGE: something else, to
// be ignored, such as an answer that comes twice; BAD: not authentic or an error.
enum ice_answer ice_check_read(struct ice_check *check, uint8_t *datagram, size_t len, uint64_t now_us);

#endif
