// media_msg: everything that the control thread says to a media worker (media_cmd) and hears from it
// (media_event and, for whoever asked, media_stats).
//
// Fixed-size tagged unions for SPSC rings: plain data, no pointers. Objects are named by ids that the control
// thread gives out (slots: index and generation), unique over all workers; a worker that does not know an id
// drops the message. Per worker the order of commands is kept.
#ifndef ROOMS_MEDIA_MSG_H
#define ROOMS_MEDIA_MSG_H

#include "base/addr.h"
#include "rtp/data_params.h"
#include "rtp/ice_candidate.h"
#include "rtp/media.h"
#include "rtp/peer_params.h"
#include "rtp/speech.h"

#define WORKERS_MAX 64

// A link is a way by which packets of producers leave a worker for consumers elsewhere, named by where it
// leads: today each worker of the process is at the end of one. Who owns the links knows where theirs lead
// (server/media/mesh.h), nobody else does.
#define LINKS_MAX 4096
#define RELAYS_MAX 256 // links that one producer's packets leave by
struct link_id {
    uint16_t v; // below LINKS_MAX
};
static inline struct link_id link_of_worker(unsigned worker) {
    return (struct link_id){(uint16_t)worker};
}

struct transport_id {
    uint32_t v;
};
struct producer_id {
    uint32_t v;
};
struct consumer_id {
    uint32_t v;
};
struct data_producer_id {
    uint32_t v;
};
struct data_consumer_id {
    uint32_t v;
};

// ---- what negotiation found out, in the form that the packet path uses

struct stream_params {
    uint32_t ssrc;         // 0: not known yet, learnt from MID + RID
    uint32_t rtx_ssrc;     // 0: not known yet, or no RTX
    char rid[RID_MAX + 1]; // "" for none
};

struct producer_params {
    enum media_kind kind;
    enum media_codec codec;
    uint8_t payload_type;     // as the publisher sends it
    uint8_t rtx_payload_type; // or PAYLOAD_TYPE_NONE
    uint8_t red_payload_type; // of redundant audio (rtp/red.h), which may come in its place; 0: never
    uint32_t clock_rate;
    uint8_t stream_count; // 1..STREAMS_MAX; more than one is simulcast, lowest layer first
    struct stream_params streams[STREAMS_MAX];
    char mid[MID_MAX + 1];                   // "" for none
    struct ext_ids ext;                      // the publisher's own ids
    bool nack;                               // the publisher answers NACK
    bool pli, fir;                           // and these requests
    bool transport_cc;                       // and wants transport-wide feedback
    bool ccfb;                               // and, for packets without its number, that of RFC 8888
    bool remb;                               // and, without either, REMB
    bool dtx;                                // audio may pause for long
    bool screen;                             // it shows a screen, not a camera
    uint8_t spatial_layers, temporal_layers; // 1 or more, from scalabilityMode (per stream)
};

struct consumer_params {
    enum media_kind kind;
    uint8_t payload_type;     // as the receiver expects it
    uint8_t rtx_payload_type; // or PAYLOAD_TYPE_NONE
    uint8_t red_payload_type; // of redundant audio; 0: it gets the primary block alone
    uint32_t clock_rate;
    uint32_t ssrc;
    uint32_t rtx_ssrc;     // 0 without RTX
    char mid[MID_MAX + 1]; // decimal, at most 8 bytes
    char cname[CNAME_MAX + 1];
    struct ext_ids ext; // what the receiver negotiated: EXT_ROUTER_ID or 0,
    bool own_ext_ids;   // or ids of its own (1..14), under which it reads other things than the router's
    bool nack;
    bool pli, fir;
};

// A transport of plain RTP: what it needs in place of ICE and DTLS.
struct plain_params {
    int rtp_fd, rtcp_fd;             // bound UDP sockets, the worker's to close; rtcp_fd -1: one carries both
    bool comedia;                    // the other side is where its first packet comes from
    struct addr remote, remote_rtcp; // else where it is; family 0: not known, or there is no such way
    struct srtp_keys keys;           // SRTP_PROFILE_NONE: in the clear
};

// ---- commands

