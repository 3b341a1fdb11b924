#include "record/reel.h"

#include "base/list.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 768
#define KINDS 2
#define ID_BYTES 65
#define SETUP_BYTES_MAX 4096 // of one that is compared; a longer one is another one each time
#define NO_STREAM UINT32_MAX
_Static_assert(MEDIA_AUDIO < KINDS && MEDIA_VIDEO < KINDS, "kinds are indexes");

struct held {
    struct list link;
    int64_t since_us;
    size_t len;
    uint8_t bytes[];
};

struct reel {
    struct reel_config config;
    struct reel_output output;
    struct muxer *muxer;  // NULL: no file is open
    bool unusable[KINDS]; // nothing of it is written any more
    unsigned parts;
    unsigned expected[KINDS];
    // Of the open file.
    uint32_t stream[KINDS];
    enum media_codec picture;
    uint8_t setup[SETUP_BYTES_MAX];
    size_t setup_len;
    unsigned degrees;
    uint16_t width, height;
    uint64_t opened_us, sized_us; // when it was opened, and its size was told last
    struct reel_track about;      // whose file it is called; its texts are these:
    char id[ID_BYTES], source[ID_BYTES];

    bool some[KINDS]; // have been written
    int64_t last_us[KINDS];
    struct list held; // sound
    unsigned held_count, channels;
    uint64_t held_until_us;
    bool key_asked; // for what is held
};

// ---- what happened

static const char *kinds_of(const struct reel *reel) {
    bool sound = reel->stream[MEDIA_AUDIO] != NO_STREAM, picture = reel->stream[MEDIA_VIDEO] != NO_STREAM;
    return sound && picture ? "audio+video" : media_kind_name(reel->about.kind);
}

static json_t *event_of(const char *name, const struct reel *reel) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "event", name, "track", reel->id, "participant",
                     reel->config.participant, "name", reel->config.name, "kind", kinds_of(reel), "source",
                     reel->source);
}

static void call_it(struct reel *reel, const struct reel_track *track) {
    snprintf(reel->id, sizeof reel->id, "%s", track->id);
    snprintf(reel->source, sizeof reel->source, "%s", track->source);
    reel->about = *track;
}

static void tell_file(struct reel *reel, const char *what, const char *path) {
    json_t *event = event_of(what, reel);
    json_object_set_new(event, "file", json_string(strrchr(path, '/') + 1));
    reel->output.tell(reel->output.ctx, event);
}

// ---- what is held

static void forget_held(struct reel *reel) {
    LIST_EACH(node, &reel->held) {
        struct held *h = LIST_ENTRY(node, struct held, link);
        list_remove(&h->link);
        free(h);
    }
    reel->held_count = 0;
    reel->key_asked = false;
}

static void hold(struct reel *reel, const struct reel_track *track, struct span bytes, int64_t since_us,
                 uint64_t now_us) {
    struct held *h = reel->held_count < REEL_HELD_MAX ? malloc(sizeof *h + bytes.len) : NULL;
    if (!h)
        return;
    if (reel->held_count++ == 0) {
        reel->held_until_us = now_us + REEL_HOLD_US;
        reel->channels = track->channels;
        if (!reel->muxer)
            call_it(reel, track);
    }
    h->since_us = since_us;
    h->len = bytes.len;
    memcpy(h->bytes, bytes.ptr, bytes.len);
    list_init(&h->link);
    list_push_back(&reel->held, &h->link);
}

// ---- files

static void file_close(struct reel *reel) {
    struct muxer_fault fault;
    char path[PATH_BYTES];
    if (!reel->muxer)
        return;
    snprintf(path, sizeof path, "%s", muxer_path(reel->muxer));
    bool fine = muxer_close(reel->muxer, &fault);
    reel->muxer = NULL;
    tell_file(reel, "file-closed", path);
    if (!fine && !fault.of_track)
        reel->output.fail(reel->output.ctx, fault.text);
}

// What one publisher sends ends nothing of others', nor a picture its sound, which goes on in another file.
static void give_up(struct reel *reel, enum media_kind kind, const char *why) {
    reel->unusable[kind] = true;
    json_t *event = event_of("track-unusable", reel);
    json_object_set_new(event, "reason", json_string(why));
    reel->output.tell(reel->output.ctx, event);
    if (kind == MEDIA_AUDIO)
        forget_held(reel);
    file_close(reel);
}

static void take_fault(struct reel *reel, enum media_kind kind, const struct muxer_fault *fault) {
    if (fault->of_track)
        give_up(reel, kind, fault->text);
    else
        reel->output.fail(reel->output.ctx, fault->text);
}

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

static void path_of(const struct reel *reel, const struct reel_track *track, char out[PATH_BYTES]) {
    char who[48];
    const char *what = !reel->config.together ? media_kind_name(track->kind)
                       : reel->config.screen  ? "screen"
                                              : "camera";
    name_safely(reel->config.name, who, sizeof who);
    snprintf(out, PATH_BYTES, "%.512s/%03u-%s-%s-%u", reel->config.folder, reel->config.number, who, what,
             reel->parts);
}

