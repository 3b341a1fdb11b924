// Dependency descriptors of one stream, one after the other, and a receiver's choice among them: each step is
// a byte that says what is wanted and whether a new picture begins, a length, and the descriptor. What its
// claims are does not matter; what is let through never refers to what was left out, and nothing is read past
// an end.
#include "rtp/layer_filter.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

static struct dd_reader reader;

static void check_reader(const struct dd_frame *frame) {
    const struct dd_structure *s = &reader.structure;
    check(s->generation == 0 || (s->template_count >= 1 && s->template_count <= DD_TEMPLATES_MAX));
    check(s->generation == 0 ||
          (s->target_count >= 1 && s->target_count <= DD_TARGETS_MAX && reader.active != 0));
    check(s->chain_count <= s->target_count);
    check(frame->facts.structure == 0 || frame->facts.structure == s->generation);
    check(dd_best_target(s, reader.active, 1, 1) < DD_TARGETS_MAX);
    for (unsigned d = 0; d < s->target_count; d++)
        check(s->target_chain[d] < DD_CHAINS_MAX && (s->within[d] >> d & 1));
}

static void check_filter(struct layer_filter *f, const struct dd_frame *frame, struct span descriptor,
                         uint32_t timestamp) {
    struct layer_verdict v = layer_filter_take(f, &frame->facts, timestamp, &reader, descriptor);
    bool newest = f->engine == LAYER_ENGINE_TARGETS && frame->facts.number == f->number && v.new_frame;
    if (newest && v.sends)
        check(((frame->facts.refs << 1) & f->dropped) == 0);
    check(f->target == LAYER_TARGET_ALL || f->target < DD_TARGETS_MAX);
    check(!v.marker || v.sends);
    (void)layer_filter_take_late(f, &frame->facts, timestamp, layer_filter_tops(f));
    (void)layer_filter_is_idle(f, &reader);
    (void)layer_filter_needs_key(f, &reader, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct layer_filter f = {0};
    uint32_t timestamp = 0;
    reader = (struct dd_reader){0};
    layer_filter_want(&f, -1, -1);
    layer_filter_start(&f);
    while (size >= 2) {
        uint8_t step = data[0];
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *exact = malloc(len ? len : 1);
        check(exact != NULL);
        memcpy(exact, data + 2, len);
        timestamp += step & 1;
        if (step & 2)
            layer_filter_want(&f, (int8_t)((step >> 2 & 3) - 1), (int8_t)((step >> 4 & 3) - 1));
        if (step & 64)
            layer_filter_begin(&f);
        if (step == 0xff)
            dd_reader_reset(&reader);
        struct dd_frame frame;
        uint8_t diff;
        if (dd_read(&reader, span_of(exact, len), &frame)) {
            check_reader(&frame);
            check_filter(&f, &frame, span_of(exact, len), timestamp);
        }
        (void)dd_chain_diff(&reader, span_of(exact, len), step % DD_CHAINS_MAX, &diff);
        free(exact);
        data += 2 + len;
        size -= 2 + len;
    }
    return 0;
}
