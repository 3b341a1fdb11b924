// nack_tracker: which packets of a received stream are missing and when to ask for them (RFC 4585). Pure;
// now_us is given.
//
// First a number may have been overtaken: it is asked for after as long as others of the stream came late of
// late (NACK_REORDER_MIN_US to _MAX_US). Then it is asked for again each time that the answer should have
// come (`retry_us`, by the round trip); from the seventh wait on, each is twice the one before. It is
// given up, and a key frame asked for instead, after NACK_TRIES times, or when what helps comes too late
// (`helps_us`); without a word, when all that follows from a later key frame on is there.
//
// A lost end of a frame shows when the next frame comes, which may be too late. So when its user says that
// the newest packet does not end its frame, or that packets are missing which no stream has shown yet
// (nack_tracker_expect), the numbers behind that one are missing as well: guesses, as long as nothing newer
// has come. One that is wrong, since the packet was only about to be sent, or never comes, teaches nothing
// about the path; after NACK_GUESSES_WRONG more of them than right ones there are no more. Unless it is known
// that something is missing, only who has lost something within NACK_LOSSY_US is guessed about.
//
// Bounds: NACK_PENDING_MAX numbers are remembered; a larger gap, or one of more than NACK_CUT_GAP numbers
// that took NACK_CUT_US (the sender was cut off, and what it sent meanwhile is of no use to anybody), is not
// asked for: a key frame is wanted. At most NACK_PER_SECOND numbers are asked for in a second, NACK_BURST at
// once; and of all that comes one for each NACK_SHARE packets, of which a repeat that came gives back all but
// one: so a link which loses because it is full is not filled with repeats that are lost as well, while a
// third that is lost at random is repaired. NACK_SAVED_MAX may be saved up. What waits for NACK_WAIT_MAX_US
// for its turn is given up.
//
// It believes what it is told: whether a number that a repeat claims can be one of the stream's is its user's
// to judge (rooms/media/forwarder_rtp.c).
#ifndef RTP_NACK_TRACKER_H
#define RTP_NACK_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#define NACK_PENDING_MAX 512
#define NACK_TRIES 10
#define NACK_TRIES_QUICK 6
#define NACK_TRIES_LEAST 3    // however long they take
#define NACK_REORDER_US 10000 // to begin with
#define NACK_REORDER_MIN_US 3000
#define NACK_REORDER_MAX_US 100000
#define NACK_RETRY_MIN_US 20000
#define NACK_AGE_MAX 10000 // packets behind the newest
#define NACK_CUT_US 500000
#define NACK_CUT_GAP 32
#define NACK_PER_SECOND 1000
#define NACK_BURST 512
#define NACK_SHARE 3        // one number for so many packets that came by themselves
#define NACK_SAVED_MAX 192  // numbers; a stream begins with so many
#define NACK_AGAIN_US 10000 // between two looks at what could not be asked for
#define NACK_WAIT_MAX_US 500000
#define NACK_HELPS_VIDEO_US 1000000 // then a key frame is there sooner
#define NACK_HELPS_SOUND_US 400000  // and for sound
#define NACK_TAIL_US 20000          // without a packet in the middle of a frame: something is lost
#define NACK_LOSSY_US 20000000
#define NACK_GUESSES_WRONG 8
#define NACK_GUESSES_MAX 32 // numbers

struct nack_tracker;
// NULL: no memory; its lists are allocated here, not later. helps_us: how long after it was found missing a
// packet is still of use.
struct nack_tracker *nack_tracker_create(uint32_t helps_us);
void nack_tracker_destroy(struct nack_tracker *tracker);

enum nack_arrival { NACK_NEW, NACK_REPAIRED, NACK_DUPLICATE_OR_OLD };
#define NACK_OF_KEY_FRAME 1u // the first packet of a key frame
#define NACK_IS_REPEAT 2u // if it was asked for, this is the answer: it came as RTX, or the stream has none
// A packet has arrived; `flags` are of those above. Numbers before a key frame's first packet are given up
// when the list is full. *key_frame_wanted is set when what is missing is beyond repair.
enum nack_arrival nack_tracker_add(struct nack_tracker *tracker, uint16_t seq, unsigned flags,
                                   uint64_t now_us, bool *key_frame_wanted);
// After NACK_REPAIRED of a repeat: how long after it was asked for first it came, and how often that was.
struct nack_answer {
    uint32_t us;
    uint8_t tries;
};
struct nack_answer nack_tracker_answer(const struct nack_tracker *tracker);
// See above: so many behind the newest packet; `known`: what was sent is missing. False: nothing is that was
// not before, for all that is known.
bool nack_tracker_expect(struct nack_tracker *tracker, unsigned count, bool known, uint64_t now_us);
bool nack_tracker_is_lossy(const struct nack_tracker *tracker, uint64_t now_us); // it would be guessed about
// The numbers to ask for now, ascending in serial order, at most max; each counts as asked.
unsigned nack_tracker_due(struct nack_tracker *tracker, uint64_t now_us, uint32_t retry_us, uint16_t *seqs,
                          unsigned max, bool *key_frame_wanted);
uint64_t nack_tracker_next_us(const struct nack_tracker *tracker, uint32_t retry_us); // TIME_NEVER for none
uint32_t nack_tracker_reorder_us(const struct nack_tracker *tracker); // the wait before a number is asked for
unsigned nack_tracker_pending(const struct nack_tracker *tracker);
// Of them, those that were asked for by then: repeats of them may have been sent and lost.
unsigned nack_tracker_asked(const struct nack_tracker *tracker, uint64_t by_us);
bool nack_tracker_started(const struct nack_tracker *tracker); // a packet has come since the last reset
void nack_tracker_reset(struct nack_tracker *tracker);         // what was learnt of the path stays

#endif
