// key_wish: how often what a receiver does costs its publisher, and everybody who watches that, a key frame.
// Worker side.
//
// Wishes (PLI, FIR, request-key-frame) are served at once while they are rare. Each that follows soon has to
// wait twice as long as the one before, up to KEY_WISH_MOST_US, from a higher step on while the receiver
// tells of losses above a fifth: a link that is too narrow is not helped by key frames. One step is forgotten
// for each KEY_WISH_FORGET_US without a wish. A wish that has to wait is kept, and is served when its time
// has come if no key frame has come meanwhile. Who has no picture any more, since the stream that it shows
// has stopped while others have not, waits no longer than KEY_WISH_LEAST_US.
//
// Beginnings (a join, a resume, a switch to another layer) are no wishes: KEY_BEGIN_BURST of them at once and
// then one each eight seconds are served; what is beyond is a wish. A consumer that is closed and opened
// again goes on where it was, as far as an endpoint's memory goes: over all its consumers KEY_COMING_BURST
// beginnings, enough for the largest room, and then one a second are served at once, the others wait a
// second.
#ifndef ROOMS_KEY_WISH_H
#define ROOMS_KEY_WISH_H

#include "rooms/media_msg.h"
#include "rtp/token_bucket.h"

#define KEY_WISH_LEAST_US 1000000
#define KEY_WISH_STEPS 7 // distances of 1, 2, 4 .. 64 s
#define KEY_WISH_MOST_US (KEY_WISH_LEAST_US << (KEY_WISH_STEPS - 1))
#define KEY_WISH_STARVING_STEPS 2
#define KEY_WISH_FORGET_US 8000000
#define KEY_BEGIN_BURST 10
#define KEY_WISHES_LEFT 8 // of closed consumers, an endpoint
#define KEY_COMING_BURST 512

struct consumer;
struct endpoint;
struct producer;

struct key_wish {                 // all zero to begin with
    uint64_t heard_us, served_us; // the last one; 0: none yet
    uint8_t step;                 // how many have been served lately
    bool waiting;
    struct token_bucket begins; // in eighths
};

struct key_wish_left {
    struct producer_id producer; // 0: none
    struct key_wish wish;
};

// The consumer is there; it is about to go.
void key_wish_open(struct consumer *c);
void key_wish_close(struct consumer *c);
// The receiver wants a key frame of what it shows.
void consumer_wish_key_frame(struct consumer *c, uint64_t now_us);
// It begins with this stream, or goes over to it.
void consumer_begin_key_frame(struct consumer *c, unsigned stream, uint64_t now_us);
// Those that have waited long enough. About once a second.
void producer_serve_wishes(struct producer *p, uint64_t now_us);

#endif
