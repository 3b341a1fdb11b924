// conference: synthetic participants against the real hub and the real media workers in one process: JSON
// goes straight into the hub, media goes over real UDP sockets on loopback. For the thread tests and the
// benchmark.
//
// One thread (the control thread); the media workers run on theirs.
#ifndef TESTS_KIT_CONFERENCE_H
#define TESTS_KIT_CONFERENCE_H

#include "server/hub/hub.h"
#include "server/media/media.h"

struct conference_config {
    unsigned workers;
    unsigned participants;
    unsigned audio_publishers, video_publishers; // the first so many participants publish
    unsigned participants_per_worker;            // 0: the default
    uint32_t batch_us;                           // of the workers
    bool shedding;       // video is left out when a worker is full, which it soon is under sanitizers
    const char *address; // of the server, "127.0.0.1" when NULL
    bool unlimited;      // publishers and transports may do what they like, as benchmarks do
};

struct conference;
struct conference *
conference_open(const struct conference_config *config); // NULL: says why on standard error
void conference_close(struct conference *conference);

// One turn: what has arrived is read, replies of the hub are answered. Waits at most wait_ms for something to
// do.
void conference_turn(struct conference *conference, int wait_ms);
// Every transport is connected and everybody consumes everybody else.
bool conference_ready(const struct conference *conference);

// Each publisher of the kind sends one packet of payload_bytes; for video the first packet of a (key) frame
// has frame_start set, the last one marker.
void conference_send_audio(struct conference *conference, unsigned payload_bytes);
void conference_send_video(struct conference *conference, unsigned payload_bytes, bool frame_start,
                           bool key_frame, bool marker);
// Only each `every`-th participant still decrypts what it gets and counts for the delay; the others throw it
// away, so that the generator is not what a benchmark measures; `far`: nothing reaches the others, as if they
// were on other machines.
void conference_listen(struct conference *conference, unsigned every, bool far);
// Beside that: everybody tells what arrives, as browsers do (transport-wide feedback). Not for who is far.
void conference_acknowledge(struct conference *conference);
// Instead of conference_listen: each `every`-th participant counts what reaches it by its RTP header, and
// nothing reaches the others, as if they were on other machines. For loads that nobody on this machine could
// read.
void conference_count(struct conference *conference, unsigned every);
struct conference_tally {
    uint64_t got, missing; // packets, and numbers between them that did not come
};
// What has come of a kind since the last reset, to all who count.
struct conference_tally conference_tally(const struct conference *conference, bool video);
void conference_tally_reset(struct conference *conference);
unsigned conference_counting(const struct conference *conference,
                             unsigned first); // of the first so many participants
// Datagrams that those who count were too slow to read.
uint32_t conference_overflowed(const struct conference *conference);
// Every participant says something on both its transports, as browsers do with their reports, and from now on
// each second that it has had everything that was sent to it.
void conference_send_reports(struct conference *conference);
// The same for one publisher.
void conference_send_audio_of(struct conference *conference, unsigned publisher, unsigned payload_bytes);
void conference_send_video_of(struct conference *conference, unsigned publisher, unsigned payload_bytes,
                              bool frame_start, bool key_frame, bool marker);

uint64_t conference_received(const struct conference *conference,
                             unsigned participant); // RTP packets of known streams
// Of all received: the time from a publisher's send call to the receiver's socket, by the kernel's clock. The
// quantile is 0..1; forgets what it was made of.
uint32_t conference_delay_us(const struct conference *conference, double quantile);
void conference_delay_reset(struct conference *conference);
uint64_t conference_unexpected(
    const struct conference *conference); // RTP packets of unknown streams or wrong payload types
unsigned conference_errors(const struct conference *conference); // `error` answers of the hub
bool conference_move(struct conference *conference,
                     unsigned participant); // new addresses for both its transports
struct media *conference_media(struct conference *conference);

#endif
