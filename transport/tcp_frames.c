#include "transport/tcp_frames.h"

#include <assert.h>

static uint8_t take_byte(struct span *in) {
    uint8_t byte = in->ptr[0];
    *in = span_of(in->ptr + 1, in->len - 1);
    return byte;
}

// False: the length has not come, says nothing, or is none.
static bool frames_begin(struct tcp_frames *frames, struct pool *pool, struct span *in) {
    uint8_t byte = take_byte(in);
    if (!frames->half_a_head) {
        frames->head = byte;
        frames->half_a_head = true;
        return false;
    }
    frames->half_a_head = false;
    frames->missing = (uint16_t)(frames->head << 8 | byte);
    if (frames->missing > BLOCK_DATAGRAM_MAX) {
        frames->broken = true;
        frames->missing = 0;
        return false;
    }
    frames->nulls += frames->missing == 0;
    if (frames->missing == 0)
        return false;
    frames->block = pool_take(pool);
    frames->dropped += frames->block == NULL;
    return true;
}

// True: the frame is whole.
static bool frames_fill(struct tcp_frames *frames, struct span *in) {
    uint16_t n = in->len < frames->missing ? (uint16_t)in->len : frames->missing;
    struct block *b = frames->block;
    if (b) {
        memcpy(block_data(b) + b->len, in->ptr, n);
        b->len = (uint16_t)(b->len + n);
        assert(b->len <= BLOCK_DATAGRAM_MAX);
    }
    frames->missing = (uint16_t)(frames->missing - n);
    *in = span_of(in->ptr + n, in->len - n);
    return frames->missing == 0;
}

struct block *tcp_frames_next(struct tcp_frames *frames, struct pool *pool, struct span *in) {
    while (in->len > 0 && !frames->broken) {
        if (frames->missing == 0 && !frames_begin(frames, pool, in))
            continue;
        if (!frames_fill(frames, in))
            continue;
        struct block *whole = frames->block;
        frames->block = NULL;
        if (whole)
            return whole;
    }
    return NULL;
}

void tcp_frames_clear(struct tcp_frames *frames) {
    block_release(frames->block);
    *frames = (struct tcp_frames){0};
}
