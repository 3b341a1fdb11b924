// media_objects: the objects behind forwarder.h and who owns whom. Internal to the worker side of rooms/.
//
// struct forwarder owns endpoints and producers by id; an endpoint owns the producers and consumers of its
// transport and closes them with itself; a producer closes its consumers on this worker. All of one worker,
// one thread.
#ifndef ROOMS_MEDIA_OBJECTS_H
#define ROOMS_MEDIA_OBJECTS_H

#include "base/hmap.h"
#include "base/list.h"
#include "base/slots.h"
#include "rooms/media/allocator.h"
#include "rooms/media/key_wish.h"
#include "rooms/media/budget.h"
#include "rooms/media/forwarder.h"
#include "rooms/media/link_mates.h"
#include "rooms/media/link_set.h"
#include "rooms/media/loudest.h"
#include "rooms/media/sent_store.h"
#include "rooms/media/repair.h"
#include "rtp/ccfb.h"
#include "rtp/history.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/layer_filter.h"
#include "rtp/layer_rate.h"
#include "rtp/layer_select.h"
#include "rtp/nack_tracker.h"
#include "rtp/number_gap.h"
#include "rtp/playout_delay.h"
#include "rtp/receive_estimate.h"
#include "rtp/round_trip.h"
#include "rtp/rtp_forward.h"
#include "rtp/seq_rewrite.h"
#include "rtp/stream_stats.h"
#include "rtp/twcc.h"

#define FORWARDER_OBJECTS_MAX 262144 // of each kind, a worker
#define ENDPOINT_SSRCS_MAX 64        // media and RTX together, of one transport
#define ENDPOINT_SSRC_SLOTS 128      // power of two, so that probes stay short
#define RTT_DEFAULT_US 100000
#define STREAM_EMPTY_MAX 64
#define TIMES_TOLD_MAX 4              // by different sources, of one transport, that wait for an answer
#define KEY_FRAME_INTERVAL_US 1000000 // at most one request a second and stream
#define REPLAY_MAX 512                // packets from the history that a consumer may begin with
#define PRIORITY_DEFAULT 1            // as in mediasoup
#define LOUDNESS_CLASSES 4
#define LOUDNESS_UNKNOWN 2     // of a producer that does not say, or is elsewhere
#define LOUDNESS_STAYS 8       // intervals of levels: two seconds
#define WANTED_LESS_US 3000000 // so long less of a producer must be wanted before it is told
#define FAN_OUT_JOBS_MAX 8192  // packets times receivers of one turn; what is more goes out in parts

struct producer;
struct consumer;
struct congestion;
struct pacer_note;

struct ssrc_entry {
    uint32_t ssrc; // 0: free
    bool rtx;
    struct producer_stream *stream;
};

struct endpoint {
    struct forwarder *fw;
    struct transport_id id;
    uint32_t handle;
    void *peer;
    uint32_t job_first, job_last, job_count; // what waits for it (fan_out.c); 0: nothing
    bool connected;
    bool unreachable;
    bool numbers_free; // its receiver infers nothing from numbers (downlink.h)
    struct egress_budget egress;
    uint32_t sender_ssrc; // of our feedback
    struct list producers, consumers;
    unsigned consumer_count;
    uint32_t max_bps;              // set-max-bitrate, of what it gets or sends; 0: none
    struct congestion *congestion; // congestion.h; NULL: no video goes to it
    struct ext_map ext;            // all its producers'
    struct ssrc_entry *ssrcs;      // open addressing, from the first producer on
    unsigned ssrc_count;
    struct twcc_recorder *twcc; // from the first producer that wants it on
    uint32_t twcc_media_ssrc;
    struct ccfb_recorder *ccfb;        // the same
    uint16_t transport_seq;            // next to stamp on what we send
    struct number_gap gap;             // of what comes (lost_ends.h)
    struct receive_estimate *estimate; // from the first producer that knows REMB alone on
    uint32_t estimate_ssrc;            // whose RTP timestamps say when packets were sent; 0: no need, or none
    struct wheel_node arrivals_timer, estimate_timer, report_timer, ceiling_timer, ends_timer;
    struct round_trip round_trip; // to its publisher
    struct told_time {            // RRTRs of its receiver that wait for the next report
        uint32_t ssrc, mid;       // mid: of its time
        uint64_t at_us;
    } told[TIMES_TOLD_MAX];
    uint8_t told_count;
    uint8_t ceiling_lifts; // how often its publisher is still to be told that there is none
    struct {
        uint64_t rtp_in, rtp_out, rtx_in, rtx_out; // bytes
        uint64_t reported;                         // bytes of RTP, both ways, when reports were last due
        struct rate_meter rtp_in_rate, rtp_out_rate, rtx_in_rate, rtx_out_rate;
    } stats;
    struct path_quality ended; // of its producers and consumers that were closed; rtt_us_max: of all
    struct key_wish_left left[KEY_WISHES_LEFT]; // of consumers that were closed, a ring
    unsigned left_next;
    struct token_bucket comings; // beginnings of all its consumers (key_wish.c)
    struct loudest_choice *loudest;
    uint64_t demand; // what its consumers would get if nothing were shed (shedding.c)
    struct {         // of the sound that it is sent, as its receiver tells
        uint64_t since_us;
        uint32_t reports, lost_sum; // since then; of fractions of 256
        uint8_t share, calm;        // sixteenths that are left out; seconds without loss
        uint32_t below;             // place
    } sound;
};

