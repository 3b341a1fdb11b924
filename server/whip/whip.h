// whip: WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) in front of the hub: HTTP requests with SDP turned
// into verbs (server/hub/hub_verbs.h), and events (server/hub/hub_events.h) into what their sessions hear.
//
// A session is a participant of its room like any other, whom a client speaks for that knows the session's
// address: 40 characters that nobody guesses. It ends with DELETE, when its path is silent for as long as
// others may be away, or when it is put out of its room.
//
// It touches no socket, no thread and no clock, and observes its hub. Control thread only. docs/whip.md is
// its contract.
#ifndef SERVER_WHIP_H
#define SERVER_WHIP_H

#include "server/common/net_address.h"
#include "server/hub/hub_verbs.h"
#include "server/sdp/sdp.h"

#define WHIP_WHY_MAX 256
#define WHIP_HEADERS_MAX 4096
#define WHIP_BODY_MAX SDP_BYTES_MAX // of a request
#define WHIP_STREAMS_MAX 4          // of events, of one session

enum whip_method { WHIP_GET, WHIP_POST, WHIP_PATCH, WHIP_DELETE, WHIP_OPTIONS, WHIP_OTHER };

struct whip_request {
    enum whip_method method;
    bool views;       // WHEP
    const char *path; // what follows "/whip/" or "/whep/", decoded
    struct span query;
    // Of header fields; ptr NULL: there is none.
    struct span content_type, authorization, if_match, accept;
    struct span body;
    struct net_address address; // whose request it is
    uint32_t late;              // the number of an answer that may come later; 0: it must come now
};

struct whip_answer {
    unsigned status;
    const char *content_type; // lives for ever; NULL: none
    char *body;               // from malloc, the caller's; NULL: none
    size_t len;
    char headers[WHIP_HEADERS_MAX]; // each with its CRLF
    uint32_t stream;                // not 0: the answer goes on, with what whip_io.stream_write brings
    bool later;                     // but for `headers` it comes later, by whip_io.answer_late
};

enum whip_note {
    WHIP_OPENED,      // a session that has no media path yet
    WHIP_CONNECTED,   // now it has
    WHIP_CLOSED,      // the end of one that never had
    WHIP_DISMISSED,   // of one that had
    WHIP_JOIN_FAILED, // no session came of it
};

struct whip_io {
    void *ctx;
    // The seconds that the address must wait before it may take this step; 0: it may now. NULL: always.
    unsigned (*admit)(void *ctx, const struct net_address *address, enum hub_step step);
    // Whether the address is the client's own; false: a proxy's that does not say for whom it speaks. NULL:
    // always.
    bool (*known)(void *ctx, const struct net_address *address);
    // What a token says; false: `why` (WHIP_WHY_MAX bytes) says what is wrong with it. NULL: nobody needs
    // one.
    bool (*verify)(void *ctx, const char *token, struct grants *out, char *why);
    // Whether one who comes without a token has to show a password to join that room by that name. NULL:
    // nobody has.
    bool (*password)(void *ctx, const char *room, const char *name);
    // For limits by address. False, of WHIP_OPENED: it has too many. NULL: nobody counts.
    bool (*note)(void *ctx, const struct net_address *address, enum whip_note note);
    // More of an answer that goes on. False: it cannot be, the reader is too slow or gone.
    bool (*stream_write)(void *ctx, uint32_t stream, const char *text, size_t len);
    void (*stream_end)(void *ctx, uint32_t stream);
    // The answer that was to come later, under whip_request.late. False: nobody waits for it any more. NULL:
    // none does.
    bool (*answer_late)(void *ctx, uint32_t late, unsigned status, const char *content_type, const char *text,
                        size_t len);
};

struct whip;

// NULL: no memory. The hub outlives it.
struct whip *whip_create(struct hub *hub, const struct whip_io *io, uint64_t now_us);
void whip_destroy(struct whip *whip); // tells nobody; NULL is fine

// One whole request; *answer is set whatever comes.
void whip_handle(struct whip *whip, const struct whip_request *request, struct whip_answer *answer,
                 uint64_t now_us);
// Nobody reads the stream any more.
void whip_stream_closed(struct whip *whip, uint32_t stream);

// Timers, and what events have left to do. Call at or after whip_next_us.
uint64_t whip_next_us(const struct whip *whip); // TIME_NEVER for none
void whip_advance(struct whip *whip, uint64_t now_us);

// X(member, type of the metric, its name, its help)
#define WHIP_COUNTERS(X)                                                                                     \
    X(publishers, "gauge", "rotunda_whip_sessions", "Sessions of WHIP: participants that send.")             \
    X(viewers, "gauge", "rotunda_whep_sessions", "Sessions of WHEP: participants that receive.")             \
    X(event_streams, "gauge", "rotunda_whep_event_streams", "Streams of events that viewers read.")          \
    X(requests, "counter", "rotunda_whip_requests_total", "Requests of WHIP and WHEP.")                      \
    X(refused, "counter", "rotunda_whip_refused_total", "Requests of WHIP and WHEP that were refused.")      \
    X(bad_sdp, "counter", "rotunda_whip_bad_sdp_total", "Session descriptions that were none.")

struct whip_counts {
#define WHIP_MEMBER(member, ...) uint64_t member;
    WHIP_COUNTERS(WHIP_MEMBER)
#undef WHIP_MEMBER
};
void whip_read_counts(const struct whip *whip, struct whip_counts *out);

#endif
