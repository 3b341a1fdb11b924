// reel: files one after the other, in which what one track brings is, or the sound and the picture of one
// participant together. It knows when one file ends and the next begins: another rotation, another codec, a
// track more. A picture's file begins with a key frame. Times are since the recording began.
//
// Sound and picture in one file (`together`): Matroska names its tracks at the beginning. So sound that comes
// first waits REEL_HOLD_US for a picture that is announced; a picture that comes later begins another file at
// its first key frame; sound that comes later is held as long while a key frame is asked for, with which
// another file begins. A track that ends leaves its place to the next of its kind and codec. One thread.
#ifndef RECORD_REEL_H
#define RECORD_REEL_H

#include "record/depacketize.h"
#include "record/muxer.h"

#define REEL_HOLD_US UINT64_C(4000000)
#define REEL_WHY_MAX 128
#define REEL_HELD_MAX 512                // frames of sound; more is not held
#define REEL_CHANGE_US UINT64_C(2000000) // a picture's turn or size is followed so often at most

struct json_t;

struct reel_output {
    void *ctx;
    void (*tell)(void *ctx, struct json_t *event); // takes it over; NULL: there was no memory for it
    void (*fail)(void *ctx, const char *why);      // the disk, or memory: nothing can be written any more
    bool (*may_open)(void *ctx, char why[REEL_WHY_MAX]); // one file more
    void (*opened)(void *ctx, const char *file);         // one more, without its folder
    void (*key_wanted)(void *ctx);
};

struct reel_config {
    const char *folder;
    unsigned number; // of the reel; its files begin with it
    bool together, screen;
    const char *participant, *name; // whose it is; outlive it
};

// A track's frames go to a reel; what is told of files names it.
struct reel_track {
    const char *id, *source; // good for the call alone
    enum media_kind kind;
    enum media_codec codec;
    unsigned channels;
};

struct reel;

struct reel *reel_create(const struct reel_config *config,
                         const struct reel_output *output); // NULL: no memory
void reel_destroy(struct reel *reel);                       // after reel_close; NULL is fine

// A track of that kind begins, or is heard again, and ends, or is silent: as many of the one as of the other.
void reel_expect(struct reel *reel, enum media_kind kind, bool expected);
// since_us: of the recording; what is before 0, or before the frame before, is put behind that.
void reel_write(struct reel *reel, const struct reel_track *track, const struct record_frame *frame,
                int64_t since_us, unsigned degrees, uint64_t now_us);
void reel_advance(struct reel *reel, uint64_t now_us); // now and then
void reel_close(struct reel *reel,
                uint64_t now_us); // the file is finished; what comes then begins another one

#endif