enum media_cmd_type {
    MEDIA_OPEN_TRANSPORT,
    MEDIA_OPEN_PLAIN, // the same, of plain RTP
    MEDIA_CARRY_DATA, // before CONNECT_TRANSPORT: it carries SCTP, which the data worker speaks
    MEDIA_CONNECT_TRANSPORT,
    MEDIA_RESTART_ICE,
    MEDIA_OFFER_ICE,       // the same, though the client has not asked: it may go on with what it has
    MEDIA_ICE_REMOTE,      // of a transport with a complete agent: its peer's credentials,
    MEDIA_ICE_CANDIDATE,   // and one of its candidates
    MEDIA_CLOSE_TRANSPORT, // with all its producers and consumers
    MEDIA_OPEN_PRODUCER,
    MEDIA_OPEN_RELAYED_PRODUCER, // this worker gets the producer's packets over a link
    MEDIA_PAUSE_PRODUCER,
    MEDIA_CLOSE_PRODUCER, // with all its consumers on this worker
    MEDIA_OPEN_RELAY,     // send this producer's packets over link `relay.link` too
    MEDIA_CLOSE_RELAY,
    MEDIA_OPEN_CONSUMER,
    MEDIA_PAUSE_CONSUMER,
    MEDIA_CLOSE_CONSUMER,
    MEDIA_SET_LAYERS,
    MEDIA_SET_PRIORITY,
    MEDIA_SET_LOUDEST, // of the audio that goes to this transport, the loudest alone
    MEDIA_SET_MAX_BITRATE,
    MEDIA_REQUEST_KEY_FRAME,
    MEDIA_GET_STATS,
};

#define LAYER_NONE (-1)
#define LOUDEST_ALL 0 // everybody
#define LOUDEST_N_MAX 32

struct media_cmd {
    enum media_cmd_type type;
    struct transport_id transport; // OPEN_TRANSPORT .. CLOSE_TRANSPORT, OPEN_PRODUCER, OPEN_CONSUMER,
                                   // SET_LOUDEST, SET_MAX_BITRATE of a transport
    struct producer_id producer;   // *_PRODUCER, *_RELAY, OPEN_CONSUMER
    struct consumer_id consumer;   // *_CONSUMER, SET_*, REQUEST_KEY_FRAME
    union {
        struct {
            struct ice_credentials ice; // OPEN_TRANSPORT, RESTART_ICE, OFFER_ICE
            uint32_t room;              // OPEN_TRANSPORT: comes back in TRANSPORT_CLOSED
            bool full;                  // OPEN_TRANSPORT: a full ICE agent and not ICE-lite,
            bool controlling;           // in this role
        };
        struct ice_remote ice_remote;
        struct ice_candidate ice_candidate;
        struct {
            struct plain_params params;
            uint32_t room; // as with OPEN_TRANSPORT
        } plain;           // OPEN_PLAIN
        struct {
            enum dtls_role remote_role; // as the client announced it
            struct fingerprint fingerprint;
        } connect;
        struct {
            struct producer_params params;
            bool paused;
            struct link_id source; // OPEN_RELAYED_PRODUCER: where the publisher is
            uint32_t voice_group;  // of audio: among whom SET_LOUDEST chooses, a room's number; 0: none
        } open_producer;
        struct {
            struct consumer_params params;
            bool paused;
            uint8_t spatial_layers; // at most so many of them, until SET_LAYERS; 0: no limit
        } open_consumer;
        struct {
            bool paused;
        } pause; // PAUSE_PRODUCER, PAUSE_CONSUMER: false resumes
        struct {
            struct link_id link;
        } relay;
        struct {
            int8_t spatial, temporal; // 0..; LAYER_NONE for no limit
        } layers;
        struct {
            uint8_t priority; // 1..255
        } priority;
        struct {
            uint8_t n; // 1..LOUDEST_N_MAX, or LOUDEST_ALL
        } loudest;
        struct {
            uint32_t bps; // of what one consumer or transport gets, or a publisher sends; 0: no limit
        } max_bitrate;
        struct {
            uint32_t token; // comes back in the answer; exactly one of the three ids above is not 0
        } stats;
    };
};

// ---- statistics (docs/protocol.md, get-stats)

// What bounds the estimate of what a transport's link carries.
enum link_reason {
    LINK_UNKNOWN,     // nobody tells what arrives
    LINK_START,       // nothing has been learnt yet
    LINK_DELAY,       // a queue grows when more is sent
    LINK_LOSS,        // more is lost
    LINK_PROBE,       // as far as a probe has shown
    LINK_APPLICATION, // there is no use for more
    LINK_REMB,        // the receiver says so
    LINK_CEILING,     // set-max-bitrate, or the setting
    LINK_SILENT,      // the receiver does not tell any more
    LINK_REASONS,
};