// Where RTP time stands on the publisher's clock: its last sender report.
struct capture_clock {
    bool known;
    uint64_t ntp;
    uint32_t rtp_timestamp;
    uint64_t arrival_us;
};

// The same of one layer beside others whose publisher sends no reports, on our clock: by the packets that
// took least of the way.
#define HEARD_WINDOW_US 5000000
#define HEARD_RESTS_US 60000000 // what was heard so long ago says nothing any more
struct heard_clock {
    uint64_t window_us;                        // when the present window began, 0: nothing is known
    uint64_t arrival_us, now_arrival_us;       // of the window before, and of the present one
    uint32_t rtp_timestamp, now_rtp_timestamp; // of the same packets
};

// What is in a stream of video. A publisher may stop sending descriptors, or send them without the structure
// that they refer to (Chromium does after a change of codec). After UNDESCRIBED_MAX pictures in a row of
// which none tells anything, nobody waits for that structure any more: the payload tells what there is, and
// receivers, who could not read the descriptors either, are not sent them.
#define UNDESCRIBED_MAX 30
struct stream_layers {
    struct layer_rate rate;
    struct dd_reader descriptors;
    uint32_t undescribed_timestamp; // of the last one
    uint8_t undescribed;            // up to UNDESCRIBED_MAX
};

struct producer_stream {
    struct producer *producer;
    uint8_t index;
    uint32_t ssrc, rtx_ssrc; // 0: not known yet
    char rid[RID_MAX + 1];
    struct receive_stats stats;
    struct nack_tracker *nack;    // NULL when the publisher does not answer NACK
    struct history *history;      // NULL for audio
    struct stream_layers *layers; // NULL for audio
    struct layer_source life;
    struct capture_clock clock;
    struct heard_clock heard; // of simulcast, while clock is not known
    uint64_t capture_told_us; // when a packet last had its capture time, the publisher's or ours; 0: never
    struct wheel_node nack_timer, key_timer;
    uint64_t key_asked_us; // 0: never
    bool key_wanted;       // to be asked for as soon as it may be
    bool key_awaited;      // asked for, has not come
    uint8_t key_asks;      // in vain, in a row
    uint16_t key_seq;      // first packet of the newest key frame
    uint64_t key_us;       // and its arrival, 0: none yet
    uint32_t key_timestamp;
    uint16_t newest_seq;
    bool begun;                       // newest_seq holds
    bool unfinished;                  // and it does not end its frame
    uint64_t unfinished_us;           // since when
    struct seq_notes empty_notes;     // of these:
    uint16_t empty[STREAM_EMPTY_MAX]; // numbers that carried nothing and are in no history
    uint64_t empty_us;                // when the last one came
    uint16_t stale_next, stale_run;   // numbers that seem to have come before, in sequence
    uint16_t even_len;                // length of the packet that follows in turn even_turn (fan_out.c)
    uint32_t even_turn;
    uint8_t fir_seq;
    uint64_t nack_count, nack_packet_count, pli_count, fir_count, key_frames, repaired, rtx_discarded,
        retransmitted;
    struct {
        uint64_t expected, lost, repaired;
    } at_score;
    uint8_t score;
    struct {
        uint64_t asked, packets; // of all that were, those that are in `loss`
        uint16_t loss;           // by what is asked for, smoothed; of 65536
        uint32_t wait_us;        // so long repairs on the way from the publisher take; 0: there are none
    } repairs;
    uint64_t rtx_us;                       // when the last retransmission came, 0: none has
    uint64_t adopted_at;                   // stats.packets when its present SSRC was learnt
    uint32_t former_ssrc, former_rtx_ssrc; // what it had before, 0: nothing
};

