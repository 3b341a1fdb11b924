// Datagrams at an ICE peer. The input is a row of records: one byte of mode, two of length, then the bytes.
//   mode & 3: 0 the raw datagram; 1 the attributes of a request, with our header, USERNAME, integrity and
//             fingerprint put around them; 2 the datagram with its own integrity and fingerprint made right;
//             3 nothing arrives, but time passes (seconds in the first byte) and a restart may happen.
//   mode & 4: sign with the old password; mode >> 3: which tuple it comes from.
#include "tests/unit/transport/stun_build.h"

#include "base/clock.h"
#include "transport/demux.h"
#include "transport/ice.h"

#include <assert.h>
#include <stdlib.h>

#define REPLY_GROWTH_MAX 64 // a reply is never longer than its request by more

struct fuzz {
    struct ice_stun *stun;
    struct ice ice;
    uint64_t now_us;
};

static const struct ice_credentials first = {"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};
static const struct ice_credentials second = {"00cccccccccccccc", "dddddddddddddddddddddddddddddddd"};

static const struct ice_credentials *fuzz_credentials(const struct fuzz *f, bool old) {
    return old && f->ice.old_until_us ? &f->ice.old_credentials : &f->ice.credentials;
}

static void build_around(struct stun_build *m, const struct ice_credentials *c, struct span attributes) {
    char username[ICE_UFRAG_BYTES + 5];
    memcpy(username, c->ufrag, ICE_UFRAG_BYTES);
    memcpy(username + ICE_UFRAG_BYTES, ":peer", 5);
    stun_begin(m, STUN_REQUEST_TYPE);
    stun_attr(m, ATTR_USERNAME, username, sizeof username);
    size_t len = attributes.len & ~(size_t)3;
    if (len)
        memcpy(m->bytes + m->len, attributes.ptr, len);
    m->len += len;
    stun_integrity(m, span_of_text(c->pwd));
    stun_fingerprint(m);
}

// Makes right what stands in a datagram: cookie, length, a USERNAME of ours, the HMAC, the CRC.
static void build_repaired(struct stun_build *m, const struct ice_credentials *c, struct span raw) {
    memset(m, 0, sizeof *m);
    memcpy(m->bytes, raw.ptr, raw.len);
    m->len = raw.len;
    if (m->len < 20)
        return;
    store_be32(m->bytes + 4, UINT32_C(0x2112a442));
    stun_set_length(m);
    size_t at = 0;
    struct span view = span_of(m->bytes, m->len);
    struct span username = stun_find(view, ATTR_USERNAME, &at);
    if (username.len > ICE_UFRAG_BYTES) {
        memcpy(m->bytes + at + 4, c->ufrag, ICE_UFRAG_BYTES);
        m->bytes[at + 4 + ICE_UFRAG_BYTES] = ':';
    }
    if (stun_find(view, ATTR_MESSAGE_INTEGRITY, &at).len == 20)
        stun_hmac(m->bytes, at, at + 24, span_of_text(c->pwd), m->bytes + at + 4);
    if (stun_find(view, ATTR_FINGERPRINT, &at).len == 4)
        store_be32(m->bytes + at + 4, stun_crc(m->bytes, at));
}

static void check_invariants(const struct fuzz *f, const struct ice *before, const struct tuple *from,
                             const struct ice_result *r, size_t len, bool authentic) {
    assert(r->reply_len <= ICE_REPLY_MAX && r->reply_len <= len + REPLY_GROWTH_MAX);
    assert(f->ice.path_count <= ICE_TUPLES_MAX);
    if (!authentic) {
        assert(r->reply_len == 0);
        assert(memcmp(before, &f->ice, sizeof *before) == 0);
    }
    if (r->err != ERR_OK)
        assert(r->reply_len == 0 && memcmp(before, &f->ice, sizeof *before) == 0);
    if (r->tuple_added)
        assert(ice_validated(&f->ice, from) && !ice_validated(before, from) && r->reply_len > 0);
    if (r->tuple_removed)
        assert(r->tuple_added && !ice_validated(&f->ice, &r->removed));
    if (f->ice.state == ICE_CONNECTED)
        assert(ice_selected(&f->ice) && ice_validated(&f->ice, ice_selected(&f->ice)));
}

static void check_reply(const struct ice *before, struct span reply) {
    assert(datagram_kind(reply) == DATAGRAM_STUN && stun_fingerprint_holds(reply));
    assert(stun_integrity_holds(reply, span_of_text(before->credentials.pwd)) ||
           stun_integrity_holds(reply, span_of_text(before->old_credentials.pwd)));
    uint16_t type = load_be16(reply.ptr);
    assert(type == STUN_SUCCESS_TYPE || type == STUN_ERROR_TYPE);
    if (type == STUN_ERROR_TYPE)
        assert(stun_error_code(reply) == 487 || stun_error_code(reply) == 420);
}

static struct tuple fuzz_tuple(unsigned n) {
    struct tuple t = {.protocol = TUPLE_UDP,
                      .remote = {.family = n & 1 ? 6 : 4, .port = (uint16_t)(1000 + n)},
                      .local = {.family = n & 1 ? 6 : 4, .port = 40000}};
    t.remote.ip[0] = 32;
    t.local.ip[3] = 1;
    return t;
}

// Libfuzzer sees what memcmp compares and may well find an HMAC; then the datagram is as good as ours.
static bool signed_by_us(const struct fuzz *f, struct span datagram) {
    return stun_integrity_holds(datagram, span_of_text(f->ice.credentials.pwd)) ||
           (f->ice.old_until_us && stun_integrity_holds(datagram, span_of_text(f->ice.old_credentials.pwd)));
}

static void fuzz_datagram(struct fuzz *f, uint8_t mode, struct span bytes) {
    const struct ice_credentials credentials = *fuzz_credentials(f, mode & 4);
    struct stun_build m;
    if ((mode & 3) == 0) {
        memcpy(m.bytes, bytes.ptr, bytes.len);
        m.len = bytes.len;
    } else if ((mode & 3) == 1) {
        build_around(&m, &credentials, bytes);
    } else {
        build_repaired(&m, &credentials, bytes);
    }
    uint8_t *copy = malloc(m.len + 24), *reply = malloc(ICE_REPLY_MAX);
    assert(copy && reply);
    memcpy(copy, m.bytes, m.len);
    struct tuple from = fuzz_tuple(mode >> 3);
    struct ice before = f->ice;
    struct ice_result result;
    struct span ufrag;
    bool authentic = signed_by_us(f, span_of(m.bytes, m.len));
    if (ice_peek_ufrag(span_of(copy, m.len), &ufrag) == ERR_OK)
        assert(ice_ufrag_worker(ufrag) < ICE_WORKERS_MAX);
    ice_input(&f->ice, f->stun, &from, copy, m.len, f->now_us, reply, &result);
    check_invariants(f, &before, &from, &result, m.len, authentic);
    if (result.reply_len)
        check_reply(&before, span_of(reply, result.reply_len));
    free(copy);
    free(reply);
}

static void fuzz_time(struct fuzz *f, uint8_t mode, struct span bytes) {
    f->now_us += (bytes.len ? bytes.ptr[0] : 1) * US_PER_SECOND / 4;
    if (mode & 4) {
        bool is_first = strcmp(f->ice.credentials.ufrag, first.ufrag) == 0;
        if (mode & 8)
            (void)ice_offer(&f->ice, is_first ? &second : &first);
        else
            ice_restart(&f->ice, is_first ? &second : &first, f->now_us);
    }
    bool changed = ice_advance(&f->ice, f->now_us);
    assert(!changed || f->ice.state == ICE_DISCONNECTED);
    assert(ice_next_us(&f->ice) > f->now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz f = {.stun = ice_stun_create(), .now_us = 1000 * US_PER_SECOND};
    assert(f.stun);
    ice_init(&f.ice, &first);
    struct reader r = reader_of(span_of(data, size));
    for (int records = 0; records < 24 && r.left >= 3; records++) {
        uint8_t mode = read_u8(&r);
        size_t len = read_u16(&r) & 0x7ff;
        struct span bytes = read_span(&r, len < r.left ? len : r.left);
        if ((mode & 3) == 3)
            fuzz_time(&f, mode, bytes);
        else
            fuzz_datagram(&f, mode, bytes);
    }
    ice_stun_destroy(f.stun);
    return 0;
}
