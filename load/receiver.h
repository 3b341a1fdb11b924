// receiver: what one participant receives on its wire: tracks, each checked packet by packet; and its RTCP:
// receiver reports, NACK, PLI, transport-wide feedback. One thread.
#ifndef LOAD_RECEIVER_H
#define LOAD_RECEIVER_H

#include "base/hmap.h"
#include "load/frame_buffer.h"
#include "load/wire.h"
#include "rtp/nack_tracker.h"
#include "rtp/rtp_ext.h"
#include "rtp/stream_stats.h"
#include "rtp/twcc.h"

#define RECEIVER_TRACKS_MAX 20000
#define RECEIVER_GONE 64          // SSRCs of closed tracks whose packets may still be on their way
#define RECEIVER_GONE_US 5000000  // so long
#define RECEIVER_PAUSE_US 1000000 // after so long nothing of a paused track may come any more
#define RECEIVER_KEY_US 1000000   // a picture that is missing for so long is asked for, and again

struct receiver;

struct track {
    struct receiver *receiver;
    struct consumed params;
    unsigned index; // in receiver.tracks
    struct receive_stats stats;
    struct nack_tracker *nack;    // video
    struct frame_buffer *frames;  // video
    uint64_t opened_us, first_us; // first_us: of its first packet, 0: none yet
    bool paused, producer_paused;
    uint64_t paused_us;   // since when one of them is true
    uint64_t expected_us; // since when packets may be expected
    uint64_t asked_us;    // the last PLI
    uint64_t repaired;
    struct wheel_node nack_timer;
};

struct receiver {
    struct load *load;
    struct wire *wire;
    uint32_t ssrc;                           // of our feedback
    uint64_t origin_us;                      // the beginning of the join
    bool first_rtp_counts, first_key_counts; // there was something to receive when it joined
    struct track **tracks;                   // NULL where one was closed
    unsigned track_count, track_cap;
    struct hmap *by_ssrc; // index * 2, + 1 for RTX
    struct ext_map ext;
    struct twcc_recorder *twcc; // NULL until a track wants it
    uint32_t twcc_media_ssrc;
    struct wheel_node report_timer, twcc_timer;
    struct {
        uint32_t ssrc;
        uint64_t until_us;
    } gone[RECEIVER_GONE];
    unsigned gone_next;
};

// NULL: no memory.
struct receiver *receiver_create(struct load *load, uint64_t origin_us);
void receiver_destroy(struct receiver *receiver, uint64_t now_us); // counts what is left; NULL is fine
// ERR_EXISTS: one of its SSRCs is another track's, or both are the same; ERR_NO_MEMORY.
MUST_USE enum err receiver_add(struct receiver *receiver, const struct consumed *params, uint64_t now_us);
void receiver_remove(struct receiver *receiver, const char *consumer_id, uint64_t now_us);
void receiver_pause_consumer(struct receiver *receiver, const char *consumer_id, bool paused,
                             uint64_t now_us);
void receiver_pause_producer(struct receiver *receiver, const char *producer_id, bool paused,
                             uint64_t now_us);
void receiver_start(struct receiver *receiver, uint64_t now_us); // the wire is ready
void receiver_rtp(struct receiver *receiver, struct span packet, uint64_t now_us);
void receiver_rtcp(struct receiver *receiver, struct span datagram, uint64_t now_us);

// What its open tracks have counted so far, added to `sum`; closed ones are in the load's tally already.
void receiver_sum(const struct receiver *receiver, uint64_t now_us, struct tally *sum);
// The measurement begins: pictures count from here.
void receiver_measure(struct receiver *receiver, uint64_t now_us);

// ---- receiver_feedback.c
void feedback_init(struct receiver *receiver);
void feedback_track_init(struct track *track);
void feedback_await_nack(struct track *track);
void feedback_count_transport_seq(struct receiver *receiver, uint16_t seq, uint32_t ssrc, uint64_t now_us);
void feedback_ask_key_frame(struct track *track, uint64_t now_us);

#endif
