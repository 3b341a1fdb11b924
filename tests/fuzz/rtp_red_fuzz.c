// A payload of redundant audio from the network: first byte a payload type, the rest is the payload.
#include "rtp/red.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right) {
    if (!right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    uint8_t type = data[0] & 0x7f, *copy = malloc(size); // exact, so that the sanitizer sees a read past it
    struct span payload = span_of(copy, size - 1);
    uint16_t primary_at, again;
    check(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    if (red_read(payload, &primary_at)) {
        check(primary_at > 0 && primary_at < payload.len);
        (void)red_is_of(payload, type);
        red_set_payload_type(copy, payload.len, type);
        check(red_is_of(payload, type) && red_read(payload, &again) && again == primary_at);
        check(memcmp(copy + primary_at, data + 1 + primary_at, payload.len - primary_at) == 0);
    }
    free(copy);
    return 0;
}
