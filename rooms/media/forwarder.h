// forwarder: one worker's media objects: endpoints, producers, consumers, and the way of a packet between
// them. Sans I/O.
//
// Decrypted packets and commands go in with `now_us`; plain RTP and RTCP for peers, packets for other workers
// and events come out through `struct forwarder_output`, during the call. Timers are nodes on the wheel that
// the owner advances. A `peer` is the owner's pointer for one transport, handed back as it was given. One
// thread. No allocation per packet.
#ifndef ROOMS_FORWARDER_H
#define ROOMS_FORWARDER_H

#include "base/pool.h"
#include "base/span.h"
#include "base/wheel.h"
#include "rooms/media/forwarder_counters.h"
#include "rooms/media_limits.h"
#include "rooms/media_msg.h"

// What is said over a link about a relayed producer, beside its packets.
enum relay_note_type {
    RELAY_KEY_FRAME_WANTED, // towards the publisher
    RELAY_SENDER_REPORT,    // away from it: the mapping of capture time to RTP time
};
struct relay_note {
    enum relay_note_type type;
    struct producer_id producer;
    uint8_t stream;
    uint32_t rtp_timestamp; // SENDER_REPORT
    uint64_t ntp;
    uint64_t arrival_us;
    uint32_t repair_wait_us; // and how long what is lost on the way from the publisher takes, 0: nothing is
};

#define FORWARDER_STEPS 4 // of a prefetch: where one pointer leads to the next

struct forwarder_output {
    void *ctx;
    // One plain RTP packet for the peer; the callee takes the block over (encrypts in place, sends,
    // releases). `index` is its packet index, whose low 16 bits the header has: each SSRC has each index
    // once, and almost always a higher one than before (rtp/seq_rewrite.h). True: the block's bytes are now
    // those of the datagram that the peer got or was to get.
    bool (*send_rtp)(void *ctx, void *peer, struct block *packet, enum media_kind kind, uint64_t index);
    // A datagram that has gone out already, to go out again as it is; the callee takes the block over.
    void (*send_again)(void *ctx, void *peer, struct block *sealed, enum media_kind kind);
    // One plain RTCP datagram of at most RTCP_DATAGRAM_MAX bytes; the callee copies it.
    void (*send_rtcp)(void *ctx, void *peer, struct span datagram);
    // A prepared packet (rtp_forward.h) for consumers elsewhere; the callee copies it, with what relay_wire.h
    // says.
    void (*relay_rtp)(void *ctx, struct link_id to, struct producer_id producer, uint8_t stream,
                      struct block *prepared);
    void (*relay_note)(void *ctx, struct link_id to, const struct relay_note *note);
    // False: there is no room for it. What says less than the next of its kind will is forgotten then, the
    // layers of a consumer are told by forwarder_retell.
    bool (*event)(void *ctx, const struct media_event *event);
    // This stream is over: decryption (or, when it was ours, encryption) may forget it. A sent SSRC never
    // comes back.
    void (*forget_ssrc)(void *ctx, void *peer, uint32_t ssrc, bool sent);
    // That packets for this peer come soon, so that the CPU may fetch what they need: said once for each step
    // from FORWARDER_STEPS - 1 down to 0, about a receiver's worth of work apart. Changes nothing; may be
    // NULL.
    void (*prefetch)(void *ctx, void *peer, unsigned step);
};

struct forwarder_config {
    struct link_id link;  // that leads here
    uint64_t random_seed; // for SSRCs, first sequence numbers and report jitter
    struct media_limits limits;
};

struct forwarder;
struct endpoint; // what rooms know of one transport

struct forwarder *forwarder_create(const struct forwarder_config *config,
                                   const struct forwarder_output *output, struct pool *pool,
                                   struct wheel *wheel);
// Closes everything; releases every block. NULL is fine.
void forwarder_destroy(struct forwarder *fw);

struct endpoint *forwarder_open_endpoint(struct forwarder *fw, struct transport_id id,
                                         void *peer);               // NULL: no memory
