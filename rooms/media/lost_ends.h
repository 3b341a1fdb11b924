// lost_ends: what a publisher has sent last before a pause, and what was lost of it, which its stream does
// not show before the pause is over. Where another stream of its transport goes on, as sound does, the
// transport-wide numbers show it (rtp/number_gap.h). What no stream shows to miss is asked for from the one
// stream of video that has been silent since: once that long a time has passed in which it may have been
// overtaken, and so long as it is clear whose it is. It may have been a repeat or padding; then what is asked
// for was never sent, nobody answers, and it is not asked for again when that happens often
// (rtp/nack_tracker.h). Worker side.
#ifndef ROOMS_LOST_ENDS_H
#define ROOMS_LOST_ENDS_H

#include "rooms/media/media_objects.h"

#define LOST_ENDS_LOOK_US 5000     // between two looks
#define LOST_ENDS_AWAIT_US 60000   // for streams that go on to show what they miss
#define LOST_ENDS_IDLE_US 10000000 // who has been silent so long has sent nothing

void lost_ends_init(struct endpoint *ep);
void lost_ends_close(struct endpoint *ep);
// Something is missing: looks in a while.
void lost_ends_watch(struct endpoint *ep, uint64_t now_us);

#endif