static void add_stream(struct reel *reel, struct muxer_params *params, enum media_kind kind,
                       const struct muxer_stream *stream) {
    reel->stream[kind] = params->stream_count;
    params->streams[params->stream_count++] = *stream;
}

static void tell_opened(struct reel *reel, int64_t since_us) {
    const char *file = strrchr(muxer_path(reel->muxer), '/') + 1;
    reel->output.opened(reel->output.ctx, file);
    json_t *event = event_of("file-opened", reel);
    json_object_set_new(event, "file", json_string(file));
    json_object_set_new(event, "begins", json_real((double)since_us / 1e6));
    json_object_set_new(event, "rotation", json_integer(reel->degrees));
    json_object_set_new(event, "width", json_integer(reel->width));
    json_object_set_new(event, "height", json_integer(reel->height));
    reel->output.tell(reel->output.ctx, event);
}

static void note_setup(struct reel *reel, struct span setup) {
    reel->setup_len = setup.len <= SETUP_BYTES_MAX ? setup.len : 0;
    if (reel->setup_len > 0)
        memcpy(reel->setup, setup.ptr, setup.len);
}

// With sound where `sound`; with a picture where `frame` is one of its.
static bool file_open(struct reel *reel, const struct reel_track *track, const struct record_frame *frame,
                      bool sound, int64_t since_us, unsigned degrees, uint64_t now_us) {
    struct muxer_fault fault;
    struct muxer_params params = {.title = reel->config.name, .degrees = degrees};
    char path[PATH_BYTES], why[REEL_WHY_MAX];
    bool picture = track->kind == MEDIA_VIDEO;
    call_it(reel, track);
    if (!reel->output.may_open(reel->output.ctx, why)) {
        give_up(reel, track->kind, why);
        return false;
    }
    reel->parts++;
    path_of(reel, track, path);
    params.path = path;
    reel->stream[MEDIA_AUDIO] = reel->stream[MEDIA_VIDEO] = NO_STREAM;
    if (picture)
        add_stream(reel, &params, MEDIA_VIDEO,
                   &(struct muxer_stream){.codec = track->codec,
                                          .width = frame->width,
                                          .height = frame->height,
                                          .setup = frame->setup});
    if (sound)
        add_stream(reel, &params, MEDIA_AUDIO,
                   &(struct muxer_stream){.codec = CODEC_OPUS,
                                          .channels = picture ? reel->channels : track->channels});
    reel->muxer = muxer_open(&params, &fault);
    if (!reel->muxer) {
        take_fault(reel, track->kind, &fault);
        return false;
    }
    reel->degrees = picture ? degrees : 0;
    reel->opened_us = reel->sized_us = now_us;
    reel->width = picture ? frame->width : 0;
    reel->height = picture ? frame->height : 0;
    if (picture) {
        reel->picture = track->codec;
        note_setup(reel, frame->setup);
    }
    tell_opened(reel, since_us);
    return true;
}

// ---- frames

static void put(struct reel *reel, enum media_kind kind, const struct record_frame *frame, int64_t since_us) {
    struct muxer_fault fault;
    since_us = since_us > 0 ? since_us : 0;                        // captured before, but it came in time
    if (reel->some[kind] && since_us < reel->last_us[kind] + 1000) // files tell milliseconds apart
        since_us = reel->last_us[kind] + 1000;
    reel->some[kind] = true;
    reel->last_us[kind] = since_us;
    if (!muxer_write(reel->muxer, reel->stream[kind], frame, since_us, &fault))
        take_fault(reel, kind, &fault);
}

static void put_held(struct reel *reel) {
    while (!list_empty(&reel->held) && reel->muxer) {
        struct held *h = LIST_ENTRY(reel->held.next, struct held, link);
        list_remove(&h->link);
        put(reel, MEDIA_AUDIO, &(struct record_frame){.bytes = span_of(h->bytes, h->len), .key = true},
            h->since_us);
        free(h);
    }
    forget_held(reel);
}

static void note_size(struct reel *reel, const struct record_frame *frame, uint64_t now_us) {
    bool same = frame->width == reel->width && frame->height == reel->height;
    if (frame->width == 0 || same || now_us < reel->sized_us + REEL_CHANGE_US)
        return;
    reel->sized_us = now_us;
    reel->width = frame->width;
    reel->height = frame->height;
    json_t *event = event_of("size", reel);
    json_object_set_new(event, "width", json_integer(frame->width));
    json_object_set_new(event, "height", json_integer(frame->height));
    reel->output.tell(reel->output.ctx, event);
}

static bool is_same_setup(const struct reel *reel, struct span setup) {
    return setup.len == reel->setup_len && (setup.len == 0 || memcmp(setup.ptr, reel->setup, setup.len) == 0);
}

