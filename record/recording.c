#include "record/recording.h"

#include "base/list.h"
#include "record/control.h"
#include "record/reel.h"
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
    struct list shelves; // those that are together
    char id[CONTROL_ID_MAX + 1], name[CONTROL_NAME_MAX + 1];
};

// A reel, and whose frames go to it: one track's, or those of one sound and one picture.
struct shelf {
    struct list link; // in publisher->shelves, or in nothing
    struct recording *recording;
    struct publisher *publisher;
    struct reel *reel;
    bool together, screen;
    struct recorded *tracks[2]; // by kind
};

struct recorded {
    struct list link;
    struct recording *recording;
    struct publisher *publisher;
    struct control_track about;
    struct track *track;
    struct shelf *shelf;
    bool paused;
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

static void shelf_tell(void *ctx, json_t *event) {
    struct shelf *shelf = ctx;
    tell(shelf->recording, event);
}

static void shelf_fail(void *ctx, const char *why) {
    struct shelf *shelf = ctx;
    fail(shelf->recording, why);
}

static bool shelf_may_open(void *ctx, char why[REEL_WHY_MAX]) {
    const struct shelf *shelf = ctx;
    unsigned most = shelf->recording->config.files_max;
    snprintf(why, REEL_WHY_MAX, "a recording has at most %u files, and %u of one participant", most,
             most / 10);
    return shelf->publisher->files < most / 10 && json_array_size(shelf->recording->files) < most;
}

static void shelf_opened(void *ctx, const char *file) {
    struct shelf *shelf = ctx;
    shelf->publisher->files++;
    json_array_append_new(shelf->recording->files, json_string(file));
}

static void on_key_wanted(void *ctx);

static void shelf_key_wanted(void *ctx) {
    struct shelf *shelf = ctx;
    if (shelf->tracks[MEDIA_VIDEO])
        on_key_wanted(shelf->tracks[MEDIA_VIDEO]);
}

static void shelf_free(struct shelf *shelf) {
    list_remove(&shelf->link);
    reel_destroy(shelf->reel);
    free(shelf);
}

static bool is_of_screen(const struct control_track *about) {
    return strncmp(about->source, "SCREEN", 6) == 0;
}

static struct shelf *shelf_new(struct recording *r, struct publisher *publisher,
                               const struct control_track *about) {
    struct shelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        return NULL;
    *shelf = (struct shelf){.recording = r,
                            .publisher = publisher,
                            .together = r->config.together,
                            .screen = is_of_screen(about)};
    list_init(&shelf->link);
    struct reel_config config = {.folder = r->config.folder,
                                 .number = ++r->numbered,
                                 .together = shelf->together,
                                 .screen = shelf->screen,
                                 .participant = publisher->id,
                                 .name = publisher->name};
    struct reel_output output = {.ctx = shelf,
                                 .tell = shelf_tell,
                                 .fail = shelf_fail,
                                 .may_open = shelf_may_open,
                                 .opened = shelf_opened,
                                 .key_wanted = shelf_key_wanted};
    shelf->reel = reel_create(&config, &output);
    if (!shelf->reel) {
        shelf_free(shelf);
        return NULL;
    }
    if (shelf->together)
        list_push_back(&publisher->shelves, &shelf->link);
    return shelf;
}

// Where a track of that kind has its place.
static struct shelf *shelf_for(struct recording *r, struct publisher *publisher,
                               const struct control_track *about) {
    LIST_EACH(node, &publisher->shelves) {
        struct shelf *shelf = LIST_ENTRY(node, struct shelf, link);
        if (shelf->screen == is_of_screen(about) && !shelf->tracks[about->kind])
            return shelf;
    }
    return shelf_new(r, publisher, about);
}

// ---- frames

static void on_frame(void *ctx, const struct record_frame *frame, int64_t time_us, unsigned degrees) {
    struct recorded *t = ctx;
    struct recording *r = t->recording;
    const struct reel_track track = {.id = t->about.id,
                                     .source = t->about.source,
                                     .kind = t->about.kind,
                                     .codec = t->about.codec,
                                     .channels = t->about.channels};
    if (!r->failed)
        reel_write(t->shelf->reel, &track, frame, time_us - (int64_t)r->began_us, degrees, r->now_us);
}

static void on_key_wanted(void *ctx) {
    struct recorded *t = ctx;
    uint8_t bytes[32];
    struct writer w = writer_of(bytes, sizeof bytes);
    rtcp_write_pli(&w, 1, t->about.ssrc);
    if (!w.failed)
        t->recording->output.send(t->recording->output.ctx, span_of(w.ptr, w.len));
}

static void on_missing(void *ctx, const uint16_t *seqs, unsigned count) {
    struct recorded *t = ctx;
    uint8_t bytes[12 + TRACK_MISSING_MAX * 4];
    struct writer w = writer_of(bytes, sizeof bytes);
    (void)rtcp_write_nack(&w, 1, t->about.ssrc, seqs, count);
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

static struct publisher *publisher_of(struct recording *r, const char *id, const char *name) {
    LIST_EACH(node, &r->publishers) {
        struct publisher *p = LIST_ENTRY(node, struct publisher, link);
        if (strcmp(p->id, id) == 0)
            return p;
    }
    struct publisher *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    snprintf(p->id, sizeof p->id, "%s", id);
    snprintf(p->name, sizeof p->name, "%s", name);
    list_init(&p->shelves);
    list_init(&p->link);
    list_push_back(&r->publishers, &p->link);
    return p;
}

static void publisher_free(struct publisher *p) {
    LIST_EACH(node, &p->shelves)
    shelf_free(LIST_ENTRY(node, struct shelf, link));
    list_remove(&p->link);
    free(p);
}

static void publisher_let_go(struct publisher *p) {
    if (p->tracks == 0 && p->files == 0)
        publisher_free(p);
}

static void shelf_leave(struct recorded *t) {
    struct shelf *shelf = t->shelf;
    if (!t->paused)
        reel_expect(shelf->reel, t->about.kind, false);
    shelf->tracks[t->about.kind] = NULL;
    if (shelf->tracks[MEDIA_AUDIO] || shelf->tracks[MEDIA_VIDEO])
        return;
    reel_close(shelf->reel, t->recording->now_us);
    if (!shelf->together)
        shelf_free(shelf);
}

static void track_free(struct recorded *t) {
    track_destroy(t->track);
    if (t->shelf)
        shelf_leave(t);
    t->publisher->tracks--;
    publisher_let_go(t->publisher);
    free(t);
}

static void track_begin(struct recording *r, const struct control_track *about) {
    struct publisher *publisher = publisher_of(r, about->participant, about->name);
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
    list_init(&t->link);
    t->shelf = shelf_for(r, publisher, about);
    if (!t->shelf) {
        track_free(t);
        return;
    }
    t->shelf->tracks[about->kind] = t;
    reel_expect(t->shelf->reel, about->kind, true);
    struct track_config config = {.codec = about->codec,
                                  .payload_type = about->payload_type,
                                  .clock_rate = about->clock_rate,
                                  .orientation_id = about->orientation_id,
                                  .clock = &publisher->clock};
    struct track_output output = {
        .ctx = t, .frame = on_frame, .key_wanted = on_key_wanted, .missing = on_missing};
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
    shelf_leave(t);
    t->shelf = NULL;
    track_read_counters(t->track, &counters);
    json_t *event = track_event("track-ended", t);
    json_object_set_new(event, "packets", json_integer((json_int_t)counters.packets));
    json_object_set_new(event, "lost", json_integer((json_int_t)counters.lost));
    json_object_set_new(event, "repaired", json_integer((json_int_t)counters.repaired));
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

// Whoever wanted it may ask anew.
static void refuse_track(struct recording *r, const struct control_track *about, const char *why) {
    tell(r, json_pack("{s:s, s:s, s:s}", "event", "refused", "track", about->id, "reason", why));
}

static void track_wanted(struct recording *r, const struct control_track *about) {
    if (r->count >= RECORDING_TRACKS_MAX)
        refuse_track(r, about, "a recording has at most 1024 tracks at a time");
    else if (find_id(r, about->id) || find_ssrc(r, about->ssrc))
        refuse_track(r, about, "a track of that id or SSRC is there");
    else
        track_begin(r, about);
}

static void track_pause(struct recorded *t, bool paused) {
    if (t->paused != paused)
        reel_expect(t->shelf->reel, t->about.kind, !paused);
    t->paused = paused;
    tell(t->recording, track_event(paused ? "paused" : "resumed", t));
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
        track_pause(t, control.what == CONTROL_PAUSE);
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
        if (!r->failed)
            reel_advance(t->shelf->reel, now_us);
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
    LIST_EACH(node, &r->publishers)
    publisher_free(LIST_ENTRY(node, struct publisher, link));
    if (r->events)
        fclose(r->events);
    json_decref(r->files);
    free(r);
}
