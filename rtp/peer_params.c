#include "rtp/peer_params.h"

#include <stddef.h>

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