// What each layer costs on the wire, read once for all consumers.
struct producer_prices {
    uint64_t at_us; // 0: never
    bool paused;
    int8_t spatial, temporal; // how many layers there are
    uint32_t bps[ALLOCATOR_SPATIAL_MAX][ALLOCATOR_TEMPORAL_MAX];
};

struct producer {
    struct forwarder *fw;
    struct producer_id id;
    uint32_t handle;
    struct endpoint *endpoint; // NULL: relayed from `source`
    struct link_id source;
    struct list link; // in endpoint.producers
    struct producer_params params;
    bool paused;
    struct producer_budget budget;
    struct producer_stream streams[STREAMS_MAX];
    struct consumer **consumers; // the active ones first
    unsigned consumer_count, active_count, consumer_cap;
    struct link_set relays;
    struct wheel_node tick;
    unsigned ticks;
    unsigned wishes_waiting; // of consumers, for key frames (key_wish.c)
    struct {
        uint64_t bytes, packets, at_us; // as they stood at the last tick
        uint64_t a_second;              // what a consumer of it costs, in bytes
    } cost;
    int8_t layers_wanted, temporal_wanted; // as last told
    uint64_t less_wanted_us;               // since when less than that is wanted, 0: it is not
    struct {
        uint8_t spatial, temporal; // how many: what was announced, or more, or what has been seen since
    } layers_seen;
    struct producer_prices prices;
    uint8_t score;
    struct {
        uint32_t packets;
        uint32_t level_sum; // of -dBov
    } audio;
    uint8_t loudness, quiet; // class of late, 0..LOUDNESS_CLASSES - 1; intervals for which it was quieter
    struct voice voice;      // of audio
};

// What is left out of a consumer while its worker has too much to do (shedding.c).
enum shed_state {
    SHED_NOTHING,
    SHED_TO_LOWEST, // it gets the lowest stream of its simulcast producer
    SHED_ALL,       // suspended: it gets nothing
};

