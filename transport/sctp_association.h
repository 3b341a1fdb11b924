// sctp_association: SCTP associations over DTLS by usrsctp, sans I/O (RFC 8261, RFC 8831): packets go in and
// come out, messages come out and go in.
//
// usrsctp has global state: hash tables, one queue of timers, locks whose order it does not keep. So one
// thread at a time owns all of it: every function here is called on that thread, between sctp_library_start
// and sctp_library_stop. It starts no timer thread and opens no socket; its timers are driven by
// sctp_library_advance. (A thread that it makes for walks over all associations waits for ever: nothing here
// causes one.)
//
// Memory of one association: what is queued for the peer, at most ASSOCIATION_SEND_BYTES; what came and was
// not taken, at most ASSOCIATION_RECEIVE_BYTES; and of a long message that comes in parts up to
// DATA_MESSAGE_MAX. Who does not take what came closes the peer's window, which then sends no more.
#ifndef TRANSPORT_SCTP_ASSOCIATION_H
#define TRANSPORT_SCTP_ASSOCIATION_H

#include "base/err.h"
#include "base/span.h"
#include "rtp/data_params.h"

#include <stdbool.h>

#define ASSOCIATIONS_MAX DATA_ASSOCIATIONS_MAX
#define ASSOCIATION_SEND_BYTES (512 * 1024)
#define ASSOCIATION_SEND_MESSAGES                                                                            \
    1024 // that wait to be sent or acknowledged, about; as many wait to be taken
#define ASSOCIATION_RECEIVE_BYTES (384 * 1024)
#define ASSOCIATION_PACKET_MAX 1200 // bytes of a packet that is sent, before DTLS
#define SCTP_LIBRARY_TICK_US UINT64_C(10000)

// Payload protocol identifiers (RFC 8831, section 8).
enum data_ppid {
    DATA_PPID_DCEP = 50,
    DATA_PPID_STRING = 51,
    DATA_PPID_BINARY = 53,
    DATA_PPID_STRING_EMPTY = 56, // one byte stands for nothing
    DATA_PPID_BINARY_EMPTY = 57,
};

// Once for the process, in pairs. ERR_EXISTS: somebody has it.
MUST_USE enum err sctp_library_start(void);
void sctp_library_stop(void); // no association is left
// Lets the time pass for all of them; at most once a SCTP_LIBRARY_TICK_US does something.
void sctp_library_advance(uint64_t now_us);

struct association;

struct association_output {
    void *ctx;
    // A packet for the peer; its bytes may be changed. From inside any function here, of any association.
    void (*send)(void *ctx, struct span packet);
    // Something may be there for association_receive, or there is room again for association_send.
    void (*wake)(void *ctx);
};

// Streams: 1..DATA_STREAMS_MAX each. NULL: no memory, or there are ASSOCIATIONS_MAX.
struct association *association_create(uint16_t streams_out, uint16_t streams_in,
                                       const struct association_output *output);
void association_destroy(struct association *association); // says goodbye (ABORT); NULL is fine

// The path is there: asks the peer, which may do the same. Harmless later.
void association_connect(struct association *association);
// One packet from the peer. False: it is none that is welcome (sctp_screen.h), and was dropped.
bool association_input(struct association *association, struct span packet);
enum data_state association_state(const struct association *association);

struct association_message {
    uint16_t stream;
    uint32_t ppid;
    struct span bytes; // good until the next call of any of these functions
};

enum association_got {
    ASSOCIATION_NOTHING,
    ASSOCIATION_MESSAGE, // `out` is filled
    ASSOCIATION_RESET,   // the peer has closed out->stream; ours is closed with it
    ASSOCIATION_STATE,   // association_state is another one
    ASSOCIATION_TOO_BIG, // a message on out->stream went beyond DATA_MESSAGE_MAX and was dropped
};
enum association_got association_receive(struct association *association, struct association_message *out);

// ERR_AGAIN: no room now; ERR_WRONG_STATE: not connected, or no such stream; ERR_IO: it is over.
MUST_USE enum err association_send(struct association *association, const struct data_stream *stream,
                                   uint32_t ppid, struct span message);
// Bytes for the peer that are not acknowledged yet, with the headers of their chunks; 0 when it is over.
uint32_t association_waiting_bytes(const struct association *association);
// A channel is opened on a stream, whose end is to be told again; messages on it, either way, say the same.
void association_use_stream(struct association *association, uint16_t stream);
// Closes our direction of a stream; the peer closes its own (RFC 8831, section 6.7). Once for each use of it.
void association_reset_stream(struct association *association, uint16_t stream);

#endif
