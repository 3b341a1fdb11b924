// track: one stream from RTP to frames with the time of their capture. Sans I/O.
//
// Packets go in as they come (reorder.h, depacketize.h), sender reports beside them; frames come out in
// order, each later than the one before. What is missing is asked for (rtp/nack_tracker.h), and waited for as
// reorder.h says; of a picture a key frame is asked for meanwhile, so that it goes on with that one if
// nothing comes. Until the first report, at most TRACK_UNREPORTED_US, frames wait; without reports (some
// programs send none) a track is on a clock of its own. One thread.
#ifndef RECORD_TRACK_H
#define RECORD_TRACK_H

#include "record/depacketize.h"
#include "record/source_clock.h"

#define TRACK_UNREPORTED_US UINT64_C(3000000)
#define TRACK_WAITING_BYTES_MAX (16 * 1024 * 1024) // of frames that wait for a report
#define TRACK_KEY_ASK_US UINT64_C(1000000)         // a key frame is asked for so often at most
#define TRACK_KEY_EARLY_US UINT64_C(400000)        // and so long after something was found missing
#define TRACK_REPEAT_US 50000                      // what is missing is asked for again after that
#define TRACK_MISSING_MAX 64                       // numbers asked for at once

struct track_config {
    enum media_codec codec;
    uint8_t payload_type;
    uint32_t clock_rate;
    uint8_t orientation_id;     // of the header extension (3GPP TS 26.114); 0: it is not there
    struct source_clock *clock; // of its publisher; outlives it
};

struct track_output {
    void *ctx;
    // time_us: of its capture on our clock, never before the frame before. degrees: by which a player turns
    // it clockwise, 0, 90, 180, 270.
    void (*frame)(void *ctx, const struct record_frame *frame, int64_t time_us, unsigned degrees);
    void (*key_wanted)(void *ctx); // nothing can be written until one comes, or that may be so soon
    void (*missing)(void *ctx, const uint16_t *seqs, unsigned count); // to be sent again; ascending
};

struct track;

struct track *track_create(const struct track_config *config,
                           const struct track_output *output);            // NULL: no memory
void track_destroy(struct track *track);                                  // NULL is fine
void track_rtp(struct track *track, struct span packet, uint64_t now_us); // any bytes
void track_report(struct track *track, uint64_t ntp, uint32_t timestamp, uint64_t now_us);
// What is due; to be called now and then. `last`: everything that is there.
void track_advance(struct track *track, uint64_t now_us, bool last);

struct track_counters {
    uint64_t packets, lost, repaired, frames, dropped, malformed, late;
};
void track_read_counters(const struct track *track, struct track_counters *out);

#endif
