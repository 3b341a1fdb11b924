// What answers the load generator's ICE checks: datagrams of anybody, among them those that carry the number
// of the check that waits, and those that are authentic as well. None but an authentic success connects.
//
// Input: records of a byte of mode, a byte of length (times 4) and so many bytes. mode & 1: the number is the
// check's; mode & 2: integrity and fingerprint are made right; mode & 4: time passes first.
#include "tests/unit/transport/stun_build.h"

#include "base/clock.h"
#include "load/ice_checks.h"

#include <assert.h>
#include <stdlib.h>

#define SPARE 64 // as behind what a socket gives (load/net.h)
#define RECORDS_MAX 32
#define PASSWORD "a password of the server"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void build(struct stun_build *m, uint8_t mode, struct span bytes, const struct ice_check *check) {
    memset(m, 0, sizeof *m);
    memcpy(m->bytes, bytes.ptr, bytes.len);
    m->len = bytes.len;
    if (m->len < 20)
        return;
    if (mode & 1)
        memcpy(m->bytes + 4, check->bytes + 4, 16);
    if (!(mode & 2))
        return;
    stun_set_length(m);
    stun_integrity(m, span_of_text(PASSWORD));
    stun_fingerprint(m);
}

static void answer(struct ice_check *check, uint8_t mode, struct span bytes, uint64_t now_us) {
    struct stun_build m;
    build(&m, mode, bytes, check);
    uint8_t *copy = malloc(m.len + SPARE);
    assert(copy);
    memcpy(copy, m.bytes, m.len);
    bool connected = check->connected, waited = check->pending;
    enum ice_answer answer = ice_check_read(check, copy, m.len, now_us);
    if (answer == ICE_ANSWER_GOOD) {
        assert(waited && m.len >= 20 && memcmp(m.bytes + 4, check->bytes + 4, 16) == 0);
        assert((load_be16(m.bytes) & 0x0110) == 0x0100 && check->connected && !check->pending);
        assert(stun_integrity_holds(span_of(m.bytes, m.len), span_of_text(PASSWORD)));
    } else {
        assert(check->connected == connected && (waited || !check->pending));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct ice_checks *checks;
    struct ice_check check;
    uint64_t now_us = 1000 * US_PER_SECOND;
    if (!checks)
        checks = ice_checks_create();
    assert(checks);
    ice_check_init(&check, checks, "theirs:ours", PASSWORD, 7, now_us);
    struct reader r = reader_of(span_of(data, size));
    for (unsigned i = 0; i < RECORDS_MAX && r.left >= 2; i++) {
        uint8_t mode = read_u8(&r);
        size_t len = (size_t)read_u8(&r) * 4;
        if (mode & 4)
            now_us += (uint64_t)(mode >> 3) * 300000;
        assert(ice_check_write(&check, now_us) <= ICE_CHECK_BYTES_MAX);
        answer(&check, mode, read_span(&r, len < r.left ? len : r.left), now_us);
    }
    ice_check_forget(&check);
    return 0;
}