// What each packet needs comes first and close together.
struct consumer {
    struct forwarder *fw;
    struct endpoint *endpoint;
    struct producer *producer;
    struct sent_store *sent; // NULL when what is asked for again goes as RTX, or never
    uint8_t mid_len;
    bool paused;
    bool active;    // not paused, connected, reachable, not suspended, not off, loud enough: gets packets
    int8_t current; // the stream that is shown, LAYER_NONE: none yet
    int8_t target;  // the one to switch to at its next key frame
    int8_t ceiling; // highest spatial layer that the receiver wants, LAYER_NONE: all
    int8_t ceiling_temporal;
    int8_t allot_spatial; // what congestion control lets it have at most, LAYER_NONE: all
    int8_t allot_temporal;
    bool allot_off;         // and that is nothing
    bool resync;            // the next packet that may be shown begins a new run of numbers
    bool timeless;          // and its timestamp has nothing to do with those before
    bool descriptor;        // its receiver negotiated dependency descriptors
    bool acknowledges;      // and says which transport-wide numbers have come
    bool report_due;        // a sender report goes out as soon as there is something to report
    bool filtered;          // filter.on
    bool halted;            // nothing but probes until its receiver has had more (downlink.c)
    uint32_t playout_delay; // told with each packet, 0: nothing is (playout.c)
    uint64_t halt_index;    // at which it halts
    struct picture_rewrite pictures;
    uint64_t rtx_index;     // next of its RTX stream
    uint64_t run_first;     // index with which what it shows now began
    uint64_t acknowledged;  // follows the highest index that its receiver is known to have had
    uint64_t probe_us;      // when the next probe is due, halted
    uint64_t payload_bytes; // for sender reports
    struct consumer_params params;
    const uint8_t *ext_ids; // own_ids, or NULL: its receiver reads the router's
    uint8_t own_ids[RTP_FORWARD_EXT_IDS];
    struct send_stats stats;
    struct seq_rewrite rewrite;
    struct layer_filter filter; // what of the stream that is shown is left out
    struct consumer_id id;
    uint32_t handle;
    struct list link;  // in endpoint.consumers
    unsigned position; // in producer.consumers
    uint8_t priority;
    uint8_t shed;         // enum shed_state
    bool untold;          // its layers
    uint8_t ticks_behind; // that it has not had the temporal layers that it is to get
    bool silence_told;    // its receiver was told that it gets nothing, though there is but one stream
    int8_t spatial_told, temporal_told;
    uint8_t reason_told; // enum layer_reason
    uint8_t cost_class;  // 0..COST_CLASSES - 1, as it was when the level last changed
    uint16_t shed_order; // among those of its priority and class
    uint64_t nack_count, nack_packet_count, pli_count, fir_count;
    // Sender report as last sent, for the round trip.
    uint64_t sr_ntp, sr_us; // sr_us 0: none yet
    uint8_t score;
    uint64_t score_us;
    uint32_t max_bps; // set-max-bitrate; 0: none
    struct allocator_memory share;
    struct key_wish wish;
    struct repair *repair; // NULL when the receiver does not ask
    struct playout_delay waits;
    bool chosen;     // among the loudest (loudest.h)
    uint64_t had_us; // until when it was active
};

struct forwarder {
    struct forwarder_config config;
    struct budget_rates rates;
    struct forwarder_output out;
    struct pool *pool;
    struct wheel *wheel;
    uint64_t random;
    uint64_t now_us;                                         // of the last command or packet
    struct slots *endpoints, *producers, *consumers;         // handle -> object
    struct hmap *endpoint_ids, *producer_ids, *consumer_ids; // id -> handle
    struct hmap *consumer_ssrcs;                             // {endpoint id, ssrc} -> consumer handle
    struct slots *voice_groups;                              // loudest.c
    struct hmap *voice_group_ids;                            // number -> handle
    unsigned choosers;                                       // endpoints that get the loudest alone
    struct fan_out *fan_out;
    uint32_t sent_held;                                   // blocks in the stores of consumers (sent_store.h)
    unsigned sound_stores;                                // such stores of consumers of sound
    uint32_t lowered_below, suspended_below, sound_below; // shedding.c
    unsigned deaf_endpoints;     // that some sound is left out for, since it was lost on its way
    struct allocator *allocator; // for one transport at a time
    struct link_board board;     // the queues of transports whose links are full
    uint32_t consumers_opened;
    unsigned endpoint_cost, producer_cost; // those in the middle, as powers of two (shedding.c)
    bool untold;                           // there was no room to tell some consumer's layers
    struct forwarder_counters counters;
};

// ---- forwarder.c
uint64_t forwarder_random(struct forwarder *fw);
struct endpoint *forwarder_endpoint(const struct forwarder *fw, struct transport_id id);
struct producer *forwarder_producer(const struct forwarder *fw, struct producer_id id);
struct consumer *forwarder_consumer(const struct forwarder *fw, struct consumer_id id);
bool forwarder_event(struct forwarder *fw, const struct media_event *event); // false: there was no room

// ---- endpoint.c
// The stream that an SSRC belongs to, or NULL.
struct ssrc_entry *endpoint_find_ssrc(struct endpoint *ep, uint32_t ssrc);
// ERR_EXISTS, ERR_LIMIT or ERR_NO_MEMORY.
MUST_USE enum err endpoint_add_ssrc(struct endpoint *ep, uint32_t ssrc, bool rtx,
                                    struct producer_stream *stream);
