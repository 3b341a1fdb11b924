#include "rtp/data_params.h"

const char *data_state_name(enum data_state state) {
    static const char *const names[DATA_STATE_COUNT] = {[DATA_STATE_NEW] = "new",
                                                        [DATA_STATE_CONNECTING] = "connecting",
                                                        [DATA_STATE_CONNECTED] = "connected",
                                                        [DATA_STATE_FAILED] = "failed",
                                                        [DATA_STATE_CLOSED] = "closed"};
    return (unsigned)state < DATA_STATE_COUNT ? names[state] : "unknown";
}

const char *data_reason_name(enum data_reason reason) {
    static const char *const names[DATA_REASON_COUNT] = {[DATA_REASON_CHANNEL_CLOSED] = "channel-closed",
                                                         [DATA_REASON_ASSOCIATION] = "association-closed",
                                                         [DATA_REASON_TOO_SLOW] = "too-slow",
                                                         [DATA_REASON_TOO_BIG] = "message-too-big"};
    return (unsigned)reason < DATA_REASON_COUNT ? names[reason] : "unknown";
}
