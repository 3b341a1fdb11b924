#include "rtp/cc/ccfb_read.h"

#include <assert.h>

#define TIMESTAMP_BYTES 4

// The next block: SSRC, first number, how many metric blocks, padded to a whole word.
static bool walk_open_block(struct ccfb_walk *walk) {
    if (walk->blocks.left == 0)
        return false;
    walk->ssrc = read_u32(&walk->blocks);
    walk->seq = read_u16(&walk->blocks);
    walk->left = read_u16(&walk->blocks);
    walk->metrics = read_sub(&walk->blocks, (size_t)walk->left * 2);
    if (walk->left % 2)
        read_u16(&walk->blocks);
    return !walk->blocks.failed && walk->left <= CCFB_REPORTS_MAX;
}

bool ccfb_walk_of(struct span body, struct ccfb_walk *walk) {
    *walk = (struct ccfb_walk){0};
    if (body.len < TIMESTAMP_BYTES || body.len % 4)
        return false;
    size_t blocks = body.len - TIMESTAMP_BYTES;
    walk->blocks = reader_of(span_of(body.ptr, blocks));
    walk->report_timestamp = load_be32(body.ptr + blocks);
    struct ccfb_walk check = *walk;
    while (check.blocks.left > 0)
        if (!walk_open_block(&check))
            return false;
    return true;
}

bool ccfb_walk_next(struct ccfb_walk *walk, struct ccfb_status *out) {
    while (walk->left == 0)
        if (!walk_open_block(walk))
            return false;
    uint16_t metric = read_u16(&walk->metrics);
    assert(!walk->metrics.failed);
    walk->left--;
    *out = (struct ccfb_status){.ssrc = walk->ssrc, .seq = walk->seq++, .received = metric >> 15};
    if (out->received) {
        out->ecn = metric >> 13 & 3;
        out->offset = metric & 0x1fff;
    }
    return true;
}
