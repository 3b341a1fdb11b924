#include "record/recording.h"

#include "base/list.h"
#include "record/control.h"
#include "record/muxer.h"
#include "record/track.h"
#include "rtp/rtcp_read.h"
#include "rtp/rtcp_write.h"
#include "rtp/rtp_packet.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 768

// Who sends: what it shows has one clock. Kept while it has tracks, or has files that count.
struct publisher {
    struct list link;
    struct source_clock clock;
    unsigned tracks, files;
    char id[CONTROL_ID_MAX + 1];
};

struct recorded {
    struct list link;
    struct recording *recording;
    struct publisher *publisher;
    struct control_track about;
    struct track *track;
    struct muxer *muxer; // NULL: no frame has come, or it is unusable
    bool unusable;       // nothing of it is written any more
    unsigned parts;
    unsigned degrees;
    uint16_t width, height;
    uint64_t part_began_us, sized_us; // when its part and its size were told last
};

struct recording {
    struct recording_config config;
    struct recording_output output;
    struct list tracks, publishers;
    unsigned count, numbered;
    uint64_t began_us, now_us;
    FILE *events;
    json_t *files;
    bool over, failed;
};

// ---- what happened

static void tell(struct recording *r, json_t *event) {
    double at = (double)(r->now_us - r->began_us) / 1e6;
    if (event)
        json_object_set_new(event, "at", json_real(at));
    char *line = event ? json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(event);
    if (!line)
        return;
    r->output.event(r->output.ctx, line, strlen(line));
    if (r->events) {
        fprintf(r->events, "%s\n", line);
        fflush(r->events); // a full disk is told by what writes media
    }
    free(line);
}

static json_t *track_event(const char *name, const struct recorded *t) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", name, "track", t->about.id, "participant",
                     t->about.participant, "name", t->about.name, "kind", media_kind_name(t->about.kind),
                     "source", t->about.source);
}

static void fail(struct recording *r, const char *why) {
    if (r->failed)
        return;
    r->failed = true; // it ends when what is being done is done (settle): a track may be in the middle of it
    tell(r, json_pack("{s:s, s:s}", "event", "failed", "reason", why));
}

static void settle(struct recording *r) {
    if (r->failed)
        recording_stop(r, "failed", r->now_us);
}

// ---- files

// A part of a file's name that every system takes.
static void name_safely(const char *from, char *out, size_t cap) {
    size_t len = 0;
    for (; *from && len + 1 < cap && len < 40; from++) {
        char c = *from;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        out[len++] = plain ? c : '_';
    }
    out[len] = '\0';
}

static void part_close(struct recorded *t) {
    struct muxer_fault fault;
    char path[PATH_BYTES];
    struct recording *r = t->recording;
    if (!t->muxer)
        return;
    snprintf(path, sizeof path, "%s", muxer_path(t->muxer));
    bool fine = muxer_close(t->muxer, &fault);
    t->muxer = NULL;
    json_t *event = track_event("file-closed", t);
    json_object_set_new(event, "file", json_string(strrchr(path, '/') + 1));
    tell(r, event);
    if (!fine && !fault.of_track)
        fail(r, fault.text);
}

// What one publisher sends ends nothing of others'.
static void track_unusable(struct recorded *t, const char *why) {
    t->unusable = true;
    json_t *event = track_event("track-unusable", t);
    json_object_set_new(event, "reason", json_string(why));
    tell(t->recording, event);
    part_close(t);
}

static void take_fault(struct recorded *t, const struct muxer_fault *fault) {
    if (fault->of_track)
        track_unusable(t, fault->text);
    else
        fail(t->recording, fault->text);
}

static bool may_have_file(const struct recorded *t) {
    unsigned most = t->recording->config.files_max;
    return t->publisher->files < most / 10 && json_array_size(t->recording->files) < most;
}

static bool part_open(struct recorded *t, const struct record_frame *frame, int64_t time_us,
                      unsigned degrees) {
    struct recording *r = t->recording;
    struct muxer_fault fault;
    char path[PATH_BYTES], who[48];
    if (!may_have_file(t)) {
        char why[96];
        snprintf(why, sizeof why, "a recording has at most %u files, and %u of one participant",
                 r->config.files_max, r->config.files_max / 10);
        track_unusable(t, why);
        return false;
    }
    name_safely(t->about.name, who, sizeof who);
    snprintf(path, sizeof path, "%.512s/%03u-%s-%s-%u", r->config.folder, t->about.number, who,
             media_kind_name(t->about.kind), ++t->parts);
    struct muxer_params params = {.path = path,
                                  .codec = t->about.codec,
                                  .width = frame->width,
                                  .height = frame->height,
                                  .channels = t->about.channels,
                                  .degrees = degrees,
                                  .setup = frame->setup,
                                  .title = t->about.name};
    t->muxer = muxer_open(&params, &fault);
    if (!t->muxer) {
        take_fault(t, &fault);
        return false;
    }
    t->publisher->files++;
    t->degrees = degrees;
    t->part_began_us = t->sized_us = r->now_us;
    t->width = frame->width;
    t->height = frame->height;
    const char *file = strrchr(muxer_path(t->muxer), '/') + 1;
    json_array_append_new(r->files, json_string(file));
    json_t *event = track_event("file-opened", t);
    json_object_set_new(event, "file", json_string(file));
    json_object_set_new(event, "begins", json_real((double)time_us / 1e6));
    json_object_set_new(event, "rotation", json_integer(degrees));
    json_object_set_new(event, "width", json_integer(frame->width));
    json_object_set_new(event, "height", json_integer(frame->height));
    tell(r, event);
    return true;
}

