// Datagrams at a peer's whole transport. The input is a row of steps: one byte of kind, one of length, then
// the bytes. A genuine peer takes part: it can be validated, shake hands and send SRTP between the fuzzed
// datagrams.
#include "tests/unit/transport/dtls_harness.h"
#include "tests/unit/transport/stun_build.h"

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
    STEP_COUNT
};

struct fuzz {
    struct peer_transport *peer;
    struct dtls *remote;
    struct srtp_session *remote_srtp;
    struct link to_peer, to_remote;
    struct tuple home, stranger;
    bool validated, connected;
    uint16_t seq;
};

static struct peer_shared shared;
static struct dtls_context *remote_context;
static const struct ice_credentials ours = {"00aaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"};

static void peer_sends(void *ctx, const struct tuple *to, struct span datagram) {
    struct fuzz *f = ctx;
    assert(f->validated && tuple_equal(to, &f->home)); // nobody else is ever answered
    if (datagram_kind(datagram) == DATAGRAM_DTLS)
        link_put(&f->to_remote, datagram);
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
    enum datagram_kind kind = datagram_kind(span_of(bytes, len));
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

static void step_check(struct fuzz *f) {
    struct stun_build b;
    stun_begin(&b, STUN_REQUEST_TYPE);
    stun_attr(&b, ATTR_USERNAME, "00aaaaaaaaaaaaaa:peer", 21);
    stun_attr_u32(&b, ATTR_PRIORITY, 1);
    stun_attr_u64(&b, ATTR_ICE_CONTROLLING, 1);
    stun_integrity(&b, span_of_text(ours.pwd));
    stun_fingerprint(&b);
    f->validated = true;
    give(f, &f->home, b.bytes, b.len, true);
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
    f.stranger.remote.port = 5001;
    f.peer = peer_transport_create(&shared, &ours, &(struct peer_output){&f, peer_sends});
    f.remote = dtls_create(remote_context, &(struct dtls_output){&f, remote_sends});
    if (!f.peer || !f.remote)
        abort();
    struct reader r = reader_of(span_of(data, size));
    for (unsigned steps = 0; r.left > 1 && steps < 64; steps++) {
        uint8_t step = read_u8(&r), len = read_u8(&r);
        struct span bytes = read_span(&r, len < r.left ? len : r.left);
        fuzz_step(&f, step % STEP_COUNT, bytes);
    }
    peer_transport_destroy(f.peer);
    dtls_destroy(f.remote);
    srtp_session_destroy(f.remote_srtp);
    link_clear(&f.to_peer);
    link_clear(&f.to_remote);
    return 0;
}
