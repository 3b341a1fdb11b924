#include "rtp/ccfb.h"

#include "base/clock.h"
#include "base/seq.h"
#include "rtp/rtcp_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 8  // of the packet, with its sender's SSRC
#define BLOCK_BYTES 8 // before the metrics of one stream
#define TAIL_BYTES 4  // the time of the report
#define METRIC_BYTES 2
#define METRIC_RECEIVED 0x8000 // the two bits of ECN behind it stay 0: not ECT, since nobody asks the socket
#define OFFSETS_A_SECOND 1024
#define OFFSET_TOO_LONG 0x1ffe
#define JUMP_MAX CCFB_NUMBERS        // of a number; beyond it the stream began anew
#define FIRST_WRAP UINT64_C(0x10000) // base/seq.h: so that earlier numbers do not go below zero
#define LOSS_WINDOW 2000             // packets over which ccfb_recorder_loss looks back, about

struct ccfb_stream {
    uint32_t ssrc;
    bool used;
    uint16_t waiting;
    uint64_t highest; // unwrapped, that came
    uint64_t next;    // the first that has not been reported
    uint64_t came_us;
};

struct ccfb_arrival {
    uint64_t seq, arrival_us;
    uint16_t stream;
};

struct ccfb_recorder {
    unsigned waiting;
    unsigned untold; // numbers by which streams went on since nothing waited
    uint64_t first_waiting_us;
    uint32_t interval_us;
    float expected, lost; // decaying counts
    struct ccfb_stream streams[CCFB_STREAMS];
    struct ccfb_arrival arrivals[CCFB_WINDOW]; // those that wait, by stream and number
};

struct ccfb_recorder *ccfb_recorder_create(void) {
    struct ccfb_recorder *r = calloc(1, sizeof *r);
    if (r)
        r->interval_us = FEEDBACK_INTERVAL_US;
    return r;
}

void ccfb_recorder_destroy(struct ccfb_recorder *r) {
    free(r);
}

// The stream of that SSRC, a new one if need be; NULL: all have something to report.
static struct ccfb_stream *stream_of(struct ccfb_recorder *r, uint32_t ssrc, uint16_t seq) {
    struct ccfb_stream *oldest = NULL;
    for (struct ccfb_stream *s = r->streams; s < r->streams + CCFB_STREAMS; s++) {
        if (s->used && s->ssrc == ssrc)
            return s;
        if (s->waiting == 0 && (!oldest || s->came_us < oldest->came_us))
            oldest = s;
    }
    if (oldest) {
        uint64_t first = FIRST_WRAP + seq;
        *oldest = (struct ccfb_stream){.ssrc = ssrc, .used = true, .highest = first, .next = first};
    }
    return oldest;
}

