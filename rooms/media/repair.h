// repair: which packets a receiver is given again. Worker side.
//
// However it asks: repeats are at most a fifth of what it gets first, in packets and in bytes, but for those
// that carry nothing, and copies of slow pictures' another fifth; a packet is repeated at most
// REPAIR_TIMES_MAX times, and once a round trip; nothing is repeated while the receiver keeps telling of
// losses above a fifth, which repeats would only add to; and they leave REPAIR_BURST at once and then one
// each millisecond. What waits for its turn is remembered, up to REPAIR_WAITING_MAX packets. Who asks for
// thousands of packets a second is not even listened to any more.
//
// Repeats are lost as well, and who misses one asks again a round trip later at the earliest, browsers
// that only receive not before a tenth of a second is over: too late for a frame. So where so much is
// asked for as REPAIR_LOSSY tells, a repeat goes out once more REPAIR_COPY_US later, which is longer than
// most bursts of losses; and from REPAIR_LOSSIER on a third time, as much later again, where pictures are
// far apart (REPAIR_SLOW_PAUSES). And a lost end of a frame is missed only when the next packet is there:
// where none comes for REPAIR_END_US, as at 30 frames a second there is none so long, an empty one goes
// out, and again every REPAIR_END_AGAIN_US, REPAIR_ENDS_MAX times at most. But for slow pictures on a link
// with room (congestion_has_room), copies are of the same fifth, of which they leave REPAIR_KEPT; nothing
// of this goes out while packets wait for it.
#ifndef ROOMS_REPAIR_H
#define ROOMS_REPAIR_H

#include "base/seq.h"
#include "base/wheel.h"
#include "rtp/token_bucket.h"

#define REPAIR_SHARE 5           // one repeat for so many first packets
#define REPAIR_FIRST 4           // packets, before any have been earned
#define REPAIR_SAVED_MAX 100     // packets that may be saved up for worse times
#define REPAIR_PACKET_BYTES 1200 // what a saved packet stands for
#define REPAIR_TIMES_MAX 4
#define REPAIR_SLOTS 128      // power of two
#define REPAIR_FORGET_MS 5000 // a number that is asked for after so long is another packet's
#define REPAIR_WAITING_MAX 64 // power of two
#define REPAIR_BURST 10       // packets at once
#define REPAIR_PACKETS_PER_SECOND 1000
#define REPAIR_ASKS_PER_SECOND 5000 // numbers that are looked at, of all that a receiver asks for
#define REPAIR_ASKS_BURST 1000
#define REPAIR_RTT_MIN_US 10000       // a round trip that is told shorter counts as this
#define REPAIR_RTT_MAX_US 500000      // and a longer one as this
#define REPAIR_LOSS_MAX 51            // of 256: a fifth
#define REPAIR_LOSS_STAYS_US 900000   // reports come about once a second: the second in a row
#define REPAIR_REPORT_OLD_US 10000000 // and one as old as this says nothing any more

#define REPAIR_BLANKS_MAX 32 // remembered

#define REPAIR_COPIES_MAX 64 // that are due; power of two
#define REPAIR_COPY_US 12000
#define REPAIR_KEPT 16         // packets
#define REPAIR_LOSSY 328       // of 65536: half a percent
#define REPAIR_LOSSIER 655     // 1 %
#define REPAIR_SLOW_US 2000000 // from one pause that takes all empty ones to the next, at most
#define REPAIR_SLOW_PAUSES 4   // in a row
#define REPAIR_LOSS_RISES 2    // by this part of what a look shows more, so that the next loss finds it known
#define REPAIR_LOSS_FALLS 4    // and by this of what it shows less
#define REPAIR_LOSS_PACKETS 50 // that one look is about, at least
#define REPAIR_END_US 35000
#define REPAIR_END_AGAIN_US 25000
#define REPAIR_ENDS_MAX 3
#define REPAIR_IDLE_US 1000000

struct consumer;

struct repair_mark {
    uint32_t at_ms; // when it was last sent again; 0: never
    uint16_t seq;
    uint8_t times;
};

struct repair {
    struct consumer *consumer;
    struct wheel_node timer; // for those that wait
    struct token_bucket pace, asks;
    struct repair_account { // saved up, in shares (REPAIR_SHARE are one packet, or byte)
        int64_t packets, bytes;
    } saved, saved_copies;                // for what is asked for, and for copies
    uint64_t packets_seen, bytes_seen;    // first packets that are in it
    uint64_t lossy_us, reported_us;       // since when each report tells of too much loss, 0: it does not
    uint16_t waiting[REPAIR_WAITING_MAX]; // ring
    uint8_t first, count;
    struct repair_copy {
        uint64_t due_us;
        uint16_t seq;
        uint8_t more;            // that are to follow it
    } copies[REPAIR_COPIES_MAX]; // ring, by when they are due
    uint8_t copy_first, copy_count;
    uint16_t loss;      // of its packets on their way, by what it asks for, smoothed; of 65536
    uint32_t asked;     // packets, first repeats of which have gone out since the last look
    uint64_t looked_at; // stats.packets as they were then
    uint64_t ended_us;  // stats.last_packet_us of the packet behind which
    uint8_t ends;       // so many empty ones have gone out
    uint64_t paused_us; // when it last was all of them; 0: never
    uint8_t pauses;     // of that kind, one soon after the other
    uint64_t look_us;   // when the next such look is due; 0: none is
    struct repair_mark marks[REPAIR_SLOTS]; // [seq & mask]
    struct seq_notes blank_notes;           // of these:
    uint16_t blanks[REPAIR_BLANKS_MAX];     // numbers under which something empty went out
};

// NULL: no memory.
struct repair *repair_create(struct consumer *c);
void repair_destroy(struct repair *repair); // NULL is fine
// The receiver asks for a packet: consumer_nack now, or in its turn.
void repair_ask(struct consumer *c, uint16_t seq, uint64_t now_us);
// What it asked for has gone out again.
void repair_note_repeated(struct consumer *c, uint16_t seq, uint64_t now_us);
// Something empty went out under this number in place of a packet; `repair` NULL: nobody asks.
void repair_note_blank(struct repair *repair, uint16_t seq);
bool repair_was_blank(const struct repair *repair, uint16_t seq);
// Of its packets on their way, by what it asks for, smoothed over some seconds; of 65536.
uint16_t repair_loss(const struct consumer *c);
// It has told how much was lost (stats.fraction_lost).
void repair_note_report(struct consumer *c, uint64_t now_us);

#endif
