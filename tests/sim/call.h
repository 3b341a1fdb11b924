// call: one forwarder, publishers with VP8 simulcast of real rates (three streams of three temporal layers)
// and opus, and viewers behind links, on a virtual clock: what congestion control does to a whole room. A
// viewer tells what arrives by transport-wide feedback or that of RFC 8888 (all of them with CALL_CCFB=1 in
// the environment), asks for what is missing and for key frames, and shows a frame when all of it and all
// before it is there. Everything follows from the seed.
#ifndef TESTS_SIM_CALL_H
#define TESTS_SIM_CALL_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/nonce_oracle.h"
#include "rooms/media/forwarder.h"
#include "rtp/cc/bandwidth.h"
#include "rtp/ccfb.h"
#include "rtp/rtp_packet.h"
#include "rtp/twcc.h"
#include "tests/sim/link.h"
#include "tests/sim/rival.h"

#define CALL_PUBLISHERS_MAX 4
#define CALL_VIEWERS_MAX 4
#define CALL_LINKS_MAX 4
#define CALL_RIVALS_MAX 4
#define CALL_LAYERS 3
#define CALL_START_US UINT64_C(5000000000)
#define CALL_FPS 20
#define CALL_NUMBERS 4096 // power of two
#define CALL_AUDIO_BYTES 80
#define CALL_PAYLOAD_MAX 1100
#define CALL_CHANGES_MAX 16

extern const uint32_t call_layer_bps[CALL_LAYERS];

// What a viewer says of what arrives: the truth, little, or lies (sim_liar.c).
enum call_feedback {
    CALL_TWCC,
    CALL_CCFB,
    CALL_REMB,
    CALL_DEAF,
    CALL_LIAR,         // of any numbers and times
    CALL_CLAIMS_WAVES, // a queue half of the time,
    CALL_CLAIMS_QUEUE, // or always,
    CALL_CLAIMS_GROWTH,
    CALL_DELAYS,     // and says everything as much later
    CALL_COPIES,     // the queue of the first link
    CALL_HIDES,      // no queue, whatever there is
    CALL_SLOW_CLOCK, // a second takes 1.1, or 0.9
    CALL_FAST_CLOCK,
    CALL_BACKWARDS,   // times that go back
    CALL_LOSES,       // a quarter has not come
    CALL_ALL_CAME,    // what was lost as well,
    CALL_FLAWLESS,    // without a queue besides,
    CALL_BLIND,       // when nothing comes, too; it overhears how far the numbers have gone
    CALL_EARLY,       // and what is still to come
    CALL_REPLAYS,     // all that was said, again and again
    CALL_NEVER_SENT,  // besides the truth, of numbers far ahead
    CALL_RARE,        // the truth, every five seconds
    CALL_NAMED_QUEUE, // as RFC 8888 says it
    CALL_NAMED_ALL_CAME,
    CALL_NAMED_FLAWLESS,
    CALL_CLAIMS_REMB // REMB as configured, and that nothing is lost
};

struct call_config {
    uint64_t seed;
    unsigned publishers, viewers;
    struct link_config links[CALL_LINKS_MAX]; // to viewers
    unsigned link_of_viewer[CALL_VIEWERS_MAX];
    struct link_config up[CALL_PUBLISHERS_MAX]; // rate 0: free
    struct link_config back;                    // from each viewer; delay 0: 10 ms
    enum call_feedback feedback[CALL_VIEWERS_MAX];
    uint64_t remb_bps;
    // The machines of all are busy: what they send and say waits as in link.h, and what the links carry.
    uint32_t stall_us, stall_every_us;
    // The first viewer's machine alone: it reads nothing for so long, and then all that has come; and it says
    // nothing meanwhile, or goes on saying what it has read.
    uint32_t reader_stall_us, reader_stall_every_us;
    bool reader_mute;
    int8_t wish_spatial; // of all viewers; 0: no limit
    bool no_rtx;
    uint32_t single_bps;   // not 0: publishers have one stream of so much
    unsigned vary_percent; // how much more or less a publisher sends for some seconds
};

struct call;

struct call_publisher {
    struct call *call;
    unsigned index;
    struct endpoint *endpoint;
    struct link up;
    struct bandwidth *bandwidth; // of a browser that adapts to its uplink
    uint64_t next_frame_us, next_audio_us, tick_us;
    uint32_t frame, active_bps[CALL_LAYERS], vary_permille;
    uint64_t vary_us;
    struct {
        uint16_t seq, picture;
        uint8_t tl0;
        bool key_wanted;
        uint32_t keys;
    } layers[CALL_LAYERS];
    uint16_t audio_seq, transport_seq;
    struct {
        uint16_t len;
        uint8_t bytes[1300];
    } store[CALL_LAYERS][512]; // for NACK, as it went out
};

struct call_track { // of one viewer
    bool video, started;
    unsigned publisher;
    uint32_t consumer, ssrc, rtx_ssrc;
    uint64_t next, highest; // next to be shown; unwrapped
    struct {
        uint64_t seq;
        bool got, empty, start, marker, key;
        uint8_t tries;
        uint64_t asked_us;
    } numbers[CALL_NUMBERS];
    uint64_t media, media_told, highest_told;
    uint64_t named_us[2][CALL_NUMBERS]; // when these were sent
    uint16_t named[2]; // highest number that it has told of by RFC 8888, of the stream and of its RTX
    uint64_t left[2];  // highest index that went out to it, of the stream and of its RTX; 0: none
    uint16_t picture;  // of its last packet of video
    uint8_t tl0;
    bool pictured;
    uint64_t blocked_us, pli_us, shown_us; // 0: not, never
    // What is measured since call_measure
    uint32_t frames, key_frames, audio_packets, audio_lost, changes, plis;
    uint64_t freeze_us, audio_gap_us, media_bytes;
    int8_t spatial, temporal; // as told last
    uint8_t reason;
    uint64_t changed_us;
};

