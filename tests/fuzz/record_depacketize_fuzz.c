// Any packets of any codec, in any order, and any line of control: nothing is read beyond its bounds, and
// each frame that comes out is not empty, and is later than the one before.
#include "record/control.h"
#include "record/track.h"

#include <stdlib.h>

struct seen {
    int64_t last_us;
    int some;
};

static void on_frame(void *ctx, const struct record_frame *frame, int64_t time_us, unsigned degrees) {
    struct seen *s = ctx;
    volatile uint8_t sum = 0;
    if (frame->bytes.len == 0 || degrees % 90 != 0 || (s->some && time_us <= s->last_us))
        abort();
    for (size_t i = 0; i < frame->bytes.len; i++)
        sum = (uint8_t)(sum + frame->bytes.ptr[i]);
    for (size_t i = 0; i < frame->setup.len; i++)
        sum = (uint8_t)(sum + frame->setup.ptr[i]);
    s->last_us = time_us;
    s->some = 1;
}

static void on_missing(void *ctx, const uint16_t *seqs, unsigned count) {
    (void)ctx;
    if (count == 0 || count > TRACK_MISSING_MAX)
        abort();
    for (unsigned i = 1; i < count; i++)
        if ((uint16_t)(seqs[i] - seqs[i - 1]) >= 0x8000 || seqs[i] == seqs[i - 1])
            abort();
}

static void on_key_wanted(void *ctx) {
    (void)ctx;
}

// Each step: two bytes of number, one of time stamp, one with the marker, one of length, the payload.
static void run_track(enum media_codec codec, struct span in) {
    struct seen seen = {0};
    struct source_clock clock = {0};
    struct track_config config = {
        .codec = codec, .payload_type = 96, .clock_rate = 90000, .orientation_id = 8, .clock = &clock};
    struct track_output output = {
        .ctx = &seen, .frame = on_frame, .key_wanted = on_key_wanted, .missing = on_missing};
    struct track *track = track_create(&config, &output);
    uint64_t now_us = 1000000;
    while (track && in.len >= 5) {
        uint8_t packet[12 + 255] = {
            0x80, (uint8_t)(96 | (in.ptr[3] & 0x80)), in.ptr[0] & 3, in.ptr[1], 0, 0, in.ptr[2], 0, 0, 0, 0,
            1};
        size_t len = in.ptr[4] < in.len - 5 ? in.ptr[4] : in.len - 5;
        if (in.ptr[3] & 0x40)
            packet[0] |= in.ptr[3] & 0x30; // padding, extensions
        memcpy(packet + 12, in.ptr + 5, len);
        if ((in.ptr[3] & 0x0f) == 1)
            track_report(track, (uint64_t)in.ptr[0] << 40, (uint32_t)in.ptr[1] << 12, now_us);
        else
            track_rtp(track, span_of(packet, 12 + len), now_us);
        now_us += (uint64_t)(in.ptr[3] & 0x0f) * 30000;
        in = span_of(in.ptr + 5 + len, in.len - 5 - len);
    }
    if (track)
        track_advance(track, now_us, true);
    track_destroy(track);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const enum media_codec codecs[] = {CODEC_OPUS, CODEC_VP8, CODEC_VP9, CODEC_H264, CODEC_AV1};
    if (size == 0)
        return 0;
    if (data[0] % 6 < 5) {
        run_track(codecs[data[0] % 6], span_of(data + 1, size - 1));
        return 0;
    }
    struct control control;
    char why[CONTROL_WHY_MAX];
    (void)control_read((const char *)data + 1, size - 1, &control, why);
    return 0;
}