// ---- frames

static void note_size(struct recorded *t, const struct record_frame *frame) {
    bool same = frame->width == t->width && frame->height == t->height;
    if (frame->width == 0 || same || t->recording->now_us < t->sized_us + RECORDING_CHANGE_US)
        return;
    t->sized_us = t->recording->now_us;
    t->width = frame->width;
    t->height = frame->height;
    json_t *event = track_event("size", t);
    json_object_set_new(event, "width", json_integer(frame->width));
    json_object_set_new(event, "height", json_integer(frame->height));
    tell(t->recording, event);
}

static void on_frame(void *ctx, const struct record_frame *frame, int64_t time_us, unsigned degrees) {
    struct recorded *t = ctx;
    struct recording *r = t->recording;
    struct muxer_fault fault;
    int64_t since_us = time_us - (int64_t)r->began_us;
    if (r->failed || t->unusable)
        return;
    since_us = since_us > 0 ? since_us : 0; // captured before, but it came in time
    bool turned = t->muxer && degrees != t->degrees && frame->key;
    if (turned && r->now_us >= t->part_began_us + RECORDING_CHANGE_US && may_have_file(t))
        part_close(t); // a file has one rotation
    if (r->failed || (!t->muxer && !part_open(t, frame, since_us, degrees)))
        return;
    if (frame->key)
        note_size(t, frame);
    if (!muxer_write(t->muxer, frame, since_us, &fault))
        take_fault(t, &fault);
}

static void on_key_wanted(void *ctx) {
    struct recorded *t = ctx;
    uint8_t bytes[32];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_pli(&w, 1, t->about.ssrc);
    if (!w.failed)
        t->recording->output.send(t->recording->output.ctx, span_of(w.ptr, w.len));
}

// ---- tracks

static struct recorded *find_ssrc(const struct recording *r, uint32_t ssrc) {
    LIST_EACH(node, &r->tracks) {
        struct recorded *t = LIST_ENTRY(node, struct recorded, link);
        if (t->about.ssrc == ssrc)
            return t;
    }
    return NULL;
}

static struct recorded *find_id(const struct recording *r, const char *id) {
    LIST_EACH(node, &r->tracks) {
        struct recorded *t = LIST_ENTRY(node, struct recorded, link);
        if (strcmp(t->about.id, id) == 0)
            return t;
    }
    return NULL;
}

static struct publisher *publisher_of(struct recording *r, const char *id) {
    LIST_EACH(node, &r->publishers) {
        struct publisher *p = LIST_ENTRY(node, struct publisher, link);
        if (strcmp(p->id, id) == 0)
            return p;
    }
    struct publisher *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    snprintf(p->id, sizeof p->id, "%s", id);
    list_init(&p->link);
    list_push_back(&r->publishers, &p->link);
    return p;
}

static void publisher_let_go(struct publisher *p) {
    if (p->tracks > 0 || p->files > 0)
        return;
    list_remove(&p->link);
    free(p);
}

static void track_free(struct recorded *t) {
    track_destroy(t->track);
    t->publisher->tracks--;
    publisher_let_go(t->publisher);
    free(t);
}

static void track_begin(struct recording *r, const struct control_track *about) {
    struct publisher *publisher = publisher_of(r, about->participant);
    struct recorded *t = publisher ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        if (publisher)
            publisher_let_go(publisher);
        return;
    }
    t->recording = r;
    t->publisher = publisher;
    publisher->tracks++;
    t->about = *about;
    t->about.number = ++r->numbered;
    list_init(&t->link);
    struct track_config config = {.codec = about->codec,
                                  .payload_type = about->payload_type,
                                  .clock_rate = about->clock_rate,
                                  .orientation_id = about->orientation_id,
                                  .clock = &publisher->clock};
    struct track_output output = {.ctx = t, .frame = on_frame, .key_wanted = on_key_wanted};
    t->track = track_create(&config, &output);
    if (!t->track) {
        track_free(t);
        return;
    }
    list_push_back(&r->tracks, &t->link);
    r->count++;
    tell(r, track_event("track-began", t));
}

// It is gone then.
static void track_end(struct recorded *t) {
    struct track_counters counters;
    struct recording *r = t->recording;
    track_advance(t->track, r->now_us, true);
    part_close(t);
    track_read_counters(t->track, &counters);
    json_t *event = track_event("track-ended", t);
    json_object_set_new(event, "packets", json_integer((json_int_t)counters.packets));
    json_object_set_new(event, "lost", json_integer((json_int_t)counters.lost));
    json_object_set_new(event, "frames", json_integer((json_int_t)counters.frames));
    json_object_set_new(event, "dropped", json_integer((json_int_t)counters.dropped));
    tell(r, event);
    list_remove(&t->link);
    track_free(t);
    r->count--;
}

