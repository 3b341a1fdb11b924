// Datagrams at a peer's whole transport: ICE, DTLS and SRTP of one peer who moves, and of those who forge and
// copy what it sends. Whatever comes, tuples that are not proven get no more than their budget. The input is
// a row of steps: one byte of kind, one of length, then the bytes. A genuine peer takes part: it can be
// validated, shake hands and send SRTP between the fuzzed datagrams.
#include "tests/unit/transport/dtls_harness.h"
#include "tests/unit/transport/stun_build.h"
#include "transport/dtls_in_stun.h"

#include "transport/ice_proof.h"
#include "transport/peer_transport.h"

#include <assert.h>

enum step {
    STEP_RAW,      // the bytes, from the tuple that the genuine peer has
    STEP_STRANGER, // the bytes, from a tuple that was never validated
    STEP_RECORD,   // the bytes as the body of a DTLS record
    STEP_CHECK,    // a good connectivity check
    STEP_CONNECT,  // the signalled parameters
    STEP_START,    // the genuine peer begins its handshake
    STEP_EXCHANGE, // some datagrams of the handshake go both ways, one of them spoilt by the bytes
    STEP_SRTP,     // a genuine packet, spoilt by the bytes
    STEP_TIME,     // time passes
    STEP_RESTART,  // ICE restart
    STEP_FORGET,   // an SSRC is forgotten
    STEP_MOVE,     // a good check from another tuple of the peer's
    STEP_REPEAT,   // the last check again, from some tuple
    STEP_ANSWER,   // the last question is answered as browsers do, spoilt by the bytes
    STEP_REPORT,   // and its secret repeated in a report, likewise
    STEP_MEDIA,    // media and a sender report leave
    STEP_CARRY,    // a good check carries a datagram of the handshake, spoilt by the bytes, or the bytes
    STEP_COUNT,
    STEP_LOSE = 255 // a tuple's connection has ended
};

struct fuzz {
    struct peer_transport *peer;
    struct dtls *remote;
    struct srtp_session *remote_srtp;
    struct link to_peer, to_remote;
    struct tuple home, stranger, moved[4];
    bool validated, connected, knows_secret, answered;
    unsigned moves; // a bit for each tuple that was checked
    uint16_t seq;
    struct stun_build last_check;
    struct tuple asked;
    uint8_t question[12], secret[8]; // of the last question: id; SSRC and time
    uint64_t unproven_bytes, credit; // to tuples of which nobody has said that he is there; and from anywhere
    uint64_t start_us;
};

