#include "rtp/peer_params.h"

#include "base/entropy.h"

#include <assert.h>
#include <stddef.h>

static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

void ice_credentials_make(unsigned worker, struct ice_credentials *out) {
    _Static_assert(ICE_WORKERS_MAX <= 36 * 36, "two digits name every worker");
    assert(worker < ICE_WORKERS_MAX);
    *out = (struct ice_credentials){0};
    out->ufrag[0] = base36[worker / 36];
    out->ufrag[1] = base36[worker % 36];
    // RFC 8445, section 5.3: at least 24 bits of randomness in the ufrag and 128 in the password; these are
    // 72 and 165.
    entropy_text(out->ufrag + 2, ICE_UFRAG_BYTES - 2);
    entropy_text(out->pwd, ICE_PWD_BYTES);
}

const char *ice_state_name(enum ice_state state) {
    static const char *const names[ICE_STATE_COUNT] = {[ICE_NEW] = "new",
                                                       [ICE_CONNECTED] = "connected",
                                                       [ICE_DISCONNECTED] = "disconnected",
                                                       [ICE_CLOSED] = "closed"};
    return (size_t)state < ICE_STATE_COUNT ? names[state] : names[ICE_NEW];
}

const char *dtls_state_name(enum dtls_state state) {
    static const char *const names[DTLS_STATE_COUNT] = {[DTLS_NEW] = "new",
                                                        [DTLS_CONNECTING] = "connecting",
                                                        [DTLS_CONNECTED] = "connected",
                                                        [DTLS_FAILED] = "failed",
                                                        [DTLS_CLOSED] = "closed"};
    return (size_t)state < DTLS_STATE_COUNT ? names[state] : names[DTLS_NEW];
}