void endpoint_remove_ssrc(struct endpoint *ep, uint32_t ssrc); // decryption forgets it too
// An unknown SSRC: finds its stream by MID and RID and remembers it; NULL when it leads nowhere, or when who
// is there keeps its place.
struct ssrc_entry *endpoint_learn_ssrc(struct endpoint *ep, const struct rtp_packet *packet,
                                       const struct rtp_ext_values *values, uint64_t now_us);
// After a producer came or went.
void endpoint_merge_extensions(struct endpoint *ep);
void endpoint_close(struct endpoint *ep);
// What is sent to it can be encrypted and has somewhere to go.
static inline bool endpoint_sends(const struct endpoint *ep) {
    return ep->connected && !ep->unreachable;
}
// What may go out to it now.
static inline enum egress endpoint_egress(struct endpoint *ep, uint64_t now_us) {
    return egress_look(&ep->egress, &ep->fw->rates.egress, ep->stats.rtp_out + ep->stats.rtx_out, now_us);
}

// ---- media_report.c
// What went over a path, to be added to its endpoint's when the object closes.
struct path_quality producer_quality(const struct producer *p);
struct path_quality consumer_quality(const struct consumer *c);

// ---- producer.c, producer_source.c
MUST_USE enum err producer_open(struct forwarder *fw, const struct media_cmd *cmd, struct endpoint *ep,
                                uint64_t now_us);
void producer_close(struct producer *p);
void producer_pause(struct producer *p, bool paused, uint64_t now_us);
MUST_USE enum err producer_attach(struct producer *p, struct consumer *c);
void producer_detach(struct producer *p, struct consumer *c);
MUST_USE enum err producer_open_relay(struct producer *p, struct link_id link);
void producer_set_active(struct producer *p, struct consumer *c, bool active);
// Merged: at most one a second, the first at once, again after a second when none came.
void producer_want_key_frame(struct producer *p, unsigned stream, uint64_t now_us);
// What is missing of a stream cannot be repaired: a key frame is wanted if anybody watches.
void producer_miss_key_frame(struct producer_stream *s, uint64_t now_us);
// The stream's numbers begin anew, or its SSRC is another: nothing of the past counts.
void producer_stream_restarted(struct producer_stream *s);
// A number that carries nothing: its place in the history is empty, and was not lost. For as long as a
// history reaches back.
void producer_note_empty(struct producer_stream *s, uint16_t seq, uint64_t now_us);
bool producer_was_empty(const struct producer_stream *s, uint16_t seq, uint64_t now_us);
// What layer_select.h chooses among; returns how many.
unsigned producer_lives(const struct producer *p, struct layer_source out[STREAMS_MAX]);
bool producer_stream_is_dead(const struct producer_stream *s, uint64_t now_us); // while others are not
// Each packet that is forwarded, before it is: the end of waiting, when it begins a key frame.
void producer_note_packet(struct producer_stream *s, const struct forward_meta *meta, uint16_t bytes,
                          uint64_t now_us);
// When it was captured, for a packet of a publisher that does not say so itself, about once a second: the
// value of an abs-capture-time, on the publisher's clock as its sender reports tell it (and ours pass it on,
// so that nothing is to be said of an offset). False: not now, or not known.
bool producer_capture_time(struct producer_stream *s, const struct rtp_packet *packet,
                           const struct rtp_ext_values *values, uint8_t ntp[8], uint64_t now_us);
void producer_sender_report(struct producer_stream *s, uint64_t ntp, uint32_t rtp_timestamp,
                            uint64_t arrival_us, uint64_t now_us);
// Bits a second that a consumer needs to get this layer whole, lower layers that it needs included, measured
// over the last seconds; 0: it is not alive, or nothing is known. Of a simulcast a spatial layer is a stream.
uint32_t producer_layer_bps(const struct producer *p, int8_t spatial, int8_t temporal, uint64_t now_us);
// The same of all layers, with headers; of PRODUCER_PRICES_US ago at most.
#define PRODUCER_PRICES_US 100000
const struct producer_prices *producer_prices(struct producer *p, uint64_t now_us);
// How many there are now: what was announced, and what has been seen of late.
int8_t producer_spatial_layers(const struct producer *p, uint64_t now_us);
int8_t producer_temporal_layers(const struct producer *p, uint64_t now_us);
// Consumers have come or gone, or changed their ceilings: tells the highest layer that one may come to show.
// More at once, less when it has been so for WANTED_LESS_US.
void producer_update_wanted(struct producer *p, uint64_t now_us);

