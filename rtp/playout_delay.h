// playout_delay: how long a receiver is asked to wait before it shows a picture, so that what was lost of it
// can still come (webrtc.org/experiments/rtp-hdrext/playout-delay). Pure; a plain struct, all zero to begin
// with.
//
// A receiver shows what it can: where nothing refers to a frame (the top temporal layer), it goes on with the
// next one as soon as that is due, and a repeat that comes later is for nothing. Between two browsers
// libwebrtc waits a round trip longer once packets are asked for again and again; but behind a server it only
// receives, and knows no round trip. So who knows it says how long.
//
// More soon, by PLAYOUT_RISE a look, since each frame meanwhile may be one that is left out, but no faster
// than libwebrtc moves the sound along; less only after PLAYOUT_CALM looks, and slowly, since each change
// shows. What was said holds until something else is: so at the end PLAYOUT_NONE is said as often, and then
// nothing. One look a second.
#ifndef RTP_PLAYOUT_DELAY_H
#define RTP_PLAYOUT_DELAY_H

#include <stdint.h>

#define PLAYOUT_UNIT_US 10000
#define PLAYOUT_MOST 20      // units: so much and no more
#define PLAYOUT_NONE 1       // less than anybody waits; 0 would ask for pictures without any smoothing
#define PLAYOUT_RISE 8       // units
#define PLAYOUT_CALM 5       // looks
#define PLAYOUT_LONGEST 1000 // units, by which a receiver may exceed it: libwebrtc's own 10 s

struct playout_delay {
    uint8_t units; // 0: nothing is said
    uint8_t calm;  // looks since more was wanted; with PLAYOUT_NONE, for which that has been said
};

// wanted_us 0: no longer than by itself. Returns the value of the extension, 24 bits; 0: nothing is to be
// said.
uint32_t playout_delay_look(struct playout_delay *delay, uint32_t wanted_us);

#endif
