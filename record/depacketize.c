#include "record/depacketize_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_READY_MAX 2

struct format {
    payload_reader *read;
    bool (*finish)(struct assembly *a); // NULL: nothing has to be done
    bool video;
};

struct ready {
    struct buffer bytes;
    struct record_frame frame;
};

struct depacketizer {
    const struct format *format;
    struct assembly a;
    uint32_t timestamp;
    bool waits; // for a key frame
    struct ready ready[FRAMES_READY_MAX];
    unsigned ready_count, ready_next;
    struct depacketizer_counters counters;
};

// ---- small things for the formats

bool buffer_add(struct buffer *b, const void *bytes, size_t len) {
    if (len > FRAME_BYTES_MAX - b->len)
        return false;
    if (b->len + len > b->cap) {
        size_t cap = (b->len + len) * 2;
        uint8_t *more = realloc(b->bytes, cap);
        if (!more)
            return false;
        b->bytes = more;
        b->cap = cap;
    }
    if (len > 0)
        memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
    return true;
}

struct bits bits_of(struct span bytes) {
    return (struct bits){.ptr = bytes.ptr, .left = bytes.len * 8};
}

uint32_t bits_read(struct bits *b, unsigned count) {
    uint32_t value = 0;
    assert(count <= 32);
    for (; count > 0; count--) {
        if (b->left == 0) {
            b->failed = true;
            return 0;
        }
        value = value << 1 | (*b->ptr >> (7 - b->at) & 1);
        b->left--;
        b->at = (b->at + 1) % 8;
        b->ptr += b->at == 0;
    }
    return value;
}

void bits_skip(struct bits *b, unsigned count) {
    for (; count > 0 && !b->failed; count--)
        bits_read(b, 1);
}

uint32_t bits_golomb(struct bits *b) {
    unsigned zeros = 0;
    while (!b->failed && bits_read(b, 1) == 0)
        zeros++;
    if (zeros > 31) {
        b->failed = true;
        return 0;
    }
    return (uint32_t)((UINT64_C(1) << zeros) - 1 + bits_read(b, zeros));
}

// ---- opus: a packet is a frame

bool opus_read(struct assembly *a, struct span payload) {
    a->begun = a->key = true;
    return opus_packet_samples(payload) > 0 && buffer_add(&a->frame, payload.ptr, payload.len);
}

unsigned opus_packet_samples(struct span packet) {
    static const uint16_t silk[] = {480, 960, 1920, 2880}, celt[] = {120, 240, 480, 960};
    if (packet.len == 0)
        return 0;
    unsigned config = packet.ptr[0] >> 3, code = packet.ptr[0] & 3;
    unsigned each = config < 12 ? silk[config & 3] : config < 16 ? celt[2 + (config & 1)] : celt[config & 3];
    unsigned count = code == 0 ? 1 : code < 3 ? 2 : packet.len > 1 ? packet.ptr[1] & 0x3f : 0;
    return each * count <= 5760 ? each * count : 0; // 120 ms
}

// ---- frames

static const struct format *format_of(enum media_codec codec) {
    static const struct format formats[] = {[CODEC_OPUS] = {opus_read, NULL, false},
                                            [CODEC_VP8] = {vp8_read, NULL, true},
                                            [CODEC_VP9] = {vp9_read, vp9_finish, true},
                                            [CODEC_H264] = {h264_read, h264_finish, true},
                                            [CODEC_AV1] = {av1_read, av1_finish, true}};
    bool known = (size_t)codec < sizeof formats / sizeof formats[0] && formats[codec].read;
    return known ? &formats[codec] : NULL;
}

struct depacketizer *depacketizer_create(enum media_codec codec) {
    const struct format *format = format_of(codec);
    struct depacketizer *d = format ? calloc(1, sizeof *d) : NULL;
    if (!d)
        return NULL;
    d->format = format;
    d->waits = format->video;
    return d;
}

void depacketizer_destroy(struct depacketizer *d) {
    if (!d)
        return;
    free(d->a.frame.bytes);
    for (unsigned i = 0; i < FRAMES_READY_MAX; i++)
        free(d->ready[i].bytes.bytes);
    free(d);
}

static void frame_begin(struct depacketizer *d, uint32_t timestamp, bool broken) {
    struct assembly *a = &d->a;
    a->frame.len = 0;
    a->begun = a->key = a->in_unit = a->has_setup = false;
    a->broken = broken;
    a->width = a->height = 0;
    a->parts = 0;
    d->timestamp = timestamp;
}

static struct span setup_of(const struct assembly *a) {
    return a->key && a->joined_len > 0 ? span_of(a->joined, a->joined_len) : span_of(NULL, 0);
}

static void frame_hand_over(struct depacketizer *d) {
    struct assembly *a = &d->a;
    struct ready *r = &d->ready[d->ready_count++];
    assert(d->ready_count <= FRAMES_READY_MAX);
    struct buffer spare = r->bytes; // the two are exchanged
    r->bytes = a->frame;
    a->frame = spare;
    r->frame = (struct record_frame){.bytes = span_of(r->bytes.bytes, r->bytes.len),
                                     .setup = setup_of(a),
                                     .timestamp = d->timestamp,
                                     .key = a->key,
                                     .width = a->width,
                                     .height = a->height};
    d->counters.frames++;
}

static void frame_end(struct depacketizer *d) {
    struct assembly *a = &d->a;
    if (a->frame.len == 0 && !a->broken)
        return;
    bool whole = a->begun && !a->broken && !a->in_unit && (!d->format->finish || d->format->finish(a));
    if (whole && (a->key || !d->waits)) {
        d->waits = false;
        frame_hand_over(d);
    } else {
        d->waits = d->format->video;
        d->counters.dropped++;
    }
    frame_begin(d, d->timestamp, false);
}

void depacketizer_push(struct depacketizer *d, const struct packet_in *packet) {
    struct assembly *a = &d->a;
    d->ready_count = d->ready_next = 0;
    bool open = a->frame.len > 0 || a->broken;
    bool new_frame = !open || packet->timestamp != d->timestamp;
    if (packet->gap && open)
        a->broken = true; // its end, at least, may be what is missing
    if (new_frame) {
        frame_end(d);
        frame_begin(d, packet->timestamp, false);
    }
    // What is missing may be the beginning of this one, or all of some before.
    if (packet->gap && d->format->video)
        d->waits = true;
    if (packet->payload.len == 0)
        return; // padding: it only tells that nothing is missing
    if (!d->format->read(a, packet->payload)) {
        d->counters.malformed++;
        a->broken = true;
    }
    if (!a->begun)
        a->broken = true; // the middle of a frame whose beginning did not come
    if (packet->marker || !d->format->video)
        frame_end(d);
}

bool depacketizer_next(struct depacketizer *d, struct record_frame *out) {
    if (d->ready_next == d->ready_count)
        return false;
    *out = d->ready[d->ready_next++].frame;
    return true;
}

bool depacketizer_waits(const struct depacketizer *d) {
    return d->waits;
}

const struct depacketizer_counters *depacketizer_counters(const struct depacketizer *d) {
    return &d->counters;
}
