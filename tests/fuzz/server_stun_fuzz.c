// What a STUN server may answer. The transaction id is the datagram's own, so that all of it is read.
#include "server/common/stun_client.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t id[STUN_ID_BYTES] = {0};
    if (size >= STUN_QUERY_BYTES)
        memcpy(id, data + STUN_QUERY_BYTES - STUN_ID_BYTES, sizeof id);
    struct addr seen;
    enum err e = stun_answer_read(span_of(data, size), id, &seen);
    assert((e == ERR_OK) == (seen.family == 4 || seen.family == 6));
    return 0;
}
