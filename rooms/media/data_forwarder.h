// data_forwarder: the data channels of the server as one object without sockets: what comes from producers
// goes to their consumers. Sans I/O; commands, messages and the time go in; messages for peers and events
// come out. It belongs to the data worker and its thread.
//
// An *endpoint* is a transport's association. A message of a producer goes to those who consume that producer
// and, when the producer is in a group (a channel of a room that all may use), to those who consume the
// group, but for the sender's own.
//
// Nothing is queued here but one message of an endpoint, which some of its receivers have no room for. Until
// they have, the endpoint is held: what comes next of it is not to be read, so that its peer's window closes
// and it stops by itself. That is for reliable channels; on others a receiver without room misses the
// message. Nobody holds others for long: each endpoint may do so for DATA_HOLD_US with all its consumers
// together (a new one for DATA_HOLD_FIRST_US), and gets a tenth of the time back that passes; beyond that
// those of its consumers that hold somebody are closed with DATA_REASON_TOO_SLOW. What it owes outlives its
// consumers: who consumes anew has nothing back. An endpoint is also held while it has cost more than its
// share: bytes times receivers, DATA_BURST_SECONDS of the rate.
#ifndef ROOMS_MEDIA_DATA_FORWARDER_H
#define ROOMS_MEDIA_DATA_FORWARDER_H

#include "base/err.h"
#include "base/span.h"
#include "rooms/media_msg.h"

#include <stdbool.h>

#define DATA_HOLD_US UINT64_C(3000000)
#define DATA_HOLD_FIRST_US (DATA_HOLD_US / 3)
#define DATA_BURST_SECONDS 2
#define DATA_ENDS_PER_ADVANCE 48

// X(member, type of the metric, its name, its help)
#define DATA_FORWARDER_COUNTERS(X)                                                                           \
    X(producers, "gauge", "rotunda_data_producers", "Data channels that participants send by.")              \
    X(consumers, "gauge", "rotunda_data_consumers", "Data channels that participants receive by.")           \
    X(messages_in, "counter", "rotunda_data_messages_received_total", "Messages of data channels received.") \
    X(bytes_in, "counter", "rotunda_data_bytes_received_total", "Their bytes.")                              \
    X(messages_out, "counter", "rotunda_data_messages_sent_total", "Messages of data channels sent.")        \
    X(bytes_out, "counter", "rotunda_data_bytes_sent_total", "Their bytes.")                                 \
    X(missed, "counter", "rotunda_data_messages_missed_total",                                               \
      "Messages of unreliable channels that a receiver had no room for.")                                    \
    X(unwanted, "counter", "rotunda_data_messages_unwanted_total",                                           \
      "Messages on streams that no producer has, or of an unknown kind.")                                    \
    X(held, "counter", "rotunda_data_holds_total",                                                           \
      "Times that a sender was held, for slow receivers or for its rate.")                                   \
    X(too_slow, "counter", "rotunda_data_too_slow_total",                                                    \
      "Consumers closed because they held others for too long.")

struct data_counters {
#define DATA_MEMBER(member, ...) uint64_t member;
    DATA_FORWARDER_COUNTERS(DATA_MEMBER)
#undef DATA_MEMBER
};

struct data_message {
    uint32_t ppid; // of text, binary, and their empty forms
    struct span bytes;
};

struct data_forwarder_output {
    void *ctx;
    // To the peer that the endpoint was opened with. ERR_AGAIN: no room now; anything else but ERR_OK: it has
    // no association, and misses the message.
    enum err (*send)(void *ctx, void *peer, const struct data_stream *stream,
                     const struct data_message *message);
    void (*close_stream)(void *ctx, void *peer, uint16_t stream);
    uint64_t (*waiting_bytes)(void *ctx, const void *peer); // that have been sent and not acknowledged
    void (*event)(void *ctx, const struct data_event *event);
    // The endpoint is not held any more: its messages may be read.
    void (*release)(void *ctx, void *peer);
};

struct data_forwarder;
struct data_endpoint;

// rate: bytes a second that one endpoint may cost, summed over receivers; 0: no limit. NULL: no memory.
struct data_forwarder *data_forwarder_create(const struct data_forwarder_output *output, uint64_t rate);
void data_forwarder_destroy(struct data_forwarder *forwarder); // NULL is fine
const struct data_counters *data_forwarder_counters(const struct data_forwarder *forwarder);

// owner: of struct data_cmd. NULL: no memory.
struct data_endpoint *data_forwarder_open(struct data_forwarder *forwarder, struct transport_id id,
                                          uint32_t owner, void *peer, uint64_t now_us);
void data_forwarder_close(struct data_forwarder *forwarder, struct data_endpoint *endpoint, uint64_t now_us);
// Those about producers and consumers; `endpoint` is cmd->transport's, or NULL.
void data_forwarder_command(struct data_forwarder *forwarder, struct data_endpoint *endpoint,
                            const struct data_cmd *cmd, uint64_t now_us);

// What an endpoint's peer has sent on a stream; it must not be held. The bytes are copied where they must
// stay.
void data_forwarder_message(struct data_forwarder *forwarder, struct data_endpoint *endpoint, uint16_t stream,
                            const struct data_message *message, uint64_t now_us);
bool data_endpoint_held(const struct data_endpoint *endpoint);
// There may be room again for what the endpoint receives.
void data_forwarder_writable(struct data_forwarder *forwarder, struct data_endpoint *endpoint,
                             uint64_t now_us);
// The peer has closed a stream: what was opened in-band on it ends.
void data_forwarder_stream_closed(struct data_forwarder *forwarder, struct data_endpoint *endpoint,
                                  uint16_t stream, uint64_t now_us);
// Its association is over: all on it is closed without an event for each, and nothing opens on it any more.
// Whoever hears of the association's end knows that.
void data_forwarder_ended(struct data_forwarder *forwarder, struct data_endpoint *endpoint, uint64_t now_us);
// A message on `stream` was too big: its producer is closed.
void data_forwarder_too_big(struct data_forwarder *forwarder, struct data_endpoint *endpoint, uint16_t stream,
                            uint64_t now_us);

uint64_t data_forwarder_next_us(const struct data_forwarder *forwarder); // TIME_NEVER for none
// At most DATA_ENDS_PER_ADVANCE events; what is left then is due at once.
void data_forwarder_advance(struct data_forwarder *forwarder, uint64_t now_us);

#endif