struct transport_stats {
    uint64_t bytes_received, bytes_sent; // UDP payload
    uint64_t rtp_bytes_received, rtp_bytes_sent;
    uint64_t rtx_bytes_received, rtx_bytes_sent;
    uint32_t recv_bitrate_bps, send_bitrate_bps;
    uint32_t rtp_recv_bitrate_bps, rtp_send_bitrate_bps;
    uint32_t rtx_recv_bitrate_bps, rtx_send_bitrate_bps;
    float rtp_packet_loss_received, rtp_packet_loss_sent; // 0..1
    // Of its receiving side: what the link carries (0: not known) and why no more, what its consumers are
    // given of that, and what they would take. The ceiling (0: none) is of either side.
    uint32_t estimate_bps, target_bps, wanted_bps, max_bps;
    enum link_reason estimate_reason;
    uint64_t padding_bytes_sent;
    struct tuple selected;           // TUPLE_NONE while there is none
    bool full, controlling;          // a full ICE agent, and the role that it began with
    uint8_t local_type, remote_type; // enum ice_candidate_type, of the selected pair of one
    enum ice_state ice;
    enum dtls_state dtls;
};

struct stream_report {
    uint32_t ssrc, rtx_ssrc;
    char rid[RID_MAX + 1];
    uint64_t packet_count, byte_count;
    uint32_t bitrate_bps;
    uint64_t packets_lost;
    uint8_t fraction_lost; // of 256, as in RFC 3550
    uint32_t jitter;       // in units of the clock rate
    uint64_t packets_discarded, packets_retransmitted, packets_repaired, rtx_packets_discarded;
    uint64_t nack_count, nack_packet_count, pli_count, fir_count, key_frames;
    float round_trip_ms;       // 0: not known
    uint32_t playout_delay_ms; // that its receiver is asked to wait for repeats; 0: it is not asked
    uint8_t score;
};

// The answer to GET_STATS. It is large and seldom, so it has a queue of its own beside that of the events.
struct media_stats {
    uint32_t token;
    bool found;
    uint8_t stream_count; // producer: its streams; consumer: [0] its own, [1] the producer's one that it
                          // shows; transport: 0
    struct transport_stats transport;
    struct stream_report streams[STREAMS_MAX];
};

// ---- events

// How well RTP went over a transport, or over all of a room. What went out and how far away its receiver is,
// is as the receiver reports it; it cannot report more lost than it was sent. Counts stop at their maximum.
struct path_quality {
    uint32_t packets, packets_lost; // both ways; lost: for good, of `packets`
    uint32_t rtt_us_max;            // 0: not known
};
static inline void count_up(uint32_t *count, uint64_t more) {
    *count = more > UINT32_MAX - *count ? UINT32_MAX : *count + (uint32_t)more;
}
static inline void path_quality_add(struct path_quality *sum, const struct path_quality *more) {
    count_up(&sum->packets, more->packets);
    count_up(&sum->packets_lost, more->packets_lost);
    if (more->rtt_us_max > sum->rtt_us_max)
        sum->rtt_us_max = more->rtt_us_max;
}
// Why a consumer gets no more than it does.
enum layer_reason {
    LAYER_REASON_WISH,      // it is what its receiver wants, or everything
    LAYER_REASON_BANDWIDTH, // its receiver's link
    LAYER_REASON_SOURCE,    // there is no more, or nothing
    LAYER_REASON_WORKER,    // the worker is full
};

enum media_event_type {
    MEDIA_TRANSPORT_STATE,
    MEDIA_PRODUCER_SCORE,
    MEDIA_CONSUMER_SCORE,
    MEDIA_CONSUMER_LAYERS,
    MEDIA_LAYERS_WANTED,
    MEDIA_AUDIO_LEVEL,
    MEDIA_TRANSPORT_CLOSED, // what went over it; to the control side its id is nobody's any more
    MEDIA_STEER, // between worker and media alone: datagrams of an address come in at another worker
};

