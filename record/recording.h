// recording: the tracks of one room or participant to files, and what happened to a list beside them.
// Datagrams and lines of JSON go in, with the time; files, lines of JSON and RTCP come out. No socket. One
// thread.
//
// Read (record/control.h, one object a line):
//   {"do": "track", "id": "...", "ssrc": 1, "kind": "video", "mimeType": "video/VP8", "payloadType": 96,
//    "clockRate": 90000, "channels": 2, "orientationId": 8, "participant": "...", "name": "...", "source":
//    "..."}
//   {"do": "pause", "id": "..."}, {"do": "resume", "id": "..."}, {"do": "end", "id": "..."}, {"do": "stop"}
// Written, to standard output and to events.jsonl: {"event": "...", "at": SECONDS, ...}; see
// docs/recording.md.
#ifndef RECORD_RECORDING_H
#define RECORD_RECORDING_H

#include "base/span.h"

#define RECORDING_TRACKS_MAX 1024
#define RECORDING_FILES_MAX 10000 // what config.files_max is but in tests
#define RECORDING_LINE_MAX 16384  // bytes of a line that is read

struct recording_config {
    const char *folder; // that exists; files go there
    const char *room;
    unsigned files_max; // that one has in all; one publisher's are at most a tenth of them
    bool together;      // a participant's sound and picture are in one file (record/reel.h)
};

struct recording_output {
    void *ctx;
    void (*event)(void *ctx, const char *line, size_t len); // one line, without its end
    void (*send)(void *ctx, struct span rtcp);              // to where the packets came from
};

struct recording;

// NULL: `error` (256 bytes).
struct recording *recording_open(const struct recording_config *config, const struct recording_output *output,
                                 uint64_t now_us, char *error);
void recording_line(struct recording *r, const char *line, size_t len, uint64_t now_us); // any bytes
// Any bytes. False: of no track of ours.
bool recording_datagram(struct recording *r, struct span datagram, uint64_t now_us);
void recording_advance(struct recording *r, uint64_t now_us); // each 50 ms or so
// Everything is written and closed; it stays so.
void recording_stop(struct recording *r, const char *reason, uint64_t now_us);
bool recording_is_over(const struct recording *r);
bool recording_failed(const struct recording *r); // over, because it could not be written
void recording_close(struct recording *r);        // stops it first; NULL is fine

#endif
