// muxer: the frames of one track, or of a sound and a picture, to one file: WebM, or Matroska where a codec
// is none of WebM's. The one place that knows libavformat.
//
// The file is made with the first frame. What is more than MUXER_CLUSTER_US old is in it whole, so a reader
// finds that much after a kill; of two tracks, which lie in the file in the order of their times, what is
// more than MUXER_INTERLEAVE_US older than that. One thread.
#ifndef RECORD_MUXER_H
#define RECORD_MUXER_H

#include "record/depacketize.h"

#define MUXER_CLUSTER_US 1000000
#define MUXER_INTERLEAVE_US 1000000 // as long a track waits for the other one
#define MUXER_STREAMS_MAX 2
#define MUXER_ERROR_MAX 256

// Why it was refused. of_track: by what this track brings, or for want of a file for it, so that others can
// go on; false: the disk, or memory, which is all tracks'.
struct muxer_fault {
    bool of_track;
    char text[MUXER_ERROR_MAX];
};

struct muxer_stream {
    enum media_codec codec;
    uint16_t width, height; // of video; 0: not known
    unsigned channels;      // of sound
    struct span setup;      // struct record_frame
};

struct muxer_params {
    const char *path; // without its suffix
    struct muxer_stream streams[MUXER_STREAMS_MAX];
    unsigned stream_count; // 1..
    unsigned degrees;      // that a player is to turn the picture by, clockwise
    const char *title;
};

struct muxer;

// NULL: `fault` says why, and no file is left of it.
struct muxer *muxer_open(const struct muxer_params *params, struct muxer_fault *fault);
// time_us: since the recording began, never below 0, each later than the one before of that stream. False:
// `fault`.
bool muxer_write(struct muxer *muxer, unsigned stream, const struct record_frame *frame, int64_t time_us,
                 struct muxer_fault *fault);
const char *muxer_path(const struct muxer *muxer); // with its suffix
// Finishes the file, so that readers can seek in it; frees it also when that fails.
bool muxer_close(struct muxer *muxer, struct muxer_fault *fault);
void muxer_start(void); // once a process: libavformat then writes no log of its own
const char *muxer_version(void);

#endif