struct media_event {
    enum media_event_type type;
    struct transport_id transport;
    struct producer_id producer;
    struct consumer_id consumer;
    union {
        struct {
            enum ice_state ice;
            enum dtls_state dtls;
            uint64_t heard_us; // when the peer was heard last; 0: never, or it is plain RTP
        } state;               // ICE_DISCONNECTED: consent has expired
        uint8_t score;         // 0..10
        struct {
            int8_t spatial, temporal; // LAYER_NONE: nothing is sent
            uint8_t reason;           // CONSUMER_LAYERS: enum layer_reason
        } layers; // CONSUMER_LAYERS; LAYERS_WANTED: highest spatial in use, LAYER_NONE: nobody watches
        struct {
            int8_t level_dbov;               // -127..0, mean over the interval
            struct speech_activity activity; // until now
        } audio; // AUDIO_LEVEL: about four a second for each producer that is heard
        struct {
            uint32_t room; // as in OPEN_TRANSPORT
            struct path_quality quality;
        } closed; // TRANSPORT_CLOSED
        struct {
            uint32_t key;   // of the address (transport/udp_steer.h)
            uint8_t family; // 0: IPv4, 1: IPv6
            bool publishes; // its transport has producers
            bool gone;      // it is nobody's any more
        } steer;
    };
};
_Static_assert(sizeof(struct media_event) <= 32, "the queue of events is small and stays in the caches");

// ---- full ICE agents: what the control thread hears of the thread that has them

enum ice_event_type {
    ICE_EVENT_CANDIDATE, // an address of ours
    ICE_EVENT_GATHERED,  // that was the last
    ICE_EVENT_FAILED,    // there is no agent: no address, port or memory
};

struct ice_event {
    enum ice_event_type type;
    struct transport_id transport;
    struct ice_candidate candidate;
};

// ---- data channels: what the control thread says to the data worker, and hears from it. The same rules.

enum data_cmd_type {
    DATA_OPEN_TRANSPORT,
    DATA_CLOSE_TRANSPORT, // with all its producers and consumers
    DATA_OPEN_PRODUCER,
    DATA_CLOSE_PRODUCER, // with its consumers
    DATA_OPEN_CONSUMER,
    DATA_PAUSE_CONSUMER,
    DATA_CLOSE_CONSUMER,
    DATA_ANSWER_CHANNEL, // to DATA_CHANNEL_OPENED; what it is to be was opened before
    DATA_GET_STATS,      // of a producer or a consumer; exactly one of the two ids is not 0
};

struct data_cmd {
    enum data_cmd_type type;
    struct transport_id transport;    // *_TRANSPORT, OPEN_*, ANSWER_CHANNEL
    struct data_producer_id producer; // *_PRODUCER; OPEN_CONSUMER: whose messages, 0: those of a group
    struct data_consumer_id consumer; // *_CONSUMER
    union {
        struct {
            unsigned worker; // that has the transport
            uint16_t streams_out, streams_in;
            uint32_t owner; // a participant's number, not 0: nobody gets its own messages of a group
        } open_transport;
        struct {
            struct data_stream stream;
            uint32_t group; // of OPEN_PRODUCER: who consumes the group gets it too; 0: none
            bool in_band;   // it ends when the peer closes the channel
            bool paused;    // OPEN_CONSUMER
        } open;
        struct {
            bool paused; // false resumes
        } pause;
        struct {
            uint16_t stream;
            bool accepted;
        } answer;
        struct {
            uint32_t token; // comes back in the answer
        } stats;
    };
};

enum data_event_type {
    DATA_TRANSPORT_STATE,
    DATA_CHANNEL_OPENED, // a peer opens a channel in the association itself
    DATA_PRODUCER_CLOSED,
    DATA_CONSUMER_CLOSED,
    DATA_STATS, // the answer to GET_STATS
};

// A producer's: what has come of it; a consumer's: what went out.
struct data_stats {
    uint32_t token;
    bool found;
    uint64_t messages, bytes;
    uint64_t waiting_bytes; // of a consumer: what its association holds for the peer, all channels together
};

struct data_event {
    enum data_event_type type;
    struct transport_id transport; // TRANSPORT_STATE, CHANNEL_OPENED
    struct data_producer_id producer;
    struct data_consumer_id consumer;
    union {
        enum data_state state;
        enum data_reason reason;            // *_CLOSED
        struct data_channel_params channel; // CHANNEL_OPENED
        struct data_stats stats;            // STATS
    };
};

#endif
