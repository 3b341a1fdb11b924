// A recording without a server: lines and packets go in, files are in a folder of their own, what is told is
// kept.
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "record/muxer.h"
#include "record/recording.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scene {
    struct recording *recording;
    char folder[64];
    char events[16384];
    unsigned plis;
    uint64_t now_us;
};

static inline void on_event(void *ctx, const char *line, size_t len) {
    struct scene *s = ctx;
    size_t before = strlen(s->events);
    snprintf(s->events + before, sizeof s->events - before, "%.*s\n", (int)len, line);
}

static inline void on_send(void *ctx, struct span rtcp) {
    struct scene *s = ctx;
    s->plis += rtcp.len == 12 && rtcp.ptr[1] == 206;
}

static inline struct scene *open_layout(bool together) {
    struct scene *s = calloc(1, sizeof *s);
    char error[256] = "";
    snprintf(s->folder, sizeof s->folder, "/tmp/rotunda-recording-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->now_us = 1000000000;
    muxer_start();
    struct recording_config config = {
        .folder = s->folder, .room = "r", .files_max = 50, .together = together};
    struct recording_output output = {.ctx = s, .event = on_event, .send = on_send};
    s->recording = recording_open(&config, &output, s->now_us, error);
    if (!s->recording) { // memory was short
        rmdir(s->folder);
        free(s);
        fail_msg("%s", error);
    }
    return s;
}

static inline struct scene *open_scene(void) {
    return open_layout(false);
}

static inline void close_scene(struct scene *s) {
    char path[400];
    recording_close(s->recording);
    DIR *folder = opendir(s->folder);
    for (const struct dirent *file; folder && (file = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", s->folder, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
    }
    if (folder)
        closedir(folder);
    rmdir(s->folder);
    free(s);
}

static inline void say(struct scene *s, const char *line) {
    recording_line(s->recording, line, strlen(line), s->now_us);
}

#define VOICE                                                                                                \
    "{\"do\":\"track\",\"id\":\"v\",\"ssrc\":5,\"participant\":\"p\",\"name\":\"Ann/"                        \
    "..\",\"mimeType\":\"audio/opus\","                                                                      \
    "\"payloadType\":100,\"clockRate\":48000}"
#define CAMERA                                                                                               \
    "{\"do\":\"track\",\"id\":\"c\",\"ssrc\":6,\"participant\":\"p\",\"name\":\"Ann/"                        \
    "..\",\"mimeType\":\"video/VP8\","                                                                       \
    "\"payloadType\":101,\"clockRate\":90000,\"orientationId\":8}"

static inline bool packet(struct scene *s, uint32_t ssrc, unsigned seq, uint32_t timestamp,
                          const void *payload, size_t len) {
    uint8_t bytes[128] = {0x80, (uint8_t)((ssrc == 5 ? 100 : 101) | 0x80)};
    store_be16(bytes + 2, (uint16_t)seq);
    store_be32(bytes + 4, timestamp);
    store_be32(bytes + 8, ssrc);
    memcpy(bytes + 12, payload, len);
    return recording_datagram(s->recording, span_of(bytes, 12 + len), s->now_us);
}

static inline void report(struct scene *s, uint32_t ssrc, uint32_t timestamp) {
    uint8_t bytes[28] = {0x80, 200, 0, 6};
    store_be32(bytes + 4, ssrc);
    store_be64(bytes + 8, (s->now_us / 1000000) << 32);
    store_be32(bytes + 16, timestamp);
    recording_datagram(s->recording, span_of(bytes, sizeof bytes), s->now_us);
}

// Seconds of voice and camera from the `first` on, whose pictures are so wide.
static inline void talk(struct scene *s, unsigned first, unsigned seconds, unsigned width) {
    static const uint8_t opus[] = {0x7c, 1, 2, 3};
    uint8_t key[] = {0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, (uint8_t)width, (uint8_t)(width >> 8), 0xf0, 0, 9, 9};
    static const uint8_t delta[] = {0x10, 0x11, 0, 7};
    for (unsigned i = first * 50; i < (first + seconds) * 50; i++) {
        packet(s, 5, i, i * 960, opus, sizeof opus);
        packet(s, 6, i, i * 1800, i % 50 == 0 ? key : delta, i % 50 == 0 ? sizeof key : sizeof delta);
        if (i % 100 == 0) {
            report(s, 5, i * 960);
            report(s, 6, i * 1800);
        }
        s->now_us += 20000;
        recording_advance(s->recording, s->now_us);
    }
}

static inline unsigned count_of(const struct scene *s, const char *word) {
    unsigned n = 0;
    for (const char *at = s->events; (at = strstr(at, word)); at++)
        n++;
    return n;
}

#endif