// With this key frame; a file has one rotation, one codec, and its tracks from the beginning.
static bool begins_another(const struct reel *reel, const struct reel_track *track,
                           const struct record_frame *frame, unsigned degrees, uint64_t now_us) {
    bool other_track = strcmp(track->id, reel->id) != 0;
    char why[REEL_WHY_MAX];
    if (reel->stream[MEDIA_VIDEO] == NO_STREAM || track->codec != reel->picture || reel->held_count > 0 ||
        (other_track && !is_same_setup(reel, frame->setup)))
        return true;
    return degrees != reel->degrees && now_us >= reel->opened_us + REEL_CHANGE_US &&
           reel->output.may_open(reel->output.ctx, why);
}

static void write_picture(struct reel *reel, const struct reel_track *track, const struct record_frame *frame,
                          int64_t since_us, unsigned degrees, uint64_t now_us) {
    if (reel->muxer && frame->key && begins_another(reel, track, frame, degrees, now_us))
        file_close(reel);
    if (!reel->muxer) {
        bool sound = reel->config.together && !reel->unusable[MEDIA_AUDIO] &&
                     (reel->held_count > 0 || reel->expected[MEDIA_AUDIO] > 0);
        if (!reel->held_count)
            reel->channels = 2;
        if (!frame->key || !file_open(reel, track, frame, sound, since_us, degrees, now_us))
            return;
        put_held(reel);
    }
    if (!reel->muxer || reel->stream[MEDIA_VIDEO] == NO_STREAM || track->codec != reel->picture)
        return;
    if (frame->key)
        note_size(reel, frame, now_us);
    put(reel, MEDIA_VIDEO, frame, since_us);
}

// Without a picture, which did not come.
static void open_for_held(struct reel *reel, uint64_t now_us) {
    const struct reel_track sound = {.id = reel->id,
                                     .source = reel->source,
                                     .kind = MEDIA_AUDIO,
                                     .codec = CODEC_OPUS,
                                     .channels = reel->channels};
    const struct held *first = LIST_ENTRY(reel->held.next, struct held, link);
    char id[ID_BYTES], source[ID_BYTES];
    struct reel_track copy = sound;
    snprintf(id, sizeof id, "%s", reel->id);
    snprintf(source, sizeof source, "%s", reel->source);
    copy.id = id;
    copy.source = source;
    file_close(reel);
    if (file_open(reel, &copy, NULL, true, first->since_us, 0, now_us))
        put_held(reel);
}

static void write_sound(struct reel *reel, const struct reel_track *track, const struct record_frame *frame,
                        int64_t since_us, uint64_t now_us) {
    if (reel->muxer && reel->stream[MEDIA_AUDIO] != NO_STREAM) {
        put(reel, MEDIA_AUDIO, frame, since_us);
        return;
    }
    bool picture = reel->expected[MEDIA_VIDEO] > 0 && !reel->unusable[MEDIA_VIDEO];
    if (reel->muxer || (reel->config.together && picture)) {
        hold(reel, track, frame->bytes, since_us, now_us);
        if (reel->muxer && !reel->key_asked)
            reel->output.key_wanted(reel->output.ctx);
        reel->key_asked = true;
        reel_advance(reel, now_us);
    } else if (file_open(reel, track, NULL, true, since_us, 0, now_us)) {
        put(reel, MEDIA_AUDIO, frame, since_us);
    }
}

void reel_write(struct reel *reel, const struct reel_track *track, const struct record_frame *frame,
                int64_t since_us, unsigned degrees, uint64_t now_us) {
    if (reel->unusable[track->kind])
        return;
    if (track->kind == MEDIA_VIDEO)
        write_picture(reel, track, frame, since_us, degrees, now_us);
    else
        write_sound(reel, track, frame, since_us, now_us);
}

// ---- life

struct reel *reel_create(const struct reel_config *config, const struct reel_output *output) {
    struct reel *reel = calloc(1, sizeof *reel);
    if (!reel)
        return NULL;
    reel->config = *config;
    reel->output = *output;
    reel->stream[MEDIA_AUDIO] = reel->stream[MEDIA_VIDEO] = NO_STREAM;
    list_init(&reel->held);
    return reel;
}

void reel_destroy(struct reel *reel) {
    if (!reel)
        return;
    assert(!reel->muxer);
    forget_held(reel);
    free(reel);
}

void reel_expect(struct reel *reel, enum media_kind kind, bool expected) {
    assert(expected || reel->expected[kind] > 0);
    reel->expected[kind] += expected ? 1U : UINT32_MAX;
}

void reel_advance(struct reel *reel, uint64_t now_us) {
    if (reel->held_count > 0 && now_us >= reel->held_until_us)
        open_for_held(reel, now_us);
}

void reel_close(struct reel *reel, uint64_t now_us) {
    if (reel->held_count > 0)
        open_for_held(reel, now_us);
    file_close(reel);
}