static struct peer_shared shared;
static struct dtls_context *remote_context;
static const struct ice_credentials ours = {"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};

static void peer_sends(void *ctx, const struct tuple *to, struct span datagram) {
    struct fuzz *f = ctx;
    bool known = f->validated && tuple_equal(to, &f->home);
    for (unsigned i = 0; i < 4; i++)
        known |= (f->moves & 1u << i) && tuple_equal(to, &f->moved[i]);
    assert(known); // nobody else is ever answered
    bool question = datagram_kind(datagram) == DATAGRAM_STUN && load_be16(datagram.ptr) == STUN_REQUEST_TYPE;
    if (datagram_kind(datagram) == DATAGRAM_STUN && !question) {
        struct span carried = stun_find(datagram, STUN_ATTRIBUTE_DTLS, NULL);
        assert(stun_integrity_holds(datagram, span_of_text(ours.pwd)));
        if (carried.len > 0)
            link_put(&f->to_remote, carried);
        return;
    }
    if (!tuple_equal(to, &f->home) && !f->knows_secret && !f->answered)
        f->unproven_bytes += datagram.len;
    if (question) {
        f->asked = *to;
        memcpy(f->question, datagram.ptr + 8, sizeof f->question);
    } else if (datagram_kind(datagram) == DATAGRAM_RTCP && f->remote_srtp && datagram.len <= 64) {
        uint8_t packet[64];
        size_t len = datagram.len;
        memcpy(packet, datagram.ptr, len);
        if (srtp_session_unprotect_rtcp(f->remote_srtp, packet, &len) == ERR_OK && packet[1] == 207) {
            memcpy(f->secret, packet + 4, 4);
            memcpy(f->secret + 4, packet + 14, 4);
        }
    } else if (datagram_kind(datagram) == DATAGRAM_DTLS) {
        f->answered |= !tuple_equal(to, &f->home); // the handshake may prove it
        link_put(&f->to_remote, datagram);
    }
}

static void remote_sends(void *ctx, struct span datagram) {
    link_put(&((struct fuzz *)ctx)->to_peer, datagram);
}

static void give(struct fuzz *f, const struct tuple *from, const uint8_t *bytes, size_t len, bool genuine) {
    uint8_t *buffer = malloc(len + 24);
    struct peer_input out;
    if (!buffer)
        abort();
    memcpy(buffer, bytes, len);
    bool known = f->validated && from == &f->home;
    for (unsigned i = 0; i < 4; i++)
        known |= (f->moves & 1u << i) && from == &f->moved[i];
    enum datagram_kind kind = datagram_kind(span_of(bytes, len));
    f->credit += kind == DATAGRAM_STUN ? 0 : len;
    peer_transport_input(f->peer, from, buffer, len, virtual_now_us, &out);
    assert(out.len <= len);
    assert((out.kind == PEER_DROPPED) == (out.drop != PEER_DROP_NONE));
    if (!known && kind != DATAGRAM_STUN)
        assert(out.kind == PEER_DROPPED);
    if (out.kind == PEER_RTP || out.kind == PEER_RTCP)
        assert(genuine && f->connected && out.len < len);
    if (out.connected)
        f->connected = true;
    free(buffer);
}

static void build_check_with(struct fuzz *f, struct span acks, struct span data) {
    struct stun_build *b = &f->last_check;
    stun_begin(b, STUN_REQUEST_TYPE);
    stun_attr(b, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
    stun_attr_u32(b, ATTR_PRIORITY, 1);
    stun_attr_u64(b, ATTR_ICE_CONTROLLING, 1);
    stun_attr(b, ATTR_USE_CANDIDATE, NULL, 0);
    if (acks.ptr)
        stun_attr(b, STUN_ATTRIBUTE_DTLS_ACKS, acks.ptr, acks.len);
    if (data.ptr)
        stun_attr(b, STUN_ATTRIBUTE_DTLS, data.ptr, data.len);
    stun_integrity(b, span_of_text(ours.pwd));
    stun_fingerprint(b);
}

static void build_check(struct fuzz *f) {
    build_check_with(f, (struct span){0}, (struct span){0});
}

// What the answer carries reaches the remote end.
static void step_carry(struct fuzz *f, struct span bytes) {
    struct link_item *item = bytes.len == 0 || bytes.ptr[0] & 1 ? link_take(&f->to_peer) : NULL;
    struct span data = bytes;
    if (item) {
        for (size_t k = 1; k + 1 < bytes.len; k += 2)
            item->bytes[bytes.ptr[k] % item->len] ^= bytes.ptr[k + 1];
        data = span_of(item->bytes, item->len);
    }
    build_check_with(f, bytes, data);
    f->validated = true;
    f->credit += data.len;
    give(f, &f->home, f->last_check.bytes, f->last_check.len, true);
    free(item);
}

static void step_check(struct fuzz *f) {
    build_check(f);
    f->validated = true;
    give(f, &f->home, f->last_check.bytes, f->last_check.len, true);
}

static struct tuple *tuple_named(struct fuzz *f, struct span bytes) {
    unsigned i = bytes.len ? bytes.ptr[0] % 4 : 0;
    f->moves |= 1u << i;
    return &f->moved[i];
}

static void step_move(struct fuzz *f, struct span bytes, bool again) {
    if (!again || f->last_check.len == 0)
        build_check(f);
    give(f, tuple_named(f, bytes), f->last_check.bytes, f->last_check.len, true);
}

static void step_answer(struct fuzz *f, struct span bytes) {
    struct stun_build b;
    if (f->asked.remote.family == 0)
        return;
    stun_begin(&b, STUN_ERROR_TYPE);
    memcpy(b.bytes + 8, f->question, sizeof f->question);
    stun_attr(&b, ATTR_ERROR_CODE, "\0\0\4\0", 4);
    for (size_t k = 0; k + 1 < bytes.len; k += 2)
        b.bytes[bytes.ptr[k] % b.len] ^= bytes.ptr[k + 1];
    f->answered = true;
    for (unsigned i = 0; i < 4; i++)
        if (tuple_equal(&f->asked, &f->moved[i]))
            give(f, &f->moved[i], b.bytes, b.len, false);
}

static void step_report(struct fuzz *f, struct span bytes) {
    uint8_t packet[200] = {0x80, 207, 0, 5, 0, 0, 0, 9, 5, 0, 0, 3};
    size_t len = 24;
    if (!f->remote_srtp)
        return;
    memcpy(packet + 12, f->secret, 8);
    for (size_t k = 0; k + 1 < bytes.len; k += 2)
        packet[4 + bytes.ptr[k] % 20] ^= bytes.ptr[k + 1];
    f->knows_secret = true;
    if (srtp_session_protect_rtcp(f->remote_srtp, packet, &len) == ERR_OK)
        give(f, &f->home, packet, len, true);
}

static void step_media(struct fuzz *f, struct span bytes) {
    static const uint8_t sr[28] = {0x80, 200, 0, 6, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 7, 8};
    for (unsigned i = 0; i < (bytes.len ? bytes.ptr[0] : 1u); i++) {
        const struct tuple *to = peer_transport_selected(f->peer);
        if (to) {
            assert(f->connected || peer_transport_dtls_state(f->peer) != DTLS_CONNECTED);
            if (!tuple_equal(to, &f->home) && !f->knows_secret && !f->answered)
                f->unproven_bytes += 1200;
            const struct tuple *also = peer_transport_also(f->peer, 1200, virtual_now_us);
            assert(!also || (f->answered && !tuple_equal(also, to)));
        }
        peer_transport_send_rtcp(f->peer, span_of(sr, sizeof sr), virtual_now_us);
    }
}

static void step_connect(struct fuzz *f, uint8_t how) {
    struct fingerprint of_remote = fingerprint_parse(dtls_context_fingerprint(remote_context));
    struct fingerprint of_peer = fingerprint_parse(dtls_context_fingerprint(shared.dtls));
    enum dtls_role role = how & 1 ? DTLS_ROLE_CLIENT : DTLS_ROLE_SERVER;
    if (how & 2)
        of_remote.bytes[how % 32] ^= 1;
    (void)!peer_transport_connect(f->peer, role, &of_remote, virtual_now_us);
    (void)!dtls_connect(f->remote, how & 1 ? DTLS_ROLE_SERVER : DTLS_ROLE_CLIENT, &of_peer);
    if ((how & 2) == 0)
        return;
    assert(peer_transport_dtls_state(f->peer) != DTLS_CONNECTED || f->connected);
}

static void step_exchange(struct fuzz *f, struct span bytes) {
    for (unsigned i = 0; i < 8; i++) {
        virtual_now_us += 2 * US_PER_MS;
        struct link_item *to_peer = link_take(&f->to_peer), *to_remote = link_take(&f->to_remote);
        if (to_peer) {
            for (size_t k = 0; k + 2 < bytes.len && i == bytes.ptr[0] % 8; k += 2)
                to_peer->bytes[bytes.ptr[k + 1] % to_peer->len] ^= bytes.ptr[k + 2];
            give(f, &f->home, to_peer->bytes, to_peer->len, false);
        }
        if (to_remote)
            dtls_input(f->remote, span_of(to_remote->bytes, to_remote->len), virtual_now_us);
        free(to_peer);
        free(to_remote);
    }
    struct srtp_keys keys;
    if (!f->remote_srtp && dtls_export_keys(f->remote, &keys) == ERR_OK)
        f->remote_srtp = srtp_session_create(&keys);
}

static void step_srtp(struct fuzz *f, struct span bytes) {
    uint8_t packet[200] = {0x80, 96};
    size_t len = 60;
    if (!f->remote_srtp)
        return;
    store_be16(packet + 2, f->seq++);
    if (bytes.len && bytes.ptr[0] & 1)
        packet[1] = 200;
    enum err err = packet[1] == 200
                       ? srtp_session_protect_rtcp(f->remote_srtp, packet, &len)
                       : srtp_session_protect_rtp(f->remote_srtp, packet, &len, load_be16(packet + 2));
    if (err != ERR_OK)
        return;
    uint8_t spoilt[sizeof packet];
    memcpy(spoilt, packet, len);
    for (size_t k = 1; k + 1 < bytes.len; k += 2)
        spoilt[bytes.ptr[k] % len] ^= bytes.ptr[k + 1];
    give(f, &f->home, spoilt, len, memcmp(spoilt, packet, len) == 0);
}

static void step_record(struct fuzz *f, struct span bytes) {
    uint8_t out[300];
    struct writer w = writer_of(out, sizeof out);
    write_u8(&w, bytes.len ? (uint8_t)(20 + bytes.ptr[0] % 4) : 22);
    write_u16(&w, 0xfefd);
    write_u16(&w, bytes.len > 1 ? bytes.ptr[1] % 3 : 0);
    write_zeros(&w, 6);
    write_u16(&w, (uint16_t)bytes.len);
    write_span(&w, bytes);
    give(f, &f->home, out, w.len, false);
}

static void step_time(struct fuzz *f, struct span bytes) {
    struct peer_input out;
    virtual_now_us += bytes.len ? bytes.ptr[0] * 100 * US_PER_MS : US_PER_MS;
    peer_transport_advance(f->peer, virtual_now_us, &out);
    dtls_advance(f->remote, virtual_now_us);
    assert(out.kind == PEER_CONSUMED && !out.tuple_added);
    if (out.connected)
        f->connected = true;
}

// From then on the tuple is nobody's: give() and peer_sends() see to that.
static void step_lose(struct fuzz *f, struct span bytes) {
    unsigned i = bytes.len ? bytes.ptr[0] % 5 : 4;
    struct peer_input out;
    if (i == 4)
        f->validated = false;
    else
        f->moves &= ~(1u << i);
    peer_transport_lose(f->peer, i == 4 ? &f->home : &f->moved[i], virtual_now_us, &out);
    assert(out.kind == PEER_CONSUMED && !out.tuple_added);
    const struct tuple *to = peer_transport_selected(f->peer);
    assert(!to || !tuple_equal(to, i == 4 ? &f->home : &f->moved[i]));
    if (out.connected)
        f->connected = true;
}

static void fuzz_step(struct fuzz *f, enum step step, struct span bytes) {
    switch (step) {
    case STEP_RAW:
        give(f, &f->home, bytes.ptr, bytes.len, false);
        break;
    case STEP_STRANGER:
        give(f, &f->stranger, bytes.ptr, bytes.len, false);
        break;
    case STEP_RECORD:
        step_record(f, bytes);
        break;
    case STEP_CHECK:
        step_check(f);
        break;
    case STEP_CONNECT:
        step_connect(f, bytes.len ? bytes.ptr[0] : 1);
        break;
    case STEP_START:
        dtls_start(f->remote, virtual_now_us);
        break;
    case STEP_EXCHANGE:
        step_exchange(f, bytes);
        break;
    case STEP_SRTP:
        step_srtp(f, bytes);
        break;
    case STEP_TIME:
        step_time(f, bytes);
        break;
    case STEP_RESTART:
        peer_transport_restart_ice(f->peer, &ours, virtual_now_us);
        break;
    case STEP_FORGET:
        peer_transport_forget_ssrc(f->peer, 0);
        break;
    case STEP_MOVE:
    case STEP_REPEAT:
        step_move(f, bytes, step == STEP_REPEAT);
        break;
    case STEP_ANSWER:
        step_answer(f, bytes);
        break;
    case STEP_REPORT:
        step_report(f, bytes);
        break;
    case STEP_CARRY:
        step_carry(f, bytes);
        break;
    case STEP_MEDIA:
        step_media(f, bytes);
        break;
    case STEP_LOSE:
        step_lose(f, bytes);
        break;
    case STEP_COUNT:
        break;
    }
}

static void fuzz_start(void) {
    shared = (struct peer_shared){ice_stun_create(), dtls_context_create()};
    remote_context = dtls_context_create();
    if (!shared.stun || !shared.dtls || !remote_context || srtp_library_start() != ERR_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz f; // two queues: too large for the stack
    if (!shared.stun)
        fuzz_start();
    memset(&f, 0, sizeof f);
    f.home =
        (struct tuple){{{198, 51, 100, 7}, 5000, 4, 0, 0}, {{192, 0, 2, 1}, 40000, 4, 0, 0}, TUPLE_UDP, {0}};
    f.stranger = f.home;
    f.start_us = virtual_now_us;
    f.stranger.remote.port = 5001;
    for (unsigned i = 0; i < 4; i++) {
        f.moved[i] = f.home;
        f.moved[i].remote.port = (uint16_t)(6000 + i);
        f.moved[i].protocol = i & 1 ? TUPLE_TCP : TUPLE_UDP;
    }
    f.peer = peer_transport_create(&shared, &ours, &(struct peer_output){&f, peer_sends});
    f.remote = dtls_create(remote_context, &(struct dtls_output){&f, remote_sends});
    if (!f.peer || !f.remote)
        abort();
    struct reader r = reader_of(span_of(data, size));
    for (unsigned steps = 0; r.left > 1 && steps < 64; steps++) {
        uint8_t step = read_u8(&r), len = read_u8(&r);
        struct span bytes = read_span(&r, len < r.left ? len : r.left);
        fuzz_step(&f, step == STEP_LOSE ? STEP_LOSE : (enum step)(step % STEP_COUNT), bytes);
    }
    uint64_t seconds = (virtual_now_us - f.start_us) / US_PER_SECOND + 1;
    assert(f.unproven_bytes <= ICE_UNPROVEN_BYTES + seconds * ICE_UNPROVEN_BYTES_S + f.credit);
    peer_transport_destroy(f.peer);
    dtls_destroy(f.remote);
    srtp_session_destroy(f.remote_srtp);
    link_clear(&f.to_peer);
    link_clear(&f.to_remote);
    return 0;
}
