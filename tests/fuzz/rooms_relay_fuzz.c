// A packet from the end of a link that nobody vouches for: what is taken can be copied, padded and sent again
// like one that was prepared here, without a byte outside of its block.
#include "base/bytes.h"
#include "rooms/media/relay_wire.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void forward(struct pool *pool, struct block *prepared, uint8_t how) {
    struct block *out = pool_take(pool);
    struct forward_stamp stamp = {.ssrc = 1,
                                  .mid_len = (uint8_t)(how & 7),
                                  .descriptor = how & 16,
                                  .picture_offset = {.id = 5, .tl0 = 1}};
    struct picture_numbers pictures;
    assert(out);
    if (how & 32)
        rtp_forward_pad(prepared, (uint8_t)(how % 255 + 1));
    (void)rtp_forward_pictures(prepared, &pictures);
    if (how & 64)
        rtp_forward_copy_rtx(out, prepared, &stamp, 7);
    else
        rtp_forward_copy(out, prepared, &stamp);
    assert(out->start + out->len + 144 <= BLOCK_CAPACITY && out->len >= RTP_HEADER_MIN);
    assert(prepared->len >= forward_meta_of(prepared)->header_len + forward_meta_of(prepared)->padding);
    block_release(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct pool *pool = pool_create(4);
    struct block *b = pool_take(pool);
    struct relay_address address, again;
    memset(b->meta, 0xee, sizeof b->meta);
    if (relay_wire_read(span_of(data + 1, size - 1), 1000, &address, b) == ERR_OK) {
        uint8_t wire[RELAY_WIRE_MAX];
        size_t len = relay_wire_write(&address, b, wire, sizeof wire);
        struct block *copy = pool_take(pool);
        enum err err = relay_wire_read(span_of(wire, len), 1000, &again, copy);
        // What was read is written as it was.
        assert(len == size - 1 && memcmp(wire, data + 1, len) == 0);
        assert(err == ERR_OK && again.producer.v == address.producer.v && again.stream == address.stream);
        (void)err;
        block_release(copy);
        forward(pool, b, data[0]);
    }
    block_release(b);
    pool_destroy(pool);
    return 0;
}
