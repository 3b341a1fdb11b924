// sim: whole rooms on a virtual clock: participants that publish and receive, lossy links, forwarders joined
// by relays. Everything follows from the seed. What goes wrong fails the running cmocka test at once.
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/nonce_oracle.h"
#include "rooms/media/forwarder.h"
#include "rtp/rtcp_read.h"

#define SIM_WORKERS_MAX 4
#define SIM_PACKET_MAX 256
#define SIM_LAYERS_MAX 2
#define SIM_START_US UINT64_C(5000000000)

struct sim_link {
    uint32_t delay_us, jitter_us; // each datagram takes delay + [0, jitter): later ones may overtake
    unsigned loss_permille, duplicate_permille;
    unsigned burst; // so many in a row are lost in the mean; 0, 1: each by itself
};

struct sim_config {
    uint64_t seed;
    unsigned workers, participants;
    struct sim_link up, down;
    unsigned fps, packets_per_frame, audio_ms;
    unsigned layers;                // of video: 1, or 2 for simulcast
    bool rtx_to_receivers;          // what is sent again goes as RTX
    bool sheds;                     // video is left out at times: whole frames, and no numbers
    const struct sim_link *starved; // instead of `down`, what the first participant gets; NULL: the same
    unsigned numbers;               // that a stream may use, 0: SIM_NUMBERS
    bool asks_at_once;              // receivers do, and again after 60 ms: as browsers at a round trip of 50
    bool tells_times;               // publishers answer RRTR (RFC 3611)
    // Receivers and publishers are as libwebrtc's (nack_requester.cc, rtp_packet_history.cc): a gap is asked
    // for when it is seen, and again by a timer of 20 ms when the last asking was 100 ms ago, since who only
    // receives knows no round trip; what a repeat beyond all other numbers shows to be missing is not; and
    // what was repeated within a round trip and 5 ms is not repeated again.
    bool as_libwebrtc;
    // And receivers play as libwebrtc does (frame_buffer.cc, timing.cc), pictures of three temporal layers
    // (sim_temporal): what can be decoded is, when it is due, and what is older and not whole by then is
    // passed over for good, and not asked for again from when a later one is whole that needs nothing else.
    // Due is what has taken this long beyond the path, or as long as a playout-delay says. 0: they wait for
    // each.
    uint32_t plays_after_us;
    bool not_told; // how long they are to wait: they have not negotiated it
};

struct sim;
struct sim_participant;

// One transport of a participant; the forwarder's peer.
struct sim_peer {
    struct sim *sim;
    struct sim_participant *owner;
    unsigned worker;
    struct endpoint *endpoint;
    bool publishes;
    bool unreachable; // as the forwarder was told
    bool losing[2];   // in a burst of losses: up, down
};

enum sim_event_kind { SIM_UP_RTP, SIM_UP_RTCP, SIM_DOWN_RTP, SIM_DOWN_RTCP, SIM_RELAY_RTP, SIM_RELAY_NOTE };

struct sim_event {
    uint64_t at_us, order;
    enum sim_event_kind kind;
    struct sim_peer *peer; // the transport it goes through
    unsigned worker;       // relays: to whom
    uint16_t len;
    uint8_t bytes[];
};

// ---- sim_net.c
uint32_t sim_random(struct sim *sim);
// After the link's delay, or never, or twice.
void sim_send(struct sim *sim, const struct sim_link *link, enum sim_event_kind kind, struct sim_peer *peer,
              struct span bytes);
struct sim_event *sim_event_new(struct sim *sim, uint64_t delay_us, struct span bytes);
void sim_event_push(struct sim *sim, struct sim_event *event);
struct sim_event *sim_event_pop(struct sim *sim, uint64_t until_us); // NULL: nothing due; to be freed

// ---- sim_publisher.c
#define SIM_STORE 1024
#define SIM_TWCC_KEPT 65536

struct sim_stream {
    uint32_t ssrc, rtx_ssrc, timestamp_base;
    uint16_t seq, rtx_seq;
    bool key_wanted, silent;
    uint64_t last_pli_us; // as the forwarder sent it
    uint32_t packets, plis;
    uint32_t never_sent; // that it was asked for
    struct {
        uint16_t seq;
        uint8_t len;
        uint8_t bytes[80];
        uint64_t repeated_us; // 0: never
    } store[SIM_STORE];
};

struct sim_publisher {
    struct sim_peer peer;
    struct sim_stream audio, video[SIM_LAYERS_MAX];
    uint64_t next_video_us, next_audio_us, next_report_us;
    uint32_t frame, audio_frame;
    uint16_t transport_seq;
    // What came in at the forwarder and what feedback told of it, by transport-wide number.
    bool arrived[SIM_TWCC_KEPT], told[SIM_TWCC_KEPT];
    uint32_t key_frames;
    uint32_t asked_by, asked_mid; // RRTR that waits for its answer
    uint64_t asked_us;            // 0: none does
};

