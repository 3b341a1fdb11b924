#include "record/track.h"

#include "base/list.h"
#include "record/reorder.h"
#include "rtp/nack_tracker.h"
#include "rtp/rtp_ext.h"
#include "rtp/rtp_packet.h"

#include <stdlib.h>
#include <string.h>

// A frame that waits for a report.
struct waiting {
    struct list link;
    struct record_frame frame; // its bytes and setup are behind it
    uint64_t arrived_us;
    unsigned degrees;
    uint8_t bytes[];
};

struct track {
    struct track_config config;
    struct track_output output;
    struct reorder *reorder;
    struct nack_tracker *nack;
    struct depacketizer *depacketizer;
    struct ext_map ext;
    struct track_counters counters;
    bool begun;
    uint64_t first_us;
    uint32_t highest_timestamp; // and as 64 bits
    int64_t highest_ticks;
    struct source_clock own; // without reports
    struct report_clock reports;
    unsigned degrees;
    int64_t last_us;
    bool written;
    uint64_t key_asked_us;
    struct list waiting;
    size_t waiting_bytes;
};

struct track *track_create(const struct track_config *config, const struct track_output *output) {
    struct track *track = calloc(1, sizeof *track);
    if (!track)
        return NULL;
    track->config = *config;
    track->output = *output;
    list_init(&track->waiting);
    track->reorder = reorder_create();
    track->nack = nack_tracker_create((uint32_t)REORDER_WINDOW_US);
    track->depacketizer = depacketizer_create(config->codec);
    ext_map_clear(&track->ext);
    if (config->orientation_id) {
        struct ext_ids ids = {0};
        ids.ids[EXT_VIDEO_ORIENTATION] = config->orientation_id;
        ext_map_add(&track->ext, &ids);
    }
    if (track->reorder && track->nack && track->depacketizer)
        return track;
    track_destroy(track);
    return NULL;
}

void track_destroy(struct track *track) {
    if (!track)
        return;
    while (!list_empty(&track->waiting)) {
        struct waiting *w = LIST_ENTRY(track->waiting.next, struct waiting, link);
        list_remove(&w->link);
        free(w);
    }
    reorder_destroy(track->reorder);
    nack_tracker_destroy(track->nack);
    depacketizer_destroy(track->depacketizer);
    free(track);
}

// ---- times

// With the first packet or report.
static void track_begin(struct track *track, uint32_t timestamp, uint64_t now_us) {
    track->begun = true;
    track->highest_timestamp = timestamp;
    track->first_us = now_us;
}

static int64_t ticks_of(struct track *track, uint32_t timestamp) {
    int64_t ticks = track->highest_ticks + (int32_t)(timestamp - track->highest_timestamp);
    if (ticks > track->highest_ticks) {
        track->highest_ticks = ticks;
        track->highest_timestamp = timestamp;
    }
    return ticks;
}

static int64_t us_of(const struct track *track, int64_t ticks) {
    // By whole seconds first: timestamps that jump by 2^31 each packet pass 2^63 microseconds never.
    int64_t rate = track->config.clock_rate;
    return ticks / rate * 1000000 + ticks % rate * 1000000 / rate;
}

// On the publisher's clock, or on one of this track's own.
static int64_t theirs_us(const struct track *track, int64_t ticks) {
    return us_of(track, ticks) + (track->reports.known ? track->reports.offset_us : 0);
}

static struct source_clock *clock_of(struct track *track) {
    return track->reports.known ? track->config.clock : &track->own;
}

// ---- frames out

static void give(struct track *track, const struct record_frame *frame, unsigned degrees) {
    int64_t ticks = track->highest_ticks + (int32_t)(frame->timestamp - track->highest_timestamp);
    int64_t time_us = source_clock_ours_us(clock_of(track), theirs_us(track, ticks));
    if (track->written && time_us <= track->last_us)
        time_us = track->last_us + 1000;
    track->written = true;
    track->last_us = time_us;
    track->counters.frames++;
    track->output.frame(track->output.ctx, frame, time_us, degrees);
}

static void keep(struct track *track, const struct record_frame *frame, uint64_t now_us) {
    size_t len = frame->bytes.len + frame->setup.len;
    struct waiting *w = malloc(sizeof *w + len);
    if (!w || track->waiting_bytes + len > TRACK_WAITING_BYTES_MAX) {
        free(w);
        track->counters.dropped++;
        return;
    }
    w->frame = *frame;
    w->degrees = track->degrees;
    w->arrived_us = now_us;
    memcpy(w->bytes, frame->bytes.ptr, frame->bytes.len);
    w->frame.bytes.ptr = w->bytes;
    if (frame->setup.len > 0) {
        memcpy(w->bytes + frame->bytes.len, frame->setup.ptr, frame->setup.len);
        w->frame.setup.ptr = w->bytes + frame->bytes.len;
    }
    list_init(&w->link);
    list_push_back(&track->waiting, &w->link);
    track->waiting_bytes += len;
}

static void let_go(struct track *track) {
    while (!list_empty(&track->waiting)) {
        struct waiting *w = LIST_ENTRY(track->waiting.next, struct waiting, link);
        list_remove(&w->link);
        give(track, &w->frame, w->degrees);
        free(w);
    }
    track->waiting_bytes = 0;
}

