// doctor_call: a call with a server, as two people make one: WebSocket, room, ICE, DTLS, audio and video both
// ways. The synthetic participants of load/ make it; whoever calls decides through which address.
//
// Blocks until it is done, or no stage has been done for the time given; some seconds more when the server
// cannot be reached. Runs a loop of its
// own. One call at a time; not beside media_start in the same process.
#ifndef SERVER_DOCTOR_CALL_H
#define SERVER_DOCTOR_CALL_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

#define CALL_PACKETS_MIN 20 // of media that each of the two must get
#define CALL_ADDRESSES_MAX 32
#define CALL_WHY_MAX 256

struct call_request {
    const char *url;      // "ws://127.0.0.1:8080/ws", or wss
    struct addr media_to; // where media is sent to, whatever the server announces (the port is the server's);
                          // family 0: to the first address that it announces
    const char
        *keys; // the server's file of keys, NULL or "" for none: both bring tokens that are made with it
    uint64_t wait_us; // for the next stage to be done
};

// How far a call came: the stage that was not done.
enum call_stage {
    CALL_WEBSOCKET, // connection and upgrade
    CALL_ROOM,      // join-room to joined
    CALL_TRANSPORT, // create-transport and connect-transport
    CALL_ICE,
    CALL_DTLS,
    CALL_RTP, // audio and a whole picture, at both
    CALL_DONE,
};

struct call_outcome {
    enum call_stage stage;
    char why[CALL_WHY_MAX];                  // what is known of it; "" often
    bool refused;                            // the server did not want another room or participant
    uint64_t join_us, media_us;              // from the beginning to keys; to media at both
    uint64_t packets_in, packets_out;        // RTP
    uint64_t faults;                         // packets that were not as they were sent
    struct addr offered[CALL_ADDRESSES_MAX]; // what the server announces
    unsigned offered_count;
};

void call_make(const struct call_request *request, struct call_outcome *out);
const char *call_stage_name(enum call_stage stage); // "WebSocket", "ICE"

#endif