static inline bool producer_is_audio(const struct producer *p) {
    return p->params.kind == MEDIA_AUDIO;
}
// As it was announced: its type is not "simple".
static inline bool producer_has_layers(const struct producer *p) {
    return p->params.stream_count > 1 || p->params.spatial_layers > 1 || p->params.temporal_layers > 1;
}
void producer_key_timer_fired(struct wheel_node *node, uint64_t now_us);

// ---- consumer.c, consumer_rtp.c
MUST_USE enum err consumer_open(struct forwarder *fw, const struct media_cmd *cmd, uint64_t now_us);
void consumer_close(struct consumer *c);
// What it needs to answer NACKs; false without memory. For video from the start, and for sound as long as
// fewer than SOUND_STORES_EARLY of the worker have it. Beyond that, since there are many and their losses are
// mostly concealed, from the first NACK on: that one is not answered.
bool consumer_prepare_repeats(struct consumer *c);
void consumer_pause(struct consumer *c, bool paused, uint64_t now_us);
// What its receiver wants has changed (LAYER_NONE: no limit).
void consumer_set_layers(struct consumer *c, int8_t spatial, int8_t temporal, uint64_t now_us);
// Whether it gets packets, and what is left out of it; to be called when anything changes that decides it.
void consumer_update_active(struct consumer *c, uint64_t now_us);
// What congestion control lets it have at most, LAYER_NONE: anything; `off`: no video at all (sound is not
// touched). The lowest of this, of what its receiver wants and of what the worker can do counts. A change is
// told with its reason.
void consumer_allot(struct consumer *c, int8_t spatial, int8_t temporal, bool off, uint64_t now_us);
// The publisher resumed: what comes next begins anew.
void consumer_source_changed(struct consumer *c, uint64_t now_us);
// The numbers of the stream that it shows begin anew.
void consumer_stream_restarted(struct consumer *c, const struct producer_stream *s);
void consumer_select_layer(struct consumer *c, uint64_t now_us);
// `newest_seq` is the newest number of the stream that had come when this packet did: one that begins a new
// run takes what had come after it along.
void consumer_forward(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                      uint16_t newest_seq, uint64_t now_us);
// A packet that carries nothing to show (padding): later numbers close up.
void consumer_skip(struct consumer *c, const struct producer_stream *s, uint16_t seq, uint64_t now_us);
// Padding alone, under a number of its own, before a new run begins.
void consumer_send_probe(struct consumer *c, struct block *prepared, uint64_t now_us);
void consumer_nack(struct consumer *c, uint16_t seq, uint64_t now_us);
// A packet that had to wait for the link goes out now, and gets its numbers (congestion_hold).
void consumer_release(struct consumer *c, struct block *b, const struct pacer_note *note, uint64_t now_us);
// Something to fill the link with: what went out `back` numbers ago once more, when it is not larger than
// that; or padding alone, on its RTX stream or another one of its transport. Returns the bytes on the wire,
// 0: it did not come to that.
struct padding_stream {
    uint32_t ssrc;
    uint8_t payload_type, mid_len;
    char mid[RTP_FORWARD_MID_MAX];
};
uint16_t consumer_pad_repeat(struct consumer *c, uint16_t back, uint16_t bytes_max, uint64_t now_us);
// *next: index of that stream.
uint16_t consumer_pad_empty(struct consumer *c, const struct padding_stream *to, uint64_t *next,
                            uint16_t bytes, uint64_t now_us);
// Whether a packet of `bytes` that went out under this number may be sent again; it counts as sent then. 0:
// it carries nothing, and costs nothing of what is saved up.
bool consumer_may_resend(struct consumer *c, uint16_t seq, uint16_t bytes, uint64_t now_us); // repair.c
// The same of one that was not asked for.
bool consumer_may_copy(struct consumer *c, uint16_t bytes, uint64_t now_us); // repair.c
// What went out under this number goes out as RTX although it was not asked for, if it may; whether it did.
bool consumer_send_copy(struct consumer *c, uint16_t seq, uint64_t now_us);
// Something empty goes out behind the last packet, if that ends a frame and no link is full, so that what was
// lost before it is missed. Returns its bytes, 0: it did not go out.
uint16_t consumer_send_end(struct consumer *c, uint64_t now_us);
// Where RTP time of what it sends stands on the publisher's clock; false while not known.
bool consumer_sender_clock(const struct consumer *c, uint64_t now_us, uint64_t *ntp, uint32_t *rtp_timestamp);

