// Lines of candidates: what is taken is in its range, and nothing is read beyond the line.
#include "rtp/ice_candidate.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    uint8_t *line = malloc(size ? size : 1); // so that its end is one
    if (!line)
        return 0;
    memcpy(line, bytes, size);
    struct ice_candidate c = {0};
    const char *why = NULL;
    enum ice_candidate_line use = ice_candidate_read(span_of(line, size), &c, &why);
    assert((use == ICE_LINE_BAD) == (why != NULL));
    if (use == ICE_LINE_UDP) {
        assert(c.address.family == 4 || c.address.family == 6);
        assert(c.address.port >= 80 && c.priority >= 1 && c.priority <= 0x7fffffff);
        assert(c.type < ICE_CANDIDATE_TYPES && c.address.scope == 0);
    } else {
        assert(c.address.family == 0);
    }
    free(line);
    return 0;
}
