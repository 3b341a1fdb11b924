// overload: how much of its media a worker has to leave out so that the rest goes through. Pure.
//
// It is told of each turn of the worker's loop. What lies between the end of one turn and the beginning of
// the next is spare time; a window of about 100 ms of which less than a twentieth was spare, although packets
// came (less than a half when some were lost), is full. From the second full window in a row on the level
// rises with each, by more each time, and faster when packets are lost already. It falls by one (by more,
// while more than half of the time is spare) each half second while a fifth of the time is spare. A level
// that has just fallen is a try: when it ends full, the level goes back to where it was, and below a level at
// which it was full it falls again only after a wait that doubles with each try that ended so, or when there
// is clearly more spare time than before that try. So what the key frames of those who come back make full is
// not tried again and again.
//
// When others have the processor for half of the time or more, turns take longer than what they do: windows
// are full then although there may be little to do. What gathers in such a window is worked off within
// another one, so that each of them lets two more pass before anything is left out, up to
// OVERLOAD_STARVED_WINDOWS in a row, unless packets are lost.
//
// One long turn is no load: a turn counts as twice as long as the one before it at most, or as
// OVERLOAD_TURN_US. One a worker; its thread.
#ifndef ROOMS_OVERLOAD_H
#define ROOMS_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#define OVERLOAD_LEVEL_VIDEO 32 // all video is left out; beyond that, sound
#define OVERLOAD_LEVEL_MAX 47
#define OVERLOAD_WINDOW_US 100000
#define OVERLOAD_QUICK_WINDOW_US 50000 // while the level rises, or has just fallen
#define OVERLOAD_TURN_US 40000         // a longer turn is believed when the one before was about as long
#define OVERLOAD_STARVED_WINDOWS 20    // about a second
#define OVERLOAD_STEP_DOWN_US 500000
#define OVERLOAD_TRY_US 2000000  // a level that fell is all right when it has not been full for so long
#define OVERLOAD_DRAIN_US 600000 // what gathered while a try failed is worked off, and no sign of too much
#define OVERLOAD_GREET_US 100000 // nor are the key frames of those who come back
#define OVERLOAD_WAIT_MIN_US 1000000
#define OVERLOAD_WAIT_MAX_US 30000000 // before a level is tried at which it was full

struct overload {
    unsigned level; // 0: nothing is shed

    uint64_t window_us, busy_us; // of the present window: its begin, and what turns took of it
    uint64_t patient_us;         // of that
    uint64_t ended_us, cpu_us; // the end of the last window, and how long the thread had had a processor then
    uint64_t turn_us;          // the last turn that had packets
    bool packets, lost;

    unsigned full_windows;    // in a row,
    unsigned starved_windows; // and those of them in which others had the processor
    uint64_t roomy_us;        // since when there is spare time; 0: there is not
    uint64_t changed_us;      // when the level was last changed
    unsigned spare;           // of the last window, in thousandths

    unsigned full_below;      // it was full at the levels below this one
    bool trying;              // the level has just fallen
    unsigned fell_from;       // then
    unsigned spare_at_try;    // before it last fell to one at which it was full
    uint64_t wait_us, try_us; // the present wait, and when it is over
    uint64_t drained_us;      // until then a full window says nothing
};

void overload_init(struct overload *o, uint64_t now_us);
struct overload_turn {
    uint64_t began_us, ended_us; // never go back
    uint64_t patient_us; // what it spent on work that may wait: time to spare, unless packets are lost
    uint64_t cpu_us;     // for which its thread has had a processor so far, at its end; 0: not looked at
    bool packets;        // it handled some
    bool lost;           // and learnt of some that were lost because it had not come in time
};
// Whether a turn that ends now may end a window, so that cpu_us is of use.
bool overload_may_judge(const struct overload *o, uint64_t ended_us);
// True when the level has changed.
bool overload_turn(struct overload *o, const struct overload_turn *turn);

#endif