// ---- consumer_layers.c
void consumer_tell_layers(struct consumer *c);
// The highest layers that it shows, as long as it does, or may come to show.
void consumer_find_wanted(const struct consumer *c, int8_t *spatial, int8_t *temporal);
void consumer_send_layers(struct consumer *c); // whether or not there is anything new about them
void consumer_note_layers(struct consumer *c); // only if there is
int8_t consumer_ceiling_temporal(const struct consumer *c);
// What it is to get has changed, or may have.
void consumer_update_filter(struct consumer *c, uint64_t now_us);
// The next packet begins a key frame of this stream.
void consumer_begin_filter(struct consumer *c, const struct producer_stream *s);
void consumer_tick_layers(struct consumer *c, uint64_t now_us); // once a second
// The packets from here on go out under what holds now.
void consumer_mark_run(struct consumer *c);
enum layer_fate {
    LAYER_FATE_SENT,
    LAYER_FATE_DROPPED, // later numbers have closed up already
    LAYER_FATE_BLANK,   // it came late and is not wanted, but its number is missing: something empty goes out
};
// Of a packet of the stream that is shown, while the filter is on. `marker` may become true.
enum layer_fate consumer_filter(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                                bool *marker, uint64_t now_us);
// The same of one that is asked for again, of the run that its number is of.
enum layer_fate consumer_repeat_fate(const struct consumer *c, const struct forward_meta *meta, uint16_t seq,
                                     const struct seq_origin *origin, bool *marker);

// ---- downlink.c
void downlink_open(struct consumer *c); // once its first number is known
// It may not go on: the packet is left out, a probe sent at times.
void downlink_hold(struct consumer *c, struct block *prepared, uint64_t now_us);
// Its receiver says that this is the highest number that it has had.
void downlink_acknowledge(struct consumer *c, uint16_t seq, uint64_t now_us);
static inline bool downlink_goes_on(const struct consumer *c) {
    return c->rewrite.made.next < c->halt_index;
}

// ---- playout.c
// Once a second: what is lost on the way from the publisher, and how long receivers are asked to wait for
// what is repaired there and on the way to them.
void producer_tick_repairs(struct producer *p, uint64_t now_us);
void consumer_tick_playout(struct consumer *c);

// ---- shedding.c
void consumer_shed_init(struct consumer *c); // its place in the order
// Its receiver has told how much of it was lost (stats.fraction_lost).
void consumer_note_sound_loss(struct consumer *c, uint64_t now_us);
void producer_note_loudness(struct producer *p, int8_t level_dbov, uint64_t now_us);
// What is to be left out of it if it is to get packets.
enum shed_state consumer_shed_wanted(const struct consumer *c);
void consumer_shed_set(struct consumer *c, enum shed_state state);
// The highest stream that its receiver wants and the worker can do, LAYER_NONE: any.
int8_t consumer_wish(const struct consumer *c);
// It gets packets, or would but for its receiver's link.
bool consumer_would_show(const struct consumer *c);
// The highest stream that it may show, LAYER_NONE: any.
int8_t consumer_ceiling(const struct consumer *c);

// ---- fan_out.c
struct fan_out *fan_out_create(void);          // NULL: no memory
void fan_out_destroy(struct fan_out *fan_out); // has nothing any more; NULL is fine
// consumer_forward or consumer_skip at the next forwarder_flush. Whatever changes what a consumer shows, or
// closes it, flushes first.
void fan_out_packet(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                    uint64_t now_us);
// Before that, for each packet of video that goes to somebody: it may be padded until the flush.
void fan_out_note(struct forwarder *fw, struct producer_stream *s, struct block *prepared);
void fan_out_skip(struct consumer *c, const struct producer_stream *s, uint16_t seq, uint64_t now_us);

#endif
