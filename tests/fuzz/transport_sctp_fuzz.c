// The SCTP side: two associations that are connected, and between them packets that are changed on their way,
// packets that a peer with the right tag makes up, messages, streams that close, time; and DCEP beside it.
// What must hold is asserted here; what usrsctp does with it, by the sanitizers around it.
#include "base/bytes.h"
#include "tests/unit/transport/sctp_link.h"
#include "transport/dcep.h"
#include "transport/sctp_screen.h"

#include <assert.h>

#define STREAMS 16
#define STEPS_MAX 64
#define TAG_OFFSET 4

static struct sctp_link f;
static uint32_t tag_of_a; // that packets to `a` carry

static void drain(struct sctp_end *end) {
    struct association_message got;
    enum association_got what;
    for (unsigned n = 0;
         n < 1000 && (what = association_receive(end->association, &got)) != ASSOCIATION_NOTHING; n++) {
        if (what == ASSOCIATION_MESSAGE) {
            struct data_channel_params channel;
            assert(got.bytes.len > 0 && got.bytes.len <= DATA_MESSAGE_MAX);
            volatile uint8_t sum = got.bytes.ptr[0] ^ got.bytes.ptr[got.bytes.len - 1];
            (void)sum;
            (void)!dcep_read_open(got.bytes, &channel);
        }
        if (what == ASSOCIATION_RESET)
            assert(got.stream < DATA_STREAMS_MAX);
    }
}

static void to_a(const uint8_t *bytes, size_t len) {
    static uint8_t packet[LINK_PACKET_BYTES];
    if (len > LINK_PACKET_BYTES - 12)
        len = LINK_PACKET_BYTES - 12;
    store_be16(packet, DATA_SCTP_PORT);
    store_be16(packet + 2, DATA_SCTP_PORT);
    bool without_tag = len > 0 && bytes[0] == 1; // INIT
    store_be32(packet + TAG_OFFSET, without_tag ? 0 : tag_of_a);
    store_be32(packet + 8, 0);
    if (len > 0)
        memcpy(packet + 12, bytes, len);
    bool welcome = association_input(f.a.association, span_of(packet, 12 + len));
    assert(welcome == screen_sctp_packet(span_of(packet, 12 + len)));
}

// The chunks are whole whatever is in them, so that more gets through to the stack.
static void chunk_to_a(struct reader *r) {
    uint8_t chunk[600] = {read_u8(r), read_u8(r)};
    size_t len = read_u16(r) % 560;
    len = len < r->left ? len : r->left;
    const uint8_t *body = read_raw(r, len);
    store_be16(chunk + 2, (uint16_t)(4 + len));
    if (body)
        memcpy(chunk + 4, body, len);
    to_a(chunk, (4 + len + 3) / 4 * 4);
}

// A real packet on its way to `a`, with some bytes of it changed.
static void change_one(struct reader *r) {
    unsigned which = read_u8(r), changes = read_u8(r) % 8;
    if (f.b.out_count == 0)
        return;
    struct sctp_packet *p = &f.b.out[which % f.b.out_count];
    for (unsigned i = 0; i < changes; i++) {
        size_t at = read_u16(r) % p->len;
        uint8_t with = read_u8(r);
        if (at < TAG_OFFSET || at >= TAG_OFFSET + 4)
            p->bytes[at] = with;
    }
}

static void send_one(struct reader *r, struct sctp_end *end) {
    static uint8_t bytes[DATA_MESSAGE_MAX];
    struct data_stream stream = {.id = read_u8(r) % (STREAMS + 1),
                                 .ordered = read_u8(r) & 1,
                                 .reliability = (enum data_reliability)(read_u8(r) % DATA_RELIABILITY_COUNT),
                                 .limit = read_u8(r)};
    size_t len = 1 + (read_u16(r) * (size_t)(1 + read_u8(r) % 5)) % DATA_MESSAGE_MAX;
    (void)!association_send(end->association, &stream, read_u8(r), span_of(bytes, len));
}

static bool open_both(void) {
    static bool started;
    if (!started && sctp_library_start() != ERR_OK)
        return false;
    started = true;
    f.now_us += 1000000;
    f.lose_every = 0;
    static struct sctp_packet packets[2][LINK_PACKETS];
    if (!end_open(&f.a, STREAMS, packets[0]) || !end_open(&f.b, STREAMS, packets[1]))
        return false;
    link_connect(&f);
    assert(association_state(f.a.association) == DATA_STATE_CONNECTED);
    struct data_stream first = {.ordered = true};
    (void)!association_send(f.b.association, &first, DATA_PPID_STRING, span_of("x", 1));
    assert(f.b.out_count > 0);
    tag_of_a = load_be32(f.b.out[0].bytes + TAG_OFFSET);
    return true;
}

static void step(struct reader *r) {
    switch (read_u8(r) % 8) {
    case 0:
    case 1:
        chunk_to_a(r);
        break;
    case 2: {
        size_t len = read_u8(r);
        len = len < r->left ? len : r->left;
        const uint8_t *bytes = read_raw(r, len);
        to_a(bytes ? bytes : (const uint8_t *)"", len);
        break;
    }
    case 3:
        change_one(r);
        break;
    case 4:
        send_one(r, &f.b);
        break;
    case 5:
        send_one(r, &f.a);
        break;
    case 6:
        association_reset_stream(read_u8(r) & 1 ? f.a.association : f.b.association,
                                 read_u8(r) % (STREAMS + 2));
        break;
    default:
        f.lose_every = read_u8(r) % 6;
        for (unsigned n = read_u8(r); n > 0; n -= n > 25 ? 25 : n)
            link_step(&f, 250000);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = reader_of(span_of(data, size));
    struct data_channel_params channel;
    enum dcep_type type;
    (void)!dcep_read_type(span_of(data, size), &type);
    if (dcep_read_open(span_of(data, size), &channel) == ERR_OK) {
        uint8_t again[600];
        struct data_channel_params twice;
        size_t len = dcep_write_open(&channel, again, sizeof again);
        assert(len == size && dcep_read_open(span_of(again, len), &twice) == ERR_OK);
        assert(memcmp(&twice, &channel, sizeof twice) == 0);
    }
    (void)screen_sctp_packet(span_of(data, size));
    if (!open_both())
        return 0;
    for (unsigned n = 0; n < STEPS_MAX && r.left > 0; n++) {
        step(&r);
        drain(&f.a);
        drain(&f.b);
    }
    link_step(&f, 50000);
    drain(&f.a);
    end_close(&f.a);
    end_close(&f.b);
    return 0;
}