struct liar {
    bool started, told;
    uint16_t highest;          // number that it has seen, or heard of
    uint64_t sent_us[0x10000]; // of each number
    uint64_t next_us;
    unsigned kept_count;
    struct {
        size_t len;
        uint8_t bytes[1500];
    } kept[4]; // what it has said: [n % 4]
};

struct call_viewer {
    struct call *call;
    unsigned index;
    struct endpoint *endpoint;
    struct link *link, back, reads;
    bool unreachable;
    struct twcc_recorder *recorder;
    struct ccfb_recorder *named;
    struct call_track tracks[2 * CALL_PUBLISHERS_MAX];
    unsigned track_count;
    uint64_t next_nack_us, next_report_us, next_remb_us;
    uint64_t bytes, packets, padding_packets; // that were sent to it
    uint64_t came_bytes;
    struct liar liar;
    uint64_t changes_us[CALL_CHANGES_MAX]; // of layers, the latest ones: [n % CALL_CHANGES_MAX]
    unsigned change_count, changes_10s;    // and the most of them within 10 s
};

struct call_event {
    uint64_t at_us, order;
    unsigned kind;
    void *to;
    uint16_t len;
    uint8_t bytes[];
};

struct call {
    struct call_config config;
    uint64_t now_us, random, order;
    struct wheel wheel;
    struct pool *pool;
    struct forwarder *fw;
    struct nonce_oracle *oracle;
    struct link links[CALL_LINKS_MAX];
    struct link turns;                     // the forwarder's loop, which stalls as well
    struct rival *rivals[CALL_RIVALS_MAX]; // downloads over these links; not its own
    unsigned rival_count;
    uint64_t cross_bps, cross_bits; // of others, over the first link; none to begin with
    uint64_t queue_sum_us[CALL_LINKS_MAX], queue_count, queue_max_us[CALL_LINKS_MAX];
    struct call_publisher publishers[CALL_PUBLISHERS_MAX];
    struct call_viewer viewers[CALL_VIEWERS_MAX];
    struct call_event **heap;
    unsigned heap_count, heap_cap;
};

// Of the seed that CALL_SEED says, or 1: the first link has this rate and a queue of 200 ms, the second is
// free.
struct call_config call_room(unsigned publishers, unsigned viewers, uint64_t rate_bps);
struct call *call_create(const struct call_config *config);
void call_run(struct call *call, uint64_t us);
void call_measure(struct call *call); // from now on
void call_destroy(struct call *call);
void call_command(struct call *call, const struct media_cmd *cmd);
struct call_track *call_track(struct call *call, unsigned viewer, unsigned publisher, bool video);
uint64_t call_queue_ms(const struct call *call, unsigned link); // mean
struct transport_stats call_stats(struct call *call, unsigned viewer);
uint64_t call_delivered_bps(const struct call *call, unsigned viewer,
                            uint64_t us); // in the last `us`, measured
uint32_t call_random(struct call *call);
// Since call_measure, of one viewer: bytes of media, changes of layers, the longest time without a frame.
uint64_t call_media_bytes(struct call *call, unsigned viewer);
unsigned call_changes(struct call *call, unsigned viewer);
unsigned call_changes_10s(struct call *call, unsigned viewer); // the most of them within 10 s
uint64_t call_freeze_us(struct call *call, unsigned viewer);
bool call_has_best(struct call *call, unsigned viewer); // of everybody, as far as is wished
// One more viewer comes, and, if so, one more publisher before, whom all who are there see from then on.
void call_join(struct call *call, bool publishes);
void call_wish(struct call *call, int8_t spatial); // of all viewers, from now on
// With CALL_VERBOSE: what each viewer has had since call_measure.
void call_tell(struct call *call, const char *what);

// ---- between the files
enum { CALL_UP_RTP, CALL_UP_RTCP, CALL_DOWN_RTP, CALL_DOWN_RTCP, CALL_PUBLISHER_RTCP };
void call_push(struct call *call, uint64_t at_us, unsigned kind, void *to, struct span bytes);
void publisher_open(struct call *call, unsigned index);
void publisher_tick(struct call_publisher *p);
void publisher_rtcp(struct call_publisher *p, struct span datagram);
void viewer_open(struct call *call, unsigned index);
void viewer_see(struct call_viewer *v, unsigned publisher); // and hear
void viewer_wish(const struct call_viewer *v);              // what is configured
void viewer_tick(struct call_viewer *v);
void viewer_rtp(struct call_viewer *v, struct span packet);
void viewer_send_back(struct call_viewer *v, const struct writer *w);
bool liar_is_named(const struct call_viewer *v);                     // it speaks RFC 8888, lies or not
bool liar_number(const struct rtp_packet *packet, uint16_t *number); // the transport-wide one
void liar_notes(struct call_viewer *v, uint16_t number);
void liar_notes_named(struct call_viewer *v, const struct rtp_packet *packet);
void liar_overhears(struct call_viewer *v, struct span bytes); // what leaves for it
uint64_t liar_waits_us(const struct call_viewer *v);           // with what it says
void liar_tells(struct call_viewer *v);
void liar_invents(struct call_viewer *v);
struct call_track *viewer_track(struct call_viewer *v, uint32_t ssrc, bool *rtx); // NULL: none

#endif
