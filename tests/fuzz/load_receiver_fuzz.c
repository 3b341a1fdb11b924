// What a server may send to a participant of the load generator once SRTP has let it through: RTP and RTCP of
// two tracks, in any order. Input: pieces of a kind byte, a length byte (times 4) and so many bytes.
#include "base/clock.h"
#include "load/receiver.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

static struct consumed track_of(enum media_kind kind, enum media_codec codec, uint32_t ssrc) {
    struct consumed c = {.kind = kind,
                         .codec = codec,
                         .payload_type = (uint8_t)(100 + kind),
                         .rtx_payload_type = kind == MEDIA_VIDEO ? 102 : PAYLOAD_TYPE_NONE,
                         .ssrc = ssrc,
                         .rtx_ssrc = kind == MEDIA_VIDEO ? ssrc + 1 : 0,
                         .clock_rate = kind == MEDIA_VIDEO ? 90000 : 48000,
                         .id = "c",
                         .producer_id = "p",
                         .mid = "1",
                         .nack = true,
                         .pli = true,
                         .transport_cc = true};
    c.id[1] = (char)('0' + kind);
    for (enum media_ext ext = EXT_MID; ext < EXT_COUNT; ext++)
        c.ext.ids[ext] = EXT_ROUTER_ID(ext);
    return c;
}

static void feed(struct receiver *r, uint8_t kind, struct span bytes, uint64_t now_us) {
    switch (kind & 7) {
    case 0:
        receiver_rtcp(r, bytes, now_us);
        break;
    case 1:
        receiver_pause_producer(r, "p", kind & 8, now_us);
        break;
    case 2:
        receiver_pause_consumer(r, "c1", kind & 8, now_us);
        break;
    default:
        receiver_rtp(r, bytes, now_us);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    static const enum media_codec codecs[] = {CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1};
    struct load_options options;
    options_default(&options);
    struct load *load = calloc(1, sizeof *load);
    uint64_t now_us = 5000000;
    load->options = &options;
    load->random = 1;
    load->measuring = true;
    wheel_init(&load->wheel, now_us);
    struct receiver *r = receiver_create(load, now_us);
    struct consumed audio = track_of(MEDIA_AUDIO, CODEC_OPUS, 0x41414141);
    struct consumed video = track_of(MEDIA_VIDEO, codecs[data[0] & 3], 0x42424242);
    check(receiver_add(r, &audio, now_us) == ERR_OK && receiver_add(r, &video, now_us) == ERR_OK);
    struct reader in = reader_of(span_of(data + 1, size - 1));
    while (in.left >= 2) {
        uint8_t kind = read_u8(&in);
        size_t len = (size_t)read_u8(&in) * 4;
        feed(r, kind, read_span(&in, len < in.left ? len : in.left), now_us);
        now_us += (uint64_t)(kind >> 4) * 7000;
        wheel_advance(&load->wheel, now_us);
    }
    struct tally sum = load->tally;
    receiver_sum(r, now_us, &sum);
    check(sum.received <= sum.expected && sum.unrepaired <= sum.expected);
    receiver_destroy(r, now_us);
    free(load);
    return 0;
}
