// data_worker: the thread that has all SCTP associations and the data channels in them.
//
// usrsctp has one state for the process (transport/sctp_association.h), so one thread owns it, beside the
// media workers: no lock, and no message of a data channel makes a packet of a call wait. A media worker has
// the transport, its DTLS too: it hands decrypted SCTP packets over and sends what comes back. Between the
// two are bounded rings of packets; what does not fit is lost as in a network, and SCTP repeats it. The
// control thread has rings of its own for commands and events (rooms/media_msg.h).
//
// Its timers run while there are associations: each 10 ms while something happens, else ten times a second.
#ifndef SERVER_DATA_WORKER_H
#define SERVER_DATA_WORKER_H

#include "rooms/media/data_forwarder.h"
#include "transport/dtls.h"

struct data_packet {
    struct transport_id transport;
    bool connected; // to the data worker: DTLS is there; no bytes
    uint16_t len;
    uint8_t bytes[DTLS_DATA_MAX];
};

// X(member, type of the metric, its name, its help)
#define DATA_WORKER_COUNTERS(X)                                                                              \
    X(associations, "gauge", "rotunda_data_associations", "SCTP associations.")                              \
    X(packets_in, "counter", "rotunda_data_packets_received_total", "SCTP packets received.")                \
    X(packets_out, "counter", "rotunda_data_packets_sent_total", "SCTP packets sent.")                       \
    X(packets_refused, "counter", "rotunda_data_packets_refused_total",                                      \
      "SCTP packets that were malformed, or had what data channels do not need.")                            \
    X(packets_lost, "counter", "rotunda_data_packets_lost_total",                                            \
      "SCTP packets for which a media worker's queue had no room.")                                          \
    X(channels_in_band, "counter", "rotunda_data_channels_asked_total",                                      \
      "Channels that peers asked for in the association itself.")                                            \
    X(channels_malformed, "counter", "rotunda_data_channels_malformed_total",                                \
      "Such questions that were malformed.")

struct data_worker_counters {
#define DATA_WORKER_MEMBER(member, ...) uint64_t member;
    DATA_WORKER_COUNTERS(DATA_WORKER_MEMBER)
    DATA_FORWARDER_COUNTERS(DATA_WORKER_MEMBER)
#undef DATA_WORKER_MEMBER
};

struct data_worker_config {
    unsigned workers;
    uint64_t rate;                                   // data_forwarder_create
    void (*wake_worker)(void *ctx, unsigned worker); // on the data worker's thread; must only wake it
    void (*events_ready)(void *ctx);                 // the same, the control loop
    void *ctx;
};

struct data_worker;

// Control thread. NULL: no memory, or the SCTP library does not start.
struct data_worker *data_worker_create(const struct data_worker_config *config);
void data_worker_destroy(struct data_worker *data); // its thread has ended or never started; NULL is fine
void data_worker_run(struct data_worker *data);     // until data_worker_stop; a thread of its own
void data_worker_stop(struct data_worker *data);
bool data_worker_post(struct data_worker *data, const struct data_cmd *cmd); // false: the queue is full
const struct data_event *data_worker_peek_event(struct data_worker *data);   // NULL: none
void data_worker_pop_event(struct data_worker *data);
uint64_t data_worker_heartbeat_us(const struct data_worker *data); // when it last turned
void data_worker_read_counters(struct data_worker *data, struct data_worker_counters *out);

// A media worker's thread, with its number. What is pushed is seen at data_worker_flush at the latest.
struct data_packet *data_worker_reserve(struct data_worker *data, unsigned worker); // NULL: the ring is full
void data_worker_push(struct data_worker *data, unsigned worker);
void data_worker_flush(struct data_worker *data, unsigned worker);
bool data_worker_waiting(struct data_worker *data,
                         unsigned worker); // something is there for the media worker
const struct data_packet *data_worker_peek(struct data_worker *data, unsigned worker); // NULL: nothing
void data_worker_pop(struct data_worker *data, unsigned worker);

#endif
