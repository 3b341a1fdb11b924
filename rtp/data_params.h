// data_params: what signalling finds out about a transport's data channels, in the form that the SCTP side
// uses (RFC 8831, RFC 8832). Plain data.
#ifndef RTP_DATA_PARAMS_H
#define RTP_DATA_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#define DATA_MESSAGE_MAX (256 * 1024) // bytes of one message, each way
#define DATA_STREAMS_MAX 1024         // of one association, each way: ids from 0 up
#define DATA_SCTP_PORT 5000           // of both sides; there is one association a transport
#define DATA_ASSOCIATIONS_MAX 8192    // of the server
#define DATA_TEXT_MAX 255             // bytes of a label or protocol

// What may happen to the messages of a channel (RFC 8831, section 6.4).
enum data_reliability {
    DATA_RELIABLE,
    DATA_MAX_RETRANSMITS,
    DATA_MAX_LIFETIME,
    DATA_RELIABILITY_COUNT,
};

struct data_stream {
    uint16_t id; // below DATA_STREAMS_MAX
    bool ordered;
    enum data_reliability reliability;
    uint16_t limit; // retransmissions, or milliseconds
};

struct data_channel_params {                                    // as DATA_CHANNEL_OPEN says it
    struct data_stream stream;                                  // whose id is not in there
    char label[DATA_TEXT_MAX + 1], protocol[DATA_TEXT_MAX + 1]; // UTF-8 without control characters
};

enum data_state {   // of a transport's association
    DATA_STATE_NEW, // DTLS is not there yet
    DATA_STATE_CONNECTING,
    DATA_STATE_CONNECTED,
    DATA_STATE_FAILED, // and stays so
    DATA_STATE_CLOSED, // the peer has said goodbye
    DATA_STATE_COUNT,
};
const char *data_state_name(enum data_state state); // as in JSON; never NULL

enum data_reason {              // why the data worker closed a producer or consumer
    DATA_REASON_CHANNEL_CLOSED, // its peer has closed the channel
    DATA_REASON_ASSOCIATION,    // the association is over
    DATA_REASON_TOO_SLOW,       // the receiver of a reliable channel kept its senders waiting
    DATA_REASON_TOO_BIG,        // a message beyond DATA_MESSAGE_MAX
    DATA_REASON_COUNT,
};
const char *data_reason_name(enum data_reason reason); // as in JSON; never NULL

#endif