void sim_publisher_init(struct sim_publisher *p, struct sim *sim, unsigned index);
void sim_publisher_tick(struct sim_publisher *p);
void sim_publisher_rtcp(struct sim_publisher *p, struct span datagram);
void sim_publisher_finish(struct sim_publisher *p);                        // what must hold at the end
uint64_t sim_publisher_ntp(const struct sim_publisher *p, uint64_t at_us); // its clock

// The temporal layer of a frame, of three, and the frame that it needs, which is an earlier one.
unsigned sim_temporal(uint32_t frame);
uint32_t sim_needs(uint32_t frame);

// What a packet's payload says, behind the VP8 descriptor and frame tag (or Opus's first two bytes).
struct sim_content {
    uint16_t publisher;
    uint8_t layer, index, count; // of the frame's packets
    bool key;
    uint32_t frame;
    uint64_t capture_us;
};
#define SIM_CONTENT_BYTES 20
void sim_content_write(uint8_t out[SIM_CONTENT_BYTES], const struct sim_content *c);
struct sim_content sim_content_read(const uint8_t in[SIM_CONTENT_BYTES]);

// ---- sim_receiver.c
#define SIM_NUMBERS 4096
#define SIM_INDEX_BYTES 8 // behind each packet: what SRTP would authenticate
#define SIM_FRAMES 4096

struct sim_track { // one consumer, seen by its receiver
    uint32_t consumer, ssrc, rtx_ssrc, clock_rate;
    bool video, started;
    struct sim_publisher *from;
    uint64_t base, first, highest; // unwrapped numbers; base: what numbers[] begins with
    unsigned missing;
    struct sim_number {
        bool got;
        uint8_t tries;
        uint64_t asked_us;
        uint32_t check; // of its content
    } *numbers;         // [number - base]
    uint64_t
        srtp_index[2]; // the highest of the stream and of its RTX, by which the next is inferred; 0: none
    uint32_t rejected, lost; // of the wrong index; given up in gaps that are too wide to ask for
    struct {
        uint8_t count, got;
        bool key;
        uint32_t timestamp;
        uint32_t took_us; // from its capture until it was whole, 0: it is not
        bool continuous;  // it is whole, and so is all that it needs
        bool played;
        uint64_t capture_us, end; // its last number
    } frames[SIM_FRAMES];         // [frame]
    uint32_t first_frame, last_frame;
    uint32_t play_next;      // follows the last that was played
    uint32_t key_last;       // the newest key frame that is whole
    uint64_t asks_from;      // numbers before are not asked for any more
    uint32_t playout_min_us; // as it was told
    bool decodes;            // a key frame has come whole
    uint64_t started_us;
    uint32_t last_sr_mid, sr_timestamp;
    uint64_t sr_ntp, sr_us, last_timestamp_us, pli_us;
    uint32_t reports, sync_checks, late_total, packets;
    uint64_t media, media_told, highest_told; // packets but repeats, and what of them the last report told
    uint32_t repeats, empties;                // empties: with nothing but padding, and no repeats
    uint8_t layer;
    uint32_t switches;
};

struct sim_receiver {
    struct sim_peer peer;
    unsigned track_count;
    struct sim_track *tracks;
    uint64_t next_nack_us, next_report_us;
};

void sim_receiver_tick(struct sim_receiver *r);
void sim_receiver_rtp(struct sim_receiver *r, struct span packet);
void sim_receiver_rtcp(struct sim_receiver *r, struct span datagram);
// What must hold at the end about everything older than a second.
void sim_receiver_finish(struct sim_receiver *r);

// ---- sim_room.c
struct sim_participant {
    struct sim_publisher publisher;
    struct sim_receiver receiver;
};

struct sim {
    struct sim_config config;
    uint64_t now_us, random, order;
    struct sim_event **heap;
    unsigned heap_count, heap_cap;
    struct {
        struct sim *sim;
        unsigned index;
        struct wheel wheel;
        struct pool *pool;
        struct forwarder *fw;
    } workers[SIM_WORKERS_MAX];
    struct sim_participant *participants;
    uint64_t hash; // of everything that was delivered
    uint64_t delivered, relayed;
    bool downlinks_cut;
    struct nonce_oracle *oracle; // of all that forwarders had encrypted
};

struct sim *sim_create(const struct sim_config *config);
void sim_run(struct sim *sim, uint64_t us);
void sim_check(struct sim *sim);
// Everybody's transports lose their addresses, or have them again.
void sim_cut(struct sim *sim, bool cut);
// What is sent to receivers gets lost, or arrives again; nobody is told, and what they send arrives.
void sim_cut_downlinks(struct sim *sim, bool cut);
void sim_destroy(struct sim *sim); // nothing may be left behind
void sim_command(struct sim *sim, unsigned worker, const struct media_cmd *cmd);

#endif
