// A media payload from the network: first byte the codec, second the length of the dependency descriptor
// that follows, 255 for none; the rest is the payload.
#include "rtp/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

// A block of exactly the right size, so that the sanitizer sees a read past it.
static struct span exact_copy(const uint8_t *bytes, size_t len) {
    uint8_t *copy = malloc(len ? len : 1);
    check(copy != NULL);
    memcpy(copy, bytes, len);
    return span_of(copy, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3)
        return 0;
    enum media_codec codec = data[0] % (CODEC_AV1 + 1);
    size_t descriptor_len = data[1] == 255 ? 0 : data[1];
    if (descriptor_len > size - 3)
        descriptor_len = size - 3;
    struct span descriptor = exact_copy(data + 2, descriptor_len);
    struct span payload = exact_copy(data + 2 + descriptor_len, size - 2 - descriptor_len);
    struct codec_frame f;
    bool ok = codec_inspect(codec, payload, data[1] == 255 ? (struct span){0} : descriptor, &f);
    check(!f.key_frame || (f.frame_start && f.layers.sync == LAYER_SYNC_ALL && codec_needs_key_frame(codec)));
    check(f.layers.spatial < 8 && f.layers.temporal < 8 && f.layers.structure == 0);
    check(ok || (!f.frame_start && f.layers.sync == 0 && f.layers.spatial == 0 && f.layers.temporal == 0));
    free((void *)(uintptr_t)payload.ptr);
    free((void *)(uintptr_t)descriptor.ptr);
    return 0;
}
