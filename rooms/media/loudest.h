// loudest: of many open microphones each receiver gets those of the loudest voices (`loudest-n`). Worker
// side.
//
// The audio producers of a room, as far as a worker has them, are a voice group: an order in which who speaks
// stands before who does not, who is clearly louder before the others, and among the silent those who spoke
// last. It changes only when somebody begins to speak, with a packet and not with a timer, and nobody leaves
// their place for being silent alone: it is left when somebody else needs it. A receiver that has chosen a
// number gets so many of its audio consumers, those whose producers stand first; all others are not active
// and cost nothing for a packet. Each worker orders what its own receivers consume, so nothing has to be
// agreed upon with other workers.
//
// No syllable is cut: a voice gets its place with its second packet of speech, or when somebody else's pause
// has lasted for SPEECH_HANGOVER_US, and whoever gets it from then on gets what it has said until then, too.
//
// Functions here are called by the objects of media_objects.h and may open and close gates of consumers
// (consumer_update_active).
#ifndef ROOMS_LOUDEST_H
#define ROOMS_LOUDEST_H

#include "rooms/media_msg.h"
#include "rtp/speech.h"

struct block;
struct consumer;
struct endpoint;
struct forwarder;
struct producer;
struct producer_stream;
struct voice_group;

#define VOICE_PREROLL 10                   // packets
#define VOICE_PREROLL_US (220 * US_PER_MS) // older ones are not sent any more
#define VOICE_BEFORE_US SPEECH_FRAME_US    // of what came before speech: how it begins is quiet

// Embedded in a producer.
struct voice {
    struct voice_group *group; // NULL: not in one, so always heard
    unsigned rank;             // in the group's order, 0 first
    struct speech speech;
    struct block *before[VOICE_PREROLL]; // its last packets, a ring; kept while somebody chooses
    unsigned before_next;
};

// What a receiver has chosen, and gets; NULL in the endpoint: everybody.
struct loudest_choice {
    unsigned n;     // 1..LOUDEST_N_MAX
    unsigned count; // chosen, of
    struct consumer *chosen[LOUDEST_N_MAX];
};

// group 0: none. ERR_LIMIT, ERR_NO_MEMORY.
MUST_USE enum err loudest_producer_open(struct producer *p, uint32_t group);
void loudest_producer_close(struct producer *p); // its consumers are closed already
// A packet of it has come, and goes to the consumers next. level_dbov: or SPEECH_LEVEL_UNKNOWN.
void loudest_hear(struct producer *p, int8_t level_dbov, uint64_t now_us);
void loudest_keep(struct producer *p, struct block *prepared); // that packet, when it is ready to be shared

// n LOUDEST_ALL: everybody. ERR_NO_MEMORY.
MUST_USE enum err loudest_choose(struct endpoint *ep, unsigned n, uint64_t now_us);
// It can be sent to now: its consumers get their places, in the group's order.
void loudest_fill(struct endpoint *ep, uint64_t now_us);
void loudest_endpoint_close(struct endpoint *ep); // before its consumers

// Whatever decides whether the consumer could be sent (but for the choice) may have changed: makes its
// receiver's choice anew as far as that matters, and answers whether it is chosen. Gates of other consumers
// of its receiver may change.
bool loudest_admits(struct consumer *c, bool sendable, uint64_t now_us);
void loudest_consumer_close(struct consumer *c, uint64_t now_us);
// A consumer has just become active: sends what its producer has been saying, as far as it is kept.
void loudest_send_preroll(struct consumer *c, uint64_t now_us);

#endif