// ---- in

static void refuse_line(struct recording *r, const char *why) {
    tell(r, json_pack("{s:s, s:s}", "event", "refused", "reason", why));
}

static void track_wanted(struct recording *r, const struct control_track *about) {
    if (r->count >= RECORDING_TRACKS_MAX)
        refuse_line(r, "a recording has at most 1024 tracks at a time");
    else if (find_id(r, about->id) || find_ssrc(r, about->ssrc))
        refuse_line(r, "a track of that id or SSRC is there");
    else
        track_begin(r, about);
}

static void take_control(struct recording *r, const char *line, size_t len, uint64_t now_us) {
    struct control control;
    char why[CONTROL_WHY_MAX];
    if (!control_read(line, len, &control, why)) {
        refuse_line(r, why);
        return;
    }
    if (control.what == CONTROL_TRACK) {
        track_wanted(r, &control.track);
        return;
    }
    if (control.what == CONTROL_STOP) {
        recording_stop(r, "stopped", now_us);
        return;
    }
    struct recorded *t = find_id(r, control.track.id);
    if (!t)
        refuse_line(r, "there is no track of that id");
    else if (control.what == CONTROL_END)
        track_end(t);
    else
        tell(r, track_event(control.what == CONTROL_PAUSE ? "paused" : "resumed", t));
}

void recording_line(struct recording *r, const char *line, size_t len, uint64_t now_us) {
    r->now_us = now_us;
    if (r->over)
        return;
    take_control(r, line, len, now_us);
    settle(r);
}

static bool take_rtcp(struct recording *r, struct span datagram) {
    bool ours = false;
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        struct recorded *t = packet.kind == RTCP_SENDER_REPORT ? find_ssrc(r, packet.sender_ssrc) : NULL;
        if (t)
            track_report(t->track, packet.ntp, packet.rtp_timestamp, r->now_us);
        ours = ours || t;
    }
    return ours;
}

static bool take_rtp(struct recording *r, struct span datagram) {
    struct rtp_packet packet;
    struct recorded *t = rtp_parse(datagram, &packet) == ERR_OK ? find_ssrc(r, packet.ssrc) : NULL;
    if (t)
        track_rtp(t->track, datagram, r->now_us);
    return t;
}

bool recording_datagram(struct recording *r, struct span datagram, uint64_t now_us) {
    r->now_us = now_us;
    if (r->over || datagram.len < 8)
        return false;
    bool is_rtcp = datagram.ptr[1] >= 192 && datagram.ptr[1] <= 223; // RFC 5761, section 4
    bool ours = is_rtcp ? take_rtcp(r, datagram) : take_rtp(r, datagram);
    settle(r);
    return ours;
}

void recording_advance(struct recording *r, uint64_t now_us) {
    r->now_us = now_us;
    LIST_EACH(node, &r->tracks) {
        struct recorded *t = LIST_ENTRY(node, struct recorded, link);
        track_advance(t->track, now_us, false);
    }
    settle(r);
}

// ---- life

struct recording *recording_open(const struct recording_config *config, const struct recording_output *output,
                                 uint64_t now_us, char *error) {
    char path[PATH_BYTES];
    struct recording *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(error, 256, "out of memory");
        return NULL;
    }
    r->config = *config;
    r->output = *output;
    r->began_us = r->now_us = now_us;
    list_init(&r->tracks);
    list_init(&r->publishers);
    r->files = json_array();
    snprintf(path, sizeof path, "%.600s/events.jsonl", config->folder);
    r->events = fopen(path, "ae");
    if (!r->events) {
        snprintf(error, 256, "cannot write %.180s: %s", path, strerror(errno));
        recording_close(r);
        return NULL;
    }
    tell(r, json_pack("{s:s, s:s}", "event", "began", "room", config->room));
    return r;
}

void recording_stop(struct recording *r, const char *reason, uint64_t now_us) {
    r->now_us = now_us;
    if (r->over)
        return;
    r->over = true;
    LIST_EACH(node, &r->tracks)
    track_end(LIST_ENTRY(node, struct recorded, link));
    tell(r, json_pack("{s:s, s:s, s:O}", "event", "ended", "reason", r->failed ? "failed" : reason, "files",
                      r->files));
}

bool recording_is_over(const struct recording *r) {
    return r->over;
}

bool recording_failed(const struct recording *r) {
    return r->failed;
}

void recording_close(struct recording *r) {
    if (!r)
        return;
    if (r->events)
        recording_stop(r, "stopped", r->now_us);
    assert(list_empty(&r->tracks));
    LIST_EACH(node, &r->publishers) {
        struct publisher *p = LIST_ENTRY(node, struct publisher, link);
        list_remove(&p->link);
        free(p);
    }
    if (r->events)
        fclose(r->events);
    json_decref(r->files);
    free(r);
}
