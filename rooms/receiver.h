// receiver: what of a client's RtpCapabilities counts for what it can be sent, in a few bytes.
//
// A client's rtpCapabilities may be 60 KB and cost forty times of that as JSON values. All that consuming
// asks of them is which of the router's codecs, their feedback and its header extensions they have, so that
// is all that is kept (rooms/negotiate.h makes it and turns it into RtpCapabilities again). Plain data: equal
// ones compare equal with memcmp, because both come from negotiate_receiver.
#ifndef ROOMS_RECEIVER_H
#define ROOMS_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#define RECEIVER_CODECS_MAX 32 // of the router, RTX counted

struct receiver {
    uint32_t given;                        // 0: the client has not said yet; else 1
    uint32_t codecs;                       // bit i: the router's codec number i
    uint32_t extensions;                   // bit i: enum media_ext i, under the router's id
    uint8_t feedback[RECEIVER_CODECS_MAX]; // bit j: entry j of that codec's rtcpFeedback
};

#endif