bool forwarder_endpoint_publishes(const struct endpoint *endpoint); // it has producers
// A packet with that SSRC would be one of its producers', as far as the SSRC tells.
bool forwarder_endpoint_knows(struct endpoint *endpoint, uint32_t ssrc);
// How well all that it has sent and got went over it, what was closed meanwhile included.
struct path_quality forwarder_endpoint_quality(const struct endpoint *endpoint);
void forwarder_close_endpoint(struct forwarder *fw,
                              struct endpoint *endpoint); // with its producers and consumers
// SRTP has just become possible: consumers start, each video one asks for a key frame.
void forwarder_endpoint_connected(struct forwarder *fw, struct endpoint *endpoint, uint64_t now_us);
// Whether there is an address to send to (it is taken for reachable to begin with). While there is none
// nothing is numbered: its consumers stop, and begin anew, each video one with a key frame, when there is one
// again.
void forwarder_endpoint_reachable(struct forwarder *fw, struct endpoint *endpoint, bool reachable,
                                  uint64_t now_us);
// Nothing that is sent to it is encrypted, so its receiver need not report what arrives (downlink.h). Before
// its first consumer.
void forwarder_endpoint_in_the_clear(struct endpoint *endpoint);
// What is sent to it takes another way from now on (another address): what was learnt of its link is over.
void forwarder_endpoint_path_changed(struct forwarder *fw, struct endpoint *endpoint, uint64_t now_us);
// OPEN_PRODUCER .. REQUEST_KEY_FRAME. A command that names something unknown is dropped.
void forwarder_command(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us);
// GET_STATS of a producer or consumer: fills `found`, stream_count, streams. For a transport: the parts of
// transport_stats that are known here (RTP and RTX bytes, rates, loss).
void forwarder_stats(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us,
                     struct media_stats *out);

enum forward_drop { // why a packet went nowhere
    FORWARD_DROP_NONE,
    FORWARD_DROP_MALFORMED,
    FORWARD_DROP_UNKNOWN_SSRC,
    FORWARD_DROP_PAUSED,
    FORWARD_DROP_DUPLICATE,
    FORWARD_DROP_OVER_BUDGET, // its producer sends more than it may (media_limits.h)
};
// One authentic, decrypted RTP packet; the block is taken over.
enum forward_drop forwarder_rtp(struct forwarder *fw, struct endpoint *from, struct block *packet,
                                uint64_t now_us);
// False when some of it was malformed (what came before is used).
bool forwarder_rtcp(struct forwarder *fw, struct endpoint *from, struct span datagram, uint64_t now_us);
// From whoever is at the end of a link; the block (with its meta, see relay_wire.h) is taken over. Packets
// and reports of a producer count over the link of its source alone. Anybody may wish for a key frame: wishes
// are merged, and count once a second.
void forwarder_relayed_rtp(struct forwarder *fw, struct link_id from, struct producer_id producer,
                           uint8_t stream, struct block *prepared, uint64_t now_us);
void forwarder_relay_note(struct forwarder *fw, struct link_id from, const struct relay_note *note,
                          uint64_t now_us);
// How much is left out, 0..OVERLOAD_LEVEL_MAX (overload.h), because the worker cannot do more. Of the video
// up to half of OVERLOAD_LEVEL_VIDEO so many sixteenths of the video consumers, those of low priority first,
// get the lowest stream of a simulcast producer, and nothing of a producer with one stream; beyond that, so
// many sixteenths get nothing; and beyond OVERLOAD_LEVEL_VIDEO so many sixteenths of the consumers of sound
// get nothing, those of quiet producers first. Who opens or resumes meanwhile falls under it at once. To be
// called when the level has changed: it visits every consumer.
void forwarder_shed(struct forwarder *fw, unsigned level, uint64_t now_us);
// Tells what there was no room to tell. To be called now and then.
void forwarder_retell(struct forwarder *fw);
// The packets given since the last time go out to their receivers, one receiver after the other, each in the
// order in which they came. To be called at the end of each turn, before its timers.
void forwarder_flush(struct forwarder *fw);

const struct forwarder_counters *forwarder_counters(const struct forwarder *fw);

#endif