static bool is_timed(const struct track *track, uint64_t now_us) {
    return track->reports.known || now_us >= track->first_us + TRACK_UNREPORTED_US;
}

// ---- packets in

static void note_orientation(struct track *track, const struct rtp_packet *packet) {
    static const unsigned degrees[] = {0, 90, 180, 270}; // 3GPP TS 26.114, section 7.4.5: R1 R0
    struct rtp_ext_values values;
    rtp_ext_read(packet, &track->ext, &values);
    struct span value = values.of[EXT_VIDEO_ORIENTATION];
    if (value.ptr && value.len == 1)
        track->degrees = degrees[value.ptr[0] & 3];
}

static void take_packet(struct track *track, const struct reordered *r, uint64_t now_us) {
    struct rtp_packet packet;
    struct record_frame frame;
    if (rtp_parse(r->packet, &packet) != ERR_OK)
        return; // it was one when it came
    if (track->config.orientation_id)
        note_orientation(track, &packet);
    struct packet_in in = {
        .payload = packet.payload, .timestamp = packet.timestamp, .marker = packet.marker, .gap = r->gap};
    depacketizer_push(track->depacketizer, &in);
    while (depacketizer_next(track->depacketizer, &frame)) {
        if (is_timed(track, now_us) && list_empty(&track->waiting))
            give(track, &frame, track->degrees);
        else
            keep(track, &frame, now_us);
    }
}

// Repeats come under their own numbers, so whatever was missing and is here is one, or was overtaken.
static bool is_repaired(struct track *track, uint16_t seq, uint64_t now_us) {
    bool beyond_repair = false; // then it waits, and asks for a key frame as for any gap
    return nack_tracker_add(track->nack, seq, NACK_IS_REPEAT, now_us, &beyond_repair) == NACK_REPAIRED;
}

void track_rtp(struct track *track, struct span bytes, uint64_t now_us) {
    struct rtp_packet packet;
    if (rtp_parse(bytes, &packet) != ERR_OK || packet.payload_type != track->config.payload_type) {
        track->counters.malformed++;
        return;
    }
    if (!reorder_push(track->reorder, packet.seq, bytes, now_us)) {
        track->counters.late++;
        return;
    }
    track->counters.packets++;
    track->counters.repaired += is_repaired(track, packet.seq, now_us);
    if (!track->begun)
        track_begin(track, packet.timestamp, now_us);
    int64_t ticks = ticks_of(track, packet.timestamp);
    source_clock_note(clock_of(track), theirs_us(track, ticks), (int64_t)now_us);
    track_advance(track, now_us, false);
}

void track_report(struct track *track, uint64_t ntp, uint32_t timestamp, uint64_t now_us) {
    if (!track->begun)
        track_begin(track, timestamp, now_us);
    int64_t ticks = track->highest_ticks + (int32_t)(timestamp - track->highest_timestamp);
    bool first = !track->reports.known;
    // 2^31 seconds of NTP's have room in 63 bits of microseconds.
    int64_t theirs = (int64_t)((ntp >> 32) * 1000000 + ((ntp & UINT32_MAX) * 1000000 >> 32));
    report_clock_note(&track->reports, us_of(track, ticks), theirs);
    // What it showed of the way before counts for the publisher's clock.
    if (first && track->own.known)
        source_clock_note(track->config.clock, theirs_us(track, track->highest_ticks),
                          track->own.offset_us + us_of(track, track->highest_ticks));
    track_advance(track, now_us, false);
}

static bool needs_key_frame(const struct track *track, uint64_t now_us) {
    return depacketizer_waits(track->depacketizer) ||
           (track->config.codec != CODEC_OPUS &&
            reorder_waited_us(track->reorder, now_us) >= TRACK_KEY_EARLY_US);
}

static void ask_key_frame(struct track *track, uint64_t now_us) {
    bool due = track->key_asked_us == 0 || now_us >= track->key_asked_us + TRACK_KEY_ASK_US;
    if (!track->begun || !due || !needs_key_frame(track, now_us))
        return;
    track->key_asked_us = now_us;
    track->output.key_wanted(track->output.ctx);
}

static void ask_repeats(struct track *track, uint64_t now_us) {
    uint16_t seqs[TRACK_MISSING_MAX];
    bool given_up = false; // the window gives up, not this
    unsigned count =
        nack_tracker_due(track->nack, now_us, TRACK_REPEAT_US, seqs, TRACK_MISSING_MAX, &given_up);
    if (count > 0)
        track->output.missing(track->output.ctx, seqs, count);
}

void track_advance(struct track *track, uint64_t now_us, bool last) {
    struct reordered r;
    if (track->begun && (last || is_timed(track, now_us)))
        let_go(track);
    while (reorder_next(track->reorder, now_us, last, &r))
        take_packet(track, &r, now_us);
    if (track->begun && last)
        let_go(track);
    if (last)
        return;
    ask_repeats(track, now_us);
    ask_key_frame(track, now_us);
}

void track_read_counters(const struct track *track, struct track_counters *out) {
    const struct depacketizer_counters *d = depacketizer_counters(track->depacketizer);
    *out = track->counters;
    out->lost = reorder_lost(track->reorder);
    out->dropped += d->dropped;
    out->malformed += d->malformed;
}
