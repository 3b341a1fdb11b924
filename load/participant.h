// participant: one synthetic person: a WebSocket session, its transports, what it sends and receives. It goes
// through the join as a browser does and notes how long each part takes. One thread.
#ifndef LOAD_PARTICIPANT_H
#define LOAD_PARTICIPANT_H

#include "load/receiver.h"
#include "load/sender.h"
#include "load/ws_client.h"

#define PARTICIPANT_JOIN_US 30000000 // a join that is not done by then has failed
#define PARTICIPANT_WHY_MAX 256

enum participant_state {
    PARTICIPANT_CONNECTING, // WebSocket
    PARTICIPANT_JOINING,    // join-room sent
    PARTICIPANT_SETTING_UP, // transports
    PARTICIPANT_READY,
    PARTICIPANT_FAILED, // to be closed; `why` says what happened
};

struct participant;

// NULL: no memory.
struct participant *participant_open(struct load *load, const char *room, const char *username,
                                     bool publishes, uint64_t now_us);
// Leaves the room, if it is in one. Never from inside its own events. NULL is fine.
void participant_close(struct participant *p, uint64_t now_us);
// Timeouts and pauses; call some times a second.
void participant_advance(struct participant *p, uint64_t now_us);
enum participant_state participant_state(const struct participant *p);
const char *participant_why(const struct participant *p);
// The addresses for media that the server has offered so far; returns how many.
unsigned participant_offered(const struct participant *p, const struct addr **out);
bool participant_refused(const struct participant *p); // failed because the server refused the join
void participant_stop_media(struct participant *p);
void participant_measure(struct participant *p, uint64_t now_us);
void participant_sum(const struct participant *p, uint64_t now_us, struct tally *sum);

#endif