// Where that number is among those that wait, or would be.
static unsigned place_of(const struct ccfb_recorder *r, unsigned stream, uint64_t seq) {
    unsigned low = 0, high = r->waiting;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct ccfb_arrival *a = &r->arrivals[middle];
        if (a->stream < stream || (a->stream == stream && a->seq < seq))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void arrival_put(struct ccfb_recorder *r, struct ccfb_stream *s, uint64_t seq, uint64_t arrival_us) {
    unsigned stream = (unsigned)(s - r->streams), at = place_of(r, stream, seq);
    struct ccfb_arrival *a = &r->arrivals[at];
    if (at < r->waiting && a->stream == stream && a->seq == seq)
        return; // of two that are equal the first counts
    memmove(a + 1, a, (r->waiting - at) * sizeof *a);
    *a = (struct ccfb_arrival){.seq = seq, .arrival_us = arrival_us, .stream = (uint16_t)stream};
    s->waiting++;
    if (r->waiting++ == 0)
        r->first_waiting_us = arrival_us;
}

void ccfb_recorder_add(struct ccfb_recorder *r, uint32_t ssrc, uint16_t seq16, uint64_t arrival_us) {
    struct ccfb_stream *s = r->waiting < CCFB_WINDOW ? stream_of(r, ssrc, seq16) : NULL;
    if (!s)
        return;
    uint64_t seq = seq16_unwrap(s->highest, seq16);
    if (seq >= s->highest + JUMP_MAX || seq + JUMP_MAX <= s->highest) {
        if (s->waiting > 0)
            return;                                      // what waits goes out first
        seq = s->next = s->highest = FIRST_WRAP + seq16; // the sender began anew
    }
    if (seq > s->highest) {
        // Each number costs two bytes of feedback, whether it came or not: gaps may not be without end.
        if (r->untold + (seq - s->highest) > CCFB_NUMBERS)
            return;
        r->untold += (unsigned)(seq - s->highest);
        s->highest = seq;
    }
    s->came_us = arrival_us;
    arrival_put(r, s, seq, arrival_us);
}

uint64_t ccfb_recorder_next_us(const struct ccfb_recorder *r) {
    if (r->waiting == 0)
        return TIME_NEVER;
    return r->waiting >= FEEDBACK_PACKETS_SOON ? r->first_waiting_us : r->first_waiting_us + r->interval_us;
}

void ccfb_recorder_pace(struct ccfb_recorder *r, size_t feedback_bytes, uint64_t rate_bps) {
    r->interval_us = feedback_interval_us(feedback_bytes, rate_bps);
}

// ---- one feedback packet

struct ccfb_block {
    uint64_t begin, end;      // numbers
    unsigned first, arrivals; // which of the recorder's it takes
};

// What one block tells of the arrivals from `first` on, all of one stream, within so many metrics: from the
// first number that was not reported on. Those that come late are told without what lies between them, of
// which nobody knows any more whether it had come.
static struct ccfb_block block_of(const struct ccfb_recorder *r, unsigned first, unsigned metrics_max) {
    const struct ccfb_arrival *a = &r->arrivals[first];
    const struct ccfb_stream *s = &r->streams[a->stream];
    bool late = a->seq < s->next;
    struct ccfb_block block = {.begin = late ? a->seq : s->next, .first = first};
    block.end = block.begin;
    for (unsigned i = first; i < r->waiting && r->arrivals[i].stream == a->stream; i++) {
        uint64_t seq = r->arrivals[i].seq;
        if (seq - block.begin >= metrics_max || (late && (seq > block.end || seq >= s->next)))
            break;
        block.end = seq + 1;
        block.arrivals++;
    }
    if (block.arrivals == 0) // a gap that is longer than the packet
        block.end = block.begin + metrics_max;
    return block;
}

static uint16_t metric_of(uint64_t arrival_us, uint64_t now_us) {
    uint64_t offset = now_us > arrival_us ? (now_us - arrival_us) * OFFSETS_A_SECOND / US_PER_SECOND : 0;
    return (uint16_t)(METRIC_RECEIVED | (offset < OFFSET_TOO_LONG ? offset : OFFSET_TOO_LONG));
}

static void block_write(struct ccfb_recorder *r, const struct ccfb_block *block, struct writer *w,
                        uint64_t now_us) {
    struct ccfb_stream *s = &r->streams[r->arrivals[block->first].stream];
    unsigned count = (unsigned)(block->end - block->begin), at = block->first, came = 0;
    write_u32(w, s->ssrc);
    write_u16(w, (uint16_t)block->begin);
    write_u16(w, (uint16_t)count);
    for (uint64_t seq = block->begin; seq < block->end; seq++) {
        bool here = at < block->first + block->arrivals && r->arrivals[at].seq == seq;
        write_u16(w, here ? metric_of(r->arrivals[at].arrival_us, now_us) : 0);
        came += here;
        at += here;
    }
    assert(at == block->first + block->arrivals);
    write_zeros(w, count % 2 * METRIC_BYTES);
    r->expected += (float)count;
    r->lost += (float)(count - came);
    if (block->end > s->next)
        s->next = block->end;
    s->waiting = (uint16_t)(s->waiting - block->arrivals);
}

// One block of each stream, as long as there is room; what was told is taken out.
static void write_blocks(struct ccfb_recorder *r, struct writer *w, size_t end, uint64_t now_us) {
    unsigned kept = 0, at = 0;
    while (at < r->waiting) {
        uint16_t stream = r->arrivals[at].stream;
        if (w->len + BLOCK_BYTES + 2 * METRIC_BYTES <= end) {
            unsigned metrics_max = (unsigned)((end - w->len - BLOCK_BYTES) / (2 * METRIC_BYTES) * 2);
            struct ccfb_block block = block_of(r, at, metrics_max);
            block_write(r, &block, w, now_us);
            at += block.arrivals;
        }
        for (; at < r->waiting && r->arrivals[at].stream == stream; at++)
            r->arrivals[kept++] = r->arrivals[at];
    }
    r->waiting = kept;
    if (kept == 0)
        r->untold = 0;
}

bool ccfb_recorder_write(struct ccfb_recorder *r, struct writer *w, uint32_t sender_ssrc, uint64_t report_ntp,
                         uint64_t now_us) {
    if (r->waiting == 0 || w->cap < w->len + RTCP_DATAGRAM_MAX)
        return false;
    size_t start = w->len;
    write_u8(w, 0x8b); // version 2, FMT 11
    write_u8(w, 205);  // RTPFB
    write_u16(w, 0);   // length, below
    write_u32(w, sender_ssrc);
    write_blocks(r, w, start + RTCP_DATAGRAM_MAX - TAIL_BYTES, now_us);
    write_u32(w, (uint32_t)(report_ntp >> 16));
    assert(!w->failed && w->len - start <= RTCP_DATAGRAM_MAX && w->len % 4 == 0);
    store_be16(w->ptr + start + 2, (uint16_t)((w->len - start) / 4 - 1));
    if (r->expected > LOSS_WINDOW) {
        r->expected /= 2;
        r->lost /= 2;
    }
    return true;
}

float ccfb_recorder_loss(const struct ccfb_recorder *r) {
    return r->expected > 0 ? r->lost / r->expected : 0;
}
