// One RTP packet from the network on its whole way: parse, extensions, RTX, prepare, and each kind of copy.
// The first byte chooses the publisher's extension ids, the kind and whether the packet is unwrapped.
#include "rtp/rtp_forward.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

static struct ext_map map_of(unsigned shift) {
    struct ext_ids ids = {0};
    for (unsigned ext = 1; ext < EXT_COUNT; ext++)
        ids.ids[ext] = (uint8_t)((ext + shift) % 14 + 1);
    struct ext_map map;
    ext_map_clear(&map);
    ext_map_add(&map, &ids);
    return map;
}

static void read_single_values(const struct rtp_ext_values *values) {
    uint16_t seq;
    int8_t level = 0;
    bool voice;
    uint64_t ntp;
    (void)rtp_ext_transport_seq(values, &seq);
    if (rtp_ext_audio_level(values, &level, &voice))
        check(level <= 0);
    (void)rtp_ext_capture_ntp(values, &ntp);
}

// What leaves must be a right packet whose payload ends as the received one did.
static void check_out(struct block *out, const struct forward_stamp *stamp, struct span payload,
                      struct span descriptor, size_t more) {
    struct rtp_packet p;
    check(rtp_parse(span_of(block_data(out), out->len), &p) == ERR_OK);
    check(p.seq == stamp->seq && p.ssrc == stamp->ssrc && p.timestamp == stamp->timestamp);
    check(p.payload_type == stamp->payload_type && p.marker == stamp->marker && p.padding == 0);
    check(p.payload.len == payload.len + more);
    p.payload.ptr += more;
    p.payload.len -= more;
    check(span_equal(p.payload, payload));
    struct ext_map map = map_of(13); // the server's own ids
    struct rtp_ext_values values;
    rtp_ext_read(&p, &map, &values);
    check(values.of[EXT_MID].len == stamp->mid_len && values.of[EXT_ABS_SEND_TIME].len == 3);
    check(values.of[EXT_TRANSPORT_CC].len == 2);
    check(span_equal(values.of[EXT_DEPENDENCY_DESCRIPTOR], descriptor));
}

static void forward(struct pool *pool, struct block *block, const struct rtp_packet *packet,
                    const struct rtp_ext_values *values, uint8_t choice) {
    uint8_t before[BLOCK_DATAGRAM_MAX], kept[RTP_FORWARD_DESCRIPTOR_MAX];
    bool video = choice & 1;
    struct span descriptor = values->of[EXT_DEPENDENCY_DESCRIPTOR];
    struct span payload = span_of(before, packet->payload.len);
    memcpy(before, packet->payload.ptr, payload.len);
    bool descriptor_goes = video && choice & 2 && descriptor.len >= 3; // shorter ones cannot be read
    if (descriptor_goes)
        memcpy(kept, descriptor.ptr, descriptor.len);
    descriptor = span_of(kept, descriptor_goes ? descriptor.len : 0);
    rtp_forward_prepare(block, packet, values, video ? MEDIA_VIDEO : MEDIA_AUDIO, 1);
    struct forward_stamp stamp = {.ssrc = 0x11223344,
                                  .timestamp = 0x55667788,
                                  .seq = 0x99aa,
                                  .payload_type = 101,
                                  .marker = choice & 2,
                                  .descriptor = choice & 2,
                                  .mid_len = choice % (RTP_FORWARD_MID_MAX + 1),
                                  .mid = "abcdefg"};
    struct block *out = pool_take(pool), *rtx = pool_take(pool);
    check(out && rtx);
    rtp_forward_copy(out, block, &stamp);
    rtp_forward_copy_rtx(rtx, block, &stamp, 7);
    check_out(out, &stamp, payload, descriptor, 0);
    check_out(rtx, &stamp, payload, descriptor, 2);
    block_release(out);
    block_release(rtx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct pool *pool;
    if (!pool)
        pool = pool_create(4);
    if (size < 1 || size - 1 > BLOCK_DATAGRAM_MAX)
        return 0;
    uint8_t choice = data[0];
    struct block *block = pool_take(pool);
    check(block != NULL);
    block->len = (uint16_t)(size - 1);
    memcpy(block_data(block), data + 1, size - 1);
    struct rtp_packet packet;
    struct rtp_ext_values values;
    struct ext_map map = map_of(choice >> 4);
    if (rtp_parse(span_of(block_data(block), block->len), &packet) == ERR_OK) {
        rtp_ext_read(&packet, &map, &values);
        read_single_values(&values);
        bool rtx = choice & 4;
        if (!rtx || rtp_unwrap_rtx(&packet, &packet.seq, &packet.payload) == ERR_OK)
            forward(pool, block, &packet, &values, choice);
    }
    block_release(block);
    return 0;
}
